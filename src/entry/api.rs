//! One function per operation in the API's own JSON.

use super::boundary::export;
use super::report::OrRaise;
use crate::op::{self, Caller, Session};
use pg_dynamo_core::ApiError;
use pg_dynamo_core::operation::Operation;

/// Runs one operation for a SQL statement; failures are raised.
pub fn run(operation: Operation, request: &str) -> String {
    let reply = op::execute(&Session::new(Caller::Sql), operation, request);
    reply.or_raise().json
}

macro_rules! request_forms {
    ($($function:ident => $operation:ident),+ $(,)?) => {$(
                fn $function(request: &str) -> String {
            run(Operation::$operation, request)
        }
        export!($function);
    )+};
}

request_forms! {
    put_item => PutItem,
    get_item => GetItem,
    update_item => UpdateItem,
    delete_item => DeleteItem,
    query => Query,
    scan => Scan,
    execute_statement => ExecuteStatement,
    execute_transaction => ExecuteTransaction,
    batch_execute_statement => BatchExecuteStatement,
    batch_get_item => BatchGetItem,
    batch_write_item => BatchWriteItem,
    transact_get_items => TransactGetItems,
    transact_write_items => TransactWriteItems,
    create_table => CreateTable,
    describe_limits => DescribeLimits,
    describe_table => DescribeTable,
    list_tables => ListTables,
    update_table => UpdateTable,
    delete_table => DeleteTable,
    tag_resource => TagResource,
    untag_resource => UntagResource,
    list_tags_of_resource => ListTagsOfResource,
    describe_endpoints => DescribeEndpoints,
    put_resource_policy => PutResourcePolicy,
    get_resource_policy => GetResourcePolicy,
    delete_resource_policy => DeleteResourcePolicy,
    update_contributor_insights => UpdateContributorInsights,
    describe_contributor_insights => DescribeContributorInsights,
    list_contributor_insights => ListContributorInsights,
    describe_time_to_live => DescribeTimeToLive,
    update_time_to_live => UpdateTimeToLive,
    create_backup => CreateBackup,
    describe_backup => DescribeBackup,
    list_backups => ListBackups,
    delete_backup => DeleteBackup,
    restore_table_from_backup => RestoreTableFromBackup,
    restore_table_to_point_in_time => RestoreTableToPointInTime,
    update_continuous_backups => UpdateContinuousBackups,
    describe_continuous_backups => DescribeContinuousBackups,
    list_streams => ListStreams,
    describe_stream => DescribeStream,
    get_shard_iterator => GetShardIterator,
    get_records => GetRecords,
}

fn resume_index_builds(retry_failed: bool) -> i64 {
    crate::worker::resume(retry_failed)
}

fn resume_backup_jobs() -> i64 {
    crate::worker::resume_backup_jobs()
}

/// `operation` by its name in the API or in SQL.
fn explain(operation: &str, request: &str) -> String {
    let found = Operation::ALL
        .iter()
        .find(|known| known.name() == operation || known.sql_name() == operation);
    let session = Session::new(Caller::Sql);
    found
        .ok_or_else(ApiError::unknown_operation)
        .and_then(|operation| op::explain::run(&session, *operation, request))
        .or_raise()
}

export!(resume_index_builds, resume_backup_jobs, explain);
