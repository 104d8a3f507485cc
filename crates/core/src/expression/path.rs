//! Document paths with their placeholders replaced, and trees of them.

use crate::{
    Result,
    value::{Av, AvKind, Item},
};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Name(String),
    Index(usize),
}
/// A top-level attribute and the way from there on; at most 32 elements in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocPath {
    pub root: String,
    pub steps: Vec<Step>,
}

/// As error texts show it: `[a, [1], b]`.
impl fmt::Display for DocPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

impl DocPath {
    pub fn top(name: &str) -> DocPath {
        DocPath {
            root: name.into(),
            steps: Vec::new(),
        }
    }

    /// The value it leads to, without decoding anything on the way.
    pub fn find<'a>(&self, item: Item<'a>) -> Result<Option<Av<'a>>> {
        let Some(mut value) = item.get(&self.root)? else {
            return Ok(None);
        };
        for step in &self.steps {
            let next = match (step, value.kind()?) {
                (Step::Name(name), AvKind::M(map)) => map.get(name)?,
                (Step::Index(index), AvKind::L(list)) => list.get(*index)?,
                _ => None,
            };
            match next {
                Some(found) => value = found,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clash {
    /// One is the other or leads into it.
    Overlap,
    /// One takes a map where the other takes a list.
    Conflict,
}

fn clash(a: &DocPath, b: &DocPath) -> Option<Clash> {
    if a.root != b.root {
        return None;
    }
    for pair in a.steps.iter().zip(&b.steps) {
        match pair {
            (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => {
                return Some(Clash::Conflict);
            }
            (x, y) if x != y => return None,
            _ => {}
        }
    }
    Some(Clash::Overlap)
}

/// No two paths may overlap or conflict; an overlap is reported before any conflict. Quadratic in the
/// number of paths, which 4 KB of text bound.
pub fn check_paths(paths: &[&DocPath]) -> std::result::Result<(), String> {
    let mut conflict = None;
    for (i, second) in paths.iter().enumerate() {
        for first in &paths[..i] {
            let message = |what: &str| {
                format!(
                    "Two document paths {what} with each other; must remove or rewrite one of these paths; \
                     path one: {first}, path two: {second}"
                )
            };
            match clash(first, second) {
                Some(Clash::Overlap) => return Err(message("overlap")),
                Some(Clash::Conflict) => conflict = conflict.or_else(|| Some(message("conflict"))),
                None => {}
            }
        }
    }
    conflict.map_or(Ok(()), Err)
}

/// Paths that neither overlap nor conflict, by their common beginnings.
#[derive(Clone, Debug)]
pub enum Tree<T> {
    Leaf(T),
    Names(BTreeMap<String, Tree<T>>),
    Indexes(BTreeMap<usize, Tree<T>>),
}
impl<T> Tree<T> {
    /// Adds one path below a top-level attribute. A path that clashes with an earlier one is left out.
    pub fn insert(forest: &mut BTreeMap<String, Tree<T>>, path: &DocPath, leaf: T) {
        let (mut level, mut steps) = (forest, path.steps.iter());
        let mut name = &path.root;
        loop {
            let Some(step) = steps.next() else {
                level.entry(name.clone()).or_insert(Tree::Leaf(leaf));
                return;
            };
            let fresh = match step {
                Step::Name(_) => Tree::Names(BTreeMap::new()),
                Step::Index(_) => Tree::Indexes(BTreeMap::new()),
            };
            let mut node = level.entry(name.clone()).or_insert(fresh);
            let mut step = step;
            // Indexes follow one another inside; a name leads back to the loop above.
            loop {
                match (node, step) {
                    (Tree::Names(below), Step::Name(next)) => {
                        (level, name) = (below, next);
                        break;
                    }
                    (Tree::Indexes(below), Step::Index(index)) => {
                        let Some(next) = steps.next() else {
                            below.entry(*index).or_insert(Tree::Leaf(leaf));
                            return;
                        };
                        let fresh = match next {
                            Step::Name(_) => Tree::Names(BTreeMap::new()),
                            Step::Index(_) => Tree::Indexes(BTreeMap::new()),
                        };
                        node = below.entry(*index).or_insert(fresh);
                        step = next;
                    }
                    _ => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> DocPath {
        let mut parts = text.split('/');
        let root = parts.next().unwrap().into();
        let steps = parts
            .map(|p| p.parse().map_or_else(|_| Step::Name(p.into()), Step::Index))
            .collect();
        DocPath { root, steps }
    }

    #[test]
    fn overlaps_and_conflicts_are_told_apart() {
        let cases = [
            ("a", "a", Some(Clash::Overlap)),
            ("a", "a/b", Some(Clash::Overlap)),
            ("a/1/b", "a/1", Some(Clash::Overlap)),
            ("a/b", "a/1", Some(Clash::Conflict)),
            ("a/b/c", "a/b/2", Some(Clash::Conflict)),
            ("a/b", "a/c", None),
            ("a/1", "a/2", None),
            ("a", "b", None),
        ];
        for (one, two, expected) in cases {
            assert_eq!(clash(&path(one), &path(two)), expected, "{one} {two}");
            assert_eq!(clash(&path(two), &path(one)), expected, "{two} {one}");
        }
    }

    #[test]
    fn an_overlap_is_reported_before_an_earlier_conflict() {
        let paths = [path("d/1"), path("d/b"), path("c/1/a"), path("c")];
        let error = check_paths(&paths.iter().collect::<Vec<_>>()).unwrap_err();
        assert!(
            error.ends_with("path one: [c, [1], a], path two: [c]"),
            "{error}"
        );
    }

    #[test]
    fn a_tree_holds_every_path() {
        let mut forest = BTreeMap::new();
        for (n, text) in ["a/b", "a/c/1/2/x", "a/c/0", "z", "l/3/4", "l/3/5"]
            .iter()
            .enumerate()
        {
            Tree::insert(&mut forest, &path(text), n);
        }
        assert_eq!(
            format!("{forest:?}"),
            r#"{"a": Names({"b": Leaf(0), "c": Indexes({0: Leaf(2), 1: Indexes({2: Names({"x": Leaf(1)})})})}), "l": Indexes({3: Indexes({4: Leaf(4), 5: Leaf(5)})}), "z": Leaf(3)}"#
        );
    }
}
