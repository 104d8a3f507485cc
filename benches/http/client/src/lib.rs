//! Signed requests over keep-alive connections, for the HTTP benchmark and for the suites durability and load.
//!
//! An answer is read no further than to its end and its status: the client shares its processors with the server.

mod connection;
mod target;

pub use connection::{Answer, Connection};
pub use target::Target;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
