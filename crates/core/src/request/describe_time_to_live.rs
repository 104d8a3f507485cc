//! DescribeTimeToLive.
use super::{shape, table_shapes};
use crate::Result;
use crate::json::{Json, write_string};
use crate::table::{Account, TableDefinition, TableRef};

#[derive(Debug)]
pub struct DescribeTimeToLiveRequest {
    table: TableRef,
}

impl DescribeTimeToLiveRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::TABLE_ALONE, request)?;
        let table = TableRef::of_request(request, account)?;
        Ok(DescribeTimeToLiveRequest { table })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }
}

/// `{"TimeToLiveDescription":{…}}`. A table whose time to live was disabled looks like one that never had any.
pub fn describe_time_to_live_reply(table: &TableDefinition) -> String {
    let mut reply = String::from("{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":");
    match &table.time_to_live {
        Some(ttl) => {
            write_string(&mut reply, ttl.status());
            reply.push_str(",\"AttributeName\":");
            write_string(&mut reply, &ttl.attribute);
        }
        None => write_string(&mut reply, "DISABLED"),
    }
    reply.push_str("}}");
    reply
}
