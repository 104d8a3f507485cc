//! Time to live in a definition: which attribute says when an item expires, and how far it is set up.
use super::{IndexState, TableDefinition};
use crate::time_to_live::ExpirySchema;
use serde::{Deserialize, Serialize};

/// Its states are those of an index: the column and its btree are built, and removed, as an index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeToLive {
    pub attribute: String,
    pub state: IndexState,
    /// Epoch milliseconds of the request that enabled or disabled it.
    #[serde(default)]
    pub changed_at: i64,
}

impl TimeToLive {
    /// TimeToLiveStatus; DISABLED is having none.
    pub fn status(&self) -> &'static str {
        match self.state {
            IndexState::Creating | IndexState::Backfilling => "ENABLING",
            IndexState::Active => "ENABLED",
            IndexState::Deleting => "DISABLING",
        }
    }

    /// Whether expired items are deleted.
    pub fn is_enabled(&self) -> bool {
        self.state == IndexState::Active
    }
}

impl TableDefinition {
    /// What every writer maintains the column by: not before there is one, and not while it is given up.
    pub fn maintained_expiry(&self) -> Option<ExpirySchema> {
        let kept = self
            .time_to_live
            .as_ref()
            .filter(|ttl| matches!(ttl.state, IndexState::Active | IndexState::Backfilling));
        kept.map(|ttl| ExpirySchema {
            time_to_live: ttl.attribute.clone(),
        })
    }

    /// The definition with time to live in another state. None: there is no time to live.
    pub fn with_time_to_live_in(&self, state: IndexState) -> Option<TableDefinition> {
        let mut new = self.clone();
        new.time_to_live.as_mut()?.state = state;
        Some(new)
    }

    /// The definition without time to live.
    pub fn without_time_to_live(&self) -> TableDefinition {
        TableDefinition {
            time_to_live: None,
            ..self.clone()
        }
    }
}
