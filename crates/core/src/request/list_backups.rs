//! ListBackups.
use super::fields::{number, string};
use super::restore::timestamp;
use super::{backup_shapes, shape};
use crate::backup::{self, Backup, BackupKind, BackupRef};
use crate::json::Json;
use crate::table::{Account, TableRef};
use crate::{ApiError, Result, limits};

#[derive(Debug)]
pub struct ListBackupsRequest {
    pub table: Option<String>,
    /// Ids after this one; it need not exist.
    pub exclusive_start: Option<String>,
    /// 1 to 100.
    pub limit: usize,
    /// Epoch milliseconds of the requests: the first that is listed, and the first that is not any more.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// None: of every kind there is. Empty: of a kind that there is none of.
    pub kinds: &'static [BackupKind],
}

impl ListBackupsRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::LIST_BACKUPS, request)?;
        let table = string(request, "TableName");
        if let Some(table) = table {
            shape::check_table(table)?;
        }
        let table = table.map(|table| TableRef::parse(table, account));
        let start = string(request, "ExclusiveStartBackupArn");
        let start = start
            .map(|arn| BackupRef::parse(arn, account))
            .transpose()?;
        let from = timestamp(request, "TimeRangeLowerBound");
        let to = timestamp(request, "TimeRangeUpperBound");
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(ApiError::validation(
                "TimeRangeLowerBound must not be later than TimeRangeUpperBound",
            ));
        }
        let limit = number(request, "Limit").unwrap_or(limits::MAX_LISTED_BACKUPS);
        Ok(ListBackupsRequest {
            table: table.transpose()?.map(|table| table.name),
            exclusive_start: start.map(|start| start.id),
            limit: usize::try_from(limit).unwrap_or(1),
            from,
            to,
            kinds: match string(request, "BackupType") {
                Some("ALL") => &[BackupKind::User, BackupKind::System],
                Some("SYSTEM") => &[BackupKind::System],
                Some("AWS_BACKUP") => &[],
                _ => &[BackupKind::User],
            },
        })
    }

    /// Whether a backup belongs to the answer, whatever page it is on.
    pub fn lists(&self, backup: &Backup) -> bool {
        let of_table = self
            .table
            .as_ref()
            .is_none_or(|table| *table == backup.definition.name);
        of_table
            && self.kinds.contains(&backup.kind)
            && self.from.is_none_or(|from| backup.created_at >= from)
            && self.to.is_none_or(|to| backup.created_at < to)
    }

    /// `found`: those that belong to the answer after `exclusive_start`, in the order of their ids; one more than `limit`
    /// tells that there is another page.
    pub fn reply(&self, found: &[Backup], account: &Account) -> String {
        let page = found.get(..self.limit).unwrap_or(found);
        backup::summaries(page, found.len() > page.len(), account)
    }
}
