//! StreamSpecification in CreateTable and UpdateTable, and what tables show of it.

use super::*;

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
