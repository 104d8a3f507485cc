//! On-demand backups and point-in-time recovery: what the catalog keeps of them, and their descriptions.
use crate::json::Json;
use crate::table::describe::{
    Object, array, key_schema, on_demand, projection, seconds, sse_description,
};
use crate::table::{
    Account, BillingMode, GlobalIndex, LocalIndex, TableDefinition, TableRef, Throughput,
};
use crate::{ApiError, Result, limits};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupKind {
    /// Made by CreateBackup; kept until it is deleted.
    User,
    /// What DeleteTable leaves of a table with point-in-time recovery.
    System,
}

impl BackupKind {
    pub fn name(self) -> &'static str {
        match self {
            BackupKind::User => "USER",
            BackupKind::System => "SYSTEM",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupState {
    /// Its items are being copied.
    Creating,
    Available,
    /// Only in the answer of DeleteBackup.
    Deleted,
}

impl BackupState {
    /// BackupStatus.
    pub fn name(self) -> &'static str {
        match self {
            BackupState::Creating => "CREATING",
            BackupState::Available => "AVAILABLE",
            BackupState::Deleted => "DELETED",
        }
    }
}

/// Stored as JSON in the catalog with a format version beside it. Additive: a new member has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Last part of the ARN, also the name of the relation with the items: 14 digits of epoch milliseconds, a dash and
    /// eight hexadecimal digits. Byte order is the order of creation.
    pub id: String,
    pub name: String,
    pub kind: BackupKind,
    pub state: BackupState,
    /// Epoch milliseconds of the request.
    pub created_at: i64,
    /// Epoch milliseconds; of a SYSTEM backup.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// Items and bytes of the copy, once it is made; of the table by its statistics before.
    #[serde(default)]
    pub item_count: i64,
    #[serde(default)]
    pub size_bytes: i64,
    /// The table as it was then.
    pub definition: TableDefinition,
}

/// Days for which a SYSTEM backup is kept.
pub const SYSTEM_BACKUP_DAYS: i64 = 35;
const DAY: i64 = 86_400_000;

/// The id of a backup made at `now` (epoch milliseconds). `random`: a UUID.
pub fn backup_id(now: i64, random: &str) -> String {
    let digits: String = random.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{:014}-{}", now, digits.get(..8).unwrap_or("00000000"))
}

impl Backup {
    /// Of a table, as CreateBackup makes it.
    pub fn of_table(id: String, name: String, definition: TableDefinition, now: i64) -> Backup {
        Backup {
            id,
            name,
            kind: BackupKind::User,
            state: BackupState::Creating,
            created_at: now,
            expires_at: None,
            item_count: 0,
            size_bytes: 0,
            definition,
        }
    }

    /// Of a table that is being deleted while point-in-time recovery is on.
    pub fn of_deleted_table(id: String, definition: TableDefinition, now: i64) -> Backup {
        let name = format!("{}$DeletedTableBackup", definition.name);
        Backup {
            kind: BackupKind::System,
            state: BackupState::Available,
            expires_at: Some(now + SYSTEM_BACKUP_DAYS * DAY),
            ..Backup::of_table(id, name, definition, now)
        }
    }

    pub fn arn(&self, account: &Account) -> String {
        backup_arn(account, &self.definition.name, &self.id)
    }

    fn write_details(&self, o: &mut Object, account: &Account) {
        o.text("BackupArn", &self.arn(account));
        o.text("BackupName", &self.name);
        o.raw("BackupCreationDateTime", &seconds(self.created_at));
        if let Some(at) = self.expires_at {
            o.raw("BackupExpiryDateTime", &seconds(at));
        }
        o.text("BackupStatus", self.state.name());
        o.text("BackupType", self.kind.name());
        o.raw("BackupSizeBytes", &self.size_bytes.to_string());
    }

    /// BackupDetails.
    pub fn details(&self, account: &Account) -> String {
        let mut o = Object::default();
        self.write_details(&mut o, account);
        o.end()
    }

    /// BackupSummary.
    pub fn summary(&self, account: &Account) -> String {
        let mut o = Object::default();
        o.text("TableName", &self.definition.name);
        o.text("TableId", &self.definition.table_id);
        o.text("TableArn", &account.table_arn(&self.definition.name));
        self.write_details(&mut o, account);
        o.end()
    }

    /// BackupDescription.
    pub fn description(&self, account: &Account) -> String {
        let mut o = Object::default();
        o.raw("BackupDetails", &self.details(account));
        o.raw("SourceTableDetails", &self.source(account));
        o.raw("SourceTableFeatureDetails", &self.features(account));
        o.end()
    }

