//! GetShardIterator.

use super::get_records::check_trimmed;
use super::{Caller, Session};
use crate::storage::catalog::{self as tables, Privilege, Table};
use crate::storage::policy;
use crate::stream::catalog::{self, ShardRow, StreamRow};
use crate::stream::{reader, table, wait};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{GetShardIteratorRequest, StartAt};
use pg_dynamo_core::stream::{Position, ShardIterator, Start, shard};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: GetShardIteratorRequest) -> Result<String> {
    let operation = Operation::GetShardIterator;
    let stream = readable(session, operation, &request.stream)?;
    let missing =
        || ApiError::no_such_shard(&request.shard_id, &request.stream.arn(&session.account));
    let number = shard::number_of(&request.shard_id).ok_or_else(missing)?;
    let shard = shard_of(&stream, number)?.filter(|shard| shard.id() == request.shard_id);
    let shard = shard.ok_or_else(missing)?;
    let start = start(request.start, &shard)?;
    check_trimmed(&shard, start)?;
    let iterator = ShardIterator {
        stream: request.stream,
        shard: number,
        start,
        issued_at: tables::now_millis(),
    };
    Ok(GetShardIteratorRequest::reply(&iterator, &session.account))
}

/// The stream, which the caller may read. A resource policy of the table allows nobody its stream: over the endpoint that
/// takes what SELECT the role has apart from it.
pub fn readable(
    session: &Session,
    operation: Operation,
    name: &pg_dynamo_core::stream::StreamName,
) -> Result<StreamRow> {
    let stream = catalog::find_kept(name, crate::guc::stream_retention())?;
    let stream = stream.ok_or_else(|| ApiError::no_such_stream(&name.arn(&session.account)))?;
    let permitted = |table: &Table| {
        session.caller == Caller::Sql || policy::permits(table, operation, &[Privilege::Select])
    };
    if !table::may_read(&stream, permitted)? {
        let resource = match session.caller {
            Caller::Wire => format!("{}/stream/{}", name.table, name.label),
            Caller::Sql => name.table.clone(),
        };
        return Err(session.access_denied(operation, &resource));
    }
    Ok(stream)
}

/// A shard of the stream, as long as its records are kept.
pub fn shard_of(stream: &StreamRow, number: u32) -> Result<Option<ShardRow>> {
    catalog::shard(stream.number, number, crate::guc::stream_retention())
}

fn start(asked: StartAt, shard: &ShardRow) -> Result<Start> {
    Ok(match asked {
        StartAt::TrimHorizon => Start::TrimHorizon,
        StartAt::Latest => latest(shard),
        StartAt::Sequence(position) => Start::At(known(position)?),
        StartAt::AfterSequence(position) => Start::After(known(position)?),
        StartAt::Timestamp(millis) => {
            reader::at_time(shard, millis).map_or_else(|| latest(shard), Start::At)
        }
    })
}

/// Behind all that is committed, when capture keeps up.
fn latest(shard: &ShardRow) -> Start {
    let end = shard.end.unwrap_or_else(|| {
        wait::catch_up(catalog::tip());
        catalog::tip()
    });
    Start::At(end)
}

/// A number that was given out. After a crash records may be captured anew that somebody was given before: a place in the
/// log that is on disk is none of the future.
fn known(position: Position) -> Result<Position> {
    let tip = catalog::tip();
    let known = Position::after_commit(tip.epoch, tip.lsn.max(wait::on_disk()));
    if position > known {
        return Err(ApiError::validation(format!(
            "One or more parameter values were invalid: Invalid SequenceNumber: {position}"
        )));
    }
    Ok(position)
}
