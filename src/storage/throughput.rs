//! What tables and indexes have left of their throughput: one number for each of them and each direction, in shared
//! memory (see `pg_dynamo_core::throttle`).
//!
//! A bucket that is full says nothing, so its place may be given to another one without loss: that is how a fixed number of
//! places serves any number of tables. When no place is free near where one belongs, its requests go on unbounded.

use super::shared_memory::Area;
use pg_dynamo_core::capacity::Units;
use pg_dynamo_core::key::stable_hash;
use pg_dynamo_core::throttle::{Bound, Direction};
use pgrx::pg_sys;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicI64, AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Places: 128 kB together.
const PLACES: usize = 8192;
/// Places that one bucket may have.
const CHOICES: usize = 8;

#[repr(C)]
struct Place {
    /// Of the bucket that it belongs to; 0: none yet.
    key: AtomicU64,
    /// When the bucket is full again, in nanoseconds.
    full_at: AtomicI64,
}

/// Null when the library was not preloaded.
static PLACED: AtomicPtr<Place> = AtomicPtr::new(null_mut());

pub const AREA: Area = Area {
    name: c"pg_dynamo_throughput",
    size: || PLACES * size_of::<Place>(),
    start,
};

fn start(memory: *mut c_void, _: *mut pg_sys::LWLock) {
    PLACED.store(memory.cast(), Release);
}

/// Whether throughput is enforced at this moment.
pub fn enforced() -> bool {
    crate::guc::enforce_throughput() && !PLACED.load(Acquire).is_null()
}

/// A table (0) or an index by the number of its columns, in one direction.
#[derive(Clone, Copy)]
pub struct Bucket {
    pub relation: u32,
    pub columns: u32,
    pub direction: Direction,
}

impl Bucket {
    /// Of the bucket under this bound: a new bound starts with a full one.
    fn key(self, bound: &Bound) -> u64 {
        // SAFETY: set before a session's first statement.
        let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
        let mut bytes = [0; 22];
        bytes[..4].copy_from_slice(&database.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.relation.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.columns.to_le_bytes());
        bytes[12] = self.direction as u8;
        bytes[13] = u8::from(bound.on_demand);
        bytes[14..].copy_from_slice(&bound.rate.to_le_bytes());
        stable_hash(&bytes, 0).max(1)
    }

    fn choices(key: u64) -> impl Iterator<Item = &'static Place> {
        let places = PLACED.load(Acquire);
        let count = if places.is_null() { 0 } else { CHOICES };
        let first = key as usize % PLACES;
        (0..count).map(move |i| {
            // SAFETY: there are as many places as the index is kept below, for as long as this process lives.
            unsafe { &*places.add((first + i) % PLACES) }
        })
    }

    fn find(key: u64) -> Option<&'static Place> {
        Bucket::choices(key).find(|place| place.key.load(Acquire) == key)
    }

    /// Its place, taken from a bucket that is full when it had none.
    fn claim(key: u64, now: i64) -> Option<&'static Place> {
        Bucket::find(key).or_else(|| {
            Bucket::choices(key).find(|place| {
                let held = place.key.load(Acquire);
                place.full_at.load(Relaxed) <= now
                    && place
                        .key
                        .compare_exchange(held, key, Release, Relaxed)
                        .is_ok()
            })
        })
    }

    /// Whether there is something left of `bound`.
    pub fn admits(self, bound: &Bound) -> bool {
        match Bucket::find(self.key(bound)) {
            Some(place) => bound.admits(place.full_at.load(Relaxed), now()),
            None => true,
        }
    }

    /// Takes what a request consumed.
    pub fn spend(self, bound: &Bound, units: Units) {
        let now = now();
        if let Some(place) = Bucket::claim(self.key(bound), now) {
            // Several sessions may spend at once: none is forgotten. (It never answers None.)
            let _ = place.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
                Some(bound.after(full_at, now, units))
            });
        }
    }
}

/// Nanoseconds since some moment before the server started, by a clock that nobody sets.
fn now() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the time to a place that lives through the call. This clock is there on every system that Postgres runs on.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    let seconds = time.tv_sec.saturating_mul(1_000_000_000);
    seconds.saturating_add(time.tv_nsec)
}
