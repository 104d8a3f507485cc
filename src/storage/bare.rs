//! Functions of Postgres without pgrx's guard around each, for sequences of calls inside one `pg_error::catching`.
//!
//! A guard costs a sigsetjmp and code that is rarely in the processor's cache; what is done for every row or for every
//! request makes dozens of calls. An ERROR jumps from any of these to the `catching` around it: a closure given to
//! that may hold plain data only, nothing with a destructor, and must not panic.
//!
//! The compiler compares each signature with pgrx's own binding, for every version of Postgres.

use pgrx::pg_sys::*;
use std::ffi::{c_char, c_int, c_void};

macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)+) => {
        unsafe extern "C-unwind" {
            $(pub fn $name($($argument: $type),*) $(-> $result)?;)+
        }
        const _: () = {
            $(let _: unsafe fn($($type),*) $(-> $result)? = pgrx::pg_sys::$name;)+
        };
    };
}

functions! {
    fn palloc(size: Size) -> *mut c_void;
    fn palloc0(size: Size) -> *mut c_void;
    fn AllocSetContextCreateInternal(
        parent: MemoryContext, name: *const c_char, minimum: Size, initial: Size, maximum: Size,
    ) -> MemoryContext;
    fn MemoryContextReset(context: MemoryContext);
    fn MemoryContextDelete(context: MemoryContext);
    fn pg_detoast_datum_packed(datum: *mut varlena) -> *mut varlena;

    fn table_open(relation: Oid, mode: LOCKMODE) -> Relation;
    fn table_close(relation: Relation, mode: LOCKMODE);
    fn index_open(relation: Oid, mode: LOCKMODE) -> Relation;
    fn index_close(relation: Relation, mode: LOCKMODE);

    fn GetActiveSnapshot() -> Snapshot;
    fn GetTransactionSnapshot() -> Snapshot;
    fn PushActiveSnapshot(snapshot: Snapshot);
    fn PopActiveSnapshot();
    fn RegisterSnapshot(snapshot: Snapshot) -> Snapshot;
    fn UnregisterSnapshot(snapshot: Snapshot);
    fn CommandCounterIncrement();
    fn GetCurrentCommandId(used: bool) -> CommandId;
    fn GetCurrentTransactionId() -> TransactionId;
    fn SpeculativeInsertionLockAcquire(inserter: TransactionId) -> u32;
    fn SpeculativeInsertionLockRelease(inserter: TransactionId);

    fn table_slot_create(relation: Relation, list: *mut *mut List) -> *mut TupleTableSlot;
    fn MakeSingleTupleTableSlot(
        descriptor: TupleDesc, operations: *const TupleTableSlotOps,
    ) -> *mut TupleTableSlot;
    fn ExecDropSingleTupleTableSlot(slot: *mut TupleTableSlot);
    fn ExecStoreHeapTuple(
        tuple: HeapTuple, slot: *mut TupleTableSlot, free_with_slot: bool,
    ) -> *mut TupleTableSlot;
    fn ExecStoreVirtualTuple(slot: *mut TupleTableSlot) -> *mut TupleTableSlot;
    fn ExecFetchSlotHeapTuple(
        slot: *mut TupleTableSlot, materialize: bool, to_be_freed: *mut bool,
    ) -> HeapTuple;
    fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, column: c_int);

    fn ScanKeyInit(
        entry: ScanKey, column: AttrNumber, strategy: StrategyNumber, function: RegProcedure, argument: Datum,
    );
    fn ScanKeyEntryInitialize(
        entry: ScanKey, flags: c_int, column: AttrNumber, strategy: StrategyNumber, subtype: Oid,
        collation: Oid, function: RegProcedure, argument: Datum,
    );
    fn index_rescan(
        scan: IndexScanDesc, keys: ScanKey, count: c_int, orders: ScanKey, order_count: c_int,
    );
    fn index_getnext_slot(
        scan: IndexScanDesc, direction: ScanDirection::Type, slot: *mut TupleTableSlot,
    ) -> bool;
    fn index_endscan(scan: IndexScanDesc);

    fn GetFlushRecPtr(timeline: *mut TimeLineID) -> XLogRecPtr;
    fn WaitLatch(latch: *mut Latch, events: c_int, timeout: std::ffi::c_long, event: uint32) -> c_int;
    fn ProcessInterrupts();
    fn XLogReadRecord(reader: *mut XLogReaderState, fault: *mut *mut c_char) -> *mut XLogRecord;

    fn CheckCmdReplicaIdentity(relation: Relation, command: CmdType::Type);
    fn index_insert(
        index: Relation, values: *mut Datum, nulls: *mut bool, row: ItemPointer, table: Relation,
        check: IndexUniqueCheck::Type, unchanged: bool, info: *mut IndexInfo,
    ) -> bool;
}

