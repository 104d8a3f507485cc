//! How capture fails, and how streams end.

use super::super::catalog::{self, State};
use super::super::slot;
use crate::storage::spi::{self, Arg, Plan};
use crate::worker::session::{self, Failure};
use pg_dynamo_core::Result as CoreResult;
use pg_dynamo_core::stream::Position;
use pgrx::pg_sys;
use pgrx::prelude::*;

pub(super) fn set_capture(state: &str) {
    spi::connected(|| {
        let plan = Plan::prepare(
            // Of one that broke it stays known.
            "UPDATE dynamo_internal.stream_capture SET state = $1, updated_at = clock_timestamp() \
             WHERE state <> $1 AND NOT (state = 'broken' AND $1 = 'stopped')",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(state)], false);
    });
}

/// Whether there was an error since capture last went well. A transaction must be open.
pub(super) fn has_failed() -> bool {
    spi::connected(|| {
        let plan = Plan::kept(
            "SELECT one FROM dynamo_internal.stream_capture WHERE error IS NOT NULL",
            &[],
        );
        plan.execute(&[], false) > 0
    })
}

/// For `dynamo.streams`; capture may never have run. Answers whether it is news.
pub(super) fn note_error(message: &str) -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream_capture (state, slot_name, epoch, system_identifier, timeline, error) \
             VALUES ('stopped', $2::name, 0, '', 0, $1) \
             ON CONFLICT (one) DO UPDATE SET error = excluded.error, updated_at = clock_timestamp() \
             WHERE stream_capture.error IS DISTINCT FROM excluded.error",
            &[pg_sys::TEXTOID; 2],
        );
        plan.execute(&[Arg::Text(message), Arg::Text(&slot::name())], false) > 0
    })
}

/// Capture goes well, or has nothing to do. Why it broke stays known. A transaction that makes a table with a stream holds the
/// row as long as it lives: then it says what was wrong until later, and the answer is false. A transaction must be open.
pub(super) fn clear_error() -> bool {
    spi::connected(|| {
        let plan = Plan::prepare(
            "UPDATE dynamo_internal.stream_capture SET error = NULL, updated_at = clock_timestamp() \
             WHERE one IN (SELECT one FROM dynamo_internal.stream_capture \
                           WHERE error IS NOT NULL AND state <> 'broken' FOR UPDATE SKIP LOCKED)",
            &[],
        );
        plan.execute(&[], false);
    });
    !has_failed()
}

/// Ends every stream where it stands. A transaction must be open.
pub(super) fn end_all(state: State, reason: &str) -> CoreResult<()> {
    let tip = catalog::tip();
    for stream in catalog::alive()? {
        close_all(stream.number, tip)?;
        catalog::set_state(stream.number, state, reason);
    }
    Ok(())
}

pub(super) fn close_all(stream: u32, end: Position) -> CoreResult<()> {
    for shard in catalog::shards(stream, None)? {
        if shard.end.is_none() {
            catalog::close_shard(shard.number, end.max(shard.start));
        }
    }
    Ok(())
}

/// Gives all streams up, loudly, and lets the log go.
pub(super) fn give_up(reason: &str) -> Result<(), Failure> {
    warning!(
        "the streams of this database are broken: {reason}. They were disabled; UpdateTable enables new ones"
    );
    session::set(c"synchronous_commit", c"local");
    // Whoever is in the way of words is not in the way of the log: what is left running without a slot begins anew.
    unless_held(session::transaction(|| end_all(State::Broken, reason)))?;
    session::transaction(|| {
        slot::drop_all();
        Ok(())
    })?;
    unless_held(session::transaction(|| {
        set_capture("broken");
        note_error(reason);
        Ok(())
    }))
}

fn unless_held(outcome: Result<(), Failure>) -> Result<(), Failure> {
    outcome.or_else(|failure| match failure.is_transient() {
        true => Ok(()),
        false => Err(failure),
    })
}
