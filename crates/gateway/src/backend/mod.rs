//! The way to PostgreSQL: requests in, replies out.

use bytes::Bytes;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::operation::Operation;
use std::sync::Arc;

/// One request whose sender is known.
#[derive(Clone, Debug)]
pub struct Request {
    pub operation: Operation,
    pub role: Arc<str>,
    /// The JSON, decompressed.
    pub body: Bytes,
}

/// The answer to one request, whatever it was.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// None when the request succeeded.
    pub error: Option<ErrorKind>,
    /// The JSON, exactly as it is to be sent.
    pub body: Bytes,
    /// Capacity units the request consumed.
    pub capacity: f64,
}

/// What answers requests: PostgreSQL, or a test's stand-in.
pub trait Backend: Send + Sync + 'static {
    /// Failures are replies too.
    fn call(&self, request: Request) -> impl Future<Output = Reply> + Send;
    /// Whether PostgreSQL answers.
    fn ready(&self) -> impl Future<Output = bool> + Send;
}
