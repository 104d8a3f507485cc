//! Backups and restores for people writing SQL.

use super::api;
use super::boundary::export;
use super::named::RequestJson;
use pg_dynamo_core::operation::Operation;

fn create_backup_named(table_name: &str, backup_name: &str) -> String {
    let mut request = RequestJson::default();
    request.text("TableName", Some(table_name));
    request.text("BackupName", Some(backup_name));
    api::run(Operation::CreateBackup, &request.finish())
}

fn restore_table_from_backup_named(target_table_name: &str, backup_arn: &str) -> String {
    let mut request = RequestJson::default();
    request.text("TargetTableName", Some(target_table_name));
    request.text("BackupArn", Some(backup_arn));
    api::run(Operation::RestoreTableFromBackup, &request.finish())
}

fn update_continuous_backups_named(table_name: &str, enabled: bool, days: i32) -> String {
    let mut recovery = RequestJson::default();
    recovery.plain("PointInTimeRecoveryEnabled", Some(enabled));
    recovery.plain("RecoveryPeriodInDays", Some(days));
    let mut request = RequestJson::default();
    request.text("TableName", Some(table_name));
    request.raw("PointInTimeRecoverySpecification", &recovery.finish());
    api::run(Operation::UpdateContinuousBackups, &request.finish())
}

/// `at`: epoch seconds; None: the latest restorable time.
fn restore_table_to_point_in_time_named(
    source: Option<&str>,
    target: Option<&str>,
    at: Option<&str>,
) -> String {
    let mut request = RequestJson::default();
    request.text("SourceTableName", source);
    request.text("TargetTableName", target);
    match at {
        Some(at) => request.raw("RestoreDateTime", at),
        None => request.plain("UseLatestRestorableTime", Some(true)),
    }
    api::run(Operation::RestoreTableToPointInTime, &request.finish())
}

export!(
    create_backup_named,
    restore_table_from_backup_named,
    update_continuous_backups_named,
    restore_table_to_point_in_time_named,
);
