//! The operations for people writing SQL: named arguments in, items out.

use super::api;
use super::boundary::export;
use super::item::{dynamodb_json, item};
use super::report::{OrRaise, raise};
use crate::op::{self, Caller, Session};
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::json::{Json, write_string};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DeleteItemRequest, GetItemRequest, Options, PutItemRequest, UpdateItemRequest,
};
use pg_dynamo_core::value::{Attributes, ItemBuf};
use pg_dynamo_core::{ApiError, Result};

/// An argument that DynamoDB requires.
pub fn required<T>(value: Option<T>, member: &str) -> Result<T> {
    value.ok_or_else(|| {
        ApiError::validation(format!(
            "The parameter '{member}' is required but was not present in the request"
        ))
    })
}

fn attributes(bytes: Option<&[u8]>, member: &str) -> Result<Attributes> {
    item(required(bytes, member)?).to_attributes()
}

/// The optional arguments of one call; owns the texts that the request borrows.
struct Arguments<'a> {
    condition: Option<&'a str>,
    names: Option<&'a str>,
    values: Option<String>,
    return_values: Option<&'a str>,
    on_failure: Option<&'a str>,
}

impl Arguments<'_> {
    fn options(&self) -> Result<Options<'_>> {
        Ok(Options {
            condition_expression: self.condition,
            expression_attribute_names: self.names.map(Json::parse).transpose()?,
            expression_attribute_values: self.values.as_deref().map(Json::parse).transpose()?,
            return_values: self.return_values,
            return_values_on_condition_check_failure: self.on_failure,
            ..Options::default()
        })
    }
}

fn values_json(values: Option<&[u8]>) -> Result<Option<String>> {
    values.map(|values| dynamodb_json(item(values))).transpose()
}

/// Runs an operation, counts it, and answers an item's bytes.
fn item_of(
    operation: Operation,
    run: impl FnOnce(&Session) -> Result<(Option<ItemBuf>, Consumed)>,
) -> Option<Vec<u8>> {
    let session = Session::new(Caller::Sql);
    let item = op::metered(&session, operation, || run(&session)).or_raise();
    item.map(ItemBuf::into_bytes)
}

#[allow(
    clippy::too_many_arguments,
    reason = "the named arguments of the SQL function"
)]
fn put_item_named(
    table_name: Option<&str>,
    item: Option<&[u8]>,
    condition_expression: Option<&str>,
    expression_attribute_names: Option<&str>,
    expression_attribute_values: Option<&[u8]>,
    return_values: Option<&str>,
    return_values_on_condition_check_failure: Option<&str>,
) -> Option<Vec<u8>> {
    item_of(Operation::PutItem, |session| {
        let arguments = Arguments {
            condition: condition_expression,
            names: expression_attribute_names,
            values: values_json(expression_attribute_values)?,
            return_values,
            on_failure: return_values_on_condition_check_failure,
        };
        let table = required(table_name, "TableName")?;
        let item = attributes(item, "Item")?;
        let request =
            PutItemRequest::from_parts(table, item, arguments.options()?, &session.account)?;
        op::put_item::bind(session, request)?.returned()
    })
}

fn get_item_named(
    table_name: Option<&str>,
    key: Option<&[u8]>,
    projection_expression: Option<&str>,
    expression_attribute_names: Option<&str>,
) -> Option<Vec<u8>> {
    item_of(Operation::GetItem, |session| {
        let options = Options {
            expression_attribute_names: expression_attribute_names.map(Json::parse).transpose()?,
            ..Options::default()
        };
        let table = required(table_name, "TableName")?;
        let key = attributes(key, "Key")?;
        let request = GetItemRequest::from_parts(
            table,
            key,
            projection_expression,
            None,
            options,
            &session.account,
        )?;
        op::get_item::item(session, request)
    })
}

