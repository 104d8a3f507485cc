//! One session of the pool: its settings, its one prepared statement, and a call in PostgreSQL's binary format.

use super::Reply;
use super::failure::Failure;
use super::queue::Batch;
use crate::connect::{ConnInfo, ConnectError, Connected};
use bytes::Bytes;
use pg_dynamo_core::ErrorKind;
use std::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Statement};

pub const APPLICATION_NAME: &str = "pg_dynamo_gateway";

/// What every session of the pool has, and that of the metrics. They travel in the startup packet: only so does RESET ALL come back to them.
///
/// - Nobody waits for a lock longer than SDKs wait for an answer, and no statement holds a session for ever. Neither
///   limit covers the wait of a commit for its standby.
/// - A statement as small as ours is never worth compiling; no notices are sent to a client that reads none.
pub const SETTINGS: [(&str, &str); 7] = [
    ("search_path", "pg_catalog, pg_temp"),
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "60s"),
    ("idle_session_timeout", "0"),
    ("client_min_messages", "error"),
    ("jit", "off"),
];

const CALL: &str =
    "SELECT status, error_type, reply, capacity FROM dynamo.handle_batch($1, $2, $3)";

pub struct Session {
    connected: Connected,
    call: Statement,
    pub opened: Instant,
}

impl Session {
    pub async fn open(info: &ConnInfo) -> Result<Session, ConnectError> {
        let mut connected = info.connect(APPLICATION_NAME, &SETTINGS).await?;
        let types = [Type::TEXT_ARRAY, Type::BYTEA_ARRAY, Type::NAME];
        let call = connected
            .run(async |client| client.prepare_typed(CALL, &types).await)
            .await?;
        Ok(Session {
            connected,
            call,
            opened: Instant::now(),
        })
    }

    /// Runs the requests as the batch's role: one reply for each, in order. They come after ReadyForQuery, so whatever
    /// was written is committed.
    pub async fn call(&mut self, batch: &Batch) -> Result<Vec<Reply>, Failure> {
        let requests = batch.requests.iter().map(|waiting| &waiting.request);
        let operations: Vec<&str> = requests.clone().map(|r| r.operation.name()).collect();
        let bodies: Vec<&[u8]> = requests.map(|r| &r.body[..]).collect();
        let role: &str = &batch.role;
        let call = &self.call;
        let rows = self
            .connected
            .run(async |client| {
                let parameters: [&(dyn ToSql + Sync); 3] = [&operations, &bodies, &role];
                client.query(call, &parameters).await
            })
            .await
            .map_err(|error| Failure::of(&error))?;
        let replies: Result<Vec<Reply>, Error> = rows.iter().map(reply).collect();
        match replies {
            Ok(replies) if replies.len() == batch.requests.len() => Ok(replies),
            Ok(replies) => Err(Failure::Lost(format!(
                "{} replies to {} requests",
                replies.len(),
                batch.requests.len()
            ))),
            Err(error) => Err(Failure::of(&error)),
        }
    }

    /// Whether the server answers.
    pub async fn ping(&mut self) -> bool {
        self.connected
            .run(async |client| client.batch_execute("").await)
            .await
            .is_ok()
    }

    pub fn is_closed(&self) -> bool {
        self.connected.is_closed()
    }

    /// Waits until the server ends the session.
    pub async fn closed(&mut self) {
        self.connected.closed().await;
    }

    /// Why the session ended.
    pub fn end(&self) -> &str {
        self.connected.end()
    }

    pub async fn close(self) {
        self.connected.close().await;
    }
}

fn reply(row: &Row) -> Result<Reply, Error> {
    let status: i32 = row.try_get(0)?;
    let error: Option<&str> = row.try_get(1)?;
    let body: &[u8] = row.try_get(2)?;
    Ok(Reply {
        status: u16::try_from(status).unwrap_or(500),
        error: error
            .map(|name| ErrorKind::from_name(name).unwrap_or(ErrorKind::InternalServerError)),
        body: Bytes::copy_from_slice(body),
        capacity: row.try_get(3)?,
    })
}
