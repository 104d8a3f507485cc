//! Query through SQL and `dynamo.handle`: what is read, in which order, and how many rows that takes.

#[pgrx::pg_schema]
mod tests {
    use super::super::reads::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// Songs 1 to `count` of one artist, numbered by their sort key.
    fn album(table: &str, count: usize) {
        run(&format!(
            "SELECT dynamo.create_table('{table}', 'Artist', sort_key => 'Track', sort_key_type => 'N')"
        ));
        load(
            table,
            count,
            r#"{"Artist":{"S":"a"},"Track":{"N":"%s"},"Even":{"BOOL":%s}}"#,
            "i, (i % 2 = 0)::text",
        );
    }

    fn request(table: &str, more: &Value) -> Value {
        with(
            &json!({"TableName": table, "KeyConditionExpression": "Artist = :a",
                "ExpressionAttributeValues": {":a": {"S": "a"}}}),
            more,
        )
    }

    fn tracks(reply: &Value) -> Vec<i64> {
        let items = reply["Items"].as_array().expect("Items");
        items
            .iter()
            .map(|item| item["Track"]["N"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    #[pg_test]
    fn query_reads_a_range_of_one_partition() {
        let t = "query_range";
        album(t, 12);
        put(t, &json!({"Artist": {"S": "b"}, "Track": {"N": "5"}}));
        let all: Vec<i64> = (1..=12).collect();
        let cases = [
            ("Artist = :a", all.clone()),
            ("Artist = :a AND Track = :x", vec![5]),
            ("Artist = :a AND Track < :x", vec![1, 2, 3, 4]),
            ("Artist = :a AND Track <= :x", vec![1, 2, 3, 4, 5]),
            ("Artist = :a AND Track > :y", vec![11, 12]),
            ("(Track >= :y) AND (Artist = :a)", vec![10, 11, 12]),
            (
                "Artist = :a AND Track BETWEEN :x AND :y",
                vec![5, 6, 7, 8, 9, 10],
            ),
        ];
        for (condition, expected) in cases {
            let mut values = json!({":a": {"S": "a"}});
            for (name, value) in [(":x", "5"), (":y", "10")] {
                if condition.contains(name) {
                    values[name] = json!({"N": value});
                }
            }
            let mut request = json!({"TableName": t, "KeyConditionExpression": condition,
                "ExpressionAttributeValues": values});
            let (reply, rows) = counted(t, || call("query", &request));
            assert_eq!(tracks(&reply), expected, "{condition}");
            assert_eq!(reply["Count"], json!(expected.len()));
            assert_eq!(rows, expected.len() as i64, "{condition}");
            request["ScanIndexForward"] = json!(false);
            let backward: Vec<i64> = expected.into_iter().rev().collect();
            let (reply, rows) = counted(t, || call("query", &request));
            assert_eq!(tracks(&reply), backward, "{condition}");
            assert_eq!(rows, backward.len() as i64, "{condition}");
        }
    }

    #[pg_test]
    fn query_by_begins_with_reads_the_prefix_only() {
        let t = "query_begins_with";
        music_table(t);
        load(
            t,
            300,
            r#"{"Artist":{"S":"a"},"SongTitle":{"S":"%s"}}"#,
            "lpad(i::text, 3, '0')",
        );
        let request = json!({"TableName": t, "KeyConditionExpression": "Artist = :a AND begins_with(SongTitle, :p)",
            "ExpressionAttributeValues": {":a": {"S": "a"}, ":p": {"S": "12"}}});
        let (reply, rows) = counted(t, || call("query", &request));
        assert_eq!((reply["Count"].clone(), rows), (json!(10), 10));
    }

    #[pg_test]
    fn query_pages_give_each_item_once() {
        let t = "query_pages";
        album(t, 23);
        for forward in [true, false] {
            for limit in [1, 2, 7, 22, 23, 24] {
                let base = request(t, &json!({"Limit": limit, "ScanIndexForward": forward}));
                let pages = pages("query", &base);
                let seen: Vec<i64> = pages.iter().flat_map(tracks).collect();
                let mut expected: Vec<i64> = (1..=23).collect();
                if !forward {
                    expected.reverse();
                }
                assert_eq!(seen, expected, "{limit} {forward}");
                // A page that reaches its limit never knows that it is the last.
                assert_eq!(pages.len(), 23 / limit + 1, "{limit}");
            }
        }
    }

    #[pg_test]
    fn query_of_a_deep_page_touches_the_page_only() {
        let t = "query_deep";
        album(t, 100_000);
        for (forward, start, first) in [(true, 77_777, 77_778), (false, 77_777, 77_776)] {
            let more = json!({"Limit": 10, "ScanIndexForward": forward,
                "ExclusiveStartKey": {"Artist": {"S": "a"}, "Track": {"N": start.to_string()}}});
            let (reply, rows) = counted(t, || call("query", &request(t, &more)));
            assert_eq!((tracks(&reply)[0], tracks(&reply).len()), (first, 10));
            assert_eq!(rows, 10, "rows read");
        }
        let range = request(
            t,
            &json!({"Limit": 10, "KeyConditionExpression": "Artist = :a AND Track > :t",
            "ExpressionAttributeValues": {":a": {"S": "a"}, ":t": {"N": "50000"}}}),
        );
        let (reply, rows) = counted(t, || call("query", &range));
        assert_eq!((tracks(&reply)[0], rows), (50_001, 10));
        // The same through row-level security, where a statement reads.
        by_statement(t);
        let (through_policies, rows) = counted(t, || call("query", &range));
        assert_eq!((through_policies, rows), (reply, 10));
    }

    #[pg_test]
    fn query_filters_after_reading() {
        let t = "query_filter";
        album(t, 20);
        let more = json!({"FilterExpression": "Even = :t", "Limit": 7,
            "ExpressionAttributeValues": {":a": {"S": "a"}, ":t": {"BOOL": true}}});
        let reply = call("query", &request(t, &more));
        assert_eq!(tracks(&reply), [2, 4, 6]);
        assert_eq!(
            (&reply["Count"], &reply["ScannedCount"]),
            (&json!(3), &json!(7))
        );
        assert_eq!(reply["LastEvaluatedKey"]["Track"], json!({"N": "7"}));
    }

    #[pg_test]
    fn query_pages_end_at_a_megabyte() {
        let t = "query_megabyte";
        run(&format!(
            "SELECT dynamo.create_table('{t}', 'Artist', sort_key => 'Track', sort_key_type => 'N')"
        ));
        load(
            t,
            12,
            r#"{"Artist":{"S":"a"},"Track":{"N":"%s"},"Text":{"S":"%s"}}"#,
            "i, repeat('x', 250000)",
        );
        let (reply, rows) = counted(t, || call("query", &request(t, &json!({}))));
        assert_eq!((tracks(&reply), rows), (vec![1, 2, 3, 4, 5], 5));
        let projected = json!({"ProjectionExpression": "Track", "ReturnConsumedCapacity": "TOTAL"});
        let reply = call("query", &request(t, &projected));
        assert_eq!(
            tracks(&reply),
            [1, 2, 3, 4, 5],
            "the size of the whole items counts"
        );
        let all: Vec<i64> = pages("query", &request(t, &json!({})))
            .iter()
            .flat_map(tracks)
            .collect();
        assert_eq!(all, (1..=12).collect::<Vec<_>>());
    }

    #[pg_test]
    fn query_of_an_empty_table_is_an_index_scan_too() {
        let t = "query_empty";
        album(t, 0);
        let reply = json!({"Items": [], "Count": 0, "ScannedCount": 0});
        assert_eq!(call("query", &request(t, &json!({}))), reply);
        // The statement's plan is made while the table is empty, and stays.
        by_statement(t);
        assert_eq!(call("query", &request(t, &json!({"Limit": 3}))), reply);
        load(t, 1000, r#"{"Artist":{"S":"a"},"Track":{"N":"%s"}}"#, "i");
        let (reply, rows) = counted(t, || call("query", &request(t, &json!({"Limit": 3}))));
        assert_eq!((tracks(&reply), rows), (vec![1, 2, 3], 3));
        assert_eq!(sequential_rows(t), 0);
    }

    #[pg_test]
    fn query_by_statement_answers_as_the_direct_scan() {
        let t = "query_both_ways";
        album(t, 200);
        let mut random = Random(1);
        let requests: Vec<Value> = (0..120).map(|_| any_query(t, &mut random)).collect();
        let direct: Vec<_> = requests
            .iter()
            .map(|request| counted(t, || call("query", request)))
            .collect();
        by_statement(t);
        for (request, expected) in requests.iter().zip(direct) {
            let found = counted(t, || call("query", request));
            assert_eq!(found, expected, "{request}");
        }
        assert_eq!(sequential_rows(t), 0);
    }

    fn any_query(t: &str, random: &mut Random) -> Value {
        let mut number = || json!({"N": (random.below(220)).to_string()});
        let (low, high, start) = (number(), number(), number());
        let mut values = json!({":a": {"S": "a"}});
        let mut condition = "Artist = :a".to_owned();
        match random.below(5) {
            0 => {}
            1 => {
                condition += " AND Track BETWEEN :x AND :y";
                let (x, y) = (low["N"].as_str(), high["N"].as_str());
                let parse = |n: Option<&str>| n.and_then(|n| n.parse::<i64>().ok());
                let ordered = parse(x) <= parse(y);
                values[":x"] = if ordered { low.clone() } else { high.clone() };
                values[":y"] = if ordered { high } else { low };
            }
            other => {
                condition += [" AND Track < :x", " AND Track >= :x", " AND Track = :x"][other - 2];
                values[":x"] = low;
            }
        }
        let mut request = json!({"TableName": t, "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values, "ScanIndexForward": random.below(2) == 0,
            "ReturnConsumedCapacity": "TOTAL"});
        if random.below(2) == 0 {
            request["Limit"] = json!(1 + random.below(50));
        }
        if condition == "Artist = :a" && random.below(2) == 0 {
            request["ExclusiveStartKey"] = json!({"Artist": {"S": "a"}, "Track": start});
        }
        if random.below(3) == 0 {
            request["FilterExpression"] = json!("Even = :e");
            request["ExpressionAttributeValues"][":e"] = json!({"BOOL": true});
        }
        if random.below(3) == 0 {
            request["ProjectionExpression"] = json!("Track");
        }
        request
    }

    #[pg_test]
    fn query_needs_select_on_the_table() {
        let t = "query_privileges";
        album(t, 3);
        run("CREATE ROLE query_nobody");
        run("SET LOCAL ROLE query_nobody");
        let request = request(t, &json!({}));
        let failed = refusal("query", &request);
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            ("42501", "permission denied for table query_privileges")
        );
        let answer = handle("Query", request.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        run("RESET ROLE");
        run(&format!(
            "GRANT SELECT ON dynamo_tables.{t} TO query_nobody"
        ));
        run("SET LOCAL ROLE query_nobody");
        assert_eq!(tracks(&call("query", &request)), [1, 2, 3]);
    }

    #[pg_test]
    fn query_refuses_what_dynamodb_refuses() {
        let t = "query_refuses";
        album(t, 1);
        let foreign = json!({"ExclusiveStartKey": {"Artist": {"S": "b"}, "Track": {"N": "1"}}});
        expect_refusal(
            "query",
            &request(t, &foreign),
            VALIDATION,
            "The provided starting key is outside query boundaries based on provided conditions",
        );
        let nowhere = request("query_nowhere", &json!({}));
        expect_refusal("query", &nowhere, NOT_FOUND, "Requested resource not found");
    }
}
