//! Stores what was decoded: a row for each change, in the shard that its key decides, in the slice of the time.
//!
//! Runs in the capture worker, whose search_path is pinned, inside one transaction for each batch. When that fails the
//! process ends, so what is remembered here never differs from the tables.

use super::buffer::Entry;
use super::catalog::{self, ShardRow, State};
use super::plugin::Captured;
use super::writer::Writer;
use super::{KEPT_SLICES, SLOTS, wake};
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::stream::shard::{self, OpenShard};
use pg_dynamo_core::stream::{Position, StreamName};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Seconds that a slice is written at least.
const SHORTEST_SLICE: i64 = 60;

/// A stream that takes records.
struct Stream {
    number: u32,
    /// The open ones, by their ranges.
    shards: Vec<ShardRow>,
    /// Whether its shards were looked after in this batch.
    tended: bool,
}

impl Stream {
    /// Closes shards that are old, or too few, and opens their children. Answers whether there were any.
    fn renew(&mut self, place: Position, now: i64) -> Result<bool> {
        let wanted = crate::guc::stream_shards();
        let age = crate::guc::stream_shard_age() * 1000;
        let open: Vec<OpenShard> = self.shards.iter().filter_map(ShardRow::open).collect();
        let successions = shard::successions(&open, wanted, age, now);
        for succession in &successions {
            let mut shards = self.shards.iter();
            let closed = shards.position(|shard| shard.number == succession.closed);
            let closed = closed.ok_or_else(|| ApiError::corrupt("shards of a stream"))?;
            let parent = self.shards.remove(closed);
            // Before the first batch of a log nothing is known to be stored, and its shards begin where it stood.
            let place = place.max(parent.start);
            catalog::close_shard(parent.number, place);
            for range in &succession.children {
                let child = catalog::open_shard(self.number, Some(&parent), *range, place, now)?;
                self.shards.push(child);
            }
        }
        self.shards.sort_by_key(|shard| shard.range);
        Ok(!successions.is_empty())
    }
}

/// What the tables say, as far as a batch needs it.
pub struct Store {
    pub epoch: u32,
    /// Everything before it is stored.
    pub tip: u64,
    /// What was on disk of the log when this process began: what is before it may have been stored once already and lost
    /// with a crash, after it was read. It must come into the same shards again.
    again_until: u64,
    /// None: its changes are nobody's.
    streams: HashMap<StreamName, Option<Stream>>,
    /// The table of the open slice, and since when it is.
    slot: i64,
    slice_began: Instant,
    progress: Option<Plan>,
    /// Tables with records in the last batch.
    pub changed: Vec<String>,
}

impl Store {
    /// A transaction must be open.
    pub fn open(epoch: u32, tip: u64) -> Result<Store> {
        let mut store = Store {
            epoch,
            tip,
            // SAFETY: reads the state of the log.
            again_until: unsafe { pg_sys::GetFlushRecPtr(std::ptr::null_mut()) },
            streams: HashMap::new(),
            slot: 0,
            slice_began: Instant::now(),
            progress: None,
            changed: Vec::new(),
        };
        match open_slice() {
            Some((slot, age)) => {
                store.slot = slot;
                let age = Duration::from_secs(u64::try_from(age).unwrap_or(0));
                store.slice_began = store
                    .slice_began
                    .checked_sub(age)
                    .unwrap_or(store.slice_began);
            }
            None => store.slot = store.next_slice()?.ok_or_else(no_slot)?,
        }
        Ok(store)
    }

    /// What is known of a stream has changed.
    pub fn forget(&mut self, name: &StreamName) {
        self.streams.remove(name);
    }

    fn place(&self) -> Position {
        Position::before_commit(self.epoch, self.tip)
    }

