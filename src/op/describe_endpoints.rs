//! DescribeEndpoints.

use pg_dynamo_core::request::describe_endpoints_reply;

/// The address at which the endpoint of this server listens, also when somebody else runs it.
pub fn run() -> String {
    describe_endpoints_reply(&crate::guc::gateway::address())
}
