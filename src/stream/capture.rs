//! The capture worker: one for each database that has a stream.
//!
//! It decodes the log with a context that lives as long as it, stores whole transactions in batches, and notes with each
//! batch, in the same transaction, how far it has come (the progress of a replication origin). So a change is stored
//! exactly once, whatever dies. Positions are a function of the log, which is why a batch of records may be committed
//! asynchronously: if it is lost, so is its progress, and it comes again as it was. The slot's own place follows when the
//! batch is on disk.
//!
//! Any ERROR ends the process, whose decoding context is of no use after it; the postmaster starts it again.

use super::catalog::{self, State, StreamRow};
use super::notify::Notices;
use super::plugin;
use super::slot::{self, Condition, Decoder};
use super::store::{self, Store};
use super::{marker, wake};
use crate::storage::catalog as tables;
use crate::storage::catalog::Hold;
use crate::storage::spi::{self, Arg, Plan};
use crate::worker::session::{self, Failure};
use crate::worker::{Kind, process};
use pg_dynamo_core::stream::Position;
use pg_dynamo_core::stream::position::next_epoch;
use pg_dynamo_core::table::{StreamState, TableDefinition};
use pg_dynamo_core::{ApiError, Result as CoreResult};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// A batch is stored when it has so many changes, or bytes of them; or when the log is at its end.
const BATCH_CHANGES: usize = 1000;
const BATCH_BYTES: usize = 4 << 20;
/// Between looks at what is asked of the worker, at the bound of the log, and at what has expired.
const TICK: Duration = Duration::from_millis(250);
const BOUND: Duration = Duration::from_secs(1);
/// Such looks at the bound that must find it exceeded.
const CHANCES: u32 = 3;
const EXPIRY: Duration = Duration::from_secs(10);
/// Without anything to decode the slot is let go.
const REST: Duration = Duration::from_millis(200);
/// Milliseconds of sleep between two looks at a log that is being written: nobody who commits meanwhile has to wake this
/// process, and what he commits is stored together. With so many bytes to read there is no sleep.
const PACE: i64 = 3;
const BACKLOG: u64 = 256 << 10;
/// Between warnings of a table whose stream cannot be enabled or disabled.
const COMPLAINTS: Duration = Duration::from_secs(60);
/// Before a table is asked for again that somebody else holds: meanwhile nothing is captured, and writers queue.
const RETRY: Duration = Duration::from_secs(1);
/// Records of the log between looks at signals.
const STEPS: usize = 1000;
/// Why streams are given up.
const BEYOND: &str =
    "capture kept more of the write-ahead log than dynamo.stream_max_retained_wal allows";
const LOST: &str = "the write-ahead log that capture needed is gone (max_slot_wal_keep_size, or \
     dynamo.stream_max_retained_wal while it was stuck)";
/// How long writers may queue behind a lock that this worker asks for.
const LOCK_TIMEOUT: &CStr = c"100ms";
/// A new slot waits for every transaction that runs, however long: nobody queues behind that, and who gave up would never
/// have one where there is always a long transaction.
const SLOT_TIMEOUT: &CStr = c"0";

/// The worker of the database whose OID is the argument.
///
/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_stream_worker(database: pg_sys::Datum) {
    process::begin(database);
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    process::alone(Kind::Stream, work, || {
        let left = session::transaction(|| {
            Ok(process::extension_is_here() && spi::connected(|| Kind::Stream.has_work()))
        });
        // What is left may be something that somebody is in the way of.
        let left = left.unwrap_or(false);
        if left {
            session::sleep(TICK.as_millis() as u32);
        }
        left
    });
}

/// Captures until no stream is left.
fn work() -> bool {
    if let Err(failure) = serve() {
        warning!("pg_dynamo streams: {}", failure.message);
        let noted = session::transaction(|| {
            if process::extension_is_here() {
                note_error(&failure.message);
            }
            Ok(())
        });
        if let Err(failure) = noted {
            warning!("pg_dynamo streams: {}", failure.message);
        }
        wake::leave();
        // SAFETY: the end of the process; it is started again.
        unsafe { pg_sys::proc_exit(1) };
    }
    false
}

