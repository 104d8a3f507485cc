//! The operations that this release does not have: global tables, auto scaling, Kinesis destinations, import and
//! export by S3, bulk operations, vector search.
//!
//! Their requests are checked as DynamoDB checks them, then those about something that does not exist are told so,
//! and what is left is refused. Lists are empty, as they are in an account that never used the feature.
use super::fields::{list, string};
use super::restore::no_recovery;
use super::shape::{self, member};
use crate::json::{Json, write_string};
use crate::operation::Operation;
use crate::table::{Account, TableDefinition, TableRef};
use crate::{ApiError, Result};

mod shapes;

/// A request whose shape was checked.
#[derive(Debug)]
pub struct Unsupported {
    /// The table that has to be looked for first.
    pub table: Option<Sought>,
    answer: Result<String>,
}

/// A table, and what is answered when it is there or is not; None: go on.
#[derive(Debug)]
pub struct Sought {
    pub name: String,
    missing: Option<ApiError>,
    there: Option<There>,
}

/// Why a table that is there is refused.
#[derive(Debug)]
enum There {
    Exists,
    /// Point-in-time recovery is off.
    Unrecoverable,
}

impl There {
    fn refusal(&self, table: &TableDefinition) -> Option<ApiError> {
        match self {
            There::Exists => Some(ApiError::table_exists(&table.name)),
            There::Unrecoverable => table.point_in_time.is_none().then(|| no_recovery(table)),
        }
    }
}

impl Unsupported {
    /// Err: SerializationException or ValidationException; UnknownOperationException for an operation of another kind.
    pub fn parse(operation: Operation, request: &Json<'_>, account: &Account) -> Result<Self> {
        let structure = shapes::of(operation).ok_or_else(ApiError::unknown_operation)?;
        shape::check(structure, request)?;
        answer(operation, request, account)
    }

    /// `found`: the table that is sought.
    pub fn answer(self, found: Option<&TableDefinition>) -> Result<String> {
        if let Some(sought) = self.table {
            let error = match found {
                Some(table) => sought.there.and_then(|there| there.refusal(table)),
                None => sought.missing,
            };
            if let Some(error) = error {
                return Err(error);
            }
        }
        self.answer
    }
}

fn at_once(answer: Result<String>) -> Result<Unsupported> {
    let table = None;
    Ok(Unsupported { table, answer })
}

/// The table TableName has to exist.
fn of_table(
    request: &Json<'_>,
    account: &Account,
    missing: impl Fn(&str) -> ApiError,
    answer: impl Fn(&str) -> Result<String>,
) -> Result<Unsupported> {
    let name = TableRef::of_request(request, account)?.name;
    Ok(Unsupported {
        answer: answer(&name),
        table: Some(Sought {
            missing: Some(missing(&name)),
            there: None,
            name,
        }),
    })
}

/// What DynamoDB would do and this release does not.
fn refused(operation: Operation) -> ApiError {
    ApiError::validation(format!(
        "{} is not supported in this release of pg_dynamo",
        operation.name()
    ))
}

fn answer(operation: Operation, request: &Json<'_>, account: &Account) -> Result<Unsupported> {
    let text = |name: &str| string(request, name).unwrap_or_default();
    let global = || text("GlobalTableName");
    let of_vectors = |_: &str| {
        Err(ApiError::validation(format!(
            "The table does not have the specified index: {}",
            text("IndexName")
        )))
    };
    match operation {
        Operation::CreateGlobalTable => at_once(Err(legacy())),
        Operation::UpdateGlobalTable => at_once(Err(no_global_update(request, global()))),
        Operation::DescribeGlobalTable => at_once(Err(ApiError::global_table_not_found(format!(
            "Global table not found: {}",
            no_global_table(global())
        )))),
        Operation::DescribeGlobalTableSettings | Operation::UpdateGlobalTableSettings => at_once(
            Err(ApiError::global_table_not_found(no_global_table(global()))),
        ),
        Operation::DescribeTableReplicaAutoScaling | Operation::UpdateTableReplicaAutoScaling => {
            let table = TableRef::of_request(request, account)?;
            at_once(Err(ApiError::resource_not_found(no_global_table(
                &table.name,
            ))))
        }
        Operation::ListGlobalTables => empty_list("GlobalTables"),
        Operation::ListExports => empty_list("ExportSummaries"),
        Operation::ListImports => empty_list("ImportSummaryList"),
        Operation::ListBulkOperations => empty_list("BulkOperationsSummaryList"),
        Operation::DescribeKinesisStreamingDestination => {
            of_table(request, account, ApiError::no_such_table, no_destinations)
        }
        Operation::DisableKinesisStreamingDestination => {
            of_table(request, account, ApiError::no_such_table, |_| {
                Err(not_active())
            })
        }
        Operation::UpdateKinesisStreamingDestination => {
            check_precision(request)?;
            let stream = text("StreamArn");
            let inactive = |table: &str| Err(not_updatable(table, stream));
            of_table(request, account, ApiError::no_such_table, inactive)
        }
        Operation::EnableKinesisStreamingDestination | Operation::StartBulkPutItems => {
            of_table(request, account, ApiError::no_such_table, |_| {
                Err(refused(operation))
            })
        }
        Operation::SearchVectors => of_table(
            request,
            account,
            |_| ApiError::no_such_table_for_item(),
            of_vectors,
        ),
        Operation::ExportTableToPointInTime => export(request, account),
        Operation::ImportTable => Ok(import(request)),
        Operation::DescribeExport => about_arn(text("ExportArn"), "Export", "/export/", |arn| {
            ApiError::export_not_found(format!("Export not found: {arn}"))
        }),
        Operation::DescribeImport => about_arn(text("ImportArn"), "Import", "/import/", |arn| {
            ApiError::import_not_found(format!("Import not found: {arn}"))
        }),
        Operation::DescribeBulkOperation | Operation::CancelBulkOperation => {
            about_arn(text("BulkOperationArn"), "Bulk Operation", "/", |arn| {
                ApiError::resource_not_found(format!(
                    "Requested resource not found: Bulk operation: {arn} not found"
                ))
            })
        }
        _ => Err(ApiError::unknown_operation()),
    }
}

