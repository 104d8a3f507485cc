//! GetShardIterator.
use super::fields::string;
use super::key_schema::invalid;
use super::shape::member;
use super::{shape, stream_shapes};
use crate::Result;
use crate::json::{Json, write_string};
use crate::stream::{Position, ShardIterator, StreamName};
use crate::table::Account;

#[derive(Debug)]
pub struct GetShardIteratorRequest {
    pub stream: StreamName,
    pub shard_id: String,
    pub start: StartAt,
}

/// Where reading is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    TrimHorizon,
    Latest,
    Sequence(Position),
    AfterSequence(Position),
    /// Epoch milliseconds.
    Timestamp(i64),
}

impl GetShardIteratorRequest {
    /// `now`: epoch milliseconds.
    /// Err: SerializationException or ValidationException; ResourceNotFoundException for a stream of another account.
    pub fn parse(request: &Json<'_>, account: &Account, now: i64) -> Result<Self> {
        shape::check(&stream_shapes::GET_SHARD_ITERATOR, request)?;
        let arn = string(request, "StreamArn").unwrap_or_default();
        let stream = StreamName::parse(arn, account)?;
        Ok(GetShardIteratorRequest {
            stream,
            shard_id: string(request, "ShardId").unwrap_or_default().to_owned(),
            start: start(request, now)?,
        })
    }

    pub fn reply(iterator: &ShardIterator, account: &Account) -> String {
        let mut out = String::from("{\"ShardIterator\":");
        write_string(&mut out, &iterator.encode(account));
        out.push('}');
        out
    }
}

fn start(request: &Json<'_>, now: i64) -> Result<StartAt> {
    let kind = string(request, "ShardIteratorType").unwrap_or_default();
    let sequence = string(request, "SequenceNumber");
    let timestamp = member(request, "Timestamp");
    let by_sequence = matches!(kind, "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER");
    if sequence.is_some() && !by_sequence {
        return invalid(format_args!(
            "SequenceNumber must not be specified for ShardIteratorType {kind}"
        ));
    }
    if timestamp.is_some() && kind != "AT_TIMESTAMP" {
        return invalid(format_args!(
            "Timestamp must not be specified for ShardIteratorType {kind}"
        ));
    }
    match kind {
        "TRIM_HORIZON" => Ok(StartAt::TrimHorizon),
        "LATEST" => Ok(StartAt::Latest),
        "AT_TIMESTAMP" => at_timestamp(timestamp, now),
        _ => {
            let Some(sequence) = sequence else {
                return invalid(format_args!(
                    "SequenceNumber is required for ShardIteratorType {kind}"
                ));
            };
            let Some(position) = Position::parse(sequence) else {
                return invalid(format_args!("Invalid SequenceNumber: {sequence}"));
            };
            Ok(if kind == "AT_SEQUENCE_NUMBER" {
                StartAt::Sequence(position)
            } else {
                StartAt::AfterSequence(position)
            })
        }
    }
}

/// Seconds with a fraction, as the JSON of the API has times; what is below a millisecond is cut.
fn at_timestamp(timestamp: Option<&Json<'_>>, now: i64) -> Result<StartAt> {
    let Some(Json::Number(literal)) = timestamp else {
        return invalid("Timestamp is required for ShardIteratorType AT_TIMESTAMP");
    };
    // Milliseconds of our time need 41 bits and a f64 has 53; `as` saturates.
    let seconds: f64 = literal.parse().unwrap_or(f64::INFINITY);
    let millis = (seconds * 1000.0).round() as i64;
    if millis > now {
        return invalid(format_args!("Timestamp {literal} is in the future"));
    }
    Ok(StartAt::Timestamp(millis))
}
