//! Limit, NextToken and the end of a page.
use crate::fixtures::json;
use crate::store::{Store, items};
use pg_dynamo_core::json::Json;

fn store() -> Store {
    let items: Vec<String> = ["a", "b", "c"]
        .iter()
        .flat_map(|pk| {
            (0..4).map(move |sk| {
                format!(r#"{{"pk":{{"S":"{pk}"}},"sk":{{"S":"{sk}"}},"n":{{"N":"{sk}"}}}}"#)
            })
        })
        .collect();
    Store::of(&items.iter().map(String::as_str).collect::<Vec<_>>())
}

fn member(reply: &str, name: &str) -> Option<String> {
    json(reply)
        .get(name)
        .and_then(Json::as_str)
        .map(str::to_owned)
}

/// All items of a statement read page by page, and how many pages there were.
fn paged(store: &mut Store, statement: &str, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut token) = (Vec::new(), 0, None::<String>);
    loop {
        let more = token.map_or(String::new(), |token| format!(r#","NextToken":"{token}""#));
        let reply = store
            .with(statement, &format!(r#""Limit":{limit}{more}"#))
            .unwrap();
        let page = items(&reply);
        assert!(page.len() <= limit);
        found.extend(page);
        pages += 1;
        assert!(pages < 100);
        token = member(&reply, "NextToken");
        assert_eq!(
            token.is_some(),
            json(&reply).get("LastEvaluatedKey").is_some()
        );
        if token.is_none() {
            return (found, pages);
        }
    }
}

#[test]
fn pages_together_are_the_whole() {
    for statement in [
        "SELECT * FROM T",
        "SELECT * FROM T WHERE n > 1",
        "SELECT * FROM T WHERE pk = 'b'",
        "SELECT * FROM T WHERE pk = 'b' ORDER BY sk DESC",
        "SELECT * FROM T WHERE pk IN ['c', 'a', 'x'] AND n <> 2",
        "SELECT * FROM T WHERE pk IN ['c', 'a', 'x'] AND sk IN ['1', '2']",
        "SELECT * FROM T WHERE pk IN ['c', 'a'] ORDER BY pk",
        "SELECT * FROM T WHERE pk = 'a' AND sk = '1'",
    ] {
        let mut store = store();
        let whole = store.items_of(statement);
        for limit in 1..6 {
            assert_eq!(
                paged(&mut store, statement, limit).0,
                whole,
                "{statement} {limit}"
            );
        }
    }
}

#[test]
fn limit_counts_the_items_that_are_looked_at() {
    let mut store = store();
    let reply = store
        .with("SELECT * FROM T WHERE pk = 'a' AND n = 3", r#""Limit":2"#)
        .unwrap();
    assert_eq!(items(&reply), Vec::<String>::new());
    assert!(
        reply.contains(r#""LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"S":"1"}}"#),
        "{reply}"
    );
    // One item by its key leaves nothing to go on with.
    let reply = store
        .with(
            "SELECT sk FROM T WHERE pk = 'a' AND sk = '1'",
            r#""Limit":1"#,
        )
        .unwrap();
    assert_eq!(reply, r#"{"Items":[{"sk":{"S":"1"}}]}"#);
}

#[test]
fn a_page_ends_at_a_megabyte_over_all_ranges() {
    let big = "x".repeat(300_000);
    let items: Vec<String> = (0..6)
        .map(|n| format!(r#"{{"pk":{{"S":"{n}"}},"sk":{{"S":"s"}},"big":{{"S":"{big}"}}}}"#))
        .collect();
    let mut store = Store::of(&items.iter().map(String::as_str).collect::<Vec<_>>());
    for condition in ["", " WHERE pk IN ['0', '1', '2', '3', '4', '5']"] {
        let statement = format!("SELECT pk FROM T{condition}");
        let (found, pages) = paged(&mut store, &statement, 100);
        assert_eq!((found.len(), pages), (6, 2), "{condition}");
    }
}

#[test]
fn a_token_belongs_to_its_statement() {
    let mut store = store();
    let first = |store: &mut Store, statement: &str| {
        let reply = store.with(statement, r#""Limit":1"#).unwrap();
        member(&reply, "NextToken").unwrap()
    };
    let token = first(&mut store, "SELECT * FROM T WHERE pk = 'a'");
    let mut again = |statement: &str, token: &str| {
        let more = format!(r#""NextToken":"{token}""#);
        store.with(statement, &more).map_err(|e| e.message)
    };
    assert!(again("SELECT * FROM T WHERE pk = 'a'", &token).is_ok());
    let mismatch = Err("NextToken does not match request".to_owned());
    for other in [
        "SELECT * FROM T WHERE pk = 'b'",
        "SELECT * FROM T",
        "DELETE FROM T WHERE pk = 'a' AND sk = '1'",
    ] {
        assert_eq!(again(other, &token), mismatch, "{other}");
    }
    for bad in ["nonsense!", "AQ", &token[..30]] {
        assert_eq!(
            again("SELECT * FROM T WHERE pk = 'a'", bad),
            Err("Invalid NextToken".to_owned()),
            "{bad}"
        );
    }
}
