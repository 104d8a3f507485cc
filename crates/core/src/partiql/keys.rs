//! What a WHERE clause says about the keys: which items a statement writes, and into which ranges a SELECT is taken
//! apart.

use crate::expression::ast::{Comparator, Logic};
use crate::expression::path::DocPath;
use crate::expression::test::{Source, Test};
use crate::expression::{KeyCondition, SortCondition};
use crate::index::SortRange;
use crate::limits::MAX_DECOMPOSED_READS;
use crate::table::KeyAttribute;
use crate::value::AvBuf;
use crate::{ApiError, Result};
use std::rc::Rc;

/// The key of a table or of an index with one attribute of each kind.
#[derive(Clone, Copy)]
pub struct Keys<'k> {
    pub partition: &'k KeyAttribute,
    pub sort: Option<&'k KeyAttribute>,
}

/// One range of one partition, and what is left to be asked of its items.
#[derive(Clone, Debug)]
pub struct Range {
    pub partition: AvBuf,
    pub sort: Option<SortCondition>,
    /// All of these; the conditions above are not among them.
    pub rest: Vec<Logic<Test>>,
    /// Among them is one on the sort key that no range expresses (`<>`, NOT).
    negative: bool,
}

/// The conditions that all must hold.
pub fn conjuncts(root: Logic<Test>) -> Vec<Logic<Test>> {
    match root {
        Logic::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        Logic::Shared(inner) if matches!(inner.plain(), Logic::And(_)) => {
            conjuncts(Rc::unwrap_or_clone(inner))
        }
        other => vec![other],
    }
}

/// `name = value`, in either order.
pub fn equality<'t>(test: &'t Logic<Test>, name: &str) -> Option<&'t AvBuf> {
    match test.plain() {
        Logic::Test(Test::Compare(left, Comparator::Eq, right)) => match (left, right) {
            (Source::Path(path), Source::Value(value))
            | (Source::Value(value), Source::Path(path))
                if is(path, name) =>
            {
                Some(value)
            }
            _ => None,
        },
        _ => None,
    }
}

/// `name IN [value]`.
pub fn one_of<'t>(test: &'t Logic<Test>, name: &str) -> Option<&'t AvBuf> {
    match test.plain() {
        Logic::Test(test) => match members(test, name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

fn is(path: &DocPath, name: &str) -> bool {
    path.steps.is_empty() && path.root == name
}

/// The condition on attribute `name` as a range of a sort key; None: no range expresses it.
fn range_of(test: &Test, name: &str) -> Option<SortCondition> {
    let own = |source: &Source| matches!(source, Source::Path(path) if is(path, name));
    let value = |source: &Source| match source {
        Source::Value(value) => Some(value.clone()),
        _ => None,
    };
    match test {
        Test::Compare(left, comparator, right) => {
            let (comparator, value) = if own(left) {
                (*comparator, value(right)?)
            } else if own(right) {
                (comparator.reversed(), value(left)?)
            } else {
                return None;
            };
            Some(match comparator {
                Comparator::Eq => SortCondition::Eq(value),
                Comparator::Lt => SortCondition::Lt(value),
                Comparator::Le => SortCondition::Le(value),
                Comparator::Gt => SortCondition::Gt(value),
                Comparator::Ge => SortCondition::Ge(value),
                Comparator::Ne => return None,
            })
        }
        Test::Between(tested, low, high) if own(tested) => {
            Some(SortCondition::Between(value(low)?, value(high)?))
        }
        Test::BeginsWith(whole, prefix) if own(whole) => {
            Some(SortCondition::BeginsWith(value(prefix)?))
        }
        _ => None,
    }
}

/// `name IN [values]`.
fn members<'t>(test: &'t Test, name: &str) -> Option<Vec<&'t AvBuf>> {
    let Test::In(Source::Path(path), list) = test else {
        return None;
    };
    if !is(path, name) {
        return None;
    }
    list.iter()
        .map(|member| match member {
            Source::Value(value) => Some(value),
            _ => None,
        })
        .collect()
}

fn mentions(logic: &Logic<Test>, name: &str) -> bool {
    let mut found = false;
    logic.each(&mut |test| test.each_path(&mut |path| found |= is(path, name)));
    found
}

