//! A change of a table's definition by its owner.

use super::Session;
use crate::storage::catalog::{self, Hold, Table};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result};

/// Replaces the definition of table `name` by what `change` makes of it; None: it stays. Sessions that change one table
/// take turns. `missing`: the error when there is no such table.
pub fn redefine<R>(
    session: &Session,
    operation: Operation,
    name: &str,
    missing: impl Fn() -> ApiError,
    change: impl FnOnce(&Table, &TableDefinition) -> Result<(Option<TableDefinition>, R)>,
) -> Result<R> {
    let held = catalog::open(name, Hold::Share)?.ok_or_else(&missing)?;
    session.touch(&held);
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(session.access_denied(operation, name));
    }
    // The definition is read under the lock of its row.
    let current = catalog::lock_definition(name)?.ok_or_else(&missing)?;
    let (changed, result) = change(&held, &current)?;
    if let Some(changed) = changed {
        catalog::replace(held.relid, &changed)?;
    }
    Ok(result)
}

/// The definition of table `name`, for whoever asks.
pub fn described<R>(
    session: &Session,
    name: &str,
    missing: impl Fn() -> ApiError,
    describe: impl FnOnce(&TableDefinition) -> Result<R>,
) -> Result<R> {
    let found = catalog::open(name, Hold::Share)?.ok_or_else(missing)?;
    session.touch(&found);
    describe(&found.definition)
}
