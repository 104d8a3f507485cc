"""boto3's resource: plain Python values, condition objects, the batch writer."""

import unittest
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from support import TableCase, composite, index


class Resource(TableCase):
    schema = composite(
        "Artist",
        "Song",
        AttributeDefinitions=[dict(AttributeName="Year", AttributeType="N")],
        GlobalSecondaryIndexes=[index("ByYear", "Year")],
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.resource = boto3.resource("dynamodb")
        cls.table = cls.resource.Table(cls.name)

    def test_the_table_knows_itself(self):
        self.table.load()
        self.assertEqual(self.table.table_status, "ACTIVE")
        self.assertEqual(self.table.key_schema[0]["AttributeName"], "Artist")
        self.assertIn(self.table, list(self.resource.tables.all()))

    def test_plain_values_come_back_as_they_went(self):
        item = {
            "Artist": "a", "Song": "types", "n": Decimal("1.10"), "b": Binary(b"\x00\xff"), "yes": True, "no": None,
            "set": {"x", "y"}, "numbers": {Decimal(1), Decimal(2)}, "list": [1, "two", {"three": [Decimal(3)]}],
        }
        self.table.put_item(Item=item)
        got = self.table.get_item(Key={"Artist": "a", "Song": "types"})["Item"]
        self.assertEqual(got, item)
        self.assertIsInstance(got["n"], Decimal)

    def test_floats_are_the_clients_to_refuse(self):
        with self.assertRaises(TypeError):
            self.table.put_item(Item={"Artist": "a", "Song": "float", "f": 1.5})

    def test_condition_objects_make_queries(self):
        with self.table.batch_writer() as batch:
            for i in range(6):
                batch.put_item(Item={"Artist": "keys", "Song": f"s{i}", "Year": 2000 + i % 2, "Loud": bool(i % 3), "Title": f"t{i}"})
        reply = self.table.query(KeyConditionExpression=Key("Artist").eq("keys") & Key("Song").between("s1", "s3"))
        self.assertEqual([i["Song"] for i in reply["Items"]], ["s1", "s2", "s3"])
        reply = self.table.query(
            KeyConditionExpression=Key("Artist").eq("keys") & Key("Song").begins_with("s"),
            FilterExpression=Attr("Loud").eq(True) & ~Attr("Title").is_in(["t1"]) & Attr("Nothing").not_exists(),
        )
        self.assertEqual([i["Song"] for i in reply["Items"]], ["s2", "s4", "s5"])
        reply = self.table.query(IndexName="ByYear", KeyConditionExpression=Key("Year").eq(2001))
        self.assertEqual(sorted(i["Song"] for i in reply["Items"]), ["s1", "s3", "s5"])
        reply = self.table.scan(FilterExpression=Attr("Title").contains("5") | Attr("Title").size().gt(100))
        self.assertEqual([i["Song"] for i in reply["Items"]], ["s5"])

    def test_condition_objects_guard_writes(self):
        key = {"Artist": "a", "Song": "guarded"}
        self.table.put_item(Item=key, ConditionExpression=Attr("Artist").not_exists())
        with self.assertRaises(self.client.exceptions.ConditionalCheckFailedException):
            self.table.put_item(Item=key, ConditionExpression=Attr("Artist").not_exists())
        with self.assertRaises(self.resource.meta.client.exceptions.ConditionalCheckFailedException) as caught:
            self.table.delete_item(
                Key=key,
                ConditionExpression=Attr("Plays").gte(1),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        # The resource leaves the fields of errors as the client has them.
        self.assertEqual(caught.exception.response["Item"], {k: {"S": v} for k, v in key.items()})

    def test_a_counter_counts(self):
        for _ in range(3):
            reply = self.table.update_item(
                Key={"Artist": "a", "Song": "counter"},
                UpdateExpression="SET Plays = if_not_exists(Plays, :zero) + :one",
                ExpressionAttributeValues={":zero": 0, ":one": 1},
                ReturnValues="UPDATED_NEW",
            )
        self.assertEqual(reply["Attributes"], {"Plays": Decimal(3)})

    def test_the_batch_writer_flushes_every_25_and_forgets_duplicates(self):
        with self.table.batch_writer(overwrite_by_pkeys=["Artist", "Song"]) as batch:
            for i in range(60):
                batch.put_item(Item={"Artist": "batch", "Song": f"{i % 55:02}", "Round": i // 55})
            for i in range(5, 10):
                batch.delete_item(Key={"Artist": "batch", "Song": f"{i:02}"})
        found = self.table.query(KeyConditionExpression=Key("Artist").eq("batch"))["Items"]
        self.assertEqual([i["Song"] for i in found], [f"{i:02}" for i in range(55) if not 5 <= i < 10])
        self.assertEqual([i["Round"] for i in found[:5]], [1] * 5)

    def test_batch_get_item_of_the_resource(self):
        keys = [{"Artist": "got", "Song": str(i)} for i in range(3)]
        for key in keys[:2]:
            self.table.put_item(Item=key)
        reply = self.resource.batch_get_item(RequestItems={self.name: {"Keys": keys}})
        self.assertCountEqual(reply["Responses"][self.name], keys[:2])
        self.assertEqual(reply["UnprocessedKeys"], {})

    def test_a_table_made_and_deleted_by_the_resource(self):
        from support import simple, unique

        table = self.resource.create_table(TableName=unique("resource"), **simple())
        table.wait_until_exists()
        table.delete()
        table.wait_until_not_exists()
        with self.assertRaises(self.client.exceptions.ResourceNotFoundException):
            table.reload()


if __name__ == "__main__":
    unittest.main()