impl Keys<'_> {
    /// Whether every way to fulfil the condition names a partition: otherwise the statement is a scan.
    pub fn is_keyed(&self, logic: &Logic<Test>) -> bool {
        match logic {
            Logic::And(parts) => parts.iter().any(|part| self.is_keyed(part)),
            Logic::Or(parts) => !parts.is_empty() && parts.iter().all(|part| self.is_keyed(part)),
            Logic::Not(_) => false,
            Logic::Shared(inner) => self.is_keyed(inner),
            Logic::Test(test) => {
                let name = &self.partition.name;
                equality(logic, name).is_some() || members(test, name).is_some()
            }
        }
    }

    /// The ranges of a keyed condition, in order of the text; together they hold every item that fulfils it, each in
    /// one only. Err: values of other types than the key's, too many ranges, or overlapping ones.
    pub fn ranges(&self, root: &Logic<Test>) -> Result<Vec<Range>> {
        let mut ranges = Vec::new();
        for branch in self.branches(root)? {
            ranges.push(self.range(branch)?);
        }
        self.merged(ranges)
    }

    /// The conditions of every alternative that is about keys. What stands in several of them is shared: alternatives
    /// are at most fifty, but the text decides how large a condition is that all of them have.
    fn branches(&self, logic: &Logic<Test>) -> Result<Vec<Vec<Logic<Test>>>> {
        match logic {
            Logic::And(parts) => {
                let mut all: Vec<Vec<Logic<Test>>> = vec![Vec::new()];
                for part in parts {
                    let alternatives = self.branches(part)?;
                    check_count(all.len() * alternatives.len())?;
                    all = crossed(all, &alternatives);
                }
                Ok(all)
            }
            Logic::Or(parts) if self.is_keyed(logic) || parts.iter().any(|p| self.on_sort(p)) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.branches(part)?);
                    check_count(all.len())?;
                }
                Ok(all)
            }
            Logic::Test(test) => {
                let own = [Some(self.partition), self.sort];
                let listed = own.into_iter().flatten().find_map(|key| {
                    members(test, &key.name).map(|values| (key.name.as_str(), values))
                });
                let Some((name, values)) = listed else {
                    return Ok(vec![vec![logic.clone().shared()]]);
                };
                check_count(values.len())?;
                let equal = |value: &AvBuf| {
                    let path = Source::Path(DocPath::top(name));
                    let value = Source::Value(value.clone());
                    vec![Logic::Test(Test::Compare(path, Comparator::Eq, value))]
                };
                Ok(values.into_iter().map(equal).collect())
            }
            Logic::Shared(inner) => self.branches(inner),
            _ => Ok(vec![vec![logic.clone().shared()]]),
        }
    }

    /// Whether it restricts the sort key to a range somewhere.
    fn on_sort(&self, logic: &Logic<Test>) -> bool {
        let Some(sort) = self.sort else { return false };
        match logic {
            Logic::And(parts) | Logic::Or(parts) => parts.iter().any(|part| self.on_sort(part)),
            Logic::Not(_) => false,
            Logic::Shared(inner) => self.on_sort(inner),
            Logic::Test(test) => {
                range_of(test, &sort.name).is_some() || members(test, &sort.name).is_some()
            }
        }
    }

    fn range(&self, branch: Vec<Logic<Test>>) -> Result<Range> {
        let mut partition: Option<AvBuf> = None;
        let mut rest = Vec::new();
        for condition in branch.into_iter().flat_map(conjuncts) {
            match equality(&condition, &self.partition.name) {
                Some(value) if partition.as_ref() == Some(value) => {}
                Some(value) if partition.is_none() => {
                    check_type(value, self.partition)?;
                    partition = Some(value.clone());
                }
                _ => rest.push(condition),
            }
        }
        let partition =
            partition.ok_or_else(|| ApiError::internal("a keyed condition without its key"))?;
        let sort = match self.sort {
            None => None,
            Some(key) => take_sort(&mut rest, key)?,
        };
        let negative = self.sort.is_some_and(|key| {
            rest.iter()
                .any(|condition| is_negative(condition, &key.name))
        });
        Ok(Range {
            partition,
            sort,
            rest,
            negative,
        })
    }

    /// Ranges of one partition must not overlap; where one of them is cut by a condition that is no range, they are
    /// read as one.
    fn merged(&self, ranges: Vec<Range>) -> Result<Vec<Range>> {
        let mut done: Vec<Range> = Vec::new();
        for range in ranges {
            let overlapping = done.iter().position(|other| {
                other.partition == range.partition && overlap(&other.bounds(), &range.bounds())
            });
            match overlapping.and_then(|at| done.get_mut(at)) {
                None => done.push(range),
                Some(other) if other.negative || range.negative => {
                    let partition = other.partition.clone();
                    other.unite(range, self.sort);
                    self.swallow(&mut done, &partition)?;
                }
                Some(_) => {
                    return Err(ApiError::validation(
                        "Overlapping conditions with range keys are not supported in where clause",
                    ));
                }
            }
        }
        Ok(done)
    }

    /// Everything of this partition becomes one range.
    fn swallow(&self, done: &mut Vec<Range>, partition: &AvBuf) -> Result<()> {
        let (own, mut others): (Vec<_>, Vec<_>) = done
            .drain(..)
            .partition(|range| range.partition == *partition);
        let mut own = own.into_iter();
        let mut first = own
            .next()
            .ok_or_else(|| ApiError::internal("no range of the partition"))?;
        for more in own {
            first.unite(more, self.sort);
        }
        others.push(first);
        *done = others;
        Ok(())
    }
}

