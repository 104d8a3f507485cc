//! Updates: what becomes of an item, and what ReturnValues shows of it.

use crate::support::{attributes, compile_update, item, text};
use pg_dynamo_core::value::{Attributes, ValueType};
use proptest::prelude::*;

const SAMPLE: &str = r#"{
    "pk":{"S":"p"}, "n":{"N":"10"}, "s":{"S":"hi"}, "e":{"L":[]},
    "l":{"L":[{"N":"2"},{"N":"3"},{"N":"4"},{"N":"5"}]},
    "m":{"M":{"x":{"N":"1"},"y":{"M":{"z":{"S":"deep"}}},"tags":{"SS":["a","b"]}}},
    "ss":{"SS":["a","b","c"]}, "ns":{"NS":["1","2"]}, "bs":{"BS":["YQ=="]}
}"#;
const GIVEN: &str = r##"{
    "#n":"n", "#m":"m",
    ":1":{"N":"1"}, ":2":{"N":"2"}, ":s":{"S":"new"}, ":l":{"L":[{"S":"p"},{"S":"q"}]}, ":e":{"L":[]}, ":map":{"M":{"k":{"N":"1"}}},
    ":bc":{"SS":["b","c"]}, ":cd":{"SS":["c","d"]}, ":abc":{"SS":["a","b","c"]}, ":zz":{"SS":["zz"]},
    ":ns":{"NS":["2.0","3"]}, ":bs":{"BS":["Yg=="]}
}"##;

/// The attributes that differ from the sample, removed ones as null.
fn difference(update: &str) -> Result<String, String> {
    let old = item(SAMPLE);
    let new = compile_update(update, GIVEN)?
        .apply(Some(old.as_item()), &Attributes::new())
        .map_err(|e| e.message)?;
    assert_eq!(new.as_item().validate(), Ok(()), "{update}");
    let (before, after) = (
        old.as_item().to_attributes().unwrap(),
        new.as_item().to_attributes().unwrap(),
    );
    let mut changed = after.clone();
    changed.retain(|name, value| before.get(name) != Some(value));
    let removed = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .map(|name| format!(" -{name}"));
    let shown = pg_dynamo_core::value::ItemBuf::from_attributes(&changed);
    Ok(format!(
        "{}{}",
        text(shown.as_item()),
        removed.collect::<String>()
    ))
}

