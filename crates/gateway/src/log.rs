//! Logs go to standard error, one line an event.

use crate::config::LogFormat;
use std::io::{IsTerminal, stderr};
use tracing::Metadata;
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing_subscriber::filter::{EnvFilter, ParseError, filter_fn};
use tracing_subscriber::{Layer, fmt, layer::SubscriberExt};

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("--log: {0}")]
    Filter(#[from] ParseError),
    #[error(transparent)]
    Twice(#[from] SetGlobalDefaultError),
}

/// What other libraries would log is not known, and some of them log the parameters of statements: items.
fn ours(event: &Metadata<'_>) -> bool {
    event.target().starts_with("pg_dynamo_gateway")
}

/// For the rest of the process.
pub fn start(filter: &str, format: LogFormat) -> Result<(), LogError> {
    let registry = tracing_subscriber::registry().with(EnvFilter::try_new(filter)?);
    let lines = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    set_global_default(registry.with(lines.with_filter(filter_fn(ours))))?;
    Ok(())
}