impl Range {
    /// Of the sort key's bytes.
    fn bounds(&self) -> SortRange {
        let condition = KeyCondition {
            partition: Vec::new(),
            sort: self.sort.iter().cloned().collect(),
        };
        condition.sort_range(1)
    }

    /// Where the range begins, for ranges that do not overlap.
    pub fn place(&self) -> (Vec<u8>, bool) {
        let lower = self.bounds().lower;
        lower.map_or((Vec::new(), false), |end| (end.bytes, !end.inclusive))
    }

    /// The whole partition, of which either's items are shown.
    fn unite(&mut self, other: Range, key: Option<&KeyAttribute>) {
        let all = |range: &mut Range| {
            let mut conditions = std::mem::take(&mut range.rest);
            if let (Some(sort), Some(key)) = (range.sort.take(), key) {
                conditions.push(Logic::Test(as_test(sort, &key.name)));
            }
            Logic::And(conditions)
        };
        let mut other = other;
        let either = Logic::Or(vec![all(self), all(&mut other)]);
        self.rest = vec![either];
        self.negative = true;
    }
}

/// Every alternative before with every one of the next. Where there is no choice the former grow, and are not copied:
/// a text has a thousand conditions.
fn crossed(mut before: Vec<Vec<Logic<Test>>>, next: &[Vec<Logic<Test>>]) -> Vec<Vec<Logic<Test>>> {
    if let [only] = next {
        before
            .iter_mut()
            .for_each(|conditions| conditions.extend_from_slice(only));
        return before;
    }
    let with = |conditions: &Vec<Logic<Test>>| {
        let each = next
            .iter()
            .map(|more| conditions.iter().chain(more).cloned().collect());
        each.collect::<Vec<_>>()
    };
    before.iter().flat_map(with).collect()
}

fn check_count(count: usize) -> Result<()> {
    if count > MAX_DECOMPOSED_READS {
        return Err(ApiError::validation(
            "Too many decomposed read operations for a given query.",
        ));
    }
    Ok(())
}

fn check_type(value: &AvBuf, key: &KeyAttribute) -> Result<()> {
    if value.as_av().value_type()? == key.scalar.value_type() {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Key attribute's data type should match its data type in table's schema: Key {}",
        key.name
    )))
}

/// The condition that bounds the range: an equality before any other.
fn take_sort(rest: &mut Vec<Logic<Test>>, key: &KeyAttribute) -> Result<Option<SortCondition>> {
    let found: Vec<(usize, SortCondition)> = rest
        .iter()
        .enumerate()
        .filter_map(|(at, condition)| match condition.plain() {
            Logic::Test(test) => Some((at, range_of(test, &key.name)?)),
            _ => None,
        })
        .collect();
    let equal =
        |(_, condition): &&(usize, SortCondition)| matches!(condition, SortCondition::Eq(_));
    let Some((at, condition)) = found.iter().find(equal).or(found.first()).cloned() else {
        return Ok(None);
    };
    for value in condition.values() {
        check_type(value, key)?;
    }
    rest.remove(at);
    if let SortCondition::Eq(value) = &condition {
        rest.retain(|other| equality(other, &key.name) != Some(value));
    }
    Ok(Some(condition))
}

fn is_negative(condition: &Logic<Test>, name: &str) -> bool {
    match condition {
        Logic::Not(inner) => mentions(inner, name),
        Logic::Test(Test::Compare(_, Comparator::Ne, _)) => mentions(condition, name),
        Logic::Shared(inner) => is_negative(inner, name),
        Logic::And(parts) | Logic::Or(parts) => parts.iter().any(|part| is_negative(part, name)),
        Logic::Test(_) => false,
    }
}

fn as_test(condition: SortCondition, name: &str) -> Test {
    let own = || Source::Path(DocPath::top(name));
    let compare = |comparator, value| Test::Compare(own(), comparator, Source::Value(value));
    match condition {
        SortCondition::Eq(value) => compare(Comparator::Eq, value),
        SortCondition::Lt(value) => compare(Comparator::Lt, value),
        SortCondition::Le(value) => compare(Comparator::Le, value),
        SortCondition::Gt(value) => compare(Comparator::Gt, value),
        SortCondition::Ge(value) => compare(Comparator::Ge, value),
        SortCondition::Between(low, high) => {
            Test::Between(own(), Source::Value(low), Source::Value(high))
        }
        SortCondition::BeginsWith(prefix) => Test::BeginsWith(own(), Source::Value(prefix)),
    }
}

fn overlap(one: &SortRange, other: &SortRange) -> bool {
    // Whether a range that ends here lies before one that begins there.
    let before = |upper: &SortRange, lower: &SortRange| match (&upper.upper, &lower.lower) {
        (Some(end), Some(start)) => {
            end.bytes < start.bytes
                || (end.bytes == start.bytes && !(end.inclusive && start.inclusive))
        }
        _ => false,
    };
    !before(one, other) && !before(other, one)
}
