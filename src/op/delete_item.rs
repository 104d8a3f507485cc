//! DeleteItem.

use super::{Session, write};
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::DeleteItemRequest;
use std::rc::Rc;

pub fn run(session: &Session, request: DeleteItemRequest) -> Result<String> {
    let (write, outcome) = store(session, request)?;
    write::reply(&write, &outcome)
}

/// Deletes the item and answers what it was.
pub fn store(session: &Session, request: DeleteItemRequest) -> Result<(Rc<Write>, Outcome)> {
    let table = session.table(Operation::DeleteItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    let outcome = write::settle(&table, &write, || match item::delete(&table, &write)? {
        Attempt::Missing => write::on_missing(&write),
        other => Ok(other),
    })?;
    Ok((write, outcome))
}
