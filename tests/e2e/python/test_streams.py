"""boto3's clients of DynamoDB and of DynamoDB Streams: streams of tables, their shards and their records."""

import datetime
import itertools
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from support import EVERYTHING, ON_AWS, Case, composite, simple, unique

VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
NO_STREAM = "Requested resource not found: Stream: {} not found"
TOO_LARGE = "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: " \
    "Member must have value less than or equal to {}"
# Items whose records tell a test that it has read all that it made: their sort keys, counted down.
ENDS = itertools.count(-10, -1)


def until(holds):
    """What `holds` answers as soon as it is true."""
    end = time.monotonic() + 60
    while not (answer := holds()):
        assert time.monotonic() < end, "does not become true"
        time.sleep(0.05)
    return answer


def specification(view):
    return dict(StreamEnabled=True, StreamViewType=view)


class Streams(Case):
    """Tests with tables whose items have all one partition key, so that their records are in one order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.streams = boto3.client("dynamodbstreams")
        # The service is to judge what it is sent.
        cls.unchecked = boto3.client("dynamodbstreams", config=Config(parameter_validation=False))

    @classmethod
    def with_stream(cls, name, view="NEW_AND_OLD_IMAGES", schema=None):
        """A table with a stream: its name, and the stream's ARN."""
        schema = schema or composite("Pk", "Sk", "N")
        name = cls.create(name, schema | dict(StreamSpecification=specification(view)))
        return name, cls.arn(name)

    def refused(self, error, call, *args, **kwargs):
        """The exceptions of the two clients have nothing in common but their codes."""
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.response["Error"]["Code"], error)
        return caught.exception

    @classmethod
    def described(cls, name):
        return cls.client.describe_table(TableName=name)["Table"]

    @classmethod
    def arn(cls, name):
        return cls.described(name)["LatestStreamArn"]

    def update(self, name, **stream):
        """Changes the stream of a table; gives the description that is answered at once."""
        reply = self.client.update_table(TableName=name, StreamSpecification=stream)["TableDescription"]
        until(lambda: self.described(name)["TableStatus"] == "ACTIVE")
        return reply

    def description(self, arn, **more):
        return self.streams.describe_stream(StreamArn=arn, **more)["StreamDescription"]

    def shards(self, arn, **more):
        """All shards of a stream, page by page."""
        page = self.description(arn, **more)
        found = page["Shards"]
        while last := page.get("LastEvaluatedShardId"):
            page = self.description(arn, ExclusiveStartShardId=last, **more)
            found += page["Shards"]
        return found

    def iterator(self, arn, shard, kind="TRIM_HORIZON", **more):
        reply = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)
        return reply["ShardIterator"]

    def page(self, iterator, **more):
        """Records, and the next iterator or None."""
        reply = self.streams.get_records(ShardIterator=iterator, **more)
        return reply["Records"], reply.get("NextShardIterator")

    def read(self, iterator, wanted, **more):
        """Reads on from an iterator until there are so many records: those, and the iterator behind them."""
        found = []

        def enough():
            nonlocal iterator
            records, iterator = self.page(iterator, **more)
            found.extend(records)
            return len(found) >= wanted or iterator is None

        until(enough)
        return found, iterator

    def shard(self, name, arn):
        """The shard that has the items of this table; writes one."""
        self.put(name, -2)

        def found():
            for shard in self.shards(arn):
                records, _ = self.page(self.iterator(arn, shard["ShardId"]))
                if records:
                    return shard["ShardId"]
            return None

        return until(found)

    def records(self, name, arn):
        """All records of a stream up to one that is made now, which is left out."""
        end = self.item(next(ENDS))
        self.client.put_item(TableName=name, Item=end)
        found = []

        def complete():
            found.clear()
            for shard in self.shards(arn):
                iterator = self.iterator(arn, shard["ShardId"])
                while iterator:
                    records, iterator = self.page(iterator)
                    found.extend(records)
                    if not records:
                        break
            return any(record["dynamodb"]["Keys"] == end for record in found)

        until(complete)
        return [record for record in found if self.sort(record) > -10]

    def sort(self, record):
        return int(record["dynamodb"]["Keys"]["Sk"]["N"])

    def told(self, name, arn):
        """Every record as event, sort key, old and new value."""

        def value(record, image):
            return record["dynamodb"].get(image, {}).get("Value", {}).get("N")

        return [
            (r["eventName"], self.sort(r), value(r, "OldImage"), value(r, "NewImage"))
            for r in self.records(name, arn)
        ]

    def item(self, sort, value=None, **more):
        valued = {} if value is None else {"Value": {"N": str(value)}}
        return {"Pk": {"S": "p"}, "Sk": {"N": str(sort)}} | valued | more

    def put(self, name, sort, value=None, **more):
        self.client.put_item(TableName=name, Item=self.item(sort, value, **more))

    def delete(self, name, sort, **more):
        self.client.delete_item(TableName=name, Key=self.item(sort), **more)


