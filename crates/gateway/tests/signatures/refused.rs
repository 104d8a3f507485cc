//! What is refused, with AWS's words.

use crate::signer::*;
use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use pg_dynamo_core::ErrorKind::{
    self, IncompleteSignature, InvalidSignature, MissingAuthenticationToken, UnrecognizedClient,
};

fn with_header(name: &'static str, value: &str) -> Request<Bytes> {
    let mut request = signed(list_tables());
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn authorized(header: &str) -> Request<Bytes> {
    with_header("authorization", header)
}

fn at(target: &str) -> Request<Bytes> {
    let mut request = list_tables();
    *request.uri_mut() = target.parse().unwrap();
    request
}

#[test]
fn a_request_without_a_signature_of_this_family_lacks_its_token() {
    let missing = "Request is missing Authentication Token";
    refuses(list_tables(), MissingAuthenticationToken, missing);
    refuses(
        at("/?X-Amz-Algorith&X-Amz-Credential=a&X-Amz-Signature=b"),
        MissingAuthenticationToken,
        missing,
    );
    for header in [
        "",
        "AWS4",
        "Basic eDp5",
        "AWS AKID:c2ln",
        "AWS3-HTTPS x=y",
        "aws4-hmac-sha256 a=b",
    ] {
        refuses(authorized(header), MissingAuthenticationToken, missing);
    }
}

#[test]
fn two_forms_at_once_are_refused() {
    let mut request = at("/?X-Amz-Algorithm");
    let header = HeaderValue::from_static("X");
    request.headers_mut().insert("authorization", header);
    refuses(
        request,
        InvalidSignature,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
}

#[test]
fn missing_parts_of_the_header_are_listed() {
    let credential = "Authorization header requires 'Credential' parameter. ";
    let signature = "Authorization header requires 'Signature' parameter. ";
    let names = "Authorization header requires 'SignedHeaders' parameter. ";
    let date =
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    for (header, lacks) in [
        ("AWS4-", vec![credential, signature, names]),
        ("AWS4-HMAC-SHA256", vec![credential, signature, names]),
        (
            "AWS4-HMAC-SHA256 Credential=,Signature=,SignedHeaders=",
            vec![credential, signature],
        ),
        ("AWS4-X Signature=b Credential=a", vec![names]),
        ("AWS4-X SignedHeaders=a, Credential=a", vec![signature]),
        (
            "AWS4-X credential=a,Signature=b,SignedHeaders=c",
            vec![credential],
        ),
    ] {
        let text = format!("{}Authorization={header}", lacks.concat());
        refuses(authorized(header), IncompleteSignature, &text);
        let mut undated = authorized(header);
        undated.headers_mut().remove("x-amz-date");
        let text = format!("{}{date}Authorization={header}", lacks.concat());
        refuses(undated, IncompleteSignature, &text);
    }
}

#[test]
fn a_part_without_an_equal_sign_is_shown() {
    let header = "AWS4-HMAC-SHA256 Credential= a/b, Signature=c";
    refuses(
        authorized(header),
        IncompleteSignature,
        &format!(
            "'a/b' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
        ),
    );
}

#[test]
fn what_is_said_twice_is_refused() {
    let header = "AWS4-HMAC-SHA256 Credential=a, Credential=a, SignedHeaders=host, Signature=c";
    refuses(
        authorized(header),
        IncompleteSignature,
        "Found more than one 'Credential'.",
    );
    let mut request = signed(list_tables());
    let again = request.headers()["authorization"].clone();
    request.headers_mut().append("authorization", again);
    refuses(
        request,
        IncompleteSignature,
        "Found more than one 'Authorization'.",
    );
    refuses(
        at("/?X-Amz-Algorithm=a&X-Amz-Date=b&X-Amz%2DDate=b"),
        IncompleteSignature,
        "Found more than one 'X-Amz-Date'.",
    );
}

#[test]
fn missing_parameters_of_a_presigned_query_are_listed() {
    let lacks = |names: &[&str]| {
        let each = |n: &&str| format!("AWS query-string parameters must include '{n}'. ");
        let all: String = names.iter().map(each).collect();
        format!("{all}Re-examine the query-string parameters.")
    };
    let (algorithm, credential, signature) =
        ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature");
    for (query, names) in [
        (
            "X-Amz-Algorithm",
            &[
                algorithm,
                credential,
                signature,
                "X-Amz-SignedHeaders",
                "X-Amz-Date",
            ][..],
        ),
        (
            "X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d",
            &["X-Amz-SignedHeaders"],
        ),
        (
            "X-Amz-Algorithm=a&X-Amz-Credential=&X-Amz-Signature=c&X-Amz-SignedHeaders=x",
            &[credential, "X-Amz-Date"],
        ),
    ] {
        refuses(
            at(&format!("/?{query}")),
            IncompleteSignature,
            &lacks(names),
        );
    }
}

#[test]
fn a_date_in_another_format_is_refused() {
    let text = |date| {
        format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    };
    for date in ["2026-01-31T23:59:30Z", "20260131", "", "20260231T000000Z"] {
        refuses(
            with_header("x-amz-date", date),
            IncompleteSignature,
            &text(date),
        );
    }
    let mut twice = signed(list_tables());
    let date = twice.headers()["x-amz-date"].clone();
    twice.headers_mut().append("x-amz-date", date);
    refuses(
        twice,
        IncompleteSignature,
        &text("20260131T235930Z,20260131T235930Z"),
    );
}

#[test]
fn a_clock_that_is_more_than_five_minutes_off_is_told_by_how_much() {
    let late = |late| {
        let signing = Signing {
            late,
            ..Signing::default()
        };
        signing.sign(list_tables())
    };
    refuses(
        late(-301),
        InvalidSignature,
        "Signature expired: 20260131T235429Z is now earlier than 20260131T235430Z (20260131T235930Z - 5 min.)",
    );
    refuses(
        late(301),
        InvalidSignature,
        "Signature not yet current: 20260201T000431Z is still later than 20260201T000430Z (20260131T235930Z + 5 min.)",
    );
}

#[test]
fn a_presigned_request_expires() {
    let presigned = |seconds, late| {
        let signing = Signing {
            presigned: Some(seconds),
            late,
            ..Signing::default()
        };
        signing.sign(list_tables())
    };
    refuses(
        presigned(900, -901),
        InvalidSignature,
        "Signature expired: 20260131T234429Z is now earlier than 20260131T234430Z (20260131T235930Z - 15 min.)",
    );
    refuses(
        presigned(1, -2),
        InvalidSignature,
        "Signature expired: 20260131T235928Z is now earlier than 20260131T235929Z (20260131T235930Z - 1 sec.)",
    );
    refuses(
        presigned(604_800, 301),
        InvalidSignature,
        "Signature not yet current: 20260201T000431Z is still later than 20260201T000430Z (20260131T235930Z + 5 min.)",
    );
}

#[test]
fn a_presigned_lifetime_is_a_number_up_to_a_week() {
    for (expires, text) in [
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds) that is 604800",
        ),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
        ("99999999999999999999", "X-Amz-Expires should be a number"),
    ] {
        let request = Signing {
            presigned: Some(7),
            ..Signing::default()
        }
        .sign(list_tables());
        let target = request.uri().to_string();
        let target = target.replace("X-Amz-Expires=7", &format!("X-Amz-Expires={expires}"));
        refuses(at(&target), IncompleteSignature, text);
    }
}

