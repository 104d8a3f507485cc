//! Plain JSON <-> values (dynamo.to_json / dynamo.from_json).
//!
//! To JSON: S a string, N a number literal with all its digits, BOOL and NULL natural, M an object,
//! L an array, SS and NS and BS arrays in set order, B a base64 string.
//! From JSON: a string becomes S, a number N with all its digits (or DynamoDB's number error), an
//! object M, an array L. Sets and binary are never made: JSON cannot tell them from lists and strings.
use super::json::write_base64;
use super::number_key::write_key_as_text;
use super::{
    Attributes, Av, AvKind, Item, MAX_VALUE_DEPTH, MapRef, Number, Value, bytes, nesting_error,
};
use crate::{
    ApiError, Result,
    json::{Json, write_string},
};

/// Appends the plain JSON of a value.
pub fn write_plain(out: &mut String, v: Av<'_>) -> Result<()> {
    write_value(out, v, MAX_VALUE_DEPTH)
}

/// Appends the plain JSON object of an item.
pub fn write_plain_item(out: &mut String, i: Item<'_>) -> Result<()> {
    write_map(out, i.map(), MAX_VALUE_DEPTH)
}

fn write_value(out: &mut String, v: Av<'_>, depth: usize) -> Result<()> {
    match v.kind()? {
        AvKind::S(s) => write_string(out, s),
        AvKind::N(key) => write_key_as_text(key, out)?,
        AvKind::B(b) => write_base64(out, b),
        AvKind::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        AvKind::Null => out.push_str("null"),
        AvKind::M(map) => write_map(out, map, bytes::inner_depth(depth)?)?,
        AvKind::L(list) => {
            let depth = bytes::inner_depth(depth)?;
            write_array(out, list.iter()?, |out, av| write_value(out, av, depth))?;
        }
        AvKind::Ss(set) => write_array(out, set.iter()?, |out, member| {
            write_string(out, bytes::utf8(member)?);
            Ok(())
        })?,
        AvKind::Ns(set) => write_array(out, set.iter()?, |out, member| {
            write_key_as_text(member, out)
        })?,
        AvKind::Bs(set) => write_array(out, set.iter()?, |out, member| {
            write_base64(out, member);
            Ok(())
        })?,
    }
    Ok(())
}

fn write_map(out: &mut String, map: MapRef<'_>, depth: usize) -> Result<()> {
    out.push('{');
    for (i, entry) in map.iter()?.enumerate() {
        let (name, value) = entry?;
        if i > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_value(out, value, depth)?;
    }
    out.push('}');
    Ok(())
}

/// Appends a JSON array of what `write` makes of each element.
pub(super) fn write_array<T>(
    out: &mut String,
    elements: impl Iterator<Item = Result<T>>,
    write: impl Fn(&mut String, T) -> Result<()>,
) -> Result<()> {
    out.push('[');
    for (i, element) in elements.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, element?)?;
    }
    out.push(']');
    Ok(())
}

/// Err(ValidationException): a number out of range or over 38 digits, or nesting too deep.
pub fn value_from_plain(j: &Json<'_>) -> Result<Value> {
    read_value(j, MAX_VALUE_DEPTH)
}

/// As [`value_from_plain`], and Err when the JSON is no object.
pub fn attributes_from_plain(j: &Json<'_>) -> Result<Attributes> {
    match j {
        Json::Object(members) => read_map(members, MAX_VALUE_DEPTH),
        _ => Err(ApiError::validation("An item must be a JSON object")),
    }
}

fn read_value(j: &Json<'_>, depth: usize) -> Result<Value> {
    Ok(match j {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(literal) => Value::N(Number::parse(literal)?),
        Json::String(s) => Value::S(s.clone().into_owned()),
        Json::Array(elements) => {
            let depth = depth.checked_sub(1).ok_or_else(nesting_error)?;
            let values = elements.iter().map(|element| read_value(element, depth));
            Value::L(values.collect::<Result<_>>()?)
        }
        Json::Object(members) => Value::M(read_map(
            members,
            depth.checked_sub(1).ok_or_else(nesting_error)?,
        )?),
    })
}

fn read_map(members: &[(std::borrow::Cow<'_, str>, Json<'_>)], depth: usize) -> Result<Attributes> {
    let entries = members
        .iter()
        .map(|(name, value)| Ok((name.clone().into_owned(), read_value(value, depth)?)));
    entries.collect()
}
