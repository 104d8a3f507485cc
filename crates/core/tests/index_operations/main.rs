//! Secondary indexes in CreateTable, UpdateTable, DescribeTable and DeleteTable.
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod changes;
mod creation;

use fixtures::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::{IndexState, IndexStatistics, KeyAttribute, TableDefinition};
use pg_dynamo_core::{ErrorKind, Result};

const INVALID: &str = "One or more parameter values were invalid: ";

/// `a` HASH, `b` RANGE; local index `local` on `c`, global indexes `global` on `c` and `several` on d, e, b, c.
fn indexed(billing: &str) -> TableDefinition {
    let units = r#""ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}"#;
    let (mode, each) = match billing {
        "PROVISIONED" => (
            format!(r#""BillingMode":"PROVISIONED",{units}"#),
            format!(",{units}"),
        ),
        other => (format!(r#""BillingMode":"{other}""#), String::new()),
    };
    table(&format!(
        r#"{{"TableName":"Books",{mode},"AttributeDefinitions":[{}],"KeySchema":[{}],
            "LocalSecondaryIndexes":[{{"IndexName":"local","KeySchema":[{}],"Projection":{ALL}}}],
            "GlobalSecondaryIndexes":[
                {{"IndexName":"global","KeySchema":[{}],"Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":["z","x"]}}{each}}},
                {{"IndexName":"several","KeySchema":[{}],"Projection":{{"ProjectionType":"KEYS_ONLY"}}{each}}}]}}"#,
        definitions(&["e:N", "a:S", "d:B", "c:S", "b:S"]),
        elements("a:HASH b:RANGE"),
        elements("a:HASH c:RANGE"),
        elements("c:HASH"),
        elements("d:HASH e:HASH b:RANGE c:RANGE"),
    ))
}

/// "a:S"
fn definitions(attributes: &[&str]) -> String {
    let definition = |a: &&str| {
        let (name, scalar) = a.split_once(':').unwrap();
        format!(r#"{{"AttributeName":"{name}","AttributeType":"{scalar}"}}"#)
    };
    attributes
        .iter()
        .map(definition)
        .collect::<Vec<_>>()
        .join(",")
}

fn change(table: &TableDefinition, members: &str) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"Books",{members}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, NOW)
}

fn message(table: &TableDefinition, members: &str) -> String {
    change(table, members).unwrap_err().message
}

fn updates(actions: &[String]) -> String {
    format!(r#""GlobalSecondaryIndexUpdates":[{}]"#, actions.join(","))
}

fn delete_index(name: &str) -> String {
    format!(r#"{{"Delete":{{"IndexName":"{name}"}}}}"#)
}

fn create_index(name: &str, keys: &str, more: &str) -> String {
    format!(
        r#"{{"Create":{{"IndexName":"{name}","KeySchema":[{}],"Projection":{ALL}{more}}}}}"#,
        elements(keys)
    )
}

fn update_index(name: &str, more: &str) -> String {
    format!(r#"{{"Update":{{"IndexName":"{name}",{more}}}}}"#)
}

fn units(read: i64, write: i64) -> String {
    format!(
        r#""ProvisionedThroughput":{{"ReadCapacityUnits":{read},"WriteCapacityUnits":{write}}}"#
    )
}

/// The updates, with AttributeDefinitions of `attributes`.
fn with(attributes: &[&str], actions: &[String]) -> String {
    format!(
        r#""AttributeDefinitions":[{}],{}"#,
        definitions(attributes),
        updates(actions)
    )
}

fn state(table: &TableDefinition, index: &str) -> IndexState {
    table.index(index).unwrap().state()
}
