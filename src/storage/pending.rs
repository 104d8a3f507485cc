//! The write that a running statement belongs to.
//!
//! PutItem, UpdateItem and DeleteItem are single statements whose condition and new item are computed
//! by two SQL functions, `dynamo_internal.decide` and `dynamo_internal.image`, on the row version that
//! Postgres is about to write. After a lost race Postgres evaluates them again on the newest version,
//! so the last decision is the one that counts. They find the request here.
//!
//! Requests form a stack because a user's trigger may itself call dynamo functions. Each is popped by
//! the destructor of its guard; pgrx unwinds Rust frames on every ERROR, so an aborted (sub)transaction
//! leaves nothing behind. Every request has a number of its own, passed to the functions as a
//! parameter: a nested statement can never be answered for by somebody else's request.

use pg_dynamo_core::apply::{Effect, Write};
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What the write decided about the last row version it was shown.
pub enum Decision {
    /// The statement never met a row.
    NotAsked,
    Store(ItemBuf),
    Delete,
    Unchanged,
    Refused(ApiError),
    /// The row or the request could not be read.
    Failed(ApiError),
}

struct Pending {
    id: i64,
    write: Rc<Write>,
    decision: Decision,
    old: Option<ItemBuf>,
}

thread_local! {
    static STACK: RefCell<Vec<Pending>> = const { RefCell::new(Vec::new()) };
    static NEXT_ID: Cell<i64> = const { Cell::new(1) };
}

/// Pops its request when it goes out of scope, by return or by unwinding.
pub struct Guard {
    id: i64,
}

impl Guard {
    pub fn push(write: &Rc<Write>) -> Guard {
        let id = NEXT_ID.get();
        NEXT_ID.set(id.wrapping_add(1));
        let pending = Pending {
            id,
            write: Rc::clone(write),
            decision: Decision::NotAsked,
            old: None,
        };
        STACK.with_borrow_mut(|stack| stack.push(pending));
        Guard { id }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// The last decision, and the row version it was made on, when the reply shows any of it.
    pub fn take(self) -> (Decision, Option<ItemBuf>) {
        STACK.with_borrow_mut(|stack| {
            match stack.iter_mut().find(|pending| pending.id == self.id) {
                Some(pending) => (
                    std::mem::replace(&mut pending.decision, Decision::NotAsked),
                    pending.old.take(),
                ),
                None => (Decision::NotAsked, None),
            }
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        STACK.with_borrow_mut(|stack| {
            if let Some(position) = stack.iter().position(|pending| pending.id == self.id) {
                stack.truncate(position);
            }
        });
    }
}

/// Applies request `id` to a row version; true when the row is to be written.
pub fn decide(id: i64, old: Item<'_>) -> Result<bool> {
    let write = STACK
        .with_borrow(|stack| {
            stack
                .iter()
                .rev()
                .find(|pending| pending.id == id)
                .map(|p| Rc::clone(&p.write))
        })
        .ok_or_else(not_running)?;
    let decision = match write.apply(Some(old)) {
        Ok(Effect::Store(new)) => Decision::Store(new),
        Ok(Effect::Delete) => Decision::Delete,
        Ok(Effect::Unchanged) => Decision::Unchanged,
        Ok(Effect::Refused(error)) => Decision::Refused(error),
        Err(error) => Decision::Failed(error),
    };
    let go = matches!(decision, Decision::Store(_) | Decision::Delete);
    let kept = write.wants_old() || write.wants_new();
    let old = kept.then(|| ItemBuf::from_bytes(old.bytes().to_vec()));
    STACK.with_borrow_mut(|stack| {
        if let Some(pending) = stack.iter_mut().rev().find(|pending| pending.id == id) {
            pending.decision = decision;
            pending.old = old;
        }
    });
    Ok(go)
}

/// The new item that request `id` computed for the row version it was last shown.
pub fn image(id: i64) -> Result<Vec<u8>> {
    STACK
        .with_borrow(|stack| {
            stack
                .iter()
                .rev()
                .find(|pending| pending.id == id)
                .and_then(|pending| match &pending.decision {
                    Decision::Store(new) => Some(new.as_item().bytes().to_vec()),
                    _ => None,
                })
        })
        .ok_or_else(not_running)
}

fn not_running() -> ApiError {
    ApiError::corrupt("no such dynamo request is running in this session")
}
