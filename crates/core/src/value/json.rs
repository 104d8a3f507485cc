//! DynamoDB JSON: {"S":"x"}, {"N":"1"}, {"M":{...}} ...
//!
//! Reading has two passes, because DynamoDB reports a wrong JSON type anywhere in a request
//! (SerializationException) before any wrong value (ValidationException): the `check_*` functions are
//! the first, [`parse_value`] and [`parse_attributes`] the second (they repeat the first where it
//! matters, so they are safe alone).
use super::bytes::inner_depth;
use super::number_key::write_key_as_text;
use super::plain::write_array;
use super::{
    Attributes, Av, Item, ListRef, MAX_VALUE_DEPTH, MapRef, Number, SetRef, Value, ValueType,
    nesting_error,
};
use crate::json::{Json, write_contents};
use crate::{ApiError, ErrorKind, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;
use std::collections::BTreeSet;

type Members<'j, 'a> = &'j [(Cow<'a, str>, Json<'a>)];

fn shape<T>(message: impl Into<String>) -> Result<T> {
    Err(ApiError::new(ErrorKind::Serialization, message))
}

fn invalid<T>(message: &str) -> Result<T> {
    Err(ApiError::validation(format!(
        "One or more parameter values were invalid: {message}"
    )))
}

const STRUCTURE: &str = "Start of structure or map found where not expected";
const VALUE_CLASS: &str = "com.amazonaws.dynamodb.v20120810.AttributeValue";

/// How a scalar token is called in a SerializationException.
fn token(j: &Json<'_>) -> &'static str {
    match j {
        Json::Bool(true) => "TRUE_VALUE",
        Json::Bool(false) => "FALSE_VALUE",
        Json::Number(n) if n.contains(['.', 'e', 'E']) => "DECIMAL_VALUE",
        Json::Number(_) => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    }
}

/// Shape of an attribute value inside a map or list. `null` counts as absent. Err: SerializationException.
pub fn check_shape(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Null => Ok(()),
        Json::Object(members) => check_members(members),
        Json::Array(_) => shape(format!("Unrecognized collection type class {VALUE_CLASS}")),
        _ => shape("Unexpected value type in payload"),
    }
}

/// Shape of an attribute value that is a named member of a structure (`Expected.x.Value`).
pub fn check_field_shape(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Bool(_) | Json::Number(_) | Json::String(_) => shape("Unexpected field type"),
        _ => check_shape(j),
    }
}

/// Shape of a map of attribute values: an item, a key, ExpressionAttributeValues.
pub fn check_attributes_shape(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Null => Ok(()),
        Json::Object(members) => members.iter().try_for_each(|(_, value)| check_shape(value)),
        Json::Array(_) => shape(format!(
            "Unrecognized collection type java.util.Map<java.lang.String, {VALUE_CLASS}>"
        )),
        _ => shape("Unexpected field type"),
    }
}

fn check_members(members: Members<'_, '_>) -> Result<()> {
    for (name, value) in members {
        match ValueType::from_name(name) {
            // Unknown members are ignored.
            None => {}
            Some(ValueType::S | ValueType::N) => check_string(value)?,
            Some(ValueType::B) => check_blob(value)?,
            Some(ValueType::Bool | ValueType::Null) => check_bool(value)?,
            Some(ValueType::M) => check_attributes_shape(value)?,
            Some(ValueType::L) => check_list(value, check_shape)?,
            Some(ValueType::Ss | ValueType::Ns) => check_list(value, check_string)?,
            Some(ValueType::Bs) => check_list(value, check_blob)?,
        }
    }
    Ok(())
}

fn check_string(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Null | Json::String(_) => Ok(()),
        Json::Array(_) => shape("Unrecognized collection type class java.lang.String"),
        Json::Object(_) => shape(STRUCTURE),
        scalar => shape(format!("{} cannot be converted to String", token(scalar))),
    }
}

fn check_bool(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Null | Json::Bool(_) => Ok(()),
        Json::String(s) if bool_from_text(s).is_some() => Ok(()),
        Json::String(_) => shape("Unexpected token received from parser"),
        Json::Array(_) => shape("Unrecognized collection type class java.lang.Boolean"),
        Json::Object(_) => shape(STRUCTURE),
        number => shape(format!("{} cannot be converted to Boolean", token(number))),
    }
}

/// DynamoDB reads these strings as booleans, in any case.
fn bool_from_text(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "1", "yes"].iter().any(is) {
        Some(true)
    } else if ["false", "0", "no"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}

fn check_list(j: &Json<'_>, element: fn(&Json<'_>) -> Result<()>) -> Result<()> {
    match j {
        Json::Null => Ok(()),
        Json::Array(elements) => elements.iter().try_for_each(element),
        Json::Object(_) => shape(STRUCTURE),
        _ => shape("Unexpected field type"),
    }
}

fn check_blob(j: &Json<'_>) -> Result<()> {
    match j {
        Json::Null => Ok(()),
        Json::String(text) => check_base64(text),
        Json::Array(_) => shape("Unrecognized collection type class java.nio.ByteBuffer"),
        Json::Object(_) => shape(STRUCTURE),
        _ => shape("only base-64-encoded strings are convertible to bytes"),
    }
}

