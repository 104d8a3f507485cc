//! TransactWriteItems: up to a hundred actions on items of several tables, all of them or none.
use super::options::{self, ReturnCapacity};
use super::shape::member;
use super::{ConditionCheckRequest, DeleteItemRequest, PutItemRequest, UpdateItemRequest};
use super::{fields, key, shape, transaction_shapes};
use crate::apply::{Write, WriteKind};
use crate::json::Json;
use crate::key::StoredKey;
use crate::limits;
use crate::operation::Operation;
use crate::table::{Account, TableDefinition, TableRef};
use crate::transaction::{Reasons, Token, TransactWrite, check_size, duplicates};
use crate::value::{Attributes, ItemBuf};
use crate::{ApiError, Result};
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

/// One action, of which all is checked that can be checked without its table.
#[derive(Debug)]
pub enum Action {
    Put(PutItemRequest),
    Update(UpdateItemRequest),
    Delete(DeleteItemRequest),
    ConditionCheck(ConditionCheckRequest),
}

/// The actions of a transaction, in the order in which the request has them.
#[derive(Debug)]
pub struct TransactWriteItemsRequest {
    /// TransactWriteItems or ExecuteTransaction: whose reply is written.
    operation: Operation,
    actions: Vec<Action>,
    token: Option<Token>,
    capacity: ReturnCapacity,
    metrics: bool,
}

/// A table of a transaction, and what the actions do to it.
#[derive(Debug)]
pub struct Target<'r> {
    pub table: &'r TableRef,
    pub kinds: BTreeSet<WriteKind>,
}

impl Action {
    /// `item`: one of TransactItems, whose shape was checked.
    fn read(item: &Json<'_>, account: &Account) -> Result<Action> {
        Ok(match chosen(item)? {
            ("Put", put) => Action::Put(PutItemRequest::in_transaction(put, account)?),
            ("Update", update) => {
                Action::Update(UpdateItemRequest::in_transaction(update, account)?)
            }
            ("Delete", delete) => {
                Action::Delete(DeleteItemRequest::in_transaction(delete, account)?)
            }
            (_, check) => {
                Action::ConditionCheck(ConditionCheckRequest::in_transaction(check, account)?)
            }
        })
    }

    pub fn table(&self) -> &TableRef {
        match self {
            Action::Put(put) => put.table(),
            Action::Update(update) => update.table(),
            Action::Delete(delete) => delete.table(),
            Action::ConditionCheck(check) => check.table(),
        }
    }

    fn kind(&self) -> WriteKind {
        match self {
            Action::Put(_) => WriteKind::Put,
            Action::Update(_) => WriteKind::Update,
            Action::Delete(_) => WriteKind::Delete,
            Action::ConditionCheck(_) => WriteKind::Check,
        }
    }

    /// Bytes of the item or key, as DynamoDB counts them.
    fn size(&self) -> usize {
        let size = |key: &Attributes| ItemBuf::from_attributes(key).as_item().size();
        match self {
            Action::Put(put) => put.size(),
            Action::Update(update) => size(update.key()),
            Action::Delete(delete) => size(delete.key()),
            Action::ConditionCheck(check) => size(check.key()),
        }
    }

    /// An empty key attribute is a fault of the request, whatever else is wrong with the action.
    fn check_not_empty(&self, table: &TableDefinition) -> Result<()> {
        let key = match self {
            Action::Put(put) => return put.check_not_empty(table),
            Action::Update(update) => update.key(),
            Action::Delete(delete) => delete.key(),
            Action::ConditionCheck(check) => check.key(),
        };
        key::check_not_empty(key, &table.key_schema)
    }

    fn bind(self, table: &Rc<TableDefinition>) -> Result<Write> {
        match self {
            Action::Put(put) => put.bind(table),
            Action::Update(update) => update.bind(table),
            Action::Delete(delete) => delete.bind(table),
            Action::ConditionCheck(check) => check.bind(table),
        }
    }
}

/// No two actions may be on one item. Each with the place of its table.
pub(super) fn check_distinct<'k>(keys: impl Iterator<Item = (usize, &'k StoredKey)>) -> Result<()> {
    let mut seen = HashSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(duplicates());
        }
    }
    Ok(())
}

