//! UpdateTimeToLive.

use super::Session;
use super::redefine::redefine;
use crate::storage::catalog;
use crate::worker::{self, Kind};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::UpdateTimeToLiveRequest;
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: UpdateTimeToLiveRequest) -> Result<String> {
    let name = &request.table().name;
    let missing = || ApiError::no_such_table(name);
    redefine(
        session,
        Operation::UpdateTimeToLive,
        name,
        missing,
        |_, current| {
            let updated = request.apply(current, catalog::now_millis())?;
            worker::start_at_commit(Kind::IndexBuild);
            Ok((Some(updated), request.reply()))
        },
    )
}
