//! The canonical request: what a signature covers.
//!
//! ```text
//! method \n path \n query \n name:value\n of each signed header, sorted \n names \n SHA-256 of the body
//! ```
//!
//! It is hashed piece by piece and never built. Source: AWS, "Create a signed AWS API request".

use super::query::{self, ESCAPED};
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::utf8_percent_encode;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// HTTP/2's Host, which some clients sign under this name.
pub(super) const AUTHORITY: &str = ":authority";

/// SHA-256 in hexadecimal.
pub(super) type HexDigest = [u8; 64];

/// The names of the signed headers, lower-case, sorted, each once.
pub(super) struct SignedHeaders<'a>(Vec<Cow<'a, str>>);

impl<'a> SignedHeaders<'a> {
    /// `list`: as the client wrote it.
    pub fn new(list: &'a str) -> Self {
        let mut names: Vec<Cow<'a, str>> = list
            .split(';')
            .filter(|name| !name.is_empty())
            .map(lower)
            .collect();
        if !names.is_sorted_by(|a, b| a < b) {
            names.sort_unstable();
            names.dedup();
        }
        SignedHeaders(names)
    }

    /// `name` in lower case.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|n| n == name)
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The hash of the canonical request. The body is always hashed, whatever x-amz-content-sha256 says: only S3 lets a
/// client sign something else in its place. None when a header that the client signed is not there.
pub(super) fn digest(
    head: &Parts,
    body: &[u8],
    signed: &SignedHeaders<'_>,
    presigned: bool,
) -> Option<HexDigest> {
    let mut hash = Sha256::new();
    hash.update(head.method.as_str());
    hash.update(b"\n");
    hash.update(path(head.uri.path()).as_bytes());
    hash.update(b"\n");
    if let Some(text) = head.uri.query().filter(|q| !q.is_empty()) {
        hash.update(query::canonical(text, presigned));
    }
    hash.update(b"\n");
    for name in &signed.0 {
        hash.update(name.as_bytes());
        hash.update(b":");
        update_values(&mut hash, head, name)?;
        hash.update(b"\n");
    }
    hash.update(b"\n");
    for (i, name) in signed.0.iter().enumerate() {
        if i > 0 {
            hash.update(b";");
        }
        hash.update(name.as_bytes());
    }
    hash.update(b"\n");
    hash.update(hex(&Sha256::digest(body).into()));
    Some(hex(&hash.finalize().into()))
}

/// The values of one header with commas between them, in the order they were sent.
fn update_values(hash: &mut Sha256, head: &Parts, name: &str) -> Option<()> {
    let values = head.headers.get_all(name);
    let mut none = true;
    for value in values {
        if !none {
            hash.update(b",");
        }
        none = false;
        update_trimmed(hash, value.as_bytes());
    }
    if none {
        hash.update(authority(name, &head.headers, head)?);
    }
    Some(())
}

/// HTTP/2 sends :authority instead of Host; clients sign it as host or under its own name.
fn authority<'a>(name: &str, headers: &HeaderMap, head: &'a Parts) -> Option<&'a str> {
    let stands_in = name == AUTHORITY || name == "host" && !headers.contains_key("host");
    stands_in
        .then(|| head.uri.authority().map(http::uri::Authority::as_str))
        .flatten()
}

/// Spaces at both ends do not count, and several in a row count as one.
fn update_trimmed(hash: &mut Sha256, value: &[u8]) {
    let value = value.trim_ascii();
    if !value.windows(2).any(|w| w == b"  ") && !value.contains(&b'\t') {
        hash.update(value);
        return;
    }
    let mut words = value
        .split(|b| *b == b' ' || *b == b'\t')
        .filter(|w| !w.is_empty());
    if let Some(first) = words.next() {
        hash.update(first);
    }
    for word in words {
        hash.update(b" ");
        hash.update(word);
    }
}

/// Without empty and dot segments, and escaped once more than it was sent: every service but S3 does both.
fn path(sent: &str) -> Cow<'_, str> {
    if sent == "/" || sent.is_empty() {
        return Cow::Borrowed("/");
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in sent.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut out = String::with_capacity(sent.len() + 8);
    for segment in &segments {
        out.push('/');
        out.extend(utf8_percent_encode(segment, ESCAPED));
    }
    let open = ["/", "/.", "/.."].iter().any(|end| sent.ends_with(end));
    if open || segments.is_empty() {
        out.push('/');
    }
    Cow::Owned(out)
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8; 32]) -> HexDigest {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_empty_and_dot_segments_and_is_escaped_once_more() {
        for (sent, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/..", "/"),
            ("/a/../..", "/"),
            ("/a/./b", "/a/b"),
            ("/a//b/", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a%20b", "/a%2520b"),
            ("/~a-b_c.d", "/~a-b_c.d"),
            ("/a:b@c", "/a%3Ab%40c"),
        ] {
            assert_eq!(path(sent), canonical, "{sent}");
        }
    }

    #[test]
    fn names_are_lower_case_sorted_and_single() {
        let names = |list| SignedHeaders::new(list).0.join(";");
        assert_eq!(names("host;x-amz-date"), "host;x-amz-date");
        assert_eq!(names("X-Amz-Date;Host;host;;"), "host;x-amz-date");
        assert_eq!(names(""), "");
    }
}
