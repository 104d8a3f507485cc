//! Key schemas, attribute definitions and index definitions of CreateTable and UpdateTable.
use super::fields::{list, number, string};
use super::shape::member;
use crate::json::Json;
use crate::table::{
    BillingMode, GlobalIndex, IndexState, KeyAttribute, KeySchema, LocalIndex, Projection,
    ScalarType, Throughput, Units,
};
use crate::{ApiError, Result, limits};
use std::collections::BTreeSet;

pub fn invalid<T>(message: impl std::fmt::Display) -> Result<T> {
    Err(ApiError::validation(format!(
        "One or more parameter values were invalid: {message}"
    )))
}

fn invalid_schema<T>(message: &str) -> Result<T> {
    Err(ApiError::validation(format!(
        "Invalid KeySchema: {message}"
    )))
}

/// AttributeDefinitions in the order given.
/// Err: ValidationException for a name that stands there twice.
pub fn attribute_definitions(request: &Json<'_>) -> Result<Vec<KeyAttribute>> {
    let definitions: Vec<KeyAttribute> = list(request, "AttributeDefinitions")
        .iter()
        .filter_map(|d| {
            Some(KeyAttribute {
                name: string(d, "AttributeName")?.to_owned(),
                scalar: ScalarType::from_name(string(d, "AttributeType")?)?,
            })
        })
        .collect();
    let mut seen = BTreeSet::new();
    match definitions.iter().find(|d| !seen.insert(d.name.as_str())) {
        Some(twice) => Err(ApiError::validation(format!(
            "Attribute Name is duplicated: {}",
            twice.name
        ))),
        None => Ok(definitions),
    }
}

/// One element of a KeySchema: the name and whether it is a HASH key.
struct Element<'j> {
    name: &'j str,
    hash: bool,
}

fn elements<'j>(schema_owner: &'j Json<'_>) -> Vec<Element<'j>> {
    list(schema_owner, "KeySchema")
        .iter()
        .filter_map(|e| {
            Some(Element {
                name: string(e, "AttributeName")?,
                hash: string(e, "KeyType")? == "HASH",
            })
        })
        .collect()
}

fn bracketed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

