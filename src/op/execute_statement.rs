//! ExecuteStatement, and `dynamo.partiql`.

use super::write::{self, Bound};
use super::{Reply, Session, traffic};
use crate::storage::catalog::Table;
use crate::storage::detoast::Stored;
use crate::storage::item;
use crate::storage::scan::Scan;
use pg_dynamo_core::Result;
use pg_dynamo_core::capacity::Consumed;
use pg_dynamo_core::partiql::{Branch, SelectPlan, StatementPage};
use pg_dynamo_core::request::{ExecuteStatementRequest, StatementRequest};
use pg_dynamo_core::throttle::Direction;
use pg_dynamo_core::value::ItemBuf;
use std::ops::ControlFlow;
use std::rc::Rc;

pub fn run(session: &Session, request: ExecuteStatementRequest) -> Result<Reply> {
    let ExecuteStatementRequest {
        statement,
        limit,
        token,
    } = request;
    if !statement.is_read() {
        return bind_write(session, statement)?.statement_reply();
    }
    let (table, plan) = bind_select(session, statement, limit, token)?;
    select(session, &table, &plan)
}

/// Opens the table of a SELECT and takes the statement apart.
fn bind_select(
    session: &Session,
    statement: StatementRequest,
    limit: Option<u64>,
    token: Option<String>,
) -> Result<(Rc<Table>, SelectPlan)> {
    let table = session.statement_table(&statement)?;
    let options = crate::guc::read_options();
    let plan = statement.bind_select(&table.definition, options, limit, token)?;
    session.check_select(&table, plan.operation())?;
    Ok((table, plan))
}

/// Opens the table of an INSERT, UPDATE or DELETE and learns its key.
pub fn bind_write(session: &Session, statement: StatementRequest) -> Result<Bound> {
    let table = session.statement_table(&statement)?;
    let write = Rc::new(statement.bind_write(&table.definition)?);
    write::admit(session, &table, &write)?;
    Ok(Bound { table, write })
}

fn select(session: &Session, table: &Rc<Table>, plan: &SelectPlan) -> Result<Reply> {
    let mut page = StatementPage::new(plan, String::new());
    for (_, branch) in plan.ranges() {
        let before = page.consumed();
        admit(session, table, branch)?;
        each(table, branch, &mut |item| page.offer(item))?;
        let flow = page.end_range()?;
        let index = branch.read.global_index();
        traffic::charge_read(table, index, page.consumed() - before);
        if flow.is_break() {
            break;
        }
    }
    let consumed = Consumed::of_read(page.consumed());
    let json = page.finish()?;
    Ok(Reply { json, consumed })
}

/// Whether the throughput of the table lets a range be read.
fn admit(session: &Session, table: &Table, branch: &Branch) -> Result<()> {
    match &branch.key {
        Some(key) => traffic::admit(session, table, Direction::Read, [key]),
        None => traffic::admit_page(session, table, &branch.read),
    }
}

/// Hands out the items of a range until `take` breaks. One item is looked up as GetItem does.
pub fn each(
    table: &Rc<Table>,
    branch: &Branch,
    take: &mut dyn FnMut(&Stored) -> Result<ControlFlow<()>>,
) -> Result<()> {
    match &branch.key {
        Some(key) => item::get(table, key, |found| match found {
            Some(datum) => take(&Stored::new(datum)).map(drop),
            None => Ok(()),
        }),
        None => Scan::open(table, branch.read.range()).each(take),
    }
}

/// Runs a statement and hands its rows to `emit`: neither the size of a page nor a limit ends them. Answers what a write
/// consumed; what a read of rows costs is not known.
pub fn rows(
    session: &Session,
    statement: StatementRequest,
    emit: &mut dyn FnMut(&ItemBuf),
) -> Result<Consumed> {
    if !statement.is_read() {
        let (item, consumed) = bind_write(session, statement)?.returned()?;
        item.iter().for_each(emit);
        return Ok(consumed);
    }
    let (table, plan) = bind_select(session, statement, None, None)?;
    for (number, branch) in plan.ranges() {
        each(&table, branch, &mut |item| {
            plan.row(number, item)?.iter().for_each(&mut *emit);
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(Consumed::default())
}
