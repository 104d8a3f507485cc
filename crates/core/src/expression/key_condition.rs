//! Key conditions: which partition, and which range of sort keys.
//!
//! They are written in the grammar of conditions, so everything a condition may be wrong in comes first; what
//! a key condition cannot say is refused next; and only then the names are compared with a table's keys,
//! because the service looks for the table in between.

use super::ast::{Comparator, Logic};
use super::path::DocPath;
use super::resolve::Resolver;
use super::test::{Source, Test};
use super::{ExpressionKind, Placeholders, Usage, cache, check};
use crate::{ApiError, Result, value::AvBuf};

/// A key condition bound to the key attributes of a table or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCondition {
    pub partition: AvBuf,
    pub sort: Option<SortCondition>,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortCondition {
    Eq(AvBuf),
    Lt(AvBuf),
    Le(AvBuf),
    Gt(AvBuf),
    Ge(AvBuf),
    /// Both bounds belong to the range.
    Between(AvBuf, AvBuf),
    BeginsWith(AvBuf),
}

/// One or two conditions on attributes that are not yet known to be keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConditions {
    conditions: Vec<(String, SortCondition)>,
}

impl KeyCondition {
    /// `partition`, `sort`: names of the key attributes. The types of the values are not compared with the schema.
    ///
    /// Err: ValidationException with the service's text for the first fault.
    pub fn compile(
        text: &str,
        p: &Placeholders,
        u: &mut Usage,
        partition: &str,
        sort: Option<&str>,
    ) -> Result<KeyCondition> {
        KeyConditions::compile(text, p, u)?.bind(partition, sort)
    }
}

impl KeyConditions {
    /// What can be said without the table.
    pub fn compile(text: &str, p: &Placeholders, u: &mut Usage) -> Result<KeyConditions> {
        let compiled = cache::condition(text).and_then(|tree| {
            let mut resolver = Resolver {
                placeholders: p,
                usage: u,
            };
            tree.map(&mut |predicate| check::predicate(predicate, &mut resolver))
        });
        let tree = compiled.map_err(|fault| ExpressionKind::KeyCondition.error(&fault))?;
        let mut found = KeyConditions {
            conditions: Vec::new(),
        };
        found.collect(&tree)?;
        found.check_length()?;
        Ok(found)
    }

    /// From the legacy KeyConditions; each attribute occurs once.
    pub(crate) fn of(conditions: Vec<(String, SortCondition)>) -> Result<KeyConditions> {
        let found = KeyConditions { conditions };
        found.check_length()?;
        Ok(found)
    }

    fn check_length(&self) -> Result<()> {
        match self.conditions.len() {
            1 | 2 => Ok(()),
            _ => Err(ApiError::validation(
                "Conditions can be of length 1 or 2 only",
            )),
        }
    }

