//! Streams without a database: what a change of a row becomes, and where it stands.
//!
//! A change is a [`record::Change`] with the images that the stream's view asks for; it stands at a [`Position`] in one
//! [`shard`] of the stream, which its partition key decides. A consumer holds its place as a [`ShardIterator`].
pub mod arn;
pub mod iterator;
pub mod position;
pub mod record;
pub mod shard;

pub use arn::StreamName;
pub use iterator::{ShardIterator, Start};
pub use position::Position;
pub use record::{Change, Event, Record};
pub use shard::HashRange;
