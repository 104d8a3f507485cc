//! NextToken: where a SELECT goes on. Opaque to clients, bound to the statement and its parameters.
//!
//! base64 (URL alphabet, no padding) of: version 1, 16 bytes of the SHA-256 of statement and parameters, the number
//! of the range, and the key of the last item that was looked at as an item's bytes, or nothing when the range is to
//! be read from its start.

use crate::value::{AvBuf, Item, ItemBuf};
use crate::{ApiError, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const DIGEST: usize = 16;

/// What a token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding([u8; DIGEST]);

/// Where to go on.
#[derive(Debug, PartialEq)]
pub struct Position {
    /// The number of the range.
    pub range: usize,
    /// The last item's key.
    pub key: Option<ItemBuf>,
}

impl Binding {
    pub fn of(statement: &str, parameters: &[AvBuf]) -> Binding {
        let mut hash = Sha256::new();
        hash.update((statement.len() as u64).to_le_bytes());
        hash.update(statement);
        for parameter in parameters {
            let bytes = parameter.as_av().bytes();
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let mut digest = [0; DIGEST];
        for (to, from) in digest.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        Binding(digest)
    }

    pub fn write(&self, position: &Position) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        // At most as many ranges as a SELECT is taken apart into.
        bytes.push(u8::try_from(position.range).unwrap_or(u8::MAX));
        if let Some(key) = &position.key {
            bytes.extend_from_slice(key.as_item().bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Err: "Invalid NextToken", or "NextToken does not match request" for another statement's.
    pub fn read(&self, token: &str) -> Result<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(invalid());
        };
        let Some((digest, rest)) = rest.split_at_checked(DIGEST) else {
            return Err(invalid());
        };
        let Some((range, key)) = rest.split_first() else {
            return Err(invalid());
        };
        if digest != self.0 {
            return Err(mismatch());
        }
        let key = match key {
            [] => None,
            key => {
                let item = Item::from_bytes(key).map_err(|_| invalid())?;
                item.validate().map_err(|_| invalid())?;
                Some(ItemBuf::from_bytes(key.to_vec()))
            }
        };
        Ok(Position {
            range: usize::from(*range),
            key,
        })
    }
}

pub fn invalid() -> ApiError {
    ApiError::validation("Invalid NextToken")
}

pub fn mismatch() -> ApiError {
    ApiError::validation("NextToken does not match request")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Attributes, Value};

    #[test]
    fn a_token_is_read_by_the_statement_that_wrote_it_only() {
        let parameters = [Value::S("a".into()).encode()];
        let binding = Binding::of("SELECT", &parameters);
        let key = Attributes::from([("pk".to_owned(), Value::S("x".into()))]);
        for key in [None, Some(ItemBuf::from_attributes(&key))] {
            let position = Position { range: 3, key };
            let token = binding.write(&position);
            assert_eq!(binding.read(&token), Ok(position));
            for other in [
                Binding::of("SELECT ", &parameters),
                Binding::of("SELECT", &[]),
            ] {
                assert_eq!(other.read(&token), Err(mismatch()));
            }
            assert_eq!(binding.read(&token[..10]), Err(invalid()));
            assert_eq!(binding.read(&format!("{token}AAAA")), Err(invalid()));
        }
        assert_eq!(binding.read("no token"), Err(invalid()));
        assert_eq!(binding.read(""), Err(invalid()));
    }
}
