//! What the item operations share: the expression parameters and their legacy forms.
use super::fields;
use super::shape::member;
use crate::expression::{
    Condition, ExpressionKind, KeyConditions, Placeholders, Projection, Update, Usage,
};
use crate::json::Json;
use crate::legacy::{self, AttributeUpdate, ExpectedAttribute, LegacyCondition};
use crate::table::{Account, TableRef};
use crate::value::json::{parse_value, read_attributes, read_checked_value};
use crate::value::{Attributes, Value};
use crate::{ApiError, Result, limits};
use std::collections::BTreeMap;

/// The parameters of one operation, in the order in which error texts list them.
pub struct Parameters {
    pub expressions: &'static [&'static str],
    /// Their legacy forms, which may not stand beside them.
    pub legacy: &'static [&'static str],
}

/// Expression and legacy parameters may not be mixed, names and values need an expression.
pub fn check_mixture(request: &Json<'_>, parameters: &Parameters) -> Result<()> {
    let given = |name: &&&'static str| member(request, name).is_some();
    let has_expression = parameters.expressions.iter().any(|name| given(&name));
    if has_expression && parameters.legacy.iter().any(|name| given(&name)) {
        let all = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().filter(given).copied().collect()
        };
        let (expressions, legacy) = (all(parameters.expressions), all(parameters.legacy));
        return Err(ApiError::validation(format!(
            "Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
            legacy.join(", "),
            expressions.join(", ")
        )));
    }
    if !has_expression && member(request, "ExpressionAttributeNames").is_some() {
        return Err(ApiError::validation(
            "ExpressionAttributeNames can only be specified when using expressions",
        ));
    }
    check_values_have_an_expression(request, parameters)
}

fn check_values_have_an_expression(request: &Json<'_>, parameters: &Parameters) -> Result<()> {
    if member(request, "ExpressionAttributeValues").is_none() {
        return Ok(());
    }
    let takers: Vec<&str> = parameters
        .expressions
        .iter()
        .filter(|name| **name != "ProjectionExpression")
        .copied()
        .collect();
    if takers.is_empty() || takers.iter().any(|name| member(request, name).is_some()) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "ExpressionAttributeValues can only be specified when using expressions: {} {} null",
        takers.join(" and "),
        if takers.len() > 1 { "are" } else { "is" }
    )))
}

/// The compiled expressions of a request.
#[derive(Debug, Default)]
pub struct Compiled {
    pub update: Option<Update>,
    pub condition: Option<Condition>,
    pub key_conditions: Option<KeyConditions>,
    pub filter: Option<Condition>,
    pub projection: Option<Projection>,
}

/// ExpressionAttributeNames and Values, then the expressions, then what no expression used.
pub fn compile(request: &Json<'_>) -> Result<Compiled> {
    if !may_have_expressions(request) {
        return Ok(Compiled::default());
    }
    let text = |name| fields::string(request, name);
    let placeholders = placeholders(request)?;
    let mut usage = Usage::default();
    let mut compiled = Compiled::default();
    if let Some(text) = text("UpdateExpression") {
        compiled.update = Some(Update::compile(text, &placeholders, &mut usage)?);
    }
    if let Some(text) = text("ConditionExpression") {
        let kind = ExpressionKind::Condition;
        compiled.condition = Some(Condition::compile(kind, text, &placeholders, &mut usage)?);
    }
    if let Some(text) = text("KeyConditionExpression") {
        let longest = longest_key_condition(request);
        let conditions = KeyConditions::compile(text, &placeholders, &mut usage, longest)?;
        compiled.key_conditions = Some(conditions);
    }
    if let Some(text) = text("FilterExpression") {
        let kind = ExpressionKind::Filter;
        compiled.filter = Some(Condition::compile(kind, text, &placeholders, &mut usage)?);
    }
    if let Some(text) = text("ProjectionExpression") {
        compiled.projection = Some(Projection::compile(text, &placeholders, &mut usage)?);
    }
    usage.check_unused(&placeholders)?;
    Ok(compiled)
}

