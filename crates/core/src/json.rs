//! A borrowing JSON tree. serde_json parses (recursion limit 128 kept); numbers keep their text.
use crate::{ApiError, ErrorKind, Result};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// With `arbitrary_precision` serde_json hands a number that is no 64-bit integer over as a map whose
/// only key is this and whose value is an owned string. A string of the document is never owned (it is borrowed, or lent
/// when it has escapes), so a user's object with this key is still an object.
const NUMBER_KEY: &str = "$serde_json::private::Number";

#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// The literal as written: a number never loses digits.
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// In document order. Lookups take the last of equal names.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Err: SerializationException. Nesting beyond 128 levels is one, too.
    pub fn parse(text: &'a str) -> Result<Json<'a>> {
        serde_json::from_str(text).map_err(|error| {
            ApiError::new(
                ErrorKind::Serialization,
                format!("The request is not valid JSON: {error}"),
            )
        })
    }

    /// A member of an object; None for anything else.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members
                .iter()
                .rev()
                .find_map(|(key, value)| (key == name).then_some(value)),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(s) => Some(s),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, n: u64) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Number(Cow::Owned(n.to_string())))
    }

    fn visit_i64<E>(self, n: i64) -> std::result::Result<Json<'de>, E> {
        Ok(Json::Number(Cow::Owned(n.to_string())))
    }

    fn visit_borrowed_str<E>(self, s: &'de str) -> std::result::Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(s)))
    }

    fn visit_str<E>(self, s: &str) -> std::result::Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(s.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(
        self,
        mut access: A,
    ) -> std::result::Result<Json<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut access: A,
    ) -> std::result::Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = access.next_key()? {
            if members.is_empty() && name == NUMBER_KEY {
                match access.next_value_seed(NumberOrValue)? {
                    Ok(literal) => return Ok(Json::Number(Cow::Owned(literal))),
                    Err(value) => members.push((name, value)),
                }
            } else {
                members.push((name, access.next_value()?));
            }
        }
        Ok(Json::Object(members))
    }
}

struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, s: &'de str) -> std::result::Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(s)))
    }

    fn visit_str<E>(self, s: &str) -> std::result::Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(s.to_owned())))
    }
}

/// The value behind [`NUMBER_KEY`]: Ok(the literal) when serde_json put it there.
struct NumberOrValue;

impl<'de> DeserializeSeed<'de> for NumberOrValue {
    type Value = std::result::Result<String, Json<'de>>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_any(NumberOrValue)
    }
}

impl<'de> Visitor<'de> for NumberOrValue {
    type Value = std::result::Result<String, Json<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_string<E>(self, literal: String) -> std::result::Result<Self::Value, E> {
        Ok(Ok(literal))
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_unit().map(Err)
    }

    fn visit_bool<E: serde::de::Error>(self, b: bool) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_bool(b).map(Err)
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_u64(n).map(Err)
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_i64(n).map(Err)
    }

    fn visit_borrowed_str<E: serde::de::Error>(
        self,
        s: &'de str,
    ) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_borrowed_str(s).map(Err)
    }

    fn visit_str<E: serde::de::Error>(self, s: &str) -> std::result::Result<Self::Value, E> {
        TreeVisitor.visit_str(s).map(Err)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> std::result::Result<Self::Value, A::Error> {
        TreeVisitor.visit_seq(access).map(Err)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> std::result::Result<Self::Value, A::Error> {
        TreeVisitor.visit_map(access).map(Err)
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Index of the first byte that needs an escape. Looks at 32 bytes at once, which the compiler turns
/// into vector code: most strings have none.
fn next_escape(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    for chunk in bytes.chunks(32) {
        if chunk.iter().fold(false, |any, b| any | needs_escape(*b)) {
            let within = chunk.iter().position(|b| needs_escape(*b))?;
            return Some(start + within);
        }
        start += chunk.len();
    }
    None
}

/// Append `s` to `out` as a JSON string literal, quotes included.
pub fn write_string(out: &mut String, s: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut rest = s;
    while let Some(at) = next_escape(rest.as_bytes()) {
        // The escaped byte is ASCII, so both cuts are at character boundaries.
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte @ (b'"' | b'\\') => out.extend(['\\', char::from(byte)]),
            byte => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
