//! The stored columns of secondary indexes, compared with memcmp.
//!
//! - `index_N_pk` (global indexes only): 8 bytes, big-endian, of the hash of the partition bytes, then what `pk`
//!   of a table has: `00` and the bytes, or `01` and their SHA-256 when they are over 255. The hash is
//!   [`crate::key::partition_hash`] before its sign is flipped, so byte order is scan order. The partition bytes
//!   are the key bytes of the one HASH attribute, or, of several, for each a big-endian 16 bit length and its
//!   key bytes.
//! - `index_N_sk`: the key bytes of the one RANGE attribute. Of several, every one but the last is escaped
//!   (`00` becomes `00 ff`) and ends in `00 01`, the last stands as it is. So byte order is the order of the
//!   values from left to right, and equality on the first attributes with a range on the next is a byte range.
use crate::Result;
use crate::key::{StoredKey, item_part, matches_partition, partition_hash};
use crate::limits::{MAX_COMPOSITE_SORT_KEY, MAX_INDEX_KEY_PARTS, MAX_PARTITION_KEY, MAX_SORT_KEY};
use crate::table::KeyAttribute;
use crate::value::{Av, Item};
use serde::{Deserialize, Serialize};

pub(crate) mod values;

const ESCAPED_ZERO: [u8; 2] = [0x00, 0xff];
const END_OF_PART: [u8; 2] = [0x00, 0x01];

/// What derives the columns of one index from an item. Its JSON is an argument of the table's trigger:
/// `{"columns":1,"partition":[["Avatar","S"]],"sort":[["Score","N"]]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexSchema {
    /// N of the columns' names.
    pub columns: u32,
    /// HASH attributes; empty for a local index, whose partition is the table's.
    #[serde(default, with = "pairs", skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<KeyAttribute>,
    /// RANGE attributes.
    #[serde(default, with = "pairs", skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<KeyAttribute>,
}

/// The columns of an item that is in an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexKey {
    /// `index_N_pk`; None for a local index.
    pub pk: Option<Vec<u8>>,
    /// `index_N_sk`; empty without a RANGE attribute.
    pub sk: Vec<u8>,
}

/// Key bytes of some attributes, without an allocation.
#[derive(Default)]
struct Parts<'a> {
    bytes: [&'a [u8]; MAX_INDEX_KEY_PARTS],
    count: usize,
}

impl<'a> Parts<'a> {
    /// None when an attribute is missing, wrongly typed, empty, longer than `longest`, or one too many.
    fn of(item: Item<'a>, attributes: &[KeyAttribute], longest: usize) -> Result<Option<Self>> {
        let mut parts = Parts::default();
        for attribute in attributes {
            let found = item_part(item, attribute, longest)?;
            let (Some(bytes), Some(slot)) = (found, parts.bytes.get_mut(parts.count)) else {
                return Ok(None);
            };
            *slot = bytes;
            parts.count += 1;
        }
        Ok(Some(parts))
    }

    fn as_slice(&self) -> &[&'a [u8]] {
        &self.bytes[..self.count]
    }
}

impl IndexSchema {
    /// A local index shares the table's partition.
    pub fn is_local(&self) -> bool {
        self.partition.is_empty()
    }

    /// The attributes the columns are derived from, HASH first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
    }

    /// The columns of `item`. None when it is not in the index: a key attribute is missing, wrongly typed, empty
    /// or too long. Err: corrupt stored bytes.
    pub fn key_of(&self, item: Item<'_>) -> Result<Option<IndexKey>> {
        let Some((partition, sort)) = self.parts(item)? else {
            return Ok(None);
        };
        Ok(Some(IndexKey {
            pk: (!self.is_local()).then(|| partition_column(partition.as_slice())),
            sk: sort_column(sort.as_slice()),
        }))
    }

    /// Whether `pk` and `sk` (None: NULL) are the columns of `item`. Allocates only for keys of several
    /// attributes, and hashes with SHA-256 only when the partition key is long.
    pub fn matches(&self, item: Item<'_>, pk: Option<&[u8]>, sk: Option<&[u8]>) -> Result<bool> {
        let (partition, sort) = match (self.parts(item)?, sk) {
            (Some(parts), Some(sk)) => (parts.0, same_sort(parts.1.as_slice(), sk)),
            (None, None) => return Ok(pk.is_none()),
            _ => return Ok(false),
        };
        Ok(sort
            && match (self.is_local(), pk) {
                (true, pk) => pk.is_none(),
                (false, Some(pk)) => same_partition(partition.as_slice(), pk),
                (false, None) => false,
            })
    }

    fn parts<'a>(&self, item: Item<'a>) -> Result<Option<(Parts<'a>, Parts<'a>)>> {
        let Some(partition) = Parts::of(item, &self.partition, MAX_PARTITION_KEY)? else {
            return Ok(None);
        };
        let sort = Parts::of(item, &self.sort, MAX_SORT_KEY)?;
        let fits = |s: &Parts<'_>| sort_length(s.as_slice()) <= MAX_COMPOSITE_SORT_KEY;
        Ok(sort.filter(fits).map(|sort| (partition, sort)))
    }
}

