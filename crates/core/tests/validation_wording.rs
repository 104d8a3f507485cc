//! How faults are worded: exact texts, one fault a request.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::ErrorKind;

fn says(operation: &str, request: &str, expected: &str) {
    let error = refusal(operation, request);
    assert_eq!(error.message, expected, "{operation} {request}");
    assert_eq!(error.kind, ErrorKind::Validation);
}

const INVALID: &str = "One or more parameter values were invalid: ";

#[test]
fn table_names() {
    let constraint = |value: &str, rule: &str| {
        format!(
            "1 validation error detected: Value {value} at 'tableName' failed to satisfy constraint: {rule}"
        )
    };
    let put = |name: &str| format!(r#"{{"TableName":{name},"Item":{{}}}}"#);
    let long = "a".repeat(256);
    for (name, value, rule) in [
        ("null", "null", "Member must not be null"),
        (
            "\"\"",
            "''",
            "Member must have length greater than or equal to 1",
        ),
        (
            "\"bad name\"",
            "'bad name'",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
    ] {
        says("PutItem", &put(name), &constraint(value, rule));
    }
    says(
        "PutItem",
        &put(&format!("\"{long}\"")),
        &constraint(
            &format!("'{long}'"),
            "Member must have length less than or equal to 255",
        ),
    );
    says(
        "CreateTable",
        r#"{"TableName":"ab"}"#,
        &constraint("'ab'", "Member must have length greater than or equal to 3"),
    );
    for operation in ["CreateTable", "UpdateTable", "DeleteTable", "DescribeTable"] {
        says(
            operation,
            "{}",
            "The parameter 'TableName' is required but was not present in the request",
        );
    }
}

#[test]
fn json_types() {
    let attribute = |json: &str| format!(r#"{{"TableName":"abc","Item":{json}}}"#);
    for (request, expected) in [
        (
            r#"{"TableName":23}"#.to_owned(),
            "NUMBER_VALUE cannot be converted to String",
        ),
        (
            r#"{"TableName":2.5}"#.to_owned(),
            "DECIMAL_VALUE cannot be converted to String",
        ),
        (
            r#"{"TableName":true}"#.to_owned(),
            "TRUE_VALUE cannot be converted to String",
        ),
        (
            r#"{"TableName":[]}"#.to_owned(),
            "Unrecognized collection type class java.lang.String",
        ),
        (
            r#"{"TableName":{}}"#.to_owned(),
            "Start of structure or map found where not expected",
        ),
        (attribute("\"x\""), "Unexpected field type"),
        (
            attribute(r#"{"a":"x"}"#),
            "Unexpected value type in payload",
        ),
        (
            attribute(r#"{"a":{"S":5}}"#),
            "NUMBER_VALUE cannot be converted to String",
        ),
        (
            r#"{"TableName":"abc","Expected":[]}"#.to_owned(),
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue>",
        ),
    ] {
        let error = refusal("PutItem", &request);
        assert_eq!(error.kind, ErrorKind::Serialization, "{request}");
        assert_eq!(error.message, expected, "{request}");
    }
    let limit = refusal("ListTables", r#"{"Limit":"5"}"#);
    assert_eq!(limit.message, "STRING_VALUE cannot be converted to Integer");
    assert_eq!(refusal("PutItem", "[]").kind, ErrorKind::Serialization);
}

#[test]
fn enumerations_are_gathered_in_order() {
    says(
        "PutItem",
        r#"{"TableName":"abc","ReturnConsumedCapacity":"hi","ReturnItemCollectionMetrics":"hi","ReturnValues":"hi"}"#,
        "4 validation errors detected: \
         Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: \
         Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; \
         Value null at 'item' failed to satisfy constraint: Member must not be null; \
         Value 'hi' at 'returnValues' failed to satisfy constraint: \
         Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]; \
         Value 'hi' at 'returnItemCollectionMetrics' failed to satisfy constraint: \
         Member must satisfy enum value set: [SIZE, NONE]",
    );
    says(
        "DeleteItem",
        r#"{"TableName":"abc","Key":{},"Expected":{"a":{"ComparisonOperator":"X"}}}"#,
        "1 validation error detected: Value 'X' at 'expected.a.member.comparisonOperator' \
         failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, \
         NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
    );
}

#[test]
fn expression_parameters() {
    let with = |members: &str| format!(r#"{{"TableName":"abc","Key":{{}},{members}}}"#);
    for (members, expected) in [
        (
            r#""AttributeUpdates":{},"UpdateExpression":"SET a = :v""#,
            "Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}",
        ),
        (
            r##""ExpressionAttributeNames":{"#a":"a"}"##,
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            r#""ExpressionAttributeValues":{":a":{"S":"a"}}"#,
            "ExpressionAttributeValues can only be specified when using expressions: \
             UpdateExpression and ConditionExpression are null",
        ),
        (
            r#""UpdateExpression":"REMOVE a","ExpressionAttributeValues":{}"#,
            "ExpressionAttributeValues must not be empty",
        ),
        (
            r#""UpdateExpression":"REMOVE a","ExpressionAttributeNames":{"a":"b"}"#,
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"",
        ),
        (
            r#""UpdateExpression":"REMOVE a","ExpressionAttributeValues":{":a":{"N":"x"}}"#,
            "ExpressionAttributeValues contains invalid value: \
             The parameter cannot be converted to a numeric value: x for key :a",
        ),
        (
            r#""UpdateExpression":"""#,
            "Invalid UpdateExpression: The expression can not be empty;",
        ),
        (
            r##""UpdateExpression":"REMOVE a","ExpressionAttributeNames":{"#x":"x"}"##,
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}",
        ),
    ] {
        says("UpdateItem", &with(members), expected);
    }
    says(
        "PutItem",
        r#"{"TableName":"abc","Item":{},"ExpressionAttributeValues":{":v":{"S":"x"}}}"#,
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    );
    says(
        "GetItem",
        r#"{"TableName":"abc","Key":{},"AttributesToGet":["a","a"]}"#,
        &format!("{INVALID}Duplicate value in attribute name: a"),
    );
}

#[test]
fn attribute_names_have_1_to_65535_bytes_wherever_they_stand() {
    let key = r#""TableName":"abc","Key":{"pk":{"S":"a"}}"#;
    let fits = "n".repeat(65_535);
    let too_long = "n".repeat(65_536);
    let requests = |name: &str| {
        [
            (
                "PutItem",
                format!(r#"{{"TableName":"abc","Item":{{"{name}":{{"S":"a"}}}}}}"#),
            ),
            (
                "DeleteItem",
                format!(r#"{{{key},"Expected":{{"{name}":{{"Exists":false}}}}}}"#),
            ),
            (
                "UpdateItem",
                format!(r#"{{{key},"AttributeUpdates":{{"{name}":{{"Value":{{"S":"a"}}}}}}}}"#),
            ),
            (
                "GetItem",
                format!(r#"{{{key},"AttributesToGet":["{name}"]}}"#),
            ),
        ]
    };
    for (operation, request) in requests("") {
        says(operation, &request, "Empty attribute name");
    }
    for (operation, request) in requests(&too_long) {
        says(
            operation,
            &request,
            "Attribute name is too large, must be less than 65536 bytes",
        );
    }
    for (operation, request) in requests(&fits) {
        accepts(operation, &request);
    }
}

#[test]
fn a_conditional_operator_needs_conditions() {
    for expected in ["", r#","Expected":{}"#] {
        for operator in ["AND", "OR"] {
            says(
                "PutItem",
                &format!(
                    r#"{{"TableName":"abc","Item":{{}},"ConditionalOperator":"{operator}"{expected}}}"#
                ),
                &format!("{INVALID}ConditionalOperator cannot be used without Filter or Expected"),
            );
        }
    }
    accepts("PutItem", r#"{"TableName":"abc","Item":{},"Expected":{}}"#);
}

#[test]
fn items_are_at_most_400_kb() {
    let request = |size: usize| {
        let value = "x".repeat(size);
        format!(r#"{{"TableName":"Hash","Item":{{"pk":{{"S":"a"}},"b":{{"S":"{value}"}}}}}}"#)
    };
    let most = 400 * 1024 - 4;
    assert!(put(&hash_table(), &request(most)).is_ok());
    says(
        "PutItem",
        &request(most + 1),
        "Item size has exceeded the maximum allowed size",
    );
}

#[test]
fn keys_of_items() {
    let table = composite_table("B");
    let text = |json: &str| {
        let request = format!(r#"{{"TableName":"Composite","Item":{json}}}"#);
        put(&table, &request).unwrap_err().message
    };
    let long = |n: usize| "a".repeat(n);
    assert_eq!(
        text("{}"),
        format!("{INVALID}Missing the key pk in the item")
    );
    assert_eq!(
        text(r#"{"pk":{"S":"a"}}"#),
        format!("{INVALID}Missing the key sk in the item")
    );
    assert_eq!(
        text(r#"{"pk":{"NS":["1"]}}"#),
        format!("{INVALID}Type mismatch for key pk expected: S actual: NS")
    );
    assert_eq!(
        text(r#"{"pk":{"S":""},"sk":{"B":""}}"#),
        "One or more parameter values are not valid. The AttributeValue for a key attribute \
         cannot contain an empty string value. Key: pk"
    );
    assert_eq!(
        text(r#"{"pk":{"S":"a"},"sk":{"B":""}}"#),
        "One or more parameter values are not valid. The AttributeValue for a key attribute \
         cannot contain an empty binary value. Key: sk"
    );
    assert_eq!(
        text(&format!(
            r#"{{"pk":{{"S":"{}"}},"sk":{{"B":"YQ=="}}}}"#,
            long(2049)
        )),
        format!("{INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes")
    );
    assert_eq!(
        text(&format!(
            r#"{{"pk":{{"S":"a"}},"sk":{{"B":"{}"}}}}"#,
            long(1368)
        )),
        format!(
            "{INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        )
    );
}

#[test]
fn keys_of_requests() {
    let table = composite_table("N");
    for key in [
        "{}",
        r#"{"pk":{"S":"a"}}"#,
        r#"{"pk":{"S":"a"},"sk":{"S":"1"}}"#,
        r#"{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"N":"1"}}"#,
        r#"{"pk":{"S":"a"},"x":{"N":"1"}}"#,
    ] {
        let request = format!(r#"{{"TableName":"Composite","Key":{key}}}"#);
        let expected = "The provided key element does not match the schema";
        assert_eq!(get(&table, &request).unwrap_err().message, expected);
        assert_eq!(delete(&table, &request).unwrap_err().message, expected);
        assert_eq!(update(&table, &request).unwrap_err().message, expected);
    }
    let request = r#"{"TableName":"Composite","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET sk = sk + sk"}"#;
    assert_eq!(
        update(&table, request).unwrap_err().message,
        format!("{INVALID}Cannot update attribute sk. This attribute is part of the key")
    );
}

#[test]
fn expressions_do_not_look_into_keys() {
    let table = composite_table("N");
    let request = |members: &str| {
        format!(
            r#"{{"TableName":"Composite","Key":{{"pk":{{"S":"a"}},"sk":{{"N":"1"}}}},{members}}}"#
        )
    };
    let expected = "Key attributes must be scalars; list random access '[]' and map lookup '.' \
                    are not allowed: Key: sk";
    let projection = request(r#""ProjectionExpression":"sk.a""#);
    assert_eq!(get(&table, &projection).unwrap_err().message, expected);
    let condition = request(r#""ConditionExpression":"attribute_exists(sk[0])""#);
    assert_eq!(delete(&table, &condition).unwrap_err().message, expected);
    let read = request(r#""UpdateExpression":"SET a = sk.b""#);
    assert_eq!(update(&table, &read).unwrap_err().message, expected);
}

#[test]
fn names_and_arns_of_tables() {
    let with = |name: &str| format!(r#"{{"TableName":"{name}"}}"#);
    for (arn, kind) in [
        (
            "arn:aws:dynamodb:us-east-1:123456789012:table/abc",
            ErrorKind::Validation,
        ),
        (
            "arn:aws:dynamodb:eu-west-1:999999999999:table/abc",
            ErrorKind::AccessDenied,
        ),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:stream/abc",
            ErrorKind::Validation,
        ),
        ("arn:aws:dynamodb", ErrorKind::Validation),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/a b",
            ErrorKind::Validation,
        ),
    ] {
        assert_eq!(refusal("DescribeTable", &with(arn)).kind, kind, "{arn}");
    }
}

#[test]
fn limits_and_segments_of_reads() {
    says(
        "Query",
        r#"{"TableName":"abc","Limit":0}"#,
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    says(
        "Scan",
        r#"{"TableName":"abc","Limit":0}"#,
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    says(
        "Scan",
        r#"{"TableName":"abc","Segment":0}"#,
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    );
    says(
        "Scan",
        r#"{"TableName":"abc","TotalSegments":4}"#,
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
    );
    says(
        "Scan",
        r#"{"TableName":"abc","Segment":5,"TotalSegments":5}"#,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less than TotalSegments: 5",
    );
    says(
        "Scan",
        r#"{"TableName":"abc","Segment":1000000,"TotalSegments":1000001}"#,
        "2 validation errors detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000; \
         Value '1000000' at 'segment' failed to satisfy constraint: Member must have value less than or equal to 999999",
    );
}

#[test]
fn ten_faults_of_a_query_at_most() {
    let request = r#"{"TableName":"abc","ReturnConsumedCapacity":"hi","AttributesToGet":[],"IndexName":"a;","Select":"hi",
        "KeyConditions":{"a":{},"b":{"ComparisonOperator":""}},"ConditionalOperator":"AN",
        "QueryFilter":{"a":{},"b":{"ComparisonOperator":""}}}"#;
    let operators = "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]";
    let enumeration = "failed to satisfy constraint: Member must satisfy enum value set:";
    let faults = [
        format!("Value 'hi' at 'select' {enumeration} [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"),
        "Value 'a;' at 'indexName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+".into(),
        "Value 'a;' at 'indexName' failed to satisfy constraint: Member must have length greater than or equal to 3".into(),
        format!("Value 'hi' at 'returnConsumedCapacity' {enumeration} [INDEXES, TOTAL, NONE]"),
        "Value null at 'queryFilter.a.member.comparisonOperator' failed to satisfy constraint: Member must not be null".into(),
        format!("Value '' at 'queryFilter.b.member.comparisonOperator' {enumeration} {operators}"),
        format!("Value 'AN' at 'conditionalOperator' {enumeration} [OR, AND]"),
        "Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1".into(),
        "Value null at 'keyConditions.a.member.comparisonOperator' failed to satisfy constraint: Member must not be null".into(),
        format!("Value '' at 'keyConditions.b.member.comparisonOperator' {enumeration} {operators}"),
    ];
    says(
        "Query",
        request,
        &format!("10 validation errors detected: {}", faults.join("; ")),
    );
}

#[test]
fn parameters_of_the_first_api_beside_expressions_in_reads() {
    let both = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: ";
    let legacy =
        r#""AttributesToGet":["a"],"QueryFilter":{},"ConditionalOperator":"OR","KeyConditions":{}"#;
    let expressions = r#""ProjectionExpression":"","FilterExpression":"""#;
    says(
        "Query",
        &format!(r#"{{"TableName":"abc",{legacy},{expressions},"KeyConditionExpression":""}}"#),
        &format!(
            "{both}{{AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions}} Expression parameters: {{ProjectionExpression, FilterExpression, KeyConditionExpression}}"
        ),
    );
    // Key conditions alone may stand beside the other expressions.
    says(
        "Query",
        &format!(r#"{{"TableName":"abc",{legacy},{expressions}}}"#),
        &format!(
            "{both}{{AttributesToGet, QueryFilter, ConditionalOperator}} Expression parameters: {{ProjectionExpression, FilterExpression}}"
        ),
    );
    says(
        "Scan",
        &format!(
            r#"{{"TableName":"abc","AttributesToGet":["a"],"ScanFilter":{{}},"ConditionalOperator":"OR",{expressions}}}"#
        ),
        &format!(
            "{both}{{AttributesToGet, ScanFilter, ConditionalOperator}} Expression parameters: {{ProjectionExpression, FilterExpression}}"
        ),
    );
}

#[test]
fn values_of_starting_keys() {
    let key = |value: &str| format!(r#"{{"TableName":"abc","ExclusiveStartKey":{{"a":{value}}}}}"#);
    let named = "The provided starting key is invalid: ";
    for (value, expected) in [
        ("{}", format!("{named}Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")),
        (r#"{"L":[{}]}"#, format!("{named}Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")),
        (
            r#"{"S":"a","N":"1"}"#,
            format!("{named}Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
        ),
        (r#"{"NULL":"no"}"#, format!("{named}{INVALID}Null attribute value types must have the value of true")),
        (r#"{"SS":[]}"#, format!("{named}{INVALID}An string set  may not be empty")),
        (r#"{"BS":[]}"#, format!("{named}{INVALID}Binary sets should not be empty")),
        // DynamoDB does not say of these where they stand.
        (r#"{"NS":[]}"#, format!("{INVALID}An number set  may not be empty")),
        (r#"{"SS":["a","a"]}"#, format!("{INVALID}Input collection [a, a] contains duplicates.")),
        (r#"{"NS":["1","1"]}"#, "Input collection contains duplicates".into()),
        (r#"{"N":"b"}"#, "The parameter cannot be converted to a numeric value: b".into()),
        (r#"{"N":"1e126"}"#, "Number overflow. Attempting to store a number with magnitude larger than supported range".into()),
        (
            r#"{"N":"123456789012345678901234567890123456789"}"#,
            "Attempting to store more than 38 significant digits in a Number".into(),
        ),
    ] {
        says("Scan", &key(value), &expected);
        says("Query", &key(value), &expected);
    }
}
