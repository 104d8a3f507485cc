//! One page of a Query or Scan: takes items in index order, writes the reply.
use super::{Charge, PageRead, Shown, StoredItem, write_key};
use crate::Result;
use crate::capacity::{ReadUnits, Units};
use crate::limits::MAX_PAGE;
use crate::request::options::ReturnCapacity;
use crate::value::json::write_item;
use std::fmt::Write;
use std::ops::ControlFlow;

/// A page ends with the item that brings the sizes of the items looked at to 1 MB, or their number to
/// Limit; filters come after both. Its reply then has a LastEvaluatedKey, whether or not more items follow: only
/// where no more than one row can match there is none, and DynamoDB refuses to go on.
pub struct Page<'r> {
    read: &'r PageRead,
    out: String,
    scanned: u64,
    returned: u64,
    charge: Charge,
    /// Set when the page is full: the key to go on from, as JSON.
    last_key: Option<String>,
}

impl<'r> Page<'r> {
    pub(super) fn new(read: &'r PageRead, mut out: String) -> Page<'r> {
        out.push('{');
        if !matches!(read.shown, Shown::Count) {
            out.push_str("\"Items\":[");
        }
        Page {
            read,
            out,
            scanned: 0,
            returned: 0,
            charge: Charge::default(),
            last_key: None,
        }
    }

    /// ScannedCount so far.
    pub fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Count so far.
    pub fn returned(&self) -> u64 {
        self.returned
    }

    /// The next item of the range. Break: the page is full, read no further.
    pub fn offer(&mut self, item: &dyn StoredItem) -> Result<ControlFlow<()>> {
        self.scanned += 1;
        self.charge.count(self.read, item)?;
        if self.read.accepts(item)? {
            self.show(item)?;
            self.returned += 1;
        }
        let full = self.charge.page_size() >= MAX_PAGE
            || self.read.limit.is_some_and(|l| self.scanned >= l);
        if !full {
            return Ok(ControlFlow::Continue(()));
        }
        if !self.read.range.is_one_row() {
            let mut key = String::new();
            write_key(&mut key, &self.read.key_of(item)?)?;
            self.last_key = Some(key);
        }
        Ok(ControlFlow::Break(()))
    }

    fn show(&mut self, item: &dyn StoredItem) -> Result<()> {
        let out = &mut self.out;
        if self.returned > 0 && !matches!(self.read.shown, Shown::Count) {
            out.push(',');
        }
        match &self.read.shown {
            Shown::Count => Ok(()),
            Shown::Whole => write_item(out, item.whole()?),
            Shown::Parts(_) if item.in_pieces() => {
                write_item(out, self.read.project(item)?.as_item())
            }
            Shown::Parts(projection) => projection.write_json(out, item.whole()?),
        }
    }

    /// What the items looked at cost so far.
    pub fn consumed(&self) -> Units {
        let (table, index) = self.charge.units(self.read);
        table + index
    }

    /// The whole reply.
    pub fn finish(self) -> Result<String> {
        let read = self.read;
        let mut out = self.out;
        if !matches!(read.shown, Shown::Count) {
            out.push_str("],");
        }
        let (count, scanned) = (self.returned, self.scanned);
        // Writing to a String cannot fail.
        let _ = write!(out, "\"Count\":{count},\"ScannedCount\":{scanned}");
        if let Some(key) = &self.last_key {
            out.push_str(",\"LastEvaluatedKey\":");
            out.push_str(key);
        }
        if read.capacity != ReturnCapacity::None {
            out.push_str(",\"ConsumedCapacity\":");
            let (table, index) = self.charge.units(read);
            let own = read.index.as_ref();
            let consumed = ReadUnits {
                table,
                index: own.map(|own| (own.name.as_str(), own.local, index)),
            };
            consumed.write(&mut out, &read.table.as_given, read.capacity);
        }
        out.push('}');
        Ok(out)
    }
}
