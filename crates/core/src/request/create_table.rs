//! CreateTable.
use super::fields::{boolean, list, string};
use super::key_schema::{self, invalid};
use super::shape::{self, member};
use super::units::{self, Owner};
use super::{index_lists, table_shapes};
use crate::json::Json;
use crate::table::{
    Account, BillingMode, Encryption, StreamView, TableClass, TableDefinition, TableRef, Throughput,
};
use crate::{ApiError, Result, limits};
use std::collections::BTreeMap;

#[derive(Debug)]
pub struct CreateTableRequest {
    table: TableRef,
    definition: TableDefinition,
}

impl CreateTableRequest {
    /// Everything that can be said without other tables.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::CREATE_TABLE, request)?;
        let table = TableRef::of_request(request, account)?;
        let billing = billing_mode(request).unwrap_or_default();
        let throughput = throughput(request, billing)?;
        let definitions = key_schema::attribute_definitions(request)?;
        let key = key_schema::table_key(request, &definitions)?;
        let (local, global) = index_lists::indexes(request, &key, &definitions, billing)?;
        let definition = TableDefinition {
            name: table.name.clone(),
            key_schema: key,
            table_id: String::new(),
            created_at: 0,
            attribute_definitions: definitions,
            billing_mode: billing,
            on_demand_since: None,
            throughput,
            on_demand: units::on_demand(request, Owner::Table, billing)?,
            warm: units::warm(request, Owner::Table)?,
            table_class: table_class(request),
            table_class_changed: None,
            deletion_protection: boolean(request, "DeletionProtectionEnabled").unwrap_or(false),
            encryption: encryption(request)?.flatten(),
            tags: tags(request)?,
            local_indexes: local,
            global_indexes: global,
            stream: stream(request)?,
        };
        refuse(
            request,
            &[
                "ResourcePolicy",
                "GlobalTableSourceArn",
                "GlobalTableSettingsReplicationMode",
            ],
        )?;
        Ok(CreateTableRequest { table, definition })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// What the catalog stores. `table_id`: a fresh UUID; `now_millis`: epoch milliseconds.
    /// Err: ValidationException for what this release refuses.
    pub fn definition(self, table_id: String, now_millis: i64) -> Result<TableDefinition> {
        unsupported_in_this_release(&self.definition)?;
        let on_demand = self.definition.billing_mode == BillingMode::PayPerRequest;
        Ok(TableDefinition {
            table_id,
            created_at: now_millis,
            on_demand_since: on_demand.then_some(now_millis),
            ..self.definition
        })
    }
}

/// What DynamoDB would accept and this release does not, in one place.
pub fn unsupported_in_this_release(table: &TableDefinition) -> Result<()> {
    if table.stream.is_some() {
        return refused("StreamSpecification");
    }
    Ok(())
}

fn refused(parameter: &str) -> Result<()> {
    Err(ApiError::validation(format!(
        "{parameter} is not supported in this release of pg_dynamo"
    )))
}

/// Refuses the first of `parameters` that the request has.
pub(super) fn refuse(request: &Json<'_>, parameters: &[&str]) -> Result<()> {
    match parameters.iter().find(|p| member(request, p).is_some()) {
        Some(parameter) => refused(parameter),
        None => Ok(()),
    }
}

pub(super) fn billing_mode(request: &Json<'_>) -> Option<BillingMode> {
    match string(request, "BillingMode")? {
        "PAY_PER_REQUEST" => Some(BillingMode::PayPerRequest),
        _ => Some(BillingMode::Provisioned),
    }
}

fn throughput(request: &Json<'_>, billing: BillingMode) -> Result<Throughput> {
    match (billing, units::throughput(request)) {
        (BillingMode::PayPerRequest, Ok(None)) => Ok(Throughput::default()),
        (BillingMode::PayPerRequest, _) => invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
             when BillingMode is PAY_PER_REQUEST",
        ),
        (BillingMode::Provisioned, Ok(None)) => invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified \
             when BillingMode is PROVISIONED",
        ),
        (BillingMode::Provisioned, given) => given.map(Option::unwrap_or_default),
    }
}

pub(super) fn table_class(request: &Json<'_>) -> Option<TableClass> {
    match string(request, "TableClass")? {
        "STANDARD_INFREQUENT_ACCESS" => Some(TableClass::StandardInfrequentAccess),
        _ => Some(TableClass::Standard),
    }
}

/// SSESpecification: None when not given, `Some(None)` for the default encryption.
pub(super) fn encryption(request: &Json<'_>) -> Result<Option<Option<Encryption>>> {
    let Some(given) = member(request, "SSESpecification") else {
        return Ok(None);
    };
    let enabled = boolean(given, "Enabled").unwrap_or(false);
    let key = string(given, "KMSMasterKeyId");
    let kind = string(given, "SSEType");
    if !enabled && (key.is_some() || kind.is_some()) {
        return invalid("SSEType and KMSMasterKeyId can only be specified when SSE is enabled");
    }
    if kind == Some("AES256") {
        return invalid("SSEType AES256 is not supported, use KMS");
    }
    Ok(Some(enabled.then(|| Encryption {
        enabled,
        kms_key: key.map(str::to_owned),
    })))
}

fn tags(request: &Json<'_>) -> Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for tag in list(request, "Tags") {
        let key = string(tag, "Key").unwrap_or_default();
        let value = string(tag, "Value").unwrap_or_default();
        if key.starts_with("aws:") {
            return invalid("Tag keys starting with 'aws:' are reserved for system use");
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return invalid(format_args!("Duplicate tag key: {key}"));
        }
    }
    if tags.len() > limits::MAX_TAGS {
        return invalid(format_args!(
            "Number of tags exceeds the limit of {}",
            limits::MAX_TAGS
        ));
    }
    Ok(tags)
}

fn stream(request: &Json<'_>) -> Result<Option<StreamView>> {
    let Some(given) = member(request, "StreamSpecification") else {
        return Ok(None);
    };
    let enabled = boolean(given, "StreamEnabled").unwrap_or(false);
    match (enabled, string(given, "StreamViewType")) {
        (false, None) => Ok(None),
        (false, Some(_)) => invalid(
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
        (true, None) => invalid("StreamViewType must be specified when StreamEnabled is true"),
        (true, Some("KEYS_ONLY")) => Ok(Some(StreamView::KeysOnly)),
        (true, Some("NEW_IMAGE")) => Ok(Some(StreamView::NewImage)),
        (true, Some("OLD_IMAGE")) => Ok(Some(StreamView::OldImage)),
        (true, Some(_)) => Ok(Some(StreamView::NewAndOldImages)),
    }
}
