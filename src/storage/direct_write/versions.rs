//! Versions of a row: what the executor's own INSERT, UPDATE and DELETE leave in a plain table and its btrees.

use super::super::bare;
use super::super::pg_error::catching;
use super::super::plain::{COLUMNS, Expiry};
use super::Row;
use pg_dynamo_core::Result;
use pg_dynamo_core::value::Item;
use pgrx::pg_sys::{self, LockTupleMode, TM_Result};
use std::ptr::null_mut;

impl Row<'_> {
    /// Writes the next version of the row in the slot; the lock that waiting for it would need.
    ///
    /// # Safety
    /// As `on_row`.
    pub(super) unsafe fn update(
        &self,
        new: Item<'_>,
    ) -> Result<(TM_Result::Type, LockTupleMode::Type)> {
        let expiry = self.expiry_of(new)?;
        // SAFETY: by the caller. The new tuple takes the datums of the old one, which the slot keeps.
        unsafe {
            let update = access_method!(self.table, tuple_update);
            let mut failure = pg_sys::TM_FailureData::default();
            let mut mode = LockTupleMode::LockTupleExclusive;
            let mut indexes = Default::default();
            let result = catching(|| {
                bare::CheckCmdReplicaIdentity(self.table, pg_sys::CmdType::CMD_UPDATE);
                bare::slot_getsomeattrs_int(self.slot, (*(*self.table).rd_att).natts);
                let expiry = expiry.or_kept(self.slot);
                let next = self.next_version(
                    &[
                        *(*self.slot).tts_values,
                        *(*self.slot).tts_values.add(1),
                        *(*self.slot).tts_values.add(2),
                        bare::varlena(new.bytes()),
                    ],
                    expiry,
                );
                let mut tid = (*self.slot).tts_tid;
                let result = update(
                    self.table,
                    &mut tid,
                    next,
                    bare::GetCurrentCommandId(true),
                    bare::GetActiveSnapshot(),
                    null_mut(),
                    true,
                    &mut failure,
                    &mut mode,
                    &mut indexes,
                );
                if result == TM_Result::TM_Ok && wants_index_entries(indexes) {
                    self.index_entry(next, pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES, true);
                    self.expiry_entry(next, expiry);
                }
                bare::ExecDropSingleTupleTableSlot(next);
                result
            });
            Ok((result, mode))
        }
    }

    /// Deletes the row in the slot.
    ///
    /// # Safety
    /// As `on_row`.
    pub(super) unsafe fn delete(&self) -> TM_Result::Type {
        // SAFETY: by the caller.
        unsafe {
            pg_sys::CheckCmdReplicaIdentity(self.table, pg_sys::CmdType::CMD_DELETE);
            let mut tid = (*self.slot).tts_tid;
            let cid = pg_sys::GetCurrentCommandId(true);
            let snapshot = pg_sys::GetActiveSnapshot();
            let mut failure = pg_sys::TM_FailureData::default();
            let delete = access_method!(self.table, tuple_delete);
            catching(|| {
                delete(
                    self.table,
                    &mut tid,
                    cid,
                    snapshot,
                    null_mut(),
                    true,
                    &mut failure,
                    false,
                )
            })
        }
    }

    /// Inserts the item, unless its key is there, or is being inserted or deleted: then false.
    ///
    /// The row is visible to nobody until the index has taken its key; a session that meets it there waits for
    /// the token, not for the transaction.
    ///
    /// # Safety
    /// As `on_gap`.
    pub(super) unsafe fn insert(&self, new: Item<'_>) -> Result<bool> {
        let expiry = self.expiry_of(new)?;
        // SAFETY: by the caller. After an ERROR in between, the abort releases the token's lock.
        unsafe {
            let insert = access_method!(self.table, tuple_insert_speculative);
            let complete = access_method!(self.table, tuple_complete_speculative);
            Ok(catching(|| {
                let [hash, pk, sk] = self.key;
                let expiry = expiry.or_none();
                let row = self.next_version(&[hash, pk, sk, bare::varlena(new.bytes())], expiry);
                let cid = bare::GetCurrentCommandId(true);
                let xid = bare::GetCurrentTransactionId();
                let token = bare::SpeculativeInsertionLockAcquire(xid);
                insert(self.table, row, cid, 0, null_mut(), token);
                let unique = pg_sys::IndexUniqueCheck::UNIQUE_CHECK_PARTIAL;
                let inserted = self.index_entry(row, unique, false);
                if inserted {
                    self.expiry_entry(row, expiry);
                }
                complete(self.table, row, token, inserted);
                bare::SpeculativeInsertionLockRelease(xid);
                bare::ExecDropSingleTupleTableSlot(row);
                inserted
            }))
        }
    }

    /// A row of these columns, in a slot of its own. Columns that were dropped are null.
    ///
    /// # Safety
    /// Inside `catching`; the values stay valid while the slot is used.
    unsafe fn next_version(
        &self,
        values: &[pg_sys::Datum; COLUMNS],
        expiry: Option<pg_sys::Datum>,
    ) -> *mut pg_sys::TupleTableSlot {
        // SAFETY: by the caller; the arrays of a slot have an entry for each column, of which there are at
        // least four (`plain`).
        unsafe {
            let descriptor = (*self.table).rd_att;
            let slot = bare::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual);
            let columns = usize::try_from((*descriptor).natts).unwrap_or(COLUMNS);
            for column in 0..columns {
                let value = values.get(column);
                *(*slot).tts_values.add(column) = value.copied().unwrap_or(pg_sys::Datum::null());
                *(*slot).tts_isnull.add(column) = value.is_none();
            }
            if let Some(Expiry { column, .. }) = self.expiry {
                *(*slot).tts_values.add(*column) = expiry.unwrap_or(pg_sys::Datum::null());
                *(*slot).tts_isnull.add(*column) = expiry.is_none();
            }
            bare::ExecStoreVirtualTuple(slot)
        }
    }

    /// Err: corrupt stored bytes.
    fn expiry_of(&self, new: Item<'_>) -> Result<NewExpiry> {
        Ok(match self.expiry {
            Some(Expiry {
                schema: Some(schema),
                ..
            }) => NewExpiry::Derived(schema.expiry_of(new)?),
            Some(Expiry { column, .. }) => NewExpiry::Kept(*column),
            None => NewExpiry::Absent,
        })
    }

    /// Enters a row version into the btree of the time to live, if it expires.
    ///
    /// # Safety
    /// As `index_entry`.
    unsafe fn expiry_entry(&self, row: *mut pg_sys::TupleTableSlot, expiry: Option<pg_sys::Datum>) {
        let (Some(expiry), false) = (expiry, self.expiries.is_null()) else {
            return;
        };
        let [hash, pk, sk] = self.key;
        let mut values = [expiry, hash, pk, sk];
        let mut nulls = [false; 4];
        // SAFETY: as in `index_entry`.
        unsafe {
            bare::index_insert(
                self.expiries,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
                &mut (*row).tts_tid,
                self.table,
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
                false,
                null_mut(),
            );
        }
    }

    /// Enters a row version into the index; whether its key is free, when that is asked.
    ///
    /// # Safety
    /// Inside `catching`; `row` holds a version that is in the table.
    unsafe fn index_entry(
        &self,
        row: *mut pg_sys::TupleTableSlot,
        check: pg_sys::IndexUniqueCheck::Type,
        unchanged: bool,
    ) -> bool {
        let mut values = self.key;
        let mut nulls = [false; 3];
        // SAFETY: by the caller. A btree does not look at the index's description (null), as in TOAST tables.
        unsafe {
            bare::index_insert(
                self.index,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
                &mut (*row).tts_tid,
                self.table,
                check,
                unchanged,
                null_mut(),
            )
        }
    }
}

