//! Streams: from the write-ahead log to records that are read by position.
//!
//! `plugin` is the output plugin of the library, for our own slot and for anybody's. In the capture worker what it decodes
//! goes into a `buffer`, which `capture` stores transaction by transaction (`store`) and tells listeners of (`notify`). `reader`
//! serves the operations; `wait` is for those who find nothing yet.

pub mod bound;
mod buffer;
mod capture;
pub mod catalog;
mod complaint;
pub mod farewell;
mod marker;
mod notify;
mod plugin;
pub mod reader;
pub mod slot;
mod store;
pub mod table;
pub mod wait;
pub mod wake;
mod writer;

/// Partitions of `dynamo_internal.stream_record`, as sql/install makes them.
const SLOTS: i64 = 26;
/// Of them, those that hold what is kept: one is written to, one waits to be emptied.
const KEPT_SLICES: i64 = SLOTS - 2;
