//! `dynamo.query` and `dynamo.scan` in FROM: how far they read, in which order, and under which plans.

#[pgrx::pg_schema]
mod tests {
    use super::super::reads::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    fn album(table: &str, count: usize) {
        run(&format!(
            "SELECT dynamo.create_table('{table}', 'Artist', sort_key => 'Track', sort_key_type => 'N')"
        ));
        load(
            table,
            count,
            r#"{"Artist":{"S":"a"},"Track":{"N":"%s"},"Even":{"BOOL":%s},"Text":{"S":"%s"}}"#,
            "i, (i % 2 = 0)::text, repeat('x', 100)",
        );
    }

    /// A call of dynamo.query for everything of the artist, with `more` arguments.
    fn query(table: &str, more: &str) -> String {
        format!(
            r#"dynamo.query('{table}', 'Artist = :a', expression_attribute_values => '{{":a":{{"S":"a"}}}}'{more})"#
        )
    }

    /// Tracks in the order of the rows.
    fn tracks(sql: &str) -> String {
        text(&format!(
            "SELECT coalesce(string_agg(item ->> 'Track', ' '), '') FROM ({sql}) AS found"
        ))
        .unwrap_or_default()
    }

    fn reads_itself(sql: &str) {
        let plan = plan(sql);
        assert!(plan.contains("Custom Scan (DynamoDB"), "{plan}");
        assert!(!plan.contains("Function Scan"), "{plan}");
    }

    #[pg_test]
    fn item_set_limit_stops_the_scan() {
        let t = "item_set_limit";
        album(t, 1000);
        let ten = format!("SELECT item FROM {} LIMIT 10", query(t, ""));
        reads_itself(&ten);
        let (found, rows) = counted(t, || tracks(&ten));
        assert_eq!(
            (found.as_str(), rows),
            ("1 2 3 4 5 6 7 8 9 10", 10),
            "rows read"
        );
        let filtered = format!(
            "SELECT item FROM {} LIMIT 3",
            query(t, ", filter_expression => 'attribute_exists(Even)'")
        );
        assert_eq!(counted(t, || tracks(&filtered)), ("1 2 3".to_owned(), 3));
        let scan = format!("SELECT item FROM dynamo.scan('{t}') LIMIT 4");
        reads_itself(&scan);
        assert_eq!(counted(t, || tracks(&scan)), ("1 2 3 4".to_owned(), 4));
        // The conditions of the statement itself are asked before the limit.
        let where_even = format!(
            "SELECT item FROM {} WHERE (item ->> 'Even')::bool LIMIT 2",
            query(t, "")
        );
        assert_eq!(counted(t, || tracks(&where_even)), ("2 4".to_owned(), 4));
    }

    #[pg_test]
    fn item_set_is_not_cut_at_a_megabyte_and_large_items_are_read_as_far_as_asked() {
        let t = "item_set_large";
        run(&format!(
            "SELECT dynamo.create_table('{t}', 'Artist', sort_key => 'Track', sort_key_type => 'N')"
        ));
        load(
            t,
            12,
            r#"{"Artist":{"S":"a"},"Track":{"N":"%s"},"Text":{"S":"%s"}}"#,
            "i, repeat('x', 250000)",
        );
        let all = format!("SELECT item FROM {}", query(t, ""));
        assert_eq!(tracks(&all).split(' ').count(), 12);
        let two = format!("{all} LIMIT 2");
        assert_eq!(counted(t, || tracks(&two)), ("1 2".to_owned(), 2));
    }

    #[pg_test]
    fn item_set_cursor_reads_what_is_fetched() {
        let t = "item_set_cursor";
        album(t, 500);
        let ((), rows) = counted(t, || {
            run(&format!(
                "DECLARE few CURSOR FOR SELECT item ->> 'Track' FROM {}",
                query(t, "")
            ));
            run("FETCH 3 FROM few");
            run("CLOSE few");
        });
        assert_eq!(rows, 3);
        run(&format!(
            "DECLARE there_and_back SCROLL CURSOR FOR SELECT item ->> 'Track' FROM {}",
            query(t, "")
        ));
        let fetch = |what: &str| text(&format!("FETCH {what} FROM there_and_back"));
        assert_eq!(fetch("ABSOLUTE 5").as_deref(), Some("5"));
        assert_eq!(fetch("PRIOR").as_deref(), Some("4"));
        assert_eq!(fetch("NEXT").as_deref(), Some("5"));
        assert_eq!(fetch("LAST").as_deref(), Some("500"));
        assert_eq!(fetch("FIRST").as_deref(), Some("1"));
    }

