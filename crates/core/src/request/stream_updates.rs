//! StreamSpecification of UpdateTable, and what waits while a stream is being enabled or disabled.
use super::create_table::stream_specification;
use super::index_updates::in_use;
use super::key_schema::invalid;
use crate::json::Json;
use crate::table::{StreamState, StreamView, TableDefinition};
use crate::{ApiError, Result};

/// None: nothing is said of a stream; `Some(None)`: it is disabled.
pub fn parse(request: &Json<'_>) -> Result<Option<Option<StreamView>>> {
    match stream_specification(request) {
        None => Ok(None),
        Some((true, None)) => invalid("If stream is being enabled then UpdateViewType is required"),
        Some((false, Some(_))) => {
            invalid("If stream is being disabled, then UpdateViewType must not be specified")
        }
        Some((_, view)) => Ok(Some(view)),
    }
}

/// The table with a stream of this view, or without one.
pub fn apply(
    table: TableDefinition,
    view: Option<StreamView>,
    now: i64,
) -> Result<TableDefinition> {
    let state = table.stream.as_ref().map(|stream| stream.state);
    match (state, view) {
        (Some(StreamState::Enabling | StreamState::Disabling), _) => {
            check_idle(&table, Stalled::Stream)?;
            Ok(table)
        }
        (Some(StreamState::Enabled), Some(_)) => Err(ApiError::validation(format!(
            "Table already has an enabled stream: TableName: {}",
            table.name
        ))),
        (None, None) => Err(ApiError::validation(format!(
            "Table has no stream to disable: TableName: {}",
            table.name
        ))),
        (None, Some(view)) => Ok(table.with_stream(view, now)),
        (Some(StreamState::Enabled), None) => {
            Ok(table.with_stream_state(Some(StreamState::Disabling)))
        }
    }
}

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stalled {
    Stream,
    Throughput,
    Indexes,
    Class,
    OnDemand,
    Deletion,
}

/// Err: ResourceInUseException while the table's stream is being enabled or disabled.
pub fn check_idle(table: &TableDefinition, what: Stalled) -> Result<()> {
    let Some(stream) = table.stream.as_ref() else {
        return Ok(());
    };
    let operation = match stream.state {
        StreamState::Enabled => return Ok(()),
        StreamState::Enabling => "ENABLE",
        StreamState::Disabling => "DISABLE",
    };
    let place = format!(
        "Table: {} Stream: {} Operation: {operation}",
        table.name, stream.label
    );
    let when = "when stream status is being updated.";
    Err(in_use(match what {
        Stalled::Stream => format!("A stream status change is currently in progress. {place}"),
        Stalled::Throughput => format!("Can't change table IOPS {when} {place}"),
        Stalled::Indexes => format!("Can't create or delete index {when} {place}"),
        Stalled::Class => format!("Can't update table class {when} {place}"),
        Stalled::OnDemand => {
            format!(
                "OnDemandThroughput cannot be updated while stream status update is in progress. {place}"
            )
        }
        Stalled::Deletion => {
            "Cannot delete table while stream is being enabled/disabled.".to_owned()
        }
    }))
}
