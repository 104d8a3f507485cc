//! What users' code could leave behind in a session that serves others after them.
//!
//! While a call runs as another role (`role`), triggers, policies and checks of users run in a session that is not
//! theirs. What ends with the transaction, or is a setting, takes care of itself. Of the rest:
//!
//! - statements whose whole point is to outlast the transaction are refused: PREPARE and DEALLOCATE (the pool's own
//!   statements could be replaced), LISTEN, UNLISTEN, DECLARE ... WITH HOLD, DISCARD, LOAD;
//! - deferred triggers run before the role is left, however often they defer themselves again;
//! - temporary objects, session advisory locks and what sequences last gave (`currval`) are taken away.
//!
//! Users' code can only run inside a statement of ours, so a request that executes none has left nothing: that
//! is one flag.

use super::pg_error::{catching, raw};
use pgrx::{PgSqlErrorCode, ereport, pg_sys};
use std::cell::Cell;

/// What a session knows of itself.
#[derive(Clone, Copy, Default)]
struct Watch {
    /// A call runs as another role.
    guarding: bool,
    /// A statement was executed, and with it perhaps users' code.
    ran: bool,
    /// A trigger was told to wait for the commit.
    deferred: bool,
    /// A call did not get to the end of its cleaning.
    dirty: bool,
}

thread_local! {
    static WATCH: Cell<Watch> = const {
        Cell::new(Watch { guarding: false, ran: false, deferred: false, dirty: false })
    };
}

fn change(change: impl FnOnce(&mut Watch)) {
    let mut watch = WATCH.get();
    change(&mut watch);
    WATCH.set(watch);
}

/// Once per process, when the library is loaded; `check` is told of commands.
pub fn register() {
    // SAFETY: a static function of the signature Postgres expects.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut()) };
}

/// A statement of ours is about to be executed.
pub fn statement_runs() {
    if !WATCH.get().ran {
        change(|watch| watch.ran = true);
    }
}

/// Whether a statement was executed since the guard began.
pub fn statements_ran() -> bool {
    WATCH.get().ran
}

/// Whether a call runs as another role right now.
pub fn guarding() -> bool {
    WATCH.get().guarding
}

/// From here on, what would outlast the transaction is refused or remembered.
pub fn begin() {
    change(|watch| {
        watch.guarding = true;
        // A call of this transaction that failed has left its cleaning to us.
        watch.ran &= watch.dirty;
        watch.deferred = false;
        watch.dirty = true;
    });
}

/// The end of it, also after an ERROR: `guarding` as it was before the call.
pub fn end(guarding: bool) {
    change(|watch| watch.guarding = guarding);
}

/// Times that deferred triggers may defer further ones.
const ROUNDS: usize = 100;

/// Runs every deferred trigger of the transaction now.
pub fn run_deferred() {
    for _ in 0..ROUNDS {
        change(|watch| watch.deferred = false);
        make_constraints_immediate();
        if !WATCH.get().deferred {
            return;
        }
    }
    ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "deferred triggers defer others without end"
    );
}

/// SET CONSTRAINTS ALL IMMEDIATE.
fn make_constraints_immediate() {
    let mut statement = pg_sys::ConstraintsSetStmt {
        type_: pg_sys::NodeTag::T_ConstraintsSetStmt,
        constraints: std::ptr::null_mut(),
        deferred: false,
    };
    // SAFETY: a complete statement that lives through the call.
    unsafe { catching(|| raw::AfterTriggerSetState(&mut statement)) };
}

/// Takes away what is left. The transaction goes on.
pub fn clean() {
    if WATCH.get().ran {
        // SAFETY: flags of the running transaction. Temporary objects are dropped as DISCARD TEMP drops them; one that
        // is in use is an ERROR, which is caught.
        unsafe {
            if pg_sys::MyXactFlags as u32 & pg_sys::XACT_FLAGS_ACCESSEDTEMPNAMESPACE != 0 {
                catching(|| raw::ResetTempTableNamespace());
            }
        }
        forget_session_state();
    }
    change(|watch| watch.dirty = false);
}

/// What an aborted transaction keeps, too.
fn forget_session_state() {
    // SAFETY: as pg_advisory_unlock_all() and DISCARD SEQUENCES do it; neither raises an ERROR.
    unsafe {
        pg_sys::LockReleaseSession(pg_sys::USER_LOCKMETHOD as pg_sys::LOCKMETHODID);
        raw::ResetSequenceCaches();
    }
}

/// A call that ended in an ERROR did not clean up.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn transaction_ended(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    let over = matches!(
        event,
        pg_sys::XactEvent::XACT_EVENT_ABORT | pg_sys::XactEvent::XACT_EVENT_COMMIT
    );
    let watch = WATCH.get();
    if over && watch.dirty {
        if watch.ran {
            forget_session_state();
        }
        WATCH.set(Watch::default());
    }
}

/// While a call runs as another role, refuses a command that would outlast it.
///
/// # Safety
/// `command` is a complete node.
pub unsafe fn check(command: *mut pg_sys::Node) {
    use pg_sys::NodeTag;
    if !WATCH.get().guarding {
        return;
    }
    // SAFETY: by the caller; a node is what its tag says.
    let name = unsafe {
        match (*command).type_ {
            NodeTag::T_PrepareStmt => "PREPARE",
            NodeTag::T_DeallocateStmt => "DEALLOCATE",
            NodeTag::T_ListenStmt => "LISTEN",
            NodeTag::T_UnlistenStmt => "UNLISTEN",
            NodeTag::T_DiscardStmt => "DISCARD",
            NodeTag::T_LoadStmt => "LOAD",
            NodeTag::T_DeclareCursorStmt => {
                let options = (*command.cast::<pg_sys::DeclareCursorStmt>()).options;
                if options as u32 & pg_sys::CURSOR_OPT_HOLD == 0 {
                    return;
                }
                "DECLARE CURSOR ... WITH HOLD"
            }
            NodeTag::T_ConstraintsSetStmt => {
                if (*command.cast::<pg_sys::ConstraintsSetStmt>()).deferred {
                    change(|watch| watch.deferred = true);
                }
                return;
            }
            _ => return,
        }
    };
    ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("cannot execute {name} in a request that runs as another role")
    );
}
