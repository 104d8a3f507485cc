//! A SELECT as reads of ranges.
//!
//! Every alternative of a WHERE clause that names a partition is a range of its own, as Query reads it (of one item
//! when the whole key of the table is named); a condition that does not name one in every alternative is a Scan. The
//! conditions that bound no range are the filter.

use super::ast::{OrderKey, Select};
use super::columns::Columns;
use super::keys::{Keys, Range};
use super::token::{self, Binding, Position};
use crate::expression::ast::Logic;
use crate::expression::test::Test;
use crate::expression::{Condition, KeyCondition};
use crate::index::sort_range;
use crate::key::StoredKey;
use crate::operation::Operation;
use crate::range::{Access, KeyRange};
use crate::read::{PageRead, ReadKind};
use crate::request::options::ReturnCapacity;
use crate::request::reading::Reading;
use crate::request::start_key::StartKey;
use crate::request::{ReadOptions, key};
use crate::table::{IndexRef, IndexState, KeyAttribute, TableDefinition, TableRef};
use crate::value::AvBuf;
use crate::{ApiError, Result};

/// What a request asks for besides its statement.
#[derive(Clone, Debug)]
pub(crate) struct SelectOptions {
    pub table: TableRef,
    pub consistent: bool,
    pub capacity: ReturnCapacity,
    pub limit: Option<u64>,
    pub binding: Binding,
    pub token: Option<String>,
    pub read: ReadOptions,
}

/// A range to read.
#[derive(Clone, Debug)]
pub struct Branch {
    pub read: PageRead,
    /// It is at most the one item of this key.
    pub key: Option<StoredKey>,
}

/// A SELECT bound to its table.
#[derive(Clone, Debug)]
pub struct SelectPlan {
    pub(super) table: TableRef,
    pub(super) columns: Columns,
    pub(super) branches: Vec<Branch>,
    /// The first range to be read; those before it are done.
    pub(super) first: usize,
    pub(super) binding: Binding,
    pub(super) limit: Option<u64>,
    pub(super) capacity: ReturnCapacity,
}

impl SelectPlan {
    /// Err: ValidationException with DynamoDB's text for the first fault.
    pub(crate) fn bind(
        select: &Select,
        condition: Option<Logic<Test>>,
        options: SelectOptions,
        table: &TableDefinition,
    ) -> Result<SelectPlan> {
        let index = index(select, &options, table)?;
        let columns = Columns::new(&select.columns);
        let reader = Reader {
            table,
            index,
            select,
            options: &options,
            projection: &columns,
        };
        let mut branches = match condition {
            Some(condition) if reader.keys().is_keyed(&condition) => reader.ranges(&condition)?,
            condition => {
                check_scan_order(select, condition.is_some(), &reader.keys())?;
                vec![reader.scan(condition)?]
            }
        };
        let mut first = 0;
        if let Some(token) = &options.token {
            let position = options.binding.read(token)?;
            first = position.range;
            go_on(&mut branches, position, table, index)?;
        }
        Ok(SelectPlan {
            table: options.table,
            columns,
            branches,
            first,
            binding: options.binding,
            limit: options.limit,
            capacity: options.capacity,
        })
    }

    /// The ranges that are to be read, with their numbers.
    pub fn ranges(&self) -> impl Iterator<Item = (usize, &Branch)> {
        self.branches.iter().enumerate().skip(self.first)
    }

    /// The operation that the statement stands for.
    pub fn operation(&self) -> Operation {
        let mut reads = self.branches.iter();
        if reads.clone().any(|branch| !branch.read.is_query()) {
            Operation::Scan
        } else if reads.all(|branch| branch.key.is_some()) {
            Operation::GetItem
        } else {
            Operation::Query
        }
    }

    /// The one item that is read, when its key is all that the statement asks about.
    pub fn one_item(&self) -> Option<(&PageRead, &StoredKey)> {
        match self.branches.as_slice() {
            [
                Branch {
                    read,
                    key: Some(key),
                },
            ] if !read.has_filter() => Some((read, key)),
            _ => None,
        }
    }
}

