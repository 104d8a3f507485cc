//! What the three writes share: the way they are done, attempts until one of them meets a row that stays.

use crate::storage::catalog::Table;
use crate::storage::direct_write;
use crate::storage::item::{self, Attempt};
use pg_dynamo_core::Result;
use pg_dynamo_core::apply::{Effect, Outcome, Write};

/// A lost race needs another session's commit between two of our statements, so this many in a row are
/// no race: a trigger or a row-level security policy suppresses the write.
pub const MAX_ATTEMPTS: usize = 100;

/// Does `write`: directly where the table allows it, otherwise by repeating `attempt`, a statement or two, while
/// it loses races.
pub fn settle(
    table: &Table,
    write: &Write,
    mut attempt: impl FnMut() -> Result<Attempt>,
) -> Result<Outcome> {
    if let Some(outcome) = direct_write::write(table, write)? {
        return Ok(outcome);
    }
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

/// The reply, in the API's JSON.
pub fn reply(write: &Write, outcome: &Outcome) -> Result<String> {
    let mut out = String::new();
    write.reply(outcome, &mut out)?;
    Ok(out)
}
