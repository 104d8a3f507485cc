//! GetRecords.

use super::Session;
use super::get_shard_iterator::{readable, shard_of};
use crate::storage::catalog as tables;
use crate::stream::{catalog, reader};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{GetRecordsRequest, RecordsPage};
use pg_dynamo_core::stream::record::Origin;
use pg_dynamo_core::stream::{ShardIterator, Start};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: GetRecordsRequest) -> Result<String> {
    let iterator = &request.iterator;
    let stream = readable(session, Operation::GetRecords, &iterator.stream)?;
    let origin = Origin {
        stream_arn: stream.name.arn(&session.account),
        region: session.account.region.clone(),
        view: stream.view,
        schema: stream.schema.clone(),
    };
    let mut waited = false;
    loop {
        // In this order: what is captured after the first look is found by the second or is behind the tip.
        let tip = catalog::tip();
        let shard = shard_of(&stream, iterator.shard)?
            .ok_or_else(|| ApiError::resource_not_found("Invalid ShardId in ShardIterator"))?;
        if shard
            .trimmed
            .is_some_and(|trimmed| iterator.start.misses(trimmed))
        {
            return Err(ApiError::trimmed());
        }
        let mut page = RecordsPage::new(request.limit);
        let mut last = None;
        let room = page.room();
        let more = reader::read(shard.number, iterator.start, room, |record| {
            let taken = page.push(record, &origin)?;
            if taken {
                last = Some(record.position);
            }
            Ok(taken)
        })?;
        if page.is_empty() && shard.end.is_none() && !waited {
            waited = true;
            if reader::catch_up(tip) {
                continue;
            }
        }
        let start = match (last, shard.end) {
            (Some(last), _) if more => Some(Start::After(last)),
            (_, Some(_)) => None,
            (Some(last), None) if last >= tip => Some(Start::After(last)),
            (_, None) => Some(behind(iterator.start, tip)),
        };
        let next = start.map(|start| ShardIterator {
            start,
            issued_at: tables::now_millis(),
            ..iterator.clone()
        });
        return Ok(page.finish(next.as_ref(), &session.account));
    }
}

/// The end of what is captured, unless reading begins behind it.
fn behind(start: Start, tip: pg_dynamo_core::stream::Position) -> Start {
    match start {
        Start::At(position) | Start::After(position) if position >= tip => start,
        _ => Start::At(tip),
    }
}
