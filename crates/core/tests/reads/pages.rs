//! Where a page ends, and how the next goes on.
use crate::store::{Store, books, item_text, items_of, member_text, query, scan};
use pg_dynamo_core::value::{Attributes, ItemBuf, Number, Value};

/// `count` items of partition p; ten share each Year, Genre and Place; of `size` bytes (0: as small as they are).
fn store(count: usize, size: usize) -> Store {
    let items = (0..count).map(|n| {
        let mut attributes = Attributes::new();
        let text = |s: String| Value::S(s);
        attributes.insert("pk".into(), text("p".into()));
        attributes.insert("sk".into(), text(format!("{n:05}")));
        attributes.insert("Year".into(), Value::N(Number::from_u64(n as u64 / 10)));
        attributes.insert("Place".into(), text(format!("place {}", n / 10)));
        attributes.insert("Genre".into(), text("Novel".into()));
        let small = ItemBuf::from_attributes(&attributes).as_item().size();
        if size > small {
            attributes.insert("T".into(), text("x".repeat(size - small - 1)));
        }
        ItemBuf::from_attributes(&attributes)
    });
    Store {
        items: items.collect(),
        table: books(),
    }
}

fn ask(condition: &str, value: &str, more: &str) -> String {
    format!(
        r#"{{"TableName":"Books","KeyConditionExpression":"{condition}","ExpressionAttributeValues":{{":p":{{"S":"{value}"}}}}{more}}}"#
    )
}

