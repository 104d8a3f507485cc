//! Counts of requests by table and operation, in memory that all sessions share.
//!
//! There is such memory only when the library is preloaded. An entry is found under a lock once and then remembered
//! by the session, so that counting is a few atomic additions. An entry that is evicted or reset gets another
//! generation; a session that had just looked at it may then add one request to the wrong entry, which is what it
//! costs to count without a lock.

use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::operation::Operation;
use pgrx::pg_sys::{self, HASHACTION};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_long};
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicPtr, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

/// Buckets of the latency histogram: bucket 0 has what took less than 16 us, each further one twice that of the
/// one before, the last all that took longer than the one before it.
pub const BUCKETS: usize = 22;
const FIRST_BOUND_US: u64 = 16;
/// Entries that a session remembers.
const REMEMBERED: usize = 1024;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    database: u32,
    /// 0: none that there is, or several.
    relation: u32,
    operation: u32,
}

/// The key comes first: Postgres's hash table reads it there. All zero bytes are valid.
#[repr(C)]
struct Entry {
    key: Key,
    /// 0: no longer in the table.
    generation: AtomicU64,
    /// When a statement that used it began, in Postgres's microseconds.
    used: AtomicU64,
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    /// In halves of a unit.
    read: AtomicU64,
    write: AtomicU64,
    errors: [AtomicU64; ErrorKind::COUNT],
    latency: [AtomicU64; BUCKETS],
}

/// What stands in shared memory besides the entries.
#[repr(C)]
struct Shared {
    lock: *mut pg_sys::LWLock,
    /// Entries that there may be.
    most: c_long,
    /// The last one given.
    generation: AtomicU64,
}

/// Set in the postmaster before it forks; null when the library was not preloaded.
static SHARED: AtomicPtr<Shared> = AtomicPtr::new(null_mut());
static ENTRIES: AtomicPtr<pg_sys::HTAB> = AtomicPtr::new(null_mut());

const TRANCHE: &std::ffi::CStr = c"pg_dynamo_counters";

thread_local! {
    static REMEMBER: RefCell<HashMap<Key, Place>> = RefCell::default();
}

type Hook = Option<unsafe extern "C-unwind" fn()>;
static NEXT: std::sync::OnceLock<(Hook, Hook)> = std::sync::OnceLock::new();

/// Only while the postmaster preloads the library.
pub fn register() {
    // SAFETY: once, in the postmaster; the hooks found are called by ours.
    unsafe {
        let found = (pg_sys::shmem_request_hook, pg_sys::shmem_startup_hook);
        if NEXT.set(found).is_ok() {
            pg_sys::shmem_request_hook = Some(request_memory);
            pg_sys::shmem_startup_hook = Some(start);
        }
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn request_memory() {
    // SAFETY: Postgres calls the hook when requests are welcome.
    unsafe {
        if let Some((Some(next), _)) = NEXT.get() {
            next();
        }
        let entries =
            pg_sys::hash_estimate_size(crate::guc::counted_operations().into(), size_of::<Entry>());
        pg_sys::RequestAddinShmemSpace(entries + size_of::<Shared>());
        pg_sys::RequestNamedLWLockTranche(TRANCHE.as_ptr(), 1);
    }
}

/// Once in the postmaster, before any session; again after it has restarted its processes.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn start() {
    // SAFETY: Postgres calls the hook when shared memory is there; nobody else uses it yet.
    unsafe {
        if let Some((_, Some(next))) = NEXT.get() {
            next();
        }
        let mut found = false;
        let shared = pg_sys::ShmemInitStruct(
            c"pg_dynamo counters".as_ptr(),
            size_of::<Shared>(),
            &mut found,
        )
        .cast::<Shared>();
        let most: c_long = crate::guc::counted_operations().into();
        if !found {
            shared.write(Shared {
                lock: (&raw mut (*pg_sys::GetNamedLWLockTranche(TRANCHE.as_ptr())).lock),
                most,
                generation: AtomicU64::new(0),
            });
        }
        let mut layout = pg_sys::HASHCTL {
            keysize: size_of::<Key>(),
            entrysize: size_of::<Entry>(),
            ..Default::default()
        };
        let entries = pg_sys::ShmemInitHash(
            c"pg_dynamo counted operations".as_ptr(),
            most,
            most,
            &mut layout,
            (pg_sys::HASH_ELEM | pg_sys::HASH_BLOBS) as c_int,
        );
        ENTRIES.store(entries, Release);
        SHARED.store(shared, Release);
    }
}

/// The shared memory, when there is any.
fn shared() -> Option<&'static Shared> {
    // SAFETY: null, or valid for as long as this process lives.
    unsafe { SHARED.load(Acquire).as_ref() }
}

