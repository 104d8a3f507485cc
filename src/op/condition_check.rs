//! ConditionCheck, an action of TransactWriteItems.

use crate::storage::catalog::Table;
use crate::storage::item::{self, RowLock};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Effect, Outcome, Write};

/// Asks for the condition on the item as it is now, and holds the row, if there is one, until the end of the
/// transaction. Err: the condition does not hold.
pub fn store(table: &Table, write: &Write) -> Result<Outcome> {
    let old = item::lock(table, write.key(), RowLock::Share)?;
    match write.apply(old.as_ref().map(|item| item.as_item()))? {
        Effect::Refused(error) => Err(error),
        _ => Ok(Outcome {
            new: old.clone(),
            old,
        }),
    }
}
