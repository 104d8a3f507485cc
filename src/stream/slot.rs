//! The replication slot of this database, the origin that keeps its place, and the context that decodes it.

use crate::storage::pg_error::catching;
use crate::storage::spi::{self, Plan};
use crate::storage::{bare, memory};
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int};

/// The output plugin of our slots.
const PLUGIN: &CStr = c"pg_dynamo";
/// Milliseconds between looks at a log that a new slot waits for.
const TO_COME: i64 = 5;

unsafe extern "C-unwind" {
    // Handed to C as callbacks, or without a binding. Their signatures are the same in PostgreSQL 15 to 18.
    fn read_local_xlog_page(
        reader: *mut pg_sys::XLogReaderState,
        page: pg_sys::XLogRecPtr,
        length: c_int,
        target: pg_sys::XLogRecPtr,
        buffer: *mut c_char,
    ) -> c_int;
    fn wal_segment_open(
        reader: *mut pg_sys::XLogReaderState,
        segment: pg_sys::XLogSegNo,
        timeline: *mut pg_sys::TimeLineID,
    );
    fn wal_segment_close(reader: *mut pg_sys::XLogReaderState);
    fn LogicalDecodingProcessRecord(
        context: *mut pg_sys::LogicalDecodingContext,
        record: *mut pg_sys::XLogReaderState,
    );
}

type PageRead = unsafe extern "C-unwind" fn(
    *mut pg_sys::XLogReaderState,
    pg_sys::XLogRecPtr,
    c_int,
    pg_sys::XLogRecPtr,
    *mut c_char,
) -> c_int;

thread_local! {
    /// Whether this process has the origin.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Reads what is on disk of the log. Postgres's own would wait for the rest of a record whose beginning is on disk: for
/// as long as nobody commits.
///
/// # Safety
/// Called by a reader of the log with room for a page.
unsafe extern "C-unwind" fn read_page(
    reader: *mut pg_sys::XLogReaderState,
    page: pg_sys::XLogRecPtr,
    length: c_int,
    target: pg_sys::XLogRecPtr,
    buffer: *mut c_char,
) -> c_int {
    // SAFETY: by the caller. Nothing here has a destructor.
    unsafe {
        if !is_on_disk(page, length) {
            return -1;
        }
        read_local_xlog_page(reader, page, length, target, buffer)
    }
}

/// # Safety
/// Inside a `catching`, or called by Postgres.
unsafe fn is_on_disk(page: pg_sys::XLogRecPtr, length: c_int) -> bool {
    // SAFETY: by the caller; reads the state of the log.
    let flushed = unsafe { bare::GetFlushRecPtr(std::ptr::null_mut()) };
    page + u64::from(length.unsigned_abs()) <= flushed
}

/// As [`read_page`], for a new slot, which cannot begin without the log that is still to come. Postgres's own waits without
/// noticing that the postmaster has died, and a server does not start beside a process that is left of the one before.
///
/// # Safety
/// As above.
unsafe extern "C-unwind" fn read_page_to_come(
    reader: *mut pg_sys::XLogReaderState,
    page: pg_sys::XLogRecPtr,
    length: c_int,
    target: pg_sys::XLogRecPtr,
    buffer: *mut c_char,
) -> c_int {
    // SAFETY: by the caller; this process's own latch. Nothing here has a destructor, so an ERROR may jump across.
    unsafe {
        while !is_on_disk(page, length) {
            let events = pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            bare::WaitLatch(
                pg_sys::MyLatch,
                events as c_int,
                TO_COME,
                pg_sys::PG_WAIT_EXTENSION,
            );
            if pg_sys::InterruptPending != 0 {
                bare::ProcessInterrupts();
            }
        }
        read_local_xlog_page(reader, page, length, target, buffer)
    }
}

/// Reads this server's own log; `page_read` says how.
fn routine(page_read: PageRead) -> pg_sys::XLogReaderRoutine {
    pg_sys::XLogReaderRoutine {
        page_read: Some(page_read),
        segment_open: Some(wal_segment_open),
        segment_close: Some(wal_segment_close),
    }
}

/// Of the slot and of the origin: `pg_dynamo_16384`.
pub fn name() -> String {
    // SAFETY: the database of this process.
    name_of(unsafe { pg_sys::MyDatabaseId })
}

fn name_of(database: pg_sys::Oid) -> String {
    format!("pg_dynamo_{}", database.to_u32())
}

/// Of a string without a NUL byte.
fn c_string(name: String) -> CString {
    CString::new(name).unwrap_or_default()
}

fn c_name() -> CString {
    c_string(name())
}

fn is_origin(name: &CStr) -> bool {
    // SAFETY: a C string; a transaction is open.
    let found = unsafe { pg_sys::replorigin_by_name(name.as_ptr(), true) };
    u32::from(found) != pg_sys::InvalidRepOriginId
}

/// A slot of ours, of whichever database.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub database: pg_sys::Oid,
    /// Bytes of log that it keeps from being removed.
    pub retained: u64,
    /// The process that uses it; 0: none.
    pub user: pg_sys::pid_t,
}