#[allow(
    clippy::too_many_arguments,
    reason = "the named arguments of the SQL function"
)]
fn update_item_named(
    table_name: Option<&str>,
    key: Option<&[u8]>,
    update_expression: Option<&str>,
    condition_expression: Option<&str>,
    expression_attribute_names: Option<&str>,
    expression_attribute_values: Option<&[u8]>,
    return_values: Option<&str>,
    return_values_on_condition_check_failure: Option<&str>,
) -> Option<Vec<u8>> {
    item_of(Operation::UpdateItem, |session| {
        let arguments = Arguments {
            condition: condition_expression,
            names: expression_attribute_names,
            values: values_json(expression_attribute_values)?,
            return_values,
            on_failure: return_values_on_condition_check_failure,
        };
        let table = required(table_name, "TableName")?;
        let key = attributes(key, "Key")?;
        let request = UpdateItemRequest::from_parts(
            table,
            key,
            update_expression,
            arguments.options()?,
            &session.account,
        )?;
        op::update_item::bind(session, request)?.returned()
    })
}

#[allow(
    clippy::too_many_arguments,
    reason = "the named arguments of the SQL function"
)]
fn delete_item_named(
    table_name: Option<&str>,
    key: Option<&[u8]>,
    condition_expression: Option<&str>,
    expression_attribute_names: Option<&str>,
    expression_attribute_values: Option<&[u8]>,
    return_values: Option<&str>,
    return_values_on_condition_check_failure: Option<&str>,
) -> Option<Vec<u8>> {
    item_of(Operation::DeleteItem, |session| {
        let arguments = Arguments {
            condition: condition_expression,
            names: expression_attribute_names,
            values: values_json(expression_attribute_values)?,
            return_values,
            on_failure: return_values_on_condition_check_failure,
        };
        let table = required(table_name, "TableName")?;
        let key = attributes(key, "Key")?;
        let request =
            DeleteItemRequest::from_parts(table, key, arguments.options()?, &session.account)?;
        op::delete_item::bind(session, request)?.returned()
    })
}

/// Builds the JSON of a table operation member by member; absent arguments leave no member.
#[derive(Default)]
pub struct RequestJson {
    members: Vec<String>,
}

impl RequestJson {
    pub fn raw(&mut self, name: &str, json: &str) {
        self.members.push(format!("{}:{json}", quoted(name)));
    }

    pub fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.raw(name, &quoted(value));
        }
    }

    pub fn plain(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.raw(name, &value.to_string());
        }
    }

    pub fn throughput(&mut self, read: Option<i64>, write: Option<i64>) {
        if read.is_some() || write.is_some() {
            let mut units = RequestJson::default();
            units.plain("ReadCapacityUnits", read);
            units.plain("WriteCapacityUnits", write);
            self.raw("ProvisionedThroughput", &units.finish());
        }
    }

    pub fn finish(&self) -> String {
        format!("{{{}}}", self.members.join(","))
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

/// `{"Team":"blue"}` as the API's list of tags.
fn tag_list(tags: &str) -> Result<String> {
    let Json::Object(members) = Json::parse(tags)? else {
        return Err(ApiError::validation(
            "tags must be a JSON object of strings",
        ));
    };
    let mut list = Vec::new();
    for (key, value) in &members {
        let Json::String(value) = value else {
            return Err(ApiError::validation(
                "tags must be a JSON object of strings",
            ));
        };
        let mut tag = RequestJson::default();
        tag.text("Key", Some(key));
        tag.text("Value", Some(value));
        list.push(tag.finish());
    }
    Ok(format!("[{}]", list.join(",")))
}

#[allow(
    clippy::too_many_arguments,
    reason = "the named arguments of the SQL function"
)]
fn create_table_named(
    table_name: Option<&str>,
    partition_key: Option<&str>,
    partition_key_type: Option<&str>,
    sort_key: Option<&str>,
    sort_key_type: Option<&str>,
    read_capacity_units: Option<i64>,
    write_capacity_units: Option<i64>,
    table_class: Option<&str>,
    deletion_protection_enabled: Option<bool>,
    tags: Option<&str>,
) -> String {
    let keys = [
        (partition_key, partition_key_type, "HASH"),
        (sort_key, sort_key_type, "RANGE"),
    ];
    let (mut definitions, mut schema) = (Vec::new(), Vec::new());
    for (name, scalar, role) in keys.into_iter().filter(|(name, _, _)| name.is_some()) {
        let (mut definition, mut element) = (RequestJson::default(), RequestJson::default());
        definition.text("AttributeName", name);
        definition.text("AttributeType", scalar);
        element.text("AttributeName", name);
        element.text("KeyType", Some(role));
        definitions.push(definition.finish());
        schema.push(element.finish());
    }
    let on_demand = read_capacity_units.is_none() && write_capacity_units.is_none();
    let mut request = RequestJson::default();
    request.text("TableName", table_name);
    request.raw(
        "AttributeDefinitions",
        &format!("[{}]", definitions.join(",")),
    );
    request.raw("KeySchema", &format!("[{}]", schema.join(",")));
    request.text(
        "BillingMode",
        Some(if on_demand {
            "PAY_PER_REQUEST"
        } else {
            "PROVISIONED"
        }),
    );
    request.throughput(read_capacity_units, write_capacity_units);
    request.text("TableClass", table_class);
    request.plain("DeletionProtectionEnabled", deletion_protection_enabled);
    if let Some(tags) = tags {
        request.raw("Tags", &tag_list(tags).or_raise());
    }
    api::run(Operation::CreateTable, &request.finish())
}

