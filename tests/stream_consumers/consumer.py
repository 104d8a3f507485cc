"""What the consumers in Python share: the stream of a table, its shards, and what they note of a record."""

import json

import boto3


def stream_of(streams, table):
    found = streams.list_streams(TableName=table)["Streams"]
    assert len(found) == 1, found
    return found[0]["StreamArn"]


def describe(streams, arn, limit=100, **more):
    """Status and shards of a stream, from all pages; the status is that of the first page."""
    status, shards, start = None, [], {}
    while True:
        page = streams.describe_stream(StreamArn=arn, Limit=limit, **start, **more)["StreamDescription"]
        status = status or page["StreamStatus"]
        shards += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            return status, shards
        start = dict(ExclusiveStartShardId=page["LastEvaluatedShardId"])


def client():
    return boto3.client("dynamodbstreams")


class Notes:
    """A file of what was read, in the order in which it was read: one line for each record."""

    def __init__(self, file):
        self.out = open(file, "w")
        self.count = 0

    def add(self, shard, records):
        for record in records:
            change = record["dynamodb"]
            keys = change["Keys"]
            self.count += 1
            line = [
                shard,
                change["SequenceNumber"],
                record["eventID"],
                record["eventName"],
                f"{keys['pk']['S']}/{keys['sk']['N']}",
                version(change.get("OldImage")),
                version(change.get("NewImage")),
            ]
            self.out.write(json.dumps(line) + "\n")

    def close(self):
        self.out.close()


def version(image):
    return int(image["v"]["N"]) if image else None
