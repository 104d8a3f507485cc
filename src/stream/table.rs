//! What table operations do to streams.

use super::catalog::{self, State, StreamRow};
use super::{marker, slot};
use crate::storage::catalog::{self as tables, Table};
use crate::storage::spi::{self, Arg, Plan};
use crate::worker::{self, Kind};
use pg_dynamo_core::table::{StreamState, TableDefinition};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;

/// Err: ValidationException when this server cannot capture changes; it says what to set. LimitExceededException when it
/// has no room for that.
pub fn check_server() -> Result<()> {
    // SAFETY: a plain variable of the server.
    if unsafe { pg_sys::wal_level } < pg_sys::WalLevel::WAL_LEVEL_LOGICAL as i32 {
        return Err(ApiError::validation(
            "A stream needs wal_level = logical: set it in postgresql.conf and restart PostgreSQL",
        ));
    }
    // The setting came with a minor release; before it every library is welcome.
    let refused = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT (NOT (s.setting OPERATOR(pg_catalog.~) '(^|,)\\s*\"?(pg_dynamo|\\*)\"?\\s*(,|$)'))\
             ::pg_catalog.int4::pg_catalog.int8 FROM pg_catalog.pg_settings AS s \
             WHERE s.name OPERATOR(pg_catalog.=) 'output_plugin_libraries'",
            &[],
        );
        plan.execute(&[], true);
        spi::int_value(0, 1) == Some(1)
    });
    if refused {
        return Err(ApiError::validation(
            "A stream needs pg_dynamo in output_plugin_libraries: add it in postgresql.conf and reload the configuration",
        ));
    }
    check_slots()
}

/// Err: LimitExceededException when this database has no slot and none is free.
fn check_slots() -> Result<()> {
    let taken = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT (pg_catalog.count(*) OPERATOR(pg_catalog.>=) pg_catalog.current_setting('max_replication_slots')::pg_catalog.int8 \
                     AND pg_catalog.bool_and(slot_name OPERATOR(pg_catalog.<>) $1::pg_catalog.name))\
             ::pg_catalog.int4::pg_catalog.int8 FROM pg_catalog.pg_replication_slots",
            &[pg_sys::TEXTOID],
        );
        plan.execute(&[Arg::Text(&slot::name())], true);
        spi::int_value(0, 1) == Some(1)
    });
    if taken {
        return Err(ApiError::limit_exceeded(
            "A stream needs a replication slot, and all are in use: drop one, or raise max_replication_slots and restart PostgreSQL",
        ));
    }
    Ok(())
}

/// The definition of a new table, whose stream captures from the start where capture runs already.
pub fn of_new_table(definition: TableDefinition) -> Result<TableDefinition> {
    if definition.stream.is_none() {
        return Ok(definition);
    }
    check_server()?;
    Ok(if catalog::is_running() {
        definition.with_stream_state(Some(StreamState::Enabled))
    } else {
        definition
    })
}

/// Gives a table that was just created its stream. Without capture the worker does the rest when this is committed.
pub fn enable_at_creation(definition: &TableDefinition) -> Result<()> {
    let Some(stream) = &definition.stream else {
        return Ok(());
    };
    let relid = tables::relid_of(&definition.name);
    marker::add(definition, stream);
    let now = tables::now_millis();
    if stream.state == StreamState::Enabled {
        let number = catalog::register(definition, stream, relid, State::Enabled, now)?;
        let wanted = crate::guc::stream_shards();
        catalog::open_first_shards(number, wanted, catalog::tip(), now)?;
    } else {
        catalog::register(definition, stream, relid, State::Enabling, now)?;
        worker::start_at_commit(Kind::Stream);
    }
    Ok(())
}

/// After UpdateTable: `definition` says what the worker is to bring about.
pub fn changed(definition: &TableDefinition, relid: pg_sys::Oid) -> Result<()> {
    let Some(stream) = &definition.stream else {
        return Ok(());
    };
    let now = tables::now_millis();
    if stream.state == StreamState::Enabling {
        // SAFETY: a look-up; the table is held.
        let persistence = unsafe { pg_sys::get_rel_persistence(relid) } as u8;
        if persistence != pg_sys::RELPERSISTENCE_PERMANENT {
            return Err(ApiError::validation(
                "A stream needs the write-ahead log of its table: ALTER TABLE ... SET LOGGED first",
            ));
        }
        catalog::register(definition, stream, relid, State::Enabling, now)?;
    }
    worker::start_at_commit(Kind::Stream);
    Ok(())
}

/// Starts the worker where a table has a stream and none is alive: nobody else does when the library is not preloaded and
/// the server was started again.
pub fn wake_worker(definition: &TableDefinition) {
    if definition.stream.is_some() {
        worker::start_if_needed(Kind::Stream);
    }
}

/// Whether the current role may read the records: SELECT on the whole table, without row-level policies, which a stream
/// cannot apply; `permitted` is asked besides. Of a table that is gone: who was its owner.
pub fn may_read(stream: &StreamRow, permitted: impl FnOnce(&Table) -> bool) -> Result<bool> {
    let table = tables::peek(&stream.name.table)?;
    let table = table.filter(|table| table.definition.table_id == stream.table_id);
    if let Some(table) = table {
        let select = tables::has_privilege(table.relid, tables::Privilege::Select);
        // SAFETY: look-ups in the caches; a relation that went meanwhile has no policies.
        let policies = unsafe { pg_sys::check_enable_rls(table.relid, pg_sys::InvalidOid, true) };
        let open = policies != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32;
        return Ok(select && open && permitted(&table));
    }
    Ok(spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT pg_catalog.pg_has_role($1::pg_catalog.oid, 'USAGE')::pg_catalog.int4::pg_catalog.int8 \
             FROM pg_catalog.pg_roles WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
             UNION ALL \
             SELECT 1::pg_catalog.int8 FROM pg_catalog.pg_roles \
             WHERE rolname OPERATOR(pg_catalog.=) current_user AND rolsuper \
             ORDER BY 1 DESC LIMIT 1",
            &[pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Int8(i64::from(stream.owner.to_u32()))], true);
        spi::int_value(0, 1) == Some(1)
    }))
}
