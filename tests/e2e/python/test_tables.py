"""boto3's client: the life of a table."""

import unittest
from datetime import datetime

from support import Case, composite, differs, index, key_schema, simple, unique


class TableLife(Case):
    def test_a_created_table_describes_itself(self):
        name = self.create("described", composite("Artist", "Song", "N", GlobalSecondaryIndexes=[index("BySong", "Song")]))
        table = self.client.describe_table(TableName=name)["Table"]
        self.assertEqual(table["TableName"], name)
        self.assertEqual(table["TableStatus"], "ACTIVE")
        self.assertEqual(table["KeySchema"], key_schema("Artist", "Song"))
        kinds = {d["AttributeName"]: d["AttributeType"] for d in table["AttributeDefinitions"]}
        self.assertEqual(kinds, {"Artist": "S", "Song": "N"})
        self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(table["ItemCount"], 0)
        self.assertIsInstance(table["CreationDateTime"], datetime)
        self.assertRegex(table["TableArn"], rf"^arn:aws:dynamodb:[^:]+:\d+:table/{name}$")
        self.assertRegex(table["TableId"], r"^[0-9a-f-]{36}$")
        (by_song,) = table["GlobalSecondaryIndexes"]
        self.assertEqual(by_song["IndexStatus"], "ACTIVE")
        self.assertEqual(by_song["IndexArn"], f"{table['TableArn']}/index/BySong")
        self.assertEqual(by_song["Projection"], {"ProjectionType": "ALL"})

    def test_create_table_answers_the_state_it_leaves(self):
        name = unique("fresh")
        self.addClassCleanup(self.drop, name)
        table = self.client.create_table(TableName=name, **simple())["TableDescription"]
        self.assertEqual(
            table["TableStatus"],
            differs(aws="CREATING", here="ACTIVE", why="a table is there when the call that makes it returns"),
        )
        self.client.get_waiter("table_exists").wait(TableName=name)

    def test_provisioned_throughput_is_kept_and_changed(self):
        schema = simple() | dict(
            BillingMode="PROVISIONED", ProvisionedThroughput=dict(ReadCapacityUnits=3, WriteCapacityUnits=2)
        )
        name = self.create("provisioned", schema)
        units = self.client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]
        self.assertEqual((units["ReadCapacityUnits"], units["WriteCapacityUnits"]), (3, 2))
        self.client.update_table(
            TableName=name, ProvisionedThroughput=dict(ReadCapacityUnits=5, WriteCapacityUnits=4)
        )
        self.client.get_waiter("table_exists").wait(TableName=name)
        units = self.client.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]
        self.assertEqual((units["ReadCapacityUnits"], units["WriteCapacityUnits"]), (5, 4))

    def test_deletion_protection_guards_a_table(self):
        name = self.create("guarded", simple() | dict(DeletionProtectionEnabled=True))
        self.refused("ValidationException", self.client.delete_table, TableName=name)
        self.client.update_table(TableName=name, DeletionProtectionEnabled=False)
        self.client.get_waiter("table_exists").wait(TableName=name)
        self.assertFalse(self.client.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"])
        self.client.delete_table(TableName=name)

    def test_a_deleted_table_is_gone_after_the_waiter(self):
        name = self.create("short-lived", simple())
        table = self.client.delete_table(TableName=name)["TableDescription"]
        self.assertEqual(table["TableStatus"], "DELETING")
        self.client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=dict(Delay=1, MaxAttempts=120))
        message = self.message("ResourceNotFoundException", self.client.describe_table, TableName=name)
        self.assertEqual(message, f"Requested resource not found: Table: {name} not found")

    def test_the_waiter_for_a_missing_table_gives_up(self):
        from botocore.exceptions import WaiterError

        with self.assertRaises(WaiterError):
            self.client.get_waiter("table_exists").wait(
                TableName=unique("never"), WaiterConfig=dict(Delay=1, MaxAttempts=2)
            )

    def test_a_name_is_used_once(self):
        name = self.create("taken", simple())
        message = self.message("ResourceInUseException", self.client.create_table, TableName=name, **simple())
        self.assertIn(name, message)

    def test_key_and_definitions_must_agree(self):
        schema = simple() | dict(AttributeDefinitions=[dict(AttributeName="Other", AttributeType="S")])
        self.refused("ValidationException", self.client.create_table, TableName=unique("wrong"), **schema)
        extra = simple() | dict(
            AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in ("Id", "Unused")]
        )
        self.refused("ValidationException", self.client.create_table, TableName=unique("wrong"), **extra)

    def test_list_tables_is_paged_in_order(self):
        names = sorted(self.create(f"page-{i}", simple()) for i in range(3))
        pages = self.client.get_paginator("list_tables").paginate(PaginationConfig=dict(PageSize=2))
        listed = [n for page in pages for n in page["TableNames"]]
        self.assertEqual([n for n in listed if n in names], names)
        self.assertEqual(listed, sorted(listed))
        first = self.client.list_tables(ExclusiveStartTableName=names[0], Limit=1)
        self.assertEqual(len(first["TableNames"]), 1)
        self.assertGreater(first["TableNames"][0], names[0])


class IndexLife(Case):
    def wait_for_index(self, name, gone=False):
        import time

        for _ in range(1200):
            table = self.client.describe_table(TableName=name)["Table"]
            indexes = table.get("GlobalSecondaryIndexes", [])
            states = [i["IndexStatus"] for i in indexes]
            if table["TableStatus"] == "ACTIVE" and (not indexes if gone else states == ["ACTIVE"]):
                return table
            time.sleep(0.5)
        self.fail("the index did not come to rest")

    def test_an_index_is_added_to_a_table_with_items_and_removed(self):
        name = self.create("grown", simple())
        for i in range(5):
            self.client.put_item(TableName=name, Item={"Id": {"S": f"{i}"}, "Color": {"S": ["red", "blue"][i % 2]}})
        color = dict(AttributeDefinitions=[dict(AttributeName="Color", AttributeType="S")])
        made = index("ByColor", "Color", None, "KEYS_ONLY")
        self.client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[dict(Create=made)], **color)
        self.wait_for_index(name)
        red = self.client.query(
            TableName=name,
            IndexName="ByColor",
            KeyConditionExpression="Color = :c",
            ExpressionAttributeValues={":c": {"S": "red"}},
        )
        self.assertEqual(sorted(i["Id"]["S"] for i in red["Items"]), ["0", "2", "4"])
        self.client.update_table(TableName=name, GlobalSecondaryIndexUpdates=[dict(Delete=dict(IndexName="ByColor"))])
        self.wait_for_index(name, gone=True)


class Service(Case):
    def test_limits_of_the_account(self):
        limits = self.client.describe_limits()
        for member in ("Account", "Table"):
            for kind in ("Read", "Write"):
                self.assertGreater(limits[f"{member}Max{kind}CapacityUnits"], 0)


if __name__ == "__main__":
    unittest.main()
