//! ListTables through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// Other tests' tables are never committed, so only ours are seen.
    fn four_tables() {
        for name in ["list.b", "list_a", "List-c", "list-d"] {
            simple_table(name);
        }
    }

    fn list(request: &Value) -> Value {
        call("list_tables", request)
    }

    #[pg_test]
    fn list_tables_answers_byte_order() {
        assert_eq!(list(&json!({})), json!({"TableNames": []}));
        four_tables();
        assert_eq!(
            list(&json!({})),
            json!({"TableNames": ["List-c", "list-d", "list.b", "list_a"]})
        );
    }

    #[pg_test]
    fn list_tables_pages() {
        four_tables();
        let first = list(&json!({"Limit": 3}));
        assert_eq!(
            first,
            json!({"TableNames": ["List-c", "list-d", "list.b"], "LastEvaluatedTableName": "list.b"})
        );
        let start = &first["LastEvaluatedTableName"];
        assert_eq!(
            list(&json!({"Limit": 3, "ExclusiveStartTableName": start})),
            json!({"TableNames": ["list_a"]}),
            "the last page names no next one"
        );
        assert_eq!(
            list(&json!({"Limit": 4})).get("LastEvaluatedTableName"),
            None
        );
        // The start need not exist.
        assert_eq!(
            list(&json!({"ExclusiveStartTableName": "list.a"})),
            json!({"TableNames": ["list.b", "list_a"]})
        );
    }

    #[pg_test]
    fn list_tables_defaults_to_a_hundred() {
        for n in 0..101 {
            simple_table(&format!("list_{n:03}"));
        }
        let page = list(&json!({}));
        assert_eq!(page["TableNames"].as_array().map(Vec::len), Some(100));
        assert_eq!(page["LastEvaluatedTableName"], "list_099");
    }

    #[pg_test]
    fn list_tables_refuses_what_dynamodb_refuses() {
        let cases = [
            (
                json!({"Limit": 0}),
                "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ),
            (
                json!({"Limit": 101}),
                "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100",
            ),
            (
                json!({"ExclusiveStartTableName": "ab"}),
                "1 validation error detected: Value 'ab' at 'exclusiveStartTableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
            ),
        ];
        for (request, message) in cases {
            expect_refusal("list_tables", &request, VALIDATION, message);
        }
    }
}
