//! One page of a Query or Scan: takes items in index order, writes the reply.
use super::{IndexRead, PageRead, Shown, StoredItem};
use crate::capacity::{ReadUnits, Units};
use crate::json::write_string;
use crate::limits::MAX_PAGE;
use crate::request::options::ReturnCapacity;
use crate::value::json::{write_av, write_item};
use crate::{ApiError, Result};
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
    /// Bytes read of the table, or of the index when there is one: they are charged as one sum.
    charged: usize,
    /// Bytes that count against 1 MB: with a local index that fetches, those of the whole items.
    page_size: usize,
    /// What fetching from the table costs, when a local index does not hold what is asked for.
    fetched: Units,
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
            charged: 0,
            page_size: 0,
            fetched: Units::default(),
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
        self.count_size(item)?;
        if self.read.accepts(item)? {
            self.show(item)?;
            self.returned += 1;
        }
        let full = self.page_size >= MAX_PAGE || self.read.limit.is_some_and(|l| self.scanned >= l);
        if !full {
            return Ok(ControlFlow::Continue(()));
        }
        if !self.read.range.is_one_row() {
            self.last_key = Some(self.key_of(item)?);
        }
        Ok(ControlFlow::Break(()))
    }

    fn count_size(&mut self, item: &dyn StoredItem) -> Result<()> {
        let Some(IndexRead { entry, fetches, .. }) = &self.read.index else {
            self.charged += item.size()?;
            self.page_size = self.charged;
            return Ok(());
        };
        let entry_size = match entry {
            Some(names) => super::size_of_attributes(names, item)?,
            None => item.size()?,
        };
        self.charged += entry_size;
        if *fetches {
            let whole = item.size()?;
            self.fetched = self.fetched + Units::of_read(whole, self.read.consistent);
            self.page_size += whole;
        } else {
            self.page_size += entry_size;
        }
        Ok(())
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

    fn key_of(&self, item: &dyn StoredItem) -> Result<String> {
        let mut key = String::from("{");
        for (i, name) in self.read.keys.iter().enumerate() {
            if i > 0 {
                key.push(',');
            }
            write_string(&mut key, name);
            key.push(':');
            match item.attribute(name)? {
                Some(value) => write_av(&mut key, value.as_av())?,
                None => return Err(ApiError::corrupt("a key attribute is missing")),
            }
        }
        key.push('}');
        Ok(key)
    }

    /// What the items looked at cost so far.
    pub fn consumed(&self) -> Units {
        Units::of_read(self.charged, self.read.consistent) + self.fetched
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
            let units = Units::of_read(self.charged, read.consistent);
            let consumed = match &read.index {
                None => ReadUnits {
                    table: units,
                    index: None,
                },
                Some(index) => ReadUnits {
                    table: self.fetched,
                    index: Some((&index.name, index.local, units)),
                },
            };
            consumed.write(&mut out, &read.table.as_given, read.capacity);
        }
        out.push('}');
        Ok(out)
    }
}
