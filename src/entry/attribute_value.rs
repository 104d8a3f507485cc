//! Functions of the type `dynamo.attribute_value`.

use super::boundary::export;
use super::datum::Detoasted;
use super::report::{OrRaise, raise};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::value::{self, Av, AvKind, Value};
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;
use std::cmp::Ordering;
use std::ffi::{CStr, CString};

/// Text handed to Postgres by an input function, which has checked its encoding.
pub fn utf8(text: &CStr) -> &str {
    text.to_str()
        .unwrap_or_else(|_| raise(ApiError::validation("text is not valid UTF-8")))
}

/// JSON text never holds a raw NUL: control characters are escaped.
pub fn to_cstring(text: String) -> CString {
    CString::new(text).unwrap_or_else(|_| raise(ApiError::corrupt("NUL in JSON text")))
}

pub fn av(bytes: &[u8]) -> Av<'_> {
    Av::from_datum(bytes).or_raise()
}

pub fn parse(text: &str) -> Result<Value> {
    value::json::parse_value(&Json::parse(text)?)
}

pub fn dynamodb_json(value: Av<'_>) -> Result<String> {
    let mut out = String::new();
    value::json::write_av(&mut out, value)?;
    Ok(out)
}

/// What `->>` shows: strings bare, NULL as SQL NULL, binary as base64, documents and sets as plain JSON.
pub fn text_of(value: Av<'_>) -> Result<Option<String>> {
    Ok(match value.kind()? {
        AvKind::Null => None,
        AvKind::S(text) => {
            if text.contains('\0') {
                ereport!(
                    ERROR,
                    PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
                    "U+0000 cannot be represented as text",
                    "Read the value as JSON instead: there it is written \\u0000."
                );
            }
            Some(text.to_owned())
        }
        _ => {
            let mut out = String::new();
            value::plain::write_plain(&mut out, value)?;
            Some(out.trim_matches('"').to_owned())
        }
    })
}

fn attribute_value_in(input: &CStr) -> Vec<u8> {
    parse(utf8(input)).or_raise().encode().to_datum()
}

fn attribute_value_out(value: &[u8]) -> CString {
    to_cstring(dynamodb_json(av(value)).or_raise())
}

fn attribute_value_recv(message: pgrx::Internal) -> Vec<u8> {
    let bytes = super::item::remaining_message(message);
    Av::from_datum(&bytes).and_then(Av::validate).or_raise();
    bytes
}

fn attribute_value_send(value: &[u8]) -> Vec<u8> {
    value.to_vec()
}

fn attribute_value_size(value: &[u8]) -> i32 {
    i32::try_from(av(value).size().or_raise()).unwrap_or(i32::MAX)
}

fn attribute_value_type(value: &[u8]) -> &'static str {
    av(value).value_type().or_raise().name()
}

