//! The way to PostgreSQL: requests in, replies out.
//!
//! [`Postgres`] holds a pool of sessions, one call at a time on each. Requests wait in [`queue`]; a session that is
//! free takes all of one role that may share a call ([`lane`]), runs them as one statement ([`session`]) and hands
//! out the replies ([`worker`]). No call is repeated unless PostgreSQL's answer proves that it left nothing behind
//! ([`failure`]).

mod failure;
mod lane;
mod pool;
mod queue;
mod session;
mod streams;
mod worker;

pub use lane::{LANES, Lane};
pub use pool::{Options, Postgres};
pub use streams::{Capture, Streams};

use bytes::Bytes;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, ErrorKind};
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

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Reply {
        Reply {
            status: error.kind.http_status(),
            error: Some(error.kind),
            body: error.body().into(),
            capacity: 0.0,
        }
    }
}

/// What answers requests: PostgreSQL, or a test's stand-in.
pub trait Backend: Send + Sync + 'static {
    /// Failures are replies too.
    fn call(&self, request: Request) -> impl Future<Output = Reply> + Send;
    /// Whether PostgreSQL answers.
    fn ready(&self) -> impl Future<Output = bool> + Send;
    /// How the capture of streams is doing. None when nobody can tell.
    fn streams(&self) -> impl Future<Output = Option<Arc<Streams>>> + Send {
        std::future::ready(None)
    }
}
