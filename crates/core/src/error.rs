//! The one error value and its table of kinds.
//!
//! Everything that depends on the kind of an error (its wire name, HTTP status, SQLSTATE, whether a
//! client may try again, its line in the documentation) is one row of [`KINDS`].
use crate::capacity::Units;
use crate::json::write_string;

pub type Result<T> = std::result::Result<T, ApiError>;

/// `__type` of an error: its name in the namespace of the service, or of the framework in front of it.
macro_rules! wire_type {
    (SERVICE, $name:literal) => {
        concat!("com.amazonaws.dynamodb.v20120810#", $name)
    };
    (CORAL, $name:literal) => {
        concat!("com.amazon.coral.service#", $name)
    };
    (VALIDATE, $name:literal) => {
        concat!("com.amazon.coral.validate#", $name)
    };
    (AVAILABILITY, $name:literal) => {
        concat!("com.amazon.coral.availability#", $name)
    };
}

/// Which member carries the text. The service model says `message` or `Message` error by error; the
/// framework writes `Message` for the two errors it raises itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Lower,
    Upper,
}
use Member::{Lower, Upper};

/// One row of the table of kinds.
#[derive(Debug)]
struct Row {
    kind: ErrorKind,
    name: &'static str,
    wire_type: &'static str,
    http_status: u16,
    sqlstate: &'static str,
    retryable: bool,
    member: Member,
    description: &'static str,
}

/// Declares the enum and its table together, so that neither can miss a kind.
macro_rules! kinds {
    ($($kind:ident, $name:literal, $ns:ident, $http:literal, $sqlstate:literal, $retry:literal, $member:ident, $text:literal;)+) => {
        /// Every error class of the service model (DynamoDB and DynamoDB Streams) and of the framework in front of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorKind { $($kind),+ }

        /// In the order of the enum: `KINDS[kind as usize]`.
        const KINDS: &[Row] = &[$(Row {
            kind: ErrorKind::$kind, name: $name, wire_type: wire_type!($ns, $name), http_status: $http, sqlstate: $sqlstate,
            retryable: $retry, member: $member, description: $text,
        }),+];
    };
}

