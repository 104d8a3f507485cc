//! The history of tables with point-in-time recovery: schema `dynamo_history`.
//!
//! A row trigger keeps what was there before each change (`record`), and one row for each transaction says when it was
//! committed. The state at T is the table without the keys that were changed by transactions committed after T, and of
//! those keys what their first such change found.
//!
//! Rows go to the open segment, a relation that has the name of the data table, and no index. The worker closes it by
//! giving it another name, under a lock that no writer holds then: so a transaction is whole in one segment, and all
//! of a segment was committed between the two times that are noted for it. What is too old is dropped by the segment.

pub mod record;

use super::backup::copy;
use super::backup::relation_in;
use super::catalog::{Table, as_catalog_owner, relation_name, shortened};
use super::pg_error::{catching, raw};
use super::spi::{self, Arg, Plan};
use super::table;
use pg_dynamo_core::backup::PointInTime;
use pgrx::pg_sys;
use pgrx::spi::quote_qualified_identifier;

pub const SCHEMA: &str = "dynamo_history";
/// Before triggers of the owner's own, whose changes of the same item come later so.
const TRIGGERS: [&str; 2] = ["\"!dynamo_history\"", "\"!dynamo_history_truncate\""];
const DAY_MICROS: i64 = 86_400_000_000;

/// A relation that holds changes.
pub struct Segment {
    pub name: String,
    /// Microseconds since 1970: when its first transaction can have been committed, and its last; None: it is open.
    pub opened_at: i64,
    pub closed_at: Option<i64>,
}

pub fn quoted(segment: &str) -> String {
    quote_qualified_identifier(SCHEMA, segment)
}

/// The wall clock in microseconds since 1970.
pub fn now() -> i64 {
    const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
    // SAFETY: reads the clock.
    (unsafe { pg_sys::GetCurrentTimestamp() }) + POSTGRES_EPOCH
}

/// Keeps the history of a table from `on.since`, which is now, on. The caller owns it and has it locked against writers;
/// they go on, with the trigger, when the transaction has ended.
pub fn begin(held: &Table, on: PointInTime) {
    let name = relation_name(&held.definition.name);
    let since = on.since * 1_000;
    as_catalog_owner(|| {
        change(
            "INSERT INTO dynamo_internal.history (relation_name, days, since) \
             VALUES ($1::pg_catalog.name, $2::pg_catalog.int4, $3) \
             ON CONFLICT (relation_name) DO UPDATE SET days = EXCLUDED.days, since = EXCLUDED.since",
            &[Arg::Text(&name), Arg::Int8(on.days), Arg::Int8(since)],
        );
        drop_segments(&name);
        open_segment(&name, since);
    });
    let table = table::quoted(&held.definition.name);
    spi::connected(|| {
        for (trigger, when) in TRIGGERS.into_iter().zip([
            "AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW",
            "BEFORE TRUNCATE ON {} FOR EACH STATEMENT",
        ]) {
            let when = when.replace("{}", &table);
            spi::run(&format!(
                "CREATE OR REPLACE TRIGGER {trigger} {when} EXECUTE FUNCTION dynamo_internal.record_history()"
            ));
            spi::run(&format!(
                "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"
            ));
        }
    });
}

/// Forgets the history of a table, which the caller owns and has locked.
pub fn end(held: &Table) {
    let name = relation_name(&held.definition.name);
    let table = table::quoted(&held.definition.name);
    spi::connected(|| {
        for trigger in TRIGGERS {
            spi::run(&format!("DROP TRIGGER IF EXISTS {trigger} ON {table}"));
        }
    });
    as_catalog_owner(|| {
        drop_segments(&name);
        change(
            "DELETE FROM dynamo_internal.history WHERE relation_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
            &[Arg::Text(&name)],
        );
    });
}

/// Another period for a history that goes on.
pub fn keep(table: &str, on: PointInTime) {
    as_catalog_owner(|| {
        change(
            "UPDATE dynamo_internal.history SET days = $2::pg_catalog.int4, since = $3 \
             WHERE relation_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
            &[
                Arg::Text(&relation_name(table)),
                Arg::Int8(on.days),
                Arg::Int8(on.since * 1_000),
            ],
        );
    });
}

