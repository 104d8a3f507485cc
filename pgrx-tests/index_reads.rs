//! Query and Scan of secondary indexes: order, ties, pages, plans, and how many rows that takes.

#[pgrx::pg_schema]
mod tests {
    use super::super::reads::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    /// Game scores: user and date are the key; scores are few, so that most of them are equal.
    fn scores(table: &str, users: usize, dates: usize) {
        call(
            "create_table",
            &json!({"TableName": table, "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "User", "AttributeType": "S"}, {"AttributeName": "Date", "AttributeType": "N"},
                    {"AttributeName": "Score", "AttributeType": "N"}, {"AttributeName": "Game", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Date", "KeyType": "RANGE"}],
                "LocalSecondaryIndexes": [{"IndexName": "by_score", "Projection": {"ProjectionType": "KEYS_ONLY"},
                    "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}]}],
                "GlobalSecondaryIndexes": [{"IndexName": "by_game", "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": "Game", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}]}]}),
        );
        load(
            table,
            users * dates,
            r#"{"User":{"S":"u%s"},"Date":{"N":"%s"},"Score":{"N":"%s"},"Game":{"S":"g%s"},"Note":{"S":"x"}}"#,
            &format!("i % {users}, i / {users}, (i / {users}) % 5, i % 2"),
        );
        // Sparse: in no index.
        for date in 0..3 {
            put(
                table,
                &json!({"User": {"S": "u0"}, "Date": {"N": (100_000 + date).to_string()}}),
            );
        }
    }

    fn keys(reply: &Value) -> Vec<(i64, String, i64)> {
        let number = |value: &Value| value["N"].as_str().expect("N").parse().expect("a number");
        let items = reply["Items"].as_array().expect("Items");
        items
            .iter()
            .map(|item| {
                let user = item["User"]["S"].as_str().expect("User").to_owned();
                (number(&item["Score"]), user, number(&item["Date"]))
            })
            .collect()
    }

    fn by_game(t: &str) -> Value {
        json!({"TableName": t, "IndexName": "by_game", "KeyConditionExpression": "Game = :g",
            "ExpressionAttributeValues": {":g": {"S": "g1"}}})
    }

    fn by_score(t: &str) -> Value {
        json!({"TableName": t, "IndexName": "by_score", "KeyConditionExpression": "#u = :u",
            "ExpressionAttributeNames": {"#u": "User"}, "ExpressionAttributeValues": {":u": {"S": "u1"}}})
    }

    #[pg_test]
    fn index_reads_follow_the_index_key_and_page_over_ties() {
        let t = "index_reads_pages";
        scores(t, 4, 60);
        for base in [by_game(t), by_score(t)] {
            let mut orders = Vec::new();
            for forward in [true, false] {
                for limit in [1, 7, 59, 60, 1000] {
                    let mut request =
                        with(&base, &json!({"Limit": limit, "ScanIndexForward": forward}));
                    let (found, rows) = counted(t, || pages("query", &request));
                    let seen: Vec<_> = found.iter().flat_map(keys).collect();
                    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
                    assert_eq!(rows, seen.len() as i64, "rows read by all pages");
                    let mut scores: Vec<_> = seen.iter().map(|key| key.0).collect();
                    if !forward {
                        scores.reverse();
                    }
                    assert!(scores.is_sorted(), "{scores:?}");
                    request["Limit"] = json!(1000);
                    assert_eq!(seen, keys(&call("query", &request)), "pages keep the order");
                    orders.push(if forward {
                        seen
                    } else {
                        seen.into_iter().rev().collect()
                    });
                }
            }
            assert!(!orders[0].is_empty());
            assert!(orders.iter().all(|order| *order == orders[0]));
        }
    }

    #[pg_test]
    fn index_reads_take_the_range_and_nothing_else() {
        let t = "index_reads_range";
        scores(t, 10, 1000);
        for base in [by_game(t), by_score(t)] {
            let mut request = with(&base, &json!({"Limit": 5}));
            let condition = format!(
                "{} AND Score = :s",
                base["KeyConditionExpression"]
                    .as_str()
                    .expect("a condition")
            );
            request["KeyConditionExpression"] = json!(condition);
            request["ExpressionAttributeValues"][":s"] = json!({"N": "3"});
            let (page, rows) = counted(t, || call("query", &request));
            assert_eq!((page["Count"].clone(), rows), (json!(5), 5));
            assert!(keys(&page).iter().all(|key| key.0 == 3));
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
            let (second, rows) = counted(t, || call("query", &request));
            assert_eq!((second["Count"].clone(), rows), (json!(5), 5));
        }
    }

    #[pg_test]
    fn index_reads_by_statement_answer_as_the_direct_scan() {
        let t = "index_reads_both_ways";
        scores(t, 5, 40);
        let mut random = Random(3);
        let requests: Vec<(&str, Value)> = (0..100).map(|_| any_read(t, &mut random)).collect();
        let direct: Vec<_> = requests
            .iter()
            .map(|(function, request)| counted(t, || pages(function, request)))
            .collect();
        by_statement(t);
        for ((function, request), expected) in requests.iter().zip(direct) {
            assert_eq!(
                counted(t, || pages(function, request)),
                expected,
                "{request}"
            );
        }
        assert_eq!(sequential_rows(t), 0);
    }

    fn any_read(t: &str, random: &mut Random) -> (&'static str, Value) {
        let base = if random.below(2) == 0 {
            by_game(t)
        } else {
            by_score(t)
        };
        let mut request = with(&base, &json!({"Limit": 1 + random.below(60)}));
        if random.below(3) == 0 {
            for member in [
                "KeyConditionExpression",
                "ExpressionAttributeNames",
                "ExpressionAttributeValues",
            ] {
                request.as_object_mut().expect("an object").remove(member);
            }
            if random.below(2) == 0 {
                let total = 1 + random.below(7);
                request["TotalSegments"] = json!(total);
                request["Segment"] = json!(random.below(total));
            }
            return ("scan", request);
        }
        request["ScanIndexForward"] = json!(random.below(2) == 0);
        let condition = base["KeyConditionExpression"]
            .as_str()
            .expect("a condition");
        if let Some(operator) = ["<", "<=", ">", ">=", "="].get(random.below(7)) {
            request["KeyConditionExpression"] =
                json!(format!("{condition} AND Score {operator} :s"));
            request["ExpressionAttributeValues"][":s"] = json!({"N": random.below(5).to_string()});
        }
        ("query", request)
    }

    #[pg_test]
    fn index_reads_in_segments_are_disjoint_and_complete() {
        let t = "index_reads_segments";
        scores(t, 5, 40);
        for index in ["by_game", "by_score"] {
            for total in [1, 3, 100] {
                let mut seen = Vec::new();
                for segment in 0..total {
                    let request = json!({"TableName": t, "IndexName": index, "Segment": segment,
                        "TotalSegments": total, "Limit": 9});
                    let (found, rows) = counted(t, || pages("scan", &request));
                    let found: Vec<_> = found.iter().flat_map(keys).collect();
                    assert_eq!(rows, found.len() as i64, "{index} {segment} of {total}");
                    seen.extend(found);
                }
                assert_eq!(seen.len(), 200, "items without an index key are left out");
                assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 200);
            }
        }
    }

