//! Memory contexts.

use super::bare;
use super::pg_error::catching;
use pgrx::pg_sys;
use std::ffi::CStr;

/// A context for what one step after the other leaves behind.
pub struct Scratch(pg_sys::MemoryContext);

impl Scratch {
    /// Goes with the current context, which outlives the value. Postgres keeps the name's pointer.
    pub fn new(name: &'static CStr) -> Scratch {
        // SAFETY: the current context is alive.
        Scratch(unsafe { child_of(pg_sys::CurrentMemoryContext, name) })
    }

    /// Runs `body`; what it has allocated from Postgres is then freed, so nothing of that may leave it. After an ERROR
    /// it goes with the context.
    pub fn run<R>(&self, body: impl FnOnce() -> R) -> R {
        // SAFETY: made by `new`.
        unsafe {
            let result = within(self.0, body);
            pg_sys::MemoryContextReset(self.0);
            result
        }
    }
}

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
    unsafe { catching(|| create(parent, name)) }
}

/// A new context that goes with the current one.
///
/// # Safety
/// Inside `catching`.
pub unsafe fn bare_child(name: &'static CStr) -> pg_sys::MemoryContext {
    // SAFETY: the current context is alive.
    unsafe { create(pg_sys::CurrentMemoryContext, name) }
}

/// Frees what was allocated in a context since it was made or reset.
///
/// # Safety
/// The context is alive and has no children; nothing in it is used any more.
pub unsafe fn reset(memory: pg_sys::MemoryContext) {
    // SAFETY: by the caller.
    unsafe {
        if !(*memory).isReset {
            catching(|| bare::MemoryContextReset(memory));
        }
    }
}

unsafe fn create(parent: pg_sys::MemoryContext, name: &'static CStr) -> pg_sys::MemoryContext {
    // SAFETY: inside `catching`; the parent is alive.
    unsafe {
        bare::AllocSetContextCreateInternal(
            parent,
            name.as_ptr(),
            pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
    }
}