fn serve() -> Result<(), Failure> {
    loop {
        let wanted = session::transaction(|| {
            if !process::extension_is_here() {
                slot::drop_all();
                return Ok(None);
            }
            Ok(Some(Wanted::read()?))
        })?;
        let Some(wanted) = wanted else { return Ok(()) };
        wanted.clear_broken();
        if !wanted.any {
            match stop() {
                Ok(true) => return tidy(),
                Ok(false) => {}
                Err(failure) if failure.is_transient() => {
                    session::sleep(TICK.as_millis() as u32);
                    process::leave_database_to_others();
                }
                Err(failure) => return Err(failure),
            }
            continue;
        }
        let most = crate::guc::stream_max_retained_wal();
        let condition = session::transaction(|| {
            Ok(match slot::condition() {
                // What the last worker has failed of the next may fail of, before it comes to look.
                Condition::Usable if most > 0 && has_failed() && slot::retained() > most => {
                    Condition::Lost
                }
                found => found,
            })
        });
        match condition? {
            Condition::Foreign => {
                return Err(Failure {
                    code: PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
                    message: format!(
                        "replication slot \"{}\" was made by somebody else: pg_drop_replication_slot() removes it",
                        slot::name()
                    ),
                });
            }
            Condition::Lost => give_up(LOST)?,
            condition => {
                let mut capture = Capture::begin(condition == Condition::Missing)?;
                let result = capture.run();
                slot::leave_origin();
                result?;
            }
        }
    }
}

/// Ends capture, unless somebody has begun to rely on it. Whoever does so holds the row that says that it runs, until he has
/// committed; when that takes long it is an ERROR.
fn stop() -> Result<bool, Failure> {
    session::set(c"synchronous_commit", c"local");
    session::transaction(|| {
        spi::connected(|| {
            Plan::prepare(
                "SELECT one FROM dynamo_internal.stream_capture FOR UPDATE",
                &[],
            )
            .execute(&[], false)
        });
        if Wanted::read()?.any {
            return Ok(false);
        }
        end_all(State::Disabled, "")?;
        slot::drop_all();
        set_capture("stopped");
        Ok(true)
    })
}

/// What is left to do when nothing is captured.
fn tidy() -> Result<(), Failure> {
    session::transaction(|| {
        store::seal_expired();
        store::trim();
        store::forget_expired();
        Ok(())
    })
}

/// What the definitions ask for.
struct Wanted {
    /// Whether there is a stream to capture.
    any: bool,
    /// Tables whose definition still has a stream that was given up, or that was being disabled when the definition was dumped.
    broken: Vec<String>,
    definitions: Vec<TableDefinition>,
    alive: Vec<StreamRow>,
}

impl Wanted {
    /// A transaction must be open.
    fn read() -> CoreResult<Wanted> {
        let definitions = with_streams()?;
        let ends = |definition: &TableDefinition| {
            let stream = definition.stream.as_ref();
            stream.is_some_and(|stream| stream.state == StreamState::Disabling)
        };
        let mut wanted = Wanted {
            any: false,
            broken: Vec::new(),
            definitions: Vec::new(),
            alive: catalog::alive()?,
        };
        for definition in definitions {
            let name = definition.latest_stream_name();
            let name = name.filter(|name| wanted.alive.iter().all(|row| row.name != *name));
            let nobodys = name.is_some() && ends(&definition);
            let row = name.map(|name| catalog::find(&name)).transpose()?.flatten();
            // One that ended is taken up again: its table was dropped, and restored.
            if nobodys || row.is_some_and(|row| row.state == State::Broken) {
                wanted.broken.push(definition.name);
            } else {
                wanted.definitions.push(definition);
            }
        }
        wanted.any = wanted
            .definitions
            .iter()
            .any(|definition| !ends(definition))
            || !wanted.alive.is_empty();
        Ok(wanted)
    }

    /// Takes streams that were given up out of the definitions, as soon as their tables are free.
    fn clear_broken(&self) {
        for table in &self.broken {
            let cleared = session::transaction(|| {
                let Some(held) = tables::open(table, Hold::Exclusive)? else {
                    return Ok(());
                };
                let Some(definition) = tables::lock_definition(table)? else {
                    return Ok(());
                };
                marker::remove(table);
                tables::replace(held.relid, &definition.with_stream_state(None))
            });
            if let Err(failure) = cleared {
                log!("stream of DynamoDB table {table}: {}", failure.message);
            }
        }
    }
}

