//! A table's definition: what CreateTable was told, what DescribeTable answers, what writes need to know.
use crate::backup::{PointInTime, Restore};
use crate::insights::Insights;
use crate::json::Json;
use crate::policy::ResourcePolicy;
use crate::value::ValueType;
use crate::{ApiError, Result, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) mod describe;
mod indexes;
mod streams;
mod time_to_live;
pub use describe::TableStatus;
pub use indexes::{IndexRef, IndexState};
pub use time_to_live::TimeToLive;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScalarType {
    S,
    N,
    B,
}
impl ScalarType {
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::S => "S",
            ScalarType::N => "N",
            ScalarType::B => "B",
        }
    }
    pub fn value_type(self) -> ValueType {
        match self {
            ScalarType::S => ValueType::S,
            ScalarType::N => ValueType::N,
            ScalarType::B => ValueType::B,
        }
    }
    pub fn from_name(name: &str) -> Option<ScalarType> {
        match name {
            "S" => Some(ScalarType::S),
            "N" => Some(ScalarType::N),
            "B" => Some(ScalarType::B),
            _ => None,
        }
    }
}

/// A key attribute, or a row of AttributeDefinitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    pub name: String,
    pub scalar: ScalarType,
}

/// The primary key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    pub partition: KeyAttribute,
    pub sort: Option<KeyAttribute>,
}
impl KeySchema {
    /// Partition key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(self.sort.as_ref())
    }
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|a| a.name == name)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BillingMode {
    #[default]
    Provisioned,
    PayPerRequest,
}

/// Provisioned throughput of a table or index; zeros when it is billed per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throughput {
    pub read: i64,
    pub write: i64,
    /// Epoch milliseconds.
    pub last_increase: Option<i64>,
    pub last_decrease: Option<i64>,
    /// Decreases on the UTC day of `last_decrease`.
    pub decreases_today: u32,
}
impl Throughput {
    /// Decreases so far on the UTC day of `now`, epoch milliseconds.
    pub fn decreases_on(&self, now: i64) -> u32 {
        const DAY: i64 = 86_400_000;
        match self.last_decrease {
            Some(then) if then.div_euclid(DAY) == now.div_euclid(DAY) => self.decreases_today,
            _ => 0,
        }
    }
}

/// OnDemandThroughput: upper bounds; -1 is one that the update at hand removes ([`bounds`]).
/// WarmThroughput: units a table can take at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    pub read: Option<i64>,
    pub write: Option<i64>,
}

