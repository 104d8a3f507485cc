//! DeleteItem.

use super::Session;
use super::write::{self, Bound};
use crate::storage::catalog::Table;
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::DeleteItemRequest;
use std::rc::Rc;

pub fn bind(session: &Session, request: DeleteItemRequest) -> Result<Bound> {
    let table = session.table(Operation::DeleteItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    write::admit(session, &table, &write)?;
    Ok(Bound { table, write })
}

/// Deletes the item, by statements, and answers what it was.
pub fn store(table: &Table, write: &Rc<Write>) -> Result<Outcome> {
    write::settle(table, || match item::delete(table, write)? {
        Attempt::Missing => write::on_missing(write),
        other => Ok(other),
    })
}
