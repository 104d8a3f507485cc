//! The HTTP endpoint of pg_dynamo: AWS's wire protocol on one side, PostgreSQL connections on the other.
//!
//! A request goes `server` (sockets, TLS, limits) -> `service` (the protocol) -> `auth` (who signed it) -> `backend`
//! (one SQL call, shared with whoever else waits) and back. No DynamoDB logic lives here: the extension answers,
//! errors included.

pub mod admin;
pub mod answer;
mod aside;
pub mod auth;
pub mod backend;
pub mod body;
pub mod config;
pub mod connect;
pub mod cors;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod program;
pub mod server;
pub mod service;
mod stream_metrics;
