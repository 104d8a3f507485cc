//! BatchWriteItem through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn id(value: &str) -> Value {
        json!({"id": {"S": value}})
    }

    fn put_of(item: Value) -> Value {
        json!({"PutRequest": {"Item": item}})
    }

    fn delete_of(key: Value) -> Value {
        json!({"DeleteRequest": {"Key": key}})
    }

    fn numbered(value: &str, n: i64) -> Value {
        with(&id(value), &json!({"n": {"N": n.to_string()}}))
    }

    #[pg_test]
    fn batch_write_item_puts_and_deletes_in_several_tables() {
        simple_table("batch_write_one");
        music_table("batch_write_two");
        put("batch_write_one", &numbered("old", 1));
        put("batch_write_one", &numbered("gone", 1));
        let song = json!({"Artist": {"S": "x"}, "SongTitle": {"S": "y"}});
        let request = json!({"RequestItems": {
            "batch_write_one": [put_of(numbered("new", 2)), delete_of(id("gone")), put_of(numbered("old", 2)), delete_of(id("none"))],
            "batch_write_two": [put_of(song.clone())],
        }});
        assert_eq!(
            call("batch_write_item", &request),
            json!({"UnprocessedItems": {}}),
            "boto3's batch writer asks for UnprocessedItems"
        );
        for (name, expected) in [
            ("new", numbered("new", 2)),
            ("old", numbered("old", 2)),
            ("gone", Value::Null),
        ] {
            assert_eq!(get("batch_write_one", &id(name)), expected);
        }
        assert_eq!(get("batch_write_two", &song), song);
        // Once more, through the server's entry: everything is as it should be already.
        let answer = handle("BatchWriteItem", request.to_string().as_bytes());
        assert_eq!(
            (answer.status, answer.body),
            (200, json!({"UnprocessedItems": {}}))
        );
    }

    #[pg_test]
    fn batch_write_item_charges_the_larger_image() {
        simple_table("batch_write_capacity");
        let note = "x".repeat(3000);
        put(
            "batch_write_capacity",
            &with(&id("a"), &json!({"note": {"S": note}})),
        );
        put(
            "batch_write_capacity",
            &with(&id("b"), &json!({"note": {"S": note}})),
        );
        let reply = call(
            "batch_write_item",
            &json!({"ReturnConsumedCapacity": "TOTAL", "RequestItems": {"batch_write_capacity": [
                put_of(id("a")), delete_of(id("b")), put_of(id("c")), delete_of(id("d"))]}}),
        );
        assert_eq!(
            reply["ConsumedCapacity"],
            json!([{"TableName": "batch_write_capacity", "CapacityUnits": 8.0}])
        );
    }

    #[pg_test]
    fn batch_write_item_refused_writes_nothing() {
        simple_table("batch_write_refused");
        put("batch_write_refused", &numbered("there", 1));
        let tables =
            |requests: Vec<Value>| json!({"RequestItems": {"batch_write_refused": requests}});
        let fine = || put_of(numbered("there", 2));
        let long = "x".repeat(2049);
        for (request, kind, message) in [
            (
                tables(vec![fine(), put_of(json!({"n": {"N": "1"}}))]),
                VALIDATION,
                "The provided key element does not match the schema",
            ),
            (
                tables(vec![fine(), put_of(json!({"id": {"N": "1"}}))]),
                VALIDATION,
                "The provided key element does not match the schema",
            ),
            (
                tables(vec![fine(), delete_of(json!({}))]),
                VALIDATION,
                "The provided key element does not match the schema",
            ),
            (
                tables(vec![fine(), delete_of(id("there"))]),
                VALIDATION,
                "Provided list of item keys contains duplicates",
            ),
            (
                tables(vec![fine(), json!({})]),
                VALIDATION,
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            ),
            (
                tables(vec![fine(), put_of(id(&long))]),
                VALIDATION,
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
            ),
            (
                tables(vec![
                    fine(),
                    put_of(with(&id("big"), &json!({"x": {"S": "x".repeat(409_600)}}))),
                ]),
                VALIDATION,
                "Item size has exceeded the maximum allowed size",
            ),
            (
                json!({"RequestItems": {"batch_write_refused": [fine()], "batch_write_nowhere": [fine()]}}),
                NOT_FOUND,
                "Requested resource not found",
            ),
        ] {
            expect_refusal("batch_write_item", &request, kind, message);
            assert_eq!(
                get("batch_write_refused", &id("there")),
                numbered("there", 1)
            );
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.batch_write_refused"),
            1
        );
    }

    #[pg_test]
    fn batch_write_item_is_no_larger_than_16_mb() {
        let body = format!(
            r#"{{"RequestItems":{{}},"pad":"{}"}}"#,
            "x".repeat(16 * 1024 * 1024)
        );
        let answer = failure_with("SELECT dynamo.batch_write_item($1::json)", &body);
        assert_eq!(answer.sqlstate, "DY047");
    }

    #[pg_test]
    fn batch_write_item_unchanged_items_are_not_written() {
        simple_table("batch_write_unchanged");
        let requests = |n: i64| {
            let puts = (0..10).map(|i| put_of(numbered(&i.to_string(), if i < 5 { n } else { 0 })));
            json!({"RequestItems": {"batch_write_unchanged": puts.collect::<Vec<_>>()}})
        };
        call("batch_write_item", &requests(1));
        let versions = "SELECT count(DISTINCT ctid) FROM dynamo_tables.batch_write_unchanged WHERE (item ->> 'n')::int = 0 AND ctid <= '(0,10)'";
        call("batch_write_item", &requests(2));
        assert_eq!(count(versions), 5, "five items are where they were");
    }

    #[pg_test]
    fn batch_write_item_named_form_refusals() {
        simple_table("batch_write_named");
        let many = "SELECT dynamo.batch_write_item('batch_write_named',
            (SELECT array_agg(format('{\"id\": {\"S\": \"%s\"}}', n)::dynamo.item) FROM generate_series(1, 20) n),
            (SELECT array_agg(format('{\"id\": {\"S\": \"%s\"}}', n)::dynamo.item) FROM generate_series(30, 35) n))";
        let failed = failure(many);
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            (
                "DY001",
                "Too many items requested for the BatchWriteItem call"
            )
        );
        for (statement, message) in [
            (
                "SELECT dynamo.batch_write_item('batch_write_named', array[null]::dynamo.item[])",
                "put must not contain NULL",
            ),
            (
                "SELECT dynamo.batch_write_item('batch_write_named', '{}', array[null]::dynamo.item[])",
                "delete must not contain NULL",
            ),
            (
                "SELECT dynamo.batch_write_item('batch_write_nowhere', '{}')",
                "Requested resource not found",
            ),
        ] {
            assert_eq!(failure(statement).message, message, "{statement}");
        }
        run("SELECT dynamo.batch_write_item('batch_write_named', NULL, NULL)");
    }

    #[pg_test]
    fn batch_write_item_keeps_triggers_checks_and_policies() {
        simple_table("batch_write_guarded");
        run(
            "CREATE TABLE batch_write_seen (operation text, id text);
             CREATE FUNCTION batch_write_note() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO batch_write_seen VALUES (TG_OP, coalesce(NEW.item, OLD.item) ->> 'id');
                 -- A batch inside a batch answers for its own items.
                 IF TG_OP = 'INSERT' AND NEW.item ->> 'id' = 'outer' THEN
                     PERFORM dynamo.batch_write_item('batch_write_guarded', array['{\"id\": {\"S\": \"inner\"}}']::dynamo.item[]);
                 END IF;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON dynamo_tables.batch_write_guarded
                 FOR EACH ROW EXECUTE FUNCTION batch_write_note();
             ALTER TABLE dynamo_tables.batch_write_guarded ADD CONSTRAINT positive CHECK ((item ->> 'n')::int > 0)",
        );
        put("batch_write_guarded", &numbered("old", 1));
        put("batch_write_guarded", &numbered("gone", 1));
        run("TRUNCATE batch_write_seen");
        let request = json!({"RequestItems": {"batch_write_guarded":
            [put_of(numbered("old", 2)), put_of(numbered("outer", 1)), delete_of(id("gone"))]}});
        call("batch_write_item", &request);
        assert_eq!(
            text(
                "SELECT string_agg(operation || ' ' || id, ', ' ORDER BY id) FROM batch_write_seen"
            )
            .as_deref(),
            Some("DELETE gone, INSERT inner, UPDATE old, INSERT outer")
        );
        let request = json!({"RequestItems": {"batch_write_guarded": [put_of(numbered("more", 1)), put_of(numbered("old", -1))]}});
        let failed = refusal("batch_write_item", &request);
        assert_eq!(
            (failed.sqlstate.as_str(), failed.constraint.as_str()),
            ("23514", "positive")
        );
        assert_eq!(get("batch_write_guarded", &id("more")), Value::Null);

        run("CREATE ROLE batch_write_owner;
             GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO batch_write_owner;
             GRANT SELECT, INSERT, UPDATE ON dynamo_tables.batch_write_guarded TO batch_write_owner;
             GRANT INSERT ON batch_write_seen TO batch_write_owner;
             ALTER TABLE dynamo_tables.batch_write_guarded ENABLE ROW LEVEL SECURITY;
             CREATE POLICY visible ON dynamo_tables.batch_write_guarded USING (item ->> 'id' <> 'old');
             DROP FUNCTION pg_temp.failure(text, text);
             SET LOCAL ROLE batch_write_owner");
        let request = json!({"RequestItems": {"batch_write_guarded": [put_of(numbered("mine", 1)), put_of(numbered("old", 3))]}});
        assert_eq!(
            refusal("batch_write_item", &request).sqlstate,
            "42501",
            "the policy hides it"
        );
        let request = json!({"RequestItems": {"batch_write_guarded": [put_of(numbered("mine", 1)), delete_of(id("outer"))]}});
        assert_eq!(
            refusal("batch_write_item", &request).sqlstate,
            "42501",
            "no right to delete"
        );
        let answer = handle("BatchWriteItem", request.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        let request =
            json!({"RequestItems": {"batch_write_guarded": [put_of(numbered("mine", 1))]}});
        assert_eq!(
            handle("BatchWriteItem", request.to_string().as_bytes()).status,
            200,
            "puts alone need no right to delete"
        );
        run("RESET ROLE");
    }

    #[pg_test]
    fn batch_write_item_that_a_trigger_suppresses_is_an_error() {
        simple_table("batch_write_suppressed");
        put("batch_write_suppressed", &id("there"));
        run(
            "CREATE FUNCTION batch_write_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER keep BEFORE INSERT OR DELETE ON dynamo_tables.batch_write_suppressed
                 FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION batch_write_keep()",
        );
        for request in [put_of(id("new")), delete_of(id("there"))] {
            let request = json!({"RequestItems": {"batch_write_suppressed": [request]}});
            assert_eq!(refusal("batch_write_item", &request).sqlstate, "42501");
        }
    }

    #[pg_test]
    fn batch_write_item_follows_a_trigger_that_edits_the_key() {
        simple_table("batch_write_rekeyed");
        put("batch_write_rekeyed", &numbered("b", 1));
        run(
            "CREATE FUNCTION batch_write_rekey() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF NEW.item ->> 'id' = 'a' THEN
                     NEW.item := '{\"id\": {\"S\": \"b\"}, \"n\": {\"N\": \"2\"}}';
                 END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER rekey BEFORE INSERT ON dynamo_tables.batch_write_rekeyed
                 FOR EACH ROW EXECUTE FUNCTION batch_write_rekey()",
        );
        let request = json!({"RequestItems": {"batch_write_rekeyed": [put_of(numbered("a", 9)), put_of(numbered("c", 3))]}});
        call("batch_write_item", &request);
        assert_eq!(get("batch_write_rekeyed", &id("b")), numbered("b", 2));
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.batch_write_rekeyed"),
            2
        );
    }

    #[pg_test]
    fn batch_write_item_is_two_statements_however_many_items() {
        simple_table("batch_write_statements");
        run("CREATE TABLE batch_write_statement (operation text);
             CREATE FUNCTION batch_write_statement() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO batch_write_statement VALUES (TG_OP);
                 RETURN NULL;
             END $$;
             CREATE TRIGGER statement AFTER INSERT OR DELETE ON dynamo_tables.batch_write_statements
                 FOR EACH STATEMENT EXECUTE FUNCTION batch_write_statement()");
        let puts = (0..15).map(|i| put_of(id(&i.to_string())));
        let deletes = (15..25).map(|i| delete_of(id(&i.to_string())));
        let all: Vec<_> = puts.chain(deletes).collect();
        call(
            "batch_write_item",
            &json!({"RequestItems": {"batch_write_statements": all}}),
        );
        assert_eq!(
            text("SELECT string_agg(operation, ' ') FROM batch_write_statement").as_deref(),
            Some("INSERT DELETE")
        );
    }

    /// Locks on keys are given back with the call: a transaction of many batches does not run out of them.
    #[pg_test]
    fn batch_write_item_leaves_no_lock_on_keys() {
        simple_table("batch_write_locks");
        run(
            "CREATE FUNCTION batch_write_count() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM set_config('batch.locks', (SELECT count(*) FROM pg_locks
                     WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = 17497 AND mode = 'ExclusiveLock')::text, true);
                 RETURN NULL;
             END $$;
             CREATE TRIGGER count AFTER INSERT ON dynamo_tables.batch_write_locks
                 FOR EACH STATEMENT EXECUTE FUNCTION batch_write_count()",
        );
        let puts: Vec<_> = (0..25).map(|i| put_of(id(&i.to_string()))).collect();
        call(
            "batch_write_item",
            &json!({"RequestItems": {"batch_write_locks": puts}}),
        );
        assert_eq!(
            text("SELECT current_setting('batch.locks')").as_deref(),
            Some("25")
        );
        assert_eq!(
            count(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            ),
            0
        );
    }
}
