//! The write that a running statement belongs to.
//!
//! PutItem, UpdateItem and DeleteItem are single statements whose condition and new item are computed
//! by two SQL functions, `dynamo_internal.decide` and `dynamo_internal.image`, on the row version that
//! Postgres is about to write. After a lost race Postgres evaluates them again on the newest version,
//! so the last decision is the one that counts. They find the request here. A batch is a statement of many
//! writes, which `dynamo_internal.decide_batch` finds by their keys.
//!
//! Requests form a stack because a user's trigger may itself call dynamo functions. Each is popped by
//! the destructor of its guard; pgrx unwinds Rust frames on every ERROR, so an aborted (sub)transaction
//! leaves nothing behind. Every request has a number of its own, passed to the functions as a
//! parameter: a nested statement can never be answered for by somebody else's request.

use pg_dynamo_core::apply::{Effect, Write};
use pg_dynamo_core::key::StoredKey;
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
    /// One, or those of a batch in the order of their keys.
    asked: Vec<Asked>,
}

struct Asked {
    write: Rc<Write>,
    answer: Answer,
}

/// The last decision of a write, and the row version it was made on.
pub struct Answer {
    pub decision: Decision,
    pub old: Option<ItemBuf>,
}

impl Answer {
    const NONE: Answer = Answer {
        decision: Decision::NotAsked,
        old: None,
    };
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
    /// `writes`: one, or those of a batch in the order of their keys.
    pub fn push(writes: &[Rc<Write>]) -> Guard {
        let id = NEXT_ID.get();
        NEXT_ID.set(id.wrapping_add(1));
        let asked = writes.iter().map(|write| Asked {
            write: Rc::clone(write),
            answer: Answer::NONE,
        });
        let pending = Pending {
            id,
            asked: asked.collect(),
        };
        STACK.with_borrow_mut(|stack| stack.push(pending));
        Guard { id }
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// The answers of all writes, in their order.
    pub fn take(self) -> Vec<Answer> {
        STACK.with_borrow_mut(|stack| {
            let pending = stack.iter_mut().find(|pending| pending.id == self.id);
            let asked = pending.map(|pending| std::mem::take(&mut pending.asked));
            asked
                .unwrap_or_default()
                .into_iter()
                .map(|asked| asked.answer)
                .collect()
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
    judge(id, |_| Some(0), old)
}

/// As `decide`, for the write of a batch that has this key. True also for a row that a trigger led the put of
/// another key to: what it gets is the trigger's to say.
pub fn decide_batch(id: i64, key: (i64, &[u8], &[u8]), old: Item<'_>) -> Result<bool> {
    let place = |asked: &[Asked]| {
        asked
            .binary_search_by(|asked| {
                let StoredKey { pk_hash, pk, sk } = asked.write.key();
                (*pk_hash, pk.as_slice(), sk.as_slice()).cmp(&key)
            })
            .ok()
    };
    judge(id, place, old)
}

fn judge(id: i64, place: impl Fn(&[Asked]) -> Option<usize>, old: Item<'_>) -> Result<bool> {
    // Nothing is borrowed while the write is applied.
    let Some((place, write)) = with_pending(id, |pending| {
        let place = place(&pending.asked)?;
        Some((place, Rc::clone(&pending.asked.get(place)?.write)))
    })?
    else {
        return Ok(true);
    };
    let decision = match write.apply(Some(old)) {
        Ok(Effect::Store(new)) => Decision::Store(new),
        Ok(Effect::Delete) => Decision::Delete,
        Ok(Effect::Unchanged) => Decision::Unchanged,
        Ok(Effect::Refused(error)) => Decision::Refused(error),
        Err(error) => Decision::Failed(error),
    };
    let go = matches!(decision, Decision::Store(_) | Decision::Delete);
    let old = Some(ItemBuf::from_bytes(old.bytes().to_vec()));
    with_pending(id, |pending| {
        if let Some(asked) = pending.asked.get_mut(place) {
            asked.answer = Answer { decision, old };
        }
    })?;
    Ok(go)
}

/// The new item that request `id` computed for the row version it was last shown.
pub fn image(id: i64) -> Result<Vec<u8>> {
    let image = with_pending(id, |pending| {
        match &pending.asked.first()?.answer.decision {
            Decision::Store(new) => Some(new.as_item().bytes().to_vec()),
            _ => None,
        }
    })?;
    image.ok_or_else(not_running)
}

/// Err: request `id` is not running.
fn with_pending<R>(id: i64, look: impl FnOnce(&mut Pending) -> R) -> Result<R> {
    STACK.with_borrow_mut(|stack| {
        let pending = stack.iter_mut().rev().find(|pending| pending.id == id);
        pending.map(look).ok_or_else(not_running)
    })
}

fn not_running() -> ApiError {
    ApiError::corrupt("no such dynamo request is running in this session")
}
