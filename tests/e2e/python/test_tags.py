"""boto3's client: tags of tables, endpoints."""

import unittest
from urllib.parse import urlsplit

from support import ON_AWS, Case, TableCase, index, simple, unique


def pairs(**tags):
    return [dict(Key=k, Value=v) for k, v in tags.items()]


class Tags(TableCase):
    schema = simple() | dict(
        AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in ("Id", "Other")],
        GlobalSecondaryIndexes=[index("ByOther", "Other")],
        Tags=pairs(team="blue"),
    )

    def setUp(self):
        self.arn = self.client.describe_table(TableName=self.name)["Table"]["TableArn"]

    def tags(self):
        """All tags, through as many pages as there are."""
        pages = self.client.get_paginator("list_tags_of_resource").paginate(ResourceArn=self.arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def wait_for(self, expected):
        import time

        for _ in range(60):
            if self.tags() == expected:
                return
            time.sleep(0.5)
        self.assertEqual(self.tags(), expected)

    def test_tags_are_added_changed_and_removed(self):
        self.wait_for({"team": "blue"})
        self.client.tag_resource(ResourceArn=self.arn, Tags=pairs(team="red", empty=""))
        self.wait_for({"team": "red", "empty": ""})
        self.client.untag_resource(ResourceArn=self.arn, TagKeys=["empty", "never there"])
        self.wait_for({"team": "red"})
        full = {f"key {i}": "v" for i in range(49)}
        self.client.tag_resource(ResourceArn=self.arn, Tags=pairs(**full))
        self.wait_for(full | {"team": "red"})
        message = self.message(
            "ValidationException", self.client.tag_resource, ResourceArn=self.arn, Tags=pairs(more="v")
        )
        self.assertEqual(message, "Number of Tags exceed the current limit for the provided ResourceArn")
        self.client.untag_resource(ResourceArn=self.arn, TagKeys=list(full))
        self.wait_for({"team": "red"})
        self.client.tag_resource(ResourceArn=self.arn, Tags=pairs(team="blue"))
        self.wait_for({"team": "blue"})

    def test_arns_that_name_no_table_are_refused(self):
        tag = lambda arn: (self.client.tag_resource, dict(ResourceArn=arn, Tags=pairs(a="b")))
        for arn, error in [
            ("not-an-arn", "ValidationException"),
            (self.arn + "x", "ResourceNotFoundException"),
            (self.arn + "/index/ByOther", "ValidationException"),
            (self.arn.replace(":dynamodb:", ":s3:"), "AccessDeniedException"),
        ]:
            call, arguments = tag(arn)
            self.refused(error, call, **arguments)
            self.refused(error, self.client.list_tags_of_resource, ResourceArn=arn)
        missing = self.arn.rsplit("/", 1)[0] + "/" + unique("missing")
        message = self.message("ResourceNotFoundException", self.client.list_tags_of_resource, ResourceArn=missing)
        self.assertEqual(message, f"Requested resource not found: ResourceArn: {missing} not found")

    def test_bad_tags_are_refused_as_a_whole(self):
        for tags, message in [
            (pairs(**{"good": "v", "aws:bad": "v"}), "Tag Key cannot be prefixed with aws:, Key: aws:bad"),
            (pairs(**{"good": "v", "bad#": "v"}), "The Tag Key provided is invalid, Key: bad#"),
            (pairs(good="v", bad="100%"), "The Tag Value provided is invalid, Value: 100%"),
            (pairs(dup="a") + pairs(dup="b"), "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup"),
            ([], "Atleast one Tag needs to be provided as Input."),
        ]:
            self.assertEqual(
                self.message("ValidationException", self.client.tag_resource, ResourceArn=self.arn, Tags=tags), message
            )
        self.assertNotIn("good", self.tags())


class Endpoints(Case):
    def test_the_endpoint_is_described(self):
        (endpoint,) = self.client.describe_endpoints()["Endpoints"]
        self.assertGreater(endpoint["CachePeriodInMinutes"], 0)
        if not ON_AWS:
            self.assertEqual(endpoint["Address"], urlsplit(self.client.meta.endpoint_url).netloc)


if __name__ == "__main__":
    unittest.main()
