//! `dynamo.handle_batch`: requests that share a call.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// Status, error type, body and capacity of each answer.
    fn batch(requests: &[(&str, Value)]) -> Vec<(i32, Option<String>, Value, f64)> {
        let operations: Vec<String> = requests
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let bodies: Vec<Vec<u8>> = requests
            .iter()
            .map(|(_, body)| match body {
                Value::String(raw) => raw.clone().into_bytes(),
                body => body.to_string().into_bytes(),
            })
            .collect();
        Spi::connect(|client| {
            let rows = client
                .select(
                    "SELECT status, error_type, reply, capacity FROM dynamo.handle_batch($1, $2)",
                    None,
                    &[operations.into(), bodies.into()],
                )
                .expect("a call");
            rows.map(|row| {
                let body: Vec<u8> = row.get(3).expect("a column").expect("a body");
                (
                    row.get(1).expect("a column").expect("a status"),
                    row.get(2).expect("a column"),
                    serde_json::from_slice(&body).expect("JSON"),
                    row.get(4).expect("a column").expect("a number"),
                )
            })
            .collect()
        })
    }

    fn put_of(table: &str, id: &str) -> (&'static str, Value) {
        (
            "PutItem",
            json!({"TableName": table, "Item": {"id": {"S": id}}}),
        )
    }

    #[pg_test]
    fn handle_batch_answers_each_request_in_its_place() {
        simple_table("handle_batch_places");
        put(
            "handle_batch_places",
            &json!({"id": {"S": "a"}, "n": {"N": "1"}}),
        );
        let key = json!({"TableName": "handle_batch_places", "Key": {"id": {"S": "a"}}});
        let answers = batch(&[
            ("GetItem", key.clone()),
            ("Nonsense", json!({})),
            ("GetItem", json!("{broken")),
            (
                "GetItem",
                json!({"TableName": "handle_batch_places", "Key": {"id": {"N": "1"}}}),
            ),
            (
                "GetItem",
                json!({"TableName": "handle_batch_absent", "Key": {"id": {"S": "a"}}}),
            ),
            (
                "Query",
                json!({"TableName": "handle_batch_places", "KeyConditionExpression": "id = :i",
                "ExpressionAttributeValues": {":i": {"S": "a"}}}),
            ),
            ("ListTables", json!({"Limit": 0})),
            ("GetItem", with(&key, &json!({"ConsistentRead": true}))),
        ]);
        let told: Vec<_> = answers
            .iter()
            .map(|(status, error, _, capacity)| (*status, error.as_deref(), *capacity))
            .collect();
        assert_eq!(
            told,
            [
                (200, None, 0.5),
                (400, Some("UnknownOperationException"), 0.0),
                (400, Some("SerializationException"), 0.0),
                (400, Some("ValidationException"), 0.0),
                (400, Some("ResourceNotFoundException"), 0.0),
                (200, None, 0.5),
                (400, Some("ValidationException"), 0.0),
                (200, None, 1.0),
            ]
        );
        assert_eq!(
            answers[0].2,
            json!({"Item": {"id": {"S": "a"}, "n": {"N": "1"}}})
        );
        assert_eq!(answers[5].2["Count"], json!(1));
    }

    #[pg_test]
    fn handle_batch_refuses_one_condition_and_does_the_rest() {
        simple_table("handle_batch_condition");
        let mut guarded = put_of("handle_batch_condition", "a");
        guarded.1["ConditionExpression"] = json!("attribute_not_exists(id)");
        let answers = batch(&[
            put_of("handle_batch_condition", "a"),
            guarded,
            put_of("handle_batch_condition", "b"),
            (
                "DeleteItem",
                json!({"TableName": "handle_batch_condition", "Key": {"id": {"S": "c"}}}),
            ),
        ]);
        let told: Vec<_> = answers.iter().map(|a| (a.0, a.1.as_deref(), a.3)).collect();
        assert_eq!(
            told,
            [
                (200, None, 1.0),
                // A write pays for a condition that does not hold.
                (400, Some("ConditionalCheckFailedException"), 1.0),
                (200, None, 1.0),
                (200, None, 1.0),
            ]
        );
        assert_eq!(
            count(r#"SELECT count(*) FROM dynamo_tables.handle_batch_condition"#),
            2
        );
    }

    #[pg_test]
    fn handle_batch_writes_in_the_order_of_tables_and_keys() {
        run(
            "CREATE TABLE handle_batch_notes (n serial, relation oid, pk_hash bigint, pk bytea, sk bytea)",
        );
        run("CREATE FUNCTION handle_batch_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO handle_batch_notes (relation, pk_hash, pk, sk) VALUES (TG_RELID, NEW.pk_hash, NEW.pk, NEW.sk);
             RETURN NULL; END $$");
        for table in ["handle_batch_order", "handle_batch_order_2"] {
            simple_table(table);
            run(&format!(
                "CREATE TRIGGER note AFTER INSERT ON dynamo_tables.{table} FOR EACH ROW EXECUTE FUNCTION handle_batch_note()"
            ));
        }
        let requests: Vec<_> = (0..40)
            .map(|n| {
                let table = if n % 3 == 0 {
                    "handle_batch_order_2"
                } else {
                    "handle_batch_order"
                };
                put_of(table, &(n * 7919 % 101).to_string())
            })
            .collect();
        assert!(batch(&requests).iter().all(|answer| answer.0 == 200));
        assert_eq!(count("SELECT count(*) FROM handle_batch_notes"), 40);
        assert_eq!(
            count(
                "SELECT count(*) FROM (SELECT n, row_number() OVER (ORDER BY relation::bigint, pk_hash, pk, sk) AS place FROM handle_batch_notes) AS s WHERE n <> place"
            ),
            0
        );
    }

    #[pg_test]
    fn handle_batch_adds_up_in_order_of_arrival() {
        simple_table("handle_batch_arrival");
        let update = |expression: &str| {
            (
                "UpdateItem",
                json!({"TableName": "handle_batch_arrival", "Key": {"id": {"S": "a"}},
                "UpdateExpression": expression, "ReturnValues": "ALL_NEW",
                "ExpressionAttributeValues": {":one": {"N": "1"}}}),
            )
        };
        let answers = batch(&[
            update("SET n = :one"),
            put_of("handle_batch_arrival", "0"),
            update("SET n = n + :one"),
            update("SET n = n + :one"),
        ]);
        let n = |place: usize| answers[place].2["Attributes"]["n"]["N"].clone();
        assert_eq!((n(0), n(2), n(3)), (json!("1"), json!("2"), json!("3")));
    }

    #[pg_test]
    fn handle_batch_counts_what_indexes_consume() {
        run(
            r#"SELECT dynamo.create_table('{"TableName":"handle_batch_index","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "GlobalSecondaryIndexes":[{"IndexName":"ByG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}'::json)"#,
        );
        let put = |g: &str| {
            (
                "PutItem",
                json!({"TableName": "handle_batch_index", "Item": {"id": {"S": "a"}, "g": {"S": g}}}),
            )
        };
        let asked = |g: &str| {
            let mut request = put(g);
            request.1["ReturnConsumedCapacity"] = json!("TOTAL");
            request
        };
        // A new entry; the same; another key, which costs two.
        let answers = batch(&[put("x"), put("x"), put("y"), asked("z")]);
        let capacity: Vec<_> = answers.iter().map(|answer| answer.3).collect();
        assert_eq!(capacity, [2.0, 1.0, 3.0, 3.0]);
        assert_eq!(
            answers[3].2["ConsumedCapacity"]["CapacityUnits"],
            json!(3.0)
        );
    }

    #[pg_test]
    fn handle_batch_says_what_batches_consume() {
        simple_table("handle_batch_batches");
        let items: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|id| json!({"PutRequest": {"Item": {"id": {"S": id}}}}))
            .collect();
        let keys = json!([{"id": {"S": "a"}}, {"id": {"S": "b"}}]);
        let written = batch(&[(
            "BatchWriteItem",
            json!({"RequestItems": {"handle_batch_batches": items}}),
        )]);
        assert_eq!((written[0].0, written[0].3), (200, 3.0));
        let read = batch(&[
            (
                "BatchGetItem",
                json!({"RequestItems": {"handle_batch_batches": {"Keys": keys}}}),
            ),
            (
                "Scan",
                json!({"TableName": "handle_batch_batches", "ConsistentRead": true}),
            ),
            (
                "DescribeTable",
                json!({"TableName": "handle_batch_batches"}),
            ),
        ]);
        let capacity: Vec<_> = read.iter().map(|answer| (answer.0, answer.3)).collect();
        assert_eq!(capacity, [(200, 1.0), (200, 1.0), (200, 0.0)]);
    }

    #[pg_test]
    fn handle_batch_arguments_fit_together() {
        assert_eq!(batch(&[]).len(), 0);
        for (arguments, message) in [
            (
                "array['GetItem'], array[]::bytea[]",
                "the same number of elements",
            ),
            (
                "array['GetItem'], array[NULL]::bytea[]",
                "must not contain nulls",
            ),
            (
                "array[NULL], array['{}']::bytea[]",
                "must not contain nulls",
            ),
            ("NULL, array['{}']::bytea[]", "must not be null"),
        ] {
            let failure = failure(&format!("SELECT * FROM dynamo.handle_batch({arguments})"));
            assert_eq!(failure.sqlstate, "22023", "{arguments}");
            assert!(failure.message.contains(message), "{}", failure.message);
        }
    }

    #[pg_test]
    fn handle_batch_waits_for_rows_briefly_when_requests_share_it() {
        simple_table("handle_batch_timeout");
        run(
            "CREATE FUNCTION handle_batch_lock_timeout() RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION '%', current_setting('lock_timeout'); END $$",
        );
        run(
            "ALTER TABLE dynamo_tables.handle_batch_timeout ADD CHECK (handle_batch_lock_timeout())",
        );
        let told = |ids: &str| {
            failure(&format!(
                "SELECT dynamo.handle_batch(array_agg('PutItem'::text), array_agg(convert_to(
                     json_build_object('TableName', 'handle_batch_timeout', 'Item', json_build_object('id', json_build_object('S', id)))::text, 'UTF8')))
                 FROM unnest(array[{ids}]) AS id"
            ))
            .message
        };
        assert_eq!(told("'a'"), "0");
        assert_eq!(told("'a', 'b'"), "50ms");
        run("SET LOCAL lock_timeout = '20ms'");
        assert_eq!(told("'a', 'b'"), "20ms");
        run("SET LOCAL lock_timeout = '1s'");
        assert_eq!(told("'a', 'b'"), "50ms");
        assert_eq!(text("SHOW lock_timeout"), Some("1s".to_owned()));
    }

    #[pg_test]
    fn handle_batch_throttles_each_request_for_itself() {
        let table = |name: &str| {
            call(
                "create_table",
                &json!({"TableName": name,
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}),
            );
        };
        table("handle_batch_dry");
        table("handle_batch_wet");
        run("SET LOCAL dynamo.enforce_throughput = on");
        put(
            "handle_batch_dry",
            &json!({"id": {"S": "a"}, "filler": {"S": "x".repeat(390 * 1024)}}),
        );
        let large = json!({"TableName": "handle_batch_dry", "Key": {"id": {"S": "a"}}, "ConsistentRead": true});
        let told = |requests: &[(&str, Value)]| {
            let answers = batch(requests);
            let errors = answers.into_iter().map(|(_, error, _, _)| error);
            errors
                .map(|error| error.unwrap_or_else(|| "done".to_owned()))
                .collect::<Vec<_>>()
        };
        // The writes are spent, 390 of 300; of the reads four large ones leave nothing, read in one pass.
        let get = ("GetItem", large);
        assert_eq!(
            told(&[
                get.clone(),
                put_of("handle_batch_dry", "b"),
                get.clone(),
                put_of("handle_batch_wet", "b"),
                get.clone(),
                get.clone(),
            ]),
            [
                "done",
                "ProvisionedThroughputExceededException",
                "done",
                "done",
                "done",
                "done"
            ]
        );
        let of_wet = json!({"TableName": "handle_batch_wet", "Key": {"id": {"S": "b"}}});
        assert_eq!(
            told(&[get, ("GetItem", of_wet)]),
            ["ProvisionedThroughputExceededException", "done"]
        );
    }
}
