//! TransactWriteItems: all actions or none.
//!
//! 1. The locks of all keys, in the order of their numbers: two transactions that have keys in common, whether or not
//!    there are items, go one after the other, and never wait for one another in a circle.
//! 2. Every item is read, in one snapshot, and every action applied to it. When one is refused the transaction is
//!    cancelled, and nothing was written.
//! 3. The rows are written, in the order of tables and keys, as single writes are. A condition is asked for once more,
//!    on the row that is then held; when somebody's single write came in between and it no longer holds, all is undone
//!    and begins again.
//!
//! All this is one subtransaction of the caller's. After the third step a row is held by Postgres's own lock, so its
//! key's is given back; where there was no row it is kept to the end of the transaction.

use super::write::{self, Bound, MAX_ATTEMPTS};
use super::{Reply, Session, traffic};
use crate::guc;
use crate::storage::catalog::Table;
use crate::storage::item::{self, RowLock};
use crate::storage::key_locks::{self, Held};
use crate::storage::snapshot;
use crate::storage::subtransaction::{self, End};
use crate::storage::transaction_token::{self, Known};
use crate::storage::{batch, role, throughput};
use pg_dynamo_core::apply::{Effect, Outcome, WriteKind};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::request::TransactWriteItemsRequest;
use pg_dynamo_core::transaction::TransactWrite;
use pg_dynamo_core::value::ItemBuf;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::{Duration, Instant};

pub fn run(session: &Session, request: TransactWriteItemsRequest) -> Result<Reply> {
    let (tables, transaction) = bind(session, request)?;
    subtransaction::demand_writable(c"TransactWriteItems");
    let call = Call::new(&tables, &transaction);
    for _ in 0..MAX_ATTEMPTS {
        let ended = subtransaction::run(
            || match call.attempt() {
                Ok(reply) => End::Keep(reply),
                Err(stopped) => End::Undo(stopped),
            },
            |sqlstate| call.conflict(sqlstate).map(Stopped::Refused),
        );
        match ended {
            Ok(reply) => return Ok(reply),
            Err(Stopped::Refused(error)) => return Err(error),
            Err(Stopped::Overtaken) => {}
        }
    }
    // Single writes to its items never cease, or the last one is there for readers only.
    call.demand_shown();
    Err(call.at_item(call.waiting.get()))
}

fn bind(
    session: &Session,
    request: TransactWriteItemsRequest,
) -> Result<(Vec<Rc<Table>>, TransactWrite)> {
    let targets = request.targets();
    let opened = targets
        .iter()
        .map(|target| session.table_to_transact(&target.table.name, &target.kinds));
    let tables = opened.collect::<Result<Vec<_>>>()?;
    drop(targets);
    let definitions: Vec<_> = tables.iter().map(|t| Rc::clone(&t.definition)).collect();
    let transaction = request.bind(&definitions)?;
    transaction.admit(|table, write| write::admit(session, &tables[table], write))?;
    Ok((tables, transaction))
}

/// Why an attempt is undone.
enum Stopped {
    /// What is answered.
    Refused(ApiError),
    /// A single write came in between: again.
    Overtaken,
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Stopped {
        Stopped::Refused(error)
    }
}

/// What is being waited for, when anything is.
#[derive(Clone, Copy)]
enum Waiting {
    Token,
    /// The item of the action at this place.
    Item(usize),
}

struct Call<'a> {
    tables: &'a [Rc<Table>],
    transaction: &'a TransactWrite,
    /// The actions, each with its table.
    bound: Vec<Bound>,
    /// Places of the actions in the order of tables and keys.
    order: Vec<usize>,
    deadline: Deadline,
    waiting: Cell<Waiting>,
    /// Attempts that ended at an item which is there for readers only.
    hidden: Cell<usize>,
}

