//! One function per operation in the API's own JSON, and `dynamo.handle` for a server in front.

use super::boundary::export;
use super::datum::Row;
use super::report::OrRaise;
use crate::op::{self, Caller, Session};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;

/// Runs one operation for a SQL statement; failures are raised.
pub fn run(operation: Operation, request: &str) -> String {
    op::execute(&Session::new(Caller::Sql), operation, request).or_raise()
}

macro_rules! request_forms {
    ($($function:ident => $operation:ident),+ $(,)?) => {$(
                fn $function(request: &str) -> String {
            run(Operation::$operation, request)
        }
        export!($function);
    )+};
}

request_forms! {
    put_item => PutItem,
    get_item => GetItem,
    update_item => UpdateItem,
    delete_item => DeleteItem,
    query => Query,
    scan => Scan,
    batch_get_item => BatchGetItem,
    batch_write_item => BatchWriteItem,
    create_table => CreateTable,
    describe_limits => DescribeLimits,
    describe_table => DescribeTable,
    list_tables => ListTables,
    update_table => UpdateTable,
    delete_table => DeleteTable,
}

fn execute_named(operation: &str, body: &[u8]) -> Result<String> {
    let operation = Operation::implemented(operation)?;
    let body = std::str::from_utf8(body).map_err(|_| ApiError::serialization(""))?;
    op::execute(&Session::new(Caller::Wire), operation, body)
}

/// Status, error type (NULL on success) and body of the answer to one request.
fn answer(operation: &str, body: &[u8]) -> (i32, Option<&'static str>, Vec<u8>) {
    match execute_named(operation, body) {
        Ok(reply) => (200, None, reply.into_bytes()),
        Err(error) => (
            i32::from(error.kind.http_status()),
            Some(error.kind.name()),
            error.body().into_bytes(),
        ),
    }
}

fn handle(operation: &str, body: &[u8]) -> Row {
    let (status, error_type, reply) = answer(operation, body);
    Row(vec![
        status.into_datum(),
        error_type.and_then(IntoDatum::into_datum),
        reply.into_datum(),
    ])
}

fn resume_index_builds(retry_failed: bool) -> i64 {
    crate::worker::resume(retry_failed)
}

/// `operation` by its name in the API or in SQL.
fn explain(operation: &str, request: &str) -> String {
    let found = Operation::ALL
        .iter()
        .find(|known| known.name() == operation || known.sql_name() == operation);
    let session = Session::new(Caller::Sql);
    found
        .ok_or_else(ApiError::unknown_operation)
        .and_then(|operation| op::explain::run(&session, *operation, request))
        .or_raise()
}

export!(handle, resume_index_builds, explain);
