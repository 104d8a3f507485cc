//! Who sent a request: AWS Signature Version 4.
//!
//! [`SigV4`] reads the claim (`claim`), finds the access key (`key`), hashes what the client signed (`canonical`) and
//! compares. The answers to everything that is wrong stand in `fault`.

use bytes::Bytes;
use http::request::Parts;
use pg_dynamo_core::Result;
use std::sync::Arc;

mod canonical;
mod claim;
mod date;
mod fault;
mod key;
mod key_directory;
mod key_store;
mod query;
mod sigv4;

pub use key::{AccessKey, KeySource};
pub use key_directory::KeyDirectory;
pub use key_store::{Directory, KeyStore, Record, Unreachable};
pub use sigv4::SigV4;
pub use zeroize::Zeroizing;

/// Whom a request runs as.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The Postgres role that the access key belongs to.
    pub role: Arc<str>,
}

/// Finds out who sent a request. Err is the answer that AWS gives to such a request.
pub trait Authenticate: Send + Sync + 'static {
    /// `body` is as it arrived, before any decompression: that is what was signed.
    fn authenticate(
        &self,
        head: &Parts,
        body: &Bytes,
    ) -> impl Future<Output = Result<Identity>> + Send;
}

/// Believes everybody: for development, on a machine's own addresses.
#[derive(Clone, Debug)]
pub struct NoAuthentication {
    /// Whom every request runs as.
    pub role: Arc<str>,
}

impl Authenticate for NoAuthentication {
    async fn authenticate(&self, _: &Parts, _: &Bytes) -> Result<Identity> {
        Ok(Identity {
            role: self.role.clone(),
        })
    }
}
