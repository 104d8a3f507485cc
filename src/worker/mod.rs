//! Background workers: what starts them, and what keeps there from being two of one kind in one database.
//!
//! The kinds are listed in `kind`. A worker is started when a transaction that asked for it commits, by the launcher when
//! the server starts and in rounds afterwards (with the library preloaded), and by operations like DescribeTable where work
//! is left and no worker lives. It ends when nothing is left to do. One worker per server keeps the HTTP endpoint running.

mod backup;
mod gateway;
mod index_build;
mod kind;
mod launcher;
pub mod process;
mod progress;
mod retry;
pub mod session;
mod sweep;
mod target;
mod turns;

pub use kind::Kind;

use crate::storage::spi::{self, Plan};
use crate::stream::farewell;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::ffi::{CStr, c_char};

/// Seconds after which the postmaster starts a worker again that has died.
const RESTART_SECONDS: i32 = 1;

thread_local! {
    /// Subtransactions of this transaction that asked for workers.
    static REQUESTS: RefCell<Vec<(pg_sys::SubTransactionId, Kind)>> = const { RefCell::new(Vec::new()) };
}

/// Called once when the library is loaded.
pub fn register() {
    // SAFETY: static functions with the signatures Postgres expects, registered once per process.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_event), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_event), std::ptr::null_mut());
        if pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade {
            turns::preloaded();
            launcher::register();
            gateway::register();
        }
    }
}

/// Starts a worker of this database when the transaction commits; not when it, or the subtransaction, does not.
pub fn start_at_commit(kind: Kind) {
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
        if !requests.contains(&(id, kind)) {
            requests.push((id, kind));
        }
    });
}

/// Where there seems to be work for a worker: starts it when none is alive, as after a restart of a server that does
/// not preload the library, a restore, or COMMIT PREPARED.
pub fn start_if_needed(kind: Kind) {
    // SAFETY: reads this server's state.
    if unsafe { pg_sys::RecoveryInProgress() } || kind.is_running() {
        return;
    }
    if spi::connected(|| kind.has_work()) {
        start_at_commit(kind);
    }
}

/// The same at once, for who waits for what the worker does, within a transaction that asked for nothing. Without a free
/// process nothing happens.
pub fn start_now_if_needed(kind: Kind) {
    // SAFETY: reads this server's state, and the database of this backend.
    let (standby, database) = unsafe { (pg_sys::RecoveryInProgress(), pg_sys::MyDatabaseId) };
    if !standby && !kind.is_running() && spi::connected(|| kind.has_work()) {
        start(kind, database);
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
        XACT_EVENT_COMMIT => REQUESTS.take(),
        XACT_EVENT_ABORT | XACT_EVENT_PREPARE => {
            REQUESTS.take();
            farewell::left_behind();
            return;
        }
        _ => return,
    };
    for kind in Kind::ALL {
        // SAFETY: the database of this backend.
        let database = unsafe { pg_sys::MyDatabaseId };
        let failed = requested.iter().any(|(_, asked)| *asked == kind) && !start(kind, database);
        let left_behind = (kind == Kind::Stream).then(farewell::left_behind).flatten();
        if failed {
            let purpose = kind.purpose();
            pgrx::warning!(
                "{}",
                left_behind.unwrap_or_else(|| format!(
                    "no background worker is free to {purpose} (max_worker_processes): DescribeTable tries again"
                ))
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
        SUBXACT_EVENT_ABORT_SUB => requests.retain(|(id, _)| *id != this),
        SUBXACT_EVENT_COMMIT_SUB => requests
            .iter_mut()
            .filter(|(id, _)| *id == this)
            .for_each(|(id, _)| *id = parent),
        _ => {}
    });
}

/// Asks the postmaster for a worker of `database`. False when no slot is free.
fn start(kind: Kind, database: pg_sys::Oid) -> bool {
    let mut worker = description(kind.name(), kind.entry(), RESTART_SECONDS);
    worker.bgw_main_arg = pg_sys::Datum::from(database);
    // SAFETY: a complete description, copied by the call.
    unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut worker, std::ptr::null_mut()) }
}

fn description(name: &CStr, function: &CStr, restart: i32) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION)
            as i32,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: restart,
        ..Default::default()
    };
    write_text(&mut worker.bgw_name, name);
    write_text(&mut worker.bgw_type, name);
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
        start_at_commit(Kind::IndexBuild);
    }
    count
}

/// Makes every backup and restore that was given up worth another try, and starts the worker. Answers how many jobs there
/// are.
pub fn resume_backup_jobs() -> i64 {
    let count = crate::storage::backup::job::retry_failed();
    if count > 0 {
        start_at_commit(Kind::Backup);
    }
    count
}
