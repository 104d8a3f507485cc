//! Secrets as they are stored: encrypted and authenticated by XChaCha20-Poly1305.
//!
//!     01 (version)  nonce (24 random bytes)  ciphertext  tag (16 bytes)
//!
//! Associated data: version, role's oid (4 bytes, big-endian), access key id. So a row whose secret, id or role was
//! changed or taken from another row does not open. A nonce of 24 random bytes does not repeat.

use super::key_file;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// What a stored secret belongs to.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub access_key_id: &'a str,
    pub role: u32,
}

impl Owner<'_> {
    fn associated_data(self) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(&self.role.to_be_bytes());
        data.extend_from_slice(self.access_key_id.as_bytes());
        data
    }
}

/// `secret` as it is stored, or None when it cannot be encrypted, which no secret of ours is long enough for.
pub fn seal(
    key: &[u8; key_file::LENGTH],
    nonce: [u8; NONCE],
    owner: Owner<'_>,
    secret: &str,
) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: secret.as_bytes(),
        aad: &owner.associated_data(),
    };
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
    let mut stored = vec![VERSION];
    stored.extend_from_slice(&nonce);
    stored.extend_from_slice(&sealed);
    Some(stored)
}

/// The secret, or None when it was stored under another key, for another owner, or was changed.
pub fn open(key: &[u8; key_file::LENGTH], owner: Owner<'_>, stored: &[u8]) -> Option<String> {
    let (version, rest) = stored.split_first()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
    if *version != VERSION {
        return None;
    }
    let payload = Payload {
        msg: sealed,
        aad: &owner.associated_data(),
    };
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    let secret = cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
    String::from_utf8(secret).ok()
}
