//! The administrator's port.

mod support;

use pg_dynamo_gateway::admin::Admin;
use pg_dynamo_gateway::memory::Memory;
use pg_dynamo_gateway::server::{Listen, Server};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use support::{Client, Echo, Setup};
use tokio::net::TcpStream;

#[tokio::test]
async fn metrics_health_and_readiness_are_told() {
    let echo = Arc::new(Echo::default());
    let stopping = Arc::new(AtomicBool::new(false));
    let admin = Admin {
        backend: echo.clone(),
        metrics: Registry::default(),
        memory: Arc::new(Memory::new(1 << 20)),
        stopping: stopping.clone(),
    };
    let listen = Listen::resolve_all("127.0.0.1:0").unwrap();
    let server = Server::start(&listen, Setup::default().limits, None, Arc::new(admin))
        .await
        .unwrap();
    let mut client = Client::new(TcpStream::connect(server.addresses()[0]).await.unwrap());
    let mut get = async |path: &str| {
        let answer = client
            .ask(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        (answer.status, answer.text().to_owned())
    };
    assert_eq!(get("/metrics").await, (200, "# EOF\n".to_owned()));
    assert_eq!(get("/health").await, (200, "live\n".to_owned()));
    assert_eq!(get("/ready").await, (200, "ready\n".to_owned()));
    assert_eq!(get("/").await.0, 404);
    echo.ready.store(false, SeqCst);
    assert_eq!(get("/ready").await, (503, "not ready\n".to_owned()));
    assert_eq!(get("/health").await.0, 200);
    echo.ready.store(true, SeqCst);
    stopping.store(true, SeqCst);
    assert_eq!(get("/ready").await.0, 503);
}
