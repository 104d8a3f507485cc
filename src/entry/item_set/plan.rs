//! Planning: our node in the place of the function.

use super::arguments::Function;
use super::execute;
use super::function;
use super::node::{Private, elements, list};
use super::order::{KeyOrder, promise};
use crate::entry::boundary::guarded;
use crate::storage::catalog::{self, Hold, Table};
use pg_dynamo_core::table::TableRef;
use pgrx::nodes::is_a;
use pgrx::{FromDatum, pg_sys};
use std::rc::Rc;
use std::sync::OnceLock;

/// Methods are tables of constant pointers.
struct Shared<T>(T);
// SAFETY: never written after they are made.
unsafe impl<T> Sync for Shared<T> {}

static NEXT: OnceLock<pg_sys::set_rel_pathlist_hook_type> = OnceLock::new();

static PATH: Shared<pg_sys::CustomPathMethods> = Shared(pg_sys::CustomPathMethods {
    CustomName: c"DynamoDB".as_ptr(),
    PlanCustomPath: Some(make_plan),
    ReparameterizeCustomPathByChild: None,
});
/// EXPLAIN shows the names, and a plan that is copied finds its methods by them.
static QUERY: Shared<pg_sys::CustomScanMethods> = Shared(pg_sys::CustomScanMethods {
    CustomName: c"DynamoDB Query".as_ptr(),
    CreateCustomScanState: Some(execute::create),
});
static SCAN: Shared<pg_sys::CustomScanMethods> = Shared(pg_sys::CustomScanMethods {
    CustomName: c"DynamoDB Scan".as_ptr(),
    CreateCustomScanState: Some(execute::create),
});

fn methods(function: Function) -> *const pg_sys::CustomScanMethods {
    match function {
        Function::Query => &raw const QUERY.0,
        Function::Scan => &raw const SCAN.0,
    }
}

/// Which function a plan stands for.
pub fn function_of(found: *const pg_sys::CustomScanMethods) -> Function {
    if std::ptr::eq(found, &raw const SCAN.0) {
        Function::Scan
    } else {
        Function::Query
    }
}

/// Called once, when the library is loaded.
pub fn register() {
    // SAFETY: static tables of methods; the hook found is called by ours.
    unsafe {
        pg_sys::RegisterCustomScanMethods(&raw const QUERY.0);
        pg_sys::RegisterCustomScanMethods(&raw const SCAN.0);
        if NEXT.set(pg_sys::set_rel_pathlist_hook).is_ok() {
            pg_sys::set_rel_pathlist_hook = Some(consider);
        }
    }
}

/// # Safety
/// Called by the planner for each base relation. No value here has a destructor, so an ERROR may jump across.
unsafe extern "C-unwind" fn consider(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    index: pg_sys::Index,
    entry: *mut pg_sys::RangeTblEntry,
) {
    // SAFETY: the arguments are the planner's.
    unsafe {
        if let Some(next) = NEXT.get().copied().flatten() {
            next(root, relation, index, entry);
        }
        if (*entry).rtekind == pg_sys::RTEKind::RTE_FUNCTION {
            guarded(|| replace_paths(root, relation, index, entry));
        }
    }
}

/// # Safety
/// As `consider`, for a function.
unsafe fn replace_paths(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    index: pg_sys::Index,
    entry: *mut pg_sys::RangeTblEntry,
) {
    // SAFETY: nodes of the planner.
    unsafe {
        let Some((function, call)) = our_call(entry) else {
            return;
        };
        let path = pg_sys::palloc0(size_of::<pg_sys::CustomPath>()).cast::<pg_sys::CustomPath>();
        (*path).path.type_ = pg_sys::NodeTag::T_CustomPath;
        (*path).path.pathtype = pg_sys::NodeTag::T_CustomScan;
        (*path).path.parent = relation;
        (*path).path.pathtarget = (*relation).reltarget;
        (*path).path.param_info =
            pg_sys::get_baserel_parampathinfo(root, relation, (*relation).lateral_relids);
        (*path).flags = pg_sys::CUSTOMPATH_SUPPORT_PROJECTION;
        (*path).methods = &raw const PATH.0;
        let private = order_path(root, path, index, function, call);
        (*path).custom_private = private.to_list();
        cost(path, relation);
        (*relation).pathlist = std::ptr::null_mut();
        pg_sys::add_path(relation, path.cast());
    }
}

