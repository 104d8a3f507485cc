//! ListStreams.

use super::Session;
use crate::stream::catalog;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::ListStreamsRequest;

pub fn run(session: &Session, request: ListStreamsRequest) -> Result<String> {
    // One more than asked tells whether there is a next page.
    let streams = catalog::list(
        request.table.as_deref(),
        request.exclusive_start.as_ref(),
        request.limit + 1,
        crate::guc::stream_retention(),
    );
    Ok(request.reply(&streams, &session.account))
}
