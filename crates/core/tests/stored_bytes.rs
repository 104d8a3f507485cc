//! The stored form of values and items.
mod strategies;

use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::fuzz;
use pg_dynamo_core::value::item::{directory_len, locate, names_len};
use pg_dynamo_core::value::size::item_size;
use pg_dynamo_core::value::{
    Attributes, Av, AvBuf, Item, ItemBuf, MAX_VALUE_DEPTH, Number, Value, ValueType,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use strategies::{attributes, value};

fn s(text: &str) -> Value {
    Value::S(text.to_owned())
}

fn n(text: &str) -> Number {
    Number::parse(text).unwrap()
}

fn map(entries: &[(&str, Value)]) -> Attributes {
    let owned = |(name, value): &(&str, Value)| (name.to_string(), value.clone());
    entries.iter().map(owned).collect()
}

/// `depth` lists around a scalar.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::L(vec![inner]))
}

proptest! {
    #[test]
    fn values_round_trip_and_are_valid(value in value()) {
        let encoded = value.encode();
        let av = encoded.as_av();
        av.validate().unwrap();
        prop_assert_eq!(av.to_value().unwrap(), value.clone());
        prop_assert_eq!(av.value_type().unwrap(), value.value_type());
        prop_assert_eq!(av.size().unwrap(), value.size());
        let datum = encoded.to_datum();
        prop_assert_eq!(Av::from_datum(&datum).unwrap(), av);
    }

    #[test]
    fn equal_values_and_only_those_have_equal_bytes(a in value(), b in value()) {
        prop_assert_eq!(a.encode() == b.encode(), a == b);
    }

    #[test]
    fn items_round_trip_with_their_size(attributes in attributes()) {
        let buffer = ItemBuf::from_attributes(&attributes);
        let item = Item::from_bytes(buffer.as_item().bytes()).unwrap();
        item.validate().unwrap();
        prop_assert_eq!(item.size(), item_size(&attributes));
        prop_assert_eq!(item.map().len().unwrap(), attributes.len());
        for (i, (name, value)) in attributes.iter().enumerate() {
            let encoded = value.encode();
            prop_assert_eq!(item.get(name).unwrap(), Some(encoded.as_av()));
            prop_assert_eq!(item.map().entry(i).unwrap(), (name.as_str(), encoded.as_av()));
        }
        prop_assert_eq!(item.get("no such name").unwrap(), None);
        prop_assert!(item.map().entry(attributes.len()).is_err());
        prop_assert_eq!(item.to_attributes().unwrap(), attributes);
    }

    #[test]
    fn one_attribute_is_found_by_byte_ranges(attributes in attributes()) {
        let buffer = ItemBuf::from_attributes(&attributes).into_bytes();
        let directory = directory_len(&buffer[..buffer.len().min(10)]).unwrap();
        let front = directory + names_len(&buffer[..directory]).unwrap();
        for (name, value) in &attributes {
            let (offset, length) = locate(&buffer[..front], name).unwrap().unwrap();
            prop_assert_eq!(&buffer[offset..offset + length], value.encode().into_bytes());
        }
        prop_assert_eq!(locate(&buffer[..front], "no such name").unwrap(), None);
    }

    #[test]
    fn changing_attributes_equals_decoding_changing_and_encoding(
        old in prop::option::of(attributes()),
        set in attributes(),
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        absent in "[a-c]{0,4}",
    ) {
        let buffer = old.as_ref().map(ItemBuf::from_attributes);
        let mut wanted = old.clone().unwrap_or_default();
        let mut changes: BTreeMap<&str, Option<AvBuf>> = BTreeMap::new();
        for (name, value) in &set {
            wanted.insert(name.clone(), value.clone());
            changes.insert(name, Some(value.encode()));
        }
        let names: Vec<&String> = old.iter().flat_map(|o| o.keys()).collect();
        let gone = removed.iter().filter(|_| !names.is_empty()).map(|i| i.get(&names).as_str());
        for name in gone.chain([absent.as_str()]) {
            wanted.remove(name);
            changes.insert(name, None);
        }
        let changed = ItemBuf::with_changes(buffer.as_ref().map(ItemBuf::as_item), &changes).unwrap();
        prop_assert_eq!(changed, ItemBuf::from_attributes(&wanted));
    }

    #[test]
    fn replacing_one_attribute_equals_encoding_the_whole(
        mut attributes in attributes(),
        values in prop::collection::vec(value(), 1..4),
        at in any::<prop::sample::Index>(),
        long in prop::sample::select(vec![0, 60_000, 65_500, 65_530, 65_535, 70_000]),
    ) {
        let mut item = ItemBuf::from_attributes(&attributes);
        let names: Vec<String> = attributes.keys().cloned().collect();
        // To a long value and back again, so that the directory's numbers grow and shrink.
        let values = [Value::S("x".repeat(long))].into_iter().chain(values);
        for value in values.filter(|_| !names.is_empty()) {
            let name = at.get(&names);
            let encoded = value.encode();
            attributes.insert(name.clone(), value);
            item = ItemBuf::with_change(item.as_item(), name, Some(encoded)).unwrap();
            prop_assert_eq!(&item, &ItemBuf::from_attributes(&attributes));
        }
    }

    #[test]
    fn an_item_of_encoded_parts_is_that_item(attributes in attributes()) {
        let encoded: Vec<(&String, AvBuf)> = attributes.iter().map(|(k, v)| (k, v.encode())).collect();
        let mut parts: Vec<(&str, Av)> = encoded.iter().rev().map(|(k, v)| (k.as_str(), v.as_av())).collect();
        prop_assert_eq!(ItemBuf::from_parts(&mut parts).unwrap(), ItemBuf::from_attributes(&attributes));
        if let Some(first) = parts.first().copied() {
            parts.push(first);
            prop_assert!(ItemBuf::from_parts(&mut parts).is_err());
        }
    }

    #[test]
    fn mutated_bytes_are_read_or_refused(
        attributes in attributes(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = ItemBuf::from_attributes(&attributes).into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fuzz::item_bytes(&bytes);
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in prop::collection::vec(0u8..16, 0..64)) {
        fuzz::item_bytes(&bytes);
    }

    #[test]
    fn scalars_compare_by_their_payload_and_others_do_not(a in value(), b in value()) {
        let order = a.encode().as_av().partial_cmp(b.encode().as_av()).unwrap();
        let wanted = match (&a, &b) {
            (Value::S(a), Value::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::N(a), Value::N(b)) => Some(a.cmp(b)),
            (Value::B(a), Value::B(b)) => Some(a.cmp(b)),
            _ => None,
        };
        prop_assert_eq!(order, wanted);
    }
}

#[test]
fn the_stored_bytes_are_the_documented_ones() {
    let item = map(&[
        ("b", s("x")),
        ("a", Value::L(vec![Value::Null, Value::N(n("-1.5"))])),
        ("c", Value::Ss(["q".into(), "p".into()].into())),
    ]);
    let bytes = ItemBuf::from_attributes(&item).into_bytes();
    // Version and size: names 3, list 3 + (1 + 1) + (1 + 4), "x" 1, set 2.
    assert_eq!(bytes[..5], [1, 16, 0, 0, 0]);
    // Width, count, then (name end, value end) three times.
    assert_eq!(
        bytes[5..20],
        [2, 3, 0, 1, 0, 15, 0, 2, 0, 17, 0, 3, 0, 27, 0]
    );
    assert_eq!(bytes[20..23], *b"abc");
    // NULL, and -1.5 with its exponent (65 + 0) and digit pairs 1 and 50, plus one, complemented.
    let list = [0x0A, 2, 2, 0, 1, 0, 7, 0, 0x01, 0x04, 0, !65, !2, !51, 0xFF];
    assert_eq!(bytes[23..38], list);
    assert_eq!(bytes[38..40], [0x05, b'x']);
    assert_eq!(bytes[40..], [0x07, 2, 2, 0, 1, 0, 2, 0, b'p', b'q']);
}

#[test]
fn long_bodies_use_the_wide_directory() {
    let long = "x".repeat(70_000);
    let many: Vec<Value> = (0..70_000).map(|i| Value::Bool(i % 2 == 0)).collect();
    let wide = |encoded: &AvBuf| encoded.as_av().bytes()[1];
    for (value, width) in [
        (Value::L(vec![s(&long[..65_534])]), 2),
        (Value::L(vec![s(&long[..65_535])]), 4),
        (Value::L(many.clone()), 4),
        (Value::M(map(&[(&long, Value::Null)])), 4),
        (Value::M(map(&[("a", s(&long)), ("b", s("y"))])), 4),
        (Value::Bs([long.as_bytes().to_vec()].into()), 4),
        // Inner bodies that grow while outer ones are open.
        (
            Value::M(map(&[
                ("a", Value::L(vec![s(&long), s("y")])),
                ("b", Value::L(many)),
            ])),
            4,
        ),
    ] {
        let encoded = value.encode();
        assert_eq!(wide(&encoded), width);
        encoded.as_av().validate().unwrap();
        assert_eq!(encoded.as_av().to_value().unwrap(), value);
        assert_eq!(encoded.as_av().size().unwrap(), value.size());
    }
}

#[test]
fn elements_and_members_are_reached_by_index() {
    let list = Value::L(vec![s("a"), Value::Null]).encode();
    let pg_dynamo_core::value::AvKind::L(list) = list.as_av().kind().unwrap() else {
        panic!("no list");
    };
    assert_eq!(list.len().unwrap(), 2);
    assert_eq!(list.get(0).unwrap(), Some(s("a").encode().as_av()));
    assert_eq!(list.get(2).unwrap(), None);
    assert_eq!(list.get(usize::MAX).unwrap(), None);
    let set = Value::Ns([n("2"), n("-1")].into()).encode();
    let pg_dynamo_core::value::AvKind::Ns(set) = set.as_av().kind().unwrap() else {
        panic!("no set");
    };
    let key = |number: Number| {
        let mut out = Vec::new();
        number.write_key(&mut out);
        out
    };
    assert_eq!(set.get(0).unwrap(), Some(&key(n("-1"))[..]));
    assert!(set.contains(&key(n("2.0"))).unwrap());
    assert!(!set.contains(&key(n("3"))).unwrap());
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let deepest = nested(MAX_VALUE_DEPTH);
    deepest.check_depth().unwrap();
    deepest.encode().as_av().validate().unwrap();
    assert_eq!(deepest.encode().as_av().to_value().unwrap(), deepest);
    let deeper = nested(MAX_VALUE_DEPTH + 1);
    assert_eq!(
        deeper.check_depth().unwrap_err().message,
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
    );
    let encoded = deeper.encode();
    assert!(encoded.as_av().validate().is_err());
    assert!(encoded.as_av().to_value().is_err());
    assert!(encoded.as_av().size().is_err());
}

#[test]
fn bytes_that_encode_would_not_write_are_refused() {
    let set = |members: &[&[u8]]| {
        let mut bytes = vec![0x09, 2, members.len() as u8, 0];
        let mut end = 0;
        for member in members {
            end += member.len() as u8;
            bytes.extend([end, 0]);
        }
        bytes.extend(members.concat());
        bytes
    };
    let validate = |bytes: &[u8]| Av::new(bytes).validate();
    validate(&set(&[b"a", b"b"])).unwrap();
    for bytes in [
        vec![],
        vec![0x00],
        vec![0x0C],
        vec![0x01, 0],                               // NULL with a payload
        vec![0x05, 0xFF],                            // no UTF-8
        vec![0x04, 2, 65, 0],                        // digit pair 0
        vec![0x04, 2, 65, 2, 1],                     // trailing zero pair
        vec![0x0A, 2, 1, 0, 2, 0, 0x01],             // end beyond the body
        vec![0x0A, 2, 1, 0, 1, 0, 0x01, 0x01],       // bytes behind the end
        vec![0x0A, 4, 1, 0, 0, 0, 1, 0, 0, 0, 0x01], // wide without need
        vec![0x0A, 2, 2, 0, 1, 0, 0, 0, 0x01],       // ends go back
        vec![0x0B, 2, 2, 0, 1, 0, 1, 0, 2, 0, 2, 0, b'b', b'a', 1, 1], // names unsorted
        vec![0x0B, 2, 2, 0, 1, 0, 1, 0, 2, 0, 2, 0, b'a', b'a', 1, 1], // a name twice
        vec![0x0A, 4, 255, 255, 255, 255],
        set(&[]),
        set(&[b"b", b"a"]),
        set(&[b"a", b"a"]),
    ] {
        let error = validate(&bytes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InternalServerError, "{bytes:?}");
    }
    let mut item = ItemBuf::from_attributes(&map(&[("a", s("b"))])).into_bytes();
    item[1] += 1;
    assert!(
        Item::from_bytes(&item).unwrap().validate().is_err(),
        "size in the header"
    );
    item[0] = 2;
    assert!(Item::from_bytes(&item).is_err(), "version");
}

#[test]
fn sizes_follow_the_published_rules() {
    // Developer guide, "DynamoDB item sizes and formats".
    for (value, size) in [
        (s(""), 0),
        (s("héllo"), 6),
        (Value::B(vec![0; 7]), 7),
        (Value::N(n("0")), 1),
        (Value::N(n("27")), 2),
        (Value::N(n("-27")), 3),
        (Value::N(n("0.5")), 2),
        (Value::Bool(true), 1),
        (Value::Null, 1),
        (Value::L(vec![]), 3),
        (Value::M(map(&[])), 3),
        (Value::L(vec![s("ab"), Value::Null]), 3 + (1 + 2) + (1 + 1)),
        (Value::M(map(&[("key", s("ab"))])), 3 + 1 + 3 + 2),
        (Value::Ss(["a".into(), "bcd".into()].into()), 4),
        (Value::Ns([n("1"), n("234")].into()), 2 + 3),
        (Value::Bs([vec![1], vec![2, 3]].into()), 3),
        (
            Value::L(vec![Value::M(map(&[("a", Value::L(vec![]))]))]),
            3 + 1 + 3 + 1 + 1 + 3,
        ),
    ] {
        assert_eq!(value.size(), size, "{value:?}");
        assert_eq!(value.encode().as_av().size().unwrap(), size, "{value:?}");
    }
    let item = map(&[("Id", Value::N(n("101"))), ("Title", s("Book 101"))]);
    assert_eq!(
        ItemBuf::from_attributes(&item).as_item().size(),
        2 + 3 + 5 + 8
    );
    assert_eq!(ItemBuf::from_attributes(&map(&[])).as_item().size(), 0);
}

#[test]
fn type_names_are_those_of_the_api() {
    for value_type in ValueType::ALL {
        assert_eq!(ValueType::from_name(value_type.name()), Some(value_type));
    }
    assert_eq!(ValueType::from_name("s"), None);
}
