//! ExclusiveStartKey: exactly the key attributes of the table and of the index that is read, of their types, and
//! within what is read.
use super::key;
use super::shape::member;
use crate::expression::{KeyCondition, literal};
use crate::json::Json;
use crate::range::{KeyPart, KeyRange, key_of_item};
use crate::table::{IndexRef, KeyAttribute, TableDefinition};
use crate::value::json::read_checked_value;
use crate::value::{Attributes, ItemBuf, Value};
use crate::{ApiError, Result};
use std::collections::BTreeSet;

const INVALID: &str = "The provided starting key is invalid";
const MISMATCH: &str = "The provided key element does not match the schema";

#[derive(Clone, Debug)]
pub struct StartKey {
    attributes: Attributes,
}

fn invalid(reason: &str) -> ApiError {
    if reason.is_empty() {
        return ApiError::validation(INVALID);
    }
    ApiError::validation(format!("{INVALID}: {reason}"))
}

/// The faults of numbers and of duplicates are those that DynamoDB reports without naming the parameter.
fn stands_alone(fault: &str) -> bool {
    [
        "numeric value",
        "significant digits",
        "magnitude",
        "number set",
        "contains duplicates",
    ]
    .iter()
    .any(|words| fault.contains(words))
}

impl StartKey {
    /// None when not given. Err: ValidationException for a value that is none.
    pub fn parse(request: &Json<'_>) -> Result<Option<StartKey>> {
        let Some(Json::Object(members)) = member(request, "ExclusiveStartKey") else {
            return Ok(None);
        };
        let mut attributes = Attributes::new();
        for (name, value) in members {
            let value =
                read_checked_value(value).map_err(|error| match stands_alone(&error.message) {
                    true => error,
                    false => invalid(&error.message),
                })?;
            attributes.insert(name.clone().into_owned(), value);
        }
        Ok(Some(StartKey { attributes }))
    }

    pub(crate) fn of_attributes(attributes: Attributes) -> StartKey {
        StartKey { attributes }
    }

    /// As many attributes as table and index have in their keys.
    pub fn check_count(&self, table: &TableDefinition, index: Option<IndexRef<'_>>) -> Result<()> {
        if self.attributes.len() == key_names(table, index).len() {
            return Ok(());
        }
        Err(invalid(""))
    }

    /// One key attribute of what is read. `partition`: it is a HASH attribute.
    pub fn check_attribute(&self, attribute: &KeyAttribute, partition: bool) -> Result<()> {
        let Some(value) = self.attributes.get(&attribute.name) else {
            return Err(invalid(""));
        };
        if value.value_type() != attribute.scalar.value_type() {
            return Err(ApiError::validation(MISMATCH));
        }
        key::check_value(attribute, value, partition)
    }

    /// The key attributes of the table.
    pub fn check_table_key(&self, table: &TableDefinition) -> Result<()> {
        let mut own = Attributes::new();
        for attribute in table.key_schema.attributes() {
            if let Some(value) = self.attributes.get(&attribute.name) {
                own.insert(attribute.name.clone(), value.clone());
            }
        }
        match key::of_key(&own, &table.key_schema) {
            Ok(_) => Ok(()),
            Err(error) => Err(invalid(&error.message)),
        }
    }

    /// The whole key of a Scan of a table.
    pub fn check_table_key_alone(&self, table: &TableDefinition) -> Result<()> {
        match self.attributes.len() == table.key_schema.attributes().count() {
            true => self.check_table_key(table),
            false => Err(invalid(MISMATCH)),
        }
    }

    /// Within the partition that a query reads and the range of its sort keys.
    pub fn check_boundaries(
        &self,
        condition: &KeyCondition,
        partition: &[KeyAttribute],
        sort: &[KeyAttribute],
        range: &KeyRange,
    ) -> Result<()> {
        let value = |key: &KeyAttribute| self.attributes.get(&key.name).map(Value::encode);
        let mut own = partition.iter().map(value);
        let same_partition = condition
            .partition
            .iter()
            .all(|v| own.next().flatten().as_ref() == Some(v));
        let mut own = sort.iter().map(value);
        let in_range = condition.sort.iter().all(|test| {
            own.next()
                .flatten()
                .is_some_and(|value| test.holds(value.as_av()))
        });
        if !in_range {
            return Err(ApiError::validation(
                "The provided starting key does not match the range key predicate",
            ));
        }
        if same_partition && !range.is_one_row() {
            return Ok(());
        }
        if !condition.sort.is_empty() {
            // DynamoDB's words, also where more than one row can match.
            return Err(ApiError::validation(
                "The query can return at most one row and cannot be restarted",
            ));
        }
        if !same_partition {
            return Err(ApiError::validation(
                "The provided starting key is outside query boundaries based on provided conditions",
            ));
        }
        Err(ApiError::validation(format!(
            "The provided exclusive start key is invalid: ExclusiveStartKey: {{{}}}",
            self.listed()
        )))
    }

    /// The key columns of the row after which reading goes on.
    pub fn columns(
        &self,
        table: &TableDefinition,
        index: Option<IndexRef<'_>>,
    ) -> Result<Vec<KeyPart>> {
        let item = ItemBuf::from_attributes(&self.attributes);
        let schema = index.map(|index| index.schema());
        key_of_item(item.as_item(), &table.key_schema, schema.as_ref())?.ok_or_else(|| invalid(""))
    }

    pub fn into_attributes(self) -> Attributes {
        self.attributes
    }

    /// As an error text of DynamoDB shows it: `pk=AttributeValue: {S:a}`.
    fn listed(&self) -> String {
        let mut parts = Vec::new();
        for (name, value) in &self.attributes {
            let shown = literal(&value.encode());
            parts.push(format!("{name}=AttributeValue: {{{shown}}}"));
        }
        parts.join(", ")
    }
}

/// Names of the key attributes of the table, then of the index, each once: the members of LastEvaluatedKey.
pub fn key_names(table: &TableDefinition, index: Option<IndexRef<'_>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let own = index.map_or(Vec::new(), |index| {
        index.partition(table).iter().chain(index.sort()).collect()
    });
    let keys = table.key_schema.attributes().chain(own);
    keys.filter(|key| seen.insert(key.name.as_str()))
        .map(|key| key.name.clone())
        .collect()
}
