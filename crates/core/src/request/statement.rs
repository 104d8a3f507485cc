//! A PartiQL statement with its parameters, as all three operations take it.
use super::options::{ReturnCapacity, Show};
use super::reading::ReadOptions;
use super::shape::{Member, Shape, list, one_of, optional, required, text};
use super::transact_write_items::Action;
use super::{ConditionCheckRequest, GetItemRequest, PutItemRequest, fields};
use crate::apply::Write;
use crate::expression::Update as Changes;
use crate::expression::ast::Logic;
use crate::expression::test::Test;
use crate::json::Json;
use crate::partiql::ast::Statement;
use crate::partiql::{self, Binding, Bound, Columns, KeyRule, SelectOptions, SelectPlan};
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::AvBuf;
use crate::value::json::read_checked_value;
use crate::{ApiError, Result, limits};
use std::rc::Rc;

pub(super) const STATEMENT: Member = required("Statement", &text(1, limits::MAX_STATEMENT));
pub(super) const PARAMETERS: Member =
    optional("Parameters", &list(&Shape::AttributeValue, 1, usize::MAX));
pub(super) const ON_FAILURE: Member = optional(
    "ReturnValuesOnConditionCheckFailure",
    &one_of(&["ALL_OLD", "NONE"]),
);
pub(super) const TOKEN: Member = optional("NextToken", &text(1, 32_768));

/// What a statement does, and so which rights it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    /// `EXISTS(SELECT …)`
    Exists,
}

/// A statement of which all is checked that can be checked without its table.
#[derive(Debug)]
pub struct StatementRequest {
    statement: Rc<Statement>,
    table: TableRef,
    work: Work,
    binding: Binding,
    consistent: bool,
    show: Show,
}

#[derive(Debug)]
enum Work {
    /// SELECT, DELETE, EXISTS.
    Condition(Option<Logic<Test>>),
    Insert(PutItemRequest),
    Update(Changes, Option<Logic<Test>>),
}

/// `Parameters` of a statement whose shape was checked. Err: ValidationException for a value that is none.
pub(super) fn parameters(request: &Json<'_>) -> Result<Vec<AvBuf>> {
    let parameters = fields::list(request, "Parameters").iter();
    parameters
        .map(|value| Ok(read_checked_value(value)?.encode()))
        .collect()
}

impl StatementRequest {
    /// From an object with the members above, whose shape was checked. Parameters are looked at before the statement.
    pub(super) fn parse(
        request: &Json<'_>,
        capacity: ReturnCapacity,
        account: &Account,
    ) -> Result<StatementRequest> {
        Self::with(request, &parameters(request)?, capacity, account)
    }

    /// The same with the parameters that were read of it.
    pub(super) fn with(
        request: &Json<'_>,
        parameters: &[AvBuf],
        capacity: ReturnCapacity,
        account: &Account,
    ) -> Result<StatementRequest> {
        let text = fields::string(request, "Statement").unwrap_or_default();
        let show = Show {
            capacity,
            metrics: false,
            ..Show::of(request)
        };
        let consistent = fields::boolean(request, "ConsistentRead").unwrap_or(false);
        Self::new(text, parameters, consistent, show, account)
    }

    /// The same for a SQL caller.
    pub fn of_text(
        text: &str,
        parameters: &[AvBuf],
        account: &Account,
    ) -> Result<StatementRequest> {
        Self::new(text, parameters, false, Show::default(), account)
    }

