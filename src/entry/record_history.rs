//! The triggers of tables with point-in-time recovery.

use super::boundary::{CALL_CONVENTION, guarded};
use super::report::{OrRaise, raise};
use crate::storage::backup::copy;
use crate::storage::catalog::DATA_SCHEMA;
use crate::storage::history::record::{self, Version};
use crate::storage::table::has_our_columns;
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;
use std::ffi::CStr;

/// Whether the trigger is one of a data table, fired after each row or before TRUNCATE. Anybody may make triggers of this
/// function; where a change is kept depends on nothing but the table it was made in.
///
/// # Safety
/// `data` is that of a running trigger.
unsafe fn is_ours(data: &pg_sys::TriggerData) -> bool {
    const TIMING: u32 = pg_sys::TRIGGER_EVENT_TIMINGMASK | pg_sys::TRIGGER_EVENT_ROW;
    const AFTER_ROW: u32 = pg_sys::TRIGGER_EVENT_AFTER | pg_sys::TRIGGER_EVENT_ROW;
    let truncates = data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_TRUNCATE;
    let timing = data.tg_event & TIMING;
    let fires = if truncates {
        timing == pg_sys::TRIGGER_EVENT_BEFORE
    } else {
        timing == AFTER_ROW
    };
    // SAFETY: the trigger's relation is open; the name is palloc'ed, or null.
    unsafe {
        let schema = pg_sys::get_namespace_name((*(*data.tg_relation).rd_rel).relnamespace);
        fires
            && !schema.is_null()
            && CStr::from_ptr(schema).to_bytes() == DATA_SCHEMA.as_bytes()
            && has_our_columns(data.tg_relation)
    }
}

#[unsafe(export_name = "pg_dynamo_record_history")]
unsafe extern "C-unwind" fn record_history(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo is valid; the context is checked to be trigger data before it is read as such.
    unsafe {
        guarded(|| {
            let context = (*fcinfo).context;
            if context.is_null() || !pgrx::nodes::is_a(context, pg_sys::NodeTag::T_TriggerData) {
                raise(ApiError::validation("record_history is a trigger function"));
            }
            let trigger = &*context.cast::<pg_sys::TriggerData>();
            if !is_ours(trigger) {
                raise(ApiError::validation(
                    "record_history is for AFTER row triggers and BEFORE TRUNCATE triggers on data tables",
                ));
            }
            record(trigger).or_raise();
            pg_sys::Datum::null()
        })
    }
}

/// # Safety
/// `trigger` is running, and ours.
unsafe fn record(trigger: &pg_sys::TriggerData) -> Result<()> {
    // SAFETY: by the caller; the tuples are there for the events that have them.
    unsafe {
        let table = trigger.tg_relation;
        let version = |tuple| Some(Version::of(tuple, (*table).rd_att));
        match trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => {
                record::change(table, None, version(trigger.tg_trigtuple))
            }
            pg_sys::TRIGGER_EVENT_DELETE => {
                record::change(table, version(trigger.tg_trigtuple), None)
            }
            pg_sys::TRIGGER_EVENT_UPDATE => record::change(
                table,
                version(trigger.tg_trigtuple),
                version(trigger.tg_newtuple),
            ),
            _ => return record_all(table),
        }
    }
    Ok(())
}

/// Every row there is, as nobody else writes any more.
///
/// # Safety
/// The table is locked for TRUNCATE.
unsafe fn record_all(table: pg_sys::Relation) -> Result<()> {
    // SAFETY: by the caller; the snapshot is popped here, or by the abort.
    unsafe {
        let name = CStr::from_ptr((*(*table).rd_rel).relname.data.as_ptr()).to_string_lossy();
        let name = pgrx::spi::quote_qualified_identifier(DATA_SCHEMA, &name);
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
        let owner = (*(*table).rd_rel).relowner;
        copy::restricted(owner, || {
            copy::read(
                &copy::all_of(&name),
                || (),
                |[hash, pk, sk, item]| {
                    record::keep(table, [hash, pk, sk], Some(item));
                    Ok(())
                },
            )
        })?;
        pg_sys::PopActiveSnapshot();
    }
    Ok(())
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_record_history")]
extern "C" fn record_history_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}
