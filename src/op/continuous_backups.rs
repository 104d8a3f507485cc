//! UpdateContinuousBackups and DescribeContinuousBackups.

use super::Session;
use super::create_backup::{check_whole, no_such_table};
use crate::storage::catalog::{self, Hold};
use crate::storage::{backup, history};
use pg_dynamo_core::backup::continuous_backups;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DescribeContinuousBackupsRequest, HistoryChange, UpdateContinuousBackupsRequest,
};
use pg_dynamo_core::{ApiError, Result};

pub fn describe(session: &Session, request: &DescribeContinuousBackupsRequest) -> Result<String> {
    let name = &request.table().name;
    let found = catalog::open(name, Hold::Share)?.ok_or_else(|| no_such_table(name))?;
    session.touch(&found);
    Ok(continuous_backups(
        found.definition.point_in_time,
        catalog::now_millis(),
    ))
}

/// History begins, and ends, under a lock that waits for the writers there are: every transaction that is committed
/// later has kept what it found.
pub fn update(session: &Session, request: &UpdateContinuousBackupsRequest) -> Result<String> {
    const OPERATION: Operation = Operation::UpdateContinuousBackups;
    let name = &request.table().name;
    let missing = || no_such_table(name);
    // Whoever may not alter the table must not make others wait either.
    let seen = catalog::peek(name)?.ok_or_else(missing)?;
    if catalog::owned_by_caller(seen.relid) == Some(false) {
        return Err(session.access_denied(OPERATION, name));
    }
    let hold = match request.change(&seen.definition) {
        HistoryChange::Stays => Hold::Share,
        HistoryChange::Begins | HistoryChange::Ends => Hold::NoWrites,
    };
    let held = catalog::open(name, hold)?.ok_or_else(missing)?;
    session.touch(&held);
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(session.access_denied(OPERATION, name));
    }
    let current = catalog::lock_definition(name)?.ok_or_else(missing)?;
    if current.is_being_created() || backup::restores_from(name) {
        return Err(ApiError::continuous_backups_unavailable(format!(
            "Backups are being enabled for the table: {name}. Please retry later"
        )));
    }
    let updated = request.apply(&current, catalog::now_millis());
    let change = request.change(&current);
    if change != HistoryChange::Stays && matches!(hold, Hold::Share) {
        // Another session has just changed what was seen.
        catalog::open(name, Hold::NoWrites)?.ok_or_else(missing)?;
    }
    match (change, updated.point_in_time) {
        (HistoryChange::Begins, Some(on)) => {
            check_whole(session, OPERATION, name, &held)?;
            history::begin(&held, on);
        }
        (HistoryChange::Stays, Some(on)) => history::keep(name, on),
        (HistoryChange::Ends, _) => history::end(&held),
        // It was off, and is.
        (_, None) => {}
    }
    catalog::replace(held.relid, &updated)?;
    Ok(continuous_backups(
        updated.point_in_time,
        catalog::now_millis(),
    ))
}
