//! The stored columns of secondary indexes, and the indexes of a definition.
mod strategies;

use pg_dynamo_core::index::{
    IndexKey, IndexSchema, SortRange, SortTest, partition_bytes, sort_range, successor,
};
use pg_dynamo_core::key::{StoredKey, partition_hash};
use pg_dynamo_core::table::{
    GlobalIndex, IndexState, KeyAttribute, KeySchema, LocalIndex, Projection, ScalarType,
    TableDefinition,
};
use pg_dynamo_core::value::{Attributes, AvBuf, ItemBuf, Number, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use strategies::number;

fn key(name: &str, scalar: ScalarType) -> KeyAttribute {
    KeyAttribute {
        name: name.to_owned(),
        scalar,
    }
}

fn keys(names: &[&str], scalar: ScalarType) -> Vec<KeyAttribute> {
    names.iter().map(|name| key(name, scalar)).collect()
}

fn schema(partition: &[&str], sort: &[&str], scalar: ScalarType) -> IndexSchema {
    IndexSchema {
        columns: 1,
        partition: keys(partition, scalar),
        sort: keys(sort, scalar),
    }
}

fn item(entries: &[(&str, Value)]) -> ItemBuf {
    let owned = |(name, value): &(&str, Value)| (name.to_string(), value.clone());
    ItemBuf::from_attributes(&entries.iter().map(owned).collect::<Attributes>())
}

fn text(s: &str) -> Value {
    Value::S(s.to_owned())
}

/// The columns, after the check that they are recognised as those of the item and no others are.
fn columns(schema: &IndexSchema, item: &ItemBuf) -> Option<IndexKey> {
    let found = schema.key_of(item.as_item()).unwrap();
    let matches =
        |pk: Option<&[u8]>, sk: Option<&[u8]>| schema.matches(item.as_item(), pk, sk).unwrap();
    match &found {
        Some(IndexKey { pk, sk }) => {
            let pk = pk.as_deref();
            assert!(matches(pk, Some(sk)));
            assert!(!matches(None, None));
            assert!(!matches(pk, None));
            assert!(!matches(pk, Some(&[sk, &[0][..]].concat())));
            assert!(!matches(Some(b"\0\0\0\0\0\0\0\0\0x"), Some(sk)));
            assert_eq!(matches(None, Some(sk)), schema.is_local());
        }
        None => {
            assert!(matches(None, None));
            assert!(!matches(Some(b"x"), Some(b"x")));
            assert!(!matches(None, Some(b"")));
        }
    }
    found
}

/// Bytes in which the special ones are common.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff), any::<u8>()],
        1..5,
    )
}

fn sort_of(values: &[Vec<u8>]) -> Vec<u8> {
    let avs: Vec<AvBuf> = values
        .iter()
        .map(|b| Value::B(b.clone()).encode())
        .collect();
    let avs: Vec<_> = avs.iter().map(AvBuf::as_av).collect();
    let range = sort_range(values.len(), &avs, None);
    assert_eq!(range.lower, range.upper);
    range.lower.unwrap().bytes
}

