//! Lists and descriptions of streams, iterators, and pages of records.

use super::*;

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
