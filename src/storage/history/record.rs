//! What a transaction writes into the history of its tables: the versions it replaces, and when it is committed.

use super::SCHEMA;
use crate::storage::backup::relation_in;
use crate::storage::detoast::varlena_bytes;
use crate::storage::pg_error::{catching, raw};
use crate::storage::table::columns;
use pgrx::pg_sys;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::CStr;

/// A segment that this transaction writes.
#[derive(Clone, Copy)]
struct Entry {
    /// The data table.
    table: pg_sys::Oid,
    segment: pg_sys::Oid,
    sequence: pg_sys::Oid,
    /// The number of this transaction's first change there, which is its own number.
    transaction: i64,
    /// The subtransaction that holds the lock on the segment: without it, the segment may be closed.
    level: pg_sys::SubTransactionId,
}

thread_local! {
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Called once when the library is loaded.
pub fn register() {
    // SAFETY: static functions with the signatures Postgres expects, registered once per process.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_event), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_event), std::ptr::null_mut());
    }
}

/// Before the commit every segment learns the time. An ERROR here ends in a rollback.
///
/// # Safety
/// Called by Postgres.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn transaction_event(
    event: pg_sys::XactEvent::Type,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::XactEvent::{
        XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE,
        XACT_EVENT_PREPARE,
    };
    match event {
        // What is prepared counts from now on; its locks keep others from seeing, or changing, what it did.
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE => {
            let entries = ENTRIES.take();
            if entries.is_empty() {
                return;
            }
            let at = super::now();
            for entry in entries {
                let row = [
                    Some(pg_sys::Datum::from(entry.transaction)),
                    Some(pg_sys::Datum::from(entry.transaction)),
                    Some(pg_sys::Datum::from(at)),
                    None,
                    None,
                    None,
                    None,
                ];
                insert(entry.segment, row);
            }
        }
        XACT_EVENT_ABORT | XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => {
            ENTRIES.with_borrow_mut(Vec::clear)
        }
        _ => {}
    }
}

/// # Safety
/// Called by Postgres.
unsafe extern "C-unwind" fn subtransaction_event(
    event: pg_sys::SubXactEvent::Type,
    this: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    ENTRIES.with_borrow_mut(|entries| match event {
        SUBXACT_EVENT_ABORT_SUB => entries.retain(|entry| entry.level != this),
        SUBXACT_EVENT_COMMIT_SUB => entries
            .iter_mut()
            .filter(|entry| entry.level == this)
            .for_each(|entry| entry.level = parent),
        _ => {}
    });
}

/// The key of a row, and its item.
#[derive(Clone, Copy)]
pub struct Version {
    pub key: [pg_sys::Datum; 3],
    pub item: pg_sys::Datum,
    /// Made by the running transaction.
    pub made_here: bool,
}

impl Version {
    /// # Safety
    /// `tuple` is described by `descriptor`, whose first columns are ours.
    pub unsafe fn of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Version {
        let mut values = [pg_sys::Datum::null(); 4];
        for (column, value) in (1..).zip(&mut values) {
            let mut is_null = false;
            // SAFETY: by the caller; none of the four is ever null.
            *value = unsafe { pg_sys::heap_getattr(tuple, column, descriptor, &mut is_null) };
        }
        let [hash, pk, sk, item] = values;
        Version {
            key: [hash, pk, sk],
            item,
            // SAFETY: by the caller.
            made_here: unsafe { is_made_here(tuple) },
        }
    }

    /// # Safety
    /// Both are of the same table.
    unsafe fn has_key_of(&self, other: &Version) -> bool {
        // SAFETY: by the caller: an int8 and two byteas.
        unsafe {
            self.key[0].value() == other.key[0].value()
                && same_bytes(self.key[1], other.key[1])
                && same_bytes(self.key[2], other.key[2])
        }
    }
}

/// # Safety
/// Both are varlenas.
unsafe fn same_bytes(one: pg_sys::Datum, other: pg_sys::Datum) -> bool {
    // SAFETY: by the caller; a detoasted copy lives in the memory of the trigger's call.
    let bytes = |datum: pg_sys::Datum| unsafe {
        varlena_bytes(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()))
    };
    bytes(one) == bytes(other)
}

/// Keeps what a change of `table` found: `old` is gone, or another now, and `new` was not there.
///
/// # Safety
/// `table` is an open data table with our columns, which the versions are of.
pub unsafe fn change(table: pg_sys::Relation, old: Option<Version>, new: Option<Version>) {
    // SAFETY: by the caller.
    unsafe {
        // Also when the item stays as it is: the next change of it finds a version that was made here.
        if let Some(old) = old.filter(|old| !old.made_here) {
            keep(table, old.key, Some(old.item));
        }
        if let Some(new) = new
            && !old.is_some_and(|old| old.has_key_of(&new))
        {
            keep(table, new.key, None);
        }
    }
}

