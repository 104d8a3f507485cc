//! No slot outlives what it was made for.
//!
//! DROP DATABASE refuses where a replication slot is in use, at once and whatever it was told to terminate. So whoever is
//! about to drop a database first asks its capture worker to leave, and waits a moment for that. When the database
//! stays, because somebody else is connected, the postmaster starts the worker again.
//!
//! DROP EXTENSION leaves the slot to a worker that is started when it is committed, because dropping a slot cannot be
//! rolled back; without one that is said. An event trigger has the library loaded by then.

use super::{slot, wake};
use crate::worker::{self, Kind};
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// Milliseconds that a worker gets to leave, and then to end.
const PATIENCE: u32 = 2_000;
const LAST: u32 = 3_000;

static NEXT: OnceLock<pg_sys::object_access_hook_type> = OnceLock::new();

thread_local! {
    /// This transaction drops the extension, and there is a slot.
    static DROPPED: Cell<bool> = const { Cell::new(false) };
}

/// Called once when the library is loaded; `ask` is told of commands.
pub fn register() {
    // SAFETY: the hook found is called by ours.
    unsafe {
        if NEXT.set(pg_sys::object_access_hook).is_ok() {
            pg_sys::object_access_hook = Some(object_access);
        }
    }
}

/// Before DROP DATABASE. Without the shared memory that preloading gives no worker could be asked to leave.
///
/// # Safety
/// `command` is a complete node; a transaction is open.
pub unsafe fn ask(command: *mut pg_sys::Node) {
    // SAFETY: by the caller.
    if !wake::is_shared() || unsafe { (*command).type_ } != pg_sys::NodeTag::T_DropdbStmt {
        return;
    }
    let command = command.cast::<pg_sys::DropdbStmt>();
    // SAFETY: by the caller; look-ups. Whoever may not drop the database does not disturb it.
    let database = unsafe {
        let database = pg_sys::get_database_oid((*command).dbname, true);
        if database == pg_sys::InvalidOid {
            return;
        }
        #[cfg(feature = "pg15")]
        let owner = pg_sys::pg_database_ownercheck(database, pg_sys::GetUserId());
        #[cfg(not(feature = "pg15"))]
        let owner =
            pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, pg_sys::GetUserId());
        if !owner {
            return;
        }
        database
    };
    let mut left = PATIENCE;
    while left > 0 && wake::ask_to_leave(database) {
        wake::doze(1);
        left -= 1;
    }
    // One that makes a slot waits for transactions, of other databases, too, and hears nothing.
    let maker = || {
        let theirs = |seen: &slot::Seen| seen.database == database && seen.user != 0;
        slot::all().into_iter().find(theirs)
    };
    if let Some(seen) = maker() {
        // SAFETY: a process of this server, as its slot says.
        unsafe { libc::kill(seen.user, libc::SIGTERM) };
        let mut left = LAST;
        while left > 0 && maker().is_some_and(|now| now.user == seen.user) {
            wake::doze(1);
            left -= 1;
        }
    }
}

/// # Safety
/// Called by Postgres about an object. No value here has a destructor, so an ERROR may jump across.
unsafe extern "C-unwind" fn object_access(
    access: pg_sys::ObjectAccessType::Type,
    class: pg_sys::Oid,
    object: pg_sys::Oid,
    part: c_int,
    argument: *mut c_void,
) {
    // SAFETY: the arguments are passed on untouched; what is dropped can still be looked up.
    unsafe {
        if let Some(Some(next)) = NEXT.get() {
            next(access, class, object, part, argument);
        }
        if access == pg_sys::ObjectAccessType::OAT_DROP && class == pg_sys::ExtensionRelationId {
            pg_sys::panic::pgrx_extern_c_guard(|| {
                let ours = pg_sys::get_extension_oid(c"pg_dynamo".as_ptr(), true);
                if object == ours && slot::exists() {
                    DROPPED.set(true);
                    worker::start_at_commit(Kind::Stream);
                }
            });
        }
    }
}

/// For a session that finds no worker when it has committed: what is left behind, if anything is.
pub fn left_behind() -> Option<String> {
    DROPPED.take().then(|| {
        let name = slot::name();
        format!(
            "no background worker is free to drop replication slot \"{name}\" (max_worker_processes): \
             SELECT pg_drop_replication_slot('{name}') does, once nobody uses it"
        )
    })
}