/// The call of one of our functions, when it is all there is in this place.
///
/// # Safety
/// `entry` is a function in FROM.
unsafe fn our_call(entry: *mut pg_sys::RangeTblEntry) -> Option<(Function, *mut pg_sys::FuncExpr)> {
    // SAFETY: nodes are read as what their tags say.
    unsafe {
        let [only] = elements::<pg_sys::RangeTblFunction>((*entry).functions)[..] else {
            return None;
        };
        let call = (*only).funcexpr;
        if (*entry).funcordinality || !is_a(call, pg_sys::NodeTag::T_FuncExpr) {
            return None;
        }
        let call = call.cast::<pg_sys::FuncExpr>();
        let function = function::identify((*call).funcid)?;
        // The planner has put the defaults in and the arguments in order.
        let complete = elements::<pg_sys::Node>((*call).args).len() == function.arity();
        complete.then_some((function, call))
    }
}

/// A constant argument: Some(None) for NULL, None when it is not known before execution.
///
/// # Safety
/// `call` is a call of `function`, whose argument `member` is of a type that `T` reads.
unsafe fn constant<T: FromDatum>(
    function: Function,
    call: *mut pg_sys::FuncExpr,
    member: &str,
) -> Option<Option<T>> {
    // SAFETY: by the caller.
    unsafe {
        let argument = *elements::<pg_sys::Node>((*call).args).get(function.position(member)?)?;
        if !is_a(argument, pg_sys::NodeTag::T_Const) {
            return None;
        }
        let value = &*argument.cast::<pg_sys::Const>();
        Some(T::from_datum(value.constvalue, value.constisnull))
    }
}

/// Sets the path's order, and answers what the plan has to know.
///
/// # Safety
/// `path` is a path for `call`, a call of `function` in the place `index`.
unsafe fn order_path(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::CustomPath,
    index: pg_sys::Index,
    function: Function,
    call: *mut pg_sys::FuncExpr,
) -> Private {
    // SAFETY: by the caller.
    unsafe {
        let mut private = Private {
            function: (*call).funcid,
            reversed: false,
            whole_row: false,
            promised: None,
        };
        if function == Function::Scan || (*root).query_pathkeys.is_null() {
            return private;
        }
        let forward = constant::<bool>(function, call, "ScanIndexForward");
        let (Some(forward), Some((table, order))) = (forward, constant_order(function, call))
        else {
            return private;
        };
        let fingerprint = order.fingerprint();
        let mut order = order;
        if constant::<String>(function, call, "ProjectionExpression") != Some(None) {
            order.keep_first();
        }
        // From a start key on, the direction says which items there are.
        let reversible =
            constant::<pg_sys::Datum>(function, call, "ExclusiveStartKey") == Some(None);
        let ascending = forward.unwrap_or(true);
        let kept = promise(&order, (*root).query_pathkeys, index, ascending, reversible);
        if kept.count == 0 {
            return private;
        }
        (*path).path.pathkeys = pg_sys::list_truncate(
            pg_sys::list_copy((*root).query_pathkeys),
            i32::try_from(kept.count).unwrap_or(i32::MAX),
        );
        private.reversed = kept.reversed;
        private.promised = Some((table.relid, fingerprint));
        private
    }
}

/// The table and the order of a query whose table and index are known. A table that does not exist is not an
/// error yet.
///
/// # Safety
/// `call` is a call of `function`.
unsafe fn constant_order(
    function: Function,
    call: *mut pg_sys::FuncExpr,
) -> Option<(Rc<Table>, KeyOrder)> {
    // SAFETY: by the caller; both arguments are declared text.
    let (table, index) = unsafe {
        (
            constant::<String>(function, call, "TableName")??,
            constant::<String>(function, call, "IndexName")?,
        )
    };
    let account = crate::guc::account();
    let name = TableRef::parse(&table, &account).ok()?.name;
    let table = catalog::open(&name, Hold::Share).ok().flatten()?;
    let order = KeyOrder::of(&table.definition, index.as_deref())?;
    Some((table, order))
}

