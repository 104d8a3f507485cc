//! The trigger `"~dynamo_stream"`, which says of a data table that it has a stream.
//!
//! Who decodes the log sees the catalogs as they were when a change was made, triggers among them. So the mark takes
//! effect exactly between two transactions, for every slot, and nothing of it runs when a row is written.

use crate::storage::catalog::{DATA_SCHEMA, relation_name};
use crate::storage::plain::is_internal;
use crate::storage::spi::{self, Plan};
use crate::storage::table::{has_our_columns, quoted};
use pg_dynamo_core::stream::StreamName;
use pg_dynamo_core::table::{
    KeyAttribute, KeySchema, ScalarType, StreamView, TableDefinition, TableStream,
};
use pgrx::pg_sys;
use pgrx::spi::quote_literal;
use std::ffi::{CStr, c_char};

pub const TRIGGER: &CStr = c"~dynamo_stream";

/// What the mark of a data table says.
#[derive(Debug)]
pub struct Streamed {
    pub name: StreamName,
    pub view: StreamView,
    pub schema: KeySchema,
}

/// Marks the data table and has its old rows logged whole. The caller holds it exclusively, or has just created it.
pub fn add(definition: &TableDefinition, stream: &TableStream) {
    let table = quoted(&definition.name);
    let mut arguments = vec![
        quote_literal(&definition.name),
        quote_literal(&stream.label),
        quote_literal(stream.view.name()),
    ];
    for key in definition.key_schema.attributes() {
        arguments.extend([quote_literal(&key.name), quote_literal(key.scalar.name())]);
    }
    let arguments = arguments.join(", ");
    let statements = [
        format!("ALTER TABLE {table} REPLICA IDENTITY FULL"),
        format!(
            "CREATE OR REPLACE TRIGGER \"~dynamo_stream\" BEFORE TRUNCATE ON {table} \
             FOR EACH STATEMENT EXECUTE FUNCTION dynamo_internal.stream_of_table({arguments})"
        ),
        format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER \"~dynamo_stream\""),
    ];
    spi::connected(|| statements.iter().for_each(|statement| spi::run(statement)));
}

/// Tables with a stream that is captured and a mark that is not what it was. A transaction must be open, of a worker.
pub fn missing() -> Vec<String> {
    spi::connected(|| {
        let plan = Plan::kept(
            "SELECT s.table_name FROM dynamo_internal.stream AS s WHERE s.state = 'enabled' AND NOT EXISTS \
             (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'dynamo_tables' \
              JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgname = '~dynamo_stream' \
              WHERE c.relname = dynamo_internal.relation_name(s.table_name) AND c.relreplident = 'f' \
                AND t.tgfoid = 'dynamo_internal.stream_of_table'::regproc \
                AND split_part(encode(t.tgargs, 'escape'), '\\000', 2) = s.label)",
            &[],
        );
        let count = plan.execute(&[], false);
        (0..count as usize)
            .filter_map(|row| spi::text_value(row, 1))
            .collect()
    })
}

/// Takes the mark away. The caller holds the table exclusively.
pub fn remove(table: &str) {
    let table = quoted(table);
    spi::connected(|| {
        spi::run(&format!(
            "DROP TRIGGER IF EXISTS \"~dynamo_stream\" ON {table}"
        ));
        spi::run(&format!("ALTER TABLE {table} REPLICA IDENTITY DEFAULT"));
    });
}

/// What the mark of a relation says. None when it has none, or is no data table of ours: anybody may make such a
/// trigger on a table of his own.
///
/// # Safety
/// `relation` is open; a transaction is, too.
pub unsafe fn of_relation(relation: pg_sys::Relation) -> Option<Streamed> {
    // SAFETY: an open relation's description is complete: as many triggers as it says, with names and arguments.
    unsafe {
        let triggers = (*relation).trigdesc.as_ref()?;
        let count = usize::try_from(triggers.numtriggers).unwrap_or(0);
        let trigger = std::slice::from_raw_parts(triggers.triggers, count)
            .iter()
            .find(|trigger| CStr::from_ptr(trigger.tgname) == TRIGGER)?;
        let count = usize::try_from(trigger.tgnargs).unwrap_or(0);
        let arguments: Vec<&str> = (0..count)
            .map(|at| CStr::from_ptr(*trigger.tgargs.add(at)).to_str().ok())
            .collect::<Option<_>>()?;
        let streamed = parse(&arguments)?;
        if !is_internal(trigger.tgfoid, "stream_of_table") {
            return None;
        }
        let row = &*(*relation).rd_rel;
        let schema = pg_sys::get_namespace_name(row.relnamespace);
        let ours = text(schema) == Some(DATA_SCHEMA)
            && text(row.relname.data.as_ptr())
                == Some(relation_name(&streamed.name.table).as_str())
            && has_our_columns(relation);
        if !schema.is_null() {
            pg_sys::pfree(schema.cast());
        }
        ours.then_some(streamed)
    }
}

/// # Safety
/// `name` is null or a C string that lives as long as the result is used.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    // SAFETY: by the caller.
    (!name.is_null())
        .then(|| unsafe { CStr::from_ptr(name) })
        .and_then(|name| name.to_str().ok())
}

/// `arguments`: table, label, view, partition key, its type, perhaps sort key and its type.
fn parse(arguments: &[&str]) -> Option<Streamed> {
    let [table, label, view, keys @ ..] = arguments else {
        return None;
    };
    let attribute = |name: &str, kind: &str| {
        Some(KeyAttribute {
            name: name.to_owned(),
            scalar: ScalarType::from_name(kind)?,
        })
    };
    let schema = match keys {
        [partition, kind] => KeySchema {
            partition: attribute(partition, kind)?,
            sort: None,
        },
        [partition, kind, sort, sort_kind] => KeySchema {
            partition: attribute(partition, kind)?,
            sort: Some(attribute(sort, sort_kind)?),
        },
        _ => return None,
    };
    Some(Streamed {
        name: StreamName {
            table: (*table).to_owned(),
            label: (*label).to_owned(),
        },
        view: StreamView::from_name(view)?,
        schema,
    })
}
