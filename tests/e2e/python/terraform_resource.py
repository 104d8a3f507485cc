"""One aws_dynamodb_table: the calls that Terraform's provider makes for it, and what it compares.

`create` and `update` make the calls of an apply, `read` those of a refresh. A second plan is empty when what `read` gives
equals what was asked for, so both end in that comparison. Defaults stand where the configuration says nothing.
"""

import time

from support import unique

DEFAULTS = dict(
    billing_mode="PROVISIONED",
    read_capacity=0,
    write_capacity=0,
    range_key=None,
    deletion_protection=False,
    table_class="STANDARD",
    local_indexes=[],
    global_indexes=[],
    on_demand=None,
    warm=None,
    stream=None,
    server_side_encryption=False,
    kms_key=None,
    point_in_time_recovery=False,
    recovery_days=None,
    ttl=None,
    tags={},
)


def throughput(read, write):
    return dict(ReadCapacityUnits=read, WriteCapacityUnits=write)


def keys(hash_key, range_key):
    found = [dict(AttributeName=hash_key, KeyType="HASH")]
    return found + ([dict(AttributeName=range_key, KeyType="RANGE")] if range_key else [])


def warm(read, write):
    return dict(ReadUnitsPerSecond=read, WriteUnitsPerSecond=write)


def on_demand(read, write):
    return dict(MaxReadRequestUnits=read, MaxWriteRequestUnits=write)


def told_warm(description):
    """Warm throughput as the provider keeps it: what a table has by itself is none."""
    units = warm(description["ReadUnitsPerSecond"], description["WriteUnitsPerSecond"])
    by_itself = units["ReadUnitsPerSecond"] < 12000 and units["WriteUnitsPerSecond"] < 4000
    return None if by_itself or units == warm(12000, 4000) else units


def bounds(units):
    """Bounds of an on-demand table or index; -1 is none, told or not."""
    return {name: value for name, value in (units or {}).items() if value != -1} or None


def stream(view):
    return dict(StreamEnabled=True, StreamViewType=view) if view else dict(StreamEnabled=False)


def projection(kind, names):
    return dict(ProjectionType=kind) | (dict(NonKeyAttributes=sorted(names)) if names else {})


