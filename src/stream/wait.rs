//! Waiting for capture: a reader that finds nothing looks again when what is committed has been captured.
//!
//! Readers wait in sessions that others could use, so they wait only where that can help.

use super::{catalog, wake};
use crate::worker::{self, Kind};
use pg_dynamo_core::stream::Position;
use pgrx::pg_sys;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Bytes of the log that capture may be expected to get through in a millisecond.
const PER_MILLISECOND: u64 = 64 << 10;
/// After it was waited for in vain, capture that stands still is not waited for.
const GIVEN_UP: Duration = Duration::from_secs(1);
/// Without shared memory capture looks at the log by itself, every few milliseconds.
const ALONE: Duration = Duration::from_millis(20);

thread_local! {
    /// Where capture stood when this session last waited in vain, and when that was.
    static VAIN: Cell<Option<(u64, Instant)>> = const { Cell::new(None) };
}

/// Whether this transaction sees nothing that is committed after its beginning.
pub fn sees_an_old_snapshot() -> bool {
    // SAFETY: a plain variable of this backend.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// The place in the log before which all is on disk; 0 on a standby.
pub fn on_disk() -> u64 {
    // SAFETY: both read the state of this server; where it is on disk is known to who writes it.
    unsafe {
        match pg_sys::RecoveryInProgress() {
            true => 0,
            false => pg_sys::GetFlushRecPtr(std::ptr::null_mut()),
        }
    }
}

/// Waits until what is committed now has been captured, at most `dynamo.stream_read_wait`. Answers whether something was
/// captured since `seen`. A transaction that sees an old snapshot waits for nothing.
pub fn catch_up(seen: Position) -> bool {
    let flushed = on_disk();
    if sees_an_old_snapshot() || flushed == 0 {
        return false;
    }
    let most = Duration::from_millis(crate::guc::stream_read_wait());
    let passed = match wake::captured() {
        Some(captured) => wait_for_worker(captured, flushed, most),
        // It is about to be started, or started again.
        None if wake::is_shared() => wait_for_worker(0, flushed, most),
        // Its last batch says how far it is: then it may be waited for in vain.
        None => wait_until(most.min(ALONE), || catalog::tip().lsn >= flushed),
    };
    if !passed {
        worker::start_now_if_needed(Kind::Stream);
    }
    catalog::tip() > seen
}

/// Answers whether it was brought about in this time.
fn wait_until(most: Duration, mut done: impl FnMut() -> bool) -> bool {
    wake::wait(Instant::now() + most, &mut done);
    done()
}

/// `captured`: where the worker was just now; 0: it has not said. Whatever moved the log on, a commit or not, the worker
/// is told. Answers false when it was waited for in vain.
fn wait_for_worker(captured: u64, flushed: u64, most: Duration) -> bool {
    let behind = flushed.saturating_sub(captured);
    if behind == 0 {
        return true;
    }
    wake::wake_worker();
    let vain = VAIN.get();
    let stuck = vain.is_some_and(|(place, since)| place == captured && since.elapsed() < GIVEN_UP);
    let reach = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    let far = captured != 0 && behind > reach.saturating_mul(PER_MILLISECOND);
    if stuck || far {
        return true;
    }
    let place = || wake::captured().unwrap_or(0);
    let passed = wait_until(most, || place() >= flushed);
    let stands_still = !passed && place() == captured;
    VAIN.set(stands_still.then(|| (captured, Instant::now())));
    passed
}