#[cfg(not(feature = "pg18"))]
mod by_version {
    use super::*;
    functions! {
        fn index_beginscan(
            table: Relation, index: Relation, snapshot: Snapshot, keys: c_int, orders: c_int,
        ) -> IndexScanDesc;
        fn RelationGetPrimaryKeyIndex(relation: Relation) -> Oid;
    }
}

#[cfg(feature = "pg18")]
mod by_version {
    use super::*;
    functions! {
        fn index_beginscan(
            table: Relation, index: Relation, snapshot: Snapshot, instrument: *mut IndexScanInstrumentation,
            keys: c_int, orders: c_int,
        ) -> IndexScanDesc;
        fn RelationGetPrimaryKeyIndex(relation: Relation, deferrable_ok: bool) -> Oid;
    }
}

#[cfg(any(feature = "pg15", feature = "pg16"))]
mod forming {
    use super::*;
    functions! {
        fn heap_form_tuple(descriptor: TupleDesc, values: *mut Datum, nulls: *mut bool) -> HeapTuple;
    }
}

#[cfg(not(any(feature = "pg15", feature = "pg16")))]
mod forming {
    use super::*;
    functions! {
        fn heap_form_tuple(
            descriptor: TupleDesc, values: *const Datum, nulls: *const bool,
        ) -> HeapTuple;
    }
}
pub use forming::heap_form_tuple;

/// Begins a scan of an index; the keys come with `index_rescan`.
///
/// # Safety
/// Both relations are open; the snapshot outlives the scan.
pub unsafe fn begin_scan(
    table: Relation,
    index: Relation,
    snapshot: Snapshot,
    keys: c_int,
) -> IndexScanDesc {
    // SAFETY: forwarded from the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return by_version::index_beginscan(table, index, snapshot, keys, 0);
        #[cfg(feature = "pg18")]
        return by_version::index_beginscan(table, index, snapshot, std::ptr::null_mut(), keys, 0);
    }
}

/// The index of the primary key, `InvalidOid` when there is none.
///
/// # Safety
/// The table is open.
pub unsafe fn primary_key_index(table: Relation) -> Oid {
    // SAFETY: forwarded from the caller.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return by_version::RelationGetPrimaryKeyIndex(table);
        #[cfg(feature = "pg18")]
        return by_version::RelationGetPrimaryKeyIndex(table, false);
    }
}

/// Column `column` (from 1) of the row in the slot; None when it is null.
///
/// # Safety
/// The slot holds a row with that column.
pub unsafe fn column(slot: *mut TupleTableSlot, column: c_int) -> Option<Datum> {
    // SAFETY: by the caller; the arrays have an entry for each column that was deformed.
    unsafe {
        if c_int::from((*slot).tts_nvalid) < column {
            slot_getsomeattrs_int(slot, column);
        }
        let at = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        (!*(*slot).tts_isnull.add(at)).then(|| *(*slot).tts_values.add(at))
    }
}

/// Bytes as a varlena in the current memory context.
///
/// # Safety
/// Inside `catching`: memory may run out.
pub unsafe fn varlena(bytes: &[u8]) -> Datum {
    // SAFETY: room for header and bytes, all of it written.
    unsafe {
        let value = palloc(VARHDRSZ + bytes.len());
        pgrx::set_varsize_4b(value.cast(), (VARHDRSZ + bytes.len()) as i32);
        let data = value.cast::<u8>().add(VARHDRSZ);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        Datum::from(value)
    }
}

const VARHDRSZ: usize = 4;

/// Empties a slot.
///
/// # Safety
/// The slot is valid.
pub unsafe fn clear(slot: *mut TupleTableSlot) {
    // SAFETY: every kind of slot has the function; it releases what the slot pins.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
    }
}