class Specification(Streams):
    """StreamSpecification of CreateTable and UpdateTable, and what DescribeTable tells."""

    def test_a_table_is_made_with_a_stream_of_each_view(self):
        for view in VIEWS:
            with self.subTest(view):
                name = unique("view")
                schema = simple() | dict(StreamSpecification=specification(view))
                made = self.client.create_table(TableName=name, **schema)["TableDescription"]
                self.addCleanup(self.drop, name)
                self.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=dict(Delay=1))
                for table in (made, self.described(name)):
                    self.assertEqual(table["StreamSpecification"], specification(view))
                    label = table["LatestStreamLabel"]
                    self.assertRegex(label, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$")
                    self.assertEqual(table["LatestStreamArn"], f"{table['TableArn']}/stream/{label}")
                stream = self.description(table["LatestStreamArn"])
                self.assertEqual(stream["StreamArn"], table["LatestStreamArn"])
                self.assertEqual(stream["StreamLabel"], label)
                self.assertEqual(stream["StreamStatus"], "ENABLED")
                self.assertEqual(stream["StreamViewType"], view)
                self.assertEqual(stream["TableName"], name)
                self.assertEqual(stream["KeySchema"], schema["KeySchema"])
                age = datetime.datetime.now(datetime.timezone.utc) - stream["CreationRequestDateTime"]
                self.assertLess(abs(age.total_seconds()), 120)
                self.assertGreaterEqual(len(stream["Shards"]), 1)

    def test_a_table_without_a_stream_tells_of_none(self):
        for more in ({}, dict(StreamSpecification=dict(StreamEnabled=False))):
            table = self.described(self.create("none", simple() | more))
            for member in ("StreamSpecification", "LatestStreamArn", "LatestStreamLabel"):
                self.assertNotIn(member, table)

    def test_create_table_judges_the_specification(self):
        for stream, text in [
            (
                dict(StreamEnabled=True),
                "One or more parameter values were invalid: "
                "Table is being created with a stream enabled, UpdateViewType is required",
            ),
            (
                dict(StreamEnabled=True, StreamViewType="BOTH"),
                "1 validation error detected: Value 'BOTH' at 'streamSpecification.streamViewType' failed to satisfy "
                "constraint: Member must satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]",
            ),
        ]:
            told = self.message(
                "ValidationException",
                self.client.create_table,
                TableName=unique("refused"),
                StreamSpecification=stream,
                **simple(),
            )
            self.assertEqual(told, text)

    def test_a_stream_is_enabled_disabled_and_enabled_anew(self):
        name = self.create("switched", composite("Pk", "Sk", "N"))
        self.put(name, 1, 1)
        reply = self.update(name, **specification("NEW_AND_OLD_IMAGES"))
        self.assertEqual(reply["TableStatus"], "UPDATING")
        self.assertEqual(reply["StreamSpecification"], specification("NEW_AND_OLD_IMAGES"))
        first = reply["LatestStreamArn"]
        self.assertEqual(self.arn(name), first)
        self.assertEqual(self.description(first)["StreamStatus"], "ENABLED")
        self.put(name, 1, 2)
        self.assertEqual(self.told(name, first), [("MODIFY", 1, "1", "2")])

        self.update(name, StreamEnabled=False)
        table = self.described(name)
        self.assertNotIn("StreamSpecification", table)
        self.assertEqual(table["LatestStreamArn"], first)
        self.assertEqual(f"{table['TableArn']}/stream/{table['LatestStreamLabel']}", first)
        until(lambda: self.description(first)["StreamStatus"] == "DISABLED")
        self.put(name, 1, 3)

        self.update(name, **specification("KEYS_ONLY"))
        second = self.arn(name)
        self.assertNotEqual(second, first)
        self.put(name, 1, 4)
        self.assertEqual(self.told(name, second), [("MODIFY", 1, None, None)])
        # What was written without a stream, or with the next one, is not in the first.
        self.assertEqual(self.closed(first), [("MODIFY", 1)])
        listed = self.streams.list_streams(TableName=name)["Streams"]
        self.assertEqual({stream["StreamArn"] for stream in listed}, {first, second})

    def closed(self, arn):
        """Events and sort keys of a stream that is over, each shard read to its end."""
        found = []
        for shard in self.shards(arn):
            self.assertIn("EndingSequenceNumber", shard["SequenceNumberRange"])
            iterator = self.iterator(arn, shard["ShardId"])
            while iterator:
                records, iterator = self.page(iterator)
                found += [(r["eventName"], self.sort(r)) for r in records if self.sort(r) > -10]
        return found

    def test_update_table_judges_the_specification(self):
        name = self.create("judged", simple())
        enabled, disabled = specification("NEW_IMAGE"), dict(StreamEnabled=False)

        def refused(stream, text):
            told = self.message(
                "ValidationException", self.client.update_table, TableName=name, StreamSpecification=stream
            )
            self.assertEqual(told.removeprefix("One or more parameter values were invalid: "), text)

        refused(dict(StreamEnabled=True), "If stream is being enabled then UpdateViewType is required")
        refused(
            dict(StreamEnabled=False, StreamViewType="KEYS_ONLY"),
            "If stream is being disabled, then UpdateViewType must not be specified",
        )
        refused(disabled, f"Table has no stream to disable: TableName: {name}")
        self.update(name, **enabled)
        # The view of a stream does not change either.
        for stream in (enabled, specification("OLD_IMAGE")):
            refused(stream, f"Table already has an enabled stream: TableName: {name}")

    def test_a_stream_outlives_its_table(self):
        name, arn = self.with_stream("dropped")
        self.put(name, 1, 1)
        self.records(name, arn)
        self.client.delete_table(TableName=name)
        self.client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=dict(Delay=1))
        until(lambda: self.description(arn)["StreamStatus"] == "DISABLED")
        self.assertEqual(self.closed(arn), [("INSERT", 1)])
        self.assertEqual([s["StreamArn"] for s in self.streams.list_streams(TableName=name)["Streams"]], [arn])


