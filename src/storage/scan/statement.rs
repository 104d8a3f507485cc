//! A range read by a statement: where policies, rules, children or a distribution have a say, and for roles
//! that hold no SELECT on the whole table, so that Postgres says so.
//!
//! The plan runs in an executor of its own, one row at a time as it is asked for, like the query of a SQL
//! function. A portal would do the same, but a transaction that commits drops its portals in any order, and a
//! cursor WITH HOLD is read to its end at that moment.

use super::keys::datum;
use crate::storage::catalog::Table;
use crate::storage::detoast::ItemDatum;
use crate::storage::leftovers;
use crate::storage::pg_error::{catching, raw};
use crate::storage::planner::BY_INDEX;
use crate::storage::spi::{self, Plan};
use crate::storage::table::quoted;
use pg_dynamo_core::range::{Access, Bound, KeyPart, KeyRange};
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What a statement depends on besides its parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    access: Access,
    equal: usize,
    /// Number of columns, inclusive.
    lower: Option<(usize, bool)>,
    upper: Option<(usize, bool)>,
    forward: bool,
}

impl Shape {
    fn of(range: &KeyRange) -> Shape {
        let bound = |bound: &Bound| (bound.parts.len(), bound.inclusive);
        Shape {
            access: range.access,
            equal: range.equal.len(),
            lower: range.lower.as_ref().map(bound),
            upper: range.upper.as_ref().map(bound),
            forward: range.forward,
        }
    }

    /// The statement on the table `name` (quoted). `parameter` writes the nth parameter, from 1.
    fn sql(&self, name: &str, parameter: &dyn Fn(usize) -> String) -> String {
        let columns = self.access.columns();
        let mut next = 0;
        let mut parameters = |count: usize| {
            let given: Vec<_> = (1..=count).map(|n| parameter(next + n)).collect();
            next += count;
            given.join(", ")
        };
        let mut conditions = Vec::new();
        for column in &columns[..self.equal] {
            let value = parameters(1);
            conditions.push(format!("{column} OPERATOR(pg_catalog.=) {value}"));
        }
        for (bound, operator) in [(self.lower, '>'), (self.upper, '<')] {
            let Some((count, inclusive)) = bound else {
                continue;
            };
            let compared = columns[self.equal..self.equal + count].join(", ");
            let equal = if inclusive { "=" } else { "" };
            let values = parameters(count);
            conditions.push(format!(
                "ROW({compared}) OPERATOR(pg_catalog.{operator}{equal}) ROW({values})"
            ));
        }
        // The index is partial; no comparison of parameters proves its predicate when there is none.
        match self.access {
            Access::Primary => {}
            Access::Local { .. } => conditions.push(format!("{} IS NOT NULL", columns[2])),
            Access::Global { .. } => conditions.push(format!("{} IS NOT NULL", columns[0])),
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let direction = if self.forward { "" } else { " DESC" };
        let order: Vec<_> = columns
            .iter()
            .map(|column| format!("{column}{direction}"))
            .collect();
        format!(
            "SELECT item::dynamo.item FROM {name}{filter} ORDER BY {}",
            order.join(", ")
        )
    }
}

/// The values of a range in the order of the statement's parameters.
fn parts(range: &KeyRange) -> impl Iterator<Item = &KeyPart> {
    let bounds = range.lower.iter().chain(&range.upper);
    range
        .equal
        .iter()
        .chain(bounds.flat_map(|bound| &bound.parts))
}

fn type_of(part: &KeyPart) -> pg_sys::Oid {
    match part {
        KeyPart::Hash(_) => pg_sys::INT8OID,
        KeyPart::Bytes(_) => pg_sys::BYTEAOID,
    }
}

/// The prepared statements of one table.
#[derive(Default)]
pub struct RangePlans(RefCell<HashMap<Shape, Rc<Plan>>>);

impl RangePlans {
    /// Many more than an application's statements on one table.
    const MOST: usize = 64;

    fn get(&self, table: &Table, range: &KeyRange) -> Rc<Plan> {
        let shape = Shape::of(range);
        if let Some(plan) = self.0.borrow().get(&shape) {
            return Rc::clone(plan);
        }
        let sql = shape.sql(&quoted(&table.definition.name), &|number| {
            format!("${number}")
        });
        let types: Vec<_> = parts(range).map(type_of).collect();
        let plan = Rc::new(spi::connected(|| Plan::prepare_by_index(&sql, &types)));
        let forgotten = {
            let mut plans = self.0.borrow_mut();
            let full = plans.len() >= RangePlans::MOST;
            let forgotten = full.then(|| std::mem::take(&mut *plans));
            plans.insert(shape, Rc::clone(&plan));
            forgotten
        };
        drop(forgotten);
        plan
    }
}

/// What EXPLAIN says about the statement, its values in place; a line each.
pub fn explain(table: &Table, range: &KeyRange) -> Vec<String> {
    let values: Vec<_> = parts(range).map(literal).collect();
    let sql = Shape::of(range).sql(&quoted(&table.definition.name), &|number| {
        values.get(number - 1).cloned().unwrap_or_default()
    });
    spi::connected(|| {
        spi::run(&format!("{BY_INDEX}EXPLAIN (COSTS OFF) {sql}"));
        (0..).map_while(|row| spi::text_value(row, 1)).collect()
    })
}

fn literal(part: &KeyPart) -> String {
    match part {
        KeyPart::Hash(hash) => format!("'{hash}'::pg_catalog.int8"),
        KeyPart::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("'\\x{hex}'::pg_catalog.bytea")
        }
    }
}

