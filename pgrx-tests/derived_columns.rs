//! pk_hash, pk and sk follow the item, whoever writes the row and whatever triggers do to it.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    /// Rows whose item GetItem does not find under the item's own key.
    fn lost_rows(table: &str) -> i64 {
        count(&format!(
            r#"SELECT count(*) FROM dynamo_tables.{table} AS t WHERE dynamo.get_item('{table}',
               dynamo.from_json(json_build_object('id', t.item ->> 'id'))) IS DISTINCT FROM t.item"#
        ))
    }

    fn trigger(table: &str, name: &str, when: &str, body: &str) {
        run(&format!(
            "CREATE FUNCTION pg_temp.{table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
             CREATE TRIGGER {name} {when} ON dynamo_tables.{table} FOR EACH ROW EXECUTE FUNCTION pg_temp.{table}_{name}()"
        ));
    }

    #[pg_test]
    fn derived_columns_of_plain_sql() {
        simple_table("derived_sql");
        run(
            r#"INSERT INTO dynamo_tables.derived_sql (item) VALUES ('{"id":{"S":"a"}}'), ('{"id":{"S":"b"}}')"#,
        );
        // Whatever keys are given, those of the item are stored.
        run(
            r#"INSERT INTO dynamo_tables.derived_sql VALUES (1, 'wrong', 'wrong', '{"id":{"S":"c"}}')"#,
        );
        run("UPDATE dynamo_tables.derived_sql SET pk = 'x', sk = 'y', pk_hash = 7");
        run(
            r#"UPDATE dynamo_tables.derived_sql SET item = '{"id":{"S":"moved"}}' WHERE item ->> 'id' = 'a'"#,
        );
        run(
            r#"INSERT INTO dynamo_tables.derived_sql (item) VALUES ('{"id":{"S":"c"},"n":{"N":"2"}}')
               ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item"#,
        );
        assert_eq!(
            get("derived_sql", &json!({"id": {"S": "c"}}))["n"],
            json!({"N": "2"})
        );
        assert_eq!(lost_rows("derived_sql"), 0);
        assert_eq!(get("derived_sql", &json!({"id": {"S": "a"}})), json!(null));
        assert_eq!(
            get("derived_sql", &json!({"id": {"S": "moved"}})),
            json!({"id": {"S": "moved"}})
        );
        let taken =
            failure(r#"INSERT INTO dynamo_tables.derived_sql (item) VALUES ('{"id":{"S":"b"}}')"#);
        assert_eq!(
            (taken.sqlstate.as_str(), taken.constraint.as_str()),
            ("23505", "derived_sql:primary")
        );
    }

    #[pg_test]
    fn derived_columns_of_items_without_a_key() {
        music_table("derived_no_key");
        for item in [
            r#"{"Artist":{"S":"a"}}"#,
            r#"{"SongTitle":{"S":"a"}}"#,
            r#"{"Artist":{"N":"1"},"SongTitle":{"S":"a"}}"#,
            r#"{"Artist":{"S":""},"SongTitle":{"S":"a"}}"#,
            r#"{"Artist":{"S":"a"},"SongTitle":{"S":""}}"#,
        ] {
            let failure = failure_with(
                "INSERT INTO dynamo_tables.derived_no_key (item) SELECT $1::dynamo.item",
                item,
            );
            assert_eq!(failure.sqlstate, "DY001", "{item}");
        }
        assert_eq!(
            failure("INSERT INTO dynamo_tables.derived_no_key (item) VALUES (NULL)").sqlstate,
            "23502"
        );
    }

    #[pg_test]
    fn derived_columns_of_copied_rows() {
        simple_table("derived_copy");
        run(
            r#"DO $$ DECLARE file text := current_setting('data_directory') || '/derived_copy'; BEGIN
               EXECUTE format('COPY (VALUES (1, ''\x61''::bytea, ''\x''::bytea, ''{"id":{"S":"a"}}''),
                   (9, ''\x''::bytea, ''\xff''::bytea, ''{"id":{"S":"b"}}'')) TO %L', file);
               EXECUTE format('COPY dynamo_tables.derived_copy FROM %L', file); END $$"#,
        );
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.derived_copy"), 2);
        assert_eq!(lost_rows("derived_copy"), 0);
    }

    /// Anyone may name the trigger's function; on another table, or at another event, it is an error.
    #[pg_test]
    fn derived_columns_function_refuses_other_tables() {
        simple_table("derived_refuses");
        let on = |table: &str, when: &str| {
            format!(
                "CREATE TRIGGER a BEFORE {when} EXECUTE FUNCTION dynamo_internal.derive_keys('derived_refuses', 'id', 'S')"
            )
            .replace("{}", table)
        };
        run("CREATE TABLE other (pk_hash int8, pk int, sk int, item int)");
        run("CREATE TABLE narrow (item int)");
        let refused = failure(&on("other", "INSERT ON {} FOR EACH ROW"));
        assert_eq!(refused.sqlstate, "55000");
        // The function does not rely on that.
        run("ALTER EVENT TRIGGER pg_dynamo_protect_data_tables DISABLE");
        for table in ["other", "narrow"] {
            run(&on(table, "INSERT ON {} FOR EACH ROW"));
            let failure = failure(&format!("INSERT INTO {table} (item) VALUES (7)"));
            assert_eq!(failure.sqlstate, "DY001", "{table}");
        }
        run("CREATE TABLE statement (LIKE dynamo_tables.derived_refuses)");
        for when in [
            "INSERT ON {} FOR EACH STATEMENT",
            "DELETE ON {} FOR EACH ROW",
        ] {
            run("DROP TRIGGER IF EXISTS a ON statement");
            run("INSERT INTO statement VALUES (1, '', '', '{\"id\":{\"S\":\"b\"}}')");
            run(&on("statement", when));
            let write = if when.starts_with("DELETE") {
                "DELETE FROM statement"
            } else {
                "INSERT INTO statement VALUES (1, '', '', '{}')"
            };
            assert_eq!(failure(write).sqlstate, "DY001", "{when}");
        }
    }

    /// The trigger that derives the keys stays on and stays last. (Its owner may drop it; pg_restore --clean does.)
    #[pg_test]
    fn derived_columns_trigger_stays_on_and_last() {
        simple_table("derived_stays");
        run(
            "CREATE FUNCTION pg_temp.derived_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        );
        let create = |name: &str, when: &str| {
            format!(
                "CREATE TRIGGER {name} {when} ON dynamo_tables.derived_stays FOR EACH ROW EXECUTE FUNCTION pg_temp.derived_stays()"
            )
        };
        run(&create("\"zz\"", "BEFORE INSERT OR UPDATE"));
        run(&create("\"~~after\"", "AFTER INSERT OR UPDATE"));
        run(&create("\"~~delete\"", "BEFORE DELETE"));
        for refused in [
            create("\"~~\"", "BEFORE INSERT"),
            create("\"é\"", "BEFORE UPDATE OF item"),
            "ALTER TRIGGER zz ON dynamo_tables.derived_stays RENAME TO \"~zz\"".to_owned(),
            "ALTER TRIGGER \"~dynamo_derive_keys\" ON dynamo_tables.derived_stays RENAME TO \"A\"".to_owned(),
            "ALTER TABLE dynamo_tables.derived_stays DISABLE TRIGGER \"~dynamo_derive_keys\"".to_owned(),
            "ALTER TABLE dynamo_tables.derived_stays DISABLE TRIGGER USER".to_owned(),
            "ALTER TABLE dynamo_tables.derived_stays DISABLE TRIGGER ALL".to_owned(),
            "ALTER TABLE dynamo_tables.derived_stays ENABLE REPLICA TRIGGER \"~dynamo_derive_keys\"".to_owned(),
        ] {
            let failure = failure(&refused);
            assert_eq!(failure.sqlstate, "55000", "{refused}: {}", failure.message);
        }
        run("ALTER TABLE dynamo_tables.derived_stays DISABLE TRIGGER zz");
        run("SET LOCAL session_replication_role = replica");
        run(
            "INSERT INTO dynamo_tables.derived_stays VALUES (1, 'a', '', '{\"id\":{\"S\":\"b\"}}')",
        );
        assert_eq!(lost_rows("derived_stays"), 0);
        run("DROP TABLE dynamo_tables.derived_stays");
        let listed =
            "SELECT count(*) FROM dynamo.table_definition WHERE table_name = 'derived_stays'";
        assert_eq!(count(listed), 0);
    }

    #[pg_test]
    fn derived_columns_under_a_trigger_that_adds_an_attribute() {
        for (table, name) in [
            ("derived_adds_first", "\"A_first\""),
            ("derived_adds_last", "zz_last"),
        ] {
            simple_table(table);
            run(&format!(
                r#"CREATE FUNCTION pg_temp.{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     NEW.item := (NEW.item::jsonb || '{{"stamp":{{"N":"1"}}}}')::dynamo.item; RETURN NEW; END $$;
                   CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON dynamo_tables.{table} FOR EACH ROW EXECUTE FUNCTION pg_temp.{table}()"#
            ));
            put(table, &json!({"id": {"S": "a"}}));
            put(table, &json!({"id": {"S": "a"}, "n": {"N": "2"}}));
            let stamped = json!({"id": {"S": "a"}, "n": {"N": "2"}, "stamp": {"N": "1"}});
            assert_eq!(get(table, &json!({"id": {"S": "a"}})), stamped);
            // What UpdateItem answers is what was stored.
            let request = json!({"TableName": table, "Key": {"id": {"S": "a"}}, "UpdateExpression": "REMOVE n, stamp",
                "ReturnValues": "ALL_NEW"});
            let reply = call("update_item", &request);
            assert_eq!(
                reply["Attributes"],
                json!({"id": {"S": "a"}, "stamp": {"N": "1"}})
            );
            assert_eq!(get(table, &json!({"id": {"S": "a"}})), reply["Attributes"]);
            assert_eq!(lost_rows(table), 0);
        }
    }

    /// Whatever a trigger makes of the key, the row is where its item says.
    #[pg_test]
    fn derived_columns_under_a_trigger_that_changes_the_key() {
        simple_table("derived_rekey");
        put("derived_rekey", &json!({"id": {"S": "a"}}));
        trigger(
            "derived_rekey",
            "zz_last",
            "BEFORE INSERT OR UPDATE",
            r#"NEW.item := (NEW.item::jsonb || '{"id":{"S":"other"}}')::dynamo.item; NEW.pk := 'x'; RETURN NEW;"#,
        );
        put("derived_rekey", &json!({"id": {"S": "b"}, "n": {"N": "1"}}));
        let other = json!({"id": {"S": "other"}, "n": {"N": "1"}});
        assert_eq!(get("derived_rekey", &json!({"id": {"S": "other"}})), other);
        assert_eq!(
            get("derived_rekey", &json!({"id": {"S": "b"}})),
            json!(null)
        );
        let update = json!({"TableName": "derived_rekey", "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}}});
        let taken = refusal("update_item", &update);
        assert_eq!(
            (taken.sqlstate.as_str(), taken.constraint.as_str()),
            ("23505", "derived_rekey:primary")
        );
        call(
            "delete_item",
            &json!({"TableName": "derived_rekey", "Key": {"id": {"S": "other"}}}),
        );
        call("update_item", &update);
        assert_eq!(get("derived_rekey", &json!({"id": {"S": "other"}})), other);
        assert_eq!(lost_rows("derived_rekey"), 0);
        // A key that is no longer one is refused.
        run("CREATE OR REPLACE FUNCTION pg_temp.derived_rekey_zz_last() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.item := '{}'; RETURN NEW; END $$");
        let item = json!({"TableName": "derived_rekey", "Item": {"id": {"S": "c"}}});
        assert_eq!(refusal("put_item", &item).sqlstate, "DY001");
    }

    #[pg_test]
    fn derived_columns_triggers_may_write_other_tables() {
        simple_table("derived_source");
        simple_table("derived_audit");
        trigger(
            "derived_source",
            "audit",
            "AFTER INSERT OR UPDATE OR DELETE",
            r#"PERFORM dynamo.update_item('derived_audit', '{"id":{"S":"writes"}}', 'ADD n :one',
                   expression_attribute_values => '{":one":{"N":"1"}}');
               PERFORM dynamo.put_item('derived_audit', coalesce(NEW.item, OLD.item)); RETURN NULL;"#,
        );
        put("derived_source", &json!({"id": {"S": "a"}}));
        let update = |return_values: &str| {
            call("update_item", &json!({"TableName": "derived_source", "Key": {"id": {"S": "a"}}, "UpdateExpression": "ADD n :n",
                "ExpressionAttributeValues": {":n": {"N": "5"}}, "ReturnValues": return_values}))["Attributes"].clone()
        };
        // The requests inside do not disturb the images of the one outside.
        assert_eq!(
            update("ALL_NEW"),
            json!({"id": {"S": "a"}, "n": {"N": "5"}})
        );
        assert_eq!(
            update("ALL_OLD"),
            json!({"id": {"S": "a"}, "n": {"N": "5"}})
        );
        let deleted = call(
            "delete_item",
            &json!({"TableName": "derived_source", "Key": {"id": {"S": "a"}}, "ReturnValues": "ALL_OLD"}),
        );
        assert_eq!(
            deleted["Attributes"],
            json!({"id": {"S": "a"}, "n": {"N": "10"}})
        );
        assert_eq!(
            get("derived_audit", &json!({"id": {"S": "writes"}}))["n"],
            json!({"N": "4"})
        );
        assert_eq!(
            get("derived_audit", &json!({"id": {"S": "a"}}))["n"],
            json!({"N": "10"})
        );
    }

    #[pg_test]
    fn derived_columns_errors_of_users_come_out_unchanged() {
        simple_table("derived_errors");
        put(
            "derived_errors",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}}),
        );
        run(
            "ALTER TABLE dynamo_tables.derived_errors ADD CONSTRAINT n_is_positive CHECK ((item ->> 'n')::numeric > 0)",
        );
        let item =
            json!({"TableName": "derived_errors", "Item": {"id": {"S": "b"}, "n": {"N": "-1"}}});
        let update = json!({"TableName": "derived_errors", "Key": {"id": {"S": "a"}}, "UpdateExpression": "SET n = n - :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}});
        let delete = json!({"TableName": "derived_errors", "Key": {"id": {"S": "a"}}});
        for (function, request) in [("put_item", &item), ("update_item", &update)] {
            let refused = refusal(function, request);
            assert_eq!(
                (refused.sqlstate.as_str(), refused.constraint.as_str()),
                ("23514", "n_is_positive"),
                "{function}"
            );
        }
        trigger(
            "derived_errors",
            "raises",
            "BEFORE INSERT OR UPDATE OR DELETE",
            "RAISE EXCEPTION USING ERRCODE = 'ZZ123', MESSAGE = 'mine', DETAIL = 'my detail', CONSTRAINT = 'my rule';",
        );
        for (function, request) in [
            ("put_item", &item),
            ("update_item", &update),
            ("delete_item", &delete),
        ] {
            let raised = refusal(function, request);
            assert_eq!(
                (raised.sqlstate.as_str(), raised.message.as_str()),
                ("ZZ123", "mine"),
                "{function}"
            );
            assert_eq!(
                (raised.detail, raised.constraint.as_str()),
                (json!("my detail"), "my rule"),
                "{function}"
            );
        }
        // handle raises what is no error of the API; the caller maps the SQLSTATE.
        let handled = failure_with(
            "SELECT dynamo.handle('DeleteItem', convert_to($1, 'UTF8'))",
            &delete.to_string(),
        );
        assert_eq!(handled.sqlstate, "ZZ123");
        assert_eq!(
            get("derived_errors", &json!({"id": {"S": "a"}}))["n"],
            json!({"N": "1"})
        );
    }
    /// A request that fails inside a trigger and is caught there leaves the outer one's images alone.
    #[pg_test]
    fn derived_columns_triggers_may_catch_failures() {
        simple_table("derived_catch");
        simple_table("derived_inner");
        put("derived_inner", &json!({"id": {"S": "taken"}}));
        trigger(
            "derived_inner",
            "forbids",
            "BEFORE INSERT",
            "RAISE EXCEPTION USING ERRCODE = 'ZZ001';",
        );
        trigger(
            "derived_catch",
            "tries",
            "BEFORE UPDATE OR DELETE",
            r#"BEGIN PERFORM dynamo.put_item('derived_inner', '{"id":{"S":"taken"}}', 'attribute_exists(id) AND attribute_not_exists(id)');
               EXCEPTION WHEN SQLSTATE 'DY005' THEN NULL; END;
               BEGIN PERFORM dynamo.put_item('derived_inner', '{"id":{"S":"new"}}');
               EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL; END;
               RETURN coalesce(NEW, OLD);"#,
        );
        let item = json!({"id": {"S": "a"}, "n": {"N": "1"}});
        put("derived_catch", &item);
        let key = json!({"TableName": "derived_catch", "Key": {"id": {"S": "a"}}});
        let more = json!({"UpdateExpression": "SET n = n + n", "ReturnValues": "ALL_OLD"});
        assert_eq!(call("update_item", &with(&key, &more))["Attributes"], item);
        assert_eq!(get("derived_catch", &key["Key"])["n"], json!({"N": "2"}));
        let deleted = call(
            "delete_item",
            &with(&key, &json!({"ReturnValues": "ALL_OLD"})),
        );
        assert_eq!(deleted["Attributes"]["n"], json!({"N": "2"}));
        assert_eq!(count("SELECT count(*) FROM dynamo_tables.derived_inner"), 1);
    }

    /// A trigger that swallows the row leaves nothing to answer for: an error, not a silent success.
    #[pg_test]
    fn derived_columns_a_swallowed_write_is_an_error() {
        simple_table("derived_swallowed");
        put("derived_swallowed", &json!({"id": {"S": "a"}}));
        trigger(
            "derived_swallowed",
            "swallows",
            "BEFORE INSERT OR UPDATE OR DELETE",
            "RETURN NULL;",
        );
        let key = json!({"TableName": "derived_swallowed", "Key": {"id": {"S": "a"}}});
        let update = with(&key, &json!({"UpdateExpression": "SET a = id"}));
        let put = json!({"TableName": "derived_swallowed", "Item": {"id": {"S": "b"}}});
        for (function, request) in [
            ("put_item", &put),
            ("update_item", &update),
            ("delete_item", &key),
        ] {
            assert_eq!(refusal(function, request).sqlstate, "42501", "{function}");
        }
    }
}
