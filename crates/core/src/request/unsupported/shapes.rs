//! The shapes of operations that are not supported, transcribed from the service model.
use super::super::shape::{
    Member, Shape, Structure, TEXT, TableNameRule, list, name, one_of, optional, required, text,
};
use super::super::table_shapes::{
    ATTRIBUTE_DEFINITIONS, BILLING_MODE, ENCRYPTION, GLOBAL_INDEXES, ON_DEMAND, TABLE_KEY_SCHEMA,
    THROUGHPUT,
};
use crate::limits;
use crate::operation::Operation;

const ANY: usize = usize::MAX;
const TABLE_NAME: Member = required("TableName", &Shape::TableName(TableNameRule::Table));
const INDEX_NAME: Shape = name(3, 255);
const GLOBAL_TABLE_NAME: Member = required("GlobalTableName", &name(3, 255));
const REGION: Member = required("RegionName", &TEXT);
const POSITIVE: Shape = Shape::Number("Long", 1, i64::MAX);
const INTEGER: Shape = Shape::Number("Integer", i64::MIN, i64::MAX);
const PAGE: Shape = Shape::Number("Integer", 1, 25);
const TIME: Shape = Shape::Number("Date", i64::MIN, i64::MAX);
const ARN: Shape = text(1, 1024);
/// Of an export, an import, a bulk operation or a Kinesis stream.
const LONG_ARN: Shape = text(37, 1024);

macro_rules! structure {
    ($class:literal, [$($member:expr),* $(,)?]) => {
        Structure { class: $class, members: &[$($member),*] }
    };
}
macro_rules! nested {
    ($class:literal, [$($member:expr),* $(,)?]) => {
        Shape::Structure(&structure!($class, [$($member),*]))
    };
}

const GLOBAL_TABLE: Structure = structure!("DescribeGlobalTableInput", [GLOBAL_TABLE_NAME]);
const CREATE_GLOBAL_TABLE: Structure = structure!(
    "CreateGlobalTableInput",
    [
        GLOBAL_TABLE_NAME,
        required(
            "ReplicationGroup",
            &list(&nested!("Replica", [optional("RegionName", &TEXT)]), 0, ANY)
        ),
    ]
);
const UPDATE_GLOBAL_TABLE: Structure = structure!(
    "UpdateGlobalTableInput",
    [
        GLOBAL_TABLE_NAME,
        required(
            "ReplicaUpdates",
            &list(
                &nested!(
                    "ReplicaUpdate",
                    [
                        optional("Create", &nested!("CreateReplicaAction", [REGION])),
                        optional("Delete", &nested!("DeleteReplicaAction", [REGION])),
                    ]
                ),
                0,
                ANY
            )
        ),
    ]
);
const LIST_GLOBAL_TABLES: Structure = structure!(
    "ListGlobalTablesInput",
    [
        optional("ExclusiveStartGlobalTableName", &name(3, 255)),
        optional("Limit", &Shape::Number("Integer", 1, i64::MAX)),
        optional("RegionName", &TEXT),
    ]
);