/// Table, key and expressions of an action of a transaction that names an item by its key, and whose shape was checked.
pub fn of_action(
    action: &Json<'_>,
    account: &Account,
    parameters: &Parameters,
) -> Result<(TableRef, Attributes, Compiled)> {
    let table = TableRef::of_request(action, account)?;
    check_mixture(action, parameters)?;
    let key = read_attributes(action.get("Key").unwrap_or(&Json::Null))?;
    Ok((table, key, compile(action)?))
}

/// False: neither expressions nor what stands for names and values in them.
fn may_have_expressions(request: &Json<'_>) -> bool {
    let Json::Object(members) = request else {
        return false;
    };
    let named =
        |name: &str| name.ends_with("Expression") || name.starts_with("ExpressionAttribute");
    members.iter().any(|(name, _)| named(name))
}

fn placeholders(request: &Json<'_>) -> Result<Placeholders> {
    let mut found = Placeholders::default();
    if let Some(Json::Object(entries)) = member(request, "ExpressionAttributeNames") {
        check_keys(
            "ExpressionAttributeNames",
            '#',
            entries.iter().map(|e| &*e.0),
        )?;
        for (key, value) in entries {
            let name = attribute_name(key, value)?;
            found.names.insert(key.clone().into_owned(), name);
        }
    }
    if let Some(Json::Object(entries)) = member(request, "ExpressionAttributeValues") {
        check_keys(
            "ExpressionAttributeValues",
            ':',
            entries.iter().map(|e| &*e.0),
        )?;
        for (key, value) in entries {
            let value = parse_value(value).map_err(|e| {
                ApiError::validation(format!(
                    "ExpressionAttributeValues contains invalid value: {} for key {key}",
                    e.message
                ))
            })?;
            found
                .values
                .insert(key.clone().into_owned(), value.encode());
        }
    }
    Ok(found)
}

fn check_keys<'k>(
    parameter: &str,
    sigil: char,
    keys: impl ExactSizeIterator<Item = &'k str>,
) -> Result<()> {
    if keys.len() == 0 {
        return Err(ApiError::validation(format!(
            "{parameter} must not be empty"
        )));
    }
    for key in keys {
        let legal = key.strip_prefix(sigil).is_some_and(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if !legal {
            return Err(ApiError::validation(format!(
                "{parameter} contains invalid key: Syntax error; key: \"{key}\""
            )));
        }
        if key.len() > limits::MAX_PLACEHOLDER {
            return Err(ApiError::validation(format!(
                "{parameter} contains invalid key: The expression attribute map contains a key that is too long; key: \"{key}\""
            )));
        }
    }
    Ok(())
}

fn attribute_name(key: &str, value: &Json<'_>) -> Result<String> {
    let invalid = |reason: &str| {
        ApiError::validation(format!(
            "ExpressionAttributeNames contains invalid value: {reason} for key {key}"
        ))
    };
    let Some(name) = value.as_str() else {
        return Err(invalid("Attribute name must not be null"));
    };
    check_attribute_name(name).map_err(|e| invalid(&e.message))?;
    Ok(name.to_owned())
}

/// An attribute has a name of 1 to 65,535 bytes, in whichever parameter it stands.
pub fn check_attribute_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(ApiError::validation("Empty attribute name"));
    }
    if name.len() > limits::MAX_ATTRIBUTE_NAME {
        return Err(ApiError::validation(
            "Attribute name is too large, must be less than 65536 bytes",
        ));
    }
    Ok(())
}

/// `Expected` with `ConditionalOperator`; None when neither is given. An empty `Expected` is none.
pub fn expected(request: &Json<'_>) -> Result<Option<Condition>> {
    let operator = fields::string(request, "ConditionalOperator");
    let mut attributes = BTreeMap::new();
    if let Some(Json::Object(entries)) = member(request, "Expected") {
        for (name, expected) in entries {
            check_attribute_name(name)?;
            attributes.insert(name.clone().into_owned(), expected_attribute(expected)?);
        }
    }
    match operator {
        None if attributes.is_empty() => Ok(None),
        Some(_) if attributes.is_empty() => Err(operator_without_conditions()),
        _ => legacy::expected(&attributes, operator).map(Some),
    }
}