fn change(sql: &str, args: &[Arg<'_>]) {
    let types: Vec<pg_sys::Oid> = args
        .iter()
        .map(|arg| match arg {
            Arg::Int8(_) => pg_sys::INT8OID,
            _ => pg_sys::TEXTOID,
        })
        .collect();
    spi::connected(|| Plan::prepare(sql, &types).execute(args, false));
}

/// Makes the segment that is written from now on. `opened_at`: when the last one was closed, or the history begun, in
/// microseconds since 1970: nothing lies between them. As the owner of the catalog.
fn open_segment(table: &str, opened_at: i64) {
    spi::connected(|| {
        // `at`: microseconds since 1970, of the row that says when its transaction was committed; other rows are changes.
        spi::run(&format!(
            "CREATE TABLE {} (change pg_catalog.int8 NOT NULL, transaction pg_catalog.int8 NOT NULL, at pg_catalog.int8, \
             pk_hash pg_catalog.int8, pk pg_catalog.bytea, sk pg_catalog.bytea, item dynamo.item)",
            quoted(table)
        ));
    });
    change(
        "INSERT INTO dynamo_internal.history_segment (segment_name, relation_name, opened_at) \
         VALUES ($1::pg_catalog.name, $1::pg_catalog.name, $2)",
        &[Arg::Text(table), Arg::Int8(opened_at)],
    );
}

/// As the owner of the catalog.
fn drop_segments(table: &str) {
    for segment in segments(table) {
        drop_segment(&segment.name);
    }
}

fn drop_segment(name: &str) {
    spi::connected(|| spi::run(&format!("DROP TABLE IF EXISTS {}", quoted(name))));
    // The event trigger on drops does the same, unless somebody has taken it away.
    change(
        "DELETE FROM dynamo_internal.history_segment WHERE segment_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
        &[Arg::Text(name)],
    );
}

/// The segments of a data table, the oldest first. `table`: the name of its relation.
pub fn segments(table: &str) -> Vec<Segment> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT segment_name::pg_catalog.text, opened_at, closed_at FROM dynamo_internal.history_segment \
             WHERE relation_name OPERATOR(pg_catalog.=) $1::pg_catalog.name ORDER BY opened_at",
            &[pg_sys::TEXTOID],
        );
        let count = plan.execute(&[Arg::Text(table)], false);
        (0..count as usize)
            .filter_map(|row| {
                Some(Segment {
                    name: spi::text_value(row, 1)?,
                    opened_at: spi::int_value(row, 2)?,
                    closed_at: spi::int_value(row, 3),
                })
            })
            .collect()
    })
}

/// Days for which the history of a data table is kept.
fn days(table: &str) -> Option<i64> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT days::pg_catalog.int8 FROM dynamo_internal.history \
             WHERE relation_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(table)], false);
        spi::int_value(0, 1)
    })
}

/// Closes the open segment of a data table and opens another, when it is older than `age` microseconds. In the worker,
/// under a lock_timeout: writers queue behind the lock that it asks for.
pub fn rotate(table: &str, age: i64) {
    let relid = relation_in(SCHEMA, table);
    if relid == pg_sys::InvalidOid {
        return;
    }
    // SAFETY: a plain lock call. Whoever has written into the segment has ended when it is granted.
    unsafe { catching(|| raw::LockRelationOid(relid, pg_sys::AccessExclusiveLock as i32)) };
    let open = segments(table).into_iter().find(|s| s.closed_at.is_none());
    let due = open.is_some_and(|open| open.opened_at < now() - age);
    if !due || relation_in(SCHEMA, table) != relid {
        return;
    }
    as_catalog_owner(|| {
        let closed_at = now();
        let name = shortened(table, &format!(":{closed_at:x}"));
        let new = pgrx::spi::quote_identifier(&name);
        spi::connected(|| spi::run(&format!("ALTER TABLE {} RENAME TO {new}", quoted(table))));
        change(
            "UPDATE dynamo_internal.history_segment SET segment_name = $2::pg_catalog.name, closed_at = $3 \
             WHERE segment_name OPERATOR(pg_catalog.=) $1::pg_catalog.name",
            &[Arg::Text(table), Arg::Text(&name), Arg::Int8(closed_at)],
        );
        open_segment(table, closed_at);
    });
}

/// Drops the oldest segment of a data table, when nobody may ask for what it holds any more. False: there is none.
/// In the worker, under a lock_timeout.
pub fn drop_expired(table: &str) -> bool {
    let Some(days) = days(table) else {
        return false;
    };
    let horizon = now() - days * DAY_MICROS;
    let expired = |segment: &Segment| segment.closed_at.is_some_and(|at| at < horizon);
    let Some(oldest) = segments(table).into_iter().find(expired) else {
        return false;
    };
    as_catalog_owner(|| drop_segment(&oldest.name));
    true
}

