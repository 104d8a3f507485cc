//! The Server Programming Interface with plans kept per backend.
//!
//! A Postgres ERROR raised inside any call here unwinds as a panic (`pg_error::catching`, pgrx's guards): destructors run,
//! `SPI_finish` does not, and Postgres itself drops the SPI level when it aborts the (sub)transaction.

use super::pg_error::{catching, raw};
use pgrx::{FromDatum, pg_sys};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;

thread_local! {
    /// Leaked on purpose: plans must not be freed by a thread-local destructor after Postgres has shut down.
    static KEPT: &'static RefCell<HashMap<String, &'static Plan>> = Box::leak(Box::default());
}

/// Runs `body` with SPI connected. Values that must outlive it are copied out by `body`.
pub fn connected<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: paired with SPI_finish below unless an ERROR unwinds, in which case abort cleans up.
    let status = unsafe { pg_sys::SPI_connect() };
    check(status, "SPI_connect");
    let result = body();
    // SAFETY: this level was connected above and every inner level has finished.
    check(unsafe { pg_sys::SPI_finish() }, "SPI_finish");
    result
}

fn check(status: i32, call: &str) {
    if status < 0 {
        pgrx::error!("{call} failed with status {status}");
    }
}

/// An argument of a statement, allocated in the memory context of the SPI level.
pub enum Arg<'a> {
    Int8(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Int8s(&'a [i64]),
    /// Values of this type, bytea or one of ours.
    Varlenas(pg_sys::Oid, &'a [&'a [u8]]),
}

impl Arg<'_> {
    fn datum(&self) -> pg_sys::Datum {
        match self {
            Arg::Int8(value) => pg_sys::Datum::from(*value),
            Arg::Bytes(bytes) => varlena(bytes),
            Arg::Text(text) => varlena(text.as_bytes()),
            Arg::Int8s(values) => array(
                pg_sys::INT8OID,
                values.iter().map(|v| (*v).into()).collect(),
            ),
            Arg::Varlenas(element, values) => {
                array(*element, values.iter().map(|v| varlena(v)).collect())
            }
        }
    }
}

fn array(element: pg_sys::Oid, mut values: Vec<pg_sys::Datum>) -> pg_sys::Datum {
    let (mut length, mut by_value, mut align) = (0, false, 0);
    // SAFETY: the element type exists and the values are of it; the array is a copy of them.
    unsafe {
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
        pg_sys::Datum::from(pg_sys::construct_array(
            values.as_mut_ptr(),
            values.len() as i32,
            element,
            length.into(),
            by_value,
            align,
        ))
    }
}

/// bytea, text, json and our own types share this layout.
pub fn varlena(bytes: &[u8]) -> pg_sys::Datum {
    pg_sys::Datum::from(pgrx::varlena::rust_byte_slice_to_bytea(bytes).into_pg())
}

/// A prepared statement that lives until it is dropped.
pub struct Plan(pg_sys::SPIPlanPtr);

impl Plan {
    /// `sql` holds identifiers quoted by us and parameters, never text from a user. Needs SPI connected.
    ///
    /// The plan is generic from the first execution on: no statement of ours gains from knowing values.
    pub fn prepare(sql: &str, types: &[pg_sys::Oid]) -> Plan {
        let sql = c_string(sql);
        let mut types = types.to_vec();
        let count = types.len() as i32;
        let generic = pg_sys::CURSOR_OPT_GENERIC_PLAN as i32;
        // SAFETY: the pointers are valid for the call; SPI copies what it keeps.
        let plan = unsafe {
            catching(|| raw::SPI_prepare_cursor(sql.as_ptr(), count, types.as_mut_ptr(), generic))
        };
        if plan.is_null() {
            pgrx::error!("SPI_prepare_cursor failed");
        }
        // SAFETY: `plan` was just prepared; keepplan moves it out of the SPI level.
        check(unsafe { pg_sys::SPI_keepplan(plan) }, "SPI_keepplan");
        Plan(plan)
    }

