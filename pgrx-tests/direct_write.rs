//! Writes to plain tables go without a statement, writes to all others with one, and nobody can tell which.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// How often our own SQL functions ran in this transaction: the deriving trigger fires, and `decide` is
    /// called, only when a statement writes.
    fn statements() -> i64 {
        count(
            "SELECT coalesce(sum(calls), 0)::int8 FROM pg_stat_xact_user_functions
             WHERE funcname IN ('derive_keys', 'decide')",
        )
    }

    /// A table whose function calls are counted.
    fn counted_table(name: &str) {
        run("SET LOCAL track_functions = 'all'");
        simple_table(name);
    }

    /// Puts, replaces, updates, creates by an update and deletes; whether any of it took a statement.
    fn takes_statements(table: &str) -> bool {
        let before = statements();
        let key = |id: &str| json!({"id": {"S": id}});
        let add = |id: &str| {
            let request = json!({"TableName": table, "Key": key(id), "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}}});
            call("update_item", &request)
        };
        put(table, &with(&key("w"), &json!({"n": {"N": "1"}})));
        put(table, &with(&key("w"), &json!({"n": {"N": "2"}})));
        add("w");
        add("made");
        assert_eq!(get(table, &key("w"))["n"], json!({"N": "3"}));
        assert_eq!(get(table, &key("made"))["n"], json!({"N": "1"}));
        for id in ["w", "made"] {
            let gone = json!({"TableName": table, "Key": key(id), "ReturnValues": "ALL_OLD"});
            assert_eq!(
                call("delete_item", &gone)["Attributes"]["id"]["S"],
                json!(id)
            );
            assert_eq!(get(table, &key(id)), Value::Null);
        }
        statements() > before
    }

    #[pg_test]
    fn direct_write_of_a_plain_table() {
        counted_table("direct_plain");
        assert!(!takes_statements("direct_plain"));
    }

    /// Neither with its btree nor while there is only the column, before and after.
    #[pg_test]
    fn direct_write_of_a_table_whose_items_expire() {
        counted_table("direct_ttl");
        let table = "dynamo_tables.direct_ttl";
        let trigger = |more: &str| {
            run(&format!(
                r#"CREATE OR REPLACE TRIGGER "~dynamo_derive_keys" BEFORE INSERT OR UPDATE ON {table}
                   FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('direct_ttl', 'id', 'S'{more});
                   ALTER TABLE {table} ENABLE ALWAYS TRIGGER "~dynamo_derive_keys""#
            ));
        };
        run(&format!("ALTER TABLE {table} ADD COLUMN dynamo_ttl int8"));
        assert!(!takes_statements("direct_ttl"), "a column alone");
        trigger(r#", '{"time_to_live":"n"}'"#);
        assert!(!takes_statements("direct_ttl"), "maintained");
        run(&format!(
            r#"CREATE INDEX "direct_ttl:ttl" ON {table} (dynamo_ttl, pk_hash, pk, sk) WHERE dynamo_ttl IS NOT NULL"#
        ));
        assert!(!takes_statements("direct_ttl"), "with its btree");
        trigger("");
        assert!(!takes_statements("direct_ttl"), "given up");
        run(r#"DROP INDEX dynamo_tables."direct_ttl:ttl""#);
        assert!(!takes_statements("direct_ttl"), "without its btree");
        for index in [
            "(dynamo_ttl, pk_hash, pk, sk)",
            "(dynamo_ttl, pk_hash, sk, pk) WHERE dynamo_ttl IS NOT NULL",
            "(dynamo_ttl, pk_hash, pk, sk) WHERE dynamo_ttl IS NULL",
            "(dynamo_ttl, pk_hash, pk, sk) WHERE pk IS NOT NULL",
            "(dynamo_ttl) WHERE dynamo_ttl IS NOT NULL",
        ] {
            run(&format!("CREATE INDEX direct_ttl_other ON {table} {index}"));
            assert!(takes_statements("direct_ttl"), "{index}");
            run("DROP INDEX dynamo_tables.direct_ttl_other");
        }
    }

    /// Also together with time to live.
    #[pg_test]
    fn direct_write_of_a_table_with_point_in_time_recovery() {
        counted_table("direct_history");
        let request = json!({"TableName": "direct_history",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
        call("update_continuous_backups", &request);
        let kept = || count("SELECT count(*) FROM dynamo_history.direct_history WHERE at IS NULL");
        assert!(!takes_statements("direct_history"));
        // Two items that were not there.
        assert_eq!(kept(), 2);
        run(
            r#"ALTER TABLE dynamo_tables.direct_history ADD COLUMN dynamo_ttl int8;
               CREATE OR REPLACE TRIGGER "~dynamo_derive_keys" BEFORE INSERT OR UPDATE ON dynamo_tables.direct_history
               FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('direct_history', 'id', 'S', '{"time_to_live":"n"}');
               ALTER TABLE dynamo_tables.direct_history ENABLE ALWAYS TRIGGER "~dynamo_derive_keys";
               CREATE INDEX "direct_history:ttl" ON dynamo_tables.direct_history (dynamo_ttl, pk_hash, pk, sk)
               WHERE dynamo_ttl IS NOT NULL"#,
        );
        assert!(!takes_statements("direct_history"), "with time to live");
        assert_eq!(kept(), 4);
    }

    /// The answer is kept, so each of these comes after it was given.
    #[pg_test]
    fn direct_write_ends_when_the_table_is_no_longer_plain() {
        counted_table("direct_ends");
        run(
            "CREATE FUNCTION pg_temp.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        );
        let table = "dynamo_tables.direct_ends";
        for (burden, relief) in [
            (
                "CREATE TRIGGER extra AFTER INSERT ON {} FOR EACH ROW EXECUTE FUNCTION pg_temp.nothing()",
                "DROP TRIGGER extra ON {}",
            ),
            (
                "CREATE TRIGGER extra AFTER UPDATE ON {} EXECUTE FUNCTION pg_temp.nothing()",
                "DROP TRIGGER extra ON {}",
            ),
            (
                "ALTER TABLE {} ADD CONSTRAINT fine CHECK (true)",
                "ALTER TABLE {} DROP CONSTRAINT fine",
            ),
            (
                "CREATE INDEX extra ON {} ((item ->> 'n'))",
                "DROP INDEX dynamo_tables.extra",
            ),
            (
                "CREATE UNIQUE INDEX extra ON {} (pk_hash, pk, sk)",
                "DROP INDEX dynamo_tables.extra",
            ),
            (
                "ALTER TABLE {} ADD COLUMN note text",
                "ALTER TABLE {} DROP COLUMN note",
            ),
            (
                "ALTER TABLE {} ADD COLUMN stamped int8 NOT NULL DEFAULT 7",
                "ALTER TABLE {} DROP COLUMN stamped",
            ),
            (
                "ALTER TABLE {} ADD COLUMN size int8 GENERATED ALWAYS AS (length(item ->> 'id')) STORED",
                "ALTER TABLE {} DROP COLUMN size",
            ),
            (
                "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
            ),
            (
                "CREATE TABLE direct_referring (h int8, p bytea, s bytea, FOREIGN KEY (h, p, s) REFERENCES {})",
                "DROP TABLE direct_referring",
            ),
        ] {
            assert!(!takes_statements("direct_ends"), "before {burden}");
            run(&burden.replace("{}", table));
            assert!(takes_statements("direct_ends"), "{burden}");
            run(&relief.replace("{}", table));
        }
        // Dropped columns have left their places.
        assert!(!takes_statements("direct_ends"));
        // A table that has had rules is said to have some until it is vacuumed.
        run(&format!(
            "CREATE RULE noted AS ON DELETE TO {table} DO ALSO NOTHING"
        ));
        assert!(takes_statements("direct_ends"));
    }

    #[pg_test]
    fn direct_write_of_one_item_many_times_in_one_statement() {
        counted_table("direct_many");
        run(
            "SELECT dynamo.update_item('direct_many', '{\"id\":{\"S\":\"a\"}}', 'ADD n :one',
                 expression_attribute_values => '{\":one\":{\"N\":\"1\"}}') FROM generate_series(1, 100)",
        );
        let item = get("direct_many", &json!({"id": {"S": "a"}}));
        assert_eq!(item["n"], json!({"N": "100"}));
        // A statement sees what functions wrote before it, and they what the statement did.
        run(
            "WITH gone AS (SELECT dynamo.delete_item('direct_many', '{\"id\":{\"S\":\"a\"}}')),
                  made AS (SELECT dynamo.put_item('direct_many', '{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"7\"}}') FROM gone)
             SELECT dynamo.update_item('direct_many', '{\"id\":{\"S\":\"a\"}}', 'ADD n :one',
                 expression_attribute_values => '{\":one\":{\"N\":\"1\"}}') FROM made",
        );
        let item = get("direct_many", &json!({"id": {"S": "a"}}));
        assert_eq!(item["n"], json!({"N": "8"}));
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.direct_many"), 1);
        assert_eq!(statements(), 0);
    }

    #[pg_test]
    fn direct_write_is_undone_with_its_subtransaction() {
        counted_table("direct_undone");
        put("direct_undone", &json!({"id": {"S": "a"}, "n": {"N": "1"}}));
        let undone = failure(
            "DO $$ BEGIN
                 PERFORM dynamo.put_item('direct_undone', '{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"2\"}}');
                 PERFORM dynamo.put_item('direct_undone', '{\"id\":{\"S\":\"b\"}}');
                 PERFORM dynamo.delete_item('direct_undone', '{\"id\":{\"S\":\"a\"}}');
                 RAISE division_by_zero;
             END $$",
        );
        assert_eq!(undone.sqlstate, "22012");
        let item = get("direct_undone", &json!({"id": {"S": "a"}}));
        assert_eq!(item["n"], json!({"N": "1"}));
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.direct_undone"), 1);
        put("direct_undone", &json!({"id": {"S": "b"}}));
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.direct_undone"), 2);
        assert_eq!(statements(), 0);
    }

    #[pg_test]
    fn direct_write_counts_in_the_statistics() {
        counted_table("direct_statistics");
        takes_statements("direct_statistics");
        let counted = text(
            "SELECT concat_ws(' ', n_tup_ins, n_tup_upd, n_tup_del) FROM pg_stat_xact_user_tables
             WHERE relname = 'direct_statistics'",
        );
        assert_eq!(counted.as_deref(), Some("2 2 2"));
    }

    /// Large items lie out of line; long keys of rows that hold some are compressed and must stay as they are.
    #[pg_test]
    fn direct_write_of_large_items_and_keys() {
        run("SET LOCAL track_functions = 'all'");
        music_table("direct_large");
        let key =
            json!({"Artist": {"S": "a".repeat(2_000)}, "SongTitle": {"S": "s".repeat(1_000)}});
        for size in [10, 1_000, 3_000, 100_000, 300_000, 500, 350_000] {
            let text = json!({"S": "x".repeat(size)});
            put("direct_large", &with(&key, &json!({"text": text})));
            let request = json!({"TableName": "direct_large", "Key": key, "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}}});
            call("update_item", &request);
            let item = get("direct_large", &key);
            assert_eq!((&item["text"], &item["n"]), (&text, &json!({"N": "1"})));
            assert_eq!(count("SELECT count(*) FROM dynamo_tables.direct_large"), 1);
        }
        // All of them kept the key, so the index is as it was.
        let updates =
            count("SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'direct_large'");
        assert_eq!(updates, 13);
        call(
            "delete_item",
            &json!({"TableName": "direct_large", "Key": key}),
        );
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.direct_large"), 0);
        assert_eq!(statements(), 0);
    }

    /// A row that got the wrong key while the trigger was away is moved by the trigger, as any update moves it.
    #[pg_test]
    fn direct_write_leaves_a_row_with_a_wrong_key_to_the_trigger() {
        counted_table("direct_moved");
        put("direct_moved", &json!({"id": {"S": "b"}, "n": {"N": "1"}}));
        let trigger = text(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'dynamo_tables.direct_moved'::regclass",
        )
        .expect("a trigger");
        run("DROP TRIGGER \"~dynamo_derive_keys\" ON dynamo_tables.direct_moved");
        run(
            "UPDATE dynamo_tables.direct_moved SET item = '{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}}'",
        );
        run(&trigger);
        run("ALTER TABLE dynamo_tables.direct_moved ENABLE ALWAYS TRIGGER \"~dynamo_derive_keys\"");
        let add = json!({"TableName": "direct_moved", "Key": {"id": {"S": "b"}}, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}});
        call("update_item", &add);
        assert_eq!(
            get("direct_moved", &json!({"id": {"S": "a"}}))["n"],
            json!({"N": "2"})
        );
        assert_eq!(get("direct_moved", &json!({"id": {"S": "b"}})), Value::Null);
    }

    #[pg_test]
    fn direct_write_in_a_read_only_transaction_is_postgres_own_error() {
        simple_table("direct_read_only");
        let refused = failure(
            "DO $$ BEGIN
                 SET LOCAL transaction_read_only = on;
                 PERFORM dynamo.put_item('direct_read_only', '{\"id\":{\"S\":\"a\"}}');
             END $$",
        );
        assert_eq!(
            (refused.sqlstate.as_str(), refused.message.as_str()),
            ("25006", "cannot execute INSERT in a read-only transaction")
        );
    }
}
