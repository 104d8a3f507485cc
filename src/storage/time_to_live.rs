//! The column that says when a row expires, and its btree: `"Music:ttl"` on (dynamo_ttl, pk_hash, pk, sk), of the rows
//! that have one. The whole key stands in it, so that a sweep goes on exactly where it stopped.

use super::catalog::{DATA_SCHEMA, Table, shortened};
use super::spi::{self, Arg, Plan};
use super::table::quoted;
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::table::KeySchema;
use pg_dynamo_core::time_to_live::ExpirySchema;
use pg_dynamo_core::value::Attributes;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};
use std::ffi::CString;

/// int8: seconds since 1970; NULL: the item does not expire.
pub const COLUMN: &str = "dynamo_ttl";

/// `Music:ttl`. No secondary index is called so: theirs are `Music:index_1`.
pub fn name(table: &str) -> String {
    shortened(table, ":ttl")
}

fn quoted_name(table: &str) -> String {
    quote_qualified_identifier(DATA_SCHEMA, &name(table))
}

/// Adds the column to a table; one that was given up is used again.
pub fn add_column(table: &str) {
    let table = quoted(table);
    let statement =
        format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {COLUMN} pg_catalog.int8");
    spi::connected(|| spi::run(&statement));
}

pub fn create_statement(table: &str) -> String {
    format!(
        "CREATE INDEX CONCURRENTLY {} ON {} ({COLUMN}, pk_hash, pk, sk) WHERE {COLUMN} IS NOT NULL",
        quote_identifier(name(table)),
        quoted(table),
    )
}

pub fn comment_statement(table: &str) -> String {
    let about = quote_literal(format!("time to live of DynamoDB table {table}"));
    format!("COMMENT ON INDEX {} IS {about}", quoted_name(table))
}

pub fn drop_statement(table: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS {}", quoted_name(table))
}

/// The argument by which the table's trigger knows how to derive the column.
pub fn trigger_argument(schema: &ExpirySchema) -> Result<String> {
    serde_json::to_string(schema)
        .map_err(|_| ApiError::corrupt("time to live of a table definition"))
}

/// Whether the btree is there and complete: an owner may have dropped it.
pub fn has_btree(table: &Table) -> bool {
    let (Ok(schema), Ok(btree)) = (
        CString::new(DATA_SCHEMA),
        CString::new(name(&table.definition.name)),
    ) else {
        return false;
    };
    // SAFETY: look-ups by C strings that live through the calls; the table is locked by the caller.
    unsafe {
        let schema = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        let btree = pg_sys::get_relname_relid(btree.as_ptr(), schema);
        btree != pg_sys::InvalidOid
            && pg_sys::IndexGetRelation(btree, true) == table.relid
            && pg_sys::get_index_isvalid(btree)
    }
}

/// A row that has expired.
pub struct Expired {
    pub expiry: i64,
    pub key: StoredKey,
    /// The attributes of its key.
    pub attributes: Attributes,
}

/// Where a sweep stands: behind a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub expiry: i64,
    pub pk_hash: i64,
    pub pk: Vec<u8>,
    pub sk: Vec<u8>,
}

impl Place {
    /// Before every row that expires in `second` or later.
    pub fn before(second: i64) -> Place {
        Place {
            expiry: second,
            pk_hash: i64::MIN,
            pk: Vec::new(),
            sk: Vec::new(),
        }
    }

    pub fn of(row: &Expired) -> Place {
        Place {
            expiry: row.expiry,
            pk_hash: row.key.pk_hash,
            pk: row.key.pk.clone(),
            sk: row.key.sk.clone(),
        }
    }
}

