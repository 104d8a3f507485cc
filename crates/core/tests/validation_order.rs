//! Which fault DynamoDB reports first, apart from how it words it. A case starts with all its faults at
//! once, listed in the order in which they must come to light; each step repairs the first one left.
mod fixtures;
use fixtures::*;

/// A fault: the member that is wrong, its wrong JSON, its repaired JSON (empty: left out), and a part of the
/// text that reports it.
type Fault = (&'static str, &'static str, &'static str, &'static str);

/// The request with the first `repaired` faults repaired.
fn request(sound: &[(&str, &str)], faults: &[Fault], repaired: usize) -> String {
    let mut members: Vec<(&str, &str)> = sound.to_vec();
    for (i, (name, wrong, right, _)) in faults.iter().enumerate() {
        let value = if i < repaired { right } else { wrong };
        match members.iter_mut().find(|m| m.0 == *name) {
            // A member may have several faults: the first unrepaired one stands.
            Some(_) if i > repaired => {}
            Some(member) => member.1 = value,
            None => members.push((name, value)),
        }
    }
    let written: Vec<String> = members
        .iter()
        .filter(|m| !m.1.is_empty())
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", written.join(","))
}

fn check_order(operation: &str, sound: &[(&str, &str)], faults: &[Fault]) {
    for (i, (name, _, _, expected)) in faults.iter().enumerate() {
        let request = request(sound, faults, i);
        let message = refusal(operation, &request).message;
        assert!(
            message.contains(expected),
            "{operation}, fault {i} ({name}): {message:?} for {request}"
        );
    }
}

const JSON_TYPE: &str = "cannot be converted to String";

