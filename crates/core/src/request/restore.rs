//! RestoreTableFromBackup and RestoreTableToPointInTime: the new table, and what of it may differ from its source.
use super::backup_shapes::{self, OVERRIDES};
use super::create_table::{billing_mode, encryption};
use super::fields::{boolean, string};
use super::index_lists;
use super::key_schema::invalid;
use super::shape::{self, member};
use super::units::{self, Owner};
use crate::backup::{self, Backup, BackupRef, Restore};
use crate::json::Json;
use crate::table::{
    Account, BillingMode, Encryption, GlobalIndex, LocalIndex, TableDefinition, TableRef,
    Throughput,
};
use crate::{ApiError, Result};
use std::borrow::Cow;

/// Epoch milliseconds of a timestamp, which stands as epoch seconds in the request.
pub(super) fn timestamp(request: &Json<'_>, name: &str) -> Option<i64> {
    match member(request, name)? {
        Json::Number(literal) => literal
            .parse::<f64>()
            .ok()
            .map(|seconds| (seconds * 1000.0).round() as i64),
        _ => None,
    }
}

/// The parameters ...Override, under the names that CreateTable has for them.
#[derive(Debug)]
struct Overrides {
    billing: Option<BillingMode>,
    throughput: Option<Throughput>,
    encryption: Option<Option<Encryption>>,
    /// What depends on the source: indexes, bounds of on-demand units.
    request: String,
}

impl Overrides {
    fn parse(request: &Json<'_>) -> Result<Overrides> {
        let renamed = renamed(request);
        let billing = billing_mode(&renamed);
        let throughput = units::throughput(&renamed)?;
        if billing == Some(BillingMode::PayPerRequest) && throughput.is_some() {
            return invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
                 when BillingMode is PAY_PER_REQUEST",
            );
        }
        Ok(Overrides {
            billing,
            throughput,
            encryption: encryption(&renamed)?,
            request: renamed.to_text(),
        })
    }

    /// Changes `table`, which was restored from `source` as it stands.
    fn apply(&self, table: &mut TableDefinition, source: &TableDefinition, now: i64) -> Result<()> {
        let request = &Json::parse(&self.request)?;
        let billing = match (self.billing, &self.throughput) {
            (Some(billing), _) => billing,
            (None, _) => source.billing_mode,
        };
        self.apply_billing(table, source, billing, now)?;
        if let Some(units) = units::on_demand(request, Owner::Table, billing)? {
            table.on_demand = Some(units);
        }
        if let Some(encryption) = &self.encryption {
            table.encryption = encryption.clone();
        }
        apply_indexes(request, table, source, billing)?;
        let used: Vec<&str> = table.key_names().collect();
        let kept = source.attribute_definitions.iter();
        let kept = kept
            .filter(|d| used.contains(&d.name.as_str()))
            .cloned()
            .collect();
        table.attribute_definitions = kept;
        Ok(())
    }

    fn apply_billing(
        &self,
        table: &mut TableDefinition,
        source: &TableDefinition,
        billing: BillingMode,
        now: i64,
    ) -> Result<()> {
        table.billing_mode = billing;
        if billing == BillingMode::PayPerRequest {
            if self.throughput.is_some() {
                return invalid(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
                     when BillingMode is PAY_PER_REQUEST",
                );
            }
            table.on_demand_since = Some(now);
            table.throughput = Throughput::default();
            table
                .global_indexes
                .iter_mut()
                .for_each(|index| index.throughput = Throughput::default());
            return Ok(());
        }
        table.on_demand_since = None;
        table.on_demand = None;
        table
            .global_indexes
            .iter_mut()
            .for_each(|index| index.on_demand = None);
        match self.throughput {
            Some(units) => table.throughput = units,
            None if source.billing_mode == BillingMode::PayPerRequest => {
                return invalid(
                    "ReadCapacityUnits and WriteCapacityUnits must both be specified \
                     when BillingMode is PROVISIONED",
                );
            }
            None => {}
        }
        Ok(())
    }
}

/// The overrides of a request by the names that CreateTable has for them.
fn renamed<'j>(request: &Json<'j>) -> Json<'j> {
    let given = OVERRIDES.iter().filter_map(|(name, known_as)| {
        Some((Cow::Borrowed(*known_as), member(request, name)?.clone()))
    });
    Json::Object(given.collect())
}

/// The indexes that are asked for, which must be the source's: others may be left out.
fn apply_indexes(
    request: &Json<'_>,
    table: &mut TableDefinition,
    source: &TableDefinition,
    billing: BillingMode,
) -> Result<()> {
    let chosen =
        |name: &str| member(request, name).is_some_and(|list| *list != Json::Array(Vec::new()));
    let empty = |name: &str| member(request, name) == Some(&Json::Array(Vec::new()));
    let (local, global) = index_lists::overridden(
        request,
        &source.key_schema,
        &source.attribute_definitions,
        billing,
    )?;
    if empty("LocalSecondaryIndexes") {
        table.local_indexes.clear();
    } else if chosen("LocalSecondaryIndexes") {
        table.local_indexes = chosen_local(&local, &table.local_indexes)?;
    }
    if empty("GlobalSecondaryIndexes") {
        table.global_indexes.clear();
    } else if chosen("GlobalSecondaryIndexes") {
        table.global_indexes = chosen_global(global, &table.global_indexes)?;
    } else if billing == BillingMode::Provisioned
        && source.billing_mode == BillingMode::PayPerRequest
        && let Some(index) = table.global_indexes.first()
    {
        return invalid(format_args!(
            "ProvisionedThroughput is not specified for index: {}",
            index.name
        ));
    }
    // Numbered anew: a new table has no columns of indexes that were left out.
    for (index, columns) in table.local_indexes.iter_mut().zip(1..) {
        index.columns = columns;
    }
    let first = table.local_indexes.len() as u32 + 1;
    for (index, columns) in table.global_indexes.iter_mut().zip(first..) {
        index.columns = columns;
    }
    Ok(())
}

