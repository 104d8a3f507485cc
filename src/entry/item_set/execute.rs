//! Execution: a cursor that reads as far as it is asked to.
//!
//! Postgres calls in here through C frames, so every callback is guarded, and none holds a value with a
//! destructor where an ERROR may jump. What Rust owns hangs on the node and is freed with the query's memory.

use super::arguments::{Function, bind};
use super::node::{Private, elements};
use super::order::KeyOrder;
use super::{explain, function, plan};
use crate::entry::boundary::guarded;
use crate::entry::report::OrRaise;
use crate::op::{ItemSet, Shown};
use crate::storage::bare;
use crate::storage::catalog;
use crate::storage::detoast::Stored;
use crate::storage::memory;
use crate::storage::pg_error::catching;
use crate::storage::scan::Scan;
use pg_dynamo_core::value::ItemBuf;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::{CStr, c_void};
use std::time::Instant;

/// Postgres's node, and ours behind it.
#[repr(C)]
pub struct ItemScan {
    node: pg_sys::CustomScanState,
    /// The arguments, ready to be evaluated.
    arguments: *mut pg_sys::List,
    running: *mut Running,
}

/// What Rust owns of a node.
pub struct Running {
    pub function: Function,
    pub private: Private,
    /// Whose privileges decide: a cursor may be read by another role than the one that opened it.
    role: pg_sys::Oid,
    /// For arguments and items while they are looked at.
    scratch: pg_sys::MemoryContext,
    pub bound: Option<ItemSet>,
    scan: Option<Scan>,
    /// When the cursor was opened.
    began: Instant,
    ended: bool,
    /// Rows read by cursors that are closed.
    rows: u64,
    /// Whether the last cursor went without a statement.
    pub direct: Option<bool>,
}

impl Running {
    /// Rows read so far, rescans included.
    pub fn rows_read(&self) -> u64 {
        self.rows + self.scan.as_ref().map_or(0, Scan::rows_read)
    }

    fn close(&mut self) {
        self.rows = self.rows_read();
        if let (Some(_), Some(set)) = (self.scan.take(), &self.bound) {
            set.count(self.began);
        }
        self.ended = false;
    }
}

struct Methods(pg_sys::CustomExecMethods);
// SAFETY: never written.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(pg_sys::CustomExecMethods {
    CustomName: c"DynamoDB".as_ptr(),
    BeginCustomScan: Some(begin),
    ExecCustomScan: Some(execute),
    EndCustomScan: Some(end),
    ReScanCustomScan: Some(rescan),
    MarkPosCustomScan: None,
    RestrPosCustomScan: None,
    EstimateDSMCustomScan: None,
    InitializeDSMCustomScan: None,
    ReInitializeDSMCustomScan: None,
    InitializeWorkerCustomScan: None,
    ShutdownCustomScan: None,
    ExplainCustomScan: Some(explain::explain),
});

/// # Safety
/// Called by the executor with a plan of ours.
pub unsafe extern "C-unwind" fn create(_plan: *mut pg_sys::CustomScan) -> *mut pg_sys::Node {
    // SAFETY: zeroed memory of the right size is a node that is not begun.
    unsafe {
        guarded(|| {
            let state = pg_sys::palloc0(size_of::<ItemScan>()).cast::<ItemScan>();
            (*state).node.ss.ps.type_ = pg_sys::NodeTag::T_CustomScanState;
            (*state).node.methods = &raw const METHODS.0;
            state.cast()
        })
    }
}

