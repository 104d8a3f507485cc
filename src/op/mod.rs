//! One recipe per operation: validate (core), open the table, read or write, answer.

pub mod batch_get_item;
pub mod batch_write_item;
mod create_table;
pub mod delete_item;
mod delete_table;
mod describe_limits;
mod describe_table;
pub mod explain;
pub mod get_item;
mod item_set;
mod list_tables;
mod page;
pub mod put_item;
pub mod query;
pub mod scan;
pub mod update_item;
mod update_table;
mod write;

pub use item_set::{ItemSet, Shown};

use crate::storage::catalog::{self, Hold, Privilege, Table};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    BatchGetItemRequest, BatchWriteItemRequest, CreateTableRequest, DeleteItemRequest,
    DeleteTableRequest, DescribeTableRequest, GetItemRequest, ListTablesRequest, PutItemRequest,
    QueryRequest, ScanRequest, UpdateItemRequest, UpdateTableRequest,
};
use pg_dynamo_core::table::Account;
use pg_dynamo_core::{ApiError, Result, limits};
use std::rc::Rc;

/// How the caller wants a lack of privileges told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A SQL statement: Postgres raises its own permission error.
    Sql,
    /// A server in front: privileges are checked before executing, AccessDeniedException answers.
    Wire,
}

/// What a recipe needs besides its request.
pub struct Session {
    pub caller: Caller,
    pub account: Rc<Account>,
}

impl Session {
    pub fn new(caller: Caller) -> Session {
        Session {
            caller,
            account: crate::guc::account(),
        }
    }

    /// The table of an item operation, held for the rest of the transaction.
    fn table(&self, operation: Operation, name: &str) -> Result<Rc<Table>> {
        let (hold, needed): (_, &[Privilege]) = match operation {
            Operation::PutItem => (
                Hold::Write,
                &[Privilege::Insert, Privilege::Update, Privilege::Select],
            ),
            Operation::UpdateItem => (Hold::Write, &[Privilege::Update, Privilege::Select]),
            Operation::DeleteItem => (Hold::Write, &[Privilege::Delete, Privilege::Select]),
            _ => (Hold::Share, &[Privilege::Select]),
        };
        self.table_with(operation, name, hold, needed)
    }

    /// A table that BatchWriteItem puts items into, deletes items of, or both.
    fn table_to_batch_write(&self, name: &str, puts: bool, deletes: bool) -> Result<Rc<Table>> {
        let needed = [
            (true, Privilege::Select),
            (puts, Privilege::Insert),
            (puts, Privilege::Update),
            (deletes, Privilege::Delete),
        ];
        let needed: Vec<_> = needed.into_iter().filter(|n| n.0).map(|n| n.1).collect();
        self.table_with(Operation::BatchWriteItem, name, Hold::Write, &needed)
    }

    fn table_with(
        &self,
        operation: Operation,
        name: &str,
        hold: Hold,
        needed: &[Privilege],
    ) -> Result<Rc<Table>> {
        let table = catalog::open(name, hold)?.ok_or_else(ApiError::no_such_table_for_item)?;
        if self.caller == Caller::Wire && !catalog::has_privileges(table.relid, needed) {
            return Err(self.access_denied(operation, name));
        }
        Ok(table)
    }

    /// A lack of rights, as each kind of caller expects to read it.
    fn access_denied(&self, operation: Operation, name: &str) -> ApiError {
        let message = match (self.caller, operation) {
            (Caller::Sql, Operation::CreateTable) => {
                format!("permission denied for schema {}", catalog::DATA_SCHEMA)
            }
            (Caller::Sql, Operation::UpdateTable | Operation::DeleteTable) => {
                format!("must be owner of table {name}")
            }
            (Caller::Sql, _) => format!("permission denied for table {name}"),
            (Caller::Wire, _) => format!(
                "User: {} is not authorized to perform: dynamodb:{} on resource: {}",
                catalog::current_role(),
                operation.name(),
                self.account.table_arn(name),
            ),
        };
        ApiError::access_denied(message)
    }
}

/// Executes `operation` on the API's JSON and answers with the API's JSON.
pub fn execute(session: &Session, operation: Operation, body: &str) -> Result<String> {
    if body.len() > limits::MAX_REQUEST {
        return Err(ApiError::request_entity_too_large(""));
    }
    let body = Json::parse(body)?;
    let account = &session.account;
    match operation {
        Operation::PutItem => put_item::run(session, PutItemRequest::parse(&body, account)?),
        Operation::GetItem => get_item::run(session, GetItemRequest::parse(&body, account)?),
        Operation::UpdateItem => {
            update_item::run(session, UpdateItemRequest::parse(&body, account)?)
        }
        Operation::DeleteItem => {
            delete_item::run(session, DeleteItemRequest::parse(&body, account)?)
        }
        Operation::Query => query::run(session, QueryRequest::parse(&body, account)?),
        Operation::Scan => scan::run(session, ScanRequest::parse(&body, account)?),
        Operation::BatchGetItem => {
            batch_get_item::run(session, BatchGetItemRequest::parse(&body, account)?)
        }
        Operation::BatchWriteItem => {
            batch_write_item::run(session, BatchWriteItemRequest::parse(&body, account)?)
        }
        Operation::CreateTable => {
            create_table::run(session, CreateTableRequest::parse(&body, account)?)
        }
        Operation::DescribeTable => {
            describe_table::run(session, DescribeTableRequest::parse(&body, account)?)
        }
        Operation::DescribeLimits => describe_limits::run(&body),
        Operation::ListTables => list_tables::run(ListTablesRequest::parse(&body)?),
        Operation::UpdateTable => {
            update_table::run(session, UpdateTableRequest::parse(&body, account)?)
        }
        Operation::DeleteTable => {
            delete_table::run(session, DeleteTableRequest::parse(&body, account)?)
        }
        _ => Err(ApiError::unknown_operation()),
    }
}
