//! DeleteTable.
use super::index_updates::in_use;
use super::stream_updates::{self, Stalled};
use super::{shape, table_shapes};
use crate::json::Json;
use crate::table::{Account, TableDefinition, TableRef};
use crate::{ApiError, Result};

#[derive(Debug)]
pub struct DeleteTableRequest {
    table: TableRef,
}

impl DeleteTableRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::TABLE_ALONE, request)?;
        let table = TableRef::of_request(request, account)?;
        Ok(DeleteTableRequest { table })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// Err: ValidationException when the table is protected against deletion, ResourceInUseException while it
    /// is being created, an index is being created or deleted, or a stream enabled or disabled.
    pub fn check(&self, table: &TableDefinition) -> Result<()> {
        if table.deletion_protection {
            return Err(ApiError::validation(
                "Resource cannot be deleted as it is currently protected against deletion. \
                 Disable deletion protection first.",
            ));
        }
        table.check_created()?;
        stream_updates::check_idle(table, Stalled::Deletion)?;
        if !table.is_finished() {
            return Err(in_use(
                "Cannot delete table while indexes are being created, updated, or deleted.",
            ));
        }
        Ok(())
    }
}
