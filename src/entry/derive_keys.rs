//! The trigger that makes the derived columns those of the item, whoever writes it.

use super::boundary::{CALL_CONVENTION, guarded};
use super::report::{OrRaise, raise};
use crate::storage::derivation::Derivation;
use crate::storage::table::has_our_columns;
use pg_dynamo_core::ApiError;
use pgrx::prelude::*;

/// Whether the trigger fires as CreateTable's does and its table begins with columns of our layout. Anybody may
/// make triggers of this function, and the event trigger sees no partition whose columns stand in another
/// order: without this, numbers would be read as pointers.
///
/// # Safety
/// `data` is that of a running trigger.
unsafe fn is_ours(data: &pg_sys::TriggerData) -> bool {
    const BEFORE_ROW: u32 = pg_sys::TRIGGER_EVENT_BEFORE | pg_sys::TRIGGER_EVENT_ROW;
    const TIMING: u32 = pg_sys::TRIGGER_EVENT_TIMINGMASK | pg_sys::TRIGGER_EVENT_ROW;
    let operation = data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK;
    if data.tg_event & TIMING != BEFORE_ROW
        || !matches!(
            operation,
            pg_sys::TRIGGER_EVENT_INSERT | pg_sys::TRIGGER_EVENT_UPDATE
        )
    {
        return false;
    }
    // SAFETY: the trigger's relation is open.
    unsafe { has_our_columns(data.tg_relation) }
}

/// Row trigger BEFORE INSERT OR UPDATE. Written against the C interface because it runs for every row:
/// when the columns already are those of the item (as in an update of ours that leaves keys alone) the tuple
/// passes untouched.
#[unsafe(export_name = "pg_dynamo_derive_keys")]
unsafe extern "C-unwind" fn derive_keys(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo is valid; the context is checked to be trigger data before it is read as such.
    unsafe {
        guarded(|| {
            let context = (*fcinfo).context;
            if context.is_null() || !pgrx::nodes::is_a(context, pg_sys::NodeTag::T_TriggerData) {
                raise(ApiError::validation("derive_keys is a trigger function"));
            }
            let trigger = &*context.cast::<pg_sys::TriggerData>();
            if !is_ours(trigger) {
                raise(ApiError::validation(
                    "derive_keys is for BEFORE INSERT OR UPDATE row triggers on columns pk_hash, pk, sk and item",
                ));
            }
            let is_update =
                trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE;
            let tuple = if is_update {
                trigger.tg_newtuple
            } else {
                trigger.tg_trigtuple
            };
            let derivation =
                Derivation::of_trigger((*trigger.tg_relation).rd_id, &*trigger.tg_trigger)
                    .or_raise();
            let descriptor = (*trigger.tg_relation).rd_att;
            let derived = derivation.apply(tuple, descriptor).or_raise();
            pg_sys::Datum::from(derived.unwrap_or(tuple))
        })
    }
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_derive_keys")]
extern "C" fn derive_keys_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}
