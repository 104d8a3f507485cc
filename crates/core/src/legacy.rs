//! The parameters that came before expressions (Expected, AttributeUpdates, AttributesToGet, KeyConditions,
//! QueryFilter, ScanFilter), turned into what expressions compile to. The request layer fills the plain
//! structures here from JSON, values already validated.
//!
//! Where several members are wrong the first in order of the attribute names is reported; the service takes
//! the order of a hash map.

use crate::{
    ApiError, Result,
    expression::{
        Condition, KeyConditions, Projection, SortCondition, Update,
        ast::{Comparator, Logic},
        path::DocPath,
        test::{Source, Test},
        update::{Act, Change, Expr},
    },
    value::{AvBuf, Value, ValueType},
};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One member of `Expected`, as the request carried it. `attribute_value_list: Some(vec![])` and `None` differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpectedAttribute {
    pub value: Option<Value>,
    pub exists: Option<bool>,
    /// One of the thirteen operators; the request layer has refused others.
    pub comparison_operator: Option<String>,
    pub attribute_value_list: Option<Vec<Value>>,
}
/// One member of `AttributeUpdates`. `action`: PUT (default), ADD, DELETE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeUpdate {
    pub value: Option<Value>,
    pub action: Option<String>,
}
/// One member of `KeyConditions`, `QueryFilter` or `ScanFilter`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyCondition {
    pub comparison_operator: String,
    pub attribute_value_list: Option<Vec<Value>>,
}

/// "One or more parameter values were invalid: …".
fn invalid(what: String) -> ApiError {
    ApiError::validation(format!("One or more parameter values were invalid: {what}"))
}

/// `Expected` with `ConditionalOperator` ("AND", the default, or "OR").
///
/// Err: ValidationException for members that contradict each other or take other numbers or types of values.
pub fn expected(
    members: &BTreeMap<String, ExpectedAttribute>,
    conditional_operator: Option<&str>,
) -> Result<Condition> {
    let mut tests = Vec::with_capacity(members.len());
    for (name, member) in members {
        tests.push(expected_member(name, member)?);
    }
    join(tests, conditional_operator)
}

fn expected_member(name: &str, member: &ExpectedAttribute) -> Result<Logic<Test>> {
    if member.attribute_value_list.is_some() && member.value.is_some() {
        return Err(invalid(format!(
            "Value and AttributeValueList cannot be used together for Attribute: {name}"
        )));
    }
    let Some(operator) = &member.comparison_operator else {
        return expected_value(name, member);
    };
    if member.exists.is_some() {
        return Err(invalid(format!(
            "Exists and ComparisonOperator cannot be used together for Attribute: {name}"
        )));
    }
    let single;
    let values: &[Value] = match (&member.attribute_value_list, &member.value) {
        (Some(list), _) => list,
        (None, Some(value)) => {
            single = [value.clone()];
            &single
        }
        (None, None) if matches!(operator.as_str(), "NULL" | "NOT_NULL") => &[],
        (None, None) => {
            return Err(invalid(format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {operator} for Attribute: {name}"
            )));
        }
    };
    comparison(name, operator, values)
}

/// The oldest form: Value and Exists without an operator.
fn expected_value(name: &str, member: &ExpectedAttribute) -> Result<Logic<Test>> {
    if member.attribute_value_list.is_some() {
        return Err(invalid(format!(
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
        )));
    }
    let path = DocPath::top(name);
    match (member.exists, &member.value) {
        (None | Some(true), Some(value)) => Ok(Logic::Test(compare(path, Comparator::Eq, value))),
        (Some(false), None) => Ok(Logic::Test(Test::NotExists(path))),
        (Some(false), Some(_)) => Err(invalid(format!(
            "Value cannot be used when Exists is false for Attribute: {name}"
        ))),
        (exists, None) => {
            let exists = exists.map_or("null", |_| "true");
            Err(invalid(format!(
                "Value must be provided when Exists is {exists} for Attribute: {name}"
            )))
        }
    }
}

