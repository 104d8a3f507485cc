//! A range of an index, read by the index itself.

use super::keys::scan_keys;
use crate::storage::catalog::{DATA_SCHEMA, Table};
use crate::storage::detoast::ItemDatum;
use crate::storage::index;
use crate::storage::read::{self, ITEM_COLUMN};
use crate::storage::table::{columns, has_our_columns};
use pg_dynamo_core::range::{Access, KeyRange};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// An index scan and what it holds open. Not closed by a destructor: when an ERROR unwinds, the resource owner
/// gives back what Postgres knows of.
pub struct Direct {
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    snapshot: pg_sys::Snapshot,
    direction: pg_sys::ScanDirection::Type,
}

const HELD: i32 = pg_sys::NoLock as i32;
const SHARE: i32 = pg_sys::AccessShareLock as i32;

impl Direct {
    /// Begins to read `range` as the active snapshot sees it; the caller holds a lock on the table and SELECT on
    /// it. None: this table or index is not to be read so.
    ///
    /// Everything is allocated in the current memory context, which must live as long as the scan.
    pub fn open(table: &Table, range: &KeyRange) -> Option<Direct> {
        // SAFETY: the relation is locked by the caller; what is opened is closed here or by `close`.
        unsafe {
            let relation = pg_sys::table_open(table.relid, HELD);
            let found = if read::is_ordinary(relation) && has_our_columns(relation) {
                open_index(relation, table, range.access)
            } else {
                None
            };
            let Some(index) = found else {
                pg_sys::table_close(relation, HELD);
                return None;
            };
            Some(begin(relation, index, range))
        }
    }

    /// The next item, valid until the following call.
    pub fn next(&mut self) -> Option<ItemDatum> {
        // SAFETY: the scan is open; the column is a varlena that is never null (`is_ordinary` asks the type,
        // the table the rest), checked once more because an owner may drop the constraint.
        unsafe {
            while pg_sys::index_getnext_slot(self.scan, self.direction, self.slot) {
                let mut is_null = false;
                let datum = pg_sys::slot_getattr(self.slot, ITEM_COLUMN, &mut is_null);
                if !is_null {
                    return Some(ItemDatum::new(datum));
                }
            }
            None
        }
    }

    pub fn close(self) {
        // SAFETY: opened by `open`, closed once.
        unsafe {
            pg_sys::index_endscan(self.scan);
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            pg_sys::UnregisterSnapshot(self.snapshot);
            pg_sys::index_close(self.index, SHARE);
            pg_sys::table_close(self.table, HELD);
        }
    }
}

/// # Safety
/// Both relations are open; the index has the key columns of `range`.
unsafe fn begin(table: pg_sys::Relation, index: pg_sys::Relation, range: &KeyRange) -> Direct {
    // SAFETY: as above; the keys live in the memory context of the scan, and so do what they point to.
    unsafe {
        // Registered: a cursor goes on reading when the snapshot is no longer the active one.
        let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetActiveSnapshot());
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        let mut keys = scan_keys(range);
        let count = keys.len() as i32;
        let scan = read::begin_scan(table, index, snapshot, count);
        // Copies the keys themselves, not what they point to.
        pg_sys::index_rescan(scan, keys.as_mut_ptr(), count, std::ptr::null_mut(), 0);
        let direction = if range.forward {
            pg_sys::ScanDirection::ForwardScanDirection
        } else {
            pg_sys::ScanDirection::BackwardScanDirection
        };
        Direct {
            table,
            index,
            scan,
            slot,
            snapshot,
            direction,
        }
    }
}

/// Opens the index behind `access`, when it is as we would make it. A query is answered from it alone, so an
/// index of that name that an owner made, with another order or predicate, must not be taken for it.
///
/// # Safety
/// `relation` is the open data table.
unsafe fn open_index(
    relation: pg_sys::Relation,
    table: &Table,
    access: Access,
) -> Option<pg_sys::Relation> {
    // SAFETY: by the caller; an index that is listed under a lock of its table can be opened.
    unsafe {
        let oid = match access {
            Access::Primary => read::primary_key_index(relation),
            Access::Local { columns } | Access::Global { columns } => {
                named_index(&table.definition.name, columns)
            }
        }?;
        let index = pg_sys::index_open(oid, SHARE);
        if is_ours(relation, index, access) {
            return Some(index);
        }
        pg_sys::index_close(index, SHARE);
        None
    }
}

