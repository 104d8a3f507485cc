//! BatchExecuteStatement.

use super::write::{self, Bound};
use super::{Reply, Session, traffic};
use crate::storage::catalog::Table;
use crate::storage::detoast::Stored;
use crate::storage::{item, key_locks};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::partiql::{SelectPlan, StatementBatch};
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::request::{BatchExecuteStatementRequest, StatementRequest};
use pg_dynamo_core::throttle::Direction;
use pg_dynamo_core::{ApiError, Result};
use std::rc::Rc;

/// A statement bound to its table.
enum Member {
    Read(Rc<Table>, Box<SelectPlan>),
    Write(Bound),
}

impl Member {
    fn table(&self) -> &str {
        match self {
            Member::Read(table, _) => &table.definition.name,
            Member::Write(bound) => &bound.table.definition.name,
        }
    }

    /// The row it is about.
    fn place(&self) -> Option<(u32, &StoredKey)> {
        match self {
            Member::Read(table, plan) => {
                plan.one_item().map(|(_, key)| (table.relid.to_u32(), key))
            }
            Member::Write(bound) => Some(bound.place()),
        }
    }
}

/// Every statement in its own right: what is wrong with one is its own answer. Those that write run in the order of their
/// keys, like the writes of BatchWriteItem and under the same locks.
pub fn run(session: &Session, request: BatchExecuteStatementRequest) -> Result<Reply> {
    let mut answers = StatementBatch::new(request.statements.len(), request.capacity);
    let mut members = Vec::with_capacity(request.statements.len());
    for (number, statement) in request.statements.into_iter().enumerate() {
        match statement {
            Ok(statement) => match open(session, statement) {
                Ok(Ok(member)) => members.push((number, member)),
                Ok(Err(error)) => answers.refuse(number, None, error),
                Err((table, error)) => answers.refuse(number, Some(&table), error),
            },
            Err(error) => answers.refuse(number, None, error),
        }
    }
    members.sort_by(|(_, one), (_, other)| one.place().cmp(&other.place()));
    let twice = |pair: &[(usize, Member)]| pair[0].1.place() == pair[1].1.place();
    if members.windows(2).any(twice) {
        return Err(ApiError::validation(
            "Provided list of item keys contains duplicates",
        ));
    }
    let writes = members.iter().filter_map(|(_, member)| match member {
        Member::Write(bound) => Some(key_locks::number(bound.table.relid, bound.write.key())),
        Member::Read(..) => None,
    });
    let mut locks: Vec<u64> = writes.collect();
    if locks.len() < 2 {
        // Who waits for one row only is in nobody's way.
        locks.clear();
    }
    key_locks::holding(locks, || {
        members
            .iter()
            .try_for_each(|(number, member)| answer(session, &mut answers, *number, member))
    })?;
    let consumed = answers.consumed()?;
    let json = answers.reply()?;
    Ok(Reply { json, consumed })
}

/// Err: the table is not there or not to be used, with its name; what the statement itself is refused for is Ok.
#[allow(
    clippy::type_complexity,
    reason = "who is told of the table depends on where it fails"
)]
fn open(
    session: &Session,
    statement: StatementRequest,
) -> std::result::Result<Result<Member>, (String, ApiError)> {
    let name = statement.table().name.clone();
    let table = session
        .statement_table(&statement)
        .map_err(|error| (name, error))?;
    if !statement.is_read() {
        let write = statement.bind_write(&table.definition);
        return Ok(write.map(|write| {
            let write = Rc::new(write);
            Member::Write(Bound { table, write })
        }));
    }
    let options = crate::guc::read_options();
    let plan = statement.bind_one_item(&table.definition, options, "BatchExecuteStatement");
    if let Err(error) = session.check_select(&table, Operation::GetItem) {
        return Err((table.definition.name.clone(), error));
    }
    Ok(plan.map(|plan| Member::Read(table, Box::new(plan))))
}

/// Whether the throughput of its table lets a statement run.
fn admit(session: &Session, member: &Member) -> Result<()> {
    match member {
        Member::Read(table, plan) => {
            let key = plan.one_item().map(|(_, key)| key);
            traffic::admit(session, table, Direction::Read, key)
        }
        Member::Write(bound) => write::admit(session, &bound.table, &bound.write),
    }
}

fn answer(
    session: &Session,
    answers: &mut StatementBatch,
    number: usize,
    member: &Member,
) -> Result<()> {
    if let Err(error) = admit(session, member) {
        answers.fail(number, member.table(), error);
        return Ok(());
    }
    match member {
        Member::Read(table, plan) => {
            let Some((_, key)) = plan.one_item() else {
                return Err(ApiError::internal("a SELECT of more than one item"));
            };
            item::get(table, key, |found| {
                let found = found.map(Stored::new);
                let found = found.as_ref().map(|item| item as &dyn StoredItem);
                let units = answers.read(number, plan, found)?;
                traffic::charge_read(table, None, units);
                Ok(())
            })
        }
        Member::Write(bound) => match bound.store() {
            Ok(outcome) => answers.wrote(number, &bound.write, outcome),
            Err(error) => {
                answers.fail(number, member.table(), error);
                Ok(())
            }
        },
    }
}
