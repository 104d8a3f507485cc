//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.

use super::Session;
use super::redefine::{described, redefine};
use crate::storage::{catalog, policy};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DeleteResourcePolicyRequest, GetResourcePolicyRequest, NewPolicy, PutResourcePolicyRequest,
};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result};
use std::collections::BTreeMap;

pub fn put(session: &Session, request: PutResourcePolicyRequest) -> Result<String> {
    let governed = &request.governed;
    let name = governed.table();
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::PutResourcePolicy;
    redefine(session, operation, name, missing, |_, table| {
        governed.check()?;
        let Some(mut policy) = request.apply(table, catalog::now_millis())? else {
            let kept = table.policy.as_ref().map(|policy| request.reply(policy));
            return Ok((None, kept.unwrap_or_default()));
        };
        policy.granted = policy::enforce(name, &policy.granted, &policy.allowed)?;
        let reply = request.reply(&policy);
        let new = TableDefinition {
            policy: Some(policy),
            ..table.clone()
        };
        Ok((Some(new), reply))
    })
}

pub fn get(session: &Session, request: GetResourcePolicyRequest) -> Result<String> {
    let name = request.governed.table();
    let missing = || ApiError::no_such_table(name);
    described(session, name, missing, |table| {
        request.governed.check()?;
        request.reply(table)
    })
}

pub fn delete(session: &Session, request: DeleteResourcePolicyRequest) -> Result<String> {
    let governed = &request.governed;
    let name = governed.table();
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::DeleteResourcePolicy;
    redefine(session, operation, name, missing, |_, table| {
        governed.check()?;
        let reply = request.reply(table.policy.as_ref());
        if !request.check(table)? {
            return Ok((None, reply));
        }
        if let Some(policy) = &table.policy {
            policy::enforce(name, &policy.granted, &BTreeMap::new())?;
        }
        let new = TableDefinition {
            policy: None,
            ..table.clone()
        };
        Ok((Some(new), reply))
    })
}

/// The policy that CreateTable puts on a table just made by the caller.
pub fn put_on_new(policy: &NewPolicy, table: &TableDefinition) -> Result<TableDefinition> {
    let mut policy = policy.after(None, table.created_at);
    policy.granted = policy::enforce(&table.name, &BTreeMap::new(), &policy.allowed)?;
    Ok(TableDefinition {
        policy: Some(policy),
        ..table.clone()
    })
}