/// # Safety
/// The relation is open, longer than the name is used.
unsafe fn name_of<'a>(table: pg_sys::Relation) -> Cow<'a, str> {
    // SAFETY: by the caller: an open relation has its name.
    unsafe { CStr::from_ptr((*(*table).rd_rel).relname.data.as_ptr()).to_string_lossy() }
}

/// Whether the running transaction has made this version. Then there is nothing in it to keep: what it replaced was kept
/// when it was made, and a trigger inside another may tell of it before it tells of that.
///
/// # Safety
/// A tuple of a table, with its header.
pub unsafe fn is_made_here(tuple: pg_sys::HeapTuple) -> bool {
    const FROZEN: u16 = pg_sys::HEAP_XMIN_FROZEN as u16;
    // SAFETY: by the caller.
    unsafe {
        let header = &*(*tuple).t_data;
        header.t_infomask & FROZEN != FROZEN
            && pg_sys::TransactionIdIsCurrentTransactionId(header.t_choice.t_heap.t_xmin)
    }
}

/// Keeps what was there under a key: an item, or nothing. An ERROR when there is no history to keep it in.
///
/// # Safety
/// As above; key and item are of the table's types.
pub unsafe fn keep(table: pg_sys::Relation, key: [pg_sys::Datum; 3], item: Option<pg_sys::Datum>) {
    // SAFETY: by the caller.
    unsafe {
        let relid = (*table).rd_id;
        // Not what this transaction has dropped: that is written again only if a savepoint brings it back.
        let open = relation_in(SCHEMA, &name_of(table));
        let current = |entry: &&Entry| entry.table == relid && entry.segment == open;
        let known = ENTRIES.with_borrow(|all| all.iter().find(current).copied());
        let entry = match known {
            Some(entry) => entry,
            None => enter(table),
        };
        let change = match known {
            Some(_) => catching(|| raw::nextval_internal(entry.sequence, false)),
            None => entry.transaction,
        };
        let [hash, pk, sk] = key;
        let row = [
            Some(pg_sys::Datum::from(change)),
            Some(pg_sys::Datum::from(entry.transaction)),
            None,
            Some(hash),
            Some(pk),
            Some(sk),
            item,
        ];
        insert(entry.segment, row);
    }
}

/// Locks the open segment of a table and gives this transaction its number.
///
/// # Safety
/// As above.
unsafe fn enter(table: pg_sys::Relation) -> Entry {
    const WRITE: i32 = pg_sys::RowExclusiveLock as i32;
    // SAFETY: an open relation has its name; a plain lock call, which takes in what the worker has renamed meanwhile.
    unsafe {
        let name = name_of(table);
        let missing = || -> ! {
            pgrx::error!(
                "the history of table {name} is missing: end its point-in-time recovery with UpdateContinuousBackups"
            )
        };
        let segment = loop {
            let found = relation_in(SCHEMA, &name);
            if found == pg_sys::InvalidOid {
                missing();
            }
            catching(|| raw::LockRelationOid(found, WRITE));
            if relation_in(SCHEMA, &name) == found {
                break found;
            }
            pg_sys::UnlockRelationOid(found, WRITE);
        };
        let sequence = relation_in("dynamo_internal", "history_change");
        if sequence == pg_sys::InvalidOid {
            missing();
        }
        let entry = Entry {
            table: (*table).rd_id,
            segment,
            sequence,
            transaction: catching(|| raw::nextval_internal(sequence, false)),
            level: pg_sys::GetCurrentSubTransactionId(),
        };
        ENTRIES.with_borrow_mut(|all| all.push(entry));
        entry
    }
}

const TYPES: [pg_sys::Oid; 6] = [
    pg_sys::INT8OID,
    pg_sys::INT8OID,
    pg_sys::INT8OID,
    pg_sys::INT8OID,
    pg_sys::BYTEAOID,
    pg_sys::BYTEAOID,
];

/// Stores a row in a segment that this transaction has locked; in one that it has dropped, nothing. A segment has no index,
/// trigger or constraint: it belongs to the owner of the extension.
fn insert(segment: pg_sys::Oid, row: [Option<pg_sys::Datum>; 7]) {
    // SAFETY: the relation is locked; its columns are compared with what is put into them.
    unsafe {
        let relation = pg_sys::try_table_open(segment, pg_sys::NoLock as i32);
        if relation.is_null() {
            return;
        }
        let described = columns((*relation).rd_att);
        let as_expected = described.len() == row.len()
            && described
                .iter()
                .zip(TYPES)
                .all(|(column, expected)| column.atttypid == expected)
            && described[6].attlen == -1;
        if !as_expected {
            pgrx::error!("the columns of a history were altered");
        }
        let mut nulls = row.map(|value| value.is_none());
        let mut values = row.map(|value| value.unwrap_or(pg_sys::Datum::null()));
        let tuple =
            pg_sys::heap_form_tuple((*relation).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::simple_heap_insert(relation, tuple);
        pg_sys::heap_freetuple(tuple);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}
