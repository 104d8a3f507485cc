//! UpdateTable: what of a definition can change.
use super::create_table::{billing_mode, encryption, refuse, table_class};
use super::fields::boolean;
use super::index_updates::{self, IndexUpdate};
use super::key_schema::{self, invalid};
use super::shape::{self, member};
use super::stream_updates::{self, Stalled};
use super::table_shapes;
use super::units::{self, Owner};
use crate::json::Json;
use crate::table::{
    Account, BillingMode, Encryption, IndexState, StreamView, TableClass, TableDefinition,
    TableRef, Throughput, Units,
};
use crate::{ApiError, Result};

#[derive(Debug)]
pub struct UpdateTableRequest {
    table: TableRef,
    /// Whose keys encrypt.
    account: Account,
    billing_mode: Option<BillingMode>,
    throughput: Option<Throughput>,
    table_class: Option<TableClass>,
    deletion_protection: Option<bool>,
    /// `Some(None)`: back to the default.
    encryption: Option<Option<Encryption>>,
    on_demand: Option<Units>,
    warm: Option<Units>,
    indexes: Vec<IndexUpdate>,
    /// `Some(None)`: disabled.
    stream: Option<Option<StreamView>>,
}

/// One of these must be given. The first six stand in the error text.
const CHANGES: &[&str] = &[
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "ReplicaUpdates",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "GlobalTableSettingsReplicationMode",
    "DisassociationProtectionEnabled",
    "VectorIndexUpdates",
];

