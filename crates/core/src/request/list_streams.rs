//! ListStreams.
use super::fields::{number, string};
use super::{shape, stream_shapes};
use crate::json::Json;
use crate::stream::StreamName;
use crate::table::Account;
use crate::table::describe::Object;
use crate::{Result, limits};

#[derive(Debug)]
pub struct ListStreamsRequest {
    pub table: Option<String>,
    /// Streams after this one, by table name and label; it need not exist.
    pub exclusive_start: Option<StreamName>,
    /// 1 to 100.
    pub limit: usize,
}

impl ListStreamsRequest {
    /// Err: SerializationException or ValidationException; ResourceNotFoundException for a start in another account.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&stream_shapes::LIST_STREAMS, request)?;
        let limit = number(request, "Limit").and_then(|n| usize::try_from(n).ok());
        Ok(ListStreamsRequest {
            table: string(request, "TableName").map(str::to_owned),
            exclusive_start: string(request, "ExclusiveStartStreamArn")
                .map(|arn| StreamName::parse(arn, account))
                .transpose()?,
            limit: limit.unwrap_or(limits::MAX_LISTED_STREAMS),
        })
    }

    /// `streams`: the first `limit + 1` after `exclusive_start`, in order; more are ignored.
    pub fn reply(&self, streams: &[StreamName], account: &Account) -> String {
        let page = streams.get(..self.limit).unwrap_or(streams);
        let mut reply = Object::default();
        reply.array("Streams", page, |stream| {
            let mut o = Object::default();
            o.text("StreamArn", &stream.arn(account));
            o.text("TableName", &stream.table);
            o.text("StreamLabel", &stream.label);
            o.end()
        });
        if let (Some(last), true) = (page.last(), streams.len() > page.len()) {
            reply.text("LastEvaluatedStreamArn", &last.arn(account));
        }
        reply.end()
    }
}
