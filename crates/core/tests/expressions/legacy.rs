//! Expected, AttributeUpdates, AttributesToGet, filters and key conditions of the first API.

use crate::support::{attributes, item, text, value};
use pg_dynamo_core::expression::SortCondition;
use pg_dynamo_core::legacy::{
    AttributeUpdate, ExpectedAttribute, LegacyCondition, attribute_updates, attributes_to_get,
    expected, filter, key_conditions,
};
use pg_dynamo_core::table::{KeyAttribute, ScalarType};
use std::collections::BTreeMap;

const SAMPLE: &str = r#"{"pk":{"S":"p"},"s":{"S":"hello"},"n":{"N":"5"},"l":{"L":[{"N":"1"}]},"ss":{"SS":["a","b"]},"z":{"NULL":true}}"#;

fn member(operator: Option<&str>, values: Option<&[&str]>) -> ExpectedAttribute {
    ExpectedAttribute {
        comparison_operator: operator.map(Into::into),
        attribute_value_list: values.map(|list| list.iter().map(|v| value(v)).collect()),
        ..Default::default()
    }
}

fn one(name: &str, member: ExpectedAttribute) -> Result<bool, String> {
    let stored = item(SAMPLE);
    let condition =
        expected(&BTreeMap::from([(name.to_string(), member)]), None).map_err(|e| e.message)?;
    Ok(condition.eval(Some(stored.as_item())).unwrap())
}