/// `QueryFilter` or `ScanFilter` with `ConditionalOperator`.
pub fn filter(
    members: &BTreeMap<String, LegacyCondition>,
    conditional_operator: Option<&str>,
) -> Result<Condition> {
    let mut tests = Vec::with_capacity(members.len());
    for (name, member) in members {
        let values = member.attribute_value_list.as_deref().unwrap_or(&[]);
        tests.push(comparison(name, &member.comparison_operator, values)?);
    }
    join(tests, conditional_operator)
}

fn join(tests: Vec<Logic<Test>>, conditional_operator: Option<&str>) -> Result<Condition> {
    if conditional_operator.is_some() && tests.len() < 2 {
        return Err(ApiError::validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ));
    }
    // No members at all hold always.
    let any = conditional_operator == Some("OR") && !tests.is_empty();
    Ok(Condition::new(if any {
        Logic::Or(tests)
    } else {
        Logic::And(tests)
    }))
}

fn compare(path: DocPath, comparator: Comparator, value: &Value) -> Test {
    Test::Compare(
        Source::Path(path),
        comparator,
        Source::Value(value.encode()),
    )
}

/// A comparison operator with its values: how many there are, of one type, of a type it takes.
fn check_values(operator: &str, values: &[Value]) -> Result<()> {
    let right_number = match operator {
        "NULL" | "NOT_NULL" => values.is_empty(),
        "BETWEEN" => values.len() == 2,
        "IN" => !values.is_empty(),
        _ => values.len() == 1,
    };
    if !right_number {
        return Err(invalid(format!(
            "Invalid number of argument(s) for the {operator} ComparisonOperator"
        )));
    }
    let Some(kind) = values.first().map(Value::value_type) else {
        return Ok(());
    };
    if values.iter().any(|value| value.value_type() != kind) {
        return Err(invalid(
            "AttributeValues inside AttributeValueList must be of same type".into(),
        ));
    }
    let scalar = matches!(kind, ValueType::S | ValueType::N | ValueType::B);
    let takes = match operator {
        "EQ" | "NE" => true,
        "BEGINS_WITH" => matches!(kind, ValueType::S | ValueType::B),
        _ => scalar,
    };
    if !takes {
        let kind = kind.name();
        return Err(invalid(format!(
            "ComparisonOperator {operator} is not valid for {kind} AttributeValue type"
        )));
    }
    check_range(operator, values)
}

fn check_range(operator: &str, values: &[Value]) -> Result<()> {
    if let ("BETWEEN", [low, high]) = (operator, values)
        && low.encode().as_av().partial_cmp(high.encode().as_av())? == Some(Ordering::Greater)
    {
        return Err(ApiError::validation(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ));
    }
    Ok(())
}

/// A missing attribute fails every operator but NULL and NE: neither CONTAINS nor NOT_CONTAINS holds.
fn comparison(name: &str, operator: &str, values: &[Value]) -> Result<Logic<Test>> {
    check_values(operator, values)?;
    let path = DocPath::top(name);
    let source = Source::Path(path.clone());
    let literal = |value: &Value| Source::Value(value.encode());
    let test = match (operator, values) {
        ("NULL", _) => Test::NotExists(path),
        ("NOT_NULL", _) => Test::Exists(path),
        ("IN", list) => Test::In(source, list.iter().map(literal).collect()),
        ("BETWEEN", [low, high]) => Test::Between(source, literal(low), literal(high)),
        ("CONTAINS", [value]) => Test::Contains(source, literal(value)),
        ("NOT_CONTAINS", [value]) => {
            let contains = Logic::Test(Test::Contains(source, literal(value)));
            return Ok(Logic::And(vec![
                Logic::Test(Test::Exists(path)),
                Logic::Not(Box::new(contains)),
            ]));
        }
        ("BEGINS_WITH", [value]) => Test::BeginsWith(source, literal(value)),
        (other, [value]) => match comparator(other) {
            Some(comparator) => Test::Compare(source, comparator, literal(value)),
            None => return Err(unknown_operator(other)),
        },
        (other, _) => return Err(unknown_operator(other)),
    };
    Ok(Logic::Test(test))
}

