//! GetItem through SQL and `dynamo.handle`.

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

    fn table_with_document(table: &str) {
        simple_table(table);
        put(
            table,
            &json!({
                "id": {"S": "a"}, "x.y": {"S": "dotted"}, "n": {"N": "2"},
                "m": {"M": {"k": {"S": "v"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"M": {"z": {"BOOL": true}}}]}}},
            }),
        );
    }

    #[pg_test]
    fn get_item_answers_the_item_or_nothing() {
        simple_table("get_item_answers");
        put("get_item_answers", &json!({"id": {"S": "a"}}));
        assert_eq!(
            call("get_item", &request("get_item_answers", &json!({}))),
            json!({"Item": {"id": {"S": "a"}}})
        );
        let absent = json!({"Key": {"id": {"S": "b"}}});
        assert_eq!(
            call("get_item", &request("get_item_answers", &absent)),
            json!({})
        );
    }

    #[pg_test]
    fn get_item_projections() {
        table_with_document("get_item_projections");
        let cases = [
            ("n", json!({"n": {"N": "2"}})),
            ("n, id", json!({"id": {"S": "a"}, "n": {"N": "2"}})),
            ("#dotted", json!({"x.y": {"S": "dotted"}})),
            ("m.k", json!({"m": {"M": {"k": {"S": "v"}}}})),
            ("m.l[1]", json!({"m": {"M": {"l": {"L": [{"N": "1"}]}}}})),
            // Elements keep their order in the item, whatever the expression's.
            (
                "m.l[2].z, m.l[0]",
                json!({"m": {"M": {"l": {"L": [{"N": "0"}, {"M": {"z": {"BOOL": true}}}]}}}}),
            ),
            (
                "m.l[9], m.l[1]",
                json!({"m": {"M": {"l": {"L": [{"N": "1"}]}}}}),
            ),
            ("absent", json!({})),
            ("m.absent, n.k", json!({})),
        ];
        for (projection, expected) in cases {
            let mut request = request(
                "get_item_projections",
                &json!({"ProjectionExpression": projection}),
            );
            if projection.contains('#') {
                request["ExpressionAttributeNames"] = json!({"#dotted": "x.y"});
            }
            assert_eq!(
                call("get_item", &request),
                json!({"Item": expected}),
                "{projection}"
            );
        }
    }

    #[pg_test]
    fn get_item_legacy_attributes_to_get() {
        table_with_document("get_item_legacy");
        let attributes = json!({"AttributesToGet": ["n", "x.y", "none"]});
        assert_eq!(
            call("get_item", &request("get_item_legacy", &attributes)),
            json!({"Item": {"n": {"N": "2"}, "x.y": {"S": "dotted"}}})
        );
    }

    #[pg_test]
    fn get_item_consumed_capacity() {
        simple_table("get_item_capacity");
        // 4 bytes besides the text: 4,096 are one unit of a consistent read, half of it otherwise.
        for (text, consistent, units) in [
            (4092, false, 0.5),
            (4092, true, 1.0),
            (4093, false, 1.0),
            (4093, true, 2.0),
        ] {
            put(
                "get_item_capacity",
                &json!({"id": {"S": "a"}, "t": {"S": "x".repeat(text)}}),
            );
            let more = json!({"ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL",
                "ProjectionExpression": "id"});
            assert_eq!(
                call("get_item", &request("get_item_capacity", &more)),
                json!({"Item": {"id": {"S": "a"}}, "ConsumedCapacity":
                    {"TableName": "get_item_capacity", "CapacityUnits": units}}),
                "the whole item counts, not what was asked of it"
            );
        }
        let absent = json!({"Key": {"id": {"S": "b"}}, "ReturnConsumedCapacity": "INDEXES"});
        assert_eq!(
            call("get_item", &request("get_item_capacity", &absent)),
            json!({"ConsumedCapacity": {"TableName": "get_item_capacity", "CapacityUnits": 0.5,
                "Table": {"CapacityUnits": 0.5}}})
        );
    }

    #[pg_test]
    fn get_item_refuses_what_dynamodb_refuses() {
        music_table("get_item_refuses");
        let mismatch = "The provided key element does not match the schema";
        let full = json!({"Artist": {"S": "a"}, "SongTitle": {"S": "b"}});
        let cases = [
            (json!({"Key": {"Artist": {"S": "a"}}}), mismatch),
            (
                json!({"Key": {"Artist": {"S": "a"}, "Album": {"S": "b"}}}),
                mismatch,
            ),
            (
                json!({"Key": {"Artist": {"S": "a"}, "SongTitle": {"N": "1"}}}),
                mismatch,
            ),
            (
                json!({"Key": {"Artist": {"S": "a"}, "SongTitle": {"S": ""}}}),
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: SongTitle",
            ),
            (
                json!({"Key": full, "ProjectionExpression": "a, a.b"}),
                "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
            ),
            (
                json!({"Key": full, "ProjectionExpression": "a", "AttributesToGet": ["a"]}),
                "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
            ),
            (
                json!({"Key": full, "ExpressionAttributeNames": {"#a": "a"}}),
                "ExpressionAttributeNames can only be specified when using expressions",
            ),
        ];
        for (more, message) in cases {
            let request = with(&json!({"TableName": "get_item_refuses"}), &more);
            expect_refusal("get_item", &request, VALIDATION, message);
        }
        let nowhere = json!({"TableName": "get_item_nowhere", "Key": full});
        expect_refusal(
            "get_item",
            &nowhere,
            NOT_FOUND,
            "Requested resource not found",
        );
    }
}
