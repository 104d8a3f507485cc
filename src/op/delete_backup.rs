//! DeleteBackup.

use super::Session;
use crate::storage::backup::{self, job};
use pg_dynamo_core::Result;
use pg_dynamo_core::backup::{Backup, BackupState};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{BackupRequest, describe_backup_reply};

pub fn run(session: &Session, request: &BackupRequest) -> Result<String> {
    let wanted = &request.backup;
    let missing = || wanted.not_found();
    let found = backup::find(&wanted.id)?.filter(|backup| backup.definition.name == wanted.table);
    found.ok_or_else(missing)?;
    if backup::owned_by_caller(&wanted.id) != Some(true) {
        return Err(session.access_denied(Operation::DeleteBackup, &wanted.table));
    }
    let backup = backup::lock(&wanted.id)?.ok_or_else(missing)?;
    if backup.state == BackupState::Creating && !job::gave_up(job::Kind::Backup, &backup.id) {
        return Err(wanted.in_use("created"));
    }
    if backup::is_being_restored(&backup.id) {
        return Err(wanted.in_use("restored"));
    }
    backup::drop(&backup.id);
    let deleted = Backup {
        state: BackupState::Deleted,
        ..backup
    };
    Ok(describe_backup_reply(&deleted, &session.account))
}
