//! Wakes the capture worker when something was committed, and those who wait for it when it has captured something.
//!
//! With the library preloaded the worker of each database leaves its latch in shared memory, and whoever commits sets it;
//! who waits for the worker sleeps on a condition variable there. Without, and for sessions that have not loaded the
//! library, each looks by itself every few milliseconds.

use crate::storage::shared_memory::Area;
use pgrx::pg_sys;
use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};
use std::time::Instant;

/// Databases whose workers are woken; those beyond look by themselves.
const PLACES: usize = 32;
/// Milliseconds between looks at the log.
const WOKEN: u32 = 100;
const ALONE: u32 = 5;
/// Milliseconds between looks of a reader that waits for capture: of one that is not told, and of one that is, because
/// the worker may have ended.
const UNTOLD: u32 = 5;
const TOLD_READER: u32 = 100;

/// All zero bytes are valid but for the condition variable: nobody is here.
#[repr(C)]
struct Shared {
    database: AtomicU32,
    /// Of a process's entry in shared memory, which stays one whoever has it.
    latch: AtomicPtr<pg_sys::Latch>,
    /// Everything before it in the log is in the stream, for all to see.
    captured: AtomicU64,
    /// When that was all there was, in epoch milliseconds.
    caught_up_at: AtomicU64,
    /// Told whenever `captured` has risen.
    progress: UnsafeCell<pg_sys::ConditionVariable>,
    pid: AtomicU32,
    /// Somebody needs the database to himself.
    unwelcome: AtomicBool,
}

/// Set in the postmaster before it forks; null when the library was not preloaded.
static PLACES_IN_MEMORY: AtomicPtr<Shared> = AtomicPtr::new(null_mut());

pub const AREA: Area = Area {
    name: c"pg_dynamo_capture",
    size: || size_of::<[Shared; PLACES]>(),
    start,
};

/// Each place says itself what of it is whose: the lock that comes with the memory is not needed.
fn start(memory: *mut c_void, _: *mut pg_sys::LWLock) {
    let places = memory.cast::<Shared>();
    // SAFETY: as many as were asked for, and nobody else uses them yet.
    unsafe {
        for at in 0..PLACES {
            let progress = UnsafeCell::raw_get(&raw const (*places.add(at)).progress);
            pg_sys::ConditionVariableInit(progress);
        }
    }
    PLACES_IN_MEMORY.store(places, Release);
}

thread_local! {
    /// End of the last commit of this session that was told.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

/// Called once when the library is loaded.
pub fn register() {
    // SAFETY: a static function of the signature Postgres expects.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_event), null_mut()) };
}

fn places() -> &'static [Shared] {
    let places = PLACES_IN_MEMORY.load(Acquire);
    if places.is_null() {
        return &[];
    }
    // SAFETY: as many as `start` made, for as long as this process lives.
    unsafe { std::slice::from_raw_parts(places, PLACES) }
}

/// # Safety
/// Called by Postgres. Nothing here may raise an ERROR: the transaction has ended already.
unsafe extern "C-unwind" fn transaction_event(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    if event != pg_sys::XactEvent::XACT_EVENT_COMMIT {
        return;
    }
    // SAFETY: variables of this backend, set before its first transaction ends.
    let (end, database) = unsafe { (pg_sys::XactLastCommitEnd, pg_sys::MyDatabaseId) };
    if TOLD.replace(end) != end {
        wake_worker_of(database);
    }
}

fn wake_worker_of(database: pg_sys::Oid) {
    for place in places() {
        if place.database.load(Relaxed) == database.to_u32() {
            let latch = place.latch.load(Acquire);
            if !latch.is_null() {
                // SAFETY: in shared memory for ever; the latch of another process that came after is merely set once.
                unsafe { pg_sys::SetLatch(latch) };
            }
            return;
        }
    }
}

/// Makes this process the one that is woken. Answers how many milliseconds it may sleep.
pub fn be_woken() -> u32 {
    // SAFETY: of this process.
    let (database, latch) = unsafe { (pg_sys::MyDatabaseId.to_u32(), pg_sys::MyLatch) };
    let mine = |place: &&Shared| {
        let held = place.database.load(Acquire);
        held == database
            || held == 0
                && place
                    .database
                    .compare_exchange(0, database, Acquire, Acquire)
                    .is_ok()
    };
    match places().iter().find(mine) {
        Some(place) => {
            // SAFETY: a static function, once per process: however it ends, nobody waits for it.
            unsafe { pg_sys::before_shmem_exit(Some(process_ends), pg_sys::Datum::null()) };
            // Meant for the worker before, which was just leaving.
            place.unwelcome.store(false, Release);
            place.pid.store(std::process::id(), Release);
            place.latch.store(latch, Release);
            WOKEN
        }
        None => ALONE,
    }
}

