//! What a worker's process needs that a client's session has from Postgres: signals, transactions that end in
//! an error which is then handled, and statements that stand alone.

use crate::storage::pg_error::PgError;
use pg_dynamo_core::{ApiError, Result as CoreResult};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::ffi::{CStr, CString, c_int};
use std::panic::AssertUnwindSafe;

/// Why a transaction ended.
pub struct Failure {
    pub code: PgSqlErrorCode,
    pub message: String,
}

impl Failure {
    /// Time will tell: another session is in the way, or the server is short of something.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code,
            PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
                | PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED
                | PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE
                | PgSqlErrorCode::ERRCODE_QUERY_CANCELED
                | PgSqlErrorCode::ERRCODE_INSUFFICIENT_RESOURCES
                | PgSqlErrorCode::ERRCODE_DISK_FULL
                | PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY
                | PgSqlErrorCode::ERRCODE_TOO_MANY_CONNECTIONS
                | PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        )
    }

    fn of_api(error: &ApiError) -> Failure {
        Failure {
            code: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            message: error.message.clone(),
        }
    }

    fn of_panic(caught: CaughtError) -> Failure {
        match caught {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => Failure {
                code: report.sql_error_code(),
                message: report.message().to_owned(),
            },
            CaughtError::RustPanic { ereport, payload } => match payload.downcast::<PgError>() {
                // SAFETY: Postgres's own copy of the error, alive until the transaction is aborted.
                Ok(error) => unsafe {
                    let data = &*error.0;
                    let message = if data.message.is_null() {
                        String::new()
                    } else {
                        CStr::from_ptr(data.message).to_string_lossy().into_owned()
                    };
                    Failure {
                        code: PgSqlErrorCode::from(data.sqlerrcode),
                        message,
                    }
                },
                Err(_) => Failure {
                    code: ereport.sql_error_code(),
                    message: ereport.message().to_owned(),
                },
            },
        }
    }
}

/// Runs `body` in a transaction of its own; what goes wrong in it aborts the transaction and comes back.
pub fn transaction<R>(body: impl FnOnce() -> CoreResult<R>) -> Result<R, Failure> {
    caught(|| {
        // SAFETY: no transaction is open; what is pushed is popped before the commit, or by the abort.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let result = body()?;
        // SAFETY: as above.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            pg_sys::pgstat_report_stat(false);
        }
        Ok(result)
    })
}

/// Runs one command as a client's statement: at the top level, outside every transaction block, because it ends
/// and begins transactions itself (CREATE INDEX CONCURRENTLY and its like).
pub fn run_alone(sql: &str) -> Result<(), Failure> {
    caught(|| {
        let sql = CString::new(sql).map_err(|_| ApiError::corrupt("NUL byte in a statement"))?;
        // SAFETY: the steps of a simple query. What the command needs lives in a memory context that its commits
        // leave alone; after an ERROR the abort drops the portal before the context is emptied.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            let outer = pg_sys::MemoryContextSwitchTo(pg_sys::MessageContext);
            let text = pg_sys::pstrdup(sql.as_ptr());
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let parsed = pg_sys::pg_parse_query(text);
            let raw = pg_sys::list_nth(parsed, 0).cast::<pg_sys::RawStmt>();
            let tag = pg_sys::CreateCommandTag((*raw).stmt);
            let queries = pg_sys::pg_analyze_and_rewrite_fixedparams(
                raw,
                text,
                std::ptr::null(),
                0,
                std::ptr::null_mut(),
            );
            let plans = pg_sys::pg_plan_queries(queries, text, 0, std::ptr::null_mut());
            pg_sys::PopActiveSnapshot();
            let portal = pg_sys::CreatePortal(c"".as_ptr(), true, true);
            (*portal).visible = false;
            let none = std::ptr::null_mut();
            pg_sys::PortalDefineQuery(portal, std::ptr::null(), text, tag, plans, none);
            pg_sys::PortalStart(portal, std::ptr::null_mut(), 0, std::ptr::null_mut());
            run_portal(portal);
            pg_sys::PortalDrop(portal, false);
            pg_sys::MemoryContextSwitchTo(outer);
            pg_sys::CommitTransactionCommand();
            pg_sys::MemoryContextReset(pg_sys::MessageContext);
            pg_sys::pgstat_report_stat(false);
        }
        Ok(())
    })
}

