//! Which rows of which btree a Query or Scan reads: one contiguous range, in the order of the index.
//!
//! Storage turns a [`KeyRange`] into an index scan; nothing here knows what conditions it came from.

use crate::Result;
use crate::index::{IndexSchema, SortBound, SortRange, partition_bytes};
use crate::key::StoredKey;
use crate::table::{IndexRef, KeySchema};
use crate::value::{Av, Item};

/// The btree that is read, and so its key columns, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// (pk_hash, pk, sk): the primary key.
    Primary,
    /// (pk_hash, pk, index_N_sk, sk)
    Local { columns: u32 },
    /// (index_N_pk, index_N_sk, pk_hash, pk, sk)
    Global { columns: u32 },
}

impl Access {
    pub fn of_index(index: Option<IndexRef<'_>>) -> Access {
        match index {
            None => Access::Primary,
            Some(index) => {
                let columns = index.columns();
                match index.is_global() {
                    true => Access::Global { columns },
                    false => Access::Local { columns },
                }
            }
        }
    }

    /// How many key columns the btree has.
    pub fn width(self) -> usize {
        match self {
            Access::Primary => 3,
            Access::Local { .. } => 4,
            Access::Global { .. } => 5,
        }
    }

    /// The key columns, in order.
    pub fn columns(self) -> Vec<String> {
        let named = |name: &str| name.to_owned();
        match self {
            Access::Primary => ["pk_hash", "pk", "sk"].map(named).to_vec(),
            Access::Local { columns } => vec![
                named("pk_hash"),
                named("pk"),
                format!("index_{columns}_sk"),
                named("sk"),
            ],
            Access::Global { columns } => vec![
                format!("index_{columns}_pk"),
                format!("index_{columns}_sk"),
                named("pk_hash"),
                named("pk"),
                named("sk"),
            ],
        }
    }
}

/// A value of one key column: `Hash` for pk_hash (int8), `Bytes` for every other (bytea).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    Hash(i64),
    Bytes(Vec<u8>),
}

/// A row comparison on consecutive key columns, the first of them right after [`KeyRange::equal`]:
/// `(c1, …, cn) >= parts` (`>` when exclusive) as lower bound, `<=` (`<`) as upper bound.
/// It may have fewer parts than there are columns left, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub parts: Vec<KeyPart>,
    pub inclusive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    pub access: Access,
    /// Values of the first key columns.
    pub equal: Vec<KeyPart>,
    pub lower: Option<Bound>,
    pub upper: Option<Bound>,
    /// In index order; backward otherwise.
    pub forward: bool,
    /// Nothing can match: read nothing.
    pub empty: bool,
}

impl KeyRange {
    /// Everything in the btree, forward.
    pub fn all(access: Access) -> KeyRange {
        KeyRange {
            access,
            equal: Vec::new(),
            lower: None,
            upper: None,
            forward: true,
            empty: false,
        }
    }

    /// One partition: `partition` holds the values of all HASH attributes, of their types, and `sort` the range of
    /// the sort column.
    pub fn of_partition(access: Access, partition: &[Av<'_>], sort: SortRange) -> KeyRange {
        let mut range = KeyRange::all(access);
        range.equal = match (access, partition) {
            (Access::Global { .. }, parts) => vec![KeyPart::Bytes(partition_bytes(parts))],
            (_, parts) => {
                let key = parts.first().map_or(&[][..], |part| part.payload());
                let key = StoredKey::from_key_bytes(key, &[]);
                vec![KeyPart::Hash(key.pk_hash), KeyPart::Bytes(key.pk)]
            }
        };
        match (sort.lower, sort.upper) {
            (Some(lower), Some(upper))
                if lower.bytes == upper.bytes && lower.inclusive && upper.inclusive =>
            {
                range.equal.push(KeyPart::Bytes(lower.bytes));
            }
            (lower, upper) => {
                let bound = |end: SortBound| Bound {
                    parts: vec![KeyPart::Bytes(end.bytes)],
                    inclusive: end.inclusive,
                };
                range.lower = lower.map(bound);
                range.upper = upper.map(bound);
            }
        }
        range
    }

    /// Segment `segment` of `total` equal parts of the hashes, in their order.
    pub fn of_segment(access: Access, segment: u64, total: u64) -> KeyRange {
        let mut range = KeyRange::all(access);
        // Where a segment starts among the unsigned hashes; None: behind the last.
        let start = |segment: u64| -> Option<u64> {
            let hashes = 1u128 << 64;
            u64::try_from((u128::from(segment) * hashes).div_ceil(u128::from(total.max(1)))).ok()
        };
        let bound = |hash: u64, inclusive: bool| Bound {
            parts: vec![match access {
                Access::Global { .. } => KeyPart::Bytes(hash.to_be_bytes().to_vec()),
                // The stored hash has its sign bit flipped.
                _ => KeyPart::Hash((hash ^ (1 << 63)) as i64),
            }],
            inclusive,
        };
        if segment > 0 {
            range.lower = start(segment).map(|hash| bound(hash, true));
        }
        range.upper = start(segment + 1).map(|hash| bound(hash, false));
        range
    }

    /// Whether at most one row can lie in the range.
    pub fn is_one_row(&self) -> bool {
        self.equal.len() == self.access.width()
    }

    /// Whether a row with these key columns (all of them) lies in the range.
    pub fn contains(&self, key: &[KeyPart]) -> bool {
        let Some((head, rest)) = key.split_at_checked(self.equal.len()) else {
            return false;
        };
        let compared = |bound: &Bound| rest[..bound.parts.len().min(rest.len())].cmp(&bound.parts);
        let above = self.lower.as_ref().is_none_or(|bound| {
            let order = compared(bound);
            order.is_gt() || (bound.inclusive && order.is_eq())
        });
        let below = self.upper.as_ref().is_none_or(|bound| {
            let order = compared(bound);
            order.is_lt() || (bound.inclusive && order.is_eq())
        });
        !self.empty && head == self.equal && above && below
    }

    /// The part of this range that comes after the row with these key columns (all of them), in the
    /// direction of reading. The row must lie in the range; it need not exist.
    pub fn after(mut self, key: &[KeyPart]) -> KeyRange {
        let rest = key.get(self.equal.len()..).unwrap_or_default();
        if rest.is_empty() {
            // Every column is fixed: the row itself was the whole range.
            self.empty = true;
            return self;
        }
        let bound = Some(Bound {
            parts: rest.to_vec(),
            inclusive: false,
        });
        if self.forward {
            self.lower = bound;
        } else {
            self.upper = bound;
        }
        self
    }
}

/// The key columns of an item's row in a btree; `index`: what its index columns are derived from.
/// None when the item has no valid key there.
pub fn key_of_item(
    item: Item<'_>,
    schema: &KeySchema,
    index: Option<&IndexSchema>,
) -> Result<Option<Vec<KeyPart>>> {
    let Some(key) = StoredKey::of_item(item, schema)? else {
        return Ok(None);
    };
    let (hash, pk, sk) = (KeyPart::Hash(key.pk_hash), KeyPart::Bytes(key.pk), key.sk);
    let sk = KeyPart::Bytes(sk);
    let Some(index) = index else {
        return Ok(Some(vec![hash, pk, sk]));
    };
    Ok(index.key_of(item)?.map(|own| {
        let index_sk = KeyPart::Bytes(own.sk);
        match own.pk {
            None => vec![hash, pk, index_sk, sk],
            Some(index_pk) => vec![KeyPart::Bytes(index_pk), index_sk, hash, pk, sk],
        }
    }))
}