/// # Safety
/// Called by the executor with a node that `create` made.
unsafe extern "C-unwind" fn begin(
    node: *mut pg_sys::CustomScanState,
    state: *mut pg_sys::EState,
    _flags: i32,
) {
    // SAFETY: by the caller. The memory of the query outlives the node.
    unsafe {
        guarded(|| {
            let scan = node.cast::<ItemScan>();
            let custom = (*node).ss.ps.plan.cast::<pg_sys::CustomScan>();
            let private = Private::from_list((*custom).custom_private);
            let role = pg_sys::GetUserId();
            function::check_execute(private.function, role);
            (*scan).arguments = pg_sys::ExecInitExprList((*custom).custom_exprs, node.cast());
            let running = Running {
                function: plan::function_of((*custom).methods),
                private,
                role,
                scratch: memory::child_of((*state).es_query_cxt, c"dynamo items"),
                bound: None,
                scan: None,
                began: Instant::now(),
                ended: false,
                rows: 0,
                direct: None,
            };
            (*scan).running = Box::into_raw(Box::new(running));
            let callback = pg_sys::MemoryContextAllocZero(
                (*state).es_query_cxt,
                size_of::<pg_sys::MemoryContextCallback>(),
            )
            .cast::<pg_sys::MemoryContextCallback>();
            (*callback).func = Some(forget);
            (*callback).arg = (*scan).running.cast();
            pg_sys::MemoryContextRegisterResetCallback((*state).es_query_cxt, callback);
        });
    }
}

/// The query's memory goes. A cursor that is still there was not ended: its transaction was aborted.
///
/// # Safety
/// `running` was made by `begin`; called once.
unsafe extern "C-unwind" fn forget(running: *mut c_void) {
    // SAFETY: by the caller.
    unsafe {
        guarded(|| {
            let mut running = Box::from_raw(running.cast::<Running>());
            if let Some(scan) = running.scan.take() {
                scan.abandon();
            }
        });
    }
}

/// # Safety
/// Called by the executor with a node that was begun.
unsafe extern "C-unwind" fn execute(
    node: *mut pg_sys::CustomScanState,
) -> *mut pg_sys::TupleTableSlot {
    // Without pgrx's guard: quals and targets are other people's code, whose errors pass untouched.
    unsafe extern "C-unwind" {
        fn ExecScan(
            node: *mut pg_sys::ScanState,
            access: pg_sys::ExecScanAccessMtd,
            recheck: pg_sys::ExecScanRecheckMtd,
        ) -> *mut pg_sys::TupleTableSlot;
    }
    // SAFETY: forwarded; nothing here has a destructor.
    unsafe { ExecScan(&raw mut (*node).ss, Some(next), Some(recheck)) }
}

/// # Safety
/// Called by `ExecScan` with our node.
unsafe extern "C-unwind" fn next(node: *mut pg_sys::ScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: our node begins with Postgres's.
    unsafe {
        guarded(|| {
            let slot = (*node).ss_ScanTupleSlot;
            fill(node.cast(), slot);
            slot
        })
    }
}

/// Puts the next row into the slot, or empties it; whether there is one.
///
/// # Safety
/// `scan` was begun, and `slot` is its scan slot.
unsafe fn fill(scan: *mut ItemScan, slot: *mut pg_sys::TupleTableSlot) -> bool {
    // SAFETY: by the caller.
    unsafe {
        // Neither this nor storing a virtual tuple raises anything.
        bare::clear(slot);
        let item = next_item(scan);
        if let Some(item) = item {
            store(&*scan, slot, item);
        }
        item.is_some()
    }
}

/// The next item that the filter lets through, as it is to be shown.
///
/// # Safety
/// `scan` was begun.
unsafe fn next_item(scan: *mut ItemScan) -> Option<pg_sys::Datum> {
    // SAFETY: by the caller; the executor is in one node at a time.
    unsafe {
        open(scan);
        let running = &mut *(*scan).running;
        if running.ended {
            return None;
        }
        let (Some(set), Some(cursor)) = (&running.bound, &mut running.scan) else {
            return None;
        };
        while let Some(datum) = cursor.next() {
            if set.shows_everything() {
                return Some(datum.datum());
            }
            let shown = memory::within(running.scratch, || set.show(&Stored::new(datum)));
            memory::reset(running.scratch);
            match shown.or_raise() {
                Shown::Not => {}
                Shown::Whole => return Some(datum.datum()),
                Shown::Part(item) => return Some(of_this_row(scan, &item)),
            }
        }
        running.ended = true;
        None
    }
}