fn comparator(operator: &str) -> Option<Comparator> {
    Some(match operator {
        "EQ" => Comparator::Eq,
        "NE" => Comparator::Ne,
        "LT" => Comparator::Lt,
        "LE" => Comparator::Le,
        "GT" => Comparator::Gt,
        "GE" => Comparator::Ge,
        _ => return None,
    })
}

/// The request layer refuses such an operator with the service's enumeration; this is its safety net.
fn unknown_operator(operator: &str) -> ApiError {
    invalid(format!("Unknown ComparisonOperator: {operator}"))
}

/// `KeyConditions`, not yet bound to a table's key; `longest`: as of [`KeyConditions::compile`].
pub fn key_conditions(
    members: &BTreeMap<String, LegacyCondition>,
    longest: usize,
) -> Result<KeyConditions> {
    let mut conditions = Vec::with_capacity(members.len());
    for (name, member) in members {
        let values = member.attribute_value_list.as_deref().unwrap_or(&[]);
        check_values(&member.comparison_operator, values)?;
        conditions.push((
            name.clone(),
            key_condition(&member.comparison_operator, values),
        ));
    }
    KeyConditions::of(conditions, longest)
}

/// None for an operator that no index answers.
fn key_condition(operator: &str, values: &[Value]) -> Option<SortCondition> {
    Some(match (operator, values) {
        ("BETWEEN", [low, high]) => SortCondition::Between(low.encode(), high.encode()),
        ("BEGINS_WITH", [value]) => SortCondition::BeginsWith(value.encode()),
        ("EQ", [value]) => SortCondition::Eq(value.encode()),
        ("LT", [value]) => SortCondition::Lt(value.encode()),
        ("LE", [value]) => SortCondition::Le(value.encode()),
        ("GT", [value]) => SortCondition::Gt(value.encode()),
        ("GE", [value]) => SortCondition::Ge(value.encode()),
        _ => return None,
    })
}

/// `AttributeUpdates`. An empty map changes nothing.
///
/// Err: ValidationException for a missing value and for types ADD and DELETE do not take.
pub fn attribute_updates(members: &BTreeMap<String, AttributeUpdate>) -> Result<Update> {
    let mut changes = Vec::with_capacity(members.len());
    for (name, member) in members {
        changes.push(Change {
            path: DocPath::top(name),
            action: action(member)?,
        });
    }
    Ok(Update::from_attribute_updates(changes))
}

fn action(member: &AttributeUpdate) -> Result<Act> {
    let action = member.action.as_deref().unwrap_or("PUT");
    let Some(value) = &member.value else {
        return match action {
            "DELETE" => Ok(Act::Remove),
            _ => Err(invalid(
                "Only DELETE action is allowed when no attribute value is specified".into(),
            )),
        };
    };
    let kind = value.value_type();
    let set = matches!(kind, ValueType::Ss | ValueType::Ns | ValueType::Bs);
    let encoded: AvBuf = value.encode();
    match action {
        "DELETE" if set => Ok(Act::Delete(encoded)),
        "DELETE" => Err(invalid(format!(
            "DELETE action with value is not supported for the type {}",
            kind.name()
        ))),
        "ADD" if set || matches!(kind, ValueType::N | ValueType::L) => Ok(Act::Add(encoded)),
        "ADD" => Err(invalid(format!(
            "ADD action is not supported for the type {}",
            kind.name()
        ))),
        _ => Ok(Act::Set(Expr::Value(encoded))),
    }
}

/// `AttributesToGet`: top-level names, each once.
pub fn attributes_to_get(names: &[String]) -> Result<Projection> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(invalid(format!(
                "Duplicate value in attribute name: {name}"
            )));
        }
    }
    Ok(Projection::from_attribute_names(names))
}
