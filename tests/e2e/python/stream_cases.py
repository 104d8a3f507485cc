"""What the tests of streams share: a client of DynamoDB Streams, tables with a stream, its records from the beginning."""

import itertools
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from support import Case, composite

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
