//! WarmThroughput of tables and global indexes: what they have by themselves, what is asked for, what stays.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::Result;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::{TableDefinition, Units};

const INVALID: &str = "One or more parameter values were invalid: ";
const ON_DEMAND: &str = r#""BillingMode":"PAY_PER_REQUEST""#;

fn provisioned(read: i64, write: i64) -> String {
    format!(
        r#""ProvisionedThroughput":{{"ReadCapacityUnits":{read},"WriteCapacityUnits":{write}}}"#
    )
}

fn warm(members: &str) -> String {
    format!(r#""WarmThroughput":{{{members}}}"#)
}

fn both(read: i64, write: i64) -> String {
    warm(&format!(
        r#""ReadUnitsPerSecond":{read},"WriteUnitsPerSecond":{write}"#
    ))
}

/// A table, and its index `ByOwner` with members of its own.
fn new_table(members: &[&str], index: &[&str]) -> Result<TableDefinition> {
    let of_index = index.iter().map(|m| format!(",{m}")).collect::<String>();
    create(&format!(
        r#"{{"TableName":"Books","KeySchema":[{{"AttributeName":"pk","KeyType":"HASH"}}],
            "AttributeDefinitions":[{{"AttributeName":"pk","AttributeType":"S"}},{{"AttributeName":"o","AttributeType":"S"}}],
            "GlobalSecondaryIndexes":[{{"IndexName":"ByOwner","KeySchema":[{{"AttributeName":"o","KeyType":"HASH"}}],
                "Projection":{{"ProjectionType":"ALL"}}{of_index}}}],{}}}"#,
        members.join(",")
    ))
}

fn change(table: &TableDefinition, members: &str) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"Books",{members}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, NOW)
}

