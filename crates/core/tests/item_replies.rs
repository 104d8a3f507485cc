//! Whole replies of the item operations, byte for byte.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::apply::{Effect, WriteKind};
use pg_dynamo_core::request::{Options, PutItemRequest};
use std::rc::Rc;

const OLD: &str = r#"{"pk":{"S":"a"},"n":{"N":"1"},"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}}"#;

fn reply_of_update(members: &str, old: Option<&str>) -> String {
    let request = format!(r#"{{"TableName":"Hash","Key":{{"pk":{{"S":"a"}}}},{members}}}"#);
    let write = update(&hash_table(), &request).unwrap();
    let old = old.map(item);
    run(&write, old.as_ref().map(|o| o.as_item())).unwrap().1
}

#[test]
fn return_values_of_updates() {
    let set = r#""UpdateExpression":"SET m.x = :v, z = :v","ExpressionAttributeValues":{":v":{"N":"9"}},"ReturnValues""#;
    for (values, expected) in [
        ("NONE", "{}"),
        (
            "ALL_OLD",
            r#"{"Attributes":{"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}},"n":{"N":"1"},"pk":{"S":"a"}}}"#,
        ),
        (
            "UPDATED_OLD",
            r#"{"Attributes":{"m":{"M":{"x":{"N":"1"}}}}}"#,
        ),
        (
            "ALL_NEW",
            r#"{"Attributes":{"m":{"M":{"x":{"N":"9"},"y":{"N":"2"}}},"n":{"N":"1"},"pk":{"S":"a"},"z":{"N":"9"}}}"#,
        ),
        (
            "UPDATED_NEW",
            r#"{"Attributes":{"m":{"M":{"x":{"N":"9"}}},"z":{"N":"9"}}}"#,
        ),
    ] {
        let members = format!(r#"{set}:"{values}""#);
        assert_eq!(reply_of_update(&members, Some(OLD)), expected, "{values}");
    }
}

#[test]
fn old_values_of_a_new_item_are_absent() {
    let add = r#""UpdateExpression":"ADD n :v","ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues""#;
    assert_eq!(reply_of_update(&format!(r#"{add}:"ALL_OLD""#), None), "{}");
    assert_eq!(
        reply_of_update(&format!(r#"{add}:"UPDATED_OLD""#), None),
        "{}"
    );
    assert_eq!(
        reply_of_update(&format!(r#"{add}:"UPDATED_NEW""#), None),
        r#"{"Attributes":{"n":{"N":"1"}}}"#
    );
}

#[test]
fn puts_and_deletes_return_the_old_item() {
    let table = hash_table();
    let old = item(OLD);
    let request = r#"{"TableName":"Hash","Item":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"}"#;
    let (_, reply) = run(&put(&table, request).unwrap(), Some(old.as_item())).unwrap();
    let expected =
        r#"{"Attributes":{"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}},"n":{"N":"1"},"pk":{"S":"a"}}}"#;
    assert_eq!(reply, expected);
    let request = r#"{"TableName":"Hash","Key":{"pk":{"S":"a"}},"ReturnValues":"ALL_OLD"}"#;
    let write = delete(&table, request).unwrap();
    assert_eq!(run(&write, Some(old.as_item())).unwrap().1, expected);
    assert_eq!(run(&write, None).unwrap().1, "{}");
}

#[test]
fn consumed_capacity_follows_the_larger_item_and_names_the_table_as_given() {
    let table = hash_table();
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash";
    let request = format!(
        r#"{{"TableName":"{arn}","Item":{{"pk":{{"S":"a"}}}},"ReturnConsumedCapacity":"INDEXES"}}"#
    );
    let write = put(&table, &request).unwrap();
    assert_eq!(write.table(), "Hash");
    let large = item(&format!(
        r#"{{"pk":{{"S":"a"}},"b":{{"S":"{}"}}}}"#,
        "x".repeat(3000)
    ));
    assert_eq!(
        run(&write, Some(large.as_item())).unwrap().1,
        format!(
            r#"{{"ConsumedCapacity":{{"TableName":"{arn}","CapacityUnits":3.0,"Table":{{"CapacityUnits":3.0}}}}}}"#
        )
    );
    assert!(
        run(&write, None)
            .unwrap()
            .1
            .contains("\"CapacityUnits\":1.0")
    );
}

#[test]
fn reads_cost_half_when_eventually_consistent() {
    let table = hash_table();
    let reply = |members: &str, stored: Option<&str>| {
        let request = format!(
            r#"{{"TableName":"Hash","Key":{{"pk":{{"S":"a"}}}},"ReturnConsumedCapacity":"TOTAL"{members}}}"#
        );
        let stored = stored.map(item);
        let mut out = String::new();
        let read = get(&table, &request).unwrap();
        read.reply(stored.as_ref().map(|i| i.as_item()), &mut out)
            .unwrap();
        out
    };
    let consumed = |units: &str| {
        format!(r#""ConsumedCapacity":{{"TableName":"Hash","CapacityUnits":{units}}}}}"#)
    };
    assert_eq!(reply("", None), format!("{{{}", consumed("0.5")));
    assert_eq!(
        reply(r#","ConsistentRead":true"#, None),
        format!("{{{}", consumed("1.0"))
    );
    assert_eq!(
        reply(r#","ProjectionExpression":"m.y, absent""#, Some(OLD)),
        format!(
            r#"{{"Item":{{"m":{{"M":{{"y":{{"N":"2"}}}}}}}},{}"#,
            consumed("0.5")
        )
    );
    assert_eq!(
        reply(r#","AttributesToGet":["absent"]"#, Some(OLD)),
        format!(r#"{{"Item":{{}},{}"#, consumed("0.5"))
    );
}

#[test]
fn projected_replies_equal_those_from_the_whole_item() {
    let table = hash_table();
    let request = r#"{"TableName":"Hash","Key":{"pk":{"S":"a"}},"ProjectionExpression":"n","ReturnConsumedCapacity":"TOTAL"}"#;
    let read = get(&table, request).unwrap();
    let stored = item(OLD);
    assert_eq!(
        read.attributes_wanted()
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>(),
        ["n"]
    );
    let (mut whole, mut apart) = (String::new(), String::new());
    read.reply(Some(stored.as_item()), &mut whole).unwrap();
    let projected = read.project(stored.as_item()).unwrap();
    read.reply_projected(projected, stored.as_item().size(), &mut apart)
        .unwrap();
    assert_eq!(whole, apart);
}

#[test]
fn a_refused_condition_shows_the_item_only_when_asked() {
    let table = hash_table();
    let request = |more: &str| {
        format!(
            r#"{{"TableName":"Hash","Item":{{"pk":{{"S":"a"}}}},"ConditionExpression":"attribute_not_exists(pk)"{more}}}"#
        )
    };
    let old = item(OLD);
    let error = run(&put(&table, &request("")).unwrap(), Some(old.as_item())).unwrap_err();
    assert_eq!(error.message, "The conditional request failed");
    assert_eq!(error.detail(), None);
    let asked = request(r#","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#);
    let error = run(&put(&table, &asked).unwrap(), Some(old.as_item())).unwrap_err();
    let detail = error.detail().unwrap();
    assert!(detail.starts_with(r#"{"Item":{"m":{"M":"#), "{detail}");
    // A condition that failed on no item has none to show.
    let exists = asked.replace("attribute_not_exists", "attribute_exists");
    let error = run(&put(&table, &exists).unwrap(), None).unwrap_err();
    assert_eq!(error.detail(), None);
}

#[test]
fn effects_are_the_same_however_often_they_are_asked_for() {
    let table = hash_table();
    let request = r#"{"TableName":"Hash","Key":{"pk":{"S":"a"}},"UpdateExpression":"ADD n :v","ExpressionAttributeValues":{":v":{"N":"1"}}}"#;
    let write = update(&table, request).unwrap();
    let (one, two) = (item(OLD), item(r#"{"pk":{"S":"a"},"n":{"N":"41"}}"#));
    let first = write.apply(Some(one.as_item())).unwrap();
    assert_eq!(
        write.apply(Some(two.as_item())).unwrap(),
        Effect::Store(item(r#"{"pk":{"S":"a"},"n":{"N":"42"}}"#))
    );
    assert_eq!(write.apply(Some(one.as_item())).unwrap(), first);
    assert_eq!(
        write.apply(None).unwrap(),
        Effect::Store(item(r#"{"pk":{"S":"a"},"n":{"N":"1"}}"#))
    );
}

#[test]
fn what_changes_nothing_is_not_written() {
    let table = hash_table();
    let old = item(OLD);
    let same = format!(r#"{{"TableName":"Hash","Item":{OLD}}}"#);
    let write = put(&table, &same).unwrap();
    assert_eq!(write.apply(Some(old.as_item())).unwrap(), Effect::Unchanged);
    let key = r#"{"TableName":"Hash","Key":{"pk":{"S":"a"}}"#;
    let remove = format!(r#"{key},"UpdateExpression":"REMOVE absent"}}"#);
    let write = update(&table, &remove).unwrap();
    assert_eq!(write.apply(Some(old.as_item())).unwrap(), Effect::Unchanged);
    let nothing = update(&table, &format!("{key}}}")).unwrap();
    assert_eq!(
        nothing.apply(Some(old.as_item())).unwrap(),
        Effect::Unchanged
    );
    assert_eq!(
        nothing.apply(None).unwrap(),
        Effect::Store(item(r#"{"pk":{"S":"a"}}"#))
    );
    let write = delete(&table, &format!("{key}}}")).unwrap();
    assert_eq!(write.apply(None).unwrap(), Effect::Unchanged);
    assert_eq!(write.apply(Some(old.as_item())).unwrap(), Effect::Delete);
}

#[test]
fn an_update_that_only_removes_creates_nothing() {
    let table = hash_table();
    for members in [
        r#""UpdateExpression":"REMOVE a""#,
        r#""UpdateExpression":"DELETE a :v","ExpressionAttributeValues":{":v":{"SS":["x"]}}"#,
        r#""AttributeUpdates":{"a":{"Action":"DELETE"}}"#,
    ] {
        let request = format!(
            r#"{{"TableName":"Hash","Key":{{"pk":{{"S":"a"}}}},{members},"ReturnValues":"ALL_NEW"}}"#
        );
        let write = update(&table, &request).unwrap();
        assert_eq!(write.apply(None).unwrap(), Effect::Unchanged, "{members}");
        assert_eq!(run(&write, None).unwrap().1, "{}");
    }
}

#[test]
fn only_a_condition_that_holds_on_nothing_lets_a_write_create() {
    let table = hash_table();
    let conditional = |condition: &str| {
        let request = format!(
            r#"{{"TableName":"Hash","Item":{{"pk":{{"S":"a"}}}},"ConditionExpression":"{condition}"}}"#
        );
        put(&table, &request).unwrap().may_create().unwrap()
    };
    assert!(conditional("attribute_not_exists(pk)"));
    assert!(!conditional("attribute_exists(pk)"));
    assert!(!conditional("pk = elsewhere"));
    let request = r#"{"TableName":"Hash","Key":{"pk":{"S":"a"}}}"#;
    let write = delete(&table, request).unwrap();
    assert!(!write.may_create().unwrap());
    assert_eq!(write.kind(), WriteKind::Delete);
}

#[test]
fn an_update_may_not_outgrow_the_limit() {
    let table = hash_table();
    let value = "x".repeat(300 * 1024);
    let request = format!(
        r#"{{"TableName":"Hash","Key":{{"pk":{{"S":"a"}}}},"UpdateExpression":"SET b = :v","ExpressionAttributeValues":{{":v":{{"S":"{value}"}}}}}}"#
    );
    let write = update(&table, &request).unwrap();
    let large = item(&format!(r#"{{"pk":{{"S":"a"}},"c":{{"S":"{value}"}}}}"#));
    assert_eq!(
        write.apply(Some(large.as_item())).unwrap_err().message,
        "Item size to update has exceeded the maximum allowed size"
    );
    assert!(matches!(write.apply(None).unwrap(), Effect::Store(_)));
}

#[test]
fn typed_parts_are_checked_like_a_json_request() {
    let attributes = item(r#"{"pk":{"S":"a"}}"#)
        .as_item()
        .to_attributes()
        .unwrap();
    let parts = |table: &str, options: Options<'_>| {
        PutItemRequest::from_parts(table, attributes.clone(), options, &account())
    };
    let wrong = Options {
        return_values: Some("SOME"),
        ..Options::default()
    };
    let json = r#"{"TableName":"Hash","Item":{"pk":{"S":"a"}},"ReturnValues":"SOME"}"#;
    assert_eq!(parts("Hash", wrong).unwrap_err(), refusal("PutItem", json));
    let options = Options {
        condition_expression: Some("attribute_not_exists(#k)"),
        expression_attribute_names: Some(fixtures::json(r##"{"#k":"pk"}"##)),
        ..Options::default()
    };
    let write = parts("Hash", options)
        .unwrap()
        .bind(&Rc::new(hash_table()))
        .unwrap();
    assert_eq!(
        write.apply(None).unwrap(),
        Effect::Store(item(r#"{"pk":{"S":"a"}}"#))
    );
}