/// Definitions that have a stream. A transaction must be open.
fn with_streams() -> CoreResult<Vec<TableDefinition>> {
    let definitions = spi::connected(|| {
        let plan = Plan::kept(
            "SELECT definition::text FROM dynamo.table_definition \
             WHERE definition::text ~ '\"stream\":\\{' ORDER BY table_name",
            &[],
        );
        let count = plan.execute(&[], false);
        (0..count as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect::<Vec<_>>()
    });
    let parse = |json: &String| {
        let definition: Result<TableDefinition, _> = serde_json::from_str(json);
        definition.map_err(|_| ApiError::corrupt("table definition"))
    };
    // Text that only looks like a stream is none.
    let all: CoreResult<Vec<_>> = definitions.iter().map(parse).collect();
    Ok(all?.into_iter().filter(|d| d.stream.is_some()).collect())
}

fn set_capture(state: &str) {
    spi::connected(|| {
        let plan = Plan::prepare(
            // Of one that broke it stays known.
            "UPDATE dynamo_internal.stream_capture SET state = $1, updated_at = clock_timestamp() \
             WHERE state <> $1 AND NOT (state = 'broken' AND $1 = 'stopped')",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(state)], false);
    });
}

/// Whether the worker before this one ended with an error. A transaction must be open.
fn has_failed() -> bool {
    spi::connected(|| {
        let plan = Plan::kept(
            "SELECT one FROM dynamo_internal.stream_capture WHERE error IS NOT NULL",
            &[],
        );
        plan.execute(&[], false) > 0
    })
}

/// For `dynamo.streams`; capture may never have run.
fn note_error(message: &str) {
    spi::connected(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream_capture (state, slot_name, epoch, system_identifier, timeline, error) \
             VALUES ('stopped', $2::name, 0, '', 0, $1) \
             ON CONFLICT (one) DO UPDATE SET error = excluded.error, updated_at = clock_timestamp()",
            &[pg_sys::TEXTOID; 2],
        );
        plan.execute(&[Arg::Text(message), Arg::Text(&slot::name())], false);
    });
}

/// A transaction that makes a table with a stream holds the row as long as it lives: then it says what was wrong until
/// later. A transaction must be open.
fn clear_error() {
    spi::connected(|| {
        let plan = Plan::prepare(
            "UPDATE dynamo_internal.stream_capture SET error = NULL, updated_at = clock_timestamp() \
             WHERE one IN (SELECT one FROM dynamo_internal.stream_capture \
                           WHERE error IS NOT NULL FOR UPDATE SKIP LOCKED)",
            &[],
        );
        plan.execute(&[], false);
    });
}

/// Ends every stream where it stands. A transaction must be open.
fn end_all(state: State, reason: &str) -> CoreResult<()> {
    let tip = catalog::tip();
    for stream in catalog::alive()? {
        close_all(stream.number, tip)?;
        catalog::set_state(stream.number, state, reason);
    }
    Ok(())
}

fn close_all(stream: u32, end: Position) -> CoreResult<()> {
    for shard in catalog::shards(stream, None)? {
        if shard.end.is_none() {
            catalog::close_shard(shard.number, end.max(shard.start));
        }
    }
    Ok(())
}

/// Gives all streams up, loudly, and lets the log go.
fn give_up(reason: &str) -> Result<(), Failure> {
    warning!(
        "the streams of this database are broken: {reason}. They were disabled; UpdateTable enables new ones"
    );
    session::set(c"synchronous_commit", c"local");
    // Whoever is in the way of words is not in the way of the log: what is left running without a slot begins anew.
    unless_held(session::transaction(|| end_all(State::Broken, reason)))?;
    session::transaction(|| {
        slot::drop_all();
        Ok(())
    })?;
    unless_held(session::transaction(|| {
        set_capture("broken");
        note_error(reason);
        Ok(())
    }))
}

fn unless_held(outcome: Result<(), Failure>) -> Result<(), Failure> {
    outcome.or_else(|failure| match failure.is_transient() {
        true => Ok(()),
        false => Err(failure),
    })
}

struct Capture {
    decoder: Decoder,
    store: Store,
    origin: pg_sys::RepOriginId,
    /// The extension that this is of.
    extension: pg_sys::Oid,
    /// Own commits that may not be on disk, and the place in the log that each stands for.
    unconfirmed: VecDeque<(u64, u64)>,
    /// Streams that are ending, and the place in the log that their last changes are before.
    ending: HashMap<u32, u64>,
    notices: Notices,
    complained: Option<Instant>,
    /// Tables that others hold, and when they are asked for again.
    held: HashMap<String, Instant>,
    sleep: u32,
    busy: Instant,
    ticked: Instant,
    bounded: Instant,
    /// Looks in a row that found too much of the log kept.
    beyond: u32,
    expired: Instant,
}

