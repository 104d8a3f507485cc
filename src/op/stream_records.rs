//! The records of a table's stream in one order, that of commits, for SQL.

use super::Session;
use super::get_records::check_trimmed;
use super::get_shard_iterator::readable;
use crate::storage::catalog as tables;
use crate::stream::catalog::{self, ShardRow, StreamRow};
use crate::stream::{reader, wait, wake};
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

/// Bytes of items that one call gives at most, and one record more: the rows of a call are kept until it ends.
const MOST: usize = 64 << 20;

/// A stream that the caller may read, and where reading begins and ends.
struct Source {
    stream: StreamRow,
    shards: Vec<ShardRow>,
    start: Start,
    /// What was captured when the shards were listed: what is behind it may lie in a shard that was opened since.
    until: Position,
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
    let until = catalog::tip();
    let shards = catalog::shards(stream.number, None)?;
    let source = Source {
        stream,
        shards,
        start,
        until,
    };
    source.check_trimmed(&source.shards)?;
    Ok(source)
}

impl Source {
    fn check_trimmed(&self, shards: &[ShardRow]) -> Result<()> {
        shards
            .iter()
            .try_for_each(|shard| check_trimmed(shard, self.start))
    }

    fn read(
        &self,
        limit: usize,
        take: impl FnMut(&ShardRow, &Record<'_>) -> Result<bool>,
    ) -> Result<()> {
        let end = reader::read_all(&self.shards, self.start, self.until, limit, take)?;
        if end.old {
            self.check_trimmed(&catalog::shards(self.stream.number, None)?)?;
        }
        Ok(())
    }
}

fn own(item: Item<'_>) -> ItemBuf {
    ItemBuf::from_bytes(item.bytes().to_vec())
}

/// Up to `limit` records, fewer of large ones.
pub fn run(
    session: &Session,
    table: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Shown>> {
    wait::catch_up(catalog::tip());
    let source = source(session, table, after)?;
    let mut shown = Vec::new();
    let mut bytes = 0;
    source.read(limit, |shard, record| {
        if bytes >= MOST {
            return Ok(false);
        }
        let record = of_record(&source.stream.schema, shard, record)?;
        bytes += record.bytes();
        shown.push(record);
        Ok(true)
    })?;
    Ok(shown)
}

impl Shown {
    fn bytes(&self) -> usize {
        let images = [&self.new_image, &self.old_image].into_iter().flatten();
        images.fold(self.keys.as_item().bytes().len(), |sum, image| {
            sum + image.as_item().bytes().len()
        })
    }
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
        let source = source(session, table, after)?;
        let mut found = false;
        source.read(1, |_, _| {
            found = true;
            Ok(true)
        })?;
        if found || Instant::now() >= end {
            return Ok(found);
        }
        if wait::sees_an_old_snapshot() {
            return Err(ApiError::validation(
                "Waiting for a stream needs READ COMMITTED: this transaction sees nothing that comes later",
            ));
        }
        worker::start_now_if_needed(Kind::Stream);
        wake::wait(end, || catalog::tip() != source.until);
    }
}
