//! DescribeStream.

use super::Session;
use crate::storage::catalog as tables;
use crate::stream::{catalog, table};
use pg_dynamo_core::request::{DescribeStreamRequest, StreamDescription, StreamStatus};
use pg_dynamo_core::stream::StreamName;
use pg_dynamo_core::stream::shard::Shard;
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: DescribeStreamRequest) -> Result<String> {
    let stream = catalog::find_kept(&request.stream, crate::guc::stream_retention())?;
    if let Some(found) = tables::peek(&request.stream.table)? {
        table::wake_worker(&found.definition);
    }
    let Some(stream) = stream else {
        let description = adopted(&request.stream)?
            .ok_or_else(|| ApiError::no_such_stream(&request.stream.arn(&session.account)))?;
        return Ok(request.reply(&description, &[], &session.account));
    };
    let description = StreamDescription {
        status: stream.state.status(),
        view: stream.view,
        created_at: stream.created_at,
        key_schema: stream.schema,
    };
    let shards = catalog::shards(stream.number, Some(crate::guc::stream_retention()))?;
    let mut shards: Vec<Shard> = shards
        .iter()
        .map(|shard| shard.described())
        .filter(|shard| {
            let after = request.exclusive_start.as_ref();
            let child = request.children_of.as_ref();
            after.is_none_or(|after| shard.id > *after)
                && child.is_none_or(|parent| shard.parent.as_ref() == Some(parent))
        })
        .collect();
    shards.sort_by(|a, b| a.id.cmp(&b.id));
    shards.truncate(request.limit + 1);
    Ok(request.reply(&description, &shards, &session.account))
}

/// A stream that came with a restored table, before the worker has taken it up.
fn adopted(name: &StreamName) -> Result<Option<StreamDescription>> {
    let Some(table) = tables::peek(&name.table)? else {
        return Ok(None);
    };
    let stream = table.definition.stream.as_ref();
    let stream = stream.filter(|stream| stream.label == name.label);
    Ok(stream.map(|stream| StreamDescription {
        status: StreamStatus::Enabling,
        view: stream.view,
        created_at: table.definition.created_at,
        key_schema: table.definition.key_schema.clone(),
    }))
}
