//! Locks on keys, whether or not a row is there, taken in one order by everybody.
//!
//! A batch locks many rows, in several statements. Two batches that hold the same keys, and meet them in different
//! orders, would wait for one another; so each first takes the locks of all its keys, in the order of the
//! locks' own numbers, across tables. They are advisory locks of a class that no SQL function uses. They
//! are given back when the batch is done: from then on it holds row locks and waits for nothing, and a
//! transaction of many batches does not fill the server's table of locks.

use super::pg_error::{catching, raw};
use pg_dynamo_core::key::{StoredKey, stable_hash};
use pgrx::pg_sys;

/// Fourth field of the tags. (SQL's advisory locks have 1 and 2, Citus's some more.)
const CLASS: u16 = 0x4459;
const EXCLUSIVE: i32 = pg_sys::ExclusiveLock as i32;

/// The number of a key's lock. Two keys of one number only wait for one another without need.
pub fn number(relid: pg_sys::Oid, key: &StoredKey) -> u64 {
    let StoredKey { pk_hash, pk, sk } = key;
    let mut bytes = Vec::with_capacity(8 + pk.len() + sk.len());
    bytes.extend_from_slice(&pk_hash.to_le_bytes());
    bytes.extend_from_slice(pk);
    bytes.extend_from_slice(sk);
    stable_hash(&bytes, relid.to_u32().into())
}

/// Runs `body` while this session holds all of the locks. An ERROR gives them back with the (sub)transaction.
pub fn holding<R>(mut numbers: Vec<u64>, body: impl FnOnce() -> R) -> R {
    numbers.sort_unstable();
    numbers.dedup();
    for number in &numbers {
        let tag = tag(*number);
        // SAFETY: waits, and may end in an ERROR, which is caught; the tag lives through the call.
        unsafe { catching(|| raw::LockAcquire(&tag, EXCLUSIVE, false, false)) };
    }
    let result = body();
    for number in &numbers {
        // SAFETY: taken above by this transaction.
        unsafe { pg_sys::LockRelease(&tag(*number), EXCLUSIVE, false) };
    }
    result
}

fn tag(number: u64) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        // SAFETY: set before a session's first statement.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (number >> 32) as u32,
        locktag_field3: number as u32,
        locktag_field4: CLASS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}
