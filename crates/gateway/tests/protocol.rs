//! The wire protocol: what a client sees, byte by byte.

mod support;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pg_dynamo_gateway::cors::Origins;
use std::io::{Read, Write};
use support::{Running, Setup, request, request_with, start};

const LARGEST: usize = 16 * 1024 * 1024;

#[tokio::test]
async fn an_answer_carries_what_sdks_look_for() {
    let running = start().await;
    let mut client = running.connect().await;
    let answer = client.ask(request("GetItem", "{}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        r#"{"operation":"GetItem","role":"app","bytes":2}"#
    );
    assert_eq!(answer.header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(
        answer.header("x-amz-crc32"),
        crc32fast::hash(&answer.body).to_string()
    );
    let id = answer.header("x-amzn-requestid");
    assert!(
        id.len() == 52
            && id
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    );
    assert!(answer.headers.contains_key("date"));
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let running = start().await;
    let mut client = running.connect().await;
    for _ in 0..3 {
        assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
    }
    client
        .send([request("GetItem", "{}"), request("PutItem", "{} ")].concat())
        .await;
    assert!(client.receive().await.text().contains("GetItem"));
    assert!(client.receive().await.text().contains("PutItem"));
}

#[tokio::test]
async fn errors_of_the_backend_arrive_as_they_are() {
    let running = start().await;
    let mut client = running.connect().await;
    let answer = client.ask(request("GetItem", r#"{"fail":true}"#)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.text(),
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}"#
    );
    assert_eq!(
        answer.header("x-amz-crc32"),
        crc32fast::hash(&answer.body).to_string()
    );
}

#[tokio::test]
async fn unknown_operations_are_answered_at_once() {
    let running = start().await;
    let mut client = running.connect().await;
    for target in [
        "x-amz-target: DynamoDB_20120810.Nonsense\r\n",
        "x-amz-target: DynamoDBStreams_20120810.GetItem\r\n",
        "x-amz-target: DynamoDB_20120810.GetRecords\r\n",
        "x-amz-target: GetItem\r\n",
        "",
    ] {
        let answer = client
            .ask(format!(
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-amz-json-1.0\r\n{target}content-length: 2\r\n\r\n{{}}"
            ))
            .await;
        assert_eq!(answer.status, 400, "{target}");
        assert_eq!(
            answer.text(),
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#
        );
    }
}

/// Size, content type, JSON, target, signature.
#[tokio::test]
async fn of_several_faults_the_first_is_told() {
    let running = start().await;
    let mut client = running.connect().await;
    let mut ask = async |head: &str, body: &str| {
        let answer = client
            .ask(format!(
                "POST / HTTP/1.1\r\nhost: a\r\n{head}content-length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        (answer.status, answer.text().to_owned())
    };
    let no_api = (404, "<UnknownOperationException/>\n".to_owned());
    assert_eq!(ask("", "not json").await, no_api);
    assert_eq!(ask("content-type: text/plain\r\n", "{}").await, no_api);
    let (status, body) = ask("content-type: application/json\r\n", "not json").await;
    assert_eq!(status, 400);
    assert!(body.contains("#SerializationException"), "{body}");
    let (_, body) = ask(
        "content-type: application/json\r\nx-amz-target: DynamoDB_20120810.GetItem\r\n",
        "not json",
    )
    .await;
    assert!(body.contains("#SerializationException"), "{body}");
    let (_, body) = ask("", "").await;
    assert!(body.contains("#UnknownOperationException"), "{body}");
    let (_, body) = ask("x-amz-target: DynamoDB_20120810.GetItem\r\n", "").await;
    assert!(body.contains("#MissingAuthenticationToken"), "{body}");
}

#[tokio::test]
async fn answers_come_in_the_content_type_of_the_request() {
    let running = start().await;
    let mut client = running.connect().await;
    let answer = client
        .ask(
            "POST / HTTP/1.1\r\nhost: a\r\nauthorization: x\r\ncontent-type: application/json; charset=utf-8\r\n\
             x-amz-target: DynamoDB_20120810.GetItem\r\ncontent-length: 2\r\n\r\n{}",
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn chunked_bodies_are_put_together() {
    let running = start().await;
    let mut client = running.connect().await;
    client
        .send(
            "POST / HTTP/1.1\r\nhost: a\r\nauthorization: x\r\ncontent-type: application/x-amz-json-1.0\r\n\
             x-amz-target: DynamoDB_20120810.GetItem\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
        )
        .await;
    client.send("3\r\n  }\r\n0\r\nx-trailer: 1\r\n\r\n").await;
    assert!(client.receive().await.text().contains("\"bytes\":4"));
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sixteen_megabytes_pass_and_one_byte_more_does_not() {
    let running = start().await;
    let mut client = running.connect().await;
    let body = vec![b' '; LARGEST];
    let answer = client.ask(request("PutItem", &body)).await;
    assert!(answer.text().contains("\"bytes\":16777216"));
    let answer = client
        .ask(request("PutItem", [&body[..], b" "].concat()))
        .await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.error(), "RequestEntityTooLargeException");
    client.ended().await;

    let mut client = running.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1000001\r\n")
        .await;
    client.send([&body[..], b" \r\n0\r\n\r\n"].concat()).await;
    assert_eq!(client.receive().await.status, 413);
    running.until(|r| r.memory.used() == 0).await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_before_it_sends() {
    let running = start().await;
    let mut client = running.connect().await;
    let expecting = |length: usize| {
        let whole = request_with("PutItem", "expect: 100-continue\r\n", "");
        let head = String::from_utf8(whole).unwrap();
        head.replace("content-length: 0", &format!("content-length: {length}"))
    };
    client.send(expecting(2)).await;
    assert_eq!(client.receive().await.status, 100);
    assert_eq!(client.ask("{}").await.status, 200);
    client.send(expecting(LARGEST + 1)).await;
    assert_eq!(client.receive().await.status, 413);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_requests_are_inflated_within_the_limit() {
    let running = start().await;
    let mut client = running.connect().await;
    let encoded = |body: &[u8]| request_with("PutItem", "content-encoding: gzip\r\n", body);
    let answer = client.ask(encoded(&gzip(&vec![b' '; LARGEST]))).await;
    assert!(answer.text().contains("\"bytes\":16777216"));
    let answer = client.ask(encoded(&gzip(&vec![b' '; LARGEST + 1]))).await;
    assert_eq!(answer.status, 413);
    let answer = client.ask(encoded(b"{}")).await;
    assert_eq!(answer.error(), "SerializationException");
    let answer = client
        .ask(request_with("PutItem", "content-encoding: br\r\n", "{}"))
        .await;
    assert_eq!(answer.error(), "SerializationException");
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let running = start().await;
    let mut client = running.connect().await;
    let asking = |bytes: usize| {
        request_with(
            "Query",
            "accept-encoding: gzip\r\n",
            format!("{{\"answer\":{bytes}}}"),
        )
    };
    for bytes in [2_000, 500_000] {
        let answer = client.ask(asking(bytes)).await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert!(answer.body.len() < bytes / 10);
        // SDKs check the sum before they decompress.
        assert_eq!(
            answer.header("x-amz-crc32"),
            crc32fast::hash(&answer.body).to_string()
        );
        let mut text = String::new();
        GzDecoder::new(&answer.body[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text.len(), bytes);
    }
    let small = client.ask(asking(1000)).await;
    assert_eq!(small.header("content-encoding"), "");
    assert_eq!(small.body.len(), 1000);
    let unasked = client.ask(request("Query", r#"{"answer":2000}"#)).await;
    assert_eq!(unasked.header("content-encoding"), "");
}

#[tokio::test]
async fn the_root_tells_health_by_get_and_head() {
    let running = start().await;
    let mut client = running.connect().await;
    let get = client.ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((get.status, get.text()), (200, "healthy: pg_dynamo "));
    client.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let head = client.receive_to("HEAD").await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), "19");
    assert_eq!(head.header("x-amz-crc32"), get.header("x-amz-crc32"));
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
}

#[tokio::test]
async fn what_is_no_request_of_the_api_is_not_found() {
    let running = start().await;
    let mut client = running.connect().await;
    for line in [
        "GET /x",
        "PUT /",
        "DELETE /",
        "PATCH /",
        "OPTIONS /",
        "HEAD /x",
    ] {
        client
            .send(format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        let method = line.split(' ').next().unwrap();
        let answer = client.receive_to(method).await.unwrap();
        assert_eq!(answer.status, 404, "{line}");
        if method != "HEAD" {
            assert_eq!(answer.text(), "<UnknownOperationException/>\n");
        }
    }
}

#[tokio::test]
async fn a_client_of_rpc_v2_cbor_gets_an_error_it_can_read() {
    let running = start().await;
    let mut client = running.connect().await;
    let answer = client
        .ask(
            "POST /service/DynamoDB_20120810/operation/GetItem HTTP/1.1\r\nhost: a\r\nsmithy-protocol: rpc-v2-cbor\r\n\
             content-type: application/cbor\r\naccept: application/cbor\r\ncontent-length: 1\r\n\r\n\u{20}",
        )
        .await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), "application/cbor");
    assert_eq!(answer.header("smithy-protocol"), "rpc-v2-cbor");
    assert!(answer.body.starts_with(b"\xa2\x66__type\x78"));
    assert_eq!(client.ask(request("GetItem", "{}")).await.status, 200);
}

const PREFLIGHT: &str = "access-control-request-method: POST\r\n\
    access-control-request-headers: authorization,x-amz-target\r\naccess-control-request-private-network: true\r\n";

#[tokio::test]
async fn browsers_may_send_signed_requests_from_any_page() {
    let running = start().await;
    let mut client = running.connect().await;
    let answer = client
        .ask(format!(
            "OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: https://example.com\r\n{PREFLIGHT}\r\n"
        ))
        .await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,x-amz-target"),
        ("access-control-allow-private-network", "true"),
        ("access-control-max-age", "172800"),
        ("content-length", "0"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let answer = client
        .ask(request_with(
            "GetItem",
            "origin: https://example.com\r\n",
            "{}",
        ))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(
        answer
            .header("access-control-expose-headers")
            .contains("x-amz-crc32")
    );
}

#[tokio::test]
async fn without_signatures_only_pages_of_this_machine_may() {
    let running = Running::start(Setup {
        origins: Origins::Loopback,
        ..Setup::default()
    })
    .await;
    let mut client = running.connect().await;
    let preflight = |origin: &str| {
        format!("OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: {origin}\r\n{PREFLIGHT}\r\n")
    };
    let answer = client.ask(preflight("http://localhost:8001")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "http://localhost:8001"
    );
    let answer = client.ask(preflight("https://example.com")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let answer = client
        .ask(request_with(
            "GetItem",
            "origin: https://example.com\r\n",
            "{}",
        ))
        .await;
    assert_eq!(answer.error(), "AccessDeniedException");
    let answer = client.ask(request("GetItem", "{}")).await;
    assert_eq!(answer.status, 200);
}
