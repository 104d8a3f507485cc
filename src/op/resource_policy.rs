//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.

use super::Session;
use super::redefine::{described, redefine};
use crate::storage::{catalog, policy};
use crate::stream;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DeleteResourcePolicyRequest, GetResourcePolicyRequest, Governed, PutResourcePolicyRequest,
};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result};

/// Err: ResourceNotFoundException for a stream that the table does not have.
fn is_stream(governed: &Governed) -> Result<bool> {
    let kept = crate::guc::stream_retention();
    governed.is_stream(|name| Ok(stream::catalog::find_kept(name, kept)?.is_some()))
}

/// A stream never has a policy: it is looked at as a table without one.
fn without_policy(governed: &Governed, table: &TableDefinition) -> Result<Option<TableDefinition>> {
    Ok(is_stream(governed)?.then(|| TableDefinition {
        policy: None,
        ..table.clone()
    }))
}

pub fn put(session: &Session, request: PutResourcePolicyRequest) -> Result<String> {
    let governed = &request.governed;
    let name = governed.table();
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::PutResourcePolicy;
    redefine(session, operation, name, missing, |_, table| {
        if is_stream(governed)? {
            return Err(PutResourcePolicyRequest::refusal_of_streams());
        }
        let mut policy = request.apply(table, catalog::now_millis())?;
        policy::identify(&mut policy)?;
        policy::enforce(name, table.policy.as_ref(), Some(&mut policy));
        let reply = request.reply(&policy);
        let new = TableDefinition {
            policy: Some(policy),
            ..table.clone()
        };
        // The same document again mends its grants, where a restore left them out.
        Ok(((new != *table).then_some(new), reply))
    })
}

pub fn get(session: &Session, request: GetResourcePolicyRequest) -> Result<String> {
    let name = request.governed.table();
    let missing = || ApiError::no_such_table(name);
    described(session, name, missing, |table| {
        let without = without_policy(&request.governed, table)?;
        request.reply(without.as_ref().unwrap_or(table))
    })
}

pub fn delete(session: &Session, request: DeleteResourcePolicyRequest) -> Result<String> {
    let governed = &request.governed;
    let name = governed.table();
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::DeleteResourcePolicy;
    redefine(session, operation, name, missing, |_, table| {
        let without = without_policy(governed, table)?;
        let table = without.as_ref().unwrap_or(table);
        let reply = request.reply(table.policy.as_ref());
        if !request.check(table)? {
            return Ok((None, reply));
        }
        policy::enforce(name, table.policy.as_ref(), None);
        let new = TableDefinition {
            policy: None,
            ..table.clone()
        };
        Ok((Some(new), reply))
    })
}
