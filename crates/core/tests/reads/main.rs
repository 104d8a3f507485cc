//! Query and Scan without a database: a sorted list of items stands for the table.
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod bound_faults;
mod capacity;
mod descriptions;
mod pages;
mod ranges;
mod segments;
mod select;
mod store;
