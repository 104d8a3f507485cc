//! Makes backups, restores tables, and keeps histories short.
//!
//! What is to be done stands in the definitions of backups and tables (`storage::backup::job`), so a worker that dies goes
//! on where it was: a restore from a backup at the block it had come to, for its source cannot change; a backup, or a
//! restore to a point in time, from its beginning, for a snapshot ends with its process.
//!
//! A copy holds ACCESS SHARE on its source, as a query does, so nobody who reads or writes waits for it.

use super::kind::Kind as Worker;
use super::process;
use super::retry::{self, Attempt};
use super::session::{self, Failure};
use crate::guc;
use crate::storage::backup::job::{self, Job, Kind, Phase};
use crate::storage::backup::{self, copy};
use crate::storage::catalog::{self, Hold};
use crate::storage::pg_error::{catching, raw};
use crate::storage::{history, spi, table};
use pg_dynamo_core::backup::{BackupState, Restore};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result as CoreResult};
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi::quote_qualified_identifier;
use std::collections::HashSet;
use std::ffi::CStr;

/// How long writers may queue behind a lock that this worker asks for.
const LOCK_TIMEOUT: &CStr = c"100ms";
/// Blocks of a backup that one transaction restores: 64 MB.
const BATCH_BLOCKS: i64 = 8_192;

/// The worker of the database whose OID is the argument.
///
/// # Safety
/// Started by the postmaster.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn pg_dynamo_backup_worker(database: pg_sys::Datum) {
    process::begin(database);
    let mut settled = HashSet::new();
    process::alone(
        Worker::Backup,
        || work(&mut settled),
        || {
            jobs().is_some_and(|jobs| {
                let copies = |job: &Job| matches!(job.kind, Kind::Backup | Kind::Restore);
                jobs.iter().any(|job| !job.gave_up && copies(job))
            })
        },
    );
}

/// Upkeep that was done, or could not be done now, in the life of this worker.
type Settled = HashSet<(Kind, String)>;

/// None: the extension is gone.
fn jobs() -> Option<Vec<Job>> {
    let read = session::transaction(|| {
        if !process::extension_is_here() {
            return Ok(None);
        }
        job::all().map(Some)
    });
    read.unwrap_or_else(|failure| {
        warning!("pg_dynamo backups: {}", failure.message);
        None
    })
}

/// Copies first: upkeep may wait.
fn next<'a>(jobs: &'a [Job], settled: &Settled) -> Option<&'a Job> {
    let upkeep = |job: &Job| matches!(job.kind, Kind::History | Kind::Expiry);
    jobs.iter()
        .filter(|job| !job.gave_up && !settled.contains(&(job.kind, job.id.clone())))
        .min_by_key(|job| (job.retry_in.max(0), upkeep(job)))
}

/// One step. False: nothing is left to do.
fn work(settled: &mut Settled) -> bool {
    session::heed_signals();
    process::leave_database_to_others();
    let Some(jobs) = jobs() else { return false };
    let Some(job) = next(&jobs, settled) else {
        return false;
    };
    if job.retry_in > 0 {
        session::sleep(job.retry_in.min(500) as u32);
        return true;
    }
    session::set(c"lock_timeout", c"0");
    let step = match job.kind {
        Kind::Backup => make(job),
        Kind::Restore => restore(job),
        Kind::History => {
            settled.insert((job.kind, job.id.clone()));
            let source = quote_qualified_identifier(catalog::DATA_SCHEMA, &job.id);
            let restoring = jobs.iter().any(|other| {
                other.kind == Kind::Restore && !other.gave_up && other.source == source
            });
            shorten(job, restoring)
        }
        Kind::Expiry => {
            settled.insert((job.kind, job.id.clone()));
            expire(job)
        }
    };
    if let Err(failure) = step {
        report(job, &failure);
        settled.remove(&(job.kind, job.id.clone()));
    }
    true
}

