//! One recipe per operation: validate (core), open the table, read or write, answer.

mod batch_execute_statement;
pub mod batch_get_item;
pub mod batch_write_item;
mod condition_check;
mod continuous_backups;
mod contributor_insights;
mod create_backup;
mod create_table;
mod delete_backup;
pub mod delete_item;
mod delete_table;
mod describe_backup;
mod describe_endpoints;
mod describe_limits;
mod describe_stream;
mod describe_table;
mod describe_time_to_live;
pub mod execute_statement;
mod execute_transaction;
pub mod expire;
pub mod explain;
pub mod get_item;
mod get_records;
mod get_shard_iterator;
mod item_set;
mod list_backups;
mod list_streams;
mod list_tables;
mod meter;
mod page;
pub mod put_item;
pub mod query;
mod redefine;
mod request;
pub mod requests;
mod resource_policy;
mod restore;
pub mod scan;
pub mod stream_records;
mod tags;
mod traffic;
mod transact_get_items;
pub mod transact_write_items;
mod unsupported;
pub mod update_item;
mod update_table;
mod update_time_to_live;
mod write;

pub use item_set::{ItemSet, Shown};
use meter::Touched;
pub use meter::metered;

use crate::storage::catalog::{self, Hold, Privilege, Table};
use crate::storage::policy;
use pg_dynamo_core::apply::WriteKind;
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::operation::{Access, Operation};
use pg_dynamo_core::request::{StatementKind, StatementRequest};
use pg_dynamo_core::table::Account;
use pg_dynamo_core::{ApiError, Result};
use request::Request;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// What IAM calls the right to run a SELECT.
const SELECT: &str = "PartiQLSelect";

/// How the caller wants a lack of privileges told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A SQL statement: Postgres raises its own permission error.
    Sql,
    /// A server in front: privileges are checked before executing, AccessDeniedException answers.
    Wire,
}

/// Tables that were opened, with the operation whose privileges were checked.
type Opened = RefCell<Vec<(Operation, Rc<Table>)>>;

/// What a recipe needs besides its request.
pub struct Session {
    pub caller: Caller,
    pub account: Rc<Account>,
    /// What requests of one call share. None: the session is one request's.
    opened: Option<Opened>,
    /// What the running request has opened.
    touched: Cell<Touched>,
}

impl Session {
    pub fn new(caller: Caller) -> Session {
        Session {
            caller,
            account: crate::guc::account(),
            opened: None,
            touched: Cell::default(),
        }
    }

    /// For several requests, one after the other.
    pub fn of_many(caller: Caller) -> Session {
        Session {
            opened: Some(RefCell::default()),
            ..Session::new(caller)
        }
    }

    /// The table of an item operation, held for the rest of the transaction.
    fn table(&self, operation: Operation, name: &str) -> Result<Rc<Table>> {
        if let Some(table) = self.opened(operation, name) {
            self.touch(&table);
            return Ok(table);
        }
        let (hold, needed) = needed_by(operation);
        let table = self.table_with(operation, name, hold, needed)?;
        if let Some(opened) = &self.opened {
            opened.borrow_mut().push((operation, Rc::clone(&table)));
        }
        Ok(table)
    }

    /// The table of a PartiQL statement, with the rights of the operation that the statement stands for. Which one a
    /// SELECT stands for is not known yet: see [`Session::check_select`].
    fn statement_table(&self, statement: &StatementRequest) -> Result<Rc<Table>> {
        let (operation, action) = match statement.kind() {
            StatementKind::Select => (None, SELECT),
            StatementKind::Exists => (Some(Operation::GetItem), SELECT),
            StatementKind::Insert => (Some(Operation::PutItem), "PartiQLInsert"),
            StatementKind::Update => (Some(Operation::UpdateItem), "PartiQLUpdate"),
            StatementKind::Delete => (Some(Operation::DeleteItem), "PartiQLDelete"),
        };
        let (hold, needed) = needed_by(operation.unwrap_or(Operation::GetItem));
        self.table_for(operation, action, &statement.table().name, hold, needed)
    }

    /// Whether the table's policy lets the role read what a SELECT reads.
    fn check_select(&self, table: &Table, operation: Operation) -> Result<()> {
        if self.caller == Caller::Wire && !policy::permits(table, operation, &[Privilege::Select]) {
            let name = &table.definition.name;
            return Err(ApiError::access_denied(self.not_authorized(SELECT, name)));
        }
        Ok(())
    }