    #[pg_test]
    fn index_reads_in_from_need_no_sort() {
        let t = "index_reads_order";
        scores(t, 4, 50);
        let cases = [
            ("by_game", "Game = :k", "g1", "item -> 'Score'", false),
            (
                "by_game",
                "Game = :k",
                "g1",
                "item -> 'Game', item -> 'Score' DESC",
                false,
            ),
            (
                "by_score",
                "#u = :k",
                "u1",
                "item -> 'Score' DESC, item -> 'Date' DESC",
                false,
            ),
            (
                "by_score",
                "#u = :k",
                "u1",
                "item -> 'Score', item -> 'Date' DESC",
                true,
            ),
            ("by_game", "Game = :k", "g1", "item -> 'Date'", true),
        ];
        for (index, condition, key, order, sorts) in cases {
            let names = if condition.contains('#') {
                r##", expression_attribute_names => '{"#u":"User"}'"##
            } else {
                ""
            };
            let sql = format!(
                r#"SELECT item FROM dynamo.query('{t}', '{condition}', index_name => '{index}',
                   expression_attribute_values => '{{":k":{{"S":"{key}"}}}}'{names}) ORDER BY {order} LIMIT 5"#
            );
            let plan = plan(&sql);
            assert_eq!(plan.contains("Sort Key"), sorts, "{order}: {plan}");
        }
    }

    #[pg_test]
    fn index_reads_consistently_of_a_global_index_by_a_setting() {
        let t = "index_reads_consistent";
        scores(t, 2, 5);
        let request = with(&by_game(t), &json!({"ConsistentRead": true}));
        expect_refusal(
            "query",
            &request,
            VALIDATION,
            "Consistent reads are not supported on global secondary indexes",
        );
        run("SET LOCAL dynamo.allow_consistent_gsi_reads = on");
        assert_eq!(call("query", &request)["Count"], json!(5));
    }

    #[pg_test]
    fn index_reads_without_the_index_answer_the_same() {
        let t = "index_reads_no_btree";
        scores(t, 4, 30);
        let expected = call("query", &by_game(t));
        run(&format!(r#"DROP INDEX dynamo_tables."{t}:index_1""#));
        run(&format!(
            r#"DROP INDEX IF EXISTS dynamo_tables."{t}:index_2""#
        ));
        assert_eq!(call("query", &by_game(t)), expected);
        // One of that name, but not ours: another order, another predicate.
        run(&format!(
            r#"CREATE INDEX "{t}:index_2" ON dynamo_tables.{t} (index_2_pk, index_2_sk DESC, pk_hash, pk, sk)
               WHERE index_2_pk IS NOT NULL"#
        ));
        assert_eq!(call("query", &by_game(t)), expected);
    }

    #[pg_test]
    fn explain_shows_plan_and_items_read() {
        let t = "explain_shows";
        scores(t, 4, 100);
        let explain = |operation: &str, request: &Value| {
            text_with(
                &format!(
                    "SELECT string_agg(l, E'\\n') FROM dynamo.explain('{operation}', $1::json) AS l"
                ),
                &request.to_string(),
            )
            .expect("lines")
        };
        let mut request = with(
            &by_game(t),
            &json!({"FilterExpression": "Note = :n", "Limit": 50}),
        );
        request["ExpressionAttributeValues"][":n"] = json!({"S": "none"});
        let lines = explain("Query", &request);
        for expected in [
            "DynamoDB Query on explain_shows",
            "  Index: explain_shows:index_2",
            "  Key Condition: ",
            "  Items Read: 50",
            "  Items Returned: 0",
            "  Read By: index scan without a statement",
            "    Index Scan using \"explain_shows:index_2\"",
            "Hint: the filter discards 50 of 50 items",
        ] {
            assert!(lines.contains(expected), "{expected} in {lines}");
        }
        let lines = explain("scan", &json!({"TableName": t}));
        assert!(lines.contains("Items Returned: 403"), "{lines}");
        assert!(!lines.contains("Hint"), "{lines}");
        assert!(!lines.contains("Sort"), "{lines}");
        let failed = failure(r#"SELECT dynamo.explain('PutItem', '{}')"#);
        assert_eq!(failed.sqlstate, "DY001");
    }
}
