//! GetItem.

use super::{Reply, Session};
use crate::storage::detoast::ItemDatum;
use crate::storage::item;
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::Read;
use pg_dynamo_core::capacity::{Consumed, Units};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::GetItemRequest;
use pg_dynamo_core::value::ItemBuf;

pub fn run(session: &Session, request: GetItemRequest) -> Result<Reply> {
    find(session, request, |read, found| {
        let mut json = String::new();
        let units = match (found, read.projection()) {
            (Some(datum), Some(projection)) => {
                let (item, size) = datum.project(&mut |get| projection.project_with(get))?;
                read.reply_projected(Some(item), size, &mut json)?
            }
            (Some(datum), None) => read.reply(Some(datum.whole()?), &mut json)?,
            (None, _) => read.reply(None, &mut json)?,
        };
        let consumed = Consumed::of_read(units);
        Ok(Reply { json, consumed })
    })
}

/// The item as SQL callers want it, stored bytes, projected when asked; and what it consumed.
pub fn item(session: &Session, request: GetItemRequest) -> Result<(Option<ItemBuf>, Consumed)> {
    find(session, request, |read, found| {
        let consumed = |size| Consumed::of_read(Units::of_read(size, read.consistent()));
        let Some(datum) = found else {
            return Ok((None, consumed(0)));
        };
        let (item, size) = match read.projection() {
            Some(projection) => datum.project(&mut |get| projection.project_with(get))?,
            None => {
                let item = datum.whole()?;
                (ItemBuf::from_bytes(item.bytes().to_vec()), item.size())
            }
        };
        Ok((Some(item), consumed(size)))
    })
}

fn find<R>(
    session: &Session,
    request: GetItemRequest,
    answer: impl FnOnce(&Read, Option<ItemDatum>) -> Result<R>,
) -> Result<R> {
    let table = session.table(Operation::GetItem, &request.table().name)?;
    let read = request.bind(&table.definition)?;
    item::get(&table, read.key(), |found| answer(&read, found))
}
