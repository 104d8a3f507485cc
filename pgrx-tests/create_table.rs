//! CreateTable through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn request(table: &str, more: &Value) -> Value {
        let base = json!({"TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]});
        with(&base, more)
    }

    fn provisioned(read: i64, write: i64) -> Value {
        json!({"BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}})
    }

    #[pg_test]
    fn create_table_describes_an_active_table() {
        let keys = json!({
            "AttributeDefinitions": [{"AttributeName": "at", "AttributeType": "N"}, {"AttributeName": "id", "AttributeType": "B"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        });
        let request = with(
            &request("create_table.describes-1", &keys),
            &provisioned(5, 6),
        );
        let description = call("create_table", &request)["TableDescription"].clone();
        assert_eq!(description["TableName"], "create_table.describes-1");
        assert_eq!(description["TableStatus"], "ACTIVE");
        assert_eq!(
            description["AttributeDefinitions"],
            keys["AttributeDefinitions"]
        );
        assert_eq!(description["KeySchema"], keys["KeySchema"]);
        assert_eq!(description["ProvisionedThroughput"]["ReadCapacityUnits"], 5);
        assert_eq!(
            description["ProvisionedThroughput"]["WriteCapacityUnits"],
            6
        );
        assert_eq!(description["ItemCount"], 0);
        assert_eq!(description["TableSizeBytes"], 0);
        assert_eq!(
            description["TableArn"],
            "arn:aws:dynamodb:local:000000000000:table/create_table.describes-1"
        );
        assert_eq!(description["TableId"].as_str().map(str::len), Some(36));
        let created = description["CreationDateTime"]
            .as_f64()
            .expect("seconds since 1970");
        assert!(created > 1.7e9, "{created}");
    }

    #[pg_test]
    fn create_table_makes_a_native_table_of_the_caller() {
        call("create_table", &request("create_table_native", &json!({})));
        let columns = text(
            "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = 'dynamo_tables.create_table_native'::regclass AND attnum > 0",
        );
        assert_eq!(
            columns.as_deref(),
            Some("pk_hash bigint, pk bytea, sk bytea, item dynamo.item")
        );
        let owner = "SELECT relowner::regrole::text = current_user FROM pg_class
                     WHERE oid = 'dynamo_tables.create_table_native'::regclass";
        assert_eq!(truth(owner), Some(true));
        let listed = "SELECT relation = 'dynamo_tables.create_table_native'::regclass
                      FROM dynamo.tables WHERE table_name = 'create_table_native'";
        assert_eq!(truth(listed), Some(true));
    }

    #[pg_test]
    fn create_table_twice_is_refused() {
        let request = request("create_table_twice", &json!({}));
        call("create_table", &request);
        expect_refusal(
            "create_table",
            &request,
            IN_USE,
            "Table already exists: create_table_twice",
        );
    }

    #[pg_test]
    fn create_table_keeps_tags_class_and_encryption() {
        let more = json!({"TableClass": "STANDARD_INFREQUENT_ACCESS", "DeletionProtectionEnabled": true,
            "Tags": [{"Key": "team", "Value": "blue"}]});
        let description =
            call("create_table", &request("create_table_options", &more))["TableDescription"]
                .clone();
        assert_eq!(
            description["TableClassSummary"]["TableClass"],
            "STANDARD_INFREQUENT_ACCESS"
        );
        assert_eq!(description["DeletionProtectionEnabled"], true);
        assert_eq!(
            description["BillingModeSummary"]["BillingMode"],
            "PAY_PER_REQUEST"
        );
        let stored = text(
            "SELECT definition::text FROM dynamo.tables WHERE table_name = 'create_table_options'",
        );
        assert!(stored.expect("a definition").contains("blue"));
    }

    #[pg_test]
    fn create_table_refuses_what_dynamodb_refuses() {
        let schema = |elements: &[(&str, &str)]| {
            let element =
                |(name, kind): &(&str, &str)| json!({"AttributeName": name, "KeyType": kind});
            json!({"KeySchema": elements.iter().map(element).collect::<Vec<_>>()})
        };
        let cases = [
            (
                json!({"TableName": "ab"}),
                "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
            ),
            (
                json!({"TableName": "with space"}),
                "1 validation error detected: Value 'with space' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            ),
            (
                json!({"BillingMode": "PROVISIONED"}),
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
            ),
            (
                with(
                    &provisioned(1, 1),
                    &json!({"BillingMode": "PAY_PER_REQUEST"}),
                ),
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ),
            (
                schema(&[("other", "HASH")]),
                "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [other], AttributeDefinitions: [id]",
            ),
            (
                schema(&[("id", "RANGE")]),
                "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            ),
            (
                with(
                    &schema(&[("id", "HASH"), ("id", "RANGE")]),
                    &json!({"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"},
                        {"AttributeName": "at", "AttributeType": "S"}]}),
                ),
                "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            ),
        ];
        for (more, message) in cases {
            expect_refusal(
                "create_table",
                &request("create_table_refuses", &more),
                VALIDATION,
                message,
            );
        }
        assert_eq!(
            count("SELECT count(*) FROM dynamo.tables WHERE table_name = 'create_table_refuses'"),
            0
        );
    }

    #[pg_test]
    fn create_table_names() {
        // Dots, dashes, upper case, words of SQL, 255 characters, and two that differ after 63 bytes.
        let (long, twin) = (
            format!("{}a", "x".repeat(254)),
            format!("{}b", "x".repeat(254)),
        );
        for name in [
            "a.b-c_D",
            "Create_Table_Names",
            "CREATE_TABLE_NAMES",
            "select",
            "...",
            &long,
            &twin,
        ] {
            call("create_table", &request(name, &json!({})));
            put(name, &json!({"id": {"S": "a"}, "name": {"S": name}}));
        }
        for name in [
            "a.b-c_D",
            "Create_Table_Names",
            "CREATE_TABLE_NAMES",
            "select",
            "...",
            &long,
            &twin,
        ] {
            assert_eq!(
                get(name, &json!({"id": {"S": "a"}}))["name"],
                json!({"S": name})
            );
        }
        let too_long = "x".repeat(256);
        let message = format!(
            "1 validation error detected: Value '{too_long}' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"
        );
        expect_refusal(
            "create_table",
            &request(&too_long, &json!({})),
            VALIDATION,
            &message,
        );
    }

    #[pg_test]
    fn create_table_names_of_relations_never_collide() {
        // The index of a table is named with a colon, a shortened table with a tilde: neither may stand in
        // a table's name.
        let name = "y".repeat(63);
        for name in [
            name.as_str(),
            &format!("{name}y"),
            &"y".repeat(55),
            &"y".repeat(54),
        ] {
            call("create_table", &request(name, &json!({})));
        }
        for refused in ["Music:primary", "Music~0"] {
            assert_eq!(
                refusal("create_table", &request(refused, &json!({}))).sqlstate,
                "DY001"
            );
        }
    }

    #[pg_test]
    fn create_table_gives_way_to_what_a_user_put_there() {
        call("create_table", &request("create_table_owner", &json!({})));
        run("CREATE INDEX create_table_index ON dynamo_tables.create_table_owner ((item ->> 'n'))");
        run("CREATE VIEW dynamo_tables.create_table_view AS SELECT 1 AS one");
        for name in ["create_table_index", "create_table_view"] {
            let message = format!("Table already exists: {name}");
            expect_refusal("create_table", &request(name, &json!({})), IN_USE, &message);
            let listed =
                format!("SELECT count(*) FROM dynamo.table_definition WHERE table_name = '{name}'");
            assert_eq!(count(&listed), 0);
        }
    }

    #[pg_test]
    fn create_table_rolled_back_leaves_no_trace() {
        let request = request("create_table_rolled_back", &json!({}));
        let create_and_fail = "DO $do$ BEGIN
                PERFORM dynamo.create_table('create_table_rolled_back', 'other');
                PERFORM dynamo.put_item('create_table_rolled_back', '{\"other\":{\"S\":\"a\"}}');
                RAISE EXCEPTION 'undone';
            END $do$";
        for _ in 0..2 {
            assert_eq!(failure(create_and_fail).message, "undone");
            let key =
                json!({"TableName": "create_table_rolled_back", "Key": {"other": {"S": "a"}}});
            expect_refusal("get_item", &key, NOT_FOUND, "Requested resource not found");
        }
        // The next table of that name is another one: other keys, no items.
        call("create_table", &request);
        put("create_table_rolled_back", &json!({"id": {"S": "a"}}));
        assert_eq!(
            count("SELECT count(*) FROM dynamo_tables.create_table_rolled_back"),
            1
        );
    }
}
