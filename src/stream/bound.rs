//! The bound of what slots keep of the write-ahead log (`dynamo.stream_max_retained_wal`), for databases whose capture
//! worker does not apply it: it waits for something, fails again and again, or cannot be started.
//!
//! The launcher looks, which takes no database, and makes the slot invalid, as Postgres does beyond max_slot_wal_keep_size. The
//! next worker finds it so and marks the streams as broken.

use super::slot::{self, Seen};
use super::wake;
use crate::worker::session;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a worker, which looks once a second, has for it.
const PATIENCE: Duration = Duration::from_secs(4);
/// Looks whether a worker that was told to end has let go of its slot, and the milliseconds between them; less than the
/// postmaster takes to start it again.
const LOOKS: usize = 40;
const LOOK: u32 = 20;

/// Databases whose slots are beyond the bound, and since when.
#[derive(Default)]
pub struct Bound {
    beyond: HashMap<pg_sys::Oid, Instant>,
}

impl Bound {
    /// To be called every few seconds.
    pub fn apply(&mut self) {
        let most = u64::try_from(crate::guc::stream_max_retained_wal()).unwrap_or(0);
        let mut slots = slot::all();
        slots.retain(|seen| most > 0 && seen.retained > most);
        self.beyond
            .retain(|database, _| slots.iter().any(|seen| seen.database == *database));
        for seen in slots {
            let since = *self
                .beyond
                .entry(seen.database)
                .or_insert_with(Instant::now);
            if since.elapsed() >= PATIENCE {
                give_up(seen);
            }
        }
    }
}

fn give_up(seen: Seen) {
    let database = seen.database;
    // Also one that rests, and has let go of its slot for a while: it has the streams to mark.
    let worker = wake::worker_of(database).unwrap_or(seen.user);
    if worker != 0 {
        end(worker);
    }
    if seen.user != 0 && !is_let_go(database) {
        return;
    }
    let outcome = session::transaction(|| {
        slot::invalidate(database);
        Ok(())
    });
    match outcome {
        Ok(()) => warning!(
            "capture of the streams of database {} kept {} MB of the write-ahead log, more than \
             dynamo.stream_max_retained_wal allows, and did not let go: they are broken",
            database.to_u32(),
            seen.retained >> 20
        ),
        Err(failure) => {
            slot::release();
            let database = database.to_u32();
            log!("streams of database {database}: {}", failure.message);
        }
    }
}

/// Has a worker end, or any process that uses its slot; one that somebody has stopped is woken for that.
fn end(worker: pg_sys::pid_t) {
    // SAFETY: a process of this server. What it is told it does, or it has ended.
    unsafe {
        libc::kill(worker, libc::SIGTERM);
        libc::kill(worker, libc::SIGCONT);
    }
}

/// Waits a moment until nobody uses the slot.
fn is_let_go(database: pg_sys::Oid) -> bool {
    (0..LOOKS).any(|_| {
        session::sleep(LOOK);
        let free = |now: &Seen| now.database == database && now.user == 0;
        slot::all().iter().any(free)
    })
}
