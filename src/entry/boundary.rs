//! Where SQL calls Rust: arguments in, result or ERROR out.
//!
//! [`export!`] makes a Rust function callable from SQL under the symbol `pg_dynamo_<name>`; its SQL
//! declaration stands in sql/install. It exists beside pgrx's `#[pg_extern]` because that reports errors
//! through an enum of SQLSTATEs: a class of our own (DY) and whatever a user's trigger raised would
//! come out as XX000 (see `storage::pg_error`).

use super::report::Raised;
use crate::storage::pg_error::{PgError, raw};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A value that can be taken from an argument.
pub trait Argument {
    /// # Safety
    /// The argument's SQL type is the one this type reads.
    unsafe fn from_argument(datum: pg_sys::NullableDatum) -> Self;
}

impl<T: FromDatum> Argument for Option<T> {
    unsafe fn from_argument(datum: pg_sys::NullableDatum) -> Self {
        // SAFETY: forwarded from the caller.
        unsafe { T::from_datum(datum.value, datum.isnull) }
    }
}

macro_rules! arguments {
    ($($type:ty),+ $(,)?) => {$(
        impl Argument for $type {
            unsafe fn from_argument(datum: pg_sys::NullableDatum) -> Self {
                // SAFETY: forwarded from the caller.
                unsafe { Option::<$type>::from_argument(datum) }.unwrap_or_else(|| error!("unexpected NULL argument"))
            }
        }
    )+};
}

arguments!(
    i32,
    i64,
    bool,
    &str,
    &[u8],
    &CStr,
    Vec<Option<String>>,
    pgrx::Internal,
    super::datum::Raw,
    super::datum::Detoasted,
    super::datum::VarlenaArray,
    crate::storage::detoast::ItemDatum,
);

/// A value that can be given back; None is NULL.
pub trait Answer {
    /// # Safety
    /// `fcinfo` is the running call, of a function declared with this type of result.
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum>;
}

impl<T: Answer> Answer for Option<T> {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        self.and_then(|answer| unsafe { answer.give(fcinfo) })
    }
}

impl Answer for super::datum::Raw {
    unsafe fn give(self, _: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        Some(self.0)
    }
}

impl Answer for super::datum::Row {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { self.into_record(fcinfo) }
    }
}

/// void
impl Answer for () {
    unsafe fn give(self, _: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::null())
    }
}

impl Answer for super::datum::ItemSet {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { super::datum::materialize(self.0, fcinfo) };
        None
    }
}

macro_rules! answers {
    ($($type:ty),+ $(,)?) => {$(
        impl Answer for $type {
            unsafe fn give(self, _: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
                self.into_datum()
            }
        }
    )+};
}

answers!(i32, i64, bool, String, &'static str, Vec<u8>, CString);

/// A Rust function with up to ten arguments that SQL can call. `Arguments` only tells the arities apart.
pub trait Callable<Arguments> {
    /// # Safety
    /// `fcinfo` is the running call of a function declared with the types this function takes and returns.
    unsafe fn call(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum>;
}

macro_rules! callable {
    ($($type:ident $index:tt),+) => {
        impl<Function, Result, $($type),+> Callable<($($type,)+)> for Function
        where
            Function: FnOnce($($type),+) -> Result,
            Result: Answer,
            $($type: Argument),+
        {
            unsafe fn call(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
                // Input functions are called with more arguments than declared: type and modifier.
                const ARITY: usize = [$($index),+].len();
                // SAFETY: `args` has `nargs` entries, alive during the call.
                let arguments = unsafe {
                    std::slice::from_raw_parts((*fcinfo).args.as_ptr(), (*fcinfo).nargs as usize)
                };
                if arguments.len() < ARITY {
                    error!("this function takes {ARITY} arguments, its SQL declaration {}", arguments.len());
                }
                // SAFETY: the number was checked; the types are the caller's promise.
                unsafe { self($($type::from_argument(arguments[$index])),+).give(fcinfo) }
            }
        }
    };
}

/// A function without arguments.
impl<Function, Result> Callable<()> for Function
where
    Function: FnOnce() -> Result,
    Result: Answer,
{
    unsafe fn call(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { self().give(fcinfo) }
    }
}

callable!(A 0);
callable!(A 0, B 1);
callable!(A 0, B 1, C 2);
callable!(A 0, B 1, C 2, D 3);
callable!(A 0, B 1, C 2, D 3, E 4);
callable!(A 0, B 1, C 2, D 3, E 4, F 5);
callable!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
callable!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
callable!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
callable!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);

/// Calls `function` with the arguments of a SQL call.
///
/// # Safety
/// Called by Postgres's function manager for a function declared with matching types.
pub unsafe fn enter<Arguments>(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl Callable<Arguments>,
) -> pg_sys::Datum {
    // SAFETY: forwarded from the caller; this is the outermost Rust frame.
    unsafe {
        guarded(|| {
            let answer = function.call(fcinfo);
            (*fcinfo).isnull = answer.is_none();
            answer.unwrap_or(pg_sys::Datum::null())
        })
    }
}

/// How a guarded body ended, free of destructors, so that an ERROR may jump away from it.
#[derive(Clone, Copy)]
enum Ended<R: Copy> {
    Returned(R),
    /// An error of the API, to be reported from here.
    Raise(*mut pg_sys::ErrorData),
    /// A Postgres error that passed through, context and all.
    Rethrow(*mut pg_sys::ErrorData),
}

/// Runs `body`; whatever unwinds out of it becomes a Postgres ERROR after all its frames are gone.
///
/// # Safety
/// Only as the outermost Rust frame of a function that Postgres calls.
pub unsafe fn guarded<R: Copy>(body: impl FnOnce() -> R) -> R {
    // SAFETY: the outermost frame, by the caller's promise. pgrx's guard takes any other panic.
    let ended = unsafe {
        pg_sys::panic::pgrx_extern_c_guard(|| match catch_unwind(AssertUnwindSafe(body)) {
            Ok(result) => Ended::Returned(result),
            Err(payload) => match payload.downcast::<PgError>() {
                Ok(error) => Ended::Rethrow(error.0),
                Err(payload) => match payload.downcast::<Raised>() {
                    Ok(raised) => Ended::Raise(raised.into_error_data()),
                    Err(payload) => resume_unwind(payload),
                },
            },
        })
    };
    match ended {
        Ended::Returned(result) => result,
        // SAFETY: both take palloc'ed data and jump away; no destructor is pending in this frame.
        Ended::Raise(error) => unsafe { raw::ThrowErrorData(error) },
        // SAFETY: as above.
        Ended::Rethrow(error) => unsafe { raw::ReThrowError(error) },
    }
}

/// Version-1 calling convention.
pub static CALL_CONVENTION: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };

macro_rules! export {
    ($($function:ident),+ $(,)?) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("pg_finfo_pg_dynamo_", stringify!($function)))]
            extern "C" fn info() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
                &$crate::entry::boundary::CALL_CONVENTION
            }

            #[unsafe(export_name = concat!("pg_dynamo_", stringify!($function)))]
            unsafe extern "C-unwind" fn call(
                fcinfo: ::pgrx::pg_sys::FunctionCallInfo,
            ) -> ::pgrx::pg_sys::Datum {
                // SAFETY: called by the function manager; sql/install declares matching types.
                unsafe { $crate::entry::boundary::enter(fcinfo, $function) }
            }
        };
    )+};
}
pub(crate) use export;
