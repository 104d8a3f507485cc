//! One write of one item, without a statement.
//!
//! A statement costs an executor within the executor and row triggers that find nothing to do, some 6 us of a
//! write. On a plain table (`plain`) what it does can be done by hand, in the steps of the executor's own UPDATE,
//! DELETE and INSERT ... ON CONFLICT: find the row under a fresh snapshot, decide, write a new version;
//! whoever was faster is waited for by Postgres, and then the decision is made again on the row that is
//! there, which is locked. A row that is not there is inserted speculatively, so that of two sessions
//! inserting one key neither fails nor waits for the other in a circle.
//!
//! Only under READ COMMITTED: from REPEATABLE READ on, a row that changed since the transaction's snapshot is
//! an error that statements raise.

/// A function of the table's access method. They are called as they are, in `catching`: through pgrx's bindings
/// an error would lose its context.
macro_rules! access_method {
    ($table:expr, $function:ident) => {
        match (*(*$table).rd_tableam).$function {
            Some(function) => function,
            None => pgrx::error!("heap tables cannot {}", stringify!($function)),
        }
    };
}

mod versions;

use super::bare;
use super::catalog::{Privilege, Table, has_privileges};
use super::detoast::{ItemDatum, varlena_bytes};
use super::history::record;
use super::pg_error::catching;
use super::plain::{self, COLUMNS, Expiry, Plain};
use super::read::scan_keys;
use pg_dynamo_core::apply::{Effect, Outcome, Write, WriteKind};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::table::KeySchema;
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys::{self, LockTupleMode, TM_Result};
use std::ptr::null_mut;

/// Does the write, in whole. None: this table, role or transaction wants statements, and nothing was done.
/// Err: the write is refused, or does not fit the item.
///
/// The caller holds the table as writers do.
pub fn write(table: &Table, write: &Write) -> Result<Option<Outcome>> {
    if table.distributed || !allowed(table, write.kind()) {
        return Ok(None);
    }
    let Some(plain) = table.plain.get_or_init(|| examine(table)) else {
        return Ok(None);
    };
    let decides_locked = write.kind() == WriteKind::Put && write.may_create()?;
    let schema = &table.definition.key_schema;
    // SAFETY: the relation is locked by the caller. What is opened is closed on every way out, or, when an ERROR
    // unwinds, by the resource owner. Locks stay until the end of the transaction.
    unsafe {
        let row = catching(|| Row::open(table.relid, plain, schema, write, decides_locked));
        let settled = row.settle();
        catching(|| row.close());
        settled
    }
}

const HELD: i32 = pg_sys::NoLock as i32;
const WRITE: i32 = pg_sys::RowExclusiveLock as i32;

fn examine(table: &Table) -> Option<Plain> {
    // SAFETY: the relation is locked by the caller of `write`.
    unsafe {
        let relation = catching(|| bare::table_open(table.relid, HELD));
        let plain = plain::examine(relation, &table.definition);
        catching(|| bare::table_close(relation, HELD));
        plain
    }
}

/// Whether role and transaction are such that a statement would only do what we do.
fn allowed(table: &Table, kind: WriteKind) -> bool {
    // SAFETY: plain variables of this backend's only thread.
    let ordinary = unsafe {
        pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32
            && !pg_sys::XactReadOnly
            && !pg_sys::IsInParallelMode()
            && { pg_sys::ExecutorCheckPerms_hook }.is_none()
    };
    let needed: &[Privilege] = match kind {
        WriteKind::Put | WriteKind::Update => {
            &[Privilege::Select, Privilege::Insert, Privilege::Update]
        }
        WriteKind::Delete => &[Privilege::Select, Privilege::Delete],
        // It writes nothing.
        WriteKind::Check => return false,
    };
    ordinary && has_privileges(table.relid, needed)
}

/// How an attempt ended.
enum Step {
    Settled(Outcome),
    /// The row vanished, or one appeared: look again.
    Again,
    /// The row's key is not that of its item: the trigger has work to do.
    Statement,
}

