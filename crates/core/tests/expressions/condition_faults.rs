//! The texts of faults in conditions, and which fault comes first.

use crate::support::{compile, placeholders};
use pg_dynamo_core::expression::{Condition, ExpressionKind, Usage};

const GIVEN: &str = r##"{
    "#a":"a", "#size":"size",
    ":n":{"N":"1"}, ":n2":{"N":"2"}, ":s":{"S":"x"}, ":b":{"B":"YQ=="}, ":t":{"BOOL":true}, ":z":{"NULL":true},
    ":l":{"L":[]}, ":m":{"M":{}}, ":ss":{"SS":["x"]}, ":ns":{"NS":["1"]}, ":bs":{"BS":["YQ=="]}, ":type":{"S":"N"}
}"##;

fn fault(text: &str) -> String {
    let error = compile(text, GIVEN).map(|_| ()).expect_err(text);
    error
        .strip_prefix("Invalid ConditionExpression: ")
        .expect("the parameter is named")
        .to_string()
}

#[test]
fn syntax_errors_name_the_token_and_its_neighbours() {
    let cases = [
        ("a b c", "b", "a b c"),
        ("a > 4", "4", "> 4"),
        ("foo", "<EOF>", "foo"),
        ("foo AND a = :n", "AND", "foo AND a"),
        ("a = ", "<EOF>", "="),
        ("= :n", "=", "= :n"),
        ("a = = :n", "=", "= = :n"),
        ("a = :n AND", "<EOF>", "AND"),
        ("a = :n AND AND b = :n", "AND", "AND AND b"),
        ("a = :n b = :n", "b", ":n b ="),
        ("a != :n", "!", "a !="),
        ("attribute_exists(", "<EOF>", "("),
        ("attribute_exists()", ")", "()"),
        ("attribute_exists(a b)", "b", "a b)"),
        ("attribute_exists(x-y)", "-", "x-y"),
        ("attribute_exists(\"x\")", "\"", "(\"x"),
        ("attribute_exists(x..y)", ".", "..y"),
        ("attribute_exists(x[y])", "y", "[y]"),
        ("x[:n] = :n", ":n", "[:n]"),
        ("x[#a] = :n", "#a", "[#a]"),
        ("x[4.5] = :n", ".", "4.5"),
        ("x[] = :n", "]", "[] ="),
        ("a in :n, :n", ":n", "in :n,"),
        ("a IN ()", ")", "()"),
        ("a in (:n, )", ")", ", )"),
        ("a > between", "between", "> between"),
        ("a BETWEEN :n", "<EOF>", ":n"),
        ("a BETWEEN :n OR :n", "OR", ":n OR :n"),
        ("#$ = :n", "#", "#$"),
        ("a = :n.x", ".", ":n.x"),
        ("ü > :n", "ü", "ü >"),
        ("size(a).b > :n", ".", ").b"),
        ("(size(a)).b > :n", ".", ").b"),
        ("size(a)[0] > :n", "[", ")[0"),
        ("a = (:n).x", ".", ").x"),
        ("(a = :n", "<EOF>", ":n"),
        ("a = :n)", ")", ":n)"),
        ("(a = :n))", ")", "))"),
        ("a) = :n", ")", "a) ="),
        ("(NOT a) = :n", ")", "a) ="),
        ("NOT", "<EOF>", "NOT"),
        ("and = :n", "and", "and ="),
        ("_a = :n", "_", "_a"),
        ("\ta\n=\r\n:n x", "x", ":n x"),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, token, near)| {
            (
                text,
                fault(text),
                format!("Syntax error; token: \"{token}\", near: \"{near}\""),
            )
        })
        .filter(|(_, reported, expected)| reported != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_fault_has_its_text() {
    let cases = [
        ("", "The expression can not be empty;"),
        (" \n", "The expression can not be empty;"),
        ("((a = :n))", "The expression has redundant parentheses;"),
        (
            "a = :n AND ((b = :n OR c = :n))",
            "The expression has redundant parentheses;",
        ),
        ("a = ((:n))", "The expression has redundant parentheses;"),
        ("((a)) = :n", "The expression has redundant parentheses;"),
        (
            "attribute_exists(((a)))",
            "The expression has redundant parentheses;",
        ),
        (
            "(a)between(((b.c)).d)and(c)",
            "The expression has redundant parentheses;",
        ),
        ("dog(a) = :n", "Invalid function name; function: dog"),
        (
            "Attribute_Exists(a)",
            "Invalid function name; function: Attribute_Exists",
        ),
        (
            "if_not_exists(a, :n) = :n",
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        (
            "list_append(a, :l)",
            "The function is not allowed in a condition expression; function: list_append",
        ),
        (
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            "a = :n AND (size(b))",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            "attribute_exists(a) = :n",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "a IN (b, contains(c, :s))",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "size(begins_with(a, :s)) > :n",
            "The function is not allowed to be used this way in an expression; function: begins_with",
        ),
        (
            "size = :n",
            "Attribute name is a reserved keyword; reserved keyword: size",
        ),
        (
            "a.Status = :n",
            "Attribute name is a reserved keyword; reserved keyword: Status",
        ),
        (
            "#x = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "a = :x",
            "An expression attribute value used in expression is not defined; attribute value: :x",
        ),
        (
            "size(a, b) = :n",
            "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
        ),
        (
            "attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "begins_with(a)",
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
        ),
        (
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "begins_with(:ss, a)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: SS",
        ),
        (
            "begins_with(a, size(b))",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:t) = :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: BOOL",
        ),
        (
            "size(size(a)) = :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "a < :l",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
        (
            ":m >= a",
            "Incorrect operand type for operator or function; operator or function: >=, operand type: M",
        ),
        (
            "a BETWEEN :l AND :l",
            "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: L",
        ),
        (
            "attribute_type(a, :n)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
        (
            "attribute_type(a, b)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
        ),
        (
            "attribute_type(a, :s)",
            "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "attribute_exists(:n)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "a = a",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
        ),
        (
            "a > #a",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: >, first operand: [a]",
        ),
        (
            "contains(b.c[1].a, b.c[1].#a)",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [b, c, [1], a]",
        ),
        (
            "a BETWEEN :s AND :n",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a BETWEEN :n2 AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a[99999999999999999999] = :n",
            "List index is not within the allowable range; index: [99999999999999999999]",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected, "{text}");
    }
}

/// Each text has two faults; the one named in the second column is reported.
#[test]
fn the_first_of_several_faults() {
    let cases = [
        ("size = :n AND AND", "Syntax error"),
        ("((dog(a) = :n))", "redundant parentheses"),
        ("size(a) AND dog(b) = :n", "Invalid function name"),
        ("status = :n AND size(a)", "used this way"),
        ("a = :x AND status = :n", "reserved keyword"),
        (
            "size(a, b) = :n AND #x = :n",
            "Incorrect number of operands",
        ),
        (
            "size(#x, b) = :n",
            "name used in the document path is not defined",
        ),
        (
            "begins_with(:x, #x)",
            "value used in expression is not defined",
        ),
        (
            "begins_with(#x, :x)",
            "name used in the document path is not defined",
        ),
        ("contains(a, a) AND begins_with(a)", "must be distinct"),
        ("begins_with(a, :n) AND a = a", "Incorrect operand type"),
        ("a = a AND begins_with(a, :n)", "must be distinct"),
        (
            "attribute_exists(size(:n))",
            "Incorrect operand type for operator or function; operator or function: size",
        ),
        ("attribute_exists(size(:s))", "requires a document path"),
    ];
    for (text, expected) in cases {
        let reported = fault(text);
        assert!(reported.contains(expected), "{text}: {reported}");
    }
}

#[test]
fn the_parameter_is_named_after_the_kind() {
    let given = placeholders(GIVEN);
    for (kind, name) in [
        (ExpressionKind::Condition, "ConditionExpression"),
        (ExpressionKind::Filter, "FilterExpression"),
    ] {
        let error =
            Condition::compile(kind, "size = :n", &given, &mut Usage::default()).unwrap_err();
        assert!(
            error.message.starts_with(&format!("Invalid {name}: ")),
            "{}",
            error.message
        );
    }
}

#[test]
fn unused_placeholders_are_reported_names_first() {
    let given = placeholders(r##"{"#a":"a","#b":"b","#c":"c",":x":{"N":"1"},":y":{"N":"2"}}"##);
    let mut usage = Usage::default();
    Condition::compile(
        ExpressionKind::Condition,
        "#a = :x OR #a = :x",
        &given,
        &mut usage,
    )
    .unwrap();
    let error = usage.check_unused(&given).unwrap_err().message;
    assert_eq!(
        error,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}"
    );
    Condition::compile(
        ExpressionKind::Condition,
        "attribute_exists(#b) OR attribute_exists(#c)",
        &given,
        &mut usage,
    )
    .unwrap();
    let error = usage.check_unused(&given).unwrap_err().message;
    assert_eq!(
        error,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:y}"
    );
    Condition::compile(ExpressionKind::Condition, "d <> :y", &given, &mut usage).unwrap();
    usage.check_unused(&given).unwrap();
}