const AUTO_SCALING: Shape = nested!(
    "AutoScalingSettingsUpdate",
    [
        optional("MinimumUnits", &POSITIVE),
        optional("MaximumUnits", &POSITIVE),
        optional("AutoScalingDisabled", &Shape::Boolean),
        optional("AutoScalingRoleArn", &text(1, 1600)),
        optional(
            "ScalingPolicyUpdate",
            &nested!(
                "AutoScalingPolicyUpdate",
                [
                    optional("PolicyName", &text(1, 256)),
                    required(
                        "TargetTrackingScalingPolicyConfiguration",
                        &nested!(
                            "AutoScalingTargetTrackingScalingPolicyConfigurationUpdate",
                            [
                                optional("DisableScaleIn", &Shape::Boolean),
                                optional("ScaleInCooldown", &INTEGER),
                                optional("ScaleOutCooldown", &INTEGER),
                                required(
                                    "TargetValue",
                                    &Shape::Number("Double", i64::MIN, i64::MAX)
                                ),
                            ]
                        )
                    ),
                ]
            )
        ),
    ]
);
const REPLICA_INDEX_SETTINGS: Shape = nested!(
    "ReplicaGlobalSecondaryIndexSettingsUpdate",
    [
        required("IndexName", &INDEX_NAME),
        optional("ProvisionedReadCapacityUnits", &POSITIVE),
        optional(
            "ProvisionedReadCapacityAutoScalingSettingsUpdate",
            &AUTO_SCALING
        ),
    ]
);
const UPDATE_GLOBAL_TABLE_SETTINGS: Structure = structure!(
    "UpdateGlobalTableSettingsInput",
    [
        GLOBAL_TABLE_NAME,
        optional(
            "GlobalTableBillingMode",
            &one_of(&["PROVISIONED", "PAY_PER_REQUEST"])
        ),
        optional("GlobalTableProvisionedWriteCapacityUnits", &POSITIVE),
        optional(
            "GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate",
            &AUTO_SCALING
        ),
        optional(
            "GlobalTableGlobalSecondaryIndexSettingsUpdate",
            &list(
                &nested!(
                    "GlobalTableGlobalSecondaryIndexSettingsUpdate",
                    [
                        required("IndexName", &INDEX_NAME),
                        optional("ProvisionedWriteCapacityUnits", &POSITIVE),
                        optional(
                            "ProvisionedWriteCapacityAutoScalingSettingsUpdate",
                            &AUTO_SCALING
                        ),
                    ]
                ),
                1,
                20
            )
        ),
        optional(
            "ReplicaSettingsUpdate",
            &list(
                &nested!(
                    "ReplicaSettingsUpdate",
                    [
                        REGION,
                        optional("ReplicaProvisionedReadCapacityUnits", &POSITIVE),
                        optional(
                            "ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate",
                            &AUTO_SCALING
                        ),
                        optional(
                            "ReplicaGlobalSecondaryIndexSettingsUpdate",
                            &list(&REPLICA_INDEX_SETTINGS, 1, 20)
                        ),
                        optional(
                            "ReplicaTableClass",
                            &one_of(&["STANDARD", "STANDARD_INFREQUENT_ACCESS"])
                        ),
                    ]
                ),
                1,
                50
            )
        ),
    ]
);
const UPDATE_AUTO_SCALING: Structure = structure!(
    "UpdateTableReplicaAutoScalingInput",
    [
        optional(
            "GlobalSecondaryIndexUpdates",
            &list(
                &nested!(
                    "GlobalSecondaryIndexAutoScalingUpdate",
                    [
                        optional("IndexName", &INDEX_NAME),
                        optional("ProvisionedWriteCapacityAutoScalingUpdate", &AUTO_SCALING),
                    ]
                ),
                1,
                ANY
            )
        ),
        TABLE_NAME,
        optional("ProvisionedWriteCapacityAutoScalingUpdate", &AUTO_SCALING),
        optional(
            "ReplicaUpdates",
            &list(
                &nested!(
                    "ReplicaAutoScalingUpdate",
                    [
                        REGION,
                        optional(
                            "ReplicaGlobalSecondaryIndexUpdates",
                            &list(
                                &nested!(
                                    "ReplicaGlobalSecondaryIndexAutoScalingUpdate",
                                    [
                                        optional("IndexName", &INDEX_NAME),
                                        optional(
                                            "ProvisionedReadCapacityAutoScalingUpdate",
                                            &AUTO_SCALING
                                        ),
                                    ]
                                ),
                                0,
                                ANY
                            )
                        ),
                        optional(
                            "ReplicaProvisionedReadCapacityAutoScalingUpdate",
                            &AUTO_SCALING
                        ),
                    ]
                ),
                1,
                ANY
            )
        ),
    ]
);
const TABLE_ALONE: Structure = structure!("DescribeTableReplicaAutoScalingInput", [TABLE_NAME]);

const PRECISION: Member = optional(
    "ApproximateCreationDateTimePrecision",
    &one_of(&["MILLISECOND", "MICROSECOND"]),
);
const STREAM_ARN: Member = required("StreamArn", &LONG_ARN);
const DESTINATION: Structure = structure!(
    "KinesisStreamingDestinationInput",
    [
        TABLE_NAME,
        STREAM_ARN,
        optional(
            "EnableKinesisStreamingConfiguration",
            &nested!("EnableKinesisStreamingConfiguration", [PRECISION])
        ),
    ]
);
const UPDATE_DESTINATION: Structure = structure!(
    "UpdateKinesisStreamingDestinationInput",
    [
        TABLE_NAME,
        STREAM_ARN,
        optional(
            "UpdateKinesisStreamingConfiguration",
            &nested!("UpdateKinesisStreamingConfiguration", [PRECISION])
        ),
    ]
);
const DESCRIBE_DESTINATION: Structure =
    structure!("DescribeKinesisStreamingDestinationInput", [TABLE_NAME]);

