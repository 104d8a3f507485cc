//! The life of a worker of one database: its connection, the lock that keeps it the only one of its kind, and the way
//! out for those who need the database to themselves.

use super::kind::Kind;
use super::session;
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::{CStr, c_int};

/// A worker that waits for autovacuum has it cancelled after this time, which must be shorter than its lock timeouts.
const DEADLOCK_TIMEOUT: &CStr = c"20ms";

thread_local! {
    static CONNECTED: Cell<bool> = const { Cell::new(false) };
}

/// Connects this process to the database that its argument names, as the server itself, under settings that no
/// configuration changes.
pub fn begin(database: pg_sys::Datum) {
    let database = pg_sys::Oid::from(database.value() as u32);
    session::handle_signals();
    // SAFETY: once, at the start of the process.
    unsafe {
        pg_sys::on_proc_exit(Some(forget_lost_database), pg_sys::Datum::null());
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::InvalidOid, 0);
    }
    CONNECTED.set(true);
    session::make_message_context();
    for (name, value) in [
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"deadlock_timeout", DEADLOCK_TIMEOUT),
        (c"statement_timeout", c"0"),
        (c"idle_in_transaction_session_timeout", c"0"),
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        (c"transaction_timeout", c"0"),
        (c"temp_file_limit", c"-1"),
        (c"default_transaction_isolation", c"read committed"),
        (c"default_transaction_read_only", c"off"),
        (c"default_transaction_deferrable", c"off"),
        (c"session_replication_role", c"origin"),
    ] {
        session::set(name, value);
    }
}

/// A worker that cannot connect, because its database is gone or takes no connections, ends for good: with any
/// other exit status the postmaster would start it again for ever.
///
/// # Safety
/// Called by Postgres as the process exits.
unsafe extern "C-unwind" fn forget_lost_database(_code: c_int, _argument: pg_sys::Datum) {
    if !CONNECTED.get() {
        CONNECTED.set(true);
        // SAFETY: an exit may be asked for again while it is under way; the later status counts.
        unsafe { pg_sys::proc_exit(0) };
    }
}

/// Runs `work` until it answers that nothing is left, as the only worker of its kind. A session that asks for the
/// worker while it ends starts another, which finds the lock taken or free; so after giving up the lock this one
/// looks once more whether something is `left`.
pub fn alone(kind: Kind, mut work: impl FnMut() -> bool, mut left: impl FnMut() -> bool) {
    let tag = kind.lock();
    let mut again = true;
    while again && take(&tag) {
        while work() {}
        unlock(&tag, pg_sys::ExclusiveLock, true);
        again = left();
    }
}

/// For a worker that executes users' code, which may give back every advisory lock of the session and leave some of its
/// own: gives back all, and takes the lock of its kind again. False: another worker was faster.
pub fn alone_again(kind: Kind) -> bool {
    // SAFETY: as pg_advisory_unlock_all() does it.
    unsafe { pg_sys::LockReleaseSession(pg_sys::USER_LOCKMETHOD as pg_sys::LOCKMETHODID) };
    take(&kind.lock())
}

/// Somebody who only looks whether the worker is alive holds its lock for microseconds.
fn take(tag: &pg_sys::LOCKTAG) -> bool {
    (0..5).any(|_| {
        let taken = try_lock(tag, pg_sys::ExclusiveLock, true);
        if !taken {
            session::sleep(20);
        }
        taken
    })
}

/// Takes a lock if it is free.
pub fn try_lock(tag: &pg_sys::LOCKTAG, mode: u32, for_session: bool) -> bool {
    // SAFETY: a complete tag; the call waits for nobody.
    let result = unsafe { pg_sys::LockAcquire(tag, mode as i32, for_session, true) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

pub fn unlock(tag: &pg_sys::LOCKTAG, mode: u32, for_session: bool) {
    // SAFETY: taken by `try_lock`.
    unsafe { pg_sys::LockRelease(tag, mode as i32, for_session) };
}

/// DROP DATABASE and CREATE DATABASE ... TEMPLATE wait a few seconds for others to leave: this one does, is started
/// again a second later, and waits for them while it connects. To be called at least once a second.
pub fn leave_database_to_others() {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.to_u32(),
        // SAFETY: the database of this process.
        locktag_field3: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    if try_lock(&tag, pg_sys::RowExclusiveLock, true) {
        unlock(&tag, pg_sys::RowExclusiveLock, true);
        return;
    }
    // SAFETY: the end of the process; it is started again.
    unsafe { pg_sys::proc_exit(1) };
}

/// Whether this database has the extension.
///
/// A transaction must be open.
pub fn extension_is_here() -> bool {
    extension() != pg_sys::InvalidOid
}

/// Which one it is: dropped and made anew, as by a restore, it is another. InvalidOid: there is none.
///
/// A transaction must be open.
pub fn extension() -> pg_sys::Oid {
    // SAFETY: a look-up by name.
    unsafe { pg_sys::get_extension_oid(c"pg_dynamo".as_ptr(), true) }
}
