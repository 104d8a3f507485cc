//! A cursor over a range of a table or index: items in the order of the index, read as they are asked for.
//!
//! Nothing is read ahead: whoever stops after ten items has read ten rows.

mod direct;
mod keys;
mod statement;
mod verdict;

pub use statement::{RangePlans, explain};
pub use verdict::Verdicts;

use super::catalog::{Privilege, Table, has_privilege, shortened};
use super::detoast::{ItemDatum, Stored};
use super::pg_error::catching;
use super::{bare, index, memory};
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
        let direct =
            !range.empty && !table.distributed && has_privilege(table.relid, Privilege::Select);
        let verdict = direct
            .then(|| table.verdicts.get(table, range.access))
            .flatten();
        // SAFETY: the current context is alive, and the new one while it is used; the caller holds the table.
        let (memory, direct) = unsafe {
            catching(|| {
                let memory = memory::bare_child(c"dynamo scan");
                let open = |verdict| memory::within(memory, || Direct::open(verdict, range));
                (memory, verdict.and_then(open))
            })
        };
        let source = match direct {
            Some(direct) => Source::Direct(direct),
            None if range.empty => Source::Empty,
            // SAFETY: made just now.
            None => Source::Statement(unsafe {
                memory::within(memory, || Statement::open(table, range))
            }),
        };
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
        // SAFETY: the current context is alive.
        let memory = unsafe { catching(|| memory::bare_child(c"dynamo row")) };
        let mut result = Ok(());
        while let Some(datum) = self.next() {
            // SAFETY: made above; when it is reset, nothing of the row is used any more.
            let taken = unsafe {
                let taken = memory::within(memory, || take(&Stored::new(datum)));
                memory::reset(memory);
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
        unsafe { catching(|| bare::MemoryContextDelete(memory)) };
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
        let source = std::mem::replace(&mut self.source, Source::Empty);
        let direct = match source {
            Source::Direct(direct) => Some(direct),
            Source::Statement(statement) => {
                statement.close();
                None
            }
            Source::Empty => None,
        };
        // SAFETY: opened and made by `open`; nothing in the memory is used any more.
        unsafe {
            catching(|| {
                if let Some(direct) = direct {
                    direct.close();
                }
                bare::MemoryContextDelete(self.memory);
            });
        }
    }
}
