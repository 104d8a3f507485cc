//! Signed requests over one connection at a time.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::error::Error;
use std::time::SystemTime;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub type Failure = Box<dyn Error + Send + Sync>;

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
        Connection {
            endpoint: self.clone(),
            open: None,
        }
    }

    fn signed(&self, operation: &str, body: String) -> Result<Request<Full<Bytes>>, Failure> {
        let identity =
            Credentials::new(&self.access_key_id, &self.secret, None, None, "load").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let target = format!("DynamoDB_20120810.{operation}");
        let headers = [
            ("host", self.endpoint.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", target.as_str()),
        ];
        let signable = SignableRequest::new(
            "POST",
            format!("http://{}/", self.endpoint),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        let mut request = Request::builder().method(Method::POST).uri("/");
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request = request.header(name, value);
        }
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }
}

/// A keep-alive connection, opened when it is needed.
pub struct Connection {
    endpoint: Endpoint,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    /// Closes the socket at once, whatever is under way on it.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    async fn open(&self) -> Result<Open, Failure> {
        let stream = TcpStream::connect(&self.endpoint.endpoint).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // How it ended is what the request reports.
            let _ = connection.await;
        });
        Ok(Open { sender, driver })
    }

    /// Sends one request. An error means that nobody knows whether it was executed; dropping this future closes the
    /// connection.
    pub async fn send(&mut self, operation: &str, body: &Value) -> Result<Answer, Failure> {
        let request = self.endpoint.signed(operation, body.to_string())?;
        let reused = match self.open.take() {
            Some(open) if !open.sender.is_closed() => Some(open),
            _ => None,
        };
        let mut open = match reused {
            Some(open) => open,
            None => self.open().await?,
        };
        open.sender.ready().await?;
        let response = open.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        self.open = Some(open);
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body })
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
