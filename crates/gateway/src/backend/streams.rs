//! The streams of the database, as `dynamo.streams` shows them: for metrics, on a session of its own that lives as long as
//! the question.

use super::session::SETTINGS;
use crate::connect::{ConnInfo, ConnectError, chain};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio_postgres::{Error, Row};

const APPLICATION_NAME: &str = "pg_dynamo_gateway metrics";
/// How long an answer is good: whoever asks more often gets the same.
const FRESH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

/// One row for each state that streams are in; what there is once for the database comes with the first.
const QUERY: &str = "SELECT state, count(*), sum(open_shards)::int8, max(worker_pid) IS NOT NULL, \
     bool_or(capture_error IS NOT NULL), max(capture_lag_bytes)::float8, \
     extract(epoch FROM max(capture_delay))::float8, max(retained_wal_bytes)::float8, max(record_bytes)::float8, \
     extract(epoch FROM max(last_gap))::float8 \
     FROM dynamo.streams GROUP BY state ORDER BY state";

/// Streams of the database by state, and how capture is doing. Without streams there is nothing to tell.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    /// State, number of streams.
    pub states: Vec<(String, i64)>,
    pub open_shards: i64,
    pub capture: Option<Capture>,
}

/// The worker and its slot. None: not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Capture {
    pub worker: bool,
    /// The worker has failed since it last ran well.
    pub failed: bool,
    pub lag_bytes: Option<f64>,
    pub delay_seconds: Option<f64>,
    pub retained_bytes: Option<f64>,
    pub record_bytes: Option<f64>,
    /// Seconds since 1970.
    pub last_gap: Option<f64>,
}

type Answer = Option<(Instant, Option<Arc<Streams>>)>;

/// Asks one question at a time.
#[derive(Default)]
pub struct Asked(Mutex<Answer>);

impl Asked {
    pub async fn ask(&self, info: &ConnInfo) -> Option<Arc<Streams>> {
        let mut last = self.0.lock().await;
        if let Some((at, known)) = &*last
            && at.elapsed() < FRESH
        {
            return known.clone();
        }
        let answer = match tokio::time::timeout(PATIENCE, read(info)).await {
            Ok(Ok(streams)) => Some(Arc::new(streams)),
            Ok(Err(error)) => {
                tracing::debug!(error = chain(&error), "streams cannot be read");
                None
            }
            Err(_) => None,
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

async fn read(info: &ConnInfo) -> Result<Streams, ConnectError> {
    let mut connected = info.connect(APPLICATION_NAME, &SETTINGS).await?;
    let rows = connected
        .run(async |client| client.query(QUERY, &[]).await)
        .await?;
    let mut streams = Streams::default();
    for row in &rows {
        streams.states.push((row.try_get(0)?, row.try_get(1)?));
        streams.open_shards += row.try_get::<_, Option<i64>>(2)?.unwrap_or(0);
        streams.capture.get_or_insert(capture(row)?);
    }
    connected.close().await;
    Ok(streams)
}

fn capture(row: &Row) -> Result<Capture, Error> {
    Ok(Capture {
        worker: row.try_get(3)?,
        failed: row.try_get::<_, Option<bool>>(4)?.unwrap_or(false),
        lag_bytes: row.try_get(5)?,
        delay_seconds: row.try_get(6)?,
        retained_bytes: row.try_get(7)?,
        record_bytes: row.try_get(8)?,
        last_gap: row.try_get(9)?,
    })
}
