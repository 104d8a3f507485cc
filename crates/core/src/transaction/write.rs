//! A transaction that writes, bound to its tables, and its reply.
use super::{Reasons, Token, check_size};
use crate::apply::{Effect, Outcome, Write, WriteKind};
use crate::capacity::{Consumed, Units, WriteUnits, write_read_in_transaction};
use crate::json::write_string;
use crate::operation::Operation;
use crate::request::options::ReturnCapacity;
use crate::table::TableRef;
use crate::value::{Item, ItemBuf};
use crate::{ApiError, Result};
use std::rc::Rc;

/// Actions on items of several tables, no two on one item.
#[derive(Debug)]
pub struct TransactWrite {
    /// Whose reply is written.
    operation: Operation,
    /// As they first appear in the request.
    tables: Vec<TableRef>,
    /// Each with the place of its table.
    actions: Vec<(usize, Rc<Write>)>,
    token: Option<Token>,
    capacity: ReturnCapacity,
    metrics: bool,
}

impl TransactWrite {
    pub(crate) fn new(
        operation: Operation,
        tables: Vec<TableRef>,
        actions: Vec<(usize, Rc<Write>)>,
        token: Option<Token>,
        capacity: ReturnCapacity,
        metrics: bool,
    ) -> TransactWrite {
        TransactWrite {
            operation,
            tables,
            actions,
            token,
            capacity,
            metrics,
        }
    }

    /// In the order of the request, each with the place of its table.
    pub fn actions(&self) -> &[(usize, Rc<Write>)] {
        &self.actions
    }

    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// What every action makes of the item that is there. `items`: in the order of the actions.
    ///
    /// Err: TransactionCanceledException, with what the transaction consumed nevertheless; ValidationException for
    /// items that are too large together; corrupt stored bytes.
    pub fn judge(&self, items: &[Option<ItemBuf>]) -> Result<()> {
        let mut reasons = Reasons::default();
        let (mut consumed, mut size) = (Units::default(), 0);
        for ((_, write), item) in self.actions.iter().zip(items) {
            let old = item.as_ref().map(ItemBuf::as_item);
            let before = old.map_or(0, |item| item.size());
            let mut after = write.proposed().map_or(0, |item| item.size());
            match write.apply(old) {
                Ok(Effect::Refused(error)) | Err(error) => reasons.push(error)?,
                Ok(Effect::Store(new)) => {
                    after = new.as_item().size();
                    reasons.push_none();
                }
                Ok(Effect::Unchanged | Effect::Delete) => reasons.push_none(),
            }
            consumed = consumed + Units::of_write(before, after).doubled();
            size += before.max(after);
        }
        reasons
            .check()
            .and_then(|()| check_size(size))
            .map_err(|error| ApiError { consumed, ..error })
    }

    /// What the attempt at every table costs, when the transaction is cancelled. `items`: as for `judge`.
    pub fn attempted(&self, items: &[Option<ItemBuf>]) -> Vec<Units> {
        let size = |item: Option<Item<'_>>| item.map_or(0, |item| item.size());
        let mut units = vec![Units::default(); self.tables.len()];
        for ((table, write), item) in self.actions.iter().zip(items) {
            let (before, after) = (item.as_ref().map(ItemBuf::as_item), write.proposed());
            units[*table] = units[*table] + Units::of_write(size(before), size(after)).doubled();
        }
        units
    }

    /// Asks of each action, by the place of its table, whether it may be begun.
    /// Err: TransactionCanceledException, when one may not.
    pub fn admit(&self, mut admit: impl FnMut(usize, &Write) -> Result<()>) -> Result<()> {
        let mut reasons = Reasons::default();
        for (table, write) in &self.actions {
            match admit(*table, write) {
                Ok(()) => reasons.push_none(),
                Err(error) => reasons.push(error)?,
            }
        }
        reasons.check()
    }

    /// The action at `place` met an item that another transaction holds.
    pub fn conflict(&self, place: usize) -> ApiError {
        Reasons::conflict(place, self.actions.len())
    }

    fn check(&self, count: usize) -> Result<()> {
        if count == self.actions.len() {
            return Ok(());
        }
        Err(ApiError::internal("not one outcome for each action"))
    }

    /// The larger of each item before and after, in DynamoDB's bytes: what a repetition is said to read.
    pub fn sizes(&self, outcomes: &[Outcome]) -> Vec<i64> {
        let actions = self.actions.iter().zip(outcomes);
        actions
            .map(|((_, write), outcome)| i64::try_from(write.size(outcome)).unwrap_or(i64::MAX))
            .collect()
    }

