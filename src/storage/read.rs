//! Items by their keys, straight from the primary key's index.
//!
//! A point read through SPI costs an executor within the executor: 4.7 us where this costs 2.8. It is taken
//! only where it cannot differ from the statement it replaces: an ordinary heap table without row-level
//! security, rules, children or distribution, read by a role that holds SELECT on
//! the whole table. Everything else goes through SPI (`item::get`), and so does any error about privileges.

use super::bare;
use super::detoast::ItemDatum;
use super::pg_error::catching;
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
    // SAFETY: the relation is locked by the caller; what is opened is closed below, or, when an ERROR unwinds, by the
    // resource owner. The datum is read while the slot pins its page.
    unsafe {
        let Some(lookup) = catching(|| Lookup::begin(relid)) else {
            return false;
        };
        for (place, key) in keys.enumerate() {
            let item = catching(|| lookup.find(key)).map(|datum| ItemDatum::new(datum));
            if read(place, item).is_break() {
                break;
            }
        }
        catching(|| lookup.end());
    }
    true
}

/// An index scan for one key after the other. Its functions are called in `catching`.
struct Lookup {
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Lookup {
    const HELD: i32 = pg_sys::NoLock as i32;
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    const KEYS: i32 = 3;

    /// None: the table or its primary key is not to be read so.
    ///
    /// # Safety
    /// The caller holds a lock on the relation; a snapshot is active until `end`.
    unsafe fn begin(relid: pg_sys::Oid) -> Option<Lookup> {
        // SAFETY: by the caller.
        unsafe {
            let table = bare::table_open(relid, Self::HELD);
            let ordinary = is_ordinary(table) && has_our_columns(table);
            let primary = if ordinary {
                bare::primary_key_index(table)
            } else {
                pg_sys::InvalidOid
            };
            if primary != pg_sys::InvalidOid {
                let index = bare::index_open(primary, Self::SHARE);
                if is_ours(index) {
                    let slot = bare::table_slot_create(table, std::ptr::null_mut());
                    let snapshot = bare::GetActiveSnapshot();
                    return Some(Lookup {
                        scan: bare::begin_scan(table, index, snapshot, Self::KEYS),
                        table,
                        index,
                        slot,
                    });
                }
                bare::index_close(index, Self::SHARE);
            }
            bare::table_close(table, Self::HELD);
            None
        }
    }

    /// The item under a key, valid until the next call. None: there is none, or it is null, for an owner may drop the
    /// constraint.
    ///
    /// # Safety
    /// Between `begin` and `end`.
    unsafe fn find(&self, key: &StoredKey) -> Option<pg_sys::Datum> {
        // SAFETY: everything is open.
        unsafe {
            let mut conditions = scan_keys([
                key.pk_hash.into(),
                bare::varlena(&key.pk),
                bare::varlena(&key.sk),
            ]);
            bare::index_rescan(
                self.scan,
                conditions.as_mut_ptr(),
                Self::KEYS,
                std::ptr::null_mut(),
                0,
            );
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            bare::index_getnext_slot(self.scan, forward, self.slot)
                .then(|| bare::column(self.slot, ITEM_COLUMN))
                .flatten()
        }
    }

    /// # Safety
    /// Once, and nothing of it is used afterwards.
    unsafe fn end(&self) {
        // SAFETY: opened by `begin`.
        unsafe {
            bare::index_endscan(self.scan);
            bare::ExecDropSingleTupleTableSlot(self.slot);
            bare::index_close(self.index, Self::SHARE);
            bare::table_close(self.table, Self::HELD);
        }
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
    let index = unsafe { catching(|| bare::primary_key_index(table)) };
    (index != pg_sys::InvalidOid).then_some(index)
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

pub const ITEM_COLUMN: i32 = 4;

/// Conditions of an index scan: pk_hash, pk and sk are these.
///
/// # Safety
/// Inside `catching`.
pub unsafe fn scan_keys(key: [pg_sys::Datum; 3]) -> [pg_sys::ScanKeyData; 3] {
    let equal = [pg_sys::F_INT8EQ, pg_sys::F_BYTEAEQ, pg_sys::F_BYTEAEQ];
    let mut keys = [pg_sys::ScanKeyData::default(); 3];
    for ((entry, column), (equal, value)) in
        keys.iter_mut().zip(1..).zip(equal.into_iter().zip(key))
    {
        let strategy = pg_sys::BTEqualStrategyNumber as u16;
        // SAFETY: `entry` is ours; the operators' functions are built in.
        unsafe {
            bare::ScanKeyInit(entry, column, strategy, pg_sys::Oid::from(equal), value);
        }
    }
    keys
}
