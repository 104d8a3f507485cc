"""boto3's client: resource policies and Contributor Insights."""

import json
import time
import unittest

from support import Case, TableCase, composite, differs, index, simple, unique


class Policies(TableCase):
    def setUp(self):
        self.arn = self.client.describe_table(TableName=self.name)["Table"]["TableArn"]
        self.account = self.arn.split(":")[4]

    def policy(self, action="dynamodb:GetItem", **more):
        statement = dict(Effect="Allow", Principal=dict(AWS=self.account), Action=action, Resource=self.arn) | more
        return json.dumps(dict(Version="2012-10-17", Statement=[statement]))

    def put(self, policy, **more):
        return self.client.put_resource_policy(ResourceArn=self.arn, Policy=policy, **more)["RevisionId"]

    def settled(self, revision):
        """The policy, once reads see the write."""
        for _ in range(60):
            try:
                found = self.client.get_resource_policy(ResourceArn=self.arn)
                if found["RevisionId"] == revision:
                    return found["Policy"]
            except self.client.exceptions.PolicyNotFoundException:
                pass
            time.sleep(0.5)
        self.fail("the policy did not appear")

    def test_a_policy_is_put_replaced_and_deleted(self):
        message = self.message("PolicyNotFoundException", self.client.get_resource_policy, ResourceArn=self.arn)
        self.assertEqual(message, f"Resource-based policy not found for the provided ResourceArn: {self.arn}")
        first = self.put(self.policy(), ExpectedRevisionId="NO_POLICY")
        root = self.arn.split(":")[1]
        self.assertEqual(
            json.loads(self.settled(first)),
            dict(
                Version="2012-10-17",
                Statement=[
                    dict(
                        Effect="Allow",
                        Principal=dict(AWS=f"arn:{root}:iam::{self.account}:root"),
                        Action="dynamodb:GetItem",
                        Resource=self.arn,
                    )
                ],
            ),
        )
        self.assertEqual(self.put(self.policy()), first)
        time.sleep(differs(aws=16, here=0, why="AWS takes one change of a policy in fifteen seconds"))
        message = self.message(
            "PolicyNotFoundException",
            self.client.put_resource_policy,
            ResourceArn=self.arn,
            Policy=self.policy("dynamodb:Scan"),
            ExpectedRevisionId="NO_POLICY",
        )
        self.assertEqual(
            message,
            "Resource-based policy not found for the provided ResourceArn: Requested policy update expecting none to be "
            f"present for table {self.name}, but a policy exists with revision id {first}.",
        )
        second = self.put(self.policy("dynamodb:Scan"), ExpectedRevisionId=first)
        self.assertGreater(int(second), int(first))
        self.settled(second)
        time.sleep(differs(aws=16, here=0, why="as above"))
        message = self.message(
            "PolicyNotFoundException",
            self.client.delete_resource_policy,
            ResourceArn=self.arn,
            ExpectedRevisionId=first,
        )
        self.assertEqual(
            message,
            f"Resource-based policy not found for the provided ResourceArn: Requested update for policy with revision id "
            f"{first}, but the policy associated to target table {self.name} has revision id {second}.",
        )
        deleted = self.client.delete_resource_policy(ResourceArn=self.arn, ExpectedRevisionId=second)
        self.assertEqual(deleted["RevisionId"], second)

    def test_documents_that_are_no_policy_are_refused(self):
        invalid = "One or more parameter values were invalid: "
        for policy, message in [
            ("{not json", "Invalid policy document: This policy contains invalid Json"),
            (" " * 20481, "Maximum policy size of 20480 bytes exceeded"),
            (
                self.policy("dynamodb:GetRecords"),
                'Invalid policy document: The following action names are invalid: "dynamodb:GetRecords"',
            ),
            (
                self.policy(Principal=dict(AWS=f"arn:aws:iam::{self.account}:role/{unique('nobody')}")),
                "Invalid principal in policy document.",
            ),
        ]:
            self.assertEqual(
                self.message(
                    "ValidationException", self.client.put_resource_policy, ResourceArn=self.arn, Policy=policy
                ),
                invalid + message,
            )
        self.refused(
            "ValidationException", self.client.put_resource_policy, ResourceArn=self.arn, Policy=self.policy(Principal="*")
        )

    def test_resources_are_tables_of_this_account(self):
        missing = self.arn + "x"
        message = self.message("ResourceNotFoundException", self.client.get_resource_policy, ResourceArn=missing)
        self.assertEqual(message, f"Requested resource not found: Table: {self.name}x not found")
        stream = f"{self.arn}/stream/2000-01-01T00:00:00.000"
        message = self.message("ResourceNotFoundException", self.client.get_resource_policy, ResourceArn=stream)
        self.assertEqual(
            message,
            f"Requested resource not found: Stream: 2000-01-01T00:00:00.000 not found for Table: {self.name}",
        )
        self.refused("ValidationException", self.client.get_resource_policy, ResourceArn=self.name)

    def test_a_table_is_created_with_its_policy(self):
        name = unique("governed")
        self.addCleanup(self.drop, name)
        policy = self.policy(Resource="*")
        self.client.create_table(TableName=name, ResourcePolicy=policy, **simple())
        self.client.get_waiter("table_exists").wait(TableName=name)
        arn = self.arn.rsplit("/", 1)[0] + "/" + name
        found = json.loads(self.client.get_resource_policy(ResourceArn=arn)["Policy"])
        self.assertEqual(found["Statement"][0]["Action"], "dynamodb:GetItem")