    /// The conditions, in order, for type checks against the key schema.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SortCondition)> {
        self.conditions
            .iter()
            .map(|(name, condition)| (name.as_str(), condition))
    }

    /// Err: "Query condition missed key schema element: pk", "Query key condition not supported".
    pub fn bind(self, partition: &str, sort: Option<&str>) -> Result<KeyCondition> {
        let unsupported = || ApiError::validation("Query key condition not supported");
        let missed = |name: &str| {
            ApiError::validation(format!("Query condition missed key schema element: {name}"))
        };
        let given = self.conditions.len();
        if sort.is_none() && given > 1 {
            return Err(unsupported());
        }
        let (mut hash, mut range) = (None, None);
        for (name, condition) in self.conditions {
            if name == partition {
                hash = Some(condition);
            } else if Some(name.as_str()) == sort {
                range = Some(condition);
            }
        }
        let partition = match hash {
            None => return Err(missed(partition)),
            Some(SortCondition::Eq(value)) => value,
            Some(_) => return Err(unsupported()),
        };
        match (range, sort) {
            (None, Some(sort)) if given > 1 => Err(missed(sort)),
            (range, _) => Ok(KeyCondition {
                partition,
                sort: range,
            }),
        }
    }

    fn collect(&mut self, node: &Logic<Test>) -> Result<()> {
        match node {
            Logic::And(parts) => parts.iter().try_for_each(|part| self.collect(part)),
            Logic::Or(_) => Err(operator("OR")),
            Logic::Not(_) => Err(operator("NOT")),
            Logic::Test(test) => self.condition(test),
        }
    }

    fn condition(&mut self, test: &Test) -> Result<()> {
        let (name, condition) = match test {
            Test::In(..) => return Err(operator("IN")),
            Test::Compare(_, Comparator::Ne, _) => return Err(operator("<>")),
            Test::Exists(_) => return Err(operator("attribute_exists")),
            Test::NotExists(_) => return Err(operator("attribute_not_exists")),
            Test::Type(..) => return Err(operator("attribute_type")),
            Test::Contains(..) => return Err(operator("contains")),
            Test::Compare(left, comparator, right) => comparison(left, *comparator, right)?,
            Test::Between(tested, low, high) => {
                let name = first_operand("BETWEEN", tested, &[low, high])?;
                (name, SortCondition::Between(value(low)?, value(high)?))
            }
            Test::BeginsWith(whole, prefix) => {
                let name = first_operand("begins_with", whole, &[prefix])?;
                (name, SortCondition::BeginsWith(value(prefix)?))
            }
        };
        if self.conditions.iter().any(|(other, _)| *other == name) {
            return Err(ApiError::validation(
                "KeyConditionExpressions must only contain one condition per key",
            ));
        }
        self.conditions.push((name, condition));
        Ok(())
    }
}

fn operator(name: &str) -> ApiError {
    ApiError::validation(format!(
        "Invalid operator used in KeyConditionExpression: {name}"
    ))
}
fn invalid(what: &str) -> ApiError {
    ApiError::validation(format!(
        "Invalid condition in KeyConditionExpression: {what}"
    ))
}
fn nested_operation() -> ApiError {
    ApiError::validation("KeyConditionExpressions cannot contain nested operations")
}

/// The one attribute among the operands, left to right, and where it stands.
fn attribute<'a>(operands: &[&'a Source]) -> Result<(&'a str, usize)> {
    let mut found = None;
    for (place, operand) in operands.iter().enumerate() {
        match operand {
            Source::Value(_) => {}
            Source::Size(_) => return Err(nested_operation()),
            Source::Path(DocPath { root, steps }) => {
                if found.is_some() {
                    return Err(invalid("Multiple attribute names used in one condition"));
                }
                if !steps.is_empty() {
                    return Err(ApiError::validation(
                        "KeyConditionExpressions cannot have conditions on nested attributes",
                    ));
                }
                found = Some((root.as_str(), place));
            }
        }
    }
    found.ok_or_else(|| invalid("No key attribute specified"))
}

fn first_operand(operator: &str, first: &Source, rest: &[&Source]) -> Result<String> {
    if !matches!(first, Source::Path(_)) {
        return Err(invalid(&format!(
            "{operator} operator must have the key attribute as its first operand"
        )));
    }
    let mut operands = vec![first];
    operands.extend(rest);
    attribute(&operands).map(|(name, _)| name.to_string())
}

fn value(source: &Source) -> Result<AvBuf> {
    match source {
        Source::Value(value) => Ok(value.clone()),
        _ => Err(nested_operation()),
    }
}

fn comparison(
    left: &Source,
    comparator: Comparator,
    right: &Source,
) -> Result<(String, SortCondition)> {
    let (name, place) = attribute(&[left, right])?;
    let (comparator, operand) = if place == 0 {
        (comparator, right)
    } else {
        (comparator.reversed(), left)
    };
    let value = value(operand)?;
    let condition = match comparator {
        Comparator::Lt => SortCondition::Lt(value),
        Comparator::Le => SortCondition::Le(value),
        Comparator::Gt => SortCondition::Gt(value),
        Comparator::Ge => SortCondition::Ge(value),
        Comparator::Eq | Comparator::Ne => SortCondition::Eq(value),
    };
    Ok((name.to_string(), condition))
}
