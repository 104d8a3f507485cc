//! A range of keys as Postgres's scan keys.

use crate::storage::{bare, spi};
use pg_dynamo_core::range::{Bound, KeyPart, KeyRange};
use pgrx::pg_sys;

/// A part as a datum allocated in the current memory context.
pub fn datum(part: &KeyPart) -> pg_sys::Datum {
    match part {
        KeyPart::Hash(hash) => pg_sys::Datum::from(*hash),
        KeyPart::Bytes(bytes) => spi::varlena(bytes),
    }
}

#[derive(Clone, Copy)]
enum Comparison {
    Less,
    LessEqual,
    Equal,
    GreaterEqual,
    Greater,
}

impl Comparison {
    fn strategy(self) -> u16 {
        let number = match self {
            Comparison::Less => pg_sys::BTLessStrategyNumber,
            Comparison::LessEqual => pg_sys::BTLessEqualStrategyNumber,
            Comparison::Equal => pg_sys::BTEqualStrategyNumber,
            Comparison::GreaterEqual => pg_sys::BTGreaterEqualStrategyNumber,
            Comparison::Greater => pg_sys::BTGreaterStrategyNumber,
        };
        number as u16
    }

    /// The function behind the operator of a single column.
    fn function(self, part: &KeyPart) -> pg_sys::Oid {
        use pg_sys::{
            F_BYTEAEQ, F_BYTEAGE, F_BYTEAGT, F_BYTEALE, F_BYTEALT, F_INT8EQ, F_INT8GE, F_INT8GT,
            F_INT8LE, F_INT8LT,
        };
        let (hash, bytes) = match self {
            Comparison::Less => (F_INT8LT, F_BYTEALT),
            Comparison::LessEqual => (F_INT8LE, F_BYTEALE),
            Comparison::Equal => (F_INT8EQ, F_BYTEAEQ),
            Comparison::GreaterEqual => (F_INT8GE, F_BYTEAGE),
            Comparison::Greater => (F_INT8GT, F_BYTEAGT),
        };
        pg_sys::Oid::from(match part {
            KeyPart::Hash(_) => hash,
            KeyPart::Bytes(_) => bytes,
        })
    }
}

/// The scan keys of a range: equalities on the first columns, a lower and an upper bound on the next.
pub struct ScanKeys {
    keys: [pg_sys::ScanKeyData; ScanKeys::MOST],
    count: usize,
}

impl ScanKeys {
    /// Five columns at most, and two bounds.
    const MOST: usize = 7;

    /// Arguments are allocated in the current memory context: btree changes the keys in place and keeps pointers to
    /// the arguments, so those must live as long as the scan.
    ///
    /// # Safety
    /// Inside `catching`.
    pub unsafe fn of(range: &KeyRange) -> ScanKeys {
        let mut keys = ScanKeys {
            keys: [pg_sys::ScanKeyData::default(); Self::MOST],
            count: 0,
        };
        let first = range.equal.len() + 1;
        // SAFETY: by the caller.
        unsafe {
            for (part, column) in range.equal.iter().zip(1..) {
                keys.push(column_key(column_number(column), Comparison::Equal, part));
            }
            if let Some(bound) = &range.lower {
                let comparison = match bound.inclusive {
                    true => Comparison::GreaterEqual,
                    false => Comparison::Greater,
                };
                keys.push(bound_key(first, comparison, bound));
            }
            if let Some(bound) = &range.upper {
                let comparison = match bound.inclusive {
                    true => Comparison::LessEqual,
                    false => Comparison::Less,
                };
                keys.push(bound_key(first, comparison, bound));
            }
        }
        keys
    }

    fn push(&mut self, key: pg_sys::ScanKeyData) {
        if let Some(place) = self.keys.get_mut(self.count) {
            *place = key;
            self.count += 1;
        }
    }

    pub fn as_mut_ptr(&mut self) -> pg_sys::ScanKey {
        self.keys.as_mut_ptr()
    }

    pub fn count(&self) -> i32 {
        self.count as i32
    }
}

/// A part as a datum allocated in the current memory context.
///
/// # Safety
/// Inside `catching`.
unsafe fn argument(part: &KeyPart) -> pg_sys::Datum {
    match part {
        KeyPart::Hash(hash) => pg_sys::Datum::from(*hash),
        // SAFETY: by the caller.
        KeyPart::Bytes(bytes) => unsafe { bare::varlena(bytes) },
    }
}

/// Keys have five columns at most.
fn column_number(column: usize) -> i16 {
    i16::try_from(column).unwrap_or(i16::MAX)
}

/// # Safety
/// Inside `catching`.
unsafe fn column_key(column: i16, comparison: Comparison, part: &KeyPart) -> pg_sys::ScanKeyData {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: fills `key` for a function of two arguments of the part's type.
    unsafe {
        bare::ScanKeyInit(
            &mut key,
            column,
            comparison.strategy(),
            comparison.function(part),
            argument(part),
        );
    }
    key
}

/// One column is compared alone; several are a row comparison: a header that points to its members, which
/// compare by the operator class's support function (`ExecIndexBuildScanKeys` makes the same).
///
/// # Safety
/// Inside `catching`.
unsafe fn bound_key(first: usize, comparison: Comparison, bound: &Bound) -> pg_sys::ScanKeyData {
    if let [part] = bound.parts.as_slice() {
        // SAFETY: by the caller.
        return unsafe { column_key(column_number(first), comparison, part) };
    }
    let count = bound.parts.len();
    // SAFETY: room for `count` entries, each initialised below, that lives as long as the header points there.
    let members = unsafe {
        bare::palloc0(count * size_of::<pg_sys::ScanKeyData>()).cast::<pg_sys::ScanKeyData>()
    };
    for (index, part) in bound.parts.iter().enumerate() {
        let last = if index + 1 == count {
            pg_sys::SK_ROW_END
        } else {
            0
        };
        let compare = match part {
            KeyPart::Hash(_) => pg_sys::F_BTINT8CMP,
            KeyPart::Bytes(_) => pg_sys::F_BYTEACMP,
        };
        // SAFETY: `index` is below `count`; the function compares two values of the part's type.
        unsafe {
            bare::ScanKeyEntryInitialize(
                members.add(index),
                (pg_sys::SK_ROW_MEMBER | last) as i32,
                column_number(first + index),
                comparison.strategy(),
                pg_sys::InvalidOid,
                pg_sys::InvalidOid,
                pg_sys::Oid::from(compare),
                argument(part),
            );
        }
    }
    pg_sys::ScanKeyData {
        sk_flags: pg_sys::SK_ROW_HEADER as i32,
        sk_attno: column_number(first),
        sk_strategy: comparison.strategy(),
        sk_argument: pg_sys::Datum::from(members),
        ..pg_sys::ScanKeyData::default()
    }
}
