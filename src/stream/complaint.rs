//! Warnings whose reason lasts: given now and then, not each time.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A warning of one kind.
pub struct Complaint {
    pause: Duration,
    last: Cell<Option<Instant>>,
}

impl Complaint {
    /// Given again after that time at the earliest.
    pub const fn every(pause: Duration) -> Complaint {
        Complaint {
            pause,
            last: Cell::new(None),
        }
    }

    /// Whether it is time for it, which this notes.
    pub fn is_due(&self) -> bool {
        let due = self
            .last
            .get()
            .is_none_or(|last| last.elapsed() > self.pause);
        if due {
            self.last.set(Some(Instant::now()));
        }
        due
    }
}
