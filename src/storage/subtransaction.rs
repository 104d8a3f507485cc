//! Work that is undone as a whole, while the caller's transaction goes on.

use super::pg_error;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// How work in a subtransaction ends, when it does not end in an ERROR.
pub enum End<T, E> {
    /// What it did stays, as part of the caller's transaction.
    Keep(T),
    /// As if it had never been; the locks it took are given back.
    Undo(E),
}

/// Raises Postgres's own error where the transaction may not write, as on a hot standby.
pub fn demand_writable(command: &CStr) {
    // SAFETY: a C string that lives through the call.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}

/// Runs `body` in a subtransaction.
///
/// An ERROR undoes it too, and is then given to `failed` by its SQLSTATE: Some is the answer instead of it, otherwise
/// it goes on its way. (It may not leave the subtransaction open: the handler of a PL/pgSQL block rolls back the
/// innermost one, and takes that for its own.)
pub fn run<T, E>(
    body: impl FnOnce() -> End<T, E>,
    failed: impl FnOnce(&str) -> Option<E>,
) -> std::result::Result<T, E> {
    // SAFETY: paired with a release or a rollback below, on every way out; owner and memory context are put back as
    // they were, as in Postgres's own languages.
    unsafe {
        let memory = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        let restore = || {
            pg_sys::MemoryContextSwitchTo(memory);
            pg_sys::CurrentResourceOwner = owner;
        };
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(memory);
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(End::Keep(value)) => {
                pg_sys::ReleaseCurrentSubTransaction();
                restore();
                Ok(value)
            }
            Ok(End::Undo(value)) => {
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
                restore();
                Err(value)
            }
            Err(payload) => {
                // What it was copied into may go with the subtransaction.
                pg_sys::MemoryContextSwitchTo(memory);
                let payload = pg_error::kept(payload);
                pg_sys::RollbackAndReleaseCurrentSubTransaction();
                restore();
                match failed(&pg_error::sqlstate_of(&*payload)) {
                    Some(answer) => Err(answer),
                    None => resume_unwind(payload),
                }
            }
        }
    }
}