    #[pg_test]
    fn item_set_order_by_the_sort_key_needs_no_sort() {
        let t = "item_set_order";
        album(t, 30);
        let ordered = [
            ("item -> 'Track'", "", "1 2 3"),
            ("item -> 'Track' DESC", "", "30 29 28"),
            ("item -> 'Artist', item -> 'Track'", "", "1 2 3"),
            ("item -> 'Artist' DESC, item -> 'Track'", "", "1 2 3"),
            ("item -> 'Track', item -> 'Artist'", "", "1 2 3"),
            ("item -> 'Track'", ", scan_index_forward => false", "1 2 3"),
            (
                "item -> 'Track' DESC",
                ", scan_index_forward => false",
                "30 29 28",
            ),
            (
                "item -> 'Track'",
                ", projection_expression => 'Track'",
                "1 2 3",
            ),
        ];
        for (order, more, expected) in ordered {
            let sql = format!(
                "SELECT item FROM {} ORDER BY {order} LIMIT 3",
                query(t, more)
            );
            let shown = plan(&sql);
            assert!(!shown.contains("Sort"), "{order}{more}: {shown}");
            assert_eq!(
                counted(t, || tracks(&sql)),
                (expected.to_owned(), 3),
                "{order}"
            );
        }
        let sorted = [
            ("item -> 'Even'", ""),
            ("item ->> 'Track'", ""),
            ("item -> 'Even', item -> 'Track'", ""),
            // From a start key on the direction is not free.
            (
                "item -> 'Track' DESC",
                r#", exclusive_start_key => '{"Artist":{"S":"a"},"Track":{"N":"9"}}'"#,
            ),
        ];
        for (order, more) in sorted {
            let sql = format!(
                "SELECT item FROM {} ORDER BY {order} LIMIT 3",
                query(t, more)
            );
            let shown = plan(&sql);
            assert!(shown.contains("Sort Key"), "{order}{more}: {shown}");
        }
        let backward = format!(
            "SELECT item FROM {} LIMIT 3",
            query(t, ", scan_index_forward => false")
        );
        assert_eq!(tracks(&backward), "30 29 28");
    }

    #[pg_test]
    fn item_set_joins_are_rescans() {
        let t = "item_set_join";
        album(t, 50);
        put(t, &json!({"Artist": {"S": "b"}, "Track": {"N": "7"}}));
        let sql = format!(
            r#"SELECT item FROM (VALUES ('a', 3), ('b', 7), ('a', 5), ('c', 1)) AS wanted (artist, track),
               LATERAL dynamo.query('{t}', 'Artist = :a AND Track = :t', expression_attribute_values =>
                   json_build_object(':a', json_build_object('S', artist), ':t', json_build_object('N', track::text))::text::dynamo.item)"#
        );
        reads_itself(&sql);
        assert_eq!(counted(t, || tracks(&sql)), ("3 7 5".to_owned(), 3));
        // The inner side of a nested loop, begun anew for each outer row.
        let sql = format!(
            "SELECT b.item FROM generate_series(1, 2) AS i LEFT JOIN LATERAL
               (SELECT item FROM {} LIMIT i) AS b ON true",
            query(t, "")
        );
        assert_eq!(counted(t, || tracks(&sql)), ("1 1 2".to_owned(), 3));
    }

    #[pg_test]
    fn item_set_prepared_with_parameters() {
        let t = "item_set_prepared";
        album(t, 20);
        run(
            "PREPARE some_tracks (text, int, boolean) AS
             SELECT item ->> 'Track' FROM dynamo.query($1, 'Artist = :a AND Track > :t', expression_attribute_values =>
                 json_build_object(':a', json_build_object('S', 'a'), ':t', json_build_object('N', $2::text))::text::dynamo.item,
                 scan_index_forward => $3) LIMIT 1",
        );
        for mode in ["force_generic_plan", "force_custom_plan"] {
            run(&format!("SET LOCAL plan_cache_mode = {mode}"));
            for (from, forward, expected) in [(3, true, "4"), (12, true, "13"), (3, false, "20")] {
                let execute = format!("EXECUTE some_tracks ('{t}', {from}, {forward})");
                let (found, rows) = counted(t, || text(&execute));
                assert_eq!((found.as_deref(), rows), (Some(expected), 1), "{mode}");
            }
        }
        let failed = failure("EXECUTE some_tracks ('item_set_nowhere', 1, true)");
        assert_eq!(failed.sqlstate, "DY003");
    }

