//! DeleteItem: removes one item.
use super::expressions::{self, Parameters};
use super::options::{Options, Show};
use super::{item_shapes, key, shape};
use crate::Result;
use crate::apply::{Action, Write};
use crate::expression::Condition;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::Attributes;
use crate::value::json::read_attributes;
use std::rc::Rc;

#[derive(Debug)]
pub struct DeleteItemRequest {
    table: TableRef,
    key: Attributes,
    condition: Option<Condition>,
    show: Show,
}

const PARAMETERS: Parameters = Parameters {
    expressions: &["ConditionExpression"],
    legacy: &["Expected", "ConditionalOperator"],
};

const IN_TRANSACTION: Parameters = Parameters {
    expressions: &["ConditionExpression"],
    legacy: &[],
};

impl DeleteItemRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::DELETE_ITEM, request)?;
        Self::validate(request, account, |request| {
            read_attributes(request.get("Key").unwrap_or(&Json::Null))
        })
    }

    /// The same from a key that is already typed.
    pub fn from_parts(
        table: &str,
        key: Attributes,
        options: Options<'_>,
        account: &Account,
    ) -> Result<Self> {
        let request = options.into_request(table, "Key", &[]);
        shape::check(&item_shapes::DELETE_ITEM, &request)?;
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
        let show = Show::of(request);
        show.check_old_only()?;
        let expected = expressions::expected(request)?;
        let compiled = expressions::compile(request)?;
        Ok(DeleteItemRequest {
            table,
            key,
            condition: compiled.condition.or(expected),
            show,
        })
    }

    /// A delete of BatchWriteItem.
    pub(super) fn in_batch(table: TableRef, key: Attributes, show: Show) -> Self {
        DeleteItemRequest {
            table,
            key,
            condition: None,
            show,
        }
    }

    /// A delete of TransactWriteItems, whose shape was checked.
    pub(super) fn in_transaction(action: &Json<'_>, account: &Account) -> Result<Self> {
        let (table, key, compiled) = expressions::of_action(action, account, &IN_TRANSACTION)?;
        Ok(DeleteItemRequest {
            table,
            key,
            condition: compiled.condition,
            show: Show::of_action(action),
        })
    }

    pub(super) fn key(&self) -> &Attributes {
        &self.key
    }

    /// A DELETE of PartiQL.
    pub(crate) fn of_statement(
        table: TableRef,
        key: Attributes,
        condition: Option<Condition>,
        show: Show,
    ) -> Self {
        DeleteItemRequest {
            table,
            key,
            condition,
            show,
        }
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// What the table's key schema has to say. Err: ValidationException.
    pub fn bind(self, table: &Rc<TableDefinition>) -> Result<Write> {
        let stored = key::of_key(&self.key, &table.key_schema)?;
        if let Some(condition) = &self.condition {
            key::check_paths(&condition.nested_attributes(), table)?;
        }
        Ok(Write::new(
            Rc::clone(table),
            self.table,
            stored,
            self.key,
            self.condition,
            Action::Delete,
            self.show,
        ))
    }
}
