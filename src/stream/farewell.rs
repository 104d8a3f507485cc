//! DROP DATABASE refuses where a replication slot is in use, at once and whatever it was told to terminate. So whoever is
//! about to drop a database first asks its capture worker to leave, and waits a moment for that. When the database
//! stays, because somebody else is connected, the postmaster starts the worker again.

use super::wake;
use crate::storage::pg_error::raw;
use pgrx::pg_sys;
use std::ffi::c_char;
use std::sync::OnceLock;

/// Milliseconds that a worker gets.
const PATIENCE: u32 = 5_000;

static NEXT: OnceLock<pg_sys::ProcessUtility_hook_type> = OnceLock::new();

/// Called once when the library is loaded. Without the shared memory that preloading gives nobody could be asked.
pub fn register() {
    // SAFETY: the hook found is called by ours.
    unsafe {
        if pg_sys::process_shared_preload_libraries_in_progress
            && NEXT.set(pg_sys::ProcessUtility_hook).is_ok()
        {
            pg_sys::ProcessUtility_hook = Some(utility);
        }
    }
}

/// # Safety
/// Called by Postgres to run a command. No value here has a destructor, so an ERROR may jump across.
#[allow(clippy::too_many_arguments, reason = "Postgres's signature")]
unsafe extern "C-unwind" fn utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the arguments are passed on untouched; a planned statement of a command has it.
    unsafe {
        let command = (*statement).utilityStmt;
        if (*command).type_ == pg_sys::NodeTag::T_DropdbStmt {
            pg_sys::panic::pgrx_extern_c_guard(|| ask(command.cast()));
        }
        let next = NEXT.get().copied().flatten();
        let next = next.unwrap_or(raw::standard_ProcessUtility);
        next(
            statement,
            text,
            read_only_tree,
            context,
            parameters,
            environment,
            destination,
            completion,
        );
    }
}

/// # Safety
/// `command` is a complete node; a transaction is open.
unsafe fn ask(command: *mut pg_sys::DropdbStmt) {
    // SAFETY: by the caller; look-ups. Whoever may not drop the database does not disturb it.
    let database = unsafe {
        let database = pg_sys::get_database_oid((*command).dbname, true);
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
        wake::pause();
        left -= 1;
    }
}
