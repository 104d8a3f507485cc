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
