//! The supervisor of the HTTP endpoint: starts `pg_dynamo_gateway`, watches it, and ends it with the server.
//!
//! One worker for the whole server, a hot standby too, without a connection to any database. The endpoint is a process
//! of its own: whatever becomes of it, no Postgres session notices.

mod launch;
mod process;
mod supervisor;

use super::session;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::time::{Duration, Instant};
use supervisor::Supervisor;

/// How long a stopping server waits for the endpoint. Its sessions are gone by then, so there is little to finish.
const STOP: Duration = Duration::from_secs(5);
/// How often a running server is asked whether it is being stopped in a way that waits for clients.
const LOOK: Duration = Duration::from_secs(1);
/// The longest sleep when nothing runs and nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// Only while the postmaster preloads the library.
pub fn register() {
    let mut worker = super::description(
        c"pg_dynamo gateway supervisor",
        c"pg_dynamo_gateway_supervisor",
        super::RESTART_SECONDS,
    );
    worker.bgw_flags = pg_sys::BGWORKER_SHMEM_ACCESS as i32;
    worker.bgw_start_time = pg_sys::BgWorkerStartTime::BgWorkerStart_ConsistentState;
    // SAFETY: a complete description, copied by the call.
    unsafe { pg_sys::RegisterBackgroundWorker(&mut worker) };
}

/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_gateway_supervisor(_argument: pg_sys::Datum) {
    session::handle_supervisor_signals();
    let mut supervisor = Supervisor::new();
    supervisor.configure();
    // SAFETY: a flag that the handler of SIGTERM sets.
    while unsafe { pg_sys::ShutdownRequestPending } == 0 {
        supervisor.step();
        wait(&supervisor);
        if session::reload_configuration() {
            supervisor.configure();
        }
        if supervisor.is_running() && waits_for_clients_to_leave() {
            supervisor.finish();
        }
    }
    stop(&mut supervisor);
    // SAFETY: nothing is held. With status 0 the postmaster would not start it again when it was not the server that ended.
    unsafe { pg_sys::proc_exit(1) };
}

fn wait(supervisor: &Supervisor) {
    let rest = if supervisor.is_running() { LOOK } else { IDLE };
    let idle = supervisor.idle().map_or(rest, |idle| idle.min(rest));
    session::wait(idle.as_millis().try_into().unwrap_or(u32::MAX).max(1));
}

/// Ends the endpoint: gently, then for good.
fn stop(supervisor: &mut Supervisor) {
    supervisor.finish();
    let until = Instant::now() + STOP;
    while !supervisor.is_finished() {
        if Instant::now() > until {
            supervisor.kill();
        }
        session::wait(50);
    }
}

/// A smart shutdown waits until every client has left, and would wait for the endpoint's connections for ever. Workers are
/// told of it only afterwards; the postmaster's file says it from the beginning.
fn waits_for_clients_to_leave() -> bool {
    /// Of the postmaster's file, counted from 0 (LOCK_FILE_LINE_PM_STATUS of every supported version, which counts from 1).
    const STATUS_LINE: usize = 7;
    // The data directory is the directory of every server process.
    std::fs::read_to_string("postmaster.pid").is_ok_and(|text| {
        text.lines()
            .nth(STATUS_LINE)
            .is_some_and(|status| status.trim() == "stopping")
    })
}