fn expected_attribute(expected: &Json<'_>) -> Result<ExpectedAttribute> {
    Ok(ExpectedAttribute {
        value: member(expected, "Value")
            .map(read_checked_value)
            .transpose()?,
        exists: fields::boolean(expected, "Exists"),
        comparison_operator: fields::string(expected, "ComparisonOperator").map(str::to_owned),
        attribute_value_list: value_list(expected)?,
    })
}

/// Conditions a key condition may have: only an index has keys of more than two attributes.
fn longest_key_condition(request: &Json<'_>) -> usize {
    match member(request, "IndexName") {
        None => 2,
        Some(_) => 2 * limits::MAX_INDEX_KEY_PARTS,
    }
}

/// `KeyConditions`; None when not given.
pub fn key_conditions(request: &Json<'_>) -> Result<Option<KeyConditions>> {
    match legacy_conditions(request, "KeyConditions")? {
        None => Ok(None),
        Some(found) => legacy::key_conditions(&found, longest_key_condition(request)).map(Some),
    }
}

/// `QueryFilter` or `ScanFilter` with `ConditionalOperator`; None when neither is given. An empty filter is none.
pub fn legacy_filter(request: &Json<'_>, parameter: &str) -> Result<Option<Condition>> {
    let operator = fields::string(request, "ConditionalOperator");
    match legacy_conditions(request, parameter)?.filter(|found| !found.is_empty()) {
        Some(found) => legacy::filter(&found, operator).map(Some),
        None if operator.is_none() => Ok(None),
        None => Err(operator_without_conditions()),
    }
}

fn operator_without_conditions() -> ApiError {
    ApiError::validation(
        "One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected",
    )
}

fn legacy_conditions(
    request: &Json<'_>,
    parameter: &str,
) -> Result<Option<BTreeMap<String, LegacyCondition>>> {
    let Some(Json::Object(entries)) = member(request, parameter) else {
        return Ok(None);
    };
    let mut found = BTreeMap::new();
    for (name, condition) in entries {
        check_attribute_name(name)?;
        let condition = LegacyCondition {
            comparison_operator: fields::string(condition, "ComparisonOperator")
                .unwrap_or_default()
                .to_owned(),
            attribute_value_list: value_list(condition)?,
        };
        found.insert(name.clone().into_owned(), condition);
    }
    Ok(Some(found))
}

/// `AttributeValueList` of a condition.
fn value_list(condition: &Json<'_>) -> Result<Option<Vec<Value>>> {
    let Some(Json::Array(elements)) = member(condition, "AttributeValueList") else {
        return Ok(None);
    };
    elements
        .iter()
        .map(read_checked_value)
        .collect::<Result<_>>()
        .map(Some)
}

/// `AttributeUpdates`; None when not given or empty.
pub fn attribute_updates(request: &Json<'_>) -> Result<Option<Update>> {
    let Some(Json::Object(entries)) = member(request, "AttributeUpdates") else {
        return Ok(None);
    };
    let mut updates = BTreeMap::new();
    for (name, update) in entries {
        check_attribute_name(name)?;
        let update = AttributeUpdate {
            value: member(update, "Value")
                .map(read_checked_value)
                .transpose()?,
            action: fields::string(update, "Action").map(str::to_owned),
        };
        updates.insert(name.clone().into_owned(), update);
    }
    if updates.is_empty() {
        return Ok(None);
    }
    legacy::attribute_updates(&updates).map(Some)
}

/// `AttributesToGet`; None when not given.
pub fn attributes_to_get(request: &Json<'_>) -> Result<Option<Projection>> {
    let Some(Json::Array(elements)) = member(request, "AttributesToGet") else {
        return Ok(None);
    };
    let mut names: Vec<String> = Vec::with_capacity(elements.len());
    for name in elements.iter().filter_map(Json::as_str) {
        check_attribute_name(name)?;
        if names.iter().any(|n| n == name) {
            return Err(ApiError::validation(format!(
                "One or more parameter values were invalid: Duplicate value in attribute name: {name}"
            )));
        }
        names.push(name.to_owned());
    }
    Ok(Some(Projection::from_attribute_names(&names)))
}
