//! CreateBackup.

use super::Session;
use crate::storage::backup;
use crate::storage::catalog::{self, Hold};
use crate::storage::table;
use crate::worker::{self, Kind};
use pg_dynamo_core::backup::{Backup, backup_id};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{CreateBackupRequest, create_backup_reply};
use pg_dynamo_core::{ApiError, Result};

/// The backup is CREATING when the call returns; the worker copies the items as they are when it begins, which is as soon
/// as this transaction is committed.
pub fn run(session: &Session, request: CreateBackupRequest) -> Result<String> {
    let name = &request.table().name;
    let held = catalog::open(name, Hold::Share)?.ok_or_else(|| no_such_table(name))?;
    session.touch(&held);
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(session.access_denied(Operation::CreateBackup, name));
    }
    let definition = &held.definition;
    request.check(definition)?;
    check_whole(session, Operation::CreateBackup, name, &held)?;
    let now = catalog::now_millis();
    let id = backup_id(now, &catalog::new_id());
    let statistics = table::statistics(held.relid, definition);
    let backup = Backup {
        item_count: statistics.item_count,
        ..Backup::of_table(id, request.backup_name.clone(), (**definition).clone(), now)
    };
    backup::create(&backup, held.relid)?;
    worker::start_at_commit(Kind::Backup);
    Ok(create_backup_reply(&backup, &session.account))
}

/// The operations on backups have an error of their own for a table that is not there.
pub fn no_such_table(name: &str) -> ApiError {
    ApiError::table_not_found(format!("Table not found: {name}"))
}

/// A copy is what the owner may see. Where policies are forced upon the owner too, that may not be all of it.
pub fn check_whole(
    session: &Session,
    operation: Operation,
    name: &str,
    table: &catalog::Table,
) -> Result<()> {
    if backup::hides_rows(table.relid) {
        return Err(session.access_denied(operation, name));
    }
    Ok(())
}