// SQLSTATEs are a contract with PL/pgSQL code that catches them: they are never renumbered or reused.
// A new kind takes the next free code, wherever its row stands.
kinds! {
    Validation, "ValidationException", VALIDATE, 400, "DY001", false, Lower, "The request breaks a rule of the API; the message says which.";
    Serialization, "SerializationException", CORAL, 400, "DY002", false, Upper, "The request is not JSON, or a member has the wrong JSON type.";
    ResourceNotFound, "ResourceNotFoundException", SERVICE, 400, "DY003", false, Lower, "The table, index, stream or shard does not exist.";
    ResourceInUse, "ResourceInUseException", SERVICE, 400, "DY004", false, Lower, "The table already exists or is being changed.";
    ConditionalCheckFailed, "ConditionalCheckFailedException", SERVICE, 400, "DY005", false, Lower, "The condition did not hold on the current item.";
    LimitExceeded, "LimitExceededException", SERVICE, 400, "DY006", true, Lower, "Too many control-plane operations at once, or a subscriber limit.";
    AccessDenied, "AccessDeniedException", CORAL, 400, "DY007", false, Upper, "The role has no privilege for this operation.";
    UnknownOperation, "UnknownOperationException", CORAL, 400, "DY008", false, Lower, "The operation does not exist or is not in this release.";
    InternalServerError, "InternalServerError", SERVICE, 500, "DY009", true, Lower, "PostgreSQL failed; nothing was stored unless the connection was lost.";
    Throttling, "ThrottlingException", AVAILABILITY, 400, "DY010", true, Lower, "Nothing was stored: a concurrent change or a lack of resources stopped the request.";
    ProvisionedThroughputExceeded, "ProvisionedThroughputExceededException", SERVICE, 400, "DY011", true, Lower, "The table's throughput is used up.";
    RequestLimitExceeded, "RequestLimitExceeded", SERVICE, 400, "DY012", true, Lower, "The account's throughput is used up.";
    ItemCollectionSizeLimitExceeded, "ItemCollectionSizeLimitExceededException", SERVICE, 400, "DY013", true, Lower, "An item collection of a table with local indexes would exceed 10 GB.";
    TransactionCanceled, "TransactionCanceledException", SERVICE, 400, "DY014", false, Upper, "The transaction was refused as a whole; CancellationReasons says why.";
    TransactionConflict, "TransactionConflictException", SERVICE, 400, "DY015", true, Lower, "Another transaction holds the item.";
    TransactionInProgress, "TransactionInProgressException", SERVICE, 400, "DY016", true, Upper, "A transaction with this client token is still running.";
    IdempotentParameterMismatch, "IdempotentParameterMismatchException", SERVICE, 400, "DY017", false, Upper, "The client token was used before with other parameters.";
    DuplicateItem, "DuplicateItemException", SERVICE, 400, "DY018", false, Lower, "A PartiQL INSERT met an item with the same key.";
    ReplicatedWriteConflict, "ReplicatedWriteConflictException", SERVICE, 400, "DY019", true, Lower, "Another region is changing the item.";
    TableAlreadyExists, "TableAlreadyExistsException", SERVICE, 400, "DY020", false, Lower, "The target table of a restore exists.";
    TableInUse, "TableInUseException", SERVICE, 400, "DY021", false, Lower, "The table is being created or deleted.";
    TableNotFound, "TableNotFoundException", SERVICE, 400, "DY022", false, Lower, "The source table does not exist.";
    IndexNotFound, "IndexNotFoundException", SERVICE, 400, "DY023", false, Lower, "The index does not exist.";
    BackupInUse, "BackupInUseException", SERVICE, 400, "DY024", false, Lower, "The backup is being made or restored.";
    BackupNotFound, "BackupNotFoundException", SERVICE, 400, "DY025", false, Lower, "The backup does not exist.";
    ContinuousBackupsUnavailable, "ContinuousBackupsUnavailableException", SERVICE, 400, "DY026", false, Lower, "Continuous backups are not enabled.";
    PointInTimeRecoveryUnavailable, "PointInTimeRecoveryUnavailableException", SERVICE, 400, "DY027", false, Lower, "Point-in-time recovery is not enabled.";
    InvalidRestoreTime, "InvalidRestoreTimeException", SERVICE, 400, "DY028", false, Lower, "The restore time is outside the recovery window.";
    ExportConflict, "ExportConflictException", SERVICE, 400, "DY029", false, Lower, "Such an export is already running.";
    ExportNotFound, "ExportNotFoundException", SERVICE, 400, "DY030", false, Lower, "The export does not exist.";
    InvalidExportTime, "InvalidExportTimeException", SERVICE, 400, "DY031", false, Lower, "The export time is outside the recovery window.";
    ImportConflict, "ImportConflictException", SERVICE, 400, "DY032", false, Lower, "Such an import is already running.";
    ImportNotFound, "ImportNotFoundException", SERVICE, 400, "DY033", false, Lower, "The import does not exist.";
    GlobalTableAlreadyExists, "GlobalTableAlreadyExistsException", SERVICE, 400, "DY034", false, Lower, "The global table exists.";
    GlobalTableNotFound, "GlobalTableNotFoundException", SERVICE, 400, "DY035", false, Lower, "The global table does not exist.";
    ReplicaAlreadyExists, "ReplicaAlreadyExistsException", SERVICE, 400, "DY036", false, Lower, "The region is already part of the global table.";
    ReplicaNotFound, "ReplicaNotFoundException", SERVICE, 400, "DY037", false, Lower, "The region is not part of the global table.";
    PolicyNotFound, "PolicyNotFoundException", SERVICE, 400, "DY038", false, Lower, "The resource has no policy.";
    ExpiredIterator, "ExpiredIteratorException", SERVICE, 400, "DY039", false, Lower, "The shard iterator is older than 15 minutes.";
    TrimmedDataAccess, "TrimmedDataAccessException", SERVICE, 400, "DY040", false, Lower, "The stream records were dropped after 24 hours.";
    UnrecognizedClient, "UnrecognizedClientException", CORAL, 400, "DY041", true, Lower, "The access key is unknown.";
    MissingAuthenticationToken, "MissingAuthenticationTokenException", CORAL, 400, "DY042", false, Lower, "The request is not signed.";
    InvalidSignature, "InvalidSignatureException", CORAL, 400, "DY043", false, Lower, "The signature does not match the request, or its time is off.";
    IncompleteSignature, "IncompleteSignatureException", CORAL, 400, "DY044", false, Lower, "The Authorization header lacks a part.";
    ExpiredToken, "ExpiredTokenException", CORAL, 400, "DY045", false, Lower, "The session token is out of date.";
    ServiceUnavailable, "ServiceUnavailableException", CORAL, 503, "DY046", true, Lower, "The database is starting, stopping or cannot be reached.";
    RequestEntityTooLarge, "RequestEntityTooLargeException", CORAL, 413, "DY047", false, Lower, "The request body is larger than 16 MB.";
}

