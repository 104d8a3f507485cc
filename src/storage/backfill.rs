//! Filling in the derived columns of rows that were written before an index was there.
//!
//! A batch goes through some blocks of the table and updates the rows whose columns are not those of their item,
//! below the executor: no trigger fires, no constraint is checked again, no policy is asked, because nothing that
//! anybody wrote changes. It never waits for a row. One that another transaction holds is given back, to be tried
//! again; one that has changed meanwhile was changed by a writer who derives the columns too.

use super::derivation::Derivation;
use super::table::has_our_columns;
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::ffi::CStr;
use std::rc::Rc;

/// What a batch did.
#[derive(Default)]
pub struct Batch {
    pub visited: i64,
    pub changed: i64,
    /// Rows that others hold.
    pub held: Vec<pg_sys::ItemPointerData>,
}

/// Rows of a table, by their place in it.
#[derive(Clone, Copy)]
pub struct Rows {
    first: pg_sys::ItemPointerData,
    last: pg_sys::ItemPointerData,
}

impl Rows {
    pub fn of_blocks(first: u32, count: u32) -> Rows {
        Rows {
            first: place(first, 1),
            last: place(first.saturating_add(count - 1), u16::MAX),
        }
    }

    pub fn one(row: pg_sys::ItemPointerData) -> Rows {
        Rows {
            first: row,
            last: row,
        }
    }
}

fn place(block: u32, offset: u16) -> pg_sys::ItemPointerData {
    let mut place = pg_sys::ItemPointerData::default();
    pgrx::itemptr::item_pointer_set_all(&mut place, block, offset);
    place
}

/// Blocks of the table, and its file, which changes when the table is written anew.
pub fn extent(relid: pg_sys::Oid) -> (u32, i64) {
    // SAFETY: the caller holds a lock on the relation.
    unsafe {
        let relation = pg_sys::table_open(relid, pg_sys::NoLock as i32);
        let blocks =
            pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM);
        let file = i64::from((*(*relation).rd_rel).relfilenode.to_u32());
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        (blocks, file)
    }
}

