//! Time to live without a database: its requests, what expires when, and the delete of an expired item.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::apply::Effect;
use pg_dynamo_core::backup::Restore;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::{IndexState, TableDefinition};
use pg_dynamo_core::time_to_live::{ExpirySchema, OLDEST, deletion, expired_at};
use pg_dynamo_core::value::{ItemBuf, json::parse_attributes};
use pg_dynamo_core::{ErrorKind, Result};
use std::rc::Rc;

fn parse(members: &str) -> Result<UpdateTimeToLiveRequest> {
    UpdateTimeToLiveRequest::parse(&json(&format!("{{{members}}}")), &account())
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Validation);
    error.message
}

fn update(table: &TableDefinition, enabled: bool, attribute: &str) -> Result<TableDefinition> {
    parse(&format!(
        r#""TableName":"abc","TimeToLiveSpecification":{{"Enabled":{enabled},"AttributeName":"{attribute}"}}"#
    ))
    .unwrap()
    .apply(table, NOW)
}

fn described(table: &TableDefinition) -> String {
    describe_time_to_live_reply(table)
}

fn enabled(attribute: &str) -> TableDefinition {
    let new = update(&hash_table(), true, attribute).unwrap();
    new.with_time_to_live_in(IndexState::Active).unwrap()
}

#[test]
fn time_to_live_is_enabled_and_disabled() {
    let mut table = hash_table();
    assert_eq!(
        described(&table),
        r#"{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}"#
    );
    table = update(&table, true, "expires").unwrap();
    let ttl = table.time_to_live.clone().unwrap();
    assert_eq!((ttl.state, ttl.changed_at), (IndexState::Creating, NOW));
    for (state, status) in [
        (IndexState::Creating, "ENABLING"),
        (IndexState::Backfilling, "ENABLING"),
        (IndexState::Active, "ENABLED"),
        (IndexState::Deleting, "DISABLING"),
    ] {
        let table = table.with_time_to_live_in(state).unwrap();
        assert_eq!(
            described(&table),
            format!(
                r#"{{"TimeToLiveDescription":{{"TimeToLiveStatus":"{status}","AttributeName":"expires"}}}}"#
            )
        );
    }
    table = update(&enabled("expires"), false, "expires").unwrap();
    assert_eq!(
        table.time_to_live.as_ref().unwrap().state,
        IndexState::Deleting
    );
    assert_eq!(table.without_time_to_live(), hash_table());
}

#[test]
fn the_reply_repeats_the_specification() {
    let request = parse(
        r#""TableName":"abc","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"a\"b"}"#,
    );
    assert_eq!(
        request.unwrap().reply(),
        r#"{"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"a\"b"}}"#
    );
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    assert_eq!(
        refusal(update(&hash_table(), false, "expires")),
        "TimeToLive is already disabled"
    );
    assert_eq!(
        refusal(update(&enabled("expires"), true, "expires")),
        "TimeToLive is already enabled"
    );
}

#[test]
fn another_attribute_is_refused_while_one_is_active() {
    for enable in [true, false] {
        assert_eq!(
            refusal(update(&enabled("expires"), enable, "other")),
            "TimeToLive is active on a different AttributeName: current AttributeName is expires"
        );
    }
}

#[test]
fn a_change_waits_for_the_end_of_the_last_one() {
    const TOO_SOON: &str = "Time to live has been modified multiple times within a fixed interval";
    let in_state = |state| enabled("expires").with_time_to_live_in(state).unwrap();
    let enabling = [
        in_state(IndexState::Creating),
        in_state(IndexState::Backfilling),
    ];
    for table in enabling {
        assert_eq!(refusal(update(&table, false, "expires")), TOO_SOON);
        assert_eq!(
            refusal(update(&table, true, "expires")),
            "TimeToLive is already enabled"
        );
    }
    let disabling = in_state(IndexState::Deleting);
    for attribute in ["expires", "other"] {
        assert_eq!(refusal(update(&disabling, true, attribute)), TOO_SOON);
    }
    assert_eq!(
        refusal(update(&disabling, false, "expires")),
        "TimeToLive is already disabled"
    );
}

#[test]
fn a_table_that_is_being_restored_gets_no_time_to_live() {
    let restored = TableDefinition {
        restore: Some(Restore {
            source_table: "source".into(),
            backup: None,
            at: NOW,
            in_progress: true,
        }),
        ..hash_table()
    };
    let error = update(&restored, true, "expires").unwrap_err();
    assert_eq!(error.kind, ErrorKind::ResourceInUse);
}

