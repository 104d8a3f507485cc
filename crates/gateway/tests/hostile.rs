//! Slow, broken and hostile clients, and that others do not notice them.

mod support;

use pg_dynamo_gateway::server::watch::Limits;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;
use support::{Client, Running, Setup, request, request_with, start};

/// Short enough for a test that waits for it, in a server where nothing else ends.
const SHORT: Duration = Duration::from_millis(100);

fn limits(change: impl FnOnce(&mut Limits)) -> Setup {
    let mut setup = Setup::default();
    change(&mut setup.limits);
    setup
}

async fn still_serves(running: &Running) {
    let mut client = running.connect().await;
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let running = Running::start(limits(|l| l.head = SHORT)).await;
    let mut silent = running.connect().await;
    let mut preface = running.connect().await;
    preface.send("PRI * HT").await;
    let mut partial = running.connect().await;
    partial.send("POST / HTTP/1.1\r\nhost: a\r\nx-a").await;
    let mut second = running.connect().await;
    assert_eq!(second.ask(request("GetItem", "{}")).await.status, 200);
    second.send("POST / HTT").await;
    for client in [&mut silent, &mut preface, &mut partial, &mut second] {
        assert!(client.ended().await.is_empty());
    }
    assert_eq!(running.server.watch().counters.timed_out.load(Relaxed), 4);
    still_serves(&running).await;
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_after_the_idle_timeout() {
    let running = Running::start(limits(|l| l.idle = SHORT)).await;
    let mut client = running.connect().await;
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
    assert!(client.ended().await.is_empty());
    running.until(|r| r.server.watch().count() == 0).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_and_ends_the_connection() {
    let running = Running::start(Setup {
        body: SHORT,
        ..Setup::default()
    })
    .await;
    let mut client = running.connect().await;
    let mut half = request("PutItem", "{\"a\":1}");
    half.truncate(half.len() - 3);
    client.send(half).await;
    let answer = client.receive().await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.error(), "RequestTimeoutException");
    assert_eq!(answer.header("connection"), "close");
    client.ended().await;
    running.until(|r| r.memory.used() == 0).await;
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let running = Running::start(limits(|l| l.head = SHORT)).await;
    let mut client = running.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let chunk = [&b"10000\r\n"[..], &[b'a'; 0x10000], b"\r\n"].concat();
    let mut sent = 0;
    while tokio::io::AsyncWriteExt::write_all(&mut client.stream, &chunk)
        .await
        .is_ok()
    {
        sent += chunk.len();
        assert!(sent < 120 << 20, "it is still reading");
    }
    running.until(|r| r.memory.used() == 0).await;
    still_serves(&running).await;
}

#[tokio::test]
async fn broken_chunks_are_refused() {
    let running = start().await;
    for broken in [
        "zz\r\n",
        "5\r\nabcdefgh\r\n",
        "-1\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let mut client = running.connect().await;
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{broken}"
            ))
            .await;
        let answer = client.receive().await;
        assert_eq!(answer.status, 400, "{broken:?}");
        assert_eq!(answer.error(), "SerializationException");
        client.ended().await;
    }
    still_serves(&running).await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let running = start().await;
    let cases: [(&[u8], &[u8]); 7] = [
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
            b"HTTP/1.1 400 ",
        ),
        (b"GET / HTTP/9.9\r\n\r\n", b"HTTP/1.1 400 "),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
            b"HTTP/1.1 400 ",
        ),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            b"HTTP/1.1 400 ",
        ),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 400 ",
        ),
        (b"GET / HTTP/1.1\r\nhost\0: a\r\n\r\n", b"HTTP/1.1 400 "),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0",
        ),
    ];
    for (sent, starts) in cases {
        let mut client = running.connect().await;
        client.send(sent).await;
        let got = client.ended().await;
        assert!(
            got.starts_with(starts),
            "{:?}",
            String::from_utf8_lossy(&got)
        );
    }
    still_serves(&running).await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let running = start().await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(500));
    for head in [long, many] {
        let mut client = running.connect().await;
        client.send(head).await;
        let answer = client.receive().await;
        assert_eq!(answer.status, 431);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_ended() {
    let running = Running::start(limits(|l| l.send = SHORT)).await;
    let mut client = running.connect().await;
    client.send(request("Scan", r#"{"answer":16000000}"#)).await;
    running
        .until(|r| r.server.watch().counters.timed_out.load(Relaxed) == 1)
        .await;
    running.until(|r| r.memory.used() == 0).await;
    assert!(client.ended().await.len() < 16_000_000);
    still_serves(&running).await;
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let running = Running::start(limits(|l| l.connections = 4)).await;
    let mut resting = running.connect().await;
    assert_eq!(resting.ask(request("GetItem", "{}")).await.status, 200);
    let mut working = running.connect().await;
    working.send(request("GetItem", r#"{"wait":true}"#)).await;
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    let mut silent = running.connect().await;
    let mut partial = running.connect().await;
    partial.send("POST / HTTP/1.1\r\n").await;
    running.until(|r| r.server.watch().count() == 4).await;
    // Those that never asked go first, then the one that rests; the one with a request stays.
    let mut first = running.connect().await;
    assert_eq!(first.ask(request("GetItem", "{}")).await.status, 200);
    let mut second = running.connect().await;
    assert_eq!(second.ask(request("GetItem", "{}")).await.status, 200);
    silent.ended().await;
    partial.ended().await;
    assert_eq!(resting.ask(request("GetItem", "{}")).await.status, 200);
    running.echo.gate.add_permits(1);
    assert_eq!(working.receive().await.status, 200);
}

#[tokio::test]
async fn when_all_connections_work_a_new_one_is_turned_away() {
    let running = Running::start(limits(|l| l.connections = 2)).await;
    let mut working = Vec::new();
    for n in 1..=2 {
        let mut client = running.connect().await;
        client.send(request("GetItem", r#"{"wait":true}"#)).await;
        running.until(|r| r.echo.waiting.load(SeqCst) == n).await;
        working.push(client);
    }
    let mut client = running.connect().await;
    let answer = client.receive().await;
    assert_eq!(answer.status, 503);
    client.ended().await;
    running.echo.gate.add_permits(2);
    for client in &mut working {
        assert_eq!(client.receive().await.status, 200);
    }
}

#[tokio::test]
async fn thousands_of_idle_connections_stop_nobody() {
    let running = Running::start(limits(|l| l.connections = 300)).await;
    let mut idle: Vec<Client> = Vec::new();
    for _ in 0..900 {
        idle.push(running.connect().await);
    }
    still_serves(&running).await;
    assert!(running.server.watch().counters.evicted.load(Relaxed) >= 600);
    running.until(|r| r.server.watch().count() <= 300).await;
}

#[tokio::test]
async fn large_bodies_leave_memory_for_small_requests() {
    let running = Running::start(Setup {
        memory: 8 << 20,
        ..Setup::default()
    })
    .await;
    let mut half = request("PutItem", vec![b' '; 10 << 20]);
    half.truncate(5 << 20);
    let mut greedy = running.connect().await;
    greedy.send(half).await;
    running.until(|r| r.memory.used() > 4 << 20).await;
    let mut other = running.connect().await;
    let answer = other.ask(request("PutItem", vec![b' '; 2 << 20])).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.error(), "ServiceUnavailableException");
    still_serves(&running).await;
    drop(greedy);
    running.until(|r| r.memory.used() == 0).await;
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_given_up() {
    let running = start().await;
    let mut client = running.connect().await;
    client.send(request("GetItem", r#"{"wait":true}"#)).await;
    running.until(|r| r.echo.waiting.load(SeqCst) == 1).await;
    drop(client);
    running.until(|r| r.echo.dropped.load(SeqCst) == 1).await;
    still_serves(&running).await;
}

#[test]
fn large_bodies_of_senders_who_are_looked_up_leave_a_thread_to_look_them_up() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).max_blocking_threads(1);
    runtime.enable_all().build().unwrap().block_on(async {
        let running = start().await;
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(400_000));
        let request = request_with("PutItem", "x-look-up: yes\r\n", body);
        let mut clients = Vec::new();
        for _ in 0..5 {
            let mut client = running.connect().await;
            let request = request.clone();
            clients.push(tokio::spawn(
                async move { client.ask(request).await.status },
            ));
        }
        for client in clients {
            assert_eq!(client.await.unwrap(), 200);
        }
    });
}
