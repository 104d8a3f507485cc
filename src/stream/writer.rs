//! Puts records into one table of records: many rows at a time, a page after the other, and an index entry for each.
//!
//! Below planner and executor: these tables are ours, with one index, and no trigger of anybody's runs on them. What a
//! statement would do besides is done by the caller: the row's slot is that of the table.

use super::buffer::Entry;
use crate::storage::bare;
use crate::storage::memory;
use crate::storage::pg_error::catching;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::ffi::CString;
use std::ptr::null_mut;

/// Columns of `dynamo_internal.stream_record`.
const COLUMNS: usize = 10;
/// Columns of a table's index: shard, epoch, lsn, ordinal.
const KEYS: usize = 4;
/// Rows that go into the table together, and bytes of items among them.
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;

/// Belongs to the transaction it was opened in.
pub struct Writer {
    slot: i16,
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    /// Of what waits.
    memory: pg_sys::MemoryContext,
    /// Made as they are needed; the first `waiting` hold rows.
    rows: Vec<*mut pg_sys::TupleTableSlot>,
    keys: Vec<[pg_sys::Datum; KEYS]>,
    bytes: usize,
}

impl Writer {
    pub fn open(slot: i64) -> Result<Writer> {
        let corrupt = || ApiError::corrupt("table of stream records");
        let name = CString::new(format!("stream_record_{slot}")).map_err(|_| corrupt())?;
        let slot = i16::try_from(slot).map_err(|_| corrupt())?;
        // SAFETY: look-ups by name; all of it is allocated in the memory of the transaction, and given back by `close`
        // or by the abort.
        unsafe {
            let schema = pg_sys::get_namespace_oid(c"dynamo_internal".as_ptr(), false);
            let relid = pg_sys::get_relname_relid(name.as_ptr(), schema);
            let mode = pg_sys::RowExclusiveLock as i32;
            let table = pg_sys::table_open(relid, mode);
            let indexes = pg_sys::RelationGetIndexList(table);
            if (*(*table).rd_att).natts != COLUMNS as i32
                || indexes.is_null()
                || (*indexes).length != 1
            {
                return Err(corrupt());
            }
            let index = pg_sys::index_open(pg_sys::list_nth_oid(indexes, 0), mode);
            if usize::try_from((*(*index).rd_att).natts) != Ok(KEYS) {
                return Err(corrupt());
            }
            Ok(Writer {
                slot,
                table,
                index,
                info: pg_sys::BuildIndexInfo(index),
                memory: memory::child_of(pg_sys::CurrentMemoryContext, c"pg_dynamo stream records"),
                rows: Vec::new(),
                keys: Vec::new(),
                bytes: 0,
            })
        }
    }

    /// One more row, which is in the table after `flush` at the latest.
    pub fn put(&mut self, shard: u32, epoch: u32, entry: &Entry<'_>) {
        let key = [
            pg_sys::Datum::from(shard as i32),
            pg_sys::Datum::from(epoch as i32),
            pg_sys::Datum::from(entry.lsn as i64),
            pg_sys::Datum::from(i64::from(entry.ordinal)),
        ];
        let [shard, epoch, lsn, ordinal] = key;
        let null = pg_sys::Datum::null();
        let mut values = [
            pg_sys::Datum::from(self.slot),
            shard,
            epoch,
            lsn,
            ordinal,
            pg_sys::Datum::from(entry.created_at),
            pg_sys::Datum::from(entry.event.code() as i8),
            null,
            null,
            null,
        ];
        let mut nulls = [false; COLUMNS];
        let first = COLUMNS - entry.items.len();
        let at = self.keys.len();
        let known = self.rows.get(at).copied().unwrap_or(null_mut());
        let table = self.table;
        // SAFETY: the row has the table's columns, as `open` has counted them, of these types. Its memory lasts until
        // `flush`, which empties the slots before it resets that.
        let row = unsafe {
            let row = if known.is_null() {
                catching(|| {
                    bare::MakeSingleTupleTableSlot(
                        (*table).rd_att,
                        &raw const pg_sys::TTSOpsHeapTuple,
                    )
                })
            } else {
                known
            };
            memory::within(self.memory, || {
                catching(|| {
                    for (at, item) in entry.items.iter().enumerate() {
                        match item {
                            Some(bytes) => values[first + at] = bare::varlena(bytes),
                            None => nulls[first + at] = true,
                        }
                    }
                    let tuple = bare::heap_form_tuple(
                        (*table).rd_att,
                        values.as_mut_ptr(),
                        nulls.as_mut_ptr(),
                    );
                    bare::ExecStoreHeapTuple(tuple, row, true);
                });
            });
            row
        };
        if known.is_null() {
            self.rows.push(row);
        }
        self.keys.push(key);
        let sizes = entry.items.iter().flatten().map(|bytes| bytes.len());
        self.bytes += sizes.sum::<usize>();
        if self.keys.len() >= ROWS || self.bytes >= BYTES {
            self.flush();
        }
    }

    /// Puts what waits into the table and its index.
    fn flush(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let (table, index, info) = (self.table, self.index, self.info);
        let (rows, keys) = (&mut self.rows, &mut self.keys);
        // SAFETY: as many rows are filled as there are keys, and a row's key is at its place. The index has the columns
        // of a key; it is unique, so a position that is there already is an ERROR.
        unsafe {
            let Some(insert) = (*(*table).rd_tableam).multi_insert else {
                pgrx::error!("tables of stream records cannot be written");
            };
            memory::within(self.memory, || {
                catching(|| {
                    let command = bare::GetCurrentCommandId(true);
                    insert(
                        table,
                        rows.as_mut_ptr(),
                        keys.len() as i32,
                        command,
                        0,
                        null_mut(),
                    );
                    let mut nulls = [false; KEYS];
                    for (row, key) in rows.iter().zip(keys.iter_mut()) {
                        bare::index_insert(
                            index,
                            key.as_mut_ptr(),
                            nulls.as_mut_ptr(),
                            &raw mut (**row).tts_tid,
                            table,
                            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES,
                            false,
                            info,
                        );
                        bare::clear(*row);
                    }
                });
            });
            memory::reset(self.memory);
        }
        self.keys.clear();
        self.bytes = 0;
    }

    /// Everything is in the table.
    pub fn close(mut self) {
        self.flush();
        let rows = &self.rows;
        // SAFETY: opened by `open`; the locks stay until the end of the transaction.
        unsafe {
            catching(|| {
                for row in rows {
                    bare::ExecDropSingleTupleTableSlot(*row);
                }
                bare::index_close(self.index, pg_sys::NoLock as i32);
                bare::table_close(self.table, pg_sys::NoLock as i32);
            });
        }
    }
}
