//! Query: reads a range of sort keys of one partition, of a table or of an index.
use super::expressions::{self, Parameters};
use super::read_parts::ReadParts;
use super::reading::{ReadOptions, Reading, Select};
use super::start_key::StartKey;
use super::{fields, key, read_shapes, shape};
use crate::expression::{KeyCondition, KeyConditions};
use crate::json::Json;
use crate::range::{Access, KeyRange};
use crate::read::{PageRead, ReadKind};
use crate::table::{Account, KeyAttribute, TableDefinition, TableRef};
use crate::value::AvBuf;
use crate::{ApiError, Result};

#[derive(Clone, Debug)]
pub struct QueryRequest {
    reading: Reading,
    conditions: KeyConditions,
    forward: bool,
}

const EXPRESSIONS: &[&str] = &[
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
];
/// Beside a KeyConditionExpression no legacy parameter may stand.
const PARAMETERS: Parameters = Parameters {
    expressions: EXPRESSIONS,
    legacy: &[
        "AttributesToGet",
        "QueryFilter",
        "ConditionalOperator",
        "KeyConditions",
    ],
};
/// Without one, KeyConditions may stand beside the other expressions.
const PARAMETERS_BUT_KEYS: Parameters = Parameters {
    expressions: EXPRESSIONS,
    legacy: &["AttributesToGet", "QueryFilter", "ConditionalOperator"],
};

/// Query words these faults as if the service model had found them.
const SELECT_FAULT: &str = "1 validation error detected: ";

impl QueryRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&read_shapes::QUERY, request)?;
        let table = TableRef::of_request(request, account)?;
        let by_expression = shape::member(request, "KeyConditionExpression").is_some();
        let parameters = match by_expression {
            true => &PARAMETERS,
            false => &PARAMETERS_BUT_KEYS,
        };
        expressions::check_mixture(request, parameters)?;
        let select = Select::parse(request, SELECT_FAULT)?;
        let legacy_filter = expressions::legacy_filter(request, "QueryFilter")?;
        let names = expressions::attributes_to_get(request)?;
        let start = StartKey::parse(request)?;
        let missing = || {
            ApiError::validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            )
        };
        if !by_expression && shape::member(request, "KeyConditions").is_none() {
            return Err(missing());
        }
        let mut compiled = expressions::compile(request)?;
        let legacy_conditions = expressions::key_conditions(request)?;
        let conditions = compiled.key_conditions.take().or(legacy_conditions);
        Ok(QueryRequest {
            conditions: conditions.ok_or_else(missing)?,
            forward: fields::boolean(request, "ScanIndexForward").unwrap_or(true),
            reading: Reading::new(
                request,
                table,
                select,
                names,
                legacy_filter,
                start,
                compiled,
            ),
        })
    }

    /// The same from the parts a SQL caller gives.
    pub fn from_parts(parts: ReadParts<'_>, account: &Account) -> Result<Self> {
        parts.with_request(|request| Self::parse(request, account))
    }

    pub fn table(&self) -> &TableRef {
        &self.reading.table
    }

    /// What the keys and indexes of the table have to say. Err: ValidationException, in DynamoDB's order.
    pub fn bind(self, table: &TableDefinition, options: ReadOptions) -> Result<PageRead> {
        let QueryRequest {
            reading,
            conditions,
            forward,
        } = self;
        let index = reading.index(table, options)?;
        let (partition, sort) = match index {
            Some(index) => (index.partition(table), index.sort()),
            None => {
                let schema = &table.key_schema;
                (
                    std::slice::from_ref(&schema.partition),
                    schema.sort.as_slice(),
                )
            }
        };
        let start = reading.start.as_ref();
        if let Some(start) = start {
            start.check_count(table, index)?;
        }
        let condition = conditions.bind(partition, sort, &mut |attribute| match start {
            Some(start) => start.check_attribute(attribute, partition.contains(attribute)),
            None => Ok(()),
        })?;
        check_sizes(&condition, partition, sort)?;
        let values: Vec<_> = condition.partition.iter().map(AvBuf::as_av).collect();
        let sort_range = condition.sort_range(sort.len());
        let mut range = KeyRange::of_partition(Access::of_index(index), &values, sort_range);
        range.forward = forward;
        if let Some(start) = start {
            start.check_table_key(table)?;
            start.check_boundaries(&condition, partition, sort, &range)?;
            range = range.after(&start.columns(table, index)?);
        }
        reading.check_projection(table)?;
        let keys = partition.iter().chain(sort).map(|key| key.name.as_str());
        reading.check_filter_leaves_keys(keys)?;
        reading.check_select(table, index)?;
        reading.check_filter_is_projected(table, index)?;
        reading.check_filter(table)?;
        let keys = partition
            .iter()
            .chain(sort.iter().take(condition.sort.len()));
        let kind = ReadKind::Query {
            keys: keys.map(|key| key.name.clone()).collect(),
            condition,
        };
        reading.into_read(kind, table, index, range)
    }
}

/// Values that a key cannot have are refused, as in a Key.
fn check_sizes(
    condition: &KeyCondition,
    partition: &[KeyAttribute],
    sort: &[KeyAttribute],
) -> Result<()> {
    for (attribute, value) in partition.iter().zip(&condition.partition) {
        key::check_size(attribute, value.as_av().payload().len(), true)?;
    }
    for (attribute, test) in sort.iter().zip(&condition.sort) {
        for value in test.values() {
            key::check_size(attribute, value.as_av().payload().len(), false)?;
        }
    }
    Ok(())
}
