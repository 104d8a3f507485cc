"""What infrastructure tools call: the calls of Terraform's aws_dynamodb_table, and what they compare.

`apply` makes the calls of a create or an update, `read` those of a refresh. A second plan is empty when what `read`
gives equals what was asked for, so every test ends in that comparison. Defaults stand where the configuration says nothing.
"""

import time
import unittest

from support import Case, unique

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
    stream=None,
    server_side_encryption=False,
    point_in_time_recovery=False,
    ttl=None,
    tags={},
)


def throughput(read, write):
    return dict(ReadCapacityUnits=read, WriteCapacityUnits=write)


def keys(hash_key, range_key):
    found = [dict(AttributeName=hash_key, KeyType="HASH")]
    return found + ([dict(AttributeName=range_key, KeyType="RANGE")] if range_key else [])


def projection(kind, names):
    return dict(ProjectionType=kind) | (dict(NonKeyAttributes=sorted(names)) if names else {})


class Resource:
    """One aws_dynamodb_table."""

    def __init__(self, test, **config):
        self.test, self.client = test, test.client
        self.name = unique("terraform")
        self.config = DEFAULTS | config

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
        return index

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
        if c["server_side_encryption"]:
            request["SSESpecification"] = dict(Enabled=True, SSEType="KMS")
        self.test.addCleanup(self.destroy)
        created = self.client.create_table(**request)["TableDescription"]
        self.arn = created["TableArn"]
        self.settle()
        if c["ttl"]:
            self.set_ttl(c["ttl"], True)
        if c["point_in_time_recovery"]:
            self.set_recovery(True)

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

    def set_recovery(self, enabled):
        specification = dict(PointInTimeRecoveryEnabled=enabled)
        for _ in range(120):
            try:
                self.client.update_continuous_backups(
                    TableName=self.name, PointInTimeRecoverySpecification=specification
                )
                return
            except self.client.exceptions.ContinuousBackupsUnavailableException:
                time.sleep(0.5)
        self.test.fail("continuous backups are not available")

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
            on_demand=table.get("OnDemandThroughput"),
            stream=table.get("StreamSpecification"),
            server_side_encryption=table.get("SSEDescription", {}).get("Status") == "ENABLED",
        )
        for key in table["KeySchema"]:
            found["hash_key" if key["KeyType"] == "HASH" else "range_key"] = key["AttributeName"]
        found["local_indexes"] = [self.read_index(i, False) for i in table.get("LocalSecondaryIndexes", [])]
        found["global_indexes"] = sorted(
            (self.read_index(i, found["billing_mode"] == "PROVISIONED") for i in table.get("GlobalSecondaryIndexes", [])),
            key=lambda i: i["name"],
        )
        backups = self.client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        found["point_in_time_recovery"] = recovery == "ENABLED"
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
        self.test.assertIn("IndexArn", index)
        self.test.assertIn("IndexSizeBytes", index)
        self.test.assertIn("ItemCount", index)
        return found

    def check(self):
        """A second plan is empty."""
        wanted = dict(self.config)
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
        self.test.assertEqual(self.read(), wanted)

    # --- update -----------------------------------------------------------------------------

    def update(self, **changes):
        """The calls of an update, in the provider's order, then those of a refresh."""
        old, self.config = self.config, self.config | changes
        new = self.config
        differ = lambda *names: any(old[n] != new[n] for n in names)
        call = lambda **members: (self.client.update_table(TableName=self.name, **members), self.settle())
        if differ("billing_mode", "read_capacity", "write_capacity") or (
            differ("on_demand") and new["billing_mode"] == "PAY_PER_REQUEST"
        ):
            members = dict(BillingMode=new["billing_mode"])
            if new["billing_mode"] == "PROVISIONED":
                members["ProvisionedThroughput"] = throughput(new["read_capacity"], new["write_capacity"])
                if differ("billing_mode") and new["global_indexes"]:
                    members["GlobalSecondaryIndexUpdates"] = [
                        dict(Update=dict(IndexName=i["name"], ProvisionedThroughput=throughput(i["read"], i["write"])))
                        for i in new["global_indexes"]
                    ]
            elif differ("on_demand"):
                members["OnDemandThroughput"] = new["on_demand"]
            call(**members)
        if differ("table_class"):
            call(TableClass=new["table_class"])
        if differ("deletion_protection"):
            call(DeletionProtectionEnabled=new["deletion_protection"])
        if differ("server_side_encryption"):
            on = new["server_side_encryption"]
            call(SSESpecification=dict(Enabled=True, SSEType="KMS") if on else dict(Enabled=False))
        self.update_indexes(old, new, call)
        if differ("ttl"):
            self.set_ttl(new["ttl"] or old["ttl"], bool(new["ttl"]))
        if differ("point_in_time_recovery"):
            self.set_recovery(new["point_in_time_recovery"])
        gone = [k for k in old["tags"] if k not in new["tags"]]
        if gone:
            self.client.untag_resource(ResourceArn=self.arn, TagKeys=gone)
        changed = [dict(Key=k, Value=v) for k, v in new["tags"].items() if old["tags"].get(k) != v]
        if changed:
            self.client.tag_resource(ResourceArn=self.arn, Tags=changed)
        self.check()

    def update_indexes(self, old, new, call):
        before = {i["name"]: i for i in old["global_indexes"]}
        after = {i["name"]: i for i in new["global_indexes"]}
        for name in before:
            if name not in after:
                call(GlobalSecondaryIndexUpdates=[dict(Delete=dict(IndexName=name))])
        for name, made in after.items():
            if name not in before:
                create = dict(Create=self.global_index(made, new["billing_mode"]))
                call(AttributeDefinitions=self.attributes(new), GlobalSecondaryIndexUpdates=[create])
            elif old["billing_mode"] == new["billing_mode"] == "PROVISIONED" and before[name] != made:
                units = throughput(made["read"], made["write"])
                call(GlobalSecondaryIndexUpdates=[dict(Update=dict(IndexName=name, ProvisionedThroughput=units))])

    def destroy(self):
        try:
            if self.client.describe_table(TableName=self.name)["Table"]["DeletionProtectionEnabled"]:
                self.client.update_table(TableName=self.name, DeletionProtectionEnabled=False)
                self.settle()
            self.client.delete_table(TableName=self.name)
        except self.client.exceptions.ResourceNotFoundException:
            pass