/// OnDemandThroughput as it is stored. The answer of the update that removes a bound says -1; afterwards there is none,
/// neither in what is written nor in what 0.4.0 wrote.
mod bounds {
    use super::Units;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(units: &Option<Units>, to: S) -> Result<S::Ok, S::Error> {
        units.and_then(kept).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Units>, D::Error> {
        Ok(Option::<Units>::deserialize(from)?.and_then(kept))
    }

    fn kept(units: Units) -> Option<Units> {
        let read = units.read.filter(|bound| *bound != -1);
        let write = units.write.filter(|bound| *bound != -1);
        (read.is_some() || write.is_some()).then_some(Units { read, write })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableClass {
    Standard,
    StandardInfrequentAccess,
}

/// SSESpecification, echoed as SSEDescription; Postgres encrypts nothing because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    pub enabled: bool,
    pub kms_key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

/// Sorted by the table's partition key and one more attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIndex {
    pub name: String,
    pub sort: KeyAttribute,
    pub projection: Projection,
    /// N of its columns' names, unique among the indexes of the table.
    #[serde(default)]
    pub columns: u32,
}

/// Up to four partition and four sort attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalIndex {
    pub name: String,
    pub partition: Vec<KeyAttribute>,
    #[serde(default)]
    pub sort: Vec<KeyAttribute>,
    pub projection: Projection,
    #[serde(default)]
    pub throughput: Throughput,
    #[serde(default, with = "bounds")]
    pub on_demand: Option<Units>,
    #[serde(default)]
    pub warm: Option<Units>,
    /// N of its columns' names, unique among the indexes of the table.
    #[serde(default)]
    pub columns: u32,
    #[serde(default)]
    pub state: IndexState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamView {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

/// The stream of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStream {
    pub view: StreamView,
    /// When it was enabled, as its ARN says it.
    pub label: String,
    #[serde(default)]
    pub state: StreamState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamState {
    /// Changes are not captured yet.
    Enabling,
    #[default]
    Enabled,
    /// It is no longer the table's; capture has not ended yet.
    Disabling,
}

/// Stored as JSON in the catalog with a format version beside it. Additive: a new member has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDefinition {
    pub name: String,
    pub key_schema: KeySchema,
    /// A UUID, given by the caller: the core has no randomness.
    #[serde(default)]
    pub table_id: String,
    /// Epoch milliseconds.
    #[serde(default)]
    pub created_at: i64,
    /// In the order CreateTable gave them.
    #[serde(default)]
    pub attribute_definitions: Vec<KeyAttribute>,
    #[serde(default)]
    pub billing_mode: BillingMode,
    /// Epoch milliseconds of the last switch to PAY_PER_REQUEST; BillingModeSummary shows it from then on.
    #[serde(default)]
    pub on_demand_since: Option<i64>,
    #[serde(default)]
    pub throughput: Throughput,
    #[serde(default, with = "bounds")]
    pub on_demand: Option<Units>,
    #[serde(default)]
    pub warm: Option<Units>,
    #[serde(default)]
    pub table_class: Option<TableClass>,
    /// Epoch milliseconds of the last change of class.
    #[serde(default)]
    pub table_class_changed: Option<i64>,
    #[serde(default)]
    pub deletion_protection: bool,
    #[serde(default)]
    pub encryption: Option<Encryption>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub local_indexes: Vec<LocalIndex>,
    #[serde(default)]
    pub global_indexes: Vec<GlobalIndex>,
    #[serde(default)]
    pub stream: Option<TableStream>,
    /// Label of the stream that was enabled last; it stays when the stream is disabled.
    #[serde(default)]
    pub latest_stream: Option<String>,
    #[serde(default)]
    pub policy: Option<ResourcePolicy>,
    /// Contributor Insights of the table, under the empty name, and of its global indexes: those that were ever enabled.
    #[serde(default)]
    pub insights: BTreeMap<String, Insights>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_live: Option<TimeToLive>,
    /// Point-in-time recovery, while it is on.
    #[serde(default)]
    pub point_in_time: Option<PointInTime>,
    /// What the table was, or is being, restored from.
    #[serde(default)]
    pub restore: Option<Restore>,
}

impl TableDefinition {
    /// A table of these keys without anything else.
    pub fn with_keys(key_schema: KeySchema) -> TableDefinition {
        TableDefinition {
            name: String::new(),
            key_schema,
            table_id: String::new(),
            created_at: 0,
            attribute_definitions: Vec::new(),
            billing_mode: BillingMode::default(),
            on_demand_since: None,
            throughput: Throughput::default(),
            on_demand: None,
            warm: None,
            table_class: None,
            table_class_changed: None,
            deletion_protection: false,
            encryption: None,
            tags: BTreeMap::new(),
            local_indexes: Vec::new(),
            global_indexes: Vec::new(),
            stream: None,
            latest_stream: None,
            policy: None,
            insights: BTreeMap::new(),
            time_to_live: None,
            point_in_time: None,
            restore: None,
        }
    }

    /// Whether its items are still being restored: until then there is nothing to read or write.
    pub fn is_being_created(&self) -> bool {
        self.restore
            .as_ref()
            .is_some_and(|restore| restore.in_progress)
    }

    /// Err: ResourceInUseException while its items are being restored, or its first changes would not be captured.
    pub fn check_created(&self) -> Result<()> {
        if self.is_being_created() || self.waits_for_its_first_stream() {
            return Err(ApiError::resource_in_use(format!(
                "Attempt to change a resource which is still in use: Table is being created: {}",
                self.name
            )));
        }
        Ok(())
    }
}

/// Cheap statistics that storage supplies to DescribeTable.
#[derive(Clone, Debug, Default)]
pub struct TableStatistics {
    /// Epoch milliseconds: the day whose decreases of throughput are told.
    pub taken_at: i64,
    pub item_count: i64,
    pub size_bytes: i64,
    /// Of the indexes, by the number of their columns; zeros for one that is not here.
    pub indexes: BTreeMap<u32, IndexStatistics>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct IndexStatistics {
    pub item_count: i64,
    pub size_bytes: i64,
}

/// One database is one account and one region (settings dynamo.account_id, dynamo.region).
#[derive(Clone, Debug)]
pub struct Account {
    pub account_id: String,
    pub region: String,
}
impl Account {
    /// "arn:aws:dynamodb:eu-west-1:123456789012:table/Music"
    pub fn table_arn(&self, table: &str) -> String {
        format!(
            "arn:{}:dynamodb:{}:{}:table/{table}",
            self.partition(),
            self.region,
            self.account_id
        )
    }
    /// `key`: an ARN already, or the id of a key of this account.
    pub(crate) fn kms_key_arn(&self, key: &str) -> String {
        if key.starts_with("arn:") {
            return key.to_owned();
        }
        let (partition, region, owner) = (self.partition(), &self.region, &self.account_id);
        let resource = if key.starts_with("alias/") {
            key.to_owned()
        } else {
            format!("key/{key}")
        };
        format!("arn:{partition}:kms:{region}:{owner}:{resource}")
    }
    pub(crate) fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

/// A table as a request named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRef {
    /// The bare name.
    pub name: String,
    /// The request's TableName: a name or an ARN. ConsumedCapacity repeats it.
    pub as_given: String,
}
impl TableRef {
    /// The TableName of a request whose shape was checked.
    pub(crate) fn of_request(request: &Json<'_>, account: &Account) -> Result<TableRef> {
        let text = request.get("TableName").and_then(Json::as_str);
        TableRef::parse(text.unwrap_or_default(), account)
    }
    /// `text` is a table name, or the ARN of a table of this account and region.
    pub fn parse(text: &str, account: &Account) -> Result<TableRef> {
        let name = if text.starts_with("arn:") {
            name_in_arn(text, account)?
        } else {
            text
        };
        check_name(name)?;
        Ok(TableRef {
            name: name.to_owned(),
            as_given: text.to_owned(),
        })
    }
}

fn name_in_arn<'a>(arn: &'a str, account: &Account) -> Result<&'a str> {
    let malformed = || ApiError::validation(format!("Invalid table ARN: {arn}"));
    let mut parts = arn.splitn(6, ':');
    let (Some(_), Some(partition), Some(service), Some(region), Some(owner), Some(resource)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(malformed());
    };
    let name = resource.strip_prefix("table/").ok_or_else(malformed)?;
    if service != "dynamodb" || partition != account.partition() {
        return Err(malformed());
    }
    if region != account.region {
        return Err(ApiError::validation(format!(
            "The ARN's region does not match this endpoint's region: {region}"
        )));
    }
    if owner != account.account_id {
        return Err(ApiError::access_denied(format!(
            "The account {owner} of the ARN is not the account of this endpoint"
        )));
    }
    Ok(name)
}

fn check_name(name: &str) -> Result<()> {
    // Requests are checked in DynamoDB's words before; this is for the name inside an ARN.
    if (1..=limits::MAX_TABLE_NAME).contains(&name.len()) && is_name(name) {
        return Ok(());
    }
    Err(ApiError::validation(format!("Invalid table name: {name}")))
}

/// Made of the characters that table and index names may have.
pub fn is_name(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
