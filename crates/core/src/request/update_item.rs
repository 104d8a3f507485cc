//! UpdateItem: changes attributes of one item, or creates it.
use super::expressions::{self, Parameters};
use super::options::{Options, Show};
use super::{item_shapes, key, shape};
use crate::apply::{Action, Write};
use crate::expression::{Condition, Update};
use crate::index::values;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::Attributes;
use crate::value::json::read_attributes;
use crate::{ApiError, Result};
use std::borrow::Cow;
use std::rc::Rc;

#[derive(Debug)]
pub struct UpdateItemRequest {
    table: TableRef,
    key: Attributes,
    update: Option<Update>,
    condition: Option<Condition>,
    show: Show,
}

const PARAMETERS: Parameters = Parameters {
    expressions: &["UpdateExpression", "ConditionExpression"],
    legacy: &["AttributeUpdates", "Expected", "ConditionalOperator"],
};

const IN_TRANSACTION: Parameters = Parameters {
    expressions: &["UpdateExpression", "ConditionExpression"],
    legacy: &[],
};

impl UpdateItemRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::UPDATE_ITEM, request)?;
        Self::validate(request, account, |request| {
            read_attributes(request.get("Key").unwrap_or(&Json::Null))
        })
    }

    /// The same from a key that is already typed.
    pub fn from_parts(
        table: &str,
        key: Attributes,
        update_expression: Option<&str>,
        options: Options<'_>,
        account: &Account,
    ) -> Result<Self> {
        let expression = update_expression.map(|text| Json::String(Cow::Borrowed(text)));
        let own = [("UpdateExpression", expression)];
        let request = options.into_request(table, "Key", &own);
        shape::check(&item_shapes::UPDATE_ITEM, &request)?;
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
        let updates = expressions::attribute_updates(request)?;
        let expected = expressions::expected(request)?;
        let compiled = expressions::compile(request)?;
        Ok(UpdateItemRequest {
            table,
            key,
            update: compiled.update.or(updates),
            condition: compiled.condition.or(expected),
            show: Show::of(request),
        })
    }

    /// An update of TransactWriteItems, whose shape was checked.
    pub(super) fn in_transaction(action: &Json<'_>, account: &Account) -> Result<Self> {
        let (table, key, compiled) = expressions::of_action(action, account, &IN_TRANSACTION)?;
        Ok(UpdateItemRequest {
            table,
            key,
            update: compiled.update,
            condition: compiled.condition,
            show: Show::of_action(action),
        })
    }

    pub(super) fn key(&self) -> &Attributes {
        &self.key
    }

    /// An UPDATE of PartiQL.
    pub(crate) fn of_statement(
        table: TableRef,
        key: Attributes,
        update: Update,
        condition: Condition,
        show: Show,
    ) -> Self {
        UpdateItemRequest {
            table,
            key,
            update: Some(update),
            condition: Some(condition),
            show,
        }
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// What the table's key schema has to say. Err: ValidationException.
    pub fn bind(self, table: &Rc<TableDefinition>) -> Result<Write> {
        let stored = key::of_key(&self.key, &table.key_schema)?;
        if let Some(update) = &self.update {
            for attribute in table.key_schema.attributes() {
                let name = attribute.name.as_str();
                if update.writes(name) {
                    return Err(ApiError::validation(format!(
                        "One or more parameter values were invalid: \
                         Cannot update attribute {name}. This attribute is part of the key"
                    )));
                }
            }
            for (name, actual) in update.assigned_types() {
                values::check_type(table, name, actual?)?;
            }
            key::check_paths(&update.nested_attributes(), table)?;
        }
        if let Some(condition) = &self.condition {
            key::check_paths(&condition.nested_attributes(), table)?;
        }
        Ok(Write::new(
            Rc::clone(table),
            self.table,
            stored,
            self.key,
            self.condition,
            Action::Update(self.update),
            self.show,
        ))
    }
}
