//! `dynamo.attribute_value` and `dynamo.item`: text, binary, JSON and casts.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;

    /// Values whose text form is what they are written as.
    const CANONICAL: [&str; 16] = [
        r#"{"S":""}"#,
        r#"{"S":"a\u0000é\"\\"}"#,
        r#"{"N":"0"}"#,
        r#"{"N":"-12.5"}"#,
        r#"{"N":"99999999999999999999999999999999999999"}"#,
        r#"{"B":""}"#,
        r#"{"B":"AAEC/w=="}"#,
        r#"{"BOOL":true}"#,
        r#"{"NULL":true}"#,
        r#"{"M":{}}"#,
        r#"{"M":{"":{"S":"empty name"},"k":{"L":[{"N":"1"},{"M":{"z":{"BOOL":false}}}]}}}"#,
        r#"{"L":[]}"#,
        r#"{"SS":["","a"]}"#,
        r#"{"NS":["-1","0","2.5"]}"#,
        r#"{"BS":["","AA=="]}"#,
        r#"{"L":[{"SS":["x"]},{"NULL":true}]}"#,
    ];

    #[pg_test]
    fn types_text_form_is_dynamodb_json() {
        for value in CANONICAL {
            let shown = text_with("SELECT $1::dynamo.attribute_value::json::text", value);
            assert_eq!(shown.as_deref(), Some(value));
            let item = format!(r#"{{"a":{value}}}"#);
            let shown = text_with("SELECT format('%s', $1::dynamo.item)", &item);
            assert_eq!(shown.as_deref(), Some(item.as_str()));
        }
    }

    #[pg_test]
    fn types_normalise_what_they_read() {
        let cases = [
            (r#" { "N" : "1.500e1" } "#, r#"{"N":"15"}"#),
            (r#"{"N":"-0.0"}"#, r#"{"N":"0"}"#),
            (r#"{"N":"+7"}"#, r#"{"N":"7"}"#),
            (r#"{"NS":["2","1.0","-3"]}"#, r#"{"NS":["-3","1","2"]}"#),
            (r#"{"SS":["b","a"]}"#, r#"{"SS":["a","b"]}"#),
            (r#"{"S":"\u0041"}"#, r#"{"S":"A"}"#),
            (
                r#"{"M":{"b":{"NULL":true},"a":{"NULL":true}}}"#,
                r#"{"M":{"a":{"NULL":true},"b":{"NULL":true}}}"#,
            ),
        ];
        for (written, expected) in cases {
            let shown = text_with("SELECT format('%s', $1::dynamo.attribute_value)", written);
            assert_eq!(shown.as_deref(), Some(expected));
        }
    }

    #[pg_test]
    fn types_refuse_what_is_no_value() {
        let cases = [
            ("", "DY002"),
            ("{", "DY002"),
            ("[]", "DY002"),
            (r#"{"S":1}"#, "DY002"),
            (r#"{"S":"x"} x"#, "DY002"),
            ("{}", "DY001"),
            (r#"{"Q":"x"}"#, "DY001"),
            (r#"{"S":"x","N":"1"}"#, "DY001"),
            (r#"{"N":""}"#, "DY001"),
            (r#"{"N":"NaN"}"#, "DY001"),
            (r#"{"N":"1e126"}"#, "DY001"),
            (r#"{"N":"1e-131"}"#, "DY001"),
            (
                r#"{"N":"100000000000000000000000000000000000001"}"#,
                "DY001",
            ),
            (r#"{"SS":[]}"#, "DY001"),
            (r#"{"NS":["1","1.0"]}"#, "DY001"),
            (r#"{"NULL":false}"#, "DY001"),
            (r#"{"B":"?"}"#, "DY002"),
        ];
        for (written, sqlstate) in cases {
            for kind in ["attribute_value", "item"] {
                let written = if kind == "item" {
                    format!(r#"{{"a":{written}}}"#)
                } else {
                    written.to_owned()
                };
                if written == r#"{"a":}"# {
                    continue;
                }
                let failure = failure_with(&format!("SELECT $1::dynamo.{kind}"), &written);
                assert_eq!(failure.sqlstate, sqlstate, "{written}: {}", failure.message);
            }
        }
    }

    /// `pg_temp.receive(bytes)`: what COPY BINARY makes of a dynamo.item with these bytes, as text, or its
    /// SQLSTATE. A file with a bytea column is byte for byte one with an item column.
    fn create_receive(file: &str) {
        run(&format!(
            "CREATE TEMP TABLE received (item dynamo.item);
             CREATE FUNCTION pg_temp.receive(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
             DECLARE file text := current_setting('data_directory') || '/{file}'; found text;
             BEGIN
                 EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
                 DELETE FROM received;
                 EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
                 SELECT format('%s', item) INTO found FROM received;
                 RETURN found;
             EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
             END $$"
        ));
    }

    #[pg_test]
    fn types_binary_form_round_trips() {
        create_receive("types_binary_form");
        for value in CANONICAL {
            let item = format!(r#"{{"a":{value}}}"#);
            let received = text_with(
                "SELECT pg_temp.receive(dynamo_internal.item_send($1::dynamo.item))",
                &item,
            );
            assert_eq!(received.as_deref(), Some(item.as_str()));
        }
        run("CREATE TEMP TABLE sent (value dynamo.attribute_value)");
        run("INSERT INTO sent SELECT '{\"L\":[{\"N\":\"1\"}]}' FROM generate_series(1, 3)");
        run("DO $$ DECLARE file text := current_setting('data_directory') || '/types_binary_values'; BEGIN
             EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
             EXECUTE format('COPY sent FROM %L (FORMAT binary)', file); END $$");
        assert_eq!(
            count("SELECT count(*) FROM sent WHERE value = '{\"L\":[{\"N\":\"1\"}]}'"),
            6
        );
    }

    /// Every prefix and every changed byte of a message is refused, or is a value in its one canonical form.
    #[pg_test]
    fn types_malformed_binary_is_refused() {
        create_receive("types_malformed");
        run(
            r#"CREATE TEMP TABLE message AS SELECT dynamo_internal.item_send(
               '{"id":{"S":"a"},"n":{"N":"-12.5"},"m":{"M":{"l":{"L":[{"B":"AAEC"},{"NULL":true}]}}},
                 "s":{"SS":["a","b"]},"ns":{"NS":["1","2"]}}'::dynamo.item) AS bytes"#,
        );
        run("CREATE TEMP TABLE verdict AS
             SELECT pg_temp.receive(substr(bytes, 1, n)) AS verdict FROM message, generate_series(0, length(bytes) - 1) AS n
             UNION ALL
             SELECT pg_temp.receive(set_byte(bytes, n, get_byte(bytes, n) # mask))
             FROM message, generate_series(0, length(bytes) - 1) AS n, unnest(array[1, 128, 255]) AS mask
             UNION ALL SELECT pg_temp.receive(bytes || '\\x00') FROM message");
        assert!(count("SELECT count(*) FROM verdict") > 300);
        let odd = "SELECT string_agg(verdict, ' ') FROM verdict
                   WHERE verdict !~ '^(DY|XX)...$' AND format('%s', verdict::dynamo.item) <> verdict";
        assert_eq!(text(odd), None);
        let refused = count("SELECT count(*) FROM verdict WHERE verdict ~ '^(DY|XX)...$'");
        assert!(refused > 150, "{refused}");
    }

    #[pg_test]
    fn types_casts_to_and_from_json() {
        for target in ["json", "jsonb"] {
            for value in CANONICAL.iter().filter(|value| !value.contains("u0000")) {
                let same = format!(
                    "SELECT (($1::dynamo.attribute_value::{target})::dynamo.attribute_value = $1::dynamo.attribute_value)::text"
                );
                assert_eq!(
                    text_with(&same, value).as_deref(),
                    Some("true"),
                    "{value} through {target}"
                );
                let same = format!(
                    "SELECT (($1::dynamo.item::{target})::dynamo.item = $1::dynamo.item)::text"
                );
                assert_eq!(
                    text_with(&same, &format!(r#"{{"a":{value}}}"#)).as_deref(),
                    Some("true")
                );
            }
        }
        // An assignment needs no cast.
        run("CREATE TEMP TABLE assigned (item dynamo.item, document jsonb)");
        run(
            r#"INSERT INTO assigned VALUES ('{"a":{"N":"1"}}'::jsonb, '{"a":{"N":"1"}}'::dynamo.item)"#,
        );
        assert_eq!(
            count("SELECT count(*) FROM assigned WHERE item::jsonb = document"),
            1
        );
    }

    #[pg_test]
    fn types_u0000_has_no_jsonb_and_no_text() {
        let item = r#"{"a":{"S":"x\u0000y"}}"#;
        for target in [
            "$1::dynamo.item::jsonb",
            "$1::dynamo.item ->> 'a'",
            "($1::dynamo.item -> 'a')::text",
        ] {
            assert_eq!(
                failure_with(&format!("SELECT {target}"), item).sqlstate,
                "22P05",
                "{target}"
            );
        }
        assert_eq!(
            text_with("SELECT $1::dynamo.item::json::text", item).as_deref(),
            Some(item)
        );
        let plain = text_with("SELECT dynamo.to_json($1::dynamo.item)::text", item);
        assert_eq!(plain.as_deref(), Some(r#"{"a":"x\u0000y"}"#));
    }

    #[pg_test]
    fn types_plain_json() {
        let item = r#"{"b":{"B":"AAEC"},"l":{"L":[{"NULL":true},{"BOOL":true},{"M":{"k":{"S":"v"}}}]},
            "n":{"N":"-1234567890123456789012345678.0123456789"},"ns":{"NS":["10","9"]},"ss":{"SS":["b","a"]}}"#;
        let plain = text_with("SELECT dynamo.to_json($1::dynamo.item)::text", item);
        assert_eq!(
            plain.as_deref(),
            Some(
                r#"{"b":"AAEC","l":[null,true,{"k":"v"}],"n":-1234567890123456789012345678.0123456789,"ns":[9,10],"ss":["a","b"]}"#
            )
        );
        let item = text_with(
            "SELECT format('%s', dynamo.from_json($1::json))",
            r#"{"a":[1.10,true,null,"x",{"k":[]}],"n":12345678901234567890.123456789012345678}"#,
        );
        assert_eq!(
            item.as_deref(),
            Some(
                r#"{"a":{"L":[{"N":"1.1"},{"BOOL":true},{"NULL":true},{"S":"x"},{"M":{"k":{"L":[]}}}]},"n":{"N":"12345678901234567890.123456789012345678"}}"#
            )
        );
        let value = text_with(
            "SELECT format('%s', dynamo.value_from_json($1::json))",
            "[1e2]",
        );
        assert_eq!(value.as_deref(), Some(r#"{"L":[{"N":"100"}]}"#));
        for refused in [
            "[1]",
            r#"{"n":1e126}"#,
            r#"{"n":123456789012345678901234567890123456789}"#,
        ] {
            assert_eq!(
                failure_with("SELECT dynamo.from_json($1::json)", refused).sqlstate,
                "DY001",
                "{refused}"
            );
        }
    }

    #[pg_test]
    fn types_casts_of_values() {
        let cases = [
            (r#"{"S":"x"}"#, "text", Some("x")),
            (r#"{"N":"1.50"}"#, "text", Some("1.5")),
            (r#"{"BOOL":false}"#, "text", Some("false")),
            (r#"{"NULL":true}"#, "text", None),
            (r#"{"SS":["b","a"]}"#, "text", Some(r#"["a","b"]"#)),
            (
                r#"{"N":"99999999999999999999999999999999999999"}"#,
                "numeric",
                Some("99999999999999999999999999999999999999"),
            ),
            (r#"{"N":"-0.00001"}"#, "numeric", Some("-0.00001")),
            (r#"{"NULL":true}"#, "numeric", None),
            (r#"{"BOOL":true}"#, "boolean", Some("true")),
            (r#"{"B":"AAEC"}"#, "bytea", Some(r"\x000102")),
        ];
        for (value, target, expected) in cases {
            let cast = text_with(
                &format!("SELECT $1::dynamo.attribute_value::{target}::text"),
                value,
            );
            assert_eq!(cast.as_deref(), expected, "{value} as {target}");
        }
        for (value, target) in [
            (r#"{"S":"1"}"#, "numeric"),
            (r#"{"S":"t"}"#, "boolean"),
            (r#"{"S":"x"}"#, "bytea"),
            (r#"{"L":[]}"#, "numeric"),
        ] {
            let failure = failure_with(
                &format!("SELECT $1::dynamo.attribute_value::{target}"),
                value,
            );
            assert_eq!(failure.sqlstate, "42846", "{value} as {target}");
        }
        // The ends of the range keep their 38 digits as numeric.
        let same = "SELECT ($1::dynamo.attribute_value::numeric = 9.9999999999999999999999999999999999999e125)::text";
        let largest = r#"{"N":"9.9999999999999999999999999999999999999E+125"}"#;
        assert_eq!(text_with(same, largest).as_deref(), Some("true"));
        let same = "SELECT ($1::dynamo.attribute_value::numeric = -1e-130)::text";
        assert_eq!(
            text_with(same, r#"{"N":"-1E-130"}"#).as_deref(),
            Some("true")
        );
    }

    #[pg_test]
    fn types_sizes_are_dynamodbs() {
        // AWS: an attribute is its name and its value; a number about one byte per two digits and one more.
        let cases = [
            (r#"{"a":{"S":"é"}}"#, 3),
            (r#"{"a":{"B":"AAEC"}}"#, 4),
            (r#"{"a":{"BOOL":true}}"#, 2),
            (r#"{"a":{"NULL":true}}"#, 2),
            (r#"{"a":{"N":"12"}}"#, 3),
            (r#"{"a":{"L":[]}}"#, 4),
            (r#"{"a":{"M":{"b":{"S":"c"}}}}"#, 7),
            (r#"{"a":{"SS":["x","yz"]}}"#, 4),
        ];
        for (item, size) in cases {
            let found = text_with("SELECT dynamo.size($1::dynamo.item)::text", item);
            assert_eq!(found, Some(size.to_string()), "{item}");
        }
    }
}
