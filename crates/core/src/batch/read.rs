//! A BatchGetItem bound to its tables, and its reply.
use crate::capacity::{Units, write_consumed};
use crate::expression::Projection;
use crate::json::write_string;
use crate::key::StoredKey;
use crate::limits::MAX_BATCH_RESPONSE;
use crate::read::StoredItem;
use crate::request::options::ReturnCapacity;
use crate::table::TableRef;
use crate::value::json::write_item;
use crate::value::{Attributes, ItemBuf};
use crate::{ApiError, Result};
use std::ops::ControlFlow;

/// The keys that are asked of several tables.
#[derive(Debug)]
pub struct BatchRead {
    tables: Vec<TableRead>,
    capacity: ReturnCapacity,
}

/// The keys that are asked of one table, in the order of the primary key.
#[derive(Debug)]
pub struct TableRead {
    table: TableRef,
    keys: Vec<StoredKey>,
    /// The same, as the request has them.
    attributes: Vec<Attributes>,
    projection: Option<Projection>,
    consistent: bool,
    parameters: String,
}

impl TableRead {
    /// `parameters`: the other members of the request, as UnprocessedKeys repeats them behind Keys.
    pub(crate) fn new(
        table: TableRef,
        mut keys: Vec<(StoredKey, Attributes)>,
        projection: Option<Projection>,
        consistent: bool,
        parameters: String,
    ) -> TableRead {
        keys.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let (keys, attributes) = keys.into_iter().unzip();
        TableRead {
            table,
            keys,
            attributes,
            projection,
            consistent,
            parameters,
        }
    }

    /// Distinct and in order.
    pub fn keys(&self) -> &[StoredKey] {
        &self.keys
    }

    pub fn consistent(&self) -> bool {
        self.consistent
    }

    /// What the request shows of an item.
    pub fn select(&self, item: &dyn StoredItem) -> Result<ItemBuf> {
        match &self.projection {
            None => Ok(ItemBuf::from_bytes(item.whole()?.bytes().to_vec())),
            Some(projection) if item.in_pieces() => {
                projection.project_with(&mut |name| item.attribute(name))
            }
            Some(projection) => projection.project(item.whole()?),
        }
    }

    fn write(&self, item: &dyn StoredItem, out: &mut String) -> Result<()> {
        match &self.projection {
            None => write_item(out, item.whole()?),
            Some(_) => write_item(out, self.select(item)?.as_item()),
        }
    }
}

impl BatchRead {
    pub(crate) fn new(tables: Vec<TableRead>, capacity: ReturnCapacity) -> BatchRead {
        BatchRead { tables, capacity }
    }

    pub fn tables(&self) -> &[TableRead] {
        &self.tables
    }

    /// Starts a reply, appended to `out`.
    pub fn reply(&self, mut out: String) -> BatchReply<'_> {
        out.push_str("{\"Responses\":{");
        BatchReply {
            read: self,
            out,
            current: None,
            items: 0,
            size: 0,
            units: vec![Units::default(); self.tables.len()],
            answered: vec![0; self.tables.len()],
        }
    }
}

/// The reply to a BatchGetItem while items come in: `begin` each table in its turn, then `offer` what was
/// found under each of its keys, in their order, until the reply is full.
pub struct BatchReply<'r> {
    read: &'r BatchRead,
    out: String,
    /// Place of the table whose items are coming.
    current: Option<usize>,
    /// Items of that table written so far.
    items: usize,
    /// DynamoDB's sizes of all items read, whole.
    size: usize,
    units: Vec<Units>,
    /// How many keys of each table were answered; those behind them are unprocessed.
    answered: Vec<usize>,
}

impl BatchReply<'_> {
    /// The items of the next table come.
    pub fn begin(&mut self) {
        let next = self.close();
        if let Some(table) = self.read.tables.get(next) {
            if next > 0 {
                self.out.push(',');
            }
            write_string(&mut self.out, &table.table.as_given);
            self.out.push_str(":[");
        }
        self.current = Some(next);
        self.items = 0;
    }

    /// Ends the table whose items came; the place of the next one.
    fn close(&mut self) -> usize {
        match self.current {
            None => 0,
            Some(current) => {
                if current < self.read.tables.len() {
                    self.out.push(']');
                }
                current + 1
            }
        }
    }

    /// What was found under the next key of the table. Break: the item does not fit any more, and this key
    /// and all others are unprocessed.
    pub fn offer(&mut self, item: Option<&dyn StoredItem>) -> Result<ControlFlow<()>> {
        let at = self.current.unwrap_or_default();
        let read = self.read;
        let Some(table) = read.tables.get(at) else {
            return Err(ApiError::internal("an item of no table"));
        };
        let size = item.map(StoredItem::size).transpose()?.unwrap_or(0);
        if self.size + size > MAX_BATCH_RESPONSE {
            return Ok(ControlFlow::Break(()));
        }
        if let Some(item) = item {
            if self.items > 0 {
                self.out.push(',');
            }
            table.write(item, &mut self.out)?;
            self.items += 1;
        }
        self.size += size;
        self.answered[at] += 1;
        self.units[at] = self.units[at] + Units::of_read(size, table.consistent);
        Ok(ControlFlow::Continue(()))
    }

    /// What the items looked at cost so far.
    pub fn consumed(&self) -> Units {
        self.units.iter().copied().sum()
    }

    /// The whole reply.
    pub fn finish(mut self) -> Result<String> {
        while self.current.is_none_or(|at| at < self.read.tables.len()) {
            self.begin();
        }
        self.out.push_str("},\"UnprocessedKeys\":{");
        self.write_unprocessed()?;
        self.out.push('}');
        if self.read.capacity != ReturnCapacity::None {
            self.out.push_str(",\"ConsumedCapacity\":[");
            for (i, (table, units)) in self.read.tables.iter().zip(&self.units).enumerate() {
                if i > 0 {
                    self.out.push(',');
                }
                let name = &table.table.as_given;
                write_consumed(&mut self.out, name, *units, self.read.capacity);
            }
            self.out.push(']');
        }
        self.out.push('}');
        Ok(self.out)
    }

    fn write_unprocessed(&mut self) -> Result<()> {
        let mut first = true;
        for (table, answered) in self.read.tables.iter().zip(&self.answered) {
            let left = table.attributes.get(*answered..).unwrap_or_default();
            if left.is_empty() {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            write_string(&mut self.out, &table.table.as_given);
            self.out.push_str(":{\"Keys\":[");
            for (i, key) in left.iter().enumerate() {
                if i > 0 {
                    self.out.push(',');
                }
                write_item(&mut self.out, ItemBuf::from_attributes(key).as_item())?;
            }
            self.out.push(']');
            self.out.push_str(&table.parameters);
            self.out.push('}');
        }
        Ok(())
    }
}
