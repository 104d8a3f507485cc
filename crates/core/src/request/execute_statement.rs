//! ExecuteStatement: one PartiQL statement.
use super::fields;
use super::item_shapes::RETURN_CONSUMED_CAPACITY;
use super::options;
use super::shape::{self, Shape, Structure, optional};
use super::statement::{self, StatementRequest};
use crate::Result;
use crate::json::Json;
use crate::partiql;
use crate::table::Account;

#[derive(Debug)]
pub struct ExecuteStatementRequest {
    pub statement: StatementRequest,
    pub limit: Option<u64>,
    pub token: Option<String>,
}

const EXECUTE_STATEMENT: Structure = Structure {
    class: "ExecuteStatementInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        statement::STATEMENT,
        statement::PARAMETERS,
        optional("ConsistentRead", &Shape::Boolean),
        statement::TOKEN,
        optional("Limit", &Shape::Number("Integer", 1, i64::MAX)),
        statement::ON_FAILURE,
    ],
};

impl ExecuteStatementRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&EXECUTE_STATEMENT, request)?;
        let capacity = options::capacity(request);
        let statement = StatementRequest::parse(request, capacity, account)?;
        statement.check_alone()?;
        let token = fields::string(request, "NextToken").map(str::to_owned);
        if token.is_some() && !statement.is_read() {
            return Err(partiql::token_mismatch());
        }
        Ok(ExecuteStatementRequest {
            statement,
            limit: fields::number(request, "Limit").and_then(|n| u64::try_from(n).ok()),
            token,
        })
    }
}
