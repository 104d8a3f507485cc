"""The first stream of a database, over the wire: refused (its slot cannot be made yet) or served."""
import os
import sys
import time

import boto3
from botocore.exceptions import ClientError

endpoint = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
tables = boto3.client("dynamodb", endpoint_url=endpoint)
streams = boto3.client("dynamodbstreams", endpoint_url=endpoint)
NAME = "First"


def code(call, **arguments):
    try:
        call(TableName=NAME, **arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "accepted"


def refused():
    description = tables.create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]
    assert description["TableStatus"] == "CREATING", description
    arn = description["LatestStreamArn"]
    stream = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert stream["StreamStatus"] == "ENABLING" and stream["Shards"] == [], stream
    key = {"pk": {"S": "a"}}
    for call, arguments, expected in [
        (tables.put_item, {"Item": key}, "ResourceNotFoundException"),
        (tables.get_item, {"Key": key}, "ResourceNotFoundException"),
        (tables.delete_table, {}, "ResourceInUseException"),
        (tables.update_table, {"StreamSpecification": {"StreamEnabled": False}}, "ResourceInUseException"),
    ]:
        found = code(call, **arguments)
        assert found == expected, (call, found)


def served():
    tables.get_waiter("table_exists").wait(TableName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    arn = tables.describe_table(TableName=NAME)["Table"]["LatestStreamArn"]
    stream = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert stream["StreamStatus"] == "ENABLED", stream
    tables.put_item(TableName=NAME, Item={"pk": {"S": "a"}})
    keys, end = [], time.monotonic() + 30
    while not keys and time.monotonic() < end:
        # Shards close every second, before the first record, too.
        shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        for shard in shards:
            numbers = shard["SequenceNumberRange"]
            assert numbers["StartingSequenceNumber"] <= numbers.get("EndingSequenceNumber", "9"), numbers
        keys = [record["dynamodb"]["Keys"] for shard in shards for record in records(arn, shard["ShardId"])]
    assert keys == [{"pk": {"S": "a"}}], keys


def records(arn, shard):
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


{"refused": refused, "served": served}[sys.argv[1]]()
