//! A borrowing JSON tree. serde_json parses (recursion limit 128 kept); numbers keep their text.
use crate::{ApiError, ErrorKind, Result};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

mod simple;

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
        if let Some(simple) = simple::parse(text) {
            return Ok(simple);
        }
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

    /// The document as text: what is read again later must outlive the request.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(literal) => out.push_str(literal),
            Json::String(text) => write_string(out, text),
            Json::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_string(out, name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
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

/// Whether a JSON string may hold these bytes as they are: ASCII, and nothing that needs an escape. Most strings
/// are so, and short: 16 bytes at once, or 8, the last of them looked at twice where lengths do not fit.
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let chunks = bytes.as_chunks::<16>().0;
        // As signed numbers, what is not ASCII lies below the space too.
        let plain = |chunk: &[u8; 16]| {
            !chunk.iter().fold(false, |any, b| {
                any | ((*b as i8) < 0x20) | (*b == b'"') | (*b == b'\\')
            })
        };
        return chunks.iter().all(plain) && plain(last);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => is_plain_word(first) && is_plain_word(last),
        _ => {
            let mut word = [b' '; 8];
            for (place, byte) in word.iter_mut().zip(bytes) {
                *place = *byte;
            }
            is_plain_word(&word)
        }
    }
}

fn is_plain_word(word: &[u8; 8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let word = u64::from_ne_bytes(*word);
    // The high bit of the lowest zero byte is set, if there is one.
    let zero = |x: u64| x.wrapping_sub(EACH) & !x;
    let strange = word | word.wrapping_sub(EACH * 0x20);
    let escaped = zero(word ^ (EACH * u64::from(b'"'))) | zero(word ^ (EACH * u64::from(b'\\')));
    (strange | escaped) & HIGH == 0
}

/// Append `s` to `out` as a JSON string literal, quotes included.
pub fn write_string(out: &mut String, s: &str) {
    out.push('"');
    if is_plain(s.as_bytes()) {
        out.push_str(s);
    } else {
        write_escaped(out, s);
    }
    out.push('"');
}

/// Appends what stands between the quotes of a JSON string literal. Err (corrupt): the bytes are not UTF-8.
pub fn write_contents(out: &mut String, bytes: &[u8]) -> Result<()> {
    if is_plain(bytes) {
        // SAFETY: plain bytes are ASCII.
        out.push_str(unsafe { std::str::from_utf8_unchecked(bytes) });
        return Ok(());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::corrupt("string"))?;
    write_escaped(out, text);
    Ok(())
}

#[inline(never)]
fn write_escaped(out: &mut String, s: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_strings_are_told_from_others_whatever_their_length() {
        let needed = |byte: u8| needs_escape(byte) || !byte.is_ascii();
        for length in 0..50 {
            let mut bytes = vec![b'x'; length];
            assert!(is_plain(&bytes), "{length}");
            for place in 0..length {
                for byte in 0..=255 {
                    bytes[place] = byte;
                    assert_eq!(
                        is_plain(&bytes),
                        !needed(byte),
                        "{byte} at {place} of {length}"
                    );
                }
                bytes[place] = b'x';
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_string() {
        let mut out = String::new();
        assert!(write_contents(&mut out, b"12345678\xff").is_err());
        write_contents(&mut out, "\u{e9}\"".as_bytes()).unwrap();
        assert_eq!(out, "\u{e9}\\\"");
    }
}
