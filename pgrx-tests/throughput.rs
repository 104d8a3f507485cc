//! Throughput that is enforced, and the keys that Contributor Insights count.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// A table with a global index on `color`; units of table and index.
    fn provisioned(name: &str, units: (i64, i64), of_index: (i64, i64)) {
        let throughput = |(read, write): (i64, i64)| json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write});
        call(
            "create_table",
            &json!({
                "TableName": name, "BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(units),
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "color", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "ByColor", "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}], "ProvisionedThroughput": throughput(of_index),
                }],
            }),
        );
    }

    fn enforce() {
        run("SET LOCAL dynamo.enforce_throughput = on");
    }

    /// Kilobytes of item, one write unit each.
    fn item(id: &str, kilobytes: usize, more: Value) -> Value {
        let mut item =
            json!({"id": {"S": id}, "filler": {"S": "x".repeat(kilobytes * 1024 - 100)}});
        let members = item.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        item
    }

    fn try_put(table: &str, item: &Value) -> Answer {
        let request = json!({"TableName": table, "Item": item});
        handle("PutItem", request.to_string().as_bytes())
    }

    fn refusal(answer: &Answer) -> (Option<&str>, &str, &str) {
        // As the service's model spells it.
        let member = match answer.error_type.as_deref() {
            Some("ThrottlingException") => "throttlingReasons",
            _ => "ThrottlingReasons",
        };
        let reason = &answer.body[member][0];
        (
            answer.error_type.as_deref(),
            reason["reason"].as_str().unwrap_or_default(),
            reason["resource"].as_str().unwrap_or_default(),
        )
    }

    const EXCEEDED: Option<&str> = Some("ProvisionedThroughputExceededException");

    #[pg_test]
    fn throughput_is_enforced_only_when_asked_for() {
        provisioned("throughput_off", (1, 1), (1, 1));
        for i in 0..4 {
            assert_eq!(
                try_put("throughput_off", &item(&i.to_string(), 390, json!({}))).status,
                200
            );
        }
    }

    #[pg_test]
    fn throughput_of_writes_runs_out_after_five_minutes_worth() {
        provisioned("throughput_writes", (1, 1), (1, 1));
        enforce();
        // 300 units are kept; 390 at once leave a debt of a minute and a half.
        assert_eq!(
            try_put("throughput_writes", &item("a", 390, json!({}))).status,
            200
        );
        let refused = try_put("throughput_writes", &item("b", 1, json!({})));
        assert_eq!(
            refusal(&refused),
            (
                EXCEEDED,
                "TableWriteProvisionedThroughputExceeded",
                "arn:aws:dynamodb:local:000000000000:table/throughput_writes"
            )
        );
        assert_eq!(
            refused.body["message"],
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API."
        );
        let key = json!({"TableName": "throughput_writes", "Key": {"id": {"S": "a"}}});
        for operation in ["UpdateItem", "DeleteItem"] {
            let answer = handle(operation, key.to_string().as_bytes());
            assert_eq!(answer.error_type.as_deref(), EXCEEDED, "{operation}");
        }
        let batch = json!({"RequestItems": {"throughput_writes": [{"PutRequest": {"Item": {"id": {"S": "c"}}}}]}});
        let answer = handle("BatchWriteItem", batch.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), EXCEEDED);
        // Nothing was stored, and reads have throughput of their own.
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.throughput_writes"),
            1
        );
        assert_eq!(handle("GetItem", key.to_string().as_bytes()).status, 200);
        // In SQL it is the same error.
        let failure = failure_with(
            "SELECT dynamo.put_item('throughput_writes', $1::text::dynamo.item)",
            r#"{"id":{"S":"d"}}"#,
        );
        assert_eq!(failure.sqlstate, "DY011");
    }

    #[pg_test]
    fn throughput_of_reads_runs_out_apart_from_writes() {
        provisioned("throughput_reads", (1, 1000), (1, 1000));
        let big = item("a", 390, json!({"color": {"S": "red"}}));
        assert_eq!(try_put("throughput_reads", &big).status, 200);
        enforce();
        // 98 units each: the fourth leaves nothing.
        let key = json!({"TableName": "throughput_reads", "Key": {"id": {"S": "a"}}, "ConsistentRead": true});
        for _ in 0..4 {
            assert_eq!(handle("GetItem", key.to_string().as_bytes()).status, 200);
        }
        let refused = handle("GetItem", key.to_string().as_bytes());
        assert_eq!(
            refusal(&refused).1,
            "TableReadProvisionedThroughputExceeded"
        );
        let scan = json!({"TableName": "throughput_reads"});
        let answer = handle("Scan", scan.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), EXCEEDED);
        let batch = json!({"RequestItems": {"throughput_reads": {"Keys": [{"id": {"S": "a"}}]}}});
        let answer = handle("BatchGetItem", batch.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), EXCEEDED);
        // An index has its own: 49 units each.
        let query = json!({"TableName": "throughput_reads", "IndexName": "ByColor",
            "KeyConditionExpression": "color = :c", "ExpressionAttributeValues": {":c": {"S": "red"}}});
        for _ in 0..7 {
            assert_eq!(handle("Query", query.to_string().as_bytes()).status, 200);
        }
        let refused = handle("Query", query.to_string().as_bytes());
        assert_eq!(
            refusal(&refused),
            (
                EXCEEDED,
                "IndexReadProvisionedThroughputExceeded",
                "arn:aws:dynamodb:local:000000000000:table/throughput_reads/index/ByColor"
            )
        );
        assert_eq!(
            try_put("throughput_reads", &item("b", 1, json!({}))).status,
            200
        );
    }

    #[pg_test]
    fn throughput_of_an_index_holds_back_the_writes_of_its_table() {
        provisioned("throughput_index", (1, 1000), (1, 1));
        enforce();
        let big = item("a", 390, json!({"color": {"S": "red"}}));
        assert_eq!(try_put("throughput_index", &big).status, 200);
        let refused = try_put("throughput_index", &item("b", 1, json!({})));
        assert_eq!(
            refusal(&refused).1,
            "IndexWriteProvisionedThroughputExceeded"
        );
        assert_eq!(
            refused.body["message"],
            "The level of configured provisioned throughput for one or more global secondary indexes of the table was \
             exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes \
             with the UpdateTable API"
        );
    }

    #[pg_test]
    fn throughput_bounds_of_an_on_demand_table_throttle() {
        simple_table("throughput_on_demand");
        assert_eq!(
            try_put("throughput_on_demand", &item("a", 390, json!({}))).status,
            200
        );
        call(
            "update_table",
            &json!({"TableName": "throughput_on_demand", "OnDemandThroughput": {"MaxWriteRequestUnits": 1}}),
        );
        enforce();
        assert_eq!(
            try_put("throughput_on_demand", &item("b", 390, json!({}))).status,
            200
        );
        let refused = try_put("throughput_on_demand", &item("c", 1, json!({})));
        assert_eq!(
            refusal(&refused),
            (
                Some("ThrottlingException"),
                "TableWriteMaxOnDemandThroughputExceeded",
                "arn:aws:dynamodb:local:000000000000:table/throughput_on_demand"
            )
        );
        assert_eq!(
            refused.body["message"],
            "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
        );
        let key = json!({"TableName": "throughput_on_demand", "Key": {"id": {"S": "a"}}});
        assert_eq!(handle("GetItem", key.to_string().as_bytes()).status, 200);
    }

    #[pg_test]
    fn throughput_that_is_raised_cures_a_debt() {
        provisioned("throughput_raised", (1, 1), (1000, 1000));
        enforce();
        let big = item("a", 390, json!({}));
        assert_eq!(try_put("throughput_raised", &big).status, 200);
        let small = item("b", 1, json!({}));
        assert_eq!(try_put("throughput_raised", &small).status, 400);
        call(
            "update_table",
            &json!({"TableName": "throughput_raised",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}}),
        );
        assert_eq!(try_put("throughput_raised", &small).status, 200);
        // The same number of units is another bound on demand, and starts full too.
        let big = item("c", 399, json!({}));
        (0..2).for_each(|_| {
            try_put("throughput_raised", &big);
            run("DELETE FROM dynamo_tables.throughput_raised");
        });
        assert_eq!(try_put("throughput_raised", &small).status, 400);
        call(
            "update_table",
            &json!({"TableName": "throughput_raised", "BillingMode": "PAY_PER_REQUEST",
                "OnDemandThroughput": {"MaxReadRequestUnits": 2, "MaxWriteRequestUnits": 2}}),
        );
        assert_eq!(try_put("throughput_raised", &small).status, 200);
    }

    #[pg_test]
    fn throughput_leaves_the_part_of_a_batch_that_has_none_unprocessed() {
        provisioned("throughput_batch_dry", (1, 1), (1000, 1000));
        provisioned("throughput_batch_wet", (1, 1), (1000, 1000));
        let key = json!({"id": {"S": "a"}});
        for table in ["throughput_batch_dry", "throughput_batch_wet"] {
            put(table, &json!({"id": {"S": "a"}}));
        }
        put("throughput_batch_dry", &item("big", 390, json!({})));
        enforce();
        assert_eq!(
            try_put("throughput_batch_dry", &item("big", 391, json!({}))).status,
            200
        );
        let written =
            json!([{"PutRequest": {"Item": {"id": {"S": "b"}}}}, {"DeleteRequest": {"Key": key}}]);
        let write = json!({"RequestItems": {"throughput_batch_dry": written, "throughput_batch_wet": written}});
        let answer = handle("BatchWriteItem", write.to_string().as_bytes());
        assert_eq!(
            (answer.status, answer.body),
            (
                200,
                json!({"UnprocessedItems": {"throughput_batch_dry": written}})
            )
        );
        assert_eq!(get("throughput_batch_wet", &key), Value::Null);
        assert_ne!(get("throughput_batch_dry", &key), Value::Null);
        // Reads: four large ones, 98 units each.
        let large = json!({"TableName": "throughput_batch_dry", "Key": {"id": {"S": "big"}}, "ConsistentRead": true});
        for _ in 0..4 {
            assert_eq!(handle("GetItem", large.to_string().as_bytes()).status, 200);
        }
        let keys = json!({"Keys": [{"id": {"S": "b"}}], "ConsistentRead": true});
        let read =
            json!({"RequestItems": {"throughput_batch_dry": keys, "throughput_batch_wet": keys}});
        let answer = handle("BatchGetItem", read.to_string().as_bytes());
        assert_eq!(
            (answer.status, &answer.body["UnprocessedKeys"]),
            (200, &json!({"throughput_batch_dry": keys}))
        );
        assert_eq!(
            answer.body["Responses"]["throughput_batch_wet"],
            json!([{"id": {"S": "b"}}])
        );
        // Alone, a table that has nothing left refuses.
        let read = json!({"RequestItems": {"throughput_batch_dry": keys}});
        let answer = handle("BatchGetItem", read.to_string().as_bytes());
        assert_eq!(refusal(&answer).1, "TableReadProvisionedThroughputExceeded");
    }

    fn enable(table: &str, more: Value) {
        let mut request = json!({"TableName": table, "ContributorInsightsAction": "ENABLE"});
        let members = request.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        call("update_contributor_insights", &request);
    }

    /// Rule, kind, key and count of what is known of a table.
    fn known(table: &str) -> Vec<String> {
        let rows = text_with(
            "SELECT string_agg(concat_ws(' ', index_name, rule, key_kind, key, requests), E'\n' ORDER BY index_name NULLS FIRST, \
             rule, key_kind DESC, requests DESC, key) FROM dynamo.contributor_insights WHERE table_name = $1",
            table,
        );
        rows.map(|rows| rows.lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    #[pg_test]
    fn contributor_insights_count_the_keys_that_are_asked_for() {
        run("SET LOCAL dynamo.contributor_insights_sample = 1");
        provisioned("contributor_keys", (1, 1), (1, 1));
        let get = |id: &str| {
            let key = json!({"TableName": "contributor_keys", "Key": {"id": {"S": id}}});
            assert_eq!(handle("GetItem", key.to_string().as_bytes()).status, 200);
        };
        get("before");
        enable("contributor_keys", json!({}));
        enable("contributor_keys", json!({"IndexName": "ByColor"}));
        (0..3).for_each(|_| get("hot"));
        get("cold");
        assert_eq!(
            try_put(
                "contributor_keys",
                &item("hot", 1, json!({"color": {"S": "red"}}))
            )
            .status,
            200
        );
        let query = json!({"TableName": "contributor_keys", "IndexName": "ByColor",
            "KeyConditionExpression": "color = :c", "ExpressionAttributeValues": {":c": {"S": "red"}}});
        assert_eq!(handle("Query", query.to_string().as_bytes()).status, 200);
        assert_eq!(
            known("contributor_keys"),
            [
                r#"accessed partition {"id":{"S":"hot"}} 4"#,
                r#"accessed partition {"id":{"S":"cold"}} 1"#,
                r#"ByColor accessed partition {"color":{"S":"red"}} 1"#,
            ]
        );
        // Refused requests are counted apart.
        enforce();
        assert_eq!(
            try_put("contributor_keys", &item("big", 390, json!({}))).status,
            200
        );
        assert_eq!(
            try_put("contributor_keys", &item("late", 1, json!({}))).status,
            400
        );
        assert!(
            known("contributor_keys")
                .contains(&r#"throttled partition {"id":{"S":"late"}} 1"#.to_owned())
        );
    }

    #[pg_test]
    fn contributor_insights_tell_items_of_a_table_with_a_sort_key() {
        run("SET LOCAL dynamo.contributor_insights_sample = 1");
        call(
            "create_table",
            &json!({
                "TableName": "contributor_items", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "B"}, {"AttributeName": "sk", "AttributeType": "N"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            }),
        );
        enable("contributor_items", json!({}));
        for sort in ["1", "-2.50"] {
            let key = json!({"TableName": "contributor_items", "Key": {"pk": {"B": "AAE="}, "sk": {"N": sort}}});
            assert_eq!(handle("GetItem", key.to_string().as_bytes()).status, 200);
        }
        assert_eq!(
            known("contributor_items"),
            [
                r#"accessed partition {"pk":{"B":"AAE="}} 2"#,
                r#"accessed item {"pk":{"B":"AAE="},"sk":{"N":"-2.5"}} 1"#,
                r#"accessed item {"pk":{"B":"AAE="},"sk":{"N":"1"}} 1"#,
            ]
        );
        // Who may not read the table does not see its keys.
        run("CREATE ROLE contributor_stranger; SET LOCAL ROLE contributor_stranger");
        assert_eq!(known("contributor_items"), Vec::<String>::new());
    }
}
