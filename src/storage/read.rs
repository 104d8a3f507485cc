//! One item by its key, straight from the primary key's index.
//!
//! A point read through SPI costs an executor within the executor: 4.7 us where this costs 2.8. It is taken
//! only where it cannot differ from the statement it replaces: an ordinary heap table without row-level
//! security, rules, children or distribution, whose primary key is ours, read by a role that holds SELECT on
//! the whole table. Everything else goes through SPI (`item::get`), and so does any error about privileges.

use super::detoast::ItemDatum;
use super::spi::{self, Arg, Plan};
use pg_dynamo_core::key::StoredKey;
use pgrx::pg_sys;

/// The index to read by, when a table may be read so. Looked up with the definition and forgotten with it:
/// ALTER TABLE, ENABLE ROW LEVEL SECURITY, REINDEX and their like invalidate both.
pub fn primary_index(relid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    spi::connected(|| {
        let relid = Arg::Int8(i64::from(relid.to_u32()));
        let index = Plan::prepare(
            "SELECT i.indexrelid::pg_catalog.int8 FROM pg_catalog.pg_index AS i \
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indrelid \
             JOIN pg_catalog.pg_am AS a ON a.oid OPERATOR(pg_catalog.=) c.relam \
             WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND i.indisprimary AND i.indisvalid \
             AND i.indkey::pg_catalog.text OPERATOR(pg_catalog.=) '1 2 3' \
             AND c.relkind OPERATOR(pg_catalog.=) 'r' AND a.amname OPERATOR(pg_catalog.=) 'heap' \
             AND NOT c.relrowsecurity AND NOT c.relhasrules AND NOT c.relhassubclass \
             AND pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NULL",
            &[pg_sys::INT8OID],
        );
        index.execute(&[relid], false);
        let oid = u32::try_from(spi::int_value(0, 1)?).ok()?;
        Some(pg_sys::Oid::from(oid))
    })
}

/// Reads the item under `key` as the active snapshot sees it. The caller holds a lock on the table.
pub fn by_primary_key<R>(
    relid: pg_sys::Oid,
    index: pg_sys::Oid,
    key: &StoredKey,
    read: impl FnOnce(Option<ItemDatum>) -> R,
) -> R {
    const HELD: i32 = pg_sys::NoLock as i32;
    const SHARE: i32 = pg_sys::AccessShareLock as i32;
    // SAFETY: the relation is locked by the caller and the index here; everything opened is closed in
    // order, or, when an ERROR unwinds, by the resource owner. The datum is read while the slot pins it.
    unsafe {
        let table = pg_sys::table_open(relid, HELD);
        let index = pg_sys::index_open(index, SHARE);
        let mut keys = [pg_sys::ScanKeyData::default(); 3];
        let pk = spi::varlena(&key.pk);
        let sk = spi::varlena(&key.sk);
        scan_key(
            &mut keys[0],
            1,
            pg_sys::F_INT8EQ,
            pg_sys::Datum::from(key.pk_hash),
        );
        scan_key(&mut keys[1], 2, pg_sys::F_BYTEAEQ, pk);
        scan_key(&mut keys[2], 3, pg_sys::F_BYTEAEQ, sk);
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        let scan = begin(table, index, keys.len() as i32);
        pg_sys::index_rescan(
            scan,
            keys.as_mut_ptr(),
            keys.len() as i32,
            std::ptr::null_mut(),
            0,
        );
        let found =
            pg_sys::index_getnext_slot(scan, pg_sys::ScanDirection::ForwardScanDirection, slot);
        let item = found.then(|| {
            let mut is_null = false;
            ItemDatum::new(pg_sys::slot_getattr(slot, ITEM_COLUMN, &mut is_null))
        });
        let result = read(item);
        pg_sys::index_endscan(scan);
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::index_close(index, SHARE);
        pg_sys::table_close(table, HELD);
        result
    }
}

const ITEM_COLUMN: i32 = 4;

/// # Safety
/// `entry` is a scan key; `function` is the equality function of the column's type and `value` of that type.
unsafe fn scan_key(
    entry: &mut pg_sys::ScanKeyData,
    column: i16,
    function: u32,
    value: pg_sys::Datum,
) {
    // SAFETY: forwarded from the caller.
    unsafe {
        pg_sys::ScanKeyInit(
            entry,
            column,
            pg_sys::BTEqualStrategyNumber as u16,
            pg_sys::Oid::from(function),
            value,
        );
    }
}

/// # Safety
/// Both relations are open; a snapshot is active.
unsafe fn begin(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    keys: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: forwarded from the caller.
    unsafe {
        let snapshot = pg_sys::GetActiveSnapshot();
        #[cfg(not(feature = "pg18"))]
        return pg_sys::index_beginscan(table, index, snapshot, keys, 0);
        #[cfg(feature = "pg18")]
        return pg_sys::index_beginscan(table, index, snapshot, std::ptr::null_mut(), keys, 0);
    }
}