    /// The plan of a statement that a backend executes again and again: prepared when it is asked for first, and kept under
    /// the statement's text. Needs SPI connected.
    pub fn kept(sql: &str, types: &[pg_sys::Oid]) -> &'static Plan {
        let known = KEPT.with(|kept| kept.borrow().get(sql).copied());
        known.unwrap_or_else(|| {
            let plan: &'static Plan = Box::leak(Box::new(Plan::prepare(sql, types)));
            KEPT.with(|kept| kept.borrow_mut().insert(sql.to_owned(), plan));
            plan
        })
    }

    /// [`Plan::kept`] of a statement on a range of an index, whose order it asks for.
    pub fn kept_by_index(sql: &str, types: &[pg_sys::Oid]) -> &'static Plan {
        Plan::kept(&format!("{}{sql}", super::planner::BY_INDEX), types)
    }

    /// A statement on one row, to be planned by the primary key whatever the table's statistics say.
    pub fn prepare_by_key(sql: &str, types: &[pg_sys::Oid]) -> Plan {
        Plan::prepare(&format!("{}{sql}", super::planner::BY_KEY), types)
    }

    /// A statement on a range of an index, whose order it asks for.
    pub fn prepare_by_index(sql: &str, types: &[pg_sys::Oid]) -> Plan {
        Plan::prepare(&format!("{}{sql}", super::planner::BY_INDEX), types)
    }

    /// For calls that take the plan itself, while this value lives.
    pub fn pointer(&self) -> pg_sys::SPIPlanPtr {
        self.0
    }

    /// Executes and answers the number of rows. `read_only` uses the caller's snapshot; otherwise the
    /// statement sees everything committed, and everything this transaction wrote, before it starts.
    pub fn execute(&self, args: &[Arg<'_>], read_only: bool) -> u64 {
        super::leftovers::statement_runs();
        let mut values: Vec<pg_sys::Datum> = args.iter().map(Arg::datum).collect();
        // SAFETY: as many values as the plan has parameters, none null, of the types it was prepared with.
        unsafe {
            check(
                catching(|| {
                    raw::SPI_execute_plan(
                        self.0,
                        values.as_mut_ptr(),
                        std::ptr::null(),
                        read_only,
                        0,
                    )
                }),
                "SPI_execute_plan",
            );
            pg_sys::SPI_processed
        }
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: a kept plan, freed once; freeing neither opens nor needs an SPI level.
        unsafe { pg_sys::SPI_freeplan(self.0) };
    }
}

/// Executes a command without parameters (DDL). Needs SPI connected.
pub fn run(sql: &str) {
    super::leftovers::statement_runs();
    let sql = c_string(sql);
    // SAFETY: a NUL-terminated string, valid for the call.
    check(
        unsafe { catching(|| raw::SPI_execute(sql.as_ptr(), false, 0)) },
        "SPI_execute",
    );
}

fn c_string(sql: &str) -> CString {
    CString::new(sql).unwrap_or_else(|_| pgrx::error!("NUL byte in a statement"))
}

/// Column `column` (from 1) of row `row` (from 0) of the last result, valid until the SPI level finishes.
pub fn value(row: usize, column: i32) -> Option<pg_sys::Datum> {
    // SAFETY: `row` is below SPI_processed of the last statement, which returned rows; checked here.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() || row as u64 >= (*table).numvals {
            return None;
        }
        let mut is_null = false;
        let tuple = *(*table).vals.add(row);
        let datum = pg_sys::SPI_getbinval(tuple, (*table).tupdesc, column, &mut is_null);
        (!is_null).then_some(datum)
    }
}

/// A text, json or name-like varlena result as a string.
pub fn text_value(row: usize, column: i32) -> Option<String> {
    bytes_value(row, column).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// A bytea (or text, or json) result.
pub fn bytes_value(row: usize, column: i32) -> Option<Vec<u8>> {
    value(row, column).map(|datum| {
        // SAFETY: callers ask this of varlena columns only; the copy is taken before SPI finishes.
        unsafe {
            super::detoast::varlena_bytes(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()))
        }
        .to_vec()
    })
}

/// An int8[] result without nulls; empty when it is null.
pub fn int8s_value(row: usize, column: i32) -> Vec<i64> {
    // SAFETY: callers ask this of int8[] columns only; the copy is taken before SPI finishes.
    value(row, column)
        .and_then(|datum| unsafe { Vec::<i64>::from_datum(datum, false) })
        .unwrap_or_default()
}

/// A column of a pass-by-value integer type.
pub fn int_value(row: usize, column: i32) -> Option<i64> {
    value(row, column).map(|datum| datum.value() as i64)
}
