//! Request shapes as data and the one checker that walks them.
//!
//! DynamoDB looks at a request three times before it looks at a table: wrong JSON types anywhere
//! (SerializationException, the first one found), then broken constraints of the service model
//! (gathered, ten at most), then the rules of the operation. This file is the first two.
mod faults;

use crate::json::Json;
use crate::table::is_name;
use crate::value::json::{check_attributes_shape, check_field_shape, check_shape};
use crate::{ApiError, Result, limits};
use faults::Faults;

/// The type and the constraints of one member.
#[derive(Debug)]
pub enum Shape {
    Text(Text),
    /// Name of the number's Java class in error texts, smallest and largest value.
    Number(&'static str, i64, i64),
    /// Query's Limit: the fault names the member as the request does and does not repeat its value.
    QueryLimit,
    Boolean,
    List(List),
    /// Member values and the class name of a value.
    Map(&'static Shape, &'static str),
    Structure(&'static Structure),
    /// A map of attribute values.
    Attributes,
    AttributeValue,
    /// The table's name or ARN; see [`check`].
    TableName(TableNameRule),
    /// RequestItems of a batch: what it asks of each table, by the table's name or ARN.
    Tables(Tables),
}

#[derive(Debug)]
pub struct Text {
    pub min: usize,
    pub max: usize,
    /// Letters, digits, `_`, `-` and `.` only.
    pub name: bool,
    /// Empty: any text. In the order in which DynamoDB lists them.
    pub values: &'static [&'static str],
}

#[derive(Debug)]
pub struct List {
    pub member: &'static Shape,
    pub min: usize,
    pub max: usize,
}

#[derive(Debug)]
pub struct Tables {
    /// For the text that refuses an empty map.
    pub operation: &'static str,
    /// What is asked of one table, and the class name of that.
    pub request: &'static Shape,
    pub class: &'static str,
    /// How many requests one table may have, where each stands for a list of them.
    pub lengths: Option<(usize, usize)>,
}

#[derive(Debug)]
pub struct Structure {
    pub class: &'static str,
    /// In the order in which DynamoDB reports their faults.
    pub members: &'static [Member],
}

#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub shape: &'static Shape,
    pub required: bool,
}

/// How an operation treats a missing TableName.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableNameRule {
    /// Item operations: a missing name is one of the gathered faults.
    Item,
    /// Table operations: a missing name is reported alone and in other words.
    Table,
}

pub const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        required: true,
    }
}
pub const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        required: false,
    }
}

pub const TEXT: Shape = Shape::Text(Text {
    min: 0,
    max: usize::MAX,
    name: false,
    values: &[],
});

pub const fn text(min: usize, max: usize) -> Shape {
    Shape::Text(Text {
        min,
        max,
        name: false,
        values: &[],
    })
}
pub const fn name(min: usize, max: usize) -> Shape {
    Shape::Text(Text {
        min,
        max,
        name: true,
        values: &[],
    })
}
pub const fn one_of(values: &'static [&'static str]) -> Shape {
    Shape::Text(Text {
        min: 0,
        max: usize::MAX,
        name: false,
        values,
    })
}
pub const fn list(member: &'static Shape, min: usize, max: usize) -> Shape {
    Shape::List(List { member, min, max })
}

/// Checks a whole request. `null` members count as absent, unknown ones are ignored.
///
/// Err: SerializationException for a wrong JSON type anywhere, else ValidationException with every
/// broken constraint. A malformed TableName is reported alone: nothing else is looked at then.
pub fn check(structure: &Structure, request: &Json<'_>) -> Result<()> {
    if !matches!(request, Json::Object(_)) {
        return Err(ApiError::serialization(""));
    }
    if is_faultless(structure, request) {
        return Ok(());
    }
    check_members_types(structure, request)?;
    check_table_name(structure, request)?;
    check_some_table(structure, request)?;
    let mut faults = Faults::at("");
    faults.members(structure, request);
    faults.into_result()
}

