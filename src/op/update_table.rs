//! UpdateTable.

use super::Session;
use crate::storage::catalog::{self, Hold};
use crate::storage::table;
use crate::worker::{self, Kind};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{UpdateTableRequest, table_description_reply};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: UpdateTableRequest) -> Result<String> {
    let name = &request.table().name;
    let missing = || ApiError::no_such_table(name);
    let held = catalog::open(name, Hold::Share)?.ok_or_else(missing)?;
    session.touch(&held);
    if catalog::owned_by_caller(held.relid) != Some(true) {
        return Err(session.access_denied(Operation::UpdateTable, name));
    }
    // Sessions that update one table take turns on its catalog row; the definition is read under that lock.
    let current = catalog::lock_definition(name)?.ok_or_else(missing)?;
    let updated = request.apply(&current, catalog::now_millis())?;
    catalog::replace(held.relid, &updated)?;
    if !updated.is_finished() {
        worker::start_at_commit(Kind::IndexBuild);
    }
    Ok(table_description_reply(
        &updated,
        updated.status(),
        &session.account,
        table::statistics(held.relid, &updated),
    ))
}
