//! Indexes of CreateTable, and how they are described.
use super::*;

#[test]
fn local_indexes_are_validated() {
    let local = |indexes: &[String]| format!(r#","LocalSecondaryIndexes":[{}]"#, indexes.join(","));
    let message = |definitions: &[&str], keys: &str, indexes: &[String]| {
        create(&creation(definitions, keys, &local(indexes)))
            .unwrap_err()
            .message
    };
    let good = index("one", "a:HASH c:RANGE", ALL);
    assert_eq!(
        message(&["a", "c"], "a:HASH", std::slice::from_ref(&good)),
        format!(
            "{INVALID}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    );
    let three: &[&str] = &["a", "b", "c"];
    for (indexes, expected) in [
        (
            vec![],
            format!("{INVALID}List of LocalSecondaryIndexes is empty"),
        ),
        (
            vec![index("one", "a:HASH", ALL)],
            format!("{INVALID}Index KeySchema does not have a range key for index: one"),
        ),
        (
            vec![index("one", "b:HASH c:RANGE", ALL)],
            format!(
                "{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: one. index hash key: b, table hash key: a"
            ),
        ),
        (
            vec![good.clone(), good.clone()],
            format!("{INVALID}Duplicate index name: one"),
        ),
        (
            vec![index("one", "a:HASH c:RANGE", "{}")],
            format!("{INVALID}Unknown ProjectionType: null"),
        ),
        (
            (0..6)
                .map(|i| index(&format!("one{i}"), "a:HASH c:RANGE", ALL))
                .collect(),
            format!("{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of 5"),
        ),
        (
            vec![index("one", "a:HASH b:RANGE", ALL)],
            format!(
                "{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]"
            ),
        ),
    ] {
        assert_eq!(message(three, "a:HASH b:RANGE", &indexes), expected);
    }
}

#[test]
fn global_indexes_are_validated() {
    let message = |indexes: &[String]| {
        let more = format!(r#","GlobalSecondaryIndexes":[{}]"#, indexes.join(","));
        create(&creation(&["a", "b", "c"], "a:HASH", &more))
            .unwrap_err()
            .message
    };
    for (indexes, expected) in [
        (
            vec![],
            format!("{INVALID}List of GlobalSecondaryIndexes is empty"),
        ),
        (
            vec![index("one", "b:RANGE c:HASH", ALL)],
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            vec![index(
                "one",
                "b:HASH c:RANGE",
                r#"{"ProjectionType":"ALL","NonKeyAttributes":["x"]}"#,
            )],
            format!("{INVALID}ProjectionType is ALL, but NonKeyAttributes is specified"),
        ),
        (
            (0..21)
                .map(|i| index(&format!("one{i}"), "b:HASH c:RANGE", ALL))
                .collect(),
            format!("{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of 20"),
        ),
    ] {
        assert_eq!(message(&indexes), expected);
    }
}

#[test]
fn indexes_of_a_new_table_are_active_and_their_columns_numbered() {
    let table = indexed("PAY_PER_REQUEST");
    let columns: Vec<_> = table.indexes().map(|i| (i.name(), i.columns())).collect();
    assert_eq!(columns, [("local", 1), ("global", 2), ("several", 3)]);
    assert!(table.indexes().all(|i| i.state() == IndexState::Active));
    let several = table.index("several").unwrap();
    let names = |keys: &[KeyAttribute]| keys.iter().map(|k| k.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(several.partition(&table)), ["d", "e"]);
    assert_eq!(names(several.sort()), ["b", "c"]);
}

#[test]
fn indexes_are_described() {
    let mut counted = statistics();
    let figures = IndexStatistics {
        item_count: 2,
        size_bytes: 16,
    };
    counted.indexes.insert(2, figures);
    let reply = describe_table_reply(&indexed("PROVISIONED"), &account(), counted);
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Books/index";
    for part in [
        r#""AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"},{"AttributeName":"c","AttributeType":"S"},{"AttributeName":"d","AttributeType":"B"},{"AttributeName":"e","AttributeType":"N"}]"#.to_owned(),
        format!(
            r#""LocalSecondaryIndexes":[{{"IndexName":"local","KeySchema":[{}],"Projection":{ALL},"IndexSizeBytes":0,"ItemCount":0,"IndexArn":"{arn}/local"}}]"#,
            elements("a:HASH c:RANGE")
        ),
        format!(
            r#""GlobalSecondaryIndexes":[{{"IndexName":"global","KeySchema":[{}],"Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":["x","z"]}},"IndexStatus":"ACTIVE","ProvisionedThroughput":{{"NumberOfDecreasesToday":0,"ReadCapacityUnits":5,"WriteCapacityUnits":6}},"IndexSizeBytes":16,"ItemCount":2,"IndexArn":"{arn}/global","WarmThroughput":{{"ReadUnitsPerSecond":5,"WriteUnitsPerSecond":6,"Status":"ACTIVE"}}}}"#,
            elements("c:HASH")
        ),
        format!(r#""KeySchema":[{}]"#, elements("d:HASH e:HASH b:RANGE c:RANGE")),
    ] {
        assert!(reply.contains(&part), "{part} in {reply}");
    }
    let on_demand = describe_table_reply(&indexed("PAY_PER_REQUEST"), &account(), statistics());
    assert_eq!(
        on_demand.matches(r#""WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000,"Status":"ACTIVE"}"#).count(),
        3
    );
}

#[test]
fn keys_of_global_indexes_have_up_to_four_attributes_of_each_kind() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let with_keys = |keys: &str| {
        let used: Vec<&str> = names
            .into_iter()
            .filter(|n| *n == "a" || keys.contains(&format!("{n}:")))
            .collect();
        let list = format!(r#","GlobalSecondaryIndexes":[{}]"#, index("one", keys, ALL));
        create(&creation(&used, "a:HASH", &list))
    };
    let eight = "b:HASH c:HASH d:HASH e:HASH f:RANGE g:RANGE h:RANGE i:RANGE";
    assert!(with_keys(eight).is_ok());
    for (keys, expected) in [
        (
            "b:HASH c:HASH d:HASH e:HASH f:HASH",
            format!(
                "{INVALID}The KeySchema exceeds the maximum allowed number of HASH key attributes"
            ),
        ),
        (
            "b:HASH c:RANGE d:RANGE e:RANGE f:RANGE g:RANGE",
            format!(
                "{INVALID}The KeySchema exceeds the maximum allowed number of RANGE key attributes"
            ),
        ),
        (
            "b:HASH c:RANGE d:HASH",
            format!(
                "{INVALID}All HASH key attributes must precede RANGE key attributes in the KeySchema"
            ),
        ),
        (
            "b:HASH c:RANGE c:RANGE",
            "The KeySchema contains multiple key attributes with the same name".to_owned(),
        ),
        (
            "b:HASH b:RANGE",
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
                .to_owned(),
        ),
    ] {
        assert_eq!(with_keys(keys).unwrap_err().message, expected);
    }
}

#[test]
fn unused_definitions_are_told_before_what_else_is_wrong_with_an_index() {
    let list = format!(
        r#","GlobalSecondaryIndexes":[{}]"#,
        index("one", "b:HASH", "{}")
    );
    let told = |definitions: &[&str]| create(&creation(definitions, "a:HASH", &list));
    assert_eq!(
        told(&["a", "b", "c"]).unwrap_err().message,
        format!(
            "{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]"
        )
    );
    assert_eq!(
        told(&["a", "b"]).unwrap_err().message,
        format!("{INVALID}Unknown ProjectionType: null")
    );
}