const BUCKET: Member = required("S3Bucket", &text(0, 255));
const BUCKET_OWNER: Member = optional("S3BucketOwner", &TEXT);
const COMPRESSION: Member = optional("InputCompressionType", &one_of(&["GZIP", "ZSTD", "NONE"]));
const EXPORT: Structure = structure!(
    "ExportTableToPointInTimeInput",
    [
        required("TableArn", &ARN),
        optional("ExportTime", &TIME),
        optional("ClientToken", &TEXT),
        BUCKET,
        BUCKET_OWNER,
        optional("S3Prefix", &text(0, 1024)),
        optional("S3SseAlgorithm", &one_of(&["AES256", "KMS"])),
        optional("S3SseKmsKeyId", &text(1, 2048)),
        optional("ExportFormat", &one_of(&["DYNAMODB_JSON", "ION"])),
        optional(
            "ExportType",
            &one_of(&["FULL_EXPORT", "INCREMENTAL_EXPORT"])
        ),
        optional(
            "IncrementalExportSpecification",
            &nested!(
                "IncrementalExportSpecification",
                [
                    optional("ExportFromTime", &TIME),
                    optional("ExportToTime", &TIME),
                    optional(
                        "ExportViewType",
                        &one_of(&["NEW_IMAGE", "NEW_AND_OLD_IMAGES"])
                    ),
                ]
            )
        ),
        optional(
            "FilterSpecification",
            &nested!(
                "FilterSpecification",
                [
                    optional("FilterExpression", &TEXT),
                    optional("ProjectionExpression", &TEXT),
                    optional("KeyConditionExpression", &TEXT),
                    optional(
                        "ExpressionAttributeNames",
                        &Shape::Map(&TEXT, "java.lang.String")
                    ),
                    optional("ExpressionAttributeValues", &Shape::Attributes),
                ]
            )
        ),
    ]
);
const DESCRIBE_EXPORT: Structure =
    structure!("DescribeExportInput", [required("ExportArn", &LONG_ARN)]);
const LIST_EXPORTS: Structure = structure!(
    "ListExportsInput",
    [
        optional("TableArn", &ARN),
        optional("MaxResults", &PAGE),
        optional("NextToken", &TEXT),
    ]
);
const IMPORT: Structure = structure!(
    "ImportTableInput",
    [
        optional("ClientToken", &TEXT),
        required(
            "S3BucketSource",
            &nested!(
                "S3BucketSource",
                [
                    BUCKET_OWNER,
                    BUCKET,
                    optional("S3KeyPrefix", &text(0, 1024)),
                ]
            )
        ),
        required("InputFormat", &one_of(&["DYNAMODB_JSON", "ION", "CSV"])),
        optional(
            "InputFormatOptions",
            &nested!(
                "InputFormatOptions",
                [optional(
                    "Csv",
                    &nested!(
                        "CsvOptions",
                        [
                            optional("Delimiter", &text(1, 1)),
                            optional("HeaderList", &list(&text(1, 65_536), 1, 255)),
                        ]
                    )
                )]
            )
        ),
        COMPRESSION,
        required(
            "TableCreationParameters",
            &nested!(
                "TableCreationParameters",
                [
                    required("TableName", &name(3, 255)),
                    required("AttributeDefinitions", &ATTRIBUTE_DEFINITIONS),
                    required("KeySchema", &TABLE_KEY_SCHEMA),
                    BILLING_MODE,
                    optional("ProvisionedThroughput", &THROUGHPUT),
                    optional("OnDemandThroughput", &ON_DEMAND),
                    ENCRYPTION,
                    optional("GlobalSecondaryIndexes", &GLOBAL_INDEXES),
                ]
            )
        ),
    ]
);
const DESCRIBE_IMPORT: Structure =
    structure!("DescribeImportInput", [required("ImportArn", &LONG_ARN)]);
const LIST_IMPORTS: Structure = structure!(
    "ListImportsInput",
    [
        optional("TableArn", &ARN),
        optional("PageSize", &PAGE),
        optional("NextToken", &text(112, 1024)),
    ]
);

