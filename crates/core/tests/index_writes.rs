//! Writes to tables with secondary indexes: what they may store, and what they consume.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::table::{IndexState, TableDefinition};

const INVALID: &str = "One or more parameter values were invalid: ";
const UNSUPPORTED: &str =
    "The update expression attempted to update the secondary index key to unsupported type";
const TOO_LONG: &str =
    "The update expression attempted to update the secondary index key beyond allowed size limits";

/// `pk` and `sk` S; local index `lsi` on `l` S; global indexes `zzz` on `g` S and `h` N, `gsi` on `g`, `bin` on `b` B.
fn indexed() -> TableDefinition {
    table(
        r#"{"TableName":"Tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[
            {"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},
            {"AttributeName":"l","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"},
            {"AttributeName":"h","AttributeType":"N"},{"AttributeName":"b","AttributeType":"B"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
        "LocalSecondaryIndexes":[{"IndexName":"lsi","Projection":{"ProjectionType":"ALL"},
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}]}],
        "GlobalSecondaryIndexes":[
            {"IndexName":"zzz","Projection":{"ProjectionType":"KEYS_ONLY"},
             "KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"h","KeyType":"RANGE"}]},
            {"IndexName":"gsi","Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["proj"]},
             "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}]},
            {"IndexName":"bin","Projection":{"ProjectionType":"KEYS_ONLY"},
             "KeySchema":[{"AttributeName":"b","KeyType":"HASH"}]}]}"#,
    )
}

/// The request of a put of `pk` "p", `sk` "s" and these members.
fn put_of(members: &str) -> String {
    format!(r#"{{"TableName":"Tab","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"s"}}{members}}}}}"#)
}

fn put_refusal(members: &str) -> String {
    put(&indexed(), &put_of(members)).unwrap_err().message
}

/// The request of an update with this expression and these values.
fn update_of(expression: &str, values: &str) -> String {
    let values = match values {
        "" => String::new(),
        values => format!(r#","ExpressionAttributeValues":{{{values}}}"#),
    };
    format!(
        r#"{{"TableName":"Tab","Key":{{"pk":{{"S":"p"}},"sk":{{"S":"s"}}}},"UpdateExpression":"{expression}"{values}}}"#
    )
}

const KEY: &str = r#""pk":{"S":"p"},"sk":{"S":"s"}"#;

#[test]
fn a_put_of_a_value_that_cannot_be_an_index_key_is_refused() {
    let mismatch = |key: &str, expected: &str, actual: &str, index: &str| {
        format!(
            "{INVALID}Type mismatch for Index Key {key} Expected: {expected} Actual: {actual} IndexName: {index}"
        )
    };
    let empty = |kind: &str, index: &str, key: &str| {
        format!(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. IndexName: {index}, IndexKey: {key}"
        )
    };
    let size = |key: &str, actual: usize, most: usize, index: &str| {
        format!(
            "{INVALID}Size limit exceeded for Index Key {key} Actual Size: {actual} bytes Max Size: {most} bytes IndexName: {index}"
        )
    };
    let long = "x".repeat(2049);
    for (members, expected) in [
        (
            r#","l":{"N":"1"}"#.to_owned(),
            mismatch("l", "S", "N", "lsi"),
        ),
        // The index whose name comes first tells it.
        (
            r#","g":{"NULL":true}"#.to_owned(),
            mismatch("g", "S", "NULL", "gsi"),
        ),
        (
            r#","g":{"S":"x"},"h":{"SS":["1"]}"#.to_owned(),
            mismatch("h", "N", "SS", "zzz"),
        ),
        (
            r#","h":{"S":"1"}"#.to_owned(),
            mismatch("h", "N", "S", "zzz"),
        ),
        (
            r#","b":{"M":{}}"#.to_owned(),
            mismatch("b", "B", "M", "bin"),
        ),
        (r#","g":{"S":""}"#.to_owned(), empty("string", "gsi", "g")),
        (r#","b":{"B":""}"#.to_owned(), empty("binary", "bin", "b")),
        (
            format!(r#","g":{{"S":"{long}"}}"#),
            size("g", 2049, 2048, "gsi"),
        ),
        (
            format!(r#","l":{{"S":"{}"}}"#, &long[..1025]),
            size("l", 1025, 1024, "lsi"),
        ),
    ] {
        assert_eq!(put_refusal(&members), expected);
    }
    // Without them, and with values that fit, the item is stored.
    let fits = format!(
        r#","g":{{"S":"{}"}},"l":{{"S":"{}"}},"b":{{"B":"AA=="}}"#,
        &long[..2048],
        &long[..1024]
    );
    assert!(put(&indexed(), &put_of("")).is_ok());
    assert!(put(&indexed(), &put_of(&fits)).is_ok());
}

#[test]
fn the_keys_of_the_table_are_told_before_those_of_its_indexes() {
    let request = r#"{"TableName":"Tab","Item":{"pk":{"S":"p"},"g":{"N":"1"}}}"#;
    let error = put(&indexed(), request).unwrap_err();
    assert_eq!(
        error.message,
        format!("{INVALID}Missing the key sk in the item")
    );
}

#[test]
fn an_index_that_is_not_maintained_refuses_nothing() {
    let mut table = indexed();
    for (state, accepts) in [
        (IndexState::Creating, true),
        (IndexState::Backfilling, false),
        (IndexState::Deleting, true),
    ] {
        table.global_indexes[2].state = state;
        let request = put_of(r#","b":{"S":"x"}"#);
        assert_eq!(put(&table, &request).is_ok(), accepts, "{state:?}");
    }
}

#[test]
fn types_that_an_update_tells_itself_are_refused_before_the_item_is_read() {
    let mismatch = |key: &str, expected: &str, actual: &str, index: &str| {
        format!(
            "{INVALID}Type mismatch for Index Key {key} Expected: {expected} Actual: {actual} IndexName: {index}"
        )
    };
    for (expression, values, expected) in [
        (
            "SET l = :v",
            r#"":v":{"N":"1"}"#,
            mismatch("l", "S", "N", "lsi"),
        ),
        (
            "SET x = :v ADD g :v",
            r#"":v":{"N":"1"}"#,
            mismatch("g", "S", "N", "gsi"),
        ),
        (
            "SET g = sk + :v",
            r#"":v":{"N":"1"}"#,
            mismatch("g", "S", "N", "gsi"),
        ),
        (
            "SET g = list_append(x, :v)",
            r#"":v":{"L":[]}"#,
            mismatch("g", "S", "L", "gsi"),
        ),
        (
            "DELETE g :v",
            r#"":v":{"SS":["1"]}"#,
            mismatch("g", "S", "SS", "gsi"),
        ),
    ] {
        let error = update(&indexed(), &update_of(expression, values)).unwrap_err();
        assert_eq!(error.message, expected, "{expression}");
    }
    let legacy = r#"{"TableName":"Tab","Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"AttributeUpdates":{"l":{"Value":{"N":"1"}}}}"#;
    assert_eq!(
        update(&indexed(), legacy).unwrap_err().message,
        mismatch("l", "S", "N", "lsi")
    );
    assert!(update(&indexed(), &update_of("REMOVE g", "")).is_ok());
}

#[test]
fn what_an_update_makes_of_an_index_key_is_refused_when_it_cannot_be_one() {
    let empty = |kind: &str| {
        format!(
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty {kind} value."
        )
    };
    let long = format!(r#"":v":{{"S":"{}"}}"#, "x".repeat(1025));
    let old = item(&format!(r#"{{{KEY},"n":{{"N":"1"}},"e":{{"B":""}}}}"#));
    for (expression, values, expected) in [
        ("SET g = n", "", UNSUPPORTED.to_owned()),
        ("SET g = if_not_exists(n, sk)", "", UNSUPPORTED.to_owned()),
        ("SET b = e", "", empty("binary")),
        ("SET g = :v", r#"":v":{"S":""}"#, empty("string")),
        ("SET l = :v", long.as_str(), TOO_LONG.to_owned()),
    ] {
        let write = update(&indexed(), &update_of(expression, values)).unwrap();
        let error = run(&write, Some(old.as_item())).unwrap_err();
        assert_eq!(error.message, expected, "{expression}");
    }
    // A condition that fails comes first.
    let refused = update_of("SET g = n", "").replacen(
        '{',
        r#"{"ConditionExpression":"attribute_exists(nothing)","#,
        1,
    );
    let write = update(&indexed(), &refused).unwrap();
    let error = run(&write, Some(old.as_item())).unwrap_err();
    assert_eq!(error.message, "The conditional request failed");
}

#[test]
fn an_item_that_violates_an_index_can_only_be_replaced_repaired_or_deleted() {
    let old = item(&format!(r#"{{{KEY},"g":{{"N":"1"}}}}"#));
    let write = |expression: &str| {
        let update = update(&indexed(), &update_of(expression, r#"":v":{"S":"x"}"#)).unwrap();
        run(&update, Some(old.as_item()))
            .map(|_| ())
            .map_err(|e| e.message)
    };
    assert_eq!(write("SET o = :v"), Err(UNSUPPORTED.to_owned()));
    assert_eq!(write("SET g = :v"), Ok(()));
    assert_eq!(write("SET o = :v REMOVE g"), Ok(()));
    let put = put(&indexed(), &put_of("")).unwrap();
    assert!(run(&put, Some(old.as_item())).is_ok());
    let gone = delete(
        &indexed(),
        &format!(r#"{{"TableName":"Tab","Key":{{{KEY}}}}}"#),
    )
    .unwrap();
    assert!(run(&gone, Some(old.as_item())).is_ok());
}

#[test]
fn expressions_do_not_look_into_index_keys() {
    let refused = |key: &str| {
        format!(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {key}"
        )
    };
    let table = indexed();
    let condition = |path: &str| {
        put_of("").replace(
            r#""TableName":"Tab","#,
            &format!(r#""TableName":"Tab","ConditionExpression":"attribute_exists({path})","#),
        )
    };
    assert_eq!(
        put(&table, &condition("g.x")).unwrap_err().message,
        refused("IndexKey: g")
    );
    assert_eq!(
        put(&table, &condition("l[0]")).unwrap_err().message,
        refused("IndexKey: l")
    );
    assert_eq!(
        put(&table, &condition("pk.x")).unwrap_err().message,
        refused("Key: pk")
    );
    let set = update(&table, &update_of("SET h.x = :v", r#"":v":{"N":"1"}"#));
    assert_eq!(set.unwrap_err().message, refused("IndexKey: h"));
    let get = get(
        &table,
        &format!(r#"{{"TableName":"Tab","Key":{{{KEY}}},"ProjectionExpression":"b[1]"}}"#),
    );
    assert_eq!(get.unwrap_err().message, refused("IndexKey: b"));
}

#[test]
fn composite_sort_keys_that_do_not_fit_an_index_row_are_refused() {
    let table = table(
        r#"{"TableName":"Tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[
            {"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"a","AttributeType":"S"},
            {"AttributeName":"b","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
        "GlobalSecondaryIndexes":[{"IndexName":"two","Projection":{"ProjectionType":"ALL"},
             "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"a","KeyType":"RANGE"},{"AttributeName":"b","KeyType":"RANGE"}]}]}"#,
    );
    let with = |a: usize, b: usize| {
        put(
            &table,
            &format!(
                r#"{{"TableName":"Tab","Item":{{"pk":{{"S":"p"}},"a":{{"S":"{}"}},"b":{{"S":"{}"}}}}}}"#,
                "x".repeat(a),
                "y".repeat(b)
            ),
        )
    };
    assert!(with(1000, 98).is_ok());
    assert_eq!(
        with(1000, 99).unwrap_err().message,
        format!(
            "{INVALID}Size limit exceeded for Index Key [a, b] Actual Size: 1101 bytes Max Size: 1100 bytes IndexName: two"
        )
    );
}

/// ConsumedCapacity of a put of `new` over `old`, with INDEXES.
fn consumed(old: Option<&str>, new: &str) -> String {
    let request = put_of(new).replace(
        r#""TableName":"Tab","#,
        r#""TableName":"Tab","ReturnConsumedCapacity":"INDEXES","#,
    );
    let old = old.map(|members| item(&format!("{{{KEY}{members}}}")));
    let write = put(&indexed(), &request).unwrap();
    run(&write, old.as_ref().map(|old| old.as_item()))
        .unwrap()
        .1
}

fn shown(total: f64, table: f64, local: &str, global: &str) -> String {
    let indexes = |member: &str, of: &str| match of {
        "" => String::new(),
        of => format!(r#","{member}":{{{of}}}"#),
    };
    format!(
        r#"{{"ConsumedCapacity":{{"TableName":"Tab","CapacityUnits":{total:.1},"Table":{{"CapacityUnits":{table:.1}}}{}{}}}}}"#,
        indexes("LocalSecondaryIndexes", local),
        indexes("GlobalSecondaryIndexes", global)
    )
}

#[test]
fn a_write_is_charged_for_the_entries_it_changes() {
    let pad = |bytes: usize| "x".repeat(bytes);
    let one = |name: &str, units: f64| format!(r#""{name}":{{"CapacityUnits":{units:.1}}}"#);
    let member = |name: &str, text: &str| format!(r#","{name}":{{"S":"{text}"}}"#);
    let g = member("g", "A");
    // In no index.
    assert_eq!(consumed(None, ""), shown(1.0, 1.0, "", ""));
    // An entry comes, or goes.
    assert_eq!(consumed(None, &g), shown(2.0, 1.0, "", &one("gsi", 1.0)));
    assert_eq!(
        consumed(Some(&g), ""),
        shown(2.0, 1.0, "", &one("gsi", 1.0))
    );
    // It stays as it is: attributes that are not projected cost nothing there.
    let other = format!("{g}{}", member("other", "x"));
    assert_eq!(consumed(Some(&g), &other), shown(1.0, 1.0, "", ""));
    assert_eq!(consumed(Some(&g), &g), shown(1.0, 1.0, "", ""));
    // A projected attribute changes: the larger of both entries.
    let large = format!("{g}{}", member("proj", &pad(3000)));
    assert_eq!(
        consumed(Some(&g), &large),
        shown(6.0, 3.0, "", &one("gsi", 3.0))
    );
    assert_eq!(
        consumed(Some(&large), &g),
        shown(6.0, 3.0, "", &one("gsi", 3.0))
    );
    // The key changes: both entries, each rounded up for itself.
    let moved = |text: &str| format!("{}{}", member("g", "B"), member("proj", text));
    assert_eq!(
        consumed(Some(&g), &moved("p")),
        shown(3.0, 1.0, "", &one("gsi", 2.0))
    );
    assert_eq!(
        consumed(Some(&large), &moved("p")),
        shown(7.0, 3.0, "", &one("gsi", 4.0))
    );
    // A local index projects all; an item in several indexes pays for each.
    let both = format!(r#"{g}{},"h":{{"N":"1"}}"#, member("l", "L"));
    assert_eq!(
        consumed(None, &both),
        shown(
            4.0,
            1.0,
            &one("lsi", 1.0),
            &format!("{},{}", one("gsi", 1.0), one("zzz", 1.0))
        )
    );
    let wide = format!("{both}{}", member("other", &pad(2000)));
    assert_eq!(
        consumed(Some(&both), &wide),
        shown(4.0, 2.0, &one("lsi", 2.0), "")
    );
}

#[test]
fn the_total_contains_the_indexes() {
    let request =
        format!(r#"{{"TableName":"Tab","Key":{{{KEY}}},"ReturnConsumedCapacity":"TOTAL"}}"#);
    let old = item(&format!(r#"{{{KEY},"g":{{"S":"A"}},"l":{{"S":"L"}}}}"#));
    let write = delete(&indexed(), &request).unwrap();
    let reply = run(&write, Some(old.as_item())).unwrap().1;
    assert_eq!(
        reply,
        r#"{"ConsumedCapacity":{"TableName":"Tab","CapacityUnits":3.0}}"#
    );
    let nothing = run(&write, None).unwrap().1;
    assert_eq!(
        nothing,
        r#"{"ConsumedCapacity":{"TableName":"Tab","CapacityUnits":1.0}}"#
    );
}

#[test]
fn collection_metrics_are_those_of_tables_with_local_indexes() {
    let request =
        format!(r#"{{"TableName":"Tab","Key":{{{KEY}}},"ReturnItemCollectionMetrics":"SIZE"}}"#);
    let write = delete(&indexed(), &request).unwrap();
    assert_eq!(
        run(&write, None).unwrap().1,
        r#"{"ItemCollectionMetrics":{"ItemCollectionKey":{"pk":{"S":"p"}},"SizeEstimateRangeGB":[0.0,1.0]}}"#
    );
}
