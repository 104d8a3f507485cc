//! Signs requests with the Rust SDK's signer and has them verified, with a clock that stands still.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use pg_dynamo_gateway::auth::{AccessKey, Authenticate, Identity, KeySource, SigV4, Zeroizing};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const KEY: &str = "AKIDTESTKEY000000001";
pub const SECRET: &str = "test/Secret+0123456789abcdefghijklmnopqr";
pub const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check \
     your AWS Secret Access Key and signing method. Consult the service documentation for details.";
pub const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// 2026-01-31 23:59:30 UTC: half a minute before day, month and signing key change.
pub const NOW: u64 = 1_769_903_970;

pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

/// Two keys: KEY and one whose database does not answer.
pub struct Keys(Arc<AccessKey>);

impl Keys {
    pub fn new(secret: &str) -> Keys {
        let secret = Zeroizing::new(secret.to_owned());
        Keys(Arc::new(AccessKey::new("app", secret)))
    }
}

impl KeySource for Keys {
    async fn find(&self, access_key_id: &str) -> Result<Option<Arc<AccessKey>>> {
        match access_key_id {
            KEY => Ok(Some(self.0.clone())),
            "AKIDUNREACHABLE" => Err(ApiError::service_unavailable("away")),
            _ => Ok(None),
        }
    }
}

/// How a request is signed.
pub struct Signing<'a> {
    pub key: &'a str,
    pub secret: &'a str,
    pub token: Option<&'a str>,
    pub region: &'a str,
    pub service: &'a str,
    /// Seconds after NOW.
    pub late: i64,
    /// Presigned, for so many seconds.
    pub presigned: Option<u64>,
}

impl Default for Signing<'_> {
    fn default() -> Self {
        Signing {
            key: KEY,
            secret: SECRET,
            token: None,
            region: "us-east-1",
            service: "dynamodb",
            late: 0,
            presigned: None,
        }
    }
}

/// A request as SDKs send it, not signed yet.
pub fn list_tables() -> Request<Bytes> {
    Request::post("/")
        .header("host", "127.0.0.1:8000")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .body(Bytes::from_static(b"{\"Limit\": 10}"))
        .unwrap()
}

impl Signing<'_> {
    pub fn sign(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let token = self.token.map(str::to_owned);
        let identity = Credentials::new(self.key, self.secret, token, None, "test").into();
        let mut settings = SigningSettings::default();
        if let Some(seconds) = self.presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(seconds));
        }
        let time = UNIX_EPOCH + Duration::from_secs(NOW.checked_add_signed(self.late).unwrap());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let uri = match request.uri().authority() {
            Some(_) => request.uri().to_string(),
            None => format!("http://127.0.0.1:8000{}", request.uri()),
        };
        let headers = request.headers().iter();
        let headers = headers.map(|(k, v)| (k.as_str(), v.to_str().unwrap()));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

/// SDKs' own way: signed with defaults.
pub fn signed(request: Request<Bytes>) -> Request<Bytes> {
    Signing::default().sign(request)
}

/// The Authorization header, changed by `change`.
pub fn reauthorized(
    mut request: Request<Bytes>,
    change: impl Fn(&str) -> String,
) -> Request<Bytes> {
    let header = request.headers()["authorization"].to_str().unwrap();
    let header = change(header).parse().unwrap();
    request.headers_mut().insert("authorization", header);
    request
}

/// Verifies at NOW.
pub fn verify(request: Request<Bytes>) -> Result<Identity> {
    let verifier = SigV4::with_clock(Keys::new(SECRET), now);
    let (head, body) = request.into_parts();
    block_on(&verifier, &head, &body)
}

/// None of these verifiers ever waits.
pub fn block_on<A: Authenticate>(verifier: &A, head: &Parts, body: &Bytes) -> Result<Identity> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(verifier.authenticate(head, body))
}

/// The request is let in as the key's role.
#[track_caller]
pub fn accepts(request: Request<Bytes>) {
    let shown = format!("{request:?}");
    match verify(request) {
        Ok(identity) => assert_eq!(&*identity.role, "app"),
        Err(error) => panic!("{error}\n{shown}"),
    }
}

/// The request is refused with this kind and text.
#[track_caller]
pub fn refuses(request: Request<Bytes>, kind: ErrorKind, message: &str) {
    refused_as(verify(request), kind, message);
}

#[track_caller]
pub fn refused_as(answer: Result<Identity>, kind: ErrorKind, message: &str) {
    let error = answer.expect_err("was let in");
    assert_eq!((error.kind, error.message.as_str()), (kind, message));
}
