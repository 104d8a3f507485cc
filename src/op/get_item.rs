//! GetItem.

use super::{Reply, Session, traffic};
use crate::storage::catalog::Table;
use crate::storage::detoast::ItemDatum;
use crate::storage::item;
use crate::storage::memory::Scratch;
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::Read;
use pg_dynamo_core::capacity::{Consumed, Units};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::GetItemRequest;
use pg_dynamo_core::throttle::Direction;
use pg_dynamo_core::value::ItemBuf;
use std::ops::ControlFlow;
use std::rc::Rc;

/// A read bound to its table, which is held for the rest of the transaction.
pub struct Bound {
    table: Rc<Table>,
    read: Read,
}

pub fn bind(session: &Session, request: GetItemRequest) -> Result<Bound> {
    let table = session.table(Operation::GetItem, &request.table().name)?;
    let read = request.bind(&table.definition)?;
    traffic::admit(session, &table, Direction::Read, [read.key()])?;
    Ok(Bound { table, read })
}

impl Bound {
    /// Where the row stands.
    pub fn place(&self) -> (u32, &StoredKey) {
        (self.table.relid.to_u32(), self.read.key())
    }

    pub fn reply(&self) -> Result<Reply> {
        let reply = item::get(&self.table, self.read.key(), |found| {
            reply(&self.read, found)
        })?;
        traffic::charge_read(&self.table, None, reply.consumed.read);
        Ok(reply)
    }
}

/// Reads of one table, in the order given; `take` gets each reply with its place. False: nothing was read, this table is
/// to be read by statements.
pub fn in_one_pass(reads: &[&Bound], take: &mut dyn FnMut(usize, Result<Reply>)) -> bool {
    let Some(Bound { table, .. }) = reads.first() else {
        return true;
    };
    let scratch = Scratch::new(c"dynamo row");
    let mut keys = reads.iter().map(|bound| bound.read.key());
    item::get_directly(table, &mut keys, &mut |place, found| {
        let reply = scratch.run(|| reply(&reads[place].read, found));
        if let Ok(reply) = &reply {
            traffic::charge_read(table, None, reply.consumed.read);
        }
        take(place, reply);
        ControlFlow::Continue(())
    })
}

fn reply(read: &Read, found: Option<ItemDatum>) -> Result<Reply> {
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
}

/// The item as SQL callers want it, stored bytes, projected when asked; and what it consumed.
pub fn item(session: &Session, request: GetItemRequest) -> Result<(Option<ItemBuf>, Consumed)> {
    let Bound { table, read } = bind(session, request)?;
    let consumed = |size| Consumed::of_read(Units::of_read(size, read.consistent()));
    let (item, consumed) = item::get(&table, read.key(), |found| {
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
    })?;
    traffic::charge_read(&table, None, consumed.read);
    Ok((item, consumed))
}
