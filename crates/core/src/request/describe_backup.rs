//! DescribeBackup and DeleteBackup: a backup by its ARN, and its description.
use super::{backup_shapes, shape};
use crate::Result;
use crate::backup::{Backup, BackupRef};
use crate::json::Json;
use crate::table::Account;

#[derive(Debug)]
pub struct BackupRequest {
    pub backup: BackupRef,
}

impl BackupRequest {
    /// Err: SerializationException, ValidationException, or AccessDeniedException for an ARN of another account.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::BACKUP_ALONE, request)?;
        let backup = BackupRef::of_request(request, account)?;
        Ok(BackupRequest { backup })
    }
}

/// `{"BackupDescription":{…}}`
pub fn describe_backup_reply(backup: &Backup, account: &Account) -> String {
    format!("{{\"BackupDescription\":{}}}", backup.description(account))
}
