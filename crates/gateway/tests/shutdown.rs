//! An orderly end.

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use support::{request, start};
use tokio::net::TcpStream;

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn requests_under_way_are_finished_and_nothing_new_is_taken() {
    let running = start().await;
    let mut idle = running.connect().await;
    assert_eq!(idle.ask(request("GetItem", "{}")).await.status, 200);
    let mut working = running.connect().await;
    working.send(request("GetItem", r#"{"wait":true}"#)).await;
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    let (address, echo) = (running.address, running.echo.clone());
    let stopping = tokio::spawn(running.server.stop(LONG));
    idle.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!stopping.is_finished());
    echo.gate.add_permits(1);
    let answer = working.receive().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection"), "close");
    working.ended().await;
    assert!(stopping.await.unwrap());
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_dropped() {
    let running = start().await;
    let mut working = running.connect().await;
    working.send(request("GetItem", r#"{"wait":true}"#)).await;
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    let dropped = running.echo.dropped.clone();
    assert!(!running.server.stop(Duration::from_millis(50)).await);
    assert!(working.ended().await.is_empty());
    assert_eq!(dropped.load(SeqCst), 1);
}

#[tokio::test]
async fn a_server_without_clients_ends_at_once() {
    assert!(start().await.server.stop(LONG).await);
}
