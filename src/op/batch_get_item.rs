//! BatchGetItem.

use super::{Reply, Session, traffic};
use crate::storage::batch;
use crate::storage::catalog::Table;
use crate::storage::detoast::{ItemDatum, Stored};
use pg_dynamo_core::Result;
use pg_dynamo_core::batch::{BatchRead, TableRead};
use pg_dynamo_core::capacity::{Consumed, Units};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::request::BatchGetItemRequest;
use pg_dynamo_core::throttle::Direction;
use pg_dynamo_core::value::ItemBuf;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Keys of tables that have no throughput left are unprocessed.
pub fn run(session: &Session, request: BatchGetItemRequest) -> Result<Reply> {
    let (tables, read) = bind(session, request)?;
    let admitted = admit(session, &tables, &read)?;
    let mut reply = read.reply(String::new());
    for ((table, asked), admitted) in tables.iter().zip(read.tables()).zip(admitted) {
        reply.begin();
        if !admitted {
            continue;
        }
        let before = reply.consumed();
        let all = each(table, asked, |item| {
            reply.offer(item.as_ref().map(|item| item as &dyn StoredItem))
        })?;
        traffic::charge_read(table, None, reply.consumed() - before);
        if !all {
            break;
        }
    }
    let consumed = Consumed::of_read(reply.consumed());
    let json = reply.finish()?;
    Ok(Reply { json, consumed })
}

/// The items as SQL callers want them, stored bytes, projected when asked, however large together; and what they
/// consumed.
pub fn items(session: &Session, request: BatchGetItemRequest) -> Result<(Vec<ItemBuf>, Consumed)> {
    let (tables, read) = bind(session, request)?;
    // They are of one table: it is admitted, or the call refused.
    admit(session, &tables, &read)?;
    let (mut items, mut units) = (Vec::new(), Units::default());
    for (table, asked) in tables.iter().zip(read.tables()) {
        each(table, asked, |item| {
            let size = item.as_ref().map_or(Ok(0), StoredItem::size)?;
            let read = Units::of_read(size, asked.consistent());
            traffic::charge_read(table, None, read);
            units = units + read;
            if let Some(item) = item {
                items.push(asked.select(&item)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok((items, Consumed::of_read(units)))
}

fn bind(session: &Session, request: BatchGetItemRequest) -> Result<(Vec<Rc<Table>>, BatchRead)> {
    let opened = request
        .tables()
        .map(|table| session.table(Operation::BatchGetItem, &table.name));
    let tables = opened.collect::<Result<Vec<_>>>()?;
    let definitions: Vec<_> = tables.iter().map(|table| &*table.definition).collect();
    let read = request.bind(&definitions)?;
    Ok((tables, read))
}

fn admit(session: &Session, tables: &[Rc<Table>], read: &BatchRead) -> Result<Vec<bool>> {
    let keys = |place: usize| read.tables()[place].keys();
    traffic::admit_batch(session, tables, Direction::Read, keys)
}

/// Hands over what is found under each key, until `take` breaks; whether it was told everything.
fn each(
    table: &Table,
    asked: &TableRead,
    mut take: impl FnMut(Option<Stored>) -> Result<ControlFlow<()>>,
) -> Result<bool> {
    let mut ended = Ok(ControlFlow::Continue(()));
    batch::get(table, asked.keys(), &mut |_, item: Option<ItemDatum>| {
        ended = take(item.map(Stored::new));
        match ended {
            Ok(flow) => flow,
            Err(_) => ControlFlow::Break(()),
        }
    });
    Ok(ended?.is_continue())
}
