//! CreateTable, UpdateTable, DescribeTable, DeleteTable and ListTables without a database.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::{TableDefinition, TableStatistics, TableStatus};
use pg_dynamo_core::{ErrorKind, Result};

const INVALID: &str = "One or more parameter values were invalid: ";
const PROVISIONED: &str = r#"{"TableName":"Books",
    "KeySchema":[{"AttributeName":"Title","KeyType":"HASH"},{"AttributeName":"Year","KeyType":"RANGE"}],
    "AttributeDefinitions":[{"AttributeName":"Year","AttributeType":"N"},{"AttributeName":"Title","AttributeType":"S"}],
    "ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}"#;

fn change(table: &TableDefinition, members: &str, now: i64) -> Result<TableDefinition> {
    let request = format!(r#"{{"TableName":"Books",{members}}}"#);
    UpdateTableRequest::parse(&json(&request), &account())?.apply(table, now)
}

#[test]
fn a_provisioned_table_is_described() {
    assert_eq!(
        describe_table_reply(&table(PROVISIONED), &account(), statistics()),
        r#"{"Table":{"AttributeDefinitions":[{"AttributeName":"Title","AttributeType":"S"},{"AttributeName":"Year","AttributeType":"N"}],"TableName":"Books","KeySchema":[{"AttributeName":"Title","KeyType":"HASH"},{"AttributeName":"Year","KeyType":"RANGE"}],"TableStatus":"ACTIVE","CreationDateTime":1700000000.123,"ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":5,"WriteCapacityUnits":6},"TableSizeBytes":120,"ItemCount":3,"TableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Books","TableId":"6f3c4f9e-0000-4000-8000-000000000000","DeletionProtectionEnabled":false,"WarmThroughput":{"ReadUnitsPerSecond":5,"WriteUnitsPerSecond":6,"Status":"ACTIVE"}}}"#
    );
}

#[test]
fn an_on_demand_table_is_described_with_its_extras() {
    let definition = table(
        r#"{"TableName":"Hash","BillingMode":"PAY_PER_REQUEST","TableClass":"STANDARD_INFREQUENT_ACCESS",
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"DeletionProtectionEnabled":true,
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
            "SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"k1"},
            "OnDemandThroughput":{"MaxReadRequestUnits":10},"Tags":[{"Key":"a","Value":"b"}]}"#,
    );
    assert_eq!(definition.tags["a"], "b");
    let reply = table_description_reply(
        &definition,
        TableStatus::Deleting,
        &account(),
        Default::default(),
    );
    for part in [
        r#"{"TableDescription":{"#,
        r#""TableStatus":"DELETING""#,
        r#""ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":0,"WriteCapacityUnits":0}"#,
        r#""BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST","LastUpdateToPayPerRequestDateTime":1700000000.123}"#,
        r#""SSEDescription":{"Status":"ENABLED","SSEType":"KMS","KMSMasterKeyArn":"arn:aws:kms:eu-west-1:123456789012:key/k1"}"#,
        r#""TableClassSummary":{"TableClass":"STANDARD_INFREQUENT_ACCESS"}"#,
        r#""DeletionProtectionEnabled":true"#,
        r#""OnDemandThroughput":{"MaxReadRequestUnits":10}"#,
        r#""WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000,"Status":"ACTIVE"}"#,
    ] {
        assert!(reply.contains(part), "{part} in {reply}");
    }
}

#[test]
fn definitions_survive_the_catalog_and_read_their_oldest_form() {
    let definition = table(PROVISIONED);
    let stored = serde_json::to_string(&definition).unwrap();
    assert_eq!(
        serde_json::from_str::<TableDefinition>(&stored).unwrap(),
        definition
    );
    let oldest =
        r#"{"name":"T","key_schema":{"partition":{"name":"pk","scalar":"S"},"sort":null}}"#;
    let read: TableDefinition = serde_json::from_str(oldest).unwrap();
    assert_eq!(read.name, "T");
    assert_eq!(read.global_indexes, []);
}

