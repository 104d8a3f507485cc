//! Has the workers of every database started where they have something to do: when the server starts or a standby is
//! promoted, and then in rounds, which find what was restored, and what found no free slot.
//!
//! Whether a database has work only a process that is connected to it can tell. The launcher, which is connected to none,
//! sends a scout to one after the other; scouts end at once.

use super::kind::Kind;
use super::{process, session, turns};
use crate::storage::spi;
use crate::stream::bound::Bound;
use crate::stream::slot;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::time::{Duration, Instant};

/// Milliseconds a scout gets before the next is sent.
const PATIENCE: u32 = 2_000;
const POLL: u32 = 20;
/// From the end of one round to the next: so many times as long as the round took, within these bounds.
const REST: u32 = 50;
const LEAST_REST: Duration = Duration::from_secs(5);
const MOST_REST: Duration = Duration::from_secs(60);
/// Between looks at what capture keeps of the log.
const LOOK: Duration = Duration::from_secs(2);

/// Only while the postmaster preloads the library.
pub fn register() {
    let mut worker = super::description(
        c"pg_dynamo launcher",
        c"pg_dynamo_launcher",
        super::RESTART_SECONDS,
    );
    // SAFETY: a complete description, copied by the call.
    unsafe { pg_sys::RegisterBackgroundWorker(&mut worker) };
}

/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_launcher(_argument: pg_sys::Datum) {
    session::handle_signals();
    // SAFETY: a connection to no database in particular: shared catalogs only.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0);
    }
    let mut bound = Bound::default();
    loop {
        let began = Instant::now();
        for database in databases() {
            send_scout(database, &mut bound);
        }
        let end = Instant::now() + (began.elapsed() * REST).clamp(LEAST_REST, MOST_REST);
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            bound.apply();
            session::sleep(
                left.min(LOOK)
                    .as_millis()
                    .try_into()
                    .unwrap_or(u32::MAX)
                    .max(1),
            );
        }
    }
}

fn send_scout(database: pg_sys::Oid, bound: &mut Bound) {
    let mut scout = super::description(
        c"pg_dynamo scout",
        c"pg_dynamo_scout",
        pg_sys::BGW_NEVER_RESTART,
    );
    scout.bgw_main_arg = pg_sys::Datum::from(database);
    let mut handle = std::ptr::null_mut();
    // SAFETY: a complete description, copied by the call.
    while !unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut scout, &mut handle) } {
        bound.apply();
        session::sleep(1_000);
    }
    wait_for_end(handle);
}

/// Scouts leave their slot to the next.
fn wait_for_end(handle: *mut pg_sys::BackgroundWorkerHandle) {
    for _ in 0..PATIENCE / POLL {
        let mut pid = 0;
        // SAFETY: the handle was given by a successful registration.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(handle, &mut pid) };
        if status == pg_sys::BgwHandleStatus::BGWH_STOPPED {
            return;
        }
        session::sleep(POLL);
    }
}

/// Starts the workers of a database that are missing.
///
/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_scout(database: pg_sys::Datum) {
    process::begin(database);
    let wanted = session::transaction(|| {
        if !process::extension_is_here() {
            // Of an extension that was dropped when no worker was to be had.
            if slot::exists() && !Kind::Stream.is_running() {
                slot::drop_all();
            }
            return Ok(Vec::new());
        }
        let wanted = |kind: &Kind| !kind.is_running() && kind.has_work();
        Ok(spi::connected(|| {
            Kind::ALL.into_iter().filter(wanted).collect()
        }))
    });
    match wanted {
        Ok(wanted) => wanted.into_iter().for_each(start),
        Err(failure) => warning!("pg_dynamo scout: {}", failure.message),
    }
    let tidied = session::transaction(|| {
        slot::forget_gone();
        Ok(())
    });
    if let Err(failure) = tidied {
        log!("pg_dynamo scout: {}", failure.message);
    }
}

fn start(kind: Kind) {
    if kind == Kind::TimeToLive && !turns::begin() {
        return;
    }
    // SAFETY: the database of this process.
    if !super::start(kind, unsafe { pg_sys::MyDatabaseId }) {
        log!("no background worker is free to {}", kind.purpose());
    }
}

/// Every database that takes connections.
fn databases() -> Vec<pg_sys::Oid> {
    let mut found = Vec::new();
    // SAFETY: a transaction around a scan of a shared catalog, as autovacuum's launcher does it.
    unsafe {
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let share = pg_sys::AccessShareLock as i32;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, share);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            if row.datallowconn {
                found.push(row.oid);
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, share);
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
    }
    found
}
