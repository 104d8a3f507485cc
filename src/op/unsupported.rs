//! Operations that are checked and refused.

use super::Session;
use crate::storage::catalog;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::Unsupported;

pub fn run(session: &Session, request: Unsupported) -> Result<String> {
    let exists = match &request.table {
        Some(sought) => match catalog::peek(&sought.name)? {
            Some(table) => {
                session.touch(&table);
                true
            }
            None => false,
        },
        None => false,
    };
    request.answer(exists)
}
