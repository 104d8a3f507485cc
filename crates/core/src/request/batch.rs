//! What batches have in common: RequestItems.
use super::shape::member;
use crate::json::Json;
use crate::table::{Account, TableRef};
use crate::{ApiError, Result};

/// What a request whose shape was checked asks of each table, in its order; the last of equal names counts.
///
/// Err: ValidationException, also for a table that stands there twice, by its name and by its ARN.
pub fn tables<'j, 'a>(
    request: &'j Json<'a>,
    account: &Account,
) -> Result<Vec<(TableRef, &'j Json<'a>)>> {
    let mut found: Vec<(TableRef, &Json<'a>)> = Vec::new();
    let Some(Json::Object(entries)) = member(request, "RequestItems") else {
        return Ok(found);
    };
    for (name, requests) in entries {
        let table = TableRef::parse(name, account)?;
        match found.iter_mut().find(|(seen, _)| seen.name == table.name) {
            None => found.push((table, requests)),
            Some(seen) if seen.0.as_given == table.as_given => seen.1 = requests,
            Some(_) => {
                return Err(ApiError::validation(format!(
                    "One or more parameter values were invalid: table {} stands in RequestItems by its name and by its ARN",
                    table.name
                )));
            }
        }
    }
    Ok(found)
}

/// Refuses more than `limit` requests in all.
pub fn check_count(count: usize, limit: usize, operation: &str) -> Result<()> {
    if count > limit {
        return Err(ApiError::validation(format!(
            "Too many items requested for the {operation} call"
        )));
    }
    Ok(())
}

pub fn duplicates() -> ApiError {
    ApiError::validation("Provided list of item keys contains duplicates")
}
