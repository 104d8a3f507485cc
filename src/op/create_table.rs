//! CreateTable.

use super::Session;
use crate::storage::{catalog, policy, table};
use crate::stream;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::policy::ResourcePolicy;
use pg_dynamo_core::request::{CreateTableRequest, table_description_reply};
use pg_dynamo_core::table::{TableDefinition, TableStatistics};
use pg_dynamo_core::{ApiError, Result};

/// The table is ACTIVE when the call returns, unless it waits for the first stream of its database; a session creating the
/// same name is waited for.
pub fn run(session: &Session, mut request: CreateTableRequest) -> Result<String> {
    let policy = request.take_policy();
    let definition = request.definition(catalog::new_id(), catalog::now_millis())?;
    // Keys are arguments of the trigger that derives them.
    if definition
        .key_schema
        .attributes()
        .any(|key| key.name.contains('\0'))
    {
        return Err(ApiError::validation(
            "One or more parameter values were invalid: the name of a key attribute must not contain U+0000",
        ));
    }
    if !catalog::may_create() {
        return Err(session.access_denied(Operation::CreateTable, &definition.name));
    }
    let policy = policy.map(|new| new.after(None, definition.created_at));
    // A role that is missing is told before anything is made: a caller may go on and commit.
    let policy = policy.map(identified).transpose()?;
    let definition = stream::table::of_new_table(definition)?;
    claim(&definition)?;
    table::create(&definition)?;
    stream::table::enable_at_creation(&definition)?;
    if let Some(policy) = policy {
        govern(&definition, policy)?;
    }
    Ok(table_description_reply(
        &definition,
        definition.status(),
        &session.account,
        TableStatistics::default(),
    ))
}

fn identified(mut policy: ResourcePolicy) -> Result<ResourcePolicy> {
    policy::identify(&mut policy)?;
    Ok(policy)
}

/// Puts the policy on a table just made by the caller.
fn govern(definition: &TableDefinition, mut policy: ResourcePolicy) -> Result<()> {
    policy::enforce(&definition.name, None, Some(&mut policy));
    let made = catalog::peek(&definition.name)?;
    let made = made.ok_or_else(|| ApiError::no_such_table(&definition.name))?;
    let governed = TableDefinition {
        policy: Some(policy),
        ..definition.clone()
    };
    catalog::replace(made.relid, &governed)
}

/// Records the definition, which makes its name ours until the end of the transaction.
pub(super) fn claim(definition: &TableDefinition) -> Result<()> {
    let name = &definition.name;
    while !catalog::record(definition)? {
        if catalog::name_taken(name, true) {
            return Err(ApiError::table_exists(name));
        }
        // The table may have been dropped and made again since. While its row is locked it stays as it is:
        // a definition whose table is gone (its owner took the guard away, or a restore left it out).
        if catalog::lock_definition(name)?.is_some() {
            if catalog::name_taken(name, true) {
                return Err(ApiError::table_exists(name));
            }
            catalog::forget(name);
        }
    }
    if catalog::name_taken(name, false) {
        catalog::forget(name);
        return Err(ApiError::table_exists(name));
    }
    Ok(())
}
