//! What is built and removed while its table is in use: columns, which every writer's trigger maintains, and a btree on
//! them. A global index has some; time to live has some.

use crate::storage::{index, time_to_live};
use pg_dynamo_core::index::IndexSchema;
use pg_dynamo_core::table::{IndexState, TableDefinition};
use pg_dynamo_core::{ApiError, Result};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Index {
        name: String,
        /// The number in the names of its columns.
        columns: u32,
    },
    TimeToLive,
}

impl Target {
    /// Everything in `definition` that is not finished, with its state.
    pub fn unfinished(definition: &TableDefinition) -> Vec<(Target, IndexState)> {
        let indexes = definition.global_indexes.iter().map(|index| {
            let (name, columns) = (index.name.clone(), index.columns);
            (Target::Index { name, columns }, index.state)
        });
        let time_to_live = definition.time_to_live.as_ref();
        let time_to_live = time_to_live.map(|ttl| (Target::TimeToLive, ttl.state));
        let all = indexes.chain(time_to_live);
        all.filter(|(_, state)| *state != IndexState::Active)
            .collect()
    }

    /// What progress is noted under. No index has a name with a colon.
    pub fn label(&self) -> &str {
        match self {
            Target::Index { name, .. } => name,
            Target::TimeToLive => ":ttl",
        }
    }

    /// For messages.
    pub fn of_table(&self, table: &str) -> String {
        match self {
            Target::Index { name, .. } => format!("index {name} of DynamoDB table {table}"),
            Target::TimeToLive => format!("time to live of DynamoDB table {table}"),
        }
    }

    pub fn is_in(&self, definition: &TableDefinition, state: IndexState) -> bool {
        match self {
            Target::Index { name, .. } => definition
                .global_indexes
                .iter()
                .any(|index| index.name == *name && index.state == state),
            Target::TimeToLive => {
                let ttl = definition.time_to_live.as_ref();
                ttl.is_some_and(|ttl| ttl.state == state)
            }
        }
    }

    /// The definition with it in another state.
    pub fn with_state(
        &self,
        definition: &TableDefinition,
        state: IndexState,
    ) -> Result<TableDefinition> {
        let new = match (self, state) {
            (Target::Index { name, .. }, IndexState::Backfilling) => {
                definition.index_backfilling(name)
            }
            (Target::Index { name, .. }, IndexState::Active) => definition.index_active(name),
            (Target::Index { .. }, _) => None,
            (Target::TimeToLive, state) => definition.with_time_to_live_in(state),
        };
        new.ok_or_else(not_there)
    }

    /// The definition without it.
    pub fn removed(&self, definition: &TableDefinition) -> Result<TableDefinition> {
        match self {
            Target::Index { name, .. } => definition.without_index(name).ok_or_else(not_there),
            Target::TimeToLive => Ok(definition.without_time_to_live()),
        }
    }

    /// Adds its columns. `definition` has it maintained.
    pub fn add_columns(&self, definition: &TableDefinition) -> Result<()> {
        match self {
            Target::Index { columns, .. } => {
                index::add_columns(&definition.name, &schema(definition, *columns)?);
            }
            Target::TimeToLive => time_to_live::add_column(&definition.name),
        }
        Ok(())
    }

    /// The statement that makes the btree. `definition` has it maintained.
    pub fn create_statement(&self, definition: &TableDefinition) -> Result<String> {
        Ok(match self {
            Target::Index { columns, .. } => {
                index::create_statement(&definition.name, &schema(definition, *columns)?, true)
            }
            Target::TimeToLive => time_to_live::create_statement(&definition.name),
        })
    }

    pub fn comment_statement(&self, table: &str) -> String {
        match self {
            Target::Index { name, columns } => index::comment_statement(table, *columns, name),
            Target::TimeToLive => time_to_live::comment_statement(table),
        }
    }

    pub fn drop_statement(&self, table: &str) -> String {
        match self {
            Target::Index { columns, .. } => index::drop_statement(table, *columns),
            Target::TimeToLive => time_to_live::drop_statement(table),
        }
    }

    /// Whether the btree is there, and if so, whether it is complete.
    pub fn btree_is_valid(&self, table: &str) -> Option<bool> {
        let btree = match self {
            Target::Index { columns, .. } => index::name(table, *columns),
            Target::TimeToLive => time_to_live::name(table),
        };
        index::is_valid(table, &btree)
    }
}

fn schema(definition: &TableDefinition, columns: u32) -> Result<IndexSchema> {
    let mut all = definition.maintained_indexes().into_iter();
    all.find(|schema| schema.columns == columns)
        .ok_or_else(not_there)
}

fn not_there() -> ApiError {
    ApiError::corrupt("index of a table definition")
}
