//! An [`ApiError`] as a Postgres ERROR.

use pg_dynamo_core::{ApiError, ErrorKind, Result};
use pgrx::{PgLogLevel, pg_sys};
use std::ffi::CString;
use std::panic::resume_unwind;

/// An API error on its way to the boundary.
pub struct Raised {
    error: ApiError,
    /// Instead of the one that names the kind of error.
    hint: Option<String>,
}

impl Raised {
    /// SQLSTATE of class DY, DynamoDB's message, the error's further members as JSON in DETAIL.
    pub fn into_error_data(self) -> *mut pg_sys::ErrorData {
        let error = self.error;
        // Postgres's own code where Postgres has one: a role without rights gets what any statement gives it.
        let sqlstate = if error.kind == ErrorKind::AccessDenied {
            "42501"
        } else {
            error.kind.sqlstate()
        };
        let mut hint = self
            .hint
            .unwrap_or_else(|| format!("{} of the DynamoDB API.", error.kind.name()));
        if error.kind == ErrorKind::Serialization {
            hint.push_str(
                " Values are written like {\"S\":\"text\"}; dynamo.from_json() reads plain JSON.",
            );
        }
        // Some of the service's errors have no text.
        let message = if error.message.is_empty() {
            error.kind.name()
        } else {
            &error.message
        };
        // SAFETY: ErrorData is plain C data for which all zero bytes are valid; palloc0 gives such bytes.
        unsafe {
            let data = pg_sys::palloc0(size_of::<pg_sys::ErrorData>()).cast::<pg_sys::ErrorData>();
            (*data).elevel = PgLogLevel::ERROR as i32;
            (*data).sqlerrcode = pack_sqlstate(sqlstate);
            (*data).message = palloc_cstr(message);
            (*data).detail = error
                .detail()
                .map_or(std::ptr::null_mut(), |detail| palloc_cstr(&detail));
            (*data).hint = palloc_cstr(&hint);
            data
        }
    }
}

/// SQLSTATE characters packed six bits each, as `MAKE_SQLSTATE` in elog.h does.
fn pack_sqlstate(code: &str) -> i32 {
    code.bytes().take(5).enumerate().fold(0, |packed, (i, c)| {
        packed | (i32::from(c.wrapping_sub(b'0') & 0x3f) << (6 * i))
    })
}

/// Text for an error field: palloc'ed, NUL bytes (legal in DynamoDB strings, impossible in C's) shown as U+FFFD.
fn palloc_cstr(text: &str) -> *mut std::ffi::c_char {
    let text = if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    };
    let Ok(text) = CString::new(text) else {
        return std::ptr::null_mut();
    };
    // SAFETY: pstrdup copies a NUL-terminated string into the current memory context.
    unsafe { pg_sys::pstrdup(text.as_ptr()) }
}

/// Raises `error` as a Postgres ERROR: unwinds to the boundary, which reports it.
pub fn raise(error: ApiError) -> ! {
    resume_unwind(Box::new(Raised { error, hint: None }))
}

/// Raises `error` with advice of its own.
pub fn raise_with_hint(error: ApiError, hint: &str) -> ! {
    resume_unwind(Box::new(Raised {
        error,
        hint: Some(hint.to_owned()),
    }))
}

pub trait OrRaise<T> {
    /// The value, or the API error raised as a Postgres ERROR.
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => raise(error),
        }
    }
}
