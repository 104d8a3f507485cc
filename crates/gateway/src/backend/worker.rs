//! A session's life: connect, take what waits, call, hand out the replies, and again.

use super::Reply;
use super::failure::{Failure, Refusal};
use super::lane::Lane;
use super::pool::Shared;
use super::queue::{Batch, Waiting, Work};
use super::session::Session;
use pg_dynamo_core::ApiError;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::{debug, warn};

const BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
/// For a server that does not answer a new connection, or a goodbye.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a session is not used any more.
enum End {
    /// It is old, or its statement is.
    Replaced,
    /// With the reason.
    Lost(String),
    /// The endpoint ends.
    Closing,
}

pub struct Worker {
    pub id: usize,
    pub shared: Arc<Shared>,
}

impl Worker {
    pub async fn run(self) {
        while let Some(mut session) = self.connect().await {
            self.shared.queue().opened();
            self.shared.metrics.pool.sessions.fetch_add(1, Relaxed);
            let end = self.serve(&mut session).await;
            self.shared.metrics.pool.sessions.fetch_sub(1, Relaxed);
            let then = self.shared.queue().closed(self.id, Instant::now());
            self.shared.act(then);
            match &end {
                End::Lost(why) => {
                    self.shared.metrics.pool.lost.fetch_add(1, Relaxed);
                    warn!(session = self.id, why, "connection to PostgreSQL lost");
                }
                End::Replaced | End::Closing => {
                    // A server that does not take a goodbye loses nothing.
                    let _ = tokio::time::timeout(CLOSE_TIMEOUT, session.close()).await;
                }
            }
            if matches!(end, End::Closing) {
                break;
            }
        }
        self.shared.refuse_expired();
    }

    /// Tries until there is a session. None: the endpoint ends.
    async fn connect(&self) -> Option<Session> {
        let mut closing = self.shared.closing.subscribe();
        let mut pause = BACKOFF;
        loop {
            let opening = tokio::time::timeout(CONNECT_TIMEOUT, Session::open(&self.shared.info));
            let opened = tokio::select! {
                opened = opening => opened,
                _ = closing.wait_for(|closing| *closing) => return None,
            };
            let why = match opened {
                Ok(Ok(session)) => return Some(session),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            self.shared.connect_failed(&why);
            // Sessions that were lost together do not come back in the same instant.
            let spread = pause / 16 * (self.id % 16) as u32;
            tokio::select! {
                _ = tokio::time::sleep(pause + spread) => {}
                _ = closing.wait_for(|closing| *closing) => return None,
            }
            pause = (pause * 2).min(LONGEST_BACKOFF);
        }
    }

    /// Works until the session ends. Every way out leaves it as one that asks for work, see `Scheduler::closed`.
    async fn serve(&self, session: &mut Session) -> End {
        // Not all at once, and not in the middle of a call.
        let age = self.shared.options.max_age + Duration::from_secs(self.id as u64 * 7);
        let mut retire = std::pin::pin!(tokio::time::sleep_until((session.opened + age).into()));
        // Its own, so that nobody rings for a session that is gone.
        let bell = Arc::new(Notify::new());
        loop {
            if session.opened.elapsed() > age {
                return End::Replaced;
            }
            let (work, then) = {
                let mut queue = self.shared.queue();
                if queue.over() {
                    return End::Closing;
                }
                queue.take(self.id, &bell, Instant::now())
            };
            self.shared.act(then);
            let end = match work {
                Some(Work::Call(batch)) => self.call(session, batch).await,
                Some(Work::Ping(heard)) => {
                    let alive = session.ping().await;
                    self.shared.queue().pinged();
                    if alive {
                        heard.into_iter().for_each(|heard| {
                            let _ = heard.send(());
                        });
                    }
                    (!alive).then(|| lost(session))
                }
                None => tokio::select! {
                    biased;
                    () = session.closed() => Some(lost(session)),
                    () = bell.notified() => None,
                    () = &mut retire => Some(End::Replaced),
                },
            };
            if let Some(end) = end {
                return end;
            }
            // Whoever is ready to add a request does so before the next call is put together.
            tokio::task::yield_now().await;
        }
    }

    /// One call, and when PostgreSQL undid it another without the request that was the reason.
    async fn call(&self, session: &mut Session, mut batch: Batch) -> Option<End> {
        let mut again = false;
        let end = loop {
            if session.is_closed() {
                // Nothing was sent.
                self.put_back(std::mem::take(&mut batch.requests), batch.lane);
                break Some(lost(session));
            }
            let pool = &self.shared.metrics.pool;
            pool.call(batch.lane, batch.requests.len());
            match session.call(&batch).await {
                Ok(replies) => {
                    self.shared.answered();
                    let requests = batch.requests.drain(..);
                    requests
                        .zip(replies)
                        .for_each(|(waiting, reply)| send(waiting, reply));
                    break None;
                }
                Err(Failure::Lost(why)) => {
                    self.lost(&mut batch);
                    break Some(End::Lost(why));
                }
                Err(Failure::Refused(refusal)) => {
                    self.shared.answered();
                    let stale = refusal.stale_statement() || self.misplaced(&refusal);
                    if self.refused(&mut batch, &refusal, again) {
                        again = true;
                        continue;
                    }
                    break stale.then_some(End::Replaced);
                }
            }
        };
        self.shared.queue().finish(&batch);
        end
    }

    /// This server takes no writes, though one that does was asked for: another may have been promoted.
    fn misplaced(&self, refusal: &Refusal) -> bool {
        refusal.read_only() && self.shared.info.wants_primary()
    }

    /// Settles a call that PostgreSQL refused. True: what is left in the batch goes again, together.
    fn refused(&self, batch: &mut Batch, refusal: &Refusal, again: bool) -> bool {
        let pool = &self.shared.metrics.pool;
        let settled = batch.requests.len() == 1 || refusal.read_only();
        if settled || (batch.lane.writes() && !refusal.undone) {
            let answer = refusal.answer();
            debug!(sqlstate = refusal.sqlstate, "call refused");
            for waiting in batch.requests.drain(..) {
                send(waiting, answer.clone().into());
            }
            return false;
        }
        pool.split.fetch_add(1, Relaxed);
        match refusal.culprit {
            Some(culprit) if !again && culprit < batch.requests.len() => {
                let culprit = batch.requests.remove(culprit);
                self.put_back(vec![culprit], batch.lane.alone());
                true
            }
            _ => {
                let rest = std::mem::take(&mut batch.requests);
                self.put_back(rest, batch.lane.alone());
                false
            }
        }
    }

    /// Writes of a lost call may have been carried out, so they are never sent again; reads are, once.
    fn lost(&self, batch: &mut Batch) {
        let (mut reads, mut unknown) = (Vec::new(), Vec::new());
        for mut waiting in batch.requests.drain(..) {
            let repeat = !batch.lane.writes() && !waiting.lost;
            waiting.lost = true;
            if repeat { &mut reads } else { &mut unknown }.push(waiting);
        }
        for waiting in unknown {
            let error = ApiError::internal("The connection to the database was lost.");
            send(waiting, error.into());
        }
        self.put_back(reads, batch.lane);
    }

    fn put_back(&self, requests: Vec<Waiting>, lane: Lane) {
        let then = self.shared.queue().put_back(requests, lane, Instant::now());
        self.shared.act(then);
    }
}

fn lost(session: &Session) -> End {
    End::Lost(session.end().to_owned())
}

/// Whoever went away meanwhile does not get it.
fn send(waiting: Waiting, reply: Reply) {
    let _ = waiting.reply.send(reply);
}
