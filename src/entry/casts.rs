//! Casts and conversions between values, items and JSON.

use super::attribute_value::{self, av, text_of};
use super::boundary::export;
use super::datum::Raw;
use super::item::{self, item};
use super::report::OrRaise;
use pg_dynamo_core::Result;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::value::{self, AvKind, ItemBuf};
use pgrx::direct_function_call;
use pgrx::prelude::*;
use std::ffi::CString;

/// JSON text as jsonb. jsonb cannot hold U+0000: Postgres's own error says so.
fn jsonb(text: String) -> Option<Raw> {
    let text = attribute_value::to_cstring(text);
    // SAFETY: jsonb_in takes a C string, alive during the call, and returns a fresh datum.
    unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::jsonb_in,
            &[Some(pg_sys::Datum::from(text.as_ptr()))],
        )
    }
    .map(Raw)
}

/// The text form of a jsonb argument.
fn jsonb_text(value: Raw) -> String {
    // SAFETY: SQL declares the argument jsonb and the function STRICT; jsonb_out returns a C string.
    let text: Option<CString> =
        unsafe { direct_function_call(pg_sys::jsonb_out, &[Some(value.0)]) };
    text.and_then(|text| text.into_string().ok())
        .unwrap_or_default()
}

fn item_to_dynamodb_json(value: &[u8]) -> String {
    item::dynamodb_json(item(value)).or_raise()
}

fn item_to_dynamodb_jsonb(value: &[u8]) -> Option<Raw> {
    jsonb(item::dynamodb_json(item(value)).or_raise())
}

fn item_from_dynamodb_json(text: &str) -> Vec<u8> {
    item::parse(text).or_raise().into_bytes()
}

fn item_from_dynamodb_jsonb(value: Raw) -> Vec<u8> {
    item::parse(&jsonb_text(value)).or_raise().into_bytes()
}

fn attribute_value_to_dynamodb_json(value: &[u8]) -> String {
    attribute_value::dynamodb_json(av(value)).or_raise()
}

fn attribute_value_to_dynamodb_jsonb(value: &[u8]) -> Option<Raw> {
    jsonb(attribute_value::dynamodb_json(av(value)).or_raise())
}

fn attribute_value_from_dynamodb_json(text: &str) -> Vec<u8> {
    attribute_value::parse(text).or_raise().encode().to_datum()
}

fn attribute_value_from_dynamodb_jsonb(value: Raw) -> Vec<u8> {
    attribute_value::parse(&jsonb_text(value))
        .or_raise()
        .encode()
        .to_datum()
}

fn attribute_value_to_text(value: &[u8]) -> Option<String> {
    text_of(av(value)).or_raise()
}

fn cannot_cast(value: &[u8], target: &str) -> ! {
    let found = av(value).value_type().or_raise().name();
    ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_CANNOT_COERCE,
        format!("cannot cast a DynamoDB attribute value of type {found} to {target}")
    );
}

fn attribute_value_to_numeric(value: &[u8]) -> Option<Raw> {
    match av(value).kind().or_raise() {
        AvKind::Null => None,
        AvKind::N(key) => {
            let mut text = String::new();
            value::number::write_key_as_text(key, &mut text).or_raise();
            let text = attribute_value::to_cstring(text);
            let arguments = [
                Some(pg_sys::Datum::from(text.as_ptr())),
                Some(pg_sys::Datum::from(pg_sys::InvalidOid)),
                Some(pg_sys::Datum::from(-1_i32)),
            ];
            // SAFETY: numeric_in takes a C string, a type OID and a type modifier.
            unsafe { pgrx::direct_function_call_as_datum(pg_sys::numeric_in, &arguments) }.map(Raw)
        }
        _ => cannot_cast(value, "numeric"),
    }
}

fn attribute_value_to_boolean(value: &[u8]) -> Option<bool> {
    match av(value).kind().or_raise() {
        AvKind::Null => None,
        AvKind::Bool(truth) => Some(truth),
        _ => cannot_cast(value, "boolean"),
    }
}

fn attribute_value_to_bytea(value: &[u8]) -> Option<Vec<u8>> {
    match av(value).kind().or_raise() {
        AvKind::Null => None,
        AvKind::B(bytes) => Some(bytes.to_vec()),
        _ => cannot_cast(value, "bytea"),
    }
}

fn item_to_plain_json(value: &[u8]) -> String {
    let mut out = String::new();
    value::plain::write_plain_item(&mut out, item(value)).or_raise();
    out
}

fn attribute_value_to_plain_json(value: &[u8]) -> String {
    let mut out = String::new();
    value::plain::write_plain(&mut out, av(value)).or_raise();
    out
}

fn plain_item(text: &str) -> Result<ItemBuf> {
    Ok(ItemBuf::from_attributes(
        &value::plain::attributes_from_plain(&Json::parse(text)?)?,
    ))
}

fn item_from_plain_json(text: &str) -> Vec<u8> {
    plain_item(text).or_raise().into_bytes()
}

fn attribute_value_from_plain_json(text: &str) -> Vec<u8> {
    let value = Json::parse(text)
        .and_then(|json| value::plain::value_from_plain(&json))
        .or_raise();
    value.encode().to_datum()
}

export!(
    item_to_dynamodb_json,
    item_to_dynamodb_jsonb,
    item_from_dynamodb_json,
    item_from_dynamodb_jsonb,
    attribute_value_to_dynamodb_json,
    attribute_value_to_dynamodb_jsonb,
    attribute_value_from_dynamodb_json,
    attribute_value_from_dynamodb_jsonb,
    attribute_value_to_text,
    attribute_value_to_numeric,
    attribute_value_to_boolean,
    attribute_value_to_bytea,
    item_to_plain_json,
    attribute_value_to_plain_json,
    item_from_plain_json,
    attribute_value_from_plain_json,
);
