//! The port of those who run the endpoint: metrics, and whether it lives and works.

use crate::answer::{Answer, Format, request_id};
use crate::backend::Backend;
use crate::body;
use crate::memory::Memory;
use crate::server::Handle;
use crate::server::connection::Connection;
use crate::stream_metrics;
use bytes::Bytes;
use http::{Method, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How long PostgreSQL has to show that it answers.
const READY_WITHIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(5);

/// `/metrics`, `/health` and `/ready`, without authentication.
pub struct Admin<B> {
    pub backend: Arc<B>,
    pub metrics: Registry,
    pub memory: Arc<Memory>,
    /// No more requests are taken.
    pub stopping: Arc<AtomicBool>,
}

impl<B: Backend> Admin<B> {
    async fn answer(&self, path: &str) -> Answer {
        match path {
            "/metrics" => Answer::new(StatusCode::OK, Format::OpenMetrics, self.metrics().await),
            "/health" => Answer::new(StatusCode::OK, Format::Text, "live\n"),
            "/ready" if self.ready().await => Answer::new(StatusCode::OK, Format::Text, "ready\n"),
            "/ready" => Answer::new(StatusCode::SERVICE_UNAVAILABLE, Format::Text, "not ready\n"),
            _ => Answer::new(StatusCode::NOT_FOUND, Format::Text, "not found\n"),
        }
    }

    async fn metrics(&self) -> String {
        let streams = match self.stopping.load(Relaxed) {
            true => None,
            false => self.backend.streams().await,
        };
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode_registry(&mut text, &self.metrics);
        if let Some(streams) = streams {
            let _ = encode_registry(&mut text, &stream_metrics::registry(streams));
        }
        let _ = encode_eof(&mut text);
        text
    }

    async fn ready(&self) -> bool {
        !self.stopping.load(Relaxed)
            && tokio::time::timeout(READY_WITHIN, self.backend.ready())
                .await
                .unwrap_or(false)
    }
}

impl<B: Backend> Handle for Admin<B> {
    async fn handle(
        &self,
        request: http::Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let mut underway = connection.request(head.version == Version::HTTP_2);
        body::ignore(&head.headers, body, PATIENCE).await;
        underway.complete();
        let answer = if head.method == Method::GET || head.method == Method::HEAD {
            self.answer(head.uri.path()).await
        } else {
            Answer::new(
                StatusCode::METHOD_NOT_ALLOWED,
                Format::Text,
                "GET or HEAD\n",
            )
        };
        answer
            .respond(&head, request_id(), &self.memory, connection)
            .await
    }
}
