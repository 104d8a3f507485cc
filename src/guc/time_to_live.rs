//! Settings of the sweeper, which deletes expired items. Read when the server starts and on reload (SIGHUP).

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::time::Duration;

static INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1_000);
static WORKERS: GucSetting<i32> = GucSetting::<i32>::new(3);
static BATCH_SIZE: GucSetting<i32> = GucSetting::<i32>::new(100);

pub fn register() {
    GucRegistry::define_int_guc(
        c"dynamo.ttl_interval",
        c"Pause between two searches for expired items.",
        c"An item is deleted within this time after it has expired, unless there are more than can be deleted.",
        &INTERVAL,
        10,
        86_400_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"dynamo.ttl_batch_size",
        c"Expired items that are deleted in one transaction.",
        c"Who wants to write one of them waits for the others to be deleted.",
        &BATCH_SIZE,
        1,
        10_000,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dynamo.ttl_workers",
        c"Databases whose expired items are deleted at the same time.",
        c"Each takes one of max_worker_processes. When more databases have tables with a time to live they take turns.",
        &WORKERS,
        1,
        1_000,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

/// How many databases have a worker at a time.
pub fn workers() -> i64 {
    WORKERS.get().into()
}

pub fn interval() -> Duration {
    Duration::from_millis(INTERVAL.get().unsigned_abs().into())
}

pub fn batch_size() -> i64 {
    BATCH_SIZE.get().into()
}
