//! On-demand backups: their catalog (`dynamo.backup_definition`), and their relations in schema `dynamo_backups`.

pub mod copy;
pub mod job;

use super::catalog::{self, as_catalog_owner};
use super::spi::{self, Arg, Plan};
use pg_dynamo_core::backup::Backup;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use std::ffi::CString;

pub const SCHEMA: &str = "dynamo_backups";
/// Version of the JSON in `definition`.
const FORMAT_VERSION: i64 = 1;

/// The relation of a backup, quoted and qualified.
pub fn quoted(id: &str) -> String {
    quote_qualified_identifier(SCHEMA, id)
}

/// The relation `name` of a schema of ours; InvalidOid when there is none.
pub fn relation_in(schema: &str, name: &str) -> pg_sys::Oid {
    let (Ok(schema), Ok(name)) = (CString::new(schema), CString::new(name)) else {
        return pg_sys::InvalidOid;
    };
    // SAFETY: syscache look-ups by C strings that live through the calls.
    unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        if namespace == pg_sys::InvalidOid {
            return namespace;
        }
        pg_sys::get_relname_relid(name.as_ptr(), namespace)
    }
}

pub fn relation_of(id: &str) -> pg_sys::Oid {
    relation_in(SCHEMA, id)
}

fn json_of(backup: &Backup) -> Result<String> {
    serde_json::to_string(backup).map_err(|_| ApiError::corrupt("backup definition"))
}

fn parse(json: &str) -> Result<Backup> {
    serde_json::from_str(json).map_err(|_| ApiError::corrupt("backup definition"))
}

/// Name of the owner of a relation, as an identifier.
pub fn owner_of(relid: pg_sys::Oid) -> Option<String> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_get_userbyid(relowner)::pg_catalog.text FROM pg_catalog.pg_class \
             WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(relid.to_u32()))], false);
        spi::text_value(0, 1)
    })
}

/// Records a backup and makes its relation, empty, which belongs to the owner of relation `source`.
pub fn create(backup: &Backup, source: pg_sys::Oid) -> Result<()> {
    let json = json_of(backup)?;
    let owner = owner_of(source).ok_or_else(|| ApiError::corrupt("owner of a table"))?;
    let relation = quoted(&backup.id);
    let about = pgrx::spi::quote_literal(format!(
        "Backup {} of DynamoDB table {}",
        backup.name, backup.definition.name
    ));
    as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "INSERT INTO dynamo.backup_definition (backup_id, table_name, format_version, definition) \
                 VALUES ($1, $2, $3::pg_catalog.int4, $4)",
                &[
                    pg_sys::TEXTOID,
                    pg_sys::TEXTOID,
                    pg_sys::INT8OID,
                    pg_sys::JSONOID,
                ],
            );
            let args = [
                Arg::Text(&backup.id),
                Arg::Text(&backup.definition.name),
                Arg::Int8(FORMAT_VERSION),
                Arg::Text(&json),
            ];
            plan.execute(&args, false);
            spi::run(&format!(
                "CREATE TABLE {relation} (pk_hash pg_catalog.int8 NOT NULL, pk pg_catalog.bytea NOT NULL, \
                 sk pg_catalog.bytea NOT NULL, item dynamo.item NOT NULL)"
            ));
            spi::run(&format!("COMMENT ON TABLE {relation} IS {about}"));
            let owner = quote_identifier(owner);
            spi::run(&format!("ALTER TABLE {relation} OWNER TO {owner}"));
        });
    });
    Ok(())
}

/// The backup `id` as it is committed. None: there is none.
pub fn find(id: &str) -> Result<Option<Backup>> {
    let json = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT definition::pg_catalog.text FROM dynamo.backup_definition \
             WHERE backup_id OPERATOR(pg_catalog.=) $1",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(id)], true);
        spi::text_value(0, 1)
    });
    json.map(|json| parse(&json)).transpose()
}

/// The same, its row locked until the end of the transaction.
pub fn lock(id: &str) -> Result<Option<Backup>> {
    let json = as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "SELECT definition::pg_catalog.text FROM dynamo.backup_definition \
                 WHERE backup_id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
                &[pg_sys::TEXTOID],
            );
            plan.execute(&[Arg::Text(id)], false);
            spi::text_value(0, 1)
        })
    });
    json.map(|json| parse(&json)).transpose()
}

