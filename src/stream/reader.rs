//! Records by position: one shard, from a place on, across the slices that hold them.

use super::catalog::ShardRow;
use crate::storage::catalog::as_catalog_owner;
use crate::storage::detoast::ItemDatum;
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::stream::{Event, Position, Record, Start};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;

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

/// A part of the records, by time, and the table that holds it; the table is another's when its records have expired.
struct Slice {
    number: i64,
    slot: i64,
    /// It has nothing that is before.
    begin: Position,
}

impl Slice {
    /// True while the table holds this slice. In the statement that reads the table it is answered under that statement's
    /// lock, which holds off whoever empties it, and by its snapshot. `parameter`: the place of the slice's number.
    fn is_there(&self, parameter: usize) -> String {
        format!(
            "(SELECT held.slice FROM dynamo_internal.stream_slice AS held \
              WHERE held.slot OPERATOR(pg_catalog.=) {}::pg_catalog.int2) OPERATOR(pg_catalog.=) ${parameter}",
            self.slot
        )
    }
}

/// Slices that may have records from `first` on, of commits at `since` (epoch milliseconds) or later, in the order of
/// positions. Needs SPI connected.
fn slices(first: Position, since: i64) -> Vec<Slice> {
    let plan = Plan::kept(
        "SELECT slice, slot::pg_catalog.int8, epoch::pg_catalog.int8, first_lsn FROM dynamo_internal.stream_slice AS s \
         WHERE NOT EXISTS (SELECT FROM dynamo_internal.stream_slice AS later \
             WHERE later.slice OPERATOR(pg_catalog.>) s.slice \
               AND (later.epoch::pg_catalog.int8, later.first_lsn) OPERATOR(pg_catalog.<=) ($1, $2)) \
           AND (sealed_at IS NULL OR sealed_at OPERATOR(pg_catalog.>=) \
                pg_catalog.to_timestamp($3::pg_catalog.float8 OPERATOR(pg_catalog./) 1000::pg_catalog.float8)) \
         ORDER BY slice",
        &[pg_sys::INT8OID; 3],
    );
    let count = plan.execute(
        &[
            Arg::Int8(first.epoch.into()),
            Arg::Int8(first.lsn as i64),
            Arg::Int8(since),
        ],
        false,
    );
    let slice = |row| {
        Some(Slice {
            number: spi::int_value(row, 1)?,
            slot: spi::int_value(row, 2)?,
            begin: Position::before_commit(
                u32::try_from(spi::int_value(row, 3)?).ok()?,
                u64::try_from(spi::int_value(row, 4)?).ok()?,
            ),
        })
    };
    (0..count as usize).filter_map(slice).collect()
}

/// Whether what is at `first` may have expired.
fn is_old(slices: &[Slice], first: Position) -> bool {
    slices.len() > 1 || slices.first().is_none_or(|slice| slice.begin > first)
}

/// How a reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// It was told to stop, or had its limit: there may be more.
    pub more: bool,
    /// It began where records expire: they may have gone just before.
    pub old: bool,
}

/// In the order of the index: the bare name of a column that is cast in the list would be the cast's. Needs SPI connected.
fn read_plan(slice: &Slice) -> &'static Plan {
    Plan::kept_by_index(
        &format!(
            "SELECT t.epoch::pg_catalog.int8, t.lsn, t.ordinal, t.created_at, t.event, t.keys, t.new_image, t.old_image \
             FROM dynamo_internal.stream_record_{} AS t WHERE t.shard OPERATOR(pg_catalog.=) $1::pg_catalog.int4 \
               AND (t.epoch, t.lsn, t.ordinal) OPERATOR(pg_catalog.>=) ($2::pg_catalog.int4, $3, $4) AND {} \
             ORDER BY t.epoch, t.lsn, t.ordinal LIMIT $5",
            slice.slot,
            slice.is_there(6)
        ),
        &[pg_sys::INT8OID; 6],
    )
}

