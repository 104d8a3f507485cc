//! Signed requests over one connection at a time.

use pg_dynamo_bench_client::Target;
use serde_json::Value;

pub use pg_dynamo_bench_client::Failure;

/// Whom to ask, and as whom.
#[derive(Clone, clap::Args)]
pub struct Endpoint {
    /// host:port
    #[arg(long, env = "LOAD_ENDPOINT")]
    pub endpoint: String,
    #[arg(long, env = "AWS_ACCESS_KEY_ID")]
    access_key_id: String,
    #[arg(skip = std::env::var("AWS_SECRET_ACCESS_KEY").unwrap_or_default())]
    secret: String,
}

pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    pub fn success(self) -> Result<Value, Failure> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(format!("status {}: {}", self.status, self.body).into())
        }
    }
}

impl Endpoint {
    /// The same credentials at another gateway.
    pub fn at(&self, endpoint: &str) -> Endpoint {
        Endpoint {
            endpoint: endpoint.to_owned(),
            ..self.clone()
        }
    }

    pub fn connection(&self) -> Connection {
        let target = Target {
            endpoint: self.endpoint.clone(),
            access_key: self.access_key_id.clone(),
            secret: self.secret.clone(),
        };
        Connection {
            http: pg_dynamo_bench_client::Connection::new(&target.endpoint),
            target,
        }
    }
}

/// A keep-alive connection, opened when it is needed.
pub struct Connection {
    target: Target,
    http: pg_dynamo_bench_client::Connection,
}

impl Connection {
    /// Sends one request. An error means that nobody knows whether it was executed; dropping this future closes the
    /// connection.
    pub async fn send(&mut self, operation: &str, body: &Value) -> Result<Answer, Failure> {
        let request = self.target.signed(operation, &body.to_string())?;
        let answer = self.http.send(&request).await?;
        Ok(Answer {
            status: answer.status,
            body: serde_json::from_slice(answer.body).unwrap_or(Value::Null),
        })
    }

    /// The reply to a request that has to succeed.
    pub async fn call(&mut self, operation: &str, body: &Value) -> Result<Value, Failure> {
        let answer = self.send(operation, body).await;
        answer
            .and_then(Answer::success)
            .map_err(|error| format!("{operation}: {error}").into())
    }

    /// All items of a Query or Scan, page by page.
    pub async fn items(
        &mut self,
        operation: &str,
        mut request: Value,
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        loop {
            let mut reply = self.call(operation, &request).await?;
            if let Some(Value::Array(page)) = reply.get_mut("Items").map(Value::take) {
                items.extend(page);
            }
            match reply.get_mut("LastEvaluatedKey") {
                Some(key) => request["ExclusiveStartKey"] = key.take(),
                None => return Ok(items),
            }
        }
    }

    /// Makes a table, of a partition key Id (S) and, with `sort`, a sort key Seq (N).
    pub async fn create_table(&mut self, name: &str, sort: bool) -> Result<(), Failure> {
        let mut schema = vec![serde_json::json!({"AttributeName": "Id", "KeyType": "HASH"})];
        let mut attributes = vec![serde_json::json!({"AttributeName": "Id", "AttributeType": "S"})];
        if sort {
            schema.push(serde_json::json!({"AttributeName": "Seq", "KeyType": "RANGE"}));
            attributes.push(serde_json::json!({"AttributeName": "Seq", "AttributeType": "N"}));
        }
        let request = serde_json::json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema, "AttributeDefinitions": attributes,
        });
        self.call("CreateTable", &request).await.map(drop)
    }
}

/// The digits of an attribute {"N": …}.
pub fn number(item: &Value, attribute: &str) -> Option<u64> {
    item.get(attribute)?.get("N")?.as_str()?.parse().ok()
}
