//! What the three writes share: the way they are done, attempts until one of them meets a row that stays.

use super::{Reply, Session, condition_check, delete_item, put_item, traffic, update_item};
use crate::storage::catalog::Table;
use crate::storage::direct_write;
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Effect, Outcome, Write, WriteKind};
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::throttle::Direction;
use pg_dynamo_core::value::ItemBuf;
use std::rc::Rc;

/// A lost race needs another session's commit between two of our statements, so this many in a row are
/// no race: a trigger or a row-level security policy suppresses the write.
pub const MAX_ATTEMPTS: usize = 100;

/// A write bound to its table, which is held for the rest of the transaction.
pub struct Bound {
    pub table: Rc<Table>,
    pub write: Rc<Write>,
}

impl Bound {
    /// Where the row stands: sessions that write many rows in this order do not wait for one another in a circle.
    pub fn place(&self) -> (u32, &StoredKey) {
        (self.table.relid.to_u32(), self.write.key())
    }

    /// Does the write; what was there, and what is.
    pub fn store(&self) -> Result<Outcome> {
        let outcome = self.attempt();
        traffic::charge_write(&self.table, &self.write, &outcome)?;
        outcome
    }

    /// Does the write, for which the throughput of the table does not pay.
    pub fn attempt(&self) -> Result<Outcome> {
        let Bound { table, write } = self;
        if let Some(outcome) = direct_write::write(table, write)? {
            return Ok(outcome);
        }
        match write.kind() {
            WriteKind::Put => put_item::store(table, write),
            WriteKind::Update => update_item::store(table, write),
            WriteKind::Delete => delete_item::store(table, write),
            WriteKind::Check => condition_check::store(table, write),
        }
    }

    /// Does the write and answers in the API's JSON.
    pub fn reply(&self) -> Result<Reply> {
        let outcome = self.store()?;
        let mut json = String::new();
        self.write.reply(&outcome, &mut json)?;
        let consumed = Consumed::of_write(self.write.consumed(&outcome)?);
        Ok(Reply { json, consumed })
    }

    /// Does the write and answers in the JSON of ExecuteStatement.
    pub fn statement_reply(&self) -> Result<Reply> {
        let outcome = self.store()?;
        let mut json = String::new();
        self.write.statement_reply(&outcome, &mut json)?;
        let consumed = Consumed::of_write(self.write.consumed(&outcome)?);
        Ok(Reply { json, consumed })
    }

    /// Does the write and answers the attributes that ReturnValues asks for, and what it consumed.
    pub fn returned(&self) -> Result<(Option<ItemBuf>, Consumed)> {
        let outcome = self.store()?;
        let consumed = Consumed::of_write(self.write.consumed(&outcome)?);
        Ok((self.write.returned(&outcome)?, consumed))
    }
}

/// Whether the throughput of the table lets the write begin.
pub fn admit(session: &Session, table: &Table, write: &Write) -> Result<()> {
    traffic::admit(session, table, Direction::Write, [write.key()])
}

/// Repeats `attempt`, a statement or two, while it loses races.
pub fn settle(table: &Table, mut attempt: impl FnMut() -> Result<Attempt>) -> Result<Outcome> {
    for _ in 0..MAX_ATTEMPTS {
        match attempt()? {
            Attempt::Done { old, new } => return Ok(Outcome { old, new }),
            Attempt::Unchanged { old } => {
                return Ok(Outcome {
                    new: old.clone(),
                    old,
                });
            }
            Attempt::Refused(error) => return Err(error),
            Attempt::Missing | Attempt::Lost => {}
        }
    }
    item::suppressed(table)
}

/// What `write` makes of a missing item, as an attempt that touched no row.
pub fn on_missing(write: &Write) -> Result<Attempt> {
    Ok(match write.apply(None)? {
        Effect::Refused(error) => Attempt::Refused(error),
        Effect::Delete | Effect::Unchanged => Attempt::Unchanged { old: None },
        Effect::Store(_) => Attempt::Lost,
    })
}
