//! BatchExecuteStatement: up to 25 PartiQL statements, all reads or all writes, each in its own right.
use super::fields;
use super::item_shapes::RETURN_CONSUMED_CAPACITY;
use super::options::{self, ReturnCapacity};
use super::shape::{self, Shape, Structure, list, optional, required};
use super::statement::{self, StatementRequest};
use crate::json::Json;
use crate::table::Account;
use crate::{ApiError, Result, limits};

#[derive(Debug)]
pub struct BatchExecuteStatementRequest {
    /// In their order; what is wrong with one of them is its own fault.
    pub statements: Vec<Result<StatementRequest>>,
    pub capacity: ReturnCapacity,
}

const BATCH_STATEMENT: Structure = Structure {
    class: "BatchStatementRequest",
    members: &[
        statement::STATEMENT,
        statement::PARAMETERS,
        optional("ConsistentRead", &Shape::Boolean),
        statement::ON_FAILURE,
    ],
};
const BATCH_EXECUTE_STATEMENT: Structure = Structure {
    class: "BatchExecuteStatementInput",
    members: &[
        RETURN_CONSUMED_CAPACITY,
        required(
            "Statements",
            &list(
                &Shape::Structure(&BATCH_STATEMENT),
                1,
                limits::MAX_BATCH_STATEMENTS,
            ),
        ),
    ],
};

impl BatchExecuteStatementRequest {
    /// Err: SerializationException or ValidationException of the batch as a whole.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&BATCH_EXECUTE_STATEMENT, request)?;
        let capacity = options::capacity(request);
        let members = fields::list(request, "Statements").iter();
        let statements: Vec<_> = members
            .map(|member| {
                let statement = StatementRequest::parse(member, capacity, account)?;
                statement.check_alone()?;
                Ok(statement)
            })
            .collect();
        let mut kinds = statements.iter().flatten().map(StatementRequest::is_read);
        if let Some(first) = kinds.next()
            && kinds.any(|kind| kind != first)
        {
            return Err(ApiError::validation(
                "Read and write requests together in the same batch is not supported.",
            ));
        }
        Ok(BatchExecuteStatementRequest {
            statements,
            capacity,
        })
    }
}
