//! Which rows of which btree a Query or Scan reads: one contiguous range, in the order of the index.
//!
//! Storage turns a [`KeyRange`] into an index scan; nothing here knows what conditions it came from.

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

/// The least byte string that is greater than every one beginning with `prefix`; None when there is none.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}