#[test]
fn comparison_operators() {
    let cases: [(&str, &str, &[&str], bool); 26] = [
        ("n", "EQ", &[r#"{"N":"5.0"}"#], true),
        ("n", "EQ", &[r#"{"S":"5"}"#], false),
        ("l", "EQ", &[r#"{"L":[{"N":"1"}]}"#], true),
        ("n", "NE", &[r#"{"N":"6"}"#], true),
        ("q", "NE", &[r#"{"N":"6"}"#], true),
        ("q", "EQ", &[r#"{"N":"6"}"#], false),
        ("n", "LT", &[r#"{"N":"6"}"#], true),
        ("n", "LE", &[r#"{"N":"5"}"#], true),
        ("n", "GT", &[r#"{"N":"5"}"#], false),
        ("n", "GE", &[r#"{"N":"5"}"#], true),
        ("n", "GE", &[r#"{"S":"5"}"#], false),
        ("q", "GE", &[r#"{"N":"5"}"#], false),
        ("z", "NULL", &[], false),
        ("q", "NULL", &[], true),
        ("z", "NOT_NULL", &[], true),
        ("q", "NOT_NULL", &[], false),
        ("s", "CONTAINS", &[r#"{"S":"ell"}"#], true),
        ("l", "CONTAINS", &[r#"{"N":"1"}"#], true),
        ("ss", "CONTAINS", &[r#"{"S":"a"}"#], true),
        ("s", "NOT_CONTAINS", &[r#"{"S":"zzz"}"#], true),
        ("s", "NOT_CONTAINS", &[r#"{"S":"ell"}"#], false),
        ("q", "NOT_CONTAINS", &[r#"{"S":"ell"}"#], false),
        ("s", "BEGINS_WITH", &[r#"{"S":"hel"}"#], true),
        ("n", "IN", &[r#"{"N":"1"}"#, r#"{"N":"5"}"#], true),
        ("n", "BETWEEN", &[r#"{"N":"1"}"#, r#"{"N":"5"}"#], true),
        ("n", "BETWEEN", &[r#"{"N":"6"}"#, r#"{"N":"7"}"#], false),
    ];
    for (name, operator, values, answer) in cases {
        assert_eq!(
            one(name, member(Some(operator), Some(values))),
            Ok(answer),
            "{name} {operator} {values:?}"
        );
    }
}

#[test]
fn value_and_exists() {
    let five = || Some(value(r#"{"N":"5"}"#));
    let with = |value, exists| ExpectedAttribute {
        value,
        exists,
        ..Default::default()
    };
    assert_eq!(one("n", with(five(), None)), Ok(true));
    assert_eq!(one("n", with(five(), Some(true))), Ok(true));
    assert_eq!(one("s", with(five(), None)), Ok(false));
    assert_eq!(one("q", with(None, Some(false))), Ok(true));
    assert_eq!(one("n", with(None, Some(false))), Ok(false));
    let operator = ExpectedAttribute {
        comparison_operator: Some("GT".into()),
        value: five(),
        ..Default::default()
    };
    assert_eq!(one("n", operator), Ok(false));
}

#[test]
fn faults_of_expected_have_their_texts() {
    let five = || Some(value(r#"{"N":"5"}"#));
    let list = |values: &[&str]| Some(values.iter().map(|v| value(v)).collect::<Vec<_>>());
    let n = r#"{"N":"1"}"#;
    let base = ExpectedAttribute::default;
    let cases = [
        (
            base(),
            "Value must be provided when Exists is null for Attribute: a",
        ),
        (
            ExpectedAttribute {
                exists: Some(true),
                ..base()
            },
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (
            ExpectedAttribute {
                exists: Some(false),
                value: five(),
                ..base()
            },
            "Value cannot be used when Exists is false for Attribute: a",
        ),
        (
            ExpectedAttribute {
                value: five(),
                attribute_value_list: list(&[n]),
                ..base()
            },
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            ExpectedAttribute {
                attribute_value_list: list(&[n]),
                ..base()
            },
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            ExpectedAttribute {
                exists: Some(true),
                ..member(Some("EQ"), Some(&[n]))
            },
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            member(Some("EQ"), None),
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            member(Some("EQ"), Some(&[n, n])),
            "Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            member(Some("NULL"), Some(&[n])),
            "Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
        (
            member(Some("IN"), Some(&[])),
            "Invalid number of argument(s) for the IN ComparisonOperator",
        ),
        (
            member(Some("BETWEEN"), Some(&[n, r#"{"S":"x"}"#])),
            "AttributeValues inside AttributeValueList must be of same type",
        ),
        (
            member(Some("LT"), Some(&[r#"{"L":[]}"#])),
            "ComparisonOperator LT is not valid for L AttributeValue type",
        ),
        (
            member(Some("BEGINS_WITH"), Some(&[n])),
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
    ];
    for (given, expected_text) in cases {
        let error = one("a", given).unwrap_err();
        assert_eq!(
            error,
            format!("One or more parameter values were invalid: {expected_text}")
        );
    }
    assert_eq!(
        one("a", member(Some("BETWEEN"), Some(&[r#"{"N":"2"}"#, n]))).unwrap_err(),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    );
}

#[test]
fn members_are_joined_by_the_conditional_operator() {
    let members = BTreeMap::from([
        ("n".to_string(), member(Some("EQ"), Some(&[r#"{"N":"5"}"#]))),
        (
            "s".to_string(),
            member(Some("EQ"), Some(&[r#"{"S":"no"}"#])),
        ),
    ]);
    let stored = item(SAMPLE);
    for (operator, answer) in [(None, false), (Some("AND"), false), (Some("OR"), true)] {
        let condition = expected(&members, operator).unwrap();
        assert_eq!(
            condition.eval(Some(stored.as_item())).unwrap(),
            answer,
            "{operator:?}"
        );
    }
    let single = BTreeMap::from([("q".to_string(), member(Some("NULL"), None))]);
    let error = expected(&single, Some("OR")).unwrap_err().message;
    assert_eq!(
        error,
        "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    );
    assert!(
        expected(&BTreeMap::new(), None)
            .unwrap()
            .eval(None)
            .unwrap()
    );
}

#[test]
fn filters_take_the_same_operators() {
    let condition = LegacyCondition {
        comparison_operator: "BEGINS_WITH".into(),
        attribute_value_list: Some(vec![value(r#"{"S":"he"}"#)]),
    };
    let found = filter(&BTreeMap::from([("s".to_string(), condition)]), None).unwrap();
    assert!(found.eval(Some(item(SAMPLE).as_item())).unwrap());
}

#[test]
fn attribute_updates_apply() {
    let change = |action: Option<&str>, v: Option<&str>| AttributeUpdate {
        action: action.map(Into::into),
        value: v.map(value),
    };
    let updates = BTreeMap::from([
        ("s".to_string(), change(None, Some(r#"{"S":"put"}"#))),
        ("n".to_string(), change(Some("ADD"), Some(r#"{"N":"-7"}"#))),
        (
            "l".to_string(),
            change(Some("ADD"), Some(r#"{"L":[{"N":"2"}]}"#)),
        ),
        (
            "ss".to_string(),
            change(Some("DELETE"), Some(r#"{"SS":["a","c"]}"#)),
        ),
        ("z".to_string(), change(Some("DELETE"), None)),
        (
            "new".to_string(),
            change(Some("ADD"), Some(r#"{"NS":["1"]}"#)),
        ),
        ("none".to_string(), change(Some("DELETE"), None)),
    ]);
    let update = attribute_updates(&updates).unwrap();
    let made = update
        .apply(Some(item(SAMPLE).as_item()), &Default::default())
        .unwrap();
    assert_eq!(
        text(made.as_item()),
        r#"{"l":{"L":[{"N":"1"},{"N":"2"}]},"n":{"N":"-2"},"new":{"NS":["1"]},"pk":{"S":"p"},"s":{"S":"put"},"ss":{"SS":["b"]}}"#
    );
    let shown = update.touched(item(SAMPLE).as_item()).unwrap().unwrap();
    assert!(!text(shown.as_item()).contains("pk"));
    let key = attributes(r#"{"pk":{"S":"new"}}"#);
    let nothing = attribute_updates(&BTreeMap::new())
        .unwrap()
        .apply(None, &key)
        .unwrap();
    assert_eq!(text(nothing.as_item()), r#"{"pk":{"S":"new"}}"#);
}

#[test]
fn faults_of_attribute_updates_have_their_texts() {
    let cases = [
        (
            None,
            None,
            "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            Some("ADD"),
            None,
            "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            Some("DELETE"),
            Some(r#"{"S":"x"}"#),
            "DELETE action with value is not supported for the type S",
        ),
        (
            Some("ADD"),
            Some(r#"{"BOOL":true}"#),
            "ADD action is not supported for the type BOOL",
        ),
    ];
    for (action, v, expected_text) in cases {
        let change = AttributeUpdate {
            action: action.map(Into::into),
            value: v.map(value),
        };
        let error = attribute_updates(&BTreeMap::from([("a".to_string(), change)]))
            .unwrap_err()
            .message;
        assert_eq!(
            error,
            format!("One or more parameter values were invalid: {expected_text}")
        );
    }
    let change = AttributeUpdate {
        action: Some("ADD".into()),
        value: Some(value(r#"{"N":"1"}"#)),
    };
    let update = attribute_updates(&BTreeMap::from([("s".to_string(), change)])).unwrap();
    let error = update
        .apply(Some(item(SAMPLE).as_item()), &Default::default())
        .unwrap_err()
        .message;
    assert_eq!(error, "Type mismatch for attribute to update");
}

#[test]
fn key_conditions_of_the_first_api() {
    let condition = |operator: &str, v: &str| LegacyCondition {
        comparison_operator: operator.into(),
        attribute_value_list: Some(vec![value(v)]),
    };
    let members = BTreeMap::from([
        ("pk".to_string(), condition("EQ", r#"{"S":"p"}"#)),
        ("sk".to_string(), condition("GE", r#"{"N":"3"}"#)),
    ]);
    let key = |name: &str, scalar| KeyAttribute {
        name: name.into(),
        scalar,
    };
    let (partition, sort) = ([key("pk", ScalarType::S)], [key("sk", ScalarType::N)]);
    let bound = key_conditions(&members, 2)
        .unwrap()
        .bind(&partition, &sort, &mut |_| Ok(()))
        .unwrap();
    assert_eq!(
        bound.sort,
        [SortCondition::Ge(value(r#"{"N":"3"}"#).encode())]
    );
    let error = key_conditions(&BTreeMap::new(), 2).unwrap_err().message;
    assert_eq!(error, "Conditions can be of length 1 or 2 only");
}

#[test]
fn attributes_to_get_are_named_once() {
    let error = attributes_to_get(&["a".into(), "b".into(), "a".into()])
        .unwrap_err()
        .message;
    assert_eq!(
        error,
        "One or more parameter values were invalid: Duplicate value in attribute name: a"
    );
    let projection = attributes_to_get(&["n".into(), "q".into()]).unwrap();
    assert_eq!(
        text(
            projection
                .project(item(SAMPLE).as_item())
                .unwrap()
                .as_item()
        ),
        r#"{"n":{"N":"5"}}"#
    );
}
