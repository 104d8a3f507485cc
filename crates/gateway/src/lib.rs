//! The HTTP endpoint of pg_dynamo: AWS's wire protocol on one side, PostgreSQL connections on the other.
//!
//! A request goes `server` (sockets, TLS, limits) -> `auth` (who signed it) -> `backend` (one SQL call, shared with
//! whoever else waits) and back. No DynamoDB logic lives here: the extension answers, errors included.

pub mod auth;
pub mod backend;
pub mod connect;
