//! PutItem: replaces or creates one item.
use super::expressions::{self, Parameters};
use super::options::{Options, Show};
use super::{item_shapes, key, shape};
use crate::apply::{Action, Write};
use crate::expression::Condition;
use crate::index::values;
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::json::read_attributes;
use crate::value::{Attributes, ItemBuf};
use crate::{ApiError, Result, limits};
use std::rc::Rc;

#[derive(Debug)]
pub struct PutItemRequest {
    table: TableRef,
    item: ItemBuf,
    condition: Option<Condition>,
    show: Show,
    /// An INSERT: there may be no such item.
    insert: bool,
}

const PARAMETERS: Parameters = Parameters {
    expressions: &["ConditionExpression"],
    legacy: &["Expected", "ConditionalOperator"],
};

const IN_TRANSACTION: Parameters = Parameters {
    expressions: &["ConditionExpression"],
    legacy: &[],
};

impl PutItemRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::PUT_ITEM, request)?;
        Self::validate(request, account, |request| {
            read_item(request.get("Item").unwrap_or(&Json::Null))
        })
    }

    /// The same from an item that is already typed.
    pub fn from_parts(
        table: &str,
        item: Attributes,
        options: Options<'_>,
        account: &Account,
    ) -> Result<Self> {
        let request = options.into_request(table, "Item", &[]);
        shape::check(&item_shapes::PUT_ITEM, &request)?;
        Self::validate(&request, account, |_| checked(&item))
    }

    fn validate(
        request: &Json<'_>,
        account: &Account,
        item: impl FnOnce(&Json<'_>) -> Result<ItemBuf>,
    ) -> Result<Self> {
        let table = TableRef::of_request(request, account)?;
        expressions::check_mixture(request, &PARAMETERS)?;
        let item = item(request)?;
        let show = Show::of(request);
        show.check_old_only()?;
        check_size(&item)?;
        let expected = expressions::expected(request)?;
        let compiled = expressions::compile(request)?;
        Ok(PutItemRequest {
            table,
            item,
            condition: compiled.condition.or(expected),
            show,
            insert: false,
        })
    }

    /// An INSERT of PartiQL.
    pub(crate) fn of_insert(table: TableRef, item: &Attributes, show: Show) -> Result<Self> {
        let put = Self::in_batch(table, item, show)?;
        Ok(PutItemRequest {
            insert: true,
            ..put
        })
    }

    /// A put of BatchWriteItem.
    pub(super) fn in_batch(table: TableRef, item: &Attributes, show: Show) -> Result<Self> {
        let item = checked(item)?;
        check_size(&item)?;
        Ok(PutItemRequest {
            table,
            item,
            condition: None,
            show,
            insert: false,
        })
    }

    /// A put of TransactWriteItems, whose shape was checked.
    pub(super) fn in_transaction(action: &Json<'_>, account: &Account) -> Result<Self> {
        let table = TableRef::of_request(action, account)?;
        expressions::check_mixture(action, &IN_TRANSACTION)?;
        let item = read_item(action.get("Item").unwrap_or(&Json::Null))?;
        check_size(&item)?;
        Ok(PutItemRequest {
            table,
            item,
            condition: expressions::compile(action)?.condition,
            show: Show::of_action(action),
            insert: false,
        })
    }

    /// DynamoDB's size of the item.
    pub(super) fn size(&self) -> usize {
        self.item.as_item().size()
    }

    /// Refuses an empty value of a key attribute, of the table or of an index, and nothing else.
    pub(super) fn check_not_empty(&self, table: &TableDefinition) -> Result<()> {
        let item = self.item.as_item();
        let mut key = Attributes::new();
        for attribute in table.key_schema.attributes() {
            if let Some(value) = item.get(&attribute.name)? {
                key.insert(attribute.name.clone(), value.to_value()?);
            }
        }
        key::check_not_empty(&key, &table.key_schema)?;
        values::check_not_empty(table, item)
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// As `bind`, in the words of a batch: whatever is wrong with an item's key, but its length, is one fault.
    pub(super) fn bind_in_batch(self, table: &Rc<TableDefinition>) -> Result<Write> {
        key::check_item_has_key(self.item.as_item(), &table.key_schema)?;
        self.bind(table)
    }

    /// What the table's key schema has to say. Err: ValidationException.
    pub fn bind(self, table: &Rc<TableDefinition>) -> Result<Write> {
        let (stored, key) = key::of_item(self.item.as_item(), &table.key_schema)?;
        values::check_put(table, self.item.as_item())?;
        if let Some(condition) = &self.condition {
            key::check_paths(&condition.nested_attributes(), table)?;
        }
        let action = Action::Put(self.item);
        let condition = match self.insert {
            true => Some(Condition::missing(&table.key_schema.partition.name)),
            false => self.condition,
        };
        let write = Write::new(
            Rc::clone(table),
            self.table,
            stored,
            key,
            condition,
            action,
            self.show,
        );
        Ok(if self.insert {
            write.refused_as_duplicate()
        } else {
            write
        })
    }
}

/// An item of a request whose shape was checked.
fn read_item(json: &Json<'_>) -> Result<ItemBuf> {
    match ItemBuf::from_json(json) {
        Some(item) if has_legal_names(&item) => Ok(item),
        _ => checked(&read_attributes(json)?),
    }
}

/// The item as stored. Err: a name that an attribute cannot have.
fn checked(attributes: &Attributes) -> Result<ItemBuf> {
    for name in attributes.keys() {
        expressions::check_attribute_name(name)?;
    }
    Ok(ItemBuf::from_attributes(attributes))
}

fn has_legal_names(item: &ItemBuf) -> bool {
    let entries = item.as_item().map().iter();
    entries.is_ok_and(|mut entries| {
        entries.all(|entry| {
            entry.is_ok_and(|(name, _)| expressions::check_attribute_name(name).is_ok())
        })
    })
}

fn check_size(item: &ItemBuf) -> Result<()> {
    if item.as_item().size() > limits::MAX_ITEM_SIZE {
        return Err(ApiError::validation(
            "Item size has exceeded the maximum allowed size",
        ));
    }
    Ok(())
}
