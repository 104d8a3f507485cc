//! ExecuteTransaction: up to a hundred PartiQL statements, all reads (then they are TransactGetItems) or all writes and
//! EXISTS (TransactWriteItems).
use super::fields;
use super::item_shapes::RETURN_CONSUMED_CAPACITY;
use super::options::{self, ReturnCapacity};
use super::shape::{self, Shape, Structure, list, optional, required, text};
use super::statement::{self, StatementRequest};
use super::{TransactGetItemsRequest, TransactWriteItemsRequest};
use crate::json::Json;
use crate::operation::Operation;
use crate::table::{Account, TableDefinition};
use crate::transaction::{Reasons, Token};
use crate::{ApiError, Result, limits};

#[derive(Debug)]
pub struct ExecuteTransactionRequest {
    pub statements: Vec<StatementRequest>,
    token: Option<Token>,
    capacity: ReturnCapacity,
}

/// The transaction that the statements are.
#[derive(Debug)]
pub enum Transaction {
    Read(TransactGetItemsRequest),
    Write(TransactWriteItemsRequest),
}

const STATEMENT: Structure = Structure {
    class: "ParameterizedStatement",
    members: &[
        statement::STATEMENT,
        statement::PARAMETERS,
        statement::ON_FAILURE,
    ],
};
const EXECUTE_TRANSACTION: Structure = Structure {
    class: "ExecuteTransactionInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        required(
            "TransactStatements",
            &list(
                &Shape::Structure(&STATEMENT),
                1,
                limits::MAX_TRANSACTION_ACTIONS,
            ),
        ),
        optional("ClientRequestToken", &text(1, limits::MAX_CLIENT_TOKEN)),
    ],
};

/// A fault of the statement at `place`.
fn failed(place: usize) -> impl Fn(ApiError) -> ApiError {
    move |error| ApiError {
        message: format!(
            "Validation failed in TransactStatements[{place}]: {}",
            error.message
        ),
        ..error
    }
}

impl ExecuteTransactionRequest {
    /// Everything that can be said without the tables.
    /// Err: SerializationException or ValidationException. Parameters are looked at before any statement.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&EXECUTE_TRANSACTION, request)?;
        let members = fields::list(request, "TransactStatements");
        let parameters = members.iter().map(statement::parameters);
        let parameters = parameters.collect::<Result<Vec<_>>>()?;
        let capacity = options::capacity(request);
        let statements = members.iter().zip(&parameters).enumerate();
        let statements = statements.map(|(place, (member, parameters))| {
            StatementRequest::with(member, parameters, ReturnCapacity::None, account)
                .map_err(failed(place))
        });
        let statements = statements.collect::<Result<Vec<_>>>()?;
        let reads = statements.iter().filter(|s| s.is_read()).count();
        if reads != 0 && reads != statements.len() {
            return Err(ApiError::validation(
                "ExecuteTransaction API does not support both read and write operations in the same request.",
            ));
        }
        let token = fields::string(request, "ClientRequestToken");
        Ok(ExecuteTransactionRequest {
            statements,
            token: token.map(|token| Token::new(Operation::ExecuteTransaction, token, members)),
            capacity,
        })
    }

    /// With the definitions of the statements' tables, in their order; None: there is no such table.
    ///
    /// Err: ValidationException for the first statement that cannot stand in a transaction;
    /// TransactionCanceledException for tables that do not exist.
    pub fn bind(self, definitions: &[Option<&TableDefinition>]) -> Result<Transaction> {
        let (mut gets, mut actions) = (Vec::new(), Vec::new());
        let mut reasons = Reasons::default();
        for (place, (statement, table)) in self.statements.into_iter().zip(definitions).enumerate()
        {
            let Some(table) = table else {
                reasons.push(ApiError::no_such_table_for_item())?;
                continue;
            };
            reasons.push_none();
            if statement.is_read() {
                gets.push(statement.into_get(table).map_err(failed(place))?);
            } else {
                actions.push(statement.into_action(table).map_err(failed(place))?);
            }
        }
        reasons.check()?;
        Ok(if actions.is_empty() {
            Transaction::Read(TransactGetItemsRequest::from_gets(gets, self.capacity)?)
        } else {
            Transaction::Write(TransactWriteItemsRequest::from_actions(
                actions,
                self.token,
                self.capacity,
            )?)
        })
    }
}
