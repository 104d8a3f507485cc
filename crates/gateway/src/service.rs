//! One request from its head to its answer.

use crate::answer::{Answer, Format, request_id, status};
use crate::aside::aside;
use crate::auth::Authenticate;
use crate::backend::{Backend, Request};
use crate::body;
use crate::cors::{self, Origins, Sender};
use crate::memory::Memory;
use crate::server::Handle;
use crate::server::connection::{Connection, Underway};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const HEALTHY: &[u8] = b"healthy: pg_dynamo ";

/// What is counted about requests.
pub trait Observe: Send + Sync + 'static {
    /// A request was answered. `operation` is None when it named none; `capacity` is in units.
    fn answered(
        &self,
        operation: Option<Operation>,
        error: Option<ErrorKind>,
        took: Duration,
        capacity: f64,
    );
}

/// Nothing is counted.
impl Observe for () {
    fn answered(&self, _: Option<Operation>, _: Option<ErrorKind>, _: Duration, _: f64) {}
}

/// The DynamoDB API over HTTP.
pub struct Service<A, B> {
    pub authenticate: A,
    pub backend: Arc<B>,
    pub origins: Origins,
    pub memory: Arc<Memory>,
    /// How long a body may take.
    pub patience: Duration,
    pub observe: Arc<dyn Observe>,
}

/// What a head alone says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// A browser asks whether a page may.
    Preflight,
    Health,
    /// The protocol Smithy RPC v2 CBOR.
    Cbor,
    /// No method of the API.
    NoApi,
    Api,
}

fn route(head: &Parts) -> Route {
    if head.method == Method::POST {
        let cbor = |value: &HeaderValue| value.as_bytes().starts_with(b"application/cbor");
        if head.headers.contains_key(SMITHY_PROTOCOL)
            || head.headers.get(CONTENT_TYPE).is_some_and(cbor)
        {
            return Route::Cbor;
        }
        return Route::Api;
    }
    if cors::is_preflight(head) {
        return Route::Preflight;
    }
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    if reads && head.uri.path() == "/" {
        return Route::Health;
    }
    Route::NoApi
}

/// The format to answer in. None: the content type is not of the API.
fn format(head: &Parts, has_body: bool) -> Option<Format> {
    let Some(value) = head.headers.get(CONTENT_TYPE) else {
        return (!has_body).then_some(Format::Json);
    };
    if value == "application/x-amz-json-1.0" {
        return Some(Format::AmzJson);
    }
    let media_type = value.as_bytes().split(|b| *b == b';').next()?.trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/x-amz-json-1.0") {
        Some(Format::AmzJson)
    } else if media_type.eq_ignore_ascii_case(b"application/json") || !has_body {
        Some(Format::Json)
    } else {
        None
    }
}

/// The operation that X-Amz-Target names. Err: UnknownOperationException.
fn operation(head: &Parts) -> Result<Operation> {
    let target = head.headers.get(TARGET).and_then(|v| v.to_str().ok());
    let (service, name) = target
        .and_then(|target| target.split_once('.'))
        .ok_or_else(ApiError::unknown_operation)?;
    let streams = match service {
        "DynamoDB_20120810" => false,
        "DynamoDBStreams_20120810" => true,
        _ => return Err(ApiError::unknown_operation()),
    };
    let operation = Operation::implemented(name)?;
    if operation.is_streams() != streams {
        return Err(ApiError::unknown_operation());
    }
    Ok(operation)
}

/// DynamoDB looks at the JSON before it looks at the target or the signature. Here that costs something only when
/// one of those is wrong. An empty body is no JSON fault yet, and a compressed one is not opened for strangers.
fn first_fault(head: &Parts, body: &Bytes, otherwise: ApiError) -> ApiError {
    if body.is_empty() || !body::is_plain(&head.headers) {
        return otherwise;
    }
    let parsed = std::str::from_utf8(body)
        .map_err(|_| ApiError::serialization(""))
        .and_then(Json::parse);
    parsed.err().unwrap_or(otherwise)
}

/// An answer and what is counted about it.
struct Outcome {
    answer: Answer,
    operation: Option<Operation>,
    capacity: f64,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Outcome {
            answer,
            operation: None,
            capacity: 0.0,
        }
    }
}

impl<A: Authenticate, B: Backend> Service<A, B> {
    async fn answer(
        &self,
        head: &Parts,
        body: Incoming,
        sender: &Sender,
        underway: &mut Underway<'_>,
    ) -> Outcome {
        let answer = match route(head) {
            Route::Api if *sender == Sender::Stranger => Answer::error(
                Format::AmzJson,
                &ApiError::access_denied(
                    "Without authentication only pages of this machine may use this endpoint",
                ),
            ),
            Route::Api => return self.call(head, body, underway).await,
            Route::Health => Answer::new(StatusCode::OK, Format::Text, HEALTHY),
            Route::Preflight if *sender == Sender::Stranger => {
                Answer::new(StatusCode::FORBIDDEN, Format::Nothing, "")
            }
            Route::Preflight => Answer::new(StatusCode::OK, Format::Nothing, ""),
            Route::Cbor => Answer::no_cbor(),
            Route::NoApi => Answer::no_api(),
        };
        body::ignore(&head.headers, body, self.patience).await;
        answer.into()
    }

