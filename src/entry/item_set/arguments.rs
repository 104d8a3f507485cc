//! What a call of `dynamo.query` or `dynamo.scan` asks for.

use crate::entry::item::item;
use crate::entry::named::{is_request, required};
use crate::entry::report::raise_with_hint;
use crate::op::{self, Caller, ItemSet, Session};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::request::{QueryRequest, ReadParts, ScanRequest};
use pg_dynamo_core::value::Item;
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;

/// The two functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Query,
    Scan,
}

/// The arguments as sql/install/item_sets.sql declares them, by the member of the API's request that each becomes.
const QUERY: &[&str] = &[
    "TableName",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "IndexName",
    "ScanIndexForward",
    "ExclusiveStartKey",
];
const SCAN: &[&str] = &[
    "TableName",
    "FilterExpression",
    "ProjectionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "IndexName",
    "Segment",
    "TotalSegments",
    "ExclusiveStartKey",
];

impl Function {
    fn members(self) -> &'static [&'static str] {
        match self {
            Function::Query => QUERY,
            Function::Scan => SCAN,
        }
    }

    /// How many arguments the function has.
    pub fn arity(self) -> usize {
        self.members().len()
    }

    /// Where the argument stands that becomes `member`.
    pub fn position(self, member: &str) -> Option<usize> {
        self.members().iter().position(|name| *name == member)
    }
}

/// The call's arguments by the members of the API's request that they become.
struct Given<'a> {
    function: Function,
    values: &'a [pg_sys::NullableDatum],
}

impl<'a> Given<'a> {
    /// None where it is NULL or the function has no such argument.
    ///
    /// # Safety
    /// The argument's SQL type is one that `T` reads, and lives as long as the values do.
    unsafe fn get<T: FromDatum>(&self, member: &str) -> Option<T> {
        let value = self.values.get(self.function.position(member)?)?;
        // SAFETY: by the caller.
        unsafe { T::from_datum(value.value, value.isnull) }
    }

    fn text(&self, member: &str) -> Option<&'a str> {
        // SAFETY: the members asked for as text are declared text or json.
        unsafe { self.get(member) }
    }

    fn item(&self, member: &str) -> Option<Item<'a>> {
        // SAFETY: the members asked for as items are declared dynamo.item.
        unsafe { self.get::<&[u8]>(member) }.map(item)
    }

    fn integer(&self, member: &str) -> Option<i64> {
        // SAFETY: the members asked for as integers are declared integer.
        unsafe { self.get::<i32>(member) }.map(i64::from)
    }

    fn boolean(&self, member: &str) -> Option<bool> {
        // SAFETY: the only member asked for as a boolean is declared so.
        unsafe { self.get(member) }
    }
}

/// Binds a call to its table, which is held for the rest of the transaction.
///
/// # Safety
/// `values` are the evaluated arguments of `function`, of the types it is declared with, alive during the call.
pub unsafe fn bind(function: Function, values: &[pg_sys::NullableDatum]) -> Result<ItemSet> {
    let given = Given { function, values };
    let table_name = required(given.text("TableName"), "TableName")?;
    check_table_name(function, table_name);
    let parts = ReadParts {
        table_name,
        index_name: given.text("IndexName"),
        key_condition_expression: given.text("KeyConditionExpression"),
        filter_expression: given.text("FilterExpression"),
        projection_expression: given.text("ProjectionExpression"),
        expression_attribute_names: given
            .text("ExpressionAttributeNames")
            .map(Json::parse)
            .transpose()?,
        expression_attribute_values: given.item("ExpressionAttributeValues"),
        exclusive_start_key: given.item("ExclusiveStartKey"),
        scan_index_forward: given.boolean("ScanIndexForward"),
        segment: given.integer("Segment"),
        total_segments: given.integer("TotalSegments"),
        ..ReadParts::default()
    };
    let session = Session::new(Caller::Sql);
    match function {
        Function::Query => {
            op::query::bind(&session, QueryRequest::from_parts(parts, &session.account)?)
        }
        Function::Scan => {
            op::scan::bind(&session, ScanRequest::from_parts(parts, &session.account)?)
        }
    }
}

/// `dynamo.scan('{…}')`: an untyped literal is text to Postgres, and a request was meant.
fn check_table_name(function: Function, text: &str) {
    if is_request(text) {
        let name = match function {
            Function::Query => "query",
            Function::Scan => "scan",
        };
        raise_with_hint(
            ApiError::validation(format!(
                "dynamo.{name}(table_name text, …) was given a request where the name of a table is expected"
            )),
            &format!("Cast the request to json: dynamo.{name}('{{…}}'::json)."),
        );
    }
}
