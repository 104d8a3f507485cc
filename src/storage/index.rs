//! Secondary indexes as DDL: their columns, their btrees, the arguments of the trigger that fills them in.

use super::catalog::{DATA_SCHEMA, relation_name, shortened};
use super::spi::{self, Arg, Plan};
use super::table::quoted;
use super::time_to_live;
use pg_dynamo_core::index::IndexSchema;
use pg_dynamo_core::table::{ScalarType, TableDefinition};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};

/// The btree of the index whose columns have number `columns`: `Music:index_1`.
pub fn name(table: &str, columns: u32) -> String {
    shortened(table, &format!(":index_{columns}"))
}

pub fn quoted_name(table: &str, columns: u32) -> String {
    quote_qualified_identifier(DATA_SCHEMA, &name(table, columns))
}

/// `index_1_pk`; a local index has none.
pub fn partition_column(schema: &IndexSchema) -> Option<String> {
    (!schema.is_local()).then(|| format!("index_{}_pk", schema.columns))
}

/// `index_1_sk`.
pub fn sort_column(schema: &IndexSchema) -> String {
    format!("index_{}_sk", schema.columns)
}

pub fn column_names(schema: &IndexSchema) -> impl Iterator<Item = String> {
    partition_column(schema)
        .into_iter()
        .chain(std::iter::once(sort_column(schema)))
}

/// The statement that makes the btree. Partial: an item outside the index costs it nothing.
pub fn create_statement(table: &str, schema: &IndexSchema, concurrently: bool) -> String {
    let sort = sort_column(schema);
    let (keys, present) = match partition_column(schema) {
        Some(partition) => (format!("{partition}, {sort}, pk_hash, pk, sk"), partition),
        None => (format!("pk_hash, pk, {sort}, sk"), sort),
    };
    let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
    format!(
        "CREATE INDEX {concurrently}{} ON {} ({keys}) WHERE {present} IS NOT NULL",
        quote_identifier(name(table, schema.columns)),
        quoted(table),
    )
}

pub fn comment_statement(table: &str, columns: u32, index: &str) -> String {
    let about = quote_literal(format!("index {index} of DynamoDB table {table}"));
    format!(
        "COMMENT ON INDEX {} IS {about}",
        quoted_name(table, columns)
    )
}

/// Makes the trigger that derives the columns, or replaces it by one that maintains other indexes.
///
/// It carries the key attributes as arguments, so that it works on a restored table before the catalog row is
/// there. (A CHECK would cost 8 us a write: Postgres reads its expression from text anew in every statement.)
pub fn trigger_statements(definition: &TableDefinition) -> Result<[String; 2]> {
    let table = quoted(&definition.name);
    let mut arguments = vec![quote_literal(&definition.name)];
    for key in definition.key_schema.attributes() {
        arguments.extend([quote_literal(&key.name), quote_literal(key.scalar.name())]);
    }
    for schema in definition.maintained_indexes() {
        let json = serde_json::to_string(&schema)
            .map_err(|_| ApiError::corrupt("index of a table definition"))?;
        arguments.push(quote_literal(json));
    }
    if let Some(schema) = definition.maintained_expiry() {
        arguments.push(quote_literal(time_to_live::trigger_argument(&schema)?));
    }
    let arguments = arguments.join(", ");
    Ok([
        format!(
            "CREATE OR REPLACE TRIGGER \"~dynamo_derive_keys\" BEFORE INSERT OR UPDATE ON {table} \
             FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys({arguments})"
        ),
        format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER \"~dynamo_derive_keys\""),
    ])
}

/// Whether a btree of the table is there, and if so, whether it is complete.
pub fn is_valid(table: &str, btree: &str) -> Option<bool> {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT i.indisvalid::pg_catalog.int4::pg_catalog.int8 FROM pg_catalog.pg_class AS c \
             JOIN pg_catalog.pg_index AS i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid \
             JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) i.indrelid \
             WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name \
               AND t.relname OPERATOR(pg_catalog.=) $2::pg_catalog.name \
               AND c.relnamespace OPERATOR(pg_catalog.=) 'dynamo_tables'::pg_catalog.regnamespace",
            &[pg_sys::TEXTOID; 2],
        );
        let table = relation_name(table);
        plan.execute(&[Arg::Text(btree), Arg::Text(&table)], false);
        spi::int_value(0, 1).map(|valid| valid != 0)
    })
}

pub fn drop_statement(table: &str, columns: u32) -> String {
    format!(
        "DROP INDEX CONCURRENTLY IF EXISTS {}",
        quoted_name(table, columns)
    )
}

/// Adds the columns of an index to a table; those that a deleted index has left are used again.
pub fn add_columns(table: &str, schema: &IndexSchema) {
    let columns: Vec<String> = column_names(schema)
        .map(|column| format!("ADD COLUMN IF NOT EXISTS {column} pg_catalog.bytea"))
        .collect();
    let statement = format!("ALTER TABLE {} {}", quoted(table), columns.join(", "));
    spi::connected(|| spi::run(&statement));
}

/// Has every writer maintain the indexes that the definition says.
pub fn maintain(definition: &TableDefinition) -> Result<()> {
    let statements = trigger_statements(definition)?;
    spi::connected(|| statements.iter().for_each(|statement| spi::run(statement)));
    Ok(())
}

/// What a trigger of ours was told.
pub struct TriggerArguments<'a> {
    /// Name and type of the partition key, and of the sort key.
    pub partition: (&'a str, &'a str),
    pub sort: Option<(&'a str, &'a str)>,
    /// JSON, one for each maintained index.
    pub indexes: &'a [&'a str],
    /// JSON, where the time to live is maintained.
    pub expiry: Option<&'a str>,
}

impl<'a> TriggerArguments<'a> {
    /// `arguments`: table, partition key, its type, perhaps sort key and its type, then JSON of indexes and of the
    /// time to live. The name of a sort
    /// key may look like JSON; the type behind it does not.
    pub fn of(arguments: &'a [&'a str]) -> Option<Self> {
        let [_, partition, kind, more @ ..] = arguments else {
            return None;
        };
        let (sort, indexes) = match more {
            [sort, kind, indexes @ ..] if ScalarType::from_name(kind).is_some() => {
                (Some((*sort, *kind)), indexes)
            }
            indexes => (None, indexes),
        };
        let (expiry, indexes) = match indexes {
            [indexes @ .., last] if last.starts_with("{\"time_to_live\":") => {
                (Some(*last), indexes)
            }
            indexes => (None, indexes),
        };
        Some(TriggerArguments {
            partition: (partition, kind),
            sort,
            indexes,
            expiry,
        })
    }
}
