//! The requests, signed and as bytes.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use clap::ValueEnum;
use std::error::Error;
use std::fmt::Write;
use std::time::SystemTime;

/// Items of the table Bench.
pub const ITEMS: usize = 2000;
/// Partitions of the table Orders, and items in each.
pub const CUSTOMERS: usize = 100;
pub const ORDERS: usize = 20;

/// Whom to ask, and as whom.
pub struct Target {
    pub endpoint: String,
    pub access_key: String,
    pub secret: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Operation {
    GetItem,
    PutItem,
    UpdateItem,
    Query,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::GetItem => "GetItem",
            Operation::PutItem => "PutItem",
            Operation::UpdateItem => "UpdateItem",
            Operation::Query => "Query",
        }
    }

    /// Something that a right answer contains.
    pub fn sign_of_success(self) -> &'static str {
        match self {
            Operation::GetItem => "\"note\"",
            Operation::PutItem | Operation::UpdateItem => "{",
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
        }
    }

    /// `count` requests for items in random order.
    pub fn requests(self, target: &Target, count: usize) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
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

impl Target {
    /// A whole request of HTTP/1.1.
    pub fn signed(&self, operation: &str, body: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let operation = format!("DynamoDB_20120810.{operation}");
        let headers = [
            ("host", self.endpoint.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", operation.as_str()),
        ];
        let identity =
            Credentials::new(&self.access_key, &self.secret, None, None, "benchmark").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new(
            "POST",
            format!("http://{}/", self.endpoint),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signature, _) = sign(request, &parameters)?.into_parts();
        let mut out = String::from("POST / HTTP/1.1\r\n");
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            write!(out, "{name}: {value}\r\n")?;
        }
        write!(out, "content-length: {}\r\n\r\n{body}", body.len())?;
        Ok(out.into_bytes())
    }
}
