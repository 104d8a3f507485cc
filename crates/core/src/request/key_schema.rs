//! Attribute definitions and key schemas of CreateTable and UpdateTable.
use super::fields::{list, string};
use crate::json::Json;
use crate::table::{KeyAttribute, KeySchema, ScalarType};
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
    Err(ApiError::validation(if elements.len() > 2 {
        "The KeySchema contains multiple key attributes with the same name"
    } else {
        "Both the Hash Key and the Range Key element in the KeySchema have the same name"
    }))
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

/// Every element of a KeySchema may have a definition.
pub fn check_count(schema_owner: &Json<'_>, definitions: &[KeyAttribute]) -> Result<()> {
    if list(schema_owner, "KeySchema").len() > definitions.len() {
        return invalid_schema("Some index key attribute have no definition");
    }
    Ok(())
}

/// The primary key of the table.
pub fn table_key(request: &Json<'_>, definitions: &[KeyAttribute]) -> Result<KeySchema> {
    check_count(request, definitions)?;
    let elements = elements(request);
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

/// The RANGE attribute of a local index.
pub fn local_key(
    index: &Json<'_>,
    table: &KeySchema,
    definitions: &[KeyAttribute],
) -> Result<KeyAttribute> {
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
    if partition.name != table.partition.name {
        return invalid(format_args!(
            "Index KeySchema does not have the same leading hash key as table KeySchema \
             for index: {name}. index hash key: {}, table hash key: {}",
            partition.name, table.partition.name
        ));
    }
    attribute(sort, definitions)
}

/// HASH and RANGE attributes of a global index.
#[derive(Debug)]
pub struct GlobalKey {
    pub partition: Vec<KeyAttribute>,
    pub sort: Vec<KeyAttribute>,
}

impl GlobalKey {
    /// HASH first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
    }
}

/// The key of a global index: up to four HASH attributes, then up to four RANGE attributes.
pub fn global_key(index: &Json<'_>, definitions: &[KeyAttribute]) -> Result<GlobalKey> {
    let elements = elements(index);
    check_defined(&elements, definitions)?;
    check_distinct(&elements)?;
    let hashes = elements.iter().take_while(|e| e.hash).count();
    let (partition, sort) = elements.split_at(hashes);
    if partition.is_empty() {
        return invalid_schema("The first KeySchemaElement is not a HASH key type");
    }
    if sort.iter().any(|e| e.hash) {
        return invalid(
            "All HASH key attributes must precede RANGE key attributes in the KeySchema",
        );
    }
    for (part, kind) in [(partition, "HASH"), (sort, "RANGE")] {
        if part.len() > limits::MAX_INDEX_KEY_PARTS {
            return invalid(format_args!(
                "The KeySchema exceeds the maximum allowed number of {kind} key attributes"
            ));
        }
    }
    Ok(GlobalKey {
        partition: attributes(partition, definitions)?,
        sort: attributes(sort, definitions)?,
    })
}

fn attributes(elements: &[Element<'_>], definitions: &[KeyAttribute]) -> Result<Vec<KeyAttribute>> {
    elements.iter().map(|e| attribute(e, definitions)).collect()
}

/// Attribute definitions exist for keys alone. `index_keys`: those of all indexes of the new table; None when it
/// has no index.
pub fn check_use<'k>(
    key: &'k KeySchema,
    index_keys: Option<impl Iterator<Item = &'k KeyAttribute>>,
    definitions: &[KeyAttribute],
) -> Result<()> {
    let table = key.attributes().map(|a| a.name.as_str());
    let Some(index_keys) = index_keys else {
        if definitions.len() != table.count() {
            return invalid(
                "Number of attributes in KeySchema does not exactly match \
                 number of attributes defined in AttributeDefinitions",
            );
        }
        return Ok(());
    };
    let used: BTreeSet<&str> = table.chain(index_keys.map(|a| a.name.as_str())).collect();
    if definitions.iter().all(|d| used.contains(d.name.as_str())) {
        return Ok(());
    }
    invalid(format_args!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
        bracketed(definitions.iter().map(|d| d.name.as_str())),
        bracketed(used.into_iter())
    ))
}
