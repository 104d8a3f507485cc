//! The rules of the queue, one by one.

use super::*;
use bytes::Bytes;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::operation::Operation;

const LIMITS: Limits = Limits {
    call_weight: 4,
    call_bytes: 100,
    parallel: 2,
    patience: Duration::from_millis(1),
    queued: 40,
    queued_bytes: 1000,
    grace: Duration::from_secs(2),
};

/// A scheduler with idle sessions, and the receivers of all requests.
struct Bench {
    scheduler: Scheduler,
    bell: Arc<Notify>,
    now: Instant,
    receivers: Vec<oneshot::Receiver<Reply>>,
}

impl Bench {
    fn new(sessions: usize) -> Bench {
        let now = Instant::now();
        let bell = Arc::new(Notify::new());
        let mut scheduler = Scheduler::new(LIMITS, now);
        for id in 0..sessions {
            scheduler.opened();
            assert!(scheduler.take(id, &bell, now).0.is_none());
        }
        Bench {
            scheduler,
            bell,
            now,
            receivers: Vec::new(),
        }
    }

    /// None: refused, with this kind.
    fn push(&mut self, role: &str, operation: Operation) -> Option<ErrorKind> {
        self.now += Duration::from_nanos(1);
        let lane = match operation {
            Operation::GetItem => Lane::Read,
            Operation::PutItem => Lane::Write,
            Operation::Scan => Lane::ReadAlone,
            _ => Lane::WriteAlone,
        };
        let (reply, receiver) = oneshot::channel();
        let waiting = Waiting {
            request: Request {
                operation,
                role: role.into(),
                body: Bytes::from_static(b"0123456789"),
            },
            reply,
            arrived: self.now,
            weight: 1,
            lost: false,
        };
        match self.scheduler.push(waiting, lane) {
            Ok(_) => {
                self.receivers.push(receiver);
                None
            }
            Err(error) => Some(error.kind),
        }
    }

    fn pushes(&mut self, n: usize, role: &str, operation: Operation) {
        for _ in 0..n {
            assert_eq!(self.push(role, operation), None);
        }
    }

    /// What a session that asks now gets.
    fn take(&mut self) -> Option<Batch> {
        // As if rung.
        self.scheduler.idle.pop();
        self.scheduler.waking = 1;
        match self.scheduler.take(99, &self.bell, self.now).0 {
            Some(Work::Call(batch)) => Some(batch),
            _ => None,
        }
    }

    fn taken(&mut self) -> Option<(String, usize)> {
        self.take()
            .map(|batch| (batch.role.to_string(), batch.requests.len()))
    }
}

#[test]
fn a_call_holds_one_roles_requests_of_one_lane_up_to_the_limit() {
    let mut bench = Bench::new(16);
    bench.pushes(5, "a", Operation::GetItem);
    bench.pushes(1, "a", Operation::PutItem);
    bench.pushes(1, "b", Operation::GetItem);
    assert_eq!(bench.taken(), Some(("a".into(), 4)));
    assert_eq!(
        bench.taken(),
        Some(("a".into(), 1)),
        "the write is the oldest"
    );
    assert_eq!(bench.taken(), Some(("b".into(), 1)), "its turn");
    assert_eq!(bench.taken(), Some(("a".into(), 1)), "what was left");
    assert_eq!(bench.taken(), None);
}

#[test]
fn a_third_call_starts_when_its_request_has_waited() {
    let mut bench = Bench::new(16);
    bench.pushes(12, "a", Operation::GetItem);
    assert!(bench.take().is_some() && bench.take().is_some());
    assert!(bench.take().is_none());
    assert!(
        matches!(bench.scheduler.rouse(bench.now), Then::Nothing),
        "already pacing"
    );
    bench.now += LIMITS.patience;
    assert!(matches!(
        bench.scheduler.look_again(bench.now),
        Then::Ring(_)
    ));
    assert_eq!(bench.taken(), Some(("a".into(), 4)));
}

#[test]
fn a_finished_call_makes_room_for_the_next() {
    let mut bench = Bench::new(16);
    bench.pushes(12, "a", Operation::GetItem);
    let first = bench.take().unwrap();
    assert!(bench.take().is_some() && bench.take().is_none());
    bench.scheduler.waking = 0;
    bench.scheduler.finish(&first);
    assert!(bench.take().is_some());
}

#[test]
fn roles_take_turns() {
    let mut bench = Bench::new(16);
    bench.pushes(9, "a", Operation::GetItem);
    bench.pushes(2, "b", Operation::GetItem);
    let mut turns = Vec::new();
    // Older requests of `a` wait, but its next turn comes after that of `b`.
    while let Some(batch) = bench.take() {
        turns.push((batch.role.to_string(), batch.requests.len()));
        bench.scheduler.waking = 0;
        bench.scheduler.finish(&batch);
    }
    assert_eq!(
        turns,
        [
            ("a".into(), 4),
            ("b".into(), 2),
            ("a".into(), 4),
            ("a".into(), 1)
        ]
    );
}

