//! Postgres errors that cross Rust frames whole.
//!
//! pgrx turns an ERROR raised inside one of its bindings into a panic that keeps only the SQLSTATEs it
//! has an enum for, and no names of constraint, table or column; rethrown, a trigger's own SQLSTATE has
//! become XX000. Code of a user (triggers, checks, policies) runs inside our statements, so those few
//! calls go through [`catching`], which keeps the error as Postgres copied it. `entry::boundary`
//! raises it again once every Rust frame is unwound.

use cee_scape::call_with_sigsetjmp;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{CaughtError, ErrorReportWithLevel};
use std::any::Any;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::resume_unwind;

/// The payload of the panic: a copy made by Postgres, in the memory context of the call that failed.
pub struct PgError(pub *mut pg_sys::ErrorData);

// SAFETY: panic payloads must be Send; a backend has one thread.
unsafe impl Send for PgError {}

/// Runs `call`, turning a Postgres ERROR into an unwinding [`PgError`].
///
/// # Safety
/// `call` must be calls into Postgres without destructors pending inside it and without panics: ERROR jumps out of
/// it. Only functions without a guard of their own ([`raw`], `bare`): one of pgrx's bindings makes a panic of an ERROR,
/// which cannot pass here and aborts the process.
#[inline]
pub unsafe fn catching<R>(call: impl FnOnce() -> R) -> R {
    let mut call = ManuallyDrop::new(call);
    let mut result = MaybeUninit::uninit();
    let mut once = || {
        // SAFETY: taken once, because `protected` calls once; on an ERROR it is not used again.
        result.write((unsafe { ManuallyDrop::take(&mut call) })());
    };
    // SAFETY: forwarded from the caller; when it returns, `once` ran to its end.
    unsafe {
        protected(&mut once);
        result.assume_init()
    }
}

/// [`catching`], one piece of code for all calls, so that it stays in the processor's cache.
#[inline(never)]
unsafe fn protected(call: &mut dyn FnMut()) {
    // SAFETY: what elog.h's PG_TRY does: a jump target of our own while `call` runs, the previous one
    // and the error context restored afterwards on both paths. The locals are not changed in between.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        let handlers = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = std::ptr::from_ref(buffer).cast_mut().cast();
            call();
            0
        });
        pg_sys::PG_exception_stack = handlers;
        pg_sys::error_context_stack = callbacks;
        if jumped != 0 {
            rethrown(memory);
        }
    }
}

/// What follows when `protected` was jumped back to.
#[cold]
unsafe fn rethrown(memory: pg_sys::MemoryContext) -> ! {
    // SAFETY: an error is being handled. It is copied outside ErrorContext, as CopyErrorData demands; the flush makes
    // room for other errors.
    unsafe {
        pg_sys::CurrentMemoryContext = memory;
        let error = PgError(pg_sys::CopyErrorData());
        pg_sys::FlushErrorState();
        resume_unwind(Box::new(error))
    }
}

/// A payload that unwinds, with its error in the current memory context.
///
/// # Safety
/// The context that the error was copied into is alive.
pub unsafe fn kept(payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
    let Some(error) = payload.downcast_ref::<PgError>() else {
        return payload;
    };
    // SAFETY: by the caller; a complete copy by Postgres, whose texts are null or C strings. Names of files and
    // functions and the domain are constants.
    unsafe {
        let size = size_of::<pg_sys::ErrorData>();
        let copy = pg_sys::palloc(size).cast::<pg_sys::ErrorData>();
        std::ptr::copy_nonoverlapping(error.0, copy, 1);
        for text in [
            &raw mut (*copy).message,
            &raw mut (*copy).detail,
            &raw mut (*copy).detail_log,
            &raw mut (*copy).hint,
            &raw mut (*copy).context,
            &raw mut (*copy).backtrace,
            &raw mut (*copy).schema_name,
            &raw mut (*copy).table_name,
            &raw mut (*copy).column_name,
            &raw mut (*copy).datatype_name,
            &raw mut (*copy).constraint_name,
            &raw mut (*copy).internalquery,
        ] {
            if !(*text).is_null() {
                *text = pg_sys::pstrdup(*text);
            }
        }
        (*copy).assoc_context = pg_sys::CurrentMemoryContext;
        Box::new(PgError(copy))
    }
}

/// The SQLSTATE of an ERROR that unwinds as `payload`; that of an internal error when it is something else.
pub fn sqlstate_of(payload: &(dyn Any + Send)) -> String {
    let code = if let Some(error) = payload.downcast_ref::<PgError>() {
        // SAFETY: Postgres's own copy of the error, alive until somebody handles it.
        unsafe { (*error.0).sqlerrcode }
    } else if let Some(CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)) =
        payload.downcast_ref::<CaughtError>()
    {
        report.sql_error_code() as i32
    } else if let Some(report) = payload.downcast_ref::<ErrorReportWithLevel>() {
        report.sql_error_code() as i32
    } else {
        return "XX000".to_owned();
    };
    // Six bits each, as elog.h packs them.
    (0..5)
        .map(|place| char::from(((code >> (6 * place)) & 0x3f) as u8 + b'0'))
        .collect()
}

