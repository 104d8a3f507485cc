//! DynamoDB's semantics as pure functions: no Postgres, no I/O, no async.
//!
//! A request arrives as bytes, is validated in DynamoDB's own order ([`request`]), and becomes a
//! [`apply::Write`] or a read. A write is a pure function of the item it meets ([`apply`]).

pub mod apply;
pub mod arn;
pub mod backup;
pub mod batch;
pub mod capacity;
pub mod error;
pub mod expression;
#[doc(hidden)]
pub mod fuzz;
pub mod index;
pub mod insights;
pub mod json;
pub mod key;
pub mod legacy;
pub mod limits;
pub mod operation;
pub mod partiql;
pub mod policy;
pub mod range;
pub mod read;
pub mod request;
pub mod stream;
pub mod table;
pub mod throttle;
pub mod time_to_live;
pub mod transaction;
pub mod value;

pub use error::{ApiError, ErrorKind, Result};
