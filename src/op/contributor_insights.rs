//! UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights.

use super::Session;
use super::redefine::{described, redefine};
use crate::storage::catalog;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DescribeContributorInsightsRequest, ListContributorInsightsRequest,
    UpdateContributorInsightsRequest,
};
use pg_dynamo_core::{ApiError, Result};

pub fn update(session: &Session, request: UpdateContributorInsightsRequest) -> Result<String> {
    let name = &request.watched.table.name;
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::UpdateContributorInsights;
    redefine(session, operation, name, missing, |_, table| {
        request.apply(table, catalog::now_millis())
    })
}

pub fn describe(session: &Session, request: DescribeContributorInsightsRequest) -> Result<String> {
    let name = &request.watched.table.name;
    let missing = || ApiError::no_such_table(name);
    described(session, name, missing, |table| request.reply(table))
}

pub fn list(session: &Session, request: ListContributorInsightsRequest) -> Result<String> {
    if let Some(table) = &request.table {
        let missing = || ApiError::no_such_table(&table.name);
        return described(session, &table.name, missing, |table| {
            Ok(request.reply(std::iter::once(table)))
        });
    }
    let watched = catalog::with_insights(request.first_table())?;
    Ok(request.reply(watched.iter()))
}