#[test]
fn host_and_target_must_be_signed() {
    let unsigned = |name: &str| {
        let name = name.to_owned();
        reauthorized(signed(list_tables()), move |h| {
            h.replace(&format!(";{name}"), "")
        })
    };
    refuses(
        unsigned("host"),
        InvalidSignature,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    refuses(
        unsigned("x-amz-target"),
        InvalidSignature,
        "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    );
}

#[test]
fn other_algorithms_are_refused() {
    for name in [
        "AWS4-HMAC-SHA25",
        "AWS4-ECDSA-P256-SHA256",
        "AWS4-hmac-sha256",
    ] {
        let request = reauthorized(signed(list_tables()), |h| {
            h.replace("AWS4-HMAC-SHA256", name)
        });
        let text =
            format!("Unsupported AWS 'algorithm': '{name}' (only AWS4-HMAC-SHA256 for now). ");
        refuses(request, IncompleteSignature, &text);
    }
}

/// The credential replaced by another.
fn scoped(credential: &str) -> Request<Bytes> {
    reauthorized(signed(list_tables()), |h| {
        let (before, rest) = h.split_once("Credential=").unwrap();
        let (_, after) = rest.split_once(',').unwrap();
        format!("{before}Credential={credential},{after}")
    })
}

#[test]
fn a_credential_has_five_parts() {
    for credential in ["a", "a/b/c/d", "a/b/c/d/e/f", "/", "//"] {
        let text = format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        );
        refuses(scoped(credential), IncompleteSignature, &text);
    }
}

#[test]
fn every_fault_of_the_scope_is_told() {
    let region = |r| format!("Credential should be scoped to a valid region, not '{r}'. ");
    let service = "Credential should be scoped to correct service: 'dynamodb'. ";
    let end = |t| {
        format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{t}'. ")
    };
    let date = |d| {
        format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{d}' != '20260131', from '20260131T235930Z'."
        )
    };
    for (credential, text) in [
        (format!("{KEY}/20260131//dynamodb/aws4_request"), region("")),
        (
            format!("{KEY}/20260131/a~b/dynamodb/aws4_request"),
            region("a~b"),
        ),
        (
            format!("{KEY}/20260131/us-east-1/s3/aws4_request"),
            service.to_owned(),
        ),
        (
            format!("{KEY}/20260131/us-east-1/DynamoDB/aws4_request"),
            service.to_owned(),
        ),
        (
            format!("{KEY}/20260131/us-east-1/dynamodb/aws5_request"),
            end("aws5_request"),
        ),
        (
            format!("{KEY}/20260130/us-east-1/dynamodb/aws4_request"),
            date("20260130"),
        ),
        (
            "a/b/~/d/e".to_owned(),
            [region("~"), service.to_owned(), end("e"), date("b")].concat(),
        ),
    ] {
        refuses(scoped(&credential), InvalidSignature, &text);
    }
}

