//! UpdateTable.

use super::Session;
use super::redefine::redefine;
use crate::storage::{catalog, table};
use crate::stream;
use crate::worker::{self, Kind};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{UpdateTableRequest, table_description_reply};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: UpdateTableRequest) -> Result<String> {
    let name = &request.table().name;
    let missing = || ApiError::no_such_table(name);
    redefine(
        session,
        Operation::UpdateTable,
        name,
        missing,
        |held, current| {
            let updated = request.apply(current, catalog::now_millis())?;
            if request.enables_stream() {
                stream::table::check_server()?;
            }
            if request.changes_stream() {
                stream::table::changed(&updated, held.relid)?;
            }
            if !updated.is_finished() {
                worker::start_at_commit(Kind::IndexBuild);
            }
            let statistics = table::statistics(held.relid, &updated);
            let status = updated.status();
            let reply = table_description_reply(&updated, status, &session.account, statistics);
            Ok((Some(updated), reply))
        },
    )
}
