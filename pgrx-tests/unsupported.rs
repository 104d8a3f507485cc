//! Operations that are refused, over the endpoint: each with a whole request, and nothing changes.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pg_dynamo_core::operation::{Operation, State};
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// Each operation with a request about the table `unsupported_here` and what it answers.
    fn requests() -> Vec<(&'static str, Value, &'static str)> {
        const UNKNOWN: &str = "ResourceNotFoundException";
        const INVALID: &str = "ValidationException";
        const NOT_GLOBAL: &str = "GlobalTableNotFoundException";
        let table = "unsupported_here";
        let arn = format!("arn:aws:dynamodb:local:000000000000:table/{table}");
        let named = json!({"TableName": table});
        let settings = json!({"GlobalTableName": table});
        let replica = json!([{"Create": {"RegionName": "eu-west-1"}}]);
        let bulk = json!({"BulkOperationArn": format!("{arn}/bulk-operation/01")});
        let destination =
            json!({"TableName": table, "StreamArn": "arn:aws:kinesis:local:000000000000:stream/s"});
        let replicas =
            json!({"GlobalTableName": table, "ReplicationGroup": [{"RegionName": "eu-west-1"}]});
        let updates = json!({"GlobalTableName": table, "ReplicaUpdates": replica});
        let export = json!({"TableArn": arn, "S3Bucket": "bucket"});
        let import = json!({"S3BucketSource": {"S3Bucket": "bucket"}, "InputFormat": "CSV",
            "TableCreationParameters": {"TableName": "unsupported_other", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}});
        let load =
            json!({"TableArn": arn, "InputFormat": "CSV", "S3Source": {"S3Bucket": "bucket"}});
        let search = json!({"TableName": table, "IndexName": "none", "TopK": 1, "SearchVector": [{"N": "1"}]});
        vec![
            ("CancelBulkOperation", bulk.clone(), UNKNOWN),
            ("CreateGlobalTable", replicas, INVALID),
            ("DescribeBulkOperation", bulk, UNKNOWN),
            (
                "DescribeExport",
                json!({"ExportArn": format!("{arn}/export/01234567890-abcdef")}),
                "ExportNotFoundException",
            ),
            ("DescribeGlobalTable", settings.clone(), NOT_GLOBAL),
            ("DescribeGlobalTableSettings", settings.clone(), NOT_GLOBAL),
            (
                "DescribeImport",
                json!({"ImportArn": format!("{arn}/import/01234567890-abcdef")}),
                "ImportNotFoundException",
            ),
            ("DescribeKinesisStreamingDestination", named.clone(), "done"),
            ("DescribeTableReplicaAutoScaling", named.clone(), UNKNOWN),
            (
                "DisableKinesisStreamingDestination",
                destination.clone(),
                INVALID,
            ),
            (
                "EnableKinesisStreamingDestination",
                destination.clone(),
                INVALID,
            ),
            (
                "ExportTableToPointInTime",
                export,
                "PointInTimeRecoveryUnavailableException",
            ),
            ("ImportTable", import, INVALID),
            ("ListBulkOperations", json!({}), "done"),
            ("ListExports", json!({}), "done"),
            ("ListGlobalTables", json!({}), "done"),
            ("ListImports", json!({}), "done"),
            ("SearchVectors", search, INVALID),
            ("StartBulkPutItems", load, INVALID),
            ("UpdateGlobalTable", updates, INVALID),
            ("UpdateGlobalTableSettings", settings, NOT_GLOBAL),
            ("UpdateKinesisStreamingDestination", destination, INVALID),
            ("UpdateTableReplicaAutoScaling", named, UNKNOWN),
        ]
    }

    #[pg_test]
    fn unsupported_operations_answer_their_errors_and_change_nothing() {
        simple_table("unsupported_here");
        put("unsupported_here", &json!({"id": {"S": "a"}}));
        let tables = || {
            text(
                "SELECT string_agg(d::text, ' ' ORDER BY d::text) FROM dynamo.table_definition AS d",
            )
        };
        let before = tables();
        let requests = requests();
        for operation in Operation::ALL {
            if matches!(operation.state(), State::Refused(_)) {
                let mut same = requests.iter().filter(|r| r.0 == operation.name());
                let (name, request, expected) = same.next().expect("a request");
                let answer = handle(name, request.to_string().as_bytes());
                let error = answer.error_type.as_deref().unwrap_or("done");
                assert_eq!(error, *expected, "{name}: {}", answer.body);
            }
        }
        assert_eq!(tables(), before);
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.unsupported_here"),
            1
        );
    }
}
