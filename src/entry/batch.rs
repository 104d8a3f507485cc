//! Batches for people writing SQL: arrays of items in, a set of items out.

use super::boundary::export;
use super::datum::{ItemSet, VarlenaArray};
use super::item::item;
use super::named::required;
use super::report::OrRaise;
use crate::op::{self, Caller, Session};
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{BatchGetItemRequest, BatchWriteItemRequest};
use pg_dynamo_core::value::Attributes;
use pg_dynamo_core::{ApiError, Result};

/// Each element's attributes. An absent array is an empty one.
fn attributes(array: Option<VarlenaArray>, argument: &str) -> Result<Vec<Attributes>> {
    let elements = array.map_or_else(Vec::new, |array| array.0);
    let elements = elements.into_iter().map(|element| {
        let bytes = element
            .ok_or_else(|| ApiError::validation(format!("{argument} must not contain NULL")))?;
        item(bytes).to_attributes()
    });
    elements.collect()
}

fn batch_get_item_named(
    table_name: Option<&str>,
    keys: Option<VarlenaArray>,
    projection_expression: Option<&str>,
    expression_attribute_names: Option<&str>,
) -> ItemSet {
    let session = Session::new(Caller::Sql);
    let run = || {
        let request = BatchGetItemRequest::from_parts(
            required(table_name, "TableName")?,
            attributes(keys, "keys")?,
            projection_expression,
            expression_attribute_names.map(Json::parse).transpose()?,
            &session.account,
        )?;
        op::batch_get_item::items(&session, request)
    };
    ItemSet(op::metered(&session, Operation::BatchGetItem, run).or_raise())
}

fn batch_write_item_named(
    table_name: Option<&str>,
    put: Option<VarlenaArray>,
    delete: Option<VarlenaArray>,
) {
    let session = Session::new(Caller::Sql);
    let run = || {
        let request = BatchWriteItemRequest::from_parts(
            required(table_name, "TableName")?,
            attributes(put, "put")?,
            attributes(delete, "delete")?,
            &session.account,
        )?;
        let (batch, outcomes) = op::batch_write_item::store(&session, request)?;
        Ok(((), Consumed::of_write(batch.consumed(&outcomes)?)))
    };
    op::metered(&session, Operation::BatchWriteItem, run).or_raise();
}

export!(batch_get_item_named, batch_write_item_named);
