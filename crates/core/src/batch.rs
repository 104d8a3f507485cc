//! Batches bound to their tables: what is read or written, in the order of the keys, and the reply.

mod read;
mod write;

pub use read::{BatchRead, BatchReply, TableRead};
pub use write::{BatchWrite, TableWrites};