/// The one member that an element of TransactItems has. The words are the service's.
fn chosen<'j, 'a>(item: &'j Json<'a>) -> Result<(&'static str, &'j Json<'a>)> {
    let given = ["ConditionCheck", "Put", "Update", "Delete"]
        .into_iter()
        .filter_map(|name| Some((name, member(item, name)?)));
    let mut given = given;
    match (given.next(), given.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(ApiError::validation(
            "TransactItems can only contain one of Check, Put, Update or Delete",
        )),
    }
}

impl TransactWriteItemsRequest {
    /// Everything that can be said without the tables.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&transaction_shapes::TRANSACT_WRITE_ITEMS, request)?;
        let items = fields::list(request, "TransactItems");
        // An element without its one action is found before any action is looked at.
        items.iter().try_for_each(|item| chosen(item).map(drop))?;
        let actions = items.iter().map(|item| Action::read(item, account));
        let actions = actions.collect::<Result<_>>()?;
        let operation = Operation::TransactWriteItems;
        let token = fields::string(request, "ClientRequestToken");
        Ok(TransactWriteItemsRequest {
            operation,
            actions,
            token: token.map(|token| Token::new(operation, token, items)),
            capacity: options::capacity(request),
            metrics: fields::string(request, "ReturnItemCollectionMetrics") == Some("SIZE"),
        })
    }

    /// A transaction of ExecuteTransaction. Err: ValidationException, for more than a hundred actions or none.
    pub fn from_actions(
        actions: Vec<Action>,
        token: Option<Token>,
        capacity: ReturnCapacity,
    ) -> Result<Self> {
        if actions.is_empty() || actions.len() > limits::MAX_TRANSACTION_ACTIONS {
            return Err(ApiError::validation(format!(
                "A transaction has 1 to {} actions",
                limits::MAX_TRANSACTION_ACTIONS
            )));
        }
        Ok(TransactWriteItemsRequest {
            operation: Operation::ExecuteTransaction,
            actions,
            token,
            capacity,
            metrics: false,
        })
    }

    /// The tables in the order in which `bind` wants their definitions: as they first appear.
    pub fn targets(&self) -> Vec<Target<'_>> {
        let mut targets: Vec<Target<'_>> = Vec::new();
        for action in &self.actions {
            let table = action.table();
            let known = targets.iter_mut().find(|t| t.table.name == table.name);
            match known {
                Some(target) => {
                    target.kinds.insert(action.kind());
                }
                None => targets.push(Target {
                    table,
                    kinds: BTreeSet::from([action.kind()]),
                }),
            }
        }
        targets
    }

    /// What the tables' key schemas have to say: `definitions` are those of `targets`, in their order.
    ///
    /// Err: ValidationException for what is wrong with the transaction, TransactionCanceledException for what is
    /// wrong with single actions.
    pub fn bind(self, definitions: &[Rc<TableDefinition>]) -> Result<TransactWrite> {
        let tables: Vec<TableRef> = self.targets().iter().map(|t| t.table.clone()).collect();
        if definitions.len() != tables.len() {
            return Err(ApiError::internal("not one definition for each table"));
        }
        let place = |action: &Action| {
            let of = &action.table().name;
            tables.iter().position(|table| table.name == *of)
        };
        let mut bound = Vec::with_capacity(self.actions.len());
        let mut size = 0;
        for action in self.actions {
            let table =
                place(&action).ok_or_else(|| ApiError::internal("an action of no table"))?;
            let definition = &definitions[table];
            action.check_not_empty(definition)?;
            size += action.size();
            bound.push((table, action.bind(definition)));
        }
        let written = bound
            .iter()
            .filter_map(|(table, write)| Some((*table, write.as_ref().ok()?)));
        check_distinct(written.map(|(table, write)| (table, write.key())))?;
        check_size(size)?;
        let (mut actions, mut reasons) = (Vec::with_capacity(bound.len()), Reasons::default());
        for (table, write) in bound {
            match write {
                Ok(write) => {
                    reasons.push_none();
                    actions.push((table, Rc::new(write)));
                }
                Err(error) => reasons.push(error)?,
            }
        }
        reasons.check()?;
        Ok(TransactWrite::new(
            self.operation,
            tables,
            actions,
            self.token,
            self.capacity,
            self.metrics,
        ))
    }
}
