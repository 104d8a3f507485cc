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
    ReadAlone,
    WriteAlone,
}

/// How many there are.
pub const LANES: usize = 4;

impl Lane {
    pub const ALL: [Lane; LANES] = [Lane::Read, Lane::Write, Lane::ReadAlone, Lane::WriteAlone];

    pub fn name(self) -> &'static str {
        match self {
            Lane::Read => "read",
            Lane::Write => "write",
            Lane::ReadAlone => "read_alone",
            Lane::WriteAlone => "write_alone",
        }
    }

    /// Its requests may change something: they are never sent again unless the first try is known to have changed
    /// nothing.
    pub fn writes(self) -> bool {
        matches!(self, Lane::Write | Lane::WriteAlone)
    }

    /// For the same request when it must not share a call.
    pub fn alone(self) -> Lane {
        if self.writes() {
            Lane::WriteAlone
        } else {
            Lane::ReadAlone
        }
    }

    pub fn is_alone(self) -> bool {
        self.alone() == self
    }
}

/// Queries that read at most so many items are small.
const SMALL_QUERY: u64 = 100;

/// The lane of a request, and its share of a call in GetItems.
pub fn lane(request: &Request) -> (Lane, usize) {
    match request.operation {
        Operation::GetItem => (Lane::Read, 1),
        Operation::PutItem | Operation::UpdateItem | Operation::DeleteItem => (Lane::Write, 1),
        Operation::Query => match small_query(&request.body) {
            Some(weight) => (Lane::Read, weight),
            None => (Lane::ReadAlone, 1),
        },
        other => match other.access() {
            Access::Read | Access::Describe => (Lane::ReadAlone, 1),
            _ => (Lane::WriteAlone, 1),
        },
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

    fn of(operation: Operation, body: &'static str) -> (Lane, usize) {
        lane(&Request {
            operation,
            role: "app".into(),
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    #[test]
    fn item_operations_share_calls_with_their_kind() {
        assert_eq!(of(Operation::GetItem, "{}"), (Lane::Read, 1));
        for operation in [
            Operation::PutItem,
            Operation::UpdateItem,
            Operation::DeleteItem,
        ] {
            assert_eq!(of(operation, "{}"), (Lane::Write, 1));
        }
    }

    #[test]
    fn a_query_is_small_when_its_own_limit_says_so() {
        let small = of(Operation::Query, r#"{"TableName":"T","Limit":100}"#);
        assert_eq!(small, (Lane::Read, 11));
        for body in [
            "{}",
            r#"{"Limit":101}"#,
            r#"{"Limit":-1}"#,
            r#"{"Limit":"5"}"#,
            r#"{"ExpressionAttributeValues":{"Limit":5}}"#,
            r#"{"Limit":5"#,
            "[]",
        ] {
            assert_eq!(of(Operation::Query, body).0, Lane::ReadAlone, "{body}");
        }
    }

    #[test]
    fn everything_else_travels_alone_and_only_reads_are_repeatable() {
        for (operation, expected) in [
            (Operation::Scan, Lane::ReadAlone),
            (Operation::BatchGetItem, Lane::ReadAlone),
            (Operation::DescribeTable, Lane::ReadAlone),
            (Operation::BatchWriteItem, Lane::WriteAlone),
            (Operation::TransactWriteItems, Lane::WriteAlone),
            (Operation::CreateTable, Lane::WriteAlone),
            (Operation::ExecuteStatement, Lane::WriteAlone),
        ] {
            assert_eq!(of(operation, "{}").0, expected, "{operation:?}");
        }
    }
}