/// Whether a request is seen at first sight to have no fault: the passes over all members are only for finding the
/// fault that comes first. False says nothing.
fn is_faultless(structure: &Structure, request: &Json<'_>) -> bool {
    let Json::Object(given) = request else {
        return false;
    };
    // A bit for each member; no structure has as many as 64.
    let bits = |wanted: &dyn Fn(&Member) -> bool| {
        let members = structure.members.iter().enumerate();
        members.fold(0_u64, |bits, (i, m)| {
            bits | (u64::from(wanted(m)) << (i % 64))
        })
    };
    let mut missing = bits(&|m| m.required);
    given.iter().all(|(name, value)| {
        let known = structure.members.iter().position(|m| m.name == name);
        known.is_none_or(|i| {
            missing &= !(1 << (i % 64));
            is_evidently(structure.members[i].shape, value)
        })
    }) && missing == 0
        && structure.members.len() <= 64
}

/// Whether a value has no fault, for the shapes of most members of most item operations. False says nothing.
fn is_evidently(shape: &Shape, value: &Json<'_>) -> bool {
    match (shape, value) {
        (Shape::Text(rule), Json::String(text)) => {
            (rule.min..=rule.max).contains(&text.len())
                && (rule.values.is_empty() || rule.values.contains(&text.as_ref()))
                && (!rule.name || is_name(text) && !text.is_empty())
                // Bounds count characters.
                && (rule.min == 0 && rule.max == usize::MAX || text.is_ascii())
        }
        (Shape::TableName(_), Json::String(text)) => is_table(text),
        (Shape::Number(_, min, max), Json::Number(literal)) => {
            literal.parse().is_ok_and(|n| (*min..=*max).contains(&n))
        }
        (Shape::QueryLimit, Json::Number(literal)) => literal.parse().is_ok_and(|n: i64| n >= 1),
        (Shape::Boolean, Json::Bool(_)) => true,
        (Shape::Attributes, Json::Object(_)) => check_attributes_shape(value).is_ok(),
        (Shape::Map(element, _), Json::Object(entries)) => entries
            .iter()
            .all(|(_, value)| is_evidently(element, value)),
        _ => false,
    }
}

/// A member that is there and not null.
pub fn member<'j, 'a>(request: &'j Json<'a>, name: &str) -> Option<&'j Json<'a>> {
    request.get(name).filter(|value| **value != Json::Null)
}

// --- JSON types ------------------------------------------------------------------------------

fn fault<T>(message: impl Into<String>) -> Result<T> {
    Err(ApiError::serialization(message))
}

fn check_members_types(structure: &Structure, value: &Json<'_>) -> Result<()> {
    for m in structure.members {
        if let Some(v) = member(value, m.name) {
            check_type(m.shape, v, Place::Field)?;
        }
    }
    Ok(())
}

/// Where a value stands: the texts for structures differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Field,
    Element,
}

const OBJECT_NOT_EXPECTED: &str = "Start of structure or map found where not expected";

/// A scalar where a list or map should be. Inside a list or map the service's own parser trips.
fn unexpected(place: Place) -> &'static str {
    match place {
        Place::Field => "Unexpected field type",
        Place::Element => {
            "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class \
             java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and \
             java.lang.Class are in module java.base of loader 'bootstrap')"
        }
    }
}

fn check_type(shape: &Shape, value: &Json<'_>, place: Place) -> Result<()> {
    if *value == Json::Null {
        return Ok(());
    }
    match shape {
        Shape::Text(_) | Shape::TableName(_) => check_scalar("String", value),
        Shape::Number(class, ..) => check_scalar(class, value),
        Shape::QueryLimit => check_scalar("Integer", value),
        Shape::Boolean => check_boolean(value),
        Shape::List(list) => match value {
            Json::Array(elements) => elements
                .iter()
                .try_for_each(|e| check_type(list.member, e, Place::Element)),
            Json::Object(_) => fault(OBJECT_NOT_EXPECTED),
            _ => fault(unexpected(place)),
        },
        Shape::Map(element, class)
        | Shape::Tables(Tables {
            request: element,
            class,
            ..
        }) => match value {
            Json::Object(entries) => entries
                .iter()
                .try_for_each(|(_, e)| check_type(element, e, Place::Element)),
            Json::Array(_) => fault(format!(
                "Unrecognized collection type java.util.Map<java.lang.String, {class}>"
            )),
            _ => fault("Unexpected field type"),
        },
        Shape::Structure(structure) => match value {
            Json::Object(_) => check_members_types(structure, value),
            Json::Array(_) => fault(format!(
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{}",
                structure.class
            )),
            _ if place == Place::Field => fault("Unexpected field type"),
            _ => fault("Unexpected value type in payload"),
        },
        Shape::Attributes if !matches!(value, Json::Object(_) | Json::Array(_)) => {
            fault(unexpected(place))
        }
        Shape::Attributes => check_attributes_shape(value),
        Shape::AttributeValue if place == Place::Field => check_field_shape(value),
        Shape::AttributeValue => check_shape(value),
    }
}