/// The index that the statement names. Err: there is none of that name, or it cannot be read.
fn index<'t>(
    select: &Select,
    options: &SelectOptions,
    table: &'t TableDefinition,
) -> Result<Option<IndexRef<'t>>> {
    let Some(name) = &select.source.index else {
        return Ok(None);
    };
    let index = table
        .index(name)
        .filter(|index| index.state() != IndexState::Deleting)
        .ok_or_else(|| ApiError::validation("The table does not have the specified index"))?;
    if index.partition(table).len() > 1 || index.sort().len() > 1 {
        return Err(ApiError::validation(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.",
        ));
    }
    if index.is_global() && options.consistent && !options.read.allow_consistent_gsi {
        return Err(ApiError::validation(
            "Strongly consistent read is not supported on Global Secondary Indexes",
        ));
    }
    if index.state() != IndexState::Active {
        return Err(ApiError::validation(format!(
            "Cannot read from backfilling global secondary index: {name}"
        )));
    }
    Ok(Some(index))
}

struct Reader<'r> {
    table: &'r TableDefinition,
    index: Option<IndexRef<'r>>,
    select: &'r Select,
    options: &'r SelectOptions,
    projection: &'r Columns,
}

impl<'r> Reader<'r> {
    fn keys(&self) -> Keys<'r> {
        let schema = &self.table.key_schema;
        match self.index {
            None => Keys {
                partition: &schema.partition,
                sort: schema.sort.as_ref(),
            },
            Some(index) => Keys {
                partition: index
                    .partition(self.table)
                    .first()
                    .unwrap_or(&schema.partition),
                sort: index.sort().first(),
            },
        }
    }

    fn ranges(&self, condition: &Logic<Test>) -> Result<Vec<Branch>> {
        let keys = self.keys();
        let mut ranges = keys.ranges(condition)?;
        let forward = order(&self.select.order, &keys, &mut ranges)?;
        ranges
            .into_iter()
            .map(|range| self.range(range, &keys, forward))
            .collect()
    }

    fn range(&self, range: Range, keys: &Keys<'_>, forward: bool) -> Result<Branch> {
        key::check_size(
            keys.partition,
            range.partition.as_av().payload().len(),
            true,
        )?;
        if let (Some(sort), Some(condition)) = (keys.sort, &range.sort) {
            for value in condition.values() {
                key::check_size(sort, value.as_av().payload().len(), false)?;
            }
        }
        let condition = KeyCondition {
            partition: vec![range.partition],
            sort: range.sort.into_iter().collect(),
        };
        let partition: Vec<_> = condition.partition.iter().map(AvBuf::as_av).collect();
        let sort = match keys.sort {
            Some(_) => condition.sort_range(1),
            None => sort_range(0, &[], None),
        };
        let mut found = KeyRange::of_partition(Access::of_index(self.index), &partition, sort);
        found.forward = forward;
        let key = self.key_of(&condition, keys, &found);
        let mut rest = range.rest;
        let filter = match rest.len() {
            0 => None,
            1 => rest.pop(),
            _ => Some(Logic::And(rest)),
        };
        let reading = self.reading(filter);
        reading.check_projection(self.table)?;
        reading.check_select(self.table, self.index)?;
        reading.check_filter_is_projected(self.table, self.index)?;
        reading.check_filter(self.table)?;
        let names =
            std::iter::once(keys.partition).chain(keys.sort.into_iter().take(condition.sort.len()));
        let kind = ReadKind::Query {
            keys: names.map(|key| key.name.clone()).collect(),
            condition,
        };
        let read = reading.into_read(kind, self.table, self.index, found)?;
        Ok(Branch { read, key })
    }

    /// The key of the one item of the table that a range is.
    fn key_of(
        &self,
        condition: &KeyCondition,
        keys: &Keys<'_>,
        range: &KeyRange,
    ) -> Option<StoredKey> {
        if self.index.is_some() || !range.is_one_row() {
            return None;
        }
        let partition = condition.partition.first()?.as_av().payload();
        let sort = match keys.sort {
            None => &[][..],
            Some(_) => condition.sort.first()?.values().next()?.as_av().payload(),
        };
        Some(StoredKey::from_key_bytes(partition, sort))
    }

    fn scan(&self, filter: Option<Logic<Test>>) -> Result<Branch> {
        let reading = self.reading(filter);
        reading.check_select(self.table, self.index)?;
        reading.check_projection(self.table)?;
        reading.check_filter(self.table)?;
        let range = KeyRange::all(Access::of_index(self.index));
        let kind = ReadKind::Scan { segment: None };
        let read = reading.into_read(kind, self.table, self.index, range)?;
        Ok(Branch { read, key: None })
    }

    fn reading(&self, filter: Option<Logic<Test>>) -> Reading {
        Reading::of_statement(
            self.options.table.clone(),
            filter.map(Condition::new),
            self.projection.projection(),
            self.options.consistent,
            self.options.capacity,
        )
    }
}

