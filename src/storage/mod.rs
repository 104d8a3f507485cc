//! Native tables: catalog, rows, and the state that statements share with the request they belong to.

pub mod access_key;
pub mod backfill;
pub mod bare;
pub mod batch;
pub mod catalog;
pub mod counters;
pub mod derivation;
pub mod detoast;
pub mod direct_write;
pub mod index;
pub mod item;
pub mod key_locks;
pub mod leftovers;
pub mod memory;
pub mod pending;
pub mod pg_error;
mod plain;
pub mod planner;
mod read;
pub mod role;
pub mod scan;
pub mod spi;
pub mod table;
