//! Data tables: their DDL and their statistics.

use super::catalog::{DATA_SCHEMA, relation_name, shortened};
use super::index;
use super::spi::{self, Arg, Plan};
use pg_dynamo_core::Result;
use pg_dynamo_core::table::{IndexStatistics, TableDefinition, TableStatistics};
use pgrx::pg_sys;
use std::collections::BTreeMap;

/// The data table's name, quoted and qualified.
pub fn quoted(table_name: &str) -> String {
    pgrx::spi::quote_qualified_identifier(DATA_SCHEMA, &relation_name(table_name))
}

/// How full inserts fill a page, in percent: the rest is for new versions of its rows. An update that finds room in
/// the row's page is heap-only, which spares the entry in every index and the space of the old version later.
const FILLED: u32 = 90;

/// Creates the data table with its indexes, as the caller, who becomes its owner.
pub fn create(definition: &TableDefinition) -> Result<()> {
    let primary = format!(
        ", CONSTRAINT {} PRIMARY KEY (pk_hash, pk, sk)",
        primary_name(definition)
    );
    create_relation(definition, &primary)?;
    spi::connected(|| create_indexes(definition));
    Ok(())
}

/// Creates the data table without any index, as the caller: its items are filled in below the executor.
pub fn create_empty(definition: &TableDefinition) -> Result<()> {
    create_relation(definition, "")
}

/// Makes the indexes of a table that was created empty. Its readers wait only for the last step.
pub fn complete(definition: &TableDefinition) {
    let (table, primary) = (quoted(&definition.name), primary_name(definition));
    spi::connected(|| {
        spi::run(&format!(
            "CREATE UNIQUE INDEX {primary} ON {table} (pk_hash, pk, sk)"
        ));
        create_indexes(definition);
        spi::run(&format!(
            "ALTER TABLE {table} ADD CONSTRAINT {primary} PRIMARY KEY USING INDEX {primary}"
        ));
    });
}

fn primary_name(definition: &TableDefinition) -> String {
    pgrx::spi::quote_identifier(shortened(&definition.name, ":primary"))
}

/// Secondary indexes. Needs SPI connected.
fn create_indexes(definition: &TableDefinition) {
    let schemas = definition.maintained_indexes();
    for (index, schema) in definition.indexes().zip(&schemas) {
        spi::run(&index::create_statement(&definition.name, schema, false));
        let comment = index::comment_statement(&definition.name, schema.columns, index.name());
        spi::run(&comment);
    }
}

fn create_relation(definition: &TableDefinition, constraint: &str) -> Result<()> {
    let table = quoted(&definition.name);
    let schemas = definition.maintained_indexes();
    let columns: String = schemas
        .iter()
        .flat_map(index::column_names)
        .map(|column| format!(", {column} pg_catalog.bytea"))
        .collect();
    let trigger = index::trigger_statements(definition)?;
    spi::connected(|| {
        spi::run(&format!(
            "CREATE TABLE {table} (\
             pk_hash pg_catalog.int8 NOT NULL, \
             pk pg_catalog.bytea NOT NULL, \
             sk pg_catalog.bytea NOT NULL DEFAULT ''::pg_catalog.bytea, \
             item dynamo.item NOT NULL{columns}{constraint}) \
             WITH (fillfactor = {FILLED})"
        ));
        trigger.iter().for_each(|statement| spi::run(statement));
        spi::run(&format!(
            "COMMENT ON TABLE {table} IS 'DynamoDB table (pg_dynamo)'"
        ));
    });
    Ok(())
}

/// Drops the data table as the caller, who must own it.
pub fn drop(definition: &TableDefinition) {
    let table = quoted(&definition.name);
    spi::connected(|| spi::run(&format!("DROP TABLE {table}")));
}