/// One step of a path into a value: a map's member, or a list's element when `step` is a number.
fn step<'a>(value: Av<'a>, step: &str) -> Result<Option<Av<'a>>> {
    match value.kind()? {
        AvKind::M(map) => map.get(step),
        AvKind::L(list) => match step.parse::<i32>() {
            Ok(index) => element(list, index),
            Err(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Negative positions count from the end, as they do for Postgres's own JSON.
fn element(list: value::ListRef<'_>, index: i32) -> Result<Option<Av<'_>>> {
    let position = if index < 0 {
        list.len()?.checked_sub(index.unsigned_abs() as usize)
    } else {
        Some(index as usize)
    };
    match position {
        Some(position) => list.get(position),
        None => Ok(None),
    }
}

/// Walks `path` from `value`; None as soon as a step is missing.
pub fn walk<'a>(value: Av<'a>, path: &[Option<String>]) -> Result<Option<Av<'a>>> {
    let mut value = value;
    for name in path {
        let Some(name) = name else { return Ok(None) };
        match step(value, name)? {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

fn datum(value: Option<Av<'_>>) -> Option<Vec<u8>> {
    value.map(|value| value.to_owned().to_datum())
}

fn attribute_value_get(value: &[u8], name: &str) -> Option<Vec<u8>> {
    let found = match av(value).kind().or_raise() {
        AvKind::M(map) => map.get(name).or_raise(),
        _ => None,
    };
    datum(found)
}

fn attribute_value_get_text(value: &[u8], name: &str) -> Option<String> {
    match av(value).kind().or_raise() {
        AvKind::M(map) => map
            .get(name)
            .or_raise()
            .and_then(|value| text_of(value).or_raise()),
        _ => None,
    }
}

fn element_of(value: &[u8], index: i32) -> Option<Av<'_>> {
    match av(value).kind().or_raise() {
        AvKind::L(list) => element(list, index).or_raise(),
        _ => None,
    }
}

fn attribute_value_element(value: &[u8], index: i32) -> Option<Vec<u8>> {
    datum(element_of(value, index))
}

fn attribute_value_element_text(value: &[u8], index: i32) -> Option<String> {
    element_of(value, index).and_then(|value| text_of(value).or_raise())
}

fn attribute_value_get_path(value: &[u8], path: Vec<Option<String>>) -> Option<Vec<u8>> {
    datum(walk(av(value), &path).or_raise())
}

fn attribute_value_get_path_text(value: &[u8], path: Vec<Option<String>>) -> Option<String> {
    walk(av(value), &path)
        .or_raise()
        .and_then(|value| text_of(value).or_raise())
}

/// `?`: a map has the member, or a string set the string.
fn attribute_value_has(value: &[u8], name: &str) -> bool {
    match av(value).kind().or_raise() {
        AvKind::M(map) => map.get(name).or_raise().is_some(),
        AvKind::Ss(set) => set.contains(name.as_bytes()).or_raise(),
        _ => false,
    }
}

/// Position of a type in the btree order.
fn rank(value: Av<'_>) -> u8 {
    match value.value_type().or_raise() {
        value::ValueType::Null => 0,
        value::ValueType::Bool => 1,
        value::ValueType::N => 2,
        value::ValueType::S => 3,
        value::ValueType::B => 4,
        value::ValueType::Ns => 5,
        value::ValueType::Ss => 6,
        value::ValueType::Bs => 7,
        value::ValueType::L => 8,
        value::ValueType::M => 9,
    }
}

fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (av(left), av(right));
    match left.partial_cmp(right).or_raise() {
        Some(order) => order,
        None => rank(left)
            .cmp(&rank(right))
            .then_with(|| left.bytes().cmp(right.bytes())),
    }
}

/// Equal values have equal bytes: the encoding is canonical.
fn attribute_value_eq(left: Detoasted, right: Detoasted) -> bool {
    *left == *right
}

fn attribute_value_ne(left: Detoasted, right: Detoasted) -> bool {
    *left != *right
}

fn attribute_value_lt(left: Detoasted, right: Detoasted) -> bool {
    compare(&left, &right).is_lt()
}

fn attribute_value_le(left: Detoasted, right: Detoasted) -> bool {
    compare(&left, &right).is_le()
}

fn attribute_value_gt(left: Detoasted, right: Detoasted) -> bool {
    compare(&left, &right).is_gt()
}

fn attribute_value_ge(left: Detoasted, right: Detoasted) -> bool {
    compare(&left, &right).is_ge()
}

fn attribute_value_cmp(left: Detoasted, right: Detoasted) -> i32 {
    compare(&left, &right) as i32
}

/// Hash of canonical bytes; stable, because hash indexes and partitions keep it.
pub fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    pg_dynamo_core::key::stable_hash(bytes, seed)
}

fn attribute_value_hash(value: Detoasted) -> i32 {
    hash_bytes(&value, 0) as i32
}

fn attribute_value_hash_extended(value: Detoasted, seed: i64) -> i64 {
    hash_bytes(&value, seed as u64) as i64
}

export!(
    attribute_value_in,
    attribute_value_out,
    attribute_value_recv,
    attribute_value_send,
    attribute_value_size,
    attribute_value_type,
    attribute_value_get,
    attribute_value_get_text,
    attribute_value_element,
    attribute_value_element_text,
    attribute_value_get_path,
    attribute_value_get_path_text,
    attribute_value_has,
    attribute_value_eq,
    attribute_value_ne,
    attribute_value_lt,
    attribute_value_le,
    attribute_value_gt,
    attribute_value_ge,
    attribute_value_cmp,
    attribute_value_hash,
    attribute_value_hash_extended,
);