const START_BULK: Structure = structure!(
    "StartBulkPutItemsInput",
    [
        optional("ClientToken", &TEXT),
        required(
            "InputS3Configuration",
            &nested!(
                "InputS3Configuration",
                [
                    BUCKET_OWNER,
                    BUCKET,
                    optional("S3KeyPrefix", &text(0, 1024)),
                    required("InputFormat", &one_of(&["DYNAMODB_JSON", "ION"])),
                    COMPRESSION,
                ]
            )
        ),
        required(
            "OutputS3Configuration",
            &nested!(
                "OutputS3Configuration",
                [
                    BUCKET_OWNER,
                    optional("S3Bucket", &text(0, 255)),
                    optional("S3KeyPrefix", &text(0, 1024)),
                    optional("S3SseAlgorithm", &one_of(&["AES256", "KMS"])),
                    optional("S3SseKmsKeyId", &text(1, 2048)),
                    required("OutputType", &list(&TEXT, 0, ANY)),
                ]
            )
        ),
        TABLE_NAME,
        optional(
            "MaxWriteRequestUnits",
            &Shape::Number("Long", 1024, i64::MAX)
        ),
        optional("PerformanceTier", &one_of(&["STANDARD", "ACCELERATED"])),
    ]
);
const BULK_OPERATION: Structure = structure!(
    "DescribeBulkOperationInput",
    [required("BulkOperationArn", &LONG_ARN)]
);
const LIST_BULK: Structure = structure!(
    "ListBulkOperationsInput",
    [
        optional("MaxResults", &PAGE),
        optional("NextToken", &text(1, 1024)),
    ]
);

const SEARCH_VECTORS: Structure = structure!(
    "SearchVectorsInput",
    [
        TABLE_NAME,
        required("IndexName", &INDEX_NAME),
        optional(
            "ReturnConsumedCapacity",
            &one_of(&["INDEXES", "TOTAL", "NONE"])
        ),
        optional(
            "ExpressionAttributeNames",
            &Shape::Map(&TEXT, "java.lang.String")
        ),
        optional("ExpressionAttributeValues", &Shape::Attributes),
        optional("ProjectionExpression", &TEXT),
        required(
            "SearchVector",
            &list(&Shape::AttributeValue, 1, limits::MAX_VECTOR)
        ),
        optional("SearchConditionExpression", &TEXT),
        required("TopK", &Shape::Number("Integer", 1, i64::MAX)),
    ]
);

/// The input of an operation; None: it is supported, or not here.
pub fn of(operation: Operation) -> Option<&'static Structure> {
    Some(match operation {
        Operation::CreateGlobalTable => &CREATE_GLOBAL_TABLE,
        Operation::UpdateGlobalTable => &UPDATE_GLOBAL_TABLE,
        Operation::DescribeGlobalTable | Operation::DescribeGlobalTableSettings => &GLOBAL_TABLE,
        Operation::UpdateGlobalTableSettings => &UPDATE_GLOBAL_TABLE_SETTINGS,
        Operation::ListGlobalTables => &LIST_GLOBAL_TABLES,
        Operation::DescribeTableReplicaAutoScaling => &TABLE_ALONE,
        Operation::UpdateTableReplicaAutoScaling => &UPDATE_AUTO_SCALING,
        Operation::DescribeKinesisStreamingDestination => &DESCRIBE_DESTINATION,
        Operation::EnableKinesisStreamingDestination
        | Operation::DisableKinesisStreamingDestination => &DESTINATION,
        Operation::UpdateKinesisStreamingDestination => &UPDATE_DESTINATION,
        Operation::ExportTableToPointInTime => &EXPORT,
        Operation::DescribeExport => &DESCRIBE_EXPORT,
        Operation::ListExports => &LIST_EXPORTS,
        Operation::ImportTable => &IMPORT,
        Operation::DescribeImport => &DESCRIBE_IMPORT,
        Operation::ListImports => &LIST_IMPORTS,
        Operation::StartBulkPutItems => &START_BULK,
        Operation::DescribeBulkOperation | Operation::CancelBulkOperation => &BULK_OPERATION,
        Operation::ListBulkOperations => &LIST_BULK,
        Operation::SearchVectors => &SEARCH_VECTORS,
        _ => return None,
    })
}
