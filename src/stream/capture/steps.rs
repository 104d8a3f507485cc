//! What UpdateTable, DROP TABLE and restores have left to capture: streams that begin, and streams that end.

use super::super::catalog::{self, State, StreamRow};
use super::super::marker;
use super::Capture;
use super::ending::close_all;
use super::wanted::Wanted;
use crate::storage::catalog as tables;
use crate::storage::catalog::Hold;
use crate::storage::spi;
use crate::worker::session::{self, Failure};
use pg_dynamo_core::Result as CoreResult;
use pg_dynamo_core::stream::Position;
use pg_dynamo_core::table::{StreamState, TableDefinition};
use pgrx::pg_sys;
use pgrx::prelude::*;

impl Capture {
    /// Brings about what definitions say and streams are not yet. Answers whether there was anything to do.
    pub(super) fn reconcile(&mut self, wanted: &Wanted) -> Result<bool, Failure> {
        let mut something = wanted.clear_broken(&mut self.held);
        for definition in &wanted.definitions {
            let Some(stream) = &definition.stream else {
                continue;
            };
            let known = wanted
                .alive
                .iter()
                .any(|row| row.name.table == definition.name && row.name.label == stream.label);
            if self.held.is(&definition.name) {
                something = true;
                continue;
            }
            let step = match stream.state {
                StreamState::Enabling => self.enable(definition),
                StreamState::Disabling => self.disable(definition),
                StreamState::Enabled if !known => self.adopt(definition),
                StreamState::Enabled => continue,
            };
            something = true;
            match step {
                Err(failure) if failure.is_transient() => self.held.note(&definition.name),
                Err(failure) => self.complain(&definition.name, &failure),
                Ok(()) => {}
            }
        }
        for row in &wanted.alive {
            let theirs = |definition: &&TableDefinition| definition.name == row.name.table;
            let definition = wanted.definitions.iter().find(theirs);
            let stream = definition.and_then(|definition| definition.stream.as_ref());
            if stream.is_none_or(|stream| stream.label != row.name.label) {
                something = true;
                match self.end(row) {
                    Err(failure) if failure.is_transient() => {}
                    other => other?,
                }
            }
        }
        Ok(something)
    }

    /// What is wrong with one table is no reason not to capture the others.
    fn complain(&self, table: &str, failure: &Failure) {
        if self.complained.is_due() {
            warning!("stream of DynamoDB table {table}: {}", failure.message);
        }
    }

    fn place(&self) -> Position {
        Position::before_commit(self.store.epoch, self.decoder.place())
    }

    /// Marks the table, so that what is committed from then on is captured.
    fn enable(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        let start = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Enabling)? else {
                return Ok(());
            };
            let enabled = current.with_stream_state(Some(StreamState::Enabled));
            let Some(stream) = &enabled.stream else {
                return Ok(());
            };
            marker::add(&enabled, stream);
            tables::replace(relid, &enabled)?;
            take_up(&enabled, relid, start)
        })?;
        self.forget(definition);
        Ok(())
    }

    fn disable(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Disabling)? else {
                return Ok(());
            };
            marker::remove(&current.name);
            tables::replace(relid, &current.with_stream_state(None))
        })
    }

    /// A stream that a definition has and nobody knows, as after a restore.
    fn adopt(&mut self, definition: &TableDefinition) -> Result<(), Failure> {
        let start = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            let Some((relid, current)) = locked(definition, StreamState::Enabled)? else {
                return Ok(());
            };
            let Some(stream) = &current.stream else {
                return Ok(());
            };
            marker::add(&current, stream);
            take_up(&current, relid, start)
        })?;
        self.forget(definition);
        Ok(())
    }

    /// An owner may drop a mark (a restore does): what he changes then is nobody's to know. It comes back, and the gap is told.
    pub(super) fn mark_again(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        let missing = session::transaction(|| Ok(marker::missing()))?;
        for definition in &wanted.definitions {
            if !missing.contains(&definition.name) {
                continue;
            }
            session::set(c"synchronous_commit", c"local");
            let marked = session::transaction(|| {
                let Some((_, current)) = locked(definition, StreamState::Enabled)? else {
                    return Ok(());
                };
                if let Some(stream) = &current.stream {
                    marker::add(&current, stream);
                    spi::connected(|| {
                        spi::run(
                            "UPDATE dynamo_internal.stream_capture SET last_gap = clock_timestamp()",
                        );
                    });
                    warning!(
                        "DynamoDB table {} had lost the mark of its stream: changes since then may be missing from it",
                        current.name
                    );
                }
                Ok(())
            });
            if let Err(failure) = marked
                && !failure.is_transient()
            {
                self.complain(&definition.name, &failure);
            }
        }
        Ok(())
    }

    fn forget(&mut self, definition: &TableDefinition) {
        if let Some(name) = definition.latest_stream_name() {
            self.store.forget(&name);
        }
    }

    /// Closes a stream when the last changes of its table have been captured.
    fn end(&mut self, row: &StreamRow) -> Result<(), Failure> {
        // SAFETY: reads the state of the log.
        let now = unsafe { pg_sys::GetXLogInsertRecPtr() };
        let last = *self.ending.entry(row.number).or_insert(now);
        if self.decoder.place() < last {
            return Ok(());
        }
        let end = self.place();
        session::set(c"synchronous_commit", c"local");
        session::transaction(|| {
            close_all(row.number, end)?;
            catalog::set_state(row.number, State::Disabled, "");
            Ok(())
        })?;
        self.ending.remove(&row.number);
        self.store.forget(&row.name);
        Ok(())
    }
}

/// The table of a definition, held exclusively, while its stream is the one that was seen and in that state.
fn locked(
    seen: &TableDefinition,
    state: StreamState,
) -> CoreResult<Option<(pg_sys::Oid, TableDefinition)>> {
    // What decoding has left in the caches is as old as what was decoded.
    // SAFETY: a transaction is open.
    unsafe { pg_sys::InvalidateSystemCaches() };
    let Some(held) = tables::open(&seen.name, Hold::Exclusive)? else {
        return Ok(None);
    };
    let current = tables::lock_definition(&seen.name)?;
    let same = |current: &TableDefinition| {
        let label = |definition: &TableDefinition| {
            let stream = definition.stream.as_ref()?;
            (stream.state == state).then(|| stream.label.clone())
        };
        current.table_id == seen.table_id
            && label(current).is_some()
            && label(current) == label(seen)
    };
    Ok(current.filter(same).map(|current| (held.relid, current)))
}

/// Makes the stream of a definition known and enabled, with shards.
fn take_up(definition: &TableDefinition, relid: pg_sys::Oid, start: Position) -> CoreResult<()> {
    let Some(stream) = &definition.stream else {
        return Ok(());
    };
    let now = tables::now_millis();
    let number = catalog::register(definition, stream, relid, State::Enabled, now)?;
    catalog::set_state(number, State::Enabled, "");
    if catalog::shards(number, None)?
        .iter()
        .all(|shard| shard.end.is_some())
    {
        catalog::open_first_shards(number, crate::guc::stream_shards(), start, now)?;
    }
    Ok(())
}