fn no_such_index<T>(name: &str) -> Result<T> {
    invalid(format_args!(
        "The index to restore does not match an index of the source table: {name}"
    ))
}

fn chosen_local(wanted: &[LocalIndex], have: &[LocalIndex]) -> Result<Vec<LocalIndex>> {
    let find = |index: &LocalIndex| {
        let same = |known: &&LocalIndex| {
            known.name == index.name
                && known.sort == index.sort
                && known.projection == index.projection
        };
        match have.iter().find(same) {
            Some(known) => Ok(known.clone()),
            None => no_such_index(&index.name),
        }
    };
    wanted.iter().map(find).collect()
}

fn chosen_global(wanted: Vec<GlobalIndex>, have: &[GlobalIndex]) -> Result<Vec<GlobalIndex>> {
    for index in &wanted {
        let same = |known: &GlobalIndex| {
            known.name == index.name
                && known.partition == index.partition
                && known.sort == index.sort
                && known.projection == index.projection
        };
        if !have.iter().any(same) {
            return no_such_index(&index.name);
        }
    }
    Ok(wanted)
}

#[derive(Debug)]
pub struct RestoreTableFromBackupRequest {
    pub target: String,
    pub backup: BackupRef,
    overrides: Overrides,
}

impl RestoreTableFromBackupRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::RESTORE_FROM_BACKUP, request)?;
        super::create_table::refuse(request, &["VectorIndexOverride"])?;
        Ok(RestoreTableFromBackupRequest {
            target: string(request, "TargetTableName")
                .unwrap_or_default()
                .to_owned(),
            backup: BackupRef::of_request(request, account)?,
            overrides: Overrides::parse(request)?,
        })
    }

    /// The new table, CREATING. `id`: a fresh UUID; `now`: epoch milliseconds. Err: ValidationException.
    pub fn definition(&self, backup: &Backup, id: String, now: i64) -> Result<TableDefinition> {
        let source = &backup.definition;
        let from = Restore {
            source_table: source.name.clone(),
            backup: Some(backup.id.clone()),
            at: backup.created_at,
            in_progress: true,
        };
        let mut table = backup::restored(source, self.target.clone(), id, now, from);
        self.overrides.apply(&mut table, source, now)?;
        Ok(table)
    }
}

#[derive(Debug)]
pub struct RestoreTableToPointInTimeRequest {
    pub target: String,
    pub source: TableRef,
    /// Epoch milliseconds; None: the latest.
    at: Option<i64>,
    overrides: Overrides,
}

impl RestoreTableToPointInTimeRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&backup_shapes::RESTORE_TO_POINT_IN_TIME, request)?;
        super::create_table::refuse(request, &["VectorIndexOverride"])?;
        let source = match (
            string(request, "SourceTableName"),
            string(request, "SourceTableArn"),
        ) {
            (Some(name), None) => name,
            (None, Some(arn)) => arn,
            (None, None) => {
                return invalid("One of SourceTableName and SourceTableArn must be specified");
            }
            (Some(_), Some(_)) => {
                return invalid("Only one of SourceTableName and SourceTableArn can be specified");
            }
        };
        let at = timestamp(request, "RestoreDateTime");
        let latest = boolean(request, "UseLatestRestorableTime").unwrap_or(false);
        match (at, latest) {
            (None, false) => {
                return invalid(
                    "One of RestoreDateTime and UseLatestRestorableTime must be specified",
                );
            }
            (Some(_), true) => {
                return invalid(
                    "Only one of RestoreDateTime and UseLatestRestorableTime can be specified",
                );
            }
            _ => {}
        }
        Ok(RestoreTableToPointInTimeRequest {
            target: string(request, "TargetTableName")
                .unwrap_or_default()
                .to_owned(),
            source: TableRef::parse(source, account)?,
            at,
            overrides: Overrides::parse(request)?,
        })
    }

    /// The new table, CREATING. `id`: a fresh UUID; `now`: epoch milliseconds.
    /// Err: PointInTimeRecoveryUnavailableException, InvalidRestoreTimeException, ValidationException.
    pub fn definition(
        &self,
        source: &TableDefinition,
        id: String,
        now: i64,
    ) -> Result<TableDefinition> {
        let Some(on) = source.point_in_time else {
            return Err(no_recovery(source));
        };
        let at = self.at.unwrap_or(now);
        if at < on.earliest(now) || at > now {
            return Err(ApiError::invalid_restore_time(
                "An invalid restore time was specified. RestoreDateTime must be between \
                 EarliestRestorableDateTime and LatestRestorableDateTime.",
            ));
        }
        let from = Restore {
            source_table: source.name.clone(),
            backup: None,
            // A commit within this very millisecond has happened before the request.
            at: if self.at.is_some() { at } else { at + 1 },
            in_progress: true,
        };
        let mut table = backup::restored(source, self.target.clone(), id, now, from);
        self.overrides.apply(&mut table, source, now)?;
        Ok(table)
    }
}

/// What a request that needs the history of `table` is told when it has none.
pub(super) fn no_recovery(table: &TableDefinition) -> ApiError {
    ApiError::point_in_time_recovery_unavailable(format!(
        "Point in time recovery is not enabled for table '{}'",
        table.name
    ))
}