/// Whether requests are counted.
pub fn counting() -> bool {
    shared().is_some()
}

/// One request that is over.
pub struct Request {
    pub operation: Operation,
    /// The data table; 0 when it is none that there is, or several.
    pub relation: u32,
    pub nanoseconds: u64,
    pub consumed: Consumed,
    pub error: Option<ErrorKind>,
}

/// Counts a request.
pub fn count(request: &Request) {
    let Some(shared) = shared() else { return };
    let key = Key {
        // SAFETY: set before a session's first statement.
        database: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        relation: request.relation,
        operation: request.operation as u32,
    };
    let Some(entry) = remembered(key).or_else(|| find(shared, key)) else {
        return;
    };
    // SAFETY: a plain variable of this backend.
    let now = unsafe { pg_sys::GetCurrentStatementStartTimestamp() };
    entry.used.store(now as u64, Relaxed);
    entry.calls.fetch_add(1, Relaxed);
    entry.nanoseconds.fetch_add(request.nanoseconds, Relaxed);
    entry.latency[bucket(request.nanoseconds)].fetch_add(1, Relaxed);
    for (sum, units) in [
        (&entry.read, request.consumed.read),
        (&entry.write, request.consumed.write),
    ] {
        if units.halves() > 0 {
            sum.fetch_add(units.halves(), Relaxed);
        }
    }
    if let Some(kind) = request.error {
        entry.errors[kind as usize].fetch_add(1, Relaxed);
    }
}

fn bucket(nanoseconds: u64) -> usize {
    let firsts = nanoseconds / 1000 / FIRST_BOUND_US;
    let doublings = u64::BITS - firsts.leading_zeros();
    (doublings as usize).min(BUCKETS - 1)
}

fn remembered(key: Key) -> Option<&'static Entry> {
    let (entry, generation) = REMEMBER.with_borrow(|remember| remember.get(&key).copied())?;
    // SAFETY: the memory of an entry stays one of an entry, whatever its key.
    let entry = unsafe { &*entry };
    (entry.generation.load(Acquire) == generation).then_some(entry)
}

/// Holds the lock on the entries while it lives.
struct Locked(*mut pg_sys::LWLock);

impl Locked {
    fn new(shared: &Shared, mode: pg_sys::LWLockMode::Type) -> Locked {
        // SAFETY: a lock of ours; nothing that raises an ERROR is done while it is held.
        unsafe { pg_sys::LWLockAcquire(shared.lock, mode) };
        Locked(shared.lock)
    }

    /// # Safety
    /// The key is of an entry to be found, entered or removed under this lock.
    unsafe fn search(&self, key: Key, action: HASHACTION::Type, found: &mut bool) -> *mut Entry {
        // SAFETY: by the caller; the table is there when `SHARED` is.
        unsafe {
            pg_sys::hash_search(
                ENTRIES.load(Acquire),
                (&raw const key).cast(),
                action,
                found,
            )
            .cast()
        }
    }

    fn each(&self, mut take: impl FnMut(&Entry)) {
        let mut scan = pg_sys::HASH_SEQ_STATUS::default();
        // SAFETY: the lock keeps entries from coming and going, but for the one at hand.
        unsafe {
            pg_sys::hash_seq_init(&mut scan, ENTRIES.load(Acquire));
            loop {
                let entry = pg_sys::hash_seq_search(&mut scan).cast::<Entry>();
                if entry.is_null() {
                    break;
                }
                take(&*entry);
            }
        }
    }