/// Derives the columns of `rows`, as the owner of the table, in the running transaction. Its WAL carries the
/// origin that marks what replication need not see, until the transaction has ended: [`publish_again`].
pub fn run(relid: pg_sys::Oid, rows: Rows) -> Result<Batch> {
    const MODE: i32 = pg_sys::RowExclusiveLock as i32;
    let (mut user, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: what is opened here is closed here, or by the abort of the transaction; so is the change of role.
    unsafe {
        let relation = pg_sys::table_open(relid, MODE);
        let derivation = derivation(relation)?;
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(
            (*(*relation).rd_rel).relowner,
            context | pg_sys::SECURITY_RESTRICTED_OPERATION as i32,
        );
        let settings = pg_sys::NewGUCNestLevel();
        pg_sys::replorigin_session_origin = pg_sys::DoNotReplicateId as u16;
        let batch = Writer::open(relation, derivation).run(rows)?;
        pg_sys::AtEOXact_GUC(false, settings);
        pg_sys::SetUserIdAndSecContext(user, context);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        Ok(batch)
    }
}

/// What follows is replicated like anything else.
pub fn publish_again() {
    // SAFETY: a plain variable of this process's only thread.
    unsafe { pg_sys::replorigin_session_origin = pg_sys::InvalidRepOriginId as u16 };
}

/// What the table's trigger derives.
///
/// # Safety
/// `relation` is open.
pub unsafe fn derivation(relation: pg_sys::Relation) -> Result<Rc<Derivation>> {
    // SAFETY: an open relation has as many triggers as its description says, with names and arguments.
    unsafe {
        let row = &*(*relation).rd_rel;
        if row.relam != pg_sys::HEAP_TABLE_AM_OID || !has_our_columns(relation) {
            return Err(ApiError::validation(
                "the data table is not a heap table with the columns CreateTable gave it",
            ));
        }
        let described = (*relation).trigdesc;
        let triggers = if described.is_null() {
            &[]
        } else {
            let count = usize::try_from((*described).numtriggers).unwrap_or(0);
            std::slice::from_raw_parts((*described).triggers, count)
        };
        let ours = triggers
            .iter()
            .find(|trigger| CStr::from_ptr(trigger.tgname) == c"~dynamo_derive_keys");
        match ours {
            Some(trigger) => Derivation::of_trigger((*relation).rd_id, trigger),
            None => Err(ApiError::validation(
                "the data table lacks its trigger \"~dynamo_derive_keys\"",
            )),
        }
    }
}

/// The state of a batch: what the executor keeps for an UPDATE.
struct Writer {
    relation: pg_sys::Relation,
    derivation: Rc<Derivation>,
    state: *mut pg_sys::EState,
    target: *mut pg_sys::ResultRelInfo,
    /// Memory of one row.
    memory: pg_sys::MemoryContext,
}

impl Writer {
    /// # Safety
    /// `relation` is open and stays so.
    unsafe fn open(relation: pg_sys::Relation, derivation: Rc<Derivation>) -> Writer {
        // SAFETY: by the caller; all of it is allocated in the memory of the transaction.
        unsafe {
            let state = pg_sys::CreateExecutorState();
            let target =
                pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast::<pg_sys::ResultRelInfo>();
            (*target).type_ = pg_sys::NodeTag::T_ResultRelInfo;
            pg_sys::InitResultRelInfo(target, relation, 1, std::ptr::null_mut(), 0);
            pg_sys::ExecOpenIndices(target, false);
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"pg_dynamo backfill".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            Writer {
                relation,
                derivation,
                state,
                target,
                memory,
            }
        }
    }

    /// # Safety
    /// A snapshot is active.
    unsafe fn run(self, rows: Rows) -> Result<Batch> {
        let mut batch = Batch::default();
        let Rows {
            mut first,
            mut last,
        } = rows;
        // SAFETY: by the caller; the scan and the slots are given back below or by the abort.
        unsafe {
            let snapshot = pg_sys::GetActiveSnapshot();
            let slot = pg_sys::table_slot_create(self.relation, std::ptr::null_mut());
            let locked = pg_sys::table_slot_create(self.relation, std::ptr::null_mut());
            let scan =
                pg_sys::table_beginscan_tidrange(self.relation, snapshot, &mut first, &mut last);
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            while pg_sys::table_scan_getnextslot_tidrange(scan, forward, slot) {
                pg_sys::check_for_interrupts!();
                batch.visited += 1;
                let outer = pg_sys::MemoryContextSwitchTo(self.memory);
                self.visit(slot, locked, snapshot, &mut batch)?;
                pg_sys::MemoryContextSwitchTo(outer);
                pg_sys::MemoryContextReset(self.memory);
            }
            pg_sys::table_endscan(scan);
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            pg_sys::ExecDropSingleTupleTableSlot(locked);
            pg_sys::ExecCloseIndices(self.target);
            pg_sys::FreeExecutorState(self.state);
            pg_sys::MemoryContextDelete(self.memory);
        }
        Ok(batch)
    }

    /// # Safety
    /// `slot` holds a row of the relation; the memory of one row is current.
    unsafe fn visit(
        &self,
        slot: *mut pg_sys::TupleTableSlot,
        locked: *mut pg_sys::TupleTableSlot,
        snapshot: pg_sys::Snapshot,
        batch: &mut Batch,
    ) -> Result<()> {
        // SAFETY: by the caller. What the lock finds is the row that was read, or there is nothing to do.
        unsafe {
            let mut to_free = false;
            let tuple = pg_sys::ExecFetchSlotHeapTuple(slot, false, &mut to_free);
            let Some(derived) = self.derivation.apply(tuple, (*self.relation).rd_att)? else {
                return Ok(());
            };
            let mut place = (*slot).tts_tid;
            let command = pg_sys::GetCurrentCommandId(true);
            let mut failure = pg_sys::TM_FailureData::default();
            let lock = pg_sys::table_tuple_lock(
                self.relation,
                &mut place,
                snapshot,
                locked,
                command,
                pg_sys::LockTupleMode::LockTupleNoKeyExclusive,
                pg_sys::LockWaitPolicy::LockWaitSkip,
                0,
                &mut failure,
            );
            match lock {
                pg_sys::TM_Result::TM_Ok => {
                    self.store(derived, place, snapshot)?;
                    batch.changed += 1;
                }
                pg_sys::TM_Result::TM_WouldBlock => batch.held.push(place),
                // Changed or deleted meanwhile, by somebody who derives the columns.
                _ => {}
            }
            pg_sys::ExecClearTuple(locked);
        }
        Ok(())
    }

    /// # Safety
    /// The row at `place` is locked by this transaction; `derived` is its new version.
    unsafe fn store(
        &self,
        derived: pg_sys::HeapTuple,
        mut place: pg_sys::ItemPointerData,
        snapshot: pg_sys::Snapshot,
    ) -> Result<()> {
        // SAFETY: by the caller.
        unsafe {
            let descriptor = (*self.relation).rd_att;
            let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &pg_sys::TTSOpsHeapTuple);
            pg_sys::ExecStoreHeapTuple(derived, slot, false);
            (*slot).tts_tableOid = (*self.relation).rd_id;
            let mut failure = pg_sys::TM_FailureData::default();
            let mut mode = pg_sys::LockTupleMode::LockTupleNoKeyExclusive;
            let mut indexes = Default::default();
            let result = pg_sys::table_tuple_update(
                self.relation,
                &mut place,
                slot,
                pg_sys::GetCurrentCommandId(true),
                snapshot,
                std::ptr::null_mut(),
                true,
                &mut failure,
                &mut mode,
                &mut indexes,
            );
            if result != pg_sys::TM_Result::TM_Ok {
                return Err(ApiError::corrupt("a row that is locked"));
            }
            self.insert_index_entries(slot, indexes);
            pg_sys::ExecDropSingleTupleTableSlot(slot);
        }
        Ok(())
    }

    /// Gives back what the expressions of indexes took.
    ///
    /// # Safety
    /// The state is alive.
    unsafe fn forget_row(&self) {
        // SAFETY: by the caller; without expressions there is no such context.
        unsafe {
            let context = (*self.state).es_per_tuple_exprcontext;
            if !context.is_null() {
                pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
            }
        }
    }

    /// An update that is not heap-only has entries in every index, as the executor makes them. (Told that it is an
    /// update, the executor would look up the columns that a statement sets; there is none.)
    ///
    /// # Safety
    /// `slot` holds the version that was just stored.
    #[cfg(feature = "pg15")]
    unsafe fn insert_index_entries(&self, slot: *mut pg_sys::TupleTableSlot, needed: bool) {
        if !needed {
            return;
        }
        let none = std::ptr::null_mut();
        // SAFETY: by the caller; indexes of the target are open.
        unsafe {
            pg_sys::ExecInsertIndexTuples(
                self.target,
                slot,
                self.state,
                false,
                false,
                std::ptr::null_mut(),
                none,
            );
            self.forget_row();
        }
    }

    /// As above; from 16 on an update may concern summarizing indexes only.
    ///
    /// # Safety
    /// As above.
    #[cfg(not(feature = "pg15"))]
    unsafe fn insert_index_entries(
        &self,
        slot: *mut pg_sys::TupleTableSlot,
        needed: pg_sys::TU_UpdateIndexes::Type,
    ) {
        use pg_sys::TU_UpdateIndexes::{TU_None, TU_Summarizing};
        if needed == TU_None {
            return;
        }
        let none = std::ptr::null_mut();
        // SAFETY: by the caller; indexes of the target are open.
        unsafe {
            pg_sys::ExecInsertIndexTuples(
                self.target,
                slot,
                self.state,
                false,
                false,
                std::ptr::null_mut(),
                none,
                needed == TU_Summarizing,
            );
            self.forget_row();
        }
    }
}
