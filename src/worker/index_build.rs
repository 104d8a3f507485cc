//! Builds and removes secondary indexes, and the column and btree of a time to live, while their table is read and written.
//!
//! The state in the table's definition drives it, so a worker that dies goes on where it stopped:
//!
//! - Creating: under a short ACCESS EXCLUSIVE lock the columns are added and the trigger is told to maintain them;
//!   the index is Backfilling from that commit on. The lock is the barrier: every transaction that wrote without
//!   the trigger's new arguments has ended, and every later one derives the columns.
//! - Backfilling: rows from before are gone through block by block (`storage::backfill`), then CREATE INDEX
//!   CONCURRENTLY makes the btree, and the index is Active.
//! - Deleting: DROP INDEX CONCURRENTLY, then the trigger and the definition forget the index.
//!
//! Nothing here makes writers wait for more than [`LOCK_TIMEOUT`].

use super::progress::{self, Phase, Place, Task};
use super::retry::{self, Attempt};
use super::session::{self, Failure};
use super::target::Target;
use super::{Kind, process};
use crate::storage::catalog::{self, Hold};
use crate::storage::spi::{self, Arg, Plan};
use crate::storage::{backfill, index, table};
use pg_dynamo_core::table::{IndexState, TableDefinition};
use pg_dynamo_core::{ApiError, Result as CoreResult};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::CStr;

/// How long writers may queue behind a lock that this worker asks for.
const LOCK_TIMEOUT: &CStr = c"100ms";
/// Blocks of one batch: the rows of half a megabyte are held for a few milliseconds.
const BATCH_BLOCKS: u32 = 64;
/// Milliseconds between looks at a row that another transaction holds.
const HELD_ROW: (u32, u32) = (5, 200);

/// The worker of the database whose OID is the argument.
///
/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_index_worker(database: pg_sys::Datum) {
    process::begin(database);
    let given_up = RefCell::new(Lost::new());
    process::alone(
        Kind::IndexBuild,
        || work(&mut given_up.borrow_mut()),
        || tasks().is_some_and(|tasks| next(&tasks, &given_up.borrow()).is_some()),
    );
}

/// What identifies a task that cannot be done here and now, because its table is gone.
type Lost = HashSet<(String, Target)>;

fn key(task: &Task) -> (String, Target) {
    (task.table_id.clone(), task.target.clone())
}

fn next<'a>(tasks: &'a [Task], lost: &Lost) -> Option<&'a Task> {
    tasks
        .iter()
        .filter(|task| !task.progress.gave_up && !lost.contains(&key(task)))
        .min_by_key(|task| task.progress.retry_in.max(0))
}

/// None: the extension is gone.
fn tasks() -> Option<Vec<Task>> {
    let read = session::transaction(|| {
        if !process::extension_is_here() {
            return Ok(None);
        }
        progress::unfinished().map(Some)
    });
    match read {
        Ok(tasks) => tasks,
        Err(failure) => {
            warning!("pg_dynamo index builds: {}", failure.message);
            None
        }
    }
}

/// One step. False: nothing is left to do.
fn work(lost: &mut Lost) -> bool {
    session::heed_signals();
    process::leave_database_to_others();
    let Some(tasks) = tasks() else { return false };
    let Some(task) = next(&tasks, lost) else {
        return false;
    };
    if task.progress.retry_in > 0 {
        session::sleep(task.progress.retry_in.min(500) as u32);
        return true;
    }
    let step = match task.phase {
        Phase::Columns => add_columns(task),
        Phase::Backfill => fill_in(task),
        Phase::Index => create_index(task),
        Phase::Drop => drop_index(task),
    };
    backfill::publish_again();
    match step {
        Ok(Step::Done) => {}
        Ok(Step::Lost) => {
            lost.insert(key(task));
        }
        Err(failure) => report(task, &failure),
    }
    true
}

enum Step {
    /// The state has changed, or somebody else has changed it.
    Done,
    /// There is no such table.
    Lost,
}

/// Notes a failure, says it in the log, and has the task tried again later, or not.
fn report(task: &Task, failure: &Failure) {
    let attempt = Attempt {
        worker: "pg_dynamo index builds",
        what: task.target.of_table(&task.table),
        before: task.progress.attempts,
        resume: "dynamo.resume_index_builds",
    };
    retry::report(&attempt, failure, |retry_in, gave_up| {
        progress::fail(task, &failure.message, retry_in, gave_up);
    });
}

