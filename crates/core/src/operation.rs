//! The one list of API operations. Dispatch, permissions, errors for unsupported ones and
//! documentation derive from it.
use crate::{ApiError, Result};

/// What an operation does to the database, as privileges and routing see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads items or records.
    Read,
    /// Changes items.
    Write,
    /// Either, depending on the statement (PartiQL).
    Statement,
    /// Reads definitions.
    Describe,
    /// Changes definitions.
    Define,
}

/// What this release makes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As in DynamoDB, but for what docs/differences.md says of tables, items and limits in general.
    Works,
    /// Works; what is different, in one line.
    Differs(&'static str),
    /// Its request is checked and then refused; how, in one line. It has no SQL function.
    Refused(&'static str),
    /// Not in this release: the operation is unknown.
    Later,
}

struct Row {
    operation: Operation,
    name: &'static str,
    sql_name: &'static str,
    access: Access,
    streams: bool,
    state: State,
}

macro_rules! operations {
    ($($op:ident, $sql:literal, $access:ident, $service:ident, $state:ident $($text:literal)?;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation { $($op),+ }

        impl Operation {
            /// All operations of DynamoDB, then those of DynamoDB Streams.
            pub const ALL: &'static [Operation] = &[$(Operation::$op),+];
        }
        const ROWS: &[Row] = &[$(Row {
            operation: Operation::$op, name: stringify!($op), sql_name: $sql, access: Access::$access,
            streams: service!($service), state: state!($state $($text)?),
        }),+];
    };
}
macro_rules! service {
    (dynamodb) => {
        false
    };
    (streams) => {
        true
    };
}
macro_rules! state {
    (works) => {
        State::Works
    };
    (differs $how:literal) => {
        State::Differs($how)
    };
    (refused $how:literal) => {
        State::Refused($how)
    };
    (later) => {
        State::Later
    };
}

operations! {
    BatchExecuteStatement, "batch_execute_statement", Statement, dynamodb, works;
    BatchGetItem, "batch_get_item", Read, dynamodb, works;
    BatchWriteItem, "batch_write_item", Write, dynamodb, works;
    CancelBulkOperation, "cancel_bulk_operation", Define, dynamodb, refused "ResourceNotFoundException";
    CreateBackup, "create_backup", Define, dynamodb, works;
    CreateGlobalTable, "create_global_table", Define, dynamodb, refused "ValidationException, as DynamoDB has it for this version of global tables";
    CreateTable, "create_table", Define, dynamodb, works;
    DeleteBackup, "delete_backup", Define, dynamodb, works;
    DeleteItem, "delete_item", Write, dynamodb, works;
    DeleteResourcePolicy, "delete_resource_policy", Define, dynamodb, works;
    DeleteTable, "delete_table", Define, dynamodb, works;
    DescribeBackup, "describe_backup", Describe, dynamodb, works;
    DescribeBulkOperation, "describe_bulk_operation", Describe, dynamodb, refused "ResourceNotFoundException";
    DescribeContinuousBackups, "describe_continuous_backups", Describe, dynamodb, works;
    DescribeContributorInsights, "describe_contributor_insights", Describe, dynamodb, works;
    DescribeEndpoints, "describe_endpoints", Describe, dynamodb, differs "answers the address of dynamo.gateway_listen";
    DescribeExport, "describe_export", Describe, dynamodb, refused "ExportNotFoundException";
    DescribeGlobalTable, "describe_global_table", Describe, dynamodb, refused "GlobalTableNotFoundException";
    DescribeGlobalTableSettings, "describe_global_table_settings", Describe, dynamodb, refused "GlobalTableNotFoundException";
    DescribeImport, "describe_import", Describe, dynamodb, refused "ImportNotFoundException";
    DescribeKinesisStreamingDestination, "describe_kinesis_streaming_destination", Describe, dynamodb, refused "there are none: an empty list, ResourceNotFoundException without the table";
    DescribeLimits, "describe_limits", Describe, dynamodb, works;
    DescribeTable, "describe_table", Describe, dynamodb, works;
    DescribeTableReplicaAutoScaling, "describe_table_replica_auto_scaling", Describe, dynamodb, refused "ResourceNotFoundException, as DynamoDB has it for a table that is no global table";
    DescribeTimeToLive, "describe_time_to_live", Describe, dynamodb, works;
    DisableKinesisStreamingDestination, "disable_kinesis_streaming_destination", Define, dynamodb, refused "ValidationException, ResourceNotFoundException without the table";
    EnableKinesisStreamingDestination, "enable_kinesis_streaming_destination", Define, dynamodb, refused "ValidationException, ResourceNotFoundException without the table";
    ExecuteStatement, "execute_statement", Statement, dynamodb, works;
    ExecuteTransaction, "execute_transaction", Statement, dynamodb, works;
    ExportTableToPointInTime, "export_table_to_point_in_time", Define, dynamodb, refused "ValidationException, TableNotFoundException without the table, PointInTimeRecoveryUnavailableException without recovery";
    GetItem, "get_item", Read, dynamodb, works;
    GetResourcePolicy, "get_resource_policy", Describe, dynamodb, works;
    ImportTable, "import_table", Define, dynamodb, refused "ValidationException, ResourceInUseException when the table exists";
    ListBackups, "list_backups", Describe, dynamodb, differs "AWS_BACKUP lists none";
    ListBulkOperations, "list_bulk_operations", Describe, dynamodb, refused "there are none: an empty list";
    ListContributorInsights, "list_contributor_insights", Describe, dynamodb, works;
    ListExports, "list_exports", Describe, dynamodb, refused "there are none: an empty list";
    ListGlobalTables, "list_global_tables", Describe, dynamodb, refused "there are none: an empty list";
    ListImports, "list_imports", Describe, dynamodb, refused "there are none: an empty list";
    ListTables, "list_tables", Describe, dynamodb, works;
    ListTagsOfResource, "list_tags_of_resource", Describe, dynamodb, works;
    PutItem, "put_item", Write, dynamodb, works;
    PutResourcePolicy, "put_resource_policy", Define, dynamodb, differs "enforced by grants; what grants cannot express is a ValidationException";
    Query, "query", Read, dynamodb, works;
    RestoreTableFromBackup, "restore_table_from_backup", Define, dynamodb, works;
    RestoreTableToPointInTime, "restore_table_to_point_in_time", Define, dynamodb, differs "up to now, where DynamoDB is some minutes behind";
    Scan, "scan", Read, dynamodb, works;
    SearchVectors, "search_vectors", Read, dynamodb, refused "ValidationException (no vector index can be made), ResourceNotFoundException without the table";
    StartBulkPutItems, "start_bulk_put_items", Define, dynamodb, refused "ValidationException, ResourceNotFoundException without the table";
    TagResource, "tag_resource", Define, dynamodb, works;
    TransactGetItems, "transact_get_items", Read, dynamodb, works;
    TransactWriteItems, "transact_write_items", Write, dynamodb, works;
    UntagResource, "untag_resource", Define, dynamodb, works;
    UpdateContinuousBackups, "update_continuous_backups", Define, dynamodb, works;
    UpdateContributorInsights, "update_contributor_insights", Define, dynamodb, differs "keys are counted in memory and shown by dynamo.contributor_insights";
    UpdateGlobalTable, "update_global_table", Define, dynamodb, refused "ValidationException, as DynamoDB has it for this version of global tables; GlobalTableNotFoundException where replicas are deleted";
    UpdateGlobalTableSettings, "update_global_table_settings", Define, dynamodb, refused "GlobalTableNotFoundException";
    UpdateItem, "update_item", Write, dynamodb, works;
    UpdateKinesisStreamingDestination, "update_kinesis_streaming_destination", Define, dynamodb, refused "ValidationException, ResourceNotFoundException without the table";
    UpdateTable, "update_table", Define, dynamodb, works;
    UpdateTableReplicaAutoScaling, "update_table_replica_auto_scaling", Define, dynamodb, refused "ResourceNotFoundException, as DynamoDB has it for a table that is no global table";
    UpdateTimeToLive, "update_time_to_live", Define, dynamodb, differs "the next change may come as soon as the last is finished, not after half an hour";
    DescribeStream, "describe_stream", Describe, streams, works;
    GetRecords, "get_records", Read, streams, works;
    GetShardIterator, "get_shard_iterator", Read, streams, works;
    ListStreams, "list_streams", Describe, streams, works;
}

impl Operation {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
    /// By the API's name, as in `X-Amz-Target` after the dot. Case matters there, so it does here.
    pub fn from_name(name: &str) -> Option<Operation> {
        ROWS.iter().find(|r| r.name == name).map(|r| r.operation)
    }
    /// The operation to execute. Err: UnknownOperationException, both for a name that does not exist and
    /// for an operation that this release does not have. That is what DynamoDB answers in a region where
    /// a newer operation is not there yet; SDKs do not repeat it.
    pub fn implemented(name: &str) -> Result<Operation> {
        match Operation::from_name(name) {
            Some(op) if op.is_implemented() => Ok(op),
            _ => Err(ApiError::unknown_operation()),
        }
    }
    /// "PutItem"
    pub fn name(self) -> &'static str {
        self.row().name
    }
    /// "put_item"
    pub fn sql_name(self) -> &'static str {
        self.row().sql_name
    }
    pub fn access(self) -> Access {
        self.row().access
    }
    /// Reads items or records, and nothing else.
    pub fn is_read(self) -> bool {
        self.access() == Access::Read
    }
    /// Changes items.
    pub fn is_write(self) -> bool {
        self.access() == Access::Write
    }
    /// Belongs to DynamoDB Streams (target prefix DynamoDBStreams_20120810).
    pub fn is_streams(self) -> bool {
        self.row().streams
    }
    pub fn state(self) -> State {
        self.row().state
    }
    /// Whether this release knows it, be it only to refuse it.
    pub fn is_implemented(self) -> bool {
        self.state() != State::Later
    }
    /// Whether it stands in SQL as `dynamo.<sql_name>`.
    pub fn has_function(self) -> bool {
        matches!(self.state(), State::Works | State::Differs(_))
    }
}

