//! HTTP/2 and TLS.

mod support;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pg_dynamo_gateway::server::tls::Tls;
use rustls::pki_types::{CertificateDer, ServerName};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;
use support::{Client, Running, Setup, request, start};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Sender = SendRequest<Full<Bytes>>;

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sender {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

fn get_item(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("http://localhost/")
        .header("x-amz-target", "DynamoDB_20120810.GetItem")
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", "AWS4-HMAC-SHA256 x")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn whole(response: Response<hyper::body::Incoming>) -> (http::response::Parts, Bytes) {
    let (head, body) = response.into_parts();
    (head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn http2_is_spoken_without_tls_to_those_who_know() {
    let running = start().await;
    let mut sender = http2(TcpStream::connect(running.address).await.unwrap()).await;
    let (head, body) = whole(sender.send_request(get_item("{}")).await.unwrap()).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(
        head.headers["x-amz-crc32"],
        crc32fast::hash(&body).to_string().as_str()
    );
    assert!(body.starts_with(b"{\"operation\":\"GetItem\""));
    let probe = Request::builder()
        .method(Method::HEAD)
        .uri("http://localhost/")
        .body(Full::default())
        .unwrap();
    let (head, body) = whole(sender.send_request(probe).await.unwrap()).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-length"], "19");
    assert!(body.is_empty());
}

#[tokio::test]
async fn a_slow_request_holds_up_no_other_of_its_connection() {
    let running = start().await;
    let mut sender = http2(TcpStream::connect(running.address).await.unwrap()).await;
    let slow = tokio::spawn(sender.send_request(get_item("{\"wait\":true}")));
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    for _ in 0..10 {
        let response = sender.send_request(get_item("{}")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    running.echo.gate.add_permits(1);
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_is_reset_is_given_up() {
    let running = start().await;
    let mut sender = http2(TcpStream::connect(running.address).await.unwrap()).await;
    let slow = tokio::spawn(sender.send_request(get_item("{\"wait\":true}")));
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    slow.abort();
    running.until(|r| r.echo.dropped.load(SeqCst) == 1).await;
    let response = sender.send_request(get_item("{}")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends_the_connection() {
    let mut setup = Setup::default();
    setup.limits.send = Duration::from_millis(100);
    let running = Running::start(setup).await;
    let mut sender = http2(TcpStream::connect(running.address).await.unwrap()).await;
    // The body is not read, so that its stream's window stays closed while the socket is never full.
    let response = sender
        .send_request(get_item("{\"answer\":4000000}"))
        .await
        .unwrap();
    running
        .until(|r| r.server.watch().counters.timed_out.load(Relaxed) == 1)
        .await;
    assert!(response.into_body().collect().await.is_err());
    running.until(|r| r.memory.used() == 0).await;
}

/// A certificate of its own, and a client that trusts nothing else.
fn certificate(directory: &Path) -> TlsConnector {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    connector(made.cert.der())
}

fn connector(trusted: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

async fn secured(running: &Running, tls: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(running.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    tls.connect(name, stream).await
}

async fn start_tls(setup: Setup, directory: &Path) -> (Running, Arc<Tls>) {
    let tls = Tls::load(&directory.join("cert.pem"), &directory.join("key.pem")).unwrap();
    let tls = Arc::new(tls);
    (Running::start_with(setup, Some(tls.clone())).await, tls)
}

#[tokio::test]
async fn tls_clients_choose_http2_or_1() {
    let directory = tempfile::tempdir().unwrap();
    let client = certificate(directory.path());
    let (running, _) = start_tls(Setup::default(), directory.path()).await;
    let stream = secured(&running, &client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http2(stream).await;
    let response = sender.send_request(get_item("{}")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    let mut old = client.config().as_ref().clone();
    old.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut stream = secured(&running, &TlsConnector::from(Arc::new(old)))
        .await
        .unwrap();
    stream.write_all(&request("GetItem", "{}")).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_changed_certificate_is_used_when_it_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let before = certificate(directory.path());
    let (running, tls) = start_tls(Setup::default(), directory.path()).await;
    let mut kept = http2(secured(&running, &before).await.unwrap()).await;
    let after = certificate(directory.path());
    assert!(secured(&running, &after).await.is_err());
    tls.reload().unwrap();
    assert!(secured(&running, &after).await.is_ok());
    assert!(secured(&running, &before).await.is_err());
    let response = kept.send_request(get_item("{}")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    std::fs::write(directory.path().join("key.pem"), "nonsense").unwrap();
    assert!(tls.reload().is_err());
    assert!(secured(&running, &after).await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let client = certificate(directory.path());
    let mut setup = Setup::default();
    setup.limits.head = Duration::from_millis(100);
    let (running, _) = start_tls(setup, directory.path()).await;
    let mut silent = running.connect().await;
    let mut plain = Client::new(TcpStream::connect(running.address).await.unwrap());
    plain.send("GET / HTTP/1.1\r\n\r\n").await;
    silent.ended().await;
    plain.ended().await;
    assert!(secured(&running, &client).await.is_ok());
}
