//! The secondary indexes of a definition: looking them up, their columns, their states.
use super::{GlobalIndex, KeyAttribute, LocalIndex, Projection, TableDefinition};
use crate::index::IndexSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a global index is in its life. CreateTable's are active at once, UpdateTable's run through all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexState {
    #[default]
    Active,
    /// Asked for; it has no columns yet.
    Creating,
    /// Every writer maintains its columns; older rows are being filled in.
    Backfilling,
    Deleting,
}

/// A secondary index of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexRef<'a> {
    Local(&'a LocalIndex),
    Global(&'a GlobalIndex),
}

impl<'a> IndexRef<'a> {
    pub fn name(&self) -> &'a str {
        match self {
            IndexRef::Local(index) => &index.name,
            IndexRef::Global(index) => &index.name,
        }
    }

    /// The number in the names of its columns.
    pub fn columns(&self) -> u32 {
        match self {
            IndexRef::Local(index) => index.columns,
            IndexRef::Global(index) => index.columns,
        }
    }

    /// HASH attributes; those of `definition`, the index's table, for a local one.
    pub fn partition(&self, definition: &'a TableDefinition) -> &'a [KeyAttribute] {
        match self {
            IndexRef::Local(_) => std::slice::from_ref(&definition.key_schema.partition),
            IndexRef::Global(index) => &index.partition,
        }
    }

    /// RANGE attributes: one for a local index, up to four for a global one.
    pub fn sort(&self) -> &'a [KeyAttribute] {
        match self {
            IndexRef::Local(index) => std::slice::from_ref(&index.sort),
            IndexRef::Global(index) => &index.sort,
        }
    }

    pub fn projection(&self) -> &'a Projection {
        match self {
            IndexRef::Local(index) => &index.projection,
            IndexRef::Global(index) => &index.projection,
        }
    }

    pub fn state(&self) -> IndexState {
        match self {
            IndexRef::Local(_) => IndexState::Active,
            IndexRef::Global(index) => index.state,
        }
    }

    pub fn is_global(&self) -> bool {
        matches!(self, IndexRef::Global(_))
    }

    /// Whether every writer keeps its columns: not before it has any, and not while it is being deleted.
    pub fn is_maintained(&self) -> bool {
        matches!(self.state(), IndexState::Active | IndexState::Backfilling)
    }

    /// What derives its columns from an item.
    pub fn schema(&self) -> IndexSchema {
        IndexSchema {
            columns: self.columns(),
            partition: match self {
                IndexRef::Local(_) => Vec::new(),
                IndexRef::Global(index) => index.partition.clone(),
            },
            sort: self.sort().to_vec(),
        }
    }

    /// Whether the index holds `attribute`. The keys of table and index always are projected.
    pub fn projects(&self, definition: &'a TableDefinition, attribute: &str) -> bool {
        let included = match self.projection() {
            Projection::All => return true,
            Projection::KeysOnly => false,
            Projection::Include(names) => names.iter().any(|name| name == attribute),
        };
        included || self.keys(definition).any(|key| key.name == attribute)
    }

    /// The attributes the index holds; None: all.
    pub fn projected(&self, definition: &'a TableDefinition) -> Option<BTreeSet<&'a str>> {
        let included: &[String] = match self.projection() {
            Projection::All => return None,
            Projection::KeysOnly => &[],
            Projection::Include(names) => names,
        };
        let keys = self.keys(definition).map(|key| key.name.as_str());
        Some(keys.chain(included.iter().map(String::as_str)).collect())
    }

    /// Key attributes of the index, then of its table; one may come twice.
    fn keys(&self, definition: &'a TableDefinition) -> impl Iterator<Item = &'a KeyAttribute> {
        let own = self.partition(definition).iter().chain(self.sort());
        own.chain(definition.key_schema.attributes())
    }
}

impl TableDefinition {
    /// Local indexes, then global ones, in the order of the definition.
    pub fn indexes(&self) -> impl Iterator<Item = IndexRef<'_>> {
        let local = self.local_indexes.iter().map(IndexRef::Local);
        local.chain(self.global_indexes.iter().map(IndexRef::Global))
    }

    pub fn index(&self, name: &str) -> Option<IndexRef<'_>> {
        self.indexes().find(|index| index.name() == name)
    }

    /// Whether no index is being built or removed.
    pub fn is_finished(&self) -> bool {
        let indexes = &mut self.global_indexes.iter();
        indexes.all(|index| index.state == IndexState::Active)
    }

    /// The lowest number, from 1, that names no index's columns.
    pub fn free_columns(&self) -> u32 {
        let used: BTreeSet<u32> = self.indexes().map(|index| index.columns()).collect();
        let candidates = 1..=u32::MAX;
        candidates
            .into_iter()
            .find(|n| !used.contains(n))
            .unwrap_or(u32::MAX)
    }

    /// The indexes whose columns every writer maintains: not those that have none yet, and not those that
    /// are being deleted.
    pub fn maintained_indexes(&self) -> Vec<IndexSchema> {
        self.indexes()
            .filter(IndexRef::is_maintained)
            .map(|index| index.schema())
            .collect()
    }

    /// The definition once writers maintain the columns of global index `name`. None: there is no such index.
    pub fn index_backfilling(&self, name: &str) -> Option<TableDefinition> {
        self.with_index_state(name, IndexState::Backfilling)
    }

    /// The definition once global index `name` is complete. None: there is no such index.
    pub fn index_active(&self, name: &str) -> Option<TableDefinition> {
        self.with_index_state(name, IndexState::Active)
    }

    fn with_index_state(&self, name: &str, state: IndexState) -> Option<TableDefinition> {
        let mut new = self.clone();
        let index = new.global_indexes.iter_mut().find(|i| i.name == name)?;
        index.state = state;
        Some(new)
    }

    /// The definition without global index `name`, and without the definitions of attributes that are part
    /// of no key any more. None: there is no such index.
    pub fn without_index(&self, name: &str) -> Option<TableDefinition> {
        let mut new = self.clone();
        let at = new.global_indexes.iter().position(|i| i.name == name)?;
        new.global_indexes.remove(at);
        new.insights.remove(name);
        let used: BTreeSet<&str> = new.key_names().collect();
        let kept = self.attribute_definitions.iter();
        let kept = kept
            .filter(|d| used.contains(d.name.as_str()))
            .cloned()
            .collect();
        new.attribute_definitions = kept;
        Some(new)
    }

    /// "HASH" or "RANGE": what a key attribute is in the first key that has it.
    pub fn key_type(&self, name: &str) -> &'static str {
        let table = std::slice::from_ref(&self.key_schema.partition);
        let global = self.global_indexes.iter().map(|i| i.partition.as_slice());
        let mut hash = std::iter::once(table).chain(global).flatten();
        match hash.any(|a| a.name == name) {
            true => "HASH",
            false => "RANGE",
        }
    }

    /// Names of the key attributes of table and indexes; one may come twice.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        let table = self.key_schema.attributes();
        let local = self.local_indexes.iter().map(|i| &i.sort);
        let global = self.global_indexes.iter();
        let global = global.flat_map(|i| i.partition.iter().chain(&i.sort));
        table.chain(local).chain(global).map(|a| a.name.as_str())
    }
}
