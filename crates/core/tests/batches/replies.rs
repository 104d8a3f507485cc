//! What the replies say, and what each item stands for in them.
use super::*;

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
