//! BatchGetItem through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn id(value: &str) -> Value {
        json!({"id": {"S": value}})
    }

    /// What was answered of one table, in the order of its ids.
    fn sorted(reply: &Value, table: &str) -> Vec<Value> {
        let mut items = reply["Responses"][table].as_array().expect("items").clone();
        items.sort_by_key(|item| item["id"]["S"].as_str().unwrap_or_default().to_owned());
        items
    }

    #[pg_test]
    fn batch_get_item_reads_several_tables() {
        simple_table("batch_get_one");
        music_table("batch_get_two");
        for name in ["a", "b"] {
            put("batch_get_one", &with(&id(name), &json!({"n": {"N": "1"}})));
        }
        let song = json!({"Artist": {"S": "x"}, "SongTitle": {"S": "y"}});
        put("batch_get_two", &song);
        let arn = text("SELECT dynamo.describe_table('batch_get_two') -> 'Table' ->> 'TableArn'")
            .expect("an ARN");
        let mut request = json!({"RequestItems": {
            "batch_get_one": {"Keys": [id("b"), id("none"), id("a")]},
        }});
        request["RequestItems"][&arn] = json!({"Keys": [song]});
        let reply = call("batch_get_item", &request);
        assert_eq!(
            sorted(&reply, "batch_get_one"),
            [
                json!({"id": {"S": "a"}, "n": {"N": "1"}}),
                json!({"id": {"S": "b"}, "n": {"N": "1"}})
            ]
        );
        assert_eq!(
            reply["Responses"][&arn],
            json!([song]),
            "named as it was asked"
        );
        assert_eq!(reply["UnprocessedKeys"], json!({}));
        assert_eq!(reply.get("ConsumedCapacity"), None);
        assert_eq!(
            handle("BatchGetItem", request.to_string().as_bytes()).body,
            reply
        );
    }

    #[pg_test]
    fn batch_get_item_projects_and_charges_each_table_on_its_own() {
        simple_table("batch_get_capacity");
        simple_table("batch_get_none");
        let note = "x".repeat(5000);
        put(
            "batch_get_capacity",
            &with(&id("a"), &json!({"note": {"S": note}, "n": {"N": "7"}})),
        );
        put("batch_get_capacity", &id("b"));
        let reply = call(
            "batch_get_item",
            &json!({"ReturnConsumedCapacity": "INDEXES", "RequestItems": {
                "batch_get_capacity": {"Keys": [id("a"), id("b")], "ConsistentRead": true,
                    "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"}},
                "batch_get_none": {"Keys": [id("a")], "AttributesToGet": ["id"]},
            }}),
        );
        let mut items = reply["Responses"]["batch_get_capacity"]
            .as_array()
            .expect("items")
            .clone();
        items.sort_by_key(Value::to_string);
        assert_eq!(items, [json!({"n": {"N": "7"}}), json!({})]);
        assert_eq!(reply["Responses"]["batch_get_none"], json!([]));
        assert_eq!(
            reply["ConsumedCapacity"],
            json!([
                {"TableName": "batch_get_capacity", "CapacityUnits": 3.0, "Table": {"CapacityUnits": 3.0}},
                {"TableName": "batch_get_none", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}},
            ])
        );
    }

    #[pg_test]
    fn batch_get_item_stops_at_16_mb() {
        simple_table("batch_get_large");
        run(
            "INSERT INTO dynamo_tables.batch_get_large (item)
             SELECT format('{\"id\": {\"S\": \"%s\"}, \"note\": {\"S\": \"%s\"}}', n, repeat('x', 400000))::dynamo.item
             FROM generate_series(1, 60) AS n",
        );
        let mut asked = json!({"batch_get_large":
            {"Keys": (1..=60).map(|n| id(&n.to_string())).collect::<Vec<_>>(), "ProjectionExpression": "id"}});
        let mut seen = Vec::new();
        for expected in [41, 19] {
            let reply = call("batch_get_item", &json!({"RequestItems": asked}));
            let items = sorted(&reply, "batch_get_large");
            assert_eq!(
                items.len(),
                expected,
                "whole sizes count, not what is shown"
            );
            seen.extend(items);
            asked = reply["UnprocessedKeys"].clone();
        }
        assert_eq!(asked, json!({}));
        seen.sort_by_key(Value::to_string);
        seen.dedup();
        assert_eq!(seen.len(), 60);
        // The SQL form has no such end.
        assert_eq!(
            count(
                "SELECT count(*) FROM dynamo.batch_get_item('batch_get_large',
                     (SELECT array_agg(format('{\"id\": {\"S\": \"%s\"}}', n)::dynamo.item) FROM generate_series(1, 200) n), 'id')"
            ),
            60
        );
    }

    #[pg_test]
    fn batch_get_item_refusals() {
        simple_table("batch_get_refusals");
        let keys = |keys: Value| json!({"RequestItems": {"batch_get_refusals": {"Keys": keys}}});
        for (request, kind, message) in [
            (
                json!({"RequestItems": {}}),
                VALIDATION,
                "The requestItems parameter is required for BatchGetItem",
            ),
            (
                keys(json!([id("a"), id("b"), id("a")])),
                VALIDATION,
                "Provided list of item keys contains duplicates",
            ),
            (
                keys(json!([id("a"), {"id": {"N": "1"}}])),
                VALIDATION,
                "The provided key element does not match the schema",
            ),
            (
                json!({"RequestItems": {"batch_get_refusals": {"Keys": [id("a")]}, "batch_get_nowhere": {"Keys": [id("a")]}}}),
                NOT_FOUND,
                "Requested resource not found",
            ),
        ] {
            expect_refusal("batch_get_item", &request, kind, message);
        }
    }

    #[pg_test]
    fn batch_get_item_reads_the_same_with_row_level_security() {
        simple_table("batch_get_rls");
        for name in ["a", "b", "c"] {
            put("batch_get_rls", &id(name));
        }
        run(
            "ALTER TABLE dynamo_tables.batch_get_rls ENABLE ROW LEVEL SECURITY;
             CREATE POLICY visible ON dynamo_tables.batch_get_rls USING (item ->> 'id' <> 'b');
             CREATE ROLE batch_get_reader;
             GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO batch_get_reader;
             GRANT SELECT ON dynamo_tables.batch_get_rls TO batch_get_reader;
             SET LOCAL ROLE batch_get_reader",
        );
        let request = json!({"RequestItems": {"batch_get_rls":
            {"Keys": [id("c"), id("b"), id("none"), id("a")]}}});
        let reply = call("batch_get_item", &request);
        assert_eq!(sorted(&reply, "batch_get_rls"), [id("a"), id("c")]);
        assert_eq!(reply["UnprocessedKeys"], json!({}));
        run(
            "RESET ROLE; REVOKE SELECT ON dynamo_tables.batch_get_rls FROM batch_get_reader; SET LOCAL ROLE batch_get_reader",
        );
        assert_eq!(refusal("batch_get_item", &request).sqlstate, "42501");
        let answer = handle("BatchGetItem", request.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        run("RESET ROLE");
    }

    #[pg_test]
    fn batch_get_item_named_form() {
        simple_table("batch_get_named");
        put(
            "batch_get_named",
            &with(&id("a"), &json!({"n": {"N": "1"}})),
        );
        put(
            "batch_get_named",
            &with(&id("b"), &json!({"n": {"N": "2"}})),
        );
        let array = r#"array['{"id": {"S": "a"}}', '{"id": {"S": "none"}}', '{"id": {"S": "b"}}']::dynamo.item[]"#;
        let sum = format!(
            "SELECT sum((item ->> 'n')::int) FROM dynamo.batch_get_item('batch_get_named', {array}) AS item"
        );
        assert_eq!(count(&sum), 3);
        let projected = format!(
            "SELECT string_agg(item::text, ' ' ORDER BY item::text)
             FROM dynamo.batch_get_item('batch_get_named', keys => {array}, projection_expression => '#n', expression_attribute_names => '{{\"#n\": \"n\"}}') AS item"
        );
        assert_eq!(
            text(&projected).as_deref(),
            Some(r#"{"n":{"N":"1"}} {"n":{"N":"2"}}"#)
        );
        // In a SELECT list, and with nothing asked for.
        assert_eq!(
            count(&format!(
                "SELECT count(*) FROM (SELECT dynamo.batch_get_item('batch_get_named', {array})) AS s"
            )),
            2
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo.batch_get_item('batch_get_named', '{}')"),
            0
        );
        for (statement, message) in [
            (
                "SELECT dynamo.batch_get_item('batch_get_named', array[null]::dynamo.item[])",
                "keys must not contain NULL",
            ),
            (
                r#"SELECT dynamo.batch_get_item('batch_get_named', array['{"id": {"S": "a"}}', '{"id": {"S": "a"}}']::dynamo.item[])"#,
                "Provided list of item keys contains duplicates",
            ),
            (
                "SELECT dynamo.batch_get_item(NULL, '{}')",
                "The parameter 'TableName' is required but was not present in the request",
            ),
        ] {
            assert_eq!(failure(statement).message, message, "{statement}");
        }
    }

    #[pg_test]
    fn batch_calls_with_untyped_literals_take_the_form_that_was_meant() {
        simple_table("batch_literals");
        let request = r#"{"RequestItems": {"batch_literals": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}]}}"#;
        assert_eq!(
            text(&format!(
                "SELECT dynamo.batch_write_item('{request}')::text"
            ))
            .as_deref(),
            Some(r#"{"UnprocessedItems":{}}"#)
        );
        let request = r#"{"RequestItems": {"batch_literals": {"Keys": [{"id": {"S": "a"}}]}}}"#;
        assert_eq!(
            text(&format!("SELECT dynamo.batch_get_item('{request}')::text")).as_deref(),
            Some(r#"{"Responses":{"batch_literals":[{"id":{"S":"a"}}]},"UnprocessedKeys":{}}"#)
        );
        let array = r#"{"{\"id\": {\"S\": \"a\"}}"}"#;
        assert_eq!(
            count(&format!(
                "SELECT count(*) FROM dynamo.batch_get_item('batch_literals', '{array}')"
            )),
            1
        );
        run(&format!(
            "SELECT dynamo.batch_write_item('batch_literals', '{{}}', '{array}')"
        ));
        assert_eq!(get("batch_literals", &id("a")), Value::Null);
        run(&format!(
            "SELECT dynamo.batch_write_item('batch_literals', '{array}')"
        ));
        assert_eq!(get("batch_literals", &id("a")), id("a"));
    }
}
