//! BatchWriteItem: puts and deletes items of several tables, each on its own.
use super::options::Show;
use super::shape::member;
use super::{DeleteItemRequest, PutItemRequest, batch, item_shapes, shape};
use crate::apply::Write;
use crate::batch::{BatchWrite, TableWrites};
use crate::json::Json;
use crate::key::StoredKey;
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::Attributes;
use crate::value::json::read_attributes;
use crate::{ApiError, Result, limits};
use std::collections::HashSet;
use std::rc::Rc;

const OPERATION: &str = "BatchWriteItem";

#[derive(Debug)]
pub struct BatchWriteItemRequest {
    tables: Vec<(TableRef, Vec<Asked>)>,
    show: Show,
}

#[derive(Debug)]
enum Asked {
    Put(PutItemRequest),
    Delete(DeleteItemRequest),
}

impl BatchWriteItemRequest {
    /// Everything that can be said without the tables.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::BATCH_WRITE_ITEM, request)?;
        let show = Show::of(request);
        let mut tables = Vec::new();
        let mut count = 0;
        for (table, requests) in batch::tables(request, account)? {
            let Json::Array(requests) = requests else {
                continue;
            };
            // A request without a put and a delete is found before any value is looked at.
            requests.iter().try_for_each(check_one_of)?;
            let mut asked = Vec::with_capacity(requests.len());
            for request in requests {
                asked.push(read(&table, request, show)?);
                count += 1;
                batch::check_count(count, limits::MAX_BATCH_WRITES, OPERATION)?;
            }
            tables.push((table, asked));
        }
        Ok(BatchWriteItemRequest { tables, show })
    }

    /// The same of one table, from items and keys that are typed already.
    pub fn from_parts(
        table: &str,
        puts: Vec<Attributes>,
        deletes: Vec<Attributes>,
        account: &Account,
    ) -> Result<Self> {
        shape::check_table(table)?;
        let table = TableRef::parse(table, account)?;
        let count = puts.len() + deletes.len();
        batch::check_count(count, limits::MAX_BATCH_WRITES, OPERATION)?;
        let show = Show::default();
        let mut asked = Vec::with_capacity(count);
        for item in &puts {
            let request = PutItemRequest::in_batch(table.clone(), item, show)?;
            asked.push(Asked::Put(request));
        }
        for key in deletes {
            let request = DeleteItemRequest::in_batch(table.clone(), key, show);
            asked.push(Asked::Delete(request));
        }
        Ok(BatchWriteItemRequest {
            tables: vec![(table, asked)],
            show,
        })
    }

    /// In the order in which `bind` wants their definitions; whether there are puts, and deletes.
    pub fn tables(&self) -> impl Iterator<Item = (&TableRef, bool, bool)> {
        self.tables.iter().map(|(table, asked)| {
            let is_put = |asked: &Asked| matches!(asked, Asked::Put(_));
            let puts = asked.iter().any(is_put);
            (table, puts, !asked.iter().all(is_put))
        })
    }

    /// What the tables' key schemas have to say. Err: ValidationException.
    pub fn bind(self, definitions: &[&Rc<TableDefinition>]) -> Result<BatchWrite> {
        if definitions.len() != self.tables.len() {
            return Err(ApiError::internal("not one definition for each table"));
        }
        let mut tables = Vec::with_capacity(definitions.len());
        for ((table, asked), definition) in self.tables.into_iter().zip(definitions) {
            tables.push(TableWrites::new(table, bind_table(asked, definition)?));
        }
        Ok(BatchWrite::new(tables, self.show.capacity))
    }
}

/// Each write request is a put or a delete, not both and not neither. The words are the service's.
fn check_one_of(request: &Json<'_>) -> Result<()> {
    let given = ["PutRequest", "DeleteRequest"].map(|name| member(request, name).is_some());
    if given[0] != given[1] {
        return Ok(());
    }
    Err(ApiError::validation(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    ))
}

/// `request`: checked to be a put or a delete.
fn read(table: &TableRef, request: &Json<'_>, show: Show) -> Result<Asked> {
    let attributes = |structure: &Json<'_>, name| {
        read_attributes(member(structure, name).unwrap_or(&Json::Null))
    };
    if let Some(put) = member(request, "PutRequest") {
        let item = attributes(put, "Item")?;
        return PutItemRequest::in_batch(table.clone(), &item, show).map(Asked::Put);
    }
    let delete = member(request, "DeleteRequest").unwrap_or(&Json::Null);
    let key = attributes(delete, "Key")?;
    Ok(Asked::Delete(DeleteItemRequest::in_batch(
        table.clone(),
        key,
        show,
    )))
}

fn bind_table(asked: Vec<Asked>, definition: &Rc<TableDefinition>) -> Result<Vec<Rc<Write>>> {
    let mut seen: HashSet<StoredKey> = HashSet::with_capacity(asked.len());
    let mut writes = Vec::with_capacity(asked.len());
    for request in asked {
        let write = match request {
            Asked::Put(request) => request.bind_in_batch(definition)?,
            Asked::Delete(request) => request.bind(definition)?,
        };
        if !seen.insert(write.key().clone()) {
            return Err(batch::duplicates());
        }
        writes.push(Rc::new(write));
    }
    Ok(writes)
}
