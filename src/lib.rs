//! pg_dynamo: DynamoDB's semantics inside PostgreSQL.
//!
//! Data flows one way: `entry` (every SQL function) -> `pg_dynamo_core::request` (validation) ->
//! `op` (a recipe per operation) -> `pg_dynamo_core::apply` (pure) -> `storage` (native tables, SPI).

use pgrx::prelude::*;

#[cfg(not(test))]
mod allocator;
mod entry;
mod guc;
mod op;
mod storage;
mod stream;
mod worker;

::pgrx::pg_module_magic!(name, version);

/// Not in programs of tests, which are no backends.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: allocator::Recycling = allocator::Recycling;

extension_sql_file!("../sql/install/schemas.sql", name = "schemas", bootstrap);
extension_sql_file!(
    "../sql/install/types.sql",
    name = "types",
    requires = ["schemas"]
);
extension_sql_file!(
    "../sql/install/operators.sql",
    name = "operators",
    requires = ["types"]
);
extension_sql_file!(
    "../sql/install/casts.sql",
    name = "casts",
    requires = ["operators"]
);
extension_sql_file!(
    "../sql/install/catalog.sql",
    name = "catalog",
    requires = ["casts"]
);
extension_sql_file!(
    "../sql/install/storage.sql",
    name = "storage",
    requires = ["catalog"]
);
extension_sql_file!(
    "../sql/install/operations.sql",
    name = "operations",
    requires = ["storage"]
);
extension_sql_file!(
    "../sql/install/transactions.sql",
    name = "transactions",
    requires = ["operations"]
);
extension_sql_file!(
    "../sql/install/item_sets.sql",
    name = "item_sets",
    requires = ["operations"]
);
extension_sql_file!(
    "../sql/install/partiql.sql",
    name = "partiql",
    requires = ["operations"]
);
extension_sql_file!(
    "../sql/install/backups.sql",
    name = "backups",
    requires = ["operations"]
);
extension_sql_file!(
    "../sql/install/access_keys.sql",
    name = "access_keys",
    requires = ["catalog"]
);
extension_sql_file!(
    "../sql/install/statistics.sql",
    name = "statistics",
    requires = ["item_sets"]
);
extension_sql_file!(
    "../sql/install/control.sql",
    name = "control",
    requires = ["statistics"]
);
extension_sql_file!(
    "../sql/install/time_to_live.sql",
    name = "time_to_live",
    requires = ["storage"]
);

extension_sql_file!(
    "../sql/install/streams.sql",
    name = "streams",
    requires = ["operations"]
);

/// Called once when the library is loaded, in the postmaster (preload) or in a backend.
#[allow(non_snake_case)]
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    guc::register();
    storage::catalog::register_invalidation();
    storage::role::register_invalidation();
    storage::leftovers::register();
    storage::commands::register(&[storage::leftovers::check, stream::farewell::ask]);
    storage::history::record::register();
    storage::planner::register_hook();
    entry::register_item_sets();
    // SAFETY: a flag of this process.
    if unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        storage::counters::register();
        storage::shared_memory::register(&[
            storage::throughput::AREA,
            storage::insights::AREA,
            stream::wake::AREA,
        ]);
    }
    stream::wake::register();
    stream::farewell::register();
    worker::register();
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../pgrx-tests/mod.rs"]
mod pgrx_suite;

/// What `cargo pgrx test` asks of the extension.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![
            "shared_preload_libraries = 'pg_dynamo'",
            "wal_level = logical",
        ]
    }
}
