//! The deletion of items whose time to live is over: a batch in the running transaction.

use super::write::Bound;
use crate::guc;
use crate::storage::catalog::{self, Hold};
use crate::storage::role;
use crate::storage::time_to_live::{self, Place, Swept};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::time_to_live::deletion;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::ops::Range;
use std::rc::Rc;

/// Which items, and whose failures are known.
pub struct Batch<'a> {
    pub table: &'a str,
    pub table_id: &'a str,
    /// The seconds whose items have expired.
    pub expired: &'a Range<i64>,
    /// Those behind this one are looked at.
    pub from: &'a Place,
    pub most: i64,
    /// Items to pass over, because their deletion failed a short while ago.
    pub skip: &'a dyn Fn(&Place) -> bool,
    /// Told of each item before it is deleted.
    pub begin: &'a dyn Fn(&Place),
    /// What the view is to show, besides what this batch deletes.
    pub failing: i64,
    pub error: Option<&'a str>,
}

/// What a batch did.
pub struct Done {
    pub deleted: i64,
    /// Expired items that were looked at, and the last of them.
    pub found: i64,
    pub last: Option<Place>,
}

/// Deletes a batch, as the table's owner. None: the table is gone, being restored, or has no time to live any more.
/// Err: what a trigger or a constraint of its owner says against one of the items; nothing is deleted.
pub fn batch(batch: &Batch<'_>) -> Result<Option<Done>> {
    let Some(table) = catalog::open(batch.table, Hold::Write)? else {
        return Ok(None);
    };
    let definition: &Rc<TableDefinition> = &table.definition;
    if definition.is_being_created() {
        return Ok(None);
    }
    let ttl = definition.time_to_live.as_ref();
    let Some(ttl) = ttl.filter(|ttl| ttl.is_enabled() && definition.table_id == batch.table_id)
    else {
        return Ok(None);
    };
    // Without it the whole table would be read. A restore makes it late; an owner may drop it.
    if !time_to_live::has_btree(&table) {
        let btree = time_to_live::name(batch.table);
        return Err(ApiError::validation(format!(
            "the data table lacks its index \"{btree}\": disabling and enabling its time to live makes it"
        )));
    }
    let (end, most) = (batch.expired.end, batch.most);
    let found = role::as_owner(table.relid, || {
        time_to_live::lock_expired(&table, batch.from, end, most)
    })?;
    let mut done = Done {
        deleted: 0,
        found: found.len() as i64,
        last: found.last().map(Place::of),
    };
    let mut due: Vec<_> = found
        .into_iter()
        .map(|row| (Place::of(&row), row))
        .collect();
    due.retain(|(place, _)| !(batch.skip)(place));
    if due.is_empty() {
        return Ok(Some(done));
    }
    // Nobody gives a table its stream while this transaction holds it.
    if definition.stream.is_some() {
        time_to_live::mark_transaction(batch.table);
    }
    let account = guc::account();
    done.deleted = role::as_owner(table.relid, || {
        let mut deleted = 0;
        for (place, row) in due {
            (batch.begin)(&place);
            let key = row.attributes;
            let write = deletion(definition, &ttl.attribute, key, batch.expired, &account)?;
            let bound = Bound {
                table: Rc::clone(&table),
                write: Rc::new(write),
            };
            match bound.attempt() {
                Ok(outcome) => deleted += i64::from(outcome.old.is_some()),
                // The column is not true to the item: somebody has written it by hand.
                Err(error) if error.kind == ErrorKind::ConditionalCheckFailed => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    })?;
    if done.deleted > 0 {
        time_to_live::note(&Swept {
            table: batch.table,
            table_id: batch.table_id,
            deleted: done.deleted,
            failing: batch.failing,
            error: batch.error,
        });
    }
    Ok(Some(done))
}
