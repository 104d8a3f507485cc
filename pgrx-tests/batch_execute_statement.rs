//! BatchExecuteStatement against the backend.

#[pgrx::pg_schema]
mod tests {
    use super::super::actions::statements;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn request(texts: &[&str]) -> Value {
        json!({"Statements": statements(texts)})
    }

    fn batch(statements: &[&str]) -> Value {
        call("batch_execute_statement", &request(statements))["Responses"].clone()
    }

    #[pg_test]
    fn batch_execute_statement_reads_items_in_the_order_given() {
        simple_table("batch_reads");
        for id in ["a", "b"] {
            put("batch_reads", &json!({"id": {"S": id}, "n": {"N": "1"}}));
        }
        let responses = batch(&[
            "SELECT * FROM batch_reads WHERE id = 'b'",
            "SELECT n FROM batch_reads WHERE id = 'a'",
            "SELECT * FROM batch_reads WHERE id = 'none'",
            "SELECT * FROM batch_reads",
            "SELECT * FROM nowhere_at_all WHERE id = 'x'",
        ]);
        let key = "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";
        assert_eq!(
            responses,
            json!([
                {"Item": {"id": {"S": "b"}, "n": {"N": "1"}}, "TableName": "batch_reads"},
                {"Item": {"n": {"N": "1"}}, "TableName": "batch_reads"},
                {"TableName": "batch_reads"},
                {"Error": {"Code": "ValidationError", "Message": key}},
                {"Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"}, "TableName": "nowhere_at_all"},
            ])
        );
    }

    #[pg_test]
    fn batch_execute_statement_writes_each_in_its_own_right() {
        simple_table("batch_writes");
        put(
            "batch_writes",
            &json!({"id": {"S": "there"}, "n": {"N": "1"}}),
        );
        let mut request = request(&[
            "INSERT INTO batch_writes VALUE {'id': 'new'}",
            "INSERT INTO batch_writes VALUE {'id': 'there'}",
            "UPDATE batch_writes SET n = 2 WHERE id = 'missing'",
            "DELETE FROM batch_writes WHERE",
            "DELETE FROM batch_writes WHERE id = 'gone' RETURNING ALL OLD *",
        ]);
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let reply = call("batch_execute_statement", &request);
        let table = "batch_writes";
        assert_eq!(
            reply["Responses"],
            json!([
                {"TableName": table},
                {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}, "TableName": table},
                {"Error": {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}, "TableName": table},
                {"Error": {"Code": "ValidationError", "Message": "Statement wasn't well formed, can't be processed: Unexpected term"}},
                {"TableName": table},
            ])
        );
        // What was refused is paid for.
        assert_eq!(
            reply["ConsumedCapacity"],
            json!([{"TableName": table, "CapacityUnits": 4.0}])
        );
        assert!(!get(table, &json!({"id": {"S": "new"}})).is_null());
        assert_eq!(
            get(table, &json!({"id": {"S": "there"}}))["n"],
            json!({"N": "1"})
        );
        assert!(get(table, &json!({"id": {"S": "missing"}})).is_null());
    }

    #[pg_test]
    fn batch_execute_statement_shows_the_item_that_failed_a_condition() {
        simple_table("batch_condition");
        put(
            "batch_condition",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}}),
        );
        let reply = call(
            "batch_execute_statement",
            &json!({"Statements": [{"Statement": "UPDATE batch_condition SET n = 3 WHERE id = 'a' AND n = 2",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}]}),
        );
        assert_eq!(
            reply["Responses"][0]["Error"]["Item"],
            json!({"id": {"S": "a"}, "n": {"N": "1"}})
        );
    }

    #[pg_test]
    fn batch_execute_statement_is_refused_as_a_whole() {
        simple_table("batch_whole");
        let insert = "INSERT INTO batch_whole VALUE {'id': 'a'}";
        for (statements, message) in [
            (
                vec![insert, "SELECT * FROM batch_whole WHERE id = 'a'"],
                "Read and write requests together in the same batch is not supported.",
            ),
            (
                vec![insert, "DELETE FROM batch_whole WHERE id = 'a'"],
                "Provided list of item keys contains duplicates",
            ),
        ] {
            expect_refusal(
                "batch_execute_statement",
                &request(&statements),
                ("DY001", "ValidationException"),
                message,
            );
        }
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.batch_whole"), 0);
    }
}
