//! TransactWriteItems through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::actions::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    const CANCELED: (&str, &str) = ("DY014", "TransactionCanceledException");

    /// The codes of a transaction that must be cancelled, by both entry points; none of them may change anything.
    fn codes(actions: &[Value]) -> Vec<String> {
        let request = request(actions);
        let failure = refusal("transact_write_items", &request);
        assert_eq!(failure.sqlstate, CANCELED.0, "{failure:?}");
        let answer = handle("TransactWriteItems", request.to_string().as_bytes());
        assert_eq!(
            (answer.status, answer.error_type.as_deref()),
            (400, Some(CANCELED.1))
        );
        assert_eq!(
            answer.body["CancellationReasons"],
            failure.detail["CancellationReasons"]
        );
        let reasons = answer.body["CancellationReasons"]
            .as_array()
            .expect("reasons");
        let code = |reason: &Value| reason["Code"].as_str().expect("a code").to_owned();
        reasons.iter().map(code).collect()
    }

    fn advisory_locks() -> i64 {
        count(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        )
    }

    #[pg_test]
    fn transact_write_items_does_every_kind_of_action() {
        for (table, burden) in [
            ("transact_plain", ""),
            (
                "transact_checked",
                "ALTER TABLE dynamo_tables.transact_checked ADD CONSTRAINT c CHECK (item IS NOT NULL)",
            ),
        ] {
            simple_table(table);
            run(burden);
            for key in ["updated", "deleted", "checked", "same"] {
                put(table, &with(&id(key), &json!({"n": {"N": "1"}})));
            }
            let reply = transact(&[
                put_of(table, &id("put")),
                add_of(table, "updated", 2),
                add_of(table, "created", 5),
                delete_of(table, "deleted"),
                delete_of(table, "nothing"),
                check_of(table, "checked", "attribute_exists(n)"),
                check_of(table, "missing", "attribute_not_exists(id)"),
                put_of(table, &with(&id("same"), &json!({"n": {"N": "1"}}))),
            ]);
            assert_eq!(reply, json!({}));
            assert_eq!(get(table, &id("put")), id("put"));
            assert_eq!(
                (n_of(table, "updated"), n_of(table, "created")),
                (json!("3"), json!("5"))
            );
            assert_eq!(get(table, &id("deleted")), Value::Null);
            assert_eq!(
                count(&format!("SELECT count(*) FROM dynamo_tables.{table}")),
                5
            );
            run(&format!("SELECT dynamo.delete_table('{table}')"));
        }
    }

    #[pg_test]
    fn transact_write_items_keeps_the_locks_of_missing_items_only() {
        simple_table("transact_locks");
        put("transact_locks", &id("old"));
        transact(&[
            add_of("transact_locks", "old", 1),
            check_of("transact_locks", "gone", "attribute_not_exists(id)"),
        ]);
        assert_eq!(advisory_locks(), 1, "the key of the row is given back");
        codes(&[
            put_of("transact_locks", &id("x")),
            check_of("transact_locks", "old", "n = id"),
        ]);
        assert_eq!(advisory_locks(), 1, "a cancelled one keeps none");
    }

    #[pg_test]
    fn transact_write_items_is_all_or_nothing() {
        simple_table("transact_nothing");
        put(
            "transact_nothing",
            &with(&id("a"), &json!({"n": {"N": "1"}})),
        );
        let told = codes(&[
            put_of("transact_nothing", &id("new")),
            check_of("transact_nothing", "a", "n > id"),
            add_of("transact_nothing", "a2", 1),
            json!({"Update": {"TableName": "transact_nothing", "Key": id("b"), "UpdateExpression": "SET n = m"}}),
        ]);
        assert_eq!(
            told,
            ["None", "ConditionalCheckFailed", "None", "ValidationError"]
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_nothing"),
            1
        );
        // The caller goes on, and what it did before stays.
        transact(&[put_of("transact_nothing", &id("after"))]);
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_nothing"),
            2
        );
    }

    #[pg_test]
    fn transact_write_items_is_undone_with_its_caller() {
        simple_table("transact_caller");
        run(r#"DO $$ BEGIN
                 BEGIN
                   PERFORM dynamo.transact_write_items('once', dynamo.transact_put('transact_caller', '{"id": {"S": "a"}}'));
                   RAISE EXCEPTION 'undone';
                 EXCEPTION WHEN raise_exception THEN NULL; END;
                 PERFORM dynamo.transact_write_items('once', dynamo.transact_put('transact_caller', '{"id": {"S": "b"}}'));
               END $$"#);
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_caller WHERE item ->> 'id' = 'b'"),
            1
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_caller"),
            1
        );
    }

    #[pg_test]
    fn transact_write_items_lets_errors_of_triggers_and_constraints_through() {
        simple_table("transact_trigger");
        run(r#"CREATE TABLE transact_seen (id text);
               CREATE FUNCTION transact_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO transact_seen VALUES (NEW.item ->> 'id');
                 IF NEW.item ->> 'id' = 'bad' THEN RAISE EXCEPTION USING ERRCODE = 'XY123', MESSAGE = 'not this one'; END IF;
                 RETURN NEW; END $$;
               CREATE TRIGGER note BEFORE INSERT ON dynamo_tables.transact_trigger FOR EACH ROW EXECUTE FUNCTION transact_note();
               ALTER TABLE dynamo_tables.transact_trigger ADD CONSTRAINT small CHECK (item ->> 'n' IS NULL OR item ->> 'n' <> '13')"#);
        let both = |key: &str, n: i64| {
            request(&[
                put_of("transact_trigger", &id("good")),
                add_of("transact_trigger", key, n),
            ])
        };
        let failed = refusal("transact_write_items", &both("bad", 1));
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            ("XY123", "not this one")
        );
        let failed = refusal("transact_write_items", &both("fine", 13));
        assert_eq!(
            (failed.sqlstate.as_str(), failed.constraint.as_str()),
            ("23514", "small")
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_trigger"),
            0
        );
        assert_eq!(
            count("SELECT count(*) FROM transact_seen"),
            0,
            "what triggers did is undone, too"
        );
        call("transact_write_items", &both("fine", 1));
        assert_eq!(count("SELECT count(*) FROM transact_seen"), 2);
    }

    #[pg_test]
    fn transact_write_items_may_run_in_a_trigger_of_another() {
        simple_table("transact_outer");
        simple_table("transact_inner");
        run(
            r#"CREATE FUNCTION transact_nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 BEGIN
                   PERFORM dynamo.transact_write_items(NULL, dynamo.transact_put('transact_inner', '{"id": {"S": "lost"}}'),
                     dynamo.transact_check('transact_inner', '{"id": {"S": "none"}}', 'attribute_exists(id)'));
                 EXCEPTION WHEN SQLSTATE 'DY014' THEN NULL; END;
                 PERFORM dynamo.transact_write_items('nested', dynamo.transact_put('transact_inner', NEW.item));
                 RETURN NULL; END $$;
               CREATE TRIGGER nested AFTER INSERT ON dynamo_tables.transact_outer FOR EACH ROW EXECUTE FUNCTION transact_nested()"#,
        );
        transact(&[put_of("transact_outer", &id("a"))]);
        assert_eq!(get("transact_inner", &id("a")), id("a"));
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_inner"),
            1
        );
    }

    #[pg_test]
    fn transact_write_items_asks_for_the_privileges_of_each_action() {
        simple_table("transact_rights");
        put("transact_rights", &id("a"));
        run("CREATE ROLE transact_role");
        let actions = [
            (
                put_of("transact_rights", &id("a")),
                "SELECT, INSERT, UPDATE",
            ),
            (add_of("transact_rights", "a", 1), "SELECT, UPDATE"),
            (
                check_of("transact_rights", "a", "attribute_exists(id)"),
                "SELECT, UPDATE",
            ),
            (delete_of("transact_rights", "a"), "SELECT, DELETE"),
        ];
        for (action, needed) in actions {
            let request = request(std::slice::from_ref(&action));
            for missing in needed.split(", ") {
                run("REVOKE ALL ON dynamo_tables.transact_rights FROM transact_role");
                let rest: Vec<_> = needed
                    .split(", ")
                    .filter(|right| *right != missing)
                    .collect();
                run(&format!(
                    "GRANT {} ON dynamo_tables.transact_rights TO transact_role",
                    rest.join(", ")
                ));
                run("SET LOCAL ROLE transact_role");
                let answer = handle("TransactWriteItems", request.to_string().as_bytes());
                let failed = refusal("transact_write_items", &request);
                run("RESET ROLE");
                assert_eq!(
                    answer.error_type.as_deref(),
                    Some("AccessDeniedException"),
                    "{action} without {missing}"
                );
                assert_eq!(failed.sqlstate, "42501", "{action} without {missing}");
            }
            run(&format!(
                "GRANT {needed} ON dynamo_tables.transact_rights TO transact_role"
            ));
            run("SET LOCAL ROLE transact_role");
            call("transact_write_items", &request);
            run("RESET ROLE");
        }
        run(
            "REVOKE ALL ON dynamo_tables.transact_rights FROM transact_role; SET LOCAL ROLE transact_role",
        );
        assert_eq!(
            failure("SELECT * FROM dynamo_internal.transaction_token").sqlstate,
            "42501"
        );
        run("RESET ROLE");
    }

    #[pg_test]
    fn transact_write_items_respects_row_level_security() {
        simple_table("transact_rls");
        for (key, owner) in [("mine", "transact_tenant"), ("theirs", "somebody")] {
            put(
                "transact_rls",
                &with(&id(key), &json!({"owner": {"S": owner}, "n": {"N": "1"}})),
            );
        }
        run("CREATE ROLE transact_tenant;
             GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables.transact_rls TO transact_tenant;
             ALTER TABLE dynamo_tables.transact_rls ENABLE ROW LEVEL SECURITY;
             CREATE POLICY own ON dynamo_tables.transact_rls USING (item ->> 'owner' = current_user);
             SET LOCAL ROLE transact_tenant");
        // What cannot be seen is not there.
        transact(&[
            add_of("transact_rls", "mine", 1),
            check_of("transact_rls", "theirs", "attribute_not_exists(id)"),
        ]);
        transact(&[delete_of("transact_rls", "theirs")]);
        assert_eq!(
            codes(&[
                add_of("transact_rls", "mine", 1),
                check_of("transact_rls", "theirs", "attribute_exists(id)")
            ]),
            ["None", "ConditionalCheckFailed"]
        );
        let taken = request(&[put_of(
            "transact_rls",
            &with(&id("theirs"), &json!({"owner": {"S": "transact_tenant"}})),
        )]);
        assert_eq!(refusal("transact_write_items", &taken).sqlstate, "42501");
        let foreign = request(&[put_of(
            "transact_rls",
            &with(&id("new"), &json!({"owner": {"S": "somebody"}})),
        )]);
        assert_eq!(refusal("transact_write_items", &foreign).sqlstate, "42501");
        run("RESET ROLE");
        assert_eq!(
            (n_of("transact_rls", "mine"), n_of("transact_rls", "theirs")),
            (json!("2"), json!("1"))
        );
    }

    #[pg_test]
    fn transact_write_items_refuses_what_is_hidden_from_writers_only() {
        simple_table("transact_hidden");
        put("transact_hidden", &id("a"));
        run(
            "CREATE ROLE transact_reader;
             GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables.transact_hidden TO transact_reader;
             ALTER TABLE dynamo_tables.transact_hidden ENABLE ROW LEVEL SECURITY;
             CREATE POLICY reads ON dynamo_tables.transact_hidden FOR SELECT USING (true);
             CREATE POLICY adds ON dynamo_tables.transact_hidden FOR INSERT WITH CHECK (true);
             CREATE POLICY changes ON dynamo_tables.transact_hidden FOR UPDATE USING (item ->> 'id' <> 'a');
             CREATE POLICY removes ON dynamo_tables.transact_hidden FOR DELETE USING (item ->> 'id' <> 'a');
             SET LOCAL ROLE transact_reader",
        );
        let update = json!({"Update": {"TableName": "transact_hidden", "Key": id("a"), "UpdateExpression": "SET n = id",
                            "ConditionExpression": "attribute_exists(id)"}});
        for action in [
            check_of("transact_hidden", "a", "attribute_exists(id)"),
            // A missing item would fulfil it, too.
            check_of("transact_hidden", "a", "attribute_not_exists(n)"),
            delete_of("transact_hidden", "a"),
            update,
        ] {
            let request = request(&[put_of("transact_hidden", &id("new")), action]);
            let failed = refusal("transact_write_items", &request);
            assert_eq!(failed.sqlstate, "42501", "{request}");
        }
        run("RESET ROLE");
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_hidden"),
            1
        );
    }

    #[pg_test]
    fn transact_write_items_leaves_the_lock_timeout_as_it_was() {
        simple_table("transact_timeout");
        run(
            "ALTER TABLE dynamo_tables.transact_timeout ADD CONSTRAINT small CHECK (item ->> 'id' <> 'large');
             SET LOCAL lock_timeout = '7s'",
        );
        let is_as_before = || truth("SELECT current_setting('lock_timeout') = '7s'") == Some(true);
        transact(&[put_of("transact_timeout", &id("a"))]);
        assert!(is_as_before(), "after success");
        codes(&[check_of(
            "transact_timeout",
            "a",
            "attribute_not_exists(id)",
        )]);
        assert!(is_as_before(), "after a cancellation");
        let large = request(&[put_of("transact_timeout", &id("large"))]);
        assert_eq!(refusal("transact_write_items", &large).sqlstate, "23514");
        assert!(is_as_before(), "after an ERROR");
    }

    #[pg_test]
    fn transact_write_items_charges_twice_and_cancelled_ones_too() {
        simple_table("transact_units");
        put(
            "transact_units",
            &with(&id("large"), &json!({"x": {"S": "x".repeat(3000)}})),
        );
        let actions = [
            put_of("transact_units", &id("a")),
            delete_of("transact_units", "large"),
        ];
        let units = |body: &Value| {
            let sql = "SELECT capacity::text FROM dynamo.handle_batch(ARRAY['TransactWriteItems'], ARRAY[convert_to($1, 'UTF8')])";
            text_with(sql, &body.to_string()).expect("units")
        };
        let refused = [
            &actions[..],
            &[check_of("transact_units", "none", "attribute_exists(id)")],
        ]
        .concat();
        assert_eq!(units(&request(&refused)), "10", "2 and 6 and 2");
        let reply = call(
            "transact_write_items",
            &with(
                &request(&actions),
                &json!({"ReturnConsumedCapacity": "TOTAL"}),
            ),
        );
        assert_eq!(
            reply["ConsumedCapacity"],
            json!([{"TableName": "transact_units", "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}])
        );
    }

    #[pg_test]
    fn transact_write_items_is_found_by_every_form_of_call() {
        simple_table("transact_forms");
        for call in [
            r#"'{"TransactItems": [{"Put": {"TableName": "transact_forms", "Item": {"id": {"S": "1"}}}}]}'"#,
            r#"'{"TransactItems": [{"Put": {"TableName": "transact_forms", "Item": {"id": {"S": "2"}}}}]}'::json"#,
            r#"NULL, dynamo.transact_put('transact_forms', '{"id": {"S": "3"}, "nul": {"S": "\u0000"}}')"#,
            r#"NULL, '{"Put": {"TableName": "transact_forms", "Item": {"id": {"S": "4"}}}}'"#,
            r#"client_request_token => 'x', VARIADIC actions => ARRAY[dynamo.transact_put('transact_forms', item => '{"id": {"S": "5"}}')]"#,
        ] {
            run(&format!("SELECT dynamo.transact_write_items({call})"));
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.transact_forms"),
            5
        );
        run(r##"SELECT dynamo.transact_write_items(NULL,
                 dynamo.transact_update('transact_forms', '{"id": {"S": "1"}}', 'SET #n = :n', 'attribute_exists(id)', '{"#n": "n"}', '{":n": {"N": "1"}}'),
                 dynamo.transact_delete('transact_forms', '{"id": {"S": "2"}}', 'attribute_exists(id)'),
                 dynamo.transact_check('transact_forms', '{"id": {"S": "3"}}', 'attribute_exists(nul)'))"##);
        assert_eq!(n_of("transact_forms", "1"), json!("1"));
        for (call, sqlstate) in [
            ("NULL, NULL", "DY001"),
            ("NULL, VARIADIC NULL", "DY001"),
            ("NULL, VARIADIC ARRAY[]::json[]", "DY001"),
            ("NULL, '[]'", "DY002"),
            ("NULL, dynamo.transact_put(NULL, NULL)", "DY001"),
            ("'a token alone'", "DY002"),
        ] {
            let failed = failure(&format!("SELECT dynamo.transact_write_items({call})"));
            assert_eq!(failed.sqlstate, sqlstate, "{call}: {failed:?}");
        }
    }

    #[pg_test]
    fn transact_write_items_keeps_indexes_right() {
        run(
            r#"SELECT dynamo.create_table('{"TableName":"transact_indexed","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "GlobalSecondaryIndexes":[{"IndexName":"ByG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}'::json)"#,
        );
        let item = |key: &str, g: &str| with(&id(key), &json!({"g": {"S": g}}));
        transact(&[
            put_of("transact_indexed", &item("a", "x")),
            put_of("transact_indexed", &item("b", "x")),
        ]);
        let found = || {
            let query = json!({"TableName": "transact_indexed", "IndexName": "ByG", "KeyConditionExpression": "g = :g",
                               "ExpressionAttributeValues": {":g": {"S": "x"}}});
            call("query", &query)["Count"].clone()
        };
        assert_eq!(found(), json!(2));
        let set = |key: &str, value: Value| {
            json!({"Update": {"TableName": "transact_indexed", "Key": id(key), "UpdateExpression": "SET g = :g",
                   "ExpressionAttributeValues": {":g": value}}})
        };
        transact(&[set("a", json!({"S": "y"}))]);
        assert_eq!(found(), json!(1));
        assert_eq!(
            codes(&[
                set("a", json!({"N": "1"})),
                put_of("transact_indexed", &id("c"))
            ]),
            ["ValidationError", "None"]
        );
        let empty = request(&[put_of("transact_indexed", &item("c", ""))]);
        assert_eq!(refusal("transact_write_items", &empty).sqlstate, "DY001");
    }

    #[pg_test]
    fn transact_write_items_takes_a_hundred_large_actions_in_any_order() {
        simple_table("transact_hundred");
        let key = |n: u64| format!("k{}", n * 7919 % 101);
        let large = |n: u64| {
            with(
                &id(&key(n)),
                &json!({"x": {"S": "x".repeat(40_000)}, "n": {"N": n.to_string()}}),
            )
        };
        transact(
            &(0..100)
                .map(|n| put_of("transact_hundred", &large(n)))
                .collect::<Vec<_>>(),
        );
        transact(
            &(0..100)
                .rev()
                .map(|n| add_of("transact_hundred", &key(n), 1))
                .collect::<Vec<_>>(),
        );
        assert_eq!(n_of("transact_hundred", &key(99)), json!("100"));
        let many: Vec<_> = (0..101)
            .map(|n| delete_of("transact_hundred", &key(n)))
            .collect();
        assert_eq!(
            refusal("transact_write_items", &request(&many)).sqlstate,
            "DY001"
        );
        // Eleven items of 400 KB are more than 4 MB, also when only looked at.
        for n in 0..11 {
            put(
                "transact_hundred",
                &with(
                    &id(&format!("l{n}")),
                    &json!({"x": {"S": "x".repeat(400_000)}}),
                ),
            );
        }
        let checks: Vec<_> = (0..11)
            .map(|n| check_of("transact_hundred", &format!("l{n}"), "attribute_exists(id)"))
            .collect();
        transact(&checks[..10]);
        let failed = refusal("transact_write_items", &request(&checks));
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            (
                "DY001",
                "The aggregate size of the items in the transaction cannot exceed 4 MB"
            )
        );
    }

    #[pg_test]
    fn transact_write_items_refuses_to_write_where_nothing_may_be_written() {
        simple_table("transact_read_only");
        let failed = failure(
            r#"DO $$ BEGIN SET LOCAL transaction_read_only = on;
               PERFORM dynamo.transact_write_items(NULL, dynamo.transact_check('transact_read_only', '{"id": {"S": "a"}}', 'attribute_exists(id)')); END $$"#,
        );
        assert_eq!(failed.sqlstate, "25006");
    }
}
