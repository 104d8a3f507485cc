//! Starts the worker of every database once, when the server starts or a standby is promoted: it ends at once
//! where nothing is left to do.

use super::session;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Milliseconds a worker gets to find out that it has nothing to do, before the next is started.
const PATIENCE: u32 = 2_000;
const POLL: u32 = 20;

/// Only while the postmaster preloads the library.
pub fn register() {
    let mut worker = super::description(
        c"pg_dynamo launcher",
        c"pg_dynamo_launcher",
        pg_sys::BGW_NEVER_RESTART,
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
    for database in databases() {
        let mut handle = std::ptr::null_mut();
        while !super::start(database, &mut handle) {
            session::sleep(1_000);
        }
        wait_for_end(handle);
    }
}

/// Workers that find nothing leave their slot to the next.
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
