//! DescribeTable, and the replies of all operations that answer with a definition.
use super::{shape, table_shapes};
use crate::Result;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef, TableStatistics, TableStatus};

#[derive(Debug)]
pub struct DescribeTableRequest {
    table: TableRef,
}

impl DescribeTableRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::TABLE_ALONE, request)?;
        let table = TableRef::of_request(request, account)?;
        Ok(DescribeTableRequest { table })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }
}

/// `{"Table":{…}}`, the reply of DescribeTable.
pub fn describe_table_reply(
    table: &TableDefinition,
    account: &Account,
    statistics: TableStatistics,
) -> String {
    format!("{{\"Table\":{}}}", table.describe(account, statistics))
}

/// `{"TableDescription":{…}}`, the reply of CreateTable and UpdateTable (ACTIVE) and of DeleteTable
/// (DELETING).
pub fn table_description_reply(
    table: &TableDefinition,
    status: TableStatus,
    account: &Account,
    statistics: TableStatistics,
) -> String {
    let description = table.describe_as(status, account, statistics);
    format!("{{\"TableDescription\":{description}}}")
}
