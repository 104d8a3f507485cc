//! The pool as others see it: start, call, ready, close.

use super::lane::lane;
use super::queue::{Limits, Scheduler, Then, Waiting};
use super::streams::{Asked, Streams};
use super::worker::Worker;
use super::{Backend, Reply, Request};
use crate::connect::ConnInfo;
use crate::metrics::Metrics;
use pg_dynamo_core::ApiError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::error;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Sessions. Several allow small reads to pass whatever is slow: 1 works, 4 or more is better.
    pub size: usize,
    /// A session is replaced after this time; what a backend caches would grow for ever otherwise.
    pub max_age: Duration,
    /// Calls that a role's reads, and its writes, start at once; see `queue`.
    pub parallel: usize,
    pub patience: Duration,
    /// Requests in one call.
    pub batch: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            size: 16,
            max_age: Duration::from_secs(2 * 3600),
            parallel: 2,
            patience: Duration::from_millis(1),
            batch: 64,
        }
    }
}

impl Options {
    fn limits(&self) -> Limits {
        Limits {
            call_weight: self.batch,
            call_bytes: 1 << 20,
            parallel: self.parallel,
            patience: self.patience,
            queued: 16_384,
            queued_bytes: 256 << 20,
            grace: Duration::from_secs(2),
        }
    }
}

/// How recent an answer has to be to say that PostgreSQL answers.
const RECENT: Duration = Duration::from_secs(1);
/// How long a question whether it answers may take.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// Failures to connect for one and the same reason are logged once in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// For another reason too, where reasons alternate.
const NEWS_INTERVAL: Duration = Duration::from_secs(1);

/// What all sessions share.
pub struct Shared {
    pub info: ConnInfo,
    pub options: Options,
    pub metrics: Arc<Metrics>,
    pub closing: watch::Sender<bool>,
    queue: Mutex<Scheduler>,
    pace: mpsc::UnboundedSender<Instant>,
    started: Instant,
    /// Milliseconds from `started` to the last answer of PostgreSQL.
    last_answer: AtomicU64,
    last_log: Mutex<Option<Logged>>,
}

/// The failure to connect that was logged last.
struct Logged {
    at: Instant,
    why: String,
}

impl Logged {
    fn suffices(&self, why: &str, now: Instant) -> bool {
        let interval = if self.why == why {
            LOG_INTERVAL
        } else {
            NEWS_INTERVAL
        };
        now.duration_since(self.at) < interval
    }
}

impl Shared {
    /// Nothing panics while it holds the lock; were it so, the queue would still be in order.
    pub fn queue(&self) -> MutexGuard<'_, Scheduler> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the queue asked for, without its lock.
    pub fn act(&self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Ring(bell) => bell.notify_one(),
            // Only at the end nobody listens.
            Then::Pace(at) => drop(self.pace.send(at)),
        }
    }

    pub fn answered(&self) {
        let at = self.started.elapsed().as_millis() as u64;
        self.last_answer.store(at.max(1), Relaxed);
    }

    fn answered_lately(&self) -> bool {
        let last = self.last_answer.load(Relaxed);
        last > 0 && self.started.elapsed() < Duration::from_millis(last) + RECENT
    }

    pub fn connect_failed(&self, why: &str) {
        self.metrics.pool.connect_failures.fetch_add(1, Relaxed);
        self.refuse_expired();
        let mut last = self.last_log.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        if !last.as_ref().is_some_and(|last| last.suffices(why, at)) {
            *last = Some(Logged {
                at,
                why: why.to_owned(),
            });
            error!(
                server = self.info.target(),
                why, "cannot connect to PostgreSQL"
            );
        }
    }

    pub fn refuse_expired(&self) {
        let expired = self.queue().expired(Instant::now());
        for waiting in expired {
            let _ = waiting.reply.send(super::queue::unreachable_error().into());
        }
    }
}