/// A datum that lives until the next row is asked for.
///
/// # Safety
/// `scan` was begun.
unsafe fn of_this_row(scan: *mut ItemScan, item: &ItemBuf) -> pg_sys::Datum {
    // SAFETY: the expression context is the node's.
    unsafe {
        let context = (*scan).node.ss.ps.ps_ExprContext;
        memory::within((*context).ecxt_per_tuple_memory, || {
            crate::storage::spi::varlena(item.as_item().bytes())
        })
    }
}

/// Puts an item, and where asked for the row as a record, into the slot.
///
/// # Safety
/// `slot` is the empty scan slot of `scan`.
unsafe fn store(scan: &ItemScan, slot: *mut pg_sys::TupleTableSlot, item: pg_sys::Datum) {
    // SAFETY: the slot has as many columns as the plan's row (`plan::row`).
    unsafe {
        let whole_row = (*scan.running).private.whole_row;
        *(*slot).tts_values = item;
        *(*slot).tts_isnull = false;
        if whole_row {
            let context = scan.node.ss.ps.ps_ExprContext;
            *(*slot).tts_values.add(1) =
                memory::within((*context).ecxt_per_tuple_memory, || record(item));
            *(*slot).tts_isnull.add(1) = false;
        }
        bare::ExecStoreVirtualTuple(slot);
    }
}

/// The row as a record of one column.
///
/// # Safety
/// `item` is an item.
unsafe fn record(item: pg_sys::Datum) -> pg_sys::Datum {
    // SAFETY: one column, one value.
    unsafe {
        let descriptor = pg_sys::BlessTupleDesc(function::descriptor());
        let (mut value, mut is_null) = (item, false);
        let tuple = pg_sys::heap_form_tuple(descriptor, &mut value, &mut is_null);
        pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
    }
}

/// Opens the cursor, unless it is open: evaluates the arguments, binds them, begins to read.
///
/// # Safety
/// `scan` was begun.
unsafe fn open(scan: *mut ItemScan) {
    // SAFETY: by the caller.
    unsafe {
        if (*(*scan).running).scan.is_some() {
            return;
        }
        bind_arguments(scan);
        let running = &mut *(*scan).running;
        let Some(set) = &running.bound else { return };
        check_promise(&running.private, set);
        let query = (*(*scan).node.ss.ps.state).es_query_cxt;
        let reversed = running.private.reversed;
        let cursor = memory::within(query, || {
            catalog::as_role(running.role, || set.open(reversed))
        });
        running.direct = Some(cursor.is_direct());
        running.scan = Some(cursor);
        running.began = Instant::now();
    }
}

/// Binds the arguments, unless they are bound.
///
/// # Safety
/// `scan` was begun, and what its arguments refer to is known.
unsafe fn bind_arguments(scan: *mut ItemScan) {
    // SAFETY: by the caller; the arguments are of the types the function declares.
    unsafe {
        let running = &mut *(*scan).running;
        if running.bound.is_some() {
            return;
        }
        let context = (*scan).node.ss.ps.ps_ExprContext;
        let bound = memory::within(running.scratch, || {
            let arguments = elements::<pg_sys::ExprState>((*scan).arguments);
            let values: Vec<_> = arguments
                .iter()
                .map(|expression| evaluate(*expression, context))
                .collect();
            catalog::as_role(running.role, || bind(running.function, &values))
        });
        let bound = bound.or_raise();
        pg_sys::MemoryContextReset(running.scratch);
        running.bound = Some(bound);
    }
}

/// # Safety
/// An expression of the node whose context this is.
unsafe fn evaluate(
    expression: *mut pg_sys::ExprState,
    context: *mut pg_sys::ExprContext,
) -> pg_sys::NullableDatum {
    // SAFETY: by the caller; an expression that was initialised has its function.
    unsafe {
        let mut isnull = false;
        let Some(function) = (*expression).evalfunc else {
            pgrx::error!("an argument was not initialised");
        };
        let value = catching(|| function(expression, context, &mut isnull));
        pg_sys::NullableDatum { value, isnull }
    }
}

