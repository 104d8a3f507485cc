//! Scan through SQL and `dynamo.handle`: every item once, whatever the pages and segments.

#[pgrx::pg_schema]
mod tests {
    use super::super::reads::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn numbered(table: &str, count: usize) {
        simple_table(table);
        load(table, count, r#"{"id":{"S":"%s"},"n":{"N":"%s"}}"#, "i, i");
    }

    fn numbers(reply: &Value) -> Vec<i64> {
        let items = reply["Items"].as_array().expect("Items");
        items
            .iter()
            .map(|item| item["n"]["N"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    #[pg_test]
    fn scan_pages_give_each_item_once() {
        let t = "scan_pages";
        numbered(t, 57);
        for limit in [1, 2, 13, 56, 57, 58] {
            let request = json!({"TableName": t, "Limit": limit});
            let (pages, rows) = counted(t, || pages("scan", &request));
            let seen: Vec<i64> = pages.iter().flat_map(numbers).collect();
            assert_eq!(seen.len(), 57, "{limit}");
            assert_eq!(
                seen.into_iter().collect::<BTreeSet<_>>(),
                (1..=57).collect(),
                "{limit}"
            );
            assert_eq!(rows, 57, "rows read by all pages");
        }
    }

    #[pg_test]
    fn scan_segments_are_disjoint_complete_and_ranges_of_the_index() {
        let t = "scan_segments";
        numbered(t, 500);
        for total in [1, 2, 3, 7, 64, 1000] {
            let mut seen = Vec::new();
            for segment in 0..total {
                let request = json!({"TableName": t, "Segment": segment, "TotalSegments": total, "Limit": 40});
                let (found, rows) = counted(t, || -> Vec<i64> {
                    pages("scan", &request).iter().flat_map(numbers).collect()
                });
                assert_eq!(
                    rows,
                    found.len() as i64,
                    "a segment reads its own items only"
                );
                seen.extend(found);
            }
            assert_eq!(seen.len(), 500, "{total}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 500, "{total}");
        }
        let request = json!({"TableName": t, "Segment": 999_999, "TotalSegments": 1_000_000});
        let (reply, rows) = counted(t, || call("scan", &request));
        assert_eq!(reply["Count"], json!(rows));
    }

    #[pg_test]
    fn scan_by_statement_answers_as_the_direct_scan() {
        let t = "scan_both_ways";
        numbered(t, 300);
        let mut random = Random(2);
        let requests: Vec<Value> = (0..80).map(|_| any_scan(t, &mut random)).collect();
        let direct: Vec<_> = requests
            .iter()
            .map(|request| counted(t, || pages("scan", request)))
            .collect();
        by_statement(t);
        for (request, expected) in requests.iter().zip(direct) {
            assert_eq!(counted(t, || pages("scan", request)), expected, "{request}");
        }
        assert_eq!(sequential_rows(t), 0);
    }

    fn any_scan(t: &str, random: &mut Random) -> Value {
        let mut request = json!({"TableName": t, "Limit": 1 + random.below(120)});
        if random.below(2) == 0 {
            let total = 1 + random.below(9);
            request["TotalSegments"] = json!(total);
            request["Segment"] = json!(random.below(total));
        }
        if random.below(3) == 0 {
            request["FilterExpression"] = json!("n > :n");
            request["ExpressionAttributeValues"] = json!({":n": {"N": "100"}});
        }
        if random.below(3) == 0 {
            request["ProjectionExpression"] = json!("n");
        }
        request
    }

    #[pg_test]
    fn scan_starts_after_a_key_that_is_gone() {
        let t = "scan_gone";
        numbered(t, 20);
        let first = call("scan", &json!({"TableName": t, "Limit": 10}));
        let last = first["LastEvaluatedKey"].clone();
        call("delete_item", &json!({"TableName": t, "Key": last}));
        let rest = call("scan", &json!({"TableName": t, "ExclusiveStartKey": last}));
        let seen: BTreeSet<i64> = numbers(&first).into_iter().chain(numbers(&rest)).collect();
        assert_eq!(seen, (1..=20).collect());
    }

    #[pg_test]
    fn scan_counts_without_showing() {
        let t = "scan_count";
        numbered(t, 20);
        let request = json!({"TableName": t, "Select": "COUNT", "FilterExpression": "n <= :n",
            "ExpressionAttributeValues": {":n": {"N": "5"}}});
        assert_eq!(
            call("scan", &request),
            json!({"Count": 5, "ScannedCount": 20})
        );
    }

    #[pg_test]
    fn scan_refuses_what_dynamodb_refuses() {
        let t = "scan_refuses";
        numbered(t, 1);
        let request = json!({"TableName": t, "Segment": 3, "TotalSegments": 3});
        expect_refusal(
            "scan",
            &request,
            VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less than TotalSegments: 3",
        );
    }
}
