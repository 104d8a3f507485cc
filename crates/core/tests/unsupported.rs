//! Operations that are not supported: checked, then answered with DynamoDB's own errors.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::backup::PointInTime;
use pg_dynamo_core::operation::{Operation, State};
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ErrorKind, Result};

fn answer(operation: Operation, request: &str, exists: bool) -> Result<String> {
    on(operation, request, exists.then(hash_table))
}

/// `found` takes the name of the table that the request seeks.
fn on(operation: Operation, request: &str, found: Option<TableDefinition>) -> Result<String> {
    let request = Unsupported::parse(operation, &json(request), &account())?;
    let sought = request.table.as_ref().map(|sought| sought.name.clone());
    let found = found.map(|table| TableDefinition {
        name: sought.unwrap_or_else(|| table.name.clone()),
        ..table
    });
    request.answer(found.as_ref())
}

const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Books";
const SETTINGS: &str = r#"{"GlobalTableName":"Books"}"#;
const TABLE: &str = r#"{"TableName":"Books"}"#;
const DESTINATION: &str =
    r#"{"TableName":"Books","StreamArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/s"}"#;

#[test]
fn every_refused_operation_checks_its_request() {
    let refused = Operation::ALL
        .iter()
        .filter(|o| matches!(o.state(), State::Refused(_)));
    let mut count = 0;
    for operation in refused {
        count += 1;
        for request in [
            "[]",
            r#"{"TableName":[],"GlobalTableName":[],"ExportArn":[],"ImportArn":[],"TableArn":[],"NextToken":[],"S3BucketSource":"x","BulkOperationArn":[],"ExclusiveStartGlobalTableName":[]}"#,
        ] {
            let error = answer(*operation, request, true).unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::Serialization,
                "{operation:?} {request}"
            );
        }
    }
    assert_eq!(count, 23);
    let error = answer(Operation::GetItem, "{}", true).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownOperation);
}

