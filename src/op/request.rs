//! A request on its way: parsed, bound to its table when it writes one item, run.

use super::{Reply, Session};
use super::{
    batch_execute_statement, batch_get_item, batch_write_item, continuous_backups,
    contributor_insights, create_backup, create_table, delete_backup, delete_item, delete_table,
    describe_backup, describe_endpoints, describe_limits, describe_stream, describe_table,
    describe_time_to_live, execute_statement, execute_transaction, get_item, get_records,
    get_shard_iterator, list_backups, list_streams, list_tables, put_item, query, resource_policy,
    restore, scan, tags, transact_get_items, transact_write_items, unsupported, update_item,
    update_table, update_time_to_live, write,
};
use crate::storage::catalog;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    BackupRequest, BatchExecuteStatementRequest, BatchGetItemRequest, BatchWriteItemRequest,
    CreateBackupRequest, CreateTableRequest, DeleteItemRequest, DeleteResourcePolicyRequest,
    DeleteTableRequest, DescribeContinuousBackupsRequest, DescribeContributorInsightsRequest,
    DescribeStreamRequest, DescribeTableRequest, DescribeTimeToLiveRequest,
    ExecuteStatementRequest, ExecuteTransactionRequest, GetItemRequest, GetRecordsRequest,
    GetResourcePolicyRequest, GetShardIteratorRequest, ListBackupsRequest,
    ListContributorInsightsRequest, ListStreamsRequest, ListTablesRequest,
    ListTagsOfResourceRequest, PutItemRequest, PutResourcePolicyRequest, QueryRequest,
    RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest, ScanRequest,
    TagResourceRequest, TransactGetItemsRequest, TransactWriteItemsRequest, Unsupported,
    UntagResourceRequest, UpdateContinuousBackupsRequest, UpdateContributorInsightsRequest,
    UpdateItemRequest, UpdateTableRequest, UpdateTimeToLiveRequest, check_describe_endpoints,
    check_describe_limits,
};
use pg_dynamo_core::{ApiError, Result, limits};

/// A request of which all is checked that can be checked without its table.
pub enum Request {
    PutItem(PutItemRequest),
    UpdateItem(UpdateItemRequest),
    DeleteItem(DeleteItemRequest),
    GetItem(GetItemRequest),
    Query(QueryRequest),
    Scan(ScanRequest),
    BatchExecuteStatement(BatchExecuteStatementRequest),
    BatchGetItem(BatchGetItemRequest),
    BatchWriteItem(BatchWriteItemRequest),
    TransactGetItems(TransactGetItemsRequest),
    TransactWriteItems(TransactWriteItemsRequest),
    CreateTable(Box<CreateTableRequest>),
    DescribeLimits,
    DescribeTable(DescribeTableRequest),
    ExecuteStatement(Box<ExecuteStatementRequest>),
    ExecuteTransaction(ExecuteTransactionRequest),
    ListTables(ListTablesRequest),
    UpdateTable(UpdateTableRequest),
    DeleteTable(DeleteTableRequest),
    TagResource(TagResourceRequest),
    UntagResource(UntagResourceRequest),
    ListTagsOfResource(ListTagsOfResourceRequest),
    DescribeEndpoints,
    PutResourcePolicy(PutResourcePolicyRequest),
    GetResourcePolicy(GetResourcePolicyRequest),
    DeleteResourcePolicy(DeleteResourcePolicyRequest),
    UpdateContributorInsights(UpdateContributorInsightsRequest),
    DescribeContributorInsights(DescribeContributorInsightsRequest),
    ListContributorInsights(ListContributorInsightsRequest),
    Unsupported(Unsupported),
    DescribeTimeToLive(DescribeTimeToLiveRequest),
    UpdateTimeToLive(UpdateTimeToLiveRequest),
    CreateBackup(CreateBackupRequest),
    DescribeBackup(BackupRequest),
    ListBackups(ListBackupsRequest),
    DeleteBackup(BackupRequest),
    RestoreTableFromBackup(RestoreTableFromBackupRequest),
    RestoreTableToPointInTime(RestoreTableToPointInTimeRequest),
    UpdateContinuousBackups(UpdateContinuousBackupsRequest),
    DescribeContinuousBackups(DescribeContinuousBackupsRequest),
    ListStreams(ListStreamsRequest),
    DescribeStream(DescribeStreamRequest),
    GetShardIterator(GetShardIteratorRequest),
    GetRecords(GetRecordsRequest),
}

/// A request that is about to run.
#[allow(
    clippy::large_enum_variant,
    reason = "moved once, where a box would be an allocation"
)]
pub enum Prepared {
    /// Writes one item.
    Write(write::Bound),
    /// Reads one item.
    Read(get_item::Bound),
    Other(Request),
}

