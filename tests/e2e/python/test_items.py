"""boto3's client: PutItem, GetItem, DeleteItem and the batches; numbers."""

import random
import unittest
from decimal import Decimal

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from support import EVERYTHING, TableCase, composite, index


def sets_sorted(item):
    """Sets have no order."""
    return {
        name: {kind: sorted(value) if kind in ("SS", "NS", "BS") else value}
        for name, attribute in item.items()
        for kind, value in attribute.items()
    }


class Put(TableCase):
    def test_every_type_comes_back_as_it_went(self):
        item = EVERYTHING | {"Id": {"S": "all"}}
        reply = self.client.put_item(TableName=self.name, Item=item)
        self.assertNotIn("Attributes", reply)
        self.assertEqual(reply["ResponseMetadata"]["HTTPStatusCode"], 200)
        got = self.client.get_item(TableName=self.name, Key={"Id": {"S": "all"}}, ConsistentRead=True)["Item"]
        self.assertEqual(sets_sorted(got), sets_sorted(item))

    def test_put_replaces_the_whole_item_and_returns_the_old(self):
        old = {"Id": {"S": "replaced"}, "A": {"S": "old"}}
        self.client.put_item(TableName=self.name, Item=old)
        reply = self.client.put_item(
            TableName=self.name, Item={"Id": {"S": "replaced"}, "B": {"S": "new"}}, ReturnValues="ALL_OLD"
        )
        self.assertEqual(reply["Attributes"], old)
        got = self.client.get_item(TableName=self.name, Key={"Id": {"S": "replaced"}})["Item"]
        self.assertEqual(got, {"Id": {"S": "replaced"}, "B": {"S": "new"}})

    def test_only_all_old_and_none_can_be_returned(self):
        message = self.message(
            "ValidationException",
            self.client.put_item,
            TableName=self.name,
            Item={"Id": {"S": "x"}},
            ReturnValues="ALL_NEW",
        )
        self.assertEqual(message.removeprefix("1 validation error detected: "), "ReturnValues can only be ALL_OLD or NONE")

    def test_keys_are_required_typed_and_not_empty(self):
        put = self.client.put_item
        missing = self.message("ValidationException", put, TableName=self.name, Item={"Other": {"S": "x"}})
        self.assertEqual(
            missing, "One or more parameter values were invalid: Missing the key Id in the item"
        )
        wrong = self.message("ValidationException", put, TableName=self.name, Item={"Id": {"N": "1"}})
        self.assertEqual(
            wrong, "One or more parameter values were invalid: Type mismatch for key Id expected: S actual: N"
        )
        empty = self.message("ValidationException", put, TableName=self.name, Item={"Id": {"S": ""}})
        self.assertIn("The AttributeValue for a key attribute cannot contain an empty string value. Key: Id", empty)

    def test_empty_sets_are_refused(self):
        for kind, told in (("SS", "string set  may not"), ("NS", "number set  may not"), ("BS", "Binary sets should not")):
            with self.subTest(kind):
                item = {"Id": {"S": "x"}, "Set": {kind: []}}
                message = self.message("ValidationException", self.client.put_item, TableName=self.name, Item=item)
                self.assertIn(f"{told} be empty", message)

    def test_sets_have_no_duplicates(self):
        for value in ({"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"BS": [b"a", b"a"]}):
            with self.subTest(str(value)):
                item = {"Id": {"S": "x"}, "Set": value}
                message = self.message("ValidationException", self.client.put_item, TableName=self.name, Item=item)
                self.assertIn("contains duplicates", message)

    def test_an_item_ends_at_400_kilobytes(self):
        fits = {"Id": {"S": "big"}, "A": {"S": "x" * (400 * 1024 - 6)}}
        self.client.put_item(TableName=self.name, Item=fits)
        fits["A"]["S"] += "x"
        message = self.message("ValidationException", self.client.put_item, TableName=self.name, Item=fits)
        self.assertEqual(message, "Item size has exceeded the maximum allowed size")

    def test_a_missing_table_is_told(self):
        message = self.message(
            "ResourceNotFoundException", self.client.put_item, TableName="e2e-nowhere", Item={"Id": {"S": "x"}}
        )
        self.assertEqual(message, "Requested resource not found")


class Numbers(TableCase):
    def stored(self, text):
        self.client.put_item(TableName=self.name, Item={"Id": {"S": "n"}, "N": {"N": text}})
        return self.client.get_item(TableName=self.name, Key={"Id": {"S": "n"}})["Item"]["N"]["N"]

    def test_38_digits_are_exact(self):
        digits = "12345678901234567890123456789012345678"
        for text in (digits, f"-{digits}", f"0.{digits}", f"{digits[:19]}.{digits[19:]}"):
            with self.subTest(text):
                self.assertEqual(Decimal(self.stored(text)), Decimal(text))

    def test_numbers_are_normalised(self):
        for text, expected in (("1.500", "1.5"), ("007", "7"), ("-0", "0"), ("1e3", "1000"), ("+5", "5"), (".5", "0.5")):
            with self.subTest(text):
                self.assertEqual(self.stored(text), expected)

    def test_the_ends_of_the_range(self):
        for text in ("9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130", "-9.9E+125"):
            with self.subTest(text):
                self.assertEqual(Decimal(self.stored(text)), Decimal(text))

    def test_what_does_not_fit_is_refused(self):
        put = self.client.put_item
        for text, expected in (
            ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
            ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
            ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
            ("twelve", "The parameter cannot be converted to a numeric value: twelve"),
        ):
            with self.subTest(text):
                item = {"Id": {"S": "n"}, "N": {"N": text}}
                self.assertEqual(self.message("ValidationException", put, TableName=self.name, Item=item), expected)

    def test_arithmetic_is_decimal(self):
        self.client.put_item(TableName=self.name, Item={"Id": {"S": "sum"}, "N": {"N": "0.1"}})
        reply = self.client.update_item(
            TableName=self.name,
            Key={"Id": {"S": "sum"}},
            UpdateExpression="SET N = N + :n",
            ExpressionAttributeValues={":n": {"N": "0.2"}},
            ReturnValues="UPDATED_NEW",
        )
        self.assertEqual(reply["Attributes"], {"N": {"N": "0.3"}})

    def test_the_serializer_of_boto3_gives_back_what_it_took(self):
        pack, unpack = TypeSerializer().serialize, TypeDeserializer().deserialize
        value = {
            "Id": "packed",
            "number": Decimal("3.14159265358979323846264338327950288"),
            "strings": {"x", "y"},
            "numbers": {Decimal(1), Decimal("2.5")},
            "binary": Binary(b"\x00\x01"),
            "binaries": {Binary(b"a"), Binary(b"b")},
            "nested": {"list": [1, None, True, {"deep": ""}]},
        }
        self.client.put_item(TableName=self.name, Item={k: pack(v) for k, v in value.items()})
        got = self.client.get_item(TableName=self.name, Key={"Id": {"S": "packed"}})["Item"]
        self.assertEqual({k: unpack(v) for k, v in got.items()}, value)


class Get(TableCase):
    schema = composite("P", "S", "N")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = {"P": {"S": "p"}, "S": {"N": "1"}}
        cls.item = cls.key | {"List": {"L": [{"S": "a"}, {"S": "b"}]}, "Map": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}}
        cls.client.put_item(TableName=cls.name, Item=cls.item)

    def test_a_missing_item_has_no_member(self):
        reply = self.client.get_item(TableName=self.name, Key={"P": {"S": "none"}, "S": {"N": "1"}})
        self.assertNotIn("Item", reply)

    def test_projection_picks_paths(self):
        reply = self.client.get_item(
            TableName=self.name,
            Key=self.key,
            ProjectionExpression="#l[1], #m.x, Elsewhere",
            ExpressionAttributeNames={"#l": "List", "#m": "Map"},
        )
        self.assertEqual(reply["Item"], {"List": {"L": [{"S": "b"}]}, "Map": {"M": {"x": {"N": "1"}}}})

    def test_consistent_reads_cost_twice(self):
        for consistent, units in ((True, 1.0), (False, 0.5)):
            reply = self.client.get_item(
                TableName=self.name, Key=self.key, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
            )
            self.assertEqual(reply["ConsumedCapacity"], {"TableName": self.name, "CapacityUnits": units})

    def test_the_key_must_be_the_key(self):
        get = self.client.get_item
        expected = "The provided key element does not match the schema"
        for key in ({"P": {"S": "p"}}, self.key | {"X": {"S": "x"}}, {"P": {"S": "p"}, "S": {"S": "1"}}):
            with self.subTest(str(key)):
                self.assertEqual(self.message("ValidationException", get, TableName=self.name, Key=key), expected)

    def test_a_faulty_projection_is_a_validation_error(self):
        for projection in ("List..x", "List[a]", "List, List", ""):
            with self.subTest(projection):
                self.refused(
                    "ValidationException",
                    self.client.get_item,
                    TableName=self.name,
                    Key=self.key,
                    ProjectionExpression=projection,
                )


class Delete(TableCase):
    def test_delete_returns_what_it_removed(self):
        item = {"Id": {"S": "d"}, "A": {"S": "x"}}
        self.client.put_item(TableName=self.name, Item=item)
        reply = self.client.delete_item(TableName=self.name, Key={"Id": {"S": "d"}}, ReturnValues="ALL_OLD")
        self.assertEqual(reply["Attributes"], item)
        again = self.client.delete_item(TableName=self.name, Key={"Id": {"S": "d"}}, ReturnValues="ALL_OLD")
        self.assertNotIn("Attributes", again)

    def test_writes_are_charged_by_the_kilobyte(self):
        item = {"Id": {"S": "charged"}, "A": {"S": "x" * 1500}}
        reply = self.client.put_item(TableName=self.name, Item=item, ReturnConsumedCapacity="TOTAL")
        self.assertEqual(reply["ConsumedCapacity"]["CapacityUnits"], 2.0)
        reply = self.client.delete_item(
            TableName=self.name, Key={"Id": {"S": "charged"}}, ReturnConsumedCapacity="INDEXES"
        )
        self.assertEqual(
            reply["ConsumedCapacity"],
            {"TableName": self.name, "CapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0}},
        )


class Collections(TableCase):
    schema = composite(
        "P",
        "S",
        AttributeDefinitions=[dict(AttributeName="L", AttributeType="S")],
        LocalSecondaryIndexes=[index("ByL", "P", "L")],
    )

    def test_item_collection_metrics_come_with_a_local_index(self):
        reply = self.client.put_item(
            TableName=self.name,
            Item={"P": {"S": "p"}, "S": {"S": "s"}, "L": {"S": "l"}},
            ReturnItemCollectionMetrics="SIZE",
            ReturnConsumedCapacity="INDEXES",
        )
        self.assertEqual(reply["ItemCollectionMetrics"]["ItemCollectionKey"], {"P": {"S": "p"}})
        self.assertEqual(len(reply["ItemCollectionMetrics"]["SizeEstimateRangeGB"]), 2)
        self.assertEqual(reply["ConsumedCapacity"]["LocalSecondaryIndexes"], {"ByL": {"CapacityUnits": 1.0}})

    def test_an_index_key_of_another_type_is_refused(self):
        message = self.message(
            "ValidationException",
            self.client.put_item,
            TableName=self.name,
            Item={"P": {"S": "p"}, "S": {"S": "s"}, "L": {"N": "1"}},
        )
        self.assertIn("Type mismatch for Index Key L Expected: S Actual: N IndexName: ByL", message)


class Batches(TableCase):
    schema = composite("P", "S", "N")

    def key(self, p, s):
        return {"P": {"S": p}, "S": {"N": str(s)}}

    def test_25_writes_and_100_reads(self):
        requests = [dict(PutRequest=dict(Item=self.key("many", i))) for i in range(25)]
        random.shuffle(requests)
        reply = self.client.batch_write_item(RequestItems={self.name: requests}, ReturnConsumedCapacity="TOTAL")
        self.assertEqual(reply["UnprocessedItems"], {})
        self.assertEqual(reply["ConsumedCapacity"], [{"TableName": self.name, "CapacityUnits": 25.0}])
        keys = [self.key("many", i) for i in range(100)]
        reply = self.client.batch_get_item(RequestItems={self.name: dict(Keys=keys, ConsistentRead=True)})
        self.assertEqual(reply["UnprocessedKeys"], {})
        self.assertEqual(sorted(int(i["S"]["N"]) for i in reply["Responses"][self.name]), list(range(25)))

    def test_deletes_and_puts_in_one_batch(self):
        self.client.put_item(TableName=self.name, Item=self.key("mixed", 1))
        writes = [dict(DeleteRequest=dict(Key=self.key("mixed", 1))), dict(PutRequest=dict(Item=self.key("mixed", 2)))]
        self.client.batch_write_item(RequestItems={self.name: writes})
        reply = self.client.batch_get_item(
            RequestItems={self.name: dict(Keys=[self.key("mixed", i) for i in (1, 2)])}
        )
        self.assertEqual(reply["Responses"][self.name], [self.key("mixed", 2)])

    def test_limits_and_duplicates_are_refused(self):
        put = dict(PutRequest=dict(Item=self.key("twice", 1)))
        write = self.client.batch_write_item
        self.assertEqual(
            self.message("ValidationException", write, RequestItems={self.name: [put, put]}),
            "Provided list of item keys contains duplicates",
        )
        many = [dict(PutRequest=dict(Item=self.key("over", i))) for i in range(26)]
        self.refused("ValidationException", write, RequestItems={self.name: many})
        keys = [self.key("over", i) for i in range(101)]
        self.refused("ValidationException", self.client.batch_get_item, RequestItems={self.name: dict(Keys=keys)})


if __name__ == "__main__":
    unittest.main()
