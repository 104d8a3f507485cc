//! DescribeBackup.

use super::Session;
use crate::storage::backup;
use crate::worker::{self, Kind};
use pg_dynamo_core::Result;
use pg_dynamo_core::backup::BackupState;
use pg_dynamo_core::request::{BackupRequest, describe_backup_reply};

pub fn run(session: &Session, request: &BackupRequest) -> Result<String> {
    let wanted = &request.backup;
    let found = backup::find(&wanted.id)?;
    let found = found.filter(|backup| backup.definition.name == wanted.table);
    let backup = found.ok_or_else(|| wanted.not_found())?;
    if backup.state == BackupState::Creating {
        worker::start_if_needed(Kind::Backup);
    }
    Ok(describe_backup_reply(&backup, &session.account))
}
