//! NOTIFY `dynamo_stream`, with the table's name, for consumers that LISTEN instead of polling.
//!
//! In transactions of their own, after what they tell of is there for all to see: sessions that NOTIFY commit one after the
//! other in the whole cluster, a wait for a standby included, and capture shall not stand in that line.

use super::complaint::Complaint;
use crate::storage::spi::{self, Arg, Plan};
use crate::worker::{process, session};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// From one time to the next, so that many small batches do not double their number of transactions.
const PAUSE: Duration = Duration::from_millis(10);
/// Between warnings about a queue that nobody empties.
const WARNING: Duration = Duration::from_secs(600);

/// Tables whose streams have new records that nobody was told of.
pub struct Notices {
    tables: BTreeSet<String>,
    told: Option<Instant>,
    /// That nobody empties the queue.
    full: Complaint,
    plans: Option<Plans>,
}

/// Statements that are kept.
struct Plans {
    queue_is_filling: Plan,
    notify: Plan,
}

impl Plans {
    /// Needs SPI connected.
    fn prepare() -> Plans {
        Plans {
            queue_is_filling: Plan::prepare(
                "SELECT (pg_catalog.pg_notification_queue_usage() > 0.5)::int4::int8",
                &[],
            ),
            notify: Plan::prepare(
                "SELECT pg_catalog.pg_notify('dynamo_stream', $1)",
                &[pg_sys::TEXTOID],
            ),
        }
    }
}

impl Notices {
    pub fn new() -> Notices {
        Notices {
            tables: BTreeSet::new(),
            told: None,
            full: Complaint::every(WARNING),
            plans: None,
        }
    }

    /// There are new records of these tables.
    pub fn add(&mut self, tables: impl IntoIterator<Item = String>) {
        if crate::guc::stream_notify() {
            self.tables.extend(tables);
        }
    }

    /// How long this worker, which has nothing else to do, may sleep.
    pub fn sleep(&self, milliseconds: u32) -> u32 {
        let pause = u32::try_from(PAUSE.as_millis()).unwrap_or(u32::MAX);
        if self.tables.is_empty() {
            milliseconds
        } else {
            milliseconds.min(pause)
        }
    }

    /// Tells of them, unless it did a moment ago, or somebody else is at it; then the next time. What goes wrong is no
    /// reason to stop capturing.
    pub fn tell(&mut self) {
        let lately = self.told.is_some_and(|told| told.elapsed() < PAUSE);
        if self.tables.is_empty() || lately {
            return;
        }
        self.told = Some(Instant::now());
        session::set(c"synchronous_commit", c"off");
        let outcome = session::transaction(|| {
            // Held to the end of the commit, as NOTIFY would take it.
            if !process::try_lock(&line(), pg_sys::AccessExclusiveLock, false) {
                return Ok(Outcome::Later);
            }
            Ok(spi::connected(|| {
                let plans = self.plans.get_or_insert_with(Plans::prepare);
                plans.queue_is_filling.execute(&[], false);
                if spi::int_value(0, 1) == Some(1) {
                    return Outcome::Full;
                }
                for table in &self.tables {
                    plans.notify.execute(&[Arg::Text(table)], false);
                }
                Outcome::Told
            }))
        });
        match outcome {
            Ok(Outcome::Later) => return,
            Ok(Outcome::Told) => {}
            Ok(Outcome::Full) => {
                if self.full.is_due() {
                    warning!(
                        "the notification queue is filling up: nobody is told of new stream records \
                         (a session that listens has been in one transaction for long)"
                    );
                }
            }
            Err(failure) => warning!("NOTIFY dynamo_stream: {}", failure.message),
        }
        self.tables.clear();
    }
}

enum Outcome {
    Told,
    /// Another session is committing its notifications.
    Later,
    /// The queue is half full; a full one makes every NOTIFY fail.
    Full,
}

/// The lock that sessions commit their notifications under.
fn line() -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.to_u32(),
        locktag_field3: 0,
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    }
}
