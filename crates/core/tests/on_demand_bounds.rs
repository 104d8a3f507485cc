//! OnDemandThroughput of tables and global indexes when its bounds are removed.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::TableDefinition;

fn change(table: &TableDefinition, members: &str) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"Books",{members}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, NOW)
}

/// As the next statement reads it.
fn stored(table: &TableDefinition) -> TableDefinition {
    serde_json::from_str(&serde_json::to_string(table).unwrap()).unwrap()
}

#[test]
fn a_bound_that_is_removed_is_told_once() {
    let new = r#","OnDemandThroughput":{"MaxReadRequestUnits":10,"MaxWriteRequestUnits":20}"#;
    let mut current = create(&creation(&["a"], "a:HASH", new)).unwrap();
    let told = |table: &TableDefinition| {
        let described = table.describe(&account(), statistics());
        let (_, bounds) = described.split_once(r#""OnDemandThroughput":"#)?;
        let (bounds, _) = bounds.split_once('}').unwrap();
        Some(format!("{bounds}}}"))
    };
    let read = r#"{"MaxReadRequestUnits":-1}"#;
    let write = r#"{"MaxWriteRequestUnits":-1}"#;
    for (update, answer, later) in [
        (
            read,
            r#"{"MaxReadRequestUnits":-1,"MaxWriteRequestUnits":20}"#,
            Some(r#"{"MaxWriteRequestUnits":20}"#),
        ),
        (write, write, None),
        (read, read, None),
    ] {
        let members = format!(r#""OnDemandThroughput":{update}"#);
        current = change(&current, &members).unwrap();
        assert_eq!(told(&current).as_deref(), Some(answer));
        current = stored(&current);
        assert_eq!(told(&current).as_deref(), later);
    }
    // As 0.4.0 stored it.
    let old = r#""on_demand":{"read":7,"write":-1}"#;
    let json = serde_json::to_string(&current).unwrap();
    let json = json.replace(r#""on_demand":null"#, old);
    let read: TableDefinition = serde_json::from_str(&json).unwrap();
    let expected = r#"{"MaxReadRequestUnits":7}"#;
    assert_eq!(told(&read).as_deref(), Some(expected));
}

#[test]
fn an_index_has_its_bounds_removed_too() {
    let index = r#","GlobalSecondaryIndexes":[{"IndexName":"ByB","KeySchema":[{"AttributeName":"b","KeyType":"HASH"}],
        "Projection":{"ProjectionType":"ALL"},"OnDemandThroughput":{"MaxReadRequestUnits":5}}]"#;
    let table = create(&creation(&["a", "b"], "a:HASH", index)).unwrap();
    let one = r#""OnDemandThroughput":{"MaxReadRequestUnits":5}"#;
    assert!(table.describe(&account(), statistics()).contains(one));
    let update = r#""GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"ByB","OnDemandThroughput":{"MaxReadRequestUnits":-1}}}]"#;
    let unbounded = change(&table, update).unwrap();
    let removed = r#""OnDemandThroughput":{"MaxReadRequestUnits":-1}"#;
    let told = unbounded.describe(&account(), statistics());
    assert!(told.contains(removed), "{told}");
    let told = stored(&unbounded).describe(&account(), statistics());
    assert!(!told.contains("OnDemandThroughput"), "{told}");
}