/// Notes a failure, says it in the log, and has the job tried again later, or not.
fn report(job: &Job, failure: &Failure) {
    let attempt = Attempt {
        worker: "pg_dynamo backups",
        what: format!("{} of {}", job.kind.name(), job.name),
        before: job.attempts,
        resume: "dynamo.resume_backup_jobs",
    };
    retry::report(&attempt, failure, |retry_in, gave_up| {
        job::fail(job, &failure.message, retry_in, gave_up);
    });
}

/// Locks a relation against everything that `mode` conflicts with, to the end of the transaction.
fn lock(relid: pg_sys::Oid, mode: u32) {
    // SAFETY: a plain lock call.
    unsafe { catching(|| raw::LockRelationOid(relid, mode as i32)) };
}

/// Under a snapshot taken now, after the locks: what a relation held before it was truncated is not there any more,
/// whatever an older snapshot says.
fn with_latest_snapshot<R>(body: impl FnOnce() -> CoreResult<R>) -> CoreResult<R> {
    // SAFETY: popped below, or by the abort of the transaction.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
    let result = body()?;
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    Ok(result)
}

/// Empties a relation in a transaction of its own, as its owner: an attempt that was interrupted may have left rows, and
/// its size tells how far this one has come.
fn empty(relid: impl Fn() -> pg_sys::Oid, quoted: &str) -> Result<(), Failure> {
    session::transaction(|| {
        let relid = relid();
        if relid == pg_sys::InvalidOid {
            return Ok(());
        }
        lock(relid, pg_sys::AccessShareLock);
        if copy::blocks(relid) > 0 {
            copy::restricted(copy::owner(relid), || {
                spi::connected(|| spi::run(&format!("TRUNCATE {quoted}")))
            });
        }
        Ok(())
    })
}

/// Copies a table into its backup.
fn make(job: &Job) -> Result<(), Failure> {
    let into = backup::quoted(&job.id);
    empty(|| backup::relation_of(&job.id), &into)?;
    session::transaction(|| {
        job::advance(job, Phase::Copy, 0);
        Ok(())
    })?;
    let made = session::transaction(|| {
        let Some(mut backup) = backup::find(&job.id)? else {
            return Ok(true);
        };
        let source = catalog::open(&backup.definition.name, Hold::Share)?;
        let Some(source) =
            source.filter(|table| table.definition.table_id == backup.definition.table_id)
        else {
            return Ok(false);
        };
        let target = backup::relation_of(&job.id);
        lock(target, pg_sys::ShareRowExclusiveLock);
        let count = with_latest_snapshot(|| {
            let statement = copy::all_of(&table::quoted(&source.definition.name));
            let writer = copy::Writer::into_backup(target)?;
            copy::run(
                &statement,
                copy::owner(source.relid),
                writer,
                process::leave_database_to_others,
            )
        })?;
        backup.state = BackupState::Available;
        backup.item_count = count;
        backup.size_bytes = copy::size(target);
        backup::replace(&backup)?;
        job::finish(job);
        log!(
            "backup {} of DynamoDB table {} is available ({count} items)",
            job.id,
            source.definition.name
        );
        Ok(true)
    })?;
    if !made {
        warning!(
            "backup {} is gone: its table was dropped before it was copied",
            job.id
        );
        session::transaction(|| {
            backup::drop(&job.id);
            job::finish(job);
            Ok(())
        })?;
    }
    Ok(())
}

/// The table that is being restored, locked against writers. None: it is gone, or done.
fn target(job: &Job) -> CoreResult<Option<(pg_sys::Oid, TableDefinition, Restore)>> {
    let held = catalog::open(&job.name, Hold::NoWrites)?;
    let held = held.filter(|table| table.definition.table_id == job.id);
    Ok(held.and_then(|table| {
        let restore = table
            .definition
            .restore
            .clone()
            .filter(|restore| restore.in_progress)?;
        Some((table.relid, (*table.definition).clone(), restore))
    }))
}

