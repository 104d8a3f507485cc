//! How a WHERE clause is taken apart: whatever its shape, the items are those that fulfil it.
use crate::store::Store;
use pg_dynamo_core::ErrorKind;
use proptest::prelude::*;
use std::collections::BTreeSet;

const PARTITIONS: [&str; 3] = ["a", "b", "c"];
const SORTS: [&str; 4] = ["1", "2", "3", "4"];

fn store() -> Store {
    let mut items = Vec::new();
    for pk in PARTITIONS {
        for (n, sk) in SORTS.iter().enumerate() {
            items.push(format!(
                r#"{{"pk":{{"S":"{pk}"}},"sk":{{"S":"{sk}"}},"f":{{"N":"{}"}}}}"#,
                n % 2
            ));
        }
    }
    Store::of(&items.iter().map(String::as_str).collect::<Vec<_>>())
}

#[derive(Clone, Debug)]
enum Tree {
    Test(String),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    /// Both or neither.
    Same(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        let join = |parts: &[Tree], word: &str| {
            let parts: Vec<_> = parts.iter().map(Tree::text).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Tree::Test(text) => text.clone(),
            Tree::Not(inner) => format!("NOT ({})", inner.text()),
            Tree::And(parts) => join(parts, " AND "),
            Tree::Or(parts) => join(parts, " OR "),
            Tree::Same(one, other) => format!("(({}) = ({}))", one.text(), other.text()),
        }
    }
}

fn tests() -> impl Strategy<Value = Tree> {
    let operator = prop::sample::select(vec!["=", "=", "<>", "<", "<=", ">", ">="]);
    let sort = prop::sample::select(SORTS.to_vec());
    let partition = prop::sample::select(PARTITIONS.to_vec());
    prop_oneof![
        4 => partition.clone().prop_map(|v| format!("pk = '{v}'")),
        2 => prop::collection::vec(partition, 1..3).prop_map(|v| format!("pk IN ['{}']", v.join("', '"))),
        4 => (operator, sort.clone()).prop_map(|(o, v)| format!("sk {o} '{v}'")),
        2 => (sort.clone(), sort.clone()).prop_map(|(a, b)| {
            let (low, high) = if a <= b { (a, b) } else { (b, a) };
            format!("sk BETWEEN '{low}' AND '{high}'")
        }),
        2 => prop::collection::vec(sort.clone(), 1..4).prop_map(|v| format!("sk IN ['{}']", v.join("', '"))),
        1 => sort.prop_map(|v| format!("begins_with(sk, '{v}')")),
        2 => (0..2).prop_map(|v| format!("f = {v}")),
    ]
    .prop_map(Tree::Test)
}

fn trees() -> impl Strategy<Value = Tree> {
    tests().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|t| Tree::Not(Box::new(t))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::Same(Box::new(a), Box::new(b))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            prop::collection::vec(inner, 2..4).prop_map(Tree::Or),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_items_are_those_that_a_scan_would_find(tree in trees()) {
        let mut store = store();
        let condition = tree.text();
        // Under a negation nothing is keyed: a filter over everything.
        let whole: BTreeSet<_> = store
            .keys_of(&format!("NOT (NOT ({condition}))"))
            .into_iter()
            .collect();
        match store.run(&format!("SELECT pk, sk FROM T WHERE {condition}")) {
            Ok(_) => {
                let keys = store.keys_of(&condition);
                let found: BTreeSet<_> = keys.iter().cloned().collect();
                prop_assert_eq!(found.len(), keys.len(), "an item twice: {}", condition);
                prop_assert_eq!(&found, &whole, "{}", condition);
            }
            Err(error) => {
                prop_assert_eq!(error.kind, ErrorKind::Validation);
                prop_assert!(
                    error.message.starts_with("Overlapping conditions") || error.message.starts_with("Too many decomposed"),
                    "{}: {}", condition, error.message
                );
            }
        }
    }
}

#[test]
fn ranges_of_one_partition_do_not_overlap() {
    let mut store = store();
    let fault = "Overlapping conditions with range keys are not supported in where clause";
    for condition in [
        "pk IN ['a', 'a']",
        "pk = 'a' OR pk = 'a'",
        "pk = 'a' AND (sk > '0' OR sk < '5')",
        "pk = 'a' AND (sk = '1' OR f = 1)",
        "(pk = 'a' AND f = 0) OR (pk = 'a' AND f = 1)",
        "pk = 'a' AND sk = '1' OR pk = 'a' AND begins_with(sk, '1')",
    ] {
        assert_eq!(
            store.refusal(&format!("SELECT * FROM T WHERE {condition}")),
            fault,
            "{condition}"
        );
    }
    // But where one of them is cut by a negation, the union is read.
    for (condition, found) in [
        (
            "pk = 'a' AND NOT sk = '1' OR pk = 'a' AND sk = '2'",
            vec!["a/2", "a/3", "a/4"],
        ),
        (
            "pk = 'a' AND sk <> '1' OR pk = 'a' AND sk = '1'",
            vec!["a/1", "a/2", "a/3", "a/4"],
        ),
        (
            "pk = 'a' OR pk = 'a' AND NOT sk = '1'",
            vec!["a/1", "a/2", "a/3", "a/4"],
        ),
        (
            "pk = 'a' AND NOT sk IN ['1', '3'] OR pk = 'a' AND sk = '4'",
            vec!["a/2", "a/4"],
        ),
    ] {
        assert_eq!(store.keys_of(condition), found, "{condition}");
    }
}

#[test]
fn a_select_is_no_more_than_fifty_reads() {
    let mut store = store();
    let values = |count: usize| {
        let values: Vec<_> = (0..count).map(|n| format!("'v{n}'")).collect();
        values.join(",")
    };
    let fault = "Too many decomposed read operations for a given query.";
    for condition in [
        format!("pk IN [{}]", values(51)),
        format!("pk = 'a' AND sk IN [{}]", values(51)),
        format!("pk IN [{}] AND sk IN ['1', '2']", values(26)),
    ] {
        assert_eq!(
            store.refusal(&format!("SELECT * FROM T WHERE {condition}")),
            fault
        );
    }
    for condition in [
        format!("pk IN [{}] AND f IN [1]", values(50)),
        format!("pk IN [{}] OR f = 1", values(51)),
        format!("pk IN [{}] AND sk IN ['1', '2']", values(25)),
    ] {
        assert!(
            store
                .run(&format!("SELECT * FROM T WHERE {condition}"))
                .is_ok(),
            "{condition}"
        );
    }
}

#[test]
fn key_values_have_the_type_and_size_of_the_key() {
    let mut store = store();
    let fault = |name: &str| {
        format!(
            "Key attribute's data type should match its data type in table's schema: Key {name}"
        )
    };
    for (condition, name) in [
        ("pk = 1", "pk"),
        ("pk = 1 OR pk = 'a'", "pk"),
        ("pk = 'a' AND sk = 1", "sk"),
        ("pk = 'a' AND sk IN ['1', 2]", "sk"),
        ("pk = 'a' AND sk > 1", "sk"),
    ] {
        assert_eq!(
            store.refusal(&format!("SELECT * FROM T WHERE {condition}")),
            fault(name),
            "{condition}"
        );
    }
    assert_eq!(store.keys_of("pk > 1"), Vec::<String>::new());
    assert_eq!(
        store.refusal("SELECT * FROM T WHERE pk = ''"),
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
    );
}