#[test]
fn key_schemas_must_fit_their_definitions() {
    let same = "Both the Hash Key and the Range Key element in the KeySchema have the same name";
    let missing = "Invalid KeySchema: Some index key attribute have no definition";
    for (definitions, keys, expected) in [
        (&["pk"][..], "pk:HASH pk:RANGE", missing.to_owned()),
        (&["pk", "b"], "pk:HASH pk:RANGE", same.to_owned()),
        (
            &["pk"],
            "x:HASH",
            format!(
                "{INVALID}Some index key attributes are not defined in AttributeDefinitions. Keys: [x], AttributeDefinitions: [pk]"
            ),
        ),
        (
            &["pk", "sk"],
            "pk:RANGE sk:RANGE",
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            &["pk", "sk"],
            "pk:HASH sk:HASH",
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type".to_owned(),
        ),
        (
            &["pk", "pk"],
            "pk:HASH",
            "Attribute Name is duplicated: pk".to_owned(),
        ),
        (
            &["pk", "extra"],
            "pk:HASH",
            format!(
                "{INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
            ),
        ),
    ] {
        let error = refusal("CreateTable", &creation(definitions, keys, ""));
        assert_eq!(error.message, expected);
    }
    let three = creation(&["a", "b", "c"], "a:HASH b:RANGE c:RANGE", "");
    assert_eq!(
        refusal("CreateTable", &three).message,
        "1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), \
         KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, \
         keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length \
         less than or equal to 2"
    );
}