fn restore(job: &Job) -> Result<(), Failure> {
    if job.phase == Phase::Index {
        return complete(job);
    }
    if job.next_block == 0 {
        let name = catalog::relation_name(&job.name);
        empty(
            || backup::relation_in(catalog::DATA_SCHEMA, &name),
            &table::quoted(&job.name),
        )?;
    }
    session::transaction(|| {
        let Some((relid, _, from)) = target(job)? else {
            job::finish(job);
            return Ok(());
        };
        let writer = copy::Writer::into_table(relid)?;
        match &from.backup {
            Some(id) => restore_blocks(job, id, writer),
            None => restore_history(job, &from, writer),
        }
    })
}

/// Some blocks of a backup.
fn restore_blocks(job: &Job, id: &str, writer: copy::Writer) -> CoreResult<()> {
    let source = backup::relation_of(id);
    if source == pg_sys::InvalidOid {
        return Err(ApiError::backup_not_found(
            "the backup was dropped while it was being restored",
        ));
    }
    lock(source, pg_sys::AccessShareLock);
    let left = copy::blocks(source) - job.next_block;
    let count = left.clamp(0, BATCH_BLOCKS);
    with_latest_snapshot(|| {
        let statement = copy::blocks_of(&backup::quoted(id), job.next_block, count);
        copy::run(
            &statement,
            copy::owner(source),
            writer,
            process::leave_database_to_others,
        )
    })?;
    let phase = if count == left.max(0) {
        Phase::Index
    } else {
        Phase::Copy
    };
    job::advance(job, phase, job.next_block + count);
    Ok(())
}

/// A table as it was.
fn restore_history(job: &Job, from: &Restore, writer: copy::Writer) -> CoreResult<()> {
    let gone = || ApiError::point_in_time_recovery_unavailable("the history of the source is gone");
    let source = catalog::open(&from.source_table, Hold::Share)?.ok_or_else(gone)?;
    if source
        .definition
        .point_in_time
        .is_none_or(|on| on.since > from.at)
    {
        return Err(gone());
    }
    // What was committed within the millisecond belongs to it.
    let at = from.at * 1_000 + 999;
    let relation = catalog::relation_name(&from.source_table);
    let segments = history::lock_for_reading(&relation, at).ok_or_else(gone)?;
    history::readable(&segments, source.relid, || {
        with_latest_snapshot(|| {
            let statement = history::statement(&table::quoted(&from.source_table), &segments, at);
            copy::run(
                &statement,
                copy::owner(source.relid),
                writer,
                process::leave_database_to_others,
            )
        })
    })?;
    job::advance(job, Phase::Index, 0);
    Ok(())
}

/// Makes the indexes of a table that has its items, and opens it.
fn complete(job: &Job) -> Result<(), Failure> {
    session::transaction(|| {
        let Some((relid, mut definition, mut restore)) = target(job)? else {
            job::finish(job);
            return Ok(());
        };
        table::complete(&definition);
        let Some(current) = catalog::lock_definition(&job.name)? else {
            return Ok(());
        };
        restore.in_progress = false;
        definition = current;
        definition.restore = Some(restore);
        catalog::replace(relid, &definition)?;
        job::finish(job);
        log!("DynamoDB table {} is restored", job.name);
        Ok(())
    })
}

/// Closes the open segment of a history when it is old enough, and drops what nobody may ask for any more; not while
/// another table is being restored from it.
fn shorten(job: &Job, restoring: bool) -> Result<(), Failure> {
    session::set(c"lock_timeout", LOCK_TIMEOUT);
    session::transaction(|| {
        history::rotate(
            &job.id,
            i64::from(guc::history_segment_minutes()) * 60_000_000,
        );
        Ok(())
    })?;
    while !restoring && session::transaction(|| Ok(history::drop_expired(&job.id)))? {
        session::heed_signals();
    }
    session::transaction(|| {
        job::finish(job);
        Ok(())
    })
}

/// Drops a SYSTEM backup after its time.
fn expire(job: &Job) -> Result<(), Failure> {
    session::transaction(|| {
        let expired = backup::lock(&job.id)?
            .and_then(|backup| backup.expires_at)
            .is_some_and(|at| at < catalog::now_millis());
        if expired && !backup::is_being_restored(&job.id) {
            backup::drop(&job.id);
            log!("backup {} has expired", job.id);
        }
        job::finish(job);
        Ok(())
    })
}
