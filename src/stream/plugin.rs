//! The output plugin `pg_dynamo`: changes of data tables with a stream, in commit order.
//!
//! In the capture worker they go into its buffer. For any other slot each is a message, the JSON of a Record as
//! GetRecords shows it, and with it `eventSourceARN`. Options there: `tables`, names separated by commas (all that have a
//! stream); `epoch`, a number for the sequence numbers (0).

use super::buffer::{Buffer, Commit};
use super::marker::{self, Streamed};
use crate::storage::catalog as tables;
use crate::storage::memory;
use pg_dynamo_core::stream::record::{Origin, Row, changes};
use pg_dynamo_core::stream::{Change, Event, Position, Record, StreamName};
use pg_dynamo_core::table::Account;
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::ReorderBufferChangeType::{
    REORDER_BUFFER_CHANGE_DELETE, REORDER_BUFFER_CHANGE_INSERT, REORDER_BUFFER_CHANGE_UPDATE,
};
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::rc::Rc;

/// Marks a transaction that deletes what has expired; the message is the table's name.
const TTL: &CStr = c"pg_dynamo.ttl";
/// 2000-01-01 in epoch milliseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000;
const PK_HASH: usize = 0;
const ITEM: usize = 3;

thread_local! {
    /// In the capture worker: what was decoded, and the origin of its own transactions. Leaked on purpose: its temporary file
    /// must not be closed by a thread-local destructor after Postgres has shut down.
    static CAPTURED: &'static RefCell<Option<Captured>> = Box::leak(Box::default());
}

/// What the plugin leaves for the capture worker.
#[derive(Default)]
pub struct Captured {
    pub buffer: Buffer,
    /// End of the last transaction that was decoded whole.
    pub end_lsn: u64,
    /// When it was committed, in Postgres's microseconds.
    pub committed_at: i64,
    /// Those whose changes are in the buffer. They are on disk; others may not see them yet.
    pub transactions: Vec<pg_sys::TransactionId>,
    /// Streams with a change that is no item, and why. Of such a stream nothing that follows is taken.
    pub faults: Vec<(StreamName, String)>,
    /// Changes in the buffer when the last transaction ended.
    counted: usize,
    /// Our own origin, whose transactions are left out.
    origin: pg_sys::RepOriginId,
}

impl Captured {
    /// All that waited is stored.
    pub fn is_stored(&mut self) {
        self.transactions.clear();
        self.faults.clear();
        self.counted = 0;
    }
}

/// From here on what is decoded in this process is kept for `with_captured`.
pub fn capture_here(origin: pg_sys::RepOriginId) {
    let captured = Captured {
        origin,
        ..Captured::default()
    };
    CAPTURED.with(|known| *known.borrow_mut() = Some(captured));
}

/// Runs `body` on what was captured so far; `body` must not decode.
pub fn with_captured<R>(body: impl FnOnce(&mut Captured) -> R) -> Option<R> {
    CAPTURED.with(|captured| captured.borrow_mut().as_mut().map(body))
}

/// The state of one decoding context.
struct Plugin {
    relations: HashMap<pg_sys::Oid, Option<Rc<Streamed>>>,
    /// Of `relations`.
    invalidations: u64,
    commit: Commit,
    ordinal: u32,
    /// Tables whose removals in this transaction are expiries.
    expiring: Vec<String>,
    memory: pg_sys::MemoryContext,
    capturing: bool,
    account: Rc<Account>,
    epoch: u32,
    tables: Option<Vec<String>>,
}

