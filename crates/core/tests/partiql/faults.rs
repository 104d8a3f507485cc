//! Texts that are no statements, and in which words they are refused.
use crate::store::Store;
use pg_dynamo_core::{ErrorKind, limits};

fn refusals(cases: &[(&str, &str)]) {
    for (statement, fault) in cases {
        let error = Store::of(&[]).run(statement).expect_err(statement);
        assert_eq!(error.kind, ErrorKind::Validation, "{statement}");
        assert_eq!(error.message, *fault, "{statement}");
    }
}

/// Behind the words that DynamoDB begins with.
fn malformed(detail: &str, statements: &[&str]) {
    let fault = format!("Statement wasn't well formed, can't be processed: {detail}");
    let cases: Vec<_> = statements.iter().map(|s| (*s, fault.as_str())).collect();
    refusals(&cases);
}

#[test]
fn a_text_that_is_no_statement_says_so() {
    malformed(
        "Expected data manipulation",
        &[
            "SELECTT * FROMM T",
            "hello",
            "  -- nothing\n",
            "CREATE TABLE T",
            "(SELECT * FROM T)",
        ],
    );
    malformed(
        "Unexpected term",
        &[
            "SELECT * FROM T WHERE",
            "SELECT * FROM T WHERE pk =",
            "SELECT * FROM T WHERE pk = 'a' AND",
            "UPDATE T SET a = WHERE pk = 1",
        ],
    );
}

#[test]
fn nothing_may_follow_a_statement() {
    malformed(
        "Unexpected token after expression",
        &[
            "SELECT * FROM T WHERE pk = 'a' foo",
            "SELECT * FROM T WHERE pk = 1 e5",
            "SELECT * FROM T WHERE pk = 'a')",
            "SELECT * FROM T WHERE pk = 'a' LIMIT 5",
            "SELECT * FROM T ORDER BY pk WHERE pk = 'a'",
            "SELECT * FROM T, U",
            "INSERT INTO T VALUE {'pk': 'a'} foo",
            "INSERT INTO T t VALUE {'pk': 'a'}",
            "UPDATE T SET a = 9 WHERE pk = 'a' foo",
            "DELETE FROM T WHERE pk = 'a' ORDER BY pk",
            "DELETE FROM T WHERE pk = 'a'; DELETE FROM T",
            "DELETE FROM T WHERE pk = 'a';;",
        ],
    );
    let mut store = Store::of(&[]);
    for statement in [
        "SELECT * FROM T WHERE pk = 'a';",
        "SELECT * FROM T WHERE pk = 'a' -- a note",
        "-- a note\nSELECT/**/*/* all */FROM T WHERE pk--\n= 'a' ; -- done",
        "select * from T where pk = 'a' and Sk = '1' order by sk desc",
    ] {
        assert!(store.run(statement).is_ok(), "{statement}");
    }
}

#[test]
fn a_text_without_tokens_is_refused_without_a_word() {
    malformed(
        "",
        &[
            "SELECT * FROM T WHERE pk = 'open",
            "SELECT * FROM \"T",
            "SELECT * FROM T WHERE pk = 1 /* open",
            "SELECT * FROM T WHERE pk = 1 # note",
            "SELECT * FROM T WHERE pk = 1e99999999999",
            "SELECT * FROM T WHERE pk = 1e2147483648",
            "SELECT * FROM T WHERE pk = 1.5e-2147483647",
        ],
    );
}

#[test]
fn names_of_tables_and_aliases() {
    let alias = "Aliasing is not supported";
    let empty = "Path component cannot be an empty string";
    refusals(&[
        ("SELECT * FROM T t WHERE pk = 'a'", alias),
        ("SELECT * FROM T AS t WHERE pk = 'a'", alias),
        ("UPDATE T t SET a = 3 WHERE pk = 'a'", alias),
        ("DELETE FROM T t WHERE pk = 'a'", alias),
        ("SELECT pk AS p FROM T", alias),
        ("SELECT * FROM T.\"\" WHERE pk = 'p'", empty),
        ("SELECT * FROM \"\" WHERE pk = 'p'", empty),
        (
            "SELECT * FROM T.a.b WHERE pk = 'p'",
            "A path may contain at most 2 components in the FROM clause",
        ),
        (
            "INSERT INTO \"T\".\"i\" VALUE {'pk': 'a'}",
            "FROM clause may only contain a single table name in data manipulation statements at 1:13:7",
        ),
        (
            "SELECT COUNT(*) FROM T",
            "Unexpected path component at 1:8:5",
        ),
        (
            "SELECT pk, attribute_exists(a) FROM T",
            "Unexpected path component at 1:12:16",
        ),
    ]);
    let missing = Store::of(&[])
        .run("SELECT * FROM \"No-Such.Table\" WHERE pk = 'a'")
        .unwrap_err();
    assert_eq!(missing.kind, ErrorKind::ResourceNotFound);
    assert_eq!(missing.message, "Requested resource not found");
}

