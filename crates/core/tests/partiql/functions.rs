//! Functions: which there are, where they may stand, and in which words they are refused.
use crate::store::Store;

fn place(statement: &str, token: &str) -> String {
    let at = statement.rfind(token).unwrap();
    format!("1:{}:{}", at + 1, token.len())
}

fn condition(condition: &str) -> String {
    format!("SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND {condition}")
}

fn update(set: &str) -> String {
    format!("UPDATE T SET {set} WHERE pk = 'a' AND sk = '1'")
}

fn refusal(statement: &str) -> String {
    Store::of(&[r#"{"pk":{"S":"a"},"sk":{"S":"1"},"ss":{"SS":["a"]},"s":{"S":"x"}}"#])
        .refusal(statement)
}

#[test]
fn functions_of_conditions() {
    let mut store = Store::of(&[
        r#"{"pk":{"S":"a"},"sk":{"S":"1"},"ss":{"SS":["a"]},"s":{"S":"xyz"},"m":{"M":{"sub":{"S":"x"}}},"yes":{"BOOL":true},"x":{"L":[{"S":"a"}]}}"#,
    ]);
    for (test, holds) in [
        ("attribute_exists(ss)", true),
        ("attribute_exists(nope)", false),
        ("attribute_not_exists(nope)", true),
        ("NOT ATTRIBUTE_EXISTS (nope)", true),
        ("(attribute_exists(nope) OR attribute_exists(\"ss\"))", true),
        ("attribute_exists(m.sub) AND attribute_exists(x[0])", true),
        ("attribute_type(ss, 'SS')", true),
        ("attribute_type(ss, 'S')", false),
        ("begins_with(s, 'xy')", true),
        ("contains(ss, 'a') AND contains(s, 'yz')", true),
        ("size(s) = 3 AND 3 >= SIZE(s)", true),
        ("size(s) > size(ss)", true),
        ("attribute_exists(ss) = true", true),
        ("true = attribute_exists(ss)", true),
        ("attribute_exists(nope) = false", true),
        ("attribute_exists(ss) <> 1", true),
        ("attribute_exists(ss) = 1", false),
        ("(size(s) BETWEEN 0 AND 5) = true", true),
        ("(attribute_exists(ss) = true) = false", false),
        ("attribute_exists(nope) IN [true, false]", true),
        ("attribute_exists(ss) = attribute_exists(s)", true),
        ("attribute_exists(ss) = yes", true),
        ("attribute_exists(ss) = s", false),
        ("NOT attribute_exists(ss) = true", false),
    ] {
        assert_eq!(
            !store.items_of(&condition(test)).is_empty(),
            holds,
            "{test}"
        );
    }
}

#[test]
fn faults_of_conditions() {
    let path =
        "Operator or function requires a document path; operator or function: attribute_exists";
    let count = "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands:";
    let kind = "Incorrect operand type for operator or function; operator or function:";
    for (test, fault) in [
        ("attribute_exists('ss')", path.to_owned()),
        ("attribute_exists()", format!("{count} 0")),
        ("attribute_exists(ss, s)", format!("{count} 2")),
        ("attribute_type(l, 1)", format!("{kind} attribute_type, operand type: N")),
        ("attribute_type(l, true)", format!("{kind} attribute_type, operand type: BOOL")),
        ("n < true", format!("{kind} <, operand type: BOOL")),
        ("n >= <<1>>", format!("{kind} >=, operand type: NS")),
        ("n BETWEEN null AND null", format!("{kind} BETWEEN, operand type: NULL")),
        ("attribute_exists(n) > false", format!("{kind} >, operand type: BOOL")),
        ("n = n + 1", "Unsupported operator in Condition Expression. Operator: +".to_owned()),
        (
            "n > -n",
            "Incorrect number of operands for operator or function; operator or function: -, number of operands: 1".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&condition(test)), fault, "{test}");
    }
    for unknown in ["EXISTS(ss)", "set_add(ss, <<'x'>>) = ss", "lower(s) = 'x'"] {
        let statement = condition(unknown);
        let name = unknown.split('(').next().unwrap();
        assert_eq!(
            refusal(&statement),
            format!(
                "Unrecognized function: {} at {}",
                name.to_lowercase(),
                place(&statement, name)
            ),
        );
    }
    let many = format!("n IN [{}]", vec!["1"; 101].join(","));
    assert_eq!(
        refusal(&condition(&many)),
        "The IN operator is provided with too many operands; number of operands: 101"
    );
    // Faults of operands come before the table is looked for.
    assert_eq!(
        Store::of(&[]).refusal("SELECT * FROM Nowhere WHERE n < true"),
        format!("{kind} <, operand type: BOOL")
    );
    // Conditions compared with one another do not multiply without end.
    let mut multiplied = "attribute_exists(a)".to_owned();
    for _ in 0..60 {
        multiplied = format!("({multiplied} = yes)");
    }
    assert_eq!(
        refusal(&condition(&multiplied)),
        "Expression has exceeded the maximum number of operators"
    );
}

#[test]
fn faults_of_updates() {
    let first = "The first argument to SET_ADD must equal the assignment value at";
    for (set, fault) in [
        ("t = set_add(ss, <<'x'>>)", first),
        ("ss = set_add(<<'a'>>, <<'b'>>)", first),
        (
            "ss = set_add(ss)",
            "SET_ADD must have exactly two arguments at",
        ),
        (
            "ss = set_add(ss, <<'x'>>, <<'y'>>)",
            "SET_ADD must have exactly two arguments at",
        ),
    ] {
        let statement = update(set);
        assert_eq!(
            refusal(&statement),
            format!("{fault} {}", place(&statement, "set_add"))
        );
    }
    for set in ["ss = set_add(ss, 'x')", "ss = set_add(ss, ['x'])"] {
        let statement = update(set);
        let at = statement.find("(ss").unwrap() + 2;
        assert_eq!(
            refusal(&statement),
            format!("The second argument to SET_ADD must be a value with type SET at 1:{at}:2")
        );
    }
    assert_eq!(
        refusal("UPDATE T\nSET \"ss\" = set_delete(\"ss\", 1) WHERE pk = 'a' AND sk = '1'"),
        "The second argument to SET_DELETE must be a value with type SET at 2:23:4"
    );
    let kind = "Incorrect operand type for operator or function; operator or function:";
    for (set, fault) in [
        ("n = 'a' + 1", format!("{kind} +, operand type: S")),
        ("n = n - null", format!("{kind} -, operand type: NULL")),
        ("n = n + [1]", format!("{kind} +, operand type: L")),
        ("n = list_append(n, 1)", format!("{kind} list_append, operand type: N")),
        (
            "ss = set_add(ss, <<'x', 'x'>>)",
            "One or more parameter values were invalid: Input collection [x, x] contains duplicates.".to_owned(),
        ),
        ("ss = set_add(ss, <<>>)", "Empty bags are not supported".to_owned()),
    ] {
        assert_eq!(refusal(&update(set)), fault, "{set}");
    }
    let statement = update("n = lower(s)");
    assert_eq!(
        refusal(&statement),
        format!(
            "Unrecognized function: lower at {}",
            place(&statement, "lower")
        )
    );
}