/// What Postgres asks the library for when a slot names it as its plugin.
///
/// # Safety
/// Called by Postgres with room for the callbacks.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _PG_output_plugin_init(
    callbacks: *mut pg_sys::OutputPluginCallbacks,
) {
    // SAFETY: by the caller. No callback for streaming or two-phase commit: transactions come whole, when committed.
    unsafe {
        (*callbacks).startup_cb = Some(startup);
        (*callbacks).begin_cb = Some(begin);
        (*callbacks).change_cb = Some(change);
        (*callbacks).commit_cb = Some(commit);
        (*callbacks).message_cb = Some(message);
        (*callbacks).filter_by_origin_cb = Some(filter_by_origin);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup(
    context: *mut pg_sys::LogicalDecodingContext,
    options: *mut pg_sys::OutputPluginOptions,
    _is_new_slot: bool,
) {
    // SAFETY: a new context of Postgres's; what is allocated in its memory goes with it, with its destructor run.
    unsafe {
        (*options).output_type = pg_sys::OutputPluginOutputType::OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
        (*options).receive_rewrites = false;
        let mut plugin = Plugin {
            relations: HashMap::new(),
            invalidations: tables::invalidations(),
            commit: Commit { lsn: 0, at: 0 },
            ordinal: 0,
            expiring: Vec::new(),
            memory: memory::child_of((*context).context, c"pg_dynamo change"),
            capturing: CAPTURED.with(|captured| captured.borrow().is_some()),
            account: crate::guc::account(),
            epoch: 0,
            tables: None,
        };
        plugin.read_options((*context).output_plugin_options);
        let mut home = PgMemoryContexts::For((*context).context);
        (*context).output_plugin_private = home.leak_and_drop_on_delete(plugin).cast();
    }
}

/// # Safety
/// `context` was started by `startup`.
unsafe fn plugin_of<'a>(context: *mut pg_sys::LogicalDecodingContext) -> &'a mut Plugin {
    // SAFETY: by the caller; callbacks of one context never run within one another.
    unsafe { &mut *(*context).output_plugin_private.cast::<Plugin>() }
}

/// A transaction begins whose end is known.
#[pg_guard]
unsafe extern "C-unwind" fn begin(
    context: *mut pg_sys::LogicalDecodingContext,
    transaction: *mut pg_sys::ReorderBufferTXN,
) {
    // SAFETY: called by Postgres with both.
    unsafe {
        let plugin = plugin_of(context);
        plugin.commit = Commit {
            lsn: (*transaction).final_lsn,
            at: (*transaction).xact_time.commit_time.div_euclid(1000) + POSTGRES_EPOCH,
        };
        plugin.ordinal = 0;
        plugin.expiring.clear();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn commit(
    context: *mut pg_sys::LogicalDecodingContext,
    transaction: *mut pg_sys::ReorderBufferTXN,
    _commit_lsn: pg_sys::XLogRecPtr,
) {
    // SAFETY: called by Postgres with both.
    unsafe {
        if plugin_of(context).capturing {
            with_captured(|captured| {
                captured.end_lsn = (*transaction).end_lsn;
                captured.committed_at = (*transaction).xact_time.commit_time;
                let count = captured.buffer.len();
                if count > captured.counted {
                    captured.transactions.push((*transaction).xid);
                }
                captured.counted = count;
            });
        }
    }
}

/// Rows of index builds are what they were; our own rows are records.
#[pg_guard]
unsafe extern "C-unwind" fn filter_by_origin(
    _context: *mut pg_sys::LogicalDecodingContext,
    origin: pg_sys::RepOriginId,
) -> bool {
    u32::from(origin) == pg_sys::DoNotReplicateId
        || u32::from(origin) != pg_sys::InvalidRepOriginId
            && CAPTURED.with(|captured| {
                captured
                    .borrow()
                    .as_ref()
                    .is_some_and(|captured| captured.origin == origin)
            })
}

#[pg_guard]
unsafe extern "C-unwind" fn message(
    context: *mut pg_sys::LogicalDecodingContext,
    _transaction: *mut pg_sys::ReorderBufferTXN,
    _lsn: pg_sys::XLogRecPtr,
    transactional: bool,
    prefix: *const c_char,
    length: pg_sys::Size,
    bytes: *const c_char,
) {
    // SAFETY: called by Postgres with a C string and as many bytes as it says.
    unsafe {
        if !transactional || CStr::from_ptr(prefix) != TTL {
            return;
        }
        let table = std::slice::from_raw_parts(bytes.cast::<u8>(), length);
        if let Ok(table) = std::str::from_utf8(table) {
            plugin_of(context).expiring.push(table.to_owned());
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn change(
    context: *mut pg_sys::LogicalDecodingContext,
    _transaction: *mut pg_sys::ReorderBufferTXN,
    relation: pg_sys::Relation,
    change: *mut pg_sys::ReorderBufferChange,
) {
    // SAFETY: called by Postgres with all of them; what is allocated on the way is forgotten at the end.
    unsafe {
        let plugin = plugin_of(context);
        let Some(streamed) = plugin.streamed(relation) else {
            return;
        };
        if plugin.capturing && is_faulty(&streamed.name) {
            return;
        }
        let result = memory::within(plugin.memory, || {
            plugin.take(context, &streamed, relation, change)
        });
        pg_sys::MemoryContextReset(plugin.memory);
        if let Err(error) = result {
            // One table must not hold up the others, and may be what its owner has made of it.
            if plugin.capturing {
                with_captured(|captured| {
                    let fault = (streamed.name.clone(), error.message);
                    captured.faults.push(fault);
                });
                return;
            }
            error!(
                "change of DynamoDB table \"{}\": {}",
                streamed.name.table, error.message
            );
        }
    }
}

/// # Safety
/// `tuple` is null or of a change that is being decoded.
#[cfg(any(feature = "pg15", feature = "pg16"))]
unsafe fn heap_tuple(tuple: *mut pg_sys::ReorderBufferTupleBuf) -> pg_sys::HeapTuple {
    if tuple.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: by the caller.
    unsafe { &raw mut (*tuple).tuple }
}

#[cfg(not(any(feature = "pg15", feature = "pg16")))]
unsafe fn heap_tuple(tuple: pg_sys::HeapTuple) -> pg_sys::HeapTuple {
    tuple
}

/// A row of the log.
enum Logged<'a> {
    Row(Row<'a>),
    /// The item lies out of line and did not change.
    Unchanged,
    /// There is none, or none with an item.
    Absent,
}

/// # Safety
/// `tuple` is null or a row of `relation`, whose first columns are ours.
unsafe fn logged<'a>(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> Result<Logged<'a>> {
    if tuple.is_null() {
        return Ok(Logged::Absent);
    }
    // SAFETY: by the caller: as many columns as the descriptor has. Items are detoasted into the current context.
    unsafe {
        let descriptor = (*relation).rd_att;
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let mut values = vec![pg_sys::Datum::null(); count];
        let mut nulls = vec![true; count];
        pg_sys::heap_deform_tuple(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        if nulls[PK_HASH] || nulls[ITEM] {
            return Ok(Logged::Absent);
        }
        let pointer: *mut pg_sys::varlena = values[ITEM].cast_mut_ptr();
        if pgrx::varlena::varatt_is_1b_e(pointer)
            && u32::from(pgrx::varlena::vartag_external(pointer))
                == pg_sys::vartag_external::VARTAG_ONDISK
        {
            return Ok(Logged::Unchanged);
        }
        let bytes =
            crate::storage::detoast::varlena_bytes(pg_sys::pg_detoast_datum_packed(pointer));
        Ok(Logged::Row(Row {
            pk_hash: values[PK_HASH].value() as i64,
            item: Item::from_bytes(bytes)?,
        }))
    }
}

/// Whether a change of the stream could not be read; the capture worker has not noted it yet.
fn is_faulty(name: &StreamName) -> bool {
    with_captured(|captured| captured.faults.iter().any(|(faulty, _)| faulty == name)) == Some(true)
}

fn no_old_row() -> ApiError {
    ApiError::corrupt("old row in the log (its REPLICA IDENTITY was not FULL)")
}

impl Plugin {
    /// What the relation's mark said when the change was made.
    ///
    /// # Safety
    /// `relation` is open.
    unsafe fn streamed(&mut self, relation: pg_sys::Relation) -> Option<Rc<Streamed>> {
        // Those of the past arrive while it is decoded.
        let invalidations = tables::invalidations();
        if self.invalidations != invalidations {
            self.invalidations = invalidations;
            self.relations.clear();
        }
        // SAFETY: by the caller.
        let relid = unsafe { (*relation).rd_id };
        if let Some(known) = self.relations.get(&relid) {
            return known.clone();
        }
        // SAFETY: by the caller; changes are decoded inside a transaction.
        let found = unsafe { marker::of_relation(relation) };
        let wanted = |streamed: &Streamed| {
            let tables = self.tables.as_ref();
            tables.is_none_or(|tables| tables.contains(&streamed.name.table))
        };
        let found = found.filter(wanted).map(Rc::new);
        self.relations.insert(relid, found.clone());
        found
    }

    /// # Safety
    /// `change` is of `relation`, a data table; the memory of one change is current.
    unsafe fn take(
        &mut self,
        context: *mut pg_sys::LogicalDecodingContext,
        streamed: &Rc<Streamed>,
        relation: pg_sys::Relation,
        change: *mut pg_sys::ReorderBufferChange,
    ) -> Result<()> {
        // SAFETY: by the caller; the member of the union is that of the action.
        let (old, new) = unsafe {
            let tuples = &(*change).data.tp;
            let (old, new) = (heap_tuple(tuples.oldtuple), heap_tuple(tuples.newtuple));
            let none = std::ptr::null_mut();
            match (*change).action {
                REORDER_BUFFER_CHANGE_INSERT => (logged(relation, none)?, logged(relation, new)?),
                REORDER_BUFFER_CHANGE_UPDATE if old.is_null() => return Err(no_old_row()),
                REORDER_BUFFER_CHANGE_UPDATE => (logged(relation, old)?, logged(relation, new)?),
                REORDER_BUFFER_CHANGE_DELETE => (logged(relation, old)?, logged(relation, none)?),
                _ => return Ok(()),
            }
        };
        let (old, new) = match (old, new) {
            (_, Logged::Unchanged) => return Ok(()),
            (Logged::Absent | Logged::Unchanged, Logged::Absent) => return Err(no_old_row()),
            (Logged::Row(old), Logged::Row(new)) => (Some(old), Some(new)),
            (Logged::Row(old), Logged::Absent) => (Some(old), None),
            (Logged::Absent | Logged::Unchanged, Logged::Row(new)) => (None, Some(new)),
        };
        for mut change in changes(streamed.view, &streamed.schema, old, new)? {
            self.ordinal = self.ordinal.saturating_add(1);
            if change.event == Event::Remove && self.expiring.contains(&streamed.name.table) {
                change.event = Event::Expire;
            }
            if self.capturing {
                let (commit, ordinal) = (self.commit, self.ordinal);
                with_captured(|captured| {
                    captured.buffer.push(streamed, commit, ordinal, &change);
                });
            } else {
                // SAFETY: by the caller.
                unsafe { self.send(context, streamed, &change)? };
            }
        }
        Ok(())
    }

    /// Sends a change as JSON.
    ///
    /// # Safety
    /// The context is decoding.
    unsafe fn send(
        &self,
        context: *mut pg_sys::LogicalDecodingContext,
        streamed: &Streamed,
        change: &Change<'_>,
    ) -> Result<()> {
        let record = Record {
            position: Position {
                epoch: self.epoch,
                lsn: self.commit.lsn,
                ordinal: self.ordinal,
            },
            created_at: self.commit.at,
            event: change.event,
            keys: change.keys.as_ref().map(ItemBuf::as_item),
            new_image: change.new_image,
            old_image: change.old_image,
        };
        let origin = Origin {
            stream_arn: streamed.name.arn(&self.account),
            region: self.account.region.clone(),
            view: streamed.view,
            schema: streamed.schema.clone(),
        };
        let mut json = String::new();
        record.write_event(&mut json, &origin)?;
        let length =
            i32::try_from(json.len()).map_err(|_| ApiError::corrupt("length of a record"))?;
        // SAFETY: by the caller; the bytes are copied into the context's output.
        unsafe {
            pg_sys::OutputPluginPrepareWrite(context, true);
            pg_sys::appendBinaryStringInfo((*context).out, json.as_ptr().cast(), length);
            pg_sys::OutputPluginWrite(context, true);
        }
        Ok(())
    }

    /// # Safety
    /// A list of DefElem, or null.
    unsafe fn read_options(&mut self, options: *mut pg_sys::List) {
        // SAFETY: by the caller.
        unsafe {
            let count = if options.is_null() {
                0
            } else {
                (*options).length
            };
            for at in 0..count {
                let option = pg_sys::list_nth(options, at).cast::<pg_sys::DefElem>();
                let name = CStr::from_ptr((*option).defname).to_string_lossy();
                let value = if (*option).arg.is_null() {
                    String::new()
                } else {
                    let text = pg_sys::defGetString(option);
                    CStr::from_ptr(text).to_string_lossy().into_owned()
                };
                match name.as_ref() {
                    "tables" => {
                        let tables = value.split(',').map(|table| table.trim().to_owned());
                        self.tables = Some(tables.collect());
                    }
                    "epoch" => match value.parse() {
                        Ok(epoch) => self.epoch = epoch,
                        Err(_) => error!("option \"epoch\" is a number from 0 on, not \"{value}\""),
                    },
                    other => error!("output plugin pg_dynamo has no option \"{other}\""),
                }
            }
        }
    }
}
