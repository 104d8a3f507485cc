//! One client's connection as its socket, its requests and the watchman see it.

use super::watch::{Limits, Watch};
use atomic_waker::AtomicWaker;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::task::Context;

/// What a connection's task is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Command {
    GoOn = 0,
    /// Finish what is under way, take nothing new.
    Finish = 1,
    /// Drop everything.
    End = 2,
}

/// Why the watchman ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The head of a request, or the TLS handshake, took too long.
    Head,
    /// Nothing was asked for a long time.
    Idle,
    /// The client does not read its answers.
    Unread,
    /// It was told to finish and did not.
    Unfinished,
}

/// Times are milliseconds of the watch's clock; 0 is "not so".
#[derive(Debug)]
pub struct Connection {
    pub watch: Arc<Watch>,
    pub peer: SocketAddr,
    command: AtomicU8,
    waker: AtomicWaker,
    /// It has had a request.
    spoke: AtomicBool,
    http2: AtomicBool,
    /// Requests whose head is here and that are not answered.
    requests: AtomicU32,
    /// Those of them whose body is here as well.
    working: AtomicU32,
    /// Accepted, the last answer, or the last bytes of it that the client took.
    since: AtomicU64,
    /// The first byte that came after that.
    first_byte: AtomicU64,
    /// The socket has been full since then.
    full: AtomicU64,
    /// Large answers that are not sent, and since when none was.
    unsent: AtomicU32,
    unsent_since: AtomicU64,
    finish_since: AtomicU64,
}

impl Connection {
    pub fn new(watch: Arc<Watch>, peer: SocketAddr) -> Self {
        let now = watch.now();
        Connection {
            watch,
            peer,
            command: AtomicU8::new(Command::GoOn as u8),
            waker: AtomicWaker::new(),
            spoke: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            working: AtomicU32::new(0),
            since: AtomicU64::new(now),
            first_byte: AtomicU64::new(0),
            full: AtomicU64::new(0),
            unsent: AtomicU32::new(0),
            unsent_since: AtomicU64::new(0),
            finish_since: AtomicU64::new(0),
        }
    }

    /// A request's head has come. The guard is dropped when its answer is made, or nobody wants it any more.
    pub fn request(&self, http2: bool) -> Underway<'_> {
        if !self.spoke.load(Relaxed) {
            self.http2.store(http2, Relaxed);
            self.spoke.store(true, Relaxed);
        }
        self.requests.fetch_add(1, Relaxed);
        Underway {
            connection: self,
            working: false,
        }
    }

    /// Bytes have come from the client.
    pub fn bytes_came(&self) {
        if self.first_byte.load(Relaxed) == 0 {
            self.first_byte.store(self.watch.now(), Relaxed);
        }
    }

    /// The client's side has taken bytes.
    pub fn bytes_went(&self) {
        if self.full.load(Relaxed) != 0 {
            self.full.store(0, Relaxed);
        }
        self.since.store(self.watch.now(), Relaxed);
    }

    /// The client's side takes no bytes.
    pub fn socket_full(&self) {
        if self.full.load(Relaxed) == 0 {
            self.full.store(self.watch.now(), Relaxed);
        }
    }

    /// A large answer waits for the client to take it, until [`Connection::large_answer_went`].
    pub fn large_answer(&self) {
        if self.unsent.fetch_add(1, AcqRel) == 0 {
            self.unsent_since.store(self.watch.now(), Relaxed);
        }
    }

    pub fn large_answer_went(&self) {
        self.unsent_since.store(self.watch.now(), Relaxed);
        self.unsent.fetch_sub(1, AcqRel);
    }

    /// Tells the connection's task; a stronger command replaces a weaker one.
    pub fn tell(&self, command: Command) {
        if command == Command::Finish && self.finish_since.load(Relaxed) == 0 {
            self.finish_since.store(self.watch.now(), Relaxed);
        }
        if self.command.fetch_max(command as u8, AcqRel) < command as u8 {
            self.waker.wake();
        }
    }

    /// What the task was told; it is woken when that changes.
    pub fn command(&self, context: &Context<'_>) -> Command {
        self.waker.register(context.waker());
        self.told()
    }

    pub fn told(&self) -> Command {
        match self.command.load(Acquire) {
            0 => Command::GoOn,
            1 => Command::Finish,
            _ => Command::End,
        }
    }

    /// Whether the connection may be ended in favour of a new one, and if so how gladly: the smallest goes first.
    /// Those that never asked anything go before those that rest; nobody whose request is complete goes.
    pub fn dispensable(&self) -> Option<(bool, u64)> {
        if self.working.load(Relaxed) > 0 || self.told() == Command::End {
            return None;
        }
        Some((self.spoke.load(Relaxed), self.since.load(Relaxed)))
    }

    /// What is to happen to the connection at `now`, and why. Bodies have their own clock, where they are read.
    pub fn judge(&self, now: u64, limits: &Limits) -> Option<(Command, Reason)> {
        let past = |since: u64, limit: std::time::Duration| {
            since != 0 && now.saturating_sub(since) > limit.as_millis() as u64
        };
        if past(self.full.load(Relaxed), limits.send)
            || (self.unsent.load(Acquire) > 0 && past(self.unsent_since.load(Relaxed), limits.send))
        {
            return Some((Command::End, Reason::Unread));
        }
        if self.requests.load(Relaxed) > 0 {
            return None;
        }
        let since = self.since.load(Relaxed);
        if !self.spoke.load(Relaxed) {
            return past(since, limits.head).then_some((Command::End, Reason::Head));
        }
        // An HTTP/2 client may send pings and window updates while it asks for nothing.
        if !self.http2.load(Relaxed) && past(self.first_byte.load(Relaxed), limits.head) {
            return Some((Command::End, Reason::Head));
        }
        if past(self.finish_since.load(Relaxed), limits.head) {
            return Some((Command::End, Reason::Unfinished));
        }
        past(since, limits.idle).then_some((Command::Finish, Reason::Idle))
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Underway<'a> {
    connection: &'a Connection,
    working: bool,
}