proptest! {
    #[test]
    fn composite_sort_bytes_sort_as_the_values_from_left_to_right(
        (a, b) in (1usize..5).prop_flat_map(|n| (vec(bytes(), n), vec(bytes(), n))),
    ) {
        let wanted = a.cmp(&b);
        prop_assert_eq!(sort_of(&a).cmp(&sort_of(&b)), wanted);
    }

    #[test]
    fn composite_numbers_sort_by_value(
        a in (number(), number(), number()),
        b in (number(), number(), number()),
    ) {
        let schema = schema(&["p"], &["x", "y", "z"], ScalarType::N);
        let sort = |(x, y, z): (Number, Number, Number)| {
            let numbers = [("p", x), ("x", x), ("y", y), ("z", z)];
            columns(&schema, &item(&numbers.map(|(n, v)| (n, Value::N(v))))).unwrap().sk
        };
        prop_assert_eq!(sort(a).cmp(&sort(b)), a.cmp(&b));
    }

    /// The oracle compares values; the range compares stored bytes.
    #[test]
    fn a_range_holds_exactly_the_rows_that_fulfil_the_condition(
        row in vec(bytes(), 3),
        like in vec(bytes(), 3),
        same in 0usize..4,
        least in bytes(),
        most in bytes(),
        kind in 0usize..7,
    ) {
        // Rows that share their first values with the condition would be rare otherwise.
        let mut equal = like;
        equal[..same].clone_from_slice(&row[..same]);
        for count in 0..=3 {
            let values: Vec<AvBuf> = equal[..count].iter().map(|b| Value::B(b.clone()).encode()).collect();
            let values: Vec<_> = values.iter().map(AvBuf::as_av).collect();
            let (a, b) = (Value::B(least.clone()).encode(), Value::B(most.clone()).encode());
            let (a, b) = (a.as_av(), b.as_av());
            let next = row.get(count);
            let (test, holds) = match (kind, next) {
                (0, _) | (_, None) => (None, true),
                (1, Some(v)) => (Some(SortTest::Less(a)), *v < least),
                (2, Some(v)) => (Some(SortTest::LessOrEqual(a)), *v <= least),
                (3, Some(v)) => (Some(SortTest::Greater(a)), *v > least),
                (4, Some(v)) => (Some(SortTest::GreaterOrEqual(a)), *v >= least),
                (5, Some(v)) => (Some(SortTest::Between(a, b)), *v >= least && *v <= most),
                (_, Some(v)) => (Some(SortTest::BeginsWith(a)), v.starts_with(&least)),
            };
            let wanted = row[..count] == equal[..count] && holds;
            let range = sort_range(3, &values, test);
            prop_assert_eq!(range.contains(&sort_of(&row)), wanted, "{:?} {:?}", range, count);
        }
    }

    #[test]
    fn the_successor_is_the_least_above_all_that_begin_with_a_prefix(prefix in bytes(), other in bytes()) {
        match successor(&prefix) {
            None => prop_assert!(prefix.iter().all(|b| *b == 0xff)),
            Some(end) => {
                prop_assert_eq!(other >= prefix && other < end, other.starts_with(&prefix));
            }
        }
    }
}

#[test]
fn a_condition_without_bounds_has_none() {
    let none = SortRange::default();
    assert_eq!(sort_range(1, &[], None), none);
    assert_eq!(sort_range(4, &[], None), none);
    let everything = Value::B(vec![0xff]).encode();
    let range = sort_range(1, &[], Some(SortTest::BeginsWith(everything.as_av())));
    assert_eq!(range.upper, None);
    assert_eq!(range.lower.unwrap().bytes, [0xff]);
    // A global index without a RANGE attribute has empty sort bytes.
    assert_eq!(sort_range(0, &[], None).lower.unwrap().bytes, b"");
}

#[test]
fn one_hash_attribute_is_hashed_and_tagged_as_a_partition_key_is() {
    let schema = schema(&["Avatar"], &[], ScalarType::S);
    for length in [1, 255, 256, 2048] {
        let name = "x".repeat(length);
        let found = columns(&schema, &item(&[("Avatar", text(&name))])).unwrap();
        let pk = found.pk.unwrap();
        let table = StoredKey::from_key_bytes(name.as_bytes(), b"");
        assert_eq!(found.sk, b"");
        assert_eq!(pk[..8], (table.pk_hash ^ i64::MIN).to_be_bytes());
        assert_eq!(pk[8..], table.pk);
        assert_eq!(partition_bytes(&[text(&name).encode().as_av()]), pk);
    }
}

#[test]
fn several_hash_attributes_are_told_apart() {
    let schema = schema(&["a", "b"], &[], ScalarType::S);
    let pk = |a: &str, b: &str| {
        let found = columns(&schema, &item(&[("a", text(a)), ("b", text(b))]));
        found.unwrap().pk.unwrap()
    };
    assert_ne!(pk("xy", "z"), pk("x", "yz"));
    let bytes = b"\0\x01x\0\x02yz";
    assert_eq!(
        pk("x", "yz")[..8],
        (partition_hash(bytes) ^ i64::MIN).to_be_bytes()
    );
    assert_eq!(pk("x", "yz")[8..], [&b"\0"[..], bytes].concat());
    let values = [text("x").encode(), text("yz").encode()];
    assert_eq!(
        partition_bytes(&[values[0].as_av(), values[1].as_av()]),
        pk("x", "yz")
    );
}

