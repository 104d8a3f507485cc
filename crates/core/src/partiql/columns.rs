//! What a SELECT shows of an item: the paths it names, each under the name of its last part.

use crate::Result;
use crate::expression::Projection;
use crate::expression::path::{DocPath, Step};
use crate::read::StoredItem;
use crate::value::{Av, Item, ItemBuf};
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Clone, Debug)]
pub enum Columns {
    /// `*`
    All,
    /// Top-level attributes under their own names.
    Attributes(Projection),
    /// By their names.
    Paths(Vec<(String, DocPath)>),
}

impl Columns {
    pub(crate) fn new(paths: &[DocPath]) -> Columns {
        if paths.is_empty() {
            return Columns::All;
        }
        if paths.iter().all(|path| path.steps.is_empty()) {
            return Columns::Attributes(Projection::of(paths.iter()));
        }
        Columns::Paths(paths.iter().map(|p| (name(p), p.clone())).collect())
    }

    /// The attributes that are read; None: all.
    pub(crate) fn projection(&self) -> Option<Projection> {
        match self {
            Columns::All => None,
            Columns::Attributes(projection) => Some(projection.clone()),
            Columns::Paths(paths) => Some(Projection::of(paths.iter().map(|(_, path)| path))),
        }
    }

    /// What is shown of a whole item. None: the item as it is.
    pub fn of(&self, item: Item<'_>) -> Result<Option<ItemBuf>> {
        match self {
            Columns::All => Ok(None),
            Columns::Attributes(projection) => projection.project(item).map(Some),
            Columns::Paths(paths) => {
                let mut found: BTreeMap<&str, Av<'_>> = BTreeMap::new();
                for (name, path) in paths {
                    if let Some(value) = path.find(item)? {
                        // The last of equal names counts.
                        found.insert(name, value);
                    }
                }
                ItemBuf::from_parts(&mut found.into_iter().collect()).map(Some)
            }
        }
    }

    /// The same of a stored item, of which no more is read than is shown.
    pub fn of_stored(&self, item: &dyn StoredItem) -> Result<Option<ItemBuf>> {
        match self {
            Columns::Attributes(projection) if item.in_pieces() => projection
                .project_with(&mut |name| item.attribute(name))
                .map(Some),
            _ => self.of(item.whole()?),
        }
    }
}

/// From the last attribute name on: `a.b[0]` is shown as `b[0]`.
fn name(path: &DocPath) -> String {
    let mut name = path.root.clone();
    for step in &path.steps {
        match step {
            Step::Name(own) => name.clone_from(own),
            Step::Index(index) => {
                // Writing to a String cannot fail.
                let _ = write!(name, "[{index}]");
            }
        }
    }
    name
}
