//! Which tables may be written without a statement.
//!
//! A statement on a data table runs whatever its owner has put there: triggers, rules, policies, constraints,
//! defaults, indexes of his own. A table where there is none of that is plain, and a write to it is no more than
//! an index look-up and a new row version (`direct_write`). Everything else is written by statements.

mod expiry;

pub use expiry::Expiry;

use super::index::TriggerArguments;
use super::item::item_type;
use super::read::{is_ordinary, is_ours, primary_key_index};
use super::table::has_our_columns;
use pg_dynamo_core::table::{KeyAttribute, KeySchema, TableDefinition};
use pg_dynamo_core::time_to_live::ExpirySchema;
use pgrx::pg_sys;
use std::ffi::{CStr, c_char};

/// A plain table.
pub struct Plain {
    /// The index of its primary key, its only one but that of its time to live.
    pub primary: pg_sys::Oid,
    pub expiry: Option<Expiry>,
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
            && takes_conflicts(primary);
        if !plain {
            return None;
        }
        let (maintained, history) = our_only_triggers(table, definition)?;
        let expiry = expiry::examine(table, primary, maintained)?;
        Some(Plain {
            primary,
            expiry,
            history,
        })
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

/// Four columns of exactly our types that cannot be null, perhaps that of a time to live, and none of the owner's.
/// Dropped ones do not count.
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
        .all(|column| column.attisdropped || expiry::is_column(column))
        && columns
            .get(COLUMNS - 1)
            .is_some_and(|item| item.atttypid == item_type())
}

/// pk_hash, pk, sk, item.
pub const COLUMNS: usize = 4;

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

/// What CreateTable's own trigger, with this table's key, maintains of a time to live (the rest our writes already hold), and
/// whether those of point-in-time recovery keep history, which is done by hand. None: other triggers fire.
///
/// # Safety
/// `table` is open.
unsafe fn our_only_triggers(
    table: pg_sys::Relation,
    definition: &TableDefinition,
) -> Option<(Option<ExpirySchema>, bool)> {
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
        let (mut derived, mut history) = (None, false);
        for trigger in std::slice::from_raw_parts(described.triggers, count) {
            let always = trigger.tgenabled as u8 == FIRES_ALWAYS
                && trigger.tgnattr == 0
                && trigger.tgqual.is_null();
            let is = |function, kind| {
                always && trigger.tgtype as u32 == kind && is_internal(trigger.tgfoid, function)
            };
            if is("derive_keys", BEFORE_ROW) && derived.is_none() {
                derived = Some(maintained(trigger, &definition.key_schema)?);
            } else if is("record_history", AFTER_ROW) && !history {
                history = true;
            } else if !is("record_history", BEFORE_TRUNCATE)
                && !is("stream_of_table", BEFORE_TRUNCATE)
            {
                return None;
            }
        }
        derived.map(|expiry| (expiry, history))
    }
}

/// # Safety
/// Only look-ups; `function` exists because a trigger depends on it.
pub unsafe fn is_internal(function: pg_sys::Oid, name: &str) -> bool {
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

/// What the trigger's arguments say of a time to live, when they are of this key and of no index.
///
/// # Safety
/// `trigger` is valid.
unsafe fn maintained(trigger: &pg_sys::Trigger, keys: &KeySchema) -> Option<Option<ExpirySchema>> {
    let count = usize::try_from(trigger.tgnargs).ok()?;
    // SAFETY: as many C strings as it says.
    let arguments: Vec<&str> = (0..count)
        .map(|at| unsafe { text(*trigger.tgargs.add(at)) })
        .collect::<Option<_>>()?;
    let told = TriggerArguments::of(&arguments)?;
    let is = |told: (&str, &str), key: &KeyAttribute| told == (&*key.name, key.scalar.name());
    let same = is(told.partition, &keys.partition)
        && match (told.sort, &keys.sort) {
            (Some(told), Some(key)) => is(told, key),
            (told, key) => told.is_none() && key.is_none(),
        };
    if !same || !told.indexes.is_empty() {
        return None;
    }
    let schema = told.expiry.map(serde_json::from_str).transpose();
    schema.ok()
}
