//! TableDescription, the answer of every table operation.
use super::{
    Account, BillingMode, GlobalIndex, IndexState, IndexStatistics, KeyAttribute, LocalIndex,
    Projection, StreamState, StreamView, TableClass, TableDefinition, TableStatistics, TableStream,
    Throughput, Units,
};
use crate::json::write_string;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableStatus {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl TableStatus {
    pub fn name(self) -> &'static str {
        match self {
            TableStatus::Creating => "CREATING",
            TableStatus::Active => "ACTIVE",
            TableStatus::Updating => "UPDATING",
            TableStatus::Deleting => "DELETING",
        }
    }
}

/// Units that a new on-demand table takes at once ("Understanding warm throughput").
const ON_DEMAND_WARM: Units = Units {
    read: Some(12_000),
    write: Some(4_000),
};

impl TableDefinition {
    /// CREATING while its items are being restored, or its changes are not captured yet; UPDATING while a global index
    /// waits for its columns, or is being deleted; ACTIVE again when the new index is filled in ("Managing global secondary
    /// indexes"). UPDATING, too, while a stream is being enabled or disabled.
    pub fn status(&self) -> TableStatus {
        if self.is_being_created() {
            return TableStatus::Creating;
        }
        let busy = |i: &GlobalIndex| matches!(i.state, IndexState::Creating | IndexState::Deleting);
        if self.waits_for_its_first_stream() {
            TableStatus::Creating
        } else if self.global_indexes.iter().any(busy) || self.changes_its_stream() {
            TableStatus::Updating
        } else {
            TableStatus::Active
        }
    }

    /// The TableDescription as JSON.
    pub fn describe(&self, account: &Account, statistics: TableStatistics) -> String {
        self.describe_as(self.status(), account, statistics)
    }

    /// The TableDescription as JSON with another status: DeleteTable answers DELETING, and leaves out what
    /// describes a table that is there: keys, indexes and the time of its creation.
    pub fn describe_as(
        &self,
        status: TableStatus,
        account: &Account,
        statistics: TableStatistics,
    ) -> String {
        let arn = account.table_arn(&self.name);
        let remains = status != TableStatus::Deleting;
        let mut d = Object::default();
        if remains {
            // The service sorts them.
            let mut definitions: Vec<_> = self.attribute_definitions.iter().collect();
            definitions.sort_by_key(|a| &a.name);
            d.array("AttributeDefinitions", &definitions, |a| {
                let mut o = Object::default();
                o.text("AttributeName", &a.name);
                o.text("AttributeType", a.scalar.name());
                o.end()
            });
        }
        d.text("TableName", &self.name);
        if remains {
            let partition = std::slice::from_ref(&self.key_schema.partition);
            let schema = key_schema(partition, self.key_schema.sort.as_slice());
            d.raw("KeySchema", &schema);
        }
        d.text("TableStatus", status.name());
        if remains {
            d.raw("CreationDateTime", &seconds(self.created_at));
        }
        d.raw(
            "ProvisionedThroughput",
            &throughput(&self.throughput, statistics.taken_at),
        );
        d.raw("TableSizeBytes", &statistics.size_bytes.to_string());
        d.raw("ItemCount", &statistics.item_count.to_string());
        d.text("TableArn", &arn);
        d.text("TableId", &self.table_id);
        self.describe_modes(&mut d, account);
        let index = |columns: u32| {
            statistics
                .indexes
                .get(&columns)
                .copied()
                .unwrap_or_default()
        };
        if remains && !self.local_indexes.is_empty() {
            d.array("LocalSecondaryIndexes", &self.local_indexes, |i| {
                self.describe_local(i, &arn, index(i.columns))
            });
        }
        if remains && !self.global_indexes.is_empty() {
            d.array("GlobalSecondaryIndexes", &self.global_indexes, |i| {
                self.describe_global(i, &arn, index(i.columns), statistics.taken_at)
            });
        }
        d.end()
    }

