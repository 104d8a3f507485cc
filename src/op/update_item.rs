//! UpdateItem.

use super::Session;
use super::write::{self, Bound};
use crate::storage::catalog::Table;
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Effect, Outcome, Write};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::UpdateItemRequest;
use std::rc::Rc;

pub fn bind(session: &Session, request: UpdateItemRequest) -> Result<Bound> {
    let table = session.table(Operation::UpdateItem, &request.table().name)?;
    let write = Rc::new(request.bind(&table.definition)?);
    write::admit(session, &table, &write)?;
    Ok(Bound { table, write })
}

/// Updates the item, or creates it, by statements, and answers both images.
///
/// An UPDATE comes first and an INSERT only where no row was found: an upsert would hold a role that may
/// only update to the privileges, CHECKs and policies of an insert.
pub fn store(table: &Table, write: &Rc<Write>) -> Result<Outcome> {
    let returning = write.wants_new();
    write::settle(table, || match item::update(table, write, returning)? {
        Attempt::Missing => match write.apply(None)? {
            Effect::Store(new) => item::insert(table, write, new.as_item(), returning),
            _ => write::on_missing(write),
        },
        other => Ok(other),
    })
}