impl Capture {
    /// `missing`: there is no slot.
    fn begin(missing: bool) -> Result<Capture, Failure> {
        if missing {
            session::transaction(|| {
                forget_log();
                slot::drop_all();
                Ok(())
            })?;
            // It waits for the transactions that run, each of which it locks.
            session::set(c"lock_timeout", SLOT_TIMEOUT);
            session::transaction(|| {
                slot::create();
                Ok(())
            })?;
            session::set(c"lock_timeout", LOCK_TIMEOUT);
        }
        session::set(c"synchronous_commit", c"local");
        let (extension, origin, store) = session::transaction(|| {
            let origin = slot::take_origin();
            let epoch = begin_epoch(missing)?;
            let tip = catalog::tip();
            let start = if missing { 0 } else { tip.lsn };
            let store = Store::open(epoch, start.max(tip.lsn))?;
            Ok((process::extension(), origin, store))
        })?;
        slot::advance(origin, 0, 0);
        plugin::capture_here(origin);
        let decoder = session::transaction(|| Ok(Decoder::start()))?;
        let now = Instant::now();
        Ok(Capture {
            decoder,
            store,
            origin,
            extension,
            unconfirmed: VecDeque::new(),
            ending: HashMap::new(),
            notices: Notices::new(),
            complained: None,
            held: HashMap::new(),
            sleep: wake::be_woken(),
            busy: now,
            ticked: now.checked_sub(TICK).unwrap_or(now),
            bounded: now,
            beyond: 0,
            expired: now.checked_sub(EXPIRY).unwrap_or(now),
        })
    }

