//! Segments of a parallel Scan: disjoint, complete, one range each.
use crate::fixtures::account;
use crate::store::{Store, books, item_text, refused, scan};
use pg_dynamo_core::range::{Access, KeyPart, KeyRange};
use pg_dynamo_core::request::{ReadOptions, ReadParts, ScanRequest};
use pg_dynamo_core::value::{Attributes, ItemBuf, Value};
use proptest::prelude::*;

fn store(count: usize) -> Store {
    let items = (0..count).map(|n| {
        let attributes: Attributes = [
            ("pk", n.to_string()),
            ("sk", "s".into()),
            ("Genre", (n % 97).to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::S(value)))
        .collect();
        ItemBuf::from_attributes(&attributes)
    });
    Store {
        items: items.collect(),
        table: books(),
    }
}

fn segment(store: &Store, index: Option<&str>, number: i64, total: i64) -> Vec<String> {
    let parts = ReadParts {
        table_name: "Books",
        index_name: index,
        segment: Some(number),
        total_segments: Some(total),
        ..ReadParts::default()
    };
    let request = ScanRequest::from_parts(parts, &account()).unwrap();
    let read = request.bind(&store.table, ReadOptions::default()).unwrap();
    store.rows(&read).into_iter().map(item_text).collect()
}

#[test]
fn segments_are_disjoint_and_complete_on_table_and_indexes() {
    let store = store(500);
    for index in [None, Some("Genre")] {
        for total in [1, 2, 3, 7, 64] {
            let mut found: Vec<String> = Vec::new();
            for number in 0..total {
                found.extend(segment(&store, index, number, total));
            }
            let whole = segment(&store, index, 0, 1);
            assert_eq!(whole.len(), store.items.len());
            let (mut found_keys, mut whole_keys) = (found.clone(), whole.clone());
            found_keys.sort();
            whole_keys.sort();
            assert_eq!(found_keys, whole_keys, "{index:?} {total}");
            if index.is_none() {
                assert_eq!(found, whole, "segments follow one another in scan order");
            }
        }
    }
}

#[test]
fn a_million_segments_cover_every_hash_once() {
    let total = 1_000_000;
    for access in [Access::Primary, Access::Global { columns: 1 }] {
        assert_eq!(KeyRange::of_segment(access, 0, total).lower, None);
        assert_eq!(KeyRange::of_segment(access, total - 1, total).upper, None);
        for number in [1, 2, 499_999, 500_000, 999_998, 999_999] {
            let before = KeyRange::of_segment(access, number - 1, total)
                .upper
                .unwrap();
            let here = KeyRange::of_segment(access, number, total).lower.unwrap();
            assert_eq!(before.parts, here.parts, "{number}");
            assert!(!before.inclusive && here.inclusive);
        }
    }
}

#[test]
fn a_segment_starts_with_the_first_hash_of_its_share() {
    // A third of 2^64, rounded up, with the sign bit flipped.
    let lower = KeyRange::of_segment(Access::Primary, 1, 3).lower.unwrap();
    let first = (0x5555_5555_5555_5556_u64 ^ (1 << 63)) as i64;
    assert_eq!(lower.parts, [KeyPart::Hash(first)]);
    let lower = KeyRange::of_segment(Access::Global { columns: 1 }, 1, 3)
        .lower
        .unwrap();
    let first = vec![0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x56];
    assert_eq!(lower.parts, [KeyPart::Bytes(first)]);
}

proptest! {
    #[test]
    fn a_hash_lies_in_the_segment_of_its_share(hash: u64, total in 1u64..=1_000_000) {
        let number = ((u128::from(hash) * u128::from(total)) >> 64) as u64;
        let row = |access| match access {
            Access::Global { .. } => {
                let mut pk = hash.to_be_bytes().to_vec();
                pk.extend([0, 0xff]);
                KeyPart::Bytes(pk)
            }
            _ => KeyPart::Hash((hash ^ (1 << 63)) as i64),
        };
        for access in [Access::Primary, Access::Local { columns: 1 }, Access::Global { columns: 1 }] {
            let key = vec![row(access); access.width()];
            for other in number.saturating_sub(1)..=(number + 1).min(total - 1) {
                let inside = KeyRange::of_segment(access, other, total).contains(&key);
                prop_assert_eq!(inside, other == number);
            }
        }
    }
}

#[test]
fn a_starting_key_must_lie_in_its_segment() {
    let store = store(20);
    let key = r#"{"pk":{"S":"3"},"sk":{"S":"s"}}"#;
    let request = |segment: u8| {
        format!(
            r#"{{"TableName":"Books","Segment":{segment},"TotalSegments":2,"ExclusiveStartKey":{key}}}"#
        )
    };
    let own = u8::from(
        !segment(&store, None, 0, 2)
            .iter()
            .any(|i| i.contains(r#""pk":{"S":"3"}"#)),
    );
    scan(&store.table, &request(own)).unwrap();
    let other = 1 - own;
    assert_eq!(
        refused(scan(&store.table, &request(other))).message,
        format!(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
             with correct Segment. TotalSegments: 2 Segment: {other}"
        )
    );
}

#[test]
fn paging_through_the_segments_gives_each_item_once() {
    let store = store(200);
    let mut found = Vec::new();
    for number in 0..5 {
        let request =
            format!(r#"{{"TableName":"Books","Segment":{number},"TotalSegments":5,"Limit":7}}"#);
        for page in store.pages(&request, scan) {
            found.extend(crate::store::items_of(&page));
        }
    }
    found.sort();
    let mut all: Vec<String> = store.items.iter().map(item_text).collect();
    all.sort();
    assert_eq!(found, all);
}
