//! Statements on rows of given keys are always planned by the primary key, those that read a range by its index.
//!
//! A plan is made once per backend and table and then kept. Made while the table is small, it could well be a
//! sequential scan, and it would stay one while the table grows. A planner hook recognises our own statements
//! by the comment they begin with and takes the alternatives away while they are planned. (Settings around
//! the execution would reach the statements of users' triggers too.) A second hook tells the planner, for as long, that
//! the tables are large, whatever it may see of them: then no reading of a whole table, and no join that starts
//! with it, is ever the cheapest.

use super::pg_error::with_cleanup;
use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

/// What such a statement begins with.
pub const BY_KEY: &str = "/* pg_dynamo: by key */ ";
/// What a statement begins with that reads a range in the order of an index: nothing but that index gives the
/// order without a sort.
pub const BY_INDEX: &str = "/* pg_dynamo: by index */ ";

static NEXT: OnceLock<pg_sys::planner_hook_type> = OnceLock::new();

static NEXT_INFO: OnceLock<pg_sys::get_relation_info_hook_type> = OnceLock::new();

thread_local! {
    /// Whether a statement on given keys is being planned.
    static BY_KEY_NOW: Cell<bool> = const { Cell::new(false) };
}

pub fn register_hook() {
    // SAFETY: once per process, when the library is loaded; the hook found is called by ours.
    unsafe {
        if NEXT.set(pg_sys::planner_hook).is_ok() {
            pg_sys::planner_hook = Some(plan);
        }
        if NEXT_INFO.set(pg_sys::get_relation_info_hook).is_ok() {
            pg_sys::get_relation_info_hook = Some(describe);
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
        let is = |mark: &str| {
            !text.is_null() && CStr::from_ptr(text).to_bytes().starts_with(mark.as_bytes())
        };
        let ranged = is(BY_INDEX);
        if !ranged && !is(BY_KEY) {
            return plan_next(query, text, cursor_options, parameters);
        }
        let before = Paths::now();
        Paths {
            sequential: false,
            bitmap: false,
            index: true,
            sort: before.sort && !ranged,
            incremental_sort: before.incremental_sort && !ranged,
            nested_loop: true,
        }
        .set();
        let outer = BY_KEY_NOW.replace(!ranged);
        let planned = with_cleanup(
            || plan_next(query, text, cursor_options, parameters),
            || {
                before.set();
                BY_KEY_NOW.set(outer);
            },
        );
        // What the planner was told makes every plan look dear enough to be compiled, which takes a hundred
        // milliseconds at each execution.
        (*planned).jitFlags = pg_sys::PGJIT_NONE as c_int;
        planned
    }
}

/// # Safety
/// Called by Postgres when it has looked up what the planner should know of a relation. No value here has a
/// destructor.
unsafe extern "C-unwind" fn describe(
    root: *mut pg_sys::PlannerInfo,
    relid: pg_sys::Oid,
    inheritance_parent: bool,
    relation: *mut pg_sys::RelOptInfo,
) {
    const PAGES: u32 = 100_000_000;
    const ROWS: f64 = 1e9;
    // SAFETY: forwarded from Postgres; the relation is complete, and its list is of indexes.
    unsafe {
        if let Some(next) = NEXT_INFO.get().copied().flatten() {
            next(root, relid, inheritance_parent, relation);
        }
        if !BY_KEY_NOW.get() {
            return;
        }
        (*relation).pages = PAGES;
        (*relation).tuples = ROWS;
        let indexes = (*relation).indexlist;
        for at in 0..indexes.as_ref().map_or(0, |list| list.length) {
            let index = (*(*indexes).elements.offset(at as isize)).ptr_value;
            let index = index.cast::<pg_sys::IndexOptInfo>();
            (*index).pages = PAGES / 10;
            (*index).tuples = ROWS;
            (*index).tree_height = 4;
        }
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

/// The settings that let the planner choose how to reach a table, and to sort what it finds.
#[derive(Clone, Copy)]
struct Paths {
    sequential: bool,
    bitmap: bool,
    index: bool,
    sort: bool,
    incremental_sort: bool,
    nested_loop: bool,
}

impl Paths {
    fn now() -> Paths {
        // SAFETY: plain variables of this backend's only thread.
        unsafe {
            Paths {
                sequential: pg_sys::enable_seqscan,
                bitmap: pg_sys::enable_bitmapscan,
                index: pg_sys::enable_indexscan,
                sort: pg_sys::enable_sort,
                incremental_sort: pg_sys::enable_incremental_sort,
                nested_loop: pg_sys::enable_nestloop,
            }
        }
    }

    fn set(self) {
        // SAFETY: as above.
        unsafe {
            pg_sys::enable_seqscan = self.sequential;
            pg_sys::enable_bitmapscan = self.bitmap;
            pg_sys::enable_indexscan = self.index;
            pg_sys::enable_sort = self.sort;
            pg_sys::enable_incremental_sort = self.incremental_sort;
            pg_sys::enable_nestloop = self.nested_loop;
        }
    }
}
