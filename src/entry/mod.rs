//! Every function that SQL can call. Errors of the API become SQLSTATEs or replies here and nowhere else.

mod access_key;
mod api;
mod attribute_value;
mod backups;
mod batch;
mod boundary;
mod casts;
mod datum;
mod derive_keys;
mod handle;
mod insights;
mod item;
mod item_set;
mod named;
mod partiql;
mod record_history;
mod report;
mod rows;
mod statistics;
mod streams;
mod transaction;

pub use item_set::register as register_item_sets;
