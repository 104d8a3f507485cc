//! What the definitions of tables ask of capture.

use super::super::catalog::{self, State, StreamRow};
use super::super::marker;
use crate::storage::catalog as tables;
use crate::storage::catalog::Hold;
use crate::worker::session;
use pg_dynamo_core::Result as CoreResult;
use pg_dynamo_core::table::{StreamState, TableDefinition};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Before a table is asked for again that somebody else holds: meanwhile nothing is captured, and writers queue.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Tables that others hold, and when they are asked for again.
#[derive(Default)]
pub(super) struct Held(HashMap<String, Instant>);

impl Held {
    pub(super) fn is(&mut self, table: &str) -> bool {
        self.0.retain(|_, until| *until > Instant::now());
        self.0.contains_key(table)
    }

    pub(super) fn note(&mut self, table: &str) {
        self.0.insert(table.to_owned(), Instant::now() + RETRY);
    }
}

/// What the definitions ask for.
pub(super) struct Wanted {
    /// Whether there is a stream to capture.
    pub(super) any: bool,
    /// Tables whose definition still has a stream that was given up, or that was being disabled when the definition was dumped.
    broken: Vec<String>,
    pub(super) definitions: Vec<TableDefinition>,
    pub(super) alive: Vec<StreamRow>,
}

impl Wanted {
    /// A transaction must be open.
    pub(super) fn read() -> CoreResult<Wanted> {
        let definitions = with_streams()?;
        let ends = |definition: &TableDefinition| {
            let stream = definition.stream.as_ref();
            stream.is_some_and(|stream| stream.state == StreamState::Disabling)
        };
        let mut wanted = Wanted {
            any: false,
            broken: Vec::new(),
            definitions: Vec::new(),
            alive: catalog::alive()?,
        };
        for definition in definitions {
            let name = definition.latest_stream_name();
            let name = name.filter(|name| wanted.alive.iter().all(|row| row.name != *name));
            let nobodys = name.is_some() && ends(&definition);
            let row = name.map(|name| catalog::find(&name)).transpose()?.flatten();
            // One that ended is taken up again: its table was dropped, and restored.
            if nobodys || row.is_some_and(|row| row.state == State::Broken) {
                wanted.broken.push(definition.name);
            } else {
                wanted.definitions.push(definition);
            }
        }
        wanted.any = wanted
            .definitions
            .iter()
            .any(|definition| !ends(definition))
            || !wanted.alive.is_empty();
        Ok(wanted)
    }

    /// Takes streams that were given up out of the definitions, as soon as their tables are free. Answers
    /// whether there are any.
    pub(super) fn clear_broken(&self, held: &mut Held) -> bool {
        for table in &self.broken {
            if held.is(table) {
                continue;
            }
            let cleared = session::transaction(|| {
                let Some(held) = tables::open(table, Hold::Exclusive)? else {
                    return Ok(());
                };
                let Some(definition) = tables::lock_definition(table)? else {
                    return Ok(());
                };
                marker::remove(table);
                tables::replace(held.relid, &definition.with_stream_state(None))
            });
            if let Err(failure) = cleared {
                held.note(table);
                if !failure.is_transient() {
                    log!("stream of DynamoDB table {table}: {}", failure.message);
                }
            }
        }
        !self.broken.is_empty()
    }
}

/// Definitions that have a stream: text that only looks like one is none. A transaction must be open.
fn with_streams() -> CoreResult<Vec<TableDefinition>> {
    let mut found = tables::matching(r#""stream":\{"#)?;
    found.retain(|definition| definition.stream.is_some());
    Ok(found)
}