/// Where the executor puts a row: no copy, for the row stays where it is until the next one is asked for.
#[repr(C)]
struct Receiver {
    interface: pg_sys::DestReceiver,
    row: Option<pg_sys::Datum>,
}

unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: the receiver is ours. Deforming a stored tuple raises nothing.
    unsafe {
        let mut is_null = false;
        let datum = pg_sys::slot_getattr(slot, 1, &mut is_null);
        (*receiver.cast::<Receiver>()).row = (!is_null).then_some(datum);
    }
    true
}

unsafe extern "C-unwind" fn start(_: *mut pg_sys::DestReceiver, _: i32, _: pg_sys::TupleDesc) {}

unsafe extern "C-unwind" fn stop(_: *mut pg_sys::DestReceiver) {}

/// A running statement. Not closed by a destructor, see `Direct`.
pub struct Statement {
    // The plan's source must outlive its plan.
    _source: Rc<Plan>,
    plan: *mut pg_sys::CachedPlan,
    owner: pg_sys::ResourceOwner,
    query: *mut pg_sys::QueryDesc,
    receiver: *mut Receiver,
}

impl Statement {
    /// Starts the statement as the active snapshot sees the table; raises Postgres's permission error.
    ///
    /// Everything is allocated in the current memory context, which must live as long as the statement.
    pub fn open(table: &Table, range: &KeyRange) -> Statement {
        let source = table.plans.ranges.get(table, range);
        leftovers::statement_runs();
        // SAFETY: the plan is kept, with one source; the cached plan is released by `close` or, when an ERROR
        // unwinds, by the resource owner.
        unsafe {
            let sources = pg_sys::SPI_plan_get_plan_sources(source.pointer());
            let cached = (*(*sources).elements)
                .ptr_value
                .cast::<pg_sys::CachedPlanSource>();
            let owner = pg_sys::CurrentResourceOwner;
            let plan = catching(|| {
                raw::GetCachedPlan(cached, std::ptr::null_mut(), owner, std::ptr::null_mut())
            });
            let statement = (*(*(*plan).stmt_list).elements)
                .ptr_value
                .cast::<pg_sys::PlannedStmt>();
            let receiver = receiver();
            let query = pg_sys::CreateQueryDesc(
                statement,
                (*cached).query_string,
                pg_sys::GetActiveSnapshot(),
                std::ptr::null_mut(),
                receiver.cast(),
                parameters(range),
                std::ptr::null_mut(),
                0,
            );
            catching(|| raw::ExecutorStart(query, pg_sys::EXEC_FLAG_SKIP_TRIGGERS as i32));
            Statement {
                _source: source,
                plan,
                owner,
                query,
                receiver,
            }
        }
    }

    /// The next item, valid until the following call.
    pub fn next(&mut self) -> Option<ItemDatum> {
        // SAFETY: the query is running; its snapshot is registered by it.
        unsafe {
            (*self.receiver).row = None;
            pg_sys::PushActiveSnapshot((*self.query).snapshot);
            let query = self.query;
            catching(|| raw::run_one(query));
            pg_sys::PopActiveSnapshot();
            (*self.receiver).row.map(|datum| ItemDatum::new(datum))
        }
    }

    pub fn close(self) {
        // SAFETY: started by `open`, closed once.
        unsafe {
            let query = self.query;
            catching(|| raw::ExecutorFinish(query));
            catching(|| raw::ExecutorEnd(query));
            pg_sys::FreeQueryDesc(query);
            pg_sys::ReleaseCachedPlan(self.plan, self.owner);
        }
    }
}

fn receiver() -> *mut Receiver {
    let interface = pg_sys::DestReceiver {
        receiveSlot: Some(receive),
        rStartup: Some(start),
        rShutdown: Some(stop),
        rDestroy: Some(stop),
        mydest: pg_sys::CommandDest::DestNone,
    };
    // SAFETY: fresh memory of the right size, written before it is used.
    unsafe {
        let receiver = pg_sys::palloc(size_of::<Receiver>()).cast::<Receiver>();
        receiver.write(Receiver {
            interface,
            row: None,
        });
        receiver
    }
}

fn parameters(range: &KeyRange) -> pg_sys::ParamListInfo {
    let values: Vec<_> = parts(range)
        .map(|part| (datum(part), type_of(part)))
        .collect();
    // SAFETY: the list has room for as many parameters as it is made for.
    unsafe {
        let list = pg_sys::makeParamList(values.len() as i32);
        if list.is_null() {
            return list;
        }
        let entries = (*list).params.as_mut_ptr();
        for (index, (value, ptype)) in values.into_iter().enumerate() {
            entries.add(index).write(pg_sys::ParamExternData {
                value,
                isnull: false,
                pflags: pg_sys::PARAM_FLAG_CONST as u16,
                ptype,
            });
        }
        list
    }
}
