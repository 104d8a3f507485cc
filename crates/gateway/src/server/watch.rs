//! The watchman over all connections of a server: a coarse clock, and who has to go.
//!
//! One task looks at every connection a few times a second. A request therefore starts and stops no timer; it only
//! stores a few numbers in its connection.

use super::connection::{Command, Connection, Reason};
use slab::Slab;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The shortest and the longest time between two looks.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
const LONGEST_LOOK: Duration = Duration::from_millis(250);

/// What clients may take of a server's patience.
#[derive(Clone, Debug)]
pub struct Limits {
    /// TLS handshake, and from a request's first byte to the end of its head.
    pub head: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// Without the client taking any of what is to be sent.
    pub send: Duration,
    /// Connections at once.
    pub connections: usize,
}

/// What happened to connections so far, for metrics.
#[derive(Debug, Default)]
pub struct Counters {
    pub accepted: AtomicU64,
    /// Turned away because all connections had complete requests.
    pub refused: AtomicU64,
    /// Ended to make room.
    pub evicted: AtomicU64,
    /// Ended for their slowness or silence.
    pub timed_out: AtomicU64,
}

#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    began: Instant,
    /// Milliseconds since `began`, plus 1.
    now: AtomicU64,
    connections: Mutex<Slab<Arc<Connection>>>,
    left: Notify,
    pub counters: Counters,
}

impl Watch {
    pub fn new(limits: Limits) -> Self {
        Watch {
            limits,
            began: Instant::now(),
            now: AtomicU64::new(1),
            connections: Mutex::new(Slab::new()),
            left: Notify::new(),
            counters: Counters::default(),
        }
    }

    /// The coarse clock: never 0.
    pub fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    /// Connections there are.
    pub fn count(&self) -> usize {
        self.locked().len()
    }

    /// Takes a new connection in, ending others when there are too many. None: there is no room.
    pub fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Admitted> {
        let mut connections = self.locked();
        if connections.len() >= self.limits.connections && !self.make_room(&connections) {
            self.counters.refused.fetch_add(1, Relaxed);
            return None;
        }
        self.counters.accepted.fetch_add(1, Relaxed);
        let connection = Arc::new(Connection::new(Arc::clone(self), peer));
        let key = connections.insert(Arc::clone(&connection));
        Some(Admitted { connection, key })
    }

    /// Ends the hundredth part of all connections, those that can best be spared: looking at all of them for each
    /// new one would let a flood of connections cost more than it does already. False: none can be spared.
    fn make_room(&self, connections: &Slab<Arc<Connection>>) -> bool {
        // Those that were told to go are there until their tasks run.
        let leaving = connections
            .iter()
            .filter(|(_, connection)| connection.told() == Command::End)
            .count();
        if connections.len() - leaving < self.limits.connections {
            return true;
        }
        let mut spared: Vec<_> = connections
            .iter()
            .filter_map(|(_, c)| Some((c.dispensable()?, c)))
            .collect();
        let wanted = (self.limits.connections / 100).max(1).min(spared.len());
        if wanted == 0 {
            return false;
        }
        spared.select_nth_unstable_by_key(wanted - 1, |(gladly, _)| *gladly);
        for (_, connection) in &spared[..wanted] {
            connection.tell(Command::End);
        }
        self.counters.evicted.fetch_add(wanted as u64, Relaxed);
        true
    }

    /// Looks after the connections until it is dropped.
    pub async fn keep(self: Arc<Self>) {
        let shortest = self.limits.head.min(self.limits.idle).min(self.limits.send);
        let every = (shortest / 4).clamp(SHORTEST_LOOK, LONGEST_LOOK);
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(self.began.elapsed().as_millis() as u64 + 1);
        }
    }

    fn look(&self, now: u64) {
        self.now.store(now, Relaxed);
        for (_, connection) in self.locked().iter() {
            if let Some((command, reason)) = connection.judge(now, &self.limits)
                && connection.told() < command
            {
                self.counters.timed_out.fetch_add(1, Relaxed);
                if reason != Reason::Idle {
                    tracing::debug!(peer = %connection.peer, ?reason, "connection ended");
                }
                connection.tell(command);
            }
        }
    }

    /// Tells every connection there is.
    pub fn tell_all(&self, command: Command) {
        for (_, connection) in self.locked().iter() {
            connection.tell(command);
        }
    }

    /// Until no connection is left.
    pub async fn all_left(&self) {
        loop {
            let left = self.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }

    /// Nothing that runs under the lock panics half-way through a change.
    fn locked(&self) -> MutexGuard<'_, Slab<Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; free again when dropped.
#[derive(Debug)]
pub struct Admitted {
    pub connection: Arc<Connection>,
    key: usize,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let watch = &self.connection.watch;
        let mut connections = watch.locked();
        connections.try_remove(self.key);
        if connections.is_empty() {
            watch.left.notify_waiters();
        }
    }
}
