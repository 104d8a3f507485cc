//! The functions themselves: what answers where the planner has no place for our node, and their support function.

use super::arguments::{Function, bind};
use super::node::elements;
use crate::entry::boundary::{CALL_CONVENTION, export, guarded};
use crate::entry::datum::Raw;
use crate::entry::report::OrRaise;
use crate::op::Shown;
use crate::storage::catalog::{self, Hold};
use crate::storage::{memory, spi, table};
use pg_dynamo_core::Result;
use pgrx::nodes::is_a;
use pgrx::{FromDatum, PgSqlErrorCode, pg_sys};
use std::ffi::CStr;
use std::ops::ControlFlow;
use std::time::Instant;

/// Symbol `pg_dynamo_query_items`, see sql/install/item_sets.sql.
#[unsafe(export_name = "pg_dynamo_query_items")]
unsafe extern "C-unwind" fn query_items(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: called by the function manager.
    unsafe { guarded(|| materialize(fcinfo, Function::Query)) }
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_query_items")]
extern "C" fn query_items_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}

#[unsafe(export_name = "pg_dynamo_scan_items")]
unsafe extern "C-unwind" fn scan_items(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: called by the function manager.
    unsafe { guarded(|| materialize(fcinfo, Function::Scan)) }
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_scan_items")]
extern "C" fn scan_items_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}

/// Which of our functions has this OID.
pub fn identify(function: pg_sys::Oid) -> Option<Function> {
    // SAFETY: syscache look-ups; only a function of one of the two names is looked at more closely.
    unsafe {
        let name = pg_sys::get_func_name(function);
        if name.is_null() || ![c"query", c"scan"].contains(&CStr::from_ptr(name)) {
            return None;
        }
        let schema = pg_sys::get_namespace_name(pg_sys::get_func_namespace(function));
        if schema.is_null()
            || CStr::from_ptr(schema) != c"dynamo"
            || !pg_sys::get_func_retset(function)
        {
            return None;
        }
        let mut manager = pg_sys::FmgrInfo::default();
        pg_sys::fmgr_info(function, &mut manager);
        let address = manager.fn_addr? as usize;
        if address == query_items as *const () as usize {
            return Some(Function::Query);
        }
        (address == scan_items as *const () as usize).then_some(Function::Scan)
    }
}

/// Raises Postgres's permission error unless `role` may execute the function.
pub fn check_execute(function: pg_sys::Oid, role: pg_sys::Oid) {
    let mode = pg_sys::AclMode::from(pg_sys::ACL_EXECUTE);
    // SAFETY: look-ups of a function that a plan names; `aclcheck_error` raises.
    unsafe {
        #[cfg(feature = "pg15")]
        let result = pg_sys::pg_proc_aclcheck(function, role, mode);
        #[cfg(not(feature = "pg15"))]
        let result = pg_sys::object_aclcheck(pg_sys::ProcedureRelationId, function, role, mode);
        if result != pg_sys::AclResult::ACLCHECK_OK {
            let name = pg_sys::get_func_name(function);
            pg_sys::aclcheck_error(result, pg_sys::ObjectType::OBJECT_FUNCTION, name);
        }
    }
}

/// The row: one column, the item.
pub fn descriptor() -> pg_sys::TupleDesc {
    let of_type = pgrx::wrappers::regtypein("dynamo.item");
    // SAFETY: a descriptor of one column in the current memory context.
    unsafe {
        let descriptor = pg_sys::CreateTemplateTupleDesc(1);
        pg_sys::TupleDescInitEntry(descriptor, 1, c"item".as_ptr(), of_type, -1, 0);
        descriptor
    }
}

/// # Safety
/// `fcinfo` is the running call of `function`.
unsafe fn materialize(fcinfo: pg_sys::FunctionCallInfo, function: Function) -> pg_sys::Datum {
    // SAFETY: by the caller.
    unsafe { materialized(fcinfo, |values, emit| fill(function, values, emit)) }
}

/// All rows at once, in a store that spills to disk: those that `fill` emits, of the values of the arguments.
///
/// # Safety
/// `fcinfo` is the running call of a function that returns a set of items.
pub unsafe fn materialized(
    fcinfo: pg_sys::FunctionCallInfo,
    fill: impl FnOnce(&[pg_sys::NullableDatum], &mut dyn FnMut(pg_sys::Datum)) -> Result<()>,
) -> pg_sys::Datum {
    // SAFETY: by the caller; the context is checked to be that of a set.
    unsafe {
        let result = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        let modes = if !result.is_null() && is_a(result.cast(), pg_sys::NodeTag::T_ReturnSetInfo) {
            (*result).allowedModes as u32
        } else {
            0
        };
        if modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize == 0 {
            pgrx::ereport!(
                ERROR,
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "set-valued function called in context that cannot accept a set"
            );
        }
        let values = std::slice::from_raw_parts((*fcinfo).args.as_ptr(), (*fcinfo).nargs as usize);
        let random = modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random != 0;
        let query = (*(*result).econtext).ecxt_per_query_memory;
        let (descriptor, store) = memory::within(query, || {
            let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
            (descriptor(), store)
        });
        let mut emit = |mut item: pg_sys::Datum| {
            let mut is_null = false;
            // The store copies the row.
            pg_sys::tuplestore_putvalues(store, descriptor, &mut item, &mut is_null);
        };
        fill(values, &mut emit).or_raise();
        (*result).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
        (*result).setResult = store;
        (*result).setDesc = descriptor;
        (*fcinfo).isnull = true;
        pg_sys::Datum::null()
    }
}

/// # Safety
/// `values` are the arguments of `function`.
unsafe fn fill(
    function: Function,
    values: &[pg_sys::NullableDatum],
    emit: &mut dyn FnMut(pg_sys::Datum),
) -> Result<()> {
    // SAFETY: by the caller.
    let set = unsafe { bind(function, values) }?;
    let began = Instant::now();
    set.open(false).each(|item| {
        match set.show(item)? {
            Shown::Not => {}
            Shown::Whole => emit(item.datum().datum()),
            Shown::Part(part) => emit(spi::varlena(part.as_item().bytes())),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    set.count(began);
    Ok(())
}

/// Support function of both. The planner calls it before it looks for paths, and that loads this library and its
/// hooks in a session that has not used it yet. Estimates the rows of a scan.
fn item_set_support(request: Raw) -> Raw {
    // What is not answered is answered with a null pointer, which is no NULL.
    // SAFETY: Postgres passes a node.
    let answer = unsafe { estimate(request.0.cast_mut_ptr()) };
    Raw(pg_sys::Datum::from(answer.unwrap_or(std::ptr::null_mut())))
}

/// # Safety
/// `request` is a node.
unsafe fn estimate(request: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
    // SAFETY: nodes are read as what their tags say.
    unsafe {
        if !is_a(request, pg_sys::NodeTag::T_SupportRequestRows) {
            return None;
        }
        let rows = request.cast::<pg_sys::SupportRequestRows>();
        let call = (*rows).node;
        if identify((*rows).funcid)? != Function::Scan || !is_a(call, pg_sys::NodeTag::T_FuncExpr) {
            return None;
        }
        let name = *elements::<pg_sys::Node>((*call.cast::<pg_sys::FuncExpr>()).args).first()?;
        if !is_a(name, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let name = &*name.cast::<pg_sys::Const>();
        let name = String::from_datum(name.constvalue, name.constisnull)?;
        let found = catalog::open(&name, Hold::Share).ok().flatten()?;
        (*rows).rows = table::estimated_rows(found.relid)?;
        Some(request)
    }
}

export!(item_set_support);
