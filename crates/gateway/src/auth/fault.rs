//! What AWS answers to a request that is not, or not properly, signed.
//!
//! The texts are AWS's own, spaces at the end included; SDKs and people search for them. Sources: AWS's "Error
//! handling with DynamoDB", and answers of the service as its users report them.

use super::date::{Timestamp, basic_format};
use pg_dynamo_core::ApiError;

/// How much of what the client sent is repeated in an answer, in bytes.
const ECHO: usize = 1024;

/// No Authorization header of this family, and no presigned query.
pub(super) fn missing_token() -> ApiError {
    ApiError::missing_authentication_token("Request is missing Authentication Token")
}

pub(super) fn two_forms() -> ApiError {
    ApiError::invalid_signature(
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    )
}

/// A part of the Authorization header that is no pair.
pub(super) fn no_equal_sign(part: &str, header: &str) -> ApiError {
    ApiError::incomplete_signature(format!(
        "'{}' not a valid key=value pair (missing equal-sign) in Authorization header: '{}'.",
        echo(part),
        echo(header)
    ))
}

/// `absent`: names of the parameters, in AWS's order; `undated`: neither X-Amz-Date nor Date was there.
pub(super) fn header_lacks(absent: &[&str], undated: bool, header: &str) -> ApiError {
    let mut text = String::new();
    for name in absent {
        text.push_str(&format!(
            "Authorization header requires '{name}' parameter. "
        ));
    }
    if undated {
        text.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    text.push_str("Authorization=");
    text.push_str(echo(header));
    ApiError::incomplete_signature(text)
}

pub(super) fn query_lacks(absent: &[&str]) -> ApiError {
    let mut text = String::new();
    for name in absent {
        text.push_str(&format!(
            "AWS query-string parameters must include '{name}'. "
        ));
    }
    text.push_str("Re-examine the query-string parameters.");
    ApiError::incomplete_signature(text)
}

/// AWS documents no answer to this; a request that says two things is refused before one of them is believed.
pub(super) fn said_twice(what: &str) -> ApiError {
    ApiError::incomplete_signature(format!("Found more than one '{what}'."))
}

pub(super) fn bad_date(text: &str) -> ApiError {
    ApiError::incomplete_signature(format!(
        "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
        echo(text)
    ))
}

/// The words of S3, the one service that documents them.
pub(super) fn bad_expires(rule: &str) -> ApiError {
    ApiError::incomplete_signature(format!("X-Amz-Expires {rule}"))
}

/// `lifetime`: seconds that a signature of this form stays valid.
pub(super) fn expired(signed: Timestamp, now: Timestamp, lifetime: i64) -> ApiError {
    ApiError::invalid_signature(format!(
        "Signature expired: {} is now earlier than {} ({} - {})",
        basic_format(signed),
        basic_format(now - lifetime),
        basic_format(now),
        duration(lifetime)
    ))
}

/// `tolerance`: seconds that a client's clock may be fast.
pub(super) fn not_yet_current(signed: Timestamp, now: Timestamp, tolerance: i64) -> ApiError {
    ApiError::invalid_signature(format!(
        "Signature not yet current: {} is still later than {} ({} + {})",
        basic_format(signed),
        basic_format(now + tolerance),
        basic_format(now),
        duration(tolerance)
    ))
}

pub(super) fn host_not_signed() -> ApiError {
    ApiError::invalid_signature(
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    )
}

/// Ours, in the words AWS uses for Host: whoever may change the target turns a read into a deletion.
pub(super) fn target_not_signed() -> ApiError {
    ApiError::invalid_signature("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
}

pub(super) fn unsupported_algorithm(name: &str) -> ApiError {
    ApiError::incomplete_signature(format!(
        "Unsupported AWS 'algorithm': '{}' (only AWS4-HMAC-SHA256 for now). ",
        echo(name)
    ))
}

pub(super) fn bad_credential(text: &str) -> ApiError {
    ApiError::incomplete_signature(format!(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
        echo(text)
    ))
}

pub(super) fn unknown_key() -> ApiError {
    ApiError::unrecognized_client("The security token included in the request is invalid.")
}

pub(super) fn mismatch() -> ApiError {
    ApiError::invalid_signature(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.",
    )
}

/// The database that keeps the keys does not answer. SDKs repeat the request.
pub(super) fn keys_unavailable() -> ApiError {
    ApiError::service_unavailable("The access keys cannot be read at the moment")
}

/// More unknown keys than are looked up. SDKs repeat the request.
pub(super) fn too_many_unknown_keys() -> ApiError {
    ApiError::throttling("Rate of requests with unknown access keys exceeded")
}

fn duration(seconds: i64) -> String {
    if seconds % 60 == 0 {
        format!("{} min.", seconds / 60)
    } else {
        format!("{seconds} sec.")
    }
}

/// The text, or its beginning when it is long.
pub(super) fn echo(text: &str) -> &str {
    &text[..text.floor_char_boundary(ECHO)]
}