/// Locks the segments of a data table that hold changes after `at` (microseconds since 1970) against being closed or
/// dropped, the oldest first. None: the history does not go back to `at`. In the worker, before it takes its snapshot.
pub fn lock_for_reading(table: &str, at: i64) -> Option<Vec<Segment>> {
    let segments: Vec<Segment> = segments(table)
        .into_iter()
        .filter(|segment| segment.closed_at.is_none_or(|closed| closed >= at))
        .collect();
    segments.first().filter(|oldest| oldest.opened_at <= at)?;
    for segment in &segments {
        let relation = relation_in(SCHEMA, &segment.name);
        if relation == pg_sys::InvalidOid {
            return None;
        }
        // SAFETY: a plain lock call.
        unsafe { catching(|| raw::LockRelationOid(relation, pg_sys::AccessShareLock as i32)) };
        if relation_in(SCHEMA, &segment.name) != relation {
            return None;
        }
    }
    Some(segments)
}

/// Runs `body` while the owner of the data table may read its segments, which are locked. After an error the abort of the
/// transaction takes that right back.
pub fn readable<T, E>(
    segments: &[Segment],
    relid: pg_sys::Oid,
    body: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let owner = copy::owner(relid);
    let reader = super::backup::owner_of(relid).map(pgrx::spi::quote_identifier);
    let select = pg_sys::AclMode::from(pg_sys::ACL_SELECT);
    // A right that he has, he keeps.
    let hidden = |segment: &&Segment| {
        let relation = relation_in(SCHEMA, &segment.name);
        // SAFETY: a look-up.
        let checked = unsafe { pg_sys::pg_class_aclcheck(relation, owner, select) };
        checked != pg_sys::AclResult::ACLCHECK_OK
    };
    let others: Vec<&Segment> = segments.iter().filter(hidden).collect();
    let change = |verb: &str, preposition: &str| {
        as_catalog_owner(|| {
            spi::connected(|| {
                for (segment, reader) in others.iter().zip(reader.iter().cycle()) {
                    let segment = quoted(&segment.name);
                    spi::run(&format!(
                        "{verb} SELECT ON {segment} {preposition} {reader}"
                    ));
                }
            });
        });
    };
    change("GRANT", "TO");
    let done = body()?;
    change("REVOKE", "FROM");
    Ok(done)
}

/// The statement that reads the rows of a table as they were when every transaction committed until `at` had been
/// committed, and no other.
///
/// The times are taken before the commits. Whoever saw or overwrote what a transaction did has a later time, so every cut
/// between two times is a state that could have been seen.
///
/// Of what one transaction kept of an item, at most one version was there before it. A trigger inside another may tell of
/// it last: of a DELETE of many rows, one of which a trigger of the owner's puts back before its own deletion is told.
pub fn statement(table: &str, segments: &[Segment], at: i64) -> String {
    if segments.is_empty() {
        return copy::all_of(table);
    }
    let changes: Vec<String> = segments
        .iter()
        .map(|segment| {
            let name = quoted(&segment.name);
            if segment.opened_at > at {
                return format!("SELECT h.pk_hash, h.pk, h.sk, h.transaction, h.change, h.item FROM {name} AS h WHERE h.at IS NULL");
            }
            format!(
                "SELECT h.pk_hash, h.pk, h.sk, h.transaction, h.change, h.item FROM {name} AS h \
                 JOIN {name} AS c ON c.transaction = h.transaction WHERE h.at IS NULL AND c.at > {at}"
            )
        })
        .collect();
    format!(
        "WITH first AS MATERIALIZED ( \
             SELECT DISTINCT ON (pk_hash, pk, sk) pk_hash, pk, sk, item FROM ( \
                 SELECT *, pg_catalog.min(change) OVER (PARTITION BY pk_hash, pk, sk, transaction) AS began FROM ({}) AS changes \
             ) AS changes ORDER BY pk_hash, pk, sk, began, item IS NULL, change) \
         SELECT t.pk_hash, t.pk, t.sk, t.item FROM ONLY {table} AS t \
         WHERE NOT EXISTS (SELECT FROM first AS f WHERE f.pk_hash = t.pk_hash AND f.pk = t.pk AND f.sk = t.sk) \
         UNION ALL SELECT pk_hash, pk, sk, item FROM first WHERE item IS NOT NULL",
        changes.join(" UNION ALL ")
    )
}
