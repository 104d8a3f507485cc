//! Access keys: whose they are, and the signing keys that follow from their secrets.

use super::date::{Timestamp, system_time};
use aws_sigv4::sign::v4::generate_signing_key;
use pg_dynamo_core::Result;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// Signing keys that one access key keeps: today's and yesterday's of a few regions.
const SIGNING_KEYS: usize = 8;

/// Where access keys come from.
pub trait KeySource: Send + Sync + 'static {
    /// None when nobody may use this id: unknown, disabled, or its role is gone. Err when that cannot be found out.
    fn find(
        &self,
        access_key_id: &str,
    ) -> impl Future<Output = Result<Option<Arc<AccessKey>>>> + Send;
}

/// One access key that may be used.
pub struct AccessKey {
    role: Arc<str>,
    secret: Zeroizing<String>,
    /// Most recent last. They die with the secret: a changed key is another `AccessKey`.
    signing: Mutex<Vec<SigningKey>>,
}

struct SigningKey {
    /// The day's first second.
    day: Timestamp,
    region: Box<str>,
    key: [u8; 32],
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl AccessKey {
    pub fn new(role: impl Into<Arc<str>>, secret: Zeroizing<String>) -> Self {
        AccessKey {
            role: role.into(),
            secret,
            signing: Mutex::new(Vec::new()),
        }
    }

    pub fn role(&self) -> &Arc<str> {
        &self.role
    }

    /// Whether nothing has changed, so that the derived keys stay right.
    pub(super) fn is(&self, role: &str, secret: &str) -> bool {
        *self.role == *role && *self.secret == *secret
    }

    /// The key that signs requests of that day, region and the service dynamodb.
    pub(super) fn signing_key(&self, day: Timestamp, region: &str) -> Zeroizing<[u8; 32]> {
        if let Some(known) = self.kept(day, region) {
            return known;
        }
        let derived = generate_signing_key(&self.secret, system_time(day), region, "dynamodb");
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(derived.as_ref());
        key
    }

    /// Remembers a key that has proved good: whoever holds no secret cannot push others out.
    pub(super) fn keep(&self, day: Timestamp, region: &str, key: &[u8; 32]) {
        if self.kept(day, region).is_some() {
            return;
        }
        let mut keys = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() == SIGNING_KEYS {
            keys.remove(0);
        }
        keys.push(SigningKey {
            day,
            region: region.into(),
            key: *key,
        });
    }

    fn kept(&self, day: Timestamp, region: &str) -> Option<Zeroizing<[u8; 32]>> {
        let keys = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter()
            .rev()
            .find(|k| k.day == day && *k.region == *region)
            .map(|k| Zeroizing::new(k.key))
    }
}

/// Whose it is, and nothing secret.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
