//! How long a request takes and what comes of it, for the counts of `dynamo.stat_operations`.

use super::Session;
use crate::storage::{counters, pg_error};
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// The data tables that a request has opened.
#[derive(Clone, Copy, Default)]
pub enum Touched {
    #[default]
    None,
    One(u32),
    Several,
}

impl Touched {
    pub fn and(self, relation: u32) -> Touched {
        match self {
            Touched::None => Touched::One(relation),
            Touched::One(same) if same == relation => self,
            _ => Touched::Several,
        }
    }
}

/// The meter of one request, which may run in several steps.
pub struct Meter {
    operation: Operation,
    touched: Touched,
    nanoseconds: u64,
}

impl Meter {
    /// None: nothing is counted.
    pub fn new(operation: Operation) -> Option<Meter> {
        counters::counting().then_some(Meter {
            operation,
            touched: Touched::None,
            nanoseconds: 0,
        })
    }

    /// Adds the time since `began`, which becomes now.
    pub fn lap(&mut self, began: &mut Instant) {
        let now = Instant::now();
        let elapsed = now.duration_since(*began).as_nanos();
        self.nanoseconds += u64::try_from(elapsed).unwrap_or(u64::MAX);
        *began = now;
    }

    fn count(&self, consumed: Consumed, error: Option<ErrorKind>) {
        counters::count(&counters::Request {
            operation: self.operation,
            relation: match self.touched {
                Touched::One(relation) => relation,
                Touched::None | Touched::Several => 0,
            },
            nanoseconds: self.nanoseconds,
            consumed,
            error,
        });
    }

    /// The request is over.
    pub fn end(&self, result: std::result::Result<Consumed, &ApiError>) {
        match result {
            Ok(consumed) => self.count(consumed, None),
            Err(error) => self.count(Consumed::of_write(error.consumed), Some(error.kind)),
        }
    }
}

/// Counts a read of rows of SQL, which has no reply.
pub fn count_rows(operation: Operation, relation: u32, began: Instant) {
    if let Some(mut meter) = Meter::new(operation) {
        meter.touched = Touched::One(relation);
        meter.nanoseconds = nanoseconds_since(began);
        meter.count(Consumed::default(), None);
    }
}

fn nanoseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Runs one step of a request. A Postgres ERROR in it ends the request, and is counted as what a client is told.
pub fn step<R>(session: &Session, meter: &mut Option<Meter>, step: impl FnOnce() -> R) -> R {
    let Some(meter) = meter else { return step() };
    let began = Instant::now();
    session.touched.set(meter.touched);
    let result = catch_unwind(AssertUnwindSafe(step));
    meter.touched = session.touched.take();
    meter.nanoseconds += nanoseconds_since(began);
    result.unwrap_or_else(|payload| {
        let kind = ErrorKind::of_sqlstate(&pg_error::sqlstate_of(&*payload));
        meter.count(Consumed::default(), Some(kind));
        resume_unwind(payload)
    })
}

/// Runs a whole request and counts it.
pub fn metered<R>(
    session: &Session,
    operation: Operation,
    run: impl FnOnce() -> Result<(R, Consumed)>,
) -> Result<R> {
    let mut meter = Meter::new(operation);
    let result = step(session, &mut meter, run);
    if let Some(meter) = &meter {
        meter.end(result.as_ref().map(|(_, consumed)| *consumed));
    }
    result.map(|(value, _)| value)
}