class Resource:
    """`test`: a Case that has a client of DynamoDB Streams, too."""

    def __init__(self, test, **config):
        self.test, self.client = test, test.client
        self.name = unique("terraform")
        self.config = DEFAULTS | config
        self.stream_arn = self.stream_label = None
        self.keys = set()

    # --- create -----------------------------------------------------------------------------

    def attributes(self, config):
        return [dict(AttributeName=n, AttributeType=t) for n, t in sorted(config["attributes"].items())]

    def global_index(self, made, billing):
        index = dict(
            IndexName=made["name"],
            KeySchema=keys(made["hash_key"], made.get("range_key")),
            Projection=projection(made.get("projection", "ALL"), made.get("non_key", [])),
        )
        if billing == "PROVISIONED":
            index["ProvisionedThroughput"] = throughput(made["read"], made["write"])
        elif "on_demand" in made:
            index["OnDemandThroughput"] = made["on_demand"]
        if "warm" in made:
            index["WarmThroughput"] = made["warm"]
        return index

    def encryption(self):
        """SSESpecification; a type only beside a key."""
        key = self.config["kms_key"]
        self.keys |= {key} if key else set()
        specification = dict(Enabled=self.config["server_side_encryption"])
        return specification | (dict(SSEType="KMS", KMSMasterKeyId=key) if key else {})

    def create(self):
        c = self.config
        request = dict(
            TableName=self.name,
            BillingMode=c["billing_mode"],
            KeySchema=keys(c["hash_key"], c["range_key"]),
            AttributeDefinitions=self.attributes(c),
            DeletionProtectionEnabled=c["deletion_protection"],
            TableClass=c["table_class"],
            Tags=[dict(Key=k, Value=v) for k, v in c["tags"].items()],
        )
        if c["billing_mode"] == "PROVISIONED":
            request["ProvisionedThroughput"] = throughput(c["read_capacity"], c["write_capacity"])
        if c["local_indexes"]:
            request["LocalSecondaryIndexes"] = [
                dict(
                    IndexName=i["name"],
                    KeySchema=keys(c["hash_key"], i["range_key"]),
                    Projection=projection(i.get("projection", "ALL"), i.get("non_key", [])),
                )
                for i in c["local_indexes"]
            ]
        if c["global_indexes"]:
            request["GlobalSecondaryIndexes"] = [self.global_index(i, c["billing_mode"]) for i in c["global_indexes"]]
        if c["on_demand"]:
            request["OnDemandThroughput"] = c["on_demand"]
        if c["stream"]:
            request["StreamSpecification"] = stream(c["stream"])
        if c["server_side_encryption"]:
            request["SSESpecification"] = self.encryption()
        if c["warm"]:
            request["WarmThroughput"] = c["warm"]
        self.test.addCleanup(self.destroy)
        created = self.client.create_table(**request)["TableDescription"]
        self.arn = created["TableArn"]
        self.settle()
        if c["ttl"]:
            self.set_ttl(c["ttl"], True)
        if c["point_in_time_recovery"]:
            self.set_recovery(True, c["recovery_days"])
        self.follow_stream(None)
        self.check()

    def settle(self):
        """Waits for the table, its indexes, its encryption and its warm throughput, as the provider does."""
        for _ in range(1200):
            table = self.client.describe_table(TableName=self.name)["Table"]
            states = [table["TableStatus"], table["WarmThroughput"]["Status"]]
            for index in table.get("GlobalSecondaryIndexes", []):
                states += [index["IndexStatus"], index["WarmThroughput"]["Status"]]
            states.append({"ENABLED": "ACTIVE"}.get(table.get("SSEDescription", {}).get("Status", "ENABLED")))
            if set(states) == {"ACTIVE"}:
                return table
            time.sleep(0.5)
        self.test.fail(f"{self.name} did not come to rest: {table}")

    def set_ttl(self, attribute, enabled):
        specification = dict(AttributeName=attribute, Enabled=enabled)
        self.client.update_time_to_live(TableName=self.name, TimeToLiveSpecification=specification)
        wanted = "ENABLED" if enabled else "DISABLED"
        for _ in range(1200):
            found = self.client.describe_time_to_live(TableName=self.name)["TimeToLiveDescription"]
            if found["TimeToLiveStatus"] == wanted:
                return
            time.sleep(0.5)
        self.test.fail(f"time to live is not {wanted}")

    def set_recovery(self, enabled, days):
        specification = dict(PointInTimeRecoveryEnabled=enabled)
        if enabled and days:
            specification["RecoveryPeriodInDays"] = days
        for _ in range(120):
            try:
                self.client.update_continuous_backups(
                    TableName=self.name, PointInTimeRecoverySpecification=specification
                )
                break
            except self.client.exceptions.ContinuousBackupsUnavailableException:
                time.sleep(0.5)
        else:
            self.test.fail("continuous backups are not available")
        for _ in range(120):
            if self.recovery()["PointInTimeRecoveryStatus"] == ("ENABLED" if enabled else "DISABLED"):
                return
            time.sleep(0.5)
        self.test.fail(f"point-in-time recovery did not come to rest: {self.recovery()}")

    def recovery(self):
        found = self.client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        return found["PointInTimeRecoveryDescription"]

    def follow_stream(self, old):
        """A change of the stream is seen: `old` is ended, and there is another one when one was asked for."""
        new = self.config["stream"]
        if old == new:
            return
        if old:
            self.wait_for_stream("DISABLED", old)
        if new:
            table = self.client.describe_table(TableName=self.name)["Table"]
            self.test.assertNotEqual(table["LatestStreamArn"], self.stream_arn)
            self.stream_arn, self.stream_label = table["LatestStreamArn"], table["LatestStreamLabel"]
            self.test.assertEqual(self.stream_arn, f"{self.arn}/stream/{self.stream_label}")
            self.wait_for_stream("ENABLED", new)

    def wait_for_stream(self, status, view):
        for _ in range(1200):
            found = self.test.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
            if found["StreamStatus"] == status:
                break
            time.sleep(0.5)
        told = [found[n] for n in ("TableName", "StreamLabel", "StreamViewType", "StreamStatus")]
        self.test.assertEqual(told, [self.name, self.stream_label, view, status])

    # --- read -------------------------------------------------------------------------------

    def read(self):
        """The configuration as the service tells it."""
        table = self.client.describe_table(TableName=self.name)["Table"]
        found = dict(
            hash_key=None,
            range_key=None,
            billing_mode=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            read_capacity=table["ProvisionedThroughput"]["ReadCapacityUnits"],
            write_capacity=table["ProvisionedThroughput"]["WriteCapacityUnits"],
            deletion_protection=table["DeletionProtectionEnabled"],
            table_class=table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
            attributes={a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]},
            on_demand=bounds(table.get("OnDemandThroughput")),
            warm=told_warm(table["WarmThroughput"]),
            stream=table.get("StreamSpecification", {}).get("StreamViewType"),
            stream_arn=table.get("LatestStreamArn"),
            stream_label=table.get("LatestStreamLabel"),
            server_side_encryption=table.get("SSEDescription", {}).get("Status") == "ENABLED",
            kms_key=table.get("SSEDescription", {}).get("KMSMasterKeyArn"),
        )
        if found["stream"]:
            self.test.assertEqual(table["StreamSpecification"], stream(found["stream"]))
        if found["server_side_encryption"]:
            self.test.assertEqual(table["SSEDescription"]["SSEType"], "KMS")
        for key in table["KeySchema"]:
            found["hash_key" if key["KeyType"] == "HASH" else "range_key"] = key["AttributeName"]
        found["local_indexes"] = [self.read_index(i, False) for i in table.get("LocalSecondaryIndexes", [])]
        found["global_indexes"] = sorted(
            (self.read_index(i, found["billing_mode"] == "PROVISIONED") for i in table.get("GlobalSecondaryIndexes", [])),
            key=lambda i: i["name"],
        )
        recovery = self.recovery()
        found["point_in_time_recovery"] = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        found["recovery_days"] = recovery["RecoveryPeriodInDays"] if found["point_in_time_recovery"] else None
        ttl = self.client.describe_time_to_live(TableName=self.name)["TimeToLiveDescription"]
        found["ttl"] = ttl.get("AttributeName") if ttl["TimeToLiveStatus"] == "ENABLED" else None
        pages = self.client.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"])
        found["tags"] = {t["Key"]: t["Value"] for page in pages for t in page["Tags"]}
        return found

    def read_index(self, index, provisioned):
        found = dict(name=index["IndexName"])
        for key in index["KeySchema"]:
            found["hash_key" if key["KeyType"] == "HASH" else "range_key"] = key["AttributeName"]
        found["projection"] = index["Projection"]["ProjectionType"]
        if "NonKeyAttributes" in index["Projection"]:
            found["non_key"] = sorted(index["Projection"]["NonKeyAttributes"])
        if provisioned:
            found["read"] = index["ProvisionedThroughput"]["ReadCapacityUnits"]
            found["write"] = index["ProvisionedThroughput"]["WriteCapacityUnits"]
        if bounds(index.get("OnDemandThroughput")):
            found["on_demand"] = bounds(index["OnDemandThroughput"])
        if "WarmThroughput" in index and told_warm(index["WarmThroughput"]):
            found["warm"] = told_warm(index["WarmThroughput"])
        self.test.assertIn("IndexArn", index)
        self.test.assertIn("IndexSizeBytes", index)
        self.test.assertIn("ItemCount", index)
        return found

    def check(self):
        """A second plan is empty."""
        wanted = self.config | dict(stream_arn=self.stream_arn, stream_label=self.stream_label)
        wanted["on_demand"] = bounds(wanted["on_demand"])
        if wanted["point_in_time_recovery"] and not wanted["recovery_days"]:
            wanted["recovery_days"] = 35
        wanted["local_indexes"] = [
            dict(hash_key=wanted["hash_key"], projection="ALL") | i for i in wanted["local_indexes"]
        ]
        provisioned = wanted["billing_mode"] == "PROVISIONED"
        wanted["global_indexes"] = sorted(
            (
                {k: v for k, v in (dict(projection="ALL") | i).items() if provisioned or k not in ("read", "write")}
                for i in wanted["global_indexes"]
            ),
            key=lambda i: i["name"],
        )
        found = self.read()
        if wanted["server_side_encryption"] and not wanted["kms_key"]:
            # The service's own key, told or not.
            self.test.assertNotIn(found["kms_key"], self.keys)
            wanted["kms_key"] = found["kms_key"]
        self.test.assertEqual(found, wanted)

    # --- update -----------------------------------------------------------------------------

    def call(self, **members):
        self.client.update_table(TableName=self.name, **members)
        self.settle()

    def update(self, **changes):
        """The calls of an update, in the provider's order, then those of a refresh."""
        old, new = self.config, self.config | changes
        self.config = new
        changed = {name for name in new if old[name] != new[name]}
        self.update_tags(old["tags"], new["tags"])
        indexes = self.index_updates(old, new)
        for update in indexes:
            if "Delete" in update:
                self.call(GlobalSecondaryIndexUpdates=[update])
        if "table_class" in changed:
            self.call(TableClass=new["table_class"])
        if "stream" in changed and old["stream"] and new["stream"]:
            # A stream keeps its view: there has to be another one.
            self.call(StreamSpecification=stream(None))
            self.call(StreamSpecification=stream(new["stream"]))
        at_once = [u for u in indexes if "Update" in u and "WarmThroughput" not in u["Update"]]
        together = self.together(old, new, changed) | (dict(GlobalSecondaryIndexUpdates=at_once) if at_once else {})
        if together:
            self.call(**together)
        for update in indexes:
            if "WarmThroughput" in update.get("Update", {}):
                self.call(GlobalSecondaryIndexUpdates=[update])
        for update in indexes:
            if "Create" in update:
                self.call(AttributeDefinitions=self.attributes(new), GlobalSecondaryIndexUpdates=[update])
        if changed & {"server_side_encryption", "kms_key"}:
            self.call(SSESpecification=self.encryption())
        if "ttl" in changed:
            self.set_ttl(new["ttl"] or old["ttl"], bool(new["ttl"]))
        if changed & {"point_in_time_recovery", "recovery_days"}:
            self.set_recovery(new["point_in_time_recovery"], new["recovery_days"])
        if "warm" in changed and new["warm"]:
            self.call(WarmThroughput=new["warm"])
        self.follow_stream(old["stream"])
        self.check()

    def together(self, old, new, changed):
        """What one UpdateTable says of the table itself."""
        members = {}
        if changed & {"billing_mode", "read_capacity", "write_capacity"}:
            members["BillingMode"] = new["billing_mode"]
            if new["billing_mode"] == "PROVISIONED":
                members["ProvisionedThroughput"] = throughput(new["read_capacity"], new["write_capacity"])
        if "deletion_protection" in changed:
            members["DeletionProtectionEnabled"] = new["deletion_protection"]
        if "on_demand" in changed and new["on_demand"]:
            members["OnDemandThroughput"] = new["on_demand"]
        if "stream" in changed and not (old["stream"] and new["stream"]):
            members["StreamSpecification"] = stream(new["stream"])
        return members

    def update_tags(self, old, new):
        gone = [k for k in old if k not in new]
        if gone:
            self.client.untag_resource(ResourceArn=self.arn, TagKeys=gone)
        changed = [dict(Key=k, Value=v) for k, v in new.items() if old.get(k) != v]
        if changed:
            self.client.tag_resource(ResourceArn=self.arn, Tags=changed)

    def index_updates(self, old, new):
        """GlobalSecondaryIndexUpdates, one for each change."""
        before = {i["name"]: i for i in old["global_indexes"]}
        after = {i["name"]: i for i in new["global_indexes"]}
        provisioned = new["billing_mode"] == "PROVISIONED"
        switched = old["billing_mode"] != new["billing_mode"]
        updates = [dict(Delete=dict(IndexName=name)) for name in before if name not in after]
        for name, made in after.items():
            was = before.get(name)
            differs = lambda *members: any(was.get(m) != made.get(m) for m in members)
            update = lambda **members: updates.append(dict(Update=dict(IndexName=name) | members))
            if was is None or self.is_renewed(was, made):
                updates += [dict(Delete=dict(IndexName=name))] if was else []
                updates.append(dict(Create=self.global_index(made, new["billing_mode"])))
                continue
            if provisioned and (switched or differs("read", "write")):
                update(ProvisionedThroughput=throughput(made["read"], made["write"]))
            elif not provisioned and differs("on_demand") and made.get("on_demand"):
                update(OnDemandThroughput=made["on_demand"])
            if differs("warm") and made.get("warm"):
                update(WarmThroughput=made["warm"])
        return updates

    def is_renewed(self, was, made):
        """Whether an index has to be made anew: for other keys, another projection, less warm throughput."""
        fixed = lambda index: {k: v for k, v in index.items() if k not in ("read", "write", "on_demand", "warm")}
        low, high = made.get("warm") or {}, was.get("warm") or {}
        return fixed(was) != fixed(made) or any(low[units] < high.get(units, 0) for units in low)

    def destroy(self):
        try:
            if self.client.describe_table(TableName=self.name)["Table"]["DeletionProtectionEnabled"]:
                self.client.update_table(TableName=self.name, DeletionProtectionEnabled=False)
                self.settle()
            self.client.delete_table(TableName=self.name)
        except self.client.exceptions.ResourceNotFoundException:
            pass
