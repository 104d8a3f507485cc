//! GetItem: reads one item or some of its attributes.
use super::expressions::{self, Parameters};
use super::options::{self, Options, ReturnCapacity};
use super::{fields, item_shapes, key, shape};
use crate::Result;
use crate::apply::Read;
use crate::expression::Projection;
use crate::json::Json;
use crate::partiql::Columns;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::Attributes;
use crate::value::json::read_attributes;
use std::borrow::Cow;

#[derive(Debug)]
pub struct GetItemRequest {
    table: TableRef,
    key: Attributes,
    projection: Option<Projection>,
    /// Of a SELECT.
    columns: Option<Columns>,
    consistent: bool,
    capacity: ReturnCapacity,
}

const PARAMETERS: Parameters = Parameters {
    expressions: &["ProjectionExpression"],
    legacy: &["AttributesToGet"],
};

const IN_TRANSACTION: Parameters = Parameters {
    expressions: &["ProjectionExpression"],
    legacy: &[],
};

impl GetItemRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::GET_ITEM, request)?;
        Self::validate(request, account, |request| {
            read_attributes(request.get("Key").unwrap_or(&Json::Null))
        })
    }

    /// The same from a key that is already typed. Of `options` only the names and
    /// return_consumed_capacity have a meaning here; others are ignored.
    pub fn from_parts(
        table: &str,
        key: Attributes,
        projection_expression: Option<&str>,
        consistent_read: Option<bool>,
        options: Options<'_>,
        account: &Account,
    ) -> Result<Self> {
        let expression = projection_expression.map(|text| Json::String(Cow::Borrowed(text)));
        let own = [
            ("ProjectionExpression", expression),
            ("ConsistentRead", consistent_read.map(Json::Bool)),
        ];
        let request = options.into_request(table, "Key", &own);
        shape::check(&item_shapes::GET_ITEM, &request)?;
        Self::validate(&request, account, |_| Ok(key))
    }

    fn validate(
        request: &Json<'_>,
        account: &Account,
        key: impl FnOnce(&Json<'_>) -> Result<Attributes>,
    ) -> Result<Self> {
        let table = TableRef::of_request(request, account)?;
        expressions::check_mixture(request, &PARAMETERS)?;
        let key = key(request)?;
        let names = expressions::attributes_to_get(request)?;
        let compiled = expressions::compile(request)?;
        Ok(GetItemRequest {
            table,
            key,
            projection: compiled.projection.or(names),
            columns: None,
            consistent: fields::boolean(request, "ConsistentRead").unwrap_or(false),
            capacity: options::capacity(request),
        })
    }

    /// A Get of TransactGetItems, whose shape was checked.
    pub(super) fn in_transaction(get: &Json<'_>, account: &Account) -> Result<Self> {
        let (table, key, compiled) = expressions::of_action(get, account, &IN_TRANSACTION)?;
        Ok(GetItemRequest {
            table,
            key,
            projection: compiled.projection,
            columns: None,
            consistent: true,
            capacity: ReturnCapacity::None,
        })
    }

    /// A SELECT of PartiQL by key, in a transaction.
    pub(crate) fn of_statement(table: TableRef, key: Attributes, columns: Columns) -> Self {
        GetItemRequest {
            table,
            key,
            projection: columns.projection(),
            columns: Some(columns),
            consistent: true,
            capacity: ReturnCapacity::None,
        }
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// What the table's key schema has to say. Err: ValidationException.
    pub fn bind(self, table: &TableDefinition) -> Result<Read> {
        let key = key::of_key(&self.key, &table.key_schema)?;
        if let Some(projection) = &self.projection {
            key::check_paths(&projection.nested_attributes(), table)?;
        }
        Ok(Read::new(
            self.table,
            key,
            self.projection,
            self.consistent,
            self.capacity,
        )
        .showing(self.columns))
    }
}
