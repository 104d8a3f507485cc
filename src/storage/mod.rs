//! Native tables: catalog, rows, and the state that statements share with the request they belong to.

pub mod access_key;
pub mod backfill;
pub mod backup;
pub mod bare;
pub mod batch;
pub mod catalog;
pub mod counters;
pub mod derivation;
pub mod detoast;
pub mod direct_write;
pub mod history;
pub mod index;
pub mod insights;
pub mod item;
pub mod key_locks;
pub mod leftovers;
pub mod memory;
pub mod pending;
pub mod pg_error;
pub mod plain;
pub mod planner;
pub mod policy;
mod read;
pub mod role;
pub mod scan;
mod shared_memory;
pub mod snapshot;
pub mod spi;
pub mod subtransaction;
pub mod table;
pub mod throughput;
pub mod time_to_live;
pub mod transaction_token;

/// Only while the postmaster preloads the library.
pub fn register_shared_memory() {
    shared_memory::register(&[throughput::AREA, insights::AREA]);
}