class Description(Streams):
    """ListStreams and DescribeStream."""

    def test_streams_are_listed_page_by_page(self):
        made = {self.with_stream(f"listed-{i}")[1] for i in range(3)}
        found, start = [], {}
        while True:
            page = self.streams.list_streams(Limit=1, **start)
            self.assertLessEqual(len(page["Streams"]), 1)
            found += page["Streams"]
            if "LastEvaluatedStreamArn" not in page:
                break
            start = dict(ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"])
        arns = [stream["StreamArn"] for stream in found]
        self.assertEqual(len(arns), len(set(arns)))
        self.assertLessEqual(made, set(arns))
        for stream in found:
            self.assertTrue(stream["StreamArn"].endswith(f"/{stream['TableName']}/stream/{stream['StreamLabel']}"))

    def test_streams_of_one_table_are_listed(self):
        name, arn = self.with_stream("one")
        label = arn.rpartition("/")[2]
        listed = self.streams.list_streams(TableName=name)
        self.assertEqual(listed["Streams"], [dict(StreamArn=arn, TableName=name, StreamLabel=label)])
        self.assertNotIn("LastEvaluatedStreamArn", listed)
        self.assertEqual(self.streams.list_streams(TableName=unique("missing"))["Streams"], [])

    def test_shards_come_page_by_page(self):
        _, arn = self.with_stream("pages")
        shards = self.shards(arn)
        self.assertEqual(self.shards(arn, Limit=1), shards)
        self.assertEqual(len({shard["ShardId"] for shard in shards}), len(shards))
        for shard in shards:
            self.assertIn(len(shard["ShardId"]), range(28, 66))
            self.assertRegex(shard["SequenceNumberRange"]["StartingSequenceNumber"], r"^\d{21,40}$")
            self.assertNotIn("EndingSequenceNumber", shard["SequenceNumberRange"])
            self.assertNotIn("ParentShardId", shard)
        self.assertEqual(self.description(arn, ExclusiveStartShardId=shards[-1]["ShardId"])["Shards"], [])

    def test_an_open_shard_has_no_children(self):
        _, arn = self.with_stream("childless")
        shard = self.shards(arn)[0]["ShardId"]
        children = self.description(arn, ShardFilter=dict(Type="CHILD_SHARDS", ShardId=shard))
        self.assertEqual(children["Shards"], [])
        self.assertEqual(children["StreamStatus"], "ENABLED")

    def test_faults_of_requests(self):
        _, arn = self.with_stream("faults")
        missing = arn.rpartition("/")[0] + "/2020-01-01T00:00:00.000"
        for error, text, call, request in [
            ("ValidationException", TOO_LARGE.format(101, 100), self.streams.list_streams, dict(Limit=101)),
            (
                "ValidationException",
                TOO_LARGE.format(101, 100),
                self.streams.describe_stream,
                dict(StreamArn=arn, Limit=101),
            ),
            ("ValidationException", "Invalid StreamArn", self.streams.describe_stream, dict(StreamArn="x" * 40)),
            ("ValidationException", "Invalid StreamArn", self.unchecked.describe_stream, dict(StreamArn="x")),
            (
                "ValidationException",
                "Invalid StreamArn",
                self.streams.describe_stream,
                dict(StreamArn=arn.rpartition("/stream")[0]),
            ),
            (
                "ResourceNotFoundException",
                NO_STREAM.format(missing),
                self.streams.describe_stream,
                dict(StreamArn=missing),
            ),
        ]:
            with self.subTest(text):
                self.assertEqual(self.message(error, call, **request), text)
        self.refused("ValidationException", self.unchecked.describe_stream)
        self.refused("ValidationException", self.unchecked.list_streams, Limit=0)


class Records(Streams):
    """What a record has, and what makes one."""

    def test_each_view_shows_its_images(self):
        old, new = self.item(1, 1, Note={"S": "old"}), self.item(1, 2, Note={"S": "new"})
        for view in VIEWS:
            with self.subTest(view):
                name, arn = self.with_stream("view", view)
                self.client.put_item(TableName=name, Item=old)
                self.client.put_item(TableName=name, Item=new)
                self.delete(name, 1)
                shown = [
                    (r["eventName"], r["dynamodb"].get("OldImage"), r["dynamodb"].get("NewImage"))
                    for r in self.records(name, arn)
                ]
                before = (lambda image: image) if "OLD" in view else lambda image: None
                after = (lambda image: image) if "NEW" in view else lambda image: None
                self.assertEqual(
                    shown,
                    [
                        ("INSERT", None, after(old)),
                        ("MODIFY", before(old), after(new)),
                        ("REMOVE", before(new), None),
                    ],
                )

    def test_members_of_a_record(self):
        name, arn = self.with_stream("members")
        self.put(name, 1, 1)
        self.put(name, 1, 22)
        self.delete(name, 1)
        records = self.records(name, arn)
        now = datetime.datetime.now(datetime.timezone.utc)
        for record in records:
            self.assertEqual(
                set(record), {"eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb"}
            )
            self.assertEqual(record["eventSource"], "aws:dynamodb")
            self.assertEqual(record["eventVersion"], "1.1")
            self.assertEqual(record["awsRegion"], self.client.meta.region_name)
            change = record["dynamodb"]
            self.assertEqual(change["Keys"], self.item(1))
            self.assertEqual(change["StreamViewType"], "NEW_AND_OLD_IMAGES")
            created = change["ApproximateCreationDateTime"]
            self.assertEqual(created.microsecond, 0)
            self.assertLess(abs((now - created).total_seconds()), 120)
            self.assertRegex(change["SequenceNumber"], r"^\d{21,40}$")
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(len({record["eventID"] for record in records}), 3)
        # Names and values: the key is "Pk" "p" "Sk" 1, an image has "Value" 1 or 22 besides.
        key, image = 3 + 4, 3 + 4 + 7
        sizes = [record["dynamodb"]["SizeBytes"] for record in records]
        self.assertEqual(sizes, [key + image, key + 2 * image, key + image])

    def test_a_write_that_changes_nothing_makes_no_record(self):
        name, arn = self.with_stream("unchanged")
        self.put(name, 1, 1)
        self.put(name, 1, 1)
        self.client.update_item(
            TableName=name,
            Key=self.item(1),
            UpdateExpression="SET #v = :v",
            ExpressionAttributeNames={"#v": "Value"},
            ExpressionAttributeValues={":v": {"N": "1.0"}},
        )
        self.client.update_item(TableName=name, Key=self.item(1))
        self.delete(name, 2)
        self.refused(
            "ConditionalCheckFailedException",
            self.client.put_item,
            TableName=name,
            Item=self.item(1, 2),
            ConditionExpression="attribute_not_exists(Pk)",
        )
        self.assertEqual(self.told(name, arn), [("INSERT", 1, None, "1")])

    def test_values_of_every_type_come_through(self):
        name, arn = self.with_stream("types")
        self.put(name, 1, **EVERYTHING)
        self.delete(name, 1)
        inserted, removed = self.records(name, arn)
        for image in (inserted["dynamodb"]["NewImage"], removed["dynamodb"]["OldImage"]):
            image = {n: {k: sorted(v) if k in ("SS", "NS", "BS") else v for k, v in value.items()}
                     for n, value in image.items()}
            self.assertEqual(image, self.item(1) | EVERYTHING)

    def test_every_way_of_writing_makes_records(self):
        name, arn = self.with_stream("ways")
        key = '"Pk" = \'p\' AND "Sk" ='
        self.client.update_item(
            TableName=name,
            Key=self.item(1),
            UpdateExpression="ADD #v :v",
            ExpressionAttributeNames={"#v": "Value"},
            ExpressionAttributeValues={":v": {"N": "5"}},
        )
        self.client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": self.item(2, 1)}}]})
        self.client.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": self.item(2)}}]})
        for statement in (
            f"INSERT INTO \"{name}\" VALUE {{'Pk': 'p', 'Sk': 3, 'Value': 1}}",
            f'UPDATE "{name}" SET "Value" = 2 WHERE {key} 3',
            f'DELETE FROM "{name}" WHERE {key} 3',
        ):
            self.client.execute_statement(Statement=statement)
        self.client.batch_execute_statement(
            Statements=[dict(Statement=f"INSERT INTO \"{name}\" VALUE {{'Pk': 'p', 'Sk': 4, 'Value': 1}}")]
        )
        self.client.execute_transaction(
            TransactStatements=[dict(Statement=f'UPDATE "{name}" SET "Value" = 2 WHERE {key} 4')]
        )
        self.assertEqual(
            self.told(name, arn),
            [
                ("INSERT", 1, None, "5"),
                ("INSERT", 2, None, "1"),
                ("REMOVE", 2, "1", None),
                ("INSERT", 3, None, "1"),
                ("MODIFY", 3, "1", "2"),
                ("REMOVE", 3, "2", None),
                ("INSERT", 4, None, "1"),
                ("MODIFY", 4, "1", "2"),
            ],
        )

    def test_a_batch_makes_a_record_for_each_item(self):
        name, arn = self.with_stream("batch")
        requests = [{"PutRequest": {"Item": self.item(i, i)}} for i in range(25)]
        self.client.batch_write_item(RequestItems={name: requests})
        told = self.told(name, arn)
        self.assertEqual(sorted(told), sorted(("INSERT", i, None, str(i)) for i in range(25)))

    def test_a_transaction_is_in_the_streams_of_its_tables(self):
        name, arn = self.with_stream("transaction")
        other, other_arn = self.with_stream("transaction-other")
        self.put(name, 2, 1)
        self.put(name, 3, 1)

        def transact(*more):
            self.client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": name, "Item": self.item(1, 1)}},
                    {
                        "Update": {
                            "TableName": name,
                            "Key": self.item(2),
                            "UpdateExpression": "SET #v = :v",
                            "ExpressionAttributeNames": {"#v": "Value"},
                            "ExpressionAttributeValues": {":v": {"N": "2"}},
                        }
                    },
                    {"Delete": {"TableName": name, "Key": self.item(3)}},
                    {"Put": {"TableName": other, "Item": self.item(1, 1)}},
                    *more,
                ]
            )

        check = {
            "TableName": other,
            "Key": self.item(9),
            "ConditionExpression": "attribute_exists(Pk)",
        }
        self.refused("TransactionCanceledException", transact, {"ConditionCheck": check})
        transact()
        told = self.told(name, arn)
        self.assertEqual(told[:2], [("INSERT", 2, None, "1"), ("INSERT", 3, None, "1")])
        self.assertEqual(
            sorted(told[2:]), [("INSERT", 1, None, "1"), ("MODIFY", 2, "1", "2"), ("REMOVE", 3, "1", None)]
        )
        self.assertEqual(self.told(other, other_arn), [("INSERT", 1, None, "1")])

    def test_what_expires_names_the_service(self):
        if ON_AWS:
            return
        name, arn = self.with_stream("expired")
        self.client.update_time_to_live(
            TableName=name, TimeToLiveSpecification=dict(Enabled=True, AttributeName="Until")
        )
        self.put(name, 1, Until={"N": str(int(time.time()) - 60)})
        self.put(name, 2)
        until(lambda: self.client.scan(TableName=name, ConsistentRead=True)["Count"] == 1)
        self.delete(name, 2)
        removed = {
            self.sort(r): r.get("userIdentity")
            for r in self.records(name, arn)
            if r["eventName"] == "REMOVE"
        }
        service = dict(PrincipalId="dynamodb.amazonaws.com", Type="Service")
        self.assertEqual(removed, {1: service, 2: None})


