//! Items of one relation into another: read by a statement as the owner of the source, written below the executor.
//!
//! The reader is a cursor under the snapshot that is active. It runs as the owner of the source in a security-restricted
//! operation with row_security off, so that nobody's code runs as the worker, and rows that policies hide from the owner
//! are an error, not a gap. The writer fires no trigger and fills in no index: its target is a relation that was just made.

use crate::storage::backfill;
use crate::storage::derivation::Derivation;
use crate::storage::spi::{self, Plan};
use crate::storage::table::columns;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::ffi::CStr;
use std::rc::Rc;

/// pk_hash, pk, sk, item.
pub type Values = [pg_sys::Datum; 4];
/// Rows that the reader holds at a time, and the writer writes at once.
const FETCHED: std::ffi::c_long = 1_000;
const WRITTEN: usize = 100;
/// Bytes of a batch of the writer, more or less: items may have 400 KB.
const WRITTEN_BYTES: usize = 4 * 1024 * 1024;

/// The columns of a row of four columns of ours; none may be null.
const ROW: &str = "pk_hash, pk, sk, item";

/// Every row of the relation `quoted`.
pub fn all_of(quoted: &str) -> String {
    format!("SELECT {ROW} FROM ONLY {quoted}")
}

/// The rows of `count` blocks from `first` on.
pub fn blocks_of(quoted: &str, first: i64, count: i64) -> String {
    let end = first + count;
    format!(
        "{} WHERE ctid >= '({first},0)' AND ctid < '({end},0)'",
        all_of(quoted)
    )
}

/// Owner of a relation that is locked.
pub fn owner(relid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: by the lock; an open relation has its catalog row.
    unsafe {
        let relation = pg_sys::table_open(relid, pg_sys::NoLock as i32);
        let owner = (*(*relation).rd_rel).relowner;
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        owner
    }
}

/// Runs `body` as `role` in a security-restricted operation, under settings of its own, past the policies that an owner may
/// have put over himself: a TRUNCATE or a DeleteTable keeps all there is, and CreateBackup has refused such a table before.
pub fn restricted<R>(role: pg_sys::Oid, body: impl FnOnce() -> R) -> R {
    const SETTINGS: [(&CStr, &CStr); 5] = [
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"row_security", c"off"),
        // Of a history nothing is known to the planner: a nested loop over it could take days.
        (c"enable_nestloop", c"off"),
        // All rows are read.
        (c"cursor_tuple_fraction", c"1"),
        (c"jit", c"off"),
    ];
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: role and settings are given back below, or by the abort of the (sub)transaction.
    let level = unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let restricted = pg_sys::SECURITY_RESTRICTED_OPERATION
            | pg_sys::SECURITY_LOCAL_USERID_CHANGE
            | pg_sys::SECURITY_NOFORCE_RLS;
        pg_sys::SetUserIdAndSecContext(role, context | restricted as i32);
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in SETTINGS {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        level
    };
    let result = body();
    // SAFETY: as above.
    unsafe {
        pg_sys::AtEOXact_GUC(false, level);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
    result
}

/// Gives every row of `statement` to `each`, under the active snapshot. Answers how many there were. `tick` is called now
/// and then.
pub fn read(
    statement: &str,
    tick: impl Fn(),
    mut each: impl FnMut(Values) -> Result<()>,
) -> Result<i64> {
    spi::connected(|| {
        let plan = Plan::prepare(statement, &[]);
        let mut count = 0;
        // SAFETY: a plan without parameters, alive longer than the cursor; what is fetched is read before it is freed.
        unsafe {
            let none = std::ptr::null_mut();
            let cursor = pg_sys::SPI_cursor_open(
                std::ptr::null(),
                plan.pointer(),
                none,
                std::ptr::null(),
                true,
            );
            loop {
                pg_sys::check_for_interrupts!();
                tick();
                pg_sys::SPI_cursor_fetch(cursor, true, FETCHED);
                let (rows, table) = (pg_sys::SPI_processed, pg_sys::SPI_tuptable);
                for row in 0..rows as usize {
                    each(values(table, row)?)?;
                }
                count += rows as i64;
                pg_sys::SPI_freetuptable(table);
                if rows == 0 {
                    break;
                }
            }
            pg_sys::SPI_cursor_close(cursor);
        }
        Ok(count)
    })
}

/// # Safety
/// `table` has the row, of four columns.
unsafe fn values(table: *mut pg_sys::SPITupleTable, row: usize) -> Result<Values> {
    let mut found = [pg_sys::Datum::null(); 4];
    // SAFETY: by the caller.
    unsafe {
        let described = columns((*table).tupdesc);
        let types = [pg_sys::INT8OID, pg_sys::BYTEAOID, pg_sys::BYTEAOID];
        let as_expected = described.len() == 4
            && described
                .iter()
                .zip(types)
                .all(|(column, expected)| column.atttypid == expected)
            && described[3].attlen == -1;
        if !as_expected {
            return Err(ApiError::corrupt("columns of a table"));
        }
        let tuple = *(*table).vals.add(row);
        for (column, value) in (1..).zip(&mut found) {
            let mut is_null = false;
            *value = pg_sys::SPI_getbinval(tuple, (*table).tupdesc, column, &mut is_null);
            if is_null {
                return Err(ApiError::corrupt("a row without a key or an item"));
            }
        }
    }
    Ok(found)
}

/// Writes rows into a relation that nobody else writes.
pub struct Writer {
    relation: pg_sys::Relation,
    /// Fills in the columns of indexes; of a backup there are none.
    derivation: Option<Rc<Derivation>>,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    filled: usize,
    bytes: usize,
    state: pg_sys::BulkInsertState,
    /// Memory of one batch.
    memory: pg_sys::MemoryContext,
    columns: usize,
}