impl UpdateTableRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::UPDATE_TABLE, request)?;
        let table = TableRef::of_request(request, account)?;
        let given = |name: &&str| match member(request, name) {
            Some(Json::Array(elements)) => !elements.is_empty(),
            other => other.is_some(),
        };
        if !CHANGES.iter().any(given) {
            return Err(ApiError::validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
                 GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
            ));
        }
        let billing = billing_mode(request);
        if billing == Some(BillingMode::Provisioned)
            && member(request, "ProvisionedThroughput").is_none()
        {
            return invalid(
                "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            );
        }
        let throughput = units::throughput(request)?;
        let definitions = member(request, "AttributeDefinitions")
            .map(|_| key_schema::attribute_definitions(request))
            .transpose()?;
        let indexes = index_updates::parse(request, definitions.as_deref())?;
        check_composition(request, &indexes)?;
        let parsed = UpdateTableRequest {
            table,
            account: account.clone(),
            billing_mode: billing,
            throughput,
            table_class: table_class(request),
            deletion_protection: boolean(request, "DeletionProtectionEnabled"),
            encryption: encryption(request)?,
            on_demand: units::on_demand_units(request),
            warm: units::warm(request, Owner::Table)?,
            indexes,
            stream: stream_updates::parse(request)?,
        };
        refuse(
            request,
            &[
                "ReplicaUpdates",
                "MultiRegionConsistency",
                "GlobalTableWitnessUpdates",
                "GlobalTableSettingsReplicationMode",
                "DisassociationProtectionEnabled",
                "VectorIndexUpdates",
            ],
        )?;
        Ok(parsed)
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// The definition after the update. A new index is Creating, a deleted one Deleting: storage does the rest
    /// and then writes what [`TableDefinition::index_backfilling`] and its like make of it. `now_millis`: epoch
    /// milliseconds.
    ///
    /// Err: ValidationException, ResourceNotFoundException and ResourceInUseException for an index,
    /// LimitExceededException for one decrease, or one index, too many.
    pub fn apply(&self, table: &TableDefinition, now_millis: i64) -> Result<TableDefinition> {
        table.check_created()?;
        index_updates::check_states(&self.indexes, table)?;
        self.check_stream_is_idle(table)?;
        let mut new = table.clone();
        self.change_billing(table, &mut new, now_millis)?;
        index_updates::apply(&self.indexes, table, &mut new, now_millis)?;
        if let Some(class) = self.table_class {
            // A table that never had a class told stays so when it is given the default one.
            if new.table_class.unwrap_or(TableClass::Standard) != class {
                new.table_class_changed = Some(now_millis);
                new.table_class = Some(class);
            }
        }
        if let Some(protected) = self.deletion_protection {
            new.deletion_protection = protected;
        }
        if let Some(encryption) = &self.encryption {
            self.check_encryption(table.encryption.as_ref(), encryption.as_ref())?;
            new.encryption = encryption.clone();
        }
        if let Some(on_demand) = self.on_demand {
            units::check_on_demand_change(&on_demand, Owner::Table, new.billing_mode)?;
            check_idle(table, |names, verb| {
                let noun = if verb == "created" {
                    "creation"
                } else {
                    "deletion"
                };
                format!(
                    "OnDemandThroughput cannot be updated while index {noun} is in progress for \
                     indexes: [{names}]"
                )
            })?;
            new.on_demand = Some(units::merged(new.on_demand, on_demand));
        }
        if let Some(warm) = self.warm {
            new.warm = Some(units::warmer(table.warm_units(), warm, Owner::Table)?);
        }
        match self.stream {
            Some(view) => {
                let new = stream_updates::apply(new, view, now_millis)?;
                check_idle(table, |names, verb| {
                    format!(
                        "Can't change stream status when an index is being {verb}. Table: {} Indexes: [{names}]",
                        table.name
                    )
                })?;
                Ok(new)
            }
            None => Ok(new),
        }
    }

    /// What has to wait while a stream is being enabled or disabled; the rest has not.
    fn check_stream_is_idle(&self, table: &TableDefinition) -> Result<()> {
        let billing = self.billing_mode.unwrap_or(table.billing_mode);
        for (asked, what) in [
            (self.stream.is_some(), Stalled::Stream),
            (
                self.throughput.is_some() || billing != table.billing_mode,
                Stalled::Throughput,
            ),
            (
                self.indexes.iter().any(IndexUpdate::is_online),
                Stalled::Indexes,
            ),
            (self.table_class.is_some(), Stalled::Class),
            (self.on_demand.is_some(), Stalled::OnDemand),
        ] {
            if asked {
                stream_updates::check_idle(table, what)?;
            }
        }
        Ok(())
    }

    pub fn enables_stream(&self) -> bool {
        matches!(self.stream, Some(Some(_)))
    }

    /// Whether capture has something to do when it has been applied.
    pub fn changes_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Only two requests that change nothing are refused: no encryption for a table that has none, and the ARN of the
    /// key that it has. The id or alias of the same key, and the service's own key again, encrypt anew.
    fn check_encryption(&self, old: Option<&Encryption>, new: Option<&Encryption>) -> Result<()> {
        let (Some(old), Some(new)) = (old, new) else {
            return match (old, new) {
                (None, None) => invalid("Table is already encrypted by default"),
                _ => Ok(()),
            };
        };
        let held = old
            .kms_key
            .as_ref()
            .map(|key| self.account.kms_key_arn(key));
        if held.is_some() && held == new.kms_key {
            return invalid(
                "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to \
                 change Master Key",
            );
        }
        Ok(())
    }

    fn change_billing(
        &self,
        old: &TableDefinition,
        new: &mut TableDefinition,
        now: i64,
    ) -> Result<()> {
        let billing = self.billing_mode.unwrap_or(old.billing_mode);
        let switched = billing != old.billing_mode;
        if billing == BillingMode::PayPerRequest && self.throughput.is_some() {
            return invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
                 when BillingMode is PAY_PER_REQUEST",
            );
        }
        if switched || self.throughput.is_some() {
            check_idle(old, |names, verb| {
                format!(
                    "Can't change table IOPS when an index is being {verb}. Table: {} Indexes: [{names}]",
                    old.name
                )
            })?;
        }
        new.billing_mode = billing;
        match self.throughput {
            Some(wanted) if switched => {
                new.throughput = Throughput {
                    last_increase: Some(now),
                    ..wanted
                };
            }
            Some(wanted) => {
                let owner = Owner::Table;
                new.throughput = units::changed_throughput(&old.throughput, &wanted, owner, now)?;
            }
            None => {}
        }
        match (switched, billing) {
            (true, BillingMode::PayPerRequest) => bill_on_demand(new, now),
            (true, BillingMode::Provisioned) => {
                new.on_demand = None;
                for index in &mut new.global_indexes {
                    index.on_demand = None;
                }
            }
            (false, _) => {}
        }
        keep_warm(old, new);
        Ok(())
    }
}