class Insights(Case):
    def wait_for(self, status, **of):
        for _ in range(120):
            found = self.client.describe_contributor_insights(**of)
            if found["ContributorInsightsStatus"] == status:
                return found
            time.sleep(0.5)
        self.fail(f"not {status}")

    def everywhere(self):
        """What is enabled in the whole account, through all pages."""
        found, more = [], {}
        while True:
            page = self.client.list_contributor_insights(MaxResults=1, **more)
            found += [(s["TableName"], s.get("IndexName")) for s in page["ContributorInsightsSummaries"]]
            if "NextToken" not in page:
                return found
            more = dict(NextToken=page["NextToken"])

    def test_contributor_insights_of_a_table_and_an_index(self):
        schema = composite(
            "Artist",
            "Song",
            AttributeDefinitions=[dict(AttributeName=n, AttributeType="S") for n in ("Genre",)],
            GlobalSecondaryIndexes=[index("ByGenre", "Genre")],
        )
        name = self.create("insights", schema)
        of_table, of_index = dict(TableName=name), dict(TableName=name, IndexName="ByGenre")
        fresh = self.client.describe_contributor_insights(**of_table)
        self.assertEqual(fresh["ContributorInsightsStatus"], "DISABLED")
        listed = self.client.list_contributor_insights(TableName=name)
        self.assertEqual(listed["ContributorInsightsSummaries"], [])

        enabled = self.client.update_contributor_insights(ContributorInsightsAction="ENABLE", **of_table)
        self.assertEqual(enabled["ContributorInsightsStatus"], "ENABLING")
        found = self.wait_for("ENABLED", **of_table)
        kinds = sorted(rule.split("-")[1] for rule in found["ContributorInsightsRuleList"])
        self.assertEqual(kinds, ["PKC", "PKT", "SKC", "SKT"])
        self.assertEqual(found["ContributorInsightsMode"], "ACCESSED_AND_THROTTLED_KEYS")
        self.client.update_contributor_insights(
            ContributorInsightsAction="ENABLE", ContributorInsightsMode="THROTTLED_KEYS", **of_index
        )
        found = self.wait_for("ENABLED", **of_index)
        self.assertEqual([rule.split("-")[1] for rule in found["ContributorInsightsRuleList"]], ["PKT"])
        listed = self.client.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"]
        self.assertEqual([s.get("IndexName") for s in listed], [None, "ByGenre"])
        self.assertEqual([of for of in self.everywhere() if of[0] == name], [(name, None), (name, "ByGenre")])

        self.client.update_contributor_insights(ContributorInsightsAction="DISABLE", **of_table)
        self.wait_for("DISABLED", **of_table)
        listed = self.client.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"]
        self.assertEqual([s.get("IndexName") for s in listed], ["ByGenre"])

    def test_what_does_not_exist_has_no_insights(self):
        name = self.create("no-insights", simple())
        message = self.message(
            "ResourceNotFoundException",
            self.client.describe_contributor_insights,
            TableName=name,
            IndexName="Nothing",
        )
        self.assertEqual(message, f"Requested resource not found: Index: Nothing not found for table: {name}")
        missing = unique("missing")
        for call in (self.client.describe_contributor_insights, self.client.list_contributor_insights):
            message = self.message("ResourceNotFoundException", call, TableName=missing)
            self.assertEqual(message, f"Requested resource not found: Table: {missing} not found")


if __name__ == "__main__":
    unittest.main()