fn check_scalar(class: &str, value: &Json<'_>) -> Result<()> {
    let token = match value {
        Json::String(_) if class == "String" => return Ok(()),
        Json::Number(_) if class != "String" => return Ok(()),
        Json::String(_) => "STRING_VALUE",
        Json::Bool(true) => "TRUE_VALUE",
        Json::Bool(false) => "FALSE_VALUE",
        Json::Number(n) if n.contains(['.', 'e', 'E']) => "DECIMAL_VALUE",
        Json::Number(_) => "NUMBER_VALUE",
        Json::Array(_) => {
            return fault(format!(
                "Unrecognized collection type class java.lang.{class}"
            ));
        }
        Json::Object(_) | Json::Null => return fault(OBJECT_NOT_EXPECTED),
    };
    fault(format!("{token} cannot be converted to {class}"))
}

fn check_boolean(value: &Json<'_>) -> Result<()> {
    match value {
        Json::Bool(_) => Ok(()),
        Json::String(s) if boolean_word(s).is_some() => Ok(()),
        Json::String(_) => fault("Unexpected token received from parser"),
        _ => check_scalar("Boolean", value).and_then(|()| {
            fault(match value {
                Json::Number(n) if n.contains(['.', 'e', 'E']) => {
                    "DECIMAL_VALUE cannot be converted to Boolean"
                }
                _ => "NUMBER_VALUE cannot be converted to Boolean",
            })
        }),
    }
}

/// DynamoDB reads these strings as booleans, in any case.
pub fn boolean_word(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "1", "yes"].iter().any(is) {
        Some(true)
    } else if ["false", "0", "no"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

// --- Constraints -----------------------------------------------------------------------------

const MAX_ARN: usize = 1024;

fn check_table_name(structure: &Structure, request: &Json<'_>) -> Result<()> {
    let Some(rule) = structure.members.iter().find_map(|m| match m.shape {
        Shape::TableName(rule) => Some(*rule),
        _ => None,
    }) else {
        return Ok(());
    };
    let Some(text) = member(request, "TableName").and_then(Json::as_str) else {
        return match rule {
            TableNameRule::Item => Ok(()),
            TableNameRule::Table => Err(ApiError::validation(
                "The parameter 'TableName' is required but was not present in the request",
            )),
        };
    };
    check_table(text)
}

/// A table's name or ARN, alone. Err: ValidationException.
pub fn check_table(text: &str) -> Result<()> {
    if is_table(text) {
        return Ok(());
    }
    let mut faults = Faults::at("tableName");
    faults.table(text);
    faults.into_result()
}

/// A batch without a table is refused alone.
fn check_some_table(structure: &Structure, request: &Json<'_>) -> Result<()> {
    for m in structure.members {
        if let (Shape::Tables(tables), Some(Json::Object(entries))) =
            (m.shape, member(request, m.name))
            && entries.is_empty()
        {
            return Err(ApiError::validation(format!(
                "The requestItems parameter is required for {}",
                tables.operation
            )));
        }
    }
    Ok(())
}

/// Whether `text` is what a table may be called by: its name, or something that begins like an ARN.
fn is_table(text: &str) -> bool {
    if text.starts_with("arn:") {
        return text.len() <= MAX_ARN;
    }
    (limits::MIN_TABLE_NAME..=limits::MAX_TABLE_NAME).contains(&text.len()) && is_name(text)
}

/// A JSON number as a whole one: decimals lose their fraction, what does not fit is cut to the range.
pub fn integer(literal: &str) -> i64 {
    literal.parse().unwrap_or_else(|_| {
        // `as` saturates, and a literal beyond f64 parses as infinite.
        literal.parse::<f64>().map_or(0, |f| f.floor() as i64)
    })
}