    fn remove(&self, key: Key) {
        let mut found = false;
        // SAFETY: under an exclusive lock. The memory of a removed entry stays what it was until it is used again.
        unsafe {
            let entry = self.search(key, HASHACTION::HASH_FIND, &mut found);
            if found {
                (*entry).generation.store(0, Release);
                self.search(key, HASHACTION::HASH_REMOVE, &mut found);
            }
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: taken by `new`.
        unsafe { pg_sys::LWLockRelease(self.0) };
    }
}

/// The entry of a key, made when there is none, and remembered.
fn find(shared: &'static Shared, key: Key) -> Option<&'static Entry> {
    let entry = look_up(shared, key).or_else(|| enter(shared, key))?;
    REMEMBER.with_borrow_mut(|remember| {
        if remember.len() >= REMEMBERED {
            remember.clear();
        }
        remember.insert(key, (entry.0, entry.1));
    });
    // SAFETY: as in `remembered`.
    Some(unsafe { &*entry.0 })
}

/// An entry and its generation.
type Place = (*const Entry, u64);

fn look_up(shared: &Shared, key: Key) -> Option<Place> {
    let lock = Locked::new(shared, pg_sys::LWLockMode::LW_SHARED);
    let mut found = false;
    // SAFETY: under the lock.
    unsafe {
        let entry = lock.search(key, HASHACTION::HASH_FIND, &mut found);
        found.then(|| (entry.cast_const(), (*entry).generation.load(Acquire)))
    }
}

/// When all entries are taken, the one that was used longest ago gives way.
fn enter(shared: &Shared, key: Key) -> Option<Place> {
    let lock = Locked::new(shared, pg_sys::LWLockMode::LW_EXCLUSIVE);
    let mut found = false;
    // SAFETY: under the lock; a new entry is filled before anybody else sees it.
    unsafe {
        if pg_sys::hash_get_num_entries(ENTRIES.load(Acquire)) >= shared.most {
            evict(&lock);
        }
        let entry = lock.search(key, HASHACTION::HASH_ENTER_NULL, &mut found);
        if entry.is_null() {
            return None;
        }
        if !found {
            entry.write_bytes(0, 1);
            (*entry).key = key;
            let generation = shared.generation.fetch_add(1, Relaxed) + 1;
            (*entry).generation.store(generation, Release);
        }
        Some((entry.cast_const(), (*entry).generation.load(Acquire)))
    }
}

fn evict(lock: &Locked) {
    let mut oldest = None;
    lock.each(|entry| {
        let used = entry.used.load(Relaxed);
        if oldest.is_none_or(|(least, _)| used < least) {
            oldest = Some((used, entry.key));
        }
    });
    if let Some((_, key)) = oldest {
        lock.remove(key);
    }
}

/// What was counted for one table and operation.
pub struct Counts {
    pub relation: u32,
    pub operation: Operation,
    pub calls: u64,
    pub nanoseconds: u64,
    /// In halves of a unit.
    pub read: u64,
    pub write: u64,
    /// Those that happened.
    pub errors: Vec<(ErrorKind, u64)>,
    pub latency: [u64; BUCKETS],
}

impl Counts {
    fn of(entry: &Entry) -> Option<Counts> {
        let value = |count: &AtomicU64| count.load(Relaxed);
        let errors = ErrorKind::all().zip(entry.errors.iter().map(value));
        Some(Counts {
            relation: entry.key.relation,
            operation: *Operation::ALL.get(entry.key.operation as usize)?,
            calls: value(&entry.calls),
            nanoseconds: value(&entry.nanoseconds),
            read: value(&entry.read),
            write: value(&entry.write),
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            latency: std::array::from_fn(|at| value(&entry.latency[at])),
        })
    }
}

fn of_this_database(entry: &Entry) -> bool {
    // SAFETY: set before a session's first statement.
    entry.key.database == unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// All counts of this database.
pub fn all() -> Vec<Counts> {
    let mut all = Vec::new();
    if let Some(shared) = shared() {
        Locked::new(shared, pg_sys::LWLockMode::LW_SHARED).each(|entry| {
            if of_this_database(entry) {
                all.extend(Counts::of(entry));
            }
        });
    }
    all
}

/// Begins anew in this database.
pub fn reset() {
    let Some(shared) = shared() else { return };
    let lock = Locked::new(shared, pg_sys::LWLockMode::LW_EXCLUSIVE);
    let mut keys = Vec::new();
    lock.each(|entry| {
        if of_this_database(entry) {
            keys.push(entry.key);
        }
    });
    for key in keys {
        lock.remove(key);
    }
}