    /// Stores all that was captured. Answers whether the commit must be on disk before anybody sees it: shards and slices
    /// would not come back the same.
    pub fn write(&mut self, captured: &mut Captured, now: i64) -> Result<bool> {
        let mut structural = self.turn_slice()?;
        self.changed.clear();
        self.streams
            .values_mut()
            .flatten()
            .for_each(|stream| stream.tended = false);
        let mut writer = Writer::open(self.slot)?;
        let mut last = None;
        let transactions = std::mem::take(&mut captured.transactions);
        captured.buffer.drain(|entry| {
            let stream = Rc::as_ptr(entry.stream);
            if last.replace(stream) != Some(stream) {
                structural |= self.tend(&entry, now, &transactions)?;
            }
            if let Some(shard) = self.shard_of(&entry) {
                writer.put(shard, self.epoch, &entry);
            }
            pg_sys::check_for_interrupts!();
            Ok(())
        })?;
        writer.close();
        self.advance(captured.end_lsn);
        for (name, fault) in &captured.faults {
            structural |= self.give_up(name, fault, &transactions)?;
        }
        captured.is_stored();
        Ok(structural)
    }

    /// Everything before `lsn` is stored.
    fn advance(&mut self, lsn: u64) {
        let before = std::mem::replace(&mut self.tip, lsn);
        if before == lsn {
            return;
        }
        let epoch = self.epoch;
        spi::connected(|| {
            let plan = self.progress.get_or_insert_with(|| {
                Plan::prepare(
                    "WITH passed AS (DELETE FROM dynamo_internal.stream_place WHERE epoch = $1 AND lsn = $3) \
                     INSERT INTO dynamo_internal.stream_place (epoch, lsn) VALUES ($1, $2)",
                    &[pg_sys::INT8OID; 3],
                )
            });
            let [lsn, before] = [lsn, before].map(|lsn| Arg::Int8(lsn as i64));
            plan.execute(&[Arg::Int8(epoch.into()), lsn, before], false);
        });
    }

    /// Learns the stream of a change, and once in a batch looks after its shards. Answers whether shards came or went.
    fn tend(
        &mut self,
        entry: &Entry<'_>,
        now: i64,
        transactions: &[pg_sys::TransactionId],
    ) -> Result<bool> {
        let name = &entry.stream.name;
        self.learn(name, transactions)?;
        let place = self.place();
        let Some(Some(stream)) = self.streams.get_mut(name) else {
            return Ok(false);
        };
        if std::mem::replace(&mut stream.tended, true) {
            return Ok(false);
        }
        self.changed.push(name.table.clone());
        if entry.lsn < self.again_until {
            return Ok(false);
        }
        stream.renew(place, now)
    }

    /// The same for streams that nothing comes for. `reached`: everything before that place in the log was decoded.
    pub fn renew(&mut self, reached: u64, now: i64) -> Result<bool> {
        if reached < self.again_until {
            return Ok(false);
        }
        let (place, mut renewed) = (self.place(), false);
        for row in catalog::alive()? {
            if row.state == State::Enabled {
                self.learn(&row.name, &[])?;
                if let Some(Some(stream)) = self.streams.get_mut(&row.name) {
                    renewed |= stream.renew(place, now)?;
                }
            }
        }
        Ok(renewed)
    }

    /// Knows the stream of changes that `transactions` have made.
    fn learn(&mut self, name: &StreamName, transactions: &[pg_sys::TransactionId]) -> Result<()> {
        if self.streams.contains_key(name) {
            return Ok(());
        }
        let mut known = load(name)?;
        if known.is_none() {
            // One of them may have made it: a commit is in the log before others see it, with synchronous replication long
            // before.
            for transaction in transactions {
                // SAFETY: looks at what runs on this server.
                while unsafe { pg_sys::TransactionIdIsInProgress(*transaction) } {
                    wake::doze(1);
                }
            }
            known = load(name)?;
        }
        self.streams.insert(name.clone(), known);
        Ok(())
    }

    /// Ends a stream with a change that could not be read; the name may be that of no stream. Answers whether it did.
    fn give_up(
        &mut self,
        name: &StreamName,
        fault: &str,
        transactions: &[pg_sys::TransactionId],
    ) -> Result<bool> {
        self.learn(name, transactions)?;
        let place = self.place();
        let Some(stream) = self.streams.insert(name.clone(), None).flatten() else {
            return Ok(false);
        };
        for shard in &stream.shards {
            catalog::close_shard(shard.number, place.max(shard.start));
        }
        let reason = format!("a change of the table could not be read: {fault}");
        catalog::set_state(stream.number, State::Broken, &reason);
        pgrx::warning!(
            "the stream of DynamoDB table \"{}\" is broken: {reason}",
            name.table
        );
        Ok(true)
    }