#[test]
fn pages_of_every_limit_give_each_item_once_in_order() {
    let store = store(57, 0);
    for (condition, value, index) in [
        ("pk = :p", "p", ""),
        ("pk = :p", "p", r#","IndexName":"ByYear""#),
        ("Genre = :p", "Novel", r#","IndexName":"Genre""#),
        ("Genre = :p", "Novel", r#","IndexName":"GenreYear""#),
    ] {
        for forward in [true, false] {
            let more =
                format!(r#"{index},"ProjectionExpression":"sk","ScanIndexForward":{forward}"#);
            let whole = items_of(&store.query(&ask(condition, value, &more)));
            assert_eq!(whole.len(), 57);
            for limit in 1..60 {
                let more = format!(r#"{more},"Limit":{limit}"#);
                let pages = store.pages(&ask(condition, value, &more), query);
                let found: Vec<String> = pages.iter().flat_map(|page| items_of(page)).collect();
                assert_eq!(found, whole, "{index} {limit}");
                // A page that is full does not know whether more follows.
                assert_eq!(pages.len(), 57 / limit + 1, "{index} {limit}");
            }
        }
    }
}

#[test]
fn limit_counts_what_is_looked_at_and_the_key_is_that_of_the_last() {
    let store = store(6, 0);
    let filter = r#","FilterExpression":"sk = :never","Limit":4"#;
    let request = format!(
        r#"{{"TableName":"Books","IndexName":"GenreYear","KeyConditionExpression":"Genre = :p",
            "ExpressionAttributeValues":{{":p":{{"S":"Novel"}},":never":{{"S":"x"}}}}{filter}}}"#
    );
    assert_eq!(
        store.query(&request),
        r#"{"Items":[],"Count":0,"ScannedCount":4,"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"00003"},"Genre":{"S":"Novel"},"Year":{"N":"0"}}}"#
    );
    let table = store.query(&ask(
        "pk = :p",
        "p",
        r#","Limit":2,"ScanIndexForward":false"#,
    ));
    assert_eq!(
        member_text(&table, "LastEvaluatedKey").unwrap(),
        r#"{"pk":{"S":"p"},"sk":{"S":"00004"}}"#
    );
    let local = store.query(&ask("pk = :p", "p", r#","Limit":1,"IndexName":"ByPlace""#));
    assert_eq!(
        member_text(&local, "LastEvaluatedKey").unwrap(),
        r#"{"pk":{"S":"p"},"sk":{"S":"00000"},"Place":{"S":"place 0"}}"#
    );
}

#[test]
fn a_page_that_no_limit_ended_has_no_key() {
    let store = store(3, 0);
    for more in ["", r#","Limit":4"#] {
        let reply = store.query(&ask("pk = :p", "p", more));
        assert_eq!(member_text(&reply, "LastEvaluatedKey"), None, "{more}");
    }
    let reply = store.query(&ask("pk = :p", "nobody", r#","Limit":1"#));
    assert_eq!(reply, r#"{"Items":[],"Count":0,"ScannedCount":0}"#);
}

#[test]
fn a_query_of_one_row_never_goes_on() {
    let store = store(3, 0);
    let request = r#"{"TableName":"Books","KeyConditionExpression":"pk = :p AND sk = :s","Limit":1,
        "ExpressionAttributeValues":{":p":{"S":"p"},":s":{"S":"00001"}}}"#;
    let reply = store.query(request);
    assert_eq!(items_of(&reply).len(), 1);
    assert_eq!(member_text(&reply, "LastEvaluatedKey"), None);
}

#[test]
fn a_page_ends_with_the_item_that_completes_a_megabyte() {
    // 25 items of 41,943 bytes make one byte less than a megabyte.
    assert_eq!(25 * 41_943 + 1, 1_048_576);
    let mut store = store(30, 41_943);
    let (reply, rows) = store.page(&scan(&store.table, r#"{"TableName":"Books"}"#).unwrap());
    assert_eq!((items_of(&reply).len(), rows), (26, 26));
    store.items.truncate(25);
    let reply = store.scan(r#"{"TableName":"Books"}"#);
    assert_eq!(items_of(&reply).len(), 25);
    assert_eq!(
        member_text(&reply, "LastEvaluatedKey"),
        None,
        "one byte below"
    );
    let larger = self::store(25, 41_944).items.remove(24);
    store.items[24] = larger;
    let reply = store.scan(r#"{"TableName":"Books","Select":"COUNT"}"#);
    assert!(
        reply.starts_with(r#"{"Count":25,"ScannedCount":25,"LastEvaluatedKey""#),
        "{reply}"
    );
}

#[test]
fn a_megabyte_is_counted_before_the_filter_and_in_the_sizes_of_the_index() {
    let store = store(60, 41_943);
    let none = r#"{"TableName":"Books","FilterExpression":"attribute_exists(Nowhere)"}"#;
    let reply = store.scan(none);
    assert_eq!(member_text(&reply, "ScannedCount").unwrap(), "26");
    assert_eq!(member_text(&reply, "Count").unwrap(), "0");
    // Entries of this index are small: all fit into one page.
    let reply = store.scan(r#"{"TableName":"Books","IndexName":"GenreYear"}"#);
    assert_eq!(member_text(&reply, "ScannedCount").unwrap(), "60");
    // What a local index lacks is fetched, and counts.
    let by_place = r#""IndexName":"ByPlace""#;
    let reply = store.scan(&format!(r#"{{"TableName":"Books",{by_place}}}"#));
    assert_eq!(member_text(&reply, "ScannedCount").unwrap(), "60");
    let reply = store.scan(&format!(
        r#"{{"TableName":"Books",{by_place},"Select":"ALL_ATTRIBUTES"}}"#
    ));
    assert_eq!(member_text(&reply, "ScannedCount").unwrap(), "26");
}

#[test]
fn pages_of_a_megabyte_give_each_item_once() {
    let store = store(70, 50_000);
    for request in [
        r#"{"TableName":"Books"}"#,
        r#"{"TableName":"Books","IndexName":"ByYear"}"#,
    ] {
        let pages = store.pages(request, scan);
        let mut found: Vec<String> = pages.iter().flat_map(|page| items_of(page)).collect();
        found.sort();
        let mut all: Vec<String> = store.items.iter().map(item_text).collect();
        all.sort();
        assert_eq!(found, all);
        assert_eq!(pages.len(), 4);
    }
}

#[test]
fn items_without_the_keys_of_an_index_are_not_in_it() {
    let mut store = store(2, 0);
    store.items.push(crate::fixtures::item(
        r#"{"pk":{"S":"p"},"sk":{"S":"z"},"Year":{"S":"no number"}}"#,
    ));
    for index in ["ByYear", "GenreYear"] {
        let reply = store.scan(&format!(r#"{{"TableName":"Books","IndexName":"{index}"}}"#));
        assert_eq!(items_of(&reply).len(), 2, "{index}");
    }
}
