//! ListBackups.

use super::Session;
use crate::storage::backup;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::ListBackupsRequest;

pub fn run(session: &Session, request: &ListBackupsRequest) -> Result<String> {
    // One more than asked tells whether there is a next page.
    let start = request.exclusive_start.as_deref();
    let found = backup::list(start, request.limit + 1, |backup| request.lists(backup))?;
    Ok(request.reply(&found, &session.account))
}
