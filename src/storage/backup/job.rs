//! What the worker has to do and how far it has come (`dynamo_internal.backup_job`). What is to be done stands in the
//! definitions of backups and tables.

use crate::storage::catalog;
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Makes a backup.
    Backup,
    /// Restores a table.
    Restore,
    /// Closes and drops segments of history.
    History,
    /// Drops a SYSTEM backup whose time is over.
    Expiry,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Backup => "backup",
            Kind::Restore => "restore",
            Kind::History => "history",
            Kind::Expiry => "expiry",
        }
    }

    fn of_name(name: &str) -> Option<Kind> {
        [Kind::Backup, Kind::Restore, Kind::History, Kind::Expiry]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Items are being copied.
    Copy,
    /// The indexes of a restored table are being made.
    Index,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Copy => "copy",
            Phase::Index => "index",
        }
    }
}

/// One of the rows of `dynamo.backup_jobs`.
#[derive(Clone, Debug)]
pub struct Job {
    pub kind: Kind,
    /// Id of a backup, name of a table.
    pub name: String,
    /// Id of a backup, of a table, or the name of a data table.
    pub id: String,
    /// What a backup or a restore reads: a relation, quoted. Empty: nothing.
    pub source: String,
    pub phase: Phase,
    pub next_block: i64,
    pub attempts: i64,
    pub gave_up: bool,
    /// Milliseconds; zero or less: at once.
    pub retry_in: i64,
}

/// Everything there is to do in this database. In the worker.
pub fn all() -> Result<Vec<Job>> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT w.kind, w.name, w.id, coalesce(j.phase, 'copy'), coalesce(j.next_block, 0), coalesce(j.attempts, 0), \
             coalesce(j.gave_up, false)::int4::int8, \
             coalesce(ceil(extract(epoch FROM j.retry_at - clock_timestamp()) * 1000), 0)::int8, coalesce(w.source, '') \
             FROM dynamo_internal.backup_work AS w \
             LEFT JOIN dynamo_internal.backup_job AS j ON j.kind = w.kind AND j.id = w.id",
            &[],
        );
        let count = plan.execute(&[], false);
        (0..count as usize).map(read).collect()
    })
}

fn read(row: usize) -> Result<Job> {
    let text = |column| spi::text_value(row, column).unwrap_or_default();
    let int = |column| spi::int_value(row, column).unwrap_or(0);
    Ok(Job {
        kind: Kind::of_name(&text(1))
            .ok_or_else(|| ApiError::corrupt("job of the backup worker"))?,
        name: text(2),
        id: text(3),
        source: text(9),
        phase: if text(4) == "index" {
            Phase::Index
        } else {
            Phase::Copy
        },
        next_block: int(5),
        attempts: int(6),
        gave_up: int(7) & 1 == 1,
        retry_in: int(8),
    })
}

fn change(sql: &str, types: &[pg_sys::Oid], args: &[Arg<'_>]) {
    spi::connected(|| Plan::prepare(sql, types).execute(args, false));
}

/// Notes that `phase` has come as far as block `next`.
pub fn advance(job: &Job, phase: Phase, next: i64) {
    change(
        "INSERT INTO dynamo_internal.backup_job (kind, id, phase, next_block) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, id) DO UPDATE SET phase = $3, next_block = $4, attempts = 0, error = NULL, gave_up = false, \
         retry_at = NULL, updated_at = clock_timestamp()",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
        ],
        &[
            Arg::Text(job.kind.name()),
            Arg::Text(&job.id),
            Arg::Text(phase.name()),
            Arg::Int8(next),
        ],
    );
}

/// Notes what went wrong and when the next attempt is due.
pub fn fail(job: &Job, error: &str, retry_in: i64, gave_up: bool) {
    change(
        "INSERT INTO dynamo_internal.backup_job AS b (kind, id, attempts, error, gave_up, retry_at) \
         VALUES ($1, $2, 1, $3, $4 <> 0, clock_timestamp() + $5 * interval '1 millisecond') \
         ON CONFLICT (kind, id) DO UPDATE SET attempts = b.attempts + 1, error = $3, gave_up = $4 <> 0, \
         retry_at = clock_timestamp() + $5 * interval '1 millisecond', updated_at = clock_timestamp()",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ],
        &[
            Arg::Text(job.kind.name()),
            Arg::Text(&job.id),
            Arg::Text(error),
            Arg::Int8(i64::from(gave_up)),
            Arg::Int8(retry_in),
        ],
    );
}

/// Nothing is left to do.
pub fn finish(job: &Job) {
    change(
        "DELETE FROM dynamo_internal.backup_job WHERE kind = $1 AND id = $2",
        &[pg_sys::TEXTOID; 2],
        &[Arg::Text(job.kind.name()), Arg::Text(&job.id)],
    );
}

/// Whether the worker has given up the job. `id`: of a backup, or of a restored table.
pub fn gave_up(kind: Kind, id: &str) -> bool {
    catalog::as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "SELECT 1::pg_catalog.int8 FROM dynamo_internal.backup_job \
                 WHERE kind OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2 AND gave_up",
                &[pg_sys::TEXTOID; 2],
            );
            plan.execute(&[Arg::Text(kind.name()), Arg::Text(id)], false) > 0
        })
    })
}

/// Lets the worker try again what it has given up of tables and backups that the caller owns. Answers how many jobs
/// there are.
pub fn retry_failed() -> i64 {
    // SAFETY: reads this backend's state.
    let caller = unsafe { pg_sys::GetUserId() };
    catalog::as_catalog_owner(|| {
        change(
            "UPDATE dynamo_internal.backup_job AS j SET gave_up = false, attempts = 0, retry_at = NULL \
             FROM dynamo_internal.backup_work AS w, pg_catalog.pg_class AS c \
             WHERE j.gave_up AND w.kind OPERATOR(pg_catalog.=) j.kind AND w.id OPERATOR(pg_catalog.=) j.id \
               AND c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(coalesce(w.target, pg_catalog.format( \
                   CASE WHEN w.kind OPERATOR(pg_catalog.=) 'history' THEN 'dynamo_tables.%I' ELSE 'dynamo_backups.%I' END, \
                   w.id)))::pg_catalog.oid \
               AND pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE')",
            &[pg_sys::INT8OID],
            &[Arg::Int8(i64::from(caller.to_u32()))],
        );
    });
    spi::connected(|| {
        Plan::prepare(
            "SELECT pg_catalog.count(*) FROM dynamo_internal.backup_state",
            &[],
        )
        .execute(&[], false);
        spi::int_value(0, 1).unwrap_or(0)
    })
}
