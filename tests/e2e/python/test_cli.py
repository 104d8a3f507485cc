"""The AWS CLI: the commands that books and guides begin with, typed as they are printed there."""

import json
import os
import shutil
import subprocess
import sys
import time
import unittest

from support import differs, unique

AWS = shutil.which("aws", path=os.path.dirname(sys.executable))


def aws(command, *words, service="dynamodb"):
    """`aws SERVICE COMMAND WORDS...`: what it printed, as JSON; an exit status other than 0 raises."""
    done = subprocess.run([AWS, service, *command.split(), *words], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(done.returncode, done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else None


class Failed(Exception):
    def __init__(self, status, message):
        super().__init__(f"exit status {status}: {message}")
        self.status, self.message = status, message


class Cli(unittest.TestCase):
    maxDiff = None

    @classmethod
    def table(cls, name, *words):
        name = unique(name)
        made = aws("create-table --table-name", name, *" ".join(words).split())
        cls.addClassCleanup(aws, "delete-table --table-name", name)
        aws("wait table-exists --table-name", name)
        return name, made["TableDescription"]


class ShoppingCart(Cli):
    """The first table of a beginner: a partition key, three items."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name, cls.made = cls.table(
            "ShoppingCart",
            "--attribute-definitions AttributeName=ItemName,AttributeType=S",
            "--key-schema AttributeName=ItemName,KeyType=HASH",
            "--provisioned-throughput ReadCapacityUnits=1,WriteCapacityUnits=1",
        )
        for item in ({"ItemName": {"S": "Tie"}}, {"ItemName": {"S": "Apples"}, "Kilos": {"N": "2"}}):
            aws("put-item --table-name", cls.name, "--item", json.dumps(item))

    def test_create_table_prints_the_description(self):
        self.assertEqual(self.made["KeySchema"], [{"AttributeName": "ItemName", "KeyType": "HASH"}])
        self.assertEqual(
            self.made["TableStatus"],
            differs(aws="CREATING", here="ACTIVE", why="a table is there when the call that makes it returns"),
        )
        self.assertEqual(self.made["ProvisionedThroughput"]["ReadCapacityUnits"], 1)

    def test_list_tables_names_it(self):
        self.assertIn(self.name, aws("list-tables")["TableNames"])
        self.assertEqual(len(aws("list-tables --max-items 1")["TableNames"]), 1)

    def test_describe_table(self):
        table = aws("describe-table --table-name", self.name)["Table"]
        self.assertEqual((table["TableName"], table["TableStatus"]), (self.name, "ACTIVE"))
        self.assertEqual(table["AttributeDefinitions"], [{"AttributeName": "ItemName", "AttributeType": "S"}])

    def test_scan_prints_what_was_put(self):
        reply = aws("scan --table-name", self.name)
        self.assertEqual((reply["Count"], reply["ScannedCount"], reply["ConsumedCapacity"]), (2, 2, None))
        self.assertIn({"ItemName": {"S": "Apples"}, "Kilos": {"N": "2"}}, reply["Items"])

    def test_get_item_with_and_without_consistent_read(self):
        for words in ([], ["--consistent-read"], ["--no-consistent-read"]):
            reply = aws("get-item --table-name", self.name, "--key", '{"ItemName": {"S": "Tie"}}', *words)
            self.assertEqual(reply, {"Item": {"ItemName": {"S": "Tie"}}})

    def test_get_item_tells_what_it_consumed(self):
        get = ["get-item --table-name", self.name, "--key", '{"ItemName": {"S": "Tie"}}']
        for words, units in (([], 0.5), (["--consistent-read"], 1.0)):
            reply = aws(*get, "--return-consumed-capacity", "TOTAL", *words)
            self.assertEqual(reply["ConsumedCapacity"], {"TableName": self.name, "CapacityUnits": units})

    def test_get_item_that_is_missing_prints_nothing(self):
        self.assertIsNone(aws("get-item --table-name", self.name, "--key", '{"ItemName": {"S": "Hat"}}'))

    def test_delete_item_is_gone_and_may_be_repeated(self):
        key = '{"ItemName": {"S": "Socks"}}'
        aws("put-item --table-name", self.name, "--item", key)
        reply = aws("delete-item --table-name", self.name, "--key", key, "--return-values", "ALL_OLD")
        self.assertEqual(reply, {"Attributes": {"ItemName": {"S": "Socks"}}})
        self.assertIsNone(aws("delete-item --table-name", self.name, "--key", key))
        self.assertIsNone(aws("get-item --consistent-read --table-name", self.name, "--key", key))

    def test_a_failed_condition_ends_with_a_status_and_its_name(self):
        with self.assertRaises(Failed) as caught:
            aws("put-item --table-name", self.name, "--item", '{"ItemName": {"S": "Tie"}}',
                "--condition-expression", "attribute_not_exists(ItemName)")
        self.assertEqual(caught.exception.status, 255)
        self.assertIn("(ConditionalCheckFailedException) when calling the PutItem operation", caught.exception.message)

    def test_update_item_counts(self):
        reply = aws("update-item --table-name", self.name, "--key", '{"ItemName": {"S": "Pears"}}',
                    "--update-expression", "ADD Kilos :k SET #c = :c",
                    "--expression-attribute-names", '{"#c": "Color"}',
                    "--expression-attribute-values", '{":k": {"N": "1.5"}, ":c": {"S": "green"}}',
                    "--return-values", "ALL_NEW")
        self.assertEqual(
            reply["Attributes"], {"ItemName": {"S": "Pears"}, "Kilos": {"N": "1.5"}, "Color": {"S": "green"}}
        )
        aws("delete-item --table-name", self.name, "--key", '{"ItemName": {"S": "Pears"}}')

    def test_describe_limits(self):
        limits = aws("describe-limits")
        self.assertEqual(
            set(limits),
            {f"{of}Max{kind}CapacityUnits" for of in ("Account", "Table") for kind in ("Read", "Write")},
        )

    def test_a_missing_table_is_told(self):
        with self.assertRaises(Failed) as caught:
            aws("scan --table-name e2e-there-is-none")
        self.assertIn("ResourceNotFoundException", caught.exception.message)


class Books(Cli):
    """The second table: a sort key that is a number, and reads that need one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name, _ = cls.table(
            "Books",
            "--attribute-definitions AttributeName=Title,AttributeType=S AttributeName=PublishYear,AttributeType=N",
            "--key-schema AttributeName=Title,KeyType=HASH AttributeName=PublishYear,KeyType=RANGE",
            "--billing-mode PAY_PER_REQUEST",
        )
        years = (1815, 1990, 2000, 2015)
        writes = [
            {"PutRequest": {"Item": {
                "Title": {"S": "Emma"}, "PublishYear": {"N": str(year)}, "Price": {"N": f"{year / 100:.2f}"},
                "Publisher": {"M": {"City": {"S": "London"}, "Languages": {"L": [{"S": "en"}, {"S": "fr"}]}}},
            }}}
            for year in years
        ]
        reply = aws("batch-write-item --request-items", json.dumps({cls.name: writes}))
        assert reply == {"UnprocessedItems": {}}, reply

    def query(self, condition, values, *words):
        return aws("query --table-name", self.name, "--key-condition-expression", condition,
                   "--expression-attribute-values", json.dumps(values), *words)

    def years(self, reply):
        return [int(item["PublishYear"]["N"]) for item in reply["Items"]]

    def test_a_range_of_years(self):
        values = {":t": {"S": "Emma"}, ":a": {"N": "1980"}, ":b": {"N": "2000"}}
        reply = self.query("Title = :t AND PublishYear BETWEEN :a AND :b", values)
        self.assertEqual(self.years(reply), [1990, 2000])

    def test_the_newest_first(self):
        reply = self.query("Title = :t AND PublishYear > :y", {":t": {"S": "Emma"}, ":y": {"N": "1900"}},
                           "--no-scan-index-forward", "--max-items", "2")
        self.assertEqual(self.years(reply), [2015, 2000])
        self.assertIn("NextToken", reply)

    def test_pages_of_the_service_are_joined(self):
        reply = self.query("Title = :t", {":t": {"S": "Emma"}}, "--page-size", "1")
        self.assertEqual(self.years(reply), [1815, 1990, 2000, 2015])

    def test_a_filter(self):
        reply = self.query("Title = :t", {":t": {"S": "Emma"}, ":p": {"N": "19.95"}},
                           "--filter-expression", "Price > :p")
        self.assertEqual((self.years(reply), reply["ScannedCount"]), ([2000, 2015], 4))

    def test_projections_of_paths(self):
        reply = aws("get-item --table-name", self.name, "--key",
                    '{"Title": {"S": "Emma"}, "PublishYear": {"N": "2000"}}',
                    "--projection-expression", "Price, Publisher.City, Publisher.Languages[1]")
        self.assertEqual(reply["Item"], {
            "Price": {"N": "20"}, "Publisher": {"M": {"City": {"S": "London"}, "Languages": {"L": [{"S": "fr"}]}}},
        })

    def test_a_consistent_scan_of_names_only(self):
        reply = aws("scan --consistent-read --table-name", self.name, "--projection-expression", "#y",
                    "--expression-attribute-names", '{"#y": "PublishYear"}', "--return-consumed-capacity", "TOTAL")
        self.assertEqual(sorted(self.years(reply)), [1815, 1990, 2000, 2015])
        self.assertEqual(reply["ConsumedCapacity"]["CapacityUnits"], 1.0)

    def test_batch_get_item(self):
        keys = [{"Title": {"S": "Emma"}, "PublishYear": {"N": year}} for year in ("1815", "2015", "1")]
        reply = aws("batch-get-item --request-items",
                    json.dumps({self.name: {"Keys": keys, "ProjectionExpression": "PublishYear"}}))
        years = sorted(i["PublishYear"]["N"] for i in reply["Responses"][self.name])
        self.assertEqual((years, reply["UnprocessedKeys"]), (["1815", "2015"], {}))

    def test_a_key_without_its_sort_key_is_refused(self):
        with self.assertRaises(Failed) as caught:
            aws("get-item --table-name", self.name, "--key", '{"Title": {"S": "Emma"}}')
        self.assertIn("The provided key element does not match the schema", caught.exception.message)

    def test_a_table_is_deleted_and_waited_for(self):
        name = unique("Pamphlets")
        aws("create-table --billing-mode PAY_PER_REQUEST --table-name", name,
            "--attribute-definitions", "AttributeName=Id,AttributeType=B",
            "--key-schema", "AttributeName=Id,KeyType=HASH")
        aws("wait table-exists --table-name", name)
        aws("update-table --table-name", name, "--billing-mode", "PROVISIONED",
            "--provisioned-throughput", "ReadCapacityUnits=2,WriteCapacityUnits=2")
        aws("wait table-exists --table-name", name)
        self.assertEqual(aws("delete-table --table-name", name)["TableDescription"]["TableStatus"], "DELETING")
        aws("wait table-not-exists --table-name", name)


class Streams(Cli):
    """A stream, from the table's description to its records."""

    def streams(self, command, *words):
        return aws(command, *words, service="dynamodbstreams")

    def test_a_stream_is_found_and_read(self):
        name, made = self.table(
            "Streamed",
            "--attribute-definitions AttributeName=Id,AttributeType=S",
            "--key-schema AttributeName=Id,KeyType=HASH",
            "--billing-mode PAY_PER_REQUEST",
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE",
        )
        arn = made["LatestStreamArn"]
        self.assertEqual(self.streams("list-streams --table-name", name)["Streams"][0]["StreamArn"], arn)
        described = self.streams("describe-stream --stream-arn", arn)["StreamDescription"]
        self.assertEqual((described["StreamStatus"], described["TableName"]), ("ENABLED", name))
        item = {"Id": {"S": "Tie"}, "Kilos": {"N": "2"}}
        aws("put-item --table-name", name, "--item", json.dumps(item))
        images = []
        end = time.monotonic() + 60
        while not images and time.monotonic() < end:
            for shard in described["Shards"]:
                asked = ["--stream-arn", arn, "--shard-id", shard["ShardId"], "--shard-iterator-type", "TRIM_HORIZON"]
                iterator = self.streams("get-shard-iterator", *asked)["ShardIterator"]
                page = self.streams("get-records --shard-iterator", iterator)
                images += [record["dynamodb"]["NewImage"] for record in page["Records"]]
        self.assertEqual(images, [item])
        with self.assertRaises(Failed) as caught:
            self.streams("get-records --shard-iterator none")
        self.assertIn("(ValidationException)", caught.exception.message)
        self.assertIn("Invalid ShardIterator", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
