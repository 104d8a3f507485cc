//! TransactGetItems: up to a hundred items of several tables, as they are at one moment.
use super::options::{self, ReturnCapacity};
use super::shape::member;
use super::transact_write_items::check_distinct;
use super::{GetItemRequest, fields, shape, transaction_shapes};
use crate::json::Json;
use crate::limits;
use crate::table::{Account, TableDefinition, TableRef};
use crate::transaction::{Reasons, TransactRead};
use crate::{ApiError, Result};

/// The items that are asked for, in the order in which the request has them.
#[derive(Debug)]
pub struct TransactGetItemsRequest {
    gets: Vec<GetItemRequest>,
    capacity: ReturnCapacity,
}

impl TransactGetItemsRequest {
    /// Everything that can be said without the tables.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&transaction_shapes::TRANSACT_GET_ITEMS, request)?;
        let items = fields::list(request, "TransactItems").iter();
        let gets = items.map(|item| {
            let get = member(item, "Get").unwrap_or(&Json::Null);
            GetItemRequest::in_transaction(get, account)
        });
        Ok(TransactGetItemsRequest {
            gets: gets.collect::<Result<_>>()?,
            capacity: options::capacity(request),
        })
    }

    /// The reads of ExecuteTransaction. Err: ValidationException, for more than a hundred of them or none.
    pub fn from_gets(gets: Vec<GetItemRequest>, capacity: ReturnCapacity) -> Result<Self> {
        if gets.is_empty() || gets.len() > limits::MAX_TRANSACTION_ACTIONS {
            return Err(ApiError::validation(format!(
                "A transaction has 1 to {} actions",
                limits::MAX_TRANSACTION_ACTIONS
            )));
        }
        Ok(TransactGetItemsRequest { gets, capacity })
    }

    /// In the order in which `bind` wants their definitions: as they first appear.
    pub fn tables(&self) -> Vec<&TableRef> {
        let mut tables: Vec<&TableRef> = Vec::new();
        for get in &self.gets {
            if tables.iter().all(|known| known.name != get.table().name) {
                tables.push(get.table());
            }
        }
        tables
    }

    /// What the tables' key schemas have to say.
    ///
    /// Err: TransactionCanceledException for what is wrong with single reads, ValidationException for an item that
    /// is asked for twice.
    pub fn bind(self, definitions: &[&TableDefinition]) -> Result<TransactRead> {
        let tables: Vec<TableRef> = self.tables().into_iter().cloned().collect();
        if definitions.len() != tables.len() {
            return Err(ApiError::internal("not one definition for each table"));
        }
        let (mut gets, mut reasons) = (Vec::with_capacity(self.gets.len()), Reasons::default());
        for get in self.gets {
            let of = tables.iter().position(|t| t.name == get.table().name);
            let table = of.ok_or_else(|| ApiError::internal("a read of no table"))?;
            match get.bind(definitions[table]) {
                Ok(read) => {
                    reasons.push_none();
                    gets.push((table, read));
                }
                Err(error) => reasons.push(error)?,
            }
        }
        reasons.check()?;
        check_distinct(gets.iter().map(|(table, read)| (*table, read.key())))?;
        Ok(TransactRead::new(tables, gets, self.capacity))
    }
}
