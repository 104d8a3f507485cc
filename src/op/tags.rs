//! TagResource, UntagResource, ListTagsOfResource.

use super::Session;
use super::redefine::{described, redefine};
use pg_dynamo_core::Result;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    ListTagsOfResourceRequest, TagResourceRequest, UntagResourceRequest,
};

const DONE: &str = "{}";

pub fn tag(session: &Session, request: TagResourceRequest) -> Result<String> {
    let (tagged, name) = (&request.tagged, request.tagged.table()?);
    let missing = || tagged.missing();
    redefine(
        session,
        Operation::TagResource,
        name,
        missing,
        |_, table| {
            let new = request.apply(table)?;
            Ok(((new != *table).then_some(new), DONE.to_owned()))
        },
    )
}

pub fn untag(session: &Session, request: UntagResourceRequest) -> Result<String> {
    let (tagged, name) = (&request.tagged, request.tagged.table()?);
    let missing = || tagged.missing();
    redefine(
        session,
        Operation::UntagResource,
        name,
        missing,
        |_, table| {
            let new = request.apply(table);
            Ok(((new != *table).then_some(new), DONE.to_owned()))
        },
    )
}

pub fn list(session: &Session, request: ListTagsOfResourceRequest) -> Result<String> {
    let (tagged, name) = (&request.tagged, request.tagged.table()?);
    described(
        session,
        name,
        || tagged.missing(),
        |table| Ok(request.reply(table)),
    )
}
