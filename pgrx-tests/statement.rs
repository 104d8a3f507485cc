//! What every suite does: run a statement, call an operation, look at an error.
//!
//! An ERROR that reaches Rust has lost its SQLSTATE (pgrx keeps only those it has a name for), so
//! failures are caught and taken apart by PL/pgSQL.

use pgrx::prelude::*;
use serde_json::{Value, json};

/// An ERROR as PL/pgSQL saw it.
#[derive(Debug)]
pub struct Failure {
    pub sqlstate: String,
    pub message: String,
    /// DETAIL, parsed where it is JSON.
    pub detail: Value,
    pub constraint: String,
}

/// One row of `dynamo.handle`.
#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub error_type: Option<String>,
    pub body: Value,
}

pub fn run(sql: &str) {
    Spi::run(sql).expect("statement");
}

/// First column of the first row as text; `$1` in `sql` is `argument`.
pub fn text_with(sql: &str, argument: &str) -> Option<String> {
    Spi::get_one_with_args::<String>(sql, &[argument.into()]).expect("statement")
}

pub fn text(sql: &str) -> Option<String> {
    Spi::get_one::<String>(sql).expect("statement")
}

pub fn truth(sql: &str) -> Option<bool> {
    Spi::get_one::<bool>(sql).expect("statement")
}

pub fn count(sql: &str) -> i64 {
    Spi::get_one::<i64>(sql).expect("statement").expect("a row")
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The request form of an operation, by the function's name: `call("put_item", …)`.
pub fn call(function: &str, request: &Value) -> Value {
    let sql = format!("SELECT dynamo.{function}($1::json)::text");
    parse(&text_with(&sql, &request.to_string()).expect("a reply"))
}

/// `dynamo.handle` by the operation's name in the API: `handle("PutItem", …)`.
pub fn handle(operation: &str, body: &[u8]) -> Answer {
    let row = Spi::get_three_with_args::<i32, String, Vec<u8>>(
        "SELECT status, error_type, reply FROM dynamo.handle($1, $2)",
        &[operation.into(), body.to_vec().into()],
    );
    let (status, error_type, reply) = row.expect("a row");
    let reply = String::from_utf8(reply.expect("a body")).expect("UTF-8");
    Answer {
        status: status.expect("a status"),
        error_type,
        body: parse(&reply),
    }
}

/// The ERROR that `statement` ends in; the transaction goes on. `$1` in `statement` is `argument`.
pub fn failure_with(statement: &str, argument: &str) -> Failure {
    run(
        r"CREATE OR REPLACE FUNCTION pg_temp.failure(statement text, argument text) RETURNS text
          LANGUAGE plpgsql AS $$
          DECLARE state text; message text; detail text; named text;
          BEGIN
              EXECUTE statement USING argument;
              RETURN NULL;
          EXCEPTION WHEN OTHERS THEN
              GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                  detail = PG_EXCEPTION_DETAIL, named = CONSTRAINT_NAME;
              RETURN pg_catalog.json_build_array(state, message, detail, named);
          END $$",
    );
    let found = Spi::get_one_with_args::<String>(
        "SELECT pg_temp.failure($1, $2)",
        &[statement.into(), argument.into()],
    )
    .expect("statement")
    .unwrap_or_else(|| panic!("no error: {statement} with {argument:.200}"));
    let found = parse(&found);
    let member = |index: usize| found[index].as_str().unwrap_or_default().to_owned();
    Failure {
        sqlstate: member(0),
        message: member(1),
        detail: serde_json::from_str(&member(2)).unwrap_or_else(|_| json!(member(2))),
        constraint: member(3),
    }
}

pub fn failure(statement: &str) -> Failure {
    failure_with(statement, "")
}

/// The ERROR of an operation's request form.
pub fn refusal(function: &str, request: &Value) -> Failure {
    let statement = format!("SELECT dynamo.{function}($1::json)");
    failure_with(&statement, &request.to_string())
}

/// `put_item` -> `PutItem`.
pub fn operation_of(function: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    function.split('_').map(capital).collect()
}

/// Checks that `request` is refused with `message` by both entry points: as an ERROR with SQLSTATE
/// `sqlstate` and as a row naming `error_type`.
pub fn expect_refusal(function: &str, request: &Value, kind: (&str, &str), message: &str) {
    let (sqlstate, error_type) = kind;
    let failure = refusal(function, request);
    assert_eq!(
        (failure.sqlstate.as_str(), failure.message.as_str()),
        (sqlstate, message),
        "{request:.300}"
    );
    let answer = handle(&operation_of(function), request.to_string().as_bytes());
    assert_eq!(
        (answer.status, answer.error_type.as_deref()),
        (400, Some(error_type))
    );
    let told = answer.body.get("message").or(answer.body.get("Message"));
    assert_eq!(told, Some(&json!(message)), "{request:.300}");
    let kind = answer.body["__type"].as_str().expect("__type");
    assert!(kind.ends_with(&format!("#{error_type}")), "{kind}");
}

pub const VALIDATION: (&str, &str) = ("DY001", "ValidationException");
pub const NOT_FOUND: (&str, &str) = ("DY003", "ResourceNotFoundException");
pub const IN_USE: (&str, &str) = ("DY004", "ResourceInUseException");
pub const CONDITION_FAILED: (&str, &str) = ("DY005", "ConditionalCheckFailedException");

/// A table with partition key `id` (S), a name of its own per test: tests run side by side.
pub fn simple_table(name: &str) {
    run(&format!(
        "SELECT dynamo.create_table('{name}', partition_key => 'id')"
    ));
}

/// A table with partition key `Artist` and sort key `SongTitle`, both S.
pub fn music_table(name: &str) {
    run(&format!(
        "SELECT dynamo.create_table('{name}', partition_key => 'Artist', sort_key => 'SongTitle')"
    ));
}

/// Puts `item` by the request form.
pub fn put(table: &str, item: &Value) {
    call("put_item", &json!({"TableName": table, "Item": item}));
}

/// The item with key `key`, or null.
pub fn get(table: &str, key: &Value) -> Value {
    call("get_item", &json!({"TableName": table, "Key": key}))["Item"].clone()
}

/// `base` with the members of `more` added or replaced.
pub fn with(base: &Value, more: &Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in more.as_object().expect("an object") {
        merged[name] = value.clone();
    }
    merged
}
