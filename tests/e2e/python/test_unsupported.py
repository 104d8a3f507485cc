"""boto3's client: operations that are not supported answer with DynamoDB's own errors."""

import unittest

from support import ON_AWS, TableCase, composite, index, unique

LEGACY = (
    "One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. "
    "We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy)."
)
SCALED = dict(
    MinimumUnits=1,
    MaximumUnits=10,
    AutoScalingDisabled=False,
    ScalingPolicyUpdate=dict(TargetTrackingScalingPolicyConfiguration=dict(TargetValue=70.0, ScaleInCooldown=60)),
)


class Unsupported(TableCase):
    schema = composite(
        "Id",
        "Sort",
        AttributeDefinitions=[dict(AttributeName="Color", AttributeType="S")],
        GlobalSecondaryIndexes=[index("ByColor", "Color")],
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for sort in ("1", "2"):
            item = {"Id": {"S": "kept"}, "Sort": {"S": sort}, "Color": {"S": "blue"}}
            cls.client.put_item(TableName=cls.name, Item=item)

    def setUp(self):
        self.arn = self.client.describe_table(TableName=self.name)["Table"]["TableArn"]
        self.stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/none"
        # Whatever is refused, the table stays as it was.
        before = self.everything()
        self.addCleanup(lambda: self.assertEqual(self.everything(), before))

    def everything(self):
        """The table as it is described, and its items; sizes and counts are estimates."""
        table = self.client.describe_table(TableName=self.name)["Table"]
        for described in (table, *table["GlobalSecondaryIndexes"]):
            for estimate in ("TableSizeBytes", "IndexSizeBytes", "ItemCount"):
                described.pop(estimate, None)
        destinations = self.client.describe_kinesis_streaming_destination(TableName=self.name)
        items = self.client.scan(TableName=self.name, ConsistentRead=True)["Items"]
        return table, destinations["KinesisDataStreamDestinations"], sorted(items, key=lambda item: item["Sort"]["S"])

    def test_lists_are_empty(self):
        self.assertEqual(self.client.list_global_tables()["GlobalTables"], [])
        self.assertEqual(self.client.list_exports(TableArn=self.arn)["ExportSummaries"], [])
        self.assertEqual(self.client.list_imports(TableArn=self.arn)["ImportSummaryList"], [])
        found = self.client.describe_kinesis_streaming_destination(TableName=self.name)
        self.assertEqual(found["KinesisDataStreamDestinations"], [])
        self.assertEqual(found["TableName"], self.name)
        for page in (dict(), dict(MaxResults=25), dict(MaxResults=1, NextToken="0123456789abcdef")):
            found = self.client.list_bulk_operations(**page)
            self.assertEqual(found["BulkOperationsSummaryList"], [])
            self.assertNotIn("NextToken", found)

    def test_global_tables(self):
        message = self.message(
            "ValidationException",
            self.client.create_global_table,
            GlobalTableName=self.name,
            ReplicationGroup=[dict(RegionName="eu-west-1")],
        )
        self.assertEqual(message, LEGACY)
        message = self.message(
            "ValidationException",
            self.client.update_global_table,
            GlobalTableName=self.name,
            ReplicaUpdates=[dict(Create=dict(RegionName="eu-west-1"))],
        )
        self.assertEqual(message, LEGACY)
        none = f"Global table with name: '{self.name}' does not exist."
        self.assertEqual(
            self.message(
                "GlobalTableNotFoundException",
                self.client.update_global_table,
                GlobalTableName=self.name,
                ReplicaUpdates=[dict(Delete=dict(RegionName="eu-west-1"))],
            ),
            none,
        )
        for call, text in (
            (self.client.describe_global_table, "Global table not found: " + none),
            (self.client.describe_global_table_settings, none),
        ):
            self.assertEqual(self.message("GlobalTableNotFoundException", call, GlobalTableName=self.name), text)
        settings = dict(
            GlobalTableName=self.name,
            GlobalTableBillingMode="PROVISIONED",
            GlobalTableProvisionedWriteCapacityUnits=5,
            GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate=SCALED,
            GlobalTableGlobalSecondaryIndexSettingsUpdate=[dict(IndexName="ByColor", ProvisionedWriteCapacityUnits=7)],
            ReplicaSettingsUpdate=[
                dict(
                    RegionName="us-east-1",
                    ReplicaProvisionedReadCapacityUnits=6,
                    ReplicaGlobalSecondaryIndexSettingsUpdate=[
                        dict(IndexName="ByColor", ProvisionedReadCapacityAutoScalingSettingsUpdate=SCALED)
                    ],
                    ReplicaTableClass="STANDARD_INFREQUENT_ACCESS",
                )
            ],
        )
        message = self.message("GlobalTableNotFoundException", self.client.update_global_table_settings, **settings)
        self.assertEqual(message, none)
        call = self.client.describe_table_replica_auto_scaling
        self.assertEqual(self.message("ResourceNotFoundException", call, TableName=self.name), none)
        scaling = dict(
            TableName=self.name,
            ProvisionedWriteCapacityAutoScalingUpdate=SCALED,
            GlobalSecondaryIndexUpdates=[
                dict(IndexName="ByColor", ProvisionedWriteCapacityAutoScalingUpdate=SCALED)
            ],
            ReplicaUpdates=[
                dict(RegionName="us-east-1", ReplicaProvisionedReadCapacityAutoScalingUpdate=SCALED),
            ],
        )
        call = self.client.update_table_replica_auto_scaling
        self.assertEqual(self.message("ResourceNotFoundException", call, **scaling), none)

    def test_kinesis_destinations(self):
        message = self.message(
            "ValidationException",
            self.client.disable_kinesis_streaming_destination,
            TableName=self.name,
            StreamArn=self.stream,
        )
        self.assertIn("must be ACTIVE to perform DISABLE operation", message)
        update = self.client.update_kinesis_streaming_destination
        precise = dict(
            StreamArn=self.stream,
            UpdateKinesisStreamingConfiguration=dict(ApproximateCreationDateTimePrecision="MICROSECOND"),
        )
        message = self.message("ValidationException", update, TableName=self.name, **precise)
        self.assertRegex(message, "^Table is not in a valid state to enable Kinesis Streaming Destination: ")
        for named in (self.name, self.stream):
            self.assertIn(named, message)
        for nothing in (dict(), dict(UpdateKinesisStreamingConfiguration=dict())):
            message = self.message("ValidationException", update, TableName=self.name, StreamArn=self.stream, **nothing)
            self.assertEqual(
                message,
                "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration "
                "cannot be null or contain only null values",
            )
        missing = unique("missing")
        for call, arguments in [(self.client.describe_kinesis_streaming_destination, {}), (update, precise)]:
            message = self.message("ResourceNotFoundException", call, TableName=missing, **arguments)
            self.assertEqual(message, f"Requested resource not found: Table: {missing} not found")

    def test_bulk_operations_that_never_were(self):
        arn = f"{self.arn}/bulk-operation/01700000000000-00000000"
        for call in (self.client.describe_bulk_operation, self.client.cancel_bulk_operation):
            message = self.message("ResourceNotFoundException", call, BulkOperationArn=arn)
            self.assertEqual(message, f"Requested resource not found: Bulk operation: {arn} not found")
            message = self.message("ValidationException", call, BulkOperationArn="not-an-arn-" * 4)
            self.assertEqual(message, "Invalid Bulk Operation ARN")

    def test_a_search_finds_no_vector_index(self):
        search = dict(IndexName="ByMeaning", SearchVector=[{"N": "0.25"}, {"N": "-1"}], TopK=3)
        for more in (dict(), dict(ProjectionExpression="Id", ReturnConsumedCapacity="TOTAL")):
            for table in (self.name, self.arn):
                call = self.client.search_vectors
                message = self.message("ValidationException", call, TableName=table, **search, **more)
                self.assertEqual(message, "The table does not have the specified index: ByMeaning")
        # A global index is none of vectors.
        found = self.message("ValidationException", call, TableName=self.name, **search | dict(IndexName="ByColor"))
        self.assertEqual(found, "The table does not have the specified index: ByColor")
        message = self.message("ResourceNotFoundException", call, TableName=unique("missing"), **search)
        self.assertEqual(message, "Requested resource not found")

    @unittest.skipIf(ON_AWS, "AWS would begin to do it")
    def test_what_aws_would_do_is_refused(self):
        bucket = dict(S3Bucket="no-such-bucket")
        bulk = dict(
            InputS3Configuration=bucket | dict(InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP"),
            OutputS3Configuration=bucket | dict(OutputType=["FAILED_ITEMS"]),
            MaxWriteRequestUnits=1024,
            PerformanceTier="STANDARD",
        )
        missing = unique("missing")
        message = self.message(
            "ResourceNotFoundException", self.client.start_bulk_put_items, TableName=missing, **bulk
        )
        self.assertEqual(message, f"Requested resource not found: Table: {missing} not found")
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
            (self.client.start_bulk_put_items, dict(TableName=self.name) | bulk),
        ]:
            failure = self.refused("ValidationException", call, **arguments)
            self.assertEqual(
                failure.response["Error"]["Message"],
                f"{failure.operation_name} is not supported in this release of pg_dynamo",
            )

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
