//! ExecuteTransaction: the statements as TransactGetItems or TransactWriteItems.

use super::{Reply, Session, transact_get_items, transact_write_items};
use pg_dynamo_core::request::{ExecuteTransactionRequest, Transaction};
use pg_dynamo_core::{ErrorKind, Result};

pub fn run(session: &Session, request: ExecuteTransactionRequest) -> Result<Reply> {
    let mut tables = Vec::with_capacity(request.statements.len());
    for statement in &request.statements {
        match session.statement_table(statement) {
            Ok(table) => tables.push(Some(table)),
            Err(error) if error.kind == ErrorKind::ResourceNotFound => tables.push(None),
            Err(error) => return Err(error),
        }
    }
    let definitions: Vec<_> = tables
        .iter()
        .map(|table| table.as_ref().map(|table| &*table.definition))
        .collect();
    match request.bind(&definitions)? {
        Transaction::Read(reads) => transact_get_items::run(session, reads),
        Transaction::Write(writes) => transact_write_items::run(session, writes),
    }
}
