//! BatchGetItem and BatchWriteItem without a database: which faults are found, in which order and words, and
//! what the replies say.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::ApiError;
use pg_dynamo_core::apply::{Effect, Outcome};
use pg_dynamo_core::batch::{BatchRead, BatchWrite};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::limits::MAX_BATCH_RESPONSE;
use pg_dynamo_core::request::{BatchGetItemRequest, BatchWriteItemRequest};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::value::ItemBuf;
use std::collections::BTreeMap;
use std::rc::Rc;

const MISMATCH: &str = "The provided key element does not match the schema";
const DUPLICATES: &str = "Provided list of item keys contains duplicates";
const NEITHER: &str = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";
const BAD_NAME: &str = "failed to satisfy constraint: Map keys must satisfy constraint: \
    [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, \
    Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]";

fn read(tables: &[&TableDefinition], request: &str) -> pg_dynamo_core::Result<BatchRead> {
    BatchGetItemRequest::parse(&json(request), &account())?.bind(tables)
}

fn write(tables: &[&TableDefinition], request: &str) -> pg_dynamo_core::Result<BatchWrite> {
    let tables: Vec<_> = tables.iter().map(|t| Rc::new((*t).clone())).collect();
    BatchWriteItemRequest::parse(&json(request), &account())?
        .bind(&tables.iter().collect::<Vec<_>>())
}

fn message(operation: &str, request: &str) -> String {
    refusal(operation, request).message
}

/// `{"RequestItems":{"Hash":{"Keys":[…],more}}}`
fn get_request(keys: impl IntoIterator<Item = String>, more: &str) -> String {
    let keys: Vec<_> = keys.into_iter().collect();
    format!(
        r#"{{"RequestItems":{{"Hash":{{"Keys":[{}]{more}}}}}}}"#,
        keys.join(",")
    )
}

