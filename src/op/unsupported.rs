//! Operations that are checked and refused.

use super::Session;
use crate::storage::catalog;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::Unsupported;

pub fn run(session: &Session, request: Unsupported) -> Result<String> {
    let found = match &request.table {
        Some(sought) => catalog::peek(&sought.name)?,
        None => None,
    };
    if let Some(table) = &found {
        session.touch(table);
    }
    request.answer(found.as_ref().map(|table| &*table.definition))
}