impl Request {
    pub fn parse(session: &Session, operation: Operation, body: &str) -> Result<Request> {
        if body.len() > limits::MAX_REQUEST {
            return Err(ApiError::request_entity_too_large(""));
        }
        let body = &Json::parse(body)?;
        let account = &session.account;
        Ok(match operation {
            Operation::PutItem => Request::PutItem(PutItemRequest::parse(body, account)?),
            Operation::UpdateItem => Request::UpdateItem(UpdateItemRequest::parse(body, account)?),
            Operation::DeleteItem => Request::DeleteItem(DeleteItemRequest::parse(body, account)?),
            Operation::GetItem => Request::GetItem(GetItemRequest::parse(body, account)?),
            Operation::Query => Request::Query(QueryRequest::parse(body, account)?),
            Operation::Scan => Request::Scan(ScanRequest::parse(body, account)?),
            Operation::BatchExecuteStatement => {
                Request::BatchExecuteStatement(BatchExecuteStatementRequest::parse(body, account)?)
            }
            Operation::ExecuteTransaction => {
                Request::ExecuteTransaction(ExecuteTransactionRequest::parse(body, account)?)
            }
            Operation::ExecuteStatement => {
                Request::ExecuteStatement(Box::new(ExecuteStatementRequest::parse(body, account)?))
            }
            Operation::BatchGetItem => {
                Request::BatchGetItem(BatchGetItemRequest::parse(body, account)?)
            }
            Operation::BatchWriteItem => {
                Request::BatchWriteItem(BatchWriteItemRequest::parse(body, account)?)
            }
            Operation::TransactGetItems => {
                Request::TransactGetItems(TransactGetItemsRequest::parse(body, account)?)
            }
            Operation::TransactWriteItems => {
                Request::TransactWriteItems(TransactWriteItemsRequest::parse(body, account)?)
            }
            Operation::CreateTable => {
                Request::CreateTable(Box::new(CreateTableRequest::parse(body, account)?))
            }
            Operation::DescribeLimits => {
                check_describe_limits(body)?;
                Request::DescribeLimits
            }
            Operation::DescribeTable => {
                Request::DescribeTable(DescribeTableRequest::parse(body, account)?)
            }
            Operation::ListTables => Request::ListTables(ListTablesRequest::parse(body)?),
            Operation::UpdateTable => {
                Request::UpdateTable(UpdateTableRequest::parse(body, account)?)
            }
            Operation::DeleteTable => {
                Request::DeleteTable(DeleteTableRequest::parse(body, account)?)
            }
            Operation::DescribeTimeToLive => {
                Request::DescribeTimeToLive(DescribeTimeToLiveRequest::parse(body, account)?)
            }
            Operation::UpdateTimeToLive => {
                Request::UpdateTimeToLive(UpdateTimeToLiveRequest::parse(body, account)?)
            }
            Operation::CreateBackup => {
                Request::CreateBackup(CreateBackupRequest::parse(body, account)?)
            }
            Operation::DescribeBackup => {
                Request::DescribeBackup(BackupRequest::parse(body, account)?)
            }
            Operation::ListBackups => {
                Request::ListBackups(ListBackupsRequest::parse(body, account)?)
            }
            Operation::DeleteBackup => Request::DeleteBackup(BackupRequest::parse(body, account)?),
            Operation::RestoreTableFromBackup => {
                let request = RestoreTableFromBackupRequest::parse(body, account)?;
                Request::RestoreTableFromBackup(request)
            }
            Operation::RestoreTableToPointInTime => {
                let request = RestoreTableToPointInTimeRequest::parse(body, account)?;
                Request::RestoreTableToPointInTime(request)
            }
            Operation::UpdateContinuousBackups => {
                let request = UpdateContinuousBackupsRequest::parse(body, account)?;
                Request::UpdateContinuousBackups(request)
            }
            Operation::DescribeContinuousBackups => {
                let request = DescribeContinuousBackupsRequest::parse(body, account)?;
                Request::DescribeContinuousBackups(request)
            }
            Operation::ListStreams => {
                Request::ListStreams(ListStreamsRequest::parse(body, account)?)
            }
            Operation::DescribeStream => {
                Request::DescribeStream(DescribeStreamRequest::parse(body, account)?)
            }
            Operation::GetShardIterator => {
                let now = catalog::now_millis();
                Request::GetShardIterator(GetShardIteratorRequest::parse(body, account, now)?)
            }
            Operation::GetRecords => {
                let now = catalog::now_millis();
                Request::GetRecords(GetRecordsRequest::parse(body, account, now)?)
            }
            Operation::TagResource => {
                Request::TagResource(TagResourceRequest::parse(body, account)?)
            }
            Operation::UntagResource => {
                Request::UntagResource(UntagResourceRequest::parse(body, account)?)
            }
            Operation::ListTagsOfResource => {
                Request::ListTagsOfResource(ListTagsOfResourceRequest::parse(body, account)?)
            }
            Operation::DescribeEndpoints => {
                check_describe_endpoints(body)?;
                Request::DescribeEndpoints
            }
            Operation::PutResourcePolicy => {
                Request::PutResourcePolicy(PutResourcePolicyRequest::parse(body, account)?)
            }
            Operation::GetResourcePolicy => {
                Request::GetResourcePolicy(GetResourcePolicyRequest::parse(body, account)?)
            }
            Operation::DeleteResourcePolicy => {
                Request::DeleteResourcePolicy(DeleteResourcePolicyRequest::parse(body, account)?)
            }
            Operation::UpdateContributorInsights => Request::UpdateContributorInsights(
                UpdateContributorInsightsRequest::parse(body, account)?,
            ),
            Operation::DescribeContributorInsights => Request::DescribeContributorInsights(
                DescribeContributorInsightsRequest::parse(body, account)?,
            ),
            Operation::ListContributorInsights => Request::ListContributorInsights(
                ListContributorInsightsRequest::parse(body, account)?,
            ),
            other => Request::Unsupported(Unsupported::parse(other, body, account)?),
        })
    }

