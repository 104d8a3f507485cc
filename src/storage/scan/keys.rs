//! A range of keys as Postgres's scan keys.

use crate::storage::spi;
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

/// The scan keys of `range`, with their arguments, allocated in the current memory context.
///
/// btree changes them in place and keeps pointers to them, so they must live as long as the scan.
pub fn scan_keys(range: &KeyRange) -> Vec<pg_sys::ScanKeyData> {
    let first = range.equal.len() + 1;
    let equal = range.equal.iter().zip(1..).map(|(part, column)| {
        let column = column_number(column);
        column_key(column, Comparison::Equal, part)
    });
    let lower = range.lower.as_ref().map(|bound| {
        let comparison = if bound.inclusive {
            Comparison::GreaterEqual
        } else {
            Comparison::Greater
        };
        bound_key(first, comparison, bound)
    });
    let upper = range.upper.as_ref().map(|bound| {
        let comparison = if bound.inclusive {
            Comparison::LessEqual
        } else {
            Comparison::Less
        };
        bound_key(first, comparison, bound)
    });
    equal.chain(lower).chain(upper).collect()
}

/// Keys have five columns at most.
fn column_number(column: usize) -> i16 {
    i16::try_from(column).unwrap_or(i16::MAX)
}

fn column_key(column: i16, comparison: Comparison, part: &KeyPart) -> pg_sys::ScanKeyData {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: fills `key` for a function of two arguments of the part's type.
    unsafe {
        pg_sys::ScanKeyInit(
            &mut key,
            column,
            comparison.strategy(),
            comparison.function(part),
            datum(part),
        );
    }
    key
}

/// One column is compared alone; several are a row comparison: a header that points to its members, which
/// compare by the operator class's support function (`ExecIndexBuildScanKeys` makes the same).
fn bound_key(first: usize, comparison: Comparison, bound: &Bound) -> pg_sys::ScanKeyData {
    if let [part] = bound.parts.as_slice() {
        return column_key(column_number(first), comparison, part);
    }
    let count = bound.parts.len();
    // SAFETY: room for `count` entries, each initialised below, that lives as long as the header points there.
    let members = unsafe {
        pg_sys::palloc0(count * size_of::<pg_sys::ScanKeyData>()).cast::<pg_sys::ScanKeyData>()
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
            pg_sys::ScanKeyEntryInitialize(
                members.add(index),
                (pg_sys::SK_ROW_MEMBER | last) as i32,
                column_number(first + index),
                comparison.strategy(),
                pg_sys::InvalidOid,
                pg_sys::InvalidOid,
                pg_sys::Oid::from(compare),
                datum(part),
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