#[test]
fn faults_of_the_request_are_told_in_the_services_words() {
    let cases = [
        (
            r#""TableName":"abc""#,
            "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#""TableName":"abc","TimeToLiveSpecification":{"Enabled":true,"AttributeName":""}"#,
            "1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            r#""TableName":"abc","TimeToLiveSpecification":{"AttributeName":"a"}"#,
            "1 validation error detected: Value null at 'timeToLiveSpecification.enabled' failed to satisfy constraint: Member must not be null",
        ),
    ];
    for (members, message) in cases {
        assert_eq!(refusal(parse(members)), message);
    }
    let long = "x".repeat(256);
    let message = refusal(parse(&format!(
        r#""TableName":"abc","TimeToLiveSpecification":{{"Enabled":true,"AttributeName":"{long}"}}"#
    )));
    assert!(
        message.ends_with("Member must have length less than or equal to 255"),
        "{message}"
    );
    let wrong_type = parse(r#""TableName":"abc","TimeToLiveSpecification":{"Enabled":1}"#);
    assert_eq!(wrong_type.unwrap_err().kind, ErrorKind::Serialization);
}

#[test]
fn definitions_of_before_have_no_time_to_live() {
    let text = serde_json::to_string(&hash_table()).unwrap();
    assert!(!text.contains("time_to_live"), "{text}");
    let table = enabled("expires");
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(
        serde_json::from_str::<TableDefinition>(&text).unwrap(),
        table
    );
}

#[test]
fn the_column_is_maintained_from_its_creation_until_it_is_given_up() {
    let kept = |state| {
        let table = enabled("expires").with_time_to_live_in(state).unwrap();
        table.maintained_expiry().is_some()
    };
    assert!(kept(IndexState::Backfilling) && kept(IndexState::Active));
    assert!(!kept(IndexState::Creating) && !kept(IndexState::Deleting));
    assert!(hash_table().maintained_expiry().is_none());
}

fn item(text: &str) -> ItemBuf {
    ItemBuf::from_attributes(&parse_attributes(&json(text)).unwrap())
}

#[test]
fn only_numbers_say_when_an_item_expires() {
    let schema = ExpirySchema {
        time_to_live: "expires".into(),
    };
    for (value, second) in [
        (r#"{"N":"1700000000"}"#, Some(1_700_000_000)),
        (r#"{"N":"1700000000.9"}"#, Some(1_700_000_000)),
        (r#"{"N":"-1.5"}"#, Some(-2)),
        (r#"{"N":"0"}"#, Some(0)),
        (r#"{"N":"1E30"}"#, None),
        (r#"{"S":"1700000000"}"#, None),
        (r#"{"NULL":true}"#, None),
        (r#"{"NS":["1700000000"]}"#, None),
        (r#"{"L":[{"N":"1700000000"}]}"#, None),
    ] {
        let item = item(&format!(r#"{{"pk":{{"S":"a"}},"expires":{value}}}"#));
        let found = schema.expiry_of(item.as_item()).unwrap();
        assert_eq!(found, second, "{value}");
    }
    let other = item(r#"{"pk":{"S":"a"},"expire":{"N":"1"}}"#);
    assert_eq!(schema.expiry_of(other.as_item()).unwrap(), None);
}

/// What deleting an expired item does to one whose attribute has this value, in the second 2,000,000,000.
fn deleted(value: &str) -> bool {
    const THEN: i64 = 2_000_000_000;
    let table = Rc::new(enabled("expires"));
    let key = parse_attributes(&json(r#"{"pk":{"S":"a"}}"#)).unwrap();
    let write = deletion(&table, "expires", key, &expired_at(THEN), &account()).unwrap();
    let item = item(&format!(r#"{{"pk":{{"S":"a"}}{value}}}"#));
    match write.apply(Some(item.as_item())).unwrap() {
        Effect::Delete => true,
        Effect::Refused(error) => {
            assert_eq!(error.kind, ErrorKind::ConditionalCheckFailed);
            false
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_item_is_deleted_from_the_second_after_its_time_on_for_five_years() {
    let number = |n: String| deleted(&format!(r#","expires":{{"N":"{n}"}}"#));
    assert!(number("1999999999".into()));
    assert!(number("1999999999.999".into()));
    assert!(!number("2000000000".into()));
    assert!(!number("2000000000.5".into()));
    let oldest = 2_000_000_000 - OLDEST;
    assert!(number(oldest.to_string()));
    assert!(!number((oldest - 1).to_string()));
    assert!(!number("0".into()) && !number("-5".into()));
}

#[test]
fn an_item_that_was_renewed_or_has_no_time_is_left_alone() {
    assert!(!deleted(""));
    assert!(!deleted(r#","expires":{"S":"1999999999"}"#));
    assert!(!deleted(r#","expires":{"NULL":true}"#));
    assert!(!deleted(r#","expires":{"N":"2000003600"}"#));
}

#[test]
fn the_deletion_of_a_missing_item_does_nothing() {
    let table = Rc::new(enabled("expires"));
    let key = parse_attributes(&json(r#"{"pk":{"S":"a"}}"#)).unwrap();
    let write = deletion(&table, "expires", key, &expired_at(100), &account()).unwrap();
    assert!(matches!(write.apply(None).unwrap(), Effect::Refused(_)));
}