#[test]
fn stored_columns_never_change() {
    let schema = IndexSchema {
        columns: 3,
        partition: keys(&["p"], ScalarType::S),
        sort: vec![
            key("n", ScalarType::N),
            key("b", ScalarType::B),
            key("s", ScalarType::S),
        ],
    };
    let item = item(&[
        ("p", text("Acme Band")),
        ("n", Value::N(Number::parse("-1").unwrap())),
        ("b", Value::B(vec![0, 7])),
        ("s", text("a\0b")),
    ]);
    let found = columns(&schema, &item).unwrap();
    // As the pk_hash of the same key in tests/keys.rs, as unsigned bytes.
    let hash = (2_992_955_173_691_298_255_i64 ^ i64::MIN).to_be_bytes();
    assert_eq!(found.pk.unwrap(), [&hash[..], b"\0Acme Band"].concat());
    assert_eq!(
        found.sk,
        b"\x00\xff\xbe\xfd\xff\x00\x01\x00\xff\x07\x00\x01a\0b"
    );
}

#[test]
fn an_item_without_every_index_key_is_not_in_the_index() {
    let global = schema(&["p"], &["s"], ScalarType::S);
    let whole = [("p", text("a")), ("s", text("b"))];
    assert!(columns(&global, &item(&whole)).is_some());
    for (name, bad) in [
        ("p", Value::Null),
        ("s", Value::Null),
        ("p", text("")),
        ("s", text("")),
        ("p", Value::N(Number::parse("1").unwrap())),
        ("s", Value::B(vec![1])),
        ("p", text(&"x".repeat(2049))),
        ("s", text(&"x".repeat(1025))),
    ] {
        let entries = whole
            .clone()
            .map(|(n, v)| (n, if n == name { bad.clone() } else { v }));
        assert_eq!(columns(&global, &item(&entries)), None, "{name} {bad:?}");
    }
    assert_eq!(columns(&global, &item(&whole[..1])), None);
    assert_eq!(columns(&global, &item(&whole[1..])), None);
}

#[test]
fn a_local_index_has_a_sort_column_alone() {
    let local = schema(&[], &["s"], ScalarType::S);
    let found = columns(&local, &item(&[("s", text("b"))])).unwrap();
    assert_eq!((found.pk, found.sk), (None, b"b".to_vec()));
    assert_eq!(columns(&local, &item(&[("p", text("b"))])), None);
}

#[test]
fn composite_sort_keys_that_would_not_fit_an_index_row_are_not_in_the_index() {
    let global = schema(&["p"], &["a", "b"], ScalarType::S);
    let with = |a: String, b: String| {
        let entries = [("p", text("x")), ("a", text(&a)), ("b", text(&b))];
        columns(&global, &item(&entries)).map(|key| key.sk.len())
    };
    assert_eq!(with("x".repeat(1024), "y".repeat(74)), Some(1100));
    assert_eq!(with("x".repeat(1024), "y".repeat(75)), None);
    // A zero byte counts twice, but not in the last attribute.
    assert_eq!(with("\0".repeat(549), "y".into()), None);
    assert_eq!(with("y".into(), "\0".repeat(1024)), Some(1027));
}

#[test]
fn the_trigger_argument_is_json_with_pairs() {
    let global = r#"{"columns":1,"partition":[["Avatar","S"]],"sort":[["Score","N"]]}"#;
    let parsed: IndexSchema = serde_json::from_str(global).unwrap();
    assert_eq!(parsed.partition, [key("Avatar", ScalarType::S)]);
    assert_eq!(parsed.sort, [key("Score", ScalarType::N)]);
    assert_eq!(serde_json::to_string(&parsed).unwrap(), global);
    let local = r#"{"columns":2,"sort":[["Score","N"]]}"#;
    let parsed: IndexSchema = serde_json::from_str(local).unwrap();
    assert!(parsed.is_local());
    assert_eq!(serde_json::to_string(&parsed).unwrap(), local);
    for bad in [
        "{}",
        "[]",
        r#"{"columns":1,"sort":[["a","X"]]}"#,
        r#"{"columns":1,"x":1}"#,
    ] {
        assert!(serde_json::from_str::<IndexSchema>(bad).is_err(), "{bad}");
    }
}

