//! Items and placeholders from JSON, and compiling with the error text as the error.

use pg_dynamo_core::expression::{
    Condition, ExpressionKind, KeyCondition, KeyConditions, Placeholders, Projection, Update, Usage,
};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::table::{KeyAttribute, ScalarType};
use pg_dynamo_core::value::{Attributes, Item, ItemBuf, Value, json};

pub fn attributes(text: &str) -> Attributes {
    json::parse_attributes(&Json::parse(text).unwrap()).unwrap()
}

pub fn item(text: &str) -> ItemBuf {
    ItemBuf::from_attributes(&attributes(text))
}

pub fn value(text: &str) -> Value {
    json::parse_value(&Json::parse(text).unwrap()).unwrap()
}

pub fn text(item: Item<'_>) -> String {
    let mut out = String::new();
    json::write_item(&mut out, item).unwrap();
    out
}

/// `{"#a":"name", ":v":{"N":"1"}}`
pub fn placeholders(given: &str) -> Placeholders {
    let mut found = Placeholders::default();
    let Json::Object(members) = Json::parse(given).unwrap() else {
        panic!("not an object: {given}");
    };
    for (key, value) in &members {
        if key.starts_with('#') {
            found
                .names
                .insert(key.to_string(), value.as_str().unwrap().into());
        } else {
            found
                .values
                .insert(key.to_string(), json::parse_value(value).unwrap().encode());
        }
    }
    found
}

pub fn compile(text: &str, given: &str) -> Result<Condition, String> {
    let mut usage = Usage::default();
    Condition::compile(
        ExpressionKind::Condition,
        text,
        &placeholders(given),
        &mut usage,
    )
    .map_err(|e| e.message)
}

pub fn compile_update(text: &str, given: &str) -> Result<Update, String> {
    Update::compile(text, &placeholders(given), &mut Usage::default()).map_err(|e| e.message)
}

pub fn compile_projection(text: &str, given: &str) -> Result<Projection, String> {
    Projection::compile(text, &placeholders(given), &mut Usage::default()).map_err(|e| e.message)
}

/// A key condition on (pk S, sk), `sk` of the type of the values it is compared with.
pub fn compile_key(text: &str, given: &str, sort: Option<&str>) -> Result<KeyCondition, String> {
    let conditions = KeyConditions::compile(text, &placeholders(given), &mut Usage::default(), 2)
        .map_err(|e| e.message)?;
    let key = |name: &str, scalar| KeyAttribute {
        name: name.into(),
        scalar,
    };
    let partition = [key("pk", ScalarType::S)];
    let bind = |scalar| {
        let sort: Vec<KeyAttribute> = sort.iter().map(|name| key(name, scalar)).collect();
        conditions.clone().bind(&partition, &sort, &mut |_| Ok(()))
    };
    let mismatch = "Condition parameter type does not match schema type";
    match bind(ScalarType::S) {
        Err(error) if error.message.contains(mismatch) => bind(ScalarType::N),
        other => other,
    }
    .map_err(|e| e.message)
}