#[test]
fn set_and_remove() {
    let cases = [
        ("SET a = :1", r#"{"a":{"N":"1"}}"#),
        ("set s = :s, a = :1", r#"{"a":{"N":"1"},"s":{"S":"new"}}"#),
        ("sEt s=:s", r#"{"s":{"S":"new"}}"#),
        ("SET a = s", r#"{"a":{"S":"hi"}}"#),
        ("SET a = m.y.z", r#"{"a":{"S":"deep"}}"#),
        ("SET #n = #n + :1", r#"{"n":{"N":"11"}}"#),
        ("SET n = :1 - n", r#"{"n":{"N":"-9"}}"#),
        (
            "SET a = (n + :1), b = (n) - (:1)",
            r#"{"a":{"N":"11"},"b":{"N":"9"}}"#,
        ),
        ("SET a = ((m.x) + (:1))", r#"{"a":{"N":"2"}}"#),
        (
            "SET m.x = m.x + :1",
            r#"{"m":{"M":{"tags":{"SS":["a","b"]},"x":{"N":"2"},"y":{"M":{"z":{"S":"deep"}}}}}}"#,
        ),
        (
            "SET a = if_not_exists(a, :1), n = if_not_exists(n, :2)",
            r#"{"a":{"N":"1"}}"#,
        ),
        (
            "SET a = if_not_exists(q, if_not_exists(n, :1))",
            r#"{"a":{"N":"10"}}"#,
        ),
        ("SET a = if_not_exists(a, :1) + :2", r#"{"a":{"N":"3"}}"#),
        (
            "SET e = list_append(:l, e)",
            r#"{"e":{"L":[{"S":"p"},{"S":"q"}]}}"#,
        ),
        (
            "SET a = list_append(if_not_exists(a, :e), :l)",
            r#"{"a":{"L":[{"S":"p"},{"S":"q"}]}}"#,
        ),
        (
            "SET l[1] = :s",
            r#"{"l":{"L":[{"N":"2"},{"S":"new"},{"N":"4"},{"N":"5"}]}}"#,
        ),
        (
            "SET l[90] = :1, l[40] = :2",
            r#"{"l":{"L":[{"N":"2"},{"N":"3"},{"N":"4"},{"N":"5"},{"N":"2"},{"N":"1"}]}}"#,
        ),
        (
            "REMOVE l[1] SET l[3] = :s",
            r#"{"l":{"L":[{"N":"2"},{"N":"4"},{"S":"new"}]}}"#,
        ),
        (
            "SET l[3] = :s REMOVE l[0], l[1]",
            r#"{"l":{"L":[{"N":"4"},{"S":"new"}]}}"#,
        ),
        ("REMOVE l[0], l[1], l[2], l[3]", r#"{"l":{"L":[]}}"#),
        ("REMOVE s", "{} -s"),
        ("REMOVE s SET a = s", r#"{"a":{"S":"hi"}} -s"#),
        ("SET s = n, n = s", r#"{"n":{"S":"hi"},"s":{"N":"10"}}"#),
        (
            "REMOVE m.y.z",
            r#"{"m":{"M":{"tags":{"SS":["a","b"]},"x":{"N":"1"},"y":{"M":{}}}}}"#,
        ),
        ("REMOVE q, m.q, l[77]", "{}"),
        (
            "SET m.fresh = :map, m.y.w = :1 REMOVE m.x",
            r#"{"m":{"M":{"fresh":{"M":{"k":{"N":"1"}}},"tags":{"SS":["a","b"]},"y":{"M":{"w":{"N":"1"},"z":{"S":"deep"}}}}}}"#,
        ),
        ("SET s = s", "{}"),
        ("SET m.y = m.y, l[0] = l[0]", "{}"),
    ];
    for (update, expected) in cases {
        assert_eq!(difference(update).as_deref(), Ok(expected), "{update}");
    }
}

#[test]
fn add_and_delete() {
    let cases = [
        ("ADD n :2", r#"{"n":{"N":"12"}}"#),
        ("ADD a :2", r#"{"a":{"N":"2"}}"#),
        ("ADD ss :cd", r#"{"ss":{"SS":["a","b","c","d"]}}"#),
        ("ADD ss :bc", "{}"),
        (
            "ADD a :cd, ns :ns",
            r#"{"a":{"SS":["c","d"]},"ns":{"NS":["1","2","3"]}}"#,
        ),
        ("ADD bs :bs", r#"{"bs":{"BS":["YQ==","Yg=="]}}"#),
        (
            "ADD m.tags :cd, m.cnt :1",
            r#"{"m":{"M":{"cnt":{"N":"1"},"tags":{"SS":["a","b","c","d"]},"x":{"N":"1"},"y":{"M":{"z":{"S":"deep"}}}}}}"#,
        ),
        ("DELETE ss :bc", r#"{"ss":{"SS":["a"]}}"#),
        ("DELETE ss :abc", "{} -ss"),
        ("DELETE ss :zz, q :zz", "{}"),
        (
            "DELETE m.tags :abc",
            r#"{"m":{"M":{"x":{"N":"1"},"y":{"M":{"z":{"S":"deep"}}}}}}"#,
        ),
        (
            "DELETE ns :ns ADD n :1 REMOVE s SET a = :1",
            r#"{"a":{"N":"1"},"n":{"N":"11"},"ns":{"NS":["1"]}} -s"#,
        ),
    ];
    for (update, expected) in cases {
        assert_eq!(difference(update).as_deref(), Ok(expected), "{update}");
    }
}

#[test]
fn faults_that_depend_on_the_item() {
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    let operand = "An operand in the update expression has an incorrect data type";
    let path = "The document path provided in the update expression is invalid for update";
    let cases = [
        ("SET a = q", missing),
        ("SET a = q + :1", missing),
        ("SET a = list_append(q, :l)", missing),
        ("SET a = if_not_exists(q, q)", missing),
        ("SET a = :1, b = a", missing),
        ("SET a = l[9]", missing),
        ("SET a = s + :1", operand),
        ("SET a = n - l", operand),
        ("SET a = list_append(s, :l)", operand),
        ("SET a = list_append(l, m)", operand),
        ("ADD s :1", operand),
        ("ADD ss :1", operand),
        ("ADD ss :ns", operand),
        ("ADD l :cd", operand),
        ("DELETE n :bc", operand),
        ("DELETE ss :ns", operand),
        ("SET q.a = :1", path),
        ("SET s.a = :1", path),
        ("SET l.a = :1", path),
        ("SET m[0] = :1", path),
        ("SET q[0] = :1", path),
        ("SET m.q.a = :1", path),
        ("SET l[9].a = :1", path),
        ("REMOVE q.a", path),
        ("REMOVE s[0]", path),
        ("ADD q.a :1", path),
        // which first: right-hand sides before paths
        ("SET q.a = :1, b = q", missing),
    ];
    for (update, expected) in cases {
        assert_eq!(difference(update).unwrap_err(), expected, "{update}");
    }
}

#[test]
fn a_sum_beyond_the_range_is_refused() {
    let huge = r#"{":a":{"N":"9.9e125"}}"#;
    let update = compile_update("SET a = :a + :a", huge).unwrap();
    let error = update
        .apply(None, &attributes(r#"{"pk":{"S":"p"}}"#))
        .unwrap_err();
    assert!(
        error.message.starts_with("Number overflow"),
        "{}",
        error.message
    );
}

#[test]
fn an_item_that_does_not_exist_begins_with_its_key() {
    let key = attributes(r#"{"pk":{"S":"p"},"sk":{"N":"7"}}"#);
    let cases = [
        (
            "SET a = :1",
            r#"{"a":{"N":"1"},"pk":{"S":"p"},"sk":{"N":"7"}}"#,
        ),
        (
            "ADD a :1",
            r#"{"a":{"N":"1"},"pk":{"S":"p"},"sk":{"N":"7"}}"#,
        ),
        (
            "SET a = pk",
            r#"{"a":{"S":"p"},"pk":{"S":"p"},"sk":{"N":"7"}}"#,
        ),
        ("REMOVE a, x.y, z[0]", r#"{"pk":{"S":"p"},"sk":{"N":"7"}}"#),
        ("DELETE a :bc", r#"{"pk":{"S":"p"},"sk":{"N":"7"}}"#),
    ];
    for (update, expected) in cases {
        let made = compile_update(update, GIVEN)
            .unwrap()
            .apply(None, &key)
            .unwrap();
        assert_eq!(text(made.as_item()), expected, "{update}");
    }
    let error = compile_update("SET x.y = :1", GIVEN)
        .unwrap()
        .apply(None, &key)
        .unwrap_err();
    assert!(error.message.contains("document path"), "{}", error.message);
}

#[test]
fn an_update_that_only_removes_creates_nothing() {
    let cases = [
        ("SET a = :1 REMOVE s", true),
        ("ADD a :1", true),
        ("REMOVE a, m.x", false),
        ("DELETE ss :bc REMOVE a", false),
    ];
    for (update, creates) in cases {
        let compiled = compile_update(update, GIVEN).unwrap();
        assert_eq!(compiled.creates_item(), creates, "{update}");
    }
}

#[test]
fn a_result_that_nests_too_deep_is_refused() {
    let mut deep = String::from(r#"{"N":"1"}"#);
    for _ in 0..30 {
        deep = format!(r#"{{"M":{{"a":{deep}}}}}"#);
    }
    let old = item(r#"{"pk":{"S":"p"},"m":{"M":{"x":{"M":{}}}}}"#);
    let given = format!(r#"{{":deep":{deep}}}"#);
    compile_update("SET m.x = :deep", &given)
        .unwrap()
        .apply(Some(old.as_item()), &Attributes::new())
        .unwrap();
    let error = compile_update("SET m.x.y = :deep", &given)
        .unwrap()
        .apply(Some(old.as_item()), &Attributes::new())
        .unwrap_err();
    assert!(
        error.message.starts_with("Nesting Levels"),
        "{}",
        error.message
    );
}

#[test]
fn touched_paths_in_their_nested_shape() {
    let image = item(SAMPLE);
    let cases = [
        ("SET s = :s", Some(r#"{"s":{"S":"hi"}}"#)),
        (
            "SET m.x = :1, s = :s",
            Some(r#"{"m":{"M":{"x":{"N":"1"}}},"s":{"S":"hi"}}"#),
        ),
        (
            "SET l[2] = :1, l[0] = :2",
            Some(r#"{"l":{"L":[{"N":"2"},{"N":"4"}]}}"#),
        ),
        ("SET q = :1, m.q = :1, l[50] = :1", None),
        ("REMOVE l[1], l[30]", Some(r#"{"l":{"L":[{"N":"3"}]}}"#)),
        (
            "ADD ns :ns DELETE m.tags :abc",
            Some(r#"{"m":{"M":{"tags":{"SS":["a","b"]}}},"ns":{"NS":["1","2"]}}"#),
        ),
    ];
    for (update, expected) in cases {
        let shown = compile_update(update, GIVEN)
            .unwrap()
            .touched(image.as_item())
            .unwrap();
        assert_eq!(
            shown.map(|i| text(i.as_item())).as_deref(),
            expected,
            "{update}"
        );
    }
}

#[test]
fn targets_and_types_are_known_before_the_item_is_read() {
    let update = compile_update(
        "SET #m.x = :1, a = :s, b = n ADD n :1 REMOVE l[0] DELETE ss :bc",
        GIVEN,
    )
    .unwrap();
    assert!(
        ["a", "b", "l", "m", "n", "ss"]
            .iter()
            .all(|name| update.writes(name))
    );
    assert!(!update.writes("x"));
    assert_eq!(
        update.nested_attributes().into_iter().collect::<Vec<_>>(),
        ["l", "m"]
    );
    assert_eq!(
        update
            .assigned_types()
            .map(|(name, kind)| (name, kind.unwrap()))
            .collect::<Vec<_>>(),
        [
            ("a", ValueType::S),
            ("n", ValueType::N),
            ("ss", ValueType::Ss)
        ]
    );
}

fn any_item() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        any::<i32>().prop_map(|n| format!(r#"{{"N":"{n}"}}"#)),
        "[a-z]{0,9}".prop_map(|s| format!(r#"{{"S":"{s}"}}"#)),
        Just(r#"{"BOOL":false}"#.to_string()),
        Just(r#"{"NS":["3","1","2"]}"#.to_string()),
    ];
    let value = scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|l| format!(r#"{{"L":[{}]}}"#, l.join(","))),
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| {
                let members: Vec<_> = m.iter().map(|(k, v)| format!(r#""{k}":{v}"#)).collect();
                format!(r#"{{"M":{{{}}}}}"#, members.join(","))
            }),
        ]
    });
    prop::collection::btree_map("[a-f]", value, 0..6).prop_map(|m| {
        let members: Vec<_> = m.iter().map(|(k, v)| format!(r#""{k}":{v}"#)).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    /// An update that sets everything to what it is, and removes what is not there, gives the same bytes.
    #[test]
    fn an_update_that_changes_nothing_keeps_the_bytes(shape in any_item()) {
        let old = item(&shape);
        let mut actions = vec!["SET zero = if_not_exists(zero, :z)".to_string()];
        for name in attributes(&shape).keys() {
            actions.push(format!("{name} = {name}"));
        }
        let given = r#"{":z":{"N":"0"}}"#;
        let removal = " REMOVE nothing";
        let grown = compile_update(&(actions.join(", ") + removal), given)
            .unwrap().apply(Some(old.as_item()), &Attributes::new()).unwrap();
        let again = compile_update(&(actions.join(", ") + removal), given)
            .unwrap().apply(Some(grown.as_item()), &Attributes::new()).unwrap();
        prop_assert_eq!(&again, &grown);
        let back = compile_update("REMOVE zero", "{}")
            .unwrap().apply(Some(again.as_item()), &Attributes::new()).unwrap();
        prop_assert_eq!(back, old);
    }

    /// Bytes spliced together equal bytes encoded from the whole.
    #[test]
    fn an_updated_item_is_canonical(shape in any_item(), name in "[a-f]", inner in "[a-d]") {
        let old = item(&shape);
        for update in [format!("SET {name} = :v"), format!("SET {name}.{inner} = :v"), format!("REMOVE {name}[0]"), format!("ADD {name} :n")] {
            let given = r#"{":v":{"M":{"q":{"S":"x"}}},":n":{"N":"1"}}"#;
            let given = if update.starts_with("SET") { r#"{":v":{"M":{"q":{"S":"x"}}}}"# } else { given };
            if let Ok(new) = compile_update(&update, given).unwrap().apply(Some(old.as_item()), &Attributes::new()) {
                prop_assert_eq!(new.as_item().validate(), Ok(()));
                let whole = pg_dynamo_core::value::ItemBuf::from_attributes(&new.as_item().to_attributes().unwrap());
                prop_assert_eq!(new, whole);
            }
        }
    }
}
