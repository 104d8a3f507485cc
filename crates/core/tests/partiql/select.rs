//! What a SELECT reads and shows.
use crate::store::Store;

fn store() -> Store {
    Store::of(&[
        r#"{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"5"},"l":{"S":"x"},"g":{"S":"G"},"p":{"S":"P"},"q":{"S":"Q"},
            "m":{"M":{"k":{"L":[{"S":"c"},{"N":"7"}]}}},"ss":{"SS":["u","v"]},"nul":{"NULL":true},"flag":{"BOOL":true}}"#,
        r#"{"pk":{"S":"a"},"sk":{"S":"2"},"n":{"N":"6"},"g":{"S":"G"},"name":{"S":"it's"}}"#,
        r#"{"pk":{"S":"a"},"sk":{"S":"3"},"n":{"N":"7"},"l":{"S":"y"}}"#,
        r#"{"pk":{"S":"b"},"sk":{"S":"1"},"n":{"N":"5"}}"#,
        r#"{"pk":{"S":"b"},"sk":{"S":"2"}}"#,
    ])
}

#[test]
fn a_key_reads_one_item_and_a_partition_reads_itself() {
    let mut store = store();
    for (condition, found, looked_at) in [
        ("pk = 'a' AND sk = '2'", vec!["a/2"], 1),
        ("'2' = sk AND ('a' = pk)", vec!["a/2"], 1),
        ("pk = 'a' AND sk = '9'", vec![], 0),
        ("pk = 'a'", vec!["a/1", "a/2", "a/3"], 3),
        ("pk = 'a' AND sk > '1'", vec!["a/2", "a/3"], 2),
        ("pk = 'a' AND '2' > sk", vec!["a/1"], 1),
        ("pk = 'a' AND sk BETWEEN '1' AND '2'", vec!["a/1", "a/2"], 2),
        ("pk = 'a' AND begins_with(sk, '3')", vec!["a/3"], 1),
        ("pk = 'a' AND sk = '1' AND n = 6", vec![], 1),
        ("pk = 'a' AND sk <> '1'", vec!["a/2", "a/3"], 3),
        ("pk = 'a' AND sk >= '2' AND sk <= '2'", vec!["a/2"], 2),
        ("pk = 'a' AND sk = '1' AND pk = 'b'", vec![], 1),
        ("pk = 'a' AND sk = '1' AND sk > '0'", vec!["a/1"], 1),
        (
            "pk = 'a' AND sk = '1' AND attribute_exists(pk)",
            vec!["a/1"],
            1,
        ),
    ] {
        assert_eq!(store.keys_of(condition), found, "{condition}");
        assert_eq!(store.looked_at, looked_at, "{condition}");
    }
}

#[test]
fn several_keys_are_as_many_reads_and_anything_else_is_a_scan() {
    let mut store = store();
    for (condition, found, looked_at) in [
        ("pk IN ['b', 'a'] AND sk = '1'", vec!["b/1", "a/1"], 2),
        ("pk IN ('b') AND sk IN ('2', '1')", vec!["b/2", "b/1"], 2),
        (
            "pk = 'a' AND sk = '3' OR pk = 'b' AND sk = '1'",
            vec!["a/3", "b/1"],
            2,
        ),
        ("(pk = 'a' OR pk = 'b') AND n = 5", vec!["a/1", "b/1"], 5),
        ("pk = 'a' AND (sk = '1' OR sk = '3')", vec!["a/1", "a/3"], 2),
        (
            "pk = 'a' AND (sk < '1' OR sk > '1' OR sk = '1')",
            vec!["a/2", "a/3", "a/1"],
            3,
        ),
        ("pk > 'a'", vec!["b/1", "b/2"], 5),
        ("n = 6", vec!["a/2"], 5),
        ("pk = 'b' OR n = 7", vec!["a/3", "b/1", "b/2"], 5),
        ("NOT pk = 'a'", vec!["b/1", "b/2"], 5),
        ("pk = 'a' AND (pk = 'b' OR n = 6)", vec!["a/2"], 3),
    ] {
        let mut keys = store.keys_of(condition);
        if store.looked_at == 5 {
            keys.sort();
        }
        assert_eq!(keys, found, "{condition}");
        assert_eq!(store.looked_at, looked_at, "{condition}");
    }
    assert_eq!(store.items_of("SELECT sk FROM T").len(), 5);
}

