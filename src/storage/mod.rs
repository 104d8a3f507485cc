//! Native tables: catalog, rows, and the state that statements share with the request they belong to.

pub mod catalog;
pub mod detoast;
pub mod item;
pub mod pending;
pub mod pg_error;
pub mod planner;
mod read;
mod spi;
pub mod table;
