//! UpdateTable: what of a definition can change.
use super::create_table::{billing_mode, encryption, refuse, table_class};
use super::fields::{boolean, list, string};
use super::key_schema::{self, invalid};
use super::shape::{self, member};
use super::table_shapes;
use crate::json::Json;
use crate::table::{
    Account, BillingMode, Encryption, TableClass, TableDefinition, TableRef, Throughput, Units,
};
use crate::{ApiError, Result, limits};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct UpdateTableRequest {
    table: TableRef,
    billing_mode: Option<BillingMode>,
    throughput: Option<Throughput>,
    table_class: Option<TableClass>,
    deletion_protection: Option<bool>,
    /// `Some(None)`: back to the default.
    encryption: Option<Option<Encryption>>,
    on_demand: Option<Units>,
    warm: Option<Units>,
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
        let throughput = key_schema::throughput(request)?;
        check_index_updates(request)?;
        let parsed = UpdateTableRequest {
            table,
            billing_mode: billing,
            throughput,
            table_class: table_class(request),
            deletion_protection: boolean(request, "DeletionProtectionEnabled"),
            encryption: encryption(request)?,
            on_demand: key_schema::on_demand_units(request),
            warm: key_schema::warm(request)?,
        };
        refuse(
            request,
            &[
                "GlobalSecondaryIndexUpdates",
                "StreamSpecification",
                "ReplicaUpdates",
                "MultiRegionConsistency",
                "GlobalTableWitnessUpdates",
                "GlobalTableSettingsReplicationMode",
            ],
        )?;
        Ok(parsed)
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// The definition after the update. `now_millis`: epoch milliseconds.
    /// Err: ValidationException, or LimitExceededException for one decrease too many.
    pub fn apply(&self, table: &TableDefinition, now_millis: i64) -> Result<TableDefinition> {
        let mut new = table.clone();
        self.change_billing(&mut new, now_millis)?;
        if let Some(class) = self.table_class {
            if new.table_class.unwrap_or(TableClass::Standard) != class {
                new.table_class_changed = Some(now_millis);
            }
            new.table_class = Some(class);
        }
        if let Some(protected) = self.deletion_protection {
            new.deletion_protection = protected;
        }
        if let Some(encryption) = &self.encryption {
            new.encryption = encryption.clone();
        }
        if let Some(on_demand) = self.on_demand {
            key_schema::check_on_demand_change(&on_demand, new.billing_mode)?;
            let old = new.on_demand;
            new.on_demand = Some(Units {
                read: on_demand.read.or(old.and_then(|o| o.read)),
                write: on_demand.write.or(old.and_then(|o| o.write)),
            });
        }
        if let Some(warm) = self.warm {
            new.warm = Some(warmer(table, warm)?);
        }
        Ok(new)
    }

    fn change_billing(&self, new: &mut TableDefinition, now: i64) -> Result<()> {
        let billing = self.billing_mode.unwrap_or(new.billing_mode);
        let switched = billing != new.billing_mode;
        if billing == BillingMode::PayPerRequest && self.throughput.is_some() {
            return invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
                 when BillingMode is PAY_PER_REQUEST",
            );
        }
        new.billing_mode = billing;
        if let Some(wanted) = self.throughput {
            new.throughput = if switched {
                Throughput {
                    last_increase: Some(now),
                    ..wanted
                }
            } else {
                changed_throughput(&new.throughput, &wanted, now)?
            };
        }
        if switched && billing == BillingMode::PayPerRequest {
            new.on_demand_since = Some(now);
            new.throughput.read = 0;
            new.throughput.write = 0;
        }
        if switched && billing == BillingMode::Provisioned {
            new.on_demand = None;
        }
        Ok(())
    }
}

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

fn changed_throughput(old: &Throughput, wanted: &Throughput, now: i64) -> Result<Throughput> {
    if old.read == wanted.read && old.write == wanted.write {
        return Err(ApiError::validation(format!(
            "The provisioned throughput for the table will not change. The requested value equals \
             the current value. Current ReadCapacityUnits provisioned for the table: {}. Requested \
             ReadCapacityUnits: {}. Current WriteCapacityUnits provisioned for the table: {}. \
             Requested WriteCapacityUnits: {}. Refer to the Amazon DynamoDB Developer Guide for \
             current limits and how to request higher limits.",
            old.read, wanted.read, old.write, wanted.write
        )));
    }
    let mut new = Throughput {
        read: wanted.read,
        write: wanted.write,
        ..*old
    };
    let same_day = |then: i64| then.div_euclid(DAY) == now.div_euclid(DAY);
    if !old.last_decrease.is_some_and(same_day) {
        new.decreases_today = 0;
    }
    if wanted.read > old.read || wanted.write > old.write {
        new.last_increase = Some(now);
    }
    if wanted.read < old.read || wanted.write < old.write {
        check_decreases(&new, now)?;
        new.last_decrease = Some(now);
        new.decreases_today += 1;
    }
    Ok(new)
}

/// Four decreases a UTC day at once, then one an hour, 27 at most ("Service quotas").
fn check_decreases(today: &Throughput, now: i64) -> Result<()> {
    let waited = today.last_decrease.is_none_or(|then| now - then >= HOUR);
    if today.decreases_today < limits::DECREASES_AT_ONCE
        || (waited && today.decreases_today < limits::MAX_DECREASES_A_DAY)
    {
        return Ok(());
    }
    Err(ApiError::limit_exceeded(format!(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC \
         day. After the first 4 decreases, each subsequent decrease in the same UTC day can be \
         performed at most once every 3600 seconds. Number of decreases today: {}.",
        today.decreases_today
    )))
}

/// Warm throughput only ever grows.
fn warmer(table: &TableDefinition, wanted: Units) -> Result<Units> {
    let current = table.warm_units();
    let units = Units {
        read: wanted.read.or(current.read),
        write: wanted.write.or(current.write),
    };
    if units.read < current.read || units.write < current.write {
        return invalid("WarmThroughput values cannot be decreased");
    }
    Ok(units)
}

fn check_index_updates(request: &Json<'_>) -> Result<()> {
    let mut names = BTreeSet::new();
    for update in list(request, "GlobalSecondaryIndexUpdates") {
        let actions = ["Update", "Create", "Delete"];
        let Some(action) = actions.iter().find_map(|a| member(update, a)) else {
            return invalid(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                 GlobalSecondaryIndexUpdate.Delete must not be null",
            );
        };
        let name = string(action, "IndexName").unwrap_or_default();
        if !names.insert(name) {
            return invalid(format_args!(
                "Only one global secondary index update per index is allowed simultaneously. \
                 Index: {name}"
            ));
        }
    }
    Ok(())
}