/// Runs `call`, then `cleanup`, also when `call` ends in an ERROR, which goes on its way unchanged.
///
/// # Safety
/// As `catching`; and the ERROR jumps out of this frame too, so neither closure may own a value with a
/// destructor, nor the caller up to the next C frame.
pub unsafe fn with_cleanup<R: Copy>(call: impl FnOnce() -> R, cleanup: impl FnOnce()) -> R {
    // SAFETY: PG_TRY and PG_FINALLY of elog.h.
    unsafe {
        let handlers = pg_sys::PG_exception_stack;
        let callbacks = pg_sys::error_context_stack;
        let mut result = MaybeUninit::uninit();
        let jumped = call_with_sigsetjmp(false, |buffer| {
            pg_sys::PG_exception_stack = std::ptr::from_ref(buffer).cast_mut().cast();
            result.write(call());
            0
        });
        pg_sys::PG_exception_stack = handlers;
        pg_sys::error_context_stack = callbacks;
        cleanup();
        if jumped != 0 {
            raw::pg_re_throw();
        }
        result.assume_init()
    }
}

/// Calls that run other people's code, declared here because pgrx's bindings would flatten its errors.
/// Their signatures are the same in PostgreSQL 15 to 18.
pub mod raw {
    use pgrx::pg_sys;
    use std::ffi::{c_char, c_int, c_long};

    unsafe extern "C-unwind" {
        pub fn SPI_execute_plan(
            plan: pg_sys::SPIPlanPtr,
            values: *mut pg_sys::Datum,
            nulls: *const c_char,
            read_only: bool,
            count: c_long,
        ) -> c_int;
        pub fn SPI_execute(source: *const c_char, read_only: bool, count: c_long) -> c_int;
        pub fn SPI_prepare_cursor(
            source: *const c_char,
            arguments: c_int,
            types: *mut pg_sys::Oid,
            cursor_options: c_int,
        ) -> pg_sys::SPIPlanPtr;
        pub fn GetCachedPlan(
            source: *mut pg_sys::CachedPlanSource,
            parameters: pg_sys::ParamListInfo,
            owner: pg_sys::ResourceOwner,
            environment: *mut pg_sys::QueryEnvironment,
        ) -> *mut pg_sys::CachedPlan;
        pub fn ResetTempTableNamespace();
        pub fn ResetSequenceCaches();
        #[allow(clippy::too_many_arguments, reason = "Postgres's signature")]
        pub fn standard_ProcessUtility(
            statement: *mut pg_sys::PlannedStmt,
            text: *const c_char,
            read_only_tree: bool,
            context: pg_sys::ProcessUtilityContext::Type,
            parameters: pg_sys::ParamListInfo,
            environment: *mut pg_sys::QueryEnvironment,
            destination: *mut pg_sys::DestReceiver,
            completion: *mut pg_sys::QueryCompletion,
        );
        pub fn AfterTriggerSetState(statement: *mut pg_sys::ConstraintsSetStmt);
        pub fn ExecutorStart(query: *mut pg_sys::QueryDesc, flags: c_int);
        pub fn ExecutorFinish(query: *mut pg_sys::QueryDesc);
        pub fn ExecutorEnd(query: *mut pg_sys::QueryDesc);
        pub fn pg_re_throw() -> !;
        pub fn nextval_internal(sequence: pg_sys::Oid, check_permissions: bool) -> i64;
        pub fn LockRelationOid(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE);
        pub fn LockAcquire(
            tag: *const pg_sys::LOCKTAG,
            mode: pg_sys::LOCKMODE,
            session: bool,
            no_wait: bool,
        ) -> pg_sys::LockAcquireResult::Type;
        /// Returns from a warning; we report errors only.
        pub fn ThrowErrorData(error: *mut pg_sys::ErrorData) -> !;
        pub fn ReThrowError(error: *mut pg_sys::ErrorData) -> !;
    }
    /// Runs a query for one more row.
    ///
    /// # Safety
    /// `query` was started and has not ended.
    pub unsafe fn run_one(query: *mut pg_sys::QueryDesc) {
        let forward = pg_sys::ScanDirection::ForwardScanDirection;
        unsafe extern "C-unwind" {
            #[cfg(not(feature = "pg18"))]
            fn ExecutorRun(
                query: *mut pg_sys::QueryDesc,
                direction: pg_sys::ScanDirection::Type,
                count: u64,
                execute_once: bool,
            );
            #[cfg(feature = "pg18")]
            fn ExecutorRun(
                query: *mut pg_sys::QueryDesc,
                direction: pg_sys::ScanDirection::Type,
                count: u64,
            );
        }
        // SAFETY: by the caller.
        unsafe {
            #[cfg(not(feature = "pg18"))]
            ExecutorRun(query, forward, 1, false);
            #[cfg(feature = "pg18")]
            ExecutorRun(query, forward, 1);
        }
    }
}