/// A request given where a table name was expected: no table name starts with a brace.
pub fn is_request(table_name: &str) -> bool {
    table_name.trim_start().starts_with('{')
}

fn update_table_named(
    table_name: Option<&str>,
    billing_mode: Option<&str>,
    read_capacity_units: Option<i64>,
    write_capacity_units: Option<i64>,
    table_class: Option<&str>,
    deletion_protection_enabled: Option<bool>,
) -> String {
    let mut request = RequestJson::default();
    request.text("BillingMode", billing_mode);
    request.throughput(read_capacity_units, write_capacity_units);
    request.text("TableClass", table_class);
    request.plain("DeletionProtectionEnabled", deletion_protection_enabled);
    if let Some(text) = table_name.filter(|text| is_request(text)) {
        if !request.members.is_empty() {
            raise(ApiError::validation(
                "table_name must be the name of a table when other arguments are given",
            ));
        }
        return api::run(Operation::UpdateTable, text);
    }
    request.text("TableName", table_name);
    api::run(Operation::UpdateTable, &request.finish())
}

/// The operations whose only argument is a table.
fn by_table_name(operation: Operation, table_name: &str) -> String {
    if is_request(table_name) {
        return api::run(operation, table_name);
    }
    let mut request = RequestJson::default();
    request.text("TableName", Some(table_name));
    api::run(operation, &request.finish())
}

fn describe_table_named(table_name: &str) -> String {
    by_table_name(Operation::DescribeTable, table_name)
}

fn delete_table_named(table_name: &str) -> String {
    by_table_name(Operation::DeleteTable, table_name)
}

fn list_tables_named(exclusive_start_table_name: Option<&str>, limit: Option<i32>) -> String {
    if let (Some(text), None) = (exclusive_start_table_name, limit)
        && is_request(text)
    {
        return api::run(Operation::ListTables, text);
    }
    let mut request = RequestJson::default();
    request.text("ExclusiveStartTableName", exclusive_start_table_name);
    request.plain("Limit", limit);
    api::run(Operation::ListTables, &request.finish())
}

export!(
    put_item_named,
    update_item_named,
    delete_item_named,
    create_table_named,
    get_item_named,
    update_table_named,
    describe_table_named,
    delete_table_named,
    list_tables_named,
);