impl ErrorKind {
    /// How many kinds there are.
    pub const COUNT: usize = KINDS.len();

    fn row(self) -> &'static Row {
        &KINDS[self as usize]
    }
    /// Every kind, in the order of the table.
    pub fn all() -> impl Iterator<Item = ErrorKind> {
        KINDS.iter().map(|r| r.kind)
    }
    /// Short name: "ValidationException".
    pub fn name(self) -> &'static str {
        self.row().name
    }
    pub fn from_name(name: &str) -> Option<ErrorKind> {
        KINDS.iter().find(|r| r.name == name).map(|r| r.kind)
    }
    /// What `__type` carries on the wire: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException".
    pub fn wire_type(self) -> &'static str {
        self.row().wire_type
    }
    pub fn http_status(self) -> u16 {
        self.row().http_status
    }
    /// Five characters, class DY. Stable across releases.
    pub fn sqlstate(self) -> &'static str {
        self.row().sqlstate
    }
    /// Whether the same request may succeed later (AWS's "Error handling with DynamoDB" table).
    pub fn retryable(self) -> bool {
        self.row().retryable
    }
    pub fn description(self) -> &'static str {
        self.row().description
    }
    /// The member that carries the text: "message", or "Message" where AWS writes that.
    pub fn message_member(self) -> &'static str {
        match self.row().member {
            Lower => "message",
            Upper => "Message",
        }
    }
    /// The kind that answers for a SQLSTATE: one of ours, or a failure of Postgres itself.
    ///
    /// Serialization failures, deadlocks and lock timeouts prove a rollback. They become
    /// ThrottlingException and not TransactionConflictException, because every SDK repeats the former by
    /// itself and none the latter.
    pub fn of_sqlstate(sqlstate: &str) -> ErrorKind {
        if let Some(row) = KINDS.iter().find(|r| r.sqlstate == sqlstate) {
            return row.kind;
        }
        match sqlstate {
            "42501" => ErrorKind::AccessDenied,
            "40001" | "40P01" | "55P03" => ErrorKind::Throttling,
            // A standby takes no writes; the client may reach the primary next time, or this server be promoted.
            "25006" | "57P01" | "57P02" | "57P03" => ErrorKind::ServiceUnavailable,
            s if s.starts_with("53") => ErrorKind::Throttling,
            s if s.starts_with("28") => ErrorKind::UnrecognizedClient,
            _ => ErrorKind::InternalServerError,
        }
    }
}