/// A descent of the btree, then one row after the other.
///
/// # Safety
/// `path` is a path of `relation`.
unsafe fn cost(path: *mut pg_sys::CustomPath, relation: *mut pg_sys::RelOptInfo) {
    // SAFETY: by the caller; settings of this backend's only thread.
    unsafe {
        let parameters = (*path).path.param_info;
        let rows = if parameters.is_null() {
            (*relation).rows
        } else {
            (*parameters).ppi_rows
        };
        let per_row = pg_sys::cpu_index_tuple_cost
            + pg_sys::cpu_tuple_cost
            + (*relation).baserestrictcost.per_tuple;
        let startup = pg_sys::random_page_cost + (*relation).baserestrictcost.startup;
        (*path).path.rows = rows;
        (*path).path.startup_cost = startup;
        (*path).path.total_cost = startup + (*relation).tuples.max(rows) * per_row;
    }
}

/// # Safety
/// Called by the planner for a path of ours.
unsafe extern "C-unwind" fn make_plan(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    path: *mut pg_sys::CustomPath,
    targets: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    _plans: *mut pg_sys::List,
) -> *mut pg_sys::Plan {
    // SAFETY: the arguments are the planner's.
    unsafe { guarded(|| plan(root, relation, path, targets, clauses)) }
}

/// # Safety
/// As `make_plan`.
unsafe fn plan(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    path: *mut pg_sys::CustomPath,
    targets: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
) -> *mut pg_sys::Plan {
    // SAFETY: nodes of the planner.
    unsafe {
        let index = (*relation).relid;
        let entry = *(*root).simple_rte_array.add(index as usize);
        let Some((function, call)) = our_call(entry) else {
            pgrx::error!("the call of a DynamoDB function changed while it was planned");
        };
        let mut private = Private::from_list((*path).custom_private);
        let qual = pg_sys::extract_actual_clauses(clauses, false);
        private.whole_row = mentions_row(targets, index) || mentions_row(qual, index);
        if let Some((relation, _)) = &private.promised {
            // A change of the table makes a kept plan anew.
            let global = (*root).glob;
            (*global).relationOids = pg_sys::lappend_oid((*global).relationOids, *relation);
        }
        let plan = pg_sys::palloc0(size_of::<pg_sys::CustomScan>()).cast::<pg_sys::CustomScan>();
        (*plan).scan.plan.type_ = pg_sys::NodeTag::T_CustomScan;
        (*plan).scan.plan.targetlist = targets;
        (*plan).scan.plan.qual = qual;
        // Not a relation: the rows are described by the list below.
        (*plan).scan.scanrelid = 0;
        (*plan).flags = (*path).flags;
        (*plan).custom_exprs = pg_sys::copyObjectImpl((*call).args.cast()).cast();
        (*plan).custom_private = private.to_list();
        (*plan).custom_scan_tlist = row(index, private.whole_row);
        (*plan).methods = methods(function);
        plan.cast()
    }
}

/// The columns of our rows: the item and, where asked for, the row as a record.
///
/// # Safety
/// Within the planner.
unsafe fn row(index: pg_sys::Index, whole: bool) -> *mut pg_sys::List {
    let item_type = pgrx::wrappers::regtypein("dynamo.item");
    let columns = [(1, item_type), (0, pg_sys::RECORDOID)];
    let count = if whole { 2 } else { 1 };
    list(
        columns
            .iter()
            .take(count)
            .zip(1..)
            .map(|((attribute, of_type), position)| {
                // SAFETY: fresh nodes.
                unsafe {
                    #[allow(
                        clippy::useless_conversion,
                        clippy::unnecessary_cast,
                        reason = "unsigned in 15"
                    )]
                    let var = pg_sys::makeVar(
                        index as _,
                        *attribute,
                        *of_type,
                        -1,
                        pg_sys::InvalidOid,
                        0,
                    );
                    pg_sys::makeTargetEntry(var.cast(), position, std::ptr::null_mut(), false)
                }
            }),
    )
}

/// Whether an expression in the list asks for the whole row of relation `index` as a record.
///
/// # Safety
/// A list of expressions or targets.
unsafe fn mentions_row(expressions: *mut pg_sys::List, index: pg_sys::Index) -> bool {
    const FLAGS: u32 = pg_sys::PVC_RECURSE_AGGREGATES
        | pg_sys::PVC_RECURSE_WINDOWFUNCS
        | pg_sys::PVC_RECURSE_PLACEHOLDERS;
    // SAFETY: a list of Vars comes back.
    unsafe {
        let vars = pg_sys::pull_var_clause(expressions.cast(), FLAGS as i32);
        elements::<pg_sys::Var>(vars).iter().any(|var| {
            #[allow(clippy::unnecessary_cast, reason = "signed in 15")]
            let same = (**var).varno as u32 == index;
            same && (**var).varattno == 0
        })
    }
}
