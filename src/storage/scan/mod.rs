//! A cursor over a range of a table or index: items in the order of the index, read as they are asked for.
//!
//! Nothing is read ahead: whoever stops after ten items has read ten rows.
#![allow(dead_code)] // TEMP

mod direct;
mod keys;
mod statement;

pub use statement::RangePlans;

use super::catalog::{Privilege, Table, has_privilege};
use super::detoast::{ItemDatum, Stored};
use direct::Direct;
use pg_dynamo_core::Result;
use pg_dynamo_core::range::KeyRange;
use pgrx::pg_sys;
use statement::Statement;
use std::ops::ControlFlow;
use std::rc::Rc;

enum Source {
    Empty,
    Direct(Direct),
    Statement(Statement),
}

/// An open cursor. Closed when it is dropped, but not while a panic unwinds: then Postgres itself gives back
/// what it holds.
pub struct Scan {
    source: Source,
    /// Holds what the source was made of.
    memory: pg_sys::MemoryContext,
    /// Its statements are in use.
    _table: Rc<Table>,
    rows: u64,
}

/// Runs `body` with `memory` as the current memory context.
fn within<R>(memory: pg_sys::MemoryContext, body: impl FnOnce() -> R) -> R {
    // SAFETY: both contexts are alive; when an ERROR unwinds past, its handler sets the context anew.
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(memory);
        let result = body();
        pg_sys::MemoryContextSwitchTo(before);
        result
    }
}

fn new_memory(name: &'static std::ffi::CStr) -> pg_sys::MemoryContext {
    // SAFETY: a child of the current context; the name is a constant, as Postgres demands.
    unsafe {
        pg_sys::AllocSetContextCreateInternal(
            pg_sys::CurrentMemoryContext,
            name.as_ptr(),
            pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
    }
}

impl Scan {
    /// Begins to read `range` as the active snapshot sees it, for the current role. The caller holds a lock on
    /// the table; the cursor lives no longer than the current memory context. Raises Postgres's permission error.
    pub fn open(table: &Rc<Table>, range: &KeyRange) -> Scan {
        let memory = new_memory(c"dynamo scan");
        let source = within(memory, || {
            if range.empty {
                return Source::Empty;
            }
            let direct = !table.distributed && has_privilege(table.relid, Privilege::Select);
            match direct.then(|| Direct::open(table, range)).flatten() {
                Some(direct) => Source::Direct(direct),
                None => Source::Statement(Statement::open(table, range)),
            }
        });
        Scan {
            source,
            memory,
            _table: Rc::clone(table),
            rows: 0,
        }
    }

    /// The next item, valid until the following call.
    pub fn next(&mut self) -> Option<ItemDatum> {
        pgrx::check_for_interrupts!();
        let found = match &mut self.source {
            Source::Empty => None,
            Source::Direct(direct) => direct.next(),
            Source::Statement(statement) => statement.next(),
        };
        self.rows += u64::from(found.is_some());
        found
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        self.rows
    }

    /// Whether the index is read without a statement.
    pub fn is_direct(&self) -> bool {
        matches!(self.source, Source::Direct(_))
    }

    /// Hands out items until `take` breaks or the range ends. Memory that `take` leaves behind is freed after
    /// each, so what a whole table costs is what its largest item costs.
    pub fn each(&mut self, mut take: impl FnMut(&Stored) -> Result<ControlFlow<()>>) -> Result<()> {
        let memory = new_memory(c"dynamo row");
        let mut result = Ok(());
        while let Some(datum) = self.next() {
            let taken = within(memory, || take(&Stored::new(datum)));
            // SAFETY: nothing of the row is used any more.
            unsafe { pg_sys::MemoryContextReset(memory) };
            match taken {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        // SAFETY: made above.
        unsafe { pg_sys::MemoryContextDelete(memory) };
        result
    }

    /// Forgets a cursor whose transaction was aborted: Postgres has given back everything already.
    pub fn abandon(mut self) {
        self.source = Source::Empty;
        self.memory = std::ptr::null_mut();
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if std::thread::panicking() || self.memory.is_null() {
            return;
        }
        match std::mem::replace(&mut self.source, Source::Empty) {
            Source::Empty => {}
            Source::Direct(direct) => direct.close(),
            Source::Statement(statement) => statement.close(),
        }
        // SAFETY: made by `open`; nothing in it is used any more.
        unsafe { pg_sys::MemoryContextDelete(self.memory) };
    }
}
