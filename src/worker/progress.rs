//! Indexes and times to live that are not finished, and how far the worker has come with them (`dynamo_internal.index_build`).
//!
//! All but `retry_failed` run in a worker, whose search_path is pinned.

use super::target::Target;
use crate::storage::catalog;
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::Result;
use pg_dynamo_core::table::{IndexState, TableDefinition};
use pgrx::pg_sys;

/// What a build is at. The row says so to people, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for the lock under which the columns are added.
    Columns,
    /// Filling in the columns of older rows.
    Backfill,
    /// CREATE INDEX CONCURRENTLY.
    Index,
    /// DROP INDEX CONCURRENTLY, and the end of its maintenance.
    Drop,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Columns => "columns",
            Phase::Backfill => "backfill",
            Phase::Index => "index",
            Phase::Drop => "drop",
        }
    }

    fn of_name(name: &str) -> Option<Phase> {
        [Phase::Columns, Phase::Backfill, Phase::Index, Phase::Drop]
            .into_iter()
            .find(|phase| phase.name() == name)
    }
}

/// What is not finished.
#[derive(Clone, Debug)]
pub struct Task {
    pub table: String,
    pub table_id: String,
    pub target: Target,
    pub phase: Phase,
    pub progress: Progress,
}

/// How far a backfill has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The table's file whose blocks are counted, and the first that was not gone through.
    pub file: i64,
    pub next_block: i64,
    /// How many blocks it had: rows in later ones came when writers derived the columns already.
    pub end_block: i64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub place: Place,
    pub attempts: i64,
    /// Milliseconds; zero or less: at once.
    pub retry_in: i64,
    pub gave_up: bool,
}

/// Everything that is left to do in this database. Err: a definition cannot be read.
pub fn unfinished() -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for definition in catalog::matching(r#""state":"(Creating|Backfilling|Deleting)""#)? {
        for (target, state) in Target::unfinished(&definition) {
            let begins = match state {
                IndexState::Active => continue,
                IndexState::Creating => Phase::Columns,
                IndexState::Backfilling => Phase::Backfill,
                IndexState::Deleting => Phase::Drop,
            };
            tasks.push(task(&definition, target, begins));
        }
    }
    Ok(tasks)
}

/// The state in the definition decides; the row only says how far a backfill is.
fn task(definition: &TableDefinition, target: Target, begins: Phase) -> Task {
    let (table, table_id) = (definition.name.clone(), definition.table_id.clone());
    let noted = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT phase, coalesce(relation_file, 0), next_block, end_block, attempts, gave_up::int4::int8, \
             coalesce(ceil(extract(epoch FROM retry_at - clock_timestamp()) * 1000), 0)::int8 \
             FROM dynamo_internal.index_build WHERE table_name = $1 AND index_name = $2 AND table_id = $3",
            &[pg_sys::TEXTOID; 3],
        );
        let args = [
            Arg::Text(&table),
            Arg::Text(target.label()),
            Arg::Text(&table_id),
        ];
        if plan.execute(&args, false) == 0 {
            return None;
        }
        let int = |column| spi::int_value(0, column).unwrap_or(0);
        let progress = Progress {
            place: Place {
                file: int(2),
                next_block: int(3),
                end_block: int(4),
            },
            attempts: int(5),
            gave_up: int(6) != 0,
            retry_in: int(7),
        };
        let phase = spi::text_value(0, 1).and_then(|name| Phase::of_name(&name));
        phase.map(|phase| (phase, progress))
    });
    let (phase, progress) = match noted {
        Some((Phase::Index, progress)) if begins == Phase::Backfill => (Phase::Index, progress),
        Some((phase, progress)) if phase == begins => (begins, progress),
        _ => (begins, Progress::default()),
    };
    Task {
        table,
        table_id,
        target,
        phase,
        progress,
    }
}

