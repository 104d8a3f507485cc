//! DeleteTable.

use super::Session;
use crate::storage::backup::{self, copy, job};
use crate::storage::catalog::{self, Hold, Table};
use crate::storage::table;
use crate::stream;
use pg_dynamo_core::backup::{Backup, backup_id};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{DeleteTableRequest, table_description_reply};
use pg_dynamo_core::table::{TableDefinition, TableStatus};
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
    // Nor does a request that will be refused wait for the lock of an index that is being built, or of a copy.
    let busy = !seen.definition.is_finished() || is_copied(name);
    if busy && check(&request, &seen.definition).is_err() {
        let current = catalog::open(name, Hold::Share)?.ok_or_else(missing)?;
        check(&request, &current.definition)?;
    }
    // The relation is locked before its catalog row, as a plain DROP TABLE does.
    let held = catalog::open(name, Hold::Exclusive)?.ok_or_else(missing)?;
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(denied());
    }
    check(&request, &held.definition)?;
    if held.definition.point_in_time.is_some() {
        keep(&held)?;
    }
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

/// Also refused: a table that is being copied, or restored, unless the worker has given that up.
fn check(request: &DeleteTableRequest, table: &TableDefinition) -> Result<()> {
    let abandoned = table.is_being_created() && job::gave_up(job::Kind::Restore, &table.table_id);
    if abandoned {
        return Ok(());
    }
    // A stream that cannot be enabled must not keep its table.
    let stuck = table.changes_its_stream() && stream::catalog::is_failing();
    let released = stuck.then(|| table.clone().with_stream_state(None));
    request.check(released.as_ref().unwrap_or(table))?;
    if is_copied(&table.name) {
        return Err(ApiError::resource_in_use(format!(
            "Attempt to change a resource which is still in use: Table is being backed up or restored from: {}",
            table.name
        )));
    }
    Ok(())
}

/// A backup of the table is being made, or another table restored from its history.
fn is_copied(name: &str) -> bool {
    backup::is_being_made(name) || backup::restores_from(name)
}

/// Keeps the items of a table with point-in-time recovery for 35 days, in a SYSTEM backup.
fn keep(held: &Table) -> Result<()> {
    let now = catalog::now_millis();
    let id = backup_id(now, &catalog::new_id());
    let mut kept = Backup::of_deleted_table(id, (*held.definition).clone(), now);
    backup::create(&kept, held.relid)?;
    let into = backup::relation_of(&kept.id);
    kept.item_count = copy::at_once(held.relid, &table::quoted(&held.definition.name), into)?;
    kept.size_bytes = copy::size(into);
    backup::replace(&kept)
}