impl Writer {
    /// Into the relation of a backup. Err: somebody has added an index, which would miss its entries.
    ///
    /// The relation is locked against other writers until the end of the transaction.
    pub fn into_backup(relid: pg_sys::Oid) -> Result<Writer> {
        // SAFETY: by the caller's lock.
        unsafe { Writer::open(relid, |_| Ok(None)) }
    }

    /// Into a data table. As above.
    pub fn into_table(relid: pg_sys::Oid) -> Result<Writer> {
        // SAFETY: by the caller's lock.
        unsafe { Writer::open(relid, |relation| backfill::derivation(relation).map(Some)) }
    }

    /// # Safety
    /// The relation is locked.
    unsafe fn open(
        relid: pg_sys::Oid,
        derivation: impl FnOnce(pg_sys::Relation) -> Result<Option<Rc<Derivation>>>,
    ) -> Result<Writer> {
        // SAFETY: what is opened here is closed by `finish`, or by the abort of the transaction.
        unsafe {
            let relation = pg_sys::table_open(relid, pg_sys::RowExclusiveLock as i32);
            let indexes = pg_sys::RelationGetIndexList(relation);
            if !indexes.is_null() {
                return Err(ApiError::validation(
                    "the relation that is to be filled has an index already",
                ));
            }
            if !crate::storage::table::has_our_columns(relation) {
                return Err(ApiError::validation(
                    "the relation that is to be filled has other columns",
                ));
            }
            let derivation = derivation(relation)?;
            let slot =
                |_| pg_sys::MakeSingleTupleTableSlot((*relation).rd_att, &pg_sys::TTSOpsHeapTuple);
            Ok(Writer {
                relation,
                derivation,
                slots: (0..WRITTEN).map(slot).collect(),
                filled: 0,
                bytes: 0,
                state: pg_sys::GetBulkInsertState(),
                memory: pg_sys::AllocSetContextCreateInternal(
                    pg_sys::CurTransactionContext,
                    c"pg_dynamo copy".as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                ),
                columns: columns((*relation).rd_att).len(),
            })
        }
    }

    pub fn push(&mut self, row: Values) -> Result<()> {
        // SAFETY: the relation's first columns are ours, the others null; the tuple lives as long as its batch.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(self.memory);
            let mut values = vec![pg_sys::Datum::null(); self.columns];
            let mut nulls = vec![true; self.columns];
            values[..4].copy_from_slice(&row);
            nulls[..4].fill(false);
            let described = (*self.relation).rd_att;
            let mut tuple =
                pg_sys::heap_form_tuple(described, values.as_mut_ptr(), nulls.as_mut_ptr());
            if let Some(derivation) = &self.derivation {
                tuple = derivation.apply(tuple, described)?.unwrap_or(tuple);
            }
            let slot = self.slots[self.filled];
            (*slot).tts_tableOid = (*self.relation).rd_id;
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            self.bytes += (*tuple).t_len as usize;
            pg_sys::MemoryContextSwitchTo(outer);
        }
        self.filled += 1;
        if self.filled == WRITTEN || self.bytes >= WRITTEN_BYTES {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        if self.filled == 0 {
            return;
        }
        // SAFETY: as many slots as are filled, each with a tuple.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(self.memory);
            pg_sys::table_multi_insert(
                self.relation,
                self.slots.as_mut_ptr(),
                self.filled as i32,
                pg_sys::GetCurrentCommandId(true),
                pg_sys::TABLE_INSERT_SKIP_FSM as i32,
                self.state,
            );
            pg_sys::MemoryContextSwitchTo(outer);
            for slot in &self.slots[..self.filled] {
                pg_sys::ExecClearTuple(*slot);
            }
            pg_sys::MemoryContextReset(self.memory);
        }
        (self.filled, self.bytes) = (0, 0);
    }

    pub fn finish(mut self) {
        self.flush();
        // SAFETY: opened by `open`.
        unsafe {
            pg_sys::FreeBulkInsertState(self.state);
            for slot in &self.slots {
                pg_sys::ExecDropSingleTupleTableSlot(*slot);
            }
            pg_sys::MemoryContextDelete(self.memory);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
            pg_sys::CommandCounterIncrement();
        }
    }
}

/// Copies what `statement` reads as `reader`. Answers the number of items.
pub fn run(
    statement: &str,
    reader: pg_sys::Oid,
    mut writer: Writer,
    tick: impl Fn(),
) -> Result<i64> {
    let count = restricted(reader, || read(statement, tick, |row| writer.push(row)))?;
    writer.finish();
    Ok(count)
}

/// Blocks of a relation that is locked.
pub fn blocks(relid: pg_sys::Oid) -> i64 {
    i64::from(backfill::extent(relid).0)
}

/// Bytes of a relation with what lies out of line.
pub fn size(relid: pg_sys::Oid) -> i64 {
    spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_table_size($1::pg_catalog.oid::pg_catalog.regclass)",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[spi::Arg::Int8(i64::from(relid.to_u32()))], false);
        spi::int_value(0, 1).unwrap_or(0)
    })
}

/// Copies the table `relid`, which nobody can write meanwhile, into the relation of a backup, in this transaction.
pub fn at_once(relid: pg_sys::Oid, source: &str, into: pg_sys::Oid) -> Result<i64> {
    // SAFETY: a fresh snapshot that sees what this transaction wrote; popped below, or by the abort.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
    }
    let count = run(
        &all_of(source),
        owner(relid),
        Writer::into_backup(into)?,
        || (),
    )?;
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    Ok(count)
}
