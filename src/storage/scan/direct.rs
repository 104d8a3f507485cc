//! A range of an index, read by the index itself.

use super::keys::ScanKeys;
use super::verdict::Verdict;
use crate::storage::bare;
use crate::storage::detoast::ItemDatum;
use crate::storage::pg_error::catching;
use crate::storage::read::{self, ITEM_COLUMN};
use crate::storage::table::has_our_columns;
use pg_dynamo_core::range::KeyRange;
use pgrx::pg_sys;

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
    /// Begins to read `range` of an index that was found fit, as the active snapshot sees it. None: the table is not
    /// to be read so, or the index is no longer.
    ///
    /// Everything is allocated in the current memory context, which must live as long as the scan.
    ///
    /// # Safety
    /// Inside `catching`. The caller holds a lock on the table, which the verdict is about, and SELECT on it.
    pub unsafe fn open(verdict: Verdict, range: &KeyRange) -> Option<Direct> {
        // SAFETY: the relation is locked by the caller, and so its index exists; what is opened is closed here or by
        // `close`.
        unsafe {
            let table = bare::table_open(verdict.table, HELD);
            if read::is_ordinary(table) && has_our_columns(table) {
                let index = bare::index_open(verdict.index, SHARE);
                if verdict.still_holds(index) {
                    return Some(begin(table, index, range));
                }
                bare::index_close(index, SHARE);
            }
            bare::table_close(table, HELD);
            None
        }
    }

    /// The next item, valid until the following call.
    pub fn next(&mut self) -> Option<ItemDatum> {
        // SAFETY: the scan is open; the column is a varlena that is never null (`has_our_columns` asks the type, the
        // table the rest), checked once more because an owner may drop the constraint.
        unsafe {
            catching(|| {
                while bare::index_getnext_slot(self.scan, self.direction, self.slot) {
                    if let Some(datum) = bare::column(self.slot, ITEM_COLUMN) {
                        return Some(datum);
                    }
                }
                None
            })
            .map(|datum| ItemDatum::new(datum))
        }
    }

    /// # Safety
    /// Inside `catching`.
    pub unsafe fn close(self) {
        // SAFETY: opened by `open`, closed once.
        unsafe {
            bare::index_endscan(self.scan);
            bare::ExecDropSingleTupleTableSlot(self.slot);
            bare::UnregisterSnapshot(self.snapshot);
            bare::index_close(self.index, SHARE);
            bare::table_close(self.table, HELD);
        }
    }
}

/// # Safety
/// Inside `catching`. Both relations are open; the index has the key columns of `range`.
unsafe fn begin(table: pg_sys::Relation, index: pg_sys::Relation, range: &KeyRange) -> Direct {
    // SAFETY: as above; what the keys point to lives in the memory context of the scan.
    unsafe {
        // Registered: a cursor goes on reading when the snapshot is no longer the active one.
        let snapshot = bare::RegisterSnapshot(bare::GetActiveSnapshot());
        let slot = bare::table_slot_create(table, std::ptr::null_mut());
        let mut keys = ScanKeys::of(range);
        let scan = bare::begin_scan(table, index, snapshot, keys.count());
        // Copies the keys themselves, not what they point to.
        bare::index_rescan(
            scan,
            keys.as_mut_ptr(),
            keys.count(),
            std::ptr::null_mut(),
            0,
        );
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
