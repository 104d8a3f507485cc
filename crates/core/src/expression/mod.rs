//! Condition, filter, key condition, projection and update expressions.
//!
//! Text is parsed by the pest grammars in `grammar/` into syntax trees that are kept per thread; a request's
//! placeholders are then put in and checked, which gives the compiled forms below. Evaluating works on stored
//! bytes.
//!
//! Nothing here recurses deeper than a bound: a text is at most 4096 bytes, its parentheses are counted before
//! the grammar runs, a tree has at most 300 operators and a document path 32 elements.

use crate::{ApiError, Result, value::AvBuf};
use std::collections::{BTreeMap, BTreeSet};

mod apply;
pub(crate) mod ast;
pub(crate) mod cache;
pub(crate) mod check;
mod condition;
mod describe;
mod key_condition;
mod parse;
pub(crate) mod path;
mod projection;
mod reserved;
pub(crate) mod resolve;
pub(crate) mod test;
mod token;
pub(crate) mod update;

pub(crate) use apply::too_large;
pub use cache::parses_done;
pub(crate) use check::literal;
pub use condition::Condition;
pub use key_condition::{KeyCondition, KeyConditions, SortCondition};
pub use projection::Projection;
pub use reserved::is_reserved;
pub use update::Update;

/// Names the parameter in error texts: "Invalid ConditionExpression: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpressionKind {
    Condition,
    Filter,
    KeyCondition,
    Update,
    Projection,
}
impl ExpressionKind {
    /// The request parameter: "ConditionExpression".
    pub fn parameter(self) -> &'static str {
        match self {
            ExpressionKind::Condition => "ConditionExpression",
            ExpressionKind::Filter => "FilterExpression",
            ExpressionKind::KeyCondition => "KeyConditionExpression",
            ExpressionKind::Update => "UpdateExpression",
            ExpressionKind::Projection => "ProjectionExpression",
        }
    }

    fn error(self, fault: &str) -> ApiError {
        ApiError::validation(format!("Invalid {}: {fault}", self.parameter()))
    }
}

/// ExpressionAttributeNames and ExpressionAttributeValues of one request (keys include # and :).
#[derive(Clone, Debug, Default)]
pub struct Placeholders {
    pub names: BTreeMap<String, String>,
    pub values: BTreeMap<String, AvBuf>,
}

/// Which placeholders any expression of the request used.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    pub names: BTreeSet<String>,
    pub values: BTreeSet<String>,
}
impl Usage {
    /// Once every expression of the request is compiled.
    ///
    /// Err: "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}", and the same for
    /// ExpressionAttributeValues.
    pub fn check_unused(&self, p: &Placeholders) -> Result<()> {
        unused("ExpressionAttributeNames", p.names.keys(), &self.names)?;
        unused("ExpressionAttributeValues", p.values.keys(), &self.values)
    }
}

fn unused<'a>(
    parameter: &str,
    given: impl Iterator<Item = &'a String>,
    used: &BTreeSet<String>,
) -> Result<()> {
    let left: Vec<&str> = given
        .filter(|key| !used.contains(*key))
        .map(String::as_str)
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let keys = left.join(", ");
    Err(ApiError::validation(format!(
        "Value provided in {parameter} unused in expressions: keys: {{{keys}}}"
    )))
}
