//! Operators of both types, their order, their hash, and how much of a large item they read.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::Value;

    const ITEM: &str = r#"{"id":{"S":"a"},"n":{"N":"1.50"},"nothing":{"NULL":true},"yes":{"BOOL":true},"b":{"B":"AAEC"},
        "m":{"M":{"l":{"L":[{"S":"zero"},{"N":"1"},{"M":{"z":{"S":"deep"}}}]},"0":{"S":"member zero"}}},
        "ss":{"SS":["x","y"]},"é.\"":{"S":"odd name"}}"#;

    #[pg_test]
    fn operators_reach_into_items() {
        // `t` is the item; the operand answers a value, shown as DynamoDB JSON, or text.
        let cases = [
            ("t -> 'n'", Some(r#"{"N":"1.5"}"#)),
            ("t -> 'missing'", None),
            ("t -> 'é.\"'", Some(r#"{"S":"odd name"}"#)),
            ("t ->> 'n'", Some("1.5")),
            ("t ->> 'id'", Some("a")),
            ("t ->> 'yes'", Some("true")),
            ("t ->> 'nothing'", None),
            ("t ->> 'b'", Some("AAEC")),
            ("t ->> 'ss'", Some(r#"["x","y"]"#)),
            ("t ->> 'missing'", None),
            ("t #> '{m,l,2,z}'", Some(r#"{"S":"deep"}"#)),
            ("t #> '{m,l,-1,z}'", Some(r#"{"S":"deep"}"#)),
            ("t #> '{m,0}'", Some(r#"{"S":"member zero"}"#)),
            ("t #> '{m,l,3}'", None),
            ("t #> '{m,l,x}'", None),
            ("t #> '{n,x}'", None),
            ("t #> '{}'", None),
            ("t #> '{m,NULL}'", None),
            ("t #>> '{m,l,0}'", Some("zero")),
            ("t -> 'm' -> 'l' -> 1", Some(r#"{"N":"1"}"#)),
            ("t -> 'm' -> 'l' -> -3", Some(r#"{"S":"zero"}"#)),
            ("t -> 'm' -> 'l' -> -4", None),
            ("t -> 'm' -> 'l' ->> 1", Some("1")),
            ("t -> 'm' ->> '0'", Some("member zero")),
            ("t -> 'n' -> 'x'", None),
            ("t -> 'm' #> '{l,2,z}'", Some(r#"{"S":"deep"}"#)),
            ("t -> 'm' #>> '{l,2,z}'", Some("deep")),
            ("t ? 'n'", Some("t")),
            ("t ? 'nothing'", Some("t")),
            ("t ? 'missing'", Some("f")),
            ("t -> 'm' ? 'l'", Some("t")),
            ("t -> 'ss' ? 'x'", Some("t")),
            ("t -> 'ss' ? 'z'", Some("f")),
            ("t -> 'n' ? 'z'", Some("f")),
            ("dynamo.attribute_type(t -> 'ss')", Some("SS")),
            ("t = t", Some("t")),
            ("t <> '{}'", Some("t")),
        ];
        for (expression, expected) in cases {
            let sql = format!(
                "SELECT nullif(format('%s', {expression}), '') FROM (SELECT $1::dynamo.item AS t) AS s"
            );
            assert_eq!(text_with(&sql, ITEM).as_deref(), expected, "{expression}");
        }
    }

    #[pg_test]
    fn operators_equal_values_are_equal_however_written() {
        let cases = [
            (r#"{"N":"1"}"#, r#"{"N":"1.0"}"#, true),
            (r#"{"N":"100"}"#, r#"{"N":"1e2"}"#, true),
            (r#"{"SS":["a","b"]}"#, r#"{"SS":["b","a"]}"#, true),
            (r#"{"NS":["1","2"]}"#, r#"{"NS":["2.0","1.0"]}"#, true),
            (
                r#"{"M":{"a":{"N":"1"},"b":{"N":"2"}}}"#,
                r#"{"M":{"b":{"N":"2.0"},"a":{"N":"1"}}}"#,
                true,
            ),
            (
                r#"{"L":[{"N":"1"},{"N":"2"}]}"#,
                r#"{"L":[{"N":"2"},{"N":"1"}]}"#,
                false,
            ),
            (r#"{"S":"1"}"#, r#"{"N":"1"}"#, false),
            (r#"{"S":"AAEC"}"#, r#"{"B":"AAEC"}"#, false),
            (
                r#"{"N":"0.99999999999999999999999999999999999999"}"#,
                r#"{"N":"1"}"#,
                false,
            ),
        ];
        for (left, right, equal) in cases {
            let sql = format!(
                "SELECT (l = r AND NOT l <> r AND dynamo_internal.attribute_value_hash(l) = dynamo_internal.attribute_value_hash(r)
                         AND dynamo_internal.attribute_value_cmp(l, r) = 0)::text
                 FROM (SELECT $1::dynamo.attribute_value AS l, '{right}'::dynamo.attribute_value AS r) AS s"
            );
            assert_eq!(
                text_with(&sql, left),
                Some(equal.to_string()),
                "{left} and {right}"
            );
        }
    }

    /// In ascending order: within S, N and B DynamoDB's, across types a fixed one.
    const ASCENDING: [&str; 26] = [
        r#"{"NULL":true}"#,
        r#"{"BOOL":false}"#,
        r#"{"BOOL":true}"#,
        r#"{"N":"-9.9999999999999999999999999999999999999E+125"}"#,
        r#"{"N":"-100"}"#,
        r#"{"N":"-99.999999999999999999999999999999999999"}"#,
        r#"{"N":"-10"}"#,
        r#"{"N":"-9"}"#,
        r#"{"N":"-1E-130"}"#,
        r#"{"N":"0"}"#,
        r#"{"N":"1E-130"}"#,
        r#"{"N":"0.1"}"#,
        r#"{"N":"9"}"#,
        r#"{"N":"10"}"#,
        r#"{"N":"12345678901234567890123456789012345677"}"#,
        r#"{"N":"12345678901234567890123456789012345678"}"#,
        r#"{"N":"9.9999999999999999999999999999999999999E+125"}"#,
        r#"{"S":""}"#,
        r#"{"S":"B"}"#,
        r#"{"S":"a"}"#,
        r#"{"S":"a\u0000"}"#,
        r#"{"S":"aa"}"#,
        // UTF-8 bytes decide: U+FFFD (EF BF BD) before U+1F600 (F0 …), unlike UTF-16.
        r#"{"S":"\ufffd"}"#,
        r#"{"S":"\ud83d\ude00"}"#,
        r#"{"B":"AQ=="}"#,
        r#"{"B":"/w=="}"#,
    ];

    #[pg_test]
    fn operators_order_values() {
        let list = ASCENDING.map(|value| format!("('{value}')")).join(",");
        run(&format!(
            "CREATE TEMP TABLE ascending AS SELECT v::dynamo.attribute_value AS v, row_number() OVER () AS n FROM (VALUES {list}) AS l (v)"
        ));
        let wrong = "SELECT string_agg(format('%s %s', a.v, b.v), '; ') FROM ascending AS a, ascending AS b
                     WHERE ((a.v < b.v), (a.v <= b.v), (a.v = b.v), (a.v >= b.v), (a.v > b.v), (a.v <> b.v))
                     IS DISTINCT FROM ((a.n < b.n), (a.n <= b.n), (a.n = b.n), (a.n >= b.n), (a.n > b.n), (a.n <> b.n))";
        assert_eq!(text(wrong), None);
        run("CREATE INDEX ON ascending (v)");
        run("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off");
        let by_index = "SELECT (array_agg(n ORDER BY position) = array_agg(n ORDER BY n))::bool FROM
                        (SELECT n, row_number() OVER () AS position FROM (SELECT n FROM ascending ORDER BY v) AS s) AS t";
        assert_eq!(truth(by_index), Some(true));
        assert_eq!(
            count(
                "SELECT count(*) FROM ascending WHERE v >= '{\"N\":\"-9\"}' AND v < '{\"N\":\"9\"}'"
            ),
            5
        );
    }

    #[pg_test]
    fn operators_join_and_group_by_hash() {
        run(
            r#"CREATE TEMP TABLE l AS SELECT format('{"N":"%s"}', n % 10)::dynamo.attribute_value AS v,
                   format('{"n":{"N":"%s.0"}}', n % 10)::dynamo.item AS item FROM generate_series(1, 1000) AS n"#,
        );
        run(
            r#"CREATE TEMP TABLE r AS SELECT format('{"N":"%s.00"}', n)::dynamo.attribute_value AS v,
                   format('{"n":{"N":"%s"}}', n)::dynamo.item AS item FROM generate_series(0, 4) AS n"#,
        );
        run("ANALYZE l; ANALYZE r");
        for column in ["v", "item"] {
            let join = format!("SELECT count(*) FROM l JOIN r USING ({column})");
            for forbidden in ["enable_mergejoin", "enable_hashjoin"] {
                run(&format!("SET LOCAL {forbidden} = off"));
                assert_eq!(count(&join), 500, "{column} without {forbidden}");
                run(&format!("SET LOCAL {forbidden} = on"));
            }
            assert_eq!(
                count(&format!(
                    "SELECT count(*) FROM (SELECT DISTINCT {column} FROM l) AS s"
                )),
                10
            );
            assert_eq!(
                count(&format!(
                    "SELECT max(n) FROM (SELECT count(*) AS n FROM l GROUP BY {column}) AS s"
                )),
                100
            );
            assert_eq!(
                count(&format!(
                    "SELECT count(*) FROM (SELECT {column} FROM l INTERSECT SELECT {column} FROM r) AS s"
                )),
                5
            );
        }
    }

    #[pg_test]
    fn operators_serve_expression_indexes() {
        simple_table("operators_index");
        run(
            r#"INSERT INTO dynamo_tables.operators_index (item) SELECT format('{"id":{"S":"%s"},"x":{"N":"%s"}}', n, n % 50)::dynamo.item
               FROM generate_series(1, 500) AS n"#,
        );
        run("CREATE INDEX operators_index_x ON dynamo_tables.operators_index ((item -> 'x'))");
        run(
            "CREATE INDEX operators_index_h ON dynamo_tables.operators_index USING hash ((item ->> 'id'))",
        );
        run("SET LOCAL enable_seqscan = off");
        let below = "SELECT count(*) FROM dynamo_tables.operators_index WHERE item -> 'x' < '{\"N\":\"5\"}'";
        assert_eq!(count(below), 50);
        assert!(plan(below).contains("operators_index_x"));
        let one = "SELECT count(*) FROM dynamo_tables.operators_index WHERE item ->> 'id' = '77'";
        assert_eq!(count(one), 1);
        assert!(plan(one).contains("operators_index_h"));
    }

    fn plan(sql: &str) -> String {
        let plan =
            Spi::get_one::<pgrx::Json>(&format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {sql}"));
        plan.expect("a plan").expect("a plan").0.to_string()
    }

    /// Blocks that a statement touches when it runs.
    fn blocks(sql: &str) -> i64 {
        let plan: Value = serde_json::from_str(&plan(sql)).expect("JSON");
        let top = &plan[0]["Plan"];
        top["Shared Hit Blocks"].as_i64().unwrap() + top["Shared Read Blocks"].as_i64().unwrap()
    }

    #[pg_test]
    fn operators_read_only_the_attribute_they_name() {
        simple_table("operators_large");
        run(
            r#"INSERT INTO dynamo_tables.operators_large (item) SELECT format(
               '{"id":{"S":"a"},"a":{"N":"1"},"big":{"S":"%s"},"z":{"M":{"k":{"S":"v"}}}}', repeat('x', 300000))::dynamo.item"#,
        );
        let whole = blocks("SELECT length(format('%s', item)) FROM dynamo_tables.operators_large");
        assert!(whole > 40, "300 KB are some 38 blocks: {whole}");
        let cases = [
            ("item -> 'a'", r#"{"N":"1"}"#),
            ("item ->> 'a'", "1"),
            ("item #> '{z,k}'", r#"{"S":"v"}"#),
            ("item #>> '{z,k}'", "v"),
            ("item ? 'z'", "t"),
            ("item ? 'none'", "f"),
            ("item -> 'none'", ""),
            ("dynamo.size(item)", "300016"),
        ];
        for (expression, expected) in cases {
            let sql =
                format!("SELECT format('%s', {expression}) FROM dynamo_tables.operators_large");
            assert_eq!(text(&sql).as_deref(), Some(expected), "{expression}");
            let read = blocks(&sql);
            assert!(read <= 6, "{expression} reads {read} blocks of {whole}");
        }
        // GetItem plans its statement at first use.
        let projected =
            r#"SELECT dynamo.get_item('operators_large', '{"id":{"S":"a"}}', 'z.k')::json::text"#;
        assert_eq!(
            text(projected).as_deref(),
            Some(r#"{"z":{"M":{"k":{"S":"v"}}}}"#)
        );
        let read = blocks(projected);
        assert!(read <= 9, "{read} blocks of {whole}");
        let big = "SELECT length(item ->> 'big')::bigint FROM dynamo_tables.operators_large";
        assert_eq!(count(big), 300_000);
    }
    /// A column that its owner lets Postgres compress cannot be sliced, but is read all the same.
    #[pg_test]
    fn operators_read_compressed_items() {
        simple_table("operators_compressed");
        run(
            "ALTER TABLE dynamo_tables.operators_compressed ALTER COLUMN item SET STORAGE EXTENDED",
        );
        run(r#"SELECT dynamo.put_item('operators_compressed', format(
               '{"id":{"S":"%s"},"big":{"S":"%s"},"z":{"N":"1"}}', name, repeat('x', size))::dynamo.item)
               FROM (VALUES ('inline', 3000), ('toasted', 390000)) AS v (name, size)"#);
        let stored = "SELECT count(*) FROM dynamo_tables.operators_compressed WHERE pg_column_size(item) < 20000";
        assert_eq!(count(stored), 2, "compressed");
        let found = "SELECT string_agg(concat_ws(' ', item ->> 'id', item ->> 'z', length(item ->> 'big')), ', ' ORDER BY item ->> 'id')
                     FROM dynamo_tables.operators_compressed";
        assert_eq!(
            text(found).as_deref(),
            Some("inline 1 3000, toasted 1 390000")
        );
    }
}