/// All slots of ours, for a process that has no database.
pub fn all() -> Vec<Seen> {
    // SAFETY: an array in shared memory of so many entries. They are read without their locks: each field is written at
    // once, and a slot that is made or dropped meanwhile is seen as it was or will be.
    unsafe {
        let slots = pg_sys::ReplicationSlotCtl;
        if slots.is_null() {
            return Vec::new();
        }
        let first = (&raw const (*slots).replication_slots).cast::<pg_sys::ReplicationSlot>();
        let count = usize::try_from(pg_sys::max_replication_slots).unwrap_or(0);
        let now = pg_sys::GetXLogInsertRecPtr();
        (0..count)
            .filter_map(|at| {
                let slot = &*first.add(at);
                let data = &slot.data;
                let name = CStr::from_ptr(data.name.data.as_ptr()).to_bytes();
                let ours = slot.in_use
                    && CStr::from_ptr(data.plugin.data.as_ptr()) == PLUGIN
                    && name == name_of(data.database).as_bytes();
                ours.then(|| Seen {
                    database: data.database,
                    retained: match data.restart_lsn {
                        0 => 0,
                        restart => now.saturating_sub(restart),
                    },
                    user: slot.active_pid,
                })
            })
            .collect()
    }
}

/// Lets the log of a slot go, as Postgres does beyond max_slot_wal_keep_size: the slot stays, and is of no use any more.
/// Somebody who uses it is an ERROR. A transaction must be open.
pub fn invalidate(database: pg_sys::Oid) {
    let name = c_string(name_of(database));
    // SAFETY: a C string; what is written is of the slot that this process holds by then.
    unsafe {
        acquire(&name);
        let data = &raw mut (*pg_sys::MyReplicationSlot).data;
        #[cfg(feature = "pg15")]
        {
            (*data).invalidated_at = (*data).restart_lsn;
        }
        #[cfg(not(feature = "pg15"))]
        {
            (*data).invalidated = pg_sys::ReplicationSlotInvalidationCause::RS_INVAL_WAL_REMOVED;
        }
        (*data).restart_lsn = 0;
        pg_sys::ReplicationSlotMarkDirty();
        pg_sys::ReplicationSlotSave();
        pg_sys::ReplicationSlotRelease();
        pg_sys::ReplicationSlotsComputeRequiredXmin(false);
        pg_sys::ReplicationSlotsComputeRequiredLSN();
    }
}

/// After an ERROR: no slot stays with this process.
pub fn release() {
    // SAFETY: a variable of this process.
    unsafe {
        if !pg_sys::MyReplicationSlot.is_null() {
            pg_sys::ReplicationSlotRelease();
        }
    }
}

/// Whether the slot of this database is there, in whatever condition, and is what it is for us.
pub fn exists() -> bool {
    let name = c_name();
    // SAFETY: a C string; entries of shared memory stay where they are as long as the server lives.
    unsafe {
        let found = pg_sys::SearchNamedReplicationSlot(name.as_ptr(), true);
        found.as_ref().is_some_and(|slot| {
            slot.data.database == pg_sys::MyDatabaseId
                && CStr::from_ptr(slot.data.plugin.data.as_ptr()) == PLUGIN
        })
    }
}

/// Whether all that the slot does not give any more is stored, as far as the origin knows, which is replicated with what is
/// stored. The slot may have come further: another server has confirmed what it never brought here. The origin is taken.
pub fn is_behind_origin() -> bool {
    let name = c_name();
    // SAFETY: a C string; entries of shared memory stay where they are as long as the server lives.
    unsafe {
        let stored = pg_sys::replorigin_session_get_progress(false);
        let found = pg_sys::SearchNamedReplicationSlot(name.as_ptr(), true);
        found
            .as_ref()
            .is_some_and(|slot| slot.data.confirmed_flush <= stored)
    }
}

/// What Postgres says of the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Or of no use.
    Missing,
    /// The log it needs is gone.
    Lost,
    Usable,
    /// Somebody has made one of that name for something else.
    Foreign,
}