    /// Until no stream is left, or all were given up.
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            if wake::is_unwelcome() {
                self.decoder.rest();
                wake::leave();
                // SAFETY: the end of the process; it is started again, and ends for good where its database is gone.
                unsafe { pg_sys::proc_exit(1) };
            }
            let (end, began) = (flushed(), tables::now_millis());
            let before = self.decoder.place();
            let reached = self.decode(end)?;
            self.confirm();
            wake::publish(reached, (reached >= end).then_some(began));
            self.notices.tell();
            if self.ticked.elapsed() >= TICK {
                self.ticked = Instant::now();
                if !self.tick()? {
                    return Ok(());
                }
            }
            let left = flushed().saturating_sub(reached);
            if left < BACKLOG && self.busy.elapsed() >= REST {
                self.decoder.rest();
            }
            if self.decoder.place() == before && left == 0 {
                session::sleep(self.notices.sleep(self.sleep));
            } else if left < BACKLOG {
                wake::doze(PACE);
            }
        }
    }

    /// Decodes and stores what is before `end`. Answers before which place everything is.
    fn decode(&mut self, end: u64) -> Result<u64, Failure> {
        loop {
            let decoder = &mut self.decoder;
            let more = session::guarded(|| Ok(decoder.decode(end, STEPS, || !is_full())))?;
            session::heed_signals();
            // Whoever asks for the place in the log means what is stored.
            let leave = !more || self.ticked.elapsed() >= TICK || wake::is_unwelcome();
            if is_full() || leave && captured_size().0 > 0 {
                self.busy = Instant::now();
                self.store_batch()?;
            }
            if leave {
                let place = self.decoder.place();
                // Of a record that somebody is writing the beginning may be on disk: none was committed since.
                return Ok(if more { place } else { place.max(end) });
            }
        }
    }

    /// Whole transactions, and with them how far they reach.
    fn store_batch(&mut self) -> Result<(), Failure> {
        let store = &mut self.store;
        let origin = self.origin;
        let place = session::transaction(|| {
            let now = tables::now_millis();
            plugin::with_captured(|captured| {
                let structural = store.write(captured, now)?;
                session::set(
                    c"synchronous_commit",
                    if structural { c"local" } else { c"off" },
                );
                slot::advance(origin, captured.end_lsn, captured.committed_at);
                Ok(captured.end_lsn)
            })
            .unwrap_or_else(|| Err(ApiError::internal("nothing is captured here")))
        })?;
        slot::advance(origin, 0, 0);
        self.notices.add(self.store.changed.drain(..));
        // SAFETY: a plain variable of this process.
        self.unconfirmed
            .push_back((unsafe { pg_sys::XactLastCommitEnd }, place));
        Ok(())
    }

    /// Tells the slot what is stored and on disk.
    fn confirm(&mut self) {
        let flushed = flushed();
        let mut confirmed = None;
        while let Some((_, place)) = self.unconfirmed.pop_front_if(|own| own.0 <= flushed) {
            confirmed = Some(place);
        }
        if let Some(place) = confirmed {
            self.decoder.confirm(place);
        }
    }

    /// What is asked of the worker besides. False: there is nothing left for it.
    fn tick(&mut self) -> Result<bool, Failure> {
        session::heed_signals();
        process::leave_database_to_others();
        let extension = self.extension;
        let Some(wanted) = session::transaction(|| {
            if process::extension() != extension {
                return Ok(None);
            }
            Wanted::read().map(Some)
        })?
        else {
            self.decoder.rest();
            return Ok(false);
        };
        self.reconcile(&wanted)?;
        if self.bounded.elapsed() >= BOUND {
            self.bounded = Instant::now();
            if self.unconfirmed.is_empty() {
                let place = self.decoder.place();
                self.decoder.confirm(place);
            }
            if self.exceeds_bound()? {
                self.decoder.rest();
                slot::leave_origin();
                give_up(BEYOND)?;
                return Ok(false);
            }
        }
        if self.expired.elapsed() >= EXPIRY {
            self.expired = Instant::now();
            self.mark_again(&wanted)?;
            session::set(c"synchronous_commit", c"local");
            let store = &mut self.store;
            session::transaction(|| store.turn_slice())?;
            let trimmed = session::transaction(|| {
                store::trim();
                store::forget_expired();
                Ok(())
            });
            match trimmed {
                // A reader is in the way: next time.
                Err(failure) if failure.is_transient() => {}
                other => other?,
            }
        }
        if !wanted.any {
            self.decoder.rest();
        }
        Ok(wanted.any)
    }

    /// Whether the slot keeps more of the log than it may. What it keeps begins at a note of who was running, which the server
    /// makes every 15 seconds: a new one shows first whether the rest is needed.
    fn exceeds_bound(&mut self) -> Result<bool, Failure> {
        let most = crate::guc::stream_max_retained_wal();
        let exceeds = most > 0 && session::transaction(|| Ok(slot::retained()))? > most;
        self.beyond = if exceeds { self.beyond + 1 } else { 0 };
        if exceeds {
            session::guarded(|| {
                // SAFETY: as the background writer does it, outside a transaction.
                unsafe { pg_sys::LogStandbySnapshot() };
                Ok(())
            })?;
        }
        Ok(self.beyond >= CHANCES)
    }

    /// Brings about what definitions say and streams are not yet.
    fn reconcile(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        wanted.clear_broken();
        for definition in &wanted.definitions {
            let Some(stream) = &definition.stream else {
                continue;
            };
            let known = wanted
                .alive
                .iter()
                .any(|row| row.name.table == definition.name && row.name.label == stream.label);
            let held = self.held.get(&definition.name);
            if held.is_some_and(|until| *until > Instant::now()) {
                continue;
            }
            let step = match stream.state {
                StreamState::Enabling => self.enable(definition),
                StreamState::Disabling => self.disable(definition),
                StreamState::Enabled if !known => self.adopt(definition),
                StreamState::Enabled => continue,
            };
            self.held.remove(&definition.name);
            match step {
                Err(failure) if failure.is_transient() => {
                    let until = Instant::now() + RETRY;
                    self.held.insert(definition.name.clone(), until);
                }
                Err(failure) => self.complain(&definition.name, &failure),
                Ok(()) => {}
            }
        }
        for row in &wanted.alive {
            let theirs = |definition: &&TableDefinition| definition.name == row.name.table;
            let definition = wanted.definitions.iter().find(theirs);
            let stream = definition.and_then(|definition| definition.stream.as_ref());
            if stream.is_none_or(|stream| stream.label != row.name.label) {
                match self.end(row) {
                    Err(failure) if failure.is_transient() => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// What is wrong with one table is no reason not to capture the others.
    fn complain(&mut self, table: &str, failure: &Failure) {
        if self
            .complained
            .is_none_or(|last| last.elapsed() > COMPLAINTS)
        {
            self.complained = Some(Instant::now());
            warning!("stream of DynamoDB table {table}: {}", failure.message);
        }
    }

    fn place(&self) -> Position {
        Position::before_commit(self.store.epoch, self.decoder.place())
    }

    /// Marks the table, so that what is committed from then on is captured.
    fn enable(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        let start = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Enabling)? else {
                return Ok(());
            };
            let enabled = current.with_stream_state(Some(StreamState::Enabled));
            let Some(stream) = &enabled.stream else {
                return Ok(());
            };
            marker::add(&enabled, stream);
            tables::replace(relid, &enabled)?;
            take_up(&enabled, relid, start)
        })?;
        self.forget(definition);
        Ok(())
    }

    fn disable(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Disabling)? else {
                return Ok(());
            };
            marker::remove(&current.name);
            tables::replace(relid, &current.with_stream_state(None))
        })
    }

    /// A stream that a definition has and nobody knows, as after a restore.
    fn adopt(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        let start = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Enabled)? else {
                return Ok(());
            };
            let Some(stream) = &current.stream else {
                return Ok(());
            };
            marker::add(&current, stream);
            take_up(&current, relid, start)
        })?;
        self.forget(definition);
        Ok(())
    }

    /// An owner may drop a mark (a restore does): what he changes then is nobody's to know. It comes back, and the gap is told.
    fn mark_again(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        let missing = session::transaction(|| Ok(marker::missing()))?;
        for definition in &wanted.definitions {
            if !missing.contains(&definition.name) {
                continue;
            }
            session::set(c"synchronous_commit", c"local");
            let marked = session::transaction(|| {
                let Some((_, current)) = locked(definition, StreamState::Enabled)? else {
                    return Ok(());
                };
                if let Some(stream) = &current.stream {
                    marker::add(&current, stream);
                    spi::connected(|| {
                        spi::run(
                            "UPDATE dynamo_internal.stream_capture SET last_gap = clock_timestamp()",
                        );
                    });
                    warning!(
                        "DynamoDB table {} had lost the mark of its stream: changes since then may be missing from it",
                        current.name
                    );
                }
                Ok(())
            });
            if let Err(failure) = marked
                && !failure.is_transient()
            {
                self.complain(&definition.name, &failure);
            }
        }
        Ok(())
    }

    fn forget(&mut self, definition: &TableDefinition) {
        if let Some(name) = definition.latest_stream_name() {
            self.store.forget(&name);
        }
    }

    /// Closes a stream when the last changes of its table have been captured.
    fn end(&mut self, row: &StreamRow) -> Result<(), Failure> {
        // SAFETY: reads the state of the log.
        let now = unsafe { pg_sys::GetXLogInsertRecPtr() };
        let last = *self.ending.entry(row.number).or_insert(now);
        if self.decoder.place() < last {
            return Ok(());
        }
        let end = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            close_all(row.number, end)?;
            catalog::set_state(row.number, State::Disabled, "");
            Ok(())
        })?;
        self.ending.remove(&row.number);
        self.store.forget(&row.name);
        Ok(())
    }
}