fn change(sql: &str, types: &[pg_sys::Oid], args: &[Arg<'_>]) {
    spi::connected(|| Plan::prepare(sql, types).execute(args, false));
}

/// Notes that `phase` begins. `total`: items there are about.
pub fn enter(task: &Task, phase: Phase, total: i64) {
    change(
        "INSERT INTO dynamo_internal.index_build AS b (table_name, index_name, table_id, phase, items_total) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (table_name, index_name) DO UPDATE SET table_id = $3, phase = $4, relation_file = NULL, next_block = 0, end_block = 0, \
         items_done = CASE WHEN $4 = 'index' THEN b.items_done ELSE 0 END, \
         items_total = CASE WHEN $4 = 'index' THEN b.items_total ELSE $5 END, \
         attempts = 0, error = NULL, gave_up = false, retry_at = NULL, updated_at = clock_timestamp(), \
         started_at = CASE WHEN $4 IN ('columns', 'drop') OR b.table_id <> $3 THEN now() ELSE b.started_at END",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
        ],
        &[
            Arg::Text(&task.table),
            Arg::Text(task.target.label()),
            Arg::Text(&task.table_id),
            Arg::Text(phase.name()),
            Arg::Int8(total),
        ],
    );
}

/// Notes how far the backfill has come.
pub fn advance(task: &Task, to: &Place, items: i64) {
    change(
        "UPDATE dynamo_internal.index_build SET relation_file = $3, next_block = $4, end_block = $5, items_done = items_done + $6, \
         attempts = 0, error = NULL, retry_at = NULL, updated_at = clock_timestamp() \
         WHERE table_name = $1 AND index_name = $2",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ],
        &[
            Arg::Text(&task.table),
            Arg::Text(task.target.label()),
            Arg::Int8(to.file),
            Arg::Int8(to.next_block),
            Arg::Int8(to.end_block),
            Arg::Int8(items),
        ],
    );
}

/// Notes what went wrong and when the next attempt is due.
pub fn fail(task: &Task, error: &str, retry_in: i64, gave_up: bool) {
    change(
        "INSERT INTO dynamo_internal.index_build AS b (table_name, index_name, table_id, phase, attempts, error, gave_up, retry_at) \
         VALUES ($1, $2, $3, $4, 1, $5, $6 <> 0, clock_timestamp() + $7 * interval '1 millisecond') \
         ON CONFLICT (table_name, index_name) DO UPDATE SET attempts = b.attempts + 1, error = $5, gave_up = $6 <> 0, \
         retry_at = clock_timestamp() + $7 * interval '1 millisecond', updated_at = clock_timestamp()",
        &[
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ],
        &[
            Arg::Text(&task.table),
            Arg::Text(task.target.label()),
            Arg::Text(&task.table_id),
            Arg::Text(task.phase.name()),
            Arg::Text(error),
            Arg::Int8(i64::from(gave_up)),
            Arg::Int8(retry_in),
        ],
    );
}

/// Notes what a build waits for, while it waits.
pub fn waiting(task: &Task, what: &str) {
    change(
        "UPDATE dynamo_internal.index_build SET error = $3, updated_at = clock_timestamp() \
         WHERE table_name = $1 AND index_name = $2",
        &[pg_sys::TEXTOID; 3],
        &[
            Arg::Text(&task.table),
            Arg::Text(task.target.label()),
            Arg::Text(what),
        ],
    );
}

/// Nothing is left to do.
pub fn finish(task: &Task) {
    change(
        "DELETE FROM dynamo_internal.index_build WHERE table_name = $1 AND index_name = $2",
        &[pg_sys::TEXTOID; 2],
        &[Arg::Text(&task.table), Arg::Text(task.target.label())],
    );
}

/// Lets the worker try again what it has given up of tables that the caller owns.
pub fn retry_failed() {
    // SAFETY: reads this backend's state.
    let caller = unsafe { pg_sys::GetUserId() };
    catalog::as_catalog_owner(|| {
        change(
            "UPDATE dynamo_internal.index_build AS b SET gave_up = false, attempts = 0, retry_at = NULL \
             FROM dynamo.tables AS t, pg_catalog.pg_class AS c \
             WHERE b.gave_up AND t.table_name OPERATOR(pg_catalog.=) b.table_name \
               AND c.oid OPERATOR(pg_catalog.=) t.relation \
               AND pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE')",
            &[pg_sys::INT8OID],
            &[Arg::Int8(i64::from(caller.to_u32()))],
        )
    });
}
