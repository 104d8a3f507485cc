//! What every request about items passes: the throughput it may use, and the counts of the keys it asks for.
//!
//! A request is admitted when something is left of the throughput of its table (for a write also of each global index) and
//! pays when it is over. Both, and the counts of Contributor Insights, are a look at a setting and at the table's
//! definition where nothing of this is on.

use super::Session;
use crate::storage::catalog::Table;
use crate::storage::insights::{self, Rule, Subject};
use crate::storage::throughput::{self, Bucket};
use pg_dynamo_core::apply::{Outcome, Write};
use pg_dynamo_core::capacity::{Units, WriteUnits};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::read::PageRead;
use pg_dynamo_core::table::{GlobalIndex, IndexRef, TableDefinition};
use pg_dynamo_core::throttle::{Bound, Direction};
use pg_dynamo_core::{ApiError, Result};
use std::rc::Rc;

/// Admits a request for these keys of a table.
pub fn admit<'k>(
    session: &Session,
    table: &Table,
    direction: Direction,
    keys: impl IntoIterator<Item = &'k StoredKey>,
) -> Result<()> {
    if table.definition.insights.is_empty() && !throughput::enforced() {
        return Ok(());
    }
    let definition = &table.definition;
    let keys = || -> Result<Keys> { describe(definition, keys) };
    if throughput::enforced()
        && let Some((refusal, index)) = exhausted(session, table, direction)
    {
        count(table, index, Rule::Throttled, keys)?;
        return Err(refusal);
    }
    count(table, None, Rule::Accessed, keys)
}

/// Admits a batch: which of its tables take part. Those that have nothing left are left out as long as there are others.
/// `keys`: those of the table in that place.
pub fn admit_batch<'k, K: IntoIterator<Item = &'k StoredKey>>(
    session: &Session,
    tables: &[Rc<Table>],
    direction: Direction,
    keys: impl Fn(usize) -> K,
) -> Result<Vec<bool>> {
    let enforced = throughput::enforced();
    if !enforced && tables.iter().all(|t| t.definition.insights.is_empty()) {
        return Ok(vec![true; tables.len()]);
    }
    let refused: Vec<_> = tables
        .iter()
        .map(|table| match enforced {
            true => exhausted(session, table, direction),
            false => None,
        })
        .collect();
    for (place, (table, refused)) in tables.iter().zip(&refused).enumerate() {
        let keys = || describe(&table.definition, keys(place));
        match refused {
            Some((_, index)) => count(table, *index, Rule::Throttled, keys)?,
            None => count(table, None, Rule::Accessed, keys)?,
        }
    }
    let admitted = refused.iter().map(Option::is_none).collect();
    let all = refused.into_iter().collect::<Option<Vec<_>>>();
    match all.and_then(|all| all.into_iter().next()) {
        Some((refusal, _)) => Err(refusal),
        None => Ok(admitted),
    }
}

type Keys = Vec<(String, Option<String>)>;

fn describe<'k>(
    definition: &TableDefinition,
    keys: impl IntoIterator<Item = &'k StoredKey>,
) -> Result<Keys> {
    let schema = &definition.key_schema;
    keys.into_iter().map(|key| key.describe(schema)).collect()
}

/// What of a table has nothing left, and the refusal that says so.
fn exhausted<'t>(
    session: &Session,
    table: &'t Table,
    direction: Direction,
) -> Option<(ApiError, Option<&'t GlobalIndex>)> {
    let definition = &*table.definition;
    let refusal = |bound: Bound, index: Option<&'t GlobalIndex>| {
        let name = index.map(|index| index.name.as_str());
        (
            bound.refusal(definition, name, direction, &session.account),
            index,
        )
    };
    if let Some(bound) = definition.throughput_bound(direction)
        && !bucket(table, None, direction).admits(&bound)
    {
        return Some(refusal(bound, None));
    }
    let written = definition.global_indexes.iter();
    let mut written =
        written.filter(|i| direction == Direction::Write && IndexRef::Global(i).is_maintained());
    written.find_map(|index| {
        let bound = definition.throughput_bound_of(index, direction)?;
        let admitted = bucket(table, Some(index), direction).admits(&bound);
        (!admitted).then(|| refusal(bound, Some(index)))
    })
}