/// Whether the first columns are of the types that CreateTable gave them. An owner who drops the trigger, or
/// alters a parent of the table, may change them; who reads a column without a statement asks this first, or
/// numbers would be read as pointers.
///
/// # Safety
/// `relation` is open.
pub unsafe fn has_our_columns(relation: pg_sys::Relation) -> bool {
    // SAFETY: an open relation has its descriptor, with as many columns as it says.
    match unsafe { columns((*relation).rd_att) } {
        // Every varlena will do for the item: its bytes are checked as they are read.
        [hash, pk, sk, item, ..] => {
            hash.atttypid == pg_sys::INT8OID
                && pk.atttypid == pg_sys::BYTEAOID
                && sk.atttypid == pg_sys::BYTEAOID
                && item.attlen == -1
        }
        _ => false,
    }
}

/// # Safety
/// `descriptor` is valid for as long as the result is used.
pub unsafe fn columns<'a>(descriptor: pg_sys::TupleDesc) -> &'a [pg_sys::FormData_pg_attribute] {
    // SAFETY: by the caller. From 18 on the full attributes lie behind the compact ones.
    unsafe {
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        #[cfg(not(feature = "pg18"))]
        let first = (*descriptor).attrs.as_ptr();
        #[cfg(feature = "pg18")]
        let first = (*descriptor).compact_attrs.as_ptr().add(count).cast();
        std::slice::from_raw_parts(first, count)
    }
}

/// Whether the trigger that derives the columns is there; a restore makes it last, an owner may drop it.
pub fn has_trigger(relid: pg_sys::Oid) -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_trigger \
             WHERE tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
               AND tgname OPERATOR(pg_catalog.=) '~dynamo_derive_keys'::pg_catalog.name",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(relid.to_u32()))], false) > 0
    })
}

/// How many rows the table has by the last VACUUM or ANALYZE; None when there was none.
pub fn estimated_rows(relid: pg_sys::Oid) -> Option<f64> {
    // SAFETY: the caller holds a lock on the relation; an open relation has its catalog row.
    let rows = unsafe {
        let relation = pg_sys::table_open(relid, pg_sys::NoLock as i32);
        let rows = (*(*relation).rd_rel).reltuples;
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        rows
    };
    (rows >= 0.0).then(|| f64::from(rows))
}

/// Counted by Postgres's statistics, never by reading the table.
pub fn statistics(relid: pg_sys::Oid, definition: &TableDefinition) -> TableStatistics {
    let relation = [Arg::Int8(i64::from(relid.to_u32()))];
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT greatest(pg_catalog.pg_stat_get_live_tuples(c.oid), c.reltuples::pg_catalog.int8, 0), \
             pg_catalog.pg_relation_size(c.oid) \
                OPERATOR(pg_catalog.+) coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) \
             FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
            &[pg_sys::INT8OID],
        );
        plan.execute(&relation, true);
        let (item_count, size_bytes) = (spi::int_value(0, 1), spi::int_value(0, 2));
        TableStatistics {
            taken_at: super::catalog::now_millis(),
            item_count: item_count.unwrap_or(0),
            size_bytes: size_bytes.unwrap_or(0),
            indexes: index_statistics(&relation, definition),
        }
    })
}

/// Entries and bytes of the btrees, by the number of their columns; entries as they were last counted by VACUUM,
/// ANALYZE or CREATE INDEX. Needs SPI connected.
fn index_statistics(
    relation: &[Arg<'_>],
    definition: &TableDefinition,
) -> BTreeMap<u32, IndexStatistics> {
    if definition.indexes().next().is_none() {
        return BTreeMap::new();
    }
    let plan = Plan::prepare(
        "SELECT c.relname::pg_catalog.text, greatest(c.reltuples::pg_catalog.int8, 0), pg_catalog.pg_relation_size(c.oid) \
         FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid \
         WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
        &[pg_sys::INT8OID],
    );
    let count = plan.execute(relation, true);
    let found: BTreeMap<String, IndexStatistics> = (0..count as usize)
        .filter_map(|row| {
            let statistics = IndexStatistics {
                item_count: spi::int_value(row, 2)?,
                size_bytes: spi::int_value(row, 3)?,
            };
            Some((spi::text_value(row, 1)?, statistics))
        })
        .collect();
    let of = |columns: u32| found.get(&index::name(&definition.name, columns)).copied();
    definition
        .indexes()
        .filter_map(|index| Some((index.columns(), of(index.columns())?)))
        .collect()
}
