//! Stored keys.
mod strategies;

use pg_dynamo_core::key::{StoredKey, key_bytes, partition_hash};
use pg_dynamo_core::table::{KeyAttribute, KeySchema, ScalarType};
use pg_dynamo_core::value::{Attributes, ItemBuf, Number, Value};
use proptest::prelude::*;
use strategies::{binary, number, text, value};

fn attribute(name: &str, scalar: ScalarType) -> KeyAttribute {
    KeyAttribute {
        name: name.to_owned(),
        scalar,
    }
}

fn schema(sort: Option<ScalarType>) -> KeySchema {
    KeySchema {
        partition: attribute("pk", ScalarType::S),
        sort: sort.map(|scalar| attribute("sk", scalar)),
    }
}

fn item(entries: &[(&str, Value)]) -> Attributes {
    let owned = |(name, value): &(&str, Value)| (name.to_string(), value.clone());
    entries.iter().map(owned).collect()
}

fn key_of(attributes: &Attributes, schema: &KeySchema) -> Option<StoredKey> {
    let stored = ItemBuf::from_attributes(attributes);
    let key = StoredKey::of_item(stored.as_item(), schema).unwrap();
    assert_eq!(key, StoredKey::of_attributes(attributes, schema));
    if let Some(key) = &key {
        assert!(matches(key, attributes, schema));
    }
    key
}

fn matches(key: &StoredKey, attributes: &Attributes, schema: &KeySchema) -> bool {
    let stored = ItemBuf::from_attributes(attributes);
    StoredKey::matches_item(key.pk_hash, &key.pk, &key.sk, stored.as_item(), schema).unwrap()
}

fn bytes(value: Value) -> Vec<u8> {
    key_bytes(value.encode().as_av()).unwrap()
}

proptest! {
    #[test]
    fn byte_order_is_the_order_of_strings(a in text(), b in text()) {
        let wanted = a.as_bytes().cmp(b.as_bytes());
        prop_assert_eq!(bytes(Value::S(a)).cmp(&bytes(Value::S(b))), wanted);
    }

    #[test]
    fn byte_order_is_the_order_of_binaries(a in binary(), b in binary()) {
        let wanted = a.cmp(&b);
        prop_assert_eq!(bytes(Value::B(a)).cmp(&bytes(Value::B(b))), wanted);
    }

    #[test]
    fn byte_order_is_the_order_of_numbers(a in number(), b in number()) {
        prop_assert_eq!(bytes(Value::N(a)).cmp(&bytes(Value::N(b))), a.cmp(&b));
    }

    #[test]
    fn a_key_matches_its_own_item_only(
        partition in "[a-z]{1,4}|[a-z]{250,260}",
        sort in number(),
        other in "[a-z]{1,4}|[a-z]{250,260}",
        other_sort in number(),
    ) {
        let schema = schema(Some(ScalarType::N));
        let a = item(&[("pk", Value::S(partition.clone())), ("sk", Value::N(sort))]);
        let b = item(&[("pk", Value::S(other.clone())), ("sk", Value::N(other_sort))]);
        let key = key_of(&a, &schema).unwrap();
        prop_assert_eq!(matches(&key, &b, &schema), (partition, sort) == (other, other_sort));
    }

    #[test]
    fn only_scalars_have_key_bytes(value in value()) {
        let scalar = matches!(value, Value::S(_) | Value::N(_) | Value::B(_));
        prop_assert_eq!(key_bytes(value.encode().as_av()).is_ok(), scalar);
    }
}