#[test]
fn writes_and_large_requests_leave_sessions_for_reads() {
    let mut bench = Bench::new(16);
    let mut started = 0;
    for i in 0..16 {
        let role = format!("w{i}");
        bench.pushes(1, &role, Operation::PutItem);
        started += usize::from(bench.take().is_some());
    }
    assert_eq!(started, 12, "a quarter is for reads");
    let mut bench = Bench::new(16);
    bench.pushes(10, "a", Operation::Scan);
    bench.pushes(10, "b", Operation::Scan);
    let mut roles = Vec::new();
    while let Some(batch) = bench.take() {
        roles.push(batch.role.to_string());
    }
    assert_eq!(roles.len(), 8, "half of them");
    assert_eq!(roles.iter().filter(|role| *role == "a").count(), 4);
    bench.pushes(1, "a", Operation::GetItem);
    assert_eq!(bench.taken(), Some(("a".into(), 1)));
}

#[test]
fn large_writes_leave_a_session_for_large_reads() {
    for sessions in [4, 8, 16] {
        let mut bench = Bench::new(sessions);
        for role in ["a", "b", "c"] {
            bench.pushes(5, role, Operation::BatchWriteItem);
            bench.pushes(5, role, Operation::PutItem);
        }
        while bench.take().is_some() {
            bench.now += LIMITS.patience;
        }
        bench.pushes(1, "a", Operation::Scan);
        let batch = bench.take().map(|batch| batch.lane);
        assert_eq!(batch, Some(Lane::ReadAlone), "{sessions} sessions");
        bench.pushes(1, "a", Operation::GetItem);
        assert!(bench.take().is_some(), "{sessions} sessions");
    }
}

#[test]
fn one_session_serves_everything() {
    let mut bench = Bench::new(1);
    for operation in [Operation::GetItem, Operation::PutItem, Operation::Scan] {
        bench.pushes(1, "a", operation);
        let batch = bench.take().unwrap();
        bench.scheduler.waking = 0;
        bench.scheduler.finish(&batch);
    }
}

#[test]
fn a_role_that_floods_the_queue_leaves_room_for_others() {
    let mut bench = Bench::new(1);
    bench.pushes(20, "flood", Operation::GetItem);
    assert_eq!(
        bench.push("flood", Operation::GetItem),
        Some(ErrorKind::Throttling)
    );
    bench.pushes(10, "other", Operation::GetItem);
    assert_eq!(
        bench.push("other", Operation::GetItem),
        Some(ErrorKind::Throttling)
    );
    bench.pushes(5, "third", Operation::GetItem);
}

#[test]
fn requests_without_a_client_are_dropped_and_make_room() {
    let mut bench = Bench::new(1);
    bench.pushes(20, "a", Operation::GetItem);
    bench.receivers.drain(..19);
    bench.pushes(1, "a", Operation::GetItem);
    assert_eq!(bench.taken(), Some(("a".into(), 2)));
    assert_eq!(bench.scheduler.depths().vanished, 19);
    bench.pushes(1, "b", Operation::GetItem);
    bench.receivers.clear();
    assert_eq!(bench.taken(), None);
    assert_eq!(bench.scheduler.queued, 0);
}

#[test]
fn what_is_put_back_goes_first_and_in_order() {
    let mut bench = Bench::new(16);
    bench.pushes(4, "a", Operation::GetItem);
    let mut batch = bench.take().unwrap();
    bench.pushes(2, "a", Operation::GetItem);
    let first = batch.requests[0].arrived;
    let requests = std::mem::take(&mut batch.requests);
    bench.scheduler.put_back(requests, Lane::Read, bench.now);
    let again = bench.take().unwrap();
    assert_eq!(
        (again.requests.len(), again.requests[0].arrived),
        (4, first)
    );
}

#[test]
fn without_a_server_requests_wait_a_while_and_are_refused() {
    let mut bench = Bench::new(1);
    bench.scheduler.closed(0, bench.now);
    bench.pushes(1, "a", Operation::GetItem);
    assert!(bench.scheduler.expired(bench.now).is_empty());
    bench.now += LIMITS.grace + Duration::from_millis(1);
    assert_eq!(bench.scheduler.expired(bench.now).len(), 1);
    let refused = bench.push("a", Operation::GetItem);
    assert_eq!(refused, Some(ErrorKind::ServiceUnavailable));
    bench.scheduler.opened();
    bench.pushes(1, "a", Operation::GetItem);
}

#[test]
fn a_closing_queue_takes_nothing_and_is_over_when_it_is_empty() {
    let mut bench = Bench::new(2);
    bench.pushes(1, "a", Operation::PutItem);
    bench.scheduler.close(bench.now);
    assert_eq!(
        bench.push("a", Operation::PutItem),
        Some(ErrorKind::ServiceUnavailable)
    );
    assert!(!bench.scheduler.over());
    assert!(bench.take().is_some());
    assert!(bench.scheduler.over());
}

#[test]
fn nothing_is_kept_of_roles_that_want_nothing() {
    let mut bench = Bench::new(2);
    bench.pushes(1, "a", Operation::PutItem);
    let batch = bench.take().unwrap();
    bench.scheduler.finish(&batch);
    assert!(bench.scheduler.roles.is_empty());
}
