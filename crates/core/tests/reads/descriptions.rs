//! What EXPLAIN shows, and how often texts are parsed.
use crate::fixtures::{account, item, json};
use crate::store::{books, query, scan};
use pg_dynamo_core::expression::parses_done;
use pg_dynamo_core::request::{QueryRequest, ReadOptions, ReadParts};

#[test]
fn a_query_says_what_it_reads() {
    let read = query(
        &books(),
        r##"{"TableName":"Books","IndexName":"GenreYear","ScanIndexForward":false,
            "KeyConditionExpression":"#g = :g AND #y BETWEEN :a AND :b",
            "FilterExpression":"(Note.a[0] = :x OR NOT contains(Note, :g)) AND pk IN (:g, :x)",
            "ExpressionAttributeNames":{"#g":"Genre","#y":"Year"},
            "ExpressionAttributeValues":{":g":{"S":"Novel"},":a":{"N":"1950"},":b":{"N":"1960"},":x":{"BOOL":true}},
            "ExclusiveStartKey":{"pk":{"S":"p"},"sk":{"S":"a"},"Genre":{"S":"Novel"},"Year":{"N":"1955"}}}"##,
    )
    .unwrap();
    let described: Vec<(&str, String)> = read.descriptions();
    let expected = [
        ("Index Name", "GenreYear"),
        (
            "Key Condition",
            r#"Genre = "Novel" AND Year BETWEEN 1950 AND 1960"#,
        ),
        ("Order", "backward"),
        (
            "Start After",
            r#"{"Genre":{"S":"Novel"},"Year":{"N":"1955"},"pk":{"S":"p"},"sk":{"S":"a"}}"#,
        ),
        (
            "Filter",
            r#"(Note.a[0] = true OR NOT (contains(Note, "Novel"))) AND pk IN ("Novel", true)"#,
        ),
    ];
    assert_eq!(
        described,
        expected.map(|(label, text)| (label, text.to_owned()))
    );
    assert!(read.is_query());
}

#[test]
fn a_scan_says_what_it_reads_and_long_values_are_cut() {
    let long = "é".repeat(500);
    let read = scan(
        &books(),
        &format!(
            r#"{{"TableName":"Books","Segment":1,"TotalSegments":4,"FilterExpression":"Note <> :x",
                "ExpressionAttributeValues":{{":x":{{"S":"{long}"}}}}}}"#
        ),
    )
    .unwrap();
    let shown = format!("Note <> \"{}…", "é".repeat(79));
    assert_eq!(
        read.descriptions(),
        [("Segment", "1 of 4".to_owned()), ("Filter", shown)]
    );
}

#[test]
fn parts_of_a_sql_call_are_checked_like_a_request() {
    let values = item(r#"{":p":{"S":"p"},":b":{"B":"AAE="}}"#);
    let start = item(r#"{"pk":{"S":"p"},"sk":{"S":"m"}}"#);
    let names = json(r##"{"#s":"sk"}"##);
    let parts = ReadParts {
        table_name: "Books",
        key_condition_expression: Some("pk = :p AND #s > :p"),
        filter_expression: Some("Note = :b"),
        expression_attribute_names: Some(names),
        expression_attribute_values: Some(values.as_item()),
        exclusive_start_key: Some(start.as_item()),
        scan_index_forward: Some(false),
        limit: Some(3),
        ..ReadParts::default()
    };
    let bound = QueryRequest::from_parts(parts.clone(), &account())
        .unwrap()
        .bind(&books(), ReadOptions::default());
    assert_eq!(
        bound.unwrap_err().message,
        "The provided starting key does not match the range key predicate"
    );
    let parts = ReadParts {
        exclusive_start_key: None,
        ..parts
    };
    let read = QueryRequest::from_parts(parts.clone(), &account())
        .unwrap()
        .bind(&books(), ReadOptions::default())
        .unwrap();
    assert_eq!(read.limit(), Some(3));
    assert!(!read.range().forward);
    let parts = ReadParts {
        limit: Some(0),
        ..parts
    };
    let error = QueryRequest::from_parts(parts, &account()).unwrap_err();
    assert!(error.message.contains("'Limit'"));
}

#[test]
fn the_texts_of_a_query_are_parsed_once() {
    let request = r#"{"TableName":"Books","KeyConditionExpression":"pk = :p AND begins_with(sk, :p)",
        "FilterExpression":"attribute_exists(parsed_once)","ProjectionExpression":"parsed_once, sk",
        "ExpressionAttributeValues":{":p":{"S":"p"}}}"#;
    let before = parses_done();
    for _ in 0..5 {
        query(&books(), request).unwrap();
    }
    assert_eq!(parses_done(), before + 3);
}
