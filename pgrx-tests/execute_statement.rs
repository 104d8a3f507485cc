//! ExecuteStatement and `dynamo.partiql` against the backend.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn execute(statement: &str, more: &Value) -> Value {
        call(
            "execute_statement",
            &with(&json!({"Statement": statement}), more),
        )
    }

    fn run_statement(statement: &str) -> Value {
        execute(statement, &json!({}))
    }

    /// Titles of a music table, in the order of the reply.
    fn titles(reply: &Value) -> Vec<String> {
        let items = reply["Items"].as_array().expect("Items");
        let title = |item: &Value| item["SongTitle"]["S"].as_str().expect("a title").to_owned();
        items.iter().map(title).collect()
    }

    fn songs(table: &str) {
        music_table(table);
        for (artist, title, year) in [
            ("a", "1", 1990),
            ("a", "2", 1991),
            ("a", "3", 1992),
            ("b", "1", 1990),
        ] {
            run_statement(&format!(
                "INSERT INTO \"{table}\" VALUE {{'Artist': '{artist}', 'SongTitle': '{title}', 'Year': {year}}}"
            ));
        }
    }

    #[pg_test]
    fn execute_statement_writes_and_reads_one_item() {
        music_table("execute_one");
        let insert =
            "INSERT INTO execute_one VALUE {'Artist': 'a', 'SongTitle': ?, 'n': 1, 'set': <<'x'>>}";
        let parameters = json!({"Parameters": [{"S": "t"}]});
        assert_eq!(execute(insert, &parameters), json!({"Items": []}));
        let key = json!({"Artist": {"S": "a"}, "SongTitle": {"S": "t"}});
        assert_eq!(get("execute_one", &key)["set"], json!({"SS": ["x"]}));
        expect_refusal(
            "execute_statement",
            &with(&json!({"Statement": insert}), &parameters),
            ("DY018", "DuplicateItemException"),
            "Duplicate primary key exists in table",
        );
        let update = "UPDATE execute_one SET n = n + 1 WHERE Artist = 'a' AND SongTitle = 't' AND n < 2 RETURNING MODIFIED NEW *";
        assert_eq!(run_statement(update), json!({"Items": [{"n": {"N": "2"}}]}));
        expect_refusal(
            "execute_statement",
            &json!({"Statement": update, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
            ("DY005", "ConditionalCheckFailedException"),
            "The conditional request failed",
        );
        let select = "SELECT n FROM execute_one WHERE Artist = 'a' AND SongTitle = 't'";
        assert_eq!(run_statement(select), json!({"Items": [{"n": {"N": "2"}}]}));
        let delete =
            "DELETE FROM execute_one WHERE Artist = 'a' AND SongTitle = 't' RETURNING ALL OLD *";
        assert_eq!(run_statement(delete)["Items"][0]["n"], json!({"N": "2"}));
        assert_eq!(run_statement(delete), json!({"Items": []}));
        assert_eq!(run_statement(select), json!({"Items": []}));
    }

    #[pg_test]
    fn execute_statement_reads_ranges_and_indexes() {
        songs("execute_ranges");
        for (condition, expected) in [
            ("Artist = 'a'", vec!["1", "2", "3"]),
            (
                "Artist = 'a' AND SongTitle > '1' ORDER BY SongTitle DESC",
                vec!["3", "2"],
            ),
            ("Artist IN ['b', 'a'] AND SongTitle = '1'", vec!["1", "1"]),
            (
                "Artist = 'a' AND \"Year\" BETWEEN 1991 AND 1992",
                vec!["2", "3"],
            ),
            (
                "Artist = 'a' AND SongTitle IN ['3', '1'] ORDER BY SongTitle",
                vec!["1", "3"],
            ),
        ] {
            let reply = run_statement(&format!("SELECT * FROM execute_ranges WHERE {condition}"));
            assert_eq!(titles(&reply), expected, "{condition}");
        }
        assert_eq!(
            titles(&run_statement("SELECT SongTitle FROM execute_ranges")).len(),
            4
        );
        call(
            "create_table",
            &json!({
                "TableName": "execute_index", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"}}],
            }),
        );
        run_statement("INSERT INTO execute_index VALUE {'id': 'x', 'g': 'G', 'other': 1}");
        run_statement("INSERT INTO execute_index VALUE {'id': 'y'}");
        let reply = run_statement("SELECT * FROM \"execute_index\".\"by_g\"");
        assert_eq!(
            reply,
            json!({"Items": [{"id": {"S": "x"}, "g": {"S": "G"}}]})
        );
    }

    #[pg_test]
    fn execute_statement_goes_on_from_its_token() {
        songs("execute_token");
        let statement = "SELECT * FROM execute_token WHERE Artist IN ['a', 'b']";
        let (mut found, mut more) = (Vec::new(), json!({"Limit": 1}));
        loop {
            let reply = execute(statement, &more);
            found.extend(titles(&reply));
            match reply.get("NextToken") {
                Some(token) => more = json!({"Limit": 1, "NextToken": token}),
                None => break,
            }
            assert!(reply.get("LastEvaluatedKey").is_some());
        }
        assert_eq!(found, ["1", "2", "3", "1"]);
        expect_refusal(
            "execute_statement",
            &with(&json!({"Statement": "SELECT * FROM execute_token"}), &more),
            ("DY001", "ValidationException"),
            "NextToken does not match request",
        );
    }

    /// A statement by key costs what GetItem does: one row is read, and no other.
    #[pg_test]
    fn execute_statement_by_key_reads_one_row() {
        songs("execute_key");
        let capacity = json!({"ReturnConsumedCapacity": "TOTAL"});
        let reply = execute(
            "SELECT * FROM execute_key WHERE Artist = 'a' AND SongTitle = '2'",
            &capacity,
        );
        assert_eq!(reply["ConsumedCapacity"]["CapacityUnits"], json!(0.5));
        let reply = execute(
            "SELECT * FROM execute_key WHERE Artist = 'a' AND SongTitle = '2'",
            &json!({"ReturnConsumedCapacity": "TOTAL", "ConsistentRead": true}),
        );
        assert_eq!(reply["ConsumedCapacity"]["CapacityUnits"], json!(1.0));
    }

    #[pg_test]
    fn execute_statement_faults_come_with_their_sqlstate() {
        for (statement, kind, message) in [
            (
                "SELECTT * FROMM x",
                ("DY001", "ValidationException"),
                "Statement wasn't well formed, can't be processed: Expected data manipulation",
            ),
            (
                "SELECT * FROM nowhere_at_all WHERE id = 'x'",
                ("DY003", "ResourceNotFoundException"),
                "Requested resource not found",
            ),
        ] {
            expect_refusal(
                "execute_statement",
                &json!({"Statement": statement}),
                kind,
                message,
            );
        }
        let answer = handle(
            "ExecuteStatement",
            br#"{"Statement":"SELECT * FROM nowhere_at_all"}"#,
        );
        assert_eq!(answer.status, 400);
    }

    #[pg_test]
    fn partiql_is_a_set_of_items() {
        songs("partiql_set");
        let titles = "SELECT string_agg(item ->> 'SongTitle', ',') FROM dynamo.partiql";
        for (arguments, expected) in [
            (
                "('SELECT * FROM partiql_set WHERE Artist = ''a''')",
                Some("1,2,3"),
            ),
            (
                "('SELECT SongTitle FROM partiql_set WHERE Artist = ? AND \"Year\" > ?', '{\"S\":\"a\"}', '{\"N\":\"1990\"}')",
                Some("2,3"),
            ),
            (
                "('SELECT * FROM partiql_set WHERE Artist = ?', VARIADIC ARRAY['{\"S\":\"b\"}']::dynamo.attribute_value[])",
                Some("1"),
            ),
            ("('SELECT * FROM partiql_set WHERE Artist = ''c''')", None),
            (
                "('DELETE FROM partiql_set WHERE Artist = ''b'' AND SongTitle = ''1'' RETURNING ALL OLD *')",
                Some("1"),
            ),
            ("('SELECT * FROM partiql_set WHERE Artist = ''b''')", None),
        ] {
            assert_eq!(
                text(&format!("{titles}{arguments}")).as_deref(),
                expected,
                "{arguments}"
            );
        }
        for (arguments, message) in [
            (
                "(NULL)",
                "The parameter 'Statement' is required but was not present in the request",
            ),
            (
                "('SELECT * FROM partiql_set WHERE Artist = ?', NULL::dynamo.attribute_value)",
                "parameters must not contain NULL",
            ),
            (
                "('SELECT * FROM partiql_set WHERE Artist = ?')",
                "Number of parameters in request and statement don't match.",
            ),
        ] {
            let failure = failure(&format!("SELECT * FROM dynamo.partiql{arguments}"));
            assert_eq!(
                (failure.sqlstate.as_str(), failure.message.as_str()),
                ("DY001", message)
            );
        }
    }

    /// More than a page of the API holds.
    #[pg_test]
    fn partiql_is_not_cut_at_a_megabyte() {
        simple_table("partiql_large");
        run("INSERT INTO dynamo_tables.partiql_large (item)
             SELECT format('{\"id\":{\"S\":\"%s\"},\"big\":{\"S\":\"%s\"}}', i, repeat('x', 100000))::dynamo.item
             FROM generate_series(1, 30) AS i");
        assert_eq!(
            count("SELECT count(*) FROM dynamo.partiql('SELECT id FROM partiql_large')"),
            30
        );
        let reply = run_statement("SELECT id FROM partiql_large");
        assert!(reply["Items"].as_array().expect("Items").len() < 30);
    }

    /// Names and values that would be something else if they ever became part of a statement's text.
    #[pg_test]
    fn partiql_text_never_reaches_the_parser_of_postgres() {
        let hostile = [
            "x' OR '1'='1",
            "x\"; DROP TABLE dynamo_tables.partiql_hostile; --",
            "$1",
            "${x}",
            "\\'; SELECT 1/0; --",
            "a\"b",
            "pg_sleep(10)",
            "é\u{202e}",
        ];
        music_table("partiql_hostile");
        for text in hostile {
            let value = text.replace('\'', "''");
            let name = text.replace('"', "\"\"");
            // As a value, as an attribute's name, and as both in a parameter.
            run_statement(&format!(
                "INSERT INTO partiql_hostile VALUE {{'Artist': '{value}', 'SongTitle': 't', '{value}': 1}}"
            ));
            let update = format!(
                "UPDATE partiql_hostile SET \"{name}\" = \"{name}\" + 1 WHERE Artist = '{value}' AND SongTitle = 't' RETURNING ALL NEW *"
            );
            let reply = run_statement(&update);
            assert_eq!(reply["Items"][0][text], json!({"N": "2"}), "{text}");
            let select = format!(
                "SELECT \"{name}\" FROM partiql_hostile WHERE Artist = ? AND \"{name}\" = 2"
            );
            let found = execute(&select, &json!({"Parameters": [{"S": text}]}));
            assert_eq!(found["Items"][0][text], json!({"N": "2"}), "{text}");
            // As a table and as an index: there is none of that name.
            for from in [format!("\"{name}\""), format!("partiql_hostile.\"{name}\"")] {
                for statement in [
                    format!("SELECT * FROM {from} WHERE Artist = 'a'"),
                    format!("SELECT * FROM {from}"),
                    format!("DELETE FROM {from} WHERE Artist = 'a' AND SongTitle = 't'"),
                ] {
                    let failure = refusal("execute_statement", &json!({"Statement": statement}));
                    assert!(
                        ["DY001", "DY003"].contains(&failure.sqlstate.as_str()),
                        "{statement}: {failure:?}"
                    );
                }
            }
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.partiql_hostile"),
            hostile.len() as i64
        );
        // Names of relations that are no DynamoDB tables are none here either.
        for relation in [
            "pg_class",
            "pg_catalog.pg_class",
            "dynamo_internal.access_key",
            "table_definition",
        ] {
            for quoted in [relation.to_owned(), format!("\"{relation}\"")] {
                let failure = refusal(
                    "execute_statement",
                    &json!({"Statement": format!("SELECT * FROM {quoted}")}),
                );
                assert_eq!(failure.sqlstate, "DY003", "{quoted}: {failure:?}");
            }
        }
    }

    #[pg_test]
    fn execute_statement_survives_hostile_nesting() {
        run("SET LOCAL statement_timeout = '5s'");
        music_table("partiql_deep");
        for text in ["(", "[", "{'a':", "<<", "NOT ", "- ", "((((", "f("] {
            for head in [
                "SELECT * FROM partiql_deep WHERE a = ",
                "INSERT INTO partiql_deep VALUE {'Artist': ",
                "UPDATE partiql_deep SET a = ",
            ] {
                let repeat = (8192 - head.len()) / text.len();
                let statement = format!("{head}{}", text.repeat(repeat));
                let failure = refusal("execute_statement", &json!({"Statement": statement}));
                assert_eq!(failure.sqlstate, "DY001", "{head}{text}: {failure:?}");
            }
        }
        let wide = format!(
            "SELECT * FROM partiql_deep WHERE {}a = 1",
            "a = 1 OR ".repeat(900)
        );
        run_statement(&wide);
    }
}