    fn describe_modes(&self, d: &mut Object, account: &Account) {
        if let Some(since) = self.on_demand_since {
            let mut o = Object::default();
            o.text("BillingMode", self.billing_mode.name());
            o.raw("LastUpdateToPayPerRequestDateTime", &seconds(since));
            d.raw("BillingModeSummary", &o.end());
        }
        let shown = |stream: &&TableStream| stream.state != StreamState::Disabling;
        if let Some(stream) = self.stream.as_ref().filter(shown) {
            let mut o = Object::default();
            o.raw("StreamEnabled", "true");
            o.text("StreamViewType", stream.view.name());
            d.raw("StreamSpecification", &o.end());
        }
        if let Some(name) = self.latest_stream_name() {
            d.text("LatestStreamLabel", &name.label);
            d.text("LatestStreamArn", &name.arn(account));
        }
        if let Some(encryption) = sse_description(self, account) {
            d.raw("SSEDescription", &encryption);
        }
        if let Some(restore) = &self.restore {
            d.raw("RestoreSummary", &restore.summary(account));
        }
        if let Some(class) = self.table_class {
            let mut o = Object::default();
            o.text("TableClass", class.name());
            if let Some(changed) = self.table_class_changed {
                o.raw("LastUpdateDateTime", &seconds(changed));
            }
            d.raw("TableClassSummary", &o.end());
        }
        let protected = if self.deletion_protection {
            "true"
        } else {
            "false"
        };
        d.raw("DeletionProtectionEnabled", protected);
        if let Some(units) = &self.on_demand {
            d.raw("OnDemandThroughput", &on_demand(units));
        }
        d.raw("WarmThroughput", &warm(&self.warm_units()));
    }

    /// Units the table takes at once: what it was told, or what its billing mode gives it.
    pub fn warm_units(&self) -> Units {
        self.warm_beside(self.warm, &self.throughput)
    }

    /// Units a global index takes at once.
    pub fn warm_units_of(&self, index: &GlobalIndex) -> Units {
        self.warm_beside(index.warm, &index.throughput)
    }

    /// Definitions of 0.4.0 may hold one direction only.
    fn warm_beside(&self, told: Option<Units>, throughput: &Throughput) -> Units {
        let by_itself = self.billing_mode.warm(throughput);
        Units {
            read: told.and_then(|units| units.read).or(by_itself.read),
            write: told.and_then(|units| units.write).or(by_itself.write),
        }
    }

    fn describe_local(&self, index: &LocalIndex, table: &str, counted: IndexStatistics) -> String {
        let mut o = Object::default();
        o.text("IndexName", &index.name);
        let partition = std::slice::from_ref(&self.key_schema.partition);
        o.raw(
            "KeySchema",
            &key_schema(partition, std::slice::from_ref(&index.sort)),
        );
        o.raw("Projection", &projection(&index.projection));
        o.raw("IndexSizeBytes", &counted.size_bytes.to_string());
        o.raw("ItemCount", &counted.item_count.to_string());
        o.text("IndexArn", &format!("{table}/index/{}", index.name));
        o.end()
    }

    fn describe_global(
        &self,
        index: &GlobalIndex,
        table: &str,
        counted: IndexStatistics,
        taken_at: i64,
    ) -> String {
        let mut o = Object::default();
        o.text("IndexName", &index.name);
        o.raw("KeySchema", &key_schema(&index.partition, &index.sort));
        o.raw("Projection", &projection(&index.projection));
        o.text("IndexStatus", index.state.status());
        match index.state {
            IndexState::Creating => o.raw("Backfilling", "false"),
            IndexState::Backfilling => o.raw("Backfilling", "true"),
            IndexState::Active | IndexState::Deleting => {}
        }
        o.raw(
            "ProvisionedThroughput",
            &throughput(&index.throughput, taken_at),
        );
        o.raw("IndexSizeBytes", &counted.size_bytes.to_string());
        o.raw("ItemCount", &counted.item_count.to_string());
        o.text("IndexArn", &format!("{table}/index/{}", index.name));
        if let Some(units) = &index.on_demand {
            o.raw("OnDemandThroughput", &on_demand(units));
        }
        o.raw("WarmThroughput", &warm(&self.warm_units_of(index)));
        o.end()
    }
}

impl IndexState {
    /// IndexStatus.
    pub fn status(self) -> &'static str {
        match self {
            IndexState::Active => "ACTIVE",
            IndexState::Creating | IndexState::Backfilling => "CREATING",
            IndexState::Deleting => "DELETING",
        }
    }
}

impl BillingMode {
    /// Units that a new table or index of this mode takes at once. `throughput`: its provisioned units.
    pub(crate) fn warm(self, throughput: &Throughput) -> Units {
        match self {
            BillingMode::PayPerRequest => ON_DEMAND_WARM,
            BillingMode::Provisioned => Units {
                read: Some(throughput.read),
                write: Some(throughput.write),
            },
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            BillingMode::Provisioned => "PROVISIONED",
            BillingMode::PayPerRequest => "PAY_PER_REQUEST",
        }
    }
}

