//! ListStreams, DescribeStream, GetShardIterator, GetRecords and StreamSpecification without a database.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::stream::record::{Origin, Record};
use pg_dynamo_core::stream::shard::Shard;
use pg_dynamo_core::stream::{Event, Position, ShardIterator, Start, StreamName};
use pg_dynamo_core::table::{StreamState, StreamView, TableDefinition, TableStatus};
use pg_dynamo_core::value::{ItemBuf, json::parse_attributes};
use pg_dynamo_core::{ApiError, ErrorKind, Result};

const INVALID: &str = "One or more parameter values were invalid: ";
const ARN: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/abc/stream/2023-11-14T22:13:20.123";
const SHARD: &str = "shardId-00000001700000000123-00000008";
const NEW_IMAGE: &str =
    r#","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#;

fn stream(label: &str) -> StreamName {
    StreamName {
        table: "abc".into(),
        label: label.into(),
    }
}

fn change(table: &TableDefinition, specification: &str, now: i64) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"abc","StreamSpecification":{specification}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, now)
}

fn enabled(table: TableDefinition) -> TableDefinition {
    table.with_stream_state(Some(StreamState::Enabled))
}

const ENABLE: &str = r#"{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"#;
const DISABLE: &str = r#"{"StreamEnabled":false}"#;

