//! CreateBackup.
use super::fields::string;
use super::{backup_shapes, shape};
use crate::backup::Backup;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::{ApiError, Result};

#[derive(Debug)]
pub struct CreateBackupRequest {
    table: TableRef,
    pub backup_name: String,
}

impl CreateBackupRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::CREATE_BACKUP, request)?;
        Ok(CreateBackupRequest {
            table: TableRef::of_request(request, account)?,
            backup_name: string(request, "BackupName").unwrap_or_default().to_owned(),
        })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// Err: TableInUseException while the table is being restored itself.
    pub fn check(&self, table: &TableDefinition) -> Result<()> {
        if table.is_being_created() {
            return Err(ApiError::table_in_use(format!(
                "Table is being created: {}",
                table.name
            )));
        }
        Ok(())
    }
}

/// `{"BackupDetails":{…}}`
pub fn create_backup_reply(backup: &Backup, account: &Account) -> String {
    format!("{{\"BackupDetails\":{}}}", backup.details(account))
}
