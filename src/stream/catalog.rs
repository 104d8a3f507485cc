//! Streams and shards as rows (`dynamo_internal.stream`, `stream_shard`), and how far capture has come.
//!
//! Everything here is done as the owner of the extension; who may ask has been checked, or need not be.

use super::slot;
use crate::storage::catalog::as_catalog_owner;
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::request::StreamStatus;
use pg_dynamo_core::stream::shard::{self, OpenShard, Shard};
use pg_dynamo_core::stream::{HashRange, Position, StreamName};
use pg_dynamo_core::table::{KeySchema, StreamView, TableDefinition, TableStream};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Enabling,
    Enabled,
    Disabling,
    Disabled,
    /// Given up: what was changed since is not in it.
    Broken,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Enabling => "enabling",
            State::Enabled => "enabled",
            State::Disabling => "disabling",
            State::Disabled => "disabled",
            State::Broken => "broken",
        }
    }

    fn of_name(name: &str) -> Option<State> {
        [
            State::Enabling,
            State::Enabled,
            State::Disabling,
            State::Disabled,
            State::Broken,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }

    /// The service has no word for a stream that broke.
    pub fn status(self) -> StreamStatus {
        match self {
            State::Enabling => StreamStatus::Enabling,
            State::Enabled => StreamStatus::Enabled,
            State::Disabling => StreamStatus::Disabling,
            State::Disabled | State::Broken => StreamStatus::Disabled,
        }
    }
}

#[derive(Clone, Debug)]
pub struct StreamRow {
    pub number: u32,
    pub name: StreamName,
    pub table_id: String,
    pub owner: pg_sys::Oid,
    pub view: StreamView,
    pub schema: KeySchema,
    /// Epoch milliseconds.
    pub created_at: i64,
    pub state: State,
    /// Seconds since it ended. None: it has not.
    pub over_for: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct ShardRow {
    pub number: u32,
    pub parent_id: Option<String>,
    pub range: HashRange,
    pub start: Position,
    pub end: Option<Position>,
    /// Epoch milliseconds.
    pub opened_at: i64,
    /// The last of its records that is no longer there.
    pub trimmed: Option<Position>,
}

impl ShardRow {
    pub fn id(&self) -> String {
        shard::id(self.opened_at, self.number)
    }

    pub fn described(&self) -> Shard {
        Shard {
            id: self.id(),
            parent: self.parent_id.clone(),
            start: self.start,
            end: self.end,
        }
    }