/// The row under the key of a write.
struct Row<'a> {
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    expiry: Option<&'a Expiry>,
    /// The btree of the time to live; null without one.
    expiries: pg_sys::Relation,
    /// The version that was found.
    slot: *mut pg_sys::TupleTableSlot,
    schema: &'a KeySchema,
    write: &'a Write,
    /// pk_hash, pk and sk of the write.
    key: [pg_sys::Datum; 3],
    /// A put that may insert decides on a row that stays, also when it then leaves it alone.
    decides_locked: bool,
    /// What is found is kept.
    history: bool,
}

impl<'a> Row<'a> {
    /// # Safety
    /// Inside `catching`. The caller holds a writer's lock on the table, which is `plain`.
    unsafe fn open(
        table: pg_sys::Oid,
        plain: &'a Plain,
        schema: &'a KeySchema,
        write: &'a Write,
        decides_locked: bool,
    ) -> Row<'a> {
        let StoredKey { pk_hash, pk, sk } = write.key();
        // SAFETY: by the caller.
        unsafe {
            let table = bare::table_open(table, HELD);
            Row {
                table,
                index: bare::index_open(plain.primary, WRITE),
                expiry: plain.expiry.as_ref(),
                expiries: match plain.expiry.as_ref().and_then(|expiry| expiry.btree) {
                    Some(btree) => bare::index_open(btree, WRITE),
                    None => null_mut(),
                },
                slot: bare::table_slot_create(table, null_mut()),
                schema,
                write,
                key: [(*pk_hash).into(), bare::varlena(pk), bare::varlena(sk)],
                decides_locked,
                history: plain.history,
            }
        }
    }

    /// Keeps the version that the write `found`, or that there was none, as the triggers of point-in-time recovery do.
    ///
    /// # Safety
    /// Between `open` and `close`, after the row was written; the slot still has its older version.
    unsafe fn keep(&self, found: bool) {
        if self.history {
            // SAFETY: by the caller; a row has an item.
            unsafe {
                let item = if found {
                    let tuple =
                        catching(|| bare::ExecFetchSlotHeapTuple(self.slot, false, null_mut()));
                    if record::is_made_here(tuple) {
                        return;
                    }
                    catching(|| bare::column(self.slot, COLUMNS as i32))
                } else {
                    None
                };
                record::keep(self.table, self.key, item);
            }
        }
    }

    /// # Safety
    /// Inside `catching`, once, and nothing is used afterwards.
    unsafe fn close(&self) {
        // SAFETY: opened by `open`.
        unsafe {
            bare::ExecDropSingleTupleTableSlot(self.slot);
            if !self.expiries.is_null() {
                bare::index_close(self.expiries, HELD);
            }
            bare::index_close(self.index, HELD);
            bare::table_close(self.table, HELD);
        }
    }

    /// Attempts until one meets a row, or a gap, that stays. Each sees what is committed when it begins, and all
    /// that this transaction has written, the running statement included, as a statement in a function does.
    ///
    /// # Safety
    /// Between `open` and `close`.
    unsafe fn settle(&self) -> Result<Option<Outcome>> {
        loop {
            // SAFETY: everything is open; the snapshot is popped below, or by the abort of the (sub)transaction.
            unsafe {
                pgrx::check_for_interrupts!();
                let found = catching(|| {
                    bare::CommandCounterIncrement();
                    bare::PushActiveSnapshot(bare::GetTransactionSnapshot());
                    self.find()
                });
                let step = if found { self.on_row() } else { self.on_gap() };
                let settled = matches!(step, Ok(Step::Settled(_)));
                catching(|| {
                    bare::clear(self.slot);
                    bare::PopActiveSnapshot();
                    if settled {
                        bare::CommandCounterIncrement();
                    }
                });
                match step? {
                    Step::Again => {}
                    Step::Statement => return Ok(None),
                    Step::Settled(outcome) => return Ok(Some(outcome)),
                }
            }
        }
    }

    /// Fills the slot with the row that the active snapshot sees.
    ///
    /// # Safety
    /// Inside `catching`, between `open` and `close`; a snapshot is active.
    unsafe fn find(&self) -> bool {
        // SAFETY: forwarded from the caller.
        unsafe { self.find_seen_by(bare::GetActiveSnapshot()) }
    }

    /// Fills the slot with the row that a snapshot sees.
    ///
    /// # Safety
    /// Inside `catching`, between `open` and `close`.
    unsafe fn find_seen_by(&self, snapshot: pg_sys::Snapshot) -> bool {
        // SAFETY: everything is open. The slot pins the row's page by itself.
        unsafe {
            let mut keys = scan_keys(self.key);
            let count = keys.len() as i32;
            let scan = bare::begin_scan(self.table, self.index, snapshot, count);
            bare::index_rescan(scan, keys.as_mut_ptr(), count, null_mut(), 0);
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            let found = bare::index_getnext_slot(scan, forward, self.slot);
            bare::index_endscan(scan);
            found
        }
    }

    /// There is no such item.
    ///
    /// # Safety
    /// Between `open` and `close`; a snapshot is active and the slot is empty.
    unsafe fn on_gap(&self) -> Result<Step> {
        Ok(match self.write.apply(None)? {
            Effect::Refused(error) => return Err(error),
            Effect::Unchanged | Effect::Delete => Step::Settled(Outcome::default()),
            // SAFETY: forwarded from the caller.
            Effect::Store(new) if unsafe { self.insert(new.as_item())? } => {
                // SAFETY: as above.
                unsafe { self.keep(false) };
                let new = Some(new);
                Step::Settled(Outcome { old: None, new })
            }
            Effect::Store(_) => {
                // SAFETY: as above.
                unsafe { self.wait_for_inserter() };
                Step::Again
            }
        })
    }

    /// Decides on the version in the slot, and again on the newest one for as long as it is not written.
    ///
    /// # Safety
    /// Between `open` and `close`; a snapshot is active and the slot holds a version of the row.
    unsafe fn on_row(&self) -> Result<Step> {
        let mut locked = false;
        loop {
            // SAFETY: forwarded from the caller; the item lies in a page that the slot pins, or was detoasted
            // into the memory context of the call.
            unsafe {
                let item = self.item()?;
                let effect = self.write.apply(Some(item))?;
                let old = Some(ItemBuf::from_bytes(item.bytes().to_vec()));
                let (result, mode) = match effect {
                    Effect::Refused(error) if locked || !self.decides_locked => return Err(error),
                    Effect::Unchanged if locked || !self.decides_locked => {
                        let new = old.clone();
                        return Ok(Step::Settled(Outcome { old, new }));
                    }
                    Effect::Refused(_) | Effect::Unchanged => (
                        TM_Result::TM_Updated,
                        LockTupleMode::LockTupleNoKeyExclusive,
                    ),
                    Effect::Delete => match self.delete() {
                        TM_Result::TM_Ok => {
                            self.keep(true);
                            return Ok(Step::Settled(Outcome { old, new: None }));
                        }
                        other => (other, LockTupleMode::LockTupleExclusive),
                    },
                    Effect::Store(new) => {
                        if !self.keeps_key(new.as_item())? {
                            return Ok(Step::Statement);
                        }
                        match self.update(new.as_item())? {
                            (TM_Result::TM_Ok, _) => {
                                self.keep(true);
                                let new = Some(new);
                                return Ok(Step::Settled(Outcome { old, new }));
                            }
                            other => other,
                        }
                    }
                };
                let result = match result {
                    TM_Result::TM_Updated => self.lock_newest(mode),
                    other => other,
                };
                match result {
                    TM_Result::TM_Ok if self.is_same_key() => locked = true,
                    // Plain SQL gave the row another key.
                    TM_Result::TM_Ok | TM_Result::TM_Deleted => return Ok(Step::Again),
                    other => unexpected(other),
                }
            }
        }
    }

    /// # Safety
    /// As `on_row`.
    unsafe fn item(&self) -> Result<Item<'a>> {
        // SAFETY: by the caller; the column is a varlena.
        unsafe {
            match catching(|| bare::column(self.slot, COLUMNS as i32)) {
                Some(datum) => ItemDatum::new(datum).whole(),
                None => Err(ApiError::corrupt("item")),
            }
        }
    }

    /// Whether the key of the row is that of the item it is to hold. A put's was made of it.
    ///
    /// # Safety
    /// As `on_row`.
    unsafe fn keeps_key(&self, new: Item<'_>) -> Result<bool> {
        let StoredKey { pk_hash, pk, sk } = self.write.key();
        if self.write.kind() == WriteKind::Put {
            return Ok(true);
        }
        StoredKey::matches_item(*pk_hash, pk, sk, new, self.schema)
    }

    /// Whether the version in the slot still has our key.
    ///
    /// # Safety
    /// As `on_row`.
    unsafe fn is_same_key(&self) -> bool {
        // SAFETY: by the caller; the columns are an int8 and two bytea that are not null.
        unsafe {
            let column = |number| {
                let mut is_null = false;
                pg_sys::slot_getattr(self.slot, number, &mut is_null)
            };
            let bytes = |datum: pg_sys::Datum| {
                varlena_bytes(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()))
            };
            let key = self.write.key();
            column(1).value() as i64 == key.pk_hash
                && bytes(column(2)) == key.pk
                && bytes(column(3)) == key.sk
        }
    }

    /// Locks the newest version of the row in the slot, and fills the slot with it. Waits for others.
    ///
    /// # Safety
    /// As `on_row`.
    unsafe fn lock_newest(&self, mode: LockTupleMode::Type) -> TM_Result::Type {
        // SAFETY: by the caller. The slot is filled anew, so the place is copied out of it first.
        unsafe {
            let mut tid = (*self.slot).tts_tid;
            pg_sys::ExecClearTuple(self.slot);
            let cid = pg_sys::GetCurrentCommandId(true);
            let snapshot = pg_sys::GetActiveSnapshot();
            let mut failure = pg_sys::TM_FailureData::default();
            let lock = access_method!(self.table, tuple_lock);
            catching(|| {
                lock(
                    self.table,
                    &mut tid,
                    snapshot,
                    self.slot,
                    cid,
                    mode,
                    pg_sys::LockWaitPolicy::LockWaitBlock,
                    pg_sys::TUPLE_LOCK_FLAG_FIND_LAST_VERSION as u8,
                    &mut failure,
                )
            })
        }
    }

    /// Waits for the end of a transaction that inserts or deletes a row with our key, if there is one.
    ///
    /// # Safety
    /// As `on_gap`.
    unsafe fn wait_for_inserter(&self) {
        // A dirty snapshot sees what is not committed and tells whose it is.
        let mut dirty = pg_sys::SnapshotData {
            snapshot_type: pg_sys::SnapshotType::SNAPSHOT_DIRTY,
            ..Default::default()
        };
        // SAFETY: by the caller; the scan ends before the snapshot does.
        unsafe {
            let found = catching(|| self.find_seen_by(&mut dirty));
            let mut tid = (*self.slot).tts_tid;
            pg_sys::ExecClearTuple(self.slot);
            let (inserter, deleter) = (dirty.xmin, dirty.xmax);
            let other = if inserter == pg_sys::InvalidTransactionId {
                deleter
            } else {
                inserter
            };
            if !found || other == pg_sys::InvalidTransactionId {
                return;
            }
            if dirty.speculativeToken != 0 {
                pg_sys::SpeculativeInsertionWait(other, dirty.speculativeToken);
            } else {
                let doing = pg_sys::XLTW_Oper::XLTW_InsertIndex;
                pg_sys::XactLockTableWait(other, self.table, &mut tid, doing);
            }
        }
    }
}

/// Nothing runs between our look at a row and our write that could change it in our own transaction.
fn unexpected(result: TM_Result::Type) -> ! {
    pgrx::error!("unexpected result {result} of writing a row")
}
