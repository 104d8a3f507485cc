//! Key conditions: what they mean and what they may not say.

use crate::support::{compile_key, value};
use pg_dynamo_core::expression::SortCondition;

const GIVEN: &str = r##"{"#p":"pk","#s":"sk",":p":{"S":"k"},":1":{"N":"1"},":2":{"N":"2"},":x":{"S":"x"},":l":{"L":[]}}"##;

#[test]
fn forms_of_a_key_condition() {
    let (one, two, x) = (
        value(r#"{"N":"1"}"#).encode(),
        value(r#"{"N":"2"}"#).encode(),
        value(r#"{"S":"x"}"#).encode(),
    );
    let cases = [
        ("pk = :p", None),
        (":p = pk", None),
        ("(pk = :p)", None),
        ("pk = :p AND sk = :1", Some(SortCondition::Eq(one.clone()))),
        ("sk < :1 and #p = :p", Some(SortCondition::Lt(one.clone()))),
        (
            "(#p = :p) AND (#s <= :1)",
            Some(SortCondition::Le(one.clone())),
        ),
        (
            "(pk = :p AND (sk > :1))",
            Some(SortCondition::Gt(one.clone())),
        ),
        ("pk = :p AND :1 > sk", Some(SortCondition::Lt(one.clone()))),
        (
            "pk = :p AND :1 <= (sk)",
            Some(SortCondition::Ge(one.clone())),
        ),
        (
            "pk = :p AND sk BETWEEN :1 AND :2",
            Some(SortCondition::Between(one, two)),
        ),
        (
            "sk between :x and :x AnD pk = :p",
            Some(SortCondition::Between(x.clone(), x.clone())),
        ),
        (
            "pk = :p AND begins_with(sk, :x)",
            Some(SortCondition::BeginsWith(x)),
        ),
    ];
    for (text, sort) in cases {
        let found = compile_key(text, GIVEN, Some("sk")).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(found.partition, [value(r#"{"S":"k"}"#).encode()], "{text}");
        assert_eq!(found.sort, Vec::from_iter(sort), "{text}");
    }
}

#[test]
fn each_fault_has_its_text() {
    let cases = [
        (
            "",
            "Invalid KeyConditionExpression: The expression can not be empty;",
        ),
        (
            "pk = :p AND",
            "Invalid KeyConditionExpression: Syntax error; token: \"<EOF>\", near: \"AND\"",
        ),
        (
            "pk = :q",
            "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :q",
        ),
        (
            "((pk = :p))",
            "Invalid KeyConditionExpression: The expression has redundant parentheses;",
        ),
        (
            "pk = :p AND begins_with(sk, :1)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "pk = :p AND sk BETWEEN :2 AND :1",
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "pk = :p OR sk = :1",
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            "NOT pk = :p",
            "Invalid operator used in KeyConditionExpression: NOT",
        ),
        (
            "pk = :p AND sk <> :1",
            "Invalid operator used in KeyConditionExpression: <>",
        ),
        (
            "pk = :p AND sk IN (:1)",
            "Invalid operator used in KeyConditionExpression: IN",
        ),
        (
            "pk = :p AND attribute_exists(sk)",
            "Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
        (
            "pk = :p AND contains(sk, :x)",
            "Invalid operator used in KeyConditionExpression: contains",
        ),
        (
            "pk = :p AND size(sk) = :1",
            "KeyConditionExpressions cannot contain nested operations",
        ),
        (
            "pk = :p AND sk.x = :1",
            "KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            "pk = sk",
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (
            ":p = :x",
            "Invalid condition in KeyConditionExpression: No key attribute specified",
        ),
        (
            ":1 BETWEEN sk AND :2",
            "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
        ),
        (
            "begins_with(:x, sk)",
            "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand",
        ),
        (
            "pk = :p AND sk > :1 AND sk < :2",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "pk = :p AND sk > :1 AND more < :2",
            "Conditions can be of length 1 or 2 only",
        ),
        ("sk = :1", "Query condition missed key schema element: pk"),
        ("more = :1", "Query condition missed key schema element: pk"),
        (
            "pk = :p AND more = :1",
            "Query condition missed key schema element: sk",
        ),
        ("pk > :p", "Query key condition not supported"),
        ("begins_with(pk, :p)", "Query key condition not supported"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            compile_key(text, GIVEN, Some("sk")).unwrap_err(),
            expected,
            "{text}"
        );
    }
    let error = compile_key("pk = :p AND sk = :1", GIVEN, None).unwrap_err();
    assert_eq!(error, "Query key condition not supported");
}
