//! The most frequent keys of tables and indexes with Contributor Insights, in shared memory.
//!
//! There is such memory only when the library is preloaded: a fixed number of entries, each with the sketches of one table
//! or index, under one lock, which is taken for one of `dynamo.contributor_insights_sample` requests. Neither
//! survives the server.

use super::catalog;
use super::shared_memory::Area;
use pg_dynamo_core::insights::{Counter, Sketch};
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Accessed,
    Throttled,
}

/// A table (columns 0) or an index of this database.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Subject {
    pub relation: u32,
    pub columns: u32,
}

/// All zero bytes are a free entry.
#[repr(C)]
struct Entry {
    database: u32,
    subject: Subject,
    /// When it was counted last, in microseconds.
    used: i64,
    /// By rule, then: partition keys, whole keys.
    sketches: [[Sketch; 2]; 2],
}

static ENTRIES: AtomicPtr<Entry> = AtomicPtr::new(null_mut());
static LOCK: AtomicPtr<pg_sys::LWLock> = AtomicPtr::new(null_mut());

pub const AREA: Area = Area {
    name: c"pg_dynamo_contributor_insights",
    size: || crate::guc::insights_max() * size_of::<Entry>(),
    start,
};

fn start(memory: *mut c_void, lock: *mut pg_sys::LWLock) {
    LOCK.store(lock, Release);
    ENTRIES.store(memory.cast(), Release);
}

/// Whether keys are counted on this server.
pub fn counting() -> bool {
    !ENTRIES.load(Acquire).is_null()
}

/// Runs `body` on all entries while nobody else uses them.
fn locked<R>(body: impl FnOnce(&mut [Entry]) -> R) -> Option<R> {
    under(pg_sys::LWLockMode::LW_EXCLUSIVE, |entries, count| {
        // SAFETY: the lock keeps all others out.
        body(unsafe { std::slice::from_raw_parts_mut(entries, count) })
    })
}

/// Runs `body` on all entries while nobody changes them.
fn shared<R>(body: impl FnOnce(&[Entry]) -> R) -> Option<R> {
    under(pg_sys::LWLockMode::LW_SHARED, |entries, count| {
        // SAFETY: the lock keeps all out who change them.
        body(unsafe { std::slice::from_raw_parts(entries, count) })
    })
}

/// Runs `body` under the lock. As many entries as the setting says, which only a restart changes.
fn under<R>(
    mode: pg_sys::LWLockMode::Type,
    body: impl FnOnce(*mut Entry, usize) -> R,
) -> Option<R> {
    let (entries, lock) = (ENTRIES.load(Acquire), LOCK.load(Acquire));
    if entries.is_null() || lock.is_null() {
        return None;
    }
    // SAFETY: a lock of shared memory, given back. Nothing in any `body` raises an ERROR or allocates.
    unsafe {
        pg_sys::LWLockAcquire(lock, mode);
        let result = body(entries, crate::guc::insights_max());
        pg_sys::LWLockRelease(lock);
        Some(result)
    }
}

/// How much the next request counts: 0 for those that are left out.
pub fn weight(rule: Rule) -> u64 {
    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0) };
    }
    let sample = crate::guc::insights_sample();
    // Refused requests are few, and what is asked about.
    if sample <= 1 || rule == Rule::Throttled {
        return 1;
    }
    let mut x = STATE.get();
    if x == 0 {
        // SAFETY: a plain variable of this process.
        x = (u64::from(unsafe { pg_sys::MyProcPid }.unsigned_abs()) << 32) | 0x9e37_79b9;
    }
    // xorshift64: no regular pattern of requests meets the same one of N for ever.
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    STATE.set(x);
    if x.is_multiple_of(sample) { sample } else { 0 }
}

fn database() -> u32 {
    // SAFETY: set before a session's first statement.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Counts keys: partition and, where there is one, whole key. The texts are made before the lock is taken.
pub fn count(subject: Subject, rule: Rule, keys: &[(String, Option<String>)], times: u64) {
    let (database, now) = (database(), catalog::now_micros());
    locked(|entries| {
        let Some(entry) = place(entries, database, subject) else {
            return;
        };
        entry.used = now;
        let [partitions, items] = &mut entry.sketches[rule as usize];
        for (partition, item) in keys {
            partitions.add(partition, times);
            if let Some(item) = item {
                items.add(item, times);
            }
        }
    });
}

/// The entry of a subject; when it has none, the one that was counted longest ago, emptied.
fn place(entries: &mut [Entry], database: u32, subject: Subject) -> Option<&mut Entry> {
    let same = |e: &Entry| e.database == database && e.subject == subject;
    if let Some(at) = entries.iter().position(same) {
        return entries.get_mut(at);
    }
    let entry = entries.iter_mut().min_by_key(|entry| entry.used)?;
    *entry = Entry {
        database,
        subject,
        used: 0,
        sketches: Default::default(),
    };
    Some(entry)
}

/// A key that was counted.
pub struct Frequent {
    pub subject: Subject,
    pub rule: Rule,
    /// Of whole keys; else of partition keys.
    pub whole: bool,
    pub counter: Counter,
}

/// Whether the current role may read the whole of a data table, which may be gone.
fn readable(relation: u32) -> bool {
    let relation = pg_sys::Oid::from(relation);
    let select = pg_sys::AclMode::from(pg_sys::ACL_SELECT);
    // SAFETY: plain look-ups in the caches; a relation that is gone is told, not raised.
    unsafe {
        let (user, mut missing) = (pg_sys::GetUserId(), false);
        let check = pg_sys::pg_class_aclcheck_ext(relation, user, select, &mut missing);
        !missing
            && check == pg_sys::AclResult::ACLCHECK_OK
            && pg_sys::check_enable_rls(relation, user, true)
                != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
    }
}

/// What is counted of this database.
fn subjects(database: u32) -> Vec<Subject> {
    let mut subjects = Vec::with_capacity(crate::guc::insights_max());
    shared(|entries| {
        let ours = |e: &&Entry| e.database == database && e.used > 0;
        // Within the capacity: no memory is asked for under the lock.
        let room = subjects.capacity();
        subjects.extend(entries.iter().filter(ours).map(|e| e.subject).take(room));
    });
    subjects
}

/// A copy of a subject's sketches; empty ones when it has lost its entry.
fn sketches_of(database: u32, subject: Subject) -> [[Sketch; 2]; 2] {
    let mut sketches = Default::default();
    shared(|entries| {
        let same = |e: &&Entry| e.database == database && e.subject == subject;
        if let Some(entry) = entries.iter().find(same) {
            sketches = entry.sketches;
        }
    });
    sketches
}

/// All that is known of tables of this database that the current role may read, the most frequent keys of each subject
/// first. The lock is held for one subject at a time.
pub fn all() -> Vec<Frequent> {
    let database = database();
    let mut all = Vec::new();
    for subject in subjects(database) {
        if !readable(subject.relation) {
            continue;
        }
        let sketches = sketches_of(database, subject);
        for (rule, of_rule) in [Rule::Accessed, Rule::Throttled].into_iter().zip(&sketches) {
            for (whole, sketch) in [false, true].into_iter().zip(of_rule) {
                all.extend(sketch.top().into_iter().map(|counter| Frequent {
                    subject,
                    rule,
                    whole,
                    counter,
                }));
            }
        }
    }
    all
}