/// The standard alphabet with padding; the bits that the last character leaves over must be zero.
fn check_base64(text: &str) -> Result<()> {
    let length = text.chars().count();
    if !length.is_multiple_of(4) {
        return shape(format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {length}"
        ));
    }
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if let Some(stranger) = text.chars().find(|c| !in_alphabet(*c)) {
        return shape(format!("Invalid Base64 character: '{stranger}'"));
    }
    let data = text.strip_suffix('=').unwrap_or(text);
    let data = data.strip_suffix('=').unwrap_or(data).as_bytes();
    let spare_bits = match data.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => 0xFF,
    };
    let last = data.last().map_or(0, |c| sextet(*c));
    if data.contains(&b'=') || last & spare_bits != 0 || spare_bits == 0xFF {
        return shape("Invalid last non-pad Base64 character dectected");
    }
    Ok(())
}

fn sextet(c: u8) -> u8 {
    match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    }
}

/// One attribute value. Shape faults (wrong JSON type) are SerializationException; content faults ValidationException
/// ("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes", "… has more than one datatypes set …",
/// number faults, duplicate or empty sets, nesting over 32 …).
pub fn parse_value(j: &Json<'_>) -> Result<Value> {
    check_shape(j)?;
    read_value(j, MAX_VALUE_DEPTH)
}

/// A map of attribute values; errors as [`parse_value`]. The last of equal names counts.
pub fn parse_attributes(j: &Json<'_>) -> Result<Attributes> {
    check_attributes_shape(j)?;
    read_attributes(j)
}

/// The content pass alone, for a value whose shape has been checked.
pub fn read_checked_value(j: &Json<'_>) -> Result<Value> {
    read_value(j, MAX_VALUE_DEPTH)
}

/// The content pass alone, for a map whose shape has been checked. `null` is an empty map.
pub fn read_attributes(j: &Json<'_>) -> Result<Attributes> {
    match j {
        Json::Object(members) => read_map(members, MAX_VALUE_DEPTH),
        _ => Ok(Attributes::new()),
    }
}

fn read_map(members: Members<'_, '_>, depth: usize) -> Result<Attributes> {
    let mut entries = Attributes::new();
    for (name, value) in members {
        entries.insert(name.clone().into_owned(), read_value(value, depth)?);
    }
    Ok(entries)
}

/// The order in which DynamoDB looks at the members of one attribute value.
const READ_ORDER: [ValueType; 10] = [
    ValueType::S,
    ValueType::B,
    ValueType::N,
    ValueType::Bool,
    ValueType::Null,
    ValueType::Bs,
    ValueType::Ns,
    ValueType::Ss,
    ValueType::L,
    ValueType::M,
];

fn read_value(j: &Json<'_>, depth: usize) -> Result<Value> {
    if let Json::Object(members) = j
        && let [(name, member)] = members.as_slice()
        && !matches!(member, Json::Null)
        && let Some(value_type) = ValueType::from_name(name)
    {
        return read_member(value_type, member, depth);
    }
    let mut read = None;
    let mut several = false;
    for value_type in READ_ORDER {
        match j.get(value_type.name()) {
            None | Some(Json::Null) => {}
            Some(member) => {
                several |= read.is_some();
                read = Some(read_member(value_type, member, depth)?);
            }
        }
    }
    let fault = match read {
        Some(value) if !several => return Ok(value),
        Some(_) => {
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
        }
        None => {
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        }
    };
    Err(ApiError::validation(fault))
}

fn read_member(value_type: ValueType, j: &Json<'_>, depth: usize) -> Result<Value> {
    Ok(match (value_type, j) {
        (ValueType::S, Json::String(s)) => Value::S(s.clone().into_owned()),
        (ValueType::N, Json::String(s)) => Value::N(Number::parse(s)?),
        (ValueType::B, Json::String(s)) => Value::B(decode_base64(s)?),
        (ValueType::Bool, _) => Value::Bool(read_bool(j)?),
        (ValueType::Null, _) if read_bool(j)? => Value::Null,
        (ValueType::Null, _) => {
            return invalid("Null attribute value types must have the value of true");
        }
        (ValueType::M, Json::Object(members)) => Value::M(read_map(
            members,
            depth.checked_sub(1).ok_or_else(nesting_error)?,
        )?),
        (ValueType::L, Json::Array(elements)) => {
            let depth = depth.checked_sub(1).ok_or_else(nesting_error)?;
            let values = elements.iter().map(|element| read_value(element, depth));
            Value::L(values.collect::<Result<_>>()?)
        }
        (ValueType::Ss, Json::Array(elements)) => read_string_set(elements)?,
        (ValueType::Ns, Json::Array(elements)) => read_number_set(elements)?,
        (ValueType::Bs, Json::Array(elements)) => read_binary_set(elements)?,
        // Only for a caller that skipped the shape pass.
        _ => return shape("Unexpected field type"),
    })
}