    /// What an earlier request of the same call opened for the same operation, unless it has changed since.
    fn opened(&self, operation: Operation, name: &str) -> Option<Rc<Table>> {
        let opened = self.opened.as_ref()?.borrow();
        let found = opened.iter().find(|(of, table)| {
            *of == operation && table.is_current() && table.definition.name == name
        });
        found.map(|(_, table)| Rc::clone(table))
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

    /// A table of a transaction, to which its actions do what `kinds` say.
    fn table_to_transact(&self, name: &str, kinds: &BTreeSet<WriteKind>) -> Result<Rc<Table>> {
        let mut opened = Err(ApiError::internal("a table without an action"));
        for kind in kinds {
            let (operation, needed): (_, &[Privilege]) = match kind {
                WriteKind::Put => (Operation::PutItem, &[Privilege::Insert, Privilege::Update]),
                WriteKind::Update => (Operation::UpdateItem, &[Privilege::Update]),
                WriteKind::Delete => (Operation::DeleteItem, &[Privilege::Delete]),
                // It holds the row, as SELECT FOR SHARE does.
                WriteKind::Check => (Operation::TransactWriteItems, &[Privilege::Update]),
            };
            let needed = [&[Privilege::Select], needed].concat();
            opened = Ok(self.table_with(operation, name, Hold::Write, &needed)?);
        }
        opened
    }

    fn table_with(
        &self,
        operation: Operation,
        name: &str,
        hold: Hold,
        needed: &[Privilege],
    ) -> Result<Rc<Table>> {
        self.table_for(Some(operation), operation.name(), name, hold, needed)
    }

    /// `operation`: the one that the table's policy is asked about. `action`: as IAM names it, for who has no right to it.
    fn table_for(
        &self,
        operation: Option<Operation>,
        action: &str,
        name: &str,
        hold: Hold,
        needed: &[Privilege],
    ) -> Result<Rc<Table>> {
        let table = catalog::open(name, hold)?.ok_or_else(ApiError::no_such_table_for_item)?;
        self.touch(&table);
        // A table without its items is none yet. Nor is, for clients, one whose stream would miss what they write: they
        // wait until it is ACTIVE. In SQL it may have been made in this very transaction.
        let incomplete =
            self.caller == Caller::Wire && table.definition.waits_for_its_first_stream();
        if table.definition.is_being_created() || incomplete {
            return Err(ApiError::no_such_table_for_item());
        }
        // In SQL a role may read and write the table itself: there its privileges alone decide.
        let permitted = || match operation {
            Some(operation) => policy::permits(&table, operation, needed),
            None => true,
        };
        if self.caller == Caller::Wire
            && !(catalog::has_privileges(table.relid, needed) && permitted())
        {
            return Err(ApiError::access_denied(self.not_authorized(action, name)));
        }
        Ok(table)
    }

    /// The running request is about this table.
    fn touch(&self, table: &Table) {
        self.touched
            .set(self.touched.get().and(table.relid.to_u32()));
    }

    /// A lack of rights, as each kind of caller expects to read it.
    fn access_denied(&self, operation: Operation, name: &str) -> ApiError {
        let message = match (self.caller, operation) {
            (Caller::Sql, Operation::CreateTable) => {
                format!("permission denied for schema {}", catalog::DATA_SCHEMA)
            }
            (Caller::Sql, other) if other.access() == Access::Define => {
                format!("must be owner of table {name}")
            }
            (Caller::Sql, _) => format!("permission denied for table {name}"),
            (Caller::Wire, _) => self.not_authorized(operation.name(), name),
        };
        ApiError::access_denied(message)
    }

    fn not_authorized(&self, action: &str, name: &str) -> String {
        format!(
            "User: {} is not authorized to perform: dynamodb:{action} on resource: {}",
            catalog::current_role(),
            self.account.table_arn(name),
        )
    }
}

/// How an item operation holds its table, and which rights it takes.
fn needed_by(operation: Operation) -> (Hold, &'static [Privilege]) {
    match operation {
        Operation::PutItem => (
            Hold::Write,
            &[Privilege::Insert, Privilege::Update, Privilege::Select],
        ),
        Operation::UpdateItem => (Hold::Write, &[Privilege::Update, Privilege::Select]),
        Operation::DeleteItem => (Hold::Write, &[Privilege::Delete, Privilege::Select]),
        _ => (Hold::Share, &[Privilege::Select]),
    }
}

/// The answer to a request.
pub struct Reply {
    /// In the API's JSON.
    pub json: String,
    pub consumed: Consumed,
}

impl Reply {
    /// Of a request that consumes no capacity.
    fn free(json: String) -> Reply {
        let consumed = Consumed::default();
        Reply { json, consumed }
    }
}

/// Executes `operation` on the API's JSON and answers with the API's JSON.
pub fn execute(session: &Session, operation: Operation, body: &str) -> Result<Reply> {
    metered(session, operation, || {
        let reply = Request::parse(session, operation, body)?.run(session)?;
        let consumed = reply.consumed;
        Ok((reply, consumed))
    })
}
