//! What goes back to a client: the body, its checksum, and the headers that SDKs look for.

use crate::body::Unreadable;
use crate::memory::{Memory, SMALL};
use crate::server::connection::Connection;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use http_body_util::Full;
use pg_dynamo_core::{ApiError, ErrorKind};
use std::io::Write;
use std::sync::Arc;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CRC32: HeaderName = HeaderName::from_static("x-amz-crc32");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
/// A smaller answer fits into one packet as it is.
const WORTH_COMPRESSING: usize = 1024;
/// A larger one takes so long that other requests would wait.
const COMPRESS_AT_ONCE: usize = 32 * 1024;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// application/x-amz-json-1.0
    AmzJson,
    /// application/json, for those who asked in it.
    Json,
    Xml,
    Cbor,
    Text,
    /// The metrics.
    OpenMetrics,
    /// There is no body.
    Nothing,
}

impl Format {
    fn content_type(self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(match self {
            Format::AmzJson => "application/x-amz-json-1.0",
            Format::Json => "application/json",
            Format::Xml => "application/xml",
            Format::Cbor => "application/cbor",
            Format::Text => "text/plain; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Nothing => return None,
        }))
    }
}

/// An answer before it is compressed, counted and signed.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub format: Format,
    pub body: Bytes,
    /// None: a success.
    pub error: Option<ErrorKind>,
    /// The connection cannot be used any more.
    pub close: bool,
}

impl Answer {
    pub fn new(status: StatusCode, format: Format, body: impl Into<Bytes>) -> Self {
        Answer {
            status,
            format,
            body: body.into(),
            error: None,
            close: false,
        }
    }

    pub fn error(format: Format, error: &ApiError) -> Self {
        Answer {
            error: Some(error.kind),
            ..Answer::new(status(error.kind.http_status()), format, error.body())
        }
    }

    /// For a request that is none of the API's: wrong method, wrong content type.
    pub fn no_api() -> Self {
        Answer {
            error: Some(ErrorKind::UnknownOperation),
            ..Answer::new(
                StatusCode::NOT_FOUND,
                Format::Xml,
                &b"<UnknownOperationException/>\n"[..],
            )
        }
    }

    /// For a client of the protocol Smithy RPC v2 CBOR, in its own format: that protocol's 404 with a `__type`.
    pub fn no_cbor() -> Self {
        let mut body = vec![0xa2]; // a map of two
        for text in [
            "__type",
            ErrorKind::UnknownOperation.wire_type(),
            "message",
            "This endpoint speaks the protocol awsJson1_0 only.",
        ] {
            write_cbor_text(&mut body, text);
        }
        Answer {
            error: Some(ErrorKind::UnknownOperation),
            ..Answer::new(StatusCode::NOT_FOUND, Format::Cbor, body)
        }
    }

    /// For a request whose body cannot be had.
    pub fn unreadable(format: Format, why: Unreadable) -> Self {
        let error = match why {
            Unreadable::TooLarge => {
                ApiError::request_entity_too_large("Request body is larger than 16 MB")
            }
            Unreadable::NoMemory => {
                ApiError::service_unavailable("The endpoint holds as much as it may; try again")
            }
            Unreadable::Late => {
                // The framework's name for it; SDKs repeat such a request.
                let body = r#"{"__type":"com.amazon.coral.service#RequestTimeoutException","message":"The request body did not arrive in time"}"#;
                return Answer {
                    close: true,
                    error: Some(ErrorKind::ServiceUnavailable),
                    ..Answer::new(StatusCode::REQUEST_TIMEOUT, format, body)
                };
            }
            Unreadable::Broken => ApiError::serialization(
                "The request body ended early or is not framed as HTTP says",
            ),
            Unreadable::NotInflated => ApiError::serialization(
                "The request body is not compressed as Content-Encoding says",
            ),
            Unreadable::UnknownEncoding => {
                ApiError::serialization("Content-Encoding can be gzip, deflate or identity")
            }
        };
        Answer {
            close: matches!(
                why,
                Unreadable::TooLarge | Unreadable::NoMemory | Unreadable::Broken
            ),
            ..Answer::error(format, &error)
        }
    }