impl Underway<'_> {
    /// The whole request is here; from now on the connection is not given up for another.
    pub fn complete(&mut self) {
        if !self.working {
            self.working = true;
            self.connection.working.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let connection = self.connection;
        if self.working {
            connection.working.fetch_sub(1, Relaxed);
        }
        connection.first_byte.store(0, Relaxed);
        connection.since.store(connection.watch.now(), Relaxed);
        connection.requests.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: Limits = Limits {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(300),
        send: Duration::from_secs(60),
        connections: 10,
    };

    fn connection() -> Connection {
        let watch = Arc::new(Watch::new(LIMITS));
        Connection::new(watch, SocketAddr::from(([127, 0, 0, 1], 1)))
    }

    #[test]
    fn a_client_that_never_asks_is_ended_after_the_head_timeout() {
        let c = connection();
        assert_eq!(c.judge(10_000, &LIMITS), None);
        assert_eq!(c.judge(10_002, &LIMITS), Some((Command::End, Reason::Head)));
    }

    #[test]
    fn a_head_that_does_not_end_is_not_waited_for() {
        let c = connection();
        drop(c.request(false));
        assert_eq!(c.judge(200_000, &LIMITS), None);
        c.bytes_came();
        assert_eq!(c.judge(10_002, &LIMITS), Some((Command::End, Reason::Head)));
    }

    #[test]
    fn an_idle_http2_client_may_send_pings() {
        let c = connection();
        drop(c.request(true));
        c.bytes_came();
        assert_eq!(c.judge(200_000, &LIMITS), None);
        assert_eq!(
            c.judge(300_002, &LIMITS),
            Some((Command::Finish, Reason::Idle))
        );
    }

    #[test]
    fn one_told_to_finish_that_stays_is_ended() {
        let c = connection();
        drop(c.request(true));
        c.tell(Command::Finish);
        assert_eq!(
            c.judge(10_002, &LIMITS),
            Some((Command::End, Reason::Unfinished))
        );
    }

    #[test]
    fn a_request_under_way_has_all_the_time() {
        let c = connection();
        let underway = c.request(false);
        c.tell(Command::Finish);
        assert_eq!(c.judge(1_000_000, &LIMITS), None);
        drop(underway);
        assert!(c.judge(1_000_000, &LIMITS).is_some());
    }

    #[test]
    fn a_client_that_does_not_read_is_ended_even_with_requests_under_way() {
        let c = connection();
        let _underway = c.request(false);
        c.socket_full();
        assert_eq!(
            c.judge(60_002, &LIMITS),
            Some((Command::End, Reason::Unread))
        );
        c.bytes_went();
        assert_eq!(c.judge(60_002, &LIMITS), None);
        c.large_answer();
        assert_eq!(
            c.judge(60_002, &LIMITS),
            Some((Command::End, Reason::Unread))
        );
        c.large_answer_went();
        assert_eq!(c.judge(60_002, &LIMITS), None);
    }

    #[test]
    fn whoever_never_asked_goes_first_and_a_complete_request_never() {
        let silent = connection();
        let resting = connection();
        drop(resting.request(false));
        let sending = connection();
        let mut underway = sending.request(false);
        assert!(silent.dispensable() < resting.dispensable());
        assert!(sending.dispensable().is_some());
        underway.complete();
        assert_eq!(sending.dispensable(), None);
    }

    #[test]
    fn a_weaker_command_does_not_replace_a_stronger() {
        let c = connection();
        c.tell(Command::End);
        c.tell(Command::Finish);
        assert_eq!(c.told(), Command::End);
    }
}
