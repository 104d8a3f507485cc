//! Which tables may be written without a statement.
//!
//! A statement on a data table runs whatever its owner has put there: triggers, rules, policies, constraints,
//! defaults, indexes of his own. A table where there is none of that is plain, and a write to it is no more than
//! an index look-up and a new row version (`direct_write`). Everything else is written by statements.

use super::item::item_type;
use super::read::{is_ordinary, is_ours, primary_key_index};
use super::table::has_our_columns;
use pg_dynamo_core::table::{KeyAttribute, TableDefinition};
use pgrx::pg_sys;
use std::ffi::{CStr, c_char};

/// A plain table.
pub struct Plain {
    /// The index of its primary key, its only one.
    pub primary: pg_sys::Oid,
    /// What a write finds is kept (`history`).
    pub history: bool,
}

/// Examines a table. What is found holds until the relation cache invalidates its entry, which also drops the
/// `Table` that keeps the answer: whatever would change it takes a lock that conflicts with a writer's.
///
/// # Safety
/// `table` is open and locked as writers lock it.
pub unsafe fn examine(table: pg_sys::Relation, definition: &TableDefinition) -> Option<Plain> {
    // SAFETY: by the caller; what is opened here is closed again, or by the resource owner after an ERROR.
    unsafe {
        let primary = primary_key_index(table)?;
        let plain = is_ordinary(table)
            && !(*(*table).rd_rel).relispartition
            && has_our_columns(table)
            && has_no_checks(table)
            && has_only_our_columns(table)
            && is_only_index(table, primary)
            && takes_conflicts(primary);
        let history = keeps_history(table, definition)?;
        plain.then_some(Plain { primary, history })
    }
}

/// # Safety
/// `table` is open.
unsafe fn has_no_checks(table: pg_sys::Relation) -> bool {
    // SAFETY: an open relation has its descriptor; constraints are null when there are none.
    unsafe {
        (*(*table).rd_att)
            .constr
            .as_ref()
            .is_none_or(|constraints| constraints.num_check == 0)
    }
}

/// Four columns of exactly our types that cannot be null, and none of the owner's. Dropped ones do not count.
///
/// # Safety
/// `table` is open.
unsafe fn has_only_our_columns(table: pg_sys::Relation) -> bool {
    // SAFETY: by the caller.
    let columns = unsafe { super::table::columns((*table).rd_att) };
    let ours = columns.iter().take(COLUMNS).all(|column| {
        column.attnotnull
            && column.attidentity == 0
            && column.attgenerated == 0
            && !column.attisdropped
    });
    ours && columns
        .iter()
        .skip(COLUMNS)
        .all(|column| column.attisdropped)
        && columns
            .get(COLUMNS - 1)
            .is_some_and(|item| item.atttypid == item_type())
}

/// pk_hash, pk, sk, item.
pub const COLUMNS: usize = 4;

/// # Safety
/// `table` is open.
unsafe fn is_only_index(table: pg_sys::Relation, primary: pg_sys::Oid) -> bool {
    // SAFETY: the list is a copy made for us, of as many OIDs as it says.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table);
        let only =
            !list.is_null() && (*list).length == 1 && (*(*list).elements).oid_value == primary;
        pg_sys::list_free(list);
        only
    }
}

/// Whether an insert may ask this unique index for a conflict instead of failing.
///
/// # Safety
/// `primary` is an index of a table that is locked.
unsafe fn takes_conflicts(primary: pg_sys::Oid) -> bool {
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    // SAFETY: by the caller; an open index has its catalog row.
    unsafe {
        let index = pg_sys::index_open(primary, SHARE);
        let row = &*(*index).rd_index;
        let takes = is_ours(index) && row.indisunique && row.indimmediate && row.indisready;
        pg_sys::index_close(index, SHARE);
        takes
    }
}

/// Whether history is kept. None: other triggers fire than CreateTable's own, with this table's key, which derives what
/// our writes already hold, and those of point-in-time recovery, whose work is done by hand.
///
/// # Safety
/// `table` is open.
unsafe fn keeps_history(table: pg_sys::Relation, definition: &TableDefinition) -> Option<bool> {
    const AFTER_ROW: u32 = pg_sys::TRIGGER_TYPE_ROW
        | pg_sys::TRIGGER_TYPE_INSERT
        | pg_sys::TRIGGER_TYPE_UPDATE
        | pg_sys::TRIGGER_TYPE_DELETE;
    const BEFORE_TRUNCATE: u32 = pg_sys::TRIGGER_TYPE_BEFORE | pg_sys::TRIGGER_TYPE_TRUNCATE;
    const BEFORE_ROW: u32 = pg_sys::TRIGGER_TYPE_ROW
        | pg_sys::TRIGGER_TYPE_BEFORE
        | pg_sys::TRIGGER_TYPE_INSERT
        | pg_sys::TRIGGER_TYPE_UPDATE;
    const FIRES_ALWAYS: u8 = pg_sys::TRIGGER_FIRES_ALWAYS;
    // SAFETY: an open relation's triggers are as many as they say, and complete.
    unsafe {
        let described = (*table).trigdesc.as_ref()?;
        let count = usize::try_from(described.numtriggers).unwrap_or(0);
        let (mut derives, mut history) = (false, false);
        for trigger in std::slice::from_raw_parts(described.triggers, count) {
            let always = trigger.tgenabled as u8 == FIRES_ALWAYS
                && trigger.tgnattr == 0
                && trigger.tgqual.is_null();
            let is = |function, kind| {
                always && trigger.tgtype as u32 == kind && is_internal(trigger.tgfoid, function)
            };
            if is("derive_keys", BEFORE_ROW) && has_key_of(trigger, definition) && !derives {
                derives = true;
            } else if is("record_history", AFTER_ROW) && !history {
                history = true;
            } else if !is("record_history", BEFORE_TRUNCATE) {
                return None;
            }
        }
        derives.then_some(history)
    }
}

/// # Safety
/// Only look-ups; `function` exists because a trigger depends on it.
unsafe fn is_internal(function: pg_sys::Oid, name: &str) -> bool {
    // SAFETY: both give a palloc'ed name, or null.
    unsafe {
        let schema = pg_sys::get_namespace_name(pg_sys::get_func_namespace(function));
        text(pg_sys::get_func_name(function)) == Some(name)
            && text(schema) == Some("dynamo_internal")
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

/// Whether the trigger's arguments (table, then name and type of each key attribute) are the definition's.
///
/// # Safety
/// `trigger` is valid.
unsafe fn has_key_of(trigger: &pg_sys::Trigger, definition: &TableDefinition) -> bool {
    let attributes: Vec<&KeyAttribute> = definition.key_schema.attributes().collect();
    let named = attributes
        .iter()
        .flat_map(|key| [key.name.as_str(), key.scalar.name()]);
    // SAFETY: as many C strings as it says.
    usize::try_from(trigger.tgnargs) == Ok(1 + 2 * attributes.len())
        && (1..).zip(named).all(|(position, wanted)| unsafe {
            text(*trigger.tgargs.add(position)) == Some(wanted)
        })
}