    #[pg_test]
    fn item_set_kept_plans_follow_the_table() {
        let t = "item_set_replaced";
        album(t, 9);
        run("SET LOCAL plan_cache_mode = force_generic_plan");
        run(&format!(
            "PREPARE kept AS SELECT string_agg(n, ' ') FROM
             (SELECT item ->> 'Track' AS n FROM {} ORDER BY item -> 'Track' DESC LIMIT 3) AS top",
            query(t, "")
        ));
        assert_eq!(text("EXECUTE kept").as_deref(), Some("9 8 7"));
        // The same name, other keys: now Track is no key, and the order needs a sort.
        run(&format!("SELECT dynamo.delete_table('{t}')"));
        run(&format!(
            "SELECT dynamo.create_table('{t}', 'Artist', sort_key => 'Other', sort_key_type => 'N')"
        ));
        load(
            t,
            9,
            r#"{"Artist":{"S":"a"},"Other":{"N":"%s"},"Track":{"N":"%s"}}"#,
            "i, (i * 7) % 10",
        );
        assert_eq!(text("EXECUTE kept").as_deref(), Some("9 8 7"));
    }

    #[pg_test]
    fn item_set_answers_where_there_is_no_place_for_a_node() {
        let t = "item_set_materialized";
        album(t, 5);
        let sums = [
            format!(
                "SELECT sum((item ->> 'Track')::int * n) FROM {} WITH ORDINALITY AS q (item, n)",
                query(t, "")
            ),
            format!(
                "SELECT sum((item ->> 'Track')::int * n) FROM ROWS FROM ({}, generate_series(1, 5)) AS q (item, n)",
                query(t, "")
            ),
        ];
        for sql in sums {
            assert_eq!(count(&format!("SELECT ({sql})::int8")), 55, "{sql}");
        }
        assert_eq!(
            count(&format!(
                "SELECT count(*) FROM (SELECT {}) AS q",
                query(t, "")
            )),
            5
        );
        let projected = query(
            t,
            ", filter_expression => 'Even = :t', projection_expression => 'Track'",
        )
        .replace(r#"{"S":"a"}}"#, r#"{"S":"a"},":t":{"BOOL":true}}"#);
        for sql in [
            format!("SELECT string_agg(item::text, '') FROM {projected}"),
            format!("SELECT string_agg(item::text, '') FROM (SELECT {projected} AS item) AS q"),
        ] {
            assert_eq!(
                text(&sql).as_deref(),
                Some(r#"{"Track":{"N":"2"}}{"Track":{"N":"4"}}"#)
            );
        }
    }

    #[pg_test]
    fn item_set_in_updates_and_locks() {
        let t = "item_set_update";
        album(t, 3);
        run("CREATE TEMP TABLE plays (track int, note text)");
        run("INSERT INTO plays VALUES (1, 'x'), (3, 'y'), (9, 'z')");
        run(&format!(
            "UPDATE plays SET note = note || (item ->> 'Artist') FROM {} WHERE track = (item ->> 'Track')::int",
            query(t, "")
        ));
        assert_eq!(
            text("SELECT string_agg(note, ' ' ORDER BY track) FROM plays").as_deref(),
            Some("xa ya z")
        );
        let locked = format!(
            "SELECT track FROM plays, {} WHERE track = (item ->> 'Track')::int ORDER BY track FOR UPDATE OF plays",
            query(t, "")
        );
        assert_eq!(
            text(&format!(
                "WITH l AS MATERIALIZED ({locked}) SELECT string_agg(track::text, ' ') FROM l"
            ))
            .as_deref(),
            Some("1 3")
        );
        run(&format!(
            "DELETE FROM plays USING {} WHERE track = (item ->> 'Track')::int",
            query(t, "")
        ));
        assert_eq!(count("SELECT count(*) FROM plays"), 1);
    }

    #[pg_test]
    fn item_set_runs_as_whoever_asks() {
        let t = "item_set_roles";
        album(t, 4);
        let sql = format!("SELECT item FROM {}", query(t, ""));
        run("CREATE ROLE item_set_reader");
        run("SET LOCAL ROLE item_set_reader");
        let failed = failure(&sql);
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            ("42501", "permission denied for table item_set_roles")
        );
        run("RESET ROLE");
        run(&format!(
            "CREATE FUNCTION item_set_definer() RETURNS SETOF dynamo.item LANGUAGE sql SECURITY DEFINER AS $${sql}$$"
        ));
        run(&format!("CREATE VIEW item_set_view AS {sql}"));
        run("GRANT SELECT ON item_set_view TO item_set_reader");
        run("SET LOCAL ROLE item_set_reader");
        assert_eq!(count("SELECT count(*) FROM item_set_definer()"), 4);
        // A function in a view runs as who reads the view.
        assert_eq!(failure("TABLE item_set_view").sqlstate, "42501");
        run("RESET ROLE");
        run(&format!(
            "GRANT SELECT ON dynamo_tables.{t} TO item_set_reader"
        ));
        run(&format!(
            "CREATE POLICY even ON dynamo_tables.{t} USING ((item ->> 'Even')::bool)"
        ));
        by_statement(t);
        run("SET LOCAL ROLE item_set_reader");
        assert_eq!(tracks("TABLE item_set_view"), "2 4");
        let limited = format!("{sql} LIMIT 1");
        // The first row is read too, and the policy refuses it.
        assert_eq!(counted(t, || tracks(&limited)), ("2".to_owned(), 2));
    }

    #[pg_test]
    fn item_set_calls_are_never_ambiguous() {
        let t = "item_set_forms";
        album(t, 2);
        let cases = [
            (format!("dynamo.scan('{t}')"), "dynamo.item"),
            (format!("dynamo.scan('{t}'::varchar)"), "dynamo.item"),
            (format!("dynamo.scan(table_name => '{t}')"), "dynamo.item"),
            (
                format!("dynamo.scan('{t}', segment => 0, total_segments => 1)"),
                "dynamo.item",
            ),
            (query(t, ""), "dynamo.item"),
            (
                format!(r#"dynamo.scan('{{"TableName":"{t}"}}'::json)"#),
                "json",
            ),
            (
                format!(r#"dynamo.scan(request => '{{"TableName":"{t}"}}')"#),
                "json",
            ),
            (
                format!(
                    r#"dynamo.query('{{"TableName":"{t}","KeyConditionExpression":"Artist = :a",
                       "ExpressionAttributeValues":{{":a":{{"S":"a"}}}}}}')"#
                ),
                "json",
            ),
        ];
        for (call, expected) in cases {
            let sql = format!("SELECT pg_typeof(q)::text FROM {call} AS q LIMIT 1");
            assert_eq!(text(&sql).as_deref(), Some(expected), "{call}");
        }
        for sql in [
            format!(r#"SELECT * FROM dynamo.scan('{{"TableName":"{t}"}}')"#),
            format!(r#"SELECT dynamo.scan('{{"TableName":"{t}"}}')"#),
        ] {
            let failed = failure(&sql);
            assert_eq!(
                (failed.sqlstate.as_str(), failed.message.as_str()),
                (
                    "DY001",
                    "dynamo.scan(table_name text, …) was given a request where the name of a table is expected"
                )
            );
        }
    }

    #[pg_test]
    fn item_set_explains_itself() {
        let t = "item_set_explain";
        album(t, 10);
        let sql = format!(
            "SELECT item FROM {} LIMIT 2",
            query(
                t,
                ", filter_expression => 'attribute_exists(Even) AND size(#t) > :n', expression_attribute_names => '{\"#t\":\"Text\"}'"
            )
            .replace(r#"{"S":"a"}}"#, r#"{"S":"a"},":n":{"N":"5"}}"#)
        );
        let lines = explained("COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF", &sql);
        for expected in [
            "Custom Scan (DynamoDB Query)",
            "Table: item_set_explain",
            "Index: item_set_explain:primary",
            "Key Condition: ",
            "Filter Expression: ",
            "Items Read: 2",
        ] {
            assert!(lines.contains(expected), "{expected} in {lines}");
        }
    }
}
