//! GetItem.

use super::Session;
use crate::storage::detoast::ItemDatum;
use crate::storage::item;
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::Read;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::GetItemRequest;
use pg_dynamo_core::value::ItemBuf;

pub fn run(session: &Session, request: GetItemRequest) -> Result<String> {
    find(session, request, |read, found| {
        let mut out = String::new();
        match (found, read.projection()) {
            (Some(datum), Some(projection)) => {
                let (item, size) = datum.project(&mut |get| projection.project_with(get))?;
                read.reply_projected(Some(item), size, &mut out)?;
            }
            (Some(datum), None) => read.reply(Some(datum.whole()?), &mut out)?,
            (None, _) => read.reply(None, &mut out)?,
        }
        Ok(out)
    })
}

/// The item as SQL callers want it: stored bytes, projected when asked.
pub fn item(session: &Session, request: GetItemRequest) -> Result<Option<ItemBuf>> {
    find(session, request, |read, found| {
        let Some(datum) = found else { return Ok(None) };
        Ok(Some(match read.projection() {
            Some(projection) => datum.project(&mut |get| projection.project_with(get))?.0,
            None => ItemBuf::from_bytes(datum.whole()?.bytes().to_vec()),
        }))
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