    pub fn open(&self) -> Option<OpenShard> {
        self.end.is_none().then_some(OpenShard {
            number: self.number,
            range: self.range,
            opened_at: self.opened_at,
        })
    }
}

fn owned<R>(body: impl FnOnce() -> R) -> R {
    as_catalog_owner(|| spi::connected(body))
}

fn corrupt() -> ApiError {
    ApiError::corrupt("row of a stream")
}

fn uint(row: usize, column: i32) -> Option<u32> {
    spi::int_value(row, column).and_then(|value| u32::try_from(value).ok())
}

const STREAM: &str = "SELECT number::pg_catalog.int8, table_name, label, table_id, owner::pg_catalog.int8, view, \
     key_schema::pg_catalog.text, created_at, state, \
     pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) ended_at)::pg_catalog.int8 \
     FROM dynamo_internal.stream";

/// Row `row` of the last result of a statement that begins with [`STREAM`].
fn stream(row: usize) -> Option<StreamRow> {
    Some(StreamRow {
        number: uint(row, 1)?,
        name: StreamName {
            table: spi::text_value(row, 2)?,
            label: spi::text_value(row, 3)?,
        },
        table_id: spi::text_value(row, 4)?,
        owner: pg_sys::Oid::from(uint(row, 5)?),
        view: StreamView::from_name(&spi::text_value(row, 6)?)?,
        schema: serde_json::from_str(&spi::text_value(row, 7)?).ok()?,
        created_at: spi::int_value(row, 8)?,
        state: State::of_name(&spi::text_value(row, 9)?)?,
        over_for: spi::int_value(row, 10),
    })
}

pub fn find(name: &StreamName) -> Result<Option<StreamRow>> {
    let sql = format!(
        "{STREAM} WHERE table_name OPERATOR(pg_catalog.=) $1 AND label OPERATOR(pg_catalog.=) $2"
    );
    owned(|| {
        let plan = Plan::kept(&sql, &[pg_sys::TEXTOID; 2]);
        match plan.execute(&[Arg::Text(&name.table), Arg::Text(&name.label)], false) {
            0 => Ok(None),
            _ => stream(0).map(Some).ok_or_else(corrupt),
        }
    })
}

/// A stream that is not over, or not for longer than `retention` (seconds): after that there is nothing of it to read.
pub fn find_kept(name: &StreamName, retention: i64) -> Result<Option<StreamRow>> {
    let found = find(name)?;
    Ok(found.filter(|stream| stream.over_for.is_none_or(|over| over <= retention)))
}

/// Streams that are not over.
pub fn alive() -> Result<Vec<StreamRow>> {
    let sql = format!("{STREAM} WHERE state IN ('enabling', 'enabled', 'disabling')");
    owned(|| {
        let count = Plan::kept(&sql, &[]).execute(&[], false);
        (0..count as usize)
            .map(|row| stream(row).ok_or_else(corrupt))
            .collect()
    })
}

/// Streams after `after`, of one table or of all, in the order of tables and labels, as [`find_kept`] has them.
pub fn list(
    table: Option<&str>,
    after: Option<&StreamName>,
    limit: usize,
    retention: i64,
) -> Vec<StreamName> {
    owned(|| {
        let plan = Plan::prepare(
            "SELECT table_name, label FROM dynamo_internal.stream \
             WHERE ($1 OPERATOR(pg_catalog.=) '' OR table_name OPERATOR(pg_catalog.=) $1) \
               AND (table_name, label) OPERATOR(pg_catalog.>) ($2, $3) \
               AND (ended_at IS NULL OR ended_at OPERATOR(pg_catalog.>=) \
                    (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) \
                     pg_catalog.make_interval(secs => $5::pg_catalog.float8))) \
             ORDER BY table_name, label LIMIT $4",
            &[
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
            ],
        );
        let (after_table, after_label) =
            after.map_or(("", ""), |name| (name.table.as_str(), name.label.as_str()));
        let count = plan.execute(
            &[
                Arg::Text(table.unwrap_or("")),
                Arg::Text(after_table),
                Arg::Text(after_label),
                Arg::Int8(i64::try_from(limit).unwrap_or(i64::MAX)),
                Arg::Int8(retention),
            ],
            false,
        );
        let name = |row| {
            Some(StreamName {
                table: spi::text_value(row, 1)?,
                label: spi::text_value(row, 2)?,
            })
        };
        (0..count as usize).filter_map(name).collect()
    })
}

/// Records a stream of a table. Answers its number; that of the row when there is one already.
pub fn register(
    definition: &TableDefinition,
    stream: &TableStream,
    relid: pg_sys::Oid,
    state: State,
    now: i64,
) -> Result<u32> {
    let schema = serde_json::to_string(&definition.key_schema).map_err(|_| corrupt())?;
    owned(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream AS s \
                (table_name, label, table_id, owner, view, key_schema, created_at, state) \
             SELECT $1, $2, $3, c.relowner, $4, $5, $6, $7 FROM pg_catalog.pg_class AS c \
             WHERE c.oid OPERATOR(pg_catalog.=) $8::pg_catalog.oid \
             ON CONFLICT (table_name, label) DO UPDATE SET state = s.state \
             RETURNING number::pg_catalog.int8",
            &[
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::JSONOID,
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
            ],
        );
        plan.execute(
            &[
                Arg::Text(&definition.name),
                Arg::Text(&stream.label),
                Arg::Text(&definition.table_id),
                Arg::Text(stream.view.name()),
                Arg::Text(&schema),
                Arg::Int8(now),
                Arg::Text(state.name()),
                Arg::Int8(i64::from(relid.to_u32())),
            ],
            false,
        );
        uint(0, 1).ok_or_else(corrupt)
    })
}

