//! The bound of what slots keep of the write-ahead log (`dynamo.stream_max_retained_wal`), for databases whose capture
//! worker does not apply it: it waits for something, fails again and again, or cannot be started.
//!
//! The launcher looks, which takes no database, and makes the slot invalid, as Postgres does beyond max_slot_wal_keep_size. The
//! next worker finds it so and marks the streams as broken.

use super::slot::{self, Seen};
use crate::worker::session;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a worker, which looks once a second, has for it.
const PATIENCE: Duration = Duration::from_secs(4);
/// A process that does not end within this time is woken, should somebody have stopped it.
const STUBBORN: Duration = Duration::from_secs(4);
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
            if let Some(late) = since.elapsed().checked_sub(PATIENCE) {
                give_up(seen, late >= STUBBORN);
            }
        }
    }
}

fn give_up(seen: Seen, stubborn: bool) {
    let database = seen.database;
    if seen.user != 0 && !let_go(seen, stubborn) {
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

/// Has the worker end. Answers whether its slot is free.
fn let_go(seen: Seen, stubborn: bool) -> bool {
    // SAFETY: a process of this server, as its slot says. What it is told it does, or it has ended.
    unsafe {
        libc::kill(seen.user, libc::SIGTERM);
        if stubborn {
            libc::kill(seen.user, libc::SIGCONT);
        }
    }
    (0..LOOKS).any(|_| {
        session::sleep(LOOK);
        let free = |now: &Seen| now.database == seen.database && now.user == 0;
        slot::all().iter().any(free)
    })
}