/// The one error value: what the core refuses, and what an entry point turns into a reply or an ERROR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .kind.name())]
pub struct ApiError {
    pub kind: ErrorKind,
    pub message: String,
    /// Extra members of the error body as (name, JSON text), e.g. ("Item", "{...}").
    pub extra: Vec<(&'static str, String)>,
    /// What the request consumed nevertheless: a write pays for a condition that does not hold.
    pub consumed: Units,
}

/// One constructor per kind that takes nothing but its message.
macro_rules! constructors {
    ($($name:ident => $kind:ident),+ $(,)?) => {
        impl ApiError {
            $(pub fn $name(message: impl Into<String>) -> Self { Self::new(ErrorKind::$kind, message) })+
        }
    };
}
constructors! {
    validation => Validation, serialization => Serialization, resource_not_found => ResourceNotFound,
    resource_in_use => ResourceInUse, limit_exceeded => LimitExceeded, access_denied => AccessDenied,
    internal => InternalServerError, throttling => Throttling,
    provisioned_throughput_exceeded => ProvisionedThroughputExceeded, request_limit_exceeded => RequestLimitExceeded,
    item_collection_size_limit_exceeded => ItemCollectionSizeLimitExceeded, transaction_conflict => TransactionConflict,
    transaction_in_progress => TransactionInProgress, idempotent_parameter_mismatch => IdempotentParameterMismatch,
    duplicate_item => DuplicateItem, replicated_write_conflict => ReplicatedWriteConflict,
    table_already_exists => TableAlreadyExists, table_in_use => TableInUse, table_not_found => TableNotFound,
    index_not_found => IndexNotFound, backup_in_use => BackupInUse, backup_not_found => BackupNotFound,
    continuous_backups_unavailable => ContinuousBackupsUnavailable,
    point_in_time_recovery_unavailable => PointInTimeRecoveryUnavailable, invalid_restore_time => InvalidRestoreTime,
    export_conflict => ExportConflict, export_not_found => ExportNotFound, invalid_export_time => InvalidExportTime,
    import_conflict => ImportConflict, import_not_found => ImportNotFound,
    global_table_already_exists => GlobalTableAlreadyExists, global_table_not_found => GlobalTableNotFound,
    replica_already_exists => ReplicaAlreadyExists, replica_not_found => ReplicaNotFound,
    policy_not_found => PolicyNotFound, expired_iterator => ExpiredIterator, trimmed_data_access => TrimmedDataAccess,
    unrecognized_client => UnrecognizedClient, missing_authentication_token => MissingAuthenticationToken,
    invalid_signature => InvalidSignature, incomplete_signature => IncompleteSignature, expired_token => ExpiredToken,
    service_unavailable => ServiceUnavailable, request_entity_too_large => RequestEntityTooLarge,
}

impl ApiError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        ApiError {
            kind,
            message: message.into(),
            extra: Vec::new(),
            consumed: Units::default(),
        }
    }
    /// Adds a member to the body; `json` must be JSON text.
    pub fn with(mut self, name: &'static str, json: String) -> Self {
        self.extra.push((name, json));
        self
    }
    /// Stored bytes that cannot be read: InternalServerError.
    pub fn corrupt(what: &str) -> Self {
        Self::internal(format!("corrupt stored data: {what}"))
    }
    /// `item`: the item that failed the condition as DynamoDB JSON, when the request asked for it.
    pub fn conditional_check_failed(item: Option<String>) -> Self {
        let error = Self::new(
            ErrorKind::ConditionalCheckFailed,
            "The conditional request failed",
        );
        match item {
            Some(json) => error.with("Item", json),
            None => error,
        }
    }
    /// `reasons`: the JSON array of CancellationReasons.
    pub fn transaction_canceled(message: impl Into<String>, reasons: String) -> Self {
        Self::new(ErrorKind::TransactionCanceled, message).with("CancellationReasons", reasons)
    }
    /// AWS sends no text with it.
    pub fn unknown_operation() -> Self {
        Self::new(ErrorKind::UnknownOperation, "")
    }
    /// An item operation named a table that does not exist.
    pub fn no_such_table_for_item() -> Self {
        Self::resource_not_found("Requested resource not found")
    }
    /// A table operation named a table that does not exist.
    pub fn no_such_table(name: &str) -> Self {
        Self::resource_not_found(format!(
            "Requested resource not found: Table: {name} not found"
        ))
    }
    pub fn no_such_stream(arn: &str) -> Self {
        Self::resource_not_found(format!(
            "Requested resource not found: Stream: {arn} not found"
        ))
    }
    /// A shard that never was in the stream, or whose records are long gone.
    pub fn no_such_shard(shard: &str, arn: &str) -> Self {
        Self::resource_not_found(format!(
            "Requested resource not found: Shard: {shard} in Stream: {arn} not found"
        ))
    }
    /// What is asked for is older than what is kept.
    pub fn trimmed() -> Self {
        Self::trimmed_data_access("The data you are trying to access has been trimmed")
    }
    /// CreateTable met a table of that name.
    pub fn table_exists(name: &str) -> Self {
        Self::resource_in_use(format!("Table already exists: {name}"))
    }
    /// The JSON error body: `{"__type":"…","message":"…", …extra}`; an empty message is left out.
    pub fn body(&self) -> String {
        let mut out = String::from("{\"__type\":");
        write_string(&mut out, self.kind.wire_type());
        if !self.message.is_empty() {
            out.push_str(",\"");
            out.push_str(self.kind.message_member());
            out.push_str("\":");
            write_string(&mut out, &self.message);
        }
        self.write_extra(&mut out, true);
        out.push('}');
        out
    }
    /// The extra members as a JSON object for an ERROR's DETAIL; None when there are none.
    pub fn detail(&self) -> Option<String> {
        if self.extra.is_empty() {
            return None;
        }
        let mut out = String::from("{");
        self.write_extra(&mut out, false);
        out.push('}');
        Some(out)
    }
    fn write_extra(&self, out: &mut String, mut comma: bool) {
        for (name, json) in &self.extra {
            if comma {
                out.push(',');
            }
            comma = true;
            write_string(out, name);
            out.push(':');
            out.push_str(json);
        }
    }
}

