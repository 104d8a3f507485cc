//! ConditionCheck of TransactWriteItems: asks for a condition on an item and leaves the item alone.
use super::expressions::{self, Parameters};
use super::key;
use super::options::Show;
use crate::Result;
use crate::apply::{Action, Write};
use crate::expression::Condition;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::Attributes;
use std::rc::Rc;

#[derive(Debug)]
pub struct ConditionCheckRequest {
    table: TableRef,
    key: Attributes,
    condition: Option<Condition>,
    show: Show,
}

const IN_TRANSACTION: Parameters = Parameters {
    expressions: &["ConditionExpression"],
    legacy: &[],
};

impl ConditionCheckRequest {
    /// An EXISTS of PartiQL.
    pub(crate) fn of_statement(
        table: TableRef,
        key: Attributes,
        condition: Condition,
        show: Show,
    ) -> Self {
        ConditionCheckRequest {
            table,
            key,
            condition: Some(condition),
            show,
        }
    }

    /// `action`: its shape was checked.
    pub(super) fn in_transaction(action: &Json<'_>, account: &Account) -> Result<Self> {
        let (table, key, compiled) = expressions::of_action(action, account, &IN_TRANSACTION)?;
        Ok(ConditionCheckRequest {
            table,
            key,
            condition: compiled.condition,
            show: Show::of_action(action),
        })
    }

    pub(super) fn key(&self) -> &Attributes {
        &self.key
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
            Action::Check,
            self.show,
        ))
    }
}
