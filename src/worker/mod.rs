//! Background workers: what starts them, and what keeps there from being two in one database.
//!
//! One worker per database builds and removes secondary indexes. It is started when a transaction that asked for
//! it commits, by the launcher when the server starts (with the library preloaded), and by DescribeTable where
//! work is left and no worker lives. It ends when nothing is left to do. One worker per server keeps the HTTP endpoint running.

mod gateway;
mod index_build;
mod launcher;
mod progress;
mod session;

use crate::storage::spi::{self, Plan};
use pg_dynamo_core::table::TableDefinition;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::ffi::{CStr, c_char};

/// Seconds after which the postmaster starts a worker again that has died.
const RESTART_SECONDS: i32 = 1;

thread_local! {
    /// Subtransactions of this transaction that asked for the worker.
    static REQUESTS: RefCell<Vec<pg_sys::SubTransactionId>> = const { RefCell::new(Vec::new()) };
}

/// Called once when the library is loaded.
pub fn register() {
    // SAFETY: static functions with the signatures Postgres expects, registered once per process.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_event), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_event), std::ptr::null_mut());
        if pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade {
            launcher::register();
            gateway::register();
        }
    }
}

/// Starts the worker of this database when the transaction commits; not when it, or the subtransaction, does not.
pub fn start_at_commit() {
    // SAFETY: both only read this backend's state.
    let (id, standby) = unsafe {
        (
            pg_sys::GetCurrentSubTransactionId(),
            pg_sys::RecoveryInProgress(),
        )
    };
    if standby {
        return;
    }
    REQUESTS.with_borrow_mut(|requests| {
        if !requests.contains(&id) {
            requests.push(id);
        }
    });
}

/// For a table with indexes that are not finished: starts the worker when none is alive, as after a restart of
/// a server that does not preload the library, a restore, or COMMIT PREPARED.
pub fn start_if_needed(definition: &TableDefinition) {
    if definition.is_finished() {
        return;
    }
    // SAFETY: reads this server's state.
    if unsafe { pg_sys::RecoveryInProgress() } || is_running() {
        return;
    }
    let waits = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT 1::pg_catalog.int8 FROM dynamo.index_builds \
             WHERE phase OPERATOR(pg_catalog.<>) 'failed' LIMIT 1",
            &[],
        );
        plan.execute(&[], true) > 0
    });
    if waits {
        start_at_commit();
    }
}

/// # Safety
/// Called by Postgres. Nothing here may raise an ERROR: the transaction has ended already.
unsafe extern "C-unwind" fn transaction_event(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    let requested = match event {
        XACT_EVENT_COMMIT => !REQUESTS.take().is_empty(),
        XACT_EVENT_ABORT | XACT_EVENT_PREPARE => {
            REQUESTS.take();
            false
        }
        _ => false,
    };
    if requested {
        // SAFETY: the database of this backend.
        let database = unsafe { pg_sys::MyDatabaseId };
        if !start(database, std::ptr::null_mut()) {
            pgrx::warning!(
                "no background worker is free to build secondary indexes (max_worker_processes): DescribeTable tries again"
            );
        }
    }
}

/// # Safety
/// As `transaction_event`.
unsafe extern "C-unwind" fn subtransaction_event(
    event: pg_sys::SubXactEvent::Type,
    this: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    REQUESTS.with_borrow_mut(|requests| match event {
        SUBXACT_EVENT_ABORT_SUB => requests.retain(|id| *id != this),
        SUBXACT_EVENT_COMMIT_SUB => requests
            .iter_mut()
            .filter(|id| **id == this)
            .for_each(|id| *id = parent),
        _ => {}
    });
}

/// Asks the postmaster for the worker of `database`. False when no slot is free.
fn start(database: pg_sys::Oid, handle: *mut *mut pg_sys::BackgroundWorkerHandle) -> bool {
    let mut worker = description(
        c"pg_dynamo index builds",
        c"pg_dynamo_index_worker",
        RESTART_SECONDS,
    );
    worker.bgw_main_arg = pg_sys::Datum::from(database);
    // SAFETY: a complete description, copied by the call.
    unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut worker, handle) }
}

fn description(kind: &CStr, function: &CStr, restart: i32) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION)
            as i32,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: restart,
        ..Default::default()
    };
    write_text(&mut worker.bgw_name, kind);
    write_text(&mut worker.bgw_type, kind);
    write_text(&mut worker.bgw_library_name, c"pg_dynamo");
    write_text(&mut worker.bgw_function_name, function);
    worker
}

/// The array is longer than every text here and already zero.
fn write_text(array: &mut [c_char], text: &CStr) {
    for (to, from) in array.iter_mut().zip(text.to_bytes()) {
        *to = *from as c_char;
    }
}

/// The lock of the one worker of this database: an advisory lock of a class of our own, which survives the
/// abort of a transaction and ends with the process.
fn worker_lock() -> pg_sys::LOCKTAG {
    /// Postgres's own advisory locks have classes 1 and 2.
    const CLASS: u16 = 0xd701;
    pg_sys::LOCKTAG {
        // SAFETY: the database of this backend.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: 0,
        locktag_field3: 0,
        locktag_field4: CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Takes a lock if it is free.
fn try_lock(tag: &pg_sys::LOCKTAG, mode: u32, for_session: bool) -> bool {
    // SAFETY: a complete tag; the call waits for nobody.
    let result = unsafe { pg_sys::LockAcquire(tag, mode as i32, for_session, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

fn unlock(tag: &pg_sys::LOCKTAG, mode: u32, for_session: bool) {
    // SAFETY: taken by `try_lock`.
    unsafe { pg_sys::LockRelease(tag, mode as i32, for_session) };
}

/// Whether the worker of this database is alive.
fn is_running() -> bool {
    let tag = worker_lock();
    let free = try_lock(&tag, pg_sys::ShareLock, false);
    if free {
        unlock(&tag, pg_sys::ShareLock, false);
    }
    !free
}

/// Makes every index that was given up worth another try, and starts the worker. Answers how many indexes are
/// not finished.
pub fn resume(retry_failed: bool) -> i64 {
    if retry_failed {
        progress::retry_failed();
    }
    let count = spi::connected(|| {
        let plan = Plan::prepare("SELECT pg_catalog.count(*) FROM dynamo.index_builds", &[]);
        plan.execute(&[], false);
        spi::int_value(0, 1).unwrap_or(0)
    });
    if count > 0 {
        start_at_commit();
    }
    count
}
