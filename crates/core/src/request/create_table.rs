//! CreateTable.
use super::fields::{boolean, string};
use super::key_schema::{self, invalid};
use super::resource_policy::NewPolicy;
use super::shape::{self, member};
use super::units::{self, Owner};
use super::{index_lists, table_shapes, tags};
use crate::json::Json;
use crate::table::{
    Account, BillingMode, Encryption, StreamView, TableClass, TableDefinition, TableRef, Throughput,
};
use crate::{ApiError, Result};

#[derive(Debug)]
pub struct CreateTableRequest {
    table: TableRef,
    definition: TableDefinition,
    policy: Option<NewPolicy>,
    stream: Option<StreamView>,
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
            attribute_definitions: definitions,
            billing_mode: billing,
            throughput,
            on_demand: units::on_demand(request, Owner::Table, billing)?,
            warm: units::new_warm(request, Owner::Table, billing, &throughput)?,
            table_class: table_class(request),
            deletion_protection: boolean(request, "DeletionProtectionEnabled").unwrap_or(false),
            encryption: encryption(request)?.flatten(),
            tags: tags::of_creation(request)?,
            local_indexes: local,
            global_indexes: global,
            ..TableDefinition::with_keys(key)
        };
        let stream = stream(request)?;
        let policy = NewPolicy::of_creation(request, account, &table.name)?;
        refuse(
            request,
            &[
                "GlobalTableSourceArn",
                "GlobalTableSettingsReplicationMode",
                "VectorIndexes",
            ],
        )?;
        Ok(CreateTableRequest {
            table,
            definition,
            policy,
            stream,
        })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// The policy to be put on the new table.
    pub fn take_policy(&mut self) -> Option<NewPolicy> {
        self.policy.take()
    }

    /// What the catalog stores; a stream is Enabling. `table_id`: a fresh UUID; `now_millis`: epoch milliseconds.
    pub fn definition(self, table_id: String, now_millis: i64) -> Result<TableDefinition> {
        let on_demand = self.definition.billing_mode == BillingMode::PayPerRequest;
        let definition = TableDefinition {
            table_id,
            created_at: now_millis,
            on_demand_since: on_demand.then_some(now_millis),
            ..self.definition
        };
        Ok(match self.stream {
            Some(view) => definition.with_stream(view, now_millis),
            None => definition,
        })
    }
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

/// SSESpecification: None when not given, `Some(None)` for the default encryption. A type without Enabled enables.
pub(super) fn encryption(request: &Json<'_>) -> Result<Option<Option<Encryption>>> {
    let Some(given) = member(request, "SSESpecification") else {
        return Ok(None);
    };
    let key = string(given, "KMSMasterKeyId");
    let kind = string(given, "SSEType");
    let enabled = boolean(given, "Enabled").unwrap_or(kind.is_some());
    if !enabled && kind.is_some() {
        return invalid("SSEType can not be specified if Enabled is false");
    }
    if !enabled && key.is_some() {
        return invalid("KMSMasterKeyId can not be specified if Enabled is false");
    }
    if kind == Some("AES256") {
        return invalid("SSEType AES256 is not supported");
    }
    if key.is_some() && kind.is_none() {
        return invalid("SSEType KMS is required if KMSMasterKeyId is specified");
    }
    Ok(Some(enabled.then(|| Encryption {
        enabled,
        kms_key: key.map(str::to_owned),
    })))
}

fn stream(request: &Json<'_>) -> Result<Option<StreamView>> {
    match stream_specification(request) {
        Some((true, None)) => {
            invalid("Table is being created with a stream enabled, UpdateViewType is required")
        }
        Some((false, Some(_))) => invalid(
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
        Some((_, view)) => Ok(view),
        None => Ok(None),
    }
}

/// StreamEnabled and StreamViewType. None when there is no StreamSpecification.
pub(super) fn stream_specification(request: &Json<'_>) -> Option<(bool, Option<StreamView>)> {
    let given = member(request, "StreamSpecification")?;
    let view = string(given, "StreamViewType").map(|view| match view {
        "KEYS_ONLY" => StreamView::KeysOnly,
        "NEW_IMAGE" => StreamView::NewImage,
        "OLD_IMAGE" => StreamView::OldImage,
        _ => StreamView::NewAndOldImages,
    });
    Some((boolean(given, "StreamEnabled").unwrap_or(false), view))
}