#[test]
fn a_table_created_with_a_stream_is_described_with_it() {
    let table = table(&creation(&["a"], "a:HASH", NEW_IMAGE));
    assert_eq!(table.status(), TableStatus::Creating);
    let table = enabled(table);
    let reply = describe_table_reply(&table, &account(), Default::default());
    let label = "2023-11-14T22:13:20.123";
    for part in [
        r#""TableStatus":"ACTIVE""#.to_owned(),
        r#""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}"#.to_owned(),
        format!(r#""LatestStreamLabel":"{label}""#),
        format!(r#""LatestStreamArn":"{ARN}""#),
    ] {
        assert!(reply.contains(&part), "{part} in {reply}");
    }
    let stored = serde_json::to_string(&table).unwrap();
    assert_eq!(
        serde_json::from_str::<TableDefinition>(&stored).unwrap(),
        table
    );
}

#[test]
fn definitions_of_the_releases_before_have_no_stream() {
    let oldest = r#"{"name":"T","key_schema":{"partition":{"name":"pk","scalar":"S"},"sort":null},"stream":null}"#;
    let read: TableDefinition = serde_json::from_str(oldest).unwrap();
    assert_eq!((read.stream, read.latest_stream), (None, None));
}

#[test]
fn a_disabled_stream_leaves_its_arn_and_a_new_one_has_another() {
    let plain = table(&creation(&["a"], "a:HASH", ""));
    let first = change(&plain, ENABLE, NOW + 5).unwrap();
    assert_eq!(first.status(), TableStatus::Updating);
    let first = enabled(first);
    let ending = change(&first, DISABLE, NOW + 6).unwrap();
    assert_eq!(ending.status(), TableStatus::Updating);
    let ended = ending.clone().with_stream_state(None);
    assert_eq!(ended.status(), TableStatus::Active);
    for table in [&ending, &ended] {
        let reply = describe_table_reply(table, &account(), Default::default());
        assert!(!reply.contains("StreamSpecification"), "{reply}");
        assert!(
            reply.contains(r#"/stream/2023-11-14T22:13:20.128""#),
            "{reply}"
        );
    }
    // In the same millisecond, too.
    let second = change(&ended, ENABLE, NOW + 5).unwrap();
    assert_eq!(second.latest_stream.unwrap(), "2023-11-14T22:13:20.129");
    assert_eq!(second.stream.unwrap().view, StreamView::KeysOnly);
}

#[test]
fn streams_are_enabled_once_and_disabled_once() {
    let plain = table(&creation(&["a"], "a:HASH", ""));
    let enabling = change(&plain, ENABLE, NOW).unwrap();
    let on = enabled(enabling.clone());
    let disabling = change(&on, DISABLE, NOW).unwrap();
    let message = |table: &TableDefinition, given: &str| change(table, given, NOW).unwrap_err();
    assert_eq!(
        message(&on, ENABLE),
        ApiError::validation("Table already has an enabled stream: TableName: abc")
    );
    assert_eq!(
        message(&plain, DISABLE),
        ApiError::validation("Table has no stream to disable: TableName: abc")
    );
    for busy in [&enabling, &disabling] {
        for given in [ENABLE, DISABLE] {
            assert_eq!(message(busy, given).kind, ErrorKind::ResourceInUse);
        }
    }
}

fn update(table: &TableDefinition, members: &str) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"abc",{members}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, NOW + 60_000)
}

const UNITS: &str = r#""ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":7}"#;
const NEW_INDEX: &str = r#""AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"xyz","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]"#;

#[test]
fn a_stream_is_changed_alone_or_with_a_switch_to_on_demand() {
    let plain = table(&creation(&["a"], "a:HASH", ""));
    let stream = format!(r#""StreamSpecification":{ENABLE}"#);
    for (more, text) in [
        (
            UNITS,
            "You cannot modify stream status while updating table IOPS",
        ),
        (
            &format!(r#"{UNITS},"BillingMode":"PROVISIONED""#),
            "You cannot modify stream status while updating table IOPS",
        ),
        (
            NEW_INDEX,
            "You cannot create or delete index while changing stream status",
        ),
        (
            r#""GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"xyz"}}]"#,
            "You cannot create or delete index while changing stream status",
        ),
        (
            r#""DeletionProtectionEnabled":true"#,
            "DeletionProtection modification must be the only operation in the request",
        ),
        (
            r#""TableClass":"STANDARD""#,
            "TableClass modification must be the only operation in the request",
        ),
        (
            r#""WarmThroughput":{"ReadUnitsPerSecond":13000}"#,
            "WarmThroughput must be the only operation in the request",
        ),
        (
            r#""OnDemandThroughput":{"MaxReadRequestUnits":5}"#,
            "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
        ),
    ] {
        let error = update(&plain, &format!("{stream},{more}")).unwrap_err();
        assert_eq!(error, ApiError::validation(format!("{INVALID}{text}")));
    }
    let switched = update(
        &plain,
        &format!(r#"{stream},"BillingMode":"PAY_PER_REQUEST""#),
    )
    .unwrap();
    assert!(switched.changes_its_stream());
}

#[test]
fn what_would_disturb_a_change_of_the_stream_waits_for_it() {
    let on = change(&table(&creation(&["a"], "a:HASH", "")), ENABLE, NOW + 5).unwrap();
    let off = change(&enabled(on.clone()), DISABLE, NOW + 6).unwrap();
    for (busy, operation) in [(&on, "ENABLE"), (&off, "DISABLE")] {
        let place = format!("Table: abc Stream: 2023-11-14T22:13:20.128 Operation: {operation}");
        let when = "when stream status is being updated.";
        for (members, text) in [
            (
                format!(r#""StreamSpecification":{ENABLE}"#),
                format!("A stream status change is currently in progress. {place}"),
            ),
            (
                format!(r#"{UNITS},"BillingMode":"PROVISIONED""#),
                format!("Can't change table IOPS {when} {place}"),
            ),
            (
                NEW_INDEX.to_owned(),
                format!("Can't create or delete index {when} {place}"),
            ),
            (
                r#""TableClass":"STANDARD_INFREQUENT_ACCESS""#.to_owned(),
                format!("Can't update table class {when} {place}"),
            ),
            (
                r#""OnDemandThroughput":{"MaxReadRequestUnits":5}"#.to_owned(),
                format!(
                    "OnDemandThroughput cannot be updated while stream status update is in progress. {place}"
                ),
            ),
        ] {
            let text = format!("Attempt to change a resource which is still in use: {text}");
            assert_eq!(
                update(busy, &members).unwrap_err(),
                ApiError::resource_in_use(text)
            );
        }
        for members in [
            r#""DeletionProtectionEnabled":true"#,
            r#""WarmThroughput":{"ReadUnitsPerSecond":13000}"#,
            r#""BillingMode":"PAY_PER_REQUEST""#,
        ] {
            update(busy, members).unwrap();
        }
        let deletion = DeleteTableRequest::parse(&json(r#"{"TableName":"abc"}"#), &account());
        assert_eq!(
            deletion.unwrap().check(busy).unwrap_err().message,
            "Attempt to change a resource which is still in use: Cannot delete table while stream is being enabled/disabled."
        );
    }
    let indexing = update(&table(&creation(&["a"], "a:HASH", "")), NEW_INDEX).unwrap();
    assert_eq!(
        change(&indexing, ENABLE, NOW).unwrap_err().message,
        "Attempt to change a resource which is still in use: Can't change stream status when an index is being created. Table: abc Indexes: [xyz]"
    );
}

#[test]
fn a_table_that_waits_for_its_first_stream_is_being_created() {
    let waiting = table(&creation(&["a"], "a:HASH", NEW_IMAGE));
    let created = "Attempt to change a resource which is still in use: Table is being created: abc";
    let deletion = DeleteTableRequest::parse(&json(r#"{"TableName":"abc"}"#), &account()).unwrap();
    assert_eq!(deletion.check(&waiting).unwrap_err().message, created);
    assert_eq!(change(&waiting, DISABLE, NOW).unwrap_err().message, created);
    let active = enabled(waiting);
    assert!(deletion.check(&active).is_ok() && change(&active, DISABLE, NOW).is_ok());
}

#[test]
fn view_types_belong_to_enabled_streams() {
    let created = |given: &str| {
        let more = format!(r#","StreamSpecification":{given}"#);
        create(&creation(&["a"], "a:HASH", &more))
            .unwrap_err()
            .message
    };
    let updated = |given: &str| {
        let plain = table(&creation(&["a"], "a:HASH", ""));
        change(&plain, given, NOW).unwrap_err().message
    };
    let no_view = r#"{"StreamEnabled":true}"#;
    let a_view = r#"{"StreamEnabled":false,"StreamViewType":"NEW_IMAGE"}"#;
    for (message, text) in [
        (
            created(no_view),
            "Table is being created with a stream enabled, UpdateViewType is required",
        ),
        (
            created(a_view),
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
        (
            updated(no_view),
            "If stream is being enabled then UpdateViewType is required",
        ),
        (
            updated(a_view),
            "If stream is being disabled, then UpdateViewType must not be specified",
        ),
    ] {
        assert_eq!(message, format!("{INVALID}{text}"));
    }
    let half = r#"{"StreamViewType":"NEW_IMAGE"}"#;
    let text = "1 validation error detected: Value null at 'streamSpecification.streamEnabled' failed to satisfy constraint: Member must not be null";
    assert_eq!(created(half), text);
    assert_eq!(updated(half), text);
}

#[test]
fn streams_are_listed_in_pages() {
    let request = ListStreamsRequest::parse(&json(r#"{"Limit":1}"#), &account()).unwrap();
    let all = [stream("x"), stream("y")];
    let entry = |label: &str| {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/abc/stream";
        format!(r#"{{"StreamArn":"{arn}/{label}","TableName":"abc","StreamLabel":"{label}"}}"#)
    };
    assert_eq!(
        request.reply(&all, &account()),
        format!(
            r#"{{"Streams":[{}],"LastEvaluatedStreamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/abc/stream/x"}}"#,
            entry("x")
        )
    );
    assert_eq!(
        request.reply(&all[1..], &account()),
        format!(r#"{{"Streams":[{}]}}"#, entry("y"))
    );
    assert_eq!(request.reply(&[], &account()), r#"{"Streams":[]}"#);
    let next = format!(r#"{{"TableName":"abc","ExclusiveStartStreamArn":"{ARN}"}}"#);
    let request = ListStreamsRequest::parse(&json(&next), &account()).unwrap();
    assert_eq!(
        request.exclusive_start,
        Some(stream("2023-11-14T22:13:20.123"))
    );
    assert_eq!(
        (request.table.as_deref(), request.limit),
        (Some("abc"), 100)
    );
}

#[test]
fn a_stream_is_described_with_its_shards() {
    let at = |lsn| Position::before_commit(1, lsn);
    let shards = [
        Shard {
            id: SHARD.into(),
            parent: None,
            start: at(5),
            end: Some(at(9)),
        },
        Shard {
            id: "shardId-00000001700000000124-00000009".into(),
            parent: Some(SHARD.into()),
            start: at(9),
            end: None,
        },
    ];
    let description = StreamDescription {
        status: StreamStatus::Enabled,
        view: StreamView::NewImage,
        created_at: NOW,
        key_schema: table(&creation(&["a", "b"], "a:HASH b:RANGE", "")).key_schema,
    };
    let parse = |more: &str| {
        let text = format!(r#"{{"StreamArn":"{ARN}"{more}}}"#);
        DescribeStreamRequest::parse(&json(&text), &account()).unwrap()
    };
    assert_eq!(
        parse("").reply(&description, &shards, &account()),
        format!(
            r#"{{"StreamDescription":{{"StreamArn":"{ARN}","StreamLabel":"2023-11-14T22:13:20.123","StreamStatus":"ENABLED","StreamViewType":"NEW_IMAGE","CreationRequestDateTime":1700000000.123,"TableName":"abc","KeySchema":[{{"AttributeName":"a","KeyType":"HASH"}},{{"AttributeName":"b","KeyType":"RANGE"}}],"Shards":[{{"ShardId":"{SHARD}","SequenceNumberRange":{{"StartingSequenceNumber":"10000000100000000000000000050000000000","EndingSequenceNumber":"10000000100000000000000000090000000000"}}}},{{"ShardId":"shardId-00000001700000000124-00000009","SequenceNumberRange":{{"StartingSequenceNumber":"10000000100000000000000000090000000000"}},"ParentShardId":"{SHARD}"}}]}}}}"#
        )
    );
    let first = parse(r#","Limit":1"#).reply(&description, &shards, &account());
    assert!(first.ends_with(&format!(r#"}}],"LastEvaluatedShardId":"{SHARD}"}}}}"#)));
    let filter = format!(r#","ShardFilter":{{"Type":"CHILD_SHARDS","ShardId":"{SHARD}"}}"#);
    assert_eq!(parse(&filter).children_of.as_deref(), Some(SHARD));
}

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

#[test]
fn reading_begins_where_it_is_asked_to() {
    let position = Position {
        epoch: 1,
        lsn: 5,
        ordinal: 1,
    };
    for (kind, more, start) in [
        ("TRIM_HORIZON", "", StartAt::TrimHorizon),
        ("LATEST", "", StartAt::Latest),
        (
            "AT_SEQUENCE_NUMBER",
            r#","SequenceNumber":"10000000100000000000000000050000000001""#,
            StartAt::Sequence(position),
        ),
        (
            "AFTER_SEQUENCE_NUMBER",
            r#","SequenceNumber":"10000000100000000000000000050000000001""#,
            StartAt::AfterSequence(position),
        ),
        (
            "AT_TIMESTAMP",
            r#","Timestamp":1700000000.123"#,
            StartAt::Timestamp(NOW),
        ),
        (
            "AT_TIMESTAMP",
            r#","Timestamp":1.5e9"#,
            StartAt::Timestamp(1_500_000_000_000),
        ),
    ] {
        let text = format!(
            r#"{{"StreamArn":"{ARN}","ShardId":"{SHARD}","ShardIteratorType":"{kind}"{more}}}"#
        );
        let request = GetShardIteratorRequest::parse(&json(&text), &account(), NOW).unwrap();
        assert_eq!(request.start, start);
        assert_eq!(request.shard_id, SHARD);
    }
}

fn record<'a>(item: &'a ItemBuf, ordinal: u32) -> Record<'a> {
    Record {
        position: Position {
            epoch: 1,
            lsn: 5,
            ordinal,
        },
        created_at: NOW,
        event: Event::Insert,
        keys: None,
        new_image: Some(item.as_item()),
        old_image: None,
    }
}

fn filled(length: usize) -> ItemBuf {
    let text = format!(
        r#"{{"a":{{"S":"k"}},"f":{{"S":"{}"}}}}"#,
        "x".repeat(length)
    );
    ItemBuf::from_attributes(&parse_attributes(&json(&text)).unwrap())
}

#[test]
fn a_page_ends_at_its_limit_and_at_a_megabyte() {
    let origin = Origin {
        stream_arn: ARN.into(),
        region: "eu-west-1".into(),
        view: StreamView::NewImage,
        schema: table(&creation(&["a"], "a:HASH", "")).key_schema,
    };
    let small = filled(1);
    let mut page = RecordsPage::new(2);
    assert_eq!(page.room(), 2);
    assert!(page.push(&record(&small, 1), &origin).unwrap());
    assert!(page.push(&record(&small, 2), &origin).unwrap());
    assert!(!page.push(&record(&small, 3), &origin).unwrap());
    assert_eq!(page.room(), 0);
    let last = ShardIterator {
        stream: stream("2023-11-14T22:13:20.123"),
        shard: 8,
        start: Start::After(Position::after_commit(1, 5)),
        issued_at: NOW,
    };
    let reply = page.finish(Some(&last), &account());
    assert_eq!(reply.matches("eventID").count(), 2);
    let next = format!(r#"],"NextShardIterator":"{}"}}"#, last.encode(&account()));
    assert!(reply.ends_with(&next), "{reply}");
    let parsed = json(&reply);
    assert_eq!(
        GetRecordsRequest::parse(
            &json(&format!(
                r#"{{"ShardIterator":"{}","Limit":5}}"#,
                parsed.get("NextShardIterator").unwrap().as_str().unwrap()
            )),
            &account(),
            NOW
        )
        .unwrap()
        .iterator,
        last
    );

    // Three of 350 KB are more than a megabyte; one is never too large.
    let large = filled(350 * 1024);
    let mut page = RecordsPage::new(1000);
    assert!(page.is_empty());
    assert!(page.push(&record(&large, 1), &origin).unwrap());
    assert!(page.push(&record(&large, 2), &origin).unwrap());
    assert!(!page.push(&record(&large, 3), &origin).unwrap());
    let reply = page.finish(None, &account());
    assert_eq!(reply.matches("eventID").count(), 2);
    assert!(reply.ends_with("}]}"));
    assert_eq!(
        RecordsPage::new(1).finish(None, &account()),
        r#"{"Records":[]}"#
    );
}
