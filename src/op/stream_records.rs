//! The records of a table's stream in one order, that of commits, for SQL.

use super::Session;
use super::get_shard_iterator::readable;
use crate::storage::catalog as tables;
use crate::stream::catalog::{self, ShardRow};
use crate::stream::{reader, wake};
use crate::worker::{self, Kind};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::stream::{Event, Position, Record, Start};
use pg_dynamo_core::table::KeySchema;
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use std::time::{Duration, Instant};

/// A record as a row.
pub struct Shown {
    pub position: Position,
    pub event: Event,
    pub keys: ItemBuf,
    pub new_image: Option<ItemBuf>,
    pub old_image: Option<ItemBuf>,
    /// Epoch milliseconds.
    pub created_at: i64,
    pub shard_id: String,
}

/// A stream that the caller may read, and where reading begins.
struct Source {
    schema: KeySchema,
    shards: Vec<ShardRow>,
    start: Start,
}

/// `after`: a sequence number; None: from the oldest record on.
fn source(session: &Session, table: &str, after: Option<&str>) -> Result<Source> {
    let found = tables::peek(table)?.ok_or_else(|| ApiError::no_such_table(table))?;
    let name = found.definition.latest_stream_name();
    let name = name.ok_or_else(|| {
        ApiError::resource_not_found(format!("DynamoDB table {table} has no stream"))
    })?;
    let stream = readable(session, Operation::GetRecords, &name)?;
    let start = match after {
        None => Start::TrimHorizon,
        Some(number) => Start::After(Position::parse(number).ok_or_else(|| {
            ApiError::validation(format!(
                "One or more parameter values were invalid: Invalid SequenceNumber: {number}"
            ))
        })?),
    };
    let shards = catalog::shards(stream.number, None)?;
    let missed = |shard: &ShardRow| shard.trimmed.is_some_and(|last| start.misses(last));
    if shards.iter().any(missed) {
        return Err(ApiError::trimmed());
    }
    Ok(Source {
        schema: stream.schema,
        shards,
        start,
    })
}

fn own(item: Item<'_>) -> ItemBuf {
    ItemBuf::from_bytes(item.bytes().to_vec())
}

/// Up to `limit` records.
pub fn run(
    session: &Session,
    table: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Shown>> {
    reader::catch_up(catalog::tip());
    let source = source(session, table, after)?;
    let mut shown = Vec::new();
    reader::read_all(&source.shards, source.start, limit, |shard, record| {
        shown.push(of_record(&source.schema, shard, record)?);
        Ok(())
    })?;
    Ok(shown)
}

fn of_record(schema: &KeySchema, shard: &ShardRow, record: &Record<'_>) -> Result<Shown> {
    Ok(Shown {
        position: record.position,
        event: record.event,
        keys: record.keys(schema)?,
        new_image: record.new_image.map(own),
        old_image: record.old_image.map(own),
        created_at: record.created_at,
        shard_id: shard.id(),
    })
}

/// Waits until there is a record after `after`, at most so long. Answers whether there is one.
pub fn wait(session: &Session, table: &str, after: Option<&str>, most: Duration) -> Result<bool> {
    let end = Instant::now() + most;
    loop {
        // Looked at before the records: what comes in between ends the pause at once.
        let seen = catalog::tip();
        let source = source(session, table, after)?;
        let mut found = false;
        reader::read_all(&source.shards, source.start, 1, |_, _| {
            found = true;
            Ok(())
        })?;
        if found || Instant::now() >= end {
            return Ok(found);
        }
        if reader::sees_an_old_snapshot() {
            return Err(ApiError::validation(
                "Waiting for a stream needs READ COMMITTED: this transaction sees nothing that comes later",
            ));
        }
        worker::start_now_if_needed(Kind::Stream);
        wake::wait(end, || catalog::tip() != seen);
    }
}
