//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.

use super::Session;
use super::redefine::{described, redefine};
use crate::storage::{catalog, policy};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{
    DeleteResourcePolicyRequest, GetResourcePolicyRequest, PutResourcePolicyRequest,
};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ApiError, Result};

pub fn put(session: &Session, request: PutResourcePolicyRequest) -> Result<String> {
    let governed = &request.governed;
    let name = governed.table();
    let missing = || ApiError::no_such_table(name);
    let operation = Operation::PutResourcePolicy;
    redefine(session, operation, name, missing, |_, table| {
        governed.check()?;
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
        policy::enforce(name, table.policy.as_ref(), None);
        let new = TableDefinition {
            policy: None,
            ..table.clone()
        };
        Ok((Some(new), reply))
    })
}
