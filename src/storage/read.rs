//! Items by their keys, straight from the primary key's index.
//!
//! A point read through SPI costs an executor within the executor: 4.7 us where this costs 2.8. It is taken
//! only where it cannot differ from the statement it replaces: an ordinary heap table without row-level
//! security, rules, children or distribution, read by a role that holds SELECT on
//! the whole table. Everything else goes through SPI (`item::get`), and so does any error about privileges.

use super::detoast::ItemDatum;
use super::spi;
use super::table::has_our_columns;
use pg_dynamo_core::key::StoredKey;
use pgrx::pg_sys;
use std::ops::ControlFlow;

/// Takes what is found under the key at a place; None when there is nothing. Break: read no further.
pub type Read<'r> = dyn FnMut(usize, Option<ItemDatum>) -> ControlFlow<()> + 'r;

/// Keys, one after the other.
pub type Keys<'k> = dyn Iterator<Item = &'k StoredKey> + 'k;

/// Whether rows may live elsewhere (a table distributed by Citus is an empty shell here).
pub fn may_be_distributed() -> bool {
    // SAFETY: a syscache look-up by a constant name.
    let relation = unsafe {
        pg_sys::get_relname_relid(
            c"pg_dist_partition".as_ptr(),
            pg_sys::Oid::from(pg_sys::PG_CATALOG_NAMESPACE),
        )
    };
    relation != pg_sys::InvalidOid
}

/// Reads the item under each key, one after the other, as the active snapshot sees it, until `read` breaks; the
/// caller holds a lock on the table. False: this table is not to be read so, and nothing was.
pub fn by_primary_key(relid: pg_sys::Oid, keys: &mut Keys<'_>, read: &mut Read<'_>) -> bool {
    const HELD: i32 = pg_sys::NoLock as i32;
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    // SAFETY: the relation is locked by the caller; what is opened is closed on both paths, or, when an
    // ERROR unwinds, by the resource owner.
    unsafe {
        let table = pg_sys::table_open(relid, HELD);
        let mut done = false;
        let ordinary = is_ordinary(table) && has_our_columns(table);
        if let Some(index) = ordinary.then(|| primary_key_index(table)).flatten() {
            let index = pg_sys::index_open(index, SHARE);
            if is_ours(index) {
                find(table, index, keys, read);
                done = true;
            }
            pg_sys::index_close(index, SHARE);
        }
        pg_sys::table_close(table, HELD);
        done
    }
}

/// Whether a statement would read the table's rows as they lie there. Asked every time, of the relation cache:
/// it is never older than the lock, whatever the snapshot.
///
/// # Safety
/// `table` is open.
pub unsafe fn is_ordinary(table: pg_sys::Relation) -> bool {
    // SAFETY: an open relation has its catalog row.
    let row = unsafe { &*(*table).rd_rel };
    row.relkind as u8 == pg_sys::RELKIND_RELATION
        && row.relam == pg_sys::HEAP_TABLE_AM_OID
        && !row.relrowsecurity
        && !row.relhasrules
        && !row.relhassubclass
}

/// # Safety
/// `table` is open.
pub unsafe fn primary_key_index(table: pg_sys::Relation) -> Option<pg_sys::Oid> {
    // SAFETY: by the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        let index = pg_sys::RelationGetPrimaryKeyIndex(table);
        #[cfg(feature = "pg18")]
        let index = pg_sys::RelationGetPrimaryKeyIndex(table, false);
        (index != pg_sys::InvalidOid).then_some(index)
    }
}

/// Whether the primary key still is (pk_hash, pk, sk): its owner may have made another. One that was built over
/// rows whose keys had changed without an index is not for old snapshots (`indcheckxmin`); the planner knows.
///
/// # Safety
/// `index` is an open index.
pub unsafe fn is_ours(index: pg_sys::Relation) -> bool {
    // SAFETY: an open index has its catalog row, with as many keys as it says.
    unsafe {
        let row = &*(*index).rd_index;
        row.indisvalid
            && !row.indcheckxmin
            && row.indnkeyatts == 3
            && row.indkey.values.as_slice(3) == [1, 2, 3]
    }
}

/// # Safety
/// Both relations are open; the index is on (pk_hash, pk, sk).
unsafe fn find(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    keys: &mut Keys<'_>,
    read: &mut Read<'_>,
) {
    const COUNT: i32 = 3;
    // SAFETY: as in `by_primary_key`. The datum is read while the slot pins its page.
    unsafe {
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        let scan = begin_scan(table, index, pg_sys::GetActiveSnapshot(), COUNT);
        for (place, key) in keys.enumerate() {
            let mut conditions = scan_keys([
                key.pk_hash.into(),
                spi::varlena(&key.pk),
                spi::varlena(&key.sk),
            ]);
            pg_sys::index_rescan(
                scan,
                conditions.as_mut_ptr(),
                COUNT,
                std::ptr::null_mut(),
                0,
            );
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            // An owner may drop the constraint that the item is not null.
            let mut is_null = true;
            let mut datum = pg_sys::Datum::null();
            if pg_sys::index_getnext_slot(scan, forward, slot) {
                datum = pg_sys::slot_getattr(slot, ITEM_COLUMN, &mut is_null);
            }
            let item = (!is_null).then(|| ItemDatum::new(datum));
            if read(place, item).is_break() {
                break;
            }
        }
        pg_sys::index_endscan(scan);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
    }
}

pub const ITEM_COLUMN: i32 = 4;

/// Conditions of an index scan: pk_hash, pk and sk are these.
pub fn scan_keys(key: [pg_sys::Datum; 3]) -> [pg_sys::ScanKeyData; 3] {
    let equal = [pg_sys::F_INT8EQ, pg_sys::F_BYTEAEQ, pg_sys::F_BYTEAEQ];
    let mut keys = [pg_sys::ScanKeyData::default(); 3];
    for ((entry, column), (equal, value)) in
        keys.iter_mut().zip(1..).zip(equal.into_iter().zip(key))
    {
        let strategy = pg_sys::BTEqualStrategyNumber as u16;
        // SAFETY: `entry` is ours; the operators' functions are built in.
        unsafe {
            pg_sys::ScanKeyInit(entry, column, strategy, pg_sys::Oid::from(equal), value);
        }
    }
    keys
}

/// # Safety
/// Both relations are open; the snapshot outlives the scan.
pub unsafe fn begin_scan(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    keys: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: forwarded from the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return pg_sys::index_beginscan(table, index, snapshot, keys, 0);
        #[cfg(feature = "pg18")]
        return pg_sys::index_beginscan(table, index, snapshot, std::ptr::null_mut(), keys, 0);
    }
}
