//! Shards and iterators: whose keys they are, when they give way, what an iterator survives.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::stream::iterator::LIFETIME;
use pg_dynamo_core::stream::position::MAX_EPOCH;
use pg_dynamo_core::stream::shard::{self, MAX_OPEN, OpenShard, first_ranges, successions};
use pg_dynamo_core::stream::{HashRange, Position, ShardIterator, Start, StreamName};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn open(ranges: &[HashRange]) -> Vec<OpenShard> {
    let opened = |(number, range): (u32, &HashRange)| OpenShard {
        number,
        range: *range,
        opened_at: 0,
    };
    (0..).zip(ranges).map(opened).collect()
}

#[test]
fn first_ranges_are_halves_of_halves() {
    assert_eq!(first_ranges(0), [HashRange::ALL]);
    assert_eq!(first_ranges(1), [HashRange::ALL]);
    let middle = HashRange {
        low: i64::MIN,
        high: -1,
    };
    assert_eq!(first_ranges(2)[0], middle);
    assert_eq!(first_ranges(2)[1].low, 0);
    let three = first_ranges(3);
    assert_eq!(three[0].high, i64::MIN / 2 - 1);
    assert_eq!(three[2], first_ranges(2)[1]);
    assert_eq!(first_ranges(100_000).len(), MAX_OPEN);
}

#[test]
fn young_shards_enough_are_left_alone() {
    let shards = open(&first_ranges(4));
    assert_eq!(successions(&shards, 4, 4 * HOUR, 4 * HOUR - 1), []);
    assert_eq!(successions(&shards, 1, 4 * HOUR, 0), []);
    assert_eq!(successions(&[], 4, HOUR, HOUR), []);
}

#[test]
fn an_old_shard_is_followed_by_one_of_the_same_range() {
    let mut shards = open(&first_ranges(2));
    shards[1].opened_at = HOUR;
    let all = successions(&shards, 2, 4 * HOUR, 4 * HOUR);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].closed, 0);
    assert_eq!(all[0].children, [shards[0].range]);
}

#[test]
fn more_shards_are_made_by_splitting_the_widest() {
    let shards = open(&first_ranges(3));
    let all = successions(&shards, 4, HOUR, 0);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].closed, 2);
    assert_eq!(all[0].children.len(), 2);
    let old_too = successions(&shards, 4, HOUR, HOUR);
    assert_eq!(old_too.len(), 3);
    assert_eq!(old_too.iter().map(|s| s.children.len()).sum::<usize>(), 4);
}

#[test]
fn ids_have_the_length_clients_check_and_sort_by_birth() {
    let ids = [
        shard::id(0, 7),
        shard::id(NOW, 8),
        shard::id(NOW, 9),
        shard::id(NOW + 1, 10),
        shard::id(i64::MAX, u32::MAX),
    ];
    assert_eq!(ids[1], "shardId-00000001700000000123-00000008");
    assert!(ids.iter().all(|id| id.len() == 37));
    assert!(ids.is_sorted());
    assert_eq!(
        ids.map(|id| shard::number_of(&id)),
        [7, 8, 9, 10, u32::MAX].map(Some)
    );
    for other in [
        "",
        "shardId-1-1",
        "shardId-0000000170000000012x-0000000g",
        "kossapaaas",
    ] {
        assert_eq!(shard::number_of(other), None);
    }
}

fn iterator(start: Start) -> ShardIterator {
    ShardIterator {
        stream: StreamName {
            table: "Music".into(),
            label: "2026-11-21T19:50:45.123".into(),
        },
        shard: 42,
        start,
        issued_at: NOW,
    }
}

#[test]
fn iterators_begin_with_their_stream_and_are_short_enough() {
    let mut longest = iterator(Start::TrimHorizon);
    longest.stream.table = "t".repeat(255);
    let text = longest.encode(&account());
    assert!(text.starts_with(&format!("{}|1|", longest.stream.arn(&account()))));
    assert!(text.len() < 2048);
}

