//! What is seen.

use pgrx::pg_sys;

/// Runs `body` with a snapshot of now as the active one: what is committed, and all that this transaction has written, the
/// running statement included. From REPEATABLE READ on it is the transaction's own.
pub fn latest<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: popped below, or by the abort of the (sub)transaction.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let result = body();
        pg_sys::PopActiveSnapshot();
        result
    }
}

/// Whether the whole transaction sees one moment: from REPEATABLE READ on.
pub fn is_fixed() -> bool {
    // SAFETY: a plain variable of this backend's only thread.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Runs `body` with a snapshot of now as the active one, from REPEATABLE READ on too.
pub fn of_now<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: popped below, or by the abort of the (sub)transaction.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let result = body();
        pg_sys::PopActiveSnapshot();
        result
    }
}

/// Raises Postgres's own error for what has changed since the moment that the transaction sees.
pub fn refuse_old() -> ! {
    pgrx::ereport!(
        ERROR,
        pgrx::PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
        "could not serialize access due to concurrent update"
    );
}
