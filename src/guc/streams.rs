//! Settings of streams.

use pg_dynamo_core::stream::shard::MAX_OPEN;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};

static SHARDS: GucSetting<i32> = GucSetting::<i32>::new(1);
static SHARD_AGE: GucSetting<i32> = GucSetting::<i32>::new(4 * 3600);
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(24 * 3600);
static MAX_RETAINED_WAL: GucSetting<i32> = GucSetting::<i32>::new(16 * 1024);
static READ_WAIT: GucSetting<i32> = GucSetting::<i32>::new(50);
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);

pub fn register() {
    GucRegistry::define_int_guc(
        c"dynamo.stream_shards",
        c"Open shards of a stream.",
        c"More are made by splitting; fewer only of streams that are enabled later.",
        &SHARDS,
        1,
        MAX_OPEN as i32,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"dynamo.stream_shard_age",
        c"Age at which a shard is closed and followed by another.",
        c"Whether changes come for it or not.",
        &SHARD_AGE,
        1,
        7 * 24 * 3600,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"dynamo.stream_retention",
        c"How long stream records are kept.",
        c"At least; they go in slices, of which there are 24 in this time.",
        &RETENTION,
        60,
        7 * 24 * 3600,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"dynamo.stream_max_retained_wal",
        c"Write-ahead log that capture of streams may keep from being removed.",
        c"Beyond it the streams of the database are broken and the log is let go. Zero: without a bound.",
        &MAX_RETAINED_WAL,
        0,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MB,
    );
    GucRegistry::define_int_guc(
        c"dynamo.stream_read_wait",
        c"How long a read at the end of a stream waits for what is committed already.",
        c"Zero: not at all.",
        &READ_WAIT,
        0,
        10_000,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_bool_guc(
        c"dynamo.stream_notify",
        c"Sends NOTIFY dynamo_stream with the table's name when records were added to its stream.",
        c"For consumers that LISTEN instead of polling.",
        &NOTIFY,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

/// Open shards of a stream.
pub fn stream_shards() -> usize {
    usize::try_from(SHARDS.get()).unwrap_or(1)
}

/// Seconds.
pub fn stream_shard_age() -> i64 {
    SHARD_AGE.get().into()
}

/// Seconds.
pub fn stream_retention() -> i64 {
    RETENTION.get().into()
}

/// Bytes; 0: no bound.
pub fn stream_max_retained_wal() -> i64 {
    i64::from(MAX_RETAINED_WAL.get()) << 20
}

/// Milliseconds.
pub fn stream_read_wait() -> u64 {
    u64::try_from(READ_WAIT.get()).unwrap_or(0)
}

/// Whether who listens is told of new records.
pub fn stream_notify() -> bool {
    NOTIFY.get()
}
