//! DescribeStream.
use super::fields::{number, string};
use super::shape::member;
use super::{shape, stream_shapes};
use crate::json::Json;
use crate::stream::StreamName;
use crate::stream::shard::Shard;
use crate::table::describe::{Object, key_schema, seconds};
use crate::table::{Account, KeySchema, StreamView};
use crate::{Result, limits};

#[derive(Debug)]
pub struct DescribeStreamRequest {
    pub stream: StreamName,
    /// Shards whose ids come after this one; it need not exist.
    pub exclusive_start: Option<String>,
    /// Only the children of this shard.
    pub children_of: Option<String>,
    /// 1 to 100.
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    Enabling,
    Enabled,
    Disabling,
    Disabled,
}

impl StreamStatus {
    pub fn name(self) -> &'static str {
        match self {
            StreamStatus::Enabling => "ENABLING",
            StreamStatus::Enabled => "ENABLED",
            StreamStatus::Disabling => "DISABLING",
            StreamStatus::Disabled => "DISABLED",
        }
    }
}

/// A stream as it is described.
#[derive(Clone, Debug)]
pub struct StreamDescription {
    pub status: StreamStatus,
    pub view: StreamView,
    /// Epoch milliseconds.
    pub created_at: i64,
    pub key_schema: KeySchema,
}

impl DescribeStreamRequest {
    /// Err: SerializationException or ValidationException; ResourceNotFoundException for a stream of another account.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&stream_shapes::DESCRIBE_STREAM, request)?;
        let arn = string(request, "StreamArn").unwrap_or_default();
        let limit = number(request, "Limit").and_then(|n| usize::try_from(n).ok());
        let filter = member(request, "ShardFilter");
        Ok(DescribeStreamRequest {
            stream: StreamName::parse(arn, account)?,
            exclusive_start: string(request, "ExclusiveStartShardId").map(str::to_owned),
            children_of: filter
                .and_then(|filter| string(filter, "ShardId"))
                .map(str::to_owned),
            limit: limit.unwrap_or(limits::MAX_LISTED_STREAMS),
        })
    }

    /// `shards`: the first `limit + 1` that are asked for, by id; more are ignored.
    pub fn reply(&self, stream: &StreamDescription, shards: &[Shard], account: &Account) -> String {
        let page = shards.get(..self.limit).unwrap_or(shards);
        let keys = &stream.key_schema;
        let mut d = Object::default();
        d.text("StreamArn", &self.stream.arn(account));
        d.text("StreamLabel", &self.stream.label);
        d.text("StreamStatus", stream.status.name());
        d.text("StreamViewType", stream.view.name());
        d.raw("CreationRequestDateTime", &seconds(stream.created_at));
        d.text("TableName", &self.stream.table);
        let partition = std::slice::from_ref(&keys.partition);
        d.raw("KeySchema", &key_schema(partition, keys.sort.as_slice()));
        d.array("Shards", page, described);
        if let (Some(last), true) = (page.last(), shards.len() > page.len()) {
            d.text("LastEvaluatedShardId", &last.id);
        }
        format!("{{\"StreamDescription\":{}}}", d.end())
    }
}

fn described(shard: &Shard) -> String {
    let mut range = Object::default();
    range.text("StartingSequenceNumber", &shard.start.to_string());
    if let Some(end) = shard.end {
        range.text("EndingSequenceNumber", &end.to_string());
    }
    let mut o = Object::default();
    o.text("ShardId", &shard.id);
    o.raw("SequenceNumberRange", &range.end());
    if let Some(parent) = &shard.parent {
        o.text("ParentShardId", parent);
    }
    o.end()
}
