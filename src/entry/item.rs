//! Functions of the type `dynamo.item`.

use super::attribute_value::{hash_bytes, text_of, to_cstring, utf8, walk};
use super::boundary::export;
use super::datum::Detoasted;
use super::report::{OrRaise, raise};
use crate::storage::detoast::ItemDatum;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::value::{self, AvBuf, Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

pub fn item(bytes: &[u8]) -> Item<'_> {
    Item::from_bytes(bytes).or_raise()
}

pub fn parse(text: &str) -> Result<ItemBuf> {
    let attributes = value::json::parse_attributes(&Json::parse(text)?)?;
    Ok(ItemBuf::from_attributes(&attributes))
}

pub fn dynamodb_json(item: Item<'_>) -> Result<String> {
    let mut out = String::with_capacity(item.bytes().len() * 2);
    value::json::write_item(&mut out, item)?;
    Ok(out)
}

/// The unread rest of a binary protocol message.
pub fn remaining_message(mut message: pgrx::Internal) -> Vec<u8> {
    // SAFETY: Postgres calls a receive function with a StringInfo as its `internal` argument.
    let buffer = unsafe { message.get_mut::<pg_sys::StringInfoData>() };
    let Some(buffer) = buffer else {
        raise(ApiError::validation("binary message missing"))
    };
    let length = (buffer.len - buffer.cursor).max(0);
    // SAFETY: `length` bytes are unread; pq_getmsgbytes checks that and advances the cursor.
    unsafe {
        let start = pg_sys::pq_getmsgbytes(buffer, length).cast::<u8>();
        std::slice::from_raw_parts(start, length as usize).to_vec()
    }
}

fn item_in(input: &CStr) -> Vec<u8> {
    parse(utf8(input)).or_raise().into_bytes()
}

fn item_out(value: &[u8]) -> CString {
    to_cstring(dynamodb_json(item(value)).or_raise())
}

fn item_recv(message: pgrx::Internal) -> Vec<u8> {
    let bytes = remaining_message(message);
    Item::from_bytes(&bytes).and_then(Item::validate).or_raise();
    bytes
}

fn item_send(value: &[u8]) -> Vec<u8> {
    value.to_vec()
}

fn item_size(value: ItemDatum) -> i32 {
    let size = value.size().or_raise();
    i32::try_from(size).unwrap_or(i32::MAX)
}

fn attribute_at(value: ItemDatum, path: &[Option<String>]) -> Option<AvBuf> {
    let (first, rest) = path.split_first()?;
    let attribute = value.attribute(first.as_deref()?).or_raise()?;
    walk(attribute.as_av(), rest)
        .or_raise()
        .map(|value| value.to_owned())
}

fn item_get(value: ItemDatum, name: &str) -> Option<Vec<u8>> {
    value
        .attribute(name)
        .or_raise()
        .map(|value| value.to_datum())
}

fn item_get_text(value: ItemDatum, name: &str) -> Option<String> {
    value
        .attribute(name)
        .or_raise()
        .and_then(|value| text_of(value.as_av()).or_raise())
}

fn item_get_path(value: ItemDatum, path: Vec<Option<String>>) -> Option<Vec<u8>> {
    attribute_at(value, &path).map(|value| value.to_datum())
}

fn item_get_path_text(value: ItemDatum, path: Vec<Option<String>>) -> Option<String> {
    attribute_at(value, &path).and_then(|value| text_of(value.as_av()).or_raise())
}

fn item_has(value: ItemDatum, name: &str) -> bool {
    value.has(name).or_raise()
}

/// Equal items have equal bytes: the encoding is canonical.
fn item_eq(left: Detoasted, right: Detoasted) -> bool {
    *left == *right
}

fn item_ne(left: Detoasted, right: Detoasted) -> bool {
    *left != *right
}

fn item_hash(value: Detoasted) -> i32 {
    hash_bytes(&value, 0) as i32
}

fn item_hash_extended(value: Detoasted, seed: i64) -> i64 {
    hash_bytes(&value, seed as u64) as i64
}

export!(
    item_in,
    item_out,
    item_recv,
    item_send,
    item_size,
    item_get,
    item_get_text,
    item_get_path,
    item_get_path_text,
    item_has,
    item_eq,
    item_ne,
    item_hash,
    item_hash_extended,
);