/// Gives up to `limit` records of a shard from `start` on, until `take` answers false.
pub fn read(
    shard: u32,
    start: Start,
    limit: usize,
    mut take: impl FnMut(&Record<'_>) -> Result<bool>,
) -> Result<End> {
    let first = first(start);
    let mut left = limit;
    as_catalog_owner(|| {
        spi::connected(|| {
            let slices = slices(first, 0);
            let old = is_old(&slices, first);
            for slice in slices {
                let count = read_plan(&slice).execute(
                    &[
                        Arg::Int8(shard.into()),
                        Arg::Int8(first.epoch.into()),
                        Arg::Int8(first.lsn as i64),
                        Arg::Int8(first.ordinal.into()),
                        Arg::Int8(i64::try_from(left).unwrap_or(i64::MAX)),
                        Arg::Int8(slice.number),
                    ],
                    false,
                );
                for row in 0..count as usize {
                    if !take(&record(row)?)? {
                        return Ok(End { more: true, old });
                    }
                    left -= 1;
                }
                if left == 0 {
                    return Ok(End { more: true, old });
                }
            }
            Ok(End { more: false, old })
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
            let slices = slices(Position::default(), millis);
            slices.into_iter().find_map(|slice| {
                let plan = Plan::kept_by_index(
                    &format!(
                        "SELECT t.epoch::pg_catalog.int8, t.lsn, t.ordinal FROM dynamo_internal.stream_record_{} AS t \
                         WHERE t.shard OPERATOR(pg_catalog.=) $1::pg_catalog.int4 \
                           AND t.created_at OPERATOR(pg_catalog.>=) $2 AND {} \
                         ORDER BY t.epoch, t.lsn, t.ordinal LIMIT 1",
                        slice.slot,
                        slice.is_there(3)
                    ),
                    &[pg_sys::INT8OID; 3],
                );
                plan.execute(
                    &[
                        Arg::Int8(shard.number.into()),
                        Arg::Int8(millis),
                        Arg::Int8(slice.number),
                    ],
                    false,
                );
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

/// Gives up to `limit` records of all these shards from `start` on and before `until`, in the order of positions, until
/// `take` answers false. `until` was the tip when the shards were listed: a shard that was opened later has none before it.
pub fn read_all(
    shards: &[ShardRow],
    start: Start,
    until: Position,
    limit: usize,
    mut take: impl FnMut(&ShardRow, &Record<'_>) -> Result<bool>,
) -> Result<End> {
    let first = first(start);
    let reached = shards
        .iter()
        .filter(|shard| shard.end.is_none_or(|end| end > first));
    let numbers: Vec<i64> = reached.map(|shard| shard.number.into()).collect();
    let mut left = limit;
    as_catalog_owner(|| {
        spi::connected(|| {
            let slices = slices(first, 0);
            let old = is_old(&slices, first);
            for slice in slices {
                if left == 0 {
                    return Ok(End { more: true, old });
                }
                let count = read_all_plan(&slice).execute(
                    &[
                        Arg::Int8s(&numbers),
                        Arg::Int8(first.epoch.into()),
                        Arg::Int8(first.lsn as i64),
                        Arg::Int8(first.ordinal.into()),
                        Arg::Int8(i64::try_from(left).unwrap_or(i64::MAX)),
                        Arg::Int8(slice.number),
                    ],
                    false,
                );
                for row in 0..count as usize {
                    let number = spi::int_value(row, 9);
                    let shard = shards
                        .iter()
                        .find(|shard| Some(i64::from(shard.number)) == number)
                        .ok_or_else(|| ApiError::corrupt("shard of a stream record"))?;
                    let record = record(row)?;
                    if record.position >= until {
                        return Ok(End { more: false, old });
                    }
                    if !take(shard, &record)? {
                        return Ok(End { more: true, old });
                    }
                    left -= 1;
                }
            }
            Ok(End {
                more: left == 0,
                old,
            })
        })
    })
}

/// One range of the index for each shard, so that a page costs no more than the shards it could come from.
fn read_all_plan(slice: &Slice) -> &'static Plan {
    Plan::kept_by_index(
        &format!(
            "SELECT r.epoch::pg_catalog.int8, r.lsn, r.ordinal, r.created_at, r.event, r.keys, r.new_image, r.old_image, \
             r.shard::pg_catalog.int8 FROM pg_catalog.unnest($1) AS wanted (shard) CROSS JOIN LATERAL \
                (SELECT * FROM dynamo_internal.stream_record_{} AS t \
                 WHERE t.shard OPERATOR(pg_catalog.=) wanted.shard::pg_catalog.int4 \
                   AND (t.epoch, t.lsn, t.ordinal) OPERATOR(pg_catalog.>=) ($2::pg_catalog.int4, $3, $4) \
                 ORDER BY t.epoch, t.lsn, t.ordinal LIMIT $5) AS r \
             WHERE {} ORDER BY r.epoch, r.lsn, r.ordinal LIMIT $5",
            slice.slot,
            slice.is_there(6)
        ),
        &[
            pg_sys::INT8ARRAYOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ],
    )
}
