//! DescribeTimeToLive.

use super::Session;
use super::redefine::described;
use crate::worker::{self, Kind};
use pg_dynamo_core::request::{DescribeTimeToLiveRequest, describe_time_to_live_reply};
use pg_dynamo_core::{ApiError, Result};

pub fn run(session: &Session, request: DescribeTimeToLiveRequest) -> Result<String> {
    let name = &request.table().name;
    let missing = || ApiError::no_such_table(name);
    described(session, name, missing, |definition| {
        if let Some(ttl) = &definition.time_to_live {
            worker::start_if_needed(match ttl.is_enabled() {
                true => Kind::TimeToLive,
                false => Kind::IndexBuild,
            });
        }
        Ok(describe_time_to_live_reply(definition))
    })
}