pub fn set_state(number: u32, state: State, reason: &str) {
    let over = matches!(state, State::Disabled | State::Broken);
    owned(|| {
        let plan = Plan::prepare(
            "UPDATE dynamo_internal.stream SET state = $2, reason = CASE WHEN $3 OPERATOR(pg_catalog.<>) '' THEN $3 END, \
             ended_at = CASE WHEN $4 OPERATOR(pg_catalog.=) 1 THEN pg_catalog.clock_timestamp() END \
             WHERE number OPERATOR(pg_catalog.=) $1",
            &[
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
            ],
        );
        plan.execute(
            &[
                Arg::Int8(number.into()),
                Arg::Text(state.name()),
                Arg::Text(reason),
                Arg::Int8(over.into()),
            ],
            false,
        );
    });
}

/// Of a stream, those that are open or closed within so many seconds; of all there are when that is negative.
const SHARDS: &str = "SELECT number::pg_catalog.int8, parent_id, low, high, epoch::pg_catalog.int8, start_lsn, \
     end_epoch::pg_catalog.int8, end_lsn, opened_at, trimmed_epoch::pg_catalog.int8, trimmed_lsn, trimmed_ordinal \
     FROM dynamo_internal.stream_shard WHERE stream OPERATOR(pg_catalog.=) $1 \
       AND ($2 OPERATOR(pg_catalog.<) 0 OR closed_at IS NULL OR closed_at OPERATOR(pg_catalog.>=) \
            (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) \
             pg_catalog.make_interval(secs => $2::pg_catalog.float8)))";

/// Shards of a stream whose records may be there, by number; of all there are when `closed_within` (seconds) is None.
pub fn shards(stream: u32, closed_within: Option<i64>) -> Result<Vec<ShardRow>> {
    owned(|| {
        let plan = Plan::kept(&format!("{SHARDS} ORDER BY number"), &[pg_sys::INT8OID; 2]);
        let arguments = [
            Arg::Int8(stream.into()),
            Arg::Int8(closed_within.unwrap_or(-1)),
        ];
        let count = plan.execute(&arguments, false);
        (0..count as usize)
            .map(|row| shard_row(row).ok_or_else(corrupt))
            .collect()
    })
}

/// One of these shards.
pub fn shard(stream: u32, number: u32, closed_within: i64) -> Result<Option<ShardRow>> {
    owned(|| {
        let sql = format!("{SHARDS} AND number OPERATOR(pg_catalog.=) $3");
        let arguments = [
            Arg::Int8(stream.into()),
            Arg::Int8(closed_within),
            Arg::Int8(number.into()),
        ];
        match Plan::kept(&sql, &[pg_sys::INT8OID; 3]).execute(&arguments, false) {
            0 => Ok(None),
            _ => shard_row(0).map(Some).ok_or_else(corrupt),
        }
    })
}

fn shard_row(row: usize) -> Option<ShardRow> {
    let position = |epoch: i32, lsn: i32, ordinal: Option<u32>| {
        Some(Position {
            epoch: uint(row, epoch)?,
            lsn: u64::try_from(spi::int_value(row, lsn)?).ok()?,
            ordinal: ordinal?,
        })
    };
    Some(ShardRow {
        number: uint(row, 1)?,
        parent_id: spi::text_value(row, 2),
        range: HashRange {
            low: spi::int_value(row, 3)?,
            high: spi::int_value(row, 4)?,
        },
        start: position(5, 6, Some(0))?,
        end: position(7, 8, Some(0)),
        opened_at: spi::int_value(row, 9)?,
        trimmed: position(10, 11, uint(row, 12)),
    })
}

