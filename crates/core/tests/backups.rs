//! Backups, restores and point-in-time recovery without a database.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::backup::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::{BillingMode, IndexState, TableDefinition, TimeToLive};
use pg_dynamo_core::{ApiError, ErrorKind, Result};

const SCORES: &str = r#"{"TableName":"Scores",
    "KeySchema":[{"AttributeName":"User","KeyType":"HASH"},{"AttributeName":"Day","KeyType":"RANGE"}],
    "AttributeDefinitions":[{"AttributeName":"User","AttributeType":"S"},{"AttributeName":"Day","AttributeType":"N"},
        {"AttributeName":"Score","AttributeType":"N"},{"AttributeName":"Team","AttributeType":"S"}],
    "ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},
    "SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"k1"},
    "DeletionProtectionEnabled":true,"Tags":[{"Key":"a","Value":"b"}],
    "LocalSecondaryIndexes":[{"IndexName":"ByScore","Projection":{"ProjectionType":"KEYS_ONLY"},
        "KeySchema":[{"AttributeName":"User","KeyType":"HASH"},{"AttributeName":"Score","KeyType":"RANGE"}]}],
    "GlobalSecondaryIndexes":[{"IndexName":"ByTeam","Projection":{"ProjectionType":"ALL"},
        "KeySchema":[{"AttributeName":"Team","KeyType":"HASH"}],
        "ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}]}"#;
const BY_TEAM: &str = r#"{"IndexName":"ByTeam","Projection":{"ProjectionType":"ALL"},"KeySchema":[{"AttributeName":"Team","KeyType":"HASH"}]}"#;
const LATER: i64 = NOW + 60_000;
const DAY: i64 = 86_400_000;

fn backup() -> Backup {
    let id = backup_id(NOW, "6f3c4f9e-0000-4000-8000-000000000000");
    Backup::of_table(id, "nightly".into(), table(SCORES), NOW)
}

fn arn() -> String {
    backup().arn(&account())
}

fn restored(more: &str) -> Result<TableDefinition> {
    let request = format!(
        r#"{{"TargetTableName":"New","BackupArn":"{}"{more}}}"#,
        arn()
    );
    RestoreTableFromBackupRequest::parse(&json(&request), &account())?.definition(
        &backup(),
        "id".into(),
        LATER,
    )
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> ApiError {
    result.unwrap_err()
}

#[test]
fn a_backup_is_named_by_time_and_chance() {
    assert_eq!(
        arn(),
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/backup/01700000000123-6f3c4f9e"
    );
    let parsed = BackupRef::parse(&arn(), &account()).unwrap();
    assert_eq!((parsed.table.as_str(), parsed.id), ("Scores", backup().id));
}

#[test]
fn an_arn_of_something_else_is_no_backup() {
    for text in [
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/index/01700000000123-6f3c4f9e",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/backup/",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/backup/a/b",
        "arn:aws:dynamodb:eu-west-1:123456789012:nothing/Scores/backup/01700000000123-6f3c4f9e",
        "Scores/backup/01700000000123-6f3c4f9e-and-so-on-and-on",
    ] {
        let error = refused(BackupRef::parse(text, &account()));
        assert_eq!(error.kind, ErrorKind::Validation, "{text}");
        assert_eq!(error.message, format!("Invalid backup ARN: {text}"));
    }
    let other = arn().replace("123456789012", "210987654321");
    assert_eq!(
        refused(BackupRef::parse(&other, &account())).kind,
        ErrorKind::AccessDenied
    );
}

#[test]
fn a_backup_describes_itself_and_its_table() {
    let description = backup().description(&account());
    for part in [
        r#""BackupDetails":{"BackupArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/backup/01700000000123-6f3c4f9e","BackupName":"nightly","BackupCreationDateTime":1700000000.123,"BackupStatus":"CREATING","BackupType":"USER","BackupSizeBytes":0}"#,
        r#""SourceTableDetails":{"TableName":"Scores""#,
        r#""ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},"ItemCount":0,"BillingMode":"PROVISIONED"}"#,
        r#""LocalSecondaryIndexes":[{"IndexName":"ByScore","KeySchema":[{"AttributeName":"User","KeyType":"HASH"},{"AttributeName":"Score","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]"#,
        r#""GlobalSecondaryIndexes":[{"IndexName":"ByTeam","KeySchema":[{"AttributeName":"Team","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}]"#,
        r#""SSEDescription":{"Status":"ENABLED","SSEType":"KMS","#,
    ] {
        assert!(description.contains(part), "{part} in {description}");
    }
}

#[test]
fn what_a_deleted_table_leaves_expires() {
    let kept = Backup::of_deleted_table(backup().id, table(SCORES), NOW);
    assert_eq!(kept.name, "Scores$DeletedTableBackup");
    assert_eq!(kept.expires_at, Some(NOW + 35 * DAY));
    let details = kept.details(&account());
    assert!(details.contains(r#""BackupExpiryDateTime":1703024000.123,"BackupStatus":"AVAILABLE","BackupType":"SYSTEM""#), "{details}");
}

#[test]
fn backups_survive_the_catalog() {
    let stored = serde_json::to_string(&backup()).unwrap();
    assert_eq!(serde_json::from_str::<Backup>(&stored).unwrap(), backup());
    // The views look for these texts.
    assert!(stored.contains(r#""state":"Creating","created_at""#));
    let table = serde_json::to_string(&restored("").unwrap()).unwrap();
    assert!(table.contains(r#""restore":{"source_table":"Scores","backup":"01700000000123-6f3c4f9e","at":1700000000123,"in_progress":true}"#), "{table}");
}

#[test]
fn a_restored_table_has_the_settings_that_are_restored() {
    let table = restored("").unwrap();
    let source = backup().definition;
    assert_eq!(
        (
            table.name.as_str(),
            table.table_id.as_str(),
            table.created_at
        ),
        ("New", "id", LATER)
    );
    assert_eq!(table.key_schema, source.key_schema);
    assert_eq!(table.local_indexes, source.local_indexes);
    assert_eq!(table.global_indexes, source.global_indexes);
    assert_eq!(table.attribute_definitions, source.attribute_definitions);
    assert_eq!((table.throughput.read, table.throughput.write), (5, 6));
    assert_eq!(table.encryption, source.encryption);
    assert!(table.tags.is_empty() && !table.deletion_protection && table.point_in_time.is_none());
    assert!(table.is_being_created());
    let described = table.describe(&account(), statistics());
    for part in [
        r#""TableStatus":"CREATING""#,
        r#""RestoreSummary":{"SourceBackupArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/backup/01700000000123-6f3c4f9e","SourceTableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Scores","RestoreDateTime":1700000000.123,"RestoreInProgress":true}"#,
    ] {
        assert!(described.contains(part), "{part} in {described}");
    }
}

#[test]
fn overrides_replace_settings_and_choose_indexes() {
    let on_demand = r#","BillingModeOverride":"PAY_PER_REQUEST","OnDemandThroughputOverride":{"MaxReadRequestUnits":7}"#;
    let table = restored(on_demand).unwrap();
    assert_eq!(table.billing_mode, BillingMode::PayPerRequest);
    assert_eq!(
        (
            table.throughput.read,
            table.global_indexes[0].throughput.write
        ),
        (0, 0)
    );
    assert_eq!(
        (table.on_demand.unwrap().read, table.on_demand_since),
        (Some(7), Some(LATER))
    );

    let table = restored(
        r#","ProvisionedThroughputOverride":{"ReadCapacityUnits":8,"WriteCapacityUnits":9}"#,
    )
    .unwrap();
    assert_eq!((table.throughput.read, table.throughput.write), (8, 9));

    let without = restored(r#","LocalSecondaryIndexOverride":[],"GlobalSecondaryIndexOverride":[],"SSESpecificationOverride":{"Enabled":false}"#).unwrap();
    assert!(without.local_indexes.is_empty() && without.global_indexes.is_empty());
    assert_eq!(without.encryption, None);
    assert_eq!(without.attribute_definitions.len(), 2);

    let one = restored(&format!(r#","BillingModeOverride":"PAY_PER_REQUEST","LocalSecondaryIndexOverride":[],"GlobalSecondaryIndexOverride":[{BY_TEAM}]"#)).unwrap();
    assert_eq!(
        (one.local_indexes.len(), one.global_indexes[0].columns),
        (0, 1)
    );
}

#[test]
fn an_index_that_the_source_does_not_have_is_refused() {
    let with = BY_TEAM.replace(
        r#""ProjectionType":"ALL""#,
        r#""ProjectionType":"KEYS_ONLY""#,
    );
    for index in [with, BY_TEAM.replace("ByTeam", "Other")] {
        let error = refused(restored(&format!(
            r#","BillingModeOverride":"PAY_PER_REQUEST","GlobalSecondaryIndexOverride":[{index}]"#
        )));
        assert_eq!(error.kind, ErrorKind::Validation);
        assert!(
            error
                .message
                .contains("does not match an index of the source table"),
            "{}",
            error.message
        );
    }
}

#[test]
fn provisioned_units_cannot_be_guessed() {
    let provisioned = r#","BillingModeOverride":"PAY_PER_REQUEST","ProvisionedThroughputOverride":{"ReadCapacityUnits":8,"WriteCapacityUnits":9}"#;
    assert!(
        refused(restored(provisioned))
            .message
            .contains("when BillingMode is PAY_PER_REQUEST")
    );
    let mut source = backup();
    source.definition.billing_mode = BillingMode::PayPerRequest;
    let request = format!(
        r#"{{"TargetTableName":"New","BackupArn":"{}","BillingModeOverride":"PROVISIONED"}}"#,
        arn()
    );
    let request = RestoreTableFromBackupRequest::parse(&json(&request), &account()).unwrap();
    let error = refused(request.definition(&source, "id".into(), LATER));
    assert!(
        error
            .message
            .contains("ReadCapacityUnits and WriteCapacityUnits must both be specified"),
        "{}",
        error.message
    );
}

fn recoverable(days: i64) -> TableDefinition {
    TableDefinition {
        point_in_time: Some(PointInTime { since: NOW, days }),
        ..table(SCORES)
    }
}

fn to(table: &TableDefinition, when: &str, now: i64) -> Result<TableDefinition> {
    let request = format!(r#"{{"SourceTableName":"Scores","TargetTableName":"New",{when}}}"#);
    RestoreTableToPointInTimeRequest::parse(&json(&request), &account())?.definition(
        table,
        "id".into(),
        now,
    )
}

#[test]
fn a_point_in_time_lies_within_the_recovery_period() {
    let table = recoverable(1);
    let at = |seconds: &str, now| to(&table, &format!(r#""RestoreDateTime":{seconds}"#), now);
    let restore = at("1700000030", LATER).unwrap().restore.unwrap();
    assert_eq!((restore.at, restore.backup), (1_700_000_030_000, None));
    assert_eq!(
        at("1700000000.5", LATER).unwrap().restore.unwrap().at,
        1_700_000_000_500
    );
    assert_eq!(
        to(&table, r#""UseLatestRestorableTime":true"#, LATER)
            .unwrap()
            .restore
            .unwrap()
            .at,
        LATER + 1
    );
    for (seconds, now) in [
        ("1700000000", LATER),
        ("1700000061", LATER),
        ("1700000030", LATER + DAY),
    ] {
        assert_eq!(
            refused(at(seconds, now)).kind,
            ErrorKind::InvalidRestoreTime,
            "{seconds} at {now}"
        );
    }
}

#[test]
fn without_history_there_is_no_point_in_time() {
    let error = refused(to(
        &table(SCORES),
        r#""UseLatestRestorableTime":true"#,
        LATER,
    ));
    assert_eq!(error.kind, ErrorKind::PointInTimeRecoveryUnavailable);
    assert_eq!(
        error.message,
        "Point in time recovery is not enabled for table 'Scores'"
    );
}

#[test]
fn one_source_and_one_time_must_be_named() {
    for members in [
        r#""SourceTableName":"Scores""#,
        r#""SourceTableName":"Scores","RestoreDateTime":1700000030,"UseLatestRestorableTime":true"#,
        r#""UseLatestRestorableTime":true"#,
        r#""SourceTableName":"Scores","SourceTableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Scores","UseLatestRestorableTime":true"#,
    ] {
        let request = format!(r#"{{"TargetTableName":"New",{members}}}"#);
        let error = refused(RestoreTableToPointInTimeRequest::parse(
            &json(&request),
            &account(),
        ));
        assert_eq!(error.kind, ErrorKind::Validation, "{members}");
    }
}

fn update(
    specification: &str,
    table: &TableDefinition,
) -> Result<(HistoryChange, TableDefinition)> {
    let request =
        format!(r#"{{"TableName":"Scores","PointInTimeRecoverySpecification":{specification}}}"#);
    let request = UpdateContinuousBackupsRequest::parse(&json(&request), &account())?;
    Ok((request.change(table), request.apply(table, LATER)))
}

#[test]
fn point_in_time_recovery_begins_changes_and_ends() {
    let (change, on) = update(r#"{"PointInTimeRecoveryEnabled":true}"#, &table(SCORES)).unwrap();
    assert_eq!(change, HistoryChange::Begins);
    assert_eq!(
        on.point_in_time,
        Some(PointInTime {
            since: LATER,
            days: 35
        })
    );
    let (change, shorter) = update(
        r#"{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":3}"#,
        &recoverable(35),
    )
    .unwrap();
    assert_eq!(change, HistoryChange::Stays);
    assert_eq!(
        shorter.point_in_time,
        Some(PointInTime {
            since: NOW,
            days: 3
        })
    );
    let (change, off) = update(r#"{"PointInTimeRecoveryEnabled":false}"#, &on).unwrap();
    assert_eq!((change, off.point_in_time), (HistoryChange::Ends, None));
    for days in [0, 36] {
        let error = refused(update(
            &format!(r#"{{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":{days}}}"#),
            &off,
        ));
        assert!(
            error
                .message
                .contains("'pointInTimeRecoverySpecification.recoveryPeriodInDays'"),
            "{}",
            error.message
        );
    }
}

#[test]
fn a_longer_period_does_not_bring_back_what_a_shorter_one_has_let_go() {
    let now = NOW + 40 * DAY;
    let mut table = recoverable(35);
    for (now, days) in [(now, 1), (now + 1, 35)] {
        let request = format!(
            r#"{{"TableName":"Scores","PointInTimeRecoverySpecification":{{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":{days}}}}}"#
        );
        let request = UpdateContinuousBackupsRequest::parse(&json(&request), &account()).unwrap();
        table = request.apply(&table, now);
    }
    assert_eq!(
        table.point_in_time,
        Some(PointInTime {
            since: now + 1 - DAY,
            days: 35
        })
    );
}

#[test]
fn a_backup_tells_of_time_to_live() {
    let mut backup = backup();
    assert!(!backup.description(&account()).contains("TimeToLive"));
    backup.definition.time_to_live = Some(TimeToLive {
        attribute: "Until".into(),
        state: IndexState::Active,
        changed_at: NOW,
    });
    let description = backup.description(&account());
    let part = r#""TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"Until"}"#;
    assert!(description.contains(part), "{description}");
}

#[test]
fn continuous_backups_are_described() {
    assert_eq!(
        continuous_backups(None, LATER),
        r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}"#
    );
    let on = PointInTime {
        since: NOW,
        days: 1,
    };
    assert_eq!(
        continuous_backups(Some(on), LATER),
        r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED","RecoveryPeriodInDays":1,"EarliestRestorableDateTime":1700000001.000,"LatestRestorableDateTime":1700000060.123}}}"#
    );
    assert_eq!(on.earliest(NOW + 2 * DAY), NOW + DAY);
}

#[test]
fn lists_are_pages_of_what_is_asked_for() {
    let list =
        |members: &str| ListBackupsRequest::parse(&json(&format!("{{{members}}}")), &account());
    let user = backup();
    let system = Backup::of_deleted_table(backup().id, table(SCORES), NOW);
    for (members, wants_user, wants_system) in [
        ("", true, false),
        (r#""BackupType":"ALL""#, true, true),
        (r#""BackupType":"SYSTEM""#, false, true),
        (r#""BackupType":"AWS_BACKUP""#, false, false),
        (r#""TableName":"Scores""#, true, false),
        (
            r#""TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/Scores""#,
            true,
            false,
        ),
        (r#""TableName":"Other""#, false, false),
        (r#""TimeRangeLowerBound":1700000000.123"#, true, false),
        (r#""TimeRangeLowerBound":1700000001"#, false, false),
        (r#""TimeRangeUpperBound":1700000000.123"#, false, false),
        (r#""TimeRangeUpperBound":1700000001"#, true, false),
    ] {
        let request = list(members).unwrap();
        assert_eq!(
            (request.lists(&user), request.lists(&system)),
            (wants_user, wants_system),
            "{members}"
        );
    }
    let page = list(r#""Limit":1"#)
        .unwrap()
        .reply(&[user.clone(), user.clone()], &account());
    assert!(
        page.ends_with(&format!(r#"],"LastEvaluatedBackupArn":"{}"}}"#, arn())),
        "{page}"
    );
    assert!(
        !list("")
            .unwrap()
            .reply(&[user], &account())
            .contains("LastEvaluated")
    );
    assert!(list(r#""TimeRangeLowerBound":2,"TimeRangeUpperBound":1"#).is_err());
    assert!(list(r#""Limit":101"#).is_err());
}

#[test]
fn a_table_without_its_items_changes_nothing() {
    let table = restored("").unwrap();
    let update = UpdateTableRequest::parse(
        &json(r#"{"TableName":"New","DeletionProtectionEnabled":true}"#),
        &account(),
    )
    .unwrap();
    let expected =
        "Attempt to change a resource which is still in use: Table is being created: New";
    let error = refused(update.apply(&table, LATER));
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::ResourceInUse, expected)
    );
    let delete = DeleteTableRequest::parse(&json(r#"{"TableName":"New"}"#), &account()).unwrap();
    assert_eq!(refused(delete.check(&table)).message, expected);
    let backup = CreateBackupRequest::parse(
        &json(r#"{"TableName":"New","BackupName":"abc"}"#),
        &account(),
    )
    .unwrap();
    assert_eq!(refused(backup.check(&table)).kind, ErrorKind::TableInUse);
}

#[test]
fn members_are_checked_before_the_table_is_looked_for() {
    let parse = |request: &str| CreateBackupRequest::parse(&json(request), &account()).map(|_| ());
    for (request, expected) in [
        (
            r#"{"TableName":"Scores"}"#,
            "1 validation error detected: Value null at 'backupName' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"BackupName":"abc"}"#,
            "The parameter 'TableName' is required but was not present in the request",
        ),
        (
            r#"{"TableName":"Scores","BackupName":"a b c"}"#,
            "1 validation error detected: Value 'a b c' at 'backupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
    ] {
        assert_eq!(refused(parse(request)).message, expected);
    }
    let describe = BackupRequest::parse(&json(r#"{"BackupArn":"short"}"#), &account());
    assert_eq!(
        refused(describe).message,
        "1 validation error detected: Value 'short' at 'backupArn' failed to satisfy constraint: Member must have length greater than or equal to 37"
    );
}