/// A pool of sessions that answers requests. Dropping it ends the sessions at once; [`Postgres::close`] lets them finish.
pub struct Postgres {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
    streams: Asked,
}

impl Postgres {
    /// Starts connecting, for as long as it takes: a server that is not there yet is reported in the log, by `ready`
    /// and by ServiceUnavailableException. Must be called within a tokio runtime.
    pub fn start(info: ConnInfo, options: Options, metrics: Arc<Metrics>) -> Postgres {
        let started = Instant::now();
        let (pace, looks) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            info,
            options,
            metrics,
            closing: watch::Sender::new(false),
            queue: Mutex::new(Scheduler::new(options.limits(), started)),
            pace,
            started,
            last_answer: AtomicU64::new(0),
            last_log: Mutex::new(None),
        });
        let mut tasks = JoinSet::new();
        for id in 0..options.size.max(1) {
            let worker = Worker {
                id,
                shared: shared.clone(),
            };
            tasks.spawn(worker.run());
        }
        // The pacer knows the pool weakly: it ends with the last sender, which the pool holds.
        tokio::spawn(pacer(looks, Arc::downgrade(&shared)));
        let pool = Arc::downgrade(&shared);
        shared.metrics.pool.watch(move || {
            pool.upgrade()
                .map_or_else(Default::default, |shared| shared.queue().depths())
        });
        Postgres {
            shared,
            tasks: Mutex::new(tasks),
            streams: Asked::default(),
        }
    }

    /// Takes no more requests, finishes those it has and says goodbye to the server.
    pub async fn close(&self) {
        self.shared.closing.send_replace(true);
        let then = self.shared.queue().close(Instant::now());
        self.shared.act(then);
        let mut tasks = {
            let mut held = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *held)
        };
        while tasks.join_next().await.is_some() {}
    }
}

impl Backend for Postgres {
    async fn call(&self, request: Request) -> Reply {
        let (lane, weight) = lane(&request);
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            request,
            reply,
            arrived: Instant::now(),
            weight,
            lost: false,
        };
        let pushed = self.shared.queue().push(waiting, lane);
        match pushed {
            Ok(then) => self.shared.act(then),
            Err(error) => {
                self.shared.metrics.pool.refused.fetch_add(1, Relaxed);
                return error.into();
            }
        }
        // Its sender is dropped only when the whole pool is.
        answer
            .await
            .unwrap_or_else(|_| ApiError::service_unavailable("The endpoint ended.").into())
    }

    async fn ready(&self) -> bool {
        if self.shared.queue().live() == 0 {
            return false;
        }
        if self.shared.answered_lately() {
            return true;
        }
        let (heard, answer) = oneshot::channel();
        let then = self.shared.queue().ping(heard, Instant::now());
        self.shared.act(then);
        matches!(
            tokio::time::timeout(READY_TIMEOUT, answer).await,
            Ok(Ok(()))
        )
    }

    async fn streams(&self) -> Option<Arc<Streams>> {
        self.streams.ask(&self.shared.info).await
    }
}

/// Looks at the queue again when it asked for that.
async fn pacer(mut looks: mpsc::UnboundedReceiver<Instant>, pool: std::sync::Weak<Shared>) {
    while let Some(at) = looks.recv().await {
        tokio::time::sleep_until(at.into()).await;
        let Some(shared) = pool.upgrade() else {
            return;
        };
        let then = shared.queue().look_again(Instant::now());
        shared.act(then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reason_is_logged_before_the_same_again() {
        let at = Instant::now();
        let last = Logged {
            at,
            why: "connection refused".into(),
        };
        let after = |seconds| at + Duration::from_secs(seconds);
        assert!(last.suffices("connection refused", after(9)));
        assert!(!last.suffices("connection refused", after(10)));
        assert!(last.suffices("password authentication failed", at));
        assert!(!last.suffices("password authentication failed", after(1)));
    }
}
