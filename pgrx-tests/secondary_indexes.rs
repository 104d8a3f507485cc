//! Columns and btrees of secondary indexes: what they hold, for every writer, and who may change them.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn key(hash: &str, range: Option<&str>) -> Value {
        let mut keys = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
        keys.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
        Value::Array(keys)
    }

    fn index(name: &str, hash: &str, range: Option<&str>) -> Value {
        json!({"IndexName": name, "KeySchema": key(hash, range), "Projection": {"ProjectionType": "ALL"}})
    }

    fn definitions(attributes: &[(&str, &str)]) -> Value {
        attributes
            .iter()
            .map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}))
            .collect()
    }

    /// Partition key `user` (S), sort key `day` (N); local index on `score` (N), global one on `avatar` (S), `score`.
    fn games(name: &str) {
        let request = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("user", Some("day")),
            "AttributeDefinitions": definitions(&[("user", "S"), ("day", "N"), ("score", "N"), ("avatar", "S")]),
            "LocalSecondaryIndexes": [index("ByScore", "user", Some("score"))],
            "GlobalSecondaryIndexes": [index("ByAvatar", "avatar", Some("score"))],
        });
        call("create_table", &request);
    }

    fn game(day: u32, more: &Value) -> Value {
        with(
            &json!({"user": {"S": "ann"}, "day": {"N": day.to_string()}}),
            more,
        )
    }

    /// The columns of the game of `day`: local sort key, global partition and sort key.
    fn columns(table: &str, day: u32) -> String {
        text(&format!(
            "SELECT concat_ws(' ', coalesce(index_1_sk::text, 'null'), coalesce(substr(index_2_pk, 9)::text, 'null'), coalesce(index_2_sk::text, 'null')) \
             FROM dynamo_tables.{table} WHERE (item -> 'day')::numeric = {day}"
        ))
        .expect("a row")
    }

    #[pg_test]
    fn secondary_indexes_are_partial_btrees() {
        games("indexes_ddl");
        let index = |number: u32| {
            text(&format!(
                "SELECT regexp_replace(pg_get_indexdef(c.oid), '.* USING ', '') || ' -- ' || obj_description(c.oid) FROM pg_class c \
                 WHERE relname = 'indexes_ddl:index_{number}' AND relnamespace = 'dynamo_tables'::regnamespace"
            ))
            .expect("an index")
        };
        assert_eq!(
            index(1),
            "btree (pk_hash, pk, index_1_sk, sk) WHERE (index_1_sk IS NOT NULL) -- index ByScore of DynamoDB table indexes_ddl"
        );
        assert_eq!(
            index(2),
            "btree (index_2_pk, index_2_sk, pk_hash, pk, sk) WHERE (index_2_pk IS NOT NULL) -- index ByAvatar of DynamoDB table indexes_ddl"
        );
    }

    #[pg_test]
    fn secondary_indexes_hold_items_that_have_their_keys() {
        games("indexes_sparse");
        let score = json!({"score": {"N": "5"}});
        let avatar = json!({"avatar": {"S": "cat"}});
        put("indexes_sparse", &game(1, &json!({})));
        put("indexes_sparse", &game(2, &score));
        put("indexes_sparse", &game(3, &avatar));
        put("indexes_sparse", &game(4, &with(&score, &avatar)));
        assert_eq!(columns("indexes_sparse", 1), "null null null");
        assert_eq!(columns("indexes_sparse", 2), r"\x024106 null null");
        assert_eq!(columns("indexes_sparse", 3), "null null null");
        assert_eq!(
            columns("indexes_sparse", 4),
            r"\x024106 \x00636174 \x024106"
        );
        // Updates and deletions of key attributes move items in and out.
        let update = |day: u32, expression: &str, values: Value| {
            call(
                "update_item",
                &json!({"TableName": "indexes_sparse", "Key": game(day, &json!({})), "UpdateExpression": expression,
                "ExpressionAttributeValues": values}),
            )
        };
        update(
            1,
            "SET avatar = :a, score = :s",
            json!({":a": {"S": "dog"}, ":s": {"N": "0"}}),
        );
        assert_eq!(columns("indexes_sparse", 1), r"\x01 \x00646f67 \x01");
        call(
            "update_item",
            &json!({"TableName": "indexes_sparse", "Key": game(4, &json!({})), "UpdateExpression": "REMOVE score"}),
        );
        assert_eq!(columns("indexes_sparse", 4), "null null null");
    }

    /// The API refuses a wrongly typed key; an item that came by plain SQL is left out, as DynamoDB leaves out what
    /// was there before the index.
    #[pg_test]
    fn secondary_indexes_leave_out_wrong_keys_of_plain_sql() {
        games("indexes_wrong");
        let wrong = [
            json!({"score": {"S": "5"}, "avatar": {"S": "cat"}}),
            json!({"score": {"N": "5"}, "avatar": {"N": "1"}}),
            json!({"score": {"N": "5"}, "avatar": {"S": ""}}),
            json!({"score": {"N": "5"}, "avatar": {"S": "x".repeat(2049)}}),
            json!({"score": {"NULL": true}, "avatar": {"M": {}}}),
        ];
        for (day, more) in (1..).zip(&wrong) {
            let item = game(day, more);
            let refused = refusal(
                "put_item",
                &json!({"TableName": "indexes_wrong", "Item": item}),
            );
            assert_eq!(refused.sqlstate, "DY001", "{more}");
            text_with(
                "INSERT INTO dynamo_tables.indexes_wrong (item) SELECT $1::dynamo.item RETURNING '-'",
                &item.to_string(),
            );
            let local = if day == 1 || day == 5 {
                "null"
            } else {
                r"\x024106"
            };
            assert_eq!(
                columns("indexes_wrong", day),
                format!("{local} null null"),
                "{more}"
            );
        }
    }

    #[pg_test]
    fn secondary_indexes_follow_every_writer() {
        games("indexes_writers");
        put(
            "indexes_writers",
            &game(1, &json!({"score": {"N": "1"}, "avatar": {"S": "a"}})),
        );
        // Columns that somebody writes are what the item says; so are those that he leaves out.
        run(
            "UPDATE dynamo_tables.indexes_writers SET index_1_sk = 'x', index_2_pk = NULL, index_2_sk = ''",
        );
        assert_eq!(columns("indexes_writers", 1), r"\x024102 \x0061 \x024102");
        run(
            r#"UPDATE dynamo_tables.indexes_writers SET item = (item::jsonb || '{"avatar": {"S": "b"}}')::dynamo.item"#,
        );
        assert_eq!(columns("indexes_writers", 1), r"\x024102 \x0062 \x024102");
        // A large item stored out of line gives up its keys only.
        let large = game(
            2,
            &json!({"avatar": {"S": "c"}, "score": {"N": "2"}, "text": {"S": "y".repeat(100_000)}}),
        );
        put("indexes_writers", &large);
        run(
            "CREATE TEMPORARY TABLE indexes_copy AS SELECT item FROM dynamo_tables.indexes_writers",
        );
        run("DELETE FROM dynamo_tables.indexes_writers");
        run("INSERT INTO dynamo_tables.indexes_writers (item) SELECT item FROM indexes_copy");
        assert_eq!(columns("indexes_writers", 1), r"\x024102 \x0062 \x024102");
        assert_eq!(columns("indexes_writers", 2), r"\x024103 \x0063 \x024103");
        // A column of the owner's before them changes nothing.
        run("ALTER TABLE dynamo_tables.indexes_writers ADD COLUMN mine int DEFAULT 7");
        put("indexes_writers", &game(3, &json!({"score": {"N": "3"}})));
        assert_eq!(columns("indexes_writers", 3), r"\x024104 null null");
    }

    /// An update that leaves the keys of table and indexes alone is heap-only; one that changes a key is not.
    #[pg_test]
    fn secondary_indexes_updates_of_other_attributes_are_heap_only() {
        let request = json!({
            "TableName": "indexes_hot", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("id", None),
            "AttributeDefinitions": definitions(&[("id", "S"), ("one", "S"), ("two", "N")]),
            "GlobalSecondaryIndexes": [index("First", "one", Some("two")), index("Second", "two", None)],
        });
        call("create_table", &request);
        put(
            "indexes_hot",
            &json!({"id": {"S": "a"}, "one": {"S": "x"}, "two": {"N": "2"}}),
        );
        let update = |expression: &str, value: Value| {
            call(
                "update_item",
                &json!({"TableName": "indexes_hot", "Key": {"id": {"S": "a"}}, "UpdateExpression": expression,
                "ExpressionAttributeValues": {":v": value}}),
            );
        };
        let updates = || {
            text("SELECT concat_ws(' ', n_tup_upd, n_tup_hot_upd) FROM pg_stat_xact_user_tables WHERE relname = 'indexes_hot'")
                .expect("statistics")
        };
        for n in 0..10 {
            update("SET three = :v", json!({"N": n.to_string()}));
        }
        put(
            "indexes_hot",
            &json!({"id": {"S": "a"}, "one": {"S": "x"}, "two": {"N": "2.0"}, "four": {"S": "y"}}),
        );
        run(
            "UPDATE dynamo_tables.indexes_hot SET item = (item::jsonb || '{\"five\": {\"S\": \"z\"}}')::dynamo.item",
        );
        assert_eq!(updates(), "12 12");
        update("SET two = :v", json!({"N": "3"}));
        assert_eq!(updates(), "13 12");
    }

    const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/";

    /// `length` characters that no compression shortens much, different for each `seed`.
    fn noise(length: usize, seed: u64) -> Value {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[(state >> 58) as usize])
        };
        json!({"S": (0..length).map(|_| next()).collect::<String>()})
    }

    /// As many indexes as there may be, with keys as long as they may be and incompressible.
    #[pg_test]
    fn secondary_indexes_of_the_greatest_keys_fit() {
        let local = |n: usize| format!("local{n}");
        let hash = |n: usize| format!("hash{n}");
        let range = |n: usize| format!("range{n}");
        let mut attributes = vec![("p".to_owned(), "S"), ("s".to_owned(), "S")];
        attributes.extend((1..=5).map(|n| (local(n), "S")));
        attributes.extend((1..=20).flat_map(|n| [(hash(n), "S"), (range(n), "S")]));
        let named: Vec<_> = attributes
            .iter()
            .map(|(name, kind)| (name.as_str(), *kind))
            .collect();
        let locals: Vec<_> = (1..=5)
            .map(|n| index(&local(n), "p", Some(&local(n))))
            .collect();
        let globals: Vec<_> = (1..=20)
            .map(|n| index(&format!("global{n}"), &hash(n), Some(&range(n))))
            .collect();
        let request = json!({
            "TableName": "indexes_greatest", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("p", Some("s")),
            "AttributeDefinitions": definitions(&named),
            "LocalSecondaryIndexes": locals, "GlobalSecondaryIndexes": globals,
        });
        call("create_table", &request);
        let item = |seed: u64| {
            let mut item = serde_json::Map::new();
            for ((name, _), at) in attributes.iter().zip(1_u64..) {
                let length = if name == "p" || name.starts_with("hash") {
                    2048
                } else {
                    1024
                };
                item.insert(name.clone(), noise(length, seed * 1000 + at));
            }
            Value::Object(item)
        };
        for seed in 1..=3 {
            put("indexes_greatest", &item(seed));
        }
        let first = item(1);
        let key = json!({"p": first["p"], "s": first["s"]});
        call(
            "update_item",
            &json!({"TableName": "indexes_greatest", "Key": key, "UpdateExpression": "SET hash7 = :h, local2 = :l",
            "ExpressionAttributeValues": {":h": noise(2048, 77), ":l": noise(1024, 78)}}),
        );
        run("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
        for n in 1..=25 {
            let column = if n <= 5 {
                format!("index_{n}_sk")
            } else {
                format!("index_{n}_pk")
            };
            assert_eq!(
                count(&format!(
                    "SELECT count(*) FROM dynamo_tables.indexes_greatest WHERE {column} IS NOT NULL"
                )),
                3,
                "{column}"
            );
        }
        assert_eq!(get("indexes_greatest", &key)["hash7"], noise(2048, 77));
    }

    #[pg_test]
    fn secondary_indexes_columns_are_protected() {
        games("indexes_protected");
        for change in [
            "DROP COLUMN index_2_pk",
            "DROP COLUMN index_1_sk",
            "RENAME COLUMN index_2_sk TO mine",
            "ALTER COLUMN index_2_pk TYPE text USING ''",
            "ALTER COLUMN index_2_pk SET NOT NULL",
            "ALTER COLUMN index_2_sk SET DEFAULT ''",
            "ADD COLUMN index_3_pk int",
            "ADD COLUMN index_3_pk bytea NOT NULL",
        ] {
            let refused = failure(&format!(
                "ALTER TABLE dynamo_tables.indexes_protected {change}"
            ));
            assert_eq!(
                (refused.sqlstate.as_str(), refused.message.as_str()),
                (
                    "55000",
                    "columns of the secondary indexes of DynamoDB table \"indexes_protected\" cannot be altered"
                ),
                "{change}"
            );
        }
        // Who drops the btree makes queries slow, not wrong: the columns stay true.
        run(r#"DROP INDEX dynamo_tables."indexes_protected:index_2""#);
        put(
            "indexes_protected",
            &game(1, &json!({"score": {"N": "1"}, "avatar": {"S": "a"}})),
        );
        assert_eq!(columns("indexes_protected", 1), r"\x024102 \x0061 \x024102");
    }

    fn statuses(table: &str) -> Value {
        let described = call("describe_table", &json!({"TableName": table}));
        let indexes = described["Table"]["GlobalSecondaryIndexes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        indexes
            .iter()
            .map(|index| {
                json!([
                    index["IndexName"],
                    index["IndexStatus"],
                    index["Backfilling"]
                ])
            })
            .collect()
    }

    fn create(table: &str, name: &str, attribute: &str) -> Value {
        json!({"TableName": table, "AttributeDefinitions": definitions(&[(attribute, "S")]),
            "GlobalSecondaryIndexUpdates": [{"Create": index(name, attribute, None)}]})
    }

    /// The build begins when the transaction commits, so in this one the index stays as UpdateTable made it.
    #[pg_test]
    fn secondary_indexes_added_later_wait_for_the_commit() {
        games("indexes_later");
        call("update_table", &create("indexes_later", "Later", "place"));
        let added = json!([["ByAvatar", "ACTIVE", null], ["Later", "CREATING", false]]);
        assert_eq!(statuses("indexes_later"), added);
        assert_eq!(
            text(
                "SELECT concat_ws(' ', table_name, index_name, index_status, phase) FROM dynamo.index_builds"
            ),
            Some("indexes_later Later CREATING waiting".to_owned())
        );
        assert_eq!(count("SELECT dynamo.resume_index_builds()"), 1);
        let again = refusal("update_table", &create("indexes_later", "Other", "other"));
        assert_eq!(again.sqlstate, "DY006");
        let deleted = refusal("delete_table", &json!({"TableName": "indexes_later"}));
        assert_eq!(deleted.sqlstate, "DY004");
        // Writers know nothing of it yet.
        put("indexes_later", &game(1, &json!({"place": {"S": "here"}})));
    }

    #[pg_test]
    fn secondary_indexes_given_up_are_resumed_by_their_tables_owner() {
        games("indexes_given_up");
        call(
            "update_table",
            &create("indexes_given_up", "Later", "place"),
        );
        run(
            "INSERT INTO dynamo_internal.index_build (table_name, index_name, table_id, phase, gave_up)
             SELECT table_name, 'Later', definition ->> 'table_id', 'columns', true FROM dynamo.tables
             WHERE table_name = 'indexes_given_up'",
        );
        let phase = || text("SELECT phase FROM dynamo.index_builds");
        assert_eq!(phase().as_deref(), Some("failed"));
        run("CREATE ROLE indexes_stranger; SET LOCAL ROLE indexes_stranger");
        run("SELECT dynamo.resume_index_builds(); RESET ROLE");
        assert_eq!(phase().as_deref(), Some("failed"));
        run("SELECT dynamo.resume_index_builds()");
        assert_eq!(phase().as_deref(), Some("columns"));
    }

    #[pg_test]
    fn secondary_indexes_are_counted_by_statistics() {
        games("indexes_counted");
        for day in 1..=20 {
            let more = if day % 2 == 0 {
                json!({"score": {"N": "1"}})
            } else {
                json!({})
            };
            put("indexes_counted", &game(day, &more));
        }
        run("ANALYZE dynamo_tables.indexes_counted");
        let described = call("describe_table", &json!({"TableName": "indexes_counted"}));
        let local = &described["Table"]["LocalSecondaryIndexes"][0];
        assert_eq!(local["ItemCount"], json!(10));
        assert_eq!(local["IndexSizeBytes"], json!(16384));
        assert_eq!(
            described["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"],
            json!(0)
        );
    }
}
