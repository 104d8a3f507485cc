//! LocalSecondaryIndexes and GlobalSecondaryIndexes.
use super::fields::{list, string};
use super::key_schema::{self, GlobalKey, invalid};
use super::shape::member;
use super::units::{self, Owner};
use crate::json::Json;
use crate::table::{
    BillingMode, GlobalIndex, IndexState, KeyAttribute, KeySchema, LocalIndex, Projection,
};
use crate::{Result, limits};
use std::collections::BTreeSet;

/// The indexes of a table that is to be restored: fewer than its source has, so not every attribute definition is
/// used, and a list may be empty.
pub fn overridden(
    request: &Json<'_>,
    key: &KeySchema,
    definitions: &[KeyAttribute],
    billing: BillingMode,
) -> Result<(Vec<LocalIndex>, Vec<GlobalIndex>)> {
    let local = list(request, "LocalSecondaryIndexes");
    let global = list(request, "GlobalSecondaryIndexes");
    parsed(local, global, key, definitions, billing, false)
}

/// The indexes of a new table, their columns numbered.
pub fn indexes(
    request: &Json<'_>,
    key: &KeySchema,
    definitions: &[KeyAttribute],
    billing: BillingMode,
) -> Result<(Vec<LocalIndex>, Vec<GlobalIndex>)> {
    let (locals, globals) = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes");
    let (local, global) = (given(request, locals)?, given(request, globals)?);
    parsed(local, global, key, definitions, billing, true)
}

/// `all_used`: every attribute definition must be part of a key.
fn parsed(
    local: &[Json<'_>],
    global: &[Json<'_>],
    key: &KeySchema,
    definitions: &[KeyAttribute],
    billing: BillingMode,
    all_used: bool,
) -> Result<(Vec<LocalIndex>, Vec<GlobalIndex>)> {
    if !local.is_empty() && key.sort.is_none() {
        return invalid(
            "Table KeySchema does not have a range key, \
             which is required when specifying a LocalSecondaryIndex",
        );
    }
    // One more than the limit shows that there are too many; the work for a hostile list is bounded.
    let local = &local[..local.len().min(limits::MAX_LOCAL_INDEXES + 1)];
    let global = &global[..global.len().min(limits::MAX_GLOBAL_INDEXES + 1)];
    let local_keys: Vec<KeyAttribute> = local
        .iter()
        .map(|index| key_schema::local_key(index, key, definitions))
        .collect::<Result<_>>()?;
    let global_keys: Vec<GlobalKey> = global
        .iter()
        .map(|index| key_schema::global_key(index, definitions))
        .collect::<Result<_>>()?;
    if all_used {
        let keys = global_keys.iter().flat_map(GlobalKey::attributes);
        let any = !(local.is_empty() && global.is_empty());
        let keys = any.then(|| local_keys.iter().chain(keys));
        key_schema::check_use(key, keys, definitions)?;
    }

    let mut names = BTreeSet::new();
    let mut columns = 1..;
    let mut found = (Vec::new(), Vec::new());
    for ((index, sort), columns) in local.iter().zip(local_keys).zip(&mut columns) {
        found.0.push(LocalIndex {
            name: new_name(index, &mut names)?,
            sort,
            projection: projection(index)?,
            columns,
        });
    }
    if found.0.len() > limits::MAX_LOCAL_INDEXES {
        return invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    }
    for ((index, key), columns) in global.iter().zip(global_keys).zip(&mut columns) {
        new_name(index, &mut names)?;
        check_throughput(index, billing)?;
        found.1.push(global_index(index, key, billing, columns)?);
    }
    if found.1.len() > limits::MAX_GLOBAL_INDEXES {
        return invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20");
    }
    check_projected(&found.0, &found.1)?;
    Ok(found)
}

/// A list that, once given, must not be empty.
fn given<'j, 'a>(request: &'j Json<'a>, name: &str) -> Result<&'j [Json<'a>]> {
    let indexes = list(request, name);
    if indexes.is_empty() && member(request, name).is_some() {
        return invalid(format_args!("List of {name} is empty"));
    }
    Ok(indexes)
}

fn new_name(index: &Json<'_>, names: &mut BTreeSet<String>) -> Result<String> {
    let name = string(index, "IndexName").unwrap_or_default();
    if names.insert(name.to_owned()) {
        return Ok(name.to_owned());
    }
    invalid(format_args!("Duplicate index name: {name}"))
}

fn check_throughput(index: &Json<'_>, billing: BillingMode) -> Result<()> {
    let name = string(index, "IndexName").unwrap_or_default();
    match (billing, member(index, "ProvisionedThroughput")) {
        (BillingMode::PayPerRequest, Some(_)) => invalid(format_args!(
            "ProvisionedThroughput should not be specified for index: {name} \
             when BillingMode is PAY_PER_REQUEST"
        )),
        (BillingMode::Provisioned, None) => invalid(format_args!(
            "ProvisionedThroughput is not specified for index: {name}"
        )),
        _ => Ok(()),
    }
}

fn global_index(
    index: &Json<'_>,
    key: GlobalKey,
    billing: BillingMode,
    columns: u32,
) -> Result<GlobalIndex> {
    let name = string(index, "IndexName").unwrap_or_default();
    let owner = Owner::Index(name);
    let throughput = units::throughput(index)?.unwrap_or_default();
    Ok(GlobalIndex {
        name: name.to_owned(),
        partition: key.partition,
        sort: key.sort,
        projection: projection(index)?,
        on_demand: units::on_demand(index, owner, billing)?,
        warm: units::new_warm(index, owner, billing, &throughput)?,
        throughput,
        columns,
        state: IndexState::Active,
    })
}

/// Projection of an index. Err: ValidationException.
pub fn projection(index: &Json<'_>) -> Result<Projection> {
    let projection = member(index, "Projection").unwrap_or(&Json::Null);
    let attributes = list(projection, "NonKeyAttributes");
    let Some(kind) = string(projection, "ProjectionType") else {
        return invalid("Unknown ProjectionType: null");
    };
    if kind == "INCLUDE" {
        if attributes.is_empty() {
            return invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
        }
        let mut names = BTreeSet::new();
        for name in attributes.iter().filter_map(Json::as_str) {
            if !names.insert(name.to_owned()) {
                return invalid(format_args!(
                    "Duplicate element in NonKeyAttributes: {name}"
                ));
            }
        }
        // The service answers them sorted, whatever their order was.
        return Ok(Projection::Include(names.into_iter().collect()));
    }
    if member(projection, "NonKeyAttributes").is_some() {
        return invalid(format_args!(
            "ProjectionType is {kind}, but NonKeyAttributes is specified"
        ));
    }
    Ok(if kind == "ALL" {
        Projection::All
    } else {
        Projection::KeysOnly
    })
}

/// The projections of a table's indexes have a common limit.
pub fn check_projected(local: &[LocalIndex], global: &[GlobalIndex]) -> Result<()> {
    let local = local.iter().map(|i| &i.projection);
    let projections = local.chain(global.iter().map(|i| &i.projection));
    let projected: usize = projections
        .map(|p| match p {
            Projection::Include(names) => names.len(),
            _ => 0,
        })
        .sum();
    if projected > limits::MAX_PROJECTED_ATTRIBUTES {
        return invalid(format_args!(
            "Number of projected attributes exceeds the per-table limit of {}",
            limits::MAX_PROJECTED_ATTRIBUTES
        ));
    }
    Ok(())
}
