//! Records by position: one shard, from a place on, across the slices that hold them.

use super::catalog::ShardRow;
use super::{catalog, wake};
use crate::storage::catalog::as_catalog_owner;
use crate::storage::detoast::ItemDatum;
use crate::storage::spi::{self, Arg, Plan};
use crate::worker::{self, Kind};
use pg_dynamo_core::stream::{Event, Position, Record, Start};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::time::{Duration, Instant};

/// The first position that `start` reads.
fn first(start: Start) -> Position {
    match start {
        Start::TrimHorizon => Position::default(),
        Start::At(position) => position,
        Start::After(position) => match position.ordinal.checked_add(1) {
            Some(ordinal) => Position {
                ordinal,
                ..position
            },
            None => Position::before_commit(position.epoch, position.lsn.saturating_add(1)),
        },
    }
}

/// Tables that may have records from `first` on, in the order of positions. Needs SPI connected.
fn slots(first: Position) -> Vec<i64> {
    let plan = Plan::kept(
        "SELECT slot::pg_catalog.int8 FROM dynamo_internal.stream_slice AS s \
         WHERE NOT EXISTS (SELECT FROM dynamo_internal.stream_slice AS later \
             WHERE later.slice OPERATOR(pg_catalog.>) s.slice \
               AND (later.epoch::pg_catalog.int8, later.first_lsn) OPERATOR(pg_catalog.<=) ($1, $2)) \
         ORDER BY slice",
        &[pg_sys::INT8OID; 2],
    );
    let count = plan.execute(
        &[Arg::Int8(first.epoch.into()), Arg::Int8(first.lsn as i64)],
        false,
    );
    (0..count as usize)
        .filter_map(|row| spi::int_value(row, 1))
        .collect()
}

/// Needs SPI connected.
fn read_plan(slot: i64) -> &'static Plan {
    Plan::kept_by_index(
        &format!(
            "SELECT epoch::pg_catalog.int8, lsn, ordinal, created_at, event, keys, new_image, old_image \
             FROM dynamo_internal.stream_record_{slot} WHERE shard OPERATOR(pg_catalog.=) $1::pg_catalog.int4 \
               AND (epoch, lsn, ordinal) OPERATOR(pg_catalog.>=) ($2::pg_catalog.int4, $3, $4) \
             ORDER BY epoch, lsn, ordinal LIMIT $5"
        ),
        &[pg_sys::INT8OID; 5],
    )
}

