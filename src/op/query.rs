//! Query.

use super::{ItemSet, Reply, Session, page};
use pg_dynamo_core::Result;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::QueryRequest;

pub fn run(session: &Session, request: QueryRequest) -> Result<Reply> {
    page::reply(session, &bind(session, request)?)
}

/// What the request reads, as rows of SQL; the table is held for the rest of the transaction.
pub fn bind(session: &Session, request: QueryRequest) -> Result<ItemSet> {
    let table = session.table(Operation::Query, &request.table().name)?;
    let read = request.bind(&table.definition, crate::guc::read_options())?;
    Ok(ItemSet { table, read })
}