/// What a new version of a row has in the column of the time to live.
#[derive(Clone, Copy)]
enum NewExpiry {
    Derived(Option<i64>),
    /// What was there, in the column at this position.
    Kept(usize),
    /// There is no such column.
    Absent,
}

impl NewExpiry {
    /// # Safety
    /// `slot` holds the version of before, all columns of it.
    unsafe fn or_kept(self, slot: *mut pg_sys::TupleTableSlot) -> Option<pg_sys::Datum> {
        match self {
            // SAFETY: by the caller; the arrays of a slot have an entry for each column.
            NewExpiry::Kept(column) => unsafe {
                (!*(*slot).tts_isnull.add(column)).then(|| *(*slot).tts_values.add(column))
            },
            other => other.or_none(),
        }
    }

    fn or_none(self) -> Option<pg_sys::Datum> {
        match self {
            NewExpiry::Derived(second) => second.map(pg_sys::Datum::from),
            NewExpiry::Kept(_) | NewExpiry::Absent => None,
        }
    }
}

/// Whether a new version needs entries in the indexes: it is not a heap-only one.
#[cfg(feature = "pg15")]
fn wants_index_entries(updated: bool) -> bool {
    updated
}

#[cfg(not(feature = "pg15"))]
fn wants_index_entries(updated: pg_sys::TU_UpdateIndexes::Type) -> bool {
    updated == pg_sys::TU_UpdateIndexes::TU_All
}
