//! INSERT, UPDATE and DELETE as the requests of the other operations.
//!
//! - INSERT is a PutItem on the condition that there is no such item; a refusal is a DuplicateItemException.
//! - UPDATE is an UpdateItem on the condition that there is one, and that the rest of WHERE holds.
//! - DELETE is a DeleteItem; the rest of WHERE is asked of an item only: without one nothing is done.

use super::ast::{Delete, Insert, Returning, Update};
use super::condition::Bound;
use super::keys::{conjuncts, equality};
use crate::expression::ast::Logic;
use crate::expression::path::DocPath;
use crate::expression::test::Test;
use crate::expression::{Condition, Update as Changes};
use crate::request::options::{ReturnValues, Show};
use crate::request::{DeleteItemRequest, PutItemRequest, UpdateItemRequest};
use crate::table::{TableDefinition, TableRef};
use crate::value::{Attributes, AvBuf};
use crate::{ApiError, Result};

/// Err: DynamoDB's text for the first fault that needs no table.
pub(crate) fn insert_request(
    insert: &Insert,
    bound: &Bound<'_>,
    table: TableRef,
    show: Show,
) -> Result<PutItemRequest> {
    let mut item = Attributes::new();
    for (name, value) in &insert.item {
        item.insert(name.clone(), bound.value(value)?.as_av().to_value()?);
    }
    PutItemRequest::of_insert(table, &item, show)
}

pub(crate) fn update_request(
    update: &Update,
    changes: Changes,
    condition: Option<Logic<Test>>,
    named: (TableRef, &TableDefinition),
    show: Show,
) -> Result<UpdateItemRequest> {
    let (table, definition) = named;
    let (key, mut rest) = key_of(condition, definition)?;
    rest.insert(0, Logic::Test(Test::Exists(hash_key(definition))));
    let show = Show {
        values: values(update.returning),
        ..show
    };
    Ok(UpdateItemRequest::of_statement(
        table,
        key,
        changes,
        Condition::new(Logic::And(rest)),
        show,
    ))
}

pub(crate) fn delete_request(
    delete: &Delete,
    condition: Option<Logic<Test>>,
    named: (TableRef, &TableDefinition),
    show: Show,
) -> Result<DeleteItemRequest> {
    let (table, definition) = named;
    let (key, rest) = key_of(condition, definition)?;
    let show = Show {
        values: values(delete.returning),
        ..show
    };
    let condition = (!rest.is_empty()).then(|| {
        let missing = Logic::Test(Test::NotExists(hash_key(definition)));
        Condition::new(Logic::Or(vec![missing, Logic::And(rest)]))
    });
    Ok(DeleteItemRequest::of_statement(table, key, condition, show))
}

/// Takes the key out of the condition; what is left must hold, too.
fn key_of(
    condition: Option<Logic<Test>>,
    definition: &TableDefinition,
) -> Result<(Attributes, Vec<Logic<Test>>)> {
    let mut rest = condition.map(conjuncts).unwrap_or_default();
    let mut key = Attributes::new();
    for attribute in definition.key_schema.attributes() {
        let name = &attribute.name;
        let mut values: Vec<&AvBuf> = rest
            .iter()
            .filter_map(|test| equality(test, name))
            .collect();
        values.dedup();
        let value = match values.as_slice() {
            [value] => (*value).clone(),
            [] => {
                return Err(ApiError::validation(
                    "Where clause does not contain a mandatory equality on all key attributes",
                ));
            }
            _ => {
                return Err(ApiError::validation(format!(
                    "Multiple conditions on same key {name}. Only single item Update/Insert/Delete are supported"
                )));
            }
        };
        rest.retain(|test| equality(test, name).is_none());
        key.insert(name.clone(), value.as_av().to_value()?);
    }
    Ok((key, rest))
}

fn hash_key(definition: &TableDefinition) -> DocPath {
    DocPath::top(&definition.key_schema.partition.name)
}

fn values(returning: Option<Returning>) -> ReturnValues {
    match returning {
        None => ReturnValues::None,
        Some(Returning::AllOld) => ReturnValues::AllOld,
        Some(Returning::AllNew) => ReturnValues::AllNew,
        Some(Returning::ModifiedOld) => ReturnValues::UpdatedOld,
        Some(Returning::ModifiedNew) => ReturnValues::UpdatedNew,
    }
}
