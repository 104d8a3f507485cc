//! GetRecords.

use super::Session;
use super::get_shard_iterator::{readable, shard_of};
use crate::storage::catalog as tables;
use crate::stream::catalog::{self, ShardRow};
use crate::stream::{reader, wait};
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
        check_trimmed(&shard, iterator.start)?;
        let mut page = RecordsPage::new(request.limit);
        let mut last = None;
        let room = page.room();
        let end = reader::read(shard.number, iterator.start, room, |record| {
            let taken = page.push(record, &origin)?;
            if taken {
                last = Some(record.position);
            }
            Ok(taken)
        })?;
        if end.old
            && let Some(shard) = shard_of(&stream, iterator.shard)?
        {
            check_trimmed(&shard, iterator.start)?;
        }
        if page.is_empty() && shard.end.is_none() && !waited {
            waited = true;
            if wait::catch_up(tip) {
                continue;
            }
        }
        let start = match (last, shard.end) {
            (Some(last), _) if end.more => Some(Start::After(last)),
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

/// Err: TrimmedDataAccessException when a record that reading from `start` on would give is no longer there.
pub fn check_trimmed(shard: &ShardRow, start: Start) -> Result<()> {
    match shard.trimmed {
        Some(trimmed) if start.misses(trimmed) => Err(ApiError::trimmed()),
        _ => Ok(()),
    }
}

/// The end of what is captured, unless reading begins behind it.
fn behind(start: Start, tip: pg_dynamo_core::stream::Position) -> Start {
    match start {
        Start::At(position) | Start::After(position) if position >= tip => start,
        _ => Start::At(tip),
    }
}