fn of_index(members: &str) -> String {
    format!(r#""GlobalSecondaryIndexUpdates":[{{"Update":{{"IndexName":"ByOwner",{members}}}}}]"#)
}

fn pair(units: Units) -> (i64, i64) {
    (units.read.unwrap(), units.write.unwrap())
}

fn warm_of(table: &TableDefinition) -> [(i64, i64); 2] {
    let index = &table.global_indexes[0];
    [pair(table.warm_units()), pair(table.warm_units_of(index))]
}

#[test]
fn what_is_not_asked_for_is_what_the_mode_gives() {
    let (read, write) = (
        warm(r#""ReadUnitsPerSecond":13000"#),
        warm(r#""WriteUnitsPerSecond":5000"#),
    );
    let table = new_table(&[ON_DEMAND, &read], &[&write]).unwrap();
    assert_eq!(warm_of(&table), [(13_000, 4_000), (12_000, 5_000)]);
    let less = change(&table, &warm(r#""WriteUnitsPerSecond":10"#)).unwrap_err();
    assert_eq!(
        less.message,
        format!(
            "{INVALID}Requested WriteUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
        )
    );
    let (units, of_index) = (provisioned(5, 6), provisioned(7, 8));
    let table = new_table(&[&units, &read], &[&of_index, &write]).unwrap();
    assert_eq!(warm_of(&table), [(13_000, 6), (7, 5_000)]);
    let empty = warm("");
    for (members, of_index) in [
        ([ON_DEMAND, &empty], vec![empty.as_str()]),
        ([&units, &empty], vec![of_index.as_str(), &empty]),
    ] {
        let table = new_table(&members, &of_index).unwrap();
        assert_eq!((table.warm, table.global_indexes[0].warm), (None, None));
    }
    // As 0.4.0 stored it.
    let mut old = new_table(&[ON_DEMAND], &[]).unwrap();
    let (read, write) = (Some(13_000), None);
    old.warm = Some(Units { read, write });
    assert_eq!(pair(old.warm_units()), (13_000, 4_000));
}

#[test]
fn a_new_table_or_index_is_not_colder_than_its_mode_has_it() {
    let initial = "initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial";
    let refusal = |name: &str, of: &str, least: &str| {
        format!("{INVALID}Requested {name} for WarmThroughput for {of} is lower than {least}")
    };
    let refused = |members: &[&str], index: &[&str]| new_table(members, index).unwrap_err().message;
    for units in [both(1, 1), both(0, 0), both(-1, -1), both(11_999, 4_000)] {
        let expected = |of: &str| refusal("ReadUnitsPerSecond", of, initial);
        assert_eq!(refused(&[ON_DEMAND, &units], &[]), expected("table"));
        assert_eq!(refused(&[ON_DEMAND], &[&units]), expected("index ByOwner"));
    }
    assert_eq!(
        refused(&[ON_DEMAND, &both(12_000, 3_999)], &[]),
        refusal("WriteUnitsPerSecond", "table", initial)
    );
    let ten = provisioned(10, 10);
    assert_eq!(
        refused(&[&ten, &both(5, 5)], &[&ten]),
        refusal(
            "ReadUnitsPerSecond",
            "table",
            "ReadCapacityUnits of ProvisionedThroughput"
        )
    );
    assert_eq!(
        refused(&[&ten], &[&ten, &both(10, 9)]),
        refusal(
            "WriteUnitsPerSecond",
            "index ByOwner",
            "WriteCapacityUnits of ProvisionedThroughput"
        )
    );
    let table = new_table(&[ON_DEMAND], &[]).unwrap();
    let later = |warm: &str| {
        let index = format!(
            r#""AttributeDefinitions":[{{"AttributeName":"n","AttributeType":"S"}}],"GlobalSecondaryIndexUpdates":[{{"Create":{{"IndexName":"Later","KeySchema":[{{"AttributeName":"n","KeyType":"HASH"}}],"Projection":{{"ProjectionType":"ALL"}},{warm}}}}}]"#
        );
        change(&table, &index)
    };
    assert_eq!(
        later(&both(12_000, 1)).unwrap_err().message,
        refusal("WriteUnitsPerSecond", "index Later", initial)
    );
    let made = later(&warm(r#""ReadUnitsPerSecond":13000"#)).unwrap();
    assert_eq!(
        pair(made.warm_units_of(&made.global_indexes[1])),
        (13_000, 4_000)
    );
}

#[test]
fn a_change_of_billing_mode_leaves_warm_what_was_warm() {
    let to_provisioned = |table: &TableDefinition, units: (i64, i64), index: (i64, i64)| {
        let units = provisioned(units.0, units.1);
        let index = of_index(&provisioned(index.0, index.1));
        change(
            table,
            &format!(r#""BillingMode":"PROVISIONED",{units},{index}"#),
        )
        .unwrap()
    };
    let on_demand = new_table(&[ON_DEMAND], &[]).unwrap();
    let few = to_provisioned(&on_demand, (2, 2), (1, 1));
    assert_eq!(warm_of(&few), [(12_000, 4_000); 2]);
    // Nor do smaller units later on.
    let fewer = change(&few, &provisioned(1, 1)).unwrap();
    assert_eq!(warm_of(&fewer), [(12_000, 4_000); 2]);
    assert_eq!(
        warm_of(&change(&few, ON_DEMAND).unwrap()),
        [(12_000, 4_000); 2]
    );

    let warmed = new_table(&[ON_DEMAND, &both(14_000, 5_000)], &[&both(13_000, 6_000)]).unwrap();
    let many = to_provisioned(&warmed, (20_000, 6_000), (20_000, 7_000));
    assert_eq!(warm_of(&many), [(20_000, 6_000), (20_000, 7_000)]);
    let mixed = to_provisioned(&warmed, (20_000, 1), (1, 7_000));
    assert_eq!(warm_of(&mixed), [(20_000, 5_000), (13_000, 7_000)]);
    let back = change(&many, ON_DEMAND).unwrap();
    assert_eq!(warm_of(&back), [(20_000, 6_000), (20_000, 7_000)]);

    let (table, index) = (provisioned(1, 5_000), provisioned(3, 4));
    let small = new_table(&[&table], &[&index]).unwrap();
    assert_eq!(warm_of(&small), [(1, 5_000), (3, 4)]);
    let switched = change(&small, ON_DEMAND).unwrap();
    assert_eq!(warm_of(&switched), [(12_000, 5_000), (12_000, 4_000)]);
}
