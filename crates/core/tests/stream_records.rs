//! From changes of rows to records: images by view, sizes, sequence numbers, names of streams.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::stream::record::{Origin, Row, changes};
use pg_dynamo_core::stream::{Change, Event, Position, Record, StreamName, arn, position};
use pg_dynamo_core::table::{KeySchema, StreamView};
use pg_dynamo_core::value::{Item, ItemBuf, json::parse_attributes};
use pg_dynamo_core::{ErrorKind, Result};
use proptest::prelude::*;

const VIEWS: [StreamView; 4] = [
    StreamView::KeysOnly,
    StreamView::NewImage,
    StreamView::OldImage,
    StreamView::NewAndOldImages,
];

fn item(text: &str) -> ItemBuf {
    ItemBuf::from_attributes(&parse_attributes(&json(text)).unwrap())
}

fn schema(keys: &str) -> KeySchema {
    let names: Vec<&str> = keys
        .split(' ')
        .map(|k| k.split(':').next().unwrap())
        .collect();
    table(&creation(&names, keys, "")).key_schema
}

fn by_id() -> KeySchema {
    let request = r#"{"TableName":"abc","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"Id","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"Id","AttributeType":"N"}]}"#;
    table(request).key_schema
}

fn of<'a>(
    view: StreamView,
    schema: &KeySchema,
    old: Option<&'a ItemBuf>,
    new: Option<&'a ItemBuf>,
) -> Vec<Change<'a>> {
    let row = |item: &'a ItemBuf| Row {
        pk_hash: 7,
        item: item.as_item(),
    };
    changes(view, schema, old.map(row), new.map(row)).unwrap()
}

fn origin(view: StreamView, schema: KeySchema) -> Origin {
    let name = StreamName {
        table: "abc".into(),
        label: "2026-11-21T19:50:45.123".into(),
    };
    Origin {
        stream_arn: name.arn(&account()),
        region: "eu-west-1".into(),
        view,
        schema,
    }
}

fn record<'a>(change: &'a Change<'a>) -> Record<'a> {
    Record {
        position: Position {
            epoch: 1,
            lsn: 0x1_6B37_4D48,
            ordinal: 3,
        },
        created_at: NOW,
        event: change.event,
        keys: change.keys.as_ref().map(ItemBuf::as_item),
        new_image: change.new_image,
        old_image: change.old_image,
    }
}

fn written(change: &Change<'_>, origin: &Origin) -> (String, usize) {
    let mut out = String::new();
    let size = record(change).write(&mut out, origin).unwrap();
    (out, size)
}

