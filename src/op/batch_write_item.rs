//! BatchWriteItem.

use super::{Reply, Session, put_item, traffic, write};
use crate::storage::batch;
use crate::storage::catalog::Table;
use crate::storage::{direct_write, item, key_locks, throughput};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::batch::{BatchWrite, TableWrites};
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::request::BatchWriteItemRequest;
use pg_dynamo_core::throttle::Direction;
use std::rc::Rc;

pub fn run(session: &Session, request: BatchWriteItemRequest) -> Result<Reply> {
    let (batch, outcomes) = store(session, request)?;
    let mut json = String::new();
    batch.reply(&outcomes, &mut json)?;
    let consumed = Consumed::of_write(batch.consumed(&outcomes)?);
    Ok(Reply { json, consumed })
}

/// Writes all items, when every one of them may be written; those of tables that have no throughput left stay
/// unprocessed. Answers what was there, table by table: under its
/// puts, then under its deletes.
pub fn store(
    session: &Session,
    request: BatchWriteItemRequest,
) -> Result<(BatchWrite, Vec<Vec<Outcome>>)> {
    let opened = request
        .tables()
        .map(|(table, puts, deletes)| session.table_to_batch_write(&table.name, puts, deletes));
    let tables = opened.collect::<Result<Vec<_>>>()?;
    let definitions: Vec<_> = tables.iter().map(|table| &table.definition).collect();
    let mut batch = request.bind(&definitions)?;
    admit(session, &tables, &mut batch)?;
    let of_tables = || tables.iter().zip(batch.tables());
    let mut locks: Vec<u64> = of_tables()
        .flat_map(|(table, asked)| asked.writes().map(|write| (table.relid, write.key())))
        .map(|(relid, key)| key_locks::number(relid, key))
        .collect();
    if locks.len() < 2 {
        // Who waits for one row only is in nobody's way.
        locks.clear();
    }
    let outcomes = key_locks::holding(locks, || {
        of_tables()
            .map(|(table, asked)| write_table(table, asked))
            .collect::<Result<Vec<_>>>()
    })?;
    for ((table, asked), outcomes) in of_tables().zip(&outcomes) {
        if throughput::enforced() {
            traffic::charge_writes(table, &asked.units(outcomes)?);
        }
    }
    Ok((batch, outcomes))
}

fn admit(session: &Session, tables: &[Rc<Table>], batch: &mut BatchWrite) -> Result<()> {
    let asked = batch.tables();
    let keys = move |place: usize| asked[place].writes().map(|write| write.key());
    let admitted = traffic::admit_batch(session, tables, Direction::Write, keys)?;
    for (place, _) in admitted
        .iter()
        .enumerate()
        .filter(|(_, admitted)| !**admitted)
    {
        batch.leave(place);
    }
    Ok(())
}

fn write_table(table: &Table, asked: &TableWrites) -> Result<Vec<Outcome>> {
    let mut outcomes = directly(table, asked.puts())?;
    let left = &asked.puts()[outcomes.len()..];
    if item::under_policies(table) {
        for write in left {
            outcomes.push(put_item::store(table, write)?);
        }
    } else if !left.is_empty() {
        outcomes.extend(batch::put(table, left)?);
    }
    let deleted = directly(table, asked.deletes())?;
    let left = &asked.deletes()[deleted.len()..];
    outcomes.extend(deleted);
    if !left.is_empty() {
        outcomes.extend(delete(table, left)?);
    }
    Ok(outcomes)
}

/// One write after the other, without statements, for as long as the table allows it.
fn directly(table: &Table, writes: &[Rc<Write>]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        match direct_write::write(table, write)? {
            Some(outcome) => outcomes.push(outcome),
            None => break,
        }
    }
    Ok(outcomes)
}

/// Repeats the statement while it loses races. What an earlier attempt deleted, the next one does not find.
fn delete(table: &Table, writes: &[Rc<Write>]) -> Result<Vec<Outcome>> {
    let mut olds = vec![None; writes.len()];
    for _ in 0..write::MAX_ATTEMPTS {
        let attempt = batch::delete(table, writes)?;
        for (old, found) in olds.iter_mut().zip(attempt.old) {
            *old = found.or(old.take());
        }
        if !attempt.lost {
            let outcome = |old| Outcome { old, new: None };
            return Ok(olds.into_iter().map(outcome).collect());
        }
    }
    item::suppressed(table)
}
