//! DynamoDB JSON written as stored bytes at once, without a tree of values between the two.
//!
//! Only for items without any fault or oddity. Everything else is left to `read_attributes`, which finds the fault that
//! DynamoDB reports.
use super::encode::{Encoder, tag};
use super::{ItemBuf, MAX_VALUE_DEPTH, Number, size};
use crate::json::Json;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;

type Members<'j, 'a> = &'j [(Cow<'a, str>, Json<'a>)];

/// The item of a JSON object whose shape was checked. None: it has a fault, perhaps, or a name occurs twice.
pub fn item(json: &Json<'_>) -> Option<ItemBuf> {
    let Json::Object(members) = json else {
        return None;
    };
    let mut encoder = Encoder::item();
    let total = map(&mut encoder, members, MAX_VALUE_DEPTH)?;
    Some(encoder.finish_item(total))
}

/// Appends a map body; the sizes of names and values.
fn map(encoder: &mut Encoder, members: Members<'_, '_>, depth: usize) -> Option<usize> {
    let mut sorted: Vec<_> = members
        .iter()
        .map(|(name, value)| (&**name, value))
        .collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    encoder.map_of(
        sorted.iter().map(|(name, _)| *name),
        sorted.iter().map(|(_, value)| *value),
        |encoder, json| value(encoder, json, depth),
    )
}

/// Appends tag and payload; the size as DynamoDB counts it. Recursion ends with `depth`.
fn value(encoder: &mut Encoder, json: &Json<'_>, depth: usize) -> Option<usize> {
    let Json::Object(members) = json else {
        return None;
    };
    let [(kind, member)] = members.as_slice() else {
        return None;
    };
    match (&**kind, member) {
        ("S", Json::String(text)) => Some(encoder.scalar(tag::S, text.as_bytes())),
        ("N", Json::String(text)) => Some(encoder.number(Number::parse(text).ok()?)),
        ("B", Json::String(text)) => Some(encoder.scalar(tag::B, &STANDARD.decode(&**text).ok()?)),
        ("BOOL", Json::Bool(true)) => Some(encoder.constant(tag::TRUE)),
        ("BOOL", Json::Bool(false)) => Some(encoder.constant(tag::FALSE)),
        ("NULL", Json::Bool(true)) => Some(encoder.constant(tag::NULL)),
        ("M", Json::Object(members)) => {
            encoder.tag(tag::M);
            let content = map(encoder, members, depth.checked_sub(1)?)?;
            Some(size::CONTAINER_OVERHEAD + size::ENTRY_OVERHEAD * members.len() + content)
        }
        ("L", Json::Array(elements)) => {
            let depth = depth.checked_sub(1)?;
            encoder.tag(tag::L);
            let content =
                encoder.list_of(elements.iter(), |encoder, json| value(encoder, json, depth))?;
            Some(size::CONTAINER_OVERHEAD + size::ENTRY_OVERHEAD * elements.len() + content)
        }
        ("SS", Json::Array(elements)) => {
            let texts = set(elements, Some)?;
            encoder.tag(tag::SS);
            encoder.list_of(texts.iter(), |encoder, text| {
                Some(encoder.raw(text.as_bytes()))
            })
        }
        ("NS", Json::Array(elements)) => {
            let numbers = set(elements, |text| Number::parse(text).ok())?;
            encoder.tag(tag::NS);
            encoder.list_of(numbers.iter(), |encoder, number| {
                Some(encoder.number_bytes(*number))
            })
        }
        _ => None,
    }
}

/// The members of a set, sorted. None: there are none, or two are equal.
fn set<'j, T: Ord>(
    elements: &'j [Json<'_>],
    read: impl Fn(&'j str) -> Option<T>,
) -> Option<Vec<T>> {
    let mut members = Vec::with_capacity(elements.len());
    for element in elements {
        members.push(read(element.as_str()?)?);
    }
    members.sort_unstable();
    let distinct = members.windows(2).all(|pair| pair[0] != pair[1]);
    (distinct && !members.is_empty()).then_some(members)
}