    /// The response to `head`. A large body counts as held until the client has taken it.
    pub async fn respond(
        self,
        head: &Parts,
        id: HeaderValue,
        memory: &Arc<Memory>,
        connection: &Arc<Connection>,
    ) -> Response<Full<Bytes>> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(REQUEST_ID, id);
        if let Some(content_type) = self.format.content_type() {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if self.format == Format::Cbor {
            headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
        }
        if self.close && head.version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut body = self.body;
        if body.len() >= WORTH_COMPRESSING && takes_gzip(&head.headers) {
            body = compress(body).await;
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        if !body.is_empty() {
            // Over the bytes that are sent: SDKs check it before they decompress.
            headers.insert(CRC32, HeaderValue::from(crc32fast::hash(&body)));
        }
        if head.method == Method::HEAD {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            body = Bytes::new();
        }
        if body.len() > SMALL {
            body = Held::hold(body, memory, connection);
        }
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// A status of the table of errors or of the extension; anything else is its failure.
pub fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// 52 characters of 0-9 and A-V, as AWS's are of 0-9 and A-Z. Unique, not secret.
pub fn request_id() -> HeaderValue {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
    let mut id = [0u8; 52];
    for part in id.chunks_mut(13) {
        let mut random = fastrand::u64(..);
        for digit in part {
            *digit = DIGITS[(random & 31) as usize];
            random >>= 5;
        }
    }
    HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        let Ok(value) = value.to_str() else {
            return false;
        };
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().trim_start_matches(['q', 'Q']).trim_start();
            let refused = weight
                .strip_prefix('=')
                .and_then(|q| q.trim().parse::<f32>().ok())
                == Some(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
    })
}

async fn compress(body: Bytes) -> Bytes {
    if body.len() <= COMPRESS_AT_ONCE {
        return gzip(&body);
    }
    let plain = body.clone();
    match tokio::task::spawn_blocking(move || gzip(&body)).await {
        Ok(compressed) => compressed,
        // Only when the process is ending.
        Err(_) => plain,
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into a Vec does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}

fn write_cbor_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        n @ 0..24 => out.push(0x60 | n as u8),
        n => out.extend_from_slice(&[0x78, n.min(255) as u8]),
    }
    out.extend_from_slice(&text.as_bytes()[..text.len().min(255)]);
}

/// A large answer that somebody still has to take.
struct Held {
    body: Bytes,
    memory: Arc<Memory>,
    connection: Arc<Connection>,
}

impl Held {
    fn hold(body: Bytes, memory: &Arc<Memory>, connection: &Arc<Connection>) -> Bytes {
        memory.add(body.len());
        connection.large_answer();
        Bytes::from_owner(Held {
            body,
            memory: Arc::clone(memory),
            connection: Arc::clone(connection),
        })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.give_back(self.body.len());
        self.connection.large_answer_went();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_look_like_those_of_aws_and_differ() {
        let (one, other) = (request_id(), request_id());
        for id in [&one, &other] {
            assert_eq!(id.len(), 52);
            assert!(
                id.as_bytes()
                    .iter()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            );
        }
        assert_ne!(one, other);
    }

    #[test]
    fn gzip_is_taken_when_it_is_named_and_not_refused() {
        for (value, takes) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("GZIP ; q=1", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("br", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), takes, "{value}");
        }
    }

    #[test]
    fn the_cbor_answer_is_a_map_of_two_texts() {
        let answer = Answer::no_cbor();
        let mut expected = vec![0xa2, 0x66];
        expected
            .extend_from_slice(b"__type\x78\x32com.amazon.coral.service#UnknownOperationException");
        expected.extend_from_slice(
            b"\x67message\x78\x32This endpoint speaks the protocol awsJson1_0 only.",
        );
        assert_eq!(answer.body, expected);
    }
}
