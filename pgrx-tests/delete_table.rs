//! DeleteTable through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    #[pg_test]
    fn delete_table_drops_table_and_definition() {
        simple_table("delete_table_drops");
        put("delete_table_drops", &json!({"id": {"S": "a"}}));
        let request = json!({"TableName": "delete_table_drops"});
        let description = call("delete_table", &request)["TableDescription"].clone();
        assert_eq!(description["TableName"], "delete_table_drops");
        assert_eq!(description["TableStatus"], "DELETING");
        assert_eq!(
            truth("SELECT to_regclass('dynamo_tables.delete_table_drops') IS NULL"),
            Some(true)
        );
        assert_eq!(
            count(
                "SELECT count(*) FROM dynamo.table_definition WHERE table_name = 'delete_table_drops'"
            ),
            0
        );
        expect_refusal(
            "delete_table",
            &request,
            NOT_FOUND,
            "Requested resource not found: Table: delete_table_drops not found",
        );
    }

    #[pg_test]
    fn delete_table_accepts_an_arn() {
        simple_table("delete_table_arn");
        call(
            "delete_table",
            &json!({"TableName": "arn:aws:dynamodb:local:000000000000:table/delete_table_arn"}),
        );
        assert_eq!(
            truth("SELECT to_regclass('dynamo_tables.delete_table_arn') IS NULL"),
            Some(true)
        );
    }

    #[pg_test]
    fn delete_table_respects_deletion_protection() {
        run(
            "SELECT dynamo.create_table('delete_table_protected', 'id', deletion_protection_enabled => true)",
        );
        let request = json!({"TableName": "delete_table_protected"});
        expect_refusal(
            "delete_table",
            &request,
            VALIDATION,
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
        );
        call(
            "update_table",
            &with(&request, &json!({"DeletionProtectionEnabled": false})),
        );
        call("delete_table", &request);
    }

    #[pg_test]
    fn delete_table_rolled_back_keeps_the_table() {
        simple_table("delete_table_rolled_back");
        put("delete_table_rolled_back", &json!({"id": {"S": "a"}}));
        for drop in [
            "PERFORM dynamo.delete_table('delete_table_rolled_back')",
            "DROP TABLE dynamo_tables.delete_table_rolled_back",
        ] {
            let undone = failure(&format!(
                "DO $do$ BEGIN {drop}; RAISE EXCEPTION 'undone'; END $do$"
            ));
            assert_eq!(undone.message, "undone");
            assert_eq!(
                get("delete_table_rolled_back", &json!({"id": {"S": "a"}})),
                json!({"id": {"S": "a"}})
            );
        }
    }

    #[pg_test]
    fn delete_table_then_create_again_with_other_keys() {
        simple_table("delete_table_again");
        put("delete_table_again", &json!({"id": {"S": "a"}}));
        run("SELECT dynamo.delete_table('delete_table_again')");
        run(
            "SELECT dynamo.create_table('delete_table_again', partition_key => 'n', partition_key_type => 'N')",
        );
        put("delete_table_again", &json!({"n": {"N": "1"}}));
        assert_eq!(
            get("delete_table_again", &json!({"n": {"N": "1.0"}})),
            json!({"n": {"N": "1"}})
        );
    }

    #[pg_test]
    fn delete_table_keeps_what_depends_on_it() {
        simple_table("delete_table_view");
        run("CREATE VIEW delete_table_view AS SELECT item FROM dynamo_tables.delete_table_view");
        let failure = failure("SELECT dynamo.delete_table('delete_table_view')");
        assert_eq!(
            failure.sqlstate, "2BP01",
            "Postgres's own refusal: {}",
            failure.message
        );
        put("delete_table_view", &json!({"id": {"S": "a"}}));
    }
}