/// Opens a shard, the child of `parent`, for records from `start` on.
pub fn open_shard(
    stream: u32,
    parent: Option<&ShardRow>,
    range: HashRange,
    start: Position,
    now: i64,
) -> Result<ShardRow> {
    // Ids sort as shards were opened, also when the clock is set back.
    let opened_at = parent.map_or(now, |parent| parent.opened_at.max(now));
    let parent_id = parent.map(ShardRow::id);
    let number = owned(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream_shard \
                (stream, parent, parent_id, low, high, epoch, start_lsn, opened_at) \
             VALUES ($1, CASE WHEN $2 OPERATOR(pg_catalog.<>) 0 THEN $2 END, \
                     CASE WHEN $3 OPERATOR(pg_catalog.<>) '' THEN $3 END, $4, $5, $6, $7, $8) RETURNING number::pg_catalog.int8",
            &[
                pg_sys::INT8OID,
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
            ],
        );
        plan.execute(
            &[
                Arg::Int8(stream.into()),
                Arg::Int8(parent.map_or(0, |parent| parent.number.into())),
                Arg::Text(parent_id.as_deref().unwrap_or("")),
                Arg::Int8(range.low),
                Arg::Int8(range.high),
                Arg::Int8(start.epoch.into()),
                Arg::Int8(start.lsn as i64),
                Arg::Int8(opened_at),
            ],
            false,
        );
        uint(0, 1).ok_or_else(corrupt)
    })?;
    Ok(ShardRow {
        number,
        parent_id,
        range,
        start,
        end: None,
        opened_at,
        trimmed: None,
    })
}

/// Opens the first shards of a stream.
pub fn open_first_shards(
    stream: u32,
    wanted: usize,
    start: Position,
    now: i64,
) -> Result<Vec<ShardRow>> {
    shard::first_ranges(wanted)
        .into_iter()
        .map(|range| open_shard(stream, None, range, start, now))
        .collect()
}

/// Nothing at `end` or behind it will be in the shard.
pub fn close_shard(number: u32, end: Position) {
    owned(|| {
        let plan = Plan::prepare(
            "UPDATE dynamo_internal.stream_shard SET end_epoch = $2, end_lsn = $3, \
             closed_at = pg_catalog.clock_timestamp() \
             WHERE number OPERATOR(pg_catalog.=) $1 AND end_lsn IS NULL",
            &[pg_sys::INT8OID; 3],
        );
        plan.execute(
            &[
                Arg::Int8(number.into()),
                Arg::Int8(end.epoch.into()),
                Arg::Int8(end.lsn as i64),
            ],
            false,
        );
    });
}

/// Behind everything that has been captured: what was committed before it is there.
pub fn tip() -> Position {
    let found = owned(|| {
        let plan = Plan::kept(
            "SELECT epoch::pg_catalog.int8, lsn FROM dynamo_internal.stream_progress",
            &[],
        );
        plan.execute(&[], false);
        let lsn = spi::int_value(0, 2).and_then(|lsn| u64::try_from(lsn).ok());
        uint(0, 1).zip(lsn)
    });
    found.map_or(Position::default(), |(epoch, lsn)| {
        Position::before_commit(epoch, lsn)
    })
}

/// Whether capture runs, and goes on running until the end of this transaction. What the row says may come from another
/// server or database, with a backup or a template: then the slot is not there.
pub fn is_running() -> bool {
    let running = owned(|| {
        let plan = Plan::prepare(
            "SELECT (state OPERATOR(pg_catalog.=) 'running' AND slot_name OPERATOR(pg_catalog.=) $1::pg_catalog.name)\
             ::pg_catalog.int4::pg_catalog.int8 FROM dynamo_internal.stream_capture FOR SHARE",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(&slot::name())], false);
        spi::int_value(0, 1) == Some(1)
    });
    running && slot::exists()
}

/// Whether capture has told of an error that is not over.
pub fn is_failing() -> bool {
    owned(|| {
        let plan = Plan::prepare(
            "SELECT (error IS NOT NULL)::pg_catalog.int4::pg_catalog.int8 FROM dynamo_internal.stream_capture",
            &[],
        );
        plan.execute(&[], false);
        spi::int_value(0, 1) == Some(1)
    })
}