    /// Opens the table of a request about one item and learns its key.
    pub fn prepare(self, session: &Session) -> Result<Prepared> {
        Ok(match self {
            Request::PutItem(request) => Prepared::Write(put_item::bind(session, request)?),
            Request::UpdateItem(request) => Prepared::Write(update_item::bind(session, request)?),
            Request::DeleteItem(request) => Prepared::Write(delete_item::bind(session, request)?),
            Request::GetItem(request) => Prepared::Read(get_item::bind(session, request)?),
            other => Prepared::Other(other),
        })
    }

    pub fn run(self, session: &Session) -> Result<Reply> {
        let other = match self.prepare(session)? {
            Prepared::Write(write) => return write.reply(),
            Prepared::Read(read) => return read.reply(),
            Prepared::Other(other) => other,
        };
        Ok(Reply::free(match other {
            Request::Query(request) => return query::run(session, request),
            Request::Scan(request) => return scan::run(session, request),
            Request::ExecuteStatement(request) => return execute_statement::run(session, *request),
            Request::ExecuteTransaction(request) => {
                return execute_transaction::run(session, request);
            }
            Request::BatchExecuteStatement(request) => {
                return batch_execute_statement::run(session, request);
            }
            Request::BatchGetItem(request) => return batch_get_item::run(session, request),
            Request::BatchWriteItem(request) => return batch_write_item::run(session, request),
            Request::TransactGetItems(request) => return transact_get_items::run(session, request),
            Request::TransactWriteItems(request) => {
                return transact_write_items::run(session, request);
            }
            Request::CreateTable(request) => create_table::run(session, *request)?,
            Request::DescribeLimits => describe_limits::run(),
            Request::DescribeTable(request) => describe_table::run(session, request)?,
            Request::ListTables(request) => list_tables::run(request)?,
            Request::UpdateTable(request) => update_table::run(session, request)?,
            Request::DeleteTable(request) => delete_table::run(session, request)?,
            Request::TagResource(request) => tags::tag(session, request)?,
            Request::UntagResource(request) => tags::untag(session, request)?,
            Request::ListTagsOfResource(request) => tags::list(session, request)?,
            Request::DescribeEndpoints => describe_endpoints::run(),
            Request::PutResourcePolicy(request) => resource_policy::put(session, request)?,
            Request::GetResourcePolicy(request) => resource_policy::get(session, request)?,
            Request::DeleteResourcePolicy(request) => resource_policy::delete(session, request)?,
            Request::UpdateContributorInsights(request) => {
                contributor_insights::update(session, request)?
            }
            Request::DescribeContributorInsights(request) => {
                contributor_insights::describe(session, request)?
            }
            Request::ListContributorInsights(request) => {
                contributor_insights::list(session, request)?
            }
            Request::Unsupported(request) => unsupported::run(session, request)?,
            Request::DescribeTimeToLive(request) => describe_time_to_live::run(session, request)?,
            Request::UpdateTimeToLive(request) => update_time_to_live::run(session, request)?,
            Request::CreateBackup(request) => create_backup::run(session, request)?,
            Request::DescribeBackup(request) => describe_backup::run(session, &request)?,
            Request::ListBackups(request) => list_backups::run(session, &request)?,
            Request::DeleteBackup(request) => delete_backup::run(session, &request)?,
            Request::RestoreTableFromBackup(request) => restore::from_backup(session, &request)?,
            Request::RestoreTableToPointInTime(request) => {
                restore::to_point_in_time(session, &request)?
            }
            Request::UpdateContinuousBackups(request) => {
                continuous_backups::update(session, &request)?
            }
            Request::DescribeContinuousBackups(request) => {
                continuous_backups::describe(session, &request)?
            }
            Request::ListStreams(request) => list_streams::run(session, request)?,
            Request::DescribeStream(request) => describe_stream::run(session, request)?,
            Request::GetShardIterator(request) => get_shard_iterator::run(session, request)?,
            Request::GetRecords(request) => get_records::run(session, request)?,
            Request::PutItem(_)
            | Request::UpdateItem(_)
            | Request::DeleteItem(_)
            | Request::GetItem(_) => {
                return Err(ApiError::internal("a request that was not prepared"));
            }
        }))
    }
}
