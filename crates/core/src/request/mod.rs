//! One file per operation: shape, validation in DynamoDB's order.
//!
//! Item operations: `XRequest::parse(&Json, &Account)`, or `XRequest::from_parts(…)` for SQL callers whose
//! item or key is typed already; `.table()` to find the definition; `.bind(&TableDefinition)` to a
//! [`crate::apply::Write`], [`crate::apply::Read`] or (Query, Scan) [`crate::read::PageRead`]. Batches: the same with the definitions of all their
//! tables, to a [`crate::batch::BatchRead`] or [`crate::batch::BatchWrite`]; transactions likewise
//! ([`crate::transaction`]). Table operations: `parse`, then what they do to a definition.

mod backup_shapes;
mod batch;
mod batch_execute_statement;
mod batch_get_item;
mod batch_write_item;
mod condition_check;
mod continuous_backups;
mod contributor_insights;
mod create_backup;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_backup;
mod describe_endpoints;
mod describe_limits;
mod describe_stream;
mod describe_table;
mod describe_time_to_live;
mod execute_statement;
mod execute_transaction;
mod expressions;
mod fields;
mod get_item;
mod get_records;
mod get_shard_iterator;
mod index_lists;
mod index_updates;
mod item_shapes;
pub(crate) mod key;
mod key_schema;
mod list_backups;
mod list_streams;
mod list_tables;
pub mod options;
mod put_item;
mod query;
mod read_parts;
mod read_shapes;
pub(crate) mod reading;
mod resource_policy;
mod restore;
mod scan;
mod shape;
pub(crate) mod start_key;
mod statement;
mod stream_shapes;
mod stream_updates;
mod table_shapes;
mod tags;
mod transact_get_items;
mod transact_write_items;
mod transaction_shapes;
mod units;
mod unsupported;
mod update_item;
mod update_table;
mod update_time_to_live;

pub use batch_execute_statement::BatchExecuteStatementRequest;
pub use batch_get_item::BatchGetItemRequest;
pub use batch_write_item::BatchWriteItemRequest;
pub use condition_check::ConditionCheckRequest;
pub use continuous_backups::{
    DescribeContinuousBackupsRequest, HistoryChange, UpdateContinuousBackupsRequest,
};
pub use contributor_insights::{
    DescribeContributorInsightsRequest, ListContributorInsightsRequest,
    UpdateContributorInsightsRequest,
};
pub use create_backup::{CreateBackupRequest, create_backup_reply};
pub use create_table::CreateTableRequest;
pub use delete_item::DeleteItemRequest;
pub use delete_table::DeleteTableRequest;
pub use describe_backup::{BackupRequest, describe_backup_reply};
pub use describe_endpoints::{check_describe_endpoints, describe_endpoints_reply};
pub use describe_limits::{check_describe_limits, describe_limits_reply};
pub use describe_stream::{DescribeStreamRequest, StreamDescription, StreamStatus};
pub use describe_table::{DescribeTableRequest, describe_table_reply, table_description_reply};
pub use describe_time_to_live::{DescribeTimeToLiveRequest, describe_time_to_live_reply};
pub use execute_statement::ExecuteStatementRequest;
pub use execute_transaction::{ExecuteTransactionRequest, Transaction};
pub use get_item::GetItemRequest;
pub use get_records::{GetRecordsRequest, RecordsPage};
pub use get_shard_iterator::{GetShardIteratorRequest, StartAt};
pub use key::of_item as key_of_item;
pub use list_backups::ListBackupsRequest;
pub use list_streams::ListStreamsRequest;
pub use list_tables::ListTablesRequest;
pub use options::Options;
pub use put_item::PutItemRequest;
pub use query::QueryRequest;
pub use read_parts::ReadParts;
pub use reading::ReadOptions;
pub use resource_policy::{
    DeleteResourcePolicyRequest, GetResourcePolicyRequest, Governed, NewPolicy,
    PutResourcePolicyRequest,
};
pub use restore::{RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest};
pub use scan::ScanRequest;
pub use statement::{StatementKind, StatementRequest};
pub use tags::{ListTagsOfResourceRequest, TagResourceRequest, UntagResourceRequest};
pub use transact_get_items::TransactGetItemsRequest;
pub use transact_write_items::{Action, Target, TransactWriteItemsRequest};
pub use unsupported::Unsupported;
pub use update_item::UpdateItemRequest;
pub use update_table::UpdateTableRequest;
pub use update_time_to_live::UpdateTimeToLiveRequest;
