//! DeleteItem through SQL and `dynamo.handle`.

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

    #[pg_test]
    fn delete_item_return_values() {
        simple_table("delete_item_return_values");
        let item = json!({"id": {"S": "a"}, "n": {"N": "2"}});
        let delete = |return_values: &str| {
            call(
                "delete_item",
                &request(
                    "delete_item_return_values",
                    &json!({"ReturnValues": return_values}),
                ),
            )
        };
        assert_eq!(
            delete("ALL_OLD"),
            json!({}),
            "there is no item, and that is no error"
        );
        put("delete_item_return_values", &item);
        assert_eq!(delete("NONE"), json!({}));
        put("delete_item_return_values", &item);
        assert_eq!(delete("ALL_OLD"), json!({"Attributes": item}));
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.delete_item_return_values"),
            0
        );
        for refused in ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
            let request = request(
                "delete_item_return_values",
                &json!({"ReturnValues": refused}),
            );
            expect_refusal(
                "delete_item",
                &request,
                VALIDATION,
                "ReturnValues can only be ALL_OLD or NONE",
            );
        }
    }

    #[pg_test]
    fn delete_item_conditions() {
        simple_table("delete_item_conditions");
        let item = json!({"id": {"S": "a"}, "n": {"N": "2"}});
        let exists = request(
            "delete_item_conditions",
            &json!({"ConditionExpression": "attribute_exists(id)"}),
        );
        let failed = "The conditional request failed";
        expect_refusal("delete_item", &exists, CONDITION_FAILED, failed);
        let absent = request(
            "delete_item_conditions",
            &json!({"ConditionExpression": "attribute_not_exists(id)"}),
        );
        assert_eq!(
            call("delete_item", &absent),
            json!({}),
            "holds on the missing item"
        );

        put("delete_item_conditions", &item);
        let on_failure = with(
            &absent,
            &json!({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
        );
        expect_refusal("delete_item", &on_failure, CONDITION_FAILED, failed);
        assert_eq!(
            refusal("delete_item", &on_failure).detail,
            json!({"Item": item})
        );
        let expected = |value: &str| {
            request(
                "delete_item_conditions",
                &json!({"Expected": {"n": {"Value": {"N": value}}}}),
            )
        };
        expect_refusal("delete_item", &expected("3"), CONDITION_FAILED, failed);
        assert_eq!(call("delete_item", &expected("2")), json!({}));
        assert_eq!(
            get("delete_item_conditions", &json!({"id": {"S": "a"}})),
            Value::Null
        );
    }

    #[pg_test]
    fn delete_item_consumed_capacity() {
        simple_table("delete_item_capacity");
        let delete = || {
            let more =
                json!({"ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE"});
            call("delete_item", &request("delete_item_capacity", &more))["ConsumedCapacity"]["CapacityUnits"].clone()
        };
        assert_eq!(delete(), json!(1.0), "a missing item costs one unit");
        put(
            "delete_item_capacity",
            &json!({"id": {"S": "a"}, "t": {"S": "x".repeat(1021)}}),
        );
        assert_eq!(delete(), json!(2.0), "1,025 bytes");
    }

    #[pg_test]
    fn delete_item_refuses_what_dynamodb_refuses() {
        simple_table("delete_item_refuses");
        let cases = [
            (
                json!({"Key": {"other": {"S": "a"}}}),
                "The provided key element does not match the schema",
            ),
            (
                json!({"Key": {"id": {"S": "a"}, "n": {"N": "1"}}}),
                "The provided key element does not match the schema",
            ),
            (
                json!({"ConditionExpression": "id ="}),
                "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"",
            ),
        ];
        for (more, message) in cases {
            expect_refusal(
                "delete_item",
                &request("delete_item_refuses", &more),
                VALIDATION,
                message,
            );
        }
        let nowhere = request("delete_item_nowhere", &json!({}));
        expect_refusal(
            "delete_item",
            &nowhere,
            NOT_FOUND,
            "Requested resource not found",
        );
    }
}