#[test]
fn a_record_has_the_members_of_the_api() {
    let new = item(r#"{"Id":{"N":"101"},"Message":{"S":"New \"item\"!"}}"#);
    let view = StreamView::NewAndOldImages;
    let all = of(view, &by_id(), None, Some(&new));
    let (json, _) = written(&all[0], &origin(view, by_id()));
    let (id, rest) = json.strip_prefix(r#"{"eventID":""#).unwrap().split_at(32);
    assert!(id.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(
        rest,
        r#"","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{"ApproximateCreationDateTime":1700000000,"Keys":{"Id":{"N":"101"}},"NewImage":{"Id":{"N":"101"},"Message":{"S":"New \"item\"!"}},"SequenceNumber":"10000000100000000060937536720000000003","SizeBytes":28,"StreamViewType":"NEW_AND_OLD_IMAGES"}}"#
    );
    assert_eq!(json, written(&all[0], &origin(view, by_id())).0);
}

/// The three records of the developer guide's example, with the sizes it shows.
#[test]
fn sizes_are_those_of_the_developer_guide() {
    let first = item(r#"{"Id":{"N":"101"},"Message":{"S":"New item!"}}"#);
    let second = item(r#"{"Id":{"N":"101"},"Message":{"S":"This item has changed"}}"#);
    let view = StreamView::NewAndOldImages;
    for (old, new, size) in [
        (None, Some(&first), 26),
        (Some(&first), Some(&second), 59),
        (Some(&second), None, 38),
    ] {
        let all = of(view, &by_id(), old, new);
        assert_eq!(written(&all[0], &origin(view, by_id())).1, size);
    }
}

#[test]
fn each_view_keeps_its_images_and_always_the_key() {
    let old = item(r#"{"pk":{"S":"a"},"sk":{"S":"b"},"v":{"N":"1"}}"#);
    let new = item(r#"{"pk":{"S":"a"},"sk":{"S":"b"},"v":{"N":"2"}}"#);
    let schema = schema("pk:HASH sk:RANGE");
    let key = r#""Keys":{"pk":{"S":"a"},"sk":{"S":"b"}}"#;
    for view in VIEWS {
        for (before, after, event) in [
            (None, Some(&new), Event::Insert),
            (Some(&old), Some(&new), Event::Modify),
            (Some(&old), None, Event::Remove),
        ] {
            let all = of(view, &schema, before, after);
            assert_eq!(all.len(), 1);
            assert_eq!((all[0].event, all[0].pk_hash), (event, 7));
            let (json, _) = written(&all[0], &origin(view, schema.clone()));
            assert!(json.contains(key), "{json}");
            let has_new = view.has_new_image() && after.is_some();
            let has_old = view.has_old_image() && before.is_some();
            assert_eq!(json.contains("\"NewImage\":{\"pk\""), has_new, "{json}");
            assert_eq!(json.contains("\"OldImage\":{\"pk\""), has_old, "{json}");
            assert_eq!(all[0].keys.is_some(), !has_new && !has_old);
        }
    }
}

#[test]
fn a_row_that_did_not_change_is_no_change() {
    let one = item(r#"{"pk":{"S":"a"},"m":{"M":{"x":{"N":"1"},"y":{"N":"2.50"}}}}"#);
    let same = item(r#"{"m":{"M":{"y":{"N":"2.5"},"x":{"N":"1.0"}}},"pk":{"S":"a"}}"#);
    for view in VIEWS {
        assert_eq!(of(view, &schema("pk:HASH"), Some(&one), Some(&same)), []);
        assert_eq!(of(view, &schema("pk:HASH"), None, None), []);
    }
}

#[test]
fn a_row_that_gets_another_key_is_removed_and_inserted() {
    let one = item(r#"{"pk":{"S":"a"},"sk":{"S":"b"}}"#);
    let other = item(r#"{"pk":{"S":"a"},"sk":{"S":"c"}}"#);
    let schema = schema("pk:HASH sk:RANGE");
    let row = |pk_hash, item: &ItemBuf| -> Option<(i64, ItemBuf)> { Some((pk_hash, item.clone())) };
    let (old, new) = (row(1, &one).unwrap(), row(2, &other).unwrap());
    let all = changes(
        StreamView::NewImage,
        &schema,
        Some(Row {
            pk_hash: old.0,
            item: old.1.as_item(),
        }),
        Some(Row {
            pk_hash: new.0,
            item: new.1.as_item(),
        }),
    )
    .unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].event, all[0].pk_hash), (Event::Remove, 1));
    assert_eq!((all[1].event, all[1].pk_hash), (Event::Insert, 2));
    assert_eq!(all[0].keys.as_ref(), Some(&one));
    assert_eq!(all[1].new_image, Some(other.as_item()));
}

#[test]
fn what_expired_names_the_service() {
    let old = item(r#"{"pk":{"S":"a"}}"#);
    let view = StreamView::KeysOnly;
    let mut all = of(view, &schema("pk:HASH"), Some(&old), None);
    let origin = origin(view, schema("pk:HASH"));
    assert!(!written(&all[0], &origin).0.contains("userIdentity"));
    all[0].event = Event::Expire;
    let (json, _) = written(&all[0], &origin);
    assert!(json.contains(r#""eventName":"REMOVE""#));
    assert!(json.ends_with(
        r#","userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}}"#
    ));
    for event in [Event::Insert, Event::Modify, Event::Remove, Event::Expire] {
        assert_eq!(Event::from_code(event.code()), Some(event));
    }
    assert_eq!(Event::from_code(b'?'), None);
}

#[test]
fn rows_without_their_key_are_corrupt() {
    let without = item(r#"{"v":{"S":"a"}}"#);
    let row = Row {
        pk_hash: 0,
        item: without.as_item(),
    };
    let result: Result<_> = changes(StreamView::KeysOnly, &by_id(), None, Some(row));
    assert_eq!(result.unwrap_err().kind, ErrorKind::InternalServerError);
    let empty = Record {
        keys: None,
        new_image: None,
        old_image: None,
        position: Position::default(),
        created_at: 0,
        event: Event::Insert,
    };
    let mut out = String::new();
    assert!(
        empty
            .write(&mut out, &origin(StreamView::KeysOnly, by_id()))
            .is_err()
    );
    assert!(Item::from_bytes(&[]).is_err());
}

#[test]
fn labels_are_times_in_utc() {
    for (millis, label) in [
        (0, "1970-01-01T00:00:00.000"),
        (NOW, "2023-11-14T22:13:20.123"),
        (951_782_400_000, "2000-02-29T00:00:00.000"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000"),
        (-1, "1969-12-31T23:59:59.999"),
    ] {
        assert_eq!(arn::label(millis), label);
    }
}

#[test]
fn arns_of_streams_are_read_back_and_others_refused() {
    let name = StreamName {
        table: "Music.1".into(),
        label: arn::label(NOW),
    };
    let text = name.arn(&account());
    assert_eq!(
        text,
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Music.1/stream/2023-11-14T22:13:20.123"
    );
    assert_eq!(StreamName::parse(&text, &account()).unwrap(), name);
    for malformed in [
        "",
        "fake-stream",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Music",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Music/stream/",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Mu sic/stream/x",
        "arn:aws:kinesis:eu-west-1:123456789012:table/Music/stream/x",
        "arn:aws:dynamodb:eu-west-1",
    ] {
        let error = StreamName::parse(malformed, &account()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation, "{malformed}");
        assert_eq!(error.message, "Invalid StreamArn");
    }
    for elsewhere in [
        text.replace("eu-west-1", "us-east-1"),
        text.replace("123456789012", "000000000000"),
        text.replace("arn:aws:", "arn:aws-cn:"),
    ] {
        let error = StreamName::parse(&elsewhere, &account()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ResourceNotFound);
        assert_eq!(
            error.message,
            format!("Requested resource not found: Stream: {elsewhere} not found")
        );
    }
}

#[test]
fn epochs_rise_by_the_clock_and_never_fall() {
    let year = 365 * 24 * 60;
    assert_eq!(position::next_epoch(0, 1_735_689_600_000), 1);
    assert_eq!(position::next_epoch(0, 1_767_225_600_000), year);
    assert_eq!(position::next_epoch(year, 1_767_225_600_000), year + 1);
    assert_eq!(position::next_epoch(year + 9, 0), year + 10);
    assert_eq!(
        position::next_epoch(u32::MAX, i64::MAX),
        position::MAX_EPOCH
    );
}

#[test]
fn numbers_of_others_are_none_of_ours() {
    for text in [
        "",
        "111111111111111111111",
        "00000000000000000000000000000000000000",
        "1000000010000000006093942224000000000x",
        "10000000199999999999999999990000000001",
        "10000000100000000060939422249999999999",
        "+0000000100000000060939422240000000003",
    ] {
        assert_eq!(Position::parse(text), None, "{text}");
    }
}

fn positions() -> impl Strategy<Value = Position> {
    (0..=position::MAX_EPOCH, 0..i64::MAX as u64, any::<u32>()).prop_map(|(epoch, lsn, ordinal)| {
        Position {
            epoch,
            lsn,
            ordinal,
        }
    })
}

proptest! {
    #[test]
    fn sequence_numbers_sort_as_positions_and_are_read_back(a in positions(), b in positions()) {
        let (x, y) = (a.to_string(), b.to_string());
        prop_assert_eq!(x.len(), position::DIGITS);
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(Position::parse(&x), Some(a));
    }
}