/// Neither a change of billing mode nor less throughput makes anything colder. Both still have the same indexes.
fn keep_warm(old: &TableDefinition, new: &mut TableDefinition) {
    let billing = new.billing_mode;
    new.warm = units::kept_warm(old.warm_units(), billing, &new.throughput);
    for (index, before) in new.global_indexes.iter_mut().zip(&old.global_indexes) {
        index.warm = units::kept_warm(old.warm_units_of(before), billing, &index.throughput);
    }
}

/// Provisioned units go. As in the service, that is a decrease for an index but none for the table.
fn bill_on_demand(table: &mut TableDefinition, now: i64) {
    table.on_demand_since = Some(now);
    table.throughput.read = 0;
    table.throughput.write = 0;
    for index in &mut table.global_indexes {
        index.throughput = Throughput {
            read: 0,
            write: 0,
            last_increase: index.throughput.last_increase,
            last_decrease: Some(now),
            decreases_today: index.throughput.decreases_on(now) + 1,
        };
    }
}

/// Refuses what has to wait for an index: one that waits for its columns, or is being deleted; not one that is
/// being filled in. `refusal`: of the indexes' names and what is done to them.
fn check_idle(table: &TableDefinition, refusal: impl Fn(&str, &str) -> String) -> Result<()> {
    for (state, verb) in [
        (IndexState::Creating, "created"),
        (IndexState::Deleting, "deleted"),
    ] {
        let busy = table.global_indexes.iter().filter(|i| i.state == state);
        let names: Vec<&str> = busy.map(|i| i.name.as_str()).collect();
        if !names.is_empty() {
            return Err(index_updates::in_use(refusal(&names.join(", "), verb)));
        }
    }
    Ok(())
}

/// One request makes one kind of change. Throughput of a table and of its indexes is one kind, and a billing mode
/// may come with what it needs.
fn check_composition(request: &Json<'_>, indexes: &[IndexUpdate]) -> Result<()> {
    let given = |name: &str| match member(request, name) {
        Some(Json::Object(members)) => !members.is_empty(),
        Some(Json::Array(elements)) => !elements.is_empty(),
        other => other.is_some(),
    };
    let beside = |name: &str| {
        let others = CHANGES.iter().filter(|change| **change != name);
        given(name) && others.into_iter().any(|change| given(change))
    };
    for (name, text) in [
        ("SSESpecification", "Server-Side Encryption modification"),
        ("TableClass", "TableClass modification"),
        (
            "DeletionProtectionEnabled",
            "DeletionProtection modification",
        ),
    ] {
        if beside(name) {
            return invalid(format_args!(
                "{text} must be the only operation in the request"
            ));
        }
    }
    if beside("WarmThroughput") {
        return if indexes.iter().any(IndexUpdate::is_creation) {
            invalid(
                "Create global secondary index cannot be specified when updating WarmThroughput",
            )
        } else {
            invalid("WarmThroughput must be the only operation in the request")
        };
    }
    let on_demand_alone = |name: &&str| !["OnDemandThroughput", "BillingMode"].contains(name);
    let others = CHANGES.iter().copied().filter(on_demand_alone);
    if given("OnDemandThroughput") && others.into_iter().any(given) {
        return invalid(
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        );
    }
    if given("ProvisionedThroughput") && indexes.iter().any(IndexUpdate::is_online) {
        return invalid("You cannot create or delete index while updating table IOPS");
    }
    if given("StreamSpecification") && indexes.iter().any(IndexUpdate::is_online) {
        return invalid("You cannot create or delete index while changing stream status");
    }
    let provisions = billing_mode(request) == Some(BillingMode::Provisioned);
    if given("StreamSpecification") && (given("ProvisionedThroughput") || provisions) {
        return invalid("You cannot modify stream status while updating table IOPS");
    }
    Ok(())
}