#[test]
fn a_column_has_the_name_of_its_last_part() {
    let mut store = store();
    for (columns, shown) in [
        ("pk, n", r#"{"n":{"N":"5"},"pk":{"S":"a"}}"#),
        ("\"pk\", none", r#"{"pk":{"S":"a"}}"#),
        ("m.k", r#"{"k":{"L":[{"S":"c"},{"N":"7"}]}}"#),
        (
            "m.k[0], m.\"k\"[1]",
            r#"{"k[0]":{"S":"c"},"k[1]":{"N":"7"}}"#,
        ),
        ("m.none, pk", r#"{"pk":{"S":"a"}}"#),
        ("m.k[-0]", r#"{"k[0]":{"S":"c"}}"#),
    ] {
        let statement = format!("SELECT {columns} FROM T WHERE pk = 'a' AND sk = '1'");
        assert_eq!(store.items_of(&statement), [shown], "{columns}");
    }
}

#[test]
fn conditions_have_every_operator() {
    let mut store = store();
    for (condition, holds) in [
        (
            "n = 5 AND n <> 6 AND n != 6 AND n < 6 AND n <= 5 AND n > 4 AND n >= 5",
            true,
        ),
        ("n BETWEEN 5 AND 6", true),
        ("n NOT BETWEEN 5 AND 6", false),
        ("n IN [1, 5] AND n IN (1, 5)", true),
        ("n NOT IN [1, 5]", false),
        ("NOT n IN [1]", true),
        ("NOT NOT NOT n = 5", false),
        ("p IS MISSING", false),
        ("none IS MISSING AND p IS NOT MISSING", true),
        ("nul IS NULL AND p IS NOT NULL AND none IS NOT NULL", true),
        ("none IS NULL", false),
        (
            "flag IS BOOL AND p IS STRING AND ss IS BAG AND m IS STRUCT AND m.k IS LIST",
            true,
        ),
        ("p IS NUMBER", false),
        ("flag = true AND flag <> false", true),
        ("nul = null", true),
        ("m.k[1] = 7 AND m.k[0] = 'c'", true),
        ("m = {'k': ['c', 7]}", true),
        ("m.k = ['c', 7.0]", true),
        ("ss = <<'v', 'u'>>", true),
        ("n = 5 OR n = 6 AND n = 7", true),
        ("(n = 5 OR n = 6) AND n = 7", false),
        ("p < q", true),
        ("n > -5 AND n > - 5 AND n = - - 5 AND n = +5", true),
    ] {
        let found = store.keys_of(&format!("pk = 'a' AND sk = '1' AND ({condition})"));
        assert_eq!(!found.is_empty(), holds, "{condition}");
    }
    assert_eq!(store.keys_of("pk = 'a' AND name = 'it''s'"), ["a/2"]);
}

#[test]
fn the_order_is_that_of_the_keys() {
    let mut store = store();
    for (rest, found) in [
        ("pk = 'a' ORDER BY sk", vec!["a/1", "a/2", "a/3"]),
        ("pk = 'a' ORDER BY sk DESC", vec!["a/3", "a/2", "a/1"]),
        (
            "pk = 'a' ORDER BY pk DESC, sk ASC",
            vec!["a/1", "a/2", "a/3"],
        ),
        // Of a sort key that is not named DynamoDB reads the last items first.
        ("pk = 'a' ORDER BY pk", vec!["a/3", "a/2", "a/1"]),
        (
            "pk IN ['a', 'b'] ORDER BY pk DESC, sk",
            vec!["b/1", "b/2", "a/1", "a/2", "a/3"],
        ),
        (
            "pk = 'a' AND sk IN ['3', '1', '2'] ORDER BY sk",
            vec!["a/1", "a/2", "a/3"],
        ),
        (
            "pk = 'a' AND sk IN ['3', '1', '2'] ORDER BY sk DESC",
            vec!["a/3", "a/2", "a/1"],
        ),
        (
            "pk = 'a' AND (sk > '1' OR sk = '1') ORDER BY sk",
            vec!["a/1", "a/2", "a/3"],
        ),
    ] {
        assert_eq!(store.keys_of(rest), found, "{rest}");
    }
    for (statement, fault) in [
        (
            "SELECT * FROM T ORDER BY sk",
            "Must have WHERE clause in the statement when using ORDER BY clause.",
        ),
        (
            "SELECT * FROM T WHERE pk = 'a' ORDER BY n",
            "Attribute n in ORDER BY clause must be part of the primary key",
        ),
        (
            "SELECT * FROM T WHERE pk > 'a' ORDER BY sk",
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        (
            "SELECT * FROM T WHERE pk IN ['a', 'b'] ORDER BY sk",
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ),
    ] {
        assert_eq!(store.refusal(statement), fault);
    }
}

#[test]
fn an_index_is_read_by_its_own_keys_and_shows_what_it_holds() {
    let mut store = store();
    let keys = |store: &mut Store, rest: &str| {
        let found = store.items_of(&format!("SELECT sk FROM {rest}"));
        (found.join(""), store.looked_at)
    };
    assert_eq!(
        keys(&mut store, "\"T\".\"Global\" WHERE g = 'G' AND n > 5"),
        (r#"{"sk":{"S":"2"}}"#.into(), 1)
    );
    assert_eq!(
        keys(&mut store, "T.Local WHERE pk = 'a' ORDER BY l DESC"),
        (r#"{"sk":{"S":"3"}}{"sk":{"S":"1"}}"#.into(), 2)
    );
    assert_eq!(
        keys(&mut store, "T.Keys WHERE pk = 'a' AND sk = '1'"),
        (r#"{"sk":{"S":"1"}}"#.into(), 2)
    );
    assert_eq!(
        store.items_of("SELECT * FROM T.Global WHERE g = 'G' AND n = 5"),
        [r#"{"g":{"S":"G"},"n":{"N":"5"},"p":{"S":"P"},"pk":{"S":"a"},"sk":{"S":"1"}}"#]
    );
    // A local index fetches from the table what it is asked for by name.
    assert_eq!(
        store.items_of("SELECT q FROM T.Local WHERE pk = 'a' AND l = 'x'"),
        [r#"{"q":{"S":"Q"}}"#]
    );
    // A scan of an index filters by what is there.
    assert_eq!(
        store.items_of("SELECT sk FROM T.Global WHERE q = 'Q'"),
        Vec::<String>::new()
    );
    let multi = "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys.";
    let invalid = "One or more parameter values were invalid: ";
    for (statement, fault) in [
        (
            "SELECT * FROM T.Nowhere WHERE pk = 'a'",
            "The table does not have the specified index".to_owned(),
        ),
        ("SELECT * FROM T.Many WHERE g = 'G'", multi.to_owned()),
        (
            "SELECT q, r FROM T.Global WHERE g = 'G'",
            format!("{invalid}Global secondary index Global does not project [q, r]"),
        ),
        (
            "SELECT q FROM T.Keys",
            format!("{invalid}Global secondary index Keys does not project [q]"),
        ),
        (
            "SELECT sk FROM T.Global WHERE g = 'G' AND q = 'Q'",
            format!(
                "{invalid}Secondary index Global does not project one or more filter attributes: [q]"
            ),
        ),
        (
            "SELECT sk FROM T.Local WHERE pk = 'a' AND q = 'Q'",
            format!(
                "{invalid}Secondary index Local does not project one or more filter attributes: [q]"
            ),
        ),
    ] {
        assert_eq!(store.refusal(statement), fault, "{statement}");
    }
    let consistent = store.with(
        "SELECT * FROM T.Keys WHERE g = 'G'",
        r#""ConsistentRead":true"#,
    );
    assert_eq!(
        consistent.unwrap_err().message,
        "Strongly consistent read is not supported on Global Secondary Indexes"
    );
    assert!(
        store
            .with(
                "SELECT * FROM T.Local WHERE pk = 'a'",
                r#""ConsistentRead":true"#
            )
            .is_ok()
    );
}

#[test]
fn parameters_stand_where_values_do() {
    let mut store = store();
    let reply = store.with(
        "SELECT sk FROM T WHERE pk = ? AND sk BETWEEN ? AND ? AND n IN [?, 9]",
        r#""Parameters":[{"S":"a"},{"S":"1"},{"S":"3"},{"N":"6"}]"#,
    );
    assert_eq!(reply.unwrap(), r#"{"Items":[{"sk":{"S":"2"}}]}"#);
    // More than there are places is accepted, fewer are not.
    assert!(
        store
            .with(
                "SELECT * FROM T WHERE pk = ?",
                r#""Parameters":[{"S":"a"},{"S":"b"}]"#
            )
            .is_ok()
    );
    let few = store.with(
        "SELECT * FROM T WHERE pk = ? AND sk = ?",
        r#""Parameters":[{"S":"a"}]"#,
    );
    assert_eq!(
        few.unwrap_err().message,
        "Number of parameters in request and statement don't match."
    );
    // They are looked at before the statement.
    let wrong = store.with("SELECT", r#""Parameters":[{"SS":["a","a"]}]"#);
    assert_eq!(
        wrong.unwrap_err().message,
        "One or more parameter values were invalid: Input collection [a, a] contains duplicates."
    );
}

#[test]
fn capacity_is_that_of_every_range() {
    let mut store = store();
    let mut capacity = |statement: &str, more: &str| {
        let members = format!(r#""ReturnConsumedCapacity":"INDEXES"{more}"#);
        let reply = store.with(statement, &members).unwrap();
        reply[reply.find("\"ConsumedCapacity\"").unwrap()..].to_owned()
    };
    let table = |units: &str| {
        format!(
            r#""ConsumedCapacity":{{"TableName":"T","CapacityUnits":{units},"Table":{{"CapacityUnits":{units}}}}}}}"#
        )
    };
    assert_eq!(
        capacity("SELECT * FROM T WHERE pk = 'a' AND sk = '1'", ""),
        table("0.5")
    );
    assert_eq!(
        capacity(
            "SELECT * FROM T WHERE pk = 'a'",
            r#","ConsistentRead":true"#
        ),
        table("1.0")
    );
    assert_eq!(
        capacity("SELECT * FROM T WHERE pk IN ['a', 'b', 'c']", ""),
        table("1.5")
    );
    assert_eq!(
        capacity("SELECT * FROM T.Keys WHERE g = 'G'", ""),
        r#""ConsumedCapacity":{"TableName":"T","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},"GlobalSecondaryIndexes":{"Keys":{"CapacityUnits":0.5}}}}"#
    );
    assert_eq!(
        capacity("INSERT INTO T VALUE {'pk': 'c', 'sk': '1', 'g': 'G'}", ""),
        r#""ConsumedCapacity":{"TableName":"T","CapacityUnits":2.0,"Table":{"CapacityUnits":1.0},"GlobalSecondaryIndexes":{"Keys":{"CapacityUnits":1.0}}}}"#
    );
}