fn read_bool(j: &Json<'_>) -> Result<bool> {
    let read = match j {
        Json::Bool(b) => Some(*b),
        Json::String(s) => bool_from_text(s),
        _ => None,
    };
    read.map_or_else(|| shape("Unexpected token received from parser"), Ok)
}

fn decode_base64(text: &str) -> Result<Vec<u8>> {
    let decoded = STANDARD.decode(text);
    decoded.or_else(|_| shape("Invalid last non-pad Base64 character dectected"))
}

/// A null in a set reads as an empty member.
fn texts<'j>(elements: &'j [Json<'_>]) -> impl Iterator<Item = &'j str> {
    elements.iter().map(|j| j.as_str().unwrap_or_default())
}

/// The collection as DynamoDB shows it in the text about duplicates: as given, not sorted.
fn listed(elements: &[Json<'_>]) -> String {
    format!("[{}]", texts(elements).collect::<Vec<_>>().join(", "))
}

fn read_string_set(elements: &[Json<'_>]) -> Result<Value> {
    if elements.is_empty() {
        return invalid("An string set  may not be empty");
    }
    let set: BTreeSet<String> = texts(elements).map(str::to_owned).collect();
    if set.len() != elements.len() {
        let listed = listed(elements);
        return invalid(&format!("Input collection {listed} contains duplicates."));
    }
    Ok(Value::Ss(set))
}

fn read_number_set(elements: &[Json<'_>]) -> Result<Value> {
    if elements.is_empty() {
        return invalid("An number set  may not be empty");
    }
    let set = texts(elements)
        .map(Number::parse)
        .collect::<Result<BTreeSet<_>>>()?;
    if set.len() != elements.len() {
        return Err(ApiError::validation("Input collection contains duplicates"));
    }
    Ok(Value::Ns(set))
}

fn read_binary_set(elements: &[Json<'_>]) -> Result<Value> {
    if elements.is_empty() {
        return invalid("Binary sets should not be empty");
    }
    let set = texts(elements)
        .map(decode_base64)
        .collect::<Result<BTreeSet<_>>>()?;
    if set.len() != elements.len() {
        let listed = listed(elements);
        return invalid(&format!(
            "Input collection {listed}of type BS contains duplicates."
        ));
    }
    Ok(Value::Bs(set))
}

pub(super) fn write_base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// Appends DynamoDB JSON straight from stored bytes.
pub fn write_av(out: &mut String, v: Av<'_>) -> Result<()> {
    write_value(out, v, MAX_VALUE_DEPTH)
}

/// Appends {"Name":{"S":..},...}, names sorted.
pub fn write_item(out: &mut String, i: Item<'_>) -> Result<()> {
    // Most items take less; growing in steps would move the text again and again.
    out.reserve(i.bytes().len() * 2);
    write_map(out, i.map(), MAX_VALUE_DEPTH)
}

fn write_map(out: &mut String, map: MapRef<'_>, depth: usize) -> Result<()> {
    out.push('{');
    let mut before = "\"";
    for entry in map.entries()? {
        let (name, value) = entry?;
        out.push_str(before);
        before = ",\"";
        write_contents(out, name)?;
        out.push_str("\":");
        write_value(out, value, depth)?;
    }
    out.push('}');
    Ok(())
}

fn write_value(out: &mut String, v: Av<'_>, depth: usize) -> Result<()> {
    let payload = v.payload();
    match v.value_type()? {
        ValueType::S => {
            out.push_str("{\"S\":\"");
            write_contents(out, payload)?;
            out.push('"');
        }
        ValueType::N => {
            out.push_str("{\"N\":");
            write_number(out, payload)?;
        }
        ValueType::B => {
            out.push_str("{\"B\":");
            write_base64(out, payload);
        }
        ValueType::Bool if v.is_true() => out.push_str("{\"BOOL\":true"),
        ValueType::Bool => out.push_str("{\"BOOL\":false"),
        ValueType::Null => out.push_str("{\"NULL\":true"),
        ValueType::M => {
            out.push_str("{\"M\":");
            write_map(out, MapRef(payload), inner_depth(depth)?)?;
        }
        ValueType::L => {
            out.push_str("{\"L\":");
            let depth = inner_depth(depth)?;
            write_array(out, ListRef(payload).iter()?, |out, av| {
                write_value(out, av, depth)
            })?;
        }
        ValueType::Ss => {
            out.push_str("{\"SS\":");
            write_array(out, SetRef(payload).iter()?, |out, member| {
                out.push('"');
                write_contents(out, member)?;
                out.push('"');
                Ok(())
            })?;
        }
        ValueType::Ns => {
            out.push_str("{\"NS\":");
            write_array(out, SetRef(payload).iter()?, write_number)?;
        }
        ValueType::Bs => {
            out.push_str("{\"BS\":");
            write_array(out, SetRef(payload).iter()?, |out, member| {
                write_base64(out, member);
                Ok(())
            })?;
        }
    }
    out.push('}');
    Ok(())
}

fn write_number(out: &mut String, key: &[u8]) -> Result<()> {
    out.push('"');
    write_key_as_text(key, out)?;
    out.push('"');
    Ok(())
}
