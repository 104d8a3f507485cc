//! ExecuteTransaction against the backend.

#[pgrx::pg_schema]
mod tests {
    use super::super::actions::{n_of, statements};
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn request(texts: &[&str]) -> Value {
        json!({"TransactStatements": statements(texts)})
    }

    fn execute(statements: &[&str]) -> Value {
        call("execute_transaction", &request(statements))
    }

    /// A table with `a` (n: 1) and `b` (n: 2).
    fn table_of_two(table: &str) {
        simple_table(table);
        put(table, &json!({"id": {"S": "a"}, "n": {"N": "1"}}));
        put(table, &json!({"id": {"S": "b"}, "n": {"N": "2"}}));
    }

    #[pg_test]
    fn execute_transaction_reads_items_of_several_tables() {
        table_of_two("execute_reads");
        table_of_two("execute_others");
        let mut request = request(&[
            "SELECT n FROM execute_reads WHERE id = 'b'",
            "SELECT * FROM execute_others WHERE id = 'a'",
            "SELECT * FROM execute_reads WHERE id = 'none'",
        ]);
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        assert_eq!(
            call("execute_transaction", &request),
            json!({
                "Responses": [
                    {"Item": {"n": {"N": "2"}}},
                    {"Item": {"id": {"S": "a"}, "n": {"N": "1"}}},
                    {},
                ],
                "ConsumedCapacity": [
                    {"TableName": "execute_reads", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0},
                    {"TableName": "execute_others", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0},
                ],
            })
        );
    }

    #[pg_test]
    fn execute_transaction_writes_all_or_nothing() {
        table_of_two("execute_writes");
        assert_eq!(
            execute(&[
                "INSERT INTO execute_writes VALUE {'id': 'c', 'n': 3}",
                "UPDATE execute_writes SET n = n + 1 WHERE id = 'a'",
                "DELETE FROM execute_writes WHERE id = 'none'",
                "EXISTS(SELECT * FROM execute_writes WHERE id = 'b' AND n = 2)",
            ]),
            json!({"Responses": []})
        );
        assert_eq!(n_of("execute_writes", "a"), json!("2"));
        assert_eq!(n_of("execute_writes", "c"), json!("3"));

        let statements = [
            "UPDATE execute_writes SET n = 10 WHERE id = 'b'",
            "INSERT INTO execute_writes VALUE {'id': 'a'}",
            "EXISTS(SELECT * FROM execute_writes WHERE id = 'c' AND n = 4)",
            "DELETE FROM no_such_table WHERE id = 'a'",
        ];
        for (count, codes) in [
            (
                3,
                json!(["None", "DuplicateItem", "ConditionalCheckFailed"]),
            ),
            // Before any item is looked at.
            (4, json!(["None", "None", "None", "ResourceNotFound"])),
        ] {
            let failure = refusal("execute_transaction", &request(&statements[..count]));
            assert_eq!(failure.sqlstate, "DY014", "{failure:?}");
            let reasons = failure.detail["CancellationReasons"]
                .as_array()
                .expect("reasons")
                .clone();
            let found: Vec<_> = reasons
                .iter()
                .map(|reason| reason["Code"].clone())
                .collect();
            assert_eq!(Value::Array(found), codes);
        }
        assert_eq!(n_of("execute_writes", "b"), json!("2"));
    }

    #[pg_test]
    fn execute_transaction_with_a_token_is_done_once() {
        table_of_two("execute_token");
        let mut request = request(&["UPDATE execute_token SET n = n + 1 WHERE id = 'a'"]);
        request["ClientRequestToken"] = json!("token of the test");
        for _ in 0..2 {
            assert_eq!(
                call("execute_transaction", &request),
                json!({"Responses": []})
            );
        }
        assert_eq!(n_of("execute_token", "a"), json!("2"));
        request["TransactStatements"][0]["Statement"] =
            json!("UPDATE execute_token SET n = n + 2 WHERE id = 'a'");
        let failure = refusal("execute_transaction", &request);
        assert_eq!(failure.sqlstate, "DY017", "{failure:?}");
        assert_eq!(n_of("execute_token", "a"), json!("2"));
    }

    #[pg_test]
    fn execute_transaction_reads_or_writes() {
        table_of_two("execute_mixed");
        expect_refusal(
            "execute_transaction",
            &request(&[
                "DELETE FROM execute_mixed WHERE id = 'a'",
                "SELECT * FROM execute_mixed WHERE id = 'b'",
            ]),
            ("DY001", "ValidationException"),
            "ExecuteTransaction API does not support both read and write operations in the same request.",
        );
        assert_eq!(n_of("execute_mixed", "a"), json!("1"));
    }
}