    /// A request of the API, in DynamoDB's order of faults: size, content type, JSON, target, signature.
    async fn call(&self, head: &Parts, body: Incoming, underway: &mut Underway<'_>) -> Outcome {
        let of_head = format(head, true).unwrap_or(Format::AmzJson);
        let Some(mut charge) = self.memory.request() else {
            return Answer::unreadable(of_head, body::Unreadable::NoMemory).into();
        };
        let body = match body::read(&head.headers, body, &mut charge, self.patience).await {
            Ok(body) => body,
            Err(why) => return Answer::unreadable(of_head, why).into(),
        };
        underway.complete();
        let Some(format) = format(head, !body.is_empty()) else {
            return Answer::no_api().into();
        };
        let operation = match operation(head) {
            Ok(operation) => operation,
            Err(error) => {
                let error = aside(body.len(), || first_fault(head, &body, error));
                return Answer::error(format, &error).into();
            }
        };
        let refused = |error: &ApiError| Outcome {
            answer: Answer::error(format, error),
            operation: Some(operation),
            capacity: 0.0,
        };
        let identity = match self.authenticate.authenticate(head, &body).await {
            Ok(identity) => identity,
            Err(error) => {
                let error = aside(body.len(), || first_fault(head, &body, error));
                return refused(&error);
            }
        };
        let body = match body::inflate(&head.headers, body, &mut charge).await {
            Ok(body) => body,
            Err(why) => {
                let mut answer = Answer::unreadable(format, why);
                answer.close = false; // the request itself was read
                return Outcome {
                    answer,
                    operation: Some(operation),
                    capacity: 0.0,
                };
            }
        };
        let reply = self
            .backend
            .call(Request {
                operation,
                role: identity.role,
                body,
            })
            .await;
        Outcome {
            answer: Answer {
                error: reply.error,
                ..Answer::new(status(reply.status), format, reply.body)
            },
            operation: Some(operation),
            capacity: reply.capacity,
        }
    }

    /// Counts and logs. Neither bodies nor credentials may stand here.
    fn note(&self, outcome: &Outcome, id: &HeaderValue, took: Duration, connection: &Connection) {
        let error = outcome.answer.error;
        self.observe
            .answered(outcome.operation, error, took, outcome.capacity);
        if error == Some(ErrorKind::InternalServerError) {
            tracing::warn!(
                request = ?id,
                operation = outcome.operation.map(Operation::name),
                "internal server error"
            );
        }
        tracing::debug!(
            request = ?id,
            operation = outcome.operation.map(Operation::name),
            status = outcome.answer.status.as_u16(),
            error = error.map(ErrorKind::name),
            microseconds = took.as_micros() as u64,
            bytes = outcome.answer.body.len(),
            peer = %connection.peer,
            "answered"
        );
    }
}

impl<A: Authenticate, B: Backend> Handle for Service<A, B> {
    async fn handle(
        &self,
        request: http::Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let mut underway = connection.request(head.version == Version::HTTP_2);
        let sender = self.origins.sender(&head.headers);
        let outcome = self.answer(&head, body, &sender, &mut underway).await;
        let id = request_id();
        self.note(&outcome, &id, began.elapsed(), connection);
        let mut response = outcome
            .answer
            .respond(&head, id, &self.memory, connection)
            .await;
        cors::allow(&sender, response.headers_mut());
        if matches!(sender, Sender::Page(_)) && cors::is_preflight(&head) {
            cors::allow_preflight(&head.headers, response.headers_mut());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut builder = http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    fn target(value: &str) -> std::result::Result<Operation, ErrorKind> {
        operation(&head("POST", &[("x-amz-target", value)])).map_err(|e| e.kind)
    }

    #[test]
    fn each_service_has_its_own_operations() {
        assert_eq!(target("DynamoDB_20120810.GetItem"), Ok(Operation::GetItem));
        for unknown in [
            "DynamoDBStreams_20120810.GetItem",
            "DynamoDB_20120810.GetRecords",
            "DynamoDB_20111205.GetItem",
            "DynamoDB_20120810.getItem",
            "DynamoDB_20120810.GetItem.",
            "DynamoDB_20120810",
            ".GetItem",
            "",
        ] {
            assert_eq!(
                target(unknown),
                Err(ErrorKind::UnknownOperation),
                "{unknown}"
            );
        }
        assert!(operation(&head("POST", &[])).is_err());
    }

    #[test]
    fn answers_come_in_the_type_of_the_request() {
        let of = |value| format(&head("POST", &[("content-type", value)]), true);
        assert_eq!(of("application/x-amz-json-1.0"), Some(Format::AmzJson));
        assert_eq!(of("Application/X-Amz-Json-1.0 ; x"), Some(Format::AmzJson));
        assert_eq!(of("application/json; charset=utf-8"), Some(Format::Json));
        for other in [
            "application/x-amz-json-1.1",
            "application/jsonx",
            "text/plain",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(format(&head("POST", &[]), true), None);
        assert_eq!(format(&head("POST", &[]), false), Some(Format::Json));
    }

    #[test]
    fn the_head_tells_what_is_asked() {
        for (method, headers, expected) in [
            ("POST", &[][..], Route::Api),
            ("GET", &[], Route::Health),
            ("HEAD", &[], Route::Health),
            ("OPTIONS", &[], Route::NoApi),
            ("OPTIONS", &[("origin", "http://a")], Route::Preflight),
            ("PUT", &[], Route::NoApi),
            ("POST", &[("smithy-protocol", "rpc-v2-cbor")], Route::Cbor),
            ("POST", &[("content-type", "application/cbor")], Route::Cbor),
        ] {
            assert_eq!(
                route(&head(method, headers)),
                expected,
                "{method} {headers:?}"
            );
        }
    }
}
