//! Who sent a request: AWS Signature Version 4.

use bytes::Bytes;
use http::request::Parts;
use pg_dynamo_core::Result;
use std::sync::Arc;

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