/// The first `most` rows behind `place` that expire before `end`, locked: no one waits for a row that another
/// transaction holds, it is passed over. None of them is renewed any more until this transaction ends.
pub fn lock_expired(table: &Table, place: &Place, end: i64, most: i64) -> Result<Vec<Expired>> {
    spi::connected(|| {
        let plan = table.plans.expired.get_or_init(|| {
            let name = quoted(&table.definition.name);
            Plan::prepare_by_index(
                &format!(
                    "SELECT {COLUMN}, pk_hash, pk, sk, item::dynamo.item FROM {name} \
                     WHERE ({COLUMN}, pk_hash, pk, sk) OPERATOR(pg_catalog.>) ($1, $2, $3, $4) \
                       AND {COLUMN} OPERATOR(pg_catalog.<) $5 \
                     ORDER BY {COLUMN}, pk_hash, pk, sk LIMIT $6 FOR UPDATE SKIP LOCKED"
                ),
                &[
                    pg_sys::INT8OID,
                    pg_sys::INT8OID,
                    pg_sys::BYTEAOID,
                    pg_sys::BYTEAOID,
                    pg_sys::INT8OID,
                    pg_sys::INT8OID,
                ],
            )
        });
        let found = plan.execute(
            &[
                Arg::Int8(place.expiry),
                Arg::Int8(place.pk_hash),
                Arg::Bytes(&place.pk),
                Arg::Bytes(&place.sk),
                Arg::Int8(end),
                Arg::Int8(most),
            ],
            false,
        );
        let schema = &table.definition.key_schema;
        (0..found as usize)
            .map(|row| expired(row, schema))
            .collect()
    })
}

/// Row `row` of the last result of [`lock_expired`].
fn expired(row: usize, schema: &KeySchema) -> Result<Expired> {
    let corrupt = || ApiError::corrupt("row of a data table");
    let item = spi::value(row, 5).ok_or_else(corrupt)?;
    // SAFETY: the statement made sure of the type; alive until SPI finishes.
    let item = unsafe { super::detoast::ItemDatum::new(item) };
    let mut attributes = Attributes::new();
    for key in schema.attributes() {
        let value = item.attribute(&key.name)?.ok_or_else(corrupt)?;
        attributes.insert(key.name.clone(), value.as_av().to_value()?);
    }
    Ok(Expired {
        expiry: spi::int_value(row, 1).ok_or_else(corrupt)?,
        key: StoredKey {
            pk_hash: spi::int_value(row, 2).ok_or_else(corrupt)?,
            pk: spi::bytes_value(row, 3).ok_or_else(corrupt)?,
            sk: spi::bytes_value(row, 4).ok_or_else(corrupt)?,
        },
        attributes,
    })
}

/// Marks the running transaction for who decodes it: what it deletes of this table from here on has expired. For tables
/// with a stream.
pub fn mark_transaction(table: &str) {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_logical_emit_message(true, 'pg_dynamo.ttl'::pg_catalog.text, $1)",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(table)], false);
    });
}

/// What `dynamo.time_to_live` shows of a table besides its definition (`dynamo_internal.time_to_live`).
pub struct Swept<'a> {
    pub table: &'a str,
    pub table_id: &'a str,
    pub deleted: i64,
    /// Items whose deletion has failed, and what was said of the last one.
    pub failing: i64,
    pub error: Option<&'a str>,
}

/// Notes what a sweep did.
pub fn note(swept: &Swept<'_>) {
    spi::connected(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.time_to_live AS t (table_name, table_id, deleted, failing, error) \
             SELECT table_name, $2, $3, $4, nullif($5, '') FROM dynamo.table_definition WHERE table_name = $1 \
             ON CONFLICT (table_name) DO UPDATE SET table_id = $2, \
             deleted = CASE WHEN t.table_id = $2 THEN t.deleted ELSE 0 END + $3, \
             failing = $4, error = nullif($5, ''), swept_at = clock_timestamp()",
            &[
                pg_sys::TEXTOID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
            ],
        );
        plan.execute(
            &[
                Arg::Text(swept.table),
                Arg::Text(swept.table_id),
                Arg::Int8(swept.deleted),
                Arg::Int8(swept.failing),
                Arg::Text(swept.error.unwrap_or_default()),
            ],
            false,
        );
    });
}