/// A table may have been replaced between planning and now; then the order that the plan relies on may be
/// another.
fn check_promise(private: &Private, set: &ItemSet) {
    let Some((relation, fingerprint)) = &private.promised else {
        return;
    };
    let order = KeyOrder::of(&set.table.definition, set.read.index());
    let same = order.is_some_and(|order| order.fingerprint() == *fingerprint);
    if set.table.relid != *relation || !same {
        pgrx::ereport!(
            ERROR,
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!(
                "table {} was replaced after this statement was planned",
                set.table.definition.name
            )
        );
    }
}

/// The row that EvalPlanQual kept of this node, which reads no relation and so is not found by its number; where
/// none is kept, the next row.
///
/// # Safety
/// Called by `ExecScan` with our node while EvalPlanQual is active.
unsafe extern "C-unwind" fn recheck(
    node: *mut pg_sys::ScanState,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: by the caller; the arrays have an entry for each entry of the range table.
    unsafe {
        guarded(|| {
            let state = (*node).ps.state;
            let epq = (*state).es_epq_active;
            let custom = (*node).ps.plan.cast::<pg_sys::CustomScan>();
            let index = pg_sys::bms_next_member((*custom).custom_relids, -1);
            let (Ok(position), false) = (usize::try_from(index - 1), epq.is_null()) else {
                return false;
            };
            let done = (*epq).relsubs_done.add(position);
            let mark = *(*epq).relsubs_rowmark.add(position);
            if *done {
                return false;
            }
            if mark.is_null() {
                // In a subquery, which is executed anew for the row's newest version, as any scan there is.
                return fill(node.cast(), slot);
            }
            *done = true;
            #[allow(
                clippy::unnecessary_cast,
                reason = "unsigned in all versions, but typed apart"
            )]
            pg_sys::EvalPlanQualFetchRowMark(epq, index as pg_sys::Index, slot)
        })
    }
}

/// # Safety
/// Called by the executor with a node that was begun.
unsafe extern "C-unwind" fn end(node: *mut pg_sys::CustomScanState) {
    // SAFETY: by the caller.
    unsafe {
        guarded(|| {
            let scan = node.cast::<ItemScan>();
            if let Some(running) = (*scan).running.as_mut() {
                running.close();
                running.bound = None;
            }
        });
    }
}

/// # Safety
/// Called by the executor with a node that was begun.
unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::CustomScanState) {
    // SAFETY: by the caller.
    unsafe {
        guarded(|| {
            let running = &mut *(*node.cast::<ItemScan>()).running;
            running.close();
            if !(*node).ss.ps.chgParam.is_null() {
                running.bound = None;
            }
            pg_sys::ExecScanReScan(&raw mut (*node).ss);
        });
    }
}

/// What EXPLAIN describes. The arguments are bound, if they can be without running other nodes.
///
/// # Safety
/// `node` was begun.
pub unsafe fn described<'a>(node: *mut pg_sys::CustomScanState) -> &'a Running {
    // SAFETY: by the caller; the plan knows the parameters that other nodes set.
    unsafe {
        let scan = node.cast::<ItemScan>();
        if !waits_for_values(node) {
            bind_arguments(scan);
        }
        &*(*scan).running
    }
}

/// Whether the arguments refer to parameters that have no value: those that other nodes set while they run, and
/// those of a statement that is only explained.
///
/// # Safety
/// `node` was begun.
unsafe fn waits_for_values(node: *mut pg_sys::CustomScanState) -> bool {
    // SAFETY: by the caller; the text is that of a list of expressions.
    unsafe {
        let plan = (*node).ss.ps.plan;
        if !(*plan).allParam.is_null() {
            return true;
        }
        if !(*(*node).ss.ps.state).es_param_list_info.is_null() {
            return false;
        }
        let arguments = (*plan.cast::<pg_sys::CustomScan>()).custom_exprs;
        let text = CStr::from_ptr(pg_sys::nodeToString(arguments.cast()));
        let external = format!(":paramkind {} ", pg_sys::ParamKind::PARAM_EXTERN);
        text.to_string_lossy().contains(&external)
    }
}
