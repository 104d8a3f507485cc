//! UpdateItem through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn request(table: &str, more: &Value) -> Value {
        with(
            &json!({"TableName": table, "Key": {"id": {"S": "a"}}}),
            more,
        )
    }

    /// Applies `expression` to `item` (without its key) and answers what became of it.
    fn updated(table: &str, item: &Value, expression: &str, values: &Value) -> Value {
        put(table, &with(item, &json!({"id": {"S": "a"}})));
        let mut more = json!({"UpdateExpression": expression, "ReturnValues": "ALL_NEW"});
        if !values.is_null() {
            more["ExpressionAttributeValues"] = values.clone();
        }
        let mut reply = call("update_item", &request(table, &more));
        let attributes = reply["Attributes"].as_object_mut().expect("attributes");
        assert_eq!(attributes.remove("id"), Some(json!({"S": "a"})));
        json!(attributes)
    }

    #[pg_test]
    fn update_item_clauses() {
        simple_table("update_item_clauses");
        let one = json!({":v": {"N": "1"}});
        let list = json!({"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}});
        let set = json!({"s": {"SS": ["a", "b"]}});
        let cases = [
            (
                json!({}),
                "SET n = :v",
                one.clone(),
                json!({"n": {"N": "1"}}),
            ),
            (
                json!({"n": {"N": "0.1"}}),
                "SET n = n + :v",
                one.clone(),
                json!({"n": {"N": "1.1"}}),
            ),
            (
                json!({"n": {"N": "0.1"}}),
                "SET n = n - :v",
                one.clone(),
                json!({"n": {"N": "-0.9"}}),
            ),
            (
                json!({}),
                "SET n = if_not_exists(n, :v) + :v",
                one.clone(),
                json!({"n": {"N": "2"}}),
            ),
            (
                json!({"n": {"N": "5"}}),
                "SET n = if_not_exists(n, :v)",
                one.clone(),
                json!({"n": {"N": "5"}}),
            ),
            (
                list.clone(),
                "SET l[1] = :v, l[9] = :v",
                json!({":v": {"S": "x"}}),
                json!({"l": {"L": [{"N": "0"}, {"S": "x"}, {"N": "2"}, {"S": "x"}]}}),
            ),
            (
                list.clone(),
                "SET l = list_append(:v, l)",
                json!({":v": {"L": [{"S": "x"}]}}),
                json!({"l": {"L": [{"S": "x"}, {"N": "0"}, {"N": "1"}, {"N": "2"}]}}),
            ),
            // Positions are those before the update.
            (
                list,
                "REMOVE l[0], l[1]",
                Value::Null,
                json!({"l": {"L": [{"N": "2"}]}}),
            ),
            // Values on the right are those before the update.
            (
                json!({"a": {"N": "1"}, "b": {"N": "2"}}),
                "SET a = b, b = a",
                Value::Null,
                json!({"a": {"N": "2"}, "b": {"N": "1"}}),
            ),
            (
                json!({"m": {"M": {"k": {"N": "1"}}}}),
                "SET m.j = :v REMOVE m.k",
                one.clone(),
                json!({"m": {"M": {"j": {"N": "1"}}}}),
            ),
            (
                json!({"n": {"N": "1"}}),
                "REMOVE n, absent",
                Value::Null,
                json!({}),
            ),
            (
                json!({"n": {"N": "1"}}),
                "ADD n :v",
                one.clone(),
                json!({"n": {"N": "2"}}),
            ),
            (json!({}), "ADD n :v", one, json!({"n": {"N": "1"}})),
            (
                set.clone(),
                "ADD s :v",
                json!({":v": {"SS": ["c", "b"]}}),
                json!({"s": {"SS": ["a", "b", "c"]}}),
            ),
            (
                set.clone(),
                "DELETE s :v",
                json!({":v": {"SS": ["b", "z"]}}),
                json!({"s": {"SS": ["a"]}}),
            ),
            (
                set,
                "DELETE s :v",
                json!({":v": {"SS": ["a", "b"]}}),
                json!({}),
            ),
            (
                json!({"s": {"NS": ["1", "2"]}}),
                "DELETE s :v",
                json!({":v": {"NS": ["1.0"]}}),
                json!({"s": {"NS": ["2"]}}),
            ),
        ];
        for (item, expression, values, expected) in cases {
            assert_eq!(
                updated("update_item_clauses", &item, expression, &values),
                expected,
                "{expression}"
            );
        }
    }

    #[pg_test]
    fn update_item_return_values() {
        simple_table("update_item_return_values");
        let before = json!({"id": {"S": "a"}, "n": {"N": "1"}, "m": {"M": {"k": {"N": "1"}, "other": {"N": "9"}}}});
        let after = json!({"id": {"S": "a"}, "n": {"N": "2"}, "m": {"M": {"k": {"N": "2"}, "other": {"N": "9"}}},
            "new": {"N": "2"}});
        let cases = [
            ("NONE", json!({})),
            ("ALL_OLD", json!({"Attributes": before})),
            ("ALL_NEW", json!({"Attributes": after})),
            (
                "UPDATED_OLD",
                json!({"Attributes": {"n": {"N": "1"}, "m": {"M": {"k": {"N": "1"}}}}}),
            ),
            (
                "UPDATED_NEW",
                json!({"Attributes": {"n": {"N": "2"}, "m": {"M": {"k": {"N": "2"}}}, "new": {"N": "2"}}}),
            ),
        ];
        for (return_values, expected) in cases {
            put("update_item_return_values", &before);
            let more = json!({"UpdateExpression": "SET n = :v, m.k = :v, #new = :v", "ReturnValues": return_values,
                "ExpressionAttributeNames": {"#new": "new"}, "ExpressionAttributeValues": {":v": {"N": "2"}}});
            let reply = call("update_item", &request("update_item_return_values", &more));
            assert_eq!(reply, expected, "{return_values}");
            assert_eq!(
                get("update_item_return_values", &json!({"id": {"S": "a"}})),
                after
            );
        }
    }

    #[pg_test]
    fn update_item_creates_the_item() {
        simple_table("update_item_creates");
        // Without any update expression the item is its key.
        let reply = call(
            "update_item",
            &request("update_item_creates", &json!({"ReturnValues": "ALL_OLD"})),
        );
        assert_eq!(reply, json!({}));
        assert_eq!(
            get("update_item_creates", &json!({"id": {"S": "a"}})),
            json!({"id": {"S": "a"}})
        );
        let more = json!({"Key": {"id": {"S": "b"}}, "UpdateExpression": "SET n = :v", "ReturnValues": "UPDATED_NEW",
            "ExpressionAttributeValues": {":v": {"N": "1"}}});
        let reply = call("update_item", &request("update_item_creates", &more));
        assert_eq!(reply, json!({"Attributes": {"n": {"N": "1"}}}));
        // A condition that asks for an item creates none.
        let more = with(
            &more,
            &json!({"Key": {"id": {"S": "c"}}, "ConditionExpression": "attribute_exists(id)"}),
        );
        let request = request("update_item_creates", &more);
        expect_refusal(
            "update_item",
            &request,
            CONDITION_FAILED,
            "The conditional request failed",
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.update_item_creates"),
            2
        );
    }

    #[pg_test]
    fn update_item_condition_failure_carries_the_item_on_demand() {
        simple_table("update_item_failure");
        let item = json!({"id": {"S": "a"}, "n": {"N": "1"}});
        put("update_item_failure", &item);
        let more = json!({"UpdateExpression": "SET n = :v", "ConditionExpression": "n = :v",
            "ExpressionAttributeValues": {":v": {"N": "2"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
        let request = request("update_item_failure", &more);
        expect_refusal(
            "update_item",
            &request,
            CONDITION_FAILED,
            "The conditional request failed",
        );
        assert_eq!(
            refusal("update_item", &request).detail,
            json!({"Item": item})
        );
        assert_eq!(
            handle("UpdateItem", request.to_string().as_bytes()).body["Item"],
            item
        );
        assert_eq!(get("update_item_failure", &json!({"id": {"S": "a"}})), item);
    }

    #[pg_test]
    fn update_item_legacy_attribute_updates() {
        simple_table("update_item_legacy");
        put(
            "update_item_legacy",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}, "s": {"SS": ["a", "b"]}, "gone": {"S": "x"}}),
        );
        let updates = json!({
            "n": {"Action": "ADD", "Value": {"N": "2"}}, "s": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "gone": {"Action": "DELETE"}, "put": {"Value": {"BOOL": true}},
        });
        let more = json!({"AttributeUpdates": updates, "Expected": {"n": {"Value": {"N": "1"}}}, "ReturnValues": "ALL_NEW"});
        let request = request("update_item_legacy", &more);
        assert_eq!(
            call("update_item", &request),
            json!({"Attributes": {"id": {"S": "a"}, "n": {"N": "3"}, "s": {"SS": ["b"]}, "put": {"BOOL": true}}})
        );
        expect_refusal(
            "update_item",
            &request,
            CONDITION_FAILED,
            "The conditional request failed",
        );
    }

    #[pg_test]
    fn update_item_consumed_capacity() {
        simple_table("update_item_capacity");
        put(
            "update_item_capacity",
            &json!({"id": {"S": "a"}, "t": {"S": "x".repeat(3000)}}),
        );
        let more = json!({"UpdateExpression": "REMOVE t", "ReturnConsumedCapacity": "INDEXES"});
        let request = request("update_item_capacity", &more);
        let reply = |units: f64| {
            json!({"ConsumedCapacity": {"TableName": "update_item_capacity", "CapacityUnits": units,
                "Table": {"CapacityUnits": units}}})
        };
        assert_eq!(
            call("update_item", &request),
            reply(3.0),
            "the larger of both images"
        );
        assert_eq!(call("update_item", &request), reply(1.0));
    }

    #[pg_test]
    fn update_item_refuses_what_dynamodb_refuses() {
        simple_table("update_item_refuses");
        let item = json!({"id": {"S": "a"}, "s": {"S": "x"}, "n": {"N": "9.9999999999999999999999999999999999999E+125"}});
        put("update_item_refuses", &item);
        let before = get("update_item_refuses", &json!({"id": {"S": "a"}}));
        let cases = [
            (
                "SET id = :v",
                "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
            ),
            (
                "REMOVE id",
                "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
            ),
            (
                "SET a = absent",
                "The provided expression refers to an attribute that does not exist in the item",
            ),
            (
                "SET a = absent + :v",
                "The provided expression refers to an attribute that does not exist in the item",
            ),
            (
                "SET a = s + :v",
                "An operand in the update expression has an incorrect data type",
            ),
            (
                "SET a = list_append(s, s)",
                "An operand in the update expression has an incorrect data type",
            ),
            (
                "ADD s :v",
                "An operand in the update expression has an incorrect data type",
            ),
            (
                "SET m.k = :v",
                "The document path provided in the update expression is invalid for update",
            ),
            (
                "ADD n n",
                "Invalid UpdateExpression: Syntax error; token: \"n\", near: \"n n\"",
            ),
            (
                "SET a = :v, a = :v",
                "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
            ),
            (
                "SET a = :v REMOVE a.b",
                "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
            ),
            (
                "SET a = :v SET b = :v",
                "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;",
            ),
            (
                "SET a = :w",
                "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :w",
            ),
            (
                "",
                "Invalid UpdateExpression: The expression can not be empty;",
            ),
            (
                "SET n = n + n",
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            ),
        ];
        for (expression, message) in cases {
            let mut more = json!({"UpdateExpression": expression});
            if expression.contains(":v") {
                more["ExpressionAttributeValues"] = json!({":v": {"N": "1"}});
            } else if expression.contains(':') {
                more["ExpressionAttributeValues"] = json!({":u": {"N": "1"}});
            }
            expect_refusal(
                "update_item",
                &request("update_item_refuses", &more),
                VALIDATION,
                message,
            );
        }
        assert_eq!(
            get("update_item_refuses", &json!({"id": {"S": "a"}})),
            before
        );
        let nowhere = request("update_item_nowhere", &json!({}));
        expect_refusal(
            "update_item",
            &nowhere,
            NOT_FOUND,
            "Requested resource not found",
        );
    }
}