/// The table's definition as it stands, locked, while it still is the task's table and its index is in `state`.
/// The relation is locked first, as everywhere.
fn locked(
    task: &Task,
    state: IndexState,
    hold: Hold,
) -> CoreResult<Result<(pg_sys::Oid, TableDefinition), Step>> {
    let Some(held) = catalog::open(&task.table, hold)? else {
        return Ok(Err(Step::Lost));
    };
    let current = catalog::lock_definition(&task.table)?;
    Ok(match current {
        Some(definition) if is_in(&definition, task, state) => Ok((held.relid, definition)),
        _ => Err(Step::Done),
    })
}

fn is_in(definition: &TableDefinition, task: &Task, state: IndexState) -> bool {
    definition.table_id == task.table_id && task.target.is_in(definition, state)
}

/// Adds the columns and has every writer maintain them from now on.
fn add_columns(task: &Task) -> Result<Step, Failure> {
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    session::transaction(|| {
        let (relid, definition) = match locked(task, IndexState::Creating, Hold::Exclusive)? {
            Ok(found) => found,
            Err(step) => return Ok(step),
        };
        if !table::has_trigger(relid) {
            return Err(ApiError::validation("the data table lacks its trigger"));
        }
        let new = task
            .target
            .with_state(&definition, IndexState::Backfilling)?;
        task.target.add_columns(&new)?;
        index::maintain(&new)?;
        catalog::replace(relid, &new)?;
        let items = table::statistics(relid, &definition).item_count;
        progress::enter(task, Phase::Backfill, items);
        Ok(Step::Done)
    })
}

/// Goes through the table from where it stopped.
fn fill_in(task: &Task) -> Result<Step, Failure> {
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    // A batch that is lost with the server was not noted either: they are one transaction.
    session::set(c"synchronous_commit", c"off");
    let lost = batches(task);
    session::set(c"synchronous_commit", c"on");
    if let Some(step) = lost? {
        return Ok(step);
    }
    session::transaction(|| {
        progress::enter(task, Phase::Index, 0);
        Ok(Step::Done)
    })
}

/// Batch after batch, to the end of the table; what to do instead, when the build was lost.
fn batches(task: &Task) -> Result<Option<Step>, Failure> {
    let mut place = task.progress.place;
    loop {
        session::heed_signals();
        process::leave_database_to_others();
        match batch(task, place)? {
            Batch::Next(next) => place = next,
            Batch::Ended => return Ok(None),
            Batch::Lost(step) => return Ok(Some(step)),
        }
    }
}

enum Batch {
    Next(Place),
    Ended,
    Lost(Step),
}

/// A batch that went through some blocks; rows in `held` are left.
struct Passed {
    relid: pg_sys::Oid,
    visited: i64,
    held: Vec<pg_sys::ItemPointerData>,
    next: Place,
}

fn batch(task: &Task, place: Place) -> Result<Batch, Failure> {
    let passed = session::transaction(|| pass(task, place));
    backfill::publish_again();
    let passed = match passed? {
        Ok(passed) => passed,
        Err(end) => return Ok(end),
    };
    if !passed.held.is_empty() {
        wait_for_rows(task, passed.relid, passed.held)?;
        session::transaction(|| {
            progress::advance(task, &passed.next, passed.visited);
            Ok(())
        })?;
    }
    Ok(Batch::Next(passed.next))
}

fn pass(task: &Task, mut place: Place) -> CoreResult<Result<Passed, Batch>> {
    let Some(held) = catalog::open(&task.table, Hold::Share)? else {
        return Ok(Err(Batch::Lost(Step::Lost)));
    };
    if !is_in(&held.definition, task, IndexState::Backfilling) {
        return Ok(Err(Batch::Lost(Step::Done)));
    }
    let (blocks, file) = backfill::extent(held.relid);
    if file != place.file {
        place = Place {
            file,
            next_block: 0,
            end_block: i64::from(blocks),
        };
    }
    let end = place.end_block.min(i64::from(blocks));
    let left = u32::try_from(end - place.next_block).unwrap_or(0);
    let (Ok(first), 1..) = (u32::try_from(place.next_block), left) else {
        return Ok(Err(Batch::Ended));
    };
    let count = left.min(BATCH_BLOCKS);
    let batch = backfill::run(held.relid, backfill::Rows::of_blocks(first, count))?;
    place.next_block += i64::from(count);
    if batch.held.is_empty() {
        progress::advance(task, &place, batch.visited);
    }
    Ok(Ok(Passed {
        relid: held.relid,
        visited: batch.visited,
        held: batch.held,
        next: place,
    }))
}

