//! `#[pg_test]` suites: Rust against the backend. One file per subject; each runs in a transaction that rolls back.

mod batch_get_item;
mod batch_write_item;
mod create_table;
mod delete_item;
mod delete_table;
mod derived_columns;
mod describe_limits;
mod describe_table;
mod direct_write;
mod get_item;
mod hostile_input;
mod index_reads;
mod item_set;
mod list_tables;
mod maximum_keys;
mod named_forms;
mod operators;
mod put_item;
mod query;
mod reads;
mod scan;
mod secondary_indexes;
mod statement;
mod types;
mod update_item;
mod update_table;