class Reading(Streams):
    """GetShardIterator and GetRecords."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name, cls.stream = cls.with_stream("read")

    def written(self, count):
        """Writes `count` items; gives their shard, and their records."""
        shard = self.shard(self.name, self.stream)
        first = self.iterator(self.stream, shard, "LATEST")
        for value in range(count):
            self.put(self.name, value, time.time_ns())
        records, _ = self.read(first, count)
        self.assertEqual([self.sort(r) for r in records], list(range(count)))
        return shard, records

    def numbers(self, records):
        return [record["dynamodb"]["SequenceNumber"] for record in records]

    def test_trim_horizon_is_the_first_record(self):
        shard, records = self.written(2)
        found, _ = self.page(self.iterator(self.stream, shard))
        self.assertEqual(self.sort(found[0]), -2)
        self.assertEqual(self.numbers(found)[-2:], self.numbers(records))

    def test_latest_is_behind_what_was_written(self):
        shard, records = self.written(2)
        latest = self.iterator(self.stream, shard, "LATEST")
        found, following = self.page(latest)
        self.assertEqual(found, [])
        self.put(self.name, 7, time.time_ns())
        for iterator in (latest, following):
            found, _ = self.read(iterator, 1)
            self.assertEqual([self.sort(r) for r in found], [7])

    def test_iterators_at_and_after_a_sequence_number(self):
        shard, records = self.written(4)
        numbers = self.numbers(records)
        for at, number in enumerate(numbers):
            for kind, wanted in (("AT_SEQUENCE_NUMBER", numbers[at:]), ("AFTER_SEQUENCE_NUMBER", numbers[at + 1 :])):
                iterator = self.iterator(self.stream, shard, kind, SequenceNumber=number)
                found, _ = self.read(iterator, len(wanted))
                self.assertEqual(self.numbers(found), wanted)

    def test_iterators_at_a_time(self):
        shard, records = self.written(1)
        first, _ = self.page(self.iterator(self.stream, shard))
        hour = datetime.timedelta(hours=1)
        created = records[0]["dynamodb"]["ApproximateCreationDateTime"]
        found, _ = self.page(self.iterator(self.stream, shard, "AT_TIMESTAMP", Timestamp=created - hour))
        self.assertEqual(self.numbers(found), self.numbers(first))
        found, _ = self.page(self.iterator(self.stream, shard, "AT_TIMESTAMP", Timestamp=created))
        self.assertIn(self.numbers(records)[0], self.numbers(found))
        self.refused(
            "ValidationException",
            self.iterator,
            self.stream,
            shard,
            "AT_TIMESTAMP",
            Timestamp=datetime.datetime.now(datetime.timezone.utc) + hour,
        )

    def test_limit_and_the_next_iterator(self):
        shard, records = self.written(5)
        iterator = self.iterator(self.stream, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=self.numbers(records)[0])
        found = []
        for _ in range(3):
            page, iterator = self.page(iterator, Limit=2)
            found.append(self.numbers(page))
        numbers = self.numbers(records)
        self.assertEqual(found, [numbers[:2], numbers[2:4], numbers[4:]])
        self.assertEqual(self.page(iterator)[0], [])

    def test_an_iterator_may_be_used_again(self):
        shard, records = self.written(3)
        iterator = self.iterator(self.stream, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=self.numbers(records)[0])
        first, second = self.page(iterator)[0], self.page(iterator)[0]
        self.assertEqual(first, second)
        self.assertEqual(first, records)

    def test_a_page_has_a_megabyte(self):
        name, arn = self.with_stream("large")
        shard = self.shard(name, arn)
        iterator = self.iterator(arn, shard, "LATEST")
        for sort in range(1, 4):
            self.put(name, sort, Note={"S": "x" * 300_000})
            self.put(name, sort, Note={"S": "y" * 300_000})
        sizes = []
        while sum(map(len, sizes)) < 6:
            page, iterator = self.page(iterator)
            sizes.append([record["dynamodb"]["SizeBytes"] for record in page])
        for page in sizes:
            self.assertLessEqual(sum(page), 1 << 20)
        self.assertEqual(sorted(sum(sizes, [])), 3 * [300_018] + 3 * [600_029])

    def test_iterators_that_are_refused(self):
        shard, records = self.written(1)
        number = self.numbers(records)[0]
        hour = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
        for kind, more in [
            ("AT_SEQUENCE_NUMBER", {}),
            ("AFTER_SEQUENCE_NUMBER", {}),
            ("AT_TIMESTAMP", {}),
            ("TRIM_HORIZON", dict(SequenceNumber=number)),
            ("LATEST", dict(SequenceNumber=number)),
            ("LATEST", dict(Timestamp=hour)),
            ("AT_SEQUENCE_NUMBER", dict(SequenceNumber="9" * 38)),
            ("FIRST", {}),
        ]:
            with self.subTest(kind, **more):
                self.refused("ValidationException", self.iterator, self.stream, shard, kind, **more)
        self.refused("ValidationException", self.unchecked.get_shard_iterator, StreamArn=self.stream)
        missing = "shardId-00000000000000000001-00000001"
        told = self.refused("ResourceNotFoundException", self.iterator, self.stream, missing)
        self.assertIn("Requested resource not found", told.response["Error"]["Message"])
        # A shard of another stream is none of this one's.
        _, other = self.with_stream("others")
        self.refused("ResourceNotFoundException", self.iterator, other, shard)
        gone = self.stream.rpartition("/")[0] + "/2020-01-01T00:00:00.000"
        told = self.message("ResourceNotFoundException", self.iterator, gone, shard)
        self.assertEqual(told, NO_STREAM.format(gone))

    def test_get_records_judges_its_request(self):
        shard, _ = self.written(1)
        iterator = self.iterator(self.stream, shard)
        told = self.message("ValidationException", self.page, iterator, Limit=1001)
        self.assertEqual(told, TOO_LARGE.format(1001, 1000))
        for wrong in ("x", iterator[:-4] + "AAAA", iterator.replace(self.name, self.name[::-1]), iterator + "A"):
            told = self.message("ValidationException", self.page, wrong)
            self.assertEqual(told, "Invalid ShardIterator")

    def test_a_disabled_stream_is_read_to_its_end(self):
        name, arn = self.with_stream("over")
        shard = self.shard(name, arn)
        before = self.iterator(arn, shard, "LATEST")
        self.put(name, 1, 1)
        self.update(name, StreamEnabled=False)
        until(lambda: self.description(arn)["StreamStatus"] == "DISABLED")
        self.put(name, 1, 2)
        found, after = self.read(before, 2)
        self.assertEqual([r["dynamodb"]["NewImage"] for r in found], [self.item(1, 1)])
        self.assertIsNone(after)
        for kind, wanted in (("TRIM_HORIZON", 2), ("LATEST", 0)):
            found, after = self.page(self.iterator(arn, shard, kind))
            self.assertEqual((len(found), after), (wanted, None))