    /// The open shard that has the key of a change.
    fn shard_of(&self, entry: &Entry<'_>) -> Option<u32> {
        let stream = self.streams.get(&entry.stream.name)?.as_ref()?;
        let after = stream
            .shards
            .partition_point(|shard| shard.range.low <= entry.pk_hash);
        let shard = stream.shards.get(after.checked_sub(1)?)?;
        shard.range.contains(entry.pk_hash).then_some(shard.number)
    }

    /// Goes on to the next table when the open slice has been written long enough. Answers whether it did. Without a free
    /// table it is written on.
    pub fn turn_slice(&mut self) -> Result<bool> {
        let length = Duration::from_secs(u64::try_from(slice_length()).unwrap_or(0));
        if self.slice_began.elapsed() < length {
            return Ok(false);
        }
        let Some(slot) = self.next_slice()? else {
            return Ok(false);
        };
        self.slot = slot;
        self.slice_began = Instant::now();
        Ok(true)
    }

    /// Begins a slice in a free table. None when there is none.
    fn next_slice(&self) -> Result<Option<i64>> {
        Ok(spi::connected(|| {
            let free = Plan::prepare(
                "SELECT slot FROM generate_series(0, $1 - 1) AS slot \
                 WHERE NOT EXISTS (SELECT FROM dynamo_internal.stream_slice AS s WHERE s.slot = slot.slot) \
                 ORDER BY slot LIMIT 1",
                &[pg_sys::INT8OID],
            );
            free.execute(&[Arg::Int8(SLOTS)], false);
            let slot = spi::int_value(0, 1)?;
            Plan::prepare(
                "UPDATE dynamo_internal.stream_slice SET sealed_at = clock_timestamp() WHERE sealed_at IS NULL",
                &[],
            )
            .execute(&[], false);
            Plan::prepare(
                "INSERT INTO dynamo_internal.stream_slice (slot, epoch, first_lsn) VALUES ($1, $2, $3)",
                &[pg_sys::INT8OID; 3],
            )
            .execute(
                &[
                    Arg::Int8(slot),
                    Arg::Int8(self.epoch.into()),
                    Arg::Int8(self.tip as i64),
                ],
                false,
            );
            Some(slot)
        }))
    }
}

fn no_slot() -> ApiError {
    ApiError::corrupt("slices of stream records: none is free, and none is open")
}

/// Table and age in seconds of the slice that is written to.
fn open_slice() -> Option<(i64, i64)> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT slot::int8, extract(epoch FROM clock_timestamp() - opened_at)::int8 \
             FROM dynamo_internal.stream_slice WHERE sealed_at IS NULL ORDER BY slice DESC LIMIT 1",
            &[],
        );
        plan.execute(&[], false);
        Some((spi::int_value(0, 1)?, spi::int_value(0, 2)?))
    })
}

/// A stream with its open shards. None when it is over, or there is no such stream.
fn load(name: &StreamName) -> Result<Option<Stream>> {
    let Some(row) = catalog::find(name)? else {
        return Ok(None);
    };
    if !matches!(row.state, State::Enabled | State::Disabling) {
        return Ok(None);
    }
    let mut shards = catalog::shards(row.number, None)?;
    shards.retain(|shard| shard.end.is_none());
    shards.sort_by_key(|shard| shard.range);
    Ok(Some(Stream {
        number: row.number,
        shards,
        tended: false,
    }))
}

/// Seals the last slice when nothing was captured for so long that it has expired. A transaction must be open.
pub fn seal_expired() {
    spi::connected(|| {
        let plan = Plan::prepare(
            "UPDATE dynamo_internal.stream_slice SET sealed_at = c.updated_at FROM dynamo_internal.stream_capture AS c \
             WHERE sealed_at IS NULL AND c.state <> 'running' \
               AND c.updated_at < clock_timestamp() - make_interval(secs => $1::float8)",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(crate::guc::stream_retention())], false);
    });
}

