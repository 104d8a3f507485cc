//! UpdateTimeToLive and DescribeTimeToLive, and the column of the second in which an item expires, whoever writes it.
//! (What the workers do needs commits: tests/time_to_live.)

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn specification(table: &str, enabled: bool, attribute: &str) -> Value {
        json!({"TableName": table,
            "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute}})
    }

    fn described(table: &str) -> Value {
        let reply = call("describe_time_to_live", &json!({"TableName": table}));
        reply["TimeToLiveDescription"].clone()
    }

    /// What the worker does to a table whose time to live was enabled, as far as its rows are concerned.
    fn maintain(table: &str, attribute: &str) {
        run(&format!(
            r#"ALTER TABLE dynamo_tables.{table} ADD COLUMN IF NOT EXISTS dynamo_ttl int8;
               CREATE OR REPLACE TRIGGER "~dynamo_derive_keys" BEFORE INSERT OR UPDATE ON dynamo_tables.{table}
               FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('{table}', 'id', 'S', '{{"time_to_live":"{attribute}"}}');
               ALTER TABLE dynamo_tables.{table} ENABLE ALWAYS TRIGGER "~dynamo_derive_keys";
               CREATE INDEX IF NOT EXISTS "{table}:ttl" ON dynamo_tables.{table} (dynamo_ttl, pk_hash, pk, sk) WHERE dynamo_ttl IS NOT NULL"#
        ));
    }

    /// The column of the item with this id, by the table and by the btree.
    fn expiry(table: &str, id: &str) -> Option<i64> {
        let query =
            format!("SELECT dynamo_ttl FROM dynamo_tables.{table} WHERE item ->> 'id' = '{id}'");
        let by_table: Option<i64> = Spi::get_one(&query).expect("statement");
        run("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
        let by_index: Option<i64> = Spi::get_one(&format!(
            "SELECT min(dynamo_ttl) FROM dynamo_tables.{table} WHERE dynamo_ttl IS NOT NULL AND item ->> 'id' = '{id}'"
        ))
        .expect("statement");
        run("RESET enable_seqscan; RESET enable_bitmapscan");
        assert_eq!(by_table, by_index, "{table} {id}");
        by_table
    }

    #[pg_test]
    fn time_to_live_is_disabled_at_first() {
        simple_table("ttl_at_first");
        assert_eq!(
            described("ttl_at_first"),
            json!({"TimeToLiveStatus": "DISABLED"})
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo.time_to_live WHERE table_name = 'ttl_at_first'"),
            0
        );
    }

    #[pg_test]
    fn time_to_live_is_enabling_until_the_worker_is_done() {
        simple_table("ttl_enabling");
        assert_eq!(
            call(
                "update_time_to_live",
                &specification("ttl_enabling", true, "expires")
            ),
            json!({"TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"}})
        );
        assert_eq!(
            described("ttl_enabling"),
            json!({"TimeToLiveStatus": "ENABLING", "AttributeName": "expires"})
        );
        assert_eq!(
            text(
                "SELECT concat_ws(' ', attribute_name, status, backlog IS NULL, deleted) FROM dynamo.time_to_live
                 WHERE table_name = 'ttl_enabling'"
            )
            .as_deref(),
            Some("expires ENABLING t 0")
        );
        assert_eq!(
            text(
                "SELECT concat_ws(' ', index_name IS NULL, index_status, phase) FROM dynamo.index_builds
                 WHERE table_name = 'ttl_enabling'"
            )
            .as_deref(),
            Some("t CREATING waiting")
        );
        let table = call("describe_table", &json!({"TableName": "ttl_enabling"}));
        assert_eq!(table["Table"]["TableStatus"], "ACTIVE");
        call("delete_table", &json!({"TableName": "ttl_enabling"}));
    }

    #[pg_test]
    fn update_time_to_live_with_names() {
        simple_table("ttl_named");
        run("SELECT dynamo.update_time_to_live('ttl_named', 'gone at')");
        assert_eq!(described("ttl_named")["AttributeName"], "gone at");
        let failure = failure("SELECT dynamo.update_time_to_live('ttl_named', 'gone at', false)");
        assert_eq!(
            (failure.sqlstate.as_str(), failure.message.as_str()),
            (
                VALIDATION.0,
                "Time to live has been modified multiple times within a fixed interval"
            )
        );
    }

    #[pg_test]
    fn update_time_to_live_refusals() {
        simple_table("ttl_refusals");
        for (request, message) in [
            (
                specification("ttl_refusals", false, "a"),
                "TimeToLive is already disabled",
            ),
            (
                specification("ttl_refusals", true, ""),
                "1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ),
        ] {
            expect_refusal("update_time_to_live", &request, VALIDATION, message);
        }
        run("SELECT dynamo.update_time_to_live('ttl_refusals', 'a')");
        for (request, message) in [
            (
                specification("ttl_refusals", true, "a"),
                "TimeToLive is already enabled",
            ),
            (
                specification("ttl_refusals", true, "b"),
                "TimeToLive is active on a different AttributeName: current AttributeName is a",
            ),
        ] {
            expect_refusal("update_time_to_live", &request, VALIDATION, message);
        }
    }

    #[pg_test]
    fn time_to_live_of_a_missing_table() {
        const MISSING: &str = "Requested resource not found: Table: ttl_missing not found";
        expect_refusal(
            "update_time_to_live",
            &specification("ttl_missing", true, "a"),
            NOT_FOUND,
            MISSING,
        );
        let request = json!({"TableName": "ttl_missing"});
        expect_refusal("describe_time_to_live", &request, NOT_FOUND, MISSING);
    }

    #[pg_test]
    fn update_time_to_live_is_the_owners() {
        simple_table("ttl_owners");
        run(
            "CREATE ROLE ttl_stranger; GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO ttl_stranger;
             GRANT ALL ON dynamo_tables.ttl_owners TO ttl_stranger; SET LOCAL ROLE ttl_stranger",
        );
        let refused = refusal(
            "update_time_to_live",
            &specification("ttl_owners", true, "a"),
        );
        assert_eq!(refused.message, "must be owner of table ttl_owners");
        let request = specification("ttl_owners", true, "a").to_string();
        let answer = handle("UpdateTimeToLive", request.as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        assert_eq!(described("ttl_owners")["TimeToLiveStatus"], "DISABLED");
        run("RESET ROLE");
    }

    #[pg_test]
    fn time_to_live_of_every_kind_of_write() {
        simple_table("ttl_writes");
        maintain("ttl_writes", "expires");
        let item = |id: &str, n: &str| json!({"id": {"S": id}, "expires": {"N": n}});
        put("ttl_writes", &item("put", "100"));
        assert_eq!(expiry("ttl_writes", "put"), Some(100));
        put("ttl_writes", &item("put", "200.7"));
        assert_eq!(expiry("ttl_writes", "put"), Some(200));
        let update = |expression: &str, values: Value| {
            call(
                "update_item",
                &json!({"TableName": "ttl_writes", "Key": {"id": {"S": "put"}},
                    "UpdateExpression": expression, "ExpressionAttributeValues": values}),
            )
        };
        update("ADD expires :n", json!({":n": {"N": "1"}}));
        assert_eq!(expiry("ttl_writes", "put"), Some(201));
        update("SET note = :n", json!({":n": {"S": "x"}}));
        assert_eq!(expiry("ttl_writes", "put"), Some(201));
        update("SET expires = :n", json!({":n": {"S": "300"}}));
        assert_eq!(expiry("ttl_writes", "put"), None);
        call(
            "batch_write_item",
            &json!({"RequestItems": {"ttl_writes": [
                {"PutRequest": {"Item": item("batch", "-7")}},
                {"PutRequest": {"Item": {"id": {"S": "never"}}}}]}}),
        );
        assert_eq!(expiry("ttl_writes", "batch"), Some(-7));
        assert_eq!(expiry("ttl_writes", "never"), None);
        run(
            r#"INSERT INTO dynamo_tables.ttl_writes (item, dynamo_ttl) VALUES ('{"id":{"S":"sql"},"expires":{"N":"5"}}', 9);
               UPDATE dynamo_tables.ttl_writes SET dynamo_ttl = 8 WHERE item ->> 'id' = 'batch'"#,
        );
        assert_eq!(expiry("ttl_writes", "sql"), Some(5));
        assert_eq!(expiry("ttl_writes", "batch"), Some(-7));
        run(
            r#"UPDATE dynamo_tables.ttl_writes SET item = '{"id":{"S":"sql"}}' WHERE item ->> 'id' = 'sql'"#,
        );
        assert_eq!(expiry("ttl_writes", "sql"), None);
    }

    /// A large item lies out of line, and gives up only what its columns are derived from.
    #[pg_test]
    fn time_to_live_of_a_large_item() {
        simple_table("ttl_large");
        maintain("ttl_large", "expires");
        let large = "x".repeat(300_000);
        put(
            "ttl_large",
            &json!({"id": {"S": "a"}, "expires": {"N": "77"}, "text": {"S": large}}),
        );
        assert_eq!(expiry("ttl_large", "a"), Some(77));
        run("UPDATE dynamo_tables.ttl_large SET dynamo_ttl = NULL");
        assert_eq!(expiry("ttl_large", "a"), Some(77));
    }

    /// A time to live that was given up leaves its column, which nobody maintains until another takes it.
    #[pg_test]
    fn time_to_live_that_was_given_up_leaves_its_column_alone() {
        simple_table("ttl_given_up");
        maintain("ttl_given_up", "expires");
        let item = |id: &str, n: &str| json!({"id": {"S": id}, "expires": {"N": n}});
        put("ttl_given_up", &item("a", "1"));
        run(r#"DROP INDEX dynamo_tables."ttl_given_up:ttl";
               CREATE OR REPLACE TRIGGER "~dynamo_derive_keys" BEFORE INSERT OR UPDATE ON dynamo_tables.ttl_given_up
               FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('ttl_given_up', 'id', 'S');
               ALTER TABLE dynamo_tables.ttl_given_up ENABLE ALWAYS TRIGGER "~dynamo_derive_keys""#);
        put("ttl_given_up", &item("a", "2"));
        put("ttl_given_up", &item("b", "3"));
        assert_eq!(expiry("ttl_given_up", "a"), Some(1));
        assert_eq!(expiry("ttl_given_up", "b"), None);
        maintain("ttl_given_up", "expires");
        put("ttl_given_up", &item("a", "4"));
        assert_eq!(expiry("ttl_given_up", "a"), Some(4));
    }

    #[pg_test]
    fn time_to_live_keeps_its_column() {
        simple_table("ttl_column");
        maintain("ttl_column", "expires");
        for change in [
            "DROP COLUMN dynamo_ttl",
            "RENAME COLUMN dynamo_ttl TO other",
            "ALTER COLUMN dynamo_ttl TYPE text",
            "ALTER COLUMN dynamo_ttl SET NOT NULL",
            "ALTER COLUMN dynamo_ttl SET DEFAULT 1",
        ] {
            let refused = failure(&format!("ALTER TABLE dynamo_tables.ttl_column {change}"));
            assert_eq!(
                refused.message,
                "column dynamo_ttl of DynamoDB table \"ttl_column\" cannot be altered",
                "{change}"
            );
        }
        simple_table("ttl_no_column");
        let other = failure("ALTER TABLE dynamo_tables.ttl_no_column ADD COLUMN dynamo_ttl text");
        assert!(other.message.starts_with("column dynamo_ttl"));
        run("ALTER TABLE dynamo_tables.ttl_no_column ADD COLUMN ttl text");
    }
}
