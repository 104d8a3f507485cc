//! BatchGetItem and BatchWriteItem without a database: which faults are found, in which order and words, and
//! what the replies say.
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod faults;
mod replies;

use fixtures::*;
use pg_dynamo_core::ApiError;
use pg_dynamo_core::apply::{Effect, Outcome};
use pg_dynamo_core::batch::{BatchRead, BatchWrite};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::limits::MAX_BATCH_RESPONSE;
use pg_dynamo_core::request::{BatchGetItemRequest, BatchWriteItemRequest};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::value::ItemBuf;
use std::collections::BTreeMap;
use std::rc::Rc;

const MISMATCH: &str = "The provided key element does not match the schema";

const DUPLICATES: &str = "Provided list of item keys contains duplicates";

const NEITHER: &str = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";

const BAD_NAME: &str = "failed to satisfy constraint: Map keys must satisfy constraint: \
    [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, \
    Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]";

fn read(tables: &[&TableDefinition], request: &str) -> pg_dynamo_core::Result<BatchRead> {
    BatchGetItemRequest::parse(&json(request), &account())?.bind(tables)
}

fn write(tables: &[&TableDefinition], request: &str) -> pg_dynamo_core::Result<BatchWrite> {
    let tables: Vec<_> = tables.iter().map(|t| Rc::new((*t).clone())).collect();
    BatchWriteItemRequest::parse(&json(request), &account())?
        .bind(&tables.iter().collect::<Vec<_>>())
}

fn message(operation: &str, request: &str) -> String {
    refusal(operation, request).message
}

/// `{"RequestItems":{"Hash":{"Keys":[…],more}}}`
fn get_request(keys: impl IntoIterator<Item = String>, more: &str) -> String {
    let keys: Vec<_> = keys.into_iter().collect();
    format!(
        r#"{{"RequestItems":{{"Hash":{{"Keys":[{}]{more}}}}}}}"#,
        keys.join(",")
    )
}

fn key(pk: &str) -> String {
    format!(r#"{{"pk":{{"S":"{pk}"}}}}"#)
}

fn put_of(item: &str) -> String {
    format!(r#"{{"PutRequest":{{"Item":{item}}}}}"#)
}

fn delete_of(key: &str) -> String {
    format!(r#"{{"DeleteRequest":{{"Key":{key}}}}}"#)
}

fn write_request(requests: impl IntoIterator<Item = String>) -> String {
    let requests: Vec<_> = requests.into_iter().collect();
    format!(r#"{{"RequestItems":{{"Hash":[{}]}}}}"#, requests.join(","))
}
