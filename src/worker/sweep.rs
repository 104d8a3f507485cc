//! Deletes expired items: one worker for each database that has tables with a time to live.
//!
//! A round goes through those tables and deletes what has expired, in batches, each a transaction of its own
//! (`op::expire`). It follows the btree of the time to live from the oldest item on, which is all it reads.
//!
//! An item whose deletion fails, because a trigger or a constraint of the table's owner is against it, holds up no
//! other: its batch is done again item by item, it is noted, and passed over until its next attempt is due.

mod failing;
mod table;

use super::{Kind, process, session, turns};
use crate::guc::time_to_live::interval;
use crate::storage::catalog;
use pg_dynamo_core::Result as CoreResult;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::ffi::CStr;
use std::time::{Duration, Instant};
use table::Table;

/// How long the deletion of an item may wait for a lock, and others for the locks it holds meanwhile.
const LOCK_TIMEOUT: &CStr = c"100ms";
/// The worker looks this often whether somebody wants the database for himself.
const LOOK: Duration = Duration::from_millis(500);

/// # Safety
/// Started by the postmaster, with the OID of a database.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_time_to_live_worker(database: pg_sys::Datum) {
    process::begin(database);
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    // An item that comes back with a crash of the server has expired as before.
    session::set(c"synchronous_commit", c"off");
    let mut sweeper = Sweeper::default();
    if turns::has_to_wait() {
        return;
    }
    while process::alone_again(Kind::TimeToLive) && !turns::is_over() {
        session::heed_signals();
        process::leave_database_to_others();
        match sweeper.round() {
            Round::Nothing => return,
            Round::More => {}
            Round::Rest => rest(sweeper.search * 10),
        }
    }
}

/// Until the next round is due. The setting may change meanwhile.
fn rest(least: Duration) {
    let began = Instant::now();
    while let Some(left) = interval().max(least).checked_sub(began.elapsed()) {
        process::leave_database_to_others();
        if turns::is_over() {
            return;
        }
        let pause = left.min(LOOK).as_millis();
        session::sleep(u32::try_from(pause).unwrap_or(u32::MAX).max(1));
    }
}

enum Round {
    /// No table has a time to live.
    Nothing,
    /// Some table has more to delete.
    More,
    Rest,
}

/// What is known of the tables of this database, by their ids.
#[derive(Default)]
struct Sweeper {
    tables: HashMap<String, Table>,
    /// How long the longest search of the last round took: with a reader of old rows somewhere, a search passes over all
    /// that was deleted since, and then it should be a rare one.
    search: Duration,
}

/// A table with a time to live.
pub struct Subject {
    name: String,
    id: String,
}

/// The tables there are; none when the extension is gone.
fn subjects() -> Result<Vec<Subject>, session::Failure> {
    session::transaction(|| match process::extension_is_here() {
        true => definitions(),
        false => Ok(Vec::new()),
    })
}

fn definitions() -> CoreResult<Vec<Subject>> {
    // As the index on the definitions says it.
    let all = catalog::matching(r#""time_to_live":\{"#)?;
    let subjects = all.into_iter().map(|definition| Subject {
        name: definition.name,
        id: definition.table_id,
    });
    Ok(subjects.collect())
}

impl Sweeper {
    fn round(&mut self) -> Round {
        let subjects = match subjects() {
            Ok(subjects) if subjects.is_empty() => return Round::Nothing,
            Ok(subjects) => subjects,
            Err(failure) => {
                warning!("pg_dynamo time to live: {}", failure.message);
                return Round::Rest;
            }
        };
        self.search = Duration::ZERO;
        let mut known = HashMap::new();
        let mut more = false;
        for subject in &subjects {
            let mut table = self.tables.remove(&subject.id).unwrap_or_default();
            let search = table.sweep(subject);
            self.search = self.search.max(search);
            more |= table.has_more();
            known.insert(subject.id.clone(), table);
        }
        self.tables = known;
        match more {
            true => Round::More,
            false => Round::Rest,
        }
    }
}
