//! What a Query or Scan reads, as rows of SQL: neither Limit nor the size of a page ends them.

use super::meter;
use crate::storage::catalog::Table;
use crate::storage::detoast::Stored;
use crate::storage::scan::Scan;
use pg_dynamo_core::Result;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::range::KeyRange;
use pg_dynamo_core::read::PageRead;
use pg_dynamo_core::value::ItemBuf;
use std::rc::Rc;
use std::time::Instant;

/// A read bound to its table.
pub struct ItemSet {
    pub table: Rc<Table>,
    pub read: PageRead,
}

/// What becomes of an item.
pub enum Shown {
    /// The filter refuses it.
    Not,
    /// It is shown as it is stored.
    Whole,
    Part(ItemBuf),
}

impl ItemSet {
    /// A cursor over the items, in the order of the index or, `reversed`, against it.
    pub fn open(&self, reversed: bool) -> Scan {
        Scan::open(&self.table, &self.range(reversed))
    }

    /// Counts the read that began then and is over. What it read has no price: neither pages nor their limits are known here.
    pub fn count(&self, began: Instant) {
        let operation = if self.read.is_query() {
            Operation::Query
        } else {
            Operation::Scan
        };
        meter::count_rows(operation, self.table.relid.to_u32(), began);
    }

    pub fn range(&self, reversed: bool) -> KeyRange {
        let mut range = self.read.range().clone();
        range.forward ^= reversed;
        range
    }

    pub fn show(&self, item: &Stored) -> Result<Shown> {
        if !self.read.accepts(item)? {
            return Ok(Shown::Not);
        }
        if self.read.shows_whole_items() {
            return Ok(Shown::Whole);
        }
        Ok(Shown::Part(self.read.project(item)?))
    }

    /// Whether [`ItemSet::show`] answers Whole for every item.
    pub fn shows_everything(&self) -> bool {
        self.read.shows_whole_items() && !self.read.has_filter()
    }
}
