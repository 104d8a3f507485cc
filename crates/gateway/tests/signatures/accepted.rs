//! Properly signed requests, in all the ways that clients write them.

use crate::signer::*;
use bytes::Bytes;
use http::{HeaderValue, Request, Version};

#[test]
fn both_forms_are_let_in_whatever_the_region() {
    for region in ["us-east-1", "localhost", "ddblocal", "eu_x.1-a"] {
        for presigned in [None, Some(1), Some(604_800)] {
            let signing = Signing {
                region,
                presigned,
                ..Signing::default()
            };
            accepts(signing.sign(list_tables()));
        }
    }
}

#[test]
fn a_verifier_that_keeps_signing_keys_goes_on_telling_days_and_regions_apart() {
    use pg_dynamo_gateway::auth::SigV4;
    let verifier = SigV4::with_clock(Keys::new(SECRET), now);
    for _ in 0..3 {
        for region in 0..20 {
            for late in [-30, 30] {
                let signing = Signing {
                    region: &format!("region-{region}"),
                    late,
                    ..Signing::default()
                };
                let (head, body) = signing.sign(list_tables()).into_parts();
                assert!(block_on(&verifier, &head, &body).is_ok());
                let signing = Signing {
                    secret: "wrong",
                    ..signing
                };
                let (head, body) = signing.sign(list_tables()).into_parts();
                assert!(block_on(&verifier, &head, &body).is_err());
            }
        }
    }
}

#[test]
fn a_clock_may_be_five_minutes_off() {
    for late in [-300, -30, 30, 300] {
        let signing = Signing {
            late,
            ..Signing::default()
        };
        accepts(signing.sign(list_tables()));
    }
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    let signing = Signing {
        presigned: Some(3600),
        late: -3600,
        ..Signing::default()
    };
    accepts(signing.sign(list_tables()));
}

#[test]
fn the_parts_of_the_header_come_in_any_order_and_with_any_space() {
    let variants: [fn(&str) -> String; 5] = [
        |h| h.replace(", ", ","),
        |h| h.replace(", ", "  ,\t "),
        |h| h.replace(", ", " "),
        |h| format!("  {h} ,"),
        |h| {
            let (algorithm, parts) = h.split_once(' ').unwrap();
            let parts: Vec<&str> = parts.split(", ").collect();
            format!("{algorithm} {}, {}, {}", parts[2], parts[1], parts[0])
        },
    ];
    for variant in variants {
        accepts(reauthorized(signed(list_tables()), variant));
    }
}

#[test]
fn slashes_at_the_end_of_the_credential_do_not_count() {
    accepts(reauthorized(signed(list_tables()), |h| {
        h.replace("aws4_request", "aws4_request//")
    }));
}

#[test]
fn signed_headers_may_be_listed_in_any_order_and_case() {
    let request = signed(list_tables());
    accepts(reauthorized(request, |h| {
        let (before, rest) = h.split_once("SignedHeaders=").unwrap();
        let (names, after) = rest.split_once(',').unwrap();
        let mut names: Vec<String> = names.split(';').map(str::to_uppercase).collect();
        names.reverse();
        format!("{before}SignedHeaders={},{after}", names.join(";"))
    }));
}

#[test]
fn the_order_and_spacing_of_headers_on_the_wire_does_not_count() {
    let mut request = list_tables();
    let headers = request.headers_mut();
    headers.insert("x-amz-note", HeaderValue::from_static("two words"));
    let sent = signed(request);
    let mut moved = Request::new(sent.body().clone());
    *moved.method_mut() = sent.method().clone();
    let mut headers: Vec<_> = sent.headers().iter().collect();
    headers.reverse();
    for (name, value) in headers {
        let value = match name.as_str() {
            "x-amz-note" => HeaderValue::from_static(" two \t  words  "),
            _ => value.clone(),
        };
        moved.headers_mut().append(name.clone(), value);
    }
    accepts(moved);
}

#[test]
fn a_header_sent_twice_is_signed_as_one_list() {
    let mut request = list_tables();
    for value in ["b", "a"] {
        let value = HeaderValue::from_static(value);
        request.headers_mut().append("x-amz-list", value);
    }
    let sent = signed(request);
    let mut joined = sent.clone();
    let list = HeaderValue::from_static("b,a");
    joined.headers_mut().insert("x-amz-list", list);
    accepts(sent);
    accepts(joined);
}

#[test]
fn headers_that_are_not_signed_may_change_on_the_way() {
    let mut request = signed(list_tables());
    let headers = request.headers_mut();
    headers.insert("user-agent", HeaderValue::from_static("a proxy"));
    headers.insert("via", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    headers.insert("x-amz-unsigned", HeaderValue::from_static("1"));
    accepts(request);
}

#[test]
fn the_authority_of_http_2_stands_for_host() {
    let mut request = signed(list_tables());
    let host = request.headers_mut().remove("host").unwrap();
    let uri = format!("http://{}/", host.to_str().unwrap());
    *request.uri_mut() = uri.parse().unwrap();
    *request.version_mut() = Version::HTTP_2;
    accepts(request);
}

#[test]
fn the_authority_of_http_2_may_be_signed_by_its_own_name() {
    let mut request = signed_by_hand(":authority");
    request.headers_mut().remove("host");
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "http://h/".parse().unwrap();
    accepts(request.clone());
    *request.uri_mut() = "http://other/".parse().unwrap();
    refuses(
        request,
        pg_dynamo_core::ErrorKind::InvalidSignature,
        MISMATCH,
    );
}

#[test]
fn the_hash_that_a_client_sends_is_a_header_like_any_other() {
    for hash in ["UNSIGNED-PAYLOAD", "not a hash", ""] {
        let mut request = list_tables();
        let value = HeaderValue::from_str(hash).unwrap();
        request.headers_mut().insert("x-amz-content-sha256", value);
        accepts(signed(request));
    }
}

#[test]
fn the_date_header_serves_without_x_amz_date() {
    let mut request = signed(list_tables());
    // Not signed as a header, but the date is part of what is signed.
    let date = request.headers_mut().remove("x-amz-date").unwrap();
    request.headers_mut().insert("date", date);
    refuses(
        request,
        pg_dynamo_core::ErrorKind::InvalidSignature,
        MISMATCH,
    );
    let request = signed_by_hand("host");
    accepts(request);
}

/// Signed by hand over `host`, under the name given, and `x-amz-target` alone; only the date header has the time.
fn signed_by_hand(host: &str) -> Request<Bytes> {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    let scope = "20260131/us-east-1/dynamodb/aws4_request";
    let canonical = format!(
        "POST\n/\n\n{host}:h\nx-amz-target:DynamoDB_20120810.ListTables\n\n{host};x-amz-target\n\
         44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    );
    let digest = sha256_hex(canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n20260131T235930Z\n{scope}\n{digest}");
    let key = generate_signing_key(SECRET, now(), "us-east-1", "dynamodb");
    let signature = calculate_signature(key, text.as_bytes());
    let header = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={host};x-amz-target,Signature={signature}"
    );
    Request::post("/")
        .header("host", "h")
        .header("date", "20260131T235930Z")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .header("authorization", header)
        .body(Bytes::from_static(b"{}"))
        .unwrap()
}

fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
