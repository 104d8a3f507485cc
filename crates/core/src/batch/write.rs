//! A BatchWriteItem bound to its tables, and its reply.
use crate::apply::{Outcome, Write, WriteKind};
use crate::capacity::{Units, WriteUnits};
use crate::json::write_string;
use crate::request::options::ReturnCapacity;
use crate::table::TableRef;
use crate::value::ItemBuf;
use crate::value::json::write_item;
use crate::{ApiError, Result};
use std::rc::Rc;

/// Puts and deletes of several tables.
#[derive(Debug)]
pub struct BatchWrite {
    tables: Vec<TableWrites>,
    capacity: ReturnCapacity,
}

/// Those of one table: no two of one key.
#[derive(Debug)]
pub struct TableWrites {
    table: TableRef,
    puts: Vec<Rc<Write>>,
    deletes: Vec<Rc<Write>>,
    /// Left for another request.
    unprocessed: Vec<Rc<Write>>,
}

impl TableWrites {
    pub(crate) fn new(table: TableRef, mut writes: Vec<Rc<Write>>) -> TableWrites {
        writes.sort_unstable_by(|one, other| one.key().cmp(other.key()));
        let puts = writes.into_iter();
        let (puts, deletes) = puts.partition(|write| write.kind() == WriteKind::Put);
        TableWrites {
            table,
            puts,
            deletes,
            unprocessed: Vec::new(),
        }
    }

    /// In the order of the primary key.
    pub fn puts(&self) -> &[Rc<Write>] {
        &self.puts
    }

    /// In the order of the primary key.
    pub fn deletes(&self) -> &[Rc<Write>] {
        &self.deletes
    }

    /// `"Music":[{"PutRequest":{"Item":…}},{"DeleteRequest":{"Key":…}}]` of what is left.
    fn write_unprocessed(&self, out: &mut String) -> Result<()> {
        write_string(out, &self.table.as_given);
        out.push_str(":[");
        for (i, write) in self.unprocessed.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match write.proposed() {
                Some(item) => {
                    out.push_str("{\"PutRequest\":{\"Item\":");
                    write_item(out, item)?;
                }
                None => {
                    out.push_str("{\"DeleteRequest\":{\"Key\":");
                    let key = ItemBuf::from_attributes(write.key_attributes());
                    write_item(out, key.as_item())?;
                }
            }
            out.push_str("}}");
        }
        out.push(']');
        Ok(())
    }

    /// Puts, then deletes.
    pub fn writes(&self) -> impl Iterator<Item = &Rc<Write>> {
        self.puts.iter().chain(&self.deletes)
    }

    /// What the writes cost. `outcomes`: of the puts, then of the deletes.
    pub fn units(&self, outcomes: &[Outcome]) -> Result<WriteUnits<'_>> {
        let mut units = WriteUnits::default();
        for (write, outcome) in self.writes().zip(outcomes) {
            write.add_consumed(outcome, &mut units)?;
        }
        Ok(units)
    }
}

impl BatchWrite {
    pub(crate) fn new(tables: Vec<TableWrites>, capacity: ReturnCapacity) -> BatchWrite {
        BatchWrite { tables, capacity }
    }

    pub fn tables(&self) -> &[TableWrites] {
        &self.tables
    }

    /// Leaves the writes of the table in that place unprocessed: it has none any more.
    pub fn leave(&mut self, place: usize) {
        if let Some(table) = self.tables.get_mut(place) {
            let deletes = std::mem::take(&mut table.deletes);
            table.unprocessed = std::mem::take(&mut table.puts);
            table.unprocessed.extend(deletes);
        }
    }

    /// Appends the whole response JSON. `outcomes`: of each table, those of its puts, then of its deletes.
    /// Err: corrupt stored bytes.
    pub fn reply(&self, outcomes: &[Vec<Outcome>], out: &mut String) -> Result<()> {
        self.check(outcomes)?;
        // SDKs ask for this member whether or not anything is left.
        out.push_str("{\"UnprocessedItems\":{");
        let left = |table: &&TableWrites| !table.unprocessed.is_empty();
        for (i, table) in self.tables.iter().filter(left).enumerate() {
            if i > 0 {
                out.push(',');
            }
            table.write_unprocessed(out)?;
        }
        out.push('}');
        self.write_collections(out)?;
        if self.capacity != ReturnCapacity::None {
            out.push_str(",\"ConsumedCapacity\":[");
            for (i, (table, outcomes)) in self.tables.iter().zip(outcomes).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                table
                    .units(outcomes)?
                    .write(out, &table.table.as_given, self.capacity);
            }
            out.push(']');
        }
        out.push('}');
        Ok(())
    }

    fn check(&self, outcomes: &[Vec<Outcome>]) -> Result<()> {
        if outcomes.len() == self.tables.len() {
            Ok(())
        } else {
            Err(ApiError::internal("not the outcomes of each table"))
        }
    }

    /// What the writes cost, of all tables and their indexes. `outcomes` as for `reply`.
    pub fn consumed(&self, outcomes: &[Vec<Outcome>]) -> Result<Units> {
        self.check(outcomes)?;
        let tables = self.tables.iter().zip(outcomes);
        tables
            .map(|(table, outcomes)| Ok(table.units(outcomes)?.total()))
            .sum()
    }

    /// `,"ItemCollectionMetrics":{"Music":[…]}`: each collection of a table with local indexes once.
    fn write_collections(&self, out: &mut String) -> Result<()> {
        let mut first = true;
        for table in &self.tables {
            let mut shown: Vec<_> = table
                .writes()
                .filter(|write| write.shows_collection())
                .collect();
            shown.sort_by_key(|write| (write.key().pk_hash, &write.key().pk));
            shown.dedup_by(|one, other| one.key().pk == other.key().pk);
            if shown.is_empty() {
                continue;
            }
            out.push_str(if std::mem::take(&mut first) {
                ",\"ItemCollectionMetrics\":{"
            } else {
                ","
            });
            write_string(out, &table.table.as_given);
            out.push_str(":[");
            for (i, write) in shown.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write.write_collection(out)?;
            }
            out.push(']');
        }
        if !first {
            out.push('}');
        }
        Ok(())
    }
}
