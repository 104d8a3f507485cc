//! PutItem.

use super::Session;
use super::write::{self, Bound};
use crate::storage::catalog::Table;
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::PutItemRequest;
use pg_dynamo_core::{ApiError, Result};
use std::rc::Rc;

pub fn bind(session: &Session, request: PutItemRequest) -> Result<Bound> {
    let table = session.table(Operation::PutItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    write::admit(session, &table, &write)?;
    Ok(Bound { table, write })
}

/// Writes the item, by statements, and answers what was there.
pub fn store(table: &Table, write: &Rc<Write>) -> Result<Outcome> {
    let proposed = write
        .proposed()
        .ok_or_else(|| ApiError::corrupt("put without an item"))?;
    let creates = write.may_create()?;
    write::settle(table, || {
        if creates && !item::under_policies(table) {
            return item::upsert(table, write, proposed);
        }
        match item::replace(table, write, proposed)? {
            Attempt::Missing if creates => item::insert(table, write, proposed, false),
            Attempt::Missing => write::on_missing(write),
            other => Ok(other),
        }
    })
}
