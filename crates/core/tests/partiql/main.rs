//! PartiQL without a database: a list of items stands for the table.
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod batch;
mod faults;
mod functions;
mod keys;
mod literals;
mod memory;
mod pages;
mod select;
mod store;
mod transactions;
mod writes;