fn table() -> TableDefinition {
    let mut table: TableDefinition = serde_json::from_str(
        r#"{"name":"Scores","key_schema":{"partition":{"name":"User","scalar":"S"},"sort":{"name":"Date","scalar":"S"}}}"#,
    )
    .unwrap();
    table.attribute_definitions = keys(&["User", "Date", "Avatar", "Score"], ScalarType::S);
    table.local_indexes = vec![LocalIndex {
        name: "ByScore".into(),
        sort: key("Score", ScalarType::S),
        projection: Projection::KeysOnly,
        columns: 1,
    }];
    table.global_indexes = vec![GlobalIndex {
        name: "ByAvatar".into(),
        partition: keys(&["Avatar"], ScalarType::S),
        sort: vec![],
        projection: Projection::Include(vec!["Note".into()]),
        throughput: Default::default(),
        on_demand: None,
        warm: None,
        columns: 3,
        state: IndexState::Creating,
    }];
    table
}

#[test]
fn an_index_projects_the_keys_of_itself_and_of_its_table() {
    let table = table();
    let local = table.index("ByScore").unwrap();
    let global = table.index("ByAvatar").unwrap();
    assert_eq!(
        local.projected(&table),
        Some(BTreeSet::from(["Date", "Score", "User"]))
    );
    assert_eq!(
        global.projected(&table),
        Some(BTreeSet::from(["Avatar", "Date", "Note", "User"]))
    );
    assert!(global.projects(&table, "Note") && global.projects(&table, "Date"));
    assert!(!local.projects(&table, "Note"));
    assert_eq!(local.partition(&table), [key("User", ScalarType::S)]);
    assert_eq!(table.index("Missing"), None);
}

#[test]
fn freed_columns_are_used_again() {
    let mut table = table();
    assert_eq!(table.free_columns(), 2);
    table.local_indexes.clear();
    assert_eq!(table.free_columns(), 1);
    table.global_indexes[0].columns = 1;
    assert_eq!(table.free_columns(), 2);
}

#[test]
fn an_index_is_maintained_from_the_backfill_to_the_deletion() {
    let maintained = |table: &TableDefinition| {
        let numbers = table.maintained_indexes().into_iter().map(|i| i.columns);
        numbers.collect::<Vec<_>>()
    };
    let creating = table();
    assert_eq!(maintained(&creating), [1]);
    let backfilling = creating.index_backfilling("ByAvatar").unwrap();
    assert_eq!(maintained(&backfilling), [1, 3]);
    let active = backfilling.index_active("ByAvatar").unwrap();
    assert_eq!(active.global_indexes[0].state, IndexState::Active);
    assert_eq!(maintained(&active), [1, 3]);
    let mut deleting = active;
    deleting.global_indexes[0].state = IndexState::Deleting;
    assert_eq!(maintained(&deleting), [1]);
    assert_eq!(creating.index_active("ByScore"), None);
}

#[test]
fn a_deleted_index_takes_the_attribute_definitions_that_no_key_uses_along() {
    let table = table();
    let left = table.without_index("ByAvatar").unwrap();
    assert!(left.global_indexes.is_empty());
    assert_eq!(
        left.attribute_definitions,
        keys(&["User", "Date", "Score"], ScalarType::S)
    );
    assert_eq!(table.without_index("Missing"), None);
}

#[test]
fn definitions_of_the_first_release_are_still_read() {
    let table: TableDefinition = serde_json::from_str(
        r#"{"name":"T","key_schema":{"partition":{"name":"a","scalar":"S"},"sort":null},
            "global_indexes":[{"name":"i","partition":[{"name":"b","scalar":"S"}],"projection":"All"}]}"#,
    )
    .unwrap();
    assert_eq!(table.global_indexes[0].state, IndexState::Active);
    assert_eq!(
        table.key_schema,
        KeySchema {
            partition: key("a", ScalarType::S),
            sort: None
        }
    );
}
