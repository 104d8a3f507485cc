//! Query strings: taken apart, and in the canonical form that is signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::borrow::Cow;

/// Every byte but the unreserved ones of RFC 3986 is escaped.
pub(super) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One parameter, unescaped. Bytes that are no UTF-8 are replaced: nothing that matters is written with them.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub name: Cow<'a, str>,
    /// Empty when there is no equal sign.
    pub value: Cow<'a, str>,
}

/// The parameters in the order they were sent.
pub(super) fn pairs(query: &str) -> Vec<Pair<'_>> {
    raw_pairs(query)
        .map(|(name, value)| Pair {
            name: percent_decode_str(name).decode_utf8_lossy(),
            value: percent_decode_str(value).decode_utf8_lossy(),
        })
        .collect()
}

fn raw_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').unwrap_or((p, "")))
}

/// Names and values escaped anew, sorted by name, then value; X-Amz-Signature is left out of a presigned query.
/// A plus sign stands for a space, as in forms.
pub(super) fn canonical(query: &str, presigned: bool) -> String {
    let mut parameters: Vec<(String, String)> = raw_pairs(query)
        .map(|(name, value)| (escaped_anew(name), escaped_anew(value)))
        .filter(|(name, _)| !(presigned && name == "X-Amz-Signature"))
        .collect();
    parameters.sort();
    let mut out = String::with_capacity(query.len() + 16);
    for (name, value) in parameters {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&name);
        out.push('=');
        out.push_str(&value);
    }
    out
}

fn escaped_anew(text: &str) -> String {
    let spaced = text.replace('+', "%20");
    let bytes: Cow<'_, [u8]> = percent_decode_str(&spaced).into();
    percent_encode(&bytes, ESCAPED).to_string()
}