/// A transaction must be open.
pub fn condition() -> Condition {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT (wal_status = 'lost')::int4::int8, \
                 (confirmed_flush_lsn > pg_catalog.pg_current_wal_flush_lsn())::int4::int8 \
             FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::name",
            &[pg_sys::TEXTOID],
        );
        match plan.execute(&[spi::Arg::Text(&name())], false) {
            0 => Condition::Missing,
            _ if !exists() => Condition::Foreign,
            _ if spi::int_value(0, 1) == Some(1) => Condition::Lost,
            // It was copied, and has come further than the log that came along.
            _ if spi::int_value(0, 2) == Some(1) => Condition::Missing,
            _ => Condition::Usable,
        }
    })
}

/// Bytes of log that the slot keeps from being removed. A transaction must be open.
pub fn retained() -> i64 {
    spi::connected(|| {
        let plan = Plan::kept(
            "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::int8 \
             FROM pg_catalog.pg_replication_slots WHERE slot_name = $1::name",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[spi::Arg::Text(&name())], false);
        spi::int_value(0, 1).unwrap_or(0)
    })
}

/// Makes the slot; waits for every transaction that runs, however long, so there must be no lock_timeout. A transaction
/// must be open that has written nothing.
pub fn create() {
    let name = c_name();
    let mut routine = routine(read_page_to_come);
    let (persistency, two_phase) = (pg_sys::ReplicationSlotPersistency::RS_EPHEMERAL, false);
    // SAFETY: the steps of pg_create_logical_replication_slot(); an ephemeral slot goes with an ERROR.
    unsafe {
        // Without wal_level = logical the log has no rows, and what is decoded of it is damage.
        pg_sys::CheckLogicalDecodingRequirements();
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        pg_sys::ReplicationSlotCreate(name.as_ptr(), true, persistency, two_phase);
        // On a standby that may become the primary the slot is kept up to date.
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        pg_sys::ReplicationSlotCreate(name.as_ptr(), true, persistency, two_phase, true, false);
        let context = pg_sys::CreateInitDecodingContext(
            PLUGIN.as_ptr(),
            std::ptr::null_mut(),
            false,
            0,
            &mut routine,
            None,
            None,
            None,
        );
        pg_sys::DecodingContextFindStartpoint(context);
        pg_sys::FreeDecodingContext(context);
        pg_sys::ReplicationSlotPersist();
        pg_sys::ReplicationSlotRelease();
    }
}

/// Removes the origins of databases that are gone: PostgreSQL drops their slots with them, and knows nothing of origins. A
/// transaction must be open.
pub fn forget_gone() {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_replication_origin_drop(o.roname) FROM pg_catalog.pg_replication_origin AS o \
             WHERE o.roname ~ '^pg_dynamo_[0-9]+$' \
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_database AS d WHERE d.oid::text = substring(o.roname, '[0-9]+'))",
            &[],
        );
        plan.execute(&[], false);
    });
}

/// Removes slot and origin, if they are there. A transaction must be open.
pub fn drop_all() {
    let name = c_name();
    // SAFETY: a C string; somebody else who uses the slot is an ERROR.
    unsafe {
        if exists() {
            pg_sys::ReplicationSlotDrop(name.as_ptr(), true);
        }
        pg_sys::replorigin_drop_by_name(name.as_ptr(), true, true);
    }
}

/// Makes this process's transactions those of our origin. A transaction must be open.
pub fn take_origin() -> pg_sys::RepOriginId {
    let name = c_name();
    // SAFETY: once per process.
    unsafe {
        let origin = if is_origin(&name) {
            pg_sys::replorigin_by_name(name.as_ptr(), false)
        } else {
            pg_sys::replorigin_create(name.as_ptr())
        };
        #[cfg(feature = "pg15")]
        pg_sys::replorigin_session_setup(origin);
        #[cfg(not(feature = "pg15"))]
        pg_sys::replorigin_session_setup(origin, 0);
        TAKEN.set(true);
        origin
    }
}

/// Gives the origin back. An ERROR would end the process, which gives it back, too.
pub fn leave_origin() {
    if TAKEN.replace(false) {
        advance(pg_sys::InvalidRepOriginId as pg_sys::RepOriginId, 0, 0);
        // SAFETY: set up by `take_origin`.
        unsafe { pg_sys::replorigin_session_reset() };
    }
}

