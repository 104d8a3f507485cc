//! Locks on keys, whether or not a row is there, taken in one order by everybody.
//!
//! A batch locks many rows, in several statements. Two batches that hold the same keys, and meet them in different
//! orders, would wait for one another; so each first takes the locks of all its keys, in the order of the
//! locks' own numbers, across tables. They are advisory locks of a class that no SQL function uses. They
//! are given back when the batch is done: from then on it holds row locks and waits for nothing, and a
//! transaction of many batches does not fill the server's table of locks.
//!
//! TransactWriteItems takes the same locks and keeps those of keys without a row to the end of the transaction: what it
//! has found missing stays so for other transactions.

use super::pg_error::{catching, raw};
use pg_dynamo_core::key::{StoredKey, stable_hash};
use pgrx::pg_sys;

/// Fourth field of the tags: locks on keys, and on tokens. (SQL's advisory locks have 1 and 2, Citus's some more.)
const KEYS: u16 = 0x4459;
const TOKENS: u16 = 0x445a;

/// A lock that is taken, or is to be.
#[derive(Clone, Copy)]
pub struct Held {
    class: u16,
    number: u64,
    mode: i32,
}

impl Held {
    /// Nobody else has to do with the key. `number`: of the key.
    pub fn exclusive(number: u64) -> Held {
        Held {
            class: KEYS,
            number,
            mode: pg_sys::ExclusiveLock as i32,
        }
    }

    /// Others may hold the key so, too.
    pub fn shared(number: u64) -> Held {
        Held {
            class: KEYS,
            number,
            mode: pg_sys::ShareLock as i32,
        }
    }

    /// Nobody else has to do with the ClientRequestToken. `number`: a hash of it.
    pub fn token(number: u64) -> Held {
        Held {
            class: TOKENS,
            number,
            mode: pg_sys::ExclusiveLock as i32,
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn is_exclusive(&self) -> bool {
        self.mode == pg_sys::ExclusiveLock as i32
    }

    fn tag(&self) -> pg_sys::LOCKTAG {
        pg_sys::LOCKTAG {
            // SAFETY: set before a session's first statement.
            locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
            locktag_field2: (self.number >> 32) as u32,
            locktag_field3: self.number as u32,
            locktag_field4: self.class,
            locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        }
    }
}

/// The number of a key's lock. Two keys of one number only wait for one another without need.
pub fn number(relid: pg_sys::Oid, key: &StoredKey) -> u64 {
    let StoredKey { pk_hash, pk, sk } = key;
    let mut bytes = Vec::with_capacity(8 + pk.len() + sk.len());
    bytes.extend_from_slice(&pk_hash.to_le_bytes());
    bytes.extend_from_slice(pk);
    bytes.extend_from_slice(sk);
    stable_hash(&bytes, relid.to_u32().into())
}

/// Takes a lock, to the end of the (sub)transaction. Waits, and may end in an ERROR.
pub fn take(lock: &Held) {
    let tag = lock.tag();
    // SAFETY: an ERROR is caught; the tag lives through the call.
    unsafe { catching(|| raw::LockAcquire(&tag, lock.mode, false, false)) };
}

/// Gives a lock back that this (sub)transaction has taken.
pub fn give_back(lock: &Held) {
    // SAFETY: taken before, by the caller's word.
    unsafe { pg_sys::LockRelease(&lock.tag(), lock.mode, false) };
}

/// Runs `body` while this session holds the locks of these numbers. An ERROR gives them back with the
/// (sub)transaction.
pub fn holding<R>(mut numbers: Vec<u64>, body: impl FnOnce() -> R) -> R {
    numbers.sort_unstable();
    numbers.dedup();
    let locks = || numbers.iter().map(|number| Held::exclusive(*number));
    locks().for_each(|lock| take(&lock));
    let result = body();
    locks().for_each(|lock| give_back(&lock));
    result
}
