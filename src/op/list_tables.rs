//! ListTables.

use crate::storage::catalog;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::ListTablesRequest;

pub fn run(request: ListTablesRequest) -> Result<String> {
    // One more than asked tells whether there is a next page.
    let names = catalog::names(request.exclusive_start.as_deref(), request.limit + 1);
    Ok(request.reply(&names))
}
