//! UpdateContinuousBackups and DescribeContinuousBackups.
use super::backup_shapes;
use super::fields::{boolean, number};
use super::shape::{self, member};
use crate::Result;
use crate::backup::{PointInTime, recovery_days};
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};

#[derive(Debug)]
pub struct DescribeContinuousBackupsRequest {
    table: TableRef,
}

impl DescribeContinuousBackupsRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::TABLE_ALONE, request)?;
        let table = TableRef::of_request(request, account)?;
        Ok(DescribeContinuousBackupsRequest { table })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }
}

#[derive(Debug)]
pub struct UpdateContinuousBackupsRequest {
    table: TableRef,
    /// Days of recovery; None: off.
    days: Option<i64>,
}

/// What an update of point-in-time recovery asks of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryChange {
    Begins,
    Ends,
    /// Its period at most.
    Stays,
}

impl UpdateContinuousBackupsRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::UPDATE_CONTINUOUS_BACKUPS, request)?;
        let table = TableRef::of_request(request, account)?;
        let given = member(request, "PointInTimeRecoverySpecification").unwrap_or(&Json::Null);
        let on = boolean(given, "PointInTimeRecoveryEnabled").unwrap_or(false);
        let days = on.then(|| recovery_days(number(given, "RecoveryPeriodInDays")));
        Ok(UpdateContinuousBackupsRequest { table, days })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// What becomes of the history of `table`.
    pub fn change(&self, table: &TableDefinition) -> HistoryChange {
        match (table.point_in_time, self.days) {
            (None, Some(_)) => HistoryChange::Begins,
            (Some(_), None) => HistoryChange::Ends,
            _ => HistoryChange::Stays,
        }
    }

    /// The definition after the update. `now`: epoch milliseconds. What a shorter period has let go does not come back
    /// with a longer one.
    pub fn apply(&self, table: &TableDefinition, now: i64) -> TableDefinition {
        let since = table.point_in_time.map_or(now, |on| on.earliest(now));
        TableDefinition {
            point_in_time: self.days.map(|days| PointInTime { since, days }),
            ..table.clone()
        }
    }
}