    fn new(
        text: &str,
        parameters: &[AvBuf],
        consistent: bool,
        show: Show,
        account: &Account,
    ) -> Result<StatementRequest> {
        check_size(parameters)?;
        let statement = partiql::parse(text)?;
        let bound = Bound::new(parameters);
        let table = TableRef::parse(&statement.source().table, account)?;
        let condition = |expr: &Option<_>| expr.as_ref().map(|e| bound.condition(e)).transpose();
        let work = match &*statement {
            Statement::Select(select) | Statement::Exists(select) => {
                Work::Condition(condition(&select.condition)?)
            }
            Statement::Insert(insert) => Work::Insert(partiql::insert_request(
                insert,
                &bound,
                table.clone(),
                show,
            )?),
            Statement::Update(update) => {
                // Parameters stand in the text's order; so do the faults.
                let changes = bound.update(&update.changes)?;
                Work::Update(changes, condition(&update.condition)?)
            }
            Statement::Delete(delete) => Work::Condition(condition(&delete.condition)?),
        };
        Ok(StatementRequest {
            statement,
            table,
            work,
            binding: Binding::of(text, parameters),
            consistent,
            show,
        })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    pub fn kind(&self) -> StatementKind {
        match &*self.statement {
            Statement::Select(_) => StatementKind::Select,
            Statement::Insert(_) => StatementKind::Insert,
            Statement::Update(_) => StatementKind::Update,
            Statement::Delete(_) => StatementKind::Delete,
            Statement::Exists(_) => StatementKind::Exists,
        }
    }

    pub fn is_read(&self) -> bool {
        self.kind() == StatementKind::Select
    }

    /// Outside of a transaction EXISTS is no statement.
    pub(super) fn check_alone(&self) -> Result<()> {
        if self.kind() == StatementKind::Exists {
            return Err(ApiError::validation(
                "EXISTS can only be used in ExecuteTransaction write requests.",
            ));
        }
        Ok(())
    }

    /// A SELECT with the table's keys and indexes. `limit`, `token`: of ExecuteStatement.
    pub fn bind_select(
        self,
        table: &TableDefinition,
        read: ReadOptions,
        limit: Option<u64>,
        token: Option<String>,
    ) -> Result<SelectPlan> {
        let (Statement::Select(select) | Statement::Exists(select), Work::Condition(condition)) =
            (&*self.statement, self.work)
        else {
            return Err(ApiError::internal("a write read as a SELECT"));
        };
        let options = SelectOptions {
            table: self.table,
            consistent: self.consistent,
            capacity: self.show.capacity,
            limit,
            binding: self.binding,
            token,
            read,
        };
        SelectPlan::bind(select, condition, options, table)
    }

    /// A SELECT that may read one item by its key and nothing else; `operation` says where.
    pub fn bind_one_item(
        self,
        table: &TableDefinition,
        read: ReadOptions,
        operation: &str,
    ) -> Result<SelectPlan> {
        let plan = self.bind_select(table, read, None, None)?;
        if plan.one_item().is_some() {
            return Ok(plan);
        }
        Err(ApiError::validation(format!(
            "Select statements within {operation} must specify the primary key in the where clause."
        )))
    }

    /// A SELECT of a transaction: one item by its key, and nothing else.
    pub(super) fn into_get(self, table: &TableDefinition) -> Result<GetItemRequest> {
        let (Statement::Select(select), Work::Condition(condition)) =
            (&*self.statement, &self.work)
        else {
            return Err(ApiError::internal("a write read as a SELECT"));
        };
        if select.source.index.is_some() {
            return Err(ApiError::validation(
                "Reads on indices are not supported within transactions.",
            ));
        }
        if let Some(key) = partiql::only_key(condition.as_ref(), table)? {
            let columns = Columns::new(&select.columns);
            return Ok(GetItemRequest::of_statement(self.table, key, columns));
        }
        // What is wrong with it as a SELECT comes first.
        self.bind_one_item(table, ReadOptions::default(), "ExecuteTransaction")?;
        Err(ApiError::validation(
            "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
        ))
    }

    /// A write of a transaction. A key that is not whole is left to the transaction, which is cancelled for it.
    pub(super) fn into_action(self, table: &TableDefinition) -> Result<Action> {
        if self.statement.returning().is_some() {
            return Err(ApiError::validation(
                "RETURNING clause is not supported in ExecuteTransaction.",
            ));
        }
        let rule = KeyRule::Transaction;
        match (&*self.statement, self.work) {
            (Statement::Insert(_), Work::Insert(put)) => Ok(Action::Put(put)),
            (Statement::Update(update), Work::Update(changes, condition)) => {
                let named = (self.table, table);
                partiql::update_request(update, changes, condition, named, rule, self.show)
                    .map(Action::Update)
            }
            (Statement::Delete(delete), Work::Condition(condition)) => {
                let named = (self.table, table);
                partiql::delete_request(delete, condition, named, rule, self.show)
                    .map(Action::Delete)
            }
            (Statement::Exists(select), Work::Condition(condition)) => {
                let (key, condition) = partiql::exists_parts(select, condition, table)?;
                Ok(Action::ConditionCheck(ConditionCheckRequest::of_statement(
                    self.table, key, condition, self.show,
                )))
            }
            _ => Err(ApiError::internal("a SELECT bound as a write")),
        }
    }

    /// INSERT, UPDATE or DELETE with the table's keys.
    pub fn bind_write(self, table: &Rc<TableDefinition>) -> Result<Write> {
        let rule = KeyRule::Statement;
        match (&*self.statement, self.work) {
            (Statement::Insert(_), Work::Insert(put)) => put.bind(table),
            (Statement::Update(update), Work::Update(changes, condition)) => {
                let named = (self.table, &**table);
                partiql::update_request(update, changes, condition, named, rule, self.show)?
                    .bind(table)
            }
            (Statement::Delete(delete), Work::Condition(condition)) => {
                let named = (self.table, &**table);
                partiql::delete_request(delete, condition, named, rule, self.show)?.bind(table)
            }
            _ => Err(ApiError::internal("a SELECT bound as a write")),
        }
    }
}

fn check_size(parameters: &[AvBuf]) -> Result<()> {
    let total: usize = parameters.iter().map(|p| p.as_av().bytes().len()).sum();
    if total > limits::MAX_EXPRESSION_SUBSTITUTIONS {
        return Err(ApiError::validation(
            "The total size of the parameters has exceeded the maximum allowed size",
        ));
    }
    Ok(())
}
