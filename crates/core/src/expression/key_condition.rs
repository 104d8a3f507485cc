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
use crate::index::{self, SortRange, SortTest};
use crate::table::KeyAttribute;
use crate::value::{Av, AvBuf};
use crate::{ApiError, Result};

/// A key condition bound to the key attributes of a table or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCondition {
    /// Values of all HASH attributes.
    pub partition: Vec<AvBuf>,
    /// Conditions on the first RANGE attributes; every one but the last is an equality.
    pub sort: Vec<SortCondition>,
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

/// Conditions on attributes that are not yet known to be keys. None: an operator of the legacy parameter that
/// no index answers; which attributes are keys is looked at before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConditions {
    conditions: Vec<(String, Option<SortCondition>)>,
}

impl SortCondition {
    /// The values compared with.
    pub fn values(&self) -> impl Iterator<Item = &AvBuf> {
        let (first, second) = match self {
            SortCondition::Eq(value)
            | SortCondition::Lt(value)
            | SortCondition::Le(value)
            | SortCondition::Gt(value)
            | SortCondition::Ge(value)
            | SortCondition::BeginsWith(value) => (value, None),
            SortCondition::Between(low, high) => (low, Some(high)),
        };
        std::iter::once(first).chain(second)
    }

    /// As the range of an index; None: an equality.
    pub fn test(&self) -> Option<SortTest<'_>> {
        Some(match self {
            SortCondition::Eq(_) => return None,
            SortCondition::Lt(value) => SortTest::Less(value.as_av()),
            SortCondition::Le(value) => SortTest::LessOrEqual(value.as_av()),
            SortCondition::Gt(value) => SortTest::Greater(value.as_av()),
            SortCondition::Ge(value) => SortTest::GreaterOrEqual(value.as_av()),
            SortCondition::Between(low, high) => SortTest::Between(low.as_av(), high.as_av()),
            SortCondition::BeginsWith(prefix) => SortTest::BeginsWith(prefix.as_av()),
        })
    }

    /// Whether a key value, of the type of those compared with, fulfils the condition.
    pub fn holds(&self, key: Av<'_>) -> bool {
        let key = key.payload();
        match self {
            SortCondition::Eq(value) => key == value.as_av().payload(),
            SortCondition::Lt(value) => key < value.as_av().payload(),
            SortCondition::Le(value) => key <= value.as_av().payload(),
            SortCondition::Gt(value) => key > value.as_av().payload(),
            SortCondition::Ge(value) => key >= value.as_av().payload(),
            SortCondition::Between(low, high) => {
                (low.as_av().payload()..=high.as_av().payload()).contains(&key)
            }
            SortCondition::BeginsWith(prefix) => key.starts_with(prefix.as_av().payload()),
        }
    }
}

impl KeyCondition {
    /// The range of the sort column of a btree whose key has `count` RANGE attributes.
    pub fn sort_range(&self, count: usize) -> SortRange {
        let is_equality = |condition: &&SortCondition| matches!(condition, SortCondition::Eq(_));
        let equal: Vec<Av<'_>> = self
            .sort
            .iter()
            .take_while(is_equality)
            .flat_map(SortCondition::values)
            .map(AvBuf::as_av)
            .collect();
        let test = self.sort.get(equal.len()).and_then(SortCondition::test);
        index::sort_range(count, &equal, test)
    }
}

impl KeyConditions {
    /// What can be said without the table. `longest`: conditions there may be, two unless an index is queried.
    ///
    /// Err: ValidationException with the service's text for the first fault.
    pub fn compile(
        text: &str,
        p: &Placeholders,
        u: &mut Usage,
        longest: usize,
    ) -> Result<KeyConditions> {
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
        found.check_length(longest)?;
        Ok(found)
    }

    /// From the legacy KeyConditions; each attribute occurs once.
    pub(crate) fn of(
        conditions: Vec<(String, Option<SortCondition>)>,
        longest: usize,
    ) -> Result<KeyConditions> {
        let found = KeyConditions { conditions };
        found.check_length(longest)?;
        Ok(found)
    }

    fn check_length(&self, longest: usize) -> Result<()> {
        if (1..=longest).contains(&self.conditions.len()) {
            return Ok(());
        }
        Err(ApiError::validation(
            "Conditions can be of length 1 or 2 only",
        ))
    }

    /// The conditions as conditions on these key attributes: all of `partition` by equality, those of `sort`
    /// from left to right, a range only on the last that has one. `also` is asked of every attribute before
    /// its condition is looked at.
    ///
    /// Err: "Query condition missed key schema element: pk", "Query key condition not supported", "… Condition
    /// parameter type does not match schema type".
    pub fn bind(
        self,
        partition: &[KeyAttribute],
        sort: &[KeyAttribute],
        also: &mut dyn FnMut(&KeyAttribute) -> Result<()>,
    ) -> Result<KeyCondition> {
        let given = self.conditions.len();
        let mut left = self.conditions;
        let mut bound = KeyCondition {
            partition: Vec::with_capacity(partition.len()),
            sort: Vec::with_capacity(sort.len()),
        };
        for key in partition {
            also(key)?;
            if given > partition.len() + sort.len() {
                return Err(unsupported());
            }
            match take(&mut left, key)?.ok_or_else(|| missed(key))? {
                SortCondition::Eq(value) => bound.partition.push(value),
                _ => return Err(unsupported()),
            }
        }
        for key in sort {
            also(key)?;
            if left.is_empty() {
                continue;
            }
            let condition = take(&mut left, key)?.ok_or_else(|| missed(key))?;
            if !bound.sort.iter().all(|c| matches!(c, SortCondition::Eq(_))) {
                return Err(unsupported());
            }
            bound.sort.push(condition);
        }
        Ok(bound)
    }

    fn collect(&mut self, node: &Logic<Test>) -> Result<()> {
        match node {
            Logic::And(parts) => parts.iter().try_for_each(|part| self.collect(part)),
            Logic::Or(_) => Err(operator("OR")),
            Logic::Not(_) => Err(operator("NOT")),
            Logic::Shared(inner) => self.collect(inner),
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
        self.conditions.push((name, Some(condition)));
        Ok(())
    }
}

/// Takes the condition on a key attribute out of `left`; None: there is none.
fn take(
    left: &mut Vec<(String, Option<SortCondition>)>,
    key: &KeyAttribute,
) -> Result<Option<SortCondition>> {
    let Some(place) = left.iter().position(|(name, _)| *name == key.name) else {
        return Ok(None);
    };
    let (_, Some(condition)) = left.swap_remove(place) else {
        return Err(ApiError::validation(
            "Attempted conditional constraint is not an indexable operation",
        ));
    };
    for value in condition.values() {
        if value.as_av().value_type()? != key.scalar.value_type() {
            return Err(ApiError::validation(
                "One or more parameter values were invalid: Condition parameter type does not match schema type",
            ));
        }
    }
    Ok(Some(condition))
}

fn unsupported() -> ApiError {
    ApiError::validation("Query key condition not supported")
}
fn missed(key: &KeyAttribute) -> ApiError {
    let name = &key.name;
    ApiError::validation(format!("Query condition missed key schema element: {name}"))
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