#[test]
fn an_unknown_key_is_refused_as_an_invalid_token() {
    let long = "K".repeat(129);
    for key in ["AKIDNOBODY", "akidtestkey000000001", &long] {
        for presigned in [None, Some(60)] {
            let signing = Signing {
                key,
                presigned,
                ..Signing::default()
            };
            refuses(
                signing.sign(list_tables()),
                UnrecognizedClient,
                INVALID_TOKEN,
            );
        }
    }
    refuses(
        scoped("/20260131/us-east-1/dynamodb/aws4_request"),
        UnrecognizedClient,
        INVALID_TOKEN,
    );
}

#[test]
fn a_session_token_is_refused_even_when_the_signature_is_right() {
    for presigned in [None, Some(60)] {
        let signing = Signing {
            token: Some("FwoGZXIvYXdzEXAMPLE"),
            presigned,
            ..Signing::default()
        };
        refuses(
            signing.sign(list_tables()),
            UnrecognizedClient,
            INVALID_TOKEN,
        );
    }
    // Added on the way.
    refuses(
        with_header("x-amz-security-token", ""),
        UnrecognizedClient,
        INVALID_TOKEN,
    );
}

#[test]
fn keys_that_cannot_be_read_are_no_fault_of_the_client() {
    let signing = Signing {
        key: "AKIDUNREACHABLE",
        ..Signing::default()
    };
    refuses(
        signing.sign(list_tables()),
        ErrorKind::ServiceUnavailable,
        "away",
    );
}

