//! Shards: which part of the keys each has, when one closes, and what takes its place.
//!
//! A shard of the API names one parent, and a consumer reads a child when it has read the parent to its end. So the
//! order of an item's records survives only if a child's range lies within its parent's: shards are split and renewed,
//! never merged.
use super::Position;
use std::collections::BTreeMap;

/// Shards that one stream may have open.
pub const MAX_OPEN: usize = 256;

/// Values of `pk_hash`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashRange {
    pub low: i64,
    pub high: i64,
}

impl HashRange {
    pub const ALL: HashRange = HashRange {
        low: i64::MIN,
        high: i64::MAX,
    };

    pub fn contains(self, hash: i64) -> bool {
        (self.low..=self.high).contains(&hash)
    }

    /// None when it has a single value.
    fn halves(self) -> Option<[HashRange; 2]> {
        let middle = i64::try_from((i128::from(self.low) + i128::from(self.high)).div_euclid(2));
        let middle = middle.ok().filter(|_| self.low < self.high)?;
        let (low, high) = (self.low, self.high);
        Some([
            HashRange { low, high: middle },
            HashRange {
                low: middle + 1,
                high,
            },
        ])
    }

    fn width(self) -> u64 {
        self.high.abs_diff(self.low)
    }

    /// Cuts the widest parts in halves until there are `wanted`.
    fn divided(parts: &mut Vec<(usize, HashRange)>, wanted: usize) {
        while parts.len() < wanted.min(MAX_OPEN) {
            let widest = parts
                .iter()
                .enumerate()
                .max_by_key(|(at, (_, range))| (range.width(), std::cmp::Reverse(*at)))
                .map(|(at, _)| at);
            let Some((at, halves)) = widest.and_then(|at| Some((at, parts[at].1.halves()?))) else {
                return;
            };
            let owner = parts[at].0;
            parts.splice(at..=at, halves.map(|half| (owner, half)));
        }
    }
}

/// The ranges of a new stream's shards, in the order of their hashes.
pub fn first_ranges(wanted: usize) -> Vec<HashRange> {
    let mut parts = vec![(0, HashRange::ALL)];
    HashRange::divided(&mut parts, wanted.max(1));
    parts.into_iter().map(|(_, range)| range).collect()
}

/// A shard that takes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenShard {
    pub number: u32,
    pub range: HashRange,
    /// Epoch milliseconds.
    pub opened_at: i64,
}

/// A shard that closes, and the ranges of its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    pub closed: u32,
    pub children: Vec<HashRange>,
}

/// What is to be done so that no open shard of a stream is older than `max_age` milliseconds and `wanted` are open.
/// A smaller number than there are changes nothing.
pub fn successions(open: &[OpenShard], wanted: usize, max_age: i64, now: i64) -> Vec<Succession> {
    let mut parts: Vec<_> = (0..).zip(open.iter().map(|shard| shard.range)).collect();
    parts.sort_by_key(|(_, range)| *range);
    HashRange::divided(&mut parts, wanted);
    let mut children: BTreeMap<usize, Vec<HashRange>> = BTreeMap::new();
    for (owner, range) in parts {
        children.entry(owner).or_default().push(range);
    }
    let over = |shard: &OpenShard| now.saturating_sub(shard.opened_at) >= max_age;
    open.iter()
        .zip(children.into_values())
        .filter(|(shard, children)| children.len() > 1 || over(shard))
        .map(|(shard, children)| Succession {
            closed: shard.number,
            children,
        })
        .collect()
}

/// `shardId-00000001795290645123-0000002a`: when it was opened (epoch milliseconds) and its number. Ids sort as shards
/// were opened, parents before their children.
pub fn id(opened_at: i64, number: u32) -> String {
    format!("shardId-{:020}-{number:08x}", opened_at.max(0))
}

/// The number in an id of ours. None when it is none.
pub fn number_of(id: &str) -> Option<u32> {
    let (opened_at, number) = id.strip_prefix("shardId-")?.split_once('-')?;
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let ours = digits(opened_at, 20) && digits(number, 8);
    ours.then(|| u32::from_str_radix(number, 16).ok()).flatten()
}

/// A shard as DescribeStream shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    pub id: String,
    pub parent: Option<String>,
    pub start: Position,
    /// None: it takes records.
    pub end: Option<Position>,
}
