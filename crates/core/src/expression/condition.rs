//! Conditions and filters bound to the placeholders of a request.

use super::ast::Logic;
use super::path::DocPath;
use super::resolve::Resolver;
use super::test::Test;
use super::{ExpressionKind, Placeholders, Usage, cache, check};
use crate::{Result, value::Item};
use std::collections::BTreeSet;

/// A compiled condition or filter, placeholders resolved, statically type checked.
#[derive(Clone, Debug)]
pub struct Condition {
    root: Logic<Test>,
}
impl Condition {
    /// `kind` is Condition or Filter; it only names the parameter in error texts.
    ///
    /// Err: ValidationException with the service's text for the first fault.
    pub fn compile(
        kind: ExpressionKind,
        text: &str,
        p: &Placeholders,
        u: &mut Usage,
    ) -> Result<Condition> {
        let compiled = cache::condition(text).and_then(|tree| {
            let mut resolver = Resolver {
                placeholders: p,
                usage: u,
            };
            tree.map(&mut |predicate| check::predicate(predicate, &mut resolver))
        });
        match compiled {
            Ok(root) => Ok(Condition { root }),
            Err(fault) => Err(kind.error(&fault)),
        }
    }

    /// From the legacy parameters. `root` may be of any shape but no deeper than a parsed one.
    pub(crate) fn new(root: Logic<Test>) -> Condition {
        Condition { root }
    }

    /// attribute_not_exists(name).
    pub(crate) fn missing(name: &str) -> Condition {
        Condition::new(Logic::Test(Test::NotExists(DocPath::top(name))))
    }

    pub(super) fn root(&self) -> &Logic<Test> {
        &self.root
    }

    /// `None`: there is no item. Err only for corrupt stored data.
    pub fn eval(&self, item: Option<Item<'_>>) -> Result<bool> {
        holds(&self.root, item)
    }

    /// Top-level attributes it reads.
    pub fn attributes(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.root.each(&mut |test: &Test| {
            test.each_path(&mut |path| {
                names.insert(path.root.as_str());
            });
        });
        names
    }

    /// Top-level attributes it looks into (`a.b`, `a[0]`): a key attribute cannot be one of them.
    pub fn nested_attributes(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.root.each(&mut |test: &Test| {
            test.each_path(&mut |path| {
                if !path.steps.is_empty() {
                    names.insert(path.root.as_str());
                }
            });
        });
        names
    }
}

/// Left to right, no further than needed. The depth is bounded by the number of operators.
fn holds(node: &Logic<Test>, item: Option<Item<'_>>) -> Result<bool> {
    match node {
        Logic::Test(test) => test.holds(item),
        Logic::Not(inner) => Ok(!holds(inner, item)?),
        Logic::Shared(inner) => holds(inner, item),
        Logic::And(all) => {
            for part in all {
                if !holds(part, item)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Logic::Or(any) => {
            for part in any {
                if holds(part, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}
