//! The requests that are measured.

use clap::ValueEnum;
use pg_dynamo_bench_client::{Failure, Target};

/// Items of the table Bench.
pub const ITEMS: usize = 2000;
/// Partitions of the table Orders, and items in each.
pub const CUSTOMERS: usize = 100;
pub const ORDERS: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Operation {
    GetItem,
    PutItem,
    UpdateItem,
    Query,
    /// Updates of 4 items.
    #[value(name = "TransactWrite4")]
    TransactWrite4,
    /// Puts of 25 items.
    #[value(name = "TransactWrite25")]
    TransactWrite25,
    #[value(name = "TransactGet25")]
    TransactGet25,
    /// The item of GetItem, by a PartiQL statement.
    ExecuteStatement,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::GetItem => "GetItem",
            Operation::PutItem => "PutItem",
            Operation::UpdateItem => "UpdateItem",
            Operation::Query => "Query",
            Operation::TransactWrite4 | Operation::TransactWrite25 => "TransactWriteItems",
            Operation::TransactGet25 => "TransactGetItems",
            Operation::ExecuteStatement => "ExecuteStatement",
        }
    }

    /// Something that a right answer contains.
    pub fn sign_of_success(self) -> &'static str {
        match self {
            Operation::GetItem | Operation::ExecuteStatement | Operation::TransactGet25 => {
                "\"note\""
            }
            Operation::PutItem
            | Operation::UpdateItem
            | Operation::TransactWrite4
            | Operation::TransactWrite25 => "{",
            Operation::Query => "\"Count\":10",
        }
    }

    fn body(self, n: usize) -> String {
        match self {
            Operation::GetItem => format!(
                r#"{{"TableName":"Bench","Key":{{"Id":{{"S":"user {}"}}}}}}"#,
                n % ITEMS
            ),
            Operation::PutItem => {
                format!(r#"{{"TableName":"Bench","Item":{}}}"#, item(n % ITEMS, n))
            }
            Operation::UpdateItem => format!(
                r#"{{"TableName":"Bench","Key":{{"Id":{{"S":"user {}"}}}},"UpdateExpression":"SET n = n + :one","ExpressionAttributeValues":{{":one":{{"N":"1"}}}}}}"#,
                n % ITEMS
            ),
            Operation::Query => format!(
                r#"{{"TableName":"Orders","KeyConditionExpression":"Customer = :c","ExpressionAttributeValues":{{":c":{{"S":"customer {}"}}}},"Limit":10}}"#,
                n % CUSTOMERS
            ),
            Operation::TransactWrite4 => transaction(4, |i| {
                format!(
                    r#"{{"Update":{{"TableName":"Bench","Key":{{"Id":{{"S":"user {}"}}}},"UpdateExpression":"SET n = n + :one","ExpressionAttributeValues":{{":one":{{"N":"1"}}}}}}}}"#,
                    (n + i) % ITEMS
                )
            }),
            Operation::TransactWrite25 => transaction(25, |i| {
                format!(
                    r#"{{"Put":{{"TableName":"Bench","Item":{}}}}}"#,
                    item((n + i) % ITEMS, n)
                )
            }),
            Operation::TransactGet25 => transaction(25, |i| {
                format!(
                    r#"{{"Get":{{"TableName":"Bench","Key":{{"Id":{{"S":"user {}"}}}}}}}}"#,
                    (n + i) % ITEMS
                )
            }),
            Operation::ExecuteStatement => format!(
                r#"{{"Statement":"SELECT * FROM \"Bench\" WHERE \"Id\" = ?","Parameters":[{{"S":"user {}"}}]}}"#,
                n % ITEMS
            ),
        }
    }

    /// `count` requests for items in random order.
    pub fn requests(self, target: &Target, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        (0..count)
            .map(|_| {
                // Xorshift: the same items in every run and for every server.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let n = usize::try_from(random >> 33)?;
                target.signed(self.name(), &self.body(n))
            })
            .collect()
    }
}

/// Of actions on items that are neighbours.
fn transaction(count: usize, action: impl Fn(usize) -> String) -> String {
    let actions: Vec<String> = (0..count).map(action).collect();
    format!(r#"{{"TransactItems":[{}]}}"#, actions.join(","))
}

/// About 300 bytes.
pub fn item(id: usize, n: usize) -> String {
    let note = "0123456789abcdef".repeat(12);
    format!(
        r#"{{"Id":{{"S":"user {id}"}},"n":{{"N":"{n}"}},"name":{{"S":"name of user {id}"}},"note":{{"S":"{note}"}},"tags":{{"SS":["a","b","c"]}}}}"#
    )
}

pub fn order(customer: usize, number: usize) -> String {
    let note = "0123456789abcdef".repeat(12);
    format!(
        r#"{{"Customer":{{"S":"customer {customer}"}},"Order":{{"N":"{number}"}},"Product":{{"S":"product {number}"}},"Note":{{"S":"{note}"}}}}"#
    )
}