impl<'a> Call<'a> {
    fn new(tables: &'a [Rc<Table>], transaction: &'a TransactWrite) -> Call<'a> {
        let bound: Vec<Bound> = transaction
            .actions()
            .iter()
            .map(|(table, write)| Bound {
                table: Rc::clone(&tables[*table]),
                write: Rc::clone(write),
            })
            .collect();
        let mut order: Vec<usize> = (0..bound.len()).collect();
        order.sort_by(|one, other| bound[*one].place().cmp(&bound[*other].place()));
        Call {
            tables,
            transaction,
            bound,
            order,
            deadline: Deadline::new(guc::transact_wait()),
            waiting: Cell::new(Waiting::Item(0)),
            hidden: Cell::new(0),
        }
    }

    fn attempt(&self) -> std::result::Result<Reply, Stopped> {
        self.deadline.begin();
        let mut json = String::new();
        if let Some(token) = self.transaction.token() {
            self.waiting.set(Waiting::Token);
            transaction_token::hold(token);
            if let Known::Done(sizes) = transaction_token::find(token)? {
                let consumed = self.transaction.reply_again(&sizes, &mut json)?;
                return Ok(Reply { json, consumed });
            }
        }
        let locks = self.lock_keys();
        let items = snapshot::latest(|| self.read())?;
        if let Err(error) = self.transaction.judge(&items) {
            self.charge_refused(&items);
            return Err(error.into());
        }
        self.demand_missing(&items)?;
        let outcomes = self.store(&items)?;
        self.give_back(&locks, &outcomes);
        let consumed = self.transaction.reply(&outcomes, &mut json)?;
        self.charge(&outcomes)?;
        if let Some(token) = self.transaction.token() {
            transaction_token::record(token, &self.transaction.sizes(&outcomes));
        }
        Ok(Reply { json, consumed })
    }

    /// What was done is paid for by each table and its global indexes.
    fn charge(&self, outcomes: &[Outcome]) -> Result<()> {
        if throughput::enforced() {
            let units = self.transaction.units(outcomes)?;
            for (table, units) in self.tables.iter().zip(&units) {
                traffic::charge_writes(table, units);
            }
        }
        Ok(())
    }

    fn charge_refused(&self, items: &[Option<ItemBuf>]) {
        if throughput::enforced() {
            let units = self.transaction.attempted(items);
            for (table, units) in self.tables.iter().zip(units) {
                traffic::charge_refused(table, units);
            }
        }
    }

    /// Takes the locks of all keys. Answers them with the places of their actions, in the order of their numbers.
    fn lock_keys(&self) -> Vec<(Held, usize)> {
        let lock = |place: usize| {
            let Bound { table, write } = &self.bound[place];
            let number = key_locks::number(table.relid, write.key());
            match write.kind() {
                WriteKind::Check => (Held::shared(number), place),
                _ => (Held::exclusive(number), place),
            }
        };
        let mut locks: Vec<_> = (0..self.bound.len()).map(lock).collect();
        // Of one number, the stronger first.
        locks.sort_by_key(|(lock, _)| (lock.number(), !lock.is_exclusive()));
        for (lock, place) in &locks {
            self.wait_for(*place);
            key_locks::take(lock);
        }
        locks
    }

    /// The item of each action, in their order, as the active snapshot sees it.
    fn read(&self) -> Result<Vec<Option<ItemBuf>>> {
        let mut items = vec![None; self.bound.len()];
        let of_table = |one: &usize, other: &usize| {
            self.bound[*one].table.relid == self.bound[*other].table.relid
        };
        for places in self.order.chunk_by(of_table) {
            let keys: Vec<StoredKey> = places
                .iter()
                .map(|place| self.bound[*place].write.key().clone())
                .collect();
            let table = &self.bound[places[0]].table;
            let mut read = Ok(());
            batch::get(table, &keys, &mut |at, item| {
                let whole = item.map(|item| item.whole()).transpose();
                match whole {
                    Ok(item) => {
                        items[places[at]] =
                            item.map(|item| ItemBuf::from_bytes(item.bytes().to_vec()));
                        ControlFlow::Continue(())
                    }
                    Err(error) => {
                        read = Err(error);
                        ControlFlow::Break(())
                    }
                }
            });
            read?;
        }
        Ok(items)
    }

    /// Where all is judged as of one moment (REPEATABLE READ), a transaction that is done since then may have created an
    /// item that is judged missing. There is no old row of it that would tell, so it is asked for: the same ERROR.
    fn demand_missing(&self, items: &[Option<ItemBuf>]) -> Result<()> {
        if !snapshot::is_fixed() || items.iter().all(Option::is_some) {
            return Ok(());
        }
        let now = snapshot::of_now(|| self.read())?;
        let created = |(then, now): (&Option<_>, &Option<_>)| then.is_none() && now.is_some();
        if items.iter().zip(&now).any(created) {
            snapshot::refuse_old();
        }
        Ok(())
    }

    /// Does every action, in the order of tables and keys. Answers the outcomes in the order of the request. `items`: as
    /// they were judged.
    fn store(&self, items: &[Option<ItemBuf>]) -> std::result::Result<Vec<Outcome>, Stopped> {
        let mut outcomes: Vec<Option<Outcome>> = self.bound.iter().map(|_| None).collect();
        for place in &self.order {
            self.wait_for(*place);
            let bound = &self.bound[*place];
            let stored = store(bound);
            let unseen = match &stored {
                Ok(outcome) => outcome.old.is_none() && writes_nothing_new(bound.write.kind()),
                Err(Stopped::Overtaken) => true,
                Err(Stopped::Refused(_)) => false,
            };
            if unseen && items[*place].is_some() && is_as_judged(bound)? {
                self.hidden.set(self.hidden.get() + 1);
                return Err(Stopped::Overtaken);
            }
            outcomes[*place] = Some(stored?);
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// An item that readers see in every attempt, and writers in none, is no race: a row-level security policy hides it
    /// from the latter. Raises the ERROR of a write that never comes about.
    fn demand_shown(&self) {
        if let Waiting::Item(place) = self.waiting.get()
            && self.hidden.get() == MAX_ATTEMPTS
        {
            item::suppressed(&self.bound[place].table);
        }
    }

    /// Gives back the locks of keys whose rows are held.
    fn give_back(&self, locks: &[(Held, usize)], outcomes: &[Outcome]) {
        for same in locks.chunk_by(|(one, _), (other, _)| one.number() == other.number()) {
            let held = |(_, place): &(Held, usize)| {
                outcomes
                    .get(*place)
                    .is_some_and(|outcome| outcome.old.is_some())
            };
            if same.iter().all(held) {
                same.iter().for_each(|(lock, _)| key_locks::give_back(lock));
            }
        }
    }

    /// The lock that is asked for next is one on the item of this action.
    fn wait_for(&self, place: usize) {
        self.waiting.set(Waiting::Item(place));
        self.deadline.remind();
    }

    /// What an ERROR is answered with, when it is that a lock was waited for too long, or in a circle.
    fn conflict(&self, sqlstate: &str) -> Option<ApiError> {
        matches!(sqlstate, "55P03" | "40P01").then(|| self.at_item(self.waiting.get()))
    }

    fn at_item(&self, waiting: Waiting) -> ApiError {
        match waiting {
            Waiting::Item(place) => self.transaction.conflict(place),
            Waiting::Token => ApiError::transaction_in_progress(
                "The transaction with the given request token is already in progress",
            ),
        }
    }
}

/// Does one action, and holds its row, if there is one.
fn store(bound: &Bound) -> std::result::Result<Outcome, Stopped> {
    for _ in 0..MAX_ATTEMPTS {
        let outcome = match bound.attempt() {
            Ok(outcome) => outcome,
            // It was not, a moment ago.
            Err(error) if is_refusal(&error) => return Err(Stopped::Overtaken),
            Err(error) => return Err(error.into()),
        };
        let unchanged = outcome.old.is_some() && outcome.old == outcome.new;
        if !unchanged || bound.write.kind() == WriteKind::Check || holds(bound)? {
            return Ok(outcome);
        }
    }
    item::suppressed(&bound.table)
}

/// Of an item that is there, it leaves the same or nothing.
fn writes_nothing_new(kind: WriteKind) -> bool {
    matches!(kind, WriteKind::Check | WriteKind::Delete)
}

/// Whether the item is there, as a reader sees it, and the action still does what it was judged to do.
fn is_as_judged(Bound { table, write }: &Bound) -> Result<bool> {
    snapshot::latest(|| {
        item::get(table, write.key(), |item| {
            let Some(item) = item else { return Ok(false) };
            let effect = write.apply(Some(item.whole()?));
            Ok(effect.is_ok_and(|effect| !matches!(effect, Effect::Refused(_))))
        })
    })
}

fn is_refusal(error: &ApiError) -> bool {
    matches!(
        error.kind,
        ErrorKind::ConditionalCheckFailed | ErrorKind::Validation | ErrorKind::DuplicateItem
    )
}

/// Holds a row that a write has left alone; whether it still would.
fn holds(Bound { table, write }: &Bound) -> Result<bool> {
    let item = item::lock(table, write.key(), RowLock::Update)?;
    let Some(item) = item else { return Ok(false) };
    let effect = write.apply(Some(item.as_item()));
    Ok(matches!(effect, Ok(Effect::Unchanged)))
}

/// Until when others are waited for.
struct Deadline {
    wait: Duration,
    began: Instant,
    /// When Postgres was last told how long to wait.
    told: Cell<Instant>,
}

impl Deadline {
    fn new(wait: Duration) -> Deadline {
        let now = Instant::now();
        Deadline {
            wait,
            began: now,
            told: Cell::new(now),
        }
    }

    /// A subtransaction has begun.
    fn begin(&self) {
        let left = self.wait.saturating_sub(self.began.elapsed());
        role::limit_lock_waits(left);
        self.told.set(Instant::now());
    }

    /// A lock is about to be asked for: when time has gone by, there is less left.
    fn remind(&self) {
        const NOTICEABLE: Duration = Duration::from_millis(10);
        if self.told.get().elapsed() > NOTICEABLE {
            self.begin();
        }
    }
}
