//! Which web pages may use the endpoint (the Fetch standard's CORS protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::uri::Uri;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::IpAddr;

const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, x-amz-crc32, Date",
);
/// Two days, as DynamoDB says; browsers cut it to their own maximum.
const MAX_AGE: HeaderValue = HeaderValue::from_static("172800");
const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// Pages that may use the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All. Right where every request carries a signature: a page without a key can do nothing.
    Any,
    /// Those of this machine. Where nothing is signed any other page a developer visits could read the database.
    Loopback,
}

/// What the Origin header of a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// It does not come from a page, or from one of the same origin by GET or HEAD.
    NoPage,
    /// A page that may; its origin as it is to be named to the browser.
    Page(HeaderValue),
    /// A page that may not.
    Stranger,
}

impl Origins {
    pub fn sender(&self, headers: &HeaderMap) -> Sender {
        let Some(origin) = headers.get(ORIGIN) else {
            return Sender::NoPage;
        };
        match self {
            Origins::Any => Sender::Page(HeaderValue::from_static("*")),
            Origins::Loopback if is_loopback(origin) => Sender::Page(origin.clone()),
            Origins::Loopback => Sender::Stranger,
        }
    }
}

fn is_loopback(origin: &HeaderValue) -> bool {
    let Ok(uri) = Uri::try_from(origin.as_bytes()) else {
        return false;
    };
    // A Uri without a scheme is a bare authority, which no origin is.
    let Some(host) = uri.scheme().and_then(|_| uri.host()) else {
        return false;
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Whether a browser asks what it may do.
pub fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS && head.headers.contains_key(ORIGIN)
}

/// The headers that let the page read an answer.
pub fn allow(sender: &Sender, answer: &mut HeaderMap) {
    let Sender::Page(origin) = sender else {
        return;
    };
    if origin != "*" {
        answer.insert(VARY, HeaderValue::from_static("Origin"));
    }
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// The headers that answer a preflight: what it asked for is allowed.
pub fn allow_preflight(asked: &HeaderMap, answer: &mut HeaderMap) {
    let same = [
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (REQUEST_PRIVATE_NETWORK, ALLOW_PRIVATE_NETWORK),
    ];
    for (question, reply) in same {
        if let Some(value) = asked.get(question) {
            answer.insert(reply, value.clone());
        }
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn pages_of_this_machine_are_told_from_others() {
        for origin in [
            "http://localhost:8001",
            "https://localhost",
            "http://tool.localhost:3000",
            "http://127.0.0.1:8001",
            "http://127.9.9.9",
            "http://[::1]:8001",
        ] {
            let sender = Origins::Loopback.sender(&from(origin));
            assert_eq!(sender, Sender::Page(HeaderValue::from_static(origin)));
        }
        for origin in [
            "null",
            "localhost",
            "http://localhost.example",
            "http://example.com",
            "http://127.0.0.1.example",
            "http://192.168.0.1",
            "http://localhost@example.com",
            "",
        ] {
            let sender = Origins::Loopback.sender(&from(origin));
            assert_eq!(sender, Sender::Stranger, "{origin}");
        }
        assert_eq!(Origins::Loopback.sender(&HeaderMap::new()), Sender::NoPage);
    }

    #[test]
    fn an_origin_that_is_named_varies_the_answer() {
        let mut answer = HeaderMap::new();
        allow(
            &Origins::Loopback.sender(&from("http://localhost:1")),
            &mut answer,
        );
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:1");
        assert_eq!(answer[VARY], "Origin");
        answer.clear();
        allow(
            &Origins::Any.sender(&from("http://localhost:1")),
            &mut answer,
        );
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!answer.contains_key(VARY));
    }
}
