//! DescribeLimits.

use pg_dynamo_core::request::describe_limits_reply;

pub fn run() -> String {
    describe_limits_reply()
}