/// The text of docs/errors.md.
pub fn errors_markdown() -> String {
    let mut out = String::from(
        "# Errors\n\nGenerated from the table of kinds in `crates/core/src/error.rs`; do not edit.\n\n\
         In SQL an API error is an ERROR with the SQLSTATE below, DynamoDB's message as the message and the\n\
         error's further members as JSON in DETAIL. Over HTTP it is the status and `__type` below. SQLSTATEs are\n\
         stable: a code is never given to another error.\n\n\
         | SQLSTATE | Error | HTTP | Retry | `__type` | Meaning |\n|---|---|---|---|---|---|\n",
    );
    for r in KINDS {
        let retry = if r.retryable { "yes" } else { "no" };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            r.sqlstate, r.name, r.http_status, retry, r.wire_type, r.description
        ));
    }
    out.push_str(
        "\nFailures of PostgreSQL itself keep their own SQLSTATE in SQL. Over HTTP 42501 answers\n\
         AccessDeniedException; 40001, 40P01, 55P03 and class 53 answer ThrottlingException (nothing was stored; SDKs\n\
         repeat the request); class 28 UnrecognizedClientException; 57P01 to 57P03, and 25006 (a write on a standby),\n\
         ServiceUnavailableException; every other one InternalServerError.\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_stand_in_the_order_of_the_enum_and_are_unique() {
        let mut states = BTreeSet::new();
        let mut names = BTreeSet::new();
        for (i, row) in KINDS.iter().enumerate() {
            assert_eq!(row.kind as usize, i);
            assert!(states.insert(row.sqlstate), "{}", row.sqlstate);
            assert!(names.insert(row.name), "{}", row.name);
            assert!(row.sqlstate.len() == 5 && row.sqlstate.starts_with("DY"));
            assert_eq!(ErrorKind::of_sqlstate(row.sqlstate), row.kind);
            assert_eq!(ErrorKind::from_name(row.name), Some(row.kind));
        }
    }

    #[test]
    fn sqlstates_never_change() {
        assert_eq!(ErrorKind::Validation.sqlstate(), "DY001");
        assert_eq!(ErrorKind::ConditionalCheckFailed.sqlstate(), "DY005");
        assert_eq!(ErrorKind::InternalServerError.sqlstate(), "DY009");
        assert_eq!(ErrorKind::TransactionCanceled.sqlstate(), "DY014");
        assert_eq!(ErrorKind::RequestEntityTooLarge.sqlstate(), "DY047");
    }

    #[test]
    fn postgres_failures_map_to_kinds() {
        for (state, kind) in [
            ("42501", ErrorKind::AccessDenied),
            ("40001", ErrorKind::Throttling),
            ("40P01", ErrorKind::Throttling),
            ("55P03", ErrorKind::Throttling),
            ("53100", ErrorKind::Throttling),
            ("25006", ErrorKind::ServiceUnavailable),
            ("XX000", ErrorKind::InternalServerError),
        ] {
            assert_eq!(ErrorKind::of_sqlstate(state), kind, "{state}");
        }
    }

    #[test]
    fn bodies_carry_type_message_and_extra_members() {
        assert_eq!(
            ApiError::validation("no \"x\"").body(),
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"no \"x\""}"#
        );
        assert_eq!(
            ApiError::conditional_check_failed(Some(r#"{"a":{"S":"x"}}"#.into())).body(),
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"a":{"S":"x"}}}"#
        );
        assert_eq!(
            ApiError::unknown_operation().body(),
            r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#
        );
        assert!(ApiError::access_denied("x").body().contains("\"Message\""));
    }
}