/// The tables of the slices whose records have expired, the oldest first: none that is younger than one that has not, which
/// a clock that was set back would make. What it had sealed in times to come is sealed now. A transaction must be open.
pub fn expired_slices() -> Vec<i64> {
    spi::connected(|| {
        spi::run(
            "UPDATE dynamo_internal.stream_slice SET sealed_at = clock_timestamp() WHERE sealed_at > clock_timestamp()",
        );
        let plan = Plan::prepare(
            "WITH slices AS (SELECT slot, slice, sealed_at IS NOT NULL \
                    AND sealed_at < clock_timestamp() - make_interval(secs => $1::float8) AS expired \
                FROM dynamo_internal.stream_slice) \
             SELECT slot::int8 FROM (SELECT slot, slice, bool_and(expired) OVER (ORDER BY slice) AS expired FROM slices) AS s \
             WHERE expired ORDER BY slice",
            &[pg_sys::INT8OID],
        );
        let count = plan.execute(&[Arg::Int8(crate::guc::stream_retention())], false);
        (0..count as usize)
            .filter_map(|row| spi::int_value(row, 1))
            .collect()
    })
}

/// Seconds by which the records of the oldest slice are kept too long. A transaction must be open.
pub fn overdue() -> i64 {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT extract(epoch FROM clock_timestamp() - min(sealed_at))::int8 - $1 FROM dynamo_internal.stream_slice",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(crate::guc::stream_retention())], false);
        spi::int_value(0, 1).unwrap_or(0)
    })
}

/// Seconds that a slice is written.
pub fn slice_length() -> i64 {
    (crate::guc::stream_retention() / KEPT_SLICES).max(SHORTEST_SLICE)
}

/// Empties the table of a slice. A transaction must be open.
pub fn empty_slice(slot: i64) {
    spi::connected(|| {
        // First, so that nobody who is in the way makes what comes next be done for nothing.
        spi::run(&format!(
            "LOCK TABLE dynamo_internal.stream_record_{slot} IN ACCESS EXCLUSIVE MODE"
        ));
        // What goes with it of each shard, for who asks for a record that is no longer there.
        spi::run(&format!(
            "UPDATE dynamo_internal.stream_shard AS s \
             SET trimmed_epoch = last.epoch, trimmed_lsn = last.lsn, trimmed_ordinal = last.ordinal \
             FROM dynamo_internal.stream_shard AS t CROSS JOIN LATERAL \
                 (SELECT r.epoch, r.lsn, r.ordinal FROM dynamo_internal.stream_record_{slot} AS r \
                  WHERE r.shard = t.number ORDER BY r.epoch DESC, r.lsn DESC, r.ordinal DESC LIMIT 1) AS last \
             WHERE s.number = t.number"
        ));
        spi::run(&format!("TRUNCATE dynamo_internal.stream_record_{slot}"));
        spi::run(&format!(
            "DELETE FROM dynamo_internal.stream_slice WHERE slot = {slot}"
        ));
    });
}

/// Forgets shards that closed, and streams that ended, so long ago that nothing of them is left.
pub fn forget_expired() {
    spi::connected(|| {
        // Twice: a record may lie in a slice that was sealed a slice's length after its shard closed.
        let age = [Arg::Int8(2 * crate::guc::stream_retention())];
        for sql in [
            "DELETE FROM dynamo_internal.stream_shard WHERE closed_at < clock_timestamp() - make_interval(secs => $1::float8)",
            "DELETE FROM dynamo_internal.stream AS s WHERE state IN ('disabled', 'broken') \
             AND ended_at < clock_timestamp() - make_interval(secs => $1::float8) \
             AND NOT EXISTS (SELECT FROM dynamo_internal.stream_shard AS h WHERE h.stream = s.number)",
        ] {
            Plan::prepare(sql, &[pg_sys::INT8OID]).execute(&age, false);
        }
    });
}