class Terraform(Case):
    def applied(self, **config):
        resource = Resource(self, **config)
        resource.create()
        resource.check()
        return resource

    def test_a_provisioned_table_with_everything(self):
        table = self.applied(
            hash_key="User",
            range_key="Game",
            attributes=dict(User="S", Game="S", Score="N", Day="S"),
            read_capacity=5,
            write_capacity=4,
            local_indexes=[dict(name="ByScore", range_key="Score", projection="KEYS_ONLY")],
            global_indexes=[
                dict(name="ByDay", hash_key="Day", range_key="Score", projection="INCLUDE", non_key=["User2"], read=3, write=2)
            ],
            tags=dict(team="blue", stage="test"),
            ttl="Expires",
            point_in_time_recovery=True,
            server_side_encryption=True,
            deletion_protection=True,
            table_class="STANDARD_INFREQUENT_ACCESS",
        )
        table.update(deletion_protection=False)
        table.update(read_capacity=6, write_capacity=3)
        table.update(tags=dict(team="red"))
        table.update(
            global_indexes=[
                dict(name="ByDay", hash_key="Day", range_key="Score", projection="INCLUDE", non_key=["User2"], read=4, write=4)
            ]
        )
        table.update(point_in_time_recovery=False)

    def test_an_on_demand_table_that_changes(self):
        table = self.applied(hash_key="Id", attributes=dict(Id="S"), billing_mode="PAY_PER_REQUEST")
        table.update(
            attributes=dict(Id="S", Color="S"),
            global_indexes=[dict(name="ByColor", hash_key="Color", read=1, write=1)],
        )
        table.update(server_side_encryption=True)
        table.update(server_side_encryption=False)
        table.update(on_demand=dict(MaxReadRequestUnits=100, MaxWriteRequestUnits=50))
        table.update(deletion_protection=True, tags=dict(a="1", b=""))
        table.update(deletion_protection=False, attributes=dict(Id="S"), global_indexes=[])

    def test_a_table_that_changes_its_billing_mode(self):
        table = self.applied(
            hash_key="Id",
            attributes=dict(Id="S", Color="S"),
            billing_mode="PAY_PER_REQUEST",
            global_indexes=[dict(name="ByColor", hash_key="Color", read=2, write=1)],
        )
        table.update(billing_mode="PROVISIONED", read_capacity=2, write_capacity=2)
        table.update(billing_mode="PAY_PER_REQUEST", read_capacity=0, write_capacity=0)


if __name__ == "__main__":
    unittest.main()
