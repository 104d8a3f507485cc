//! Input made to exhaust a parser: an error at once, and the session lives on.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    /// Each statement gets five seconds; what loops or backtracks is cut off and fails the test by its SQLSTATE.
    fn hurry() {
        run("SET LOCAL statement_timeout = '5s'");
    }

    #[pg_test]
    fn hostile_input_nested_documents() {
        hurry();
        simple_table("hostile_documents");
        for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"k":"#, "}}")] {
            let value = format!(
                "{}{{\"NULL\":true}}{}",
                open.repeat(10_000),
                close.repeat(10_000)
            );
            let request = format!(
                r#"{{"TableName":"hostile_documents","Item":{{"id":{{"S":"a"}},"deep":{value}}}}}"#
            );
            for (statement, argument) in [
                ("SELECT dynamo.put_item($1::json)", &request),
                ("SELECT $1::dynamo.attribute_value", &value),
                ("SELECT $1::json::dynamo.attribute_value", &value),
                ("SELECT $1::jsonb::dynamo.attribute_value", &value),
            ] {
                // The casts to json and jsonb are Postgres's: their own stack check may come first.
                let failure = failure_with(statement, argument);
                assert!(
                    ["DY001", "DY002", "54001"].contains(&failure.sqlstate.as_str()),
                    "{statement}: {failure:?}"
                );
            }
            let answer = handle("PutItem", request.as_bytes());
            assert_eq!(answer.status, 400);
        }
        let array = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(
            ["DY001", "DY002", "54001"].contains(
                &failure_with("SELECT dynamo.from_json($1::json)", &array)
                    .sqlstate
                    .as_str()
            )
        );
        put("hostile_documents", &json!({"id": {"S": "a"}}));
    }

    #[pg_test]
    fn hostile_input_nesting_of_32_levels_is_the_limit() {
        let nested = |levels: usize| {
            format!(
                "{}{{\"NULL\":true}}{}",
                r#"{"L":["#.repeat(levels),
                "]}".repeat(levels)
            )
        };
        simple_table("hostile_levels");
        let request = |levels: usize| {
            let deep: serde_json::Value = serde_json::from_str(&nested(levels)).expect("JSON");
            json!({"TableName": "hostile_levels", "Item": {"id": {"S": "a"}, "deep": deep}})
        };
        // The attribute's own value is the first level: 31 lists hold the 32nd.
        call("put_item", &request(31));
        expect_refusal(
            "put_item",
            &request(32),
            VALIDATION,
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
        );
    }

    #[pg_test]
    fn hostile_input_expressions() {
        hurry();
        simple_table("hostile_expressions");
        put(
            "hostile_expressions",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}}),
        );
        let hundred_kb = 100 * 1024;
        let parentheses = format!(
            "{}attribute_exists(id){}",
            "(".repeat(hundred_kb / 2),
            ")".repeat(hundred_kb / 2)
        );
        let expressions = [
            parentheses,
            "(".repeat(hundred_kb),
            format!("{}attribute_exists(id)", "NOT ".repeat(hundred_kb / 4)),
            "NOT ".repeat(hundred_kb / 4),
            "NOT(".repeat(hundred_kb / 4),
            vec!["attribute_exists(id)"; hundred_kb / 24].join(" AND "),
            "id.".repeat(hundred_kb / 3),
            format!("attribute_exists({}id)", "id.".repeat(hundred_kb / 3)),
            format!("size({}", "size(".repeat(hundred_kb / 5)),
            "[0]".repeat(hundred_kb / 3),
        ];
        for expression in &expressions {
            let head: String = expression.chars().take(20).collect();
            let key = json!({"TableName": "hostile_expressions", "Key": {"id": {"S": "a"}}});
            let cases = [
                ("delete_item", json!({"ConditionExpression": expression})),
                (
                    "update_item",
                    json!({"UpdateExpression": format!("SET m = {expression}")}),
                ),
                ("get_item", json!({"ProjectionExpression": expression})),
            ];
            for (function, more) in cases {
                let failure = refusal(function, &with(&key, &more));
                assert_eq!(
                    failure.sqlstate,
                    "DY001",
                    "{function} {head}: {}",
                    failure.message.chars().take(200).collect::<String>()
                );
            }
        }
        // Below 4 KB the depth still has a limit, and none of it reaches the stack.
        for expression in [
            format!("{}n = n{}", "(".repeat(2000), ")".repeat(2000)),
            format!("{}n = n", "NOT ".repeat(1000)),
        ] {
            let request = json!({"TableName": "hostile_expressions", "Key": {"id": {"S": "a"}}, "ConditionExpression": expression});
            assert_eq!(refusal("delete_item", &request).sqlstate, "DY001");
        }
        assert_eq!(
            get("hostile_expressions", &json!({"id": {"S": "a"}}))["n"],
            json!({"N": "1"})
        );
    }

    #[pg_test]
    fn hostile_input_numbers() {
        hurry();
        simple_table("hostile_numbers");
        put(
            "hostile_numbers",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}}),
        );
        let long = "9".repeat(100_000);
        for number in [
            "1.0e100000000",
            "-1.0e100000000",
            "1e-100000000",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            &long,
            &format!("0.{long}"),
            &format!("1{}", "0".repeat(100_000)),
        ] {
            let head: String = number.chars().take(24).collect();
            let statements = [
                ("SELECT $1::dynamo.attribute_value", json!({"N": number})),
                ("SELECT $1::dynamo.attribute_value", json!({"NS": [number]})),
                (
                    "SELECT dynamo.put_item($1::json)",
                    json!({"TableName": "hostile_numbers", "Item": {"id": {"S": "b"}, "n": {"N": number}}}),
                ),
                (
                    "SELECT dynamo.update_item($1::json)",
                    json!({"TableName": "hostile_numbers", "Key": {"id": {"S": "a"}},
                    "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": number}}}),
                ),
                (
                    "SELECT dynamo.update_item($1::json)",
                    json!({"TableName": "hostile_numbers", "Key": {"id": {"S": "a"}},
                    "UpdateExpression": "SET n = n - :n", "ExpressionAttributeValues": {":n": {"N": number}}}),
                ),
            ];
            for (statement, argument) in statements {
                let failure = failure_with(statement, &argument.to_string());
                assert_eq!(
                    failure.sqlstate,
                    "DY001",
                    "{head} in {statement}: {}",
                    failure.message.chars().take(200).collect::<String>()
                );
            }
            let plain = failure_with("SELECT dynamo.value_from_json($1::json)", number);
            assert_eq!(
                plain.sqlstate,
                "DY001",
                "{head}: {}",
                plain.message.chars().take(200).collect::<String>()
            );
        }
        // Zero is zero whatever its exponent.
        let zero = text_with(
            "SELECT format('%s', $1::dynamo.attribute_value)",
            r#"{"N":"0e100000000"}"#,
        );
        assert_eq!(zero.as_deref(), Some(r#"{"N":"0"}"#));
        assert_eq!(
            get("hostile_numbers", &json!({"id": {"S": "a"}}))["n"],
            json!({"N": "1"})
        );
    }

    #[pg_test]
    fn hostile_input_bodies() {
        hurry();
        for body in [
            &b""[..],
            b"\xff\xfe",
            b"null",
            b"[]",
            b"\"\"",
            b"{",
            b"{}\0",
            b"{\"TableName\":{}}",
            b"{\"TableName\":1}",
        ] {
            for operation in [
                "PutItem",
                "GetItem",
                "UpdateItem",
                "DeleteItem",
                "CreateTable",
                "DescribeTable",
                "UpdateTable",
                "DeleteTable",
                "ListTables",
            ] {
                if operation == "ListTables" && body.starts_with(b"{\"T") {
                    continue; // ListTables has no such member: unknown members are ignored
                }
                let answer = handle(operation, body);
                assert_eq!(answer.status, 400, "{operation} {body:?}");
            }
        }
        for operation in [
            "",
            "put_item",
            "PutItem ",
            "NoSuchOperation",
            "BatchGetItem\u{e9}",
        ] {
            assert_eq!(
                handle(operation, b"{}").error_type.as_deref(),
                Some("UnknownOperationException"),
                "{operation}"
            );
        }
    }
}