/// Changes that someone on the way could make.
#[test]
fn a_request_that_was_changed_does_not_match() {
    type Change = fn(&mut Request<Bytes>);
    let changes: &[(&str, Change)] = &[
        ("body", |r| {
            *r.body_mut() = Bytes::from_static(b"{\"Limit\": 11}")
        }),
        ("no body", |r| *r.body_mut() = Bytes::new()),
        ("method", |r| *r.method_mut() = Method::PUT),
        ("path", |r| {
            *r.uri_mut() = r.uri().to_string().replacen('/', "/x", 1).parse().unwrap()
        }),
        ("operation", |r| {
            set(r, "x-amz-target", "DynamoDB_20120810.DeleteTable")
        }),
        ("host", |r| set(r, "host", "elsewhere")),
        ("type", |r| {
            set(r, "content-type", "application/x-amz-json-1.1")
        }),
        ("a signed header gone", |r| {
            r.headers_mut().remove("content-type");
        }),
        ("a signed header emptied", |r| set(r, "content-type", "")),
        ("a signed header doubled", |r| {
            let value = r.headers()["content-type"].clone();
            r.headers_mut().append("content-type", value);
        }),
        ("a parameter", |r| {
            let sign = if r.uri().query().is_some() { '&' } else { '?' };
            *r.uri_mut() = format!("{}{sign}a=b", r.uri()).parse().unwrap();
        }),
    ];
    for (what, change) in changes {
        for presigned in [None, Some(60)] {
            let mut request = Signing {
                presigned,
                ..Signing::default()
            }
            .sign(list_tables());
            change(&mut request);
            let error = verify(request).expect_err(what);
            assert_eq!(
                (error.kind, error.message.as_str()),
                (InvalidSignature, MISMATCH),
                "{what}"
            );
        }
    }
}

fn set(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
}

#[test]
fn a_signature_of_another_time_secret_or_spelling_does_not_match() {
    let other = Signing {
        secret: "other",
        ..Signing::default()
    };
    refuses(other.sign(list_tables()), InvalidSignature, MISMATCH);
    refuses(
        with_header("x-amz-date", "20260131T235929Z"),
        InvalidSignature,
        MISMATCH,
    );
    let spellings: [fn(&str) -> String; 4] = [
        |s| s.to_uppercase(),
        |s| s[..63].to_owned(),
        |s| format!("{s}0"),
        |_| "x".to_owned(),
    ];
    for spelling in spellings {
        let request = reauthorized(signed(list_tables()), |h| {
            let (before, signature) = h.split_once("Signature=").unwrap();
            format!("{before}Signature={}", spelling(signature))
        });
        refuses(request, InvalidSignature, MISMATCH);
    }
}

#[test]
fn a_presigned_parameter_that_was_changed_does_not_match() {
    let request = Signing {
        presigned: Some(60),
        ..Signing::default()
    }
    .sign(list_tables());
    let target = request.uri().to_string();
    for (from, to) in [
        ("X-Amz-Expires=60", "X-Amz-Expires=61"),
        ("X-Amz-Date=20260131T235930Z", "X-Amz-Date=20260131T235931Z"),
        ("us-east-1", "us-east-2"),
    ] {
        assert!(target.contains(from), "{target}");
        refuses(at(&target.replace(from, to)), InvalidSignature, MISMATCH);
    }
}

#[test]
fn the_clients_own_hash_does_not_replace_the_bodys() {
    let mut request = list_tables();
    set(&mut request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let mut request = signed(request);
    *request.body_mut() = Bytes::from_static(b"{}");
    refuses(request, InvalidSignature, MISMATCH);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_not_more() {
    for header in [
        &b"AWS4-HMAC-SHA256 \xff"[..],
        b"AWS4-\xc3\x28 Credential=\xff/\xff/\xff/\xff/\xff",
    ] {
        let mut request = signed(list_tables());
        let value = HeaderValue::from_bytes(header).unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(verify(request).unwrap_err().kind, IncompleteSignature);
    }
    let long = format!("AWS4-{}", "ä".repeat(100_000));
    let mut request = signed(list_tables());
    let value = HeaderValue::from_bytes(long.as_bytes()).unwrap();
    request.headers_mut().insert("authorization", value);
    assert!(verify(request).unwrap_err().message.len() < 2_000);
}