/// Gives up to `limit` records of a shard from `start` on, until `take` answers false. Answers whether that, or the limit,
/// was the end: there may be more then.
pub fn read(
    shard: u32,
    start: Start,
    limit: usize,
    mut take: impl FnMut(&Record<'_>) -> Result<bool>,
) -> Result<bool> {
    let first = first(start);
    let mut left = limit;
    as_catalog_owner(|| {
        spi::connected(|| {
            for slot in slots(first) {
                let count = read_plan(slot).execute(
                    &[
                        Arg::Int8(shard.into()),
                        Arg::Int8(first.epoch.into()),
                        Arg::Int8(first.lsn as i64),
                        Arg::Int8(first.ordinal.into()),
                        Arg::Int8(i64::try_from(left).unwrap_or(i64::MAX)),
                    ],
                    false,
                );
                for row in 0..count as usize {
                    if !take(&record(row)?)? {
                        return Ok(true);
                    }
                    left -= 1;
                }
                if left == 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    })
}

/// Row `row` of the last result of [`read_plan`], valid until SPI finishes.
fn record<'a>(row: usize) -> Result<Record<'a>> {
    let corrupt = || ApiError::corrupt("stream record");
    let int = |column| spi::int_value(row, column).ok_or_else(corrupt);
    let uint = |column| int(column).and_then(|value| u32::try_from(value).map_err(|_| corrupt()));
    let item = |column| {
        let datum = spi::value(row, column);
        // SAFETY: these columns are items; detoasted copies live until SPI finishes.
        datum
            .map(|datum| unsafe { ItemDatum::new(datum) }.whole())
            .transpose()
    };
    let event = u8::try_from(int(5)? & 0xff).ok().and_then(Event::from_code);
    Ok(Record {
        position: Position {
            epoch: uint(1)?,
            lsn: u64::try_from(int(2)?).map_err(|_| corrupt())?,
            ordinal: uint(3)?,
        },
        created_at: int(4)?,
        event: event.ok_or_else(corrupt)?,
        keys: item(6)?,
        new_image: item(7)?,
        old_image: item(8)?,
    })
}

/// The first record of a shard that was committed at `millis` (epoch milliseconds) or later.
pub fn at_time(shard: &ShardRow, millis: i64) -> Option<Position> {
    as_catalog_owner(|| {
        spi::connected(|| {
            slots(Position::default()).into_iter().find_map(|slot| {
                let plan = Plan::kept_by_index(
                    &format!(
                        "SELECT epoch::pg_catalog.int8, lsn, ordinal FROM dynamo_internal.stream_record_{slot} \
                         WHERE shard OPERATOR(pg_catalog.=) $1::pg_catalog.int4 \
                           AND created_at OPERATOR(pg_catalog.>=) $2 \
                         ORDER BY epoch, lsn, ordinal LIMIT 1"
                    ),
                    &[pg_sys::INT8OID; 2],
                );
                plan.execute(&[Arg::Int8(shard.number.into()), Arg::Int8(millis)], false);
                let int = |column| spi::int_value(0, column);
                Some(Position {
                    epoch: u32::try_from(int(1)?).ok()?,
                    lsn: u64::try_from(int(2)?).ok()?,
                    ordinal: u32::try_from(int(3)?).ok()?,
                })
            })
        })
    })
}

/// Whether this transaction sees nothing that is committed after its beginning.
pub fn sees_an_old_snapshot() -> bool {
    // SAFETY: a plain variable of this backend.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Waits until what is committed now has been captured, at most `dynamo.stream_read_wait`. Answers whether something was
/// captured meanwhile. A transaction that sees an old snapshot waits for nothing.
pub fn catch_up(seen: Position) -> bool {
    let old = sees_an_old_snapshot();
    // SAFETY: both read this server's state.
    let (fixed, flushed) = unsafe {
        let recovery = pg_sys::RecoveryInProgress();
        let flushed = if recovery {
            0
        } else {
            pg_sys::GetFlushRecPtr(std::ptr::null_mut())
        };
        (recovery || old, flushed)
    };
    let end = Instant::now() + Duration::from_millis(crate::guc::stream_read_wait());
    // Where the worker cannot say how far it is, its last batch does: then it may be waited for in vain.
    let behind = || wake::captured().unwrap_or_else(|| catalog::tip().lsn) < flushed;
    if !fixed {
        wake::wait(end, || !behind());
        if behind() {
            worker::start_now_if_needed(Kind::Stream);
        }
    }
    !fixed && catalog::tip() > seen
}

/// Gives up to `limit` records of all these shards from `start` on, in the order of positions.
pub fn read_all(
    shards: &[ShardRow],
    start: Start,
    limit: usize,
    mut take: impl FnMut(&ShardRow, &Record<'_>) -> Result<()>,
) -> Result<()> {
    let first = first(start);
    let numbers: Vec<i64> = shards.iter().map(|shard| shard.number.into()).collect();
    let mut left = limit;
    as_catalog_owner(|| {
        spi::connected(|| {
            for slot in slots(first) {
                if left == 0 {
                    break;
                }
                let plan = Plan::kept(
                    &format!(
                        "SELECT epoch::pg_catalog.int8, lsn, ordinal, created_at, event, keys, new_image, old_image, \
                         shard::pg_catalog.int8 FROM dynamo_internal.stream_record_{slot} \
                         WHERE shard OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int4[]) \
                           AND (epoch, lsn, ordinal) OPERATOR(pg_catalog.>=) ($2::pg_catalog.int4, $3, $4) \
                         ORDER BY epoch, lsn, ordinal LIMIT $5"
                    ),
                    &[
                        pg_sys::INT8ARRAYOID,
                        pg_sys::INT8OID,
                        pg_sys::INT8OID,
                        pg_sys::INT8OID,
                        pg_sys::INT8OID,
                    ],
                );
                let count = plan.execute(
                    &[
                        Arg::Int8s(&numbers),
                        Arg::Int8(first.epoch.into()),
                        Arg::Int8(first.lsn as i64),
                        Arg::Int8(first.ordinal.into()),
                        Arg::Int8(i64::try_from(left).unwrap_or(i64::MAX)),
                    ],
                    false,
                );
                for row in 0..count as usize {
                    let number = spi::int_value(row, 9);
                    let shard = shards
                        .iter()
                        .find(|shard| Some(i64::from(shard.number)) == number)
                        .ok_or_else(|| ApiError::corrupt("shard of a stream record"))?;
                    take(shard, &record(row)?)?;
                    left -= 1;
                }
            }
            Ok(())
        })
    })
}
