//! Which requests may share a call.

use super::Request;
use pg_dynamo_core::operation::{Access, Operation};
use serde::Deserialize;

/// Where a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Small reads, many in one call.
    Read,
    /// Small writes, many in one call and one commit.
    Write,
    /// One in a call: what may be large, and what has to be tried again by itself.
    Alone,
}

impl Lane {
    pub const ALL: [Lane; 3] = [Lane::Read, Lane::Write, Lane::Alone];

    pub fn name(self) -> &'static str {
        match self {
            Lane::Read => "read",
            Lane::Write => "write",
            Lane::Alone => "alone",
        }
    }
}

/// Queries that read at most so many items are small.
const SMALL_QUERY: u64 = 100;

/// What a request is to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    pub lane: Lane,
    /// It may change something: never sent again unless the first try is known to have changed nothing.
    pub write: bool,
    /// Its share of a call, in GetItems.
    pub weight: usize,
}

pub fn class(request: &Request) -> Class {
    let alone = (Lane::Alone, 1);
    let (lane, weight) = match request.operation {
        Operation::GetItem => (Lane::Read, 1),
        Operation::PutItem | Operation::UpdateItem | Operation::DeleteItem => (Lane::Write, 1),
        Operation::Query => small_query(&request.body).map_or(alone, |w| (Lane::Read, w)),
        _ => alone,
    };
    let access = request.operation.access();
    Class {
        lane,
        write: !matches!(access, Access::Read | Access::Describe),
        weight,
    }
}

#[derive(Deserialize)]
struct Bound {
    #[serde(rename = "Limit")]
    limit: u64,
}

/// The weight of a Query whose Limit is small; everything but that member is skipped, not read.
fn small_query(body: &[u8]) -> Option<usize> {
    let bound: Bound = serde_json::from_slice(body).ok()?;
    let items = usize::try_from(bound.limit).ok()?;
    (bound.limit <= SMALL_QUERY).then_some(1 + items / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn of(operation: Operation, body: &'static str) -> Class {
        class(&Request {
            operation,
            role: "app".into(),
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    #[test]
    fn item_operations_share_calls_with_their_kind() {
        assert_eq!(of(Operation::GetItem, "{}").lane, Lane::Read);
        for operation in [
            Operation::PutItem,
            Operation::UpdateItem,
            Operation::DeleteItem,
        ] {
            let class = of(operation, "{}");
            assert_eq!((class.lane, class.write), (Lane::Write, true));
        }
    }

    #[test]
    fn a_query_is_small_when_its_own_limit_says_so() {
        let small = of(Operation::Query, r#"{"TableName":"T","Limit":100}"#);
        assert_eq!(
            (small.lane, small.weight, small.write),
            (Lane::Read, 11, false)
        );
        for body in [
            "{}",
            r#"{"Limit":101}"#,
            r#"{"Limit":-1}"#,
            r#"{"Limit":"5"}"#,
            r#"{"ExpressionAttributeValues":{"Limit":5}}"#,
            r#"{"Limit":5"#,
            "[]",
        ] {
            assert_eq!(of(Operation::Query, body).lane, Lane::Alone, "{body}");
        }
    }

    #[test]
    fn everything_else_travels_alone_and_only_reads_are_repeatable() {
        for (operation, write) in [
            (Operation::Scan, false),
            (Operation::BatchGetItem, false),
            (Operation::DescribeTable, false),
            (Operation::BatchWriteItem, true),
            (Operation::TransactWriteItems, true),
            (Operation::CreateTable, true),
            (Operation::ExecuteStatement, true),
        ] {
            let class = of(operation, "{}");
            assert_eq!(
                (class.lane, class.write),
                (Lane::Alone, write),
                "{operation:?}"
            );
        }
    }
}
