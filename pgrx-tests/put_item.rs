//! PutItem through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn request(table: &str, more: &Value) -> Value {
        with(
            &json!({"TableName": table, "Item": {"id": {"S": "a"}, "n": {"N": "2"}}}),
            more,
        )
    }

    #[pg_test]
    fn put_item_replaces_the_whole_item() {
        simple_table("put_item_replaces");
        put(
            "put_item_replaces",
            &json!({"id": {"S": "a"}, "old": {"S": "x"}}),
        );
        put(
            "put_item_replaces",
            &json!({"id": {"S": "a"}, "new": {"S": "y"}}),
        );
        assert_eq!(
            get("put_item_replaces", &json!({"id": {"S": "a"}})),
            json!({"id": {"S": "a"}, "new": {"S": "y"}})
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.put_item_replaces"),
            1
        );
    }

    #[pg_test]
    fn put_item_keeps_every_type() {
        simple_table("put_item_types");
        let item = json!({
            "id": {"S": "a"}, "empty": {"S": ""}, "nul": {"S": "a\u{0}b"}, "noBytes": {"B": ""},
            "number": {"N": "-1.5"}, "binary": {"B": "AAEC"}, "yes": {"BOOL": true},
            "nothing": {"NULL": true}, "map": {"M": {"k": {"L": [{"N": "0"}, {"M": {}}, {"L": []}]}}},
            "strings": {"SS": ["a", "b"]}, "numbers": {"NS": ["-1", "2"]}, "binaries": {"BS": ["AA==", "AQ=="]},
        });
        put("put_item_types", &item);
        assert_eq!(get("put_item_types", &json!({"id": {"S": "a"}})), item);
    }

    #[pg_test]
    fn put_item_return_values() {
        simple_table("put_item_return_values");
        let put = |return_values: &str| {
            call(
                "put_item",
                &request(
                    "put_item_return_values",
                    &json!({"ReturnValues": return_values}),
                ),
            )
        };
        assert_eq!(put("ALL_OLD"), json!({}), "there was no item");
        assert_eq!(put("NONE"), json!({}));
        assert_eq!(
            put("ALL_OLD"),
            json!({"Attributes": {"id": {"S": "a"}, "n": {"N": "2"}}})
        );
        for refused in ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
            let request = request("put_item_return_values", &json!({"ReturnValues": refused}));
            expect_refusal(
                "put_item",
                &request,
                VALIDATION,
                "ReturnValues can only be ALL_OLD or NONE",
            );
        }
    }

    #[pg_test]
    fn put_item_consumed_capacity() {
        simple_table("put_item_capacity");
        let put = |text: usize, detail: &str| {
            let item = json!({"id": {"S": "a"}, "t": {"S": "x".repeat(text)}});
            let more = json!({"Item": item, "ReturnConsumedCapacity": detail});
            call("put_item", &request("put_item_capacity", &more))
        };
        assert_eq!(put(1, "NONE"), json!({}));
        // id + a + t are 4 bytes: 1,024 bytes are one write unit, one more byte makes two.
        let total = |units: f64| json!({"ConsumedCapacity": {"TableName": "put_item_capacity", "CapacityUnits": units}});
        assert_eq!(put(1020, "TOTAL"), total(1.0));
        assert_eq!(put(1021, "TOTAL"), total(2.0));
        // The larger of the old and the new item counts.
        assert_eq!(put(1, "TOTAL"), total(2.0));
        assert_eq!(put(1, "TOTAL"), total(1.0));
        assert_eq!(
            put(1, "INDEXES"),
            json!({"ConsumedCapacity": {
                "TableName": "put_item_capacity", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}
            }})
        );
    }

    #[pg_test]
    fn put_item_conditions() {
        simple_table("put_item_conditions");
        // On {id: a, n: 2, s: "abc", m: {l: [7]}, ss: {x, y}}.
        let cases = [
            ("attribute_exists(id)", true),
            ("attribute_not_exists(id)", false),
            (
                "attribute_not_exists(m.l[1]) AND attribute_exists(m.l[0])",
                true,
            ),
            ("attribute_type(s, :type)", true),
            ("n = :two", true),
            ("n <> :two", false),
            ("n < :two OR n > :two", false),
            ("n <= :two AND n >= :two", true),
            ("n BETWEEN :one AND :two", true),
            ("n IN (:one, :three)", false),
            ("NOT n IN (:one, :three)", true),
            ("begins_with(s, :ab)", true),
            ("contains(ss, :x) AND contains(s, :ab)", true),
            ("size(s) = :three", true),
            ("#n = :two AND (s = :ab OR m.l[0] > n)", true),
            ("absent = :two", false),
            ("absent <> :two", true),
        ];
        let values = json!({":one": {"N": "1"}, ":two": {"N": "2.0"}, ":three": {"N": "3"},
            ":type": {"S": "S"}, ":ab": {"S": "ab"}, ":x": {"S": "x"}});
        let item = json!({"id": {"S": "a"}, "n": {"N": "2"}, "s": {"S": "abc"},
            "m": {"M": {"l": {"L": [{"N": "7"}]}}}, "ss": {"SS": ["x", "y"]}});
        put("put_item_conditions", &item);
        for (condition, holds) in cases {
            let mut request = request(
                "put_item_conditions",
                &json!({"Item": item, "ConditionExpression": condition}),
            );
            for (name, value) in values.as_object().unwrap() {
                let used = condition
                    .split(|c: char| !c.is_alphanumeric() && c != ':')
                    .any(|word| word == name);
                if used {
                    request["ExpressionAttributeValues"][name] = value.clone();
                }
            }
            if condition.contains('#') {
                request["ExpressionAttributeNames"] = json!({"#n": "n"});
            }
            if holds {
                assert_eq!(call("put_item", &request), json!({}), "{condition}");
            } else {
                expect_refusal(
                    "put_item",
                    &request,
                    CONDITION_FAILED,
                    "The conditional request failed",
                );
            }
        }
    }

    #[pg_test]
    fn put_item_condition_failure_carries_the_item_on_demand() {
        simple_table("put_item_failure");
        put(
            "put_item_failure",
            &json!({"id": {"S": "a"}, "kept": {"S": "nul \u{0}"}}),
        );
        let request = request(
            "put_item_failure",
            &json!({"ConditionExpression": "attribute_not_exists(id)"}),
        );
        assert_eq!(refusal("put_item", &request).detail, json!(""));
        let body = handle("PutItem", request.to_string().as_bytes()).body;
        assert!(body.get("Item").is_none(), "{body}");

        let request = with(
            &request,
            &json!({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
        );
        let item = json!({"id": {"S": "a"}, "kept": {"S": "nul \u{0}"}});
        assert_eq!(refusal("put_item", &request).detail, json!({"Item": item}));
        assert_eq!(
            handle("PutItem", request.to_string().as_bytes()).body["Item"],
            item
        );
    }

    #[pg_test]
    fn put_item_legacy_expected() {
        simple_table("put_item_expected");
        put(
            "put_item_expected",
            &json!({"id": {"S": "a"}, "n": {"N": "2"}}),
        );
        let two = json!([{"N": "2"}]);
        let cases = [
            (json!({"Expected": {"id": {"Exists": false}}}), false),
            (json!({"Expected": {"other": {"Exists": false}}}), true),
            (json!({"Expected": {"n": {"Value": {"N": "2.00"}}}}), true),
            (
                json!({"Expected": {"n": {"Exists": true, "Value": {"N": "3"}}}}),
                false,
            ),
            (
                json!({"Expected": {"n": {"ComparisonOperator": "GE", "AttributeValueList": two}}}),
                true,
            ),
            (
                json!({"Expected": {"n": {"ComparisonOperator": "NOT_NULL"}, "o": {"ComparisonOperator": "NULL"}}}),
                true,
            ),
            (
                json!({"Expected": {"n": {"ComparisonOperator": "LT", "AttributeValueList": two},
                                 "o": {"ComparisonOperator": "NULL"}}}),
                false,
            ),
            (
                json!({"ConditionalOperator": "OR",
                    "Expected": {"n": {"ComparisonOperator": "LT", "AttributeValueList": two},
                                 "o": {"ComparisonOperator": "NULL"}}}),
                true,
            ),
        ];
        for (more, holds) in cases {
            let request = request("put_item_expected", &more);
            if holds {
                assert_eq!(call("put_item", &request), json!({}), "{more}");
            } else {
                expect_refusal(
                    "put_item",
                    &request,
                    CONDITION_FAILED,
                    "The conditional request failed",
                );
            }
        }
    }

    #[pg_test]
    fn put_item_refuses_what_dynamodb_refuses() {
        simple_table("put_item_refuses");
        let cases = [
            (
                json!({"Item": {"n": {"N": "1"}}}),
                "One or more parameter values were invalid: Missing the key id in the item",
            ),
            (
                json!({"Item": {"id": {"N": "1"}}}),
                "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
            ),
            (
                json!({"Item": {"id": {"S": ""}}}),
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id",
            ),
            (
                json!({"Item": {"id": {"S": "a"}, "s": {"SS": []}}}),
                "One or more parameter values were invalid: An string set  may not be empty",
            ),
            (
                json!({"Item": {"id": {"S": "a"}, "s": {"SS": ["x", "x"]}}}),
                "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
            ),
            (
                json!({"Item": {"id": {"S": "a"}, "n": {"N": "one"}}}),
                "The parameter cannot be converted to a numeric value: one",
            ),
            (
                json!({"Item": {"id": {"S": "a"}, "n": {}}}),
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ),
            (
                json!({"ReturnValues": "SOME"}),
                "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
            ),
            (
                json!({"ConditionExpression": ""}),
                "Invalid ConditionExpression: The expression can not be empty;",
            ),
            (
                json!({"ConditionExpression": "n ="}),
                "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"",
            ),
            (
                json!({"ConditionExpression": "n = :v"}),
                "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v",
            ),
            (
                json!({"ConditionExpression": "#n = id"}),
                "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #n",
            ),
            (
                json!({"ConditionExpression": "attribute_exists(id)", "ExpressionAttributeValues": {":v": {"N": "1"}}}),
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}",
            ),
            (
                json!({"ConditionExpression": "attribute_exists(id)", "ExpressionAttributeNames": {"#n": "n"}}),
                "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}",
            ),
            (
                json!({"ConditionExpression": "attribute_exists(table)"}),
                "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: table",
            ),
            (
                json!({"ConditionExpression": "attribute_exists(id)", "Expected": {"id": {"Exists": false}}}),
                "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
            ),
        ];
        for (more, message) in cases {
            expect_refusal(
                "put_item",
                &request("put_item_refuses", &more),
                VALIDATION,
                message,
            );
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.put_item_refuses"),
            0
        );
    }

    #[pg_test]
    fn put_item_missing_table() {
        let request = request("put_item_nowhere", &json!({}));
        expect_refusal(
            "put_item",
            &request,
            NOT_FOUND,
            "Requested resource not found",
        );
    }

    #[pg_test]
    fn put_item_limit_is_400_kb() {
        simple_table("put_item_limit");
        // Names and values: 2 + 1 and 1 bytes besides the text.
        let sized = |bytes: usize| {
            let item = json!({"id": {"S": "a"}, "t": {"S": "x".repeat(bytes - 4)}});
            request("put_item_limit", &json!({"Item": item}))
        };
        assert_eq!(call("put_item", &sized(400 * 1024)), json!({}));
        expect_refusal(
            "put_item",
            &sized(400 * 1024 + 1),
            VALIDATION,
            "Item size has exceeded the maximum allowed size",
        );
    }
}
