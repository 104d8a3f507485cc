//! The sweep of one table.

use super::super::process;
use super::super::session::{self, Failure};
use super::Subject;
use super::failing::{Failing, Retry};
use crate::guc::time_to_live::batch_size;
use crate::op::expire::{self, Batch, Done};
use crate::storage::catalog;
use crate::storage::time_to_live::{self, Place, Swept};
use pg_dynamo_core::time_to_live::expired_at;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A table that has more than this to delete waits for the others then.
const SLICE: Duration = Duration::from_secs(1);

/// What is known of a table.
#[derive(Default)]
pub struct Table {
    /// Where the last slice ended, when it did not come to the end.
    place: Option<Place>,
    failing: Failing,
    /// The table as a whole failed.
    paused: Option<Retry>,
    /// What was said of the last failure.
    error: Option<String>,
    /// Count and error that the view was told last.
    told: (usize, Option<String>),
}

/// A slice of a pass.
struct Slice {
    began: Instant,
    expired: Range<i64>,
    from: Place,
    /// Size of the next batch.
    most: i64,
}

/// How a batch ended.
enum Step {
    Deleted(Done),
    /// The table is gone, or has no time to live any more.
    Gone,
    /// At this item, or before there was one.
    Failed(Option<Place>, Failure),
}

impl Table {
    pub fn has_more(&self) -> bool {
        self.place.is_some()
    }

    /// Deletes what has expired, for [`SLICE`] at most. Answers how long it took to find the first of it.
    pub fn sweep(&mut self, subject: &Subject) -> Duration {
        if self.paused.is_some_and(|retry| !retry.is_due()) {
            return Duration::ZERO;
        }
        let mut slice = self.begin();
        let mut search = None;
        loop {
            session::heed_signals();
            process::leave_database_to_others();
            let step = self.step(subject, &slice);
            search.get_or_insert_with(|| slice.began.elapsed());
            match step {
                Step::Gone => return Duration::ZERO,
                Step::Deleted(done) => {
                    self.paused = None;
                    let found_all = done.found < slice.most;
                    slice.from = done.last.unwrap_or(slice.from);
                    slice.most = (slice.most * 2).min(batch_size());
                    if found_all {
                        self.end_pass();
                        break;
                    }
                }
                // Which of them it was shows when each is on its own.
                Step::Failed(Some(_), _) if slice.most > 1 => slice.most = 1,
                Step::Failed(Some(place), failure) if !self.failing.is_full() => {
                    self.error = Some(failure.message);
                    self.failing.failed(place.clone());
                    slice.from = place;
                }
                Step::Failed(_, failure) => {
                    self.error = Some(failure.message);
                    self.paused = Some(Retry::after(self.paused));
                    break;
                }
            }
            if slice.began.elapsed() > SLICE {
                self.place = Some(slice.from);
                break;
            }
        }
        self.tell(subject);
        search.unwrap_or_default()
    }

    fn begin(&mut self) -> Slice {
        let expired = expired_at(catalog::now_millis().div_euclid(1000));
        let from = self.place.take().unwrap_or_else(|| {
            self.failing.begin_pass();
            Place::before(expired.start)
        });
        Slice {
            began: Instant::now(),
            expired,
            from,
            most: batch_size(),
        }
    }

    fn step(&self, subject: &Subject, slice: &Slice) -> Step {
        let current = RefCell::new(None);
        let done = session::transaction(|| {
            expire::batch(&Batch {
                table: &subject.name,
                table_id: &subject.id,
                expired: &slice.expired,
                from: &slice.from,
                most: slice.most,
                skip: &|place| self.failing.passes_over(place),
                begin: &|place| *current.borrow_mut() = Some(place.clone()),
                failing: self.failing.count() as i64,
                error: self.error.as_deref(),
            })
        });
        match done {
            Ok(Some(done)) => Step::Deleted(done),
            Ok(None) => Step::Gone,
            Err(failure) => Step::Failed(current.take(), failure),
        }
    }

    fn end_pass(&mut self) {
        self.failing.end_pass();
        if self.failing.count() == 0 {
            self.error = None;
        }
    }

    /// Has the view, and the log, know of failures.
    fn tell(&mut self, subject: &Subject) {
        let now = (self.failing.count(), self.error.clone());
        if now == self.told {
            return;
        }
        if let (count, Some(error)) = &now
            && self.told.1.as_ref() != Some(error)
        {
            let name = &subject.name;
            warning!(
                "time to live of DynamoDB table {name}: {error} ({count} items are left for later)"
            );
        }
        let told = session::transaction(|| {
            time_to_live::note(&Swept {
                table: &subject.name,
                table_id: &subject.id,
                deleted: 0,
                failing: now.0 as i64,
                error: now.1.as_deref(),
            });
            Ok(())
        });
        match told {
            Ok(()) => self.told = now,
            Err(failure) => warning!("pg_dynamo time to live: {}", failure.message),
        }
    }
}