fn check_defined(elements: &[Element<'_>], definitions: &[KeyAttribute]) -> Result<()> {
    let defined = |e: &Element<'_>| definitions.iter().any(|d| d.name == e.name);
    if elements.iter().all(defined) {
        return Ok(());
    }
    invalid(format_args!(
        "Some index key attributes are not defined in AttributeDefinitions. \
         Keys: {}, AttributeDefinitions: {}",
        bracketed(elements.iter().map(|e| e.name)),
        bracketed(definitions.iter().map(|d| d.name.as_str()))
    ))
}

fn check_distinct(elements: &[Element<'_>]) -> Result<()> {
    let mut seen = BTreeSet::new();
    if elements.iter().all(|e| seen.insert(e.name)) {
        return Ok(());
    }
    Err(ApiError::validation(
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ))
}

/// HASH, then RANGE where there is a second element.
fn check_pair(elements: &[Element<'_>]) -> Result<()> {
    if elements.first().is_some_and(|e| !e.hash) {
        return invalid_schema("The first KeySchemaElement is not a HASH key type");
    }
    if elements.get(1).is_some_and(|e| e.hash) {
        return invalid_schema("The second KeySchemaElement is not a RANGE key type");
    }
    Ok(())
}

fn attribute(element: &Element<'_>, definitions: &[KeyAttribute]) -> Result<KeyAttribute> {
    let found = definitions.iter().find(|d| d.name == element.name);
    match found {
        Some(definition) => Ok(definition.clone()),
        None => invalid_schema("Some index key attribute have no definition"),
    }
}

/// The primary key of the table.
pub fn table_key(request: &Json<'_>, definitions: &[KeyAttribute]) -> Result<KeySchema> {
    let elements = elements(request);
    if elements.len() > definitions.len() {
        return invalid_schema("Some index key attribute have no definition");
    }
    check_defined(&elements, definitions)?;
    check_distinct(&elements)?;
    check_pair(&elements)?;
    let Some((partition, sort)) = elements.split_first() else {
        return invalid_schema("Some index key attribute have no definition");
    };
    let sort = sort
        .first()
        .map(|e| attribute(e, definitions))
        .transpose()?;
    Ok(KeySchema {
        partition: attribute(partition, definitions)?,
        sort,
    })
}

/// LocalSecondaryIndexes. `names` collects the names of all indexes of the table.
pub fn local_indexes(
    request: &Json<'_>,
    key: &KeySchema,
    definitions: &[KeyAttribute],
    names: &mut BTreeSet<String>,
) -> Result<Vec<LocalIndex>> {
    if member(request, "LocalSecondaryIndexes").is_none() {
        return Ok(Vec::new());
    }
    let given = list(request, "LocalSecondaryIndexes");
    if given.is_empty() {
        return invalid("List of LocalSecondaryIndexes is empty");
    }
    if key.sort.is_none() {
        return invalid(
            "Table KeySchema does not have a range key, \
             which is required when specifying a LocalSecondaryIndex",
        );
    }
    let mut indexes = Vec::new();
    // One more than the limit shows that there are too many; the work for a hostile list is bounded.
    for index in given.iter().take(limits::MAX_LOCAL_INDEXES + 1) {
        indexes.push(local_index(index, key, definitions, names)?);
    }
    if indexes.len() > limits::MAX_LOCAL_INDEXES {
        return invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    }
    Ok(indexes)
}

fn local_index(
    index: &Json<'_>,
    key: &KeySchema,
    definitions: &[KeyAttribute],
    names: &mut BTreeSet<String>,
) -> Result<LocalIndex> {
    let name = string(index, "IndexName").unwrap_or_default();
    let elements = elements(index);
    check_defined(&elements, definitions)?;
    check_distinct(&elements)?;
    check_pair(&elements)?;
    let [partition, sort] = elements.as_slice() else {
        return invalid(format_args!(
            "Index KeySchema does not have a range key for index: {name}"
        ));
    };
    if partition.name != key.partition.name {
        return invalid(format_args!(
            "Index KeySchema does not have the same leading hash key as table KeySchema \
             for index: {name}. index hash key: {}, table hash key: {}",
            partition.name, key.partition.name
        ));
    }
    let index = LocalIndex {
        name: name.to_owned(),
        sort: attribute(sort, definitions)?,
        projection: projection(index)?,
        columns: 0,
    };
    check_name(name, names)?;
    Ok(index)
}

/// GlobalSecondaryIndexes of CreateTable.
pub fn global_indexes(
    request: &Json<'_>,
    definitions: &[KeyAttribute],
    billing: BillingMode,
    names: &mut BTreeSet<String>,
) -> Result<Vec<GlobalIndex>> {
    if member(request, "GlobalSecondaryIndexes").is_none() {
        return Ok(Vec::new());
    }
    let given = list(request, "GlobalSecondaryIndexes");
    if given.is_empty() {
        return invalid("List of GlobalSecondaryIndexes is empty");
    }
    let mut indexes = Vec::new();
    for index in given.iter().take(limits::MAX_GLOBAL_INDEXES + 1) {
        let index = global_index(index, definitions, billing)?;
        check_name(&index.name, names)?;
        indexes.push(index);
    }
    if indexes.len() > limits::MAX_GLOBAL_INDEXES {
        return invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20");
    }
    Ok(indexes)
}

fn global_index(
    index: &Json<'_>,
    definitions: &[KeyAttribute],
    billing: BillingMode,
) -> Result<GlobalIndex> {
    let name = string(index, "IndexName").unwrap_or_default();
    let elements = elements(index);
    check_defined(&elements, definitions)?;
    check_distinct(&elements)?;
    let hashes = elements.iter().take_while(|e| e.hash).count();
    let (partition, sort) = elements.split_at(hashes);
    if partition.is_empty() {
        return invalid_schema("The first KeySchemaElement is not a HASH key type");
    }
    if sort.iter().any(|e| e.hash) {
        return invalid_schema("All HASH key elements must come before the RANGE key elements");
    }
    let most = limits::MAX_INDEX_KEY_PARTS;
    if partition.len() > most || sort.len() > most {
        return invalid_schema("At most 4 HASH and 4 RANGE key elements are allowed");
    }
    let projection = projection(index)?;
    let given = throughput(index)?;
    match (billing, given) {
        (BillingMode::PayPerRequest, Some(_)) => invalid(format_args!(
            "ProvisionedThroughput should not be specified for index: {name} \
             when BillingMode is PAY_PER_REQUEST"
        )),
        (BillingMode::Provisioned, None) => invalid(format_args!(
            "ProvisionedThroughput must be specified for index: {name}"
        )),
        (_, given) => Ok(GlobalIndex {
            name: name.to_owned(),
            partition: attributes(partition, definitions)?,
            sort: attributes(sort, definitions)?,
            projection,
            throughput: given.unwrap_or_default(),
            on_demand: on_demand(index, billing)?,
            warm: warm(index)?,
            columns: 0,
            state: IndexState::Active,
        }),
    }
}

fn attributes(elements: &[Element<'_>], definitions: &[KeyAttribute]) -> Result<Vec<KeyAttribute>> {
    elements.iter().map(|e| attribute(e, definitions)).collect()
}

fn check_name(name: &str, names: &mut BTreeSet<String>) -> Result<()> {
    if names.insert(name.to_owned()) {
        return Ok(());
    }
    invalid(format_args!("Duplicate index name: {name}"))
}

fn projection(index: &Json<'_>) -> Result<Projection> {
    let projection = member(index, "Projection").unwrap_or(&Json::Null);
    let attributes = list(projection, "NonKeyAttributes");
    let Some(kind) = string(projection, "ProjectionType") else {
        return invalid("Unknown ProjectionType: null");
    };
    if kind == "INCLUDE" {
        if attributes.is_empty() {
            return invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
        }
        let names = attributes.iter().filter_map(Json::as_str);
        return Ok(Projection::Include(names.map(str::to_owned).collect()));
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

/// Attribute definitions exist for keys alone, and projections have a common limit.
pub fn check_use(
    key: &KeySchema,
    definitions: &[KeyAttribute],
    local: &[LocalIndex],
    global: &[GlobalIndex],
) -> Result<()> {
    let mut used: Vec<&str> = key.attributes().map(|a| a.name.as_str()).collect();
    if local.is_empty() && global.is_empty() {
        if definitions.len() != used.len() {
            return invalid(
                "Number of attributes in KeySchema does not exactly match \
                 number of attributes defined in AttributeDefinitions",
            );
        }
        return Ok(());
    }
    used.extend(local.iter().map(|i| i.sort.name.as_str()));
    for index in global {
        let parts = index.partition.iter().chain(&index.sort);
        used.extend(parts.map(|a| a.name.as_str()));
    }
    if definitions.iter().any(|d| !used.contains(&d.name.as_str())) {
        let distinct: BTreeSet<&str> = used.into_iter().collect();
        return invalid(format_args!(
            "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
            bracketed(definitions.iter().map(|d| d.name.as_str())),
            bracketed(distinct.into_iter())
        ));
    }
    let projections = local
        .iter()
        .map(|i| &i.projection)
        .chain(global.iter().map(|i| &i.projection));
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

/// ProvisionedThroughput of a table or index.
pub fn throughput(owner: &Json<'_>) -> Result<Option<Throughput>> {
    let Some(given) = member(owner, "ProvisionedThroughput") else {
        return Ok(None);
    };
    let units = |name| {
        let value = number(given, name).unwrap_or_default();
        if value <= limits::MAX_THROUGHPUT {
            return Ok(value);
        }
        Err(ApiError::validation(format!(
            "Given value {value} for {name} is out of bounds"
        )))
    };
    Ok(Some(Throughput {
        read: units("ReadCapacityUnits")?,
        write: units("WriteCapacityUnits")?,
        ..Throughput::default()
    }))
}

/// OnDemandThroughput of a new table or index: upper bounds. One without members is none.
pub fn on_demand(owner: &Json<'_>, billing: BillingMode) -> Result<Option<Units>> {
    let Some(units) = on_demand_units(owner) else {
        return Ok(None);
    };
    if billing == BillingMode::Provisioned {
        return invalid(format_args!(
            "{} for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED.",
            first_member(&units)
        ));
    }
    check_bounds(&units, |value| value >= 1)?;
    Ok(Some(units))
}

/// OnDemandThroughput of UpdateTable, before [`check_on_demand_change`].
pub fn on_demand_units(owner: &Json<'_>) -> Option<Units> {
    let given = member(owner, "OnDemandThroughput")?;
    let units = Units {
        read: number(given, "MaxReadRequestUnits"),
        write: number(given, "MaxWriteRequestUnits"),
    };
    (units.read.is_some() || units.write.is_some()).then_some(units)
}

/// An update may also remove a bound, by -1. `billing`: the table's mode after the update.
pub fn check_on_demand_change(units: &Units, billing: BillingMode) -> Result<()> {
    if billing == BillingMode::Provisioned {
        return invalid(format_args!(
            "{} for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED",
            first_member(units)
        ));
    }
    check_bounds(units, |value| value >= 1 || value == -1)
}

fn first_member(units: &Units) -> &'static str {
    match units.read {
        Some(_) => "MaxReadRequestUnits",
        None => "MaxWriteRequestUnits",
    }
}

fn check_bounds(units: &Units, allowed: impl Fn(i64) -> bool) -> Result<()> {
    for (name, value) in [
        ("MaxReadRequestUnits", units.read),
        ("MaxWriteRequestUnits", units.write),
    ] {
        if value.is_some_and(|v| !allowed(v) || v > limits::MAX_THROUGHPUT) {
            return invalid(format_args!(
                "Requested {name} for OnDemandThroughput for table is outside of valid range"
            ));
        }
    }
    Ok(())
}

/// WarmThroughput of a table or index.
pub fn warm(owner: &Json<'_>) -> Result<Option<Units>> {
    let Some(given) = member(owner, "WarmThroughput") else {
        return Ok(None);
    };
    let units = Units {
        read: number(given, "ReadUnitsPerSecond"),
        write: number(given, "WriteUnitsPerSecond"),
    };
    if units.read.is_none() && units.write.is_none() {
        return invalid(
            "At least one of ReadUnitsPerSecond and WriteUnitsPerSecond must be specified",
        );
    }
    for value in [units.read, units.write].into_iter().flatten() {
        if !(1..=limits::MAX_THROUGHPUT).contains(&value) {
            return Err(ApiError::validation(format!(
                "Given value {value} for WarmThroughput is out of bounds"
            )));
        }
    }
    Ok(Some(units))
}
