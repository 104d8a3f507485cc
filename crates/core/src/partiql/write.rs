//! INSERT, UPDATE and DELETE as the requests of the other operations.
//!
//! - INSERT is a PutItem on the condition that there is no such item; a refusal is a DuplicateItemException.
//! - UPDATE is an UpdateItem on the condition that there is one, and that the rest of WHERE holds.
//! - DELETE is a DeleteItem; the rest of WHERE is asked of an item only: without one nothing is done.

use super::ast::{Delete, Insert, Returning, Select, Update};
use super::condition::Bound;
use super::keys::{conjuncts, equality, one_of};
use crate::expression::ast::Logic;
use crate::expression::path::DocPath;
use crate::expression::test::Test;
use crate::expression::{Condition, Update as Changes};
use crate::request::options::{ReturnValues, Show};
use crate::request::{DeleteItemRequest, PutItemRequest, UpdateItemRequest};
use crate::table::{TableDefinition, TableRef};
use crate::value::{Attributes, AvBuf};
use crate::{ApiError, Result};

/// What a transaction does otherwise: a write without a whole key is a reason to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRule {
    Statement,
    Transaction,
}

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
    rule: KeyRule,
    show: Show,
) -> Result<UpdateItemRequest> {
    let (table, definition) = named;
    let (key, mut rest) = key_of(condition, definition, rule)?;
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
    rule: KeyRule,
    show: Show,
) -> Result<DeleteItemRequest> {
    let (table, definition) = named;
    let (key, rest) = key_of(condition, definition, rule)?;
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

/// The key and the condition of `EXISTS(SELECT …)`.
pub(crate) fn exists_parts(
    select: &Select,
    condition: Option<Logic<Test>>,
    definition: &TableDefinition,
) -> Result<(Attributes, Condition)> {
    let fault = || {
        ApiError::validation("EXISTS() must contain a single item read with additional condition")
    };
    if select.source.index.is_some() {
        return Err(ApiError::validation(
            "Operations on indices are not supported in transactions",
        ));
    }
    let mut rest = condition.map(conjuncts).unwrap_or_default();
    let mut key = Attributes::new();
    for attribute in definition.key_schema.attributes() {
        let found = rest.iter().find_map(|test| equality(test, &attribute.name));
        let value = found.ok_or_else(fault)?.clone();
        rest.retain(|test| equality(test, &attribute.name) != Some(&value));
        key.insert(attribute.name.clone(), value.as_av().to_value()?);
    }
    if rest.is_empty() {
        return Err(fault());
    }
    Ok((key, Condition::new(Logic::And(rest))))
}

/// The key of a SELECT that asks for it and for nothing else; its values are of any type.
pub(crate) fn only_key(
    condition: Option<&Logic<Test>>,
    definition: &TableDefinition,
) -> Result<Option<Attributes>> {
    let mut rest = condition.cloned().map(conjuncts).unwrap_or_default();
    let mut key = Attributes::new();
    for attribute in definition.key_schema.attributes() {
        let name = &attribute.name;
        let named = |test: &Logic<Test>| equality(test, name).or(one_of(test, name)).cloned();
        let Some(value) = rest.iter().find_map(named) else {
            return Ok(None);
        };
        rest.retain(|test| named(test).as_ref() != Some(&value));
        key.insert(name.clone(), value.as_av().to_value()?);
    }
    Ok(rest.is_empty().then_some(key))
}

/// Takes the key out of the condition; what is left must hold, too.
fn key_of(
    condition: Option<Logic<Test>>,
    definition: &TableDefinition,
    rule: KeyRule,
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
            [] if rule == KeyRule::Statement => {
                return Err(ApiError::validation(
                    "Where clause does not contain a mandatory equality on all key attributes",
                ));
            }
            // A key that is not whole is refused where it meets the schema.
            _ if rule == KeyRule::Transaction => continue,
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