#[test]
fn lists_are_empty() {
    for (operation, reply) in [
        (Operation::ListGlobalTables, r#"{"GlobalTables":[]}"#),
        (Operation::ListExports, r#"{"ExportSummaries":[]}"#),
        (Operation::ListImports, r#"{"ImportSummaryList":[]}"#),
        (
            Operation::ListBulkOperations,
            r#"{"BulkOperationsSummaryList":[]}"#,
        ),
    ] {
        assert_eq!(answer(operation, "{}", false).unwrap(), reply);
    }
    let described = Operation::DescribeKinesisStreamingDestination;
    assert_eq!(
        answer(described, TABLE, true).unwrap(),
        r#"{"TableName":"Books","KinesisDataStreamDestinations":[]}"#
    );
}

#[test]
fn what_does_not_exist_is_told_so() {
    use Operation::*;
    let global = "Global table with name: 'Books' does not exist.";
    let described = "Global table not found: Global table with name: 'Books' does not exist.";
    let table = "Requested resource not found: Table: Books not found";
    let export = format!(r#"{{"TableArn":"{ARN}","S3Bucket":"b"}}"#);
    let export_arn = format!(r#"{{"ExportArn":"{ARN}/export/01"}}"#);
    let import_arn = format!(r#"{{"ImportArn":"{ARN}/import/01"}}"#);
    let bulk_arn = format!(r#"{{"BulkOperationArn":"{ARN}/bulk/01"}}"#);
    let search = r#"{"TableName":"Books","IndexName":"Vec","SearchVector":[{"N":"1"}],"TopK":1}"#;
    for (operation, request, kind, message) in [
        (
            DescribeGlobalTable,
            SETTINGS,
            ErrorKind::GlobalTableNotFound,
            described,
        ),
        (
            UpdateGlobalTable,
            r#"{"GlobalTableName":"Books","ReplicaUpdates":[{"Delete":{"RegionName":"eu-west-1"}}]}"#,
            ErrorKind::GlobalTableNotFound,
            global,
        ),
        (
            DescribeGlobalTableSettings,
            SETTINGS,
            ErrorKind::GlobalTableNotFound,
            global,
        ),
        (
            UpdateGlobalTableSettings,
            SETTINGS,
            ErrorKind::GlobalTableNotFound,
            global,
        ),
        (
            DescribeTableReplicaAutoScaling,
            TABLE,
            ErrorKind::ResourceNotFound,
            global,
        ),
        (
            UpdateTableReplicaAutoScaling,
            TABLE,
            ErrorKind::ResourceNotFound,
            global,
        ),
        (
            DescribeKinesisStreamingDestination,
            TABLE,
            ErrorKind::ResourceNotFound,
            table,
        ),
        (
            EnableKinesisStreamingDestination,
            DESTINATION,
            ErrorKind::ResourceNotFound,
            table,
        ),
        (
            DisableKinesisStreamingDestination,
            DESTINATION,
            ErrorKind::ResourceNotFound,
            table,
        ),
        (
            ExportTableToPointInTime,
            &export,
            ErrorKind::TableNotFound,
            &format!("Table not found: {ARN}"),
        ),
        (
            DescribeExport,
            &export_arn,
            ErrorKind::ExportNotFound,
            &format!("Export not found: {ARN}/export/01"),
        ),
        (
            DescribeImport,
            &import_arn,
            ErrorKind::ImportNotFound,
            &format!("Import not found: {ARN}/import/01"),
        ),
        (
            CancelBulkOperation,
            &bulk_arn,
            ErrorKind::ResourceNotFound,
            &format!("Requested resource not found: Bulk operation: {ARN}/bulk/01 not found"),
        ),
        (
            SearchVectors,
            search,
            ErrorKind::ResourceNotFound,
            "Requested resource not found",
        ),
    ] {
        let error = answer(operation, request, false).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (kind, message),
            "{operation:?}"
        );
    }
}

#[test]
fn what_is_left_is_refused() {
    use Operation::*;
    let legacy = "One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. \
                  We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).";
    let precision = DESTINATION.replace(
        '}',
        r#","UpdateKinesisStreamingConfiguration":{"ApproximateCreationDateTimePrecision":"MICROSECOND"}}"#,
    );
    let import = r#"{"S3BucketSource":{"S3Bucket":"b"},"InputFormat":"CSV","TableCreationParameters":{"TableName":"New",
        "AttributeDefinitions":[],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}}"#;
    for (operation, request, message) in [
        (
            CreateGlobalTable,
            r#"{"GlobalTableName":"Books","ReplicationGroup":[]}"#,
            legacy,
        ),
        (
            UpdateGlobalTable,
            r#"{"GlobalTableName":"Books","ReplicaUpdates":[]}"#,
            "One or more parameter values were invalid",
        ),
        (
            UpdateGlobalTable,
            r#"{"GlobalTableName":"Books","ReplicaUpdates":[{"Delete":{"RegionName":"eu-west-1"}},{"Create":{"RegionName":"us-east-1"}}]}"#,
            legacy,
        ),
        (
            EnableKinesisStreamingDestination,
            DESTINATION,
            "EnableKinesisStreamingDestination is not supported in this release of pg_dynamo",
        ),
        (
            DisableKinesisStreamingDestination,
            DESTINATION,
            "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.",
        ),
        (
            UpdateKinesisStreamingDestination,
            DESTINATION,
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be null or contain only null values",
        ),
        (
            UpdateKinesisStreamingDestination,
            &precision,
            "Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: Books, kdsArn: arn:aws:kinesis:eu-west-1:123456789012:stream/s",
        ),
        (
            DescribeExport,
            r#"{"ExportArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Books"}"#,
            "Invalid Export ARN",
        ),
        (
            SearchVectors,
            r#"{"TableName":"Books","IndexName":"Vec","SearchVector":[{"N":"1"}],"TopK":1}"#,
            "The table does not have the specified index: Vec",
        ),
    ] {
        let error = answer(operation, request, true).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Validation, message),
            "{operation:?}"
        );
    }
    let error = answer(ImportTable, import, false).unwrap_err();
    assert_eq!(
        error.message,
        "ImportTable is not supported in this release of pg_dynamo"
    );
    let error = answer(ImportTable, import, true).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::ResourceInUse, "Table already exists: New")
    );
}

#[test]
fn an_export_needs_point_in_time_recovery() {
    let export = format!(r#"{{"TableArn":"{ARN}","S3Bucket":"b"}}"#);
    let operation = Operation::ExportTableToPointInTime;
    let error = on(operation, &export, Some(hash_table())).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (
            ErrorKind::PointInTimeRecoveryUnavailable,
            "Point in time recovery is not enabled for table 'Books'"
        )
    );
    let recoverable = TableDefinition {
        point_in_time: Some(PointInTime { since: 0, days: 35 }),
        ..hash_table()
    };
    let error = on(operation, &export, Some(recoverable)).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (
            ErrorKind::Validation,
            "ExportTableToPointInTime is not supported in this release of pg_dynamo"
        )
    );
}
