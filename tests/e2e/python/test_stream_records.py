"""boto3's client of DynamoDB Streams: iterators, and the records that they read."""

import datetime
import time

from stream_cases import NO_STREAM, TOO_LARGE, VIEWS, Streams, until
from support import EVERYTHING, ON_AWS


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
