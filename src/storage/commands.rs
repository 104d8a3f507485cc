//! The commands that a session is about to run, shown to those who have to know of them.

use super::pg_error::raw;
use pgrx::pg_sys;
use std::ffi::c_char;
use std::sync::OnceLock;

/// Looks at a command before it runs; an ERROR keeps it from running.
///
/// # Safety
/// The command is a complete node; a transaction is open.
pub type Watcher = unsafe fn(*mut pg_sys::Node);

struct Registered {
    watchers: &'static [Watcher],
    next: pg_sys::ProcessUtility_hook_type,
}

static REGISTERED: OnceLock<Registered> = OnceLock::new();

/// Only once in a process, when the library is loaded.
pub fn register(watchers: &'static [Watcher]) {
    // SAFETY: the hook found is called by ours.
    unsafe {
        let next = pg_sys::ProcessUtility_hook;
        if REGISTERED.set(Registered { watchers, next }).is_ok() {
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
        let registered = REGISTERED.get();
        if let Some(registered) = registered {
            let command = (*statement).utilityStmt;
            pg_sys::panic::pgrx_extern_c_guard(|| {
                for watch in registered.watchers {
                    watch(command);
                }
            });
        }
        let next = registered.and_then(|registered| registered.next);
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
