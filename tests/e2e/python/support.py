"""What the Python suites share: the target, tables that end with their tests, and known divergences.

The clients find the target in the environment, as every program does: AWS_ENDPOINT_URL_DYNAMODB and the
credentials. Without that variable they talk to AWS, and the same tests hold there.
"""

import os
import secrets
import unittest

import boto3

ON_AWS = "AWS_ENDPOINT_URL_DYNAMODB" not in os.environ

# One attribute of every type.
EVERYTHING = {
    "String": {"S": "žluťoučký kůň 🐎"},
    "Number": {"N": "-12.5"},
    "Binary": {"B": bytes(range(256))},
    "True": {"BOOL": True},
    "False": {"BOOL": False},
    "Null": {"NULL": True},
    "List": {"L": [{"S": "one"}, {"N": "2"}, {"L": []}]},
    "Map": {"M": {"inner": {"M": {"deep": {"BOOL": True}}}, "empty": {"M": {}}}},
    "Strings": {"SS": ["a", "b"]},
    "Numbers": {"NS": ["1", "2.5"]},
    "Binaries": {"BS": [b"\x00", b"\xff"]},
    "EmptyString": {"S": ""},
    "EmptyBinary": {"B": b""},
    "With Space.and-dots": {"S": "a name of any kind"},
}


def differs(*, aws, here, why):
    """A known divergence: what AWS answers, what this endpoint answers, and the reason."""
    assert why
    return aws if ON_AWS else here


def unique(name):
    """A table name that no other run uses."""
    return f"e2e-{secrets.token_hex(4)}-{name}"


def simple(key="Id", kind="S"):
    """CreateTable's members for a table with a partition key only."""
    return dict(
        AttributeDefinitions=[dict(AttributeName=key, AttributeType=kind)],
        KeySchema=[dict(AttributeName=key, KeyType="HASH")],
        BillingMode="PAY_PER_REQUEST",
    )


def composite(partition, sort, sort_kind="S", **more):
    """CreateTable's members for a table with a sort key; `more` adds to them."""
    schema = dict(
        AttributeDefinitions=[
            dict(AttributeName=partition, AttributeType="S"),
            dict(AttributeName=sort, AttributeType=sort_kind),
            *more.pop("AttributeDefinitions", []),
        ],
        KeySchema=key_schema(partition, sort),
        BillingMode="PAY_PER_REQUEST",
    )
    return schema | more


def key_schema(partition, sort=None):
    keys = [dict(AttributeName=partition, KeyType="HASH")]
    return keys + ([dict(AttributeName=sort, KeyType="RANGE")] if sort else [])


def index(name, partition, sort=None, projection="ALL", **more):
    """A secondary index as CreateTable takes it."""
    return dict(
        IndexName=name,
        KeySchema=key_schema(partition, sort),
        Projection=dict(ProjectionType=projection, **more),
    )


def orders():
    """CreateTable's members for orders of customers, by total in a local index; those that are open in a sparse one."""
    return composite(
        "Customer",
        "Number",
        "N",
        AttributeDefinitions=[
            dict(AttributeName="Open", AttributeType="S"),
            dict(AttributeName="Total", AttributeType="N"),
        ],
        GlobalSecondaryIndexes=[index("ByOpen", "Open", "Total", "INCLUDE", NonKeyAttributes=["Note"])],
        LocalSecondaryIndexes=[index("ByTotal", "Customer", "Total", "KEYS_ONLY")],
    )


class Case(unittest.TestCase):
    """A test with a client, and an assertion for DynamoDB's errors."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = boto3.client("dynamodb")

    @classmethod
    def create(cls, name, schema):
        """A table that is dropped when the class is done."""
        name = unique(name)
        cls.client.create_table(TableName=name, **schema)
        cls.addClassCleanup(cls.drop, name)
        cls.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=dict(Delay=1, MaxAttempts=120))
        return name

    @classmethod
    def drop(cls, name):
        try:
            cls.client.delete_table(TableName=name)
        except cls.client.exceptions.ResourceNotFoundException:
            pass

    def refused(self, error, call, *args, **kwargs):
        """Runs a call that must fail with the error class of this name; gives the exception."""
        kind = getattr(self.client.exceptions, error, None) or self.client.exceptions.ClientError
        with self.assertRaises(kind) as caught:
            call(*args, **kwargs)
        failure = caught.exception
        self.assertEqual(failure.response["Error"]["Code"], error)
        return failure

    def message(self, error, call, *args, **kwargs):
        return self.refused(error, call, *args, **kwargs).response["Error"]["Message"]


class TableCase(Case):
    """A test class with one table, described by `schema`; each test uses keys of its own."""

    schema = simple()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.name = cls.create(cls.__name__, cls.schema)