#[test]
fn billing_mode_and_throughput_must_agree() {
    let base = r#""TableName":"abc","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]"#;
    let throughput = |r: i64| {
        format!(r#""ProvisionedThroughput":{{"ReadCapacityUnits":{r},"WriteCapacityUnits":1}}"#)
    };
    let message = |more: &str| refusal("CreateTable", &format!("{{{base},{more}}}")).message;
    assert_eq!(
        message(r#""BillingMode":"PROVISIONED""#),
        format!(
            "{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    );
    assert_eq!(
        message(&format!(
            r#""BillingMode":"PAY_PER_REQUEST",{}"#,
            throughput(1)
        )),
        format!(
            "{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    );
    assert_eq!(
        message(&throughput(1_000_000_000_001)),
        "Given value 1000000000001 for ReadCapacityUnits is out of bounds"
    );
    assert_eq!(
        message(&throughput(0)),
        "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' \
         failed to satisfy constraint: Member must have value greater than or equal to 1"
    );
}

#[test]
fn vectors_are_refused_and_a_disabled_stream_is_not() {
    let message = |more: &str| create(&creation(&["a"], "a:HASH", more)).map_err(|e| e.message);
    let refused = |p: &str| Err(format!("{p} is not supported in this release of pg_dynamo"));
    assert_eq!(message(r#","VectorIndexes":[]"#), refused("VectorIndexes"));
    assert!(message(r#","StreamSpecification":{"StreamEnabled":false}"#).is_ok());
}

#[test]
fn on_demand_bounds_belong_to_on_demand_tables() {
    let new_table = |mode: &str, bounds: &str| {
        create(&format!(
            r#"{{"TableName":"Books",{mode},
                "KeySchema":[{{"AttributeName":"pk","KeyType":"HASH"}}],
                "AttributeDefinitions":[{{"AttributeName":"pk","AttributeType":"S"}}],
                "OnDemandThroughput":{{{bounds}}}}}"#
        ))
    };
    let on_demand = r#""BillingMode":"PAY_PER_REQUEST""#;
    let provisioned = r#""ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}"#;
    let outside = |name: &str| {
        format!(
            "{INVALID}Requested {name} for OnDemandThroughput for table is outside of valid range"
        )
    };
    for bounds in [r#""MaxReadRequestUnits":0"#, r#""MaxReadRequestUnits":-1"#] {
        let error = new_table(on_demand, bounds).unwrap_err();
        assert_eq!(error.message, outside("MaxReadRequestUnits"));
    }
    assert_eq!(new_table(on_demand, "").unwrap().on_demand, None);
    let both = r#""MaxReadRequestUnits":7,"MaxWriteRequestUnits":8"#;
    assert_eq!(
        new_table(provisioned, both).unwrap_err().message,
        format!(
            "{INVALID}MaxReadRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED."
        )
    );
    let bounded = new_table(on_demand, both).unwrap();
    let update = |bounds: &str| {
        change(
            &bounded,
            &format!(r#""OnDemandThroughput":{{{bounds}}}"#),
            NOW,
        )
    };
    let unbounded = update(r#""MaxWriteRequestUnits":-1"#).unwrap();
    let units = unbounded.on_demand.unwrap();
    assert_eq!((units.read, units.write), (Some(7), Some(-1)));
    let error = update(r#""MaxWriteRequestUnits":-2"#).unwrap_err();
    assert_eq!(error.message, outside("MaxWriteRequestUnits"));
    assert_eq!(
        change(
            &table(PROVISIONED),
            r#""OnDemandThroughput":{"MaxWriteRequestUnits":0}"#,
            NOW
        )
        .unwrap_err()
        .message,
        format!(
            "{INVALID}MaxWriteRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"
        )
    );
}

#[test]
fn throughput_changes_and_counts_its_decreases() {
    const HOUR: i64 = 3_600_000;
    let units = |read: i64| {
        format!(r#""ProvisionedThroughput":{{"ReadCapacityUnits":{read},"WriteCapacityUnits":6}}"#)
    };
    let start = table(PROVISIONED);
    let same = change(&start, &units(5), NOW).unwrap_err().message;
    assert!(same.starts_with("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5."));
    let mut current = change(&start, &units(50), NOW).unwrap();
    assert_eq!(current.throughput.last_increase, Some(NOW));
    assert_eq!(current.throughput.decreases_today, 0);
    for i in 1..=4 {
        current = change(&current, &units(50 - i), NOW).unwrap();
    }
    assert_eq!(current.throughput.decreases_today, 4);
    let fifth = change(&current, &units(10), NOW + 1).unwrap_err();
    assert_eq!(fifth.kind, ErrorKind::LimitExceeded);
    let later = change(&current, &units(10), NOW + HOUR).unwrap();
    assert_eq!(later.throughput.decreases_today, 5);
    let tomorrow = change(&current, &units(10), NOW + 24 * HOUR).unwrap();
    assert_eq!(tomorrow.throughput.decreases_today, 1);
}

#[test]
fn encryption_settings_must_agree_and_change_something() {
    let created = |members: &str| {
        let more = format!(r#","SSESpecification":{{{members}}}"#);
        create(&creation(&["a"], "a:HASH", &more)).map_err(|e| e.message)
    };
    for (members, message) in [
        (
            r#""Enabled":false,"SSEType":"KMS""#,
            "SSEType can not be specified if Enabled is false",
        ),
        (
            r#""Enabled":false,"KMSMasterKeyId":"k""#,
            "KMSMasterKeyId can not be specified if Enabled is false",
        ),
        (
            r#""Enabled":true,"SSEType":"AES256""#,
            "SSEType AES256 is not supported",
        ),
        (
            r#""Enabled":true,"KMSMasterKeyId":"k""#,
            "SSEType KMS is required if KMSMasterKeyId is specified",
        ),
    ] {
        assert_eq!(created(members), Err(format!("{INVALID}{message}")));
    }
    let encryption = |members: &str| created(members).unwrap().encryption;
    assert_eq!(encryption(""), None);
    let by_service = encryption(r#""SSEType":"KMS""#).unwrap();
    assert_eq!((by_service.enabled, by_service.kms_key), (true, None));
    let by_key = encryption(r#""SSEType":"KMS","KMSMasterKeyId":"k""#).unwrap();
    assert_eq!(by_key.kms_key.as_deref(), Some("k"));
    let plain = table(PROVISIONED);
    let refused = |table: &TableDefinition, members: &str| {
        let members = format!(r#""SSESpecification":{{{members}}}"#);
        change(table, &members, NOW).unwrap_err().message
    };
    assert_eq!(
        refused(&plain, r#""Enabled":false"#),
        format!("{INVALID}Table is already encrypted by default")
    );
    let by_key = |key: &str| format!(r#""Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"{key}""#);
    let encrypt = |table: &TableDefinition, members: &str| {
        change(table, &format!(r#""SSESpecification":{{{members}}}"#), NOW).unwrap()
    };
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/k";
    for held in ["k", arn] {
        let encrypted = encrypt(&plain, &by_key(held));
        assert_eq!(
            refused(&encrypted, &by_key(arn)),
            format!(
                "{INVALID}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key"
            )
        );
        encrypt(&encrypted, &by_key("k"));
        encrypt(&encrypted, &by_key("alias/k"));
    }
    for by_service in [r#""Enabled":true"#, r#""SSEType":"KMS""#] {
        let encrypted = encrypt(&plain, by_service);
        assert_eq!(encrypt(&encrypted, by_service), encrypted);
    }
}

#[test]
fn decreases_are_told_on_the_day_they_happen() {
    let members = r#""ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}"#;
    let decreased = change(&table(PROVISIONED), members, NOW).unwrap();
    for (taken_at, told) in [(NOW + 1000, 1), (NOW + 86_400_000, 0)] {
        let statistics = TableStatistics {
            taken_at,
            ..statistics()
        };
        let reply = describe_table_reply(&decreased, &account(), statistics);
        let expected = format!("\"NumberOfDecreasesToday\":{told}");
        assert!(reply.contains(&expected), "{reply}");
    }
}

#[test]
fn billing_modes_switch_both_ways() {
    let on_demand = change(
        &table(PROVISIONED),
        r#""BillingMode":"PAY_PER_REQUEST""#,
        NOW + 5,
    )
    .unwrap();
    assert_eq!(on_demand.on_demand_since, Some(NOW + 5));
    assert_eq!(
        (on_demand.throughput.read, on_demand.throughput.write),
        (0, 0)
    );
    // The same mode again is no error.
    let again = change(&on_demand, r#""BillingMode":"PAY_PER_REQUEST""#, NOW + 9).unwrap();
    assert_eq!(again, on_demand);
    let throughput = r#""ProvisionedThroughput":{"ReadCapacityUnits":2,"WriteCapacityUnits":2}"#;
    let neither = format!(
        "{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
    );
    assert_eq!(
        change(&on_demand, throughput, NOW).unwrap_err().message,
        neither
    );
    let back = format!(r#""BillingMode":"PROVISIONED",{throughput}"#);
    let back = change(&on_demand, &back, NOW + 10).unwrap();
    assert_eq!((back.throughput.read, back.throughput.write), (2, 2));
    let summary = back.describe(&account(), statistics());
    assert!(summary.contains(r#""BillingModeSummary":{"BillingMode":"PROVISIONED""#));
}

#[test]
fn update_table_needs_something_to_do() {
    assert_eq!(
        refusal("UpdateTable", r#"{"TableName":"abc"}"#).message,
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
         GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
    );
}

#[test]
fn of_several_changes_that_must_stand_alone_one_is_named() {
    let (protection, class) = (
        r#""DeletionProtectionEnabled":true"#,
        r#""TableClass":"STANDARD""#,
    );
    let encryption = r#""SSESpecification":{"Enabled":true}"#;
    let warm = r#""WarmThroughput":{"ReadUnitsPerSecond":13000}"#;
    for (members, named) in [
        (
            [protection, encryption],
            "Server-Side Encryption modification",
        ),
        ([class, encryption], "Server-Side Encryption modification"),
        ([protection, class], "TableClass modification"),
        ([warm, protection], "DeletionProtection modification"),
    ] {
        let error = change(&table(PROVISIONED), &members.join(","), NOW).unwrap_err();
        let text = format!("{INVALID}{named} must be the only operation in the request");
        assert_eq!(error.message, text);
    }
}

#[test]
fn a_deleted_table_is_described_without_keys_and_creation_time() {
    let reply = table_description_reply(
        &table(PROVISIONED),
        TableStatus::Deleting,
        &account(),
        statistics(),
    );
    assert_eq!(
        reply,
        r#"{"TableDescription":{"TableName":"Books","TableStatus":"DELETING","ProvisionedThroughput":{"NumberOfDecreasesToday":0,"ReadCapacityUnits":5,"WriteCapacityUnits":6},"TableSizeBytes":120,"ItemCount":3,"TableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Books","TableId":"6f3c4f9e-0000-4000-8000-000000000000","DeletionProtectionEnabled":false,"WarmThroughput":{"ReadUnitsPerSecond":5,"WriteUnitsPerSecond":6,"Status":"ACTIVE"}}}"#
    );
}

#[test]
fn protected_tables_are_not_deleted() {
    let request = json(r#"{"TableName":"Books"}"#);
    let request = DeleteTableRequest::parse(&request, &account()).unwrap();
    let open = table(PROVISIONED);
    assert!(request.check(&open).is_ok());
    let protected = change(&open, r#""DeletionProtectionEnabled":true"#, NOW).unwrap();
    assert_eq!(
        request.check(&protected).unwrap_err().message,
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    );
}

#[test]
fn lists_of_tables_are_paged() {
    let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
    let reply = |request: &str| {
        ListTablesRequest::parse(&json(request))
            .unwrap()
            .reply(&names)
    };
    assert_eq!(reply("{}"), r#"{"TableNames":["a","b","c"]}"#);
    assert_eq!(
        reply(r#"{"Limit":2}"#),
        r#"{"LastEvaluatedTableName":"b","TableNames":["a","b"]}"#
    );
    assert_eq!(reply(r#"{"Limit":3}"#), r#"{"TableNames":["a","b","c"]}"#);
    assert_eq!(
        refusal("ListTables", r#"{"Limit":0}"#).message,
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: \
         Member must have value greater than or equal to 1"
    );
    assert!(
        refusal("ListTables", r#"{"Limit":101}"#)
            .message
            .contains("less than or equal to 100")
    );
}

#[test]
fn a_table_may_be_named_by_its_arn() {
    let arn = account().table_arn("Books");
    let text = format!(r#"{{"TableName":"{arn}"}}"#);
    let request = DescribeTableRequest::parse(&json(&text), &account()).unwrap();
    assert_eq!(request.table().name, "Books");
    assert_eq!(request.table().as_given, arn);
}

#[test]
fn the_default_class_of_a_table_that_never_had_another_is_not_told() {
    let class = |name: &str| format!(r#""TableClass":"{name}""#);
    let plain = table(PROVISIONED);
    assert_eq!(change(&plain, &class("STANDARD"), NOW).unwrap(), plain);
    let rare = change(&plain, &class("STANDARD_INFREQUENT_ACCESS"), NOW).unwrap();
    let back = change(&rare, &class("STANDARD"), NOW + 1000).unwrap();
    let summary = r#""TableClassSummary":{"TableClass":"STANDARD","LastUpdateDateTime":"#;
    let told = describe_table_reply(&back, &account(), statistics());
    assert!(told.contains(summary), "{told}");
}

#[test]
fn encryption_and_warm_throughput_change() {
    let start = table(PROVISIONED);
    let encrypted = change(&start, r#""SSESpecification":{"Enabled":true}"#, NOW).unwrap();
    assert!(encrypted.encryption.is_some());
    let plain = change(&encrypted, r#""SSESpecification":{"Enabled":false}"#, NOW).unwrap();
    assert_eq!(plain.encryption, None);
    let warm = |units: i64| format!(r#""WarmThroughput":{{"ReadUnitsPerSecond":{units}}}"#);
    let warmer = change(&start, &warm(100), NOW).unwrap();
    assert_eq!(warmer.warm_units().read, Some(100));
    assert_eq!(warmer.warm_units().write, Some(6));
    assert!(change(&warmer, &warm(99), NOW).is_err());
}
