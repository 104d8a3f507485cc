//! CreateTable.

use super::{Session, resource_policy};
use crate::storage::{catalog, table};
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::{CreateTableRequest, table_description_reply};
use pg_dynamo_core::table::{TableDefinition, TableStatistics, TableStatus};
use pg_dynamo_core::{ApiError, Result};

/// The table is ACTIVE when the call returns; a session creating the same name is waited for.
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
    claim(&definition)?;
    table::create(&definition)?;
    if let Some(policy) = &policy {
        let governed = resource_policy::put_on_new(policy, &definition)?;
        let made = catalog::peek(&definition.name)?;
        let made = made.ok_or_else(|| ApiError::no_such_table(&definition.name))?;
        catalog::replace(made.relid, &governed)?;
    }
    Ok(table_description_reply(
        &definition,
        TableStatus::Active,
        &session.account,
        TableStatistics::default(),
    ))
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
