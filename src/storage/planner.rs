//! Statements that touch one row are always planned by the primary key.
//!
//! A plan is made once per backend and table and then kept. Made while the table is small, it could well be a
//! sequential scan, and it would stay one while the table grows. A planner hook recognises our own statements
//! by the comment they begin with and takes the alternatives away while they are planned. (Settings around
//! the execution would reach the statements of users' triggers too.)

use super::pg_error::with_cleanup;
use pgrx::pg_sys;
use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

/// What such a statement begins with.
pub const BY_KEY: &str = "/* pg_dynamo: by key */ ";

static NEXT: OnceLock<pg_sys::planner_hook_type> = OnceLock::new();

pub fn register_hook() {
    // SAFETY: once per process, when the library is loaded; the hook found is called by ours.
    unsafe {
        if NEXT.set(pg_sys::planner_hook).is_ok() {
            pg_sys::planner_hook = Some(plan);
        }
    }
}

/// # Safety
/// Called by Postgres to plan a query. No value here has a destructor, so an ERROR may jump across.
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const c_char,
    cursor_options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: the arguments are passed on untouched; the settings are put back on both ways out.
    unsafe {
        if text.is_null()
            || !CStr::from_ptr(text)
                .to_bytes()
                .starts_with(BY_KEY.as_bytes())
        {
            return plan_next(query, text, cursor_options, parameters);
        }
        let before = Paths::now();
        Paths {
            sequential: false,
            bitmap: false,
            index: true,
        }
        .set();
        with_cleanup(
            || plan_next(query, text, cursor_options, parameters),
            || before.set(),
        )
    }
}

/// # Safety
/// As `plan`.
unsafe fn plan_next(
    query: *mut pg_sys::Query,
    text: *const c_char,
    cursor_options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // Without pgrx's guard, which would flatten every planner error of the whole session.
    unsafe extern "C-unwind" {
        fn standard_planner(
            query: *mut pg_sys::Query,
            text: *const c_char,
            cursor_options: c_int,
            parameters: pg_sys::ParamListInfo,
        ) -> *mut pg_sys::PlannedStmt;
    }
    // SAFETY: forwarded from Postgres.
    unsafe {
        match NEXT.get().copied().flatten() {
            Some(next) => next(query, text, cursor_options, parameters),
            None => standard_planner(query, text, cursor_options, parameters),
        }
    }
}

/// The settings that let the planner choose how to reach a table.
#[derive(Clone, Copy)]
struct Paths {
    sequential: bool,
    bitmap: bool,
    index: bool,
}

impl Paths {
    fn now() -> Paths {
        // SAFETY: plain variables of this backend's only thread.
        unsafe {
            Paths {
                sequential: pg_sys::enable_seqscan,
                bitmap: pg_sys::enable_bitmapscan,
                index: pg_sys::enable_indexscan,
            }
        }
    }

    fn set(self) {
        // SAFETY: as above.
        unsafe {
            pg_sys::enable_seqscan = self.sequential;
            pg_sys::enable_bitmapscan = self.bitmap;
            pg_sys::enable_indexscan = self.index;
        }
    }
}