/// The table of a definition, held exclusively, while its stream is the one that was seen and in that state.
fn locked(
    seen: &TableDefinition,
    state: StreamState,
) -> CoreResult<Option<(pg_sys::Oid, TableDefinition)>> {
    // What decoding has left in the caches is as old as what was decoded.
    // SAFETY: a transaction is open.
    unsafe { pg_sys::InvalidateSystemCaches() };
    let Some(held) = tables::open(&seen.name, Hold::Exclusive)? else {
        return Ok(None);
    };
    let current = tables::lock_definition(&seen.name)?;
    let same = |current: &TableDefinition| {
        let label = |definition: &TableDefinition| {
            let stream = definition.stream.as_ref()?;
            (stream.state == state).then(|| stream.label.clone())
        };
        current.table_id == seen.table_id
            && label(current).is_some()
            && label(current) == label(seen)
    };
    Ok(current.filter(same).map(|current| (held.relid, current)))
}

/// Makes the stream of a definition known and enabled, with shards.
fn take_up(definition: &TableDefinition, relid: pg_sys::Oid, start: Position) -> CoreResult<()> {
    let Some(stream) = &definition.stream else {
        return Ok(());
    };
    let now = tables::now_millis();
    let number = catalog::register(definition, stream, relid, State::Enabled, now)?;
    catalog::set_state(number, State::Enabled, "");
    if catalog::shards(number, None)?
        .iter()
        .all(|shard| shard.end.is_some())
    {
        catalog::open_first_shards(number, crate::guc::stream_shards(), start, now)?;
    }
    Ok(())
}