fn bucket(table: &Table, index: Option<&GlobalIndex>, direction: Direction) -> Bucket {
    Bucket {
        relation: table.relid.to_u32(),
        columns: index.map_or(0, |index| index.columns),
        direction,
    }
}

/// Counts keys for the Contributor Insights of a table or index, where they are enabled.
fn count(
    table: &Table,
    index: Option<&GlobalIndex>,
    rule: Rule,
    keys: impl FnOnce() -> Result<Keys>,
) -> Result<()> {
    let name = index.map_or("", |index| index.name.as_str());
    let Some(enabled) = table.definition.insights.get(name) else {
        return Ok(());
    };
    let counted = match rule {
        Rule::Accessed => enabled.counts_accesses(),
        Rule::Throttled => enabled.enabled,
    };
    if !counted || !insights::counting() {
        return Ok(());
    }
    let times = insights::weight(rule);
    if times > 0 {
        let subject = Subject {
            relation: table.relid.to_u32(),
            columns: index.map_or(0, |index| index.columns),
        };
        insights::count(subject, rule, &keys()?, times);
    }
    Ok(())
}

/// Admits a page of a Query or Scan. Keys of a Scan are not counted: it asks for none.
pub fn admit_page(session: &Session, table: &Table, read: &PageRead) -> Result<()> {
    if table.definition.insights.is_empty() && !throughput::enforced() {
        return Ok(());
    }
    let index = global_index(table, read.global_index());
    let keys = || -> Result<Keys> {
        let partition = read.partition_json()?;
        Ok(partition.map(|key| (key, None)).into_iter().collect())
    };
    if throughput::enforced()
        && let Some(bound) = bound(table, index, Direction::Read)
        && !bucket(table, index, Direction::Read).admits(&bound)
    {
        count(table, index, Rule::Throttled, keys)?;
        let name = index.map(|index| index.name.as_str());
        return Err(bound.refusal(&table.definition, name, Direction::Read, &session.account));
    }
    count(table, index, Rule::Accessed, keys)
}

fn global_index<'t>(table: &'t Table, name: Option<&str>) -> Option<&'t GlobalIndex> {
    let mut indexes = table.definition.global_indexes.iter();
    name.and_then(|name| indexes.find(|index| index.name == name))
}

fn bound(table: &Table, index: Option<&GlobalIndex>, direction: Direction) -> Option<Bound> {
    match index {
        Some(index) => table.definition.throughput_bound_of(index, direction),
        None => table.definition.throughput_bound(direction),
    }
}

fn charge(table: &Table, index: Option<&GlobalIndex>, direction: Direction, units: Units) {
    if units > Units::default()
        && let Some(bound) = bound(table, index, direction)
    {
        bucket(table, index, direction).spend(&bound, units);
    }
}

/// Charges what was read of a table, or of the global index of that name.
pub fn charge_read(table: &Table, index: Option<&str>, units: Units) {
    if throughput::enforced() {
        charge(table, global_index(table, index), Direction::Read, units);
    }
}

/// Charges what a write cost, or the attempt of one whose condition did not hold.
pub fn charge_write(table: &Table, write: &Write, outcome: &Result<Outcome>) -> Result<()> {
    if !throughput::enforced() {
        return Ok(());
    }
    match outcome {
        Ok(outcome) => {
            let mut units = WriteUnits::default();
            write.add_consumed(outcome, &mut units)?;
            charge_writes(table, &units);
        }
        Err(error) => charge(table, None, Direction::Write, error.consumed),
    }
    Ok(())
}

/// Charges what the refused actions of a transaction cost a table.
pub fn charge_refused(table: &Table, units: Units) {
    if throughput::enforced() {
        charge(table, None, Direction::Write, units);
    }
}

/// Charges what several writes of a table cost.
pub fn charge_writes(table: &Table, units: &WriteUnits<'_>) {
    if !throughput::enforced() {
        return;
    }
    charge(table, None, Direction::Write, units.of_table());
    for (name, units) in units.of_global_indexes() {
        let index = global_index(table, Some(name));
        if index.is_some() {
            charge(table, index, Direction::Write, units);
        }
    }
}