/// # Safety
/// The portal was started.
unsafe fn run_portal(portal: pg_sys::Portal) {
    // SAFETY: by the caller; a receiver that drops every row.
    unsafe {
        let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestNone);
        let all = std::ffi::c_long::MAX;
        let none = std::ptr::null_mut();
        #[cfg(not(feature = "pg18"))]
        pg_sys::PortalRun(portal, all, true, true, receiver, receiver, none);
        #[cfg(feature = "pg18")]
        pg_sys::PortalRun(portal, all, true, receiver, receiver, none);
    }
}

/// The context of a client's message, which a worker has to make for itself.
pub fn make_message_context() {
    // SAFETY: once per process, with Postgres's own default sizes.
    unsafe {
        pg_sys::MessageContext = pg_sys::AllocSetContextCreateInternal(
            pg_sys::TopMemoryContext,
            c"MessageContext".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
    }
}

/// Runs `body` outside a transaction of ours; what goes wrong in it comes back.
pub fn guarded<R>(body: impl FnOnce() -> CoreResult<R>) -> Result<R, Failure> {
    caught(body)
}

fn caught<R>(body: impl FnOnce() -> CoreResult<R>) -> Result<R, Failure> {
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| {
        body().map_err(|error| Failure::of_api(&error))
    }))
    .catch_others(|cause| Err(Failure::of_panic(cause)))
    .catch_rust_panic(|cause| Err(Failure::of_panic(cause)))
    .execute();
    if outcome.is_err() {
        // SAFETY: the way PostgresMain goes on after an error; without a transaction it does nothing.
        unsafe {
            pg_sys::AbortCurrentTransaction();
            pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            pg_sys::MemoryContextReset(pg_sys::MessageContext);
        }
    }
    outcome
}

unsafe extern "C-unwind" {
    // pgrx's bindings have Rust's calling convention; these are given to C.
    fn die(signal: c_int);
    fn SignalHandlerForConfigReload(signal: c_int);
    fn SignalHandlerForShutdownRequest(signal: c_int);
    fn SetLatch(latch: *mut pg_sys::Latch);
}

/// SIGTERM ends the process at the next check for interrupts, SIGHUP has the configuration read again. (SIGINT
/// cancels the running statement, as Postgres has it for every worker with a database.)
pub fn handle_signals() {
    // SAFETY: Postgres's own handlers, of the signature it expects.
    unsafe {
        set_handler(pg_sys::SIGTERM as c_int, die);
        set_handler(pg_sys::SIGHUP as c_int, SignalHandlerForConfigReload);
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// The same for a worker that has something to finish: SIGTERM only sets `ShutdownRequestPending`, and the end of a child
/// process wakes it.
pub fn handle_supervisor_signals() {
    // SAFETY: Postgres's own handlers, and one that does as they do.
    unsafe {
        set_handler(pg_sys::SIGTERM as c_int, SignalHandlerForShutdownRequest);
        set_handler(pg_sys::SIGHUP as c_int, SignalHandlerForConfigReload);
        set_handler(pg_sys::SIGCHLD as c_int, wake);
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// # Safety
/// A signal handler.
unsafe extern "C-unwind" fn wake(_signal: c_int) {
    // SAFETY: this process's own latch, by a function made for handlers; errno belongs to the code that was interrupted.
    unsafe {
        let errno = *libc::__errno_location();
        SetLatch(pg_sys::MyLatch);
        *libc::__errno_location() = errno;
    }
}

/// # Safety
/// The handler may run at any moment.
unsafe fn set_handler(signal: c_int, handler: unsafe extern "C-unwind" fn(c_int)) {
    // SAFETY: by the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, Some(handler));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, Some(handler));
    }
}

/// Sleeps unless woken, then takes care of signals.
pub fn sleep(milliseconds: u32) {
    wait(milliseconds);
    reload_configuration();
}

/// Sleeps unless woken, then lets Postgres interrupt.
pub fn wait(milliseconds: u32) {
    // SAFETY: this process's own latch.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as c_int,
            i64::from(milliseconds),
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pg_sys::check_for_interrupts!();
}

pub fn heed_signals() {
    pg_sys::check_for_interrupts!();
    reload_configuration();
}

/// Reads the configuration files again when SIGHUP asked for it; answers whether it did.
pub fn reload_configuration() -> bool {
    // SAFETY: flags of this process; the file is read outside every transaction.
    unsafe {
        let pending = pg_sys::ConfigReloadPending != 0;
        if pending {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
        pending
    }
}

/// Sets a configuration parameter for the life of this process, whatever the configuration files say later.
pub fn set(name: &CStr, value: &CStr) {
    // SAFETY: C strings; a value that Postgres refuses is an ERROR.
    unsafe {
        pg_sys::SetConfigOption(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
}
