//! Memory contexts.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Runs `body` with `memory` as the current context.
///
/// # Safety
/// The context is alive while `body` runs.
pub unsafe fn within<R>(memory: pg_sys::MemoryContext, body: impl FnOnce() -> R) -> R {
    // SAFETY: by the caller; when an ERROR unwinds past, its handler sets the context anew.
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(memory);
        let result = body();
        pg_sys::MemoryContextSwitchTo(before);
        result
    }
}

/// A new context that goes with `parent`. Postgres keeps the name's pointer.
///
/// # Safety
/// `parent` is alive.
pub unsafe fn child_of(
    parent: pg_sys::MemoryContext,
    name: &'static CStr,
) -> pg_sys::MemoryContext {
    // SAFETY: by the caller.
    unsafe {
        pg_sys::AllocSetContextCreateInternal(
            parent,
            name.as_ptr(),
            pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
    }
}
