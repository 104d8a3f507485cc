//! DeleteTable.

use super::Session;
use crate::storage::catalog::{self, Hold};
use crate::storage::table;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{DeleteTableRequest, table_description_reply};
use pg_dynamo_core::table::TableStatus;
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: DeleteTableRequest) -> Result<String> {
    let name = &request.table().name;
    let missing = || ApiError::no_such_table(name);
    let denied = || session.access_denied(Operation::DeleteTable, name);
    // Whoever may not drop the table must not make others wait either. No lock is taken to see that: two
    // sessions that held a weak one while they wait for the strong one would be a deadlock.
    let seen = catalog::peek(name)?.ok_or_else(missing)?;
    if catalog::owned_by_caller(seen.relid) == Some(false) {
        return Err(denied());
    }
    // Nor does a request that will be refused wait for the lock of an index that is being built.
    if !seen.definition.is_finished() && request.check(&seen.definition).is_err() {
        let current = catalog::open(name, Hold::Share)?.ok_or_else(missing)?;
        request.check(&current.definition)?;
    }
    // The relation is locked before its catalog row, as a plain DROP TABLE does.
    let held = catalog::open(name, Hold::Exclusive)?.ok_or_else(missing)?;
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(denied());
    }
    request.check(&held.definition)?;
    let statistics = table::statistics(held.relid, &held.definition);
    table::drop(&held.definition);
    catalog::forget(name);
    Ok(table_description_reply(
        &held.definition,
        TableStatus::Deleting,
        &session.account,
        statistics,
    ))
}
