//! DescribeTable.

use super::Session;
use crate::storage::catalog::{self, Hold};
use crate::storage::table;
use crate::stream;
use crate::worker::{self, Kind};
use pg_dynamo_core::request::{DescribeTableRequest, describe_table_reply};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: DescribeTableRequest) -> Result<String> {
    let name = &request.table().name;
    let found = catalog::open(name, Hold::Share)?.ok_or_else(|| ApiError::no_such_table(name))?;
    session.touch(&found);
    if !found.definition.is_finished() {
        worker::start_if_needed(Kind::IndexBuild);
    }
    if found.definition.is_being_created() {
        worker::start_if_needed(Kind::Backup);
    }
    stream::table::wake_worker(&found.definition);
    Ok(describe_table_reply(
        &found.definition,
        &session.account,
        table::statistics(found.relid, &found.definition),
    ))
}