/// Rows that other transactions hold are looked at again until each is free or was changed.
fn wait_for_rows(
    task: &Task,
    relid: pg_sys::Oid,
    mut held: Vec<pg_sys::ItemPointerData>,
) -> Result<(), Failure> {
    let mut pause = HELD_ROW.0;
    while !held.is_empty() {
        session::sleep(pause);
        process::leave_database_to_others();
        let before = held.len();
        let retried = session::transaction(|| {
            let still = catalog::open(&task.table, Hold::Share)?;
            let mut left = Vec::new();
            if still.is_some_and(|table| table.relid == relid) {
                for row in &held {
                    left.extend(backfill::run(relid, backfill::Rows::one(*row))?.held);
                }
            }
            if pause == HELD_ROW.1 {
                let text = format!(
                    "waiting for {} items that other transactions hold",
                    left.len()
                );
                progress::waiting(task, &text);
            }
            Ok(left)
        });
        backfill::publish_again();
        held = retried?;
        pause = if held.len() < before {
            HELD_ROW.0
        } else {
            (pause * 2).min(HELD_ROW.1)
        };
    }
    Ok(())
}

/// Makes the btree, in place of what an interrupted attempt left, and opens the index for reading.
fn create_index(task: &Task) -> Result<Step, Failure> {
    session::set(c"lock_timeout", c"0");
    let found = session::transaction(|| Ok(task.target.btree_is_valid(&task.table)))?;
    if found == Some(false) {
        session::run_alone(&task.target.drop_statement(&task.table))?;
    }
    if found != Some(true) {
        let statement = session::transaction(|| {
            let definition = match locked(task, IndexState::Backfilling, Hold::Share)? {
                Ok((_, definition)) => definition,
                Err(step) => return Ok(Err(step)),
            };
            task.target.create_statement(&definition).map(Ok)
        })?;
        match statement {
            Ok(statement) => session::run_alone(&statement)?,
            Err(step) => return Ok(step),
        }
    }
    activate(task)
}

fn activate(task: &Task) -> Result<Step, Failure> {
    session::transaction(|| {
        let (relid, definition) = match locked(task, IndexState::Backfilling, Hold::Share)? {
            Ok(found) => found,
            Err(step) => return Ok(step),
        };
        if task.target.btree_is_valid(&task.table) != Some(true) {
            return Err(ApiError::validation("the index has vanished"));
        }
        let new = task.target.with_state(&definition, IndexState::Active)?;
        spi::connected(|| spi::run(&task.target.comment_statement(&task.table)));
        catalog::replace(relid, &new)?;
        let items = items_done(task);
        progress::finish(task);
        if task.target == Target::TimeToLive {
            super::start_at_commit(Kind::TimeToLive);
        }
        let target = task.target.of_table(&task.table);
        log!("{target} is active ({items} items gone through)");
        Ok(Step::Done)
    })
}

fn items_done(task: &Task) -> i64 {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT items_done FROM dynamo_internal.index_build WHERE table_name = $1 AND index_name = $2",
            &[pg_sys::TEXTOID; 2],
        );
        plan.execute(
            &[Arg::Text(&task.table), Arg::Text(task.target.label())],
            false,
        );
        spi::int_value(0, 1).unwrap_or(0)
    })
}

/// Drops the btree; then writers stop maintaining its columns, which stay for another index to use.
fn drop_index(task: &Task) -> Result<Step, Failure> {
    session::set(c"lock_timeout", c"0");
    let found = session::transaction(|| Ok(task.target.btree_is_valid(&task.table)))?;
    if found.is_some() {
        session::run_alone(&task.target.drop_statement(&task.table))?;
    }
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    session::transaction(|| {
        let (relid, definition) = match locked(task, IndexState::Deleting, Hold::NoWrites)? {
            Ok(found) => found,
            Err(step) => return Ok(step),
        };
        let new = task.target.removed(&definition)?;
        if table::has_trigger(relid) {
            index::maintain(&new)?;
        }
        catalog::replace(relid, &new)?;
        progress::finish(task);
        let target = task.target.of_table(&task.table);
        log!("{target} is removed");
        Ok(Step::Done)
    })
}