pub fn replace(backup: &Backup) -> Result<()> {
    let json = json_of(backup)?;
    as_catalog_owner(|| {
        spi::connected(|| {
            let plan = Plan::prepare(
                "UPDATE dynamo.backup_definition SET definition = $2 WHERE backup_id OPERATOR(pg_catalog.=) $1",
                &[pg_sys::TEXTOID, pg_sys::JSONOID],
            );
            plan.execute(&[Arg::Text(&backup.id), Arg::Text(&json)], false);
        })
    });
    Ok(())
}

/// Drops a backup: its items, and what is known of it. Only after the caller's rights were checked.
pub fn drop(id: &str) {
    as_catalog_owner(|| {
        spi::connected(|| {
            spi::run(&format!("DROP TABLE IF EXISTS {}", quoted(id)));
            // The event trigger on drops does the same, unless somebody has taken it away.
            let plan = Plan::prepare(
                "DELETE FROM dynamo.backup_definition WHERE backup_id OPERATOR(pg_catalog.=) $1",
                &[pg_sys::TEXTOID],
            );
            plan.execute(&[Arg::Text(id)], false);
        });
    });
}

/// Backups after `after` in the order of their ids, those that `wanted` takes, at most `limit`.
pub fn list(
    after: Option<&str>,
    limit: usize,
    wanted: impl Fn(&Backup) -> bool,
) -> Result<Vec<Backup>> {
    const PAGE: usize = 100;
    let mut found = Vec::new();
    let mut after = after.unwrap_or_default().to_owned();
    loop {
        let page = read_page(&after, PAGE);
        for json in &page {
            let backup = parse(json)?;
            after.clone_from(&backup.id);
            if wanted(&backup) {
                found.push(backup);
            }
        }
        if page.len() < PAGE || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

fn read_page(after: &str, limit: usize) -> Vec<String> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT definition::pg_catalog.text FROM dynamo.backup_definition \
             WHERE backup_id OPERATOR(pg_catalog.>) $1 ORDER BY backup_id LIMIT $2",
            &[pg_sys::TEXTOID, pg_sys::INT8OID],
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let count = plan.execute(&[Arg::Text(after), Arg::Int8(limit)], true);
        (0..count as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect()
    })
}

/// Whether a table is being restored from the backup `id`.
pub fn is_being_restored(id: &str) -> bool {
    // The id is made of digits, letters and a dash.
    is_under_way(&format!("\"backup\":\"{id}\""))
}

/// Whether a table is being restored whose definition holds this text.
fn is_under_way(text: &str) -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT 1::pg_catalog.int8 FROM dynamo.table_definition \
             WHERE pg_catalog.strpos(definition::pg_catalog.text, $1) OPERATOR(pg_catalog.>) 0 \
               AND pg_catalog.strpos(definition::pg_catalog.text, '\"in_progress\":true') OPERATOR(pg_catalog.>) 0 LIMIT 1",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(text)], false) > 0
    })
}

/// Backups of relation `table` that are not made yet.
pub fn is_being_made(table: &str) -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT 1::pg_catalog.int8 FROM dynamo.backup_definition AS b \
             WHERE b.table_name OPERATOR(pg_catalog.=) $1 \
               AND pg_catalog.strpos(b.definition::pg_catalog.text, '\"state\":\"Creating\",\"created_at\"') OPERATOR(pg_catalog.>) 0 \
               AND NOT EXISTS (SELECT FROM dynamo_internal.backup_state AS j WHERE j.kind OPERATOR(pg_catalog.=) 'backup' \
                   AND j.name OPERATOR(pg_catalog.=) b.backup_id AND j.phase OPERATOR(pg_catalog.=) 'failed') LIMIT 1",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(table)], false) > 0
    })
}

/// Whether a table is being restored from table `name` and its history.
pub fn restores_from(name: &str) -> bool {
    // Names of tables hold nothing that JSON would escape.
    is_under_way(&format!("\"source_table\":\"{name}\",\"backup\":null"))
}

/// Whether the current role may act as the owner of the backup's relation. None: the relation is gone.
pub fn owned_by_caller(id: &str) -> Option<bool> {
    catalog::owned_by_caller(relation_of(id))
}

/// Whether policies would hide rows of the relation from the current role, its owner: FORCE ROW LEVEL SECURITY.
pub fn hides_rows(relid: pg_sys::Oid) -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT (relrowsecurity AND relforcerowsecurity)::pg_catalog.int4::pg_catalog.int8 FROM pg_catalog.pg_class \
             WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(relid.to_u32()))], false);
        spi::int_value(0, 1) == Some(1)
    })
}
