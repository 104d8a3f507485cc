//! Attempts that failed, and when the next are due.

use crate::storage::time_to_live::Place;
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Pause after the first failure, doubled each time up to the second value.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));
/// Items that are remembered.
const MOST: usize = 10_000;

#[derive(Clone, Copy)]
pub struct Retry {
    at: Instant,
    pause: Duration,
}

impl Retry {
    /// The next attempt, longer after this failure than it was after the one `before`.
    pub fn after(before: Option<Retry>) -> Retry {
        let pause = before.map_or(PAUSE.0, |before| (before.pause * 2).min(PAUSE.1));
        Retry {
            at: Instant::now() + pause,
            pause,
        }
    }

    pub fn is_due(&self) -> bool {
        self.at <= Instant::now()
    }
}

struct Item {
    retry: Retry,
    /// The pass that met the item last.
    met: Cell<u64>,
}

/// Items of one table whose deletion failed.
#[derive(Default)]
pub struct Failing {
    items: HashMap<Place, Item>,
    pass: u64,
}

impl Failing {
    pub fn count(&self) -> usize {
        self.items.len()
    }

    /// There are too many to remember each.
    pub fn is_full(&self) -> bool {
        self.count() >= MOST
    }

    /// Whether an item that was met is to be left alone for now.
    pub fn passes_over(&self, place: &Place) -> bool {
        self.items.get(place).is_some_and(|item| {
            item.met.set(self.pass);
            !item.retry.is_due()
        })
    }

    pub fn failed(&mut self, place: Place) {
        let before = self.items.get(&place).map(|item| item.retry);
        let item = Item {
            retry: Retry::after(before),
            met: Cell::new(self.pass),
        };
        self.items.insert(place, item);
    }

    /// A pass through the table begins.
    pub fn begin_pass(&mut self) {
        self.pass += 1;
    }

    /// It has come to the end: what it did not meet was deleted, or renewed.
    pub fn end_pass(&mut self) {
        let pass = self.pass;
        self.items.retain(|_, item| item.met.get() == pass);
    }
}
