//! A server on a port of its own with stand-ins behind it, and a client that writes bytes as it pleases.
#![allow(dead_code)] // not every test program needs everything

use bytes::Bytes;
use http::request::Parts;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use pg_dynamo_gateway::auth::{Authenticate, Identity};
use pg_dynamo_gateway::backend::{Backend, Reply, Request};
use pg_dynamo_gateway::cors::Origins;
use pg_dynamo_gateway::memory::Memory;
use pg_dynamo_gateway::server::tls::Tls;
use pg_dynamo_gateway::server::watch::Limits;
use pg_dynamo_gateway::server::{Listen, Server};
use pg_dynamo_gateway::service::Service;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Refuses requests without an Authorization header; everybody else is "app". A header x-look-up has it ask another
/// task first.
pub struct HeaderIsEnough;

impl Authenticate for HeaderIsEnough {
    async fn authenticate(&self, head: &Parts, _: &Bytes) -> Result<Identity> {
        if !head.headers.contains_key("authorization") {
            return Err(ApiError::missing_authentication_token(
                "Request is missing Authentication Token",
            ));
        }
        if head.headers.contains_key("x-look-up") {
            let looked_up = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
            looked_up.await.unwrap();
        }
        Ok(Identity { role: "app".into() })
    }
}

/// Answers `{"operation":…,"bytes":…}`; a body `{"answer":N}` gets N bytes, `{"fail":true}` a failure, and
/// `{"wait":true}` waits for a permit of `gate`.
pub struct Echo {
    pub gate: Semaphore,
    pub waiting: AtomicUsize,
    /// Requests that were given up while they waited.
    pub dropped: Arc<AtomicUsize>,
    pub ready: std::sync::atomic::AtomicBool,
}

impl Default for Echo {
    fn default() -> Self {
        Echo {
            gate: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
            dropped: Arc::default(),
            ready: true.into(),
        }
    }
}

struct CountDrop(Option<Arc<AtomicUsize>>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        if let Some(dropped) = &self.0 {
            dropped.fetch_add(1, SeqCst);
        }
    }
}

impl Backend for Echo {
    async fn call(&self, request: Request) -> Reply {
        let reply = |status, error, body: String| Reply {
            status,
            error,
            body: body.into(),
            capacity: 0.5,
        };
        if request.body.starts_with(b"{\"fail\"") {
            let error = ApiError::resource_not_found("Requested resource not found");
            return reply(400, Some(ErrorKind::ResourceNotFound), error.body());
        }
        if request.body.starts_with(b"{\"wait\"") {
            let mut guard = CountDrop(Some(self.dropped.clone()));
            self.waiting.fetch_add(1, SeqCst);
            self.gate.acquire().await.unwrap().forget();
            guard.0 = None;
        }
        let number = std::str::from_utf8(&request.body)
            .ok()
            .and_then(|b| b.strip_prefix("{\"answer\":"))
            .and_then(|b| b.trim_end_matches('}').parse::<usize>().ok());
        if let Some(bytes) = number {
            return reply(200, None, format!("\"{}\"", "x".repeat(bytes - 2)));
        }
        let name = request.operation.name();
        let text = format!(
            r#"{{"operation":"{name}","role":"{}","bytes":{}}}"#,
            request.role,
            request.body.len()
        );
        reply(200, None, text)
    }

    async fn ready(&self) -> bool {
        self.ready.load(SeqCst)
    }
}

/// What a test may choose.
pub struct Setup {
    pub limits: Limits,
    pub body: Duration,
    pub memory: usize,
    pub origins: Origins,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            limits: Limits {
                head: Duration::from_secs(60),
                idle: Duration::from_secs(60),
                send: Duration::from_secs(60),
                connections: 1000,
            },
            body: Duration::from_secs(60),
            memory: 256 << 20,
            origins: Origins::Any,
        }
    }
}

pub struct Running {
    pub server: Server,
    pub echo: Arc<Echo>,
    pub memory: Arc<Memory>,
    pub address: SocketAddr,
}

impl Running {
    pub async fn start(setup: Setup) -> Running {
        Running::start_with(setup, None).await
    }

    pub async fn start_with(setup: Setup, tls: Option<Arc<Tls>>) -> Running {
        let echo = Arc::new(Echo::default());
        let memory = Arc::new(Memory::new(setup.memory));
        let service = Service {
            authenticate: HeaderIsEnough,
            backend: echo.clone(),
            origins: setup.origins,
            memory: memory.clone(),
            patience: setup.body,
            observe: Arc::new(()),
        };
        let listen = Listen::resolve_all("127.0.0.1:0").unwrap();
        let server = Server::start(&listen, setup.limits, tls, Arc::new(service))
            .await
            .unwrap();
        Running {
            address: server.addresses()[0],
            server,
            echo,
            memory,
        }
    }

    pub async fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// Waits until `condition` holds; a test that hangs here shows that it never does.
    pub async fn until(&self, condition: impl Fn(&Running) -> bool) {
        while !condition(self) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

pub async fn start() -> Running {
    Running::start(Setup::default()).await
}

/// An HTTP/1.1 client without opinions.
pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// "ValidationException" of an error body.
    pub fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let name = body["__type"].as_str().unwrap();
        name.rsplit('#').next().unwrap().to_owned()
    }
}

impl Client {
    pub fn new(stream: TcpStream) -> Client {
        Client {
            stream,
            read: Vec::new(),
        }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one answer. Panics when the connection ends first.
    pub async fn receive(&mut self) -> Response {
        self.receive_to("POST").await.expect("an answer")
    }

    /// The answer to a request of that method; None when the connection ended instead.
    pub async fn receive_to(&mut self, method: &str) -> Option<Response> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: HashMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |n| n.parse().unwrap());
        let length = if method == "HEAD" { 0 } else { length };
        while self.read.len() < length {
            self.more().await?;
        }
        let body = self.read.drain(..length).collect();
        Some(Response {
            status,
            headers,
            body,
        })
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    /// Waits until the server has closed the connection, and says what it still sent.
    pub async fn ended(&mut self) -> Vec<u8> {
        while self.more().await.is_some() {}
        std::mem::take(&mut self.read)
    }

    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request).await;
        self.receive().await
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|w| w == part)
}

/// A sound, signed request with more headers (each line ending in `\r\n`).
pub fn request_with(operation: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n\
         content-type: application/x-amz-json-1.0\r\nauthorization: AWS4-HMAC-SHA256 x\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

pub fn request(operation: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    request_with(operation, "", body)
}
