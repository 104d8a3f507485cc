//! TransactGetItems: all items as one snapshot sees them.

use super::{Reply, Session, traffic};
use crate::storage::batch;
use crate::storage::detoast::Stored;
use pg_dynamo_core::Result;
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::request::TransactGetItemsRequest;
use pg_dynamo_core::throttle::Direction;
use std::ops::ControlFlow;

/// Every transaction is in a snapshot as a whole or not at all, so this one waits for nobody and is never refused
/// because of another.
pub fn run(session: &Session, request: TransactGetItemsRequest) -> Result<Reply> {
    let opened = request.tables().into_iter();
    let opened = opened.map(|table| session.table(Operation::GetItem, &table.name));
    let tables = opened.collect::<Result<Vec<_>>>()?;
    let definitions: Vec<_> = tables.iter().map(|table| &*table.definition).collect();
    let read = request.bind(&definitions)?;
    read.admit(|table, keys| traffic::admit(session, &tables[table], Direction::Read, keys))?;
    let mut reply = read.reply();
    for (place, (table, gets)) in tables.iter().zip(read.tables()).enumerate() {
        let mut taken = Ok(());
        batch::get(table, gets.keys(), &mut |key, item| {
            let item = item.map(Stored::new);
            let item = item.as_ref().map(|item| item as &dyn StoredItem);
            taken = reply.take(place, key, item);
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        taken?;
    }
    for (table, units) in tables.iter().zip(reply.units()) {
        traffic::charge_read(table, None, *units);
    }
    let consumed = Consumed::of_read(reply.consumed());
    let json = reply.finish();
    Ok(Reply { json, consumed })
}
