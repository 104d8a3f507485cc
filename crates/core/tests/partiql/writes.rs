//! INSERT, UPDATE and DELETE.
use crate::store::Store;
use pg_dynamo_core::ErrorKind;

fn store() -> Store {
    Store::of(&[
        r#"{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"5"},"s":{"S":"text"},"l":{"S":"x"},
            "list":{"L":[{"S":"a"},{"S":"b"},{"S":"c"}]},"m":{"M":{"x":{"S":"old"},"y":{"S":"keep"}}},
            "ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]}}"#,
    ])
}

/// What the item is after an UPDATE.
fn updated(changes: &str) -> String {
    let mut store = store();
    let statement = format!("UPDATE T {changes} WHERE pk = 'a' AND sk = '1'");
    assert_eq!(
        store.run(&statement).unwrap(),
        r#"{"Items":[]}"#,
        "{statement}"
    );
    store.stored("a", "1").unwrap()
}

#[test]
fn insert_makes_an_item_where_there_is_none() {
    let mut store = store();
    let statement = "INSERT INTO \"T\" value {'pk': 'b', 'sk': ?, 'n': -1.50, 'list': [1, 'two'], 'none': null}";
    let reply = store.with(statement, r#""Parameters":[{"S":"2"}]"#);
    assert_eq!(reply.unwrap(), r#"{"Items":[]}"#);
    assert_eq!(
        store.stored("b", "2").unwrap(),
        r#"{"list":{"L":[{"N":"1"},{"S":"two"}]},"n":{"N":"-1.5"},"none":{"NULL":true},"pk":{"S":"b"},"sk":{"S":"2"}}"#
    );
    let again = store
        .with(statement, r#""Parameters":[{"S":"2"}]"#)
        .unwrap_err();
    assert_eq!(again.kind, ErrorKind::DuplicateItem);
    assert_eq!(again.message, "Duplicate primary key exists in table");
    for (item, fault) in [
        (
            "{'pk': 'x'}",
            "One or more parameter values were invalid: Missing the key sk in the item",
        ),
        (
            "{'pk': 1, 'sk': '1'}",
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
    ] {
        assert_eq!(store.refusal(&format!("INSERT INTO T VALUE {item}")), fault);
    }
}

#[test]
fn update_changes_an_item_that_is_there() {
    for (changes, part) in [
        ("SET n = 6", r#""n":{"N":"6"}"#),
        ("SET n = n + 1", r#""n":{"N":"6"}"#),
        ("SET n=n-1", r#""n":{"N":"4"}"#),
        ("SET n = n - - 2 + 10 - 1", r#""n":{"N":"16"}"#),
        ("SET s = 'it''s', n = 1", r#""s":{"S":"it's"}"#),
        ("SET s = 'x' SET n = 1 REMOVE l", r#""n":{"N":"1"}"#),
        (
            "SET m.x = 'new'",
            r#""m":{"M":{"x":{"S":"new"},"y":{"S":"keep"}}}"#,
        ),
        (
            "SET m.\"odd name\" = {'deep': [true]}",
            r#""odd name":{"M":{"deep":{"L":[{"BOOL":true}]}}}"#,
        ),
        (
            "SET list[1] = 'B'",
            r#""list":{"L":[{"S":"a"},{"S":"B"},{"S":"c"}]}"#,
        ),
        ("SET list[9] = 'd'", r#"{"S":"c"},{"S":"d"}]}"#),
        ("REMOVE list[0], list[1]", r#""list":{"L":[{"S":"c"}]}"#),
        (
            "SET list = list_append(list, [1])",
            r#"{"S":"c"},{"N":"1"}]}"#,
        ),
        (
            "SET list = LIST_APPEND(['z'], list)",
            r#""list":{"L":[{"S":"z"},{"S":"a"}"#,
        ),
        (
            "SET ss = set_add(ss, <<'c', 'a'>>)",
            r#""ss":{"SS":["a","b","c"]}"#,
        ),
        (
            "SET fresh = SET_ADD(fresh, <<1>>)",
            r#""fresh":{"NS":["1"]}"#,
        ),
        (
            "SET ss = set_delete(ss, <<'a', 'z'>>)",
            r#""ss":{"SS":["b"]}"#,
        ),
        ("SET copy = m.y", r#""copy":{"S":"keep"}"#),
    ] {
        let item = updated(changes);
        assert!(item.contains(part), "{changes}: {item}");
    }
    assert!(!updated("SET ss = set_delete(ss, <<'a', 'b'>>)").contains("\"ss\""));
    assert!(!updated("REMOVE l, none").contains("\"l\""));
    let mut store = store();
    assert_eq!(
        store
            .run("FROM T WHERE pk = 'a' AND sk = '1' SET n = 7 REMOVE l")
            .unwrap(),
        r#"{"Items":[]}"#
    );
    assert!(store.stored("a", "1").unwrap().contains(r#""n":{"N":"7"}"#));
    // A FROM in front counts its parameters in order of the text, too.
    let reply = store.with(
        "FROM T WHERE pk = ? AND sk = ? SET n = ?",
        r#""Parameters":[{"S":"a"},{"S":"1"},{"N":"8"}]"#,
    );
    assert!(reply.is_ok() && store.stored("a", "1").unwrap().contains(r#""n":{"N":"8"}"#));
}

#[test]
fn a_condition_that_fails_stops_a_write() {
    for statement in [
        "UPDATE T SET n = 1 WHERE pk = 'a' AND sk = '1' AND s = 'other'",
        "UPDATE T SET n = 1 WHERE pk = 'a' AND sk = '9'",
        "UPDATE T REMOVE n WHERE pk = 'a' AND sk = '9'",
        "UPDATE T SET n = 1 WHERE pk = 'a' AND sk = '9' AND attribute_not_exists(pk)",
        "UPDATE T SET ss = set_add(ss, <<'x'>>) WHERE pk = 'a' AND sk = '9'",
        "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND NOT begins_with(s, 'te')",
        "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND (s = 'x' OR n = 6)",
    ] {
        let mut store = store();
        let before = store.items.clone();
        let error = store.run(statement).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ConditionalCheckFailed, "{statement}");
        assert_eq!(store.items, before, "{statement}");
        let mut request = format!(
            r#"{{"Statement":"{statement}","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}"#
        );
        request = request.replace('\n', " ");
        let item = store.request(&request).unwrap_err().extra;
        assert_eq!(item.is_empty(), statement.contains("'9'"), "{statement}");
    }
    for statement in [
        "UPDATE T SET n = 1 WHERE (pk = 'a' AND sk = '1') AND s = 'text'",
        "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND s = 'text'",
        "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND pk = 'a'",
        // There is nothing to ask where there is no item.
        "DELETE FROM T WHERE pk = 'a' AND sk = '9' AND s = 'text'",
    ] {
        assert_eq!(
            store().run(statement).unwrap(),
            r#"{"Items":[]}"#,
            "{statement}"
        );
    }
}

#[test]
fn returning_shows_images() {
    for (statement, items) in [
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = '9' RETURNING ALL OLD *",
            "",
        ),
        (
            "UPDATE T SET n = 6 WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED OLD *",
            r#"{"n":{"N":"5"}}"#,
        ),
        (
            "UPDATE T SET n = 6 WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED NEW *",
            r#"{"n":{"N":"6"}}"#,
        ),
        (
            "UPDATE T SET m.x = 'new' WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED NEW *",
            r#"{"m":{"M":{"x":{"S":"new"}}}}"#,
        ),
        (
            "UPDATE T REMOVE l WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED NEW *",
            "",
        ),
        (
            "UPDATE T REMOVE l WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED OLD *",
            r#"{"l":{"S":"x"}}"#,
        ),
        (
            "UPDATE T SET fresh = 1 WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED OLD *",
            "",
        ),
        (
            "UPDATE T SET list[2] = 'y', list[0] = 'x' WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED NEW *",
            r#"{"list":{"L":[{"S":"x"},{"S":"y"}]}}"#,
        ),
        (
            "UPDATE T SET list[5] = 'y' WHERE pk = 'a' AND sk = '1' RETURNING MODIFIED NEW *",
            "",
        ),
    ] {
        assert_eq!(
            store().run(statement).unwrap(),
            format!(r#"{{"Items":[{items}]}}"#),
            "{statement}"
        );
    }
    for (statement, old) in [
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = '1' RETURNING ALL OLD *",
            true,
        ),
        (
            "UPDATE T SET n = 6 WHERE pk = 'a' AND sk = '1' RETURNING ALL OLD *",
            true,
        ),
        (
            "UPDATE T SET n = 6 WHERE pk = 'a' AND sk = '1' returning all new *",
            false,
        ),
    ] {
        let reply = store().run(statement).unwrap();
        let n = if old { 5 } else { 6 };
        assert!(
            reply.contains(&format!(r#""n":{{"N":"{n}"}}"#)) && reply.contains("\"pk\""),
            "{reply}"
        );
    }
    for variant in ["MODIFIED OLD", "ALL NEW", "MODIFIED NEW"] {
        let statement = format!("DELETE FROM T WHERE pk = 'a' AND sk = '1' RETURNING {variant} *");
        assert_eq!(
            store().refusal(&statement),
            format!(
                "Invalid returning clause: RETURNING {variant} *. Only RETURNING ALL OLD * is allowed in DELETE statements."
            )
        );
    }
}

#[test]
fn a_write_is_of_one_item() {
    let whole = "Where clause does not contain a mandatory equality on all key attributes";
    let several =
        "Multiple conditions on same key pk. Only single item Update/Insert/Delete are supported";
    for (statement, fault) in [
        ("DELETE FROM T WHERE pk = 'a'", whole),
        ("DELETE FROM T", whole),
        ("UPDATE T SET n = 1", whole),
        ("UPDATE T SET n = 1 WHERE sk = '1' AND pk IN ['a']", whole),
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = '1' OR pk = 'b' AND sk = '1'",
            whole,
        ),
        ("DELETE FROM T WHERE pk = 'a' AND sk > '1'", whole),
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND pk = 'b'",
            several,
        ),
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = 1",
            "The provided key element does not match the schema",
        ),
        (
            "UPDATE T SET pk = 'b' WHERE pk = 'a' AND sk = '1'",
            "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
        ),
        (
            "UPDATE T.Local SET n = 1 WHERE pk = 'a' AND sk = '1'",
            "This operation is not supported on an index",
        ),
        (
            "DELETE FROM T.Local WHERE pk = 'a' AND sk = '1'",
            "This operation is not supported on an index",
        ),
        (
            "UPDATE T SET list[0] = 1, list = [2] WHERE pk = 'a' AND sk = '1'",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [list, [0]], path two: [list]",
        ),
        (
            "UPDATE T SET none[0] = 'x' WHERE pk = 'a' AND sk = '1'",
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "UPDATE T SET none = list_append(none, [1]) WHERE pk = 'a' AND sk = '1'",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "UPDATE T SET ss = set_add(ss, <<1>>) WHERE pk = 'a' AND sk = '1'",
            "An operand in the update expression has an incorrect data type",
        ),
        (
            "UPDATE T SET g = 1 WHERE pk = 'a' AND sk = '1'",
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: Global",
        ),
    ] {
        assert_eq!(store().refusal(statement), fault, "{statement}");
    }
}