fn named_index(table_name: &str, columns: u32) -> Option<pg_sys::Oid> {
    let schema = CString::new(DATA_SCHEMA).ok()?;
    let name = CString::new(index::name(table_name, columns)).ok()?;
    // SAFETY: syscache look-ups by C strings that live through the calls.
    unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        let oid = pg_sys::get_relname_relid(name.as_ptr(), namespace);
        let kind = pg_sys::get_rel_relkind(oid) as u8;
        (oid != pg_sys::InvalidOid && kind == pg_sys::RELKIND_INDEX).then_some(oid)
    }
}

/// Whether `index` is a valid btree of exactly our key columns in ascending order and, but for the primary
/// key, of the rows whose index key is not null. One that was built over rows whose keys had changed without an
/// index is not for old snapshots (`indcheckxmin`); the planner knows.
///
/// # Safety
/// Both relations are open.
unsafe fn is_ours(table: pg_sys::Relation, index: pg_sys::Relation, access: Access) -> bool {
    // SAFETY: an open index has its catalog row and arrays with an entry for each key column.
    unsafe {
        let row = &*(*index).rd_index;
        let expected = access.columns();
        let width = expected.len();
        if row.indrelid != (*table).rd_id
            || (*(*index).rd_rel).relam != pg_sys::BTREE_AM_OID
            || !row.indisvalid
            || row.indcheckxmin
            || usize::try_from(row.indnkeyatts) != Ok(width)
        {
            return false;
        }
        let attributes = columns((*table).rd_att);
        let numbers = row.indkey.values.as_slice(width);
        let families = std::slice::from_raw_parts((*index).rd_opfamily, width);
        let options = std::slice::from_raw_parts((*index).rd_indoption, width);
        let keys = expected.iter().zip(numbers).zip(families).zip(options);
        let ordered = keys.into_iter().all(|(((name, number), family), option)| {
            let attribute = usize::try_from(*number)
                .ok()
                .and_then(|number| attributes.get(number.checked_sub(1)?));
            attribute.is_some_and(|attribute| {
                CStr::from_ptr(attribute.attname.data.as_ptr()).to_bytes() == name.as_bytes()
                    && (attribute.atttypid, *family) == type_of(name)
                    && *option == 0
            })
        });
        ordered && predicate_is_ours(index, access, numbers)
    }
}

/// Type and operator family of a key column.
fn type_of(column: &str) -> (pg_sys::Oid, pg_sys::Oid) {
    if column == "pk_hash" {
        (pg_sys::INT8OID, pg_sys::INTEGER_BTREE_FAM_OID)
    } else {
        (pg_sys::BYTEAOID, pg_sys::BYTEA_BTREE_FAM_OID)
    }
}

/// The first nullable key column is not null, and nothing else.
///
/// # Safety
/// `index` is open; `numbers` are the table's columns that it has.
unsafe fn predicate_is_ours(index: pg_sys::Relation, access: Access, numbers: &[i16]) -> bool {
    let nullable = match access {
        Access::Primary => None,
        Access::Local { .. } => numbers.get(2),
        Access::Global { .. } => numbers.first(),
    };
    // SAFETY: a list of expression nodes, each read as what its tag says.
    unsafe {
        let predicate = pg_sys::RelationGetIndexPredicate(index);
        let length = if predicate.is_null() {
            0
        } else {
            (*predicate).length
        };
        let Some(nullable) = nullable else {
            return length == 0;
        };
        if length != 1 {
            return false;
        }
        let test = (*(*predicate).elements)
            .ptr_value
            .cast::<pg_sys::NullTest>();
        if !pgrx::nodes::is_a(test.cast(), pg_sys::NodeTag::T_NullTest) {
            return false;
        }
        let column = (*test).arg.cast::<pg_sys::Var>();
        (*test).nulltesttype == pg_sys::NullTestType::IS_NOT_NULL
            && pgrx::nodes::is_a(column.cast(), pg_sys::NodeTag::T_Var)
            && (*column).varattno == *nullable
    }
}
