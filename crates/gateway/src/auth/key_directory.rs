//! The connection that reads access keys: another role than the pool's, which alone may see secrets.

use super::key_store::{Directory, Record, Unreachable};
use crate::connect::{ConnInfo, Connected, chain};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_postgres::types::Type;
use zeroize::Zeroizing;

/// A connection or an answer that takes longer counts as failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses between attempts to connect: the first, and the longest that doubling leads to.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Time from one line in the log to the next, when questions keep failing.
const LOG_PAUSE: Duration = Duration::from_secs(10);
/// The key's role, its secret, and whether it is enabled; no row when the id is unknown or its role is gone.
const QUERY: &str =
    "SELECT role::pg_catalog.text, secret, enabled FROM dynamo_internal.access_key_secret($1)";

/// Asks `dynamo_internal.access_key_secret`; connects when it is asked and when the connection is lost.
pub struct KeyDirectory {
    server: ConnInfo,
    session: Option<Connected>,
    /// No attempt to connect before.
    next_attempt: Instant,
    pause: Duration,
    /// When a failure was logged last.
    logged: Option<Instant>,
}

async fn connect(server: &ConnInfo) -> Result<Connected, String> {
    let settings = [
        ("statement_timeout", "5s"),
        ("search_path", "pg_catalog,pg_temp"),
    ];
    let connecting = server.connect("pg_dynamo_gateway keys", &settings);
    match timeout(PATIENCE, connecting).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("connecting took too long".to_owned()),
    }
}

/// Why a question got no answer.
enum Failure {
    /// The session is of no more use.
    Lost(String),
    /// The server refused the question.
    Refused(String),
}

impl KeyDirectory {
    /// `server`: a role that may execute `access_key_secret`, never a superuser.
    pub fn new(server: ConnInfo) -> Self {
        KeyDirectory {
            server,
            session: None,
            next_attempt: Instant::now(),
            pause: FIRST_PAUSE,
            logged: None,
        }
    }

    async fn session(&mut self) -> Result<&mut Connected, String> {
        if self.session.is_none() {
            if Instant::now() < self.next_attempt {
                return Err("the last attempt to connect has just failed".to_owned());
            }
            match connect(&self.server).await {
                Ok(session) => {
                    self.pause = FIRST_PAUSE;
                    self.session = Some(session);
                }
                Err(why) => {
                    self.next_attempt = Instant::now() + self.pause;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                    return Err(why);
                }
            }
        }
        self.session.as_mut().ok_or_else(String::new)
    }

    async fn ask(&mut self, access_key_id: &str) -> Result<Option<Record>, Failure> {
        let session = self.session().await.map_err(Failure::Lost)?;
        let asking = session.run(async |client| {
            let rows = client
                .query_typed(QUERY, &[(&access_key_id, Type::TEXT)])
                .await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            let secret = Zeroizing::new(row.try_get::<_, String>(1)?);
            let enabled: bool = row.try_get(2)?;
            let role = row.try_get(0)?;
            Ok(enabled.then_some(Record { role, secret }))
        });
        match timeout(PATIENCE, asking).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) if error.as_db_error().is_some() && !session.client.is_closed() => {
                Err(Failure::Refused(chain(&error)))
            }
            Ok(Err(error)) => Err(Failure::Lost(chain(&error))),
            Err(_) => Err(Failure::Lost("no answer in time".to_owned())),
        }
    }

    /// A secret that cannot be opened fails again and again: it is said, but does not fill the log.
    fn log(&mut self, why: &str) {
        let now = Instant::now();
        if self.logged.is_none_or(|logged| now >= logged + LOG_PAUSE) {
            self.logged = Some(now);
            let target = self.server.target();
            tracing::error!(%target, "access keys cannot be read: {why}");
        }
    }
}

impl Directory for KeyDirectory {
    async fn look_up(&mut self, access_key_id: &str) -> Result<Option<Record>, Unreachable> {
        let had_session = self.session.is_some();
        let mut answer = self.ask(access_key_id).await;
        if let Err(Failure::Lost(_)) = &answer {
            self.session = None;
            // The server may have been restarted since the last question: to ask again changes nothing there.
            if had_session {
                answer = self.ask(access_key_id).await;
            }
        }
        if let Err(Failure::Lost(_)) = &answer {
            self.session = None;
        }
        answer.map_err(|failure| {
            let (Failure::Lost(why) | Failure::Refused(why)) = failure;
            self.log(&why);
            Unreachable
        })
    }
}
