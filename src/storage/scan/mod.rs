//! A cursor over a range of a table or index: items in the order of the index, read as they are asked for.
//!
//! Nothing is read ahead: whoever stops after ten items has read ten rows.

mod direct;
mod keys;
mod statement;

pub use statement::{RangePlans, explain};

use super::catalog::{Privilege, Table, has_privilege, shortened};
use super::detoast::{ItemDatum, Stored};
use super::{index, memory};
use direct::Direct;
use pg_dynamo_core::Result;
use pg_dynamo_core::range::{Access, KeyRange};
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

fn new_memory(name: &'static std::ffi::CStr) -> pg_sys::MemoryContext {
    // SAFETY: the current context is alive.
    unsafe { memory::child_of(pg_sys::CurrentMemoryContext, name) }
}

/// The btree that `access` reads.
pub fn index_name(table: &Table, access: Access) -> String {
    let name = &table.definition.name;
    match access {
        Access::Primary => shortened(name, ":primary"),
        Access::Local { columns } | Access::Global { columns } => index::name(name, columns),
    }
}

impl Scan {
    /// Begins to read `range` as the active snapshot sees it, for the current role. The caller holds a lock on
    /// the table; the cursor lives no longer than the current memory context. Raises Postgres's permission error.
    pub fn open(table: &Rc<Table>, range: &KeyRange) -> Scan {
        let memory = new_memory(c"dynamo scan");
        let begin = || {
            if range.empty {
                return Source::Empty;
            }
            let direct = !table.distributed && has_privilege(table.relid, Privilege::Select);
            match direct.then(|| Direct::open(table, range)).flatten() {
                Some(direct) => Source::Direct(direct),
                None => Source::Statement(Statement::open(table, range)),
            }
        };
        // SAFETY: made just now.
        let source = unsafe { memory::within(memory, begin) };
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
            // SAFETY: made above; when it is reset, nothing of the row is used any more.
            let taken = unsafe {
                let taken = memory::within(memory, || take(&Stored::new(datum)));
                pg_sys::MemoryContextReset(memory);
                taken
            };
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
