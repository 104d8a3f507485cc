//! Literals of every type.
use crate::store::Store;

/// What `x` is after it was inserted.
fn stored(literal: &str) -> String {
    let mut store = Store::of(&[]);
    let statement = format!("INSERT INTO T VALUE {{'pk': 'a', 'sk': '1', 'x': {literal}}}");
    store
        .run(&statement)
        .unwrap_or_else(|e| panic!("{statement}: {e}"));
    let item = store.stored("a", "1").unwrap();
    let value = &item[item.find("\"x\":").unwrap() + 4..];
    value.trim_end_matches('}').to_owned()
}

fn refusal(literal: &str) -> String {
    Store::of(&[]).refusal(&format!(
        "INSERT INTO T VALUE {{'pk': 'a', 'sk': '1', 'x': {literal}}}"
    ))
}

#[test]
fn literals_are_values() {
    for (literal, value) in [
        ("'text'", r#"{"S":"text""#),
        ("'it''s'", r#"{"S":"it's""#),
        ("''", r#"{"S":"""#),
        (
            "'a \"quote\" -- no /* comment */ ?'",
            r#"{"S":"a \"quote\" -- no /* comment */ ?""#,
        ),
        ("'é\u{1F600}'", "{\"S\":\"é\u{1F600}\""),
        ("0", r#"{"N":"0""#),
        ("-0", r#"{"N":"0""#),
        ("2.50", r#"{"N":"2.5""#),
        (".5", r#"{"N":"0.5""#),
        ("-.73e1", r#"{"N":"-7.3""#),
        ("1.", r#"{"N":"1""#),
        ("1E3", r#"{"N":"1000""#),
        ("73100000e-1", r#"{"N":"7310000""#),
        (
            "12345678901234567890123456789012345678",
            r#"{"N":"12345678901234567890123456789012345678""#,
        ),
        ("1e125", &format!(r#"{{"N":"1{}""#, "0".repeat(125))),
        ("true", r#"{"BOOL":true"#),
        ("FALSE", r#"{"BOOL":false"#),
        ("null", r#"{"NULL":true"#),
        (
            "[1, 'a', [true]]",
            r#"{"L":[{"N":"1"},{"S":"a"},{"L":[{"BOOL":true}]}]"#,
        ),
        ("[]", r#"{"L":[]"#),
        ("{'b': {}, 'a': 1}", r#"{"M":{"a":{"N":"1"},"b":{"M":{"#),
        ("<<'b', 'a'>>", r#"{"SS":["a","b"]"#),
        ("<<2, -1, 1e1>>", r#"{"NS":["-1","2","10"]"#),
        ("[<<1>>, <<'a'>>]", r#"{"L":[{"NS":["1"]},{"SS":["a"]}]"#),
    ] {
        assert_eq!(stored(literal), value, "{literal}");
    }
}

#[test]
fn literals_that_cannot_be_stored() {
    let overflow =
        "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let digits = "Attempting to store more than 38 significant digits in a Number";
    let duplicates = "One or more parameter values were invalid: Input collection";
    let bags =
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags";
    for (literal, fault) in [
        ("1e126", format!("{overflow} under root")),
        ("1e-131", format!("{underflow} under root")),
        (
            "123456789012345678901234567890123456789",
            format!("{digits} under root"),
        ),
        ("{'x': 1e126}", format!("{overflow} under root.x")),
        ("[1, 1e126]", format!("{overflow} under root[1]")),
        (
            "[1, {'a': [1e126]}]",
            format!("{overflow} under root[1].a[0]"),
        ),
        ("<<>>", "Empty bags are not supported".into()),
        ("<<1, 'a'>>", bags.into()),
        ("<<'a', 1>>", bags.into()),
        ("<<true>>", bags.into()),
        ("<<[1]>>", bags.into()),
        (
            "<<'a', 'b', 'a'>>",
            format!("{duplicates} [a, b, a] contains duplicates."),
        ),
        (
            "<<2, 2.0>>",
            format!("{duplicates} [2, 2.0] contains duplicates! under root"),
        ),
        (
            "[?]",
            "Unsupported data type: Parameter under key root[0] at 1:50:1".into(),
        ),
        (
            "{'k': ?}",
            "Unsupported data type: Parameter under key root.k at 1:55:1".into(),
        ),
        (
            "set_add(<<'a'>>, <<'b'>>)",
            "Unsupported data type: set_add under key root at 1:49:7".into(),
        ),
    ] {
        assert_eq!(refusal(literal), fault, "{literal}");
    }
}

#[test]
fn literals_nest_as_deep_as_values() {
    let deep = |open: &str, inner: &str, close: &str, n: usize| {
        format!("{}{inner}{}", open.repeat(n), close.repeat(n))
    };
    let fault = "Nesting Levels have exceeded supported limits under root";
    assert_eq!(
        refusal(&deep("{'a':", "1", "}", 32)),
        format!("{fault}{}", ".a".repeat(32))
    );
    assert_eq!(
        refusal(&deep("[", "1", "]", 32)),
        format!("{fault}{}", "[0]".repeat(32))
    );
    assert_eq!(
        refusal(&deep("[", "[]", "]", 31)),
        format!("{fault}{}", "[0]".repeat(31))
    );
    assert!(stored(&deep("{'a':", "1", "}", 31)).starts_with(r#"{"M":{"a":{"M""#));
    assert!(stored(&deep("[", "<<1>>", "]", 31)).starts_with(r#"{"L":[{"L""#));
}

#[test]
fn text_in_a_literal_is_text() {
    // Whatever stands in a value never becomes part of the statement.
    let mut store = Store::of(&[]);
    for text in [
        "x' OR '1'='1",
        "'; DROP TABLE t; --",
        "\\' OR 1=1",
        "\u{0}",
        "$1",
        "?",
        "\"pk\"",
    ] {
        let quoted = text.replace('\'', "''");
        let insert = format!("INSERT INTO T VALUE {{'pk': 'p', 'sk': '{quoted}', 'x{quoted}': 1}}");
        store
            .run(&insert)
            .unwrap_or_else(|e| panic!("{insert}: {e}"));
        assert_eq!(
            store
                .items_of(&format!(
                    "SELECT * FROM T WHERE pk = 'p' AND sk = '{quoted}'"
                ))
                .len(),
            1
        );
    }
    assert_eq!(store.items_of("SELECT * FROM T WHERE pk = 'p'").len(), 7);
}