    /// What the transaction consumed of each table. `outcomes`: in the order of the actions.
    /// Err: corrupt stored bytes.
    pub fn units(&self, outcomes: &[Outcome]) -> Result<Vec<WriteUnits<'_>>> {
        self.check(outcomes.len())?;
        let mut units: Vec<_> = self.tables.iter().map(|_| WriteUnits::default()).collect();
        for ((table, write), outcome) in self.actions.iter().zip(outcomes) {
            write.add_consumed(outcome, &mut units[*table])?;
        }
        Ok(units.into_iter().map(WriteUnits::in_transaction).collect())
    }

    /// Appends the whole response JSON; what the transaction consumed. `outcomes`: in the order of the actions.
    /// Err: corrupt stored bytes.
    pub fn reply(&self, outcomes: &[Outcome], out: &mut String) -> Result<Consumed> {
        let units = self.units(outcomes)?;
        let mut reply = self.begin(out);
        self.write_capacity(&mut reply, |out, table| {
            units[table].write_in_transaction(out, &self.tables[table].as_given, self.capacity);
        });
        if self.metrics {
            self.write_collections(&mut reply)?;
        }
        reply.end();
        Ok(Consumed::of_write(
            units.iter().map(WriteUnits::total).sum(),
        ))
    }

    /// The reply to a repetition of a transaction that was done before: it has read the items. `sizes`: theirs, as
    /// [`TransactWrite::sizes`] gave them.
    pub fn reply_again(&self, sizes: &[i64], out: &mut String) -> Result<Consumed> {
        self.check(sizes.len())?;
        let mut units = vec![Units::default(); self.tables.len()];
        for ((table, _), size) in self.actions.iter().zip(sizes) {
            let read = Units::of_read(usize::try_from(*size).unwrap_or(0), true);
            units[*table] = units[*table] + read.doubled();
        }
        let mut reply = self.begin(out);
        self.write_capacity(&mut reply, |out, table| {
            let name = &self.tables[table].as_given;
            write_read_in_transaction(out, name, units[table], self.capacity);
        });
        reply.end();
        Ok(Consumed::of_read(units.into_iter().sum()))
    }

    fn begin<'o>(&self, out: &'o mut String) -> Members<'o> {
        out.push('{');
        let mut reply = Members { out, empty: true };
        if self.operation == Operation::ExecuteTransaction {
            // No entry for a write, as the service answers.
            reply.member("Responses").push_str("[]");
        }
        reply
    }

    /// `write` appends what was consumed of the table at a place.
    fn write_capacity(&self, reply: &mut Members<'_>, write: impl Fn(&mut String, usize)) {
        if self.capacity == ReturnCapacity::None {
            return;
        }
        let out = reply.member("ConsumedCapacity");
        out.push('[');
        for table in 0..self.tables.len() {
            if table > 0 {
                out.push(',');
            }
            write(out, table);
        }
        out.push(']');
    }

    /// Each collection of a table with local indexes once, where an action may have changed it.
    fn write_collections(&self, reply: &mut Members<'_>) -> Result<()> {
        let mut out = String::new();
        for (place, table) in self.tables.iter().enumerate() {
            let mut shown: Vec<&Rc<Write>> = Vec::new();
            for (of, write) in &self.actions {
                let known = |other: &&Rc<Write>| other.key().pk == write.key().pk;
                if *of == place
                    && write.kind() != WriteKind::Check
                    && write.has_collection()
                    && !shown.iter().any(known)
                {
                    shown.push(write);
                }
            }
            if shown.is_empty() {
                continue;
            }
            out.push(if out.is_empty() { '{' } else { ',' });
            write_string(&mut out, &table.as_given);
            for (i, write) in shown.into_iter().enumerate() {
                out.push_str(if i == 0 { ":[" } else { "," });
                write.write_collection(&mut out)?;
            }
            out.push(']');
        }
        if !out.is_empty() {
            out.push('}');
            reply.member("ItemCollectionMetrics").push_str(&out);
        }
        Ok(())
    }
}

/// A JSON object being written.
struct Members<'o> {
    out: &'o mut String,
    empty: bool,
}

impl Members<'_> {
    fn member(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        write_string(self.out, name);
        self.out.push(':');
        self.out
    }

    fn end(self) {
        self.out.push('}');
    }
}