/// Everything this process commits until the next call is of our origin, and `lsn` its place; 0 leaves the place as it is.
pub fn advance(origin: pg_sys::RepOriginId, lsn: u64, committed_at: i64) {
    // SAFETY: plain variables of this process's only thread.
    unsafe {
        pg_sys::replorigin_session_origin = origin;
        pg_sys::replorigin_session_origin_lsn = lsn;
        pg_sys::replorigin_session_origin_timestamp = committed_at;
    }
}

/// Decodes the slot, from the origin's place on.
pub struct Decoder {
    context: *mut pg_sys::LogicalDecodingContext,
    /// Whether the slot is ours at the moment.
    held: bool,
    /// What the reader allocates on its way lives as long as it.
    home: pg_sys::MemoryContext,
    /// What the decoding of one record leaves behind.
    scratch: pg_sys::MemoryContext,
}

impl Decoder {
    /// A transaction must be open; the context outlives it.
    pub fn start() -> Decoder {
        acquire(&c_name());
        let mut routine = routine(read_page);
        // SAFETY: the slot is held and the origin set up. Memory of its own: it lives as long as the process.
        unsafe {
            let place = pg_sys::replorigin_session_get_progress(true);
            let home = memory::child_of(pg_sys::TopMemoryContext, c"pg_dynamo decoding");
            let context = memory::within(home, || {
                pg_sys::CreateDecodingContext(
                    place,
                    std::ptr::null_mut(),
                    false,
                    &mut routine,
                    None,
                    None,
                    None,
                )
            });
            pg_sys::XLogBeginRead((*context).reader, (*(*context).slot).data.restart_lsn);
            Decoder {
                context,
                held: true,
                home,
                scratch: memory::child_of(home, c"pg_dynamo record of the log"),
            }
        }
    }

    /// Position behind the last record that was read.
    pub fn place(&self) -> u64 {
        // SAFETY: the context lives as long as the process.
        unsafe { (*(*self.context).reader).EndRecPtr }
    }

    /// Decodes records of the log, at most so many, while `go_on` says so after each. False when there is none before `end`.
    pub fn decode(&mut self, end: u64, most: usize, go_on: impl Fn() -> bool) -> bool {
        for _ in 0..most {
            if self.place() >= end || !self.step() {
                return false;
            }
            if !go_on() {
                break;
            }
        }
        true
    }

    /// Decodes one record of the log. False when it is not on disk.
    fn step(&mut self) -> bool {
        self.hold();
        let mut fault = std::ptr::null_mut();
        // SAFETY: no transaction is open, as Postgres wants it here; errors of callbacks come out whole. The reader keeps
        // what it allocates, its buffers among them; what decoding a record leaves behind is not needed any more.
        let record = unsafe {
            let record = memory::within(self.home, || {
                catching(|| {
                    let reader = (*self.context).reader;
                    let record = bare::XLogReadRecord(reader, &mut fault);
                    if fault.is_null() && !record.is_null() {
                        pg_sys::CurrentMemoryContext = self.scratch;
                        LogicalDecodingProcessRecord(self.context, reader);
                        pg_sys::CurrentMemoryContext = self.home;
                    }
                    record
                })
            });
            memory::reset(self.scratch);
            record
        };
        if !fault.is_null() {
            // SAFETY: a C string of the reader's.
            let fault = unsafe { CStr::from_ptr(fault) }.to_string_lossy();
            pgrx::error!("could not read the write-ahead log: {fault}");
        }
        !record.is_null()
    }

    /// What is before `lsn` is not needed any more.
    pub fn confirm(&mut self, lsn: u64) {
        self.hold();
        // SAFETY: the slot is held.
        unsafe { pg_sys::LogicalConfirmReceivedLocation(lsn) };
    }

    /// Lets go of the slot: DROP DATABASE refuses at once where one is in use.
    pub fn rest(&mut self) {
        if self.held {
            // SAFETY: held; the context goes on with it when it is taken again.
            unsafe { pg_sys::ReplicationSlotRelease() };
            self.held = false;
        }
    }

    fn hold(&mut self) {
        if !self.held {
            acquire(&c_name());
            self.held = true;
            // SAFETY: held. While it was not, it may have been made invalid, and what decoding needs of the catalogs vacuumed.
            if unsafe { (*pg_sys::MyReplicationSlot).data.restart_lsn } == 0 {
                pgrx::error!("replication slot \"{}\" was made invalid", name());
            }
        }
    }
}

fn acquire(name: &CStr) {
    // SAFETY: a C string; a slot that is gone, or in use, is an ERROR.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::ReplicationSlotAcquire(name.as_ptr(), true);
        #[cfg(feature = "pg18")]
        pg_sys::ReplicationSlotAcquire(name.as_ptr(), true, true);
    }
}