#[test]
fn put_item_reports_json_types_then_the_table_name_then_constraints_then_mixture() {
    check_order(
        "PutItem",
        &[("Item", r#"{"pk":{}}"#), ("ConditionExpression", "\"\"")],
        &[
            ("ReturnValues", "7", "\"WRONG\"", JSON_TYPE),
            ("TableName", "\"no name\"", "\"abc\"", "'tableName'"),
            ("ReturnValues", "\"WRONG\"", "\"ALL_NEW\"", "'returnValues'"),
            ("Expected", r#"{"a":{}}"#, "", "Can not use both"),
        ],
    );
}

#[test]
fn put_item_reports_parameters_without_expressions_then_values_then_return_values_then_expected() {
    check_order(
        "PutItem",
        &[("TableName", "\"abc\"")],
        &[
            (
                "ExpressionAttributeNames",
                "{}",
                "",
                "ExpressionAttributeNames can only",
            ),
            (
                "ExpressionAttributeValues",
                "{}",
                "",
                "ExpressionAttributeValues can only",
            ),
            (
                "Item",
                r#"{"pk":{}}"#,
                "{}",
                "Supplied AttributeValue is empty",
            ),
            ("ReturnValues", "\"ALL_NEW\"", "", "ReturnValues can only"),
            (
                "Expected",
                r#"{"a":{}}"#,
                "",
                "Value must be provided when Exists is null",
            ),
        ],
    );
}

#[test]
fn put_item_reports_names_then_values_then_the_expression_then_what_it_does_not_use() {
    check_order(
        "PutItem",
        &[("TableName", "\"abc\"")],
        &[
            (
                "Item",
                r#"{"pk":{"N":"x"}}"#,
                "{}",
                "cannot be converted to a numeric",
            ),
            (
                "ExpressionAttributeNames",
                "{}",
                r##"{"#a":"a"}"##,
                "Names must not be empty",
            ),
            (
                "ExpressionAttributeValues",
                "{}",
                r#"{"a":{}}"#,
                "Values must not be empty",
            ),
            (
                "ExpressionAttributeValues",
                r#"{"a":{}}"#,
                r#"{":a":{}}"#,
                "invalid key",
            ),
            (
                "ExpressionAttributeValues",
                r#"{":a":{}}"#,
                r#"{":a":{"S":"x"}}"#,
                "invalid value",
            ),
            (
                "ConditionExpression",
                "\"\"",
                "\"b = c\"",
                "can not be empty",
            ),
            (
                "ExpressionAttributeNames",
                r##"{"#a":"a"}"##,
                "",
                "Names unused",
            ),
            (
                "ExpressionAttributeValues",
                r#"{":a":{"S":"x"}}"#,
                "",
                "Values unused",
            ),
        ],
    );
}

#[test]
fn update_item_reports_mixture_then_the_key_then_the_update_then_the_condition() {
    check_order(
        "UpdateItem",
        &[("TableName", "\"abc\"")],
        &[
            ("Key", "7", "", "Unexpected field type"),
            ("Key", "", r#"{"pk":{}}"#, "'key'"),
            ("AttributeUpdates", r#"{"a":{}}"#, "", "Can not use both"),
            (
                "Key",
                r#"{"pk":{}}"#,
                "{}",
                "Supplied AttributeValue is empty",
            ),
            (
                "ExpressionAttributeNames",
                r#"{"a":"a"}"#,
                "",
                "invalid key",
            ),
            (
                "UpdateExpression",
                "\"SET\"",
                "\"REMOVE a\"",
                "Invalid UpdateExpression",
            ),
            (
                "ConditionExpression",
                "\"a\"",
                "",
                "Invalid ConditionExpression",
            ),
        ],
    );
}

#[test]
fn delete_item_reports_the_key_then_return_values_then_expected() {
    check_order(
        "DeleteItem",
        &[("TableName", "\"abc\"")],
        &[
            (
                "Key",
                r#"{"pk":{}}"#,
                "{}",
                "Supplied AttributeValue is empty",
            ),
            (
                "ReturnValues",
                "\"UPDATED_NEW\"",
                "",
                "ReturnValues can only",
            ),
            ("Expected", r#"{"a":{}}"#, "", "Value must be provided"),
        ],
    );
}

#[test]
fn get_item_reports_mixture_then_the_key_then_the_projection() {
    check_order(
        "GetItem",
        &[("TableName", "\"abc\"")],
        &[
            (
                "AttributesToGet",
                "[]",
                "[\"a\",\"a\"]",
                "'attributesToGet'",
            ),
            ("AttributesToGet", "[\"a\",\"a\"]", "", "Can not use both"),
            (
                "Key",
                r#"{"pk":{}}"#,
                "{}",
                "Supplied AttributeValue is empty",
            ),
            (
                "ProjectionExpression",
                "\"!\"",
                "",
                "Invalid ProjectionExpression",
            ),
        ],
    );
}

#[test]
fn create_table_reports_throughput_then_keys_then_indexes() {
    let definitions = r#"[{"AttributeName":"pk","AttributeType":"S"}]"#;
    let wrong_keys = r#"[{"AttributeName":"x","KeyType":"HASH"}]"#;
    let keys = r#"[{"AttributeName":"pk","KeyType":"HASH"}]"#;
    let request = |name: &str, schema: &str, throughput: &str, local: &str| {
        format!(
            r#"{{"TableName":{name},"AttributeDefinitions":{definitions},"KeySchema":{schema},
                "ProvisionedThroughput":{throughput},"LocalSecondaryIndexes":{local}}}"#
        )
    };
    let good = r#"{"ReadCapacityUnits":1,"WriteCapacityUnits":1}"#;
    for (text, expected) in [
        (request("7", "[]", "7", "[]"), JSON_TYPE),
        (request("\"ab\"", "[]", "{}", "[]"), "'tableName'"),
        (
            request("\"abc\"", "[]", "{}", "[]"),
            "'provisionedThroughput.writeCapacityUnits'",
        ),
        (
            request("\"abc\"", wrong_keys, "null", "[]"),
            "must both be specified",
        ),
        (
            request("\"abc\"", wrong_keys, good, "[]"),
            "not defined in AttributeDefinitions",
        ),
        (
            request("\"abc\"", keys, good, "[]"),
            "List of LocalSecondaryIndexes is empty",
        ),
    ] {
        let message = refusal("CreateTable", &text).message;
        assert!(message.contains(expected), "{message:?} for {text}");
    }
}

#[test]
fn no_more_than_ten_faults_are_reported() {
    let index = r#"{}"#;
    let indexes = [index; 6].join(",");
    let request = format!(
        r#"{{"TableName":"abc","AttributeDefinitions":[],"KeySchema":[{{"AttributeName":"a","KeyType":"HASH"}}],"LocalSecondaryIndexes":[{indexes}]}}"#
    );
    let message = refusal("CreateTable", &request).message;
    assert!(message.starts_with("10 validation errors detected: "));
    assert_eq!(message.matches("failed to satisfy").count(), 10);
}

#[test]
fn keys_are_checked_only_against_the_table() {
    let table = hash_table();
    let missing = r#"{"TableName":"Hash","Item":{}}"#;
    assert!(
        put(&table, missing)
            .unwrap_err()
            .message
            .contains("Missing the key pk")
    );
    // The condition of the same request is looked at before.
    let both = r#"{"TableName":"Hash","Item":{},"ConditionExpression":"("}"#;
    assert!(
        put(&table, both)
            .unwrap_err()
            .message
            .starts_with("Invalid ConditionExpression")
    );
}

const A_CONDITION: &str = r#"{"a":{"ComparisonOperator":"EQ","AttributeValueList":[{}]}}"#;
const NO_VALUES: &str = r#"{"a":{"ComparisonOperator":"EQ"}}"#;
const EMPTY_VALUE: &str = "Supplied AttributeValue is empty";

#[test]
fn query_reports_json_types_then_the_table_name_then_constraints_then_mixture_then_select() {
    check_order(
        "Query",
        &[
            ("ProjectionExpression", "\"\""),
            ("FilterExpression", "\"\""),
        ],
        &[
            ("Select", "7", "\"WRONG\"", JSON_TYPE),
            ("TableName", "\"no name\"", "\"abc\"", "'tableName'"),
            ("Select", "\"WRONG\"", "\"COUNT\"", "'select'"),
            ("Limit", "0", "1", "'Limit'"),
            ("AttributesToGet", r#"["a","a"]"#, "", "Can not use both"),
            (
                "Select",
                "\"COUNT\"",
                "",
                "Cannot specify the ProjectionExpression",
            ),
            (
                "ExclusiveStartKey",
                r#"{"a":{}}"#,
                "",
                "starting key is invalid",
            ),
            (
                "KeyConditions",
                "",
                NO_VALUES,
                "Either the KeyConditions or",
            ),
            ("ExpressionAttributeNames", "{}", "", "must not be empty"),
            ("FilterExpression", "\"\"", "", "Invalid FilterExpression"),
            (
                "ProjectionExpression",
                "\"\"",
                "",
                "Invalid ProjectionExpression",
            ),
            (
                "KeyConditions",
                NO_VALUES,
                "{}",
                "Invalid number of argument",
            ),
            ("KeyConditions", "{}", "", "Conditions can be of length"),
        ],
    );
}

#[test]
fn query_reports_a_filter_then_attributes_then_the_start_key_then_key_conditions() {
    check_order(
        "Query",
        &[("TableName", "\"abc\"")],
        &[
            (
                "ExpressionAttributeNames",
                "{}",
                "",
                "ExpressionAttributeNames can only",
            ),
            (
                "ExpressionAttributeValues",
                "{}",
                "",
                "FilterExpression and KeyConditionExpression are null",
            ),
            ("QueryFilter", A_CONDITION, NO_VALUES, EMPTY_VALUE),
            ("QueryFilter", NO_VALUES, "{}", "Invalid number of argument"),
            (
                "ConditionalOperator",
                "\"OR\"",
                "",
                "ConditionalOperator cannot be used",
            ),
            ("AttributesToGet", r#"["a","a"]"#, "", "Duplicate value"),
            (
                "ExclusiveStartKey",
                r#"{"a":{"N":"x"}}"#,
                "{}",
                "numeric value: x",
            ),
            (
                "KeyConditions",
                "",
                A_CONDITION,
                "Either the KeyConditions or",
            ),
            ("KeyConditions", A_CONDITION, "", EMPTY_VALUE),
        ],
    );
}

#[test]
fn query_reports_key_condition_filter_projection_then_unused() {
    check_order(
        "Query",
        &[("TableName", "\"abc\"")],
        &[
            (
                "KeyConditionExpression",
                "\"\"",
                "\"a <> b\"",
                "Invalid KeyConditionExpression",
            ),
            (
                "KeyConditionExpression",
                "\"a <> b\"",
                "\"a = :a AND b = :a AND c = :a\"",
                "Invalid operator used",
            ),
            (
                "ExpressionAttributeValues",
                "",
                r#"{":a":{"S":"a"},":b":{"S":"b"}}"#,
                "not defined; attribute value: :a",
            ),
            (
                "KeyConditionExpression",
                "\"a = :a AND b = :a AND c = :a\"",
                "\"a = :a\"",
                "Conditions can be of length 1 or 2 only",
            ),
            ("FilterExpression", "\"\"", "", "Invalid FilterExpression"),
            (
                "ProjectionExpression",
                "\"\"",
                "",
                "Invalid ProjectionExpression",
            ),
            (
                "ExpressionAttributeNames",
                r##"{"#n":"n"}"##,
                "",
                "ExpressionAttributeNames unused",
            ),
            (
                "ExpressionAttributeValues",
                r#"{":a":{"S":"a"},":b":{"S":"b"}}"#,
                "",
                "ExpressionAttributeValues unused",
            ),
        ],
    );
}

#[test]
fn scan_reports_mixture_select_attributes_filter_start_key_segments_expressions() {
    check_order(
        "Scan",
        &[("TableName", "\"abc\"")],
        &[
            ("TotalSegments", "1000001", "4", "'totalSegments'"),
            ("Segment", "-1", "4", "'segment'"),
            ("Limit", "0", "1", "'limit'"),
            (
                "ExpressionAttributeNames",
                "{}",
                "",
                "ExpressionAttributeNames can only",
            ),
            (
                "ExpressionAttributeValues",
                "{}",
                "",
                "FilterExpression is null",
            ),
            (
                "Select",
                "\"COUNT\"",
                "",
                "Cannot specify the AttributesToGet",
            ),
            ("AttributesToGet", r#"["a","a"]"#, "", "Duplicate value"),
            ("ScanFilter", A_CONDITION, "{}", EMPTY_VALUE),
            (
                "ExclusiveStartKey",
                r#"{"a":{"SS":[]}}"#,
                "{}",
                "starting key is invalid: One or more",
            ),
            (
                "Segment",
                "4",
                "",
                "Segment: 4 is not less than TotalSegments: 4",
            ),
        ],
    );
    check_order(
        "Scan",
        &[("TableName", "\"abc\"")],
        &[
            (
                "TotalSegments",
                "4",
                "",
                "The Segment parameter is required",
            ),
            ("FilterExpression", "\"\"", "", "Invalid FilterExpression"),
            (
                "ProjectionExpression",
                "\"\"",
                "",
                "Invalid ProjectionExpression",
            ),
        ],
    );
}
