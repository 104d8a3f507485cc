//! PutItem.

use super::{Session, write};
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::PutItemRequest;
use pg_dynamo_core::{ApiError, Result};
use std::rc::Rc;

pub fn run(session: &Session, request: PutItemRequest) -> Result<String> {
    let (write, outcome) = store(session, request)?;
    write::reply(&write, &outcome)
}

/// Writes the item and answers what was there.
pub fn store(session: &Session, request: PutItemRequest) -> Result<(Rc<Write>, Outcome)> {
    let table = session.table(Operation::PutItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    let proposed = write
        .proposed()
        .ok_or_else(|| ApiError::corrupt("put without an item"))?;
    let creates = write.may_create()?;
    let outcome = write::settle(&table, &write, || {
        if creates {
            return item::upsert(&table, &write, proposed);
        }
        match item::replace(&table, &write, proposed)? {
            Attempt::Missing => write::on_missing(&write),
            other => Ok(other),
        }
    })?;
    Ok((Rc::clone(&write), outcome))
}
