//! Actions and statements of transactions, on tables with the key `id` (S).

use super::statement::*;
use serde_json::{Value, json};

pub fn id(value: &str) -> Value {
    json!({"id": {"S": value}})
}

pub fn put_of(table: &str, item: &Value) -> Value {
    json!({"Put": {"TableName": table, "Item": item}})
}

pub fn add_of(table: &str, key: &str, n: i64) -> Value {
    json!({"Update": {"TableName": table, "Key": id(key), "UpdateExpression": "ADD n :n",
           "ExpressionAttributeValues": {":n": {"N": n.to_string()}}}})
}

pub fn delete_of(table: &str, key: &str) -> Value {
    json!({"Delete": {"TableName": table, "Key": id(key)}})
}

pub fn check_of(table: &str, key: &str, condition: &str) -> Value {
    json!({"ConditionCheck": {"TableName": table, "Key": id(key), "ConditionExpression": condition}})
}

pub fn request(actions: &[Value]) -> Value {
    json!({"TransactItems": actions})
}

pub fn transact(actions: &[Value]) -> Value {
    call("transact_write_items", &request(actions))
}

pub fn n_of(table: &str, key: &str) -> Value {
    get(table, &id(key))["n"]["N"].clone()
}

/// The members of a list of PartiQL statements.
pub fn statements(texts: &[&str]) -> Vec<Value> {
    let member = |text: &&str| json!({"Statement": text});
    texts.iter().map(member).collect()
}
