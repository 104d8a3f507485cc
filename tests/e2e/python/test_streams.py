"""boto3's clients of DynamoDB and of DynamoDB Streams: streams of tables and their shards."""

import datetime

from stream_cases import NO_STREAM, TOO_LARGE, VIEWS, Streams, specification, until
from support import composite, simple, unique


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
