//! What a table's key schema asks of an item or of a key.
use crate::key::StoredKey;
use crate::table::{KeyAttribute, KeySchema, ScalarType, TableDefinition};
use crate::value::{Attributes, Item, Value};
use crate::{ApiError, Result, limits};
use std::collections::BTreeSet;

fn invalid(message: String) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: {message}"
    ))
}

/// The key of an item to be stored, and its key attributes.
pub fn of_item(item: Item<'_>, schema: &KeySchema) -> Result<(StoredKey, Attributes)> {
    let mut key = Attributes::new();
    for attribute in schema.attributes() {
        let KeyAttribute { name, scalar } = attribute;
        let Some(value) = item.get(name)? else {
            return Err(invalid(format!("Missing the key {name} in the item")));
        };
        let actual = value.value_type()?;
        if actual != scalar.value_type() {
            return Err(invalid(format!(
                "Type mismatch for key {name} expected: {} actual: {}",
                scalar.name(),
                actual.name()
            )));
        }
        let value = value.to_value()?;
        check_value(attribute, &value, *attribute == schema.partition)?;
        key.insert(name.clone(), value);
    }
    Ok((stored(&key, schema)?, key))
}

fn mismatch() -> ApiError {
    ApiError::validation("The provided key element does not match the schema")
}

/// Whether an item has the key attributes, of their types, as a batch reports it.
pub fn check_item_has_key(item: Item<'_>, schema: &KeySchema) -> Result<()> {
    for attribute in schema.attributes() {
        let found = item.get(&attribute.name)?;
        let found = found.map(|value| value.value_type()).transpose()?;
        if found != Some(attribute.scalar.value_type()) {
            return Err(mismatch());
        }
    }
    Ok(())
}

/// Refuses an empty value of a key attribute that has its type, and nothing else.
pub fn check_not_empty(key: &Attributes, schema: &KeySchema) -> Result<()> {
    for attribute in schema.attributes() {
        let empty = match key.get(&attribute.name) {
            Some(Value::S(s)) => attribute.scalar == ScalarType::S && s.is_empty(),
            Some(Value::B(b)) => attribute.scalar == ScalarType::B && b.is_empty(),
            _ => false,
        };
        if empty {
            check_size(attribute, 0, *attribute == schema.partition)?;
        }
    }
    Ok(())
}

/// `Key` of a request: exactly the key attributes, of their types.
pub fn of_key(key: &Attributes, schema: &KeySchema) -> Result<StoredKey> {
    if key.len() != schema.attributes().count() {
        return Err(mismatch());
    }
    for attribute in schema.attributes() {
        match key.get(&attribute.name) {
            Some(value) if value.value_type() == attribute.scalar.value_type() => {
                check_value(attribute, value, *attribute == schema.partition)?;
            }
            _ => return Err(mismatch()),
        }
    }
    stored(key, schema)
}

/// Key attributes, of the table and of its indexes, are scalars: an expression that looks into one (`pk.a`,
/// `pk[0]`) is refused. `nested`: the attributes an expression looks into.
pub fn check_paths(nested: &BTreeSet<&str>, table: &TableDefinition) -> Result<()> {
    if nested.is_empty() {
        return Ok(());
    }
    let refused = |kind: &str, name: &str| {
        Err(ApiError::validation(format!(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' \
             are not allowed: {kind}: {name}"
        )))
    };
    let mut keys = table.key_schema.attributes().map(|a| a.name.as_str());
    if let Some(name) = keys.find(|name| nested.contains(name)) {
        return refused("Key", name);
    }
    match table.key_names().find(|name| nested.contains(name)) {
        Some(name) => refused("IndexKey", name),
        None => Ok(()),
    }
}

fn stored(key: &Attributes, schema: &KeySchema) -> Result<StoredKey> {
    StoredKey::of_attributes(key, schema)
        .ok_or_else(|| ApiError::internal("a checked key has no stored form"))
}

/// As [`check_size`]; numbers always fit.
pub fn check_value(attribute: &KeyAttribute, value: &Value, partition: bool) -> Result<()> {
    match value {
        Value::S(s) => check_size(attribute, s.len(), partition),
        Value::B(b) => check_size(attribute, b.len(), partition),
        _ => Ok(()),
    }
}

/// A key value of `length` bytes, which must be there and not be too many. `partition`: of a HASH attribute.
pub fn check_size(attribute: &KeyAttribute, length: usize, partition: bool) -> Result<()> {
    if length == 0 {
        let kind = match attribute.scalar {
            ScalarType::B => "binary",
            _ => "string",
        };
        return Err(ApiError::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute \
             cannot contain an empty {kind} value. Key: {}",
            attribute.name
        )));
    }
    if partition && length > limits::MAX_PARTITION_KEY {
        // The missing space is DynamoDB's.
        return Err(invalid(format!(
            "Size of hashkey has exceeded the maximum size limit of{} bytes",
            limits::MAX_PARTITION_KEY
        )));
    }
    if !partition && length > limits::MAX_SORT_KEY {
        return Err(invalid(format!(
            "Aggregated size of all range keys has exceeded the size limit of {} bytes",
            limits::MAX_SORT_KEY
        )));
    }
    Ok(())
}
