"""boto3's client: operations that are not supported answer with DynamoDB's own errors."""

import unittest

from support import ON_AWS, TableCase, unique


class Unsupported(TableCase):
    def setUp(self):
        self.arn = self.client.describe_table(TableName=self.name)["Table"]["TableArn"]
        self.stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/none"

    def test_lists_are_empty(self):
        self.assertEqual(self.client.list_global_tables()["GlobalTables"], [])
        self.assertEqual(self.client.list_exports(TableArn=self.arn)["ExportSummaries"], [])
        self.assertEqual(self.client.list_imports(TableArn=self.arn)["ImportSummaryList"], [])
        found = self.client.describe_kinesis_streaming_destination(TableName=self.name)
        self.assertEqual(found["KinesisDataStreamDestinations"], [])
        self.assertEqual(found["TableName"], self.name)

    def test_global_tables(self):
        message = self.message(
            "ValidationException",
            self.client.create_global_table,
            GlobalTableName=self.name,
            ReplicationGroup=[dict(RegionName="eu-west-1")],
        )
        self.assertIn("version 2017.11.29 is not supported", message)
        none = f"Global table with name: '{self.name}' does not exist."
        for call in (self.client.describe_global_table, self.client.describe_global_table_settings):
            self.assertEqual(self.message("GlobalTableNotFoundException", call, GlobalTableName=self.name), none)
        call = self.client.describe_table_replica_auto_scaling
        self.assertEqual(self.message("ResourceNotFoundException", call, TableName=self.name), none)

    def test_kinesis_destinations(self):
        message = self.message(
            "ValidationException",
            self.client.disable_kinesis_streaming_destination,
            TableName=self.name,
            StreamArn=self.stream,
        )
        self.assertIn("must be ACTIVE to perform DISABLE operation", message)
        missing = unique("missing")
        message = self.message(
            "ResourceNotFoundException", self.client.describe_kinesis_streaming_destination, TableName=missing
        )
        self.assertEqual(message, f"Requested resource not found: Table: {missing} not found")

    @unittest.skipIf(ON_AWS, "AWS would begin to do it")
    def test_what_aws_would_do_is_refused(self):
        bucket = dict(S3Bucket="no-such-bucket")
        export = self.client.export_table_to_point_in_time
        message = self.message("PointInTimeRecoveryUnavailableException", export, TableArn=self.arn, **bucket)
        self.assertEqual(message, f"Point in time recovery is not enabled for table '{self.name}'")
        self.client.update_continuous_backups(
            TableName=self.name, PointInTimeRecoverySpecification=dict(PointInTimeRecoveryEnabled=True)
        )
        for call, arguments in [
            (
                self.client.enable_kinesis_streaming_destination,
                dict(TableName=self.name, StreamArn=self.stream),
            ),
            (
                self.client.import_table,
                dict(
                    S3BucketSource=bucket,
                    InputFormat="DYNAMODB_JSON",
                    TableCreationParameters=dict(
                        TableName=unique("imported"),
                        AttributeDefinitions=[dict(AttributeName="Id", AttributeType="S")],
                        KeySchema=[dict(AttributeName="Id", KeyType="HASH")],
                    ),
                ),
            ),
            (export, dict(TableArn=self.arn) | bucket),
        ]:
            message = self.message("ValidationException", call, **arguments)
            self.assertIn("is not supported in this release of pg_dynamo", message)

    def test_exports_and_imports_that_never_were(self):
        self.refused(
            "ExportNotFoundException", self.client.describe_export, ExportArn=f"{self.arn}/export/01700000000000-00000000"
        )
        self.refused(
            "ImportNotFoundException", self.client.describe_import, ImportArn=f"{self.arn}/import/01700000000000-00000000"
        )
        self.refused(
            "TableNotFoundException", self.client.export_table_to_point_in_time, TableArn=self.arn + "x", S3Bucket="bucket"
        )


if __name__ == "__main__":
    unittest.main()
