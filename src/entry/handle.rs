//! `dynamo.handle` and `dynamo.handle_batch`, for a server in front: failures of the API are answers.

use super::boundary::{Answer, CALL_CONVENTION, enter, export};
use super::datum::{Columns, Row, VarlenaArray, materialize};
use crate::op::requests::{self, Arrived};
use crate::op::{self, Caller, Reply, Session};
use crate::storage::leftovers;
use crate::storage::pg_error::with_cleanup;
use crate::storage::role::Actor;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;
use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::CStr;

thread_local! {
    /// Place of the request that is running in the innermost call of `handle_batch`.
    static RUNNING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What a request is answered with.
struct Answered(Result<Reply>);

impl Columns<4> for Answered {
    /// HTTP status, error type (NULL on success), body, and capacity units consumed.
    fn into_columns(self) -> [Option<pg_sys::Datum>; 4] {
        let (status, error_type, body, units) = match self.0 {
            Ok(Reply { json, consumed }) => (200, None, json, consumed.total()),
            Err(error) => (
                error.kind.http_status(),
                Some(error.kind.name()),
                error.body(),
                error.consumed,
            ),
        };
        [
            i32::from(status).into_datum(),
            error_type.and_then(IntoDatum::into_datum),
            body.as_bytes().into_datum(),
            units.as_f64().into_datum(),
        ]
    }
}

fn execute_named(operation: &str, body: &[u8]) -> Result<Reply> {
    let operation = Operation::implemented(operation)?;
    let body = std::str::from_utf8(body).map_err(|_| ApiError::serialization(""))?;
    op::execute(&Session::new(Caller::Wire), operation, body)
}

fn handle(operation: &str, body: &[u8]) -> Row {
    let columns = Answered(execute_named(operation, body)).into_columns();
    Row(columns.into_iter().take(3).collect())
}

/// The answers of one call, in the order of its requests.
struct Answers(Vec<Answered>);

impl Answer for Answers {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { materialize(self.0, fcinfo) };
        None
    }
}

fn handle_batch(
    operations: Option<VarlenaArray>,
    bodies: Option<VarlenaArray>,
    run_as: Option<&CStr>,
) -> Answers {
    let arrived = arrived(operations, bodies);
    let requests: Vec<Arrived<'_>> = arrived.iter().map(|(o, b)| (o.as_ref(), *b)).collect();
    let actor = Actor::enter(run_as, requests.len());
    let session = Session::of_many(Caller::Wire);
    let answers = requests::run(&session, &requests, &|place| {
        RUNNING.set(Some(place));
        actor.next_request();
    });
    RUNNING.set(None);
    actor.leave();
    Answers(answers.into_iter().map(Answered).collect())
}

/// The arguments as pairs.
fn arrived(
    operations: Option<VarlenaArray>,
    bodies: Option<VarlenaArray>,
) -> Vec<(Cow<'static, str>, &'static [u8])> {
    let (Some(operations), Some(bodies)) = (operations, bodies) else {
        refuse("operations and bodies must not be null");
    };
    if operations.0.len() != bodies.0.len() {
        refuse("operations and bodies must have the same number of elements");
    }
    let pairs = operations.0.into_iter().zip(bodies.0);
    pairs
        .map(|pair| match pair {
            (Some(operation), Some(body)) => (String::from_utf8_lossy(operation), body),
            _ => refuse("operations and bodies must not contain nulls"),
        })
        .collect()
}

/// Arguments that do not fit together.
fn refuse(message: &'static str) -> ! {
    ereport!(
        ERROR,
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        message
    );
}

/// Says in an ERROR which request of the call it came from, in fields that a driver hands on: internalquery is
/// `dynamo.handle_batch` and internalpos counts from 1. An ERROR that is no single request's has neither.
unsafe extern "C-unwind" fn handle_batch_marking_errors(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    let outer = RUNNING.replace(None);
    let guarding = leftovers::guarding();
    // SAFETY: called by the function manager; sql/install declares matching types. Neither closure owns anything. When
    // a request is still running at the end, an ERROR is on its way and lies on top of Postgres's stack of them.
    unsafe {
        with_cleanup(
            || enter(fcinfo, handle_batch),
            || {
                leftovers::end(guarding);
                if let Some(place) = RUNNING.replace(outer) {
                    pg_sys::internalerrquery(c"dynamo.handle_batch".as_ptr());
                    pg_sys::internalerrposition(i32::try_from(place + 1).unwrap_or(i32::MAX));
                }
            },
        )
    }
}

const _: () = {
    #[unsafe(export_name = "pg_finfo_pg_dynamo_handle_batch")]
    extern "C" fn info() -> &'static pg_sys::Pg_finfo_record {
        &CALL_CONVENTION
    }

    #[unsafe(export_name = "pg_dynamo_handle_batch")]
    unsafe extern "C-unwind" fn call(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
        // SAFETY: as above.
        unsafe { handle_batch_marking_errors(fcinfo) }
    }
};

export!(handle);
