//! Scan.

use super::{ItemSet, Reply, Session, page};
use pg_dynamo_core::Result;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::ScanRequest;

pub fn run(session: &Session, request: ScanRequest) -> Result<Reply> {
    page::reply(session, &bind(session, request)?)
}

/// What the request reads, as rows of SQL; the table is held for the rest of the transaction.
pub fn bind(session: &Session, request: ScanRequest) -> Result<ItemSet> {
    let table = session.table(Operation::Scan, &request.table().name)?;
    let read = request.bind(&table.definition, crate::guc::read_options())?;
    Ok(ItemSet { table, read })
}
