//! The capture worker: one for each database that has a stream.
//!
//! It decodes the log with a context that lives as long as it, stores whole transactions in batches, and notes with each
//! batch, in the same transaction, how far it has come (the progress of a replication origin). So a change is stored
//! exactly once, whatever dies. Positions are a function of the log, which is why a batch of records may be committed
//! asynchronously: if it is lost, so is its progress, and it comes again as it was. The slot's own place follows when the
//! batch is on disk.
//!
//! Any ERROR ends the process, whose decoding context is of no use after it; the postmaster starts it again.

mod ending;
mod epoch;
mod expiry;
mod steps;
mod wanted;

use super::catalog::{self, State};
use super::complaint::Complaint;
use super::notify::Notices;
use super::plugin;
use super::slot::{self, Condition, Decoder};
use super::store::Store;
use super::wake;
use crate::storage::catalog as tables;
use crate::storage::spi::{self, Plan};
use crate::worker::session::{self, Failure};
use crate::worker::{Kind, process};
use ending::{clear_error, end_all, give_up, has_failed, note_error, set_capture};
use epoch::{begin_epoch, forget_log};
use expiry::{tidy, trim};
use pg_dynamo_core::ApiError;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::ffi::CStr;
use std::time::{Duration, Instant};
use wanted::{Held, RETRY, Wanted};

/// A batch is stored when it has so many changes, or bytes of them; or when the log is at its end.
const BATCH_CHANGES: usize = 1000;
const BATCH_BYTES: usize = 4 << 20;
/// Between looks at what is asked of the worker, at the bound of the log, and at what has expired.
const TICK: Duration = Duration::from_millis(250);
const BOUND: Duration = Duration::from_secs(1);
/// Such looks at the bound that must find it exceeded.
const CHANCES: u32 = 3;
const EXPIRY: Duration = Duration::from_secs(10);
/// Between looks at the definitions when nothing tells of a change of them, as a restore does not.
const LOOK: Duration = Duration::from_secs(5);
/// Between warnings of what lasts.
const COMPLAINTS: Duration = Duration::from_secs(60);
/// Between attempts that fail of the same; after so long capture goes well.
const PAUSE: Duration = Duration::from_secs(5);
/// Without anything to decode the slot is let go.
const REST: Duration = Duration::from_millis(200);
/// Milliseconds of sleep between two looks at a log that is being written: nobody who commits meanwhile has to wake this
/// process, and what he commits is stored together. With so many bytes to read there is no sleep.
const PACE: i64 = 3;
const BACKLOG: u64 = 256 << 10;
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
        // What is left may be something that somebody is in the way of, behind whom others queue while it is asked for.
        let left = left.unwrap_or(false);
        if left {
            session::sleep(RETRY.as_millis() as u32);
        }
        left
    });
}

/// Captures until no stream is left.
fn work() -> bool {
    if let Err(failure) = serve() {
        let noted = session::transaction(|| {
            Ok(!process::extension_is_here() || note_error(&failure.message))
        });
        wake::leave();
        if matches!(noted, Ok(false)) {
            // The worker before this one has said so.
            slot::release();
            pause();
        } else {
            warning!("pg_dynamo streams: {}", failure.message);
        }
        if let Err(failure) = noted {
            warning!("pg_dynamo streams: {}", failure.message);
        }
        // SAFETY: the end of the process; it is started again.
        unsafe { pg_sys::proc_exit(1) };
    }
    false
}

/// Lets the database go, which somebody drops: the process is started again, and ends for good where there is none.
fn make_way() {
    wake::leave();
    // SAFETY: the end of the process.
    unsafe { pg_sys::proc_exit(1) };
}

/// While what is in the way may go away.
fn pause() {
    let end = Instant::now() + PAUSE;
    while Instant::now() < end {
        session::sleep(TICK.as_millis() as u32);
        process::leave_database_to_others();
    }
}

fn serve() -> Result<(), Failure> {
    let mut held = Held::default();
    loop {
        let wanted = session::transaction(|| {
            if !process::extension_is_here() {
                slot::drop_all();
                return Ok(None);
            }
            Ok(Some((tables::invalidations(), Wanted::read()?)))
        })?;
        let Some((seen, wanted)) = wanted else {
            return Ok(());
        };
        wanted.clear_broken(&mut held);
        if !wanted.any {
            match stop() {
                Ok(true) => return tidy(seen),
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
        clear_error();
        Ok(true)
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
    /// When a table was warned of whose stream cannot be enabled or disabled.
    complained: Complaint,
    /// Changes of relations that the definitions were read after, and when; whether they ask for something yet to be done.
    seen: u64,
    looked: Instant,
    unsettled: bool,
    /// Since when capture runs, and whether it has run long enough to say that it goes well.
    began: Instant,
    well: bool,
    held: Held,
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
            complained: Complaint::every(COMPLAINTS),
            seen: 0,
            looked: now,
            unsettled: true,
            began: now,
            well: false,
            held: Held::default(),
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
                make_way();
            }
            let (end, began) = (flushed(), tables::now_millis());
            let before = self.decoder.place();
            let reached = self.decode(end)?;
            self.confirm();
            wake::publish(reached, (reached >= end).then_some(began));
            self.notices.tell();
            if self.ticked.elapsed() >= TICK {
                if !self.tick()? {
                    return Ok(());
                }
                // Behind it, so that however long it takes there is time to decode.
                self.ticked = Instant::now();
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
        let (place, structural) = session::transaction(|| {
            let now = tables::now_millis();
            plugin::with_captured(|captured| {
                let structural = store.write(captured, now)?;
                session::set(
                    c"synchronous_commit",
                    if structural { c"local" } else { c"off" },
                );
                slot::advance(origin, captured.end_lsn, captured.committed_at);
                Ok((captured.end_lsn, structural))
            })
            .unwrap_or_else(|| Err(ApiError::internal("nothing is captured here")))
        })?;
        slot::advance(origin, 0, 0);
        // A stream that was given up is yet to be taken out of its definition.
        self.unsettled |= structural;
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
        // However much there is to read, this process ends with the postmaster: the next one could not start beside it.
        session::sleep(0);
        process::leave_database_to_others();
        let expires = self.expired.elapsed() >= EXPIRY;
        let look = expires || self.unsettled || self.looked.elapsed() >= LOOK;
        let (extension, seen) = (self.extension, self.seen);
        let Some((seen, wanted)) = session::transaction(|| {
            if process::extension() != extension {
                return Ok(None);
            }
            let now = tables::invalidations();
            let wanted = (look || now != seen).then(Wanted::read).transpose()?;
            Ok(Some((now, wanted)))
        })?
        else {
            self.decoder.rest();
            return Ok(false);
        };
        if let Some(wanted) = &wanted {
            (self.seen, self.looked) = (seen, Instant::now());
            self.unsettled = self.reconcile(wanted)?;
        }
        if !self.well && self.began.elapsed() >= PAUSE {
            self.well = session::transaction(|| Ok(clear_error()))?;
        }
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
        let Some(wanted) = wanted else {
            return Ok(true);
        };
        if expires {
            self.expired = Instant::now();
            self.mark_again(&wanted)?;
            session::set(c"synchronous_commit", c"local");
            let store = &mut self.store;
            let reached = self.decoder.place();
            session::transaction(|| {
                store.turn_slice()?;
                store.renew(reached, tables::now_millis())
            })?;
            trim()?;
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
