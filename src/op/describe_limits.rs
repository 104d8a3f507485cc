//! DescribeLimits.

use pg_dynamo_core::Result;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::request::{check_describe_limits, describe_limits_reply};

pub fn run(request: &Json<'_>) -> Result<String> {
    check_describe_limits(request)?;
    Ok(describe_limits_reply())
}