fn legacy() -> ApiError {
    ApiError::validation(
        "One or more parameter values were invalid: DynamoDB global tables version 2017.11.29 is not supported. \
         We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).",
    )
}

/// The version is looked at before the table, and only where a replica is to be created.
fn no_global_update(request: &Json<'_>, name: &str) -> ApiError {
    let updates = list(request, "ReplicaUpdates");
    if updates.is_empty() {
        return ApiError::validation("One or more parameter values were invalid");
    }
    let deletes = |u: &Json<'_>| member(u, "Create").is_none() && member(u, "Delete").is_some();
    if updates.iter().all(deletes) {
        ApiError::global_table_not_found(no_global_table(name))
    } else {
        legacy()
    }
}

fn no_global_table(name: &str) -> String {
    format!("Global table with name: '{name}' does not exist.")
}

fn empty_list(member: &str) -> Result<Unsupported> {
    at_once(Ok(format!("{{\"{member}\":[]}}")))
}

fn no_destinations(table: &str) -> Result<String> {
    let mut out = String::from("{\"TableName\":");
    write_string(&mut out, table);
    out.push_str(",\"KinesisDataStreamDestinations\":[]}");
    Ok(out)
}

/// The service says "enable" whatever was asked.
fn not_active() -> ApiError {
    ApiError::validation(
        "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be \
         ACTIVE to perform DISABLE operation.",
    )
}

fn not_updatable(table: &str, stream: &str) -> ApiError {
    ApiError::validation(format!(
        "Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis streaming is not in ACTIVE \
         state. Updates are only allowed in ACTIVE state. TableName: {table}, kdsArn: {stream}"
    ))
}

fn check_precision(request: &Json<'_>) -> Result<()> {
    let given = member(request, "UpdateKinesisStreamingConfiguration");
    match given.and_then(|c| string(c, "ApproximateCreationDateTimePrecision")) {
        Some(_) => Ok(()),
        None => Err(ApiError::validation(
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot \
             be null or contain only null values",
        )),
    }
}

fn export(request: &Json<'_>, account: &Account) -> Result<Unsupported> {
    let arn = string(request, "TableArn").unwrap_or_default();
    if !arn.starts_with("arn:") {
        return Err(ApiError::validation("Invalid TableArn: Invalid Table ARN"));
    }
    Ok(Unsupported {
        table: Some(Sought {
            name: TableRef::parse(arn, account)?.name,
            missing: Some(ApiError::table_not_found(format!("Table not found: {arn}"))),
            there: Some(There::Unrecoverable),
        }),
        answer: Err(refused(Operation::ExportTableToPointInTime)),
    })
}

fn import(request: &Json<'_>) -> Unsupported {
    let name = member(request, "TableCreationParameters").and_then(|p| string(p, "TableName"));
    Unsupported {
        table: name.map(|name| Sought {
            name: name.to_owned(),
            missing: None,
            there: Some(There::Exists),
        }),
        answer: Err(refused(Operation::ImportTable)),
    }
}

/// Something that an ARN names, and that never was.
fn about_arn(
    arn: &str,
    what: &str,
    part: &str,
    missing: impl Fn(&str) -> ApiError,
) -> Result<Unsupported> {
    if !arn.starts_with("arn:") || !arn.contains(part) {
        return Err(ApiError::validation(format!("Invalid {what} ARN")));
    }
    at_once(Err(missing(arn)))
}
