//! RestoreTableFromBackup and RestoreTableToPointInTime: a new table, which the worker fills.

use super::create_backup::{check_whole, no_such_table};
use super::{Session, create_table};
use crate::storage::backup;
use crate::storage::catalog::{self, Hold};
use crate::storage::table;
use crate::worker::{self, Kind};
use pg_dynamo_core::backup::BackupState;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest, table_description_reply,
};
use pg_dynamo_core::table::{TableDefinition, TableStatistics, TableStatus};
use pg_dynamo_core::{ApiError, ErrorKind, Result};

pub fn from_backup(session: &Session, request: &RestoreTableFromBackupRequest) -> Result<String> {
    let wanted = &request.backup;
    let missing = || wanted.not_found();
    let found = backup::find(&wanted.id)?.filter(|backup| backup.definition.name == wanted.table);
    found.ok_or_else(missing)?;
    if backup::owned_by_caller(&wanted.id) != Some(true) {
        return Err(session.access_denied(Operation::RestoreTableFromBackup, &wanted.table));
    }
    // Whoever deletes the backup waits, and then sees that it is being restored.
    let backup = backup::lock(&wanted.id)?.ok_or_else(missing)?;
    if backup.state == BackupState::Creating {
        return Err(wanted.in_use("created"));
    }
    let definition = request.definition(&backup, catalog::new_id(), catalog::now_millis())?;
    begin(session, Operation::RestoreTableFromBackup, &definition)
}

pub fn to_point_in_time(
    session: &Session,
    request: &RestoreTableToPointInTimeRequest,
) -> Result<String> {
    const OPERATION: Operation = Operation::RestoreTableToPointInTime;
    let name = &request.source.name;
    let held = catalog::open(name, Hold::Share)?.ok_or_else(|| no_such_table(name))?;
    session.touch(&held);
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(session.access_denied(OPERATION, name));
    }
    check_whole(session, OPERATION, name, &held)?;
    // Whoever ends the history, or shortens it, waits, and then sees that it is needed.
    let current = catalog::lock_definition(name)?.ok_or_else(|| no_such_table(name))?;
    let definition = request.definition(&current, catalog::new_id(), catalog::now_millis())?;
    begin(session, OPERATION, &definition)
}

/// Makes the table, CREATING and empty.
fn begin(session: &Session, operation: Operation, definition: &TableDefinition) -> Result<String> {
    let name = &definition.name;
    if !catalog::may_create() {
        return Err(session.access_denied(operation, name));
    }
    create_table::claim(definition).map_err(|error| match error.kind {
        ErrorKind::ResourceInUse => in_the_way(name),
        _ => error,
    })?;
    table::create_empty(definition)?;
    worker::start_at_commit(Kind::Backup);
    Ok(table_description_reply(
        definition,
        TableStatus::Creating,
        &session.account,
        TableStatistics::default(),
    ))
}

/// A table has the target's name.
fn in_the_way(name: &str) -> ApiError {
    match catalog::peek(name) {
        Ok(Some(table)) if table.definition.is_being_created() => {
            ApiError::table_in_use(format!("Table is being created: {name}"))
        }
        _ => ApiError::table_already_exists(format!("Table already exists: {name}")),
    }
}
