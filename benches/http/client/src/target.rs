//! Requests signed with AWS Signature Version 4, as bytes.

use crate::Failure;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use std::fmt::Write;
use std::time::SystemTime;

/// Whom to ask, and as whom.
#[derive(Clone)]
pub struct Target {
    pub endpoint: String,
    pub access_key: String,
    pub secret: String,
}

impl Target {
    /// A whole request of HTTP/1.1. An operation of another API than DynamoDB's comes with its prefix.
    pub fn signed(&self, operation: &str, body: &str) -> Result<Vec<u8>, Failure> {
        let operation = match operation.contains('.') {
            true => operation.to_owned(),
            false => format!("DynamoDB_20120810.{operation}"),
        };
        let headers = [
            ("host", self.endpoint.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", operation.as_str()),
        ];
        let identity =
            Credentials::new(&self.access_key, &self.secret, None, None, "pg_dynamo").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new(
            "POST",
            format!("http://{}/", self.endpoint),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signature, _) = sign(request, &parameters)?.into_parts();
        let mut out = String::from("POST / HTTP/1.1\r\n");
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            write!(out, "{name}: {value}\r\n")?;
        }
        write!(out, "content-length: {}\r\n\r\n{body}", body.len())?;
        Ok(out.into_bytes())
    }
}