fn key(pk: &str) -> String {
    format!(r#"{{"pk":{{"S":"{pk}"}}}}"#)
}

fn put_of(item: &str) -> String {
    format!(r#"{{"PutRequest":{{"Item":{item}}}}}"#)
}

fn delete_of(key: &str) -> String {
    format!(r#"{{"DeleteRequest":{{"Key":{key}}}}}"#)
}

fn write_request(requests: impl IntoIterator<Item = String>) -> String {
    let requests: Vec<_> = requests.into_iter().collect();
    format!(r#"{{"RequestItems":{{"Hash":[{}]}}}}"#, requests.join(","))
}

#[test]
fn batches_without_tables_are_refused() {
    for operation in ["BatchGetItem", "BatchWriteItem"] {
        assert_eq!(
            message(operation, r#"{"RequestItems":{}}"#),
            format!("The requestItems parameter is required for {operation}")
        );
        assert_eq!(
            message(operation, r#"{"ReturnConsumedCapacity":"hi"}"#),
            "2 validation errors detected: Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: \
             Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; \
             Value null at 'requestItems' failed to satisfy constraint: Member must not be null"
        );
    }
}

#[test]
fn names_of_tables_and_lengths_of_their_lists_are_gathered_before_what_they_hold() {
    let text = message("BatchGetItem", r#"{"RequestItems":{"aa;":{}}}"#);
    assert!(
        text.starts_with("2 validation errors detected: Value '{aa;=KeysAndAttributes(keys=null,")
    );
    assert!(
        text.ends_with(&format!(
            "at 'requestItems' {BAD_NAME}; Value null at 'requestItems.aa;.member.keys' failed to satisfy \
             constraint: Member must not be null"
        )),
        "{text}"
    );
    let text = message("BatchGetItem", r#"{"RequestItems":{"abc":{"Keys":[]}}}"#);
    assert_eq!(
        text,
        "1 validation error detected: Value '[]' at 'requestItems.abc.member.keys' failed to satisfy constraint: \
         Member must have length greater than or equal to 1"
    );
    let text = message(
        "BatchWriteItem",
        r#"{"RequestItems":{"a":[],"abc":[{"PutRequest":{},"DeleteRequest":{}}]}}"#,
    );
    let lengths = "failed to satisfy constraint: Map value must satisfy constraint: \
        [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]";
    for part in [
        BAD_NAME,
        lengths,
        "Value null at 'requestItems.abc.member.1.member.deleteRequest.key' failed",
        "Value null at 'requestItems.abc.member.1.member.putRequest.item' failed",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.starts_with("4 validation errors detected: Value '{a=[], abc=[WriteRequest("));
}

#[test]
fn tables_that_are_null_ask_for_nothing() {
    for operation in ["BatchGetItem", "BatchWriteItem"] {
        assert_eq!(
            message(operation, r#"{"RequestItems":{"abc":null}}"#),
            "1 validation error detected: Value null at 'requestItems.abc.member' failed to satisfy constraint: \
             Member must not be null"
        );
    }
}

#[test]
fn wrong_json_types_are_serialization_exceptions() {
    let parameterized =
        "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to";
    for (operation, request, text) in [
        (
            "BatchGetItem",
            r#"{"RequestItems":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.KeysAndAttributes>",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":[]}}"#,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeysAndAttributes",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":"a"}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":{}}}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":["a"]}}}"#,
            parameterized,
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":[{"a":1}]}}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":{}}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":7}}"#,
            parameterized,
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":["a"]}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":[{"PutRequest":[]}]}}"#,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.PutRequest",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":[{"PutRequest":{"Item":7}}]}}"#,
            "Unexpected field type",
        ),
    ] {
        let refused = refusal(operation, request);
        assert_eq!(refused.kind.name(), "SerializationException", "{request}");
        assert!(
            refused.message.starts_with(text),
            "{request}: {}",
            refused.message
        );
    }
}

#[test]
fn a_batch_reads_100_keys_and_writes_25_items_at_most() {
    let keys = |n: usize| (0..n).map(|i| key(&i.to_string()));
    accepts("BatchGetItem", &get_request(keys(100), ""));
    assert_eq!(
        message("BatchGetItem", &get_request(keys(101), "")),
        "1 validation error detected: Value at 'RequestItems.Hash.member.Keys' failed to satisfy constraint: \
         Member must have length less than or equal to 100"
    );
    let first: Vec<_> = keys(100).collect();
    assert_eq!(
        message(
            "BatchGetItem",
            &format!(
                r#"{{"RequestItems":{{"abc":{{"Keys":[{}]}},"abd":{{"Keys":[{}]}}}}}}"#,
                first.join(","),
                first[0]
            )
        ),
        "Too many items requested for the BatchGetItem call"
    );
    let puts = |n: usize| (0..n).map(|i| put_of(&key(&i.to_string())));
    accepts("BatchWriteItem", &write_request(puts(25)));
    let text = message("BatchWriteItem", &write_request(puts(26)));
    assert!(
        text.starts_with("1 validation error detected: Value '{Hash=[WriteRequest(deleteRequest=null, putRequest=PutRequest(item={...})), "),
        "{text}"
    );
    assert!(
        text.ends_with(
            "]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \
             [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
        ),
        "{text}"
    );
    let first: Vec<_> = puts(25).collect();
    assert_eq!(
        message(
            "BatchWriteItem",
            &format!(
                r#"{{"RequestItems":{{"abc":[{}],"abd":[{}]}}}}"#,
                first.join(","),
                first[0]
            )
        ),
        "Too many items requested for the BatchWriteItem call"
    );
}

#[test]
fn batch_get_item_reports_mixture_then_names_then_the_expression_then_values_then_duplicates() {
    let bad = r#"{"pk":{"N":"x"}}"#.to_owned();
    for (keys, more, text) in [
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"],"ProjectionExpression":"""#,
            "Can not use both",
        ),
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"],"ExpressionAttributeNames":{}"#,
            "ExpressionAttributeNames can only",
        ),
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"]"#,
            "Duplicate value in attribute name: a",
        ),
        (
            vec![bad.clone()],
            r#","ProjectionExpression":"","ExpressionAttributeNames":{}"#,
            "must not be empty",
        ),
        (
            vec![bad.clone()],
            r#","ProjectionExpression":"""#,
            "The expression can not be empty",
        ),
        (
            vec![key("a"), bad.clone(), key("a")],
            "",
            "cannot be converted to a numeric value",
        ),
        (
            vec![key("a"), key("b"), key("a"), bad.clone()],
            "",
            DUPLICATES,
        ),
    ] {
        let text_found = message("BatchGetItem", &get_request(keys, more));
        assert!(text_found.contains(text), "{text_found}");
    }
}

#[test]
fn batch_get_item_finds_duplicates_of_equal_numbers_and_in_any_order_of_attributes() {
    for keys in [
        [r#"{"pk":{"N":"1"}}"#, r#"{"pk":{"N":"1.0"}}"#],
        [
            r#"{"a":{"S":"x"},"b":{"S":"y"}}"#,
            r#"{"b":{"S":"y"},"a":{"S":"x"}}"#,
        ],
    ] {
        let request = get_request(keys.map(str::to_owned), "");
        assert_eq!(message("BatchGetItem", &request), DUPLICATES);
    }
}

#[test]
fn batch_write_item_wants_a_put_or_a_delete() {
    let both = r#"{"PutRequest":{"Item":{"pk":{}}},"DeleteRequest":{"Key":{}}}"#;
    for request in ["{}", "null", r#"{"PutRequest":null}"#, both] {
        let requests = [put_of(r#"{"pk":{"N":"x"}}"#), request.to_owned()];
        assert_eq!(message("BatchWriteItem", &write_request(requests)), NEITHER);
    }
}

#[test]
fn batch_write_item_looks_at_values_and_sizes_before_tables() {
    let long = "a".repeat(400 * 1024);
    for (item, text) in [
        (r#"{"pk":{}}"#, "Supplied AttributeValue is empty"),
        (r#"{"pk":{"SS":[]}}"#, "may not be empty"),
        (r#"{"":{"S":"a"}}"#, "Empty attribute name"),
        (
            &format!(r#"{{"pk":{{"S":"{long}"}}}}"#),
            "Item size has exceeded the maximum allowed size",
        ),
    ] {
        let found = message("BatchWriteItem", &write_request([put_of(item)]));
        assert!(found.contains(text), "{found}");
    }
    let found = message(
        "BatchWriteItem",
        &write_request([delete_of(r#"{"pk":{"N":"x"}}"#)]),
    );
    assert!(found.contains("cannot be converted"), "{found}");
    // Duplicates are the table's to find.
    accepts(
        "BatchWriteItem",
        &write_request([put_of(&key("a")), put_of(&key("a"))]),
    );
}

#[test]
fn keys_that_do_not_fit_the_schema_are_refused() {
    let (hash, composite) = (hash_table(), composite_table("N"));
    let keys = [
        "{}",
        r#"{"b":{"S":"a"}}"#,
        r#"{"pk":{"N":"1"}}"#,
        r#"{"pk":{"L":[]}}"#,
    ];
    for key in keys {
        let request = get_request([key.to_owned()], "");
        assert_eq!(read(&[&hash], &request).unwrap_err().message, MISMATCH);
        for write_of in [put_of(key), delete_of(key)] {
            let request = write_request([write_of]);
            assert_eq!(write(&[&hash], &request).unwrap_err().message, MISMATCH);
        }
    }
    let half = [key("a")];
    assert_eq!(
        read(&[&composite], &get_request(half.clone(), ""))
            .unwrap_err()
            .message,
        MISMATCH
    );
    let put = write_request(half.map(|key| put_of(&key)));
    assert_eq!(write(&[&composite], &put).unwrap_err().message, MISMATCH);
    let more = r#"{"pk":{"S":"a"},"b":{"S":"b"}}"#;
    assert_eq!(
        write(&[&hash], &write_request([delete_of(more)]))
            .unwrap_err()
            .message,
        MISMATCH
    );
    assert!(write(&[&hash], &write_request([put_of(more)])).is_ok());
}

#[test]
fn keys_too_long_or_empty_are_refused_in_the_words_of_single_items() {
    let hash = hash_table();
    for (value, text) in [
        (
            "a".repeat(2049),
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            String::new(),
            "cannot contain an empty string value. Key: pk",
        ),
    ] {
        let refused = [
            read(&[&hash], &get_request([key(&value)], "")).unwrap_err(),
            write(&[&hash], &write_request([put_of(&key(&value))])).unwrap_err(),
            write(&[&hash], &write_request([delete_of(&key(&value))])).unwrap_err(),
        ];
        for ApiError { message, .. } in refused {
            assert!(message.contains(text), "{message}");
        }
    }
}

#[test]
fn no_two_writes_of_a_batch_are_of_one_item() {
    let hash = hash_table();
    let a = key("a");
    for (one, other) in [
        (put_of(&a), put_of(r#"{"pk":{"S":"a"},"more":{"S":"b"}}"#)),
        (put_of(&a), delete_of(&a)),
        (delete_of(&a), put_of(&a)),
        (delete_of(&a), delete_of(&a)),
    ] {
        // A fault of an earlier request comes first, one of a later request does not.
        let fault = put_of("{}");
        let request = write_request([put_of(&key("b")), one.clone(), other.clone(), fault.clone()]);
        assert_eq!(write(&[&hash], &request).unwrap_err().message, DUPLICATES);
        let request = write_request([fault, one, other]);
        assert_eq!(write(&[&hash], &request).unwrap_err().message, MISMATCH);
    }
}

#[test]
fn a_table_may_be_named_by_its_arn_but_only_once() {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash";
    let request = get_request([key("a")], "").replace("Hash", arn);
    let request = BatchGetItemRequest::parse(&json(&request), &account()).unwrap();
    let names: Vec<_> = request.tables().map(|t| (&*t.name, &*t.as_given)).collect();
    assert_eq!(names, [("Hash", arn)]);
    let put = put_of(&key("a"));
    let twice = format!(r#"{{"RequestItems":{{"Hash":[{put}],"{arn}":[{put}]}}}}"#);
    assert!(message("BatchWriteItem", &twice).contains("by its name and by its ARN"));
    let twice = format!(r#"{{"RequestItems":{{"Hash":[{put},{put}],"Hash":[{put}]}}}}"#);
    let kept = BatchWriteItemRequest::parse(&json(&twice), &account()).unwrap();
    let bound = kept.bind(&[&Rc::new(hash_table())]).unwrap();
    assert_eq!(
        bound.tables()[0].puts().len(),
        1,
        "of equal names the last counts"
    );
}

#[test]
fn keys_that_an_expression_looks_into_are_refused() {
    let request = get_request([key("a")], r#","ProjectionExpression":"pk.b""#);
    let refused = read(&[&hash_table()], &request).unwrap_err();
    assert!(refused.message.contains("Key attributes must be scalars"));
}

/// Answers a read from `stored`, as storage does.
fn answer(read: &BatchRead, stored: &BTreeMap<StoredKey, ItemBuf>) -> serde_json::Value {
    let mut reply = read.reply(String::new());
    'tables: for table in read.tables() {
        reply.begin();
        for key in table.keys() {
            let item = stored.get(key).map(ItemBuf::as_item);
            let item = item
                .as_ref()
                .map(|item| item as &dyn pg_dynamo_core::read::StoredItem);
            if reply.offer(item).unwrap().is_break() {
                break 'tables;
            }
        }
    }
    serde_json::from_str(&reply.finish().unwrap()).unwrap()
}

fn stored(table: &TableDefinition, items: &[&str]) -> BTreeMap<StoredKey, ItemBuf> {
    let items = items.iter().map(|text| item(text));
    items
        .map(|item| {
            let key = StoredKey::of_item(item.as_item(), &table.key_schema);
            (key.unwrap().unwrap(), item)
        })
        .collect()
}

#[test]
fn batch_get_item_answers_every_table_and_always_unprocessed_keys() {
    let (hash, composite) = (hash_table(), composite_table("N"));
    let request = r##"{"RequestItems":{
        "Hash":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"none"}}],"ConsistentRead":true,"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"n"}},
        "Composite":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}}],"AttributesToGet":["pk"]}},
        "ReturnConsumedCapacity":"INDEXES"}"##;
    let read = read(&[&hash, &composite], request).unwrap();
    let stored = stored(&hash, &[r#"{"pk":{"S":"a"},"n":{"N":"1"},"m":{"S":"x"}}"#]);
    assert_eq!(
        answer(&read, &stored),
        serde_json::json!({
            "Responses": {"Hash": [{"n": {"N": "1"}}], "Composite": []},
            "UnprocessedKeys": {},
            "ConsumedCapacity": [
                {"TableName": "Hash", "CapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0}},
                {"TableName": "Composite", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}},
            ],
        })
    );
}

#[test]
fn batch_get_item_stops_at_16_mb_and_gives_the_rest_back() {
    let hash = hash_table();
    let note = "x".repeat(390_000);
    let items: Vec<String> = (0..50)
        .map(|i| format!(r#"{{"pk":{{"S":"{i}"}},"note":{{"S":"{note}"}}}}"#))
        .collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let stored = stored(&hash, &items);
    let more = r##","ConsistentRead":true,"ProjectionExpression":"#p","ExpressionAttributeNames":{"#p":"pk"}"##;
    let request = get_request((0..50).map(|i| key(&i.to_string())), more);
    let capacity = request.replacen('{', r#"{"ReturnConsumedCapacity":"TOTAL","#, 1);
    let reply = answer(&read(&[&hash], &capacity).unwrap(), &stored);
    let fitting = MAX_BATCH_RESPONSE / stored.values().map(|i| i.as_item().size()).max().unwrap();
    let answered = reply["Responses"]["Hash"].as_array().unwrap();
    assert_eq!(answered.len(), fitting);
    let rest = &reply["UnprocessedKeys"]["Hash"];
    let left = rest["Keys"].as_array().unwrap();
    assert_eq!(left.len(), 50 - fitting);
    assert_eq!(rest["ConsistentRead"], true);
    assert_eq!(rest["ProjectionExpression"], "#p");
    assert_eq!(rest["ExpressionAttributeNames"]["#p"], "pk");
    assert_eq!(
        reply["ConsumedCapacity"][0]["CapacityUnits"].as_f64(),
        Some(96.0 * fitting as f64),
        "what was not answered is not charged"
    );
    // The rest is a request of its own, and together they are everything.
    let next = serde_json::json!({"RequestItems": reply["UnprocessedKeys"]}).to_string();
    let next = answer(&read(&[&hash], &next).unwrap(), &stored);
    assert_eq!(next["UnprocessedKeys"], serde_json::json!({}));
    let mut keys: Vec<_> = answered
        .iter()
        .chain(next["Responses"]["Hash"].as_array().unwrap())
        .map(|item| item["pk"]["S"].as_str().unwrap().parse::<usize>().unwrap())
        .collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..50));
}

#[test]
fn unprocessed_keys_repeat_legacy_parameters_and_tables_never_reached() {
    let (hash, composite) = (hash_table(), composite_table("N"));
    let request = r#"{"RequestItems":{
        "Hash":{"Keys":[{"pk":{"S":"a"}}],"AttributesToGet":["pk","n"]},
        "Composite":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1.50"}}]}}}"#;
    let read = read(&[&hash, &composite], request).unwrap();
    let reply: serde_json::Value =
        serde_json::from_str(&read.reply(String::new()).finish().unwrap()).unwrap();
    assert_eq!(
        reply,
        serde_json::json!({
            "Responses": {"Hash": [], "Composite": []},
            "UnprocessedKeys": {
                "Hash": {"Keys": [{"pk": {"S": "a"}}], "AttributesToGet": ["pk", "n"]},
                "Composite": {"Keys": [{"pk": {"S": "a"}, "sk": {"N": "1.5"}}]},
            },
        })
    );
}

/// Applies a batch to `stored` and answers its reply, as storage does.
fn apply(batch: &BatchWrite, stored: &BTreeMap<StoredKey, ItemBuf>) -> serde_json::Value {
    let mut outcomes = Vec::new();
    for table in batch.tables() {
        let applied = table.writes().map(|write| {
            let old = stored.get(write.key());
            let new = match write.apply(old.map(ItemBuf::as_item)).unwrap() {
                Effect::Store(new) => Some(new),
                Effect::Unchanged => old.cloned(),
                _ => None,
            };
            Outcome {
                old: old.cloned(),
                new,
            }
        });
        outcomes.push(applied.collect());
    }
    let mut reply = String::new();
    batch.reply(&outcomes, &mut reply).unwrap();
    serde_json::from_str(&reply).unwrap()
}

#[test]
fn batch_write_item_always_answers_unprocessed_items_and_sums_units_by_table() {
    let hash = hash_table();
    let note = "x".repeat(2000);
    let request = write_request([
        put_of(&format!(
            r#"{{"pk":{{"S":"new"}},"note":{{"S":"{note}"}}}}"#
        )),
        put_of(&key("old")),
        delete_of(&key("gone")),
    ]);
    let stored = stored(
        &hash,
        &[&format!(
            r#"{{"pk":{{"S":"old"}},"note":{{"S":"{note}{note}"}}}}"#
        )],
    );
    let plain = write(&[&hash], &request).unwrap();
    assert_eq!(
        apply(&plain, &stored),
        serde_json::json!({"UnprocessedItems": {}})
    );
    let capacity = request.replacen('{', r#"{"ReturnConsumedCapacity":"TOTAL","#, 1);
    let batch = write(&[&hash], &capacity).unwrap();
    assert_eq!(
        apply(&batch, &stored),
        serde_json::json!({
            "UnprocessedItems": {},
            // 2 for the new item, 4 for the larger image of the old one, 1 for the item that was not there.
            "ConsumedCapacity": [{"TableName": "Hash", "CapacityUnits": 7.0}],
        })
    );
}

#[test]
fn batch_write_item_gives_back_the_writes_of_a_table_that_is_left_out() {
    let of_composite = r#"{"pk":{"S":"a"},"sk":{"S":"b"},"note":{"S":"c"}}"#;
    let key_of_composite = r#"{"pk":{"S":"a"},"sk":{"S":"z"}}"#;
    let request = format!(
        r#"{{"ReturnConsumedCapacity":"TOTAL","RequestItems":{{"Composite":[{},{}],"Hash":[{}]}}}}"#,
        delete_of(key_of_composite),
        put_of(of_composite),
        put_of(&key("a"))
    );
    let mut batch = write(&[&composite_table("S"), &hash_table()], &request).unwrap();
    batch.leave(0);
    assert_eq!(batch.tables()[0].writes().count(), 0);
    let left = format!("[{},{}]", put_of(of_composite), delete_of(key_of_composite));
    let left: serde_json::Value = serde_json::from_str(&left).unwrap();
    assert_eq!(
        apply(&batch, &BTreeMap::new()),
        serde_json::json!({
            "UnprocessedItems": {"Composite": left},
            "ConsumedCapacity": [
                {"TableName": "Composite", "CapacityUnits": 0.0},
                {"TableName": "Hash", "CapacityUnits": 1.0},
            ],
        })
    );
}

#[test]
fn batch_write_item_answers_each_item_collection_once() {
    let mut songs = serde_json::to_value(composite_table("N")).unwrap();
    songs["local_indexes"] = serde_json::json!([
        {"name": "ByL", "sort": {"name": "l", "scalar": "S"}, "projection": "All", "columns": 1}
    ]);
    let songs: TableDefinition = serde_json::from_value(songs).unwrap();
    let of = |pk: &str, sk: &str| format!(r#"{{"pk":{{"S":"{pk}"}},"sk":{{"N":"{sk}"}}}}"#);
    let requests = [
        put_of(&of("a", "1")),
        delete_of(&of("b", "1")),
        put_of(&of("b", "2")),
    ];
    let request = format!(
        r#"{{"ReturnItemCollectionMetrics":"SIZE","RequestItems":{{"Composite":[{}],"Hash":[{}]}}}}"#,
        requests.join(","),
        put_of(&key("a"))
    );
    let batch = write(&[&songs, &hash_table()], &request).unwrap();
    let reply = apply(&batch, &BTreeMap::new());
    let collections = reply["ItemCollectionMetrics"].as_object().unwrap();
    assert_eq!(collections.keys().collect::<Vec<_>>(), ["Composite"]);
    let mut keys: Vec<_> = collections["Composite"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["ItemCollectionKey"]["pk"]["S"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn both_batches_go_through_their_keys_in_the_order_of_the_primary_key() {
    let hash = hash_table();
    let names = ["a", "b", "c", "d", "e", "f"];
    let request = get_request(names.map(key), "");
    let keys = read(&[&hash], &request).unwrap();
    assert!(keys.tables()[0].keys().is_sorted());
    let batch = write(&[&hash], &write_request(names.map(|n| put_of(&key(n))))).unwrap();
    assert!(
        batch.tables()[0]
            .puts()
            .is_sorted_by_key(|write| write.key())
    );
}
