//! Table operations with a StreamSpecification, and who may read a stream. (Capture needs commits: tests/streams,
//! tests/capture.)

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// What SQL says for AccessDeniedException.
    const DENIED: &str = "42501";

    /// Newer minors let decoding use only the plugins that are named.
    fn allow_plugin() {
        run(
            "SELECT set_config(name, 'pgoutput, pg_dynamo', true) FROM pg_settings WHERE name = 'output_plugin_libraries'",
        );
    }

    fn creation(table: &str, specification: &Value) -> Value {
        json!({"TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": specification})
    }

    fn enabled(view: &str) -> Value {
        json!({"StreamEnabled": true, "StreamViewType": view})
    }

    /// A table with a stream as it is once the worker has seen to it. Answers the stream's ARN and its shard's id.
    fn streamed_table(name: &str) -> (String, String) {
        allow_plugin();
        call(
            "create_table",
            &creation(name, &enabled("NEW_AND_OLD_IMAGES")),
        );
        let arn = text(&format!(
            "SELECT dynamo.describe_table('{name}') #>> '{{Table,LatestStreamArn}}'"
        ))
        .expect("an ARN");
        run(&format!(
            "UPDATE dynamo_internal.stream SET state = 'enabled' WHERE table_name = '{name}';
             INSERT INTO dynamo_internal.stream_shard (stream, low, high, epoch, start_lsn, opened_at)
             SELECT number, {}, {}, 1, 0, 1700000000000 FROM dynamo_internal.stream WHERE table_name = '{name}'",
            i64::MIN,
            i64::MAX
        ));
        let described = call("describe_stream", &json!({"StreamArn": arn}));
        let shard = described["StreamDescription"]["Shards"][0]["ShardId"].as_str();
        let shard = shard.expect("a shard").to_owned();
        (arn, shard)
    }

    fn iterator_request(arn: &str, shard: &str) -> Value {
        json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"})
    }

    #[pg_test]
    fn streams_create_table_marks_the_data_table() {
        allow_plugin();
        let reply = call(
            "create_table",
            &creation("streams_marked", &enabled("OLD_IMAGE")),
        );
        let table = &reply["TableDescription"];
        assert_eq!(table["StreamSpecification"], enabled("OLD_IMAGE"));
        assert_eq!(table["TableStatus"], json!("CREATING"));
        let label = table["LatestStreamLabel"].as_str().expect("a label");
        let arn = table["LatestStreamArn"].as_str().expect("an ARN");
        assert!(
            arn.ends_with(&format!(":table/streams_marked/stream/{label}")),
            "{arn}"
        );
        assert_eq!(
            truth(
                "SELECT relreplident = 'f' FROM pg_class WHERE oid = 'dynamo_tables.streams_marked'::regclass"
            ),
            Some(true)
        );
        let mark = "SELECT encode(tgargs, 'escape') FROM pg_trigger \
             WHERE tgrelid = 'dynamo_tables.streams_marked'::regclass AND tgname = '~dynamo_stream' AND tgenabled = 'A'";
        let mark = text(mark).expect("a mark");
        assert_eq!(
            mark,
            format!("streams_marked\\000{label}\\000OLD_IMAGE\\000id\\000S\\000")
        );
        let described = call("describe_stream", &json!({"StreamArn": arn}));
        assert_eq!(
            described["StreamDescription"]["StreamStatus"],
            json!("ENABLING")
        );
        let listed = call("list_streams", &json!({"TableName": "streams_marked"}));
        assert_eq!(
            listed["Streams"],
            json!([{"StreamArn": arn, "StreamLabel": label, "TableName": "streams_marked"}])
        );
    }

    #[pg_test]
    fn streams_a_table_without_one_pays_nothing() {
        simple_table("streams_none");
        assert_eq!(
            truth(
                "SELECT relreplident = 'd' FROM pg_class WHERE oid = 'dynamo_tables.streams_none'::regclass"
            ),
            Some(true)
        );
        assert_eq!(
            call("list_streams", &json!({"TableName": "streams_none"}))["Streams"],
            json!([])
        );
        assert_eq!(
            call("list_streams", &json!({"TableName": "streams_nowhere"}))["Streams"],
            json!([])
        );
    }

    #[pg_test]
    fn streams_table_operations_refuse_what_dynamodb_refuses() {
        allow_plugin();
        let invalid = |text: &str| format!("One or more parameter values were invalid: {text}");
        expect_refusal(
            "create_table",
            &creation("streams_refused", &json!({"StreamEnabled": true})),
            VALIDATION,
            &invalid("Table is being created with a stream enabled, UpdateViewType is required"),
        );
        simple_table("streams_refused");
        let update = |specification: Value| json!({"TableName": "streams_refused", "StreamSpecification": specification});
        for (specification, message) in [
            (
                json!({"StreamEnabled": true}),
                invalid("If stream is being enabled then UpdateViewType is required"),
            ),
            (
                json!({"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"}),
                invalid("If stream is being disabled, then UpdateViewType must not be specified"),
            ),
            (
                json!({"StreamEnabled": false}),
                "Table has no stream to disable: TableName: streams_refused".to_owned(),
            ),
        ] {
            expect_refusal("update_table", &update(specification), VALIDATION, &message);
        }
        // The request's own faults come before those of the table.
        expect_refusal(
            "update_table",
            &json!({"TableName": "streams_nowhere", "StreamSpecification": {"StreamEnabled": true}}),
            VALIDATION,
            &invalid("If stream is being enabled then UpdateViewType is required"),
        );
        let reply = call("update_table", &update(enabled("KEYS_ONLY")));
        let table = &reply["TableDescription"];
        assert_eq!(table["TableStatus"], json!("UPDATING"));
        let label = table["LatestStreamLabel"].as_str().expect("a label");
        let message = format!(
            "Attempt to change a resource which is still in use: A stream status change is currently in progress. \
             Table: streams_refused Stream: {label} Operation: ENABLE"
        );
        let disable = json!({"StreamEnabled": false});
        expect_refusal("update_table", &update(disable), IN_USE, &message);
    }

    #[pg_test]
    fn streams_need_a_server_that_decodes_with_our_plugin() {
        if truth("SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'output_plugin_libraries')")
            == Some(true)
        {
            run("SET LOCAL output_plugin_libraries = 'pgoutput'");
            expect_refusal(
                "create_table",
                &creation("streams_unwelcome", &enabled("KEYS_ONLY")),
                VALIDATION,
                "A stream needs pg_dynamo in output_plugin_libraries: add it in postgresql.conf and reload the configuration",
            );
        }
    }

    #[pg_test]
    fn streams_are_read_by_whoever_may_read_the_table() {
        let (arn, shard) = streamed_table("streams_rights");
        run("CREATE ROLE streams_reader; CREATE ROLE streams_stranger;
             GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO streams_reader, streams_stranger;
             GRANT SELECT ON dynamo_tables.streams_rights TO streams_reader");
        let request = iterator_request(&arn, &shard);
        run("SET LOCAL ROLE streams_reader");
        let iterator = call("get_shard_iterator", &request)["ShardIterator"].clone();
        assert_eq!(
            call("get_records", &json!({"ShardIterator": iterator}))["Records"],
            json!([])
        );
        assert_eq!(
            count("SELECT count(*) FROM dynamo.stream_records('streams_rights')"),
            0
        );
        run("SET LOCAL ROLE streams_stranger");
        // Descriptions are for everybody, as those of tables.
        call("describe_stream", &json!({"StreamArn": arn}));
        for (operation, request) in [
            ("get_shard_iterator", request),
            ("get_records", json!({"ShardIterator": iterator})),
        ] {
            let failure = refusal(operation, &request);
            assert_eq!(failure.sqlstate, DENIED, "{failure:?}");
        }
        let failure = failure("SELECT count(*) FROM dynamo.stream_records('streams_rights')");
        assert_eq!(failure.sqlstate, DENIED, "{failure:?}");
        // An iterator that somebody hands over opens nothing, and an unknown stream is told apart only from one's own.
        run("RESET ROLE");
        run(
            "GRANT SELECT (item) ON dynamo_tables.streams_rights TO streams_stranger; SET LOCAL ROLE streams_stranger",
        );
        let failure = refusal("get_records", &json!({"ShardIterator": iterator}));
        assert_eq!(failure.sqlstate, DENIED, "{failure:?}");
        run("RESET ROLE");
    }

    #[pg_test]
    fn streams_of_tables_with_policies_are_read_by_who_passes_them() {
        let (arn, shard) = streamed_table("streams_policies");
        run("CREATE ROLE streams_limited;
             GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO streams_limited;
             GRANT SELECT ON dynamo_tables.streams_policies TO streams_limited;
             ALTER TABLE dynamo_tables.streams_policies ENABLE ROW LEVEL SECURITY;
             CREATE POLICY all_rows ON dynamo_tables.streams_policies USING (true);
             SET LOCAL ROLE streams_limited");
        // A stream cannot apply a policy, not even one that lets everything pass.
        let failure = refusal("get_shard_iterator", &iterator_request(&arn, &shard));
        assert_eq!(failure.sqlstate, DENIED, "{failure:?}");
        run("RESET ROLE");
        call("get_shard_iterator", &iterator_request(&arn, &shard));
        run("ALTER ROLE streams_limited BYPASSRLS; SET LOCAL ROLE streams_limited");
        call("get_shard_iterator", &iterator_request(&arn, &shard));
        run("RESET ROLE");
    }

    #[pg_test]
    fn streams_of_a_table_are_not_opened_by_its_resource_policy() {
        let (arn, shard) = streamed_table("streams_governed");
        run("CREATE ROLE streams_getter");
        let table = arn.split("/stream/").next().expect("a table").to_owned();
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*",
            "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"],
            "Principal": {"AWS": "arn:aws:iam::000000000000:role/streams_getter"}}});
        let governing = json!({"ResourceArn": table, "Policy": policy.to_string()});
        call("put_resource_policy", &governing);
        let request = iterator_request(&arn, &shard);
        let iterator = call("get_shard_iterator", &request)["ShardIterator"].clone();
        let asks = |operation: &str, request: &Value| {
            run("SET LOCAL ROLE streams_getter");
            let answer = handle(operation, request.to_string().as_bytes());
            run("RESET ROLE");
            answer.error_type.unwrap_or_else(|| "done".to_owned())
        };
        let records = json!({"ShardIterator": iterator});
        assert_eq!(
            truth(
                "SELECT has_table_privilege('streams_getter', 'dynamo_tables.streams_governed', 'SELECT')"
            ),
            Some(true)
        );
        for (operation, request) in [("GetShardIterator", &request), ("GetRecords", &records)] {
            assert_eq!(asks(operation, request), "AccessDeniedException");
        }
        run("GRANT SELECT ON dynamo_tables.streams_governed TO PUBLIC");
        for (operation, request) in [("GetShardIterator", &request), ("GetRecords", &records)] {
            assert_eq!(asks(operation, request), "done");
        }

        // The stream itself has no policy, and can have none.
        let stream = json!({"ResourceArn": arn});
        let failure = refusal("get_resource_policy", &stream);
        assert!(failure.message.contains("policy not found"), "{failure:?}");
        assert_eq!(call("delete_resource_policy", &stream), json!({}));
        let failure = refusal("put_resource_policy", &with(&governing, &stream));
        assert!(failure.message.contains("not supported"), "{failure:?}");
        let unknown = json!({"ResourceArn": format!("{table}/stream/2000-01-01T00:00:00.000")});
        let failure = refusal("get_resource_policy", &unknown);
        assert!(
            failure
                .message
                .contains("2000-01-01T00:00:00.000 not found"),
            "{failure:?}"
        );
        call("get_resource_policy", &json!({"ResourceArn": table}));
    }

    #[pg_test]
    fn streams_of_a_dropped_table_are_read_by_its_former_owner() {
        run("CREATE ROLE streams_owner; CREATE ROLE streams_other;
             GRANT USAGE ON SCHEMA dynamo TO streams_owner, streams_other;
             GRANT CREATE, USAGE ON SCHEMA dynamo_tables TO streams_owner");
        allow_plugin();
        run("SET LOCAL ROLE streams_owner");
        call(
            "create_table",
            &creation("streams_left", &enabled("KEYS_ONLY")),
        );
        run("RESET ROLE");
        let (arn, shard) = {
            run(&format!(
                "INSERT INTO dynamo_internal.stream_shard (stream, low, high, epoch, start_lsn, opened_at)
                 SELECT number, {}, {}, 1, 0, 1700000000000 FROM dynamo_internal.stream WHERE table_name = 'streams_left'",
                i64::MIN,
                i64::MAX
            ));
            let streams = call("list_streams", &json!({"TableName": "streams_left"}));
            let arn = streams["Streams"][0]["StreamArn"]
                .as_str()
                .expect("an ARN")
                .to_owned();
            let described = call("describe_stream", &json!({"StreamArn": arn}));
            let shard = described["StreamDescription"]["Shards"][0]["ShardId"]
                .as_str()
                .expect("a shard")
                .to_owned();
            (arn, shard)
        };
        run("DROP TABLE dynamo_tables.streams_left");
        let request = iterator_request(&arn, &shard);
        for role in ["streams_owner", "NONE"] {
            run(&format!("SET LOCAL ROLE {role}"));
            call("get_shard_iterator", &request);
        }
        run("SET LOCAL ROLE streams_other");
        let failure = refusal("get_shard_iterator", &request);
        assert_eq!(failure.sqlstate, DENIED, "{failure:?}");
        run("RESET ROLE");
        let described = call("describe_stream", &json!({"StreamArn": arn}));
        assert_eq!(
            described["StreamDescription"]["StreamStatus"],
            json!("DISABLING")
        );
    }

    #[pg_test]
    fn streams_faults_of_a_reader_come_in_dynamodbs_order() {
        let (arn, shard) = streamed_table("streams_faults");
        let request = iterator_request(&arn, &shard);
        let unknown = arn.replace("streams_faults/stream", "streams_elsewhere/stream");
        // A type that there is not comes before the stream that there is not.
        let failure = refusal(
            "get_shard_iterator",
            &with(
                &request,
                &json!({"StreamArn": unknown, "ShardIteratorType": "ODD"}),
            ),
        );
        assert_eq!(failure.sqlstate, VALIDATION.0, "{failure:?}");
        let failure = refusal(
            "get_shard_iterator",
            &with(
                &request,
                &json!({"StreamArn": unknown, "ShardIteratorType": "AT_SEQUENCE_NUMBER"}),
            ),
        );
        assert_eq!(failure.sqlstate, VALIDATION.0, "{failure:?}");
        expect_refusal(
            "get_shard_iterator",
            &with(&request, &json!({"StreamArn": unknown})),
            NOT_FOUND,
            &format!("Requested resource not found: Stream: {unknown} not found"),
        );
        let failure = refusal(
            "get_shard_iterator",
            &with(
                &request,
                &json!({"ShardId": "shardId-00000001700000000001-00000001"}),
            ),
        );
        assert_eq!(failure.sqlstate, NOT_FOUND.0, "{failure:?}");
        let failure = refusal("get_records", &json!({"ShardIterator": "nonsense"}));
        assert_eq!(failure.sqlstate, VALIDATION.0, "{failure:?}");
    }
}
