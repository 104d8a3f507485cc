//! What the endpoint can do with nothing behind it: the whole service, but every request is answered from memory.
//!
//!     ceiling [connections] [seconds] [threads]   requests a second, and the gateway's processor time for each
//!     ceiling serve HOST:PORT                      serves until it is killed, for any load generator
//!
//! Measured with and without signatures, which are verified with the key of AWS_ACCESS_KEY_ID and
//! AWS_SECRET_ACCESS_KEY, or one made up. Server and client run in threads of one process; the kernel counts
//! each thread's time. The client sends one prepared request over and over and only counts answers.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use pg_dynamo_gateway::auth::{
    Authenticate, Directory, KeyStore, NoAuthentication, Record, SigV4, Unreachable, Zeroizing,
};
use pg_dynamo_gateway::backend::{Backend, Reply, Request};
use pg_dynamo_gateway::cors::Origins;
use pg_dynamo_gateway::memory::Memory;
use pg_dynamo_gateway::metrics::Metrics;
use pg_dynamo_gateway::server::watch::Limits;
use pg_dynamo_gateway::server::{Listen, Server};
use pg_dynamo_gateway::service::Service;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};

const BODY: &str =
    r#"{"TableName":"Music","Key":{"Artist":{"S":"No One You Know"}},"ConsistentRead":true}"#;
const REPLY: &[u8] = br#"{"Item":{"Artist":{"S":"No One You Know"},"SongTitle":{"S":"Call Me Today"},"Year":{"N":"1999"}}}"#;

type Outcome<T> = Result<T, Box<dyn Error>>;

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

/// One access key.
#[derive(Clone)]
struct Key {
    id: String,
    secret: String,
}

impl Key {
    fn get() -> Key {
        let of = |name, otherwise: &str| std::env::var(name).unwrap_or(otherwise.to_owned());
        Key {
            id: of("AWS_ACCESS_KEY_ID", "AKIDCEILING000000001"),
            secret: of(
                "AWS_SECRET_ACCESS_KEY",
                "no/secret+at-all0123456789abcdefghijklmn",
            ),
        }
    }
}

impl Directory for Key {
    async fn look_up(&mut self, id: &str) -> Result<Option<Record>, Unreachable> {
        Ok((id == self.id).then(|| Record {
            role: "app".to_owned(),
            secret: Zeroizing::new(self.secret.clone()),
        }))
    }
}

async fn serve<A: Authenticate>(authenticate: A, listen: &str) -> Outcome<Server> {
    let service = Service {
        authenticate,
        backend: Arc::new(Empty),
        origins: Origins::Any,
        memory: Arc::new(Memory::new(256 << 20)),
        patience: Duration::from_secs(60),
        observe: Metrics::new(),
    };
    let limits = Limits {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        send: Duration::from_secs(60),
        connections: 10_000,
    };
    let listen = Listen::resolve_all(listen)?;
    Ok(Server::start(&listen, limits, None, Arc::new(service)).await?)
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(threads).thread_name("gateway");
    builder.enable_all().build()
}

/// A GetItem as SDKs send it.
fn signed_request(key: &Key, address: SocketAddr) -> Outcome<Vec<u8>> {
    let mut request = http::Request::post(format!("http://{address}/"))
        .header("host", address.to_string())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .header("content-length", BODY.len())
        .header("user-agent", "aws-sdk-rust/1.3.3 os/linux lang/rust/1.95.0")
        .body(())?;
    let identity = Credentials::new(&key.id, &key.secret, None, None, "ceiling").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("dynamodb")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let uri = request.uri().to_string();
    let signable =
        SignableRequest::new("POST", uri, headers, SignableBody::Bytes(BODY.as_bytes()))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let mut bytes = b"POST / HTTP/1.1\r\n".to_vec();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(BODY.as_bytes());
    Ok(bytes)
}

/// One request at a time on each connection, all connections in turn.
fn load(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    until: Instant,
) -> std::io::Result<u64> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut answers = 0;
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        for stream in &mut streams {
            stream.write_all(request)?;
        }
        for stream in &mut streams {
            let n = stream.read(&mut buffer)?;
            if !buffer[..n].starts_with(b"HTTP/1.1 200") || !buffer[..n].ends_with(REPLY) {
                let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
                return Err(std::io::Error::other(text));
            }
            answers += 1;
        }
    }
    Ok(answers)
}

/// Nanoseconds that the gateway's threads have run.
fn processor_time() -> u64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    tasks
        .flatten()
        .filter(|task| read(task.path().join("comm")).trim() == "gateway")
        .filter_map(|task| {
            let times = read(task.path().join("schedstat"));
            times.split(' ').next()?.parse::<u64>().ok()
        })
        .sum()
}

fn measure(
    what: &str,
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    seconds: usize,
) -> Outcome<()> {
    let warm = Instant::now() + Duration::from_millis(500);
    load(address, request, connections, warm)?;
    let (before, began) = (processor_time(), Instant::now());
    let until = began + Duration::from_secs(seconds as u64);
    let answers = load(address, request, connections, until)?;
    let took = began.elapsed().as_secs_f64();
    let spent = processor_time() - before;
    println!(
        "{what}, {connections} connections: {:.0} requests a second, {:.1} us of the gateway for each",
        answers as f64 / took,
        spent as f64 / answers as f64 / 1000.0
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let key = Key::get();
    if let [verb, listen] = &arguments[..]
        && verb == "serve"
    {
        let runtime = runtime(1)?;
        return runtime.block_on(async {
            let server = serve(SigV4::new(KeyStore::start(key)), listen).await?;
            println!("listening on {}", server.addresses()[0]);
            std::future::pending().await
        });
    }
    let number = |place: usize, otherwise| {
        let given = arguments.get(place);
        given
            .and_then(|a| a.parse::<usize>().ok())
            .unwrap_or(otherwise)
    };
    let (connections, seconds, threads) = (number(0, 64), number(1, 5), number(2, 1));
    let runtime = runtime(threads)?;
    let nobody = NoAuthentication { role: "app".into() };
    let open = runtime.block_on(serve(nobody, "127.0.0.1:0"))?;
    let keys = key.clone();
    let closed = runtime
        .block_on(async { serve(SigV4::new(KeyStore::start(keys)), "127.0.0.1:0").await })?;
    for (what, server) in [("unsigned", &open), ("signed", &closed)] {
        let address = server.addresses()[0];
        let request = signed_request(&key, address)?;
        measure(what, address, &request, connections, seconds)?;
    }
    runtime.shutdown_background();
    Ok(())
}