impl TableClass {
    pub fn name(self) -> &'static str {
        match self {
            TableClass::Standard => "STANDARD",
            TableClass::StandardInfrequentAccess => "STANDARD_INFREQUENT_ACCESS",
        }
    }
}

impl StreamView {
    pub fn name(self) -> &'static str {
        match self {
            StreamView::KeysOnly => "KEYS_ONLY",
            StreamView::NewImage => "NEW_IMAGE",
            StreamView::OldImage => "OLD_IMAGE",
            StreamView::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

/// SSEDescription; None: the default encryption.
pub(crate) fn sse_description(table: &TableDefinition, account: &Account) -> Option<String> {
    let encryption = table.encryption.as_ref().filter(|e| e.enabled)?;
    let mut o = Object::default();
    o.text("Status", "ENABLED");
    o.text("SSEType", "KMS");
    if let Some(key) = &encryption.kms_key {
        o.text("KMSMasterKeyArn", &account.kms_key_arn(key));
    }
    Some(o.end())
}

/// Epoch milliseconds as JSON seconds: 1700000000123 is 1700000000.123.
pub(crate) fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

pub(crate) fn key_schema(partition: &[KeyAttribute], sort: &[KeyAttribute]) -> String {
    let hash = partition.iter().map(|a| (a, "HASH"));
    let range = sort.iter().map(|a| (a, "RANGE"));
    let elements: Vec<_> = hash.chain(range).collect();
    array(&elements, |(attribute, kind)| {
        let mut o = Object::default();
        o.text("AttributeName", &attribute.name);
        o.text("KeyType", kind);
        o.end()
    })
}

fn throughput(t: &Throughput, now: i64) -> String {
    let mut o = Object::default();
    if let Some(at) = t.last_increase {
        o.raw("LastIncreaseDateTime", &seconds(at));
    }
    if let Some(at) = t.last_decrease {
        o.raw("LastDecreaseDateTime", &seconds(at));
    }
    o.raw("NumberOfDecreasesToday", &t.decreases_on(now).to_string());
    o.raw("ReadCapacityUnits", &t.read.to_string());
    o.raw("WriteCapacityUnits", &t.write.to_string());
    o.end()
}

pub(crate) fn on_demand(units: &Units) -> String {
    let mut o = Object::default();
    for (name, bound) in [
        ("MaxReadRequestUnits", units.read),
        ("MaxWriteRequestUnits", units.write),
    ] {
        if let Some(bound) = bound {
            o.raw(name, &bound.to_string());
        }
    }
    o.end()
}

fn warm(units: &Units) -> String {
    let mut o = Object::default();
    o.raw("ReadUnitsPerSecond", &units.read.unwrap_or(0).to_string());
    o.raw("WriteUnitsPerSecond", &units.write.unwrap_or(0).to_string());
    o.text("Status", "ACTIVE");
    o.end()
}

pub(crate) fn projection(p: &Projection) -> String {
    let mut o = Object::default();
    match p {
        Projection::All => o.text("ProjectionType", "ALL"),
        Projection::KeysOnly => o.text("ProjectionType", "KEYS_ONLY"),
        Projection::Include(names) => {
            o.text("ProjectionType", "INCLUDE");
            o.array("NonKeyAttributes", names, |name| {
                let mut out = String::new();
                write_string(&mut out, name);
                out
            });
        }
    }
    o.end()
}

pub(crate) fn array<T>(elements: &[T], write: impl Fn(&T) -> String) -> String {
    let written: Vec<String> = elements.iter().map(write).collect();
    format!("[{}]", written.join(","))
}

/// A JSON object being written.
#[derive(Default)]
pub(crate) struct Object {
    members: String,
}

impl Object {
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        write_string(&mut self.members, name);
        self.members.push(':');
        self.members.push_str(json);
    }
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let mut json = String::new();
        write_string(&mut json, value);
        self.raw(name, &json);
    }
    pub(crate) fn array<T>(&mut self, name: &str, elements: &[T], write: impl Fn(&T) -> String) {
        self.raw(name, &array(elements, write));
    }
    pub(crate) fn end(self) -> String {
        format!("{{{}}}", self.members)
    }
}
