//! Requests that are refused.

use super::*;

/// Operation, members, kind of error, text.
fn refusals() -> Vec<(&'static str, String, ErrorKind, String)> {
    let arn = format!(r#""StreamArn":"{ARN}""#);
    let constraint = |value: &str, member: &str, text: &str| {
        format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: Member must {text}"
        )
    };
    let validation = ErrorKind::Validation;
    let shard = |kind: &str| format!(r#"{arn},"ShardId":"{SHARD}","ShardIteratorType":"{kind}""#);
    let number = "10000000100000000000000000050000000001";
    vec![
        (
            "ListStreams",
            r#""Limit":0"#.into(),
            validation,
            constraint("'0'", "limit", "have value greater than or equal to 1"),
        ),
        (
            "ListStreams",
            r#""Limit":101"#.into(),
            validation,
            constraint("'101'", "limit", "have value less than or equal to 100"),
        ),
        (
            "ListStreams",
            r#""TableName":"ab""#.into(),
            validation,
            constraint(
                "'ab'",
                "tableName",
                "have length greater than or equal to 3",
            ),
        ),
        (
            "ListStreams",
            r#""ExclusiveStartStreamArn":"kossapaaas""#.into(),
            validation,
            "Invalid StreamArn".into(),
        ),
        (
            "DescribeStream",
            String::new(),
            validation,
            constraint("null", "streamArn", "not be null"),
        ),
        (
            "DescribeStream",
            r#""StreamArn":"fake-stream""#.into(),
            validation,
            "Invalid StreamArn".into(),
        ),
        (
            "DescribeStream",
            format!(r#""StreamArn":"{ARN}{}""#, "x".repeat(1000)),
            validation,
            "Invalid StreamArn".into(),
        ),
        (
            "DescribeStream",
            r#""StreamArn":7"#.into(),
            ErrorKind::Serialization,
            "NUMBER_VALUE cannot be converted to String".into(),
        ),
        (
            "DescribeStream",
            format!(r#"{arn},"ShardFilter":{{"Type":"CHILD_SHARDS","ShardId":"qwerty"}}"#),
            validation,
            constraint(
                "'qwerty'",
                "shardFilter.shardId",
                "have length greater than or equal to 28",
            ),
        ),
        (
            "DescribeStream",
            format!(r#"{arn},"ShardFilter":{{"Type":"foo","ShardId":"{SHARD}"}}"#),
            validation,
            constraint(
                "'foo'",
                "shardFilter.type",
                "satisfy enum value set: [CHILD_SHARDS]",
            ),
        ),
        (
            "DescribeStream",
            format!(r#"{arn},"ShardFilter":{{"ShardId":"{SHARD}"}}"#),
            validation,
            constraint("null", "shardFilter.type", "not be null"),
        ),
        (
            "GetShardIterator",
            shard("bulle"),
            validation,
            constraint(
                "'bulle'",
                "shardIteratorType",
                "satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
            ),
        ),
        (
            "GetShardIterator",
            shard("AT_SEQUENCE_NUMBER"),
            validation,
            format!("{INVALID}SequenceNumber is required for ShardIteratorType AT_SEQUENCE_NUMBER"),
        ),
        (
            "GetShardIterator",
            format!(r#"{},"SequenceNumber":"{number}""#, shard("LATEST")),
            validation,
            format!("{INVALID}SequenceNumber must not be specified for ShardIteratorType LATEST"),
        ),
        (
            "GetShardIterator",
            format!(
                r#"{},"SequenceNumber":"123""#,
                shard("AFTER_SEQUENCE_NUMBER")
            ),
            validation,
            constraint(
                "'123'",
                "sequenceNumber",
                "have length greater than or equal to 21",
            ),
        ),
        (
            "GetShardIterator",
            format!(
                r#"{},"SequenceNumber":"111111111111111111111""#,
                shard("AFTER_SEQUENCE_NUMBER")
            ),
            validation,
            format!("{INVALID}Invalid SequenceNumber: 111111111111111111111"),
        ),
        (
            "GetShardIterator",
            shard("AT_TIMESTAMP"),
            validation,
            format!("{INVALID}Timestamp is required for ShardIteratorType AT_TIMESTAMP"),
        ),
        (
            "GetShardIterator",
            format!(r#"{},"Timestamp":1700000000.124"#, shard("AT_TIMESTAMP")),
            validation,
            format!("{INVALID}Timestamp 1700000000.124 is in the future"),
        ),
        (
            "GetShardIterator",
            format!(r#"{},"Timestamp":1"#, shard("LATEST")),
            validation,
            format!("{INVALID}Timestamp must not be specified for ShardIteratorType LATEST"),
        ),
        (
            "GetRecords",
            r#""ShardIterator":"kossapaaas""#.into(),
            validation,
            "Invalid ShardIterator".into(),
        ),
        (
            "GetRecords",
            r#""ShardIterator":"x","Limit":1001"#.into(),
            validation,
            constraint("'1001'", "limit", "have value less than or equal to 1000"),
        ),
        (
            "GetRecords",
            String::new(),
            validation,
            constraint("null", "shardIterator", "not be null"),
        ),
    ]
}

#[test]
fn faults_are_told_in_the_services_words() {
    for (operation, members, kind, text) in refusals() {
        let request = format!("{{{members}}}");
        let request = json(&request);
        let error = match operation {
            "ListStreams" => ListStreamsRequest::parse(&request, &account()).unwrap_err(),
            "DescribeStream" => DescribeStreamRequest::parse(&request, &account()).unwrap_err(),
            "GetShardIterator" => {
                GetShardIteratorRequest::parse(&request, &account(), NOW).unwrap_err()
            }
            _ => GetRecordsRequest::parse(&request, &account(), NOW).unwrap_err(),
        };
        assert_eq!(
            (error.kind, error.message),
            (kind, text),
            "{operation} {members}"
        );
    }
}
