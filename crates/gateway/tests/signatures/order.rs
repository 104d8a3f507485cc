//! Which of several faults is reported: the order, apart from the words.

use crate::signer::*;
use bytes::Bytes;
use http::Request;
use pg_dynamo_core::{ApiError, ErrorKind};

/// A request with every fault from `first` on; what comes before is right.
fn with_faults_from(first: usize) -> Request<Bytes> {
    let broken = |fault: usize| first <= fault;
    let mut request = list_tables();
    let date = match () {
        () if broken(2) => "yesterday",
        () if broken(3) => "20260130T235930Z",
        () => "20260131T235930Z",
    };
    let signed_headers = match () {
        () if broken(4) => "x-amz-date",
        () if broken(7) => "host",
        () => "host;x-amz-target",
    };
    let algorithm = if broken(5) {
        "AWS4-X"
    } else {
        "AWS4-HMAC-SHA256"
    };
    let credential = match () {
        () if broken(6) => "a/b".to_owned(),
        () => {
            let key = if broken(8) { "AKIDNOBODY" } else { KEY };
            format!("{key}/20260131/us-east-1/dynamodb/aws4_request")
        }
    };
    let signature = if broken(1) { "" } else { "00" };
    let header = format!(
        "{algorithm} Credential={credential},SignedHeaders={signed_headers},Signature={signature}"
    );
    let headers = request.headers_mut();
    headers.insert("x-amz-date", date.parse().unwrap());
    headers.insert("x-amz-security-token", "x".parse().unwrap());
    headers.insert("authorization", header.parse().unwrap());
    if broken(0) {
        *request.uri_mut() = "/?X-Amz-Algorithm=a".parse().unwrap();
    }
    request
}

/// A word of the fault's text that no other fault has.
fn names(error: &ApiError) -> &'static str {
    let text = &error.message;
    let known = [
        "Found both",
        "requires 'Signature'",
        "ISO-8601 'basic format'",
        "expired",
        "'Host'",
        "algorithm",
        "exactly 5",
        "X-Amz-Target",
        "security token",
        "does not match the signature",
    ];
    known.into_iter().find(|word| text.contains(word)).unwrap()
}

#[test]
fn faults_are_reported_from_the_outside_to_the_inside() {
    let expected = [
        (ErrorKind::InvalidSignature, "Found both"),
        (ErrorKind::IncompleteSignature, "requires 'Signature'"),
        (ErrorKind::IncompleteSignature, "ISO-8601 'basic format'"),
        (ErrorKind::InvalidSignature, "expired"),
        (ErrorKind::InvalidSignature, "'Host'"),
        (ErrorKind::IncompleteSignature, "algorithm"),
        (ErrorKind::IncompleteSignature, "exactly 5"),
        (ErrorKind::InvalidSignature, "X-Amz-Target"),
        (ErrorKind::UnrecognizedClient, "security token"),
        (ErrorKind::InvalidSignature, "does not match the signature"),
    ];
    for (first, expected) in expected.into_iter().enumerate() {
        let error = verify(with_faults_from(first)).unwrap_err();
        assert_eq!(
            (error.kind, names(&error)),
            expected,
            "faults from {first} on"
        );
    }
}

#[test]
fn a_credential_with_a_wrong_scope_is_told_before_its_key_is_asked_for() {
    let signing = Signing {
        key: "AKIDUNREACHABLE",
        service: "s3",
        ..Signing::default()
    };
    let error = verify(signing.sign(list_tables())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidSignature);
}