/// `index_N_pk` of the values of all HASH attributes, which are of their types.
pub fn partition_bytes(parts: &[Av<'_>]) -> Vec<u8> {
    let bytes: Vec<&[u8]> = parts.iter().map(|part| part.payload()).collect();
    partition_column(&bytes)
}

fn partition_column(parts: &[&[u8]]) -> Vec<u8> {
    match parts {
        [one] => tagged(one),
        several => tagged(&joined(several)),
    }
}

fn tagged(partition: &[u8]) -> Vec<u8> {
    let key = StoredKey::from_key_bytes(partition, &[]);
    let mut column = hash_prefix(partition).to_vec();
    column.extend_from_slice(&key.pk);
    column
}

/// The first 8 bytes of `index_N_pk`.
fn hash_prefix(partition: &[u8]) -> [u8; 8] {
    (partition_hash(partition) ^ i64::MIN).to_be_bytes()
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 2 + part.len()).sum());
    for part in parts {
        // Parts are at most 2,048 bytes; a longer one in a query matches nothing stored.
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn same_partition(parts: &[&[u8]], column: &[u8]) -> bool {
    let same = |partition: &[u8]| match column.split_first_chunk::<8>() {
        Some((hash, pk)) => matches_partition(pk, partition) && *hash == hash_prefix(partition),
        None => false,
    };
    match parts {
        [one] => same(one),
        several => same(&joined(several)),
    }
}

fn sort_column(parts: &[&[u8]]) -> Vec<u8> {
    let mut column = Vec::with_capacity(sort_length(parts));
    if let Some((last, others)) = parts.split_last() {
        others
            .iter()
            .for_each(|part| write_ended(&mut column, part));
        column.extend_from_slice(last);
    }
    column
}

fn same_sort(parts: &[&[u8]], column: &[u8]) -> bool {
    match parts {
        [] => column.is_empty(),
        [one] => *one == column,
        several => sort_length(several) == column.len() && sort_column(several) == column,
    }
}

/// Bytes of `index_N_sk`.
fn sort_length(parts: &[&[u8]]) -> usize {
    let Some((last, others)) = parts.split_last() else {
        return 0;
    };
    let escaped = |part: &&[u8]| {
        part.len() + part.iter().filter(|byte| **byte == 0).count() + END_OF_PART.len()
    };
    others.iter().map(escaped).sum::<usize>() + last.len()
}

fn write_escaped(out: &mut Vec<u8>, part: &[u8]) {
    for byte in part {
        match byte {
            0 => out.extend_from_slice(&ESCAPED_ZERO),
            other => out.push(*other),
        }
    }
}

/// A part that another one follows.
fn write_ended(out: &mut Vec<u8>, part: &[u8]) {
    write_escaped(out, part);
    out.extend_from_slice(&END_OF_PART);
}

/// What a key condition asks of the first RANGE attribute without an equality.
#[derive(Clone, Copy, Debug)]
pub enum SortTest<'a> {
    Less(Av<'a>),
    LessOrEqual(Av<'a>),
    Greater(Av<'a>),
    GreaterOrEqual(Av<'a>),
    /// Both included.
    Between(Av<'a>, Av<'a>),
    /// Of S and B only: numbers have no prefixes.
    BeginsWith(Av<'a>),
}

/// An end of a range of sort column bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortBound {
    pub bytes: Vec<u8>,
    pub inclusive: bool,
}

impl SortBound {
    fn at(bytes: Vec<u8>) -> Option<SortBound> {
        let inclusive = true;
        Some(SortBound { bytes, inclusive })
    }
    fn beside(bytes: Vec<u8>) -> Option<SortBound> {
        let inclusive = false;
        Some(SortBound { bytes, inclusive })
    }
}

/// The rows that fulfil a key condition, as a range of `index_N_sk` (or of a table's `sk`). None: no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortRange {
    pub lower: Option<SortBound>,
    pub upper: Option<SortBound>,
}

impl SortRange {
    /// All that begin with `prefix`.
    pub fn of_prefix(prefix: Vec<u8>) -> SortRange {
        SortRange {
            upper: successor(&prefix).and_then(SortBound::beside),
            lower: SortBound::at(prefix).filter(|bound| !bound.bytes.is_empty()),
        }
    }

    pub fn contains(&self, sort: &[u8]) -> bool {
        let above = |b: &SortBound| sort > &b.bytes[..] || (b.inclusive && sort == b.bytes);
        let below = |b: &SortBound| sort < &b.bytes[..] || (b.inclusive && sort == b.bytes);
        self.lower.as_ref().is_none_or(above) && self.upper.as_ref().is_none_or(below)
    }
}

/// The least byte string above all that begin with `prefix`; None when there is none.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut bytes = prefix[..=last].to_vec();
    bytes[last] += 1;
    Some(bytes)
}

/// The range of equalities on the first `equal.len()` of `count` RANGE attributes, and of `test` on the next.
/// Values are of their attributes' types. A `test` behind equalities on all attributes is ignored.
pub fn sort_range(count: usize, equal: &[Av<'_>], test: Option<SortTest<'_>>) -> SortRange {
    let equal: Vec<&[u8]> = equal.iter().map(|part| part.payload()).collect();
    if equal.len() >= count {
        let bytes = sort_column(&equal);
        return SortRange {
            lower: SortBound::at(bytes.clone()),
            upper: SortBound::at(bytes),
        };
    }
    let mut prefix = Vec::new();
    equal.iter().for_each(|part| write_ended(&mut prefix, part));
    let last = equal.len() + 1 == count;
    let next = NextPart { prefix, last };
    let all = SortRange::of_prefix(next.prefix.clone());
    let (lower, upper) = match test {
        None => return all,
        Some(SortTest::Less(av)) => (all.lower, SortBound::beside(next.start(av))),
        Some(SortTest::LessOrEqual(av)) => (all.lower, next.end(av)),
        Some(SortTest::Greater(av)) => (next.above(av), all.upper),
        Some(SortTest::GreaterOrEqual(av)) => (SortBound::at(next.start(av)), all.upper),
        Some(SortTest::Between(least, most)) => (SortBound::at(next.start(least)), next.end(most)),
        Some(SortTest::BeginsWith(av)) => return SortRange::of_prefix(next.beginning(av)),
    };
    SortRange { lower, upper }
}

/// The RANGE attribute that a range is asked of, behind the bytes of those before it.
struct NextPart {
    prefix: Vec<u8>,
    /// No further attribute follows.
    last: bool,
}

impl NextPart {
    /// Where the rows with `av` start; the only ones when it is the last attribute.
    fn start(&self, av: Av<'_>) -> Vec<u8> {
        let mut bytes = self.beginning(av);
        if !self.last {
            bytes.extend_from_slice(&END_OF_PART);
        }
        bytes
    }
    /// What the rows begin with whose value begins with `av`.
    fn beginning(&self, av: Av<'_>) -> Vec<u8> {
        let mut bytes = self.prefix.clone();
        if self.last {
            bytes.extend_from_slice(av.payload());
        } else {
            write_escaped(&mut bytes, av.payload());
        }
        bytes
    }
    /// Behind the rows with `av`, as an upper bound.
    fn end(&self, av: Av<'_>) -> Option<SortBound> {
        if self.last {
            return SortBound::at(self.start(av));
        }
        successor(&self.start(av)).and_then(SortBound::beside)
    }
    /// Behind the rows with `av`, as a lower bound.
    fn above(&self, av: Av<'_>) -> Option<SortBound> {
        if self.last {
            return SortBound::beside(self.start(av));
        }
        successor(&self.start(av)).and_then(SortBound::at)
    }
}

/// Key attributes as `[["Avatar","S"]]`.
mod pairs {
    use crate::table::{KeyAttribute, ScalarType};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(keys: &[KeyAttribute], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(keys.iter().map(|key| (&key.name, key.scalar)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<KeyAttribute>, D::Error> {
        let pairs = Vec::<(String, ScalarType)>::deserialize(from)?;
        let keys = pairs.into_iter();
        Ok(keys
            .map(|(name, scalar)| KeyAttribute { name, scalar })
            .collect())
    }
}
