//! DescribeLimits.
use super::{shape, table_shapes};
use crate::json::Json;
use crate::{Result, limits};

/// Checks a request that has no members of its own. Err: SerializationException.
pub fn check_describe_limits(request: &Json<'_>) -> Result<()> {
    shape::check(&table_shapes::DESCRIBE_LIMITS, request)
}

/// The quotas that a new account has; nothing here enforces them.
pub fn describe_limits_reply() -> String {
    let (account, table) = (limits::ACCOUNT_THROUGHPUT, limits::TABLE_THROUGHPUT);
    format!(
        "{{\"AccountMaxReadCapacityUnits\":{account},\"AccountMaxWriteCapacityUnits\":{account},\
         \"TableMaxReadCapacityUnits\":{table},\"TableMaxWriteCapacityUnits\":{table}}}"
    )
}
