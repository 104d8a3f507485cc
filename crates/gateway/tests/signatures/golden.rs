//! Requests that botocore signed.

use crate::signer::{INVALID_TOKEN, Keys, block_on, refused_as};
use bytes::Bytes;
use http::Request;
use pg_dynamo_core::{ErrorKind, Result};
use pg_dynamo_gateway::auth::{AccessKey, KeySource, SigV4, Zeroizing};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VECTORS: &str = include_str!("botocore.json");

struct Golden(Arc<str>, Arc<AccessKey>);

impl KeySource for Golden {
    async fn find(&self, id: &str) -> Result<Option<Arc<AccessKey>>> {
        Ok((id == &*self.0).then(|| self.1.clone()))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn signing_time() -> SystemTime {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    UNIX_EPOCH + Duration::from_secs(vectors["now"].as_u64().unwrap())
}

fn request(vector: &Value) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(text(vector, "method"))
        .uri(text(vector, "target"));
    for header in vector["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        // What a server's parser leaves of a value: nothing around it.
        request = request.header(name, value.trim_matches([' ', '\t']));
    }
    let body = base64(text(vector, "body"));
    request.body(Bytes::from(body)).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |b: u8| -> u32 {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        digits.iter().position(|d| *d == b).unwrap() as u32
    };
    let digits: Vec<u32> = text.bytes().filter(|b| *b != b'=').map(digit).collect();
    let bits = |chunk: &[u32]| (0..4).fold(0, |n, i| n << 6 | chunk.get(i).unwrap_or(&0));
    let bytes = |chunk: &[u32]| bits(chunk).to_be_bytes()[1..chunk.len()].to_vec();
    digits.chunks(4).flat_map(bytes).collect()
}

#[test]
fn every_request_that_botocore_signed_is_let_in_and_none_of_them_with_another_secret() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let verifier = |secret: &str| {
        let secret = Zeroizing::new(secret.to_owned());
        let key = AccessKey::new("app", secret);
        let keys = Golden(text(&vectors, "access_key_id").into(), Arc::new(key));
        SigV4::with_clock(keys, signing_time)
    };
    let (right, wrong) = (
        verifier(text(&vectors, "secret_access_key")),
        verifier("another"),
    );
    let mut seen = 0;
    for vector in vectors["requests"].as_array().unwrap() {
        let name = text(vector, "name");
        let (head, body) = request(vector).into_parts();
        let answer = block_on(&right, &head, &body);
        if name == "session_token" {
            refused_as(answer, ErrorKind::UnrecognizedClient, INVALID_TOKEN);
        } else {
            assert!(answer.is_ok(), "{name}: {answer:?}");
        }
        assert!(block_on(&wrong, &head, &body).is_err(), "{name}");
        let unknown = SigV4::with_clock(Keys::new(""), signing_time);
        let answer = block_on(&unknown, &head, &body);
        refused_as(answer, ErrorKind::UnrecognizedClient, INVALID_TOKEN);
        seen += 1;
    }
    assert!(seen >= 8);
}