/// Sorts the ranges by ORDER BY; the direction in which each is read.
fn order(order: &[OrderKey], keys: &Keys<'_>, ranges: &mut [Range]) -> Result<bool> {
    check_names(order, keys)?;
    let partitions = ranges.iter().enumerate().filter(|(at, range)| {
        !ranges[..*at]
            .iter()
            .any(|before| before.partition == range.partition)
    });
    let several = partitions.count() > 1;
    let of = |key: &KeyAttribute| order.iter().position(|by| by.attribute == key.name);
    let by_partition = of(keys.partition);
    let by_sort = keys.sort.and_then(of);
    if order.is_empty() {
        return Ok(true);
    }
    if several && by_partition.is_none() {
        return Err(ApiError::validation(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ));
    }
    if several && by_sort < by_partition && by_sort.is_some() {
        return Err(ApiError::validation(
            "The hash key must come before the range key in the ORDER BY clause when more than one hash key condition is \
             specified in the WHERE clause.",
        ));
    }
    let descending = |at: Option<usize>| at.and_then(|at| order.get(at)).map(|by| by.descending);
    // Without a word on the sort key DynamoDB reads it backward.
    let forward = !descending(by_sort).unwrap_or(true);
    let partition_descending = descending(by_partition).unwrap_or(false);
    ranges.sort_by(|one, other| {
        let partitions = one
            .partition
            .as_av()
            .payload()
            .cmp(other.partition.as_av().payload());
        let partitions = match partition_descending {
            true => partitions.reverse(),
            false => partitions,
        };
        let places = one.place().cmp(&other.place());
        partitions.then(if forward { places } else { places.reverse() })
    });
    Ok(forward)
}

fn check_names(order: &[OrderKey], keys: &Keys<'_>) -> Result<()> {
    let known = |name: &str| {
        let mut keys = std::iter::once(keys.partition).chain(keys.sort);
        keys.any(|key| key.name == name)
    };
    match order.iter().find(|by| !known(&by.attribute)) {
        None => Ok(()),
        Some(by) => Err(ApiError::validation(format!(
            "Attribute {} in ORDER BY clause must be part of the primary key",
            by.attribute
        ))),
    }
}

/// A scan has no order.
fn check_scan_order(select: &Select, has_condition: bool, keys: &Keys<'_>) -> Result<()> {
    if select.order.is_empty() {
        return Ok(());
    }
    if !has_condition {
        return Err(ApiError::validation(
            "Must have WHERE clause in the statement when using ORDER BY clause.",
        ));
    }
    check_names(&select.order, keys)?;
    Err(ApiError::validation(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
    ))
}

/// Lets the range that a token names begin behind the item it names.
fn go_on(
    branches: &mut [Branch],
    position: Position,
    table: &TableDefinition,
    index: Option<IndexRef<'_>>,
) -> Result<()> {
    let branch = branches
        .get_mut(position.range)
        .ok_or_else(token::mismatch)?;
    let Some(key) = position.key else {
        return Ok(());
    };
    let start = StartKey::of_attributes(
        key.as_item()
            .to_attributes()
            .map_err(|_| token::invalid())?,
    );
    let columns = start
        .check_count(table, index)
        .and_then(|()| start.columns(table, index))
        .map_err(|_| token::invalid())?;
    if !branch.read.range.contains(&columns) {
        return Err(token::invalid());
    }
    let range = branch.read.range.clone();
    branch.read.range = range.after(&columns);
    branch.key = None;
    branch.read.start = Some(start.into_attributes());
    Ok(())
}