    fn source(&self, account: &Account) -> String {
        let table = &self.definition;
        let mut o = Object::default();
        o.text("TableName", &table.name);
        o.text("TableId", &table.table_id);
        o.text("TableArn", &account.table_arn(&table.name));
        o.raw("TableSizeBytes", &self.size_bytes.to_string());
        let partition = std::slice::from_ref(&table.key_schema.partition);
        let sort = table.key_schema.sort.as_slice();
        o.raw("KeySchema", &key_schema(partition, sort));
        o.raw("TableCreationDateTime", &seconds(table.created_at));
        o.raw("ProvisionedThroughput", &units(&table.throughput));
        if let Some(limits) = &table.on_demand {
            o.raw("OnDemandThroughput", &on_demand(limits));
        }
        o.raw("ItemCount", &self.item_count.to_string());
        o.text("BillingMode", table.billing_mode.name());
        o.end()
    }

    fn features(&self, account: &Account) -> String {
        let table = &self.definition;
        let mut o = Object::default();
        if !table.local_indexes.is_empty() {
            o.array("LocalSecondaryIndexes", &table.local_indexes, |index| {
                local_index(index, table)
            });
        }
        if !table.global_indexes.is_empty() {
            o.array(
                "GlobalSecondaryIndexes",
                &table.global_indexes,
                global_index,
            );
        }
        if let Some(given) = &table.stream {
            let mut stream = Object::default();
            stream.raw("StreamEnabled", "true");
            stream.text("StreamViewType", given.view.name());
            o.raw("StreamDescription", &stream.end());
        }
        if let Some(ttl) = &table.time_to_live {
            let mut description = Object::default();
            description.text("TimeToLiveStatus", ttl.status());
            description.text("AttributeName", &ttl.attribute);
            o.raw("TimeToLiveDescription", &description.end());
        }
        if let Some(encryption) = sse_description(table, account) {
            o.raw("SSEDescription", &encryption);
        }
        o.end()
    }
}

fn local_index(index: &LocalIndex, table: &TableDefinition) -> String {
    let mut o = Object::default();
    o.text("IndexName", &index.name);
    let partition = std::slice::from_ref(&table.key_schema.partition);
    let sort = std::slice::from_ref(&index.sort);
    o.raw("KeySchema", &key_schema(partition, sort));
    o.raw("Projection", &projection(&index.projection));
    o.end()
}

fn global_index(index: &GlobalIndex) -> String {
    let mut o = Object::default();
    o.text("IndexName", &index.name);
    o.raw("KeySchema", &key_schema(&index.partition, &index.sort));
    o.raw("Projection", &projection(&index.projection));
    o.raw("ProvisionedThroughput", &units(&index.throughput));
    if let Some(limits) = &index.on_demand {
        o.raw("OnDemandThroughput", &on_demand(limits));
    }
    o.end()
}

fn units(throughput: &Throughput) -> String {
    let mut o = Object::default();
    o.raw("ReadCapacityUnits", &throughput.read.to_string());
    o.raw("WriteCapacityUnits", &throughput.write.to_string());
    o.end()
}

/// `{"BackupSummaries":[…],"LastEvaluatedBackupArn":…}`
pub fn summaries(page: &[Backup], more: bool, account: &Account) -> String {
    let mut o = Object::default();
    let written = array(page, |backup| backup.summary(account));
    o.raw("BackupSummaries", &written);
    if let (true, Some(last)) = (more, page.last()) {
        o.text("LastEvaluatedBackupArn", &last.arn(account));
    }
    o.end()
}

fn backup_arn(account: &Account, table: &str, id: &str) -> String {
    format!("{}/backup/{id}", account.table_arn(table))
}

/// A backup as a request named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRef {
    pub table: String,
    pub id: String,
    /// The ARN of the request.
    pub as_given: String,
}

impl BackupRef {
    /// Err: ValidationException for what is no backup's ARN, AccessDeniedException for another account's.
    pub fn parse(arn: &str, account: &Account) -> Result<BackupRef> {
        let malformed = || ApiError::validation(format!("Invalid backup ARN: {arn}"));
        let (table, id) = arn.rsplit_once("/backup/").ok_or_else(malformed)?;
        if !table.starts_with("arn:") || id.is_empty() || id.contains('/') {
            return Err(malformed());
        }
        Ok(BackupRef {
            table: TableRef::parse(table, account)
                .map_err(|error| match error.kind {
                    crate::ErrorKind::Validation => malformed(),
                    _ => error,
                })?
                .name,
            id: id.to_owned(),
            as_given: arn.to_owned(),
        })
    }