fn place() -> Option<&'static Shared> {
    // SAFETY: the database of this process.
    let database = unsafe { pg_sys::MyDatabaseId.to_u32() };
    let mine = |place: &&Shared| place.database.load(Acquire) == database;
    places().iter().find(mine)
}

/// The worker has captured all that is before `lsn`; at `caught_up_at` (epoch milliseconds) that was all there was.
pub fn publish(lsn: u64, caught_up_at: Option<i64>) {
    let Some(place) = place() else {
        return;
    };
    if let Some(at) = caught_up_at.and_then(|at| u64::try_from(at).ok()) {
        place.caught_up_at.store(at, Release);
    }
    if place.captured.swap(lsn, Release) != lsn {
        // SAFETY: initialised by `start`, in shared memory for ever.
        unsafe { pg_sys::ConditionVariableBroadcast(place.progress.get()) };
    }
}

/// Where the worker of this database is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub pid: i32,
    /// Everything before it in the log has been captured.
    pub captured: u64,
    /// When that was all there was, in epoch milliseconds.
    pub caught_up_at: Option<i64>,
}

/// None when there is no worker, or nobody can tell.
pub fn worker() -> Option<Place> {
    let place = place()?;
    let captured = place.captured.load(Acquire);
    let pid = i32::try_from(place.pid.load(Acquire)).ok()?;
    let caught_up_at = i64::try_from(place.caught_up_at.load(Acquire)).ok();
    (captured != 0).then_some(Place {
        pid,
        captured,
        caught_up_at: caught_up_at.filter(|at| *at != 0),
    })
}

/// Whether the library was preloaded, so that workers and those who wait for them share memory.
pub fn is_shared() -> bool {
    !places().is_empty()
}

/// Tells this database's worker that there is something in the log.
pub fn wake_worker() {
    // SAFETY: the database of this process.
    wake_worker_of(unsafe { pg_sys::MyDatabaseId });
}

/// The process of the worker of a database.
pub fn worker_of(database: pg_sys::Oid) -> Option<pg_sys::pid_t> {
    let theirs = |place: &&Shared| place.database.load(Acquire) == database.to_u32();
    let pid = places().iter().find(theirs)?.pid.load(Acquire);
    i32::try_from(pid).ok().filter(|pid| *pid > 0)
}

/// How far the worker has come. None when nobody can tell.
pub fn captured() -> Option<u64> {
    place().map(|place| place.captured.load(Acquire))
}

/// # Safety
/// Called by Postgres as the process exits.
unsafe extern "C-unwind" fn process_ends(_code: c_int, _argument: pg_sys::Datum) {
    leave();
}

/// Asks the worker of a database to leave. Answers whether it is still there.
pub fn ask_to_leave(database: pg_sys::Oid) -> bool {
    let theirs = |place: &&Shared| place.database.load(Acquire) == database.to_u32();
    let Some(place) = places().iter().find(theirs) else {
        return false;
    };
    place.unwelcome.store(true, Release);
    wake_worker_of(database);
    true
}

/// Whether the worker was asked to leave.
pub fn is_unwelcome() -> bool {
    place().is_some_and(|place| place.unwelcome.load(Acquire))
}

/// The worker ends: its database gives up the place. One that found another at work has none.
pub fn leave() {
    // SAFETY: of this process.
    let database = unsafe { pg_sys::MyDatabaseId.to_u32() };
    for place in places() {
        let mine = place.pid.load(Acquire) == std::process::id();
        if mine && place.database.load(Acquire) == database {
            place.pid.store(0, Release);
            place.latch.store(null_mut(), Release);
            place.captured.store(0, Release);
            place.caught_up_at.store(0, Release);
            place.unwelcome.store(false, Release);
            place.database.store(0, Release);
        }
    }
}

/// Sleeps until `done`, which the worker of this database brings about by capturing, at most until `end`.
pub fn wait(end: Instant, mut done: impl FnMut() -> bool) {
    while !done() {
        let left = end.saturating_duration_since(Instant::now());
        let left = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
        let Some(place) = place() else {
            match left {
                0 => return,
                _ => doze(left.min(UNTOLD).into()),
            }
            continue;
        };
        let told = place.progress.get();
        // SAFETY: initialised by `start`, in shared memory for ever. What is captured from here on ends the sleep, so
        // nothing is missed between the look and the sleep. An abort takes this process off the list.
        let over = unsafe {
            pg_sys::ConditionVariablePrepareToSleep(told);
            let over = done() || left == 0;
            if !over {
                let most = i64::from(left.min(TOLD_READER));
                pg_sys::ConditionVariableTimedSleep(told, most, pg_sys::PG_WAIT_EXTENSION);
            }
            pg_sys::ConditionVariableCancelSleep();
            over
        };
        if over {
            return;
        }
    }
}

/// Sleeps so many milliseconds whoever wakes this process meanwhile.
pub fn doze(milliseconds: i64) {
    // SAFETY: this process's own latch.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as c_int,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
    }
    pg_sys::check_for_interrupts!();
}
