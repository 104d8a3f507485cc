//! ListStreams, DescribeStream, GetShardIterator, GetRecords and StreamSpecification without a database.
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod faults;
mod reading;
mod specification;

use fixtures::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::stream::record::{Origin, Record};
use pg_dynamo_core::stream::shard::Shard;
use pg_dynamo_core::stream::{Event, Position, ShardIterator, Start, StreamName};
use pg_dynamo_core::table::{StreamState, StreamView, TableDefinition, TableStatus};
use pg_dynamo_core::value::{ItemBuf, json::parse_attributes};
use pg_dynamo_core::{ApiError, ErrorKind, Result};

const INVALID: &str = "One or more parameter values were invalid: ";
const ARN: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/abc/stream/2023-11-14T22:13:20.123";
const SHARD: &str = "shardId-00000001700000000123-00000008";
const NEW_IMAGE: &str =
    r#","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#;

fn stream(label: &str) -> StreamName {
    StreamName {
        table: "abc".into(),
        label: label.into(),
    }
}

fn change(table: &TableDefinition, specification: &str, now: i64) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"abc","StreamSpecification":{specification}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, now)
}

fn enabled(table: TableDefinition) -> TableDefinition {
    table.with_stream_state(Some(StreamState::Enabled))
}

const ENABLE: &str = r#"{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"#;
const DISABLE: &str = r#"{"StreamEnabled":false}"#;