    /// The BackupArn of a request whose shape was checked.
    pub(crate) fn of_request(request: &Json<'_>, account: &Account) -> Result<BackupRef> {
        let arn = request.get("BackupArn").and_then(Json::as_str);
        BackupRef::parse(arn.unwrap_or_default(), account)
    }

    pub fn not_found(&self) -> ApiError {
        ApiError::backup_not_found(format!("Backup not found: {}", self.as_given))
    }

    /// Another operation has the backup.
    pub fn in_use(&self, what: &str) -> ApiError {
        ApiError::backup_in_use(format!("Backup is being {what}: {}", self.as_given))
    }
}

/// Point-in-time recovery of a table, while it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointInTime {
    /// Epoch milliseconds; nothing before is known.
    pub since: i64,
    /// RecoveryPeriodInDays.
    pub days: i64,
}

impl PointInTime {
    /// The first moment that can be restored at `now`, both in epoch milliseconds.
    pub fn earliest(&self, now: i64) -> i64 {
        self.since.max(now - self.days * DAY)
    }
}

/// ContinuousBackupsDescription, of a table that is there. Every table can have its history kept, so continuous backups
/// are ENABLED, as DynamoDB says of every table.
pub fn continuous_backups(point_in_time: Option<PointInTime>, now: i64) -> String {
    let mut recovery = Object::default();
    match point_in_time {
        Some(on) => {
            recovery.text("PointInTimeRecoveryStatus", "ENABLED");
            recovery.raw("RecoveryPeriodInDays", &on.days.to_string());
            // Up to the next second: clients send whole ones back.
            let earliest = (on.earliest(now) + 999).div_euclid(1000) * 1000;
            recovery.raw("EarliestRestorableDateTime", &seconds(earliest));
            recovery.raw("LatestRestorableDateTime", &seconds(now.max(earliest)));
        }
        None => recovery.text("PointInTimeRecoveryStatus", "DISABLED"),
    }
    let mut o = Object::default();
    o.text("ContinuousBackupsStatus", "ENABLED");
    o.raw("PointInTimeRecoveryDescription", &recovery.end());
    format!("{{\"ContinuousBackupsDescription\":{}}}", o.end())
}

/// Where the items of a restored table come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    pub source_table: String,
    /// Id of the backup; None: the source table and its history.
    #[serde(default)]
    pub backup: Option<String>,
    /// Epoch milliseconds: the point in time, or when the backup was asked for.
    pub at: i64,
    pub in_progress: bool,
}

impl Restore {
    /// RestoreSummary.
    pub fn summary(&self, account: &Account) -> String {
        let mut o = Object::default();
        if let Some(id) = &self.backup {
            o.text(
                "SourceBackupArn",
                &backup_arn(account, &self.source_table, id),
            );
        }
        o.text("SourceTableArn", &account.table_arn(&self.source_table));
        o.raw("RestoreDateTime", &seconds(self.at));
        o.raw(
            "RestoreInProgress",
            if self.in_progress { "true" } else { "false" },
        );
        o.end()
    }
}

/// The definition of a table that is restored from `source`: its keys, indexes, capacity, encryption and class. Tags,
/// streams, time to live, point-in-time recovery, policies and deletion protection are not restored.
pub fn restored(
    source: &TableDefinition,
    name: String,
    id: String,
    now: i64,
    from: Restore,
) -> TableDefinition {
    let mut table = TableDefinition {
        name,
        table_id: id,
        created_at: now,
        billing_mode: source.billing_mode,
        on_demand_since: (source.billing_mode == BillingMode::PayPerRequest).then_some(now),
        throughput: fresh(&source.throughput),
        on_demand: source.on_demand,
        table_class: source.table_class,
        encryption: source.encryption.clone(),
        local_indexes: source.local_indexes.clone(),
        restore: Some(from),
        ..TableDefinition::with_keys(source.key_schema.clone())
    };
    let global = source.global_indexes.iter();
    table.global_indexes = global
        .filter(|index| index.state != crate::table::IndexState::Deleting)
        .map(|index| GlobalIndex {
            throughput: fresh(&index.throughput),
            warm: None,
            state: crate::table::IndexState::Active,
            ..index.clone()
        })
        .collect();
    table.attribute_definitions = source.attribute_definitions.clone();
    table
}

/// The same units, without their history.
fn fresh(units: &Throughput) -> Throughput {
    Throughput {
        read: units.read,
        write: units.write,
        ..Throughput::default()
    }
}

/// A recovery period, checked by its shape before.
pub fn recovery_days(days: Option<i64>) -> i64 {
    days.unwrap_or(limits::MAX_RECOVERY_DAYS)
}
