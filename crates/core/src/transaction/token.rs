//! ClientRequestToken: by it a repeated transaction is known, and done once.
use crate::json::Json;
use crate::operation::Operation;
use sha2::{Digest, Sha256};

/// The token of a request, and what the request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    operation: Operation,
    text: String,
    fingerprint: [u8; 32],
}

impl Token {
    /// `parameters`: what a repetition has to ask for again. Not what its reply is to show.
    pub fn new(operation: Operation, text: &str, parameters: &[Json<'_>]) -> Token {
        let mut hash = Sha256::new();
        parameters.iter().for_each(|json| feed(&mut hash, json));
        Token {
            operation,
            text: text.to_owned(),
            fingerprint: hash.finalize().into(),
        }
    }

    /// A token of one operation is not known to another.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Equal for requests that ask for the same, in whatever order the members of their objects stand.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// A tag, and a length before whatever has one, so that no two trees are fed alike.
fn feed(hash: &mut Sha256, json: &Json<'_>) {
    match json {
        Json::Null => hash.update(b"z"),
        Json::Bool(true) => hash.update(b"t"),
        Json::Bool(false) => hash.update(b"f"),
        Json::Number(text) => feed_text(hash, b"n", text),
        Json::String(text) => feed_text(hash, b"s", text),
        Json::Array(elements) => {
            feed_length(hash, b"a", elements.len());
            elements.iter().for_each(|element| feed(hash, element));
        }
        Json::Object(members) => {
            let mut given: Vec<_> = members.iter().filter(|(_, v)| *v != Json::Null).collect();
            given.sort_by(|(one, _), (other, _)| one.cmp(other));
            feed_length(hash, b"o", given.len());
            for (name, value) in given {
                feed_text(hash, b"s", name);
                feed(hash, value);
            }
        }
    }
}

fn feed_length(hash: &mut Sha256, tag: &[u8], length: usize) {
    hash.update(tag);
    hash.update((length as u64).to_le_bytes());
}

fn feed_text(hash: &mut Sha256, tag: &[u8], text: &str) {
    feed_length(hash, tag, text.len());
    hash.update(text.as_bytes());
}
