//! ConsumedCapacity of Query and Scan.
use crate::store::{Store, books, member_text};

const QUERY: &str = r#""TableName":"Books","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#;

/// `count` items of 1,024 bytes, of which Place, Note and the keys are 30.
fn store(count: usize) -> Store {
    let items: Vec<String> = (0..count)
        .map(|n| {
            // pk 3, sk 4, Place 6, Note 6, Genre 6: 25; T and its text the rest.
            let text = "x".repeat(1024 - 25 - 1);
            format!(
                r#"{{"pk":{{"S":"p"}},"sk":{{"S":"{n:02}"}},"Place":{{"S":"a"}},"Note":{{"S":"ab"}},"Genre":{{"S":"g"}},"T":{{"S":"{text}"}}}}"#
            )
        })
        .collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let store = Store::new(books(), &items);
    assert!(store.items.iter().all(|item| item.as_item().size() == 1024));
    store
}

fn consumed(reply: &str) -> String {
    member_text(reply, "ConsumedCapacity").unwrap()
}

#[test]
fn a_page_is_charged_by_the_sum_of_its_items() {
    for (count, more, units) in [
        (0, "", "0.5"),
        (4, "", "0.5"),
        (5, "", "1.0"),
        (9, "", "1.5"),
        (9, r#","ConsistentRead":true"#, "3.0"),
        (0, r#","ConsistentRead":true"#, "1.0"),
        (9, r#","Limit":4"#, "0.5"),
        (9, r#","Select":"COUNT""#, "1.5"),
        (9, r#","ProjectionExpression":"sk""#, "1.5"),
        (
            9,
            r#","FilterExpression":"attribute_exists(Nowhere)""#,
            "1.5",
        ),
    ] {
        let request = format!(r#"{{{QUERY}{more},"ReturnConsumedCapacity":"TOTAL"}}"#);
        assert_eq!(
            consumed(&store(count).query(&request)),
            format!(r#"{{"TableName":"Books","CapacityUnits":{units}}}"#),
            "{count} {more}"
        );
    }
    let scan = store(9).scan(r#"{"TableName":"Books","ReturnConsumedCapacity":"INDEXES"}"#);
    assert_eq!(
        consumed(&scan),
        r#"{"TableName":"Books","CapacityUnits":1.5,"Table":{"CapacityUnits":1.5}}"#
    );
    assert_eq!(
        member_text(&store(1).query(&format!("{{{QUERY}}}")), "ConsumedCapacity"),
        None
    );
}

#[test]
fn an_index_is_charged_by_its_entries_and_a_local_one_for_what_it_fetches() {
    let store = store(9);
    let global = r#"{"TableName":"Books","IndexName":"Genre","ReturnConsumedCapacity":"INDEXES"}"#;
    assert_eq!(
        consumed(&store.scan(global)),
        r#"{"TableName":"Books","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},"GlobalSecondaryIndexes":{"Genre":{"CapacityUnits":0.5}}}"#
    );
    for (more, total, table) in [
        ("", "0.5", "0.0"),
        (r#","Select":"COUNT""#, "0.5", "0.0"),
        (r#","ProjectionExpression":"Note, sk""#, "0.5", "0.0"),
        // Nine items of one unit each, and the entries.
        (r#","ProjectionExpression":"Genre""#, "5.0", "4.5"),
        (r#","Select":"ALL_ATTRIBUTES""#, "5.0", "4.5"),
    ] {
        let local = format!(
            r#"{{{QUERY}{more},"IndexName":"ByPlace","ReturnConsumedCapacity":"INDEXES"}}"#
        );
        assert_eq!(
            consumed(&store.query(&local)),
            format!(
                r#"{{"TableName":"Books","CapacityUnits":{total},"Table":{{"CapacityUnits":{table}}},"LocalSecondaryIndexes":{{"ByPlace":{{"CapacityUnits":0.5}}}}}}"#
            ),
            "{more}"
        );
        let total_only = local.replace("INDEXES", "TOTAL");
        assert_eq!(
            consumed(&store.query(&total_only)),
            format!(r#"{{"TableName":"Books","CapacityUnits":{total}}}"#)
        );
    }
}
