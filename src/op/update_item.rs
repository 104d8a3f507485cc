//! UpdateItem.

use super::{Session, write};
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Effect, Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::UpdateItemRequest;
use std::rc::Rc;

pub fn run(session: &Session, request: UpdateItemRequest) -> Result<String> {
    let (write, outcome) = store(session, request)?;
    write::reply(&write, &outcome)
}

/// Updates the item, or creates it, and answers both images.
///
/// An UPDATE comes first and an INSERT only where no row was found: an upsert would hold a role that may
/// only update to the privileges, CHECKs and policies of an insert.
pub fn store(session: &Session, request: UpdateItemRequest) -> Result<(Rc<Write>, Outcome)> {
    let table = session.table(Operation::UpdateItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    let returning = write.wants_new();
    let outcome = write::settle(&table, &write, || {
        match item::update(&table, &write, returning)? {
            Attempt::Missing => match write.apply(None)? {
                Effect::Store(new) => item::insert(&table, &write, new.as_item(), returning),
                _ => write::on_missing(&write),
            },
            other => Ok(other),
        }
    })?;
    Ok((write, outcome))
}
