//! What the endpoint itself can do: requests a second and processor time a request with nothing behind it.
//!
//! `cargo run --release -p pg_dynamo_gateway --example ceiling -- [connections] [seconds]`
//!
//! Server and client run in one process, in threads of their own; the kernel counts each thread's time. The client
//! only counts answers, so that what it shows is the server's cost.

use bytes::Bytes;
use pg_dynamo_core::Result;
use pg_dynamo_gateway::auth::{Authenticate, Identity};
use pg_dynamo_gateway::backend::{Backend, Reply, Request};
use pg_dynamo_gateway::cors::Origins;
use pg_dynamo_gateway::memory::Memory;
use pg_dynamo_gateway::server::watch::Limits;
use pg_dynamo_gateway::server::{Listen, Server};
use pg_dynamo_gateway::service::Service;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n\
    Content-Type: application/x-amz-json-1.0\r\nUser-Agent: aws-sdk-rust/1.3.3 os/linux lang/rust/1.95.0\r\n\
    x-amz-date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/\
    dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
    Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
const BODY: &str = r#"{"TableName":"Music","Key":{"Artist":{"S":"No One You Know"}}}"#;
const REPLY: &[u8] = br#"{"Item":{"Artist":{"S":"No One You Know"},"SongTitle":{"S":"Call Me Today"},"Year":{"N":"1999"}}}"#;

struct Anyone(Arc<str>);

impl Authenticate for Anyone {
    async fn authenticate(&self, _: &http::request::Parts, _: &Bytes) -> Result<Identity> {
        Ok(Identity {
            role: self.0.clone(),
        })
    }
}

struct Empty;

impl Backend for Empty {
    async fn call(&self, _: Request) -> Reply {
        Reply {
            status: 200,
            error: None,
            body: Bytes::from_static(REPLY),
            capacity: 0.5,
        }
    }
    async fn ready(&self) -> bool {
        true
    }
}

fn server(threads: usize) -> std::io::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("gateway")
        .enable_all()
        .build()?;
    let service = Service {
        authenticate: Anyone("app".into()),
        backend: Arc::new(Empty),
        origins: Origins::Any,
        memory: Arc::new(Memory::new(256 << 20)),
        patience: Duration::from_secs(60),
        observe: Arc::new(()),
    };
    let limits = Limits {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        send: Duration::from_secs(60),
        connections: 10_000,
    };
    let server = runtime.block_on(async {
        let listen = Listen::resolve_all("127.0.0.1:0")?;
        Server::start(&listen, limits, None, Arc::new(service)).await
    });
    let address = server.map_err(std::io::Error::other)?.addresses()[0];
    std::mem::forget(runtime);
    Ok(address)
}

/// One request at a time on each connection, all connections in turn.
fn client(address: SocketAddr, connections: usize, until: Instant) -> std::io::Result<u64> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let request = format!("{HEAD}Content-Length: {}\r\n\r\n{BODY}", BODY.len());
    let mut answers = 0;
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        for stream in &mut streams {
            stream.write_all(request.as_bytes())?;
        }
        for stream in &mut streams {
            let n = stream.read(&mut buffer)?;
            if !buffer[..n].ends_with(b"}") {
                return Err(std::io::Error::other("not one whole answer"));
            }
            answers += 1;
        }
    }
    Ok(answers)
}

/// Nanoseconds that threads of this name have run.
fn processor_time(name: &str) -> u64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    tasks
        .flatten()
        .filter(|task| read(task.path().join("comm")).trim() == name)
        .filter_map(|task| {
            let times = read(task.path().join("schedstat"));
            times.split(' ').next()?.parse::<u64>().ok()
        })
        .sum()
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let mut next = |default| arguments.next().and_then(|a| a.ok()).unwrap_or(default);
    let (connections, seconds, threads) = (next(64), next(5), next(1));
    let address = server(threads)?;
    client(
        address,
        connections,
        Instant::now() + Duration::from_millis(500),
    )?;
    let before = processor_time("gateway");
    let began = Instant::now();
    let answers = client(
        address,
        connections,
        began + Duration::from_secs(seconds as u64),
    )?;
    let took = began.elapsed().as_secs_f64();
    let spent = processor_time("gateway") - before;
    println!(
        "{connections} connections, {threads} threads: {:.0} requests a second, {:.2} us of the gateway each",
        answers as f64 / took,
        spent as f64 / answers as f64 / 1000.0
    );
    Ok(())
}