#[test]
fn what_is_no_iterator_is_refused() {
    let text = iterator(Start::TrimHorizon).encode(&account());
    let (_, encoded) = text.rsplit_once('|').unwrap();
    for wrong in [
        "kossapaaasdafsdaasdasdasd".to_owned(),
        encoded.to_owned(),
        text.replace("Music", "Musik"),
        text.replace("|1|", "|2|"),
        format!("{text}AAAA"),
        text[..text.len() - 4].to_owned(),
        String::new(),
    ] {
        let error = ShardIterator::decode(&wrong, &account()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation, "{wrong}");
        assert_eq!(error.message, "Invalid ShardIterator");
    }
}

#[test]
fn positions_that_no_record_can_have_are_refused() {
    let at = |epoch, lsn| iterator(Start::At(Position::before_commit(epoch, lsn)));
    for wrong in [
        at(MAX_EPOCH + 1, 5),
        at(1, i64::MAX as u64),
        at(1, u64::MAX),
    ] {
        let error = ShardIterator::decode(&wrong.encode(&account()), &account()).unwrap_err();
        assert_eq!(error.message, "Invalid ShardIterator");
    }
    assert_eq!(
        Position::parse("10000000192233720368547758070000000000"),
        None
    );
    assert_eq!(
        Position::parse("10000000100000000000000000054294967296"),
        None
    );
    assert!(Position::parse("10000000192233720368547758064294967295").is_some());
}

#[test]
fn iterators_live_fifteen_minutes() {
    let iterator = iterator(Start::TrimHorizon);
    assert!(iterator.check_age(NOW + LIFETIME).is_ok());
    // A clock that was set back.
    assert!(iterator.check_age(NOW - LIFETIME).is_ok());
    let error = iterator.check_age(NOW + LIFETIME + 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ExpiredIterator);
    assert_eq!(error.message, "Shard iterator has expired");
}

#[test]
fn a_trimmed_record_is_missed_by_who_would_have_read_it() {
    let at = |lsn| Position::before_commit(1, lsn);
    assert!(!Start::TrimHorizon.misses(at(5)));
    assert!(Start::At(at(5)).misses(at(5)));
    assert!(!Start::At(at(6)).misses(at(5)));
    assert!(!Start::After(at(5)).misses(at(5)));
    assert!(Start::After(at(4)).misses(at(5)));
    assert!(Start::After(Position::after_commit(1, 4)).misses(at(5)));
    assert!(!Start::After(Position::after_commit(1, 5)).misses(at(5)));
}

proptest! {
    #[test]
    fn iterators_are_read_back(kind in 0..3, epoch in 0..=MAX_EPOCH, lsn in 0..i64::MAX as u64, ordinal: u32, shard: u32, at: i64) {
        let position = Position { epoch, lsn, ordinal };
        let start = [Start::TrimHorizon, Start::At(position), Start::After(position)][kind as usize];
        let given = ShardIterator { shard, issued_at: at, ..iterator(start) };
        prop_assert_eq!(ShardIterator::decode(&given.encode(&account()), &account()).unwrap(), given);
    }

    #[test]
    fn a_damaged_iterator_is_noticed(place in 0usize..40, with in "[A-Za-z0-9_-]") {
        let text = iterator(Start::After(Position::after_commit(1, 99))).encode(&account());
        let at = text.rfind('|').unwrap() + 1 + place;
        let mut damaged = text.clone();
        damaged.replace_range(at..at + 1, &with);
        prop_assert!(damaged == text || ShardIterator::decode(&damaged, &account()).is_err());
    }

    /// However often shards are split and renewed: every key has one open shard, and a child lies in its parent.
    #[test]
    fn open_shards_always_cover_every_key_once(steps in prop::collection::vec((1usize..40, any::<bool>()), 1..8), hash: i64) {
        let mut shards = open(&first_ranges(1));
        let mut next = 1;
        let mut most = 1;
        for (wanted, renew) in steps {
            let age = if renew { 0 } else { HOUR };
            for change in successions(&shards, wanted, age, 0) {
                let at = shards.iter().position(|s| s.number == change.closed).unwrap();
                let parent = shards.remove(at);
                for range in change.children {
                    prop_assert!(parent.range.contains(range.low) && parent.range.contains(range.high));
                    shards.push(OpenShard { number: next, range, opened_at: 0 });
                    next += 1;
                }
            }
            most = most.max(wanted);
            prop_assert_eq!(shards.len(), most);
            prop_assert_eq!(shards.iter().filter(|s| s.range.contains(hash)).count(), 1);
        }
    }
}
