//! Projections: the named parts of an item in their nested shape.

use super::path::{DocPath, Tree, check_paths};
use super::resolve::Resolver;
use super::{ExpressionKind, Placeholders, Usage, cache};
use crate::{
    Result,
    json::write_string,
    value::{Attributes, Av, AvBuf, AvKind, Item, ItemBuf, Value, json::write_av},
};
use std::collections::{BTreeMap, BTreeSet};

/// A compiled projection (also from AttributesToGet).
#[derive(Clone, Debug)]
pub struct Projection {
    forest: BTreeMap<String, Tree<()>>,
}
impl Projection {
    /// Err: ValidationException with the service's text for the first fault.
    pub fn compile(text: &str, p: &Placeholders, u: &mut Usage) -> Result<Projection> {
        let compiled = cache::projection(text).and_then(|paths| {
            let mut resolver = Resolver {
                placeholders: p,
                usage: u,
            };
            let paths = paths
                .iter()
                .map(|path| resolver.path(path))
                .collect::<std::result::Result<Vec<_>, _>>()?;
            check_paths(&paths.iter().collect::<Vec<_>>())?;
            Ok(paths)
        });
        match compiled {
            Ok(paths) => Ok(Projection::of(paths.iter())),
            Err(fault) => Err(ExpressionKind::Projection.error(&fault)),
        }
    }

    pub fn from_attribute_names(names: &[String]) -> Projection {
        let paths: Vec<DocPath> = names.iter().map(|name| DocPath::top(name)).collect();
        Projection::of(paths.iter())
    }

    pub(crate) fn of<'a>(paths: impl Iterator<Item = &'a DocPath>) -> Projection {
        let mut forest = BTreeMap::new();
        for path in paths {
            Tree::insert(&mut forest, path, ());
        }
        Projection { forest }
    }

    /// Top-level attributes it reads.
    pub fn attributes(&self) -> BTreeSet<&str> {
        self.forest.keys().map(String::as_str).collect()
    }

    /// Top-level attributes it looks into (`a.b`, `a[0]`): a key attribute cannot be one of them.
    pub fn nested_attributes(&self) -> BTreeSet<&str> {
        let nested = self
            .forest
            .iter()
            .filter(|(_, tree)| !matches!(tree, Tree::Leaf(())));
        nested.map(|(name, _)| name.as_str()).collect()
    }

    /// What the paths lead to; empty when nothing is there. Elements of one list come in the order of their
    /// indexes, without the gaps.
    pub fn project(&self, item: Item<'_>) -> Result<ItemBuf> {
        let mut found = Vec::with_capacity(self.forest.len());
        for (name, tree) in &self.forest {
            if let Some(value) = item.get(name)? {
                found.extend(part(name, tree, value)?);
            }
        }
        collect(&found)
    }

    /// Appends what [`Projection::project`] gives as JSON, straight from the item's bytes.
    pub fn write_json(&self, out: &mut String, item: Item<'_>) -> Result<()> {
        out.push('{');
        let start = out.len();
        for (name, tree) in &self.forest {
            let Some(value) = item.get(name)? else {
                continue;
            };
            let Some((name, part)) = part(name, tree, value)? else {
                continue;
            };
            if out.len() > start {
                out.push(',');
            }
            write_string(out, name);
            out.push(':');
            match part {
                Part::Whole(av) => write_av(out, av)?,
                Part::Some(buf) => write_av(out, buf.as_av())?,
            }
        }
        out.push('}');
        Ok(())
    }

    /// The same with attributes fetched one by one (so that a toasted item need not be read whole).
    pub fn project_with(
        &self,
        get: &mut dyn FnMut(&str) -> Result<Option<AvBuf>>,
    ) -> Result<ItemBuf> {
        let mut fetched = Vec::with_capacity(self.forest.len());
        for (name, tree) in &self.forest {
            if let Some(value) = get(name)? {
                fetched.push((name.as_str(), tree, value));
            }
        }
        let mut found = Vec::with_capacity(fetched.len());
        for (name, tree, value) in &fetched {
            found.extend(part(name, tree, value.as_av())?);
        }
        collect(&found)
    }
}

/// A whole attribute as it is stored, or the parts of one.
enum Part<'a> {
    Whole(Av<'a>),
    Some(AvBuf),
}

fn part<'a>(name: &'a str, tree: &Tree<()>, value: Av<'a>) -> Result<Option<(&'a str, Part<'a>)>> {
    Ok(match tree {
        Tree::Leaf(()) => Some((name, Part::Whole(value))),
        _ => select(value, tree)?.map(|value| (name, Part::Some(value.encode()))),
    })
}

fn collect(found: &[(&str, Part<'_>)]) -> Result<ItemBuf> {
    let mut parts: Vec<(&str, Av<'_>)> = found
        .iter()
        .map(|(name, part)| match part {
            Part::Whole(av) => (*name, *av),
            Part::Some(buf) => (*name, buf.as_av()),
        })
        .collect();
    ItemBuf::from_parts(&mut parts)
}

/// Recursion is bounded by the length of a path (32).
fn select(value: Av<'_>, tree: &Tree<()>) -> Result<Option<Value>> {
    match (tree, value.kind()?) {
        (Tree::Leaf(()), _) => Ok(Some(value.to_value()?)),
        (Tree::Names(below), AvKind::M(map)) => {
            let mut found = Attributes::new();
            for (name, tree) in below {
                if let Some(member) = map.get(name)?
                    && let Some(selected) = select(member, tree)?
                {
                    found.insert(name.clone(), selected);
                }
            }
            Ok(if found.is_empty() {
                None
            } else {
                Some(Value::M(found))
            })
        }
        (Tree::Indexes(below), AvKind::L(list)) => {
            let mut found = Vec::new();
            for (index, tree) in below {
                if let Some(element) = list.get(*index)? {
                    found.extend(select(element, tree)?);
                }
            }
            Ok(if found.is_empty() {
                None
            } else {
                Some(Value::L(found))
            })
        }
        _ => Ok(None),
    }
}
