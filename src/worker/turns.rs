//! Databases whose expired items are deleted take turns when there are more of them than workers for it
//! (`dynamo.ttl_workers`): a worker that has had its time gives way to one that waits. Only with the library preloaded: it is
//! the launcher's scouts that wait.

use super::{Kind, process, session};
use crate::guc::time_to_live::workers;
use crate::storage::spi::{self, Arg, Plan};
use pgrx::pg_sys;
use std::sync::atomic::{AtomicBool, Ordering};

/// Seconds that a worker has for its database before it gives way.
const TURN: i64 = 10;
/// How often a scout looks whether the other has ended, and how many times.
const POLL: u32 = 50;
const LOOKS: usize = 60;

/// Set in the postmaster, before it has children.
static PRELOADED: AtomicBool = AtomicBool::new(false);

pub fn preloaded() {
    PRELOADED.store(true, Ordering::Relaxed);
}

/// Workers of all databases.
struct Running {
    /// Databases that have one. (Whoever asks for one while it begins makes it two for a moment.)
    count: i64,
    /// The database of the one that has had its time for longest.
    oldest: Option<pg_sys::Oid>,
}

fn running() -> Running {
    let found = session::transaction(|| {
        Ok(spi::connected(|| {
            let plan = Plan::prepare(
                "SELECT count(DISTINCT datid), (array_agg(datid::int8 ORDER BY backend_start) \
                     FILTER (WHERE backend_start < clock_timestamp() - $2 * interval '1 second'))[1] \
                 FROM pg_stat_activity WHERE backend_type = $1",
                &[pg_sys::TEXTOID, pg_sys::INT8OID],
            );
            let name = Kind::TimeToLive.name().to_string_lossy();
            plan.execute(&[Arg::Text(&name), Arg::Int8(TURN)], true);
            let oldest = spi::int_value(0, 2).and_then(|oid| u32::try_from(oid).ok());
            Running {
                count: spi::int_value(0, 1).unwrap_or(0),
                oldest: oldest.map(pg_sys::Oid::from),
            }
        }))
    });
    found.unwrap_or(Running {
        count: 0,
        oldest: None,
    })
}

/// A lock that a scout holds while the worker of a database shall give way.
fn tag(database: pg_sys::Oid) -> pg_sys::LOCKTAG {
    /// Beside the class of the locks that workers hold.
    const CLASS: u16 = 0xd702;
    pg_sys::LOCKTAG {
        locktag_field1: database.to_u32(),
        locktag_field2: 0,
        locktag_field3: 0,
        locktag_field4: CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// For a scout: whether a worker for this database may be started, which may take the end of another.
pub fn begin() -> bool {
    let now = running();
    if now.count < workers() {
        return true;
    }
    let Some(oldest) = now.oldest else {
        return false;
    };
    let tag = tag(oldest);
    if !process::try_lock(&tag, pg_sys::ExclusiveLock, true) {
        return false;
    }
    let ended = (0..LOOKS).any(|_| {
        session::sleep(POLL);
        running().count < workers()
    });
    process::unlock(&tag, pg_sys::ExclusiveLock, true);
    ended
}

/// For a worker: whether there are too many of them, and its database has to wait for its turn.
pub fn has_to_wait() -> bool {
    PRELOADED.load(Ordering::Relaxed) && running().count > workers()
}

/// For a worker: whether a scout waits for its end.
pub fn is_over() -> bool {
    // SAFETY: the database of this process.
    let tag = tag(unsafe { pg_sys::MyDatabaseId });
    let free = process::try_lock(&tag, pg_sys::ShareLock, true);
    if free {
        process::unlock(&tag, pg_sys::ShareLock, true);
    }
    !free
}