/// The table of docs/operations.md.
pub fn operations_markdown() -> String {
    let mut out = String::from(
        "# Operations\n\nGenerated from the list in `crates/core/src/operation.rs`; do not edit.\n\n\
         `docs/differences.md` says what differs beyond single operations. An operation that is not supported has its \
         request checked, and is then\nrefused with the error that stands there. One that is not in this release \
         answers UnknownOperationException.\n\n\
         | Operation | SQL function | Service | In this release |\n|---|---|---|---|\n",
    );
    for op in Operation::ALL {
        let function = if op.has_function() {
            format!("`dynamo.{}`", op.sql_name())
        } else {
            String::new()
        };
        let service = if op.is_streams() {
            "DynamoDB Streams"
        } else {
            "DynamoDB"
        };
        let state = match op.state() {
            State::Works => "works".to_owned(),
            State::Differs(how) => format!("differs: {how}"),
            State::Refused(how) => format!("not supported: {how}"),
            State::Later => "not in this release".to_owned(),
        };
        out.push_str(&format!(
            "| {} | {function} | {service} | {state} |\n",
            op.name()
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn every_operation_is_listed_once() {
        assert_eq!(
            Operation::ALL.iter().filter(|o| !o.is_streams()).count(),
            62
        );
        assert_eq!(Operation::ALL.iter().filter(|o| o.is_streams()).count(), 4);
        for (i, op) in Operation::ALL.iter().enumerate() {
            assert_eq!(*op as usize, i);
            assert_eq!(Operation::from_name(op.name()), Some(*op));
        }
    }

    #[test]
    fn sql_names_are_the_names_in_snake_case() {
        for op in Operation::ALL {
            let mut snake = String::new();
            for c in op.name().chars() {
                if c.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(c.to_ascii_lowercase());
            }
            assert_eq!(op.sql_name(), snake);
        }
    }

    #[test]
    fn operations_of_later_releases_are_unknown() {
        assert_eq!(
            Operation::implemented("PutItem").unwrap(),
            Operation::PutItem
        );
        for name in ["getRecords", "putItem", "Nonsense", ""] {
            assert_eq!(
                Operation::implemented(name).unwrap_err().kind,
                ErrorKind::UnknownOperation
            );
        }
    }
}
