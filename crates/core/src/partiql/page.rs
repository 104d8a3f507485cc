//! The answer to a SELECT: takes items, range by range, and says where the page ends.

use super::select::SelectPlan;
use super::token::Position;
use crate::capacity::{ReadUnits, Units};
use crate::json::write_string;
use crate::limits::MAX_PAGE;
use crate::read::{Charge, PageRead, StoredItem, write_key};
use crate::request::options::ReturnCapacity;
use crate::value::ItemBuf;
use crate::value::json::write_item;
use crate::{ApiError, Result};
use std::ops::ControlFlow;

/// A page ends as one of Query does: with the item that brings those looked at to Limit, or their sizes to 1 MB.
pub struct StatementPage<'p> {
    plan: &'p SelectPlan,
    out: String,
    scanned: u64,
    returned: u64,
    /// Bytes of the ranges that are done, against 1 MB.
    bytes: usize,
    table: Units,
    index: Units,
    /// The range that is being read, and what it cost.
    range: usize,
    charge: Charge,
    /// Set when the page is full: the key to go on from, and as JSON.
    last: Option<(Position, String)>,
}

impl<'p> StatementPage<'p> {
    pub fn new(plan: &'p SelectPlan, mut out: String) -> StatementPage<'p> {
        out.push_str("{\"Items\":[");
        StatementPage {
            plan,
            out,
            scanned: 0,
            returned: 0,
            bytes: 0,
            table: Units::default(),
            index: Units::default(),
            range: plan.first,
            charge: Charge::default(),
            last: None,
        }
    }

    fn read(&self) -> Result<&'p PageRead> {
        let branch = self.plan.branches.get(self.range);
        branch
            .map(|branch| &branch.read)
            .ok_or_else(|| ApiError::internal("a range beyond the last"))
    }

    /// The next item of the range. Break: the page is full, read no further.
    pub fn offer(&mut self, item: &dyn StoredItem) -> Result<ControlFlow<()>> {
        let read = self.read()?;
        self.scanned += 1;
        self.charge.count(read, item)?;
        if read.accepts(item)? {
            if self.returned > 0 {
                self.out.push(',');
            }
            match shown(self.plan, read, item)? {
                Some(part) => write_item(&mut self.out, part.as_item())?,
                None => write_item(&mut self.out, item.whole()?)?,
            }
            self.returned += 1;
        }
        let bytes = self.bytes + self.charge.page_size();
        let full = bytes >= MAX_PAGE || self.plan.limit.is_some_and(|l| self.scanned >= l);
        if !full {
            return Ok(ControlFlow::Continue(()));
        }
        let key = read.key_of(item)?;
        let next = match read.range().is_one_row() {
            false => {
                let parts = key.iter().map(|(name, value)| (*name, value.as_av()));
                Some(Position {
                    range: self.range,
                    key: Some(ItemBuf::from_parts(&mut parts.collect())?),
                })
            }
            true if self.range + 1 < self.plan.branches.len() => Some(Position {
                range: self.range + 1,
                key: None,
            }),
            true => None,
        };
        if let Some(position) = next {
            let mut text = String::new();
            write_key(&mut text, &key)?;
            self.last = Some((position, text));
        }
        Ok(ControlFlow::Break(()))
    }

    /// The range is read to its end, or the page is full (then Break).
    pub fn end_range(&mut self) -> Result<ControlFlow<()>> {
        let read = self.read()?;
        self.bytes += self.charge.page_size();
        let (table, index) = self.charge.units(read);
        self.table = self.table + table;
        self.index = self.index + index;
        self.charge = Charge::default();
        self.range += 1;
        Ok(match &self.last {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    }

    pub fn consumed(&self) -> Units {
        self.table + self.index
    }

    /// The whole reply.
    pub fn finish(self) -> Result<String> {
        let plan = self.plan;
        let mut out = self.out;
        out.push(']');
        if let Some((position, key)) = &self.last {
            out.push_str(",\"NextToken\":");
            write_string(&mut out, &plan.binding.write(position));
            out.push_str(",\"LastEvaluatedKey\":");
            out.push_str(key);
        }
        if plan.capacity != ReturnCapacity::None {
            let index = plan.branches.first().and_then(|b| b.read.index.as_ref());
            let consumed = ReadUnits {
                table: self.table,
                index: index.map(|index| (index.name.as_str(), index.local, self.index)),
            };
            out.push_str(",\"ConsumedCapacity\":");
            consumed.write(&mut out, &plan.table.as_given, plan.capacity);
        }
        out.push('}');
        Ok(out)
    }
}

/// What the statement shows of an item that its filter accepts. None: the item as it is.
fn shown(plan: &SelectPlan, read: &PageRead, item: &dyn StoredItem) -> Result<Option<ItemBuf>> {
    match &plan.columns {
        super::Columns::All if read.shows_whole_items() => Ok(None),
        // What an index does not hold is not shown.
        super::Columns::All => read.project(item).map(Some),
        columns => columns.of_stored(item),
    }
}

impl SelectPlan {
    /// An item of range `number` as a row of SQL; None when the filter refuses it.
    pub fn row(&self, number: usize, item: &dyn StoredItem) -> Result<Option<ItemBuf>> {
        let Some(branch) = self.branches.get(number) else {
            return Ok(None);
        };
        if !branch.read.accepts(item)? {
            return Ok(None);
        }
        match shown(self, &branch.read, item)? {
            Some(part) => Ok(Some(part)),
            None => Ok(Some(ItemBuf::from_bytes(item.whole()?.bytes().to_vec()))),
        }
    }
}
