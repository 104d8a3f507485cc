//! A transaction that reads, bound to its tables, and its reply.
use super::{Reasons, check_size};
use crate::apply::Read;
use crate::capacity::{Units, write_read_in_transaction};
use crate::key::StoredKey;
use crate::read::StoredItem;
use crate::request::options::ReturnCapacity;
use crate::table::TableRef;
use crate::value::json::write_item;
use crate::{ApiError, Result};

/// Items of several tables, none twice.
#[derive(Debug)]
pub struct TransactRead {
    tables: Vec<TableGets>,
    count: usize,
    capacity: ReturnCapacity,
}

/// What is asked of one table, in the order of the primary key.
#[derive(Debug)]
pub struct TableGets {
    table: TableRef,
    keys: Vec<StoredKey>,
    /// The same, each with its place in the request.
    reads: Vec<(usize, Read)>,
}

impl TableGets {
    /// Distinct and in order.
    pub fn keys(&self) -> &[StoredKey] {
        &self.keys
    }
}

impl TransactRead {
    /// `gets`: in the order of the request, each with the place of its table.
    pub(crate) fn new(
        tables: Vec<TableRef>,
        gets: Vec<(usize, Read)>,
        capacity: ReturnCapacity,
    ) -> TransactRead {
        let count = gets.len();
        let mut reads: Vec<Vec<(usize, Read)>> = tables.iter().map(|_| Vec::new()).collect();
        for (place, (table, read)) in gets.into_iter().enumerate() {
            if let Some(reads) = reads.get_mut(table) {
                reads.push((place, read));
            }
        }
        let tables = tables.into_iter().zip(reads).map(|(table, mut reads)| {
            reads.sort_by(|(_, one), (_, other)| one.key().cmp(other.key()));
            TableGets {
                table,
                keys: reads.iter().map(|(_, read)| read.key().clone()).collect(),
                reads,
            }
        });
        TransactRead {
            tables: tables.collect(),
            count,
            capacity,
        }
    }

    /// As they first appear in the request.
    pub fn tables(&self) -> &[TableGets] {
        &self.tables
    }

    /// Asks of each table, by its place, whether these keys of it may be read.
    /// Err: TransactionCanceledException, when one may not.
    pub fn admit(&self, mut admit: impl FnMut(usize, &[StoredKey]) -> Result<()>) -> Result<()> {
        let mut refused: Vec<Option<ApiError>> = vec![None; self.count];
        for (table, gets) in self.tables.iter().enumerate() {
            if let Err(error) = admit(table, &gets.keys) {
                for (place, _) in &gets.reads {
                    refused[*place] = Some(error.clone());
                }
            }
        }
        let mut reasons = Reasons::default();
        for refused in refused {
            match refused {
                None => reasons.push_none(),
                Some(error) => reasons.push(error)?,
            }
        }
        reasons.check()
    }

    pub fn reply(&self) -> TransactReply<'_> {
        TransactReply {
            read: self,
            responses: vec![String::new(); self.count],
            units: vec![Units::default(); self.tables.len()],
            size: 0,
        }
    }
}

/// The reply to a transaction that reads, while items come in.
pub struct TransactReply<'r> {
    read: &'r TransactRead,
    /// `"Item":{…}` by place in the request; empty where there is nothing to show.
    responses: Vec<String>,
    units: Vec<Units>,
    /// DynamoDB's sizes of all items read, whole.
    size: usize,
}

impl TransactReply<'_> {
    /// What was found under a key. `table` and `key`: places in [`TransactRead::tables`] and
    /// [`TableGets::keys`].
    /// Err: ValidationException for items that are too large together; corrupt stored bytes.
    pub fn take(&mut self, table: usize, key: usize, item: Option<&dyn StoredItem>) -> Result<()> {
        let gets = self.read.tables.get(table);
        let Some((place, read)) = gets.and_then(|gets| gets.reads.get(key)) else {
            return Err(ApiError::internal("an item that was not asked for"));
        };
        let size = item.map(StoredItem::size).transpose()?.unwrap_or(0);
        self.units[table] = self.units[table] + Units::of_read(size, true).doubled();
        self.size += size;
        check_size(self.size)?;
        if let Some(item) = item {
            write_response(read, item, &mut self.responses[*place])?;
        }
        Ok(())
    }

    /// What the items of each table cost.
    pub fn units(&self) -> &[Units] {
        &self.units
    }

    /// What the items looked at cost.
    pub fn consumed(&self) -> Units {
        self.units.iter().copied().sum()
    }

    /// The whole reply.
    pub fn finish(self) -> String {
        let mut out = String::from("{\"Responses\":[");
        for (i, response) in self.responses.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push('{');
            out.push_str(response);
            out.push('}');
        }
        out.push(']');
        if self.read.capacity != ReturnCapacity::None {
            out.push_str(",\"ConsumedCapacity\":[");
            for (i, (gets, units)) in self.read.tables.iter().zip(&self.units).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let name = &gets.table.as_given;
                write_read_in_transaction(&mut out, name, *units, self.read.capacity);
            }
            out.push(']');
        }
        out.push('}');
        out
    }
}

/// Nothing, where nothing is left of the item.
fn write_response(read: &Read, item: &dyn StoredItem, out: &mut String) -> Result<()> {
    let Some(projection) = read.projection() else {
        out.push_str("\"Item\":");
        return write_item(out, item.whole()?);
    };
    let named = read.columns().map(|columns| columns.of_stored(item));
    let part = if let Some(part) = named.transpose()?.flatten() {
        part
    } else if item.in_pieces() {
        projection.project_with(&mut |name| item.attribute(name))?
    } else {
        projection.project(item.whole()?)?
    };
    if part.as_item().size() > 0 {
        out.push_str("\"Item\":");
        write_item(out, part.as_item())?;
    }
    Ok(())
}