#[test]
fn paths_are_checked() {
    refusals(&[
        (
            "SELECT l[-1] FROM T",
            "List index is not within the allowable range; index: [-1] at 1:11:1",
        ),
        (
            "SELECT l[2147483648] FROM T",
            "List index is not within the allowable range; index: [2147483648] at 1:10:10",
        ),
        (
            "SELECT pk.a FROM T WHERE pk = 'a'",
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk",
        ),
    ]);
    malformed(
        "Invalid path dot component",
        &[
            "SELECT * FROM T WHERE attribute_exists(m.inner)",
            "UPDATE T SET m.value = 1 WHERE pk = 'a'",
        ],
    );
    let long = format!("SELECT a{} FROM T", ".b".repeat(32));
    refusals(&[(
        &long,
        "Invalid path: the document path has too many nesting elements",
    )]);
    assert!(
        Store::of(&[])
            .run(&format!("SELECT a{} FROM T", ".b".repeat(31)))
            .is_ok()
    );
    assert!(
        Store::of(&[])
            .run("SELECT x[2147483647], m.\"inner\" FROM T")
            .is_ok()
    );
}

#[test]
fn a_statement_has_bounds() {
    let deep = "Nesting Levels have exceeded supported limits";
    let nested = |open: &str, close: &str, n: usize| {
        format!(
            "SELECT * FROM T WHERE pk = 'a' AND {}n = 1{}",
            open.repeat(n),
            close.repeat(n)
        )
    };
    refusals(&[
        (&nested("(", ")", 101), deep),
        (&nested("(", "", 4000), deep),
        (&nested("NOT (", ")", 1000), deep),
        (
            &format!("INSERT INTO T VALUE {{'pk': {}", "[".repeat(8000)),
            deep,
        ),
        (
            &format!("SELECT * FROM T WHERE a = {}1", "<<".repeat(4000)),
            deep,
        ),
    ]);
    let mut store = Store::of(&[]);
    for statement in [
        nested("(", ")", 100),
        nested("NOT ", "", 1500),
        nested("size(", ") = 1", 1),
    ] {
        let found = store.run(&statement).map_err(|e| e.message);
        assert!(found != Err(deep.to_owned()), "{statement}");
    }
    assert!(store.run(&nested("(", ")", 100)).is_ok());
    let sum = |n: usize| {
        format!(
            "UPDATE T SET n = n{} WHERE pk = 'a' AND sk = '1'",
            " + 1".repeat(n)
        )
    };
    assert_eq!(
        store.refusal(&sum(301)),
        "The expression contains too many operators; operator count: 301"
    );
    assert_eq!(store.refusal(&sum(300)), "The conditional request failed");
    let long = format!(
        "SELECT * FROM T WHERE pk = '{}'",
        "x".repeat(limits::MAX_STATEMENT)
    );
    let too_long = store.refusal(&long);
    assert!(
        too_long.ends_with("Member must have length less than or equal to 8192"),
        "{too_long}"
    );
}

#[test]
fn a_whole_operation_has_its_own_members() {
    let mut store = Store::of(&[]);
    let mut fault = |request: &str| store.request(request).unwrap_err().message;
    assert!(fault("{}").contains(
        "Value null at 'statement' failed to satisfy constraint: Member must not be null"
    ));
    assert!(
        fault(r#"{"Statement":"SELECT * FROM T","Limit":0}"#)
            .contains("Member must have value greater than or equal to 1")
    );
    assert!(
        fault(r#"{"Statement":"SELECT * FROM T","Parameters":[]}"#)
            .contains("Member must have length greater than or equal to 1")
    );
    assert_eq!(
        fault(r#"{"Statement":"EXISTS(SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND n = 1)"}"#),
        "EXISTS can only be used in ExecuteTransaction write requests."
    );
}