/// Notes that the log was not kept for a while, whatever happens before a new epoch begins.
fn forget_log() {
    spi::connected(|| {
        spi::run("UPDATE dynamo_internal.stream_capture SET system_identifier = ''");
    });
}

/// The epoch that capture goes on in; a new one where positions may begin anew. All open shards are then closed and
/// followed by children. A transaction must be open.
fn begin_epoch(missing: bool) -> CoreResult<u32> {
    let (system, timeline) = identity();
    let known = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT epoch::int8, (system_identifier = $1 AND timeline = $2)::int4::int8, \
             (state = 'running')::int4::int8 FROM dynamo_internal.stream_capture FOR SHARE",
            &[pg_sys::TEXTOID, pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Text(&system), Arg::Int8(timeline)], false);
        let int = |column| spi::int_value(0, column);
        Some((u32::try_from(int(1)?).ok()?, int(2)? == 1, int(3)? == 1))
    });
    let last = known.map_or(0, |(epoch, ..)| epoch);
    let goes_on = !missing && known.is_some_and(|(_, same, _)| same);
    let running = known.is_some_and(|(_, _, running)| running);
    if goes_on && running {
        clear_error();
        return Ok(last);
    }
    let now = tables::now_millis();
    let epoch = if goes_on { last } else { next_epoch(last, now) };
    if !goes_on {
        let (end, start) = (catalog::tip(), Position::before_commit(epoch, 0));
        for stream in catalog::alive()? {
            for shard in catalog::shards(stream.number, None)? {
                if shard.end.is_none() {
                    catalog::close_shard(shard.number, end.max(shard.start));
                    catalog::open_shard(stream.number, Some(&shard), shard.range, start, now)?;
                }
            }
        }
    }
    let gap = !goes_on && running;
    spi::connected(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream_capture AS c \
                (state, slot_name, epoch, system_identifier, timeline, last_gap) \
             VALUES ('running', $1::name, $2, $3, $4, CASE WHEN $5 = 1 THEN clock_timestamp() END) \
             ON CONFLICT (one) DO UPDATE SET state = 'running', slot_name = excluded.slot_name, epoch = excluded.epoch, \
                system_identifier = excluded.system_identifier, timeline = excluded.timeline, \
                last_gap = coalesce(excluded.last_gap, c.last_gap), error = NULL, updated_at = clock_timestamp()",
            &[
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
            ],
        );
        plan.execute(
            &[
                Arg::Text(&slot::name()),
                Arg::Int8(epoch.into()),
                Arg::Text(&system),
                Arg::Int8(timeline),
                Arg::Int8(gap.into()),
            ],
            false,
        );
        if !goes_on {
            let plan = Plan::prepare(
                "INSERT INTO dynamo_internal.stream_progress (epoch, lsn) VALUES ($1, 0) \
                 ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, lsn = 0",
                &[pg_sys::INT8OID],
            );
            plan.execute(&[Arg::Int8(epoch.into())], false);
        }
    });
    if gap {
        warning!(
            "capture of streams begins anew (epoch {epoch}): changes since it last ran may be missing from them"
        );
    }
    Ok(epoch)
}

/// Which log this is: the cluster's identifier and the timeline that is being written.
fn identity() -> (String, i64) {
    // SAFETY: both read the state of this server, which is no standby.
    unsafe {
        (
            pg_sys::GetSystemIdentifier().to_string(),
            i64::from(pg_sys::GetWALInsertionTimeLine()),
        )
    }
}

/// Changes that wait for being stored, and bytes of them.
fn captured_size() -> (usize, usize) {
    plugin::with_captured(|c| (c.buffer.len() + c.faults.len(), c.buffer.size()))
        .unwrap_or_default()
}

/// Whether a batch is complete.
fn is_full() -> bool {
    let (changes, bytes) = captured_size();
    changes >= BATCH_CHANGES || bytes >= BATCH_BYTES
}

/// What is on disk of the log.
fn flushed() -> u64 {
    // SAFETY: reads the state of the log.
    unsafe { pg_sys::GetFlushRecPtr(std::ptr::null_mut()) }
}
