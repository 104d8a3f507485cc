//! What a Query or Scan costs: the plan of its range, and how many items it reads to return how many.

use super::{ItemSet, Session, query, scan};
use crate::storage::scan as storage;
use pg_dynamo_core::json::Json;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{QueryRequest, ScanRequest};
use pg_dynamo_core::{ApiError, Result};

/// Fewer items read are no reason to advise an index.
const WORTH_A_HINT: u64 = 10;

/// Executes the request for one page and answers lines, as EXPLAIN does.
pub fn run(session: &Session, operation: Operation, body: &str) -> Result<String> {
    let body = Json::parse(body)?;
    let account = &session.account;
    let set = match operation {
        Operation::Query => query::bind(session, QueryRequest::parse(&body, account)?),
        Operation::Scan => scan::bind(session, ScanRequest::parse(&body, account)?),
        _ => Err(ApiError::validation(
            "dynamo.explain describes Query and Scan",
        )),
    }?;
    let mut page = set.read.page(String::new());
    let mut cursor = set.open(false);
    cursor.each(|item| page.offer(item))?;
    let direct = cursor.is_direct();
    drop(cursor);
    let (read, returned) = (page.scanned(), page.returned());

    let mut lines = described(&set, operation);
    lines.push(format!("  Items Read: {read}"));
    lines.push(format!("  Items Returned: {returned}"));
    if set.read.range().empty {
        lines.push("  No item can match: nothing is read.".to_owned());
    } else {
        let how = if direct {
            "  Read By: index scan without a statement, over the range that this plan shows"
        } else {
            "  Read By: statement with this plan"
        };
        lines.push(how.to_owned());
        let plan = storage::explain(&set.table, set.read.range());
        lines.extend(plan.into_iter().map(|line| format!("    {line}")));
    }
    lines.extend(hint(&set, read, returned));
    Ok(lines.join("\n"))
}

fn described(set: &ItemSet, operation: Operation) -> Vec<String> {
    let index = storage::index_name(&set.table, set.read.range().access);
    let mut lines = vec![
        format!("DynamoDB {} on {}", operation.name(), set.read.table()),
        format!("  Index: {index}"),
    ];
    let parts = set.read.descriptions().into_iter();
    lines.extend(parts.map(|(label, text)| format!("  {label}: {text}")));
    lines.extend(set.read.limit().map(|limit| format!("  Limit: {limit}")));
    lines
}

fn hint(set: &ItemSet, read: u64, returned: u64) -> Option<String> {
    let discarded = read - returned;
    let mostly = set.read.has_filter() && read >= WORTH_A_HINT && discarded * 2 > read;
    mostly.then(|| {
        format!(
            "Hint: the filter discards {discarded} of {read} items, and all of them are read and charged. \
             An index whose key is what the filter compares would read only what is returned."
        )
    })
}
