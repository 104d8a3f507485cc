//! Random attribute values for property tests. Not every test file uses all of them.
#![allow(dead_code)]

use pg_dynamo_core::value::{Attributes, Number, Value};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,4}",
        ".{0,8}",
        "[\u{0}\"\\\\\n\u{7f}é\u{10ffff}]{0,4}",
        (0usize..400).prop_map(|n| "x".repeat(n)),
    ]
}

pub fn number() -> impl Strategy<Value = Number> {
    (any::<i64>(), -40i32..40).prop_map(|(digits, exponent)| {
        Number::parse(&format!("{digits}E{exponent}")).expect("in range")
    })
}

pub fn binary() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..12)
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::S),
        number().prop_map(Value::N),
        binary().prop_map(Value::B),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        btree_set(text(), 1..5).prop_map(Value::Ss),
        btree_set(number(), 1..5).prop_map(Value::Ns),
        btree_set(binary(), 1..5).prop_map(Value::Bs),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            btree_map(text(), inner.clone(), 0..5).prop_map(Value::M),
            vec(inner, 0..5).prop_map(Value::L),
        ]
    })
}

pub fn attributes() -> impl Strategy<Value = Attributes> {
    btree_map(text(), value(), 0..8)
}
