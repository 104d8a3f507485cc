//! Members of a request whose shape was checked.
use super::shape::{boolean_word, integer, member};
use crate::json::Json;

pub fn string<'j>(request: &'j Json<'_>, name: &str) -> Option<&'j str> {
    member(request, name).and_then(Json::as_str)
}

pub fn boolean(request: &Json<'_>, name: &str) -> Option<bool> {
    match member(request, name)? {
        Json::Bool(b) => Some(*b),
        Json::String(s) => boolean_word(s),
        _ => None,
    }
}

pub fn number(request: &Json<'_>, name: &str) -> Option<i64> {
    match member(request, name)? {
        Json::Number(n) => Some(integer(n)),
        _ => None,
    }
}

/// The elements of a list; empty when it is absent.
pub fn list<'j, 'a>(request: &'j Json<'a>, name: &str) -> &'j [Json<'a>] {
    match member(request, name) {
        Some(Json::Array(elements)) => elements,
        _ => &[],
    }
}