#[test]
fn numbers_at_the_edges_sort_by_value() {
    let ordered = [
        "-9.9999999999999999999999999999999999999E+125",
        "-1E125",
        "-101",
        "-100.1",
        "-100",
        "-99.99",
        "-12",
        "-11",
        "-10.5",
        "-10",
        "-9",
        "-1.2",
        "-1.1",
        "-1.01",
        "-1",
        "-0.99",
        "-0.1",
        "-1E-130",
        "0",
        "1E-130",
        "1.1E-130",
        "1E-129",
        "0.1",
        "0.99",
        "1",
        "1.000000001",
        "1.01",
        "1.1",
        "1.2",
        "9",
        "10",
        "10.5",
        "11",
        "12",
        "99.99",
        "100",
        "100.1",
        "101",
        "1E125",
        "9.9999999999999999999999999999999999999E+125",
    ];
    let keys: Vec<Vec<u8>> = ordered
        .iter()
        .map(|n| bytes(Value::N(Number::parse(n).unwrap())))
        .collect();
    for (i, pair) in keys.windows(2).enumerate() {
        assert!(pair[0] < pair[1], "{} {}", ordered[i], ordered[i + 1]);
    }
}

#[test]
fn the_partition_hash_is_fixed() {
    // xxh3_64 of the bytes with the sign bit flipped; it is stored, so it may never change.
    assert_eq!(
        partition_hash(b""),
        0x2D06_8005_38D3_94C2_u64 as i64 ^ i64::MIN
    );
    let key = key_of(
        &item(&[("pk", Value::S("Acme Band".into()))]),
        &schema(None),
    )
    .unwrap();
    assert_eq!(key.pk_hash, 2_992_955_173_691_298_255);
    assert_eq!(key.pk, b"\0Acme Band");
    assert_eq!(key.sk, b"");
}

#[test]
fn partition_keys_over_255_bytes_are_digested() {
    let with = |length: usize| {
        key_of(
            &item(&[("pk", Value::S("x".repeat(length)))]),
            &schema(None),
        )
    };
    assert_eq!(with(255).unwrap().pk.len(), 256);
    let digested = with(256).unwrap();
    assert_eq!((digested.pk.len(), digested.pk[0]), (33, 1));
    assert_eq!(with(2048).unwrap().pk.len(), 33);
    assert_ne!(with(2048).unwrap().pk, with(2047).unwrap().pk);
    assert_eq!(with(2049), None);
}

#[test]
fn an_item_without_a_valid_key_has_none() {
    let schema = schema(Some(ScalarType::B));
    let sort = Value::B(vec![0; 1024]);
    let name = Value::S("a".into());
    assert!(
        key_of(
            &item(&[("pk", name.clone()), ("sk", sort.clone())]),
            &schema
        )
        .is_some()
    );
    for bad in [
        item(&[]),
        item(&[("pk", name.clone())]),
        item(&[("sk", sort.clone())]),
        item(&[("pk", Value::S(String::new())), ("sk", sort.clone())]),
        item(&[("pk", name.clone()), ("sk", Value::B(vec![]))]),
        item(&[("pk", name.clone()), ("sk", Value::B(vec![0; 1025]))]),
        item(&[("pk", name.clone()), ("sk", name.clone())]),
        item(&[("pk", Value::Null), ("sk", sort)]),
    ] {
        assert_eq!(key_of(&bad, &schema), None, "{bad:?}");
    }
}

#[test]
fn wrong_columns_do_not_match() {
    let schema = schema(None);
    for length in [3, 300] {
        let attributes = item(&[("pk", Value::S("x".repeat(length)))]);
        let key = key_of(&attributes, &schema).unwrap();
        for wrong in [
            StoredKey {
                pk_hash: key.pk_hash ^ 1,
                ..key.clone()
            },
            StoredKey {
                pk: vec![],
                ..key.clone()
            },
            StoredKey {
                pk: [&[key.pk[0] ^ 1], &key.pk[1..]].concat(),
                ..key.clone()
            },
            StoredKey {
                pk: key.pk[..3].to_vec(),
                ..key.clone()
            },
            StoredKey {
                sk: vec![0],
                ..key.clone()
            },
        ] {
            assert!(!matches(&wrong, &attributes, &schema));
        }
    }
}
