//! The texts of faults in update expressions, and which fault comes first.

use crate::support::compile_update;

const GIVEN: &str = r##"{
    "#a":"a", "#odd":"[3]",
    ":n":{"N":"1"}, ":s":{"S":"x"}, ":b":{"B":"YQ=="}, ":t":{"BOOL":true}, ":z":{"NULL":true},
    ":l":{"L":[]}, ":m":{"M":{}}, ":ss":{"SS":["x"]}, ":ns":{"NS":["1"]}, ":bs":{"BS":["YQ=="]}
}"##;

fn fault(text: &str) -> String {
    let error = compile_update(text, GIVEN).map(|_| ()).expect_err(text);
    error
        .strip_prefix("Invalid UpdateExpression: ")
        .expect("the parameter is named")
        .to_string()
}

#[test]
fn syntax_errors_name_the_token_and_its_neighbours() {
    let cases = [
        ("INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        ("ADD hits : incr", ":", "hits : incr"),
        ("SET a = :n, #, b = :n", "#", ", #,"),
        ("SET _123 = :n", "_", "SET _123"),
        ("SET a", "<EOF>", "a"),
        ("SET a = ", "<EOF>", "="),
        ("SET a = :n,", "<EOF>", ","),
        ("SET a :n", ":n", "a :n"),
        ("SET :n = a", ":n", "SET :n ="),
        ("SET a = 1", "1", "= 1"),
        ("SET a = b * c", "*", "b * c"),
        ("SET a = b + c + d", "+", "c + d"),
        ("SET a = set", "set", "= set"),
        ("SET a = f(b + c)", "+", "b + c"),
        ("SET (a = b)", "(", "SET (a"),
        ("SET a = (b.c).d + e", ".", ").d"),
        ("SET a = (b.c)[0] + e", "[", ")[0"),
        ("SET f(a) = b", "(", "f(a"),
        ("SET a[#a] = :n", "#a", "[#a]"),
        ("REMOVE a = b", "=", "a = b"),
        ("REMOVE a b", "b", "a b"),
        ("REMOVE :n", ":n", "REMOVE :n"),
        ("ADD a = b", "=", "a = b"),
        ("ADD a f(b)", "f", "a f("),
        ("DELETE a b", "b", "a b"),
        ("SET hi-there = :n", "-", "hi-there"),
        ("SET a = :n SETTING b = :n", "SETTING", ":n SETTING b"),
    ];
    for (text, token, near) in cases {
        assert_eq!(
            fault(text),
            format!("Syntax error; token: \"{token}\", near: \"{near}\""),
            "{text}"
        );
    }
}

#[test]
fn each_fault_has_its_text() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("SET a = f(b, c)", "Invalid function name; function: f"),
        (
            "SET a = LIST_APPEND(b, c)",
            "Invalid function name; function: LIST_APPEND",
        ),
        (
            "SET a = size(b)",
            "The function is not allowed in an update expression; function: size",
        ),
        (
            "SET a = list_append(list_append(b, :l), :l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = :n SET b = :n",
            "The \"SET\" section can only be used once in an update expression;",
        ),
        (
            "remove a add b :n Remove c",
            "The \"REMOVE\" section can only be used once in an update expression;",
        ),
        (
            "SET status = :n",
            "Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            "SET a = #x",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "SET a = :x",
            "An expression attribute value used in expression is not defined; attribute value: :x",
        ),
        (
            "SET a = :n REMOVE a",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            "SET #a.b = :n, a = :n",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
        ),
        (
            "SET a[1] = :n, a.b = :n",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [1]], path two: [a, b]",
        ),
        (
            "SET a[3].#odd = :n, a.#odd[3] = :n",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [3], [3]], path two: [a, [3], [3]]",
        ),
        (
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
        (
            "ADD a :l",
            "Incorrect operand type for operator or function; operator: ADD, operand type: LIST",
        ),
        (
            "ADD a :t",
            "Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN",
        ),
        (
            "DELETE a :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
        ),
        (
            "DELETE a :m",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: MAP",
        ),
        (
            "SET a = list_append(b)",
            "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1",
        ),
        (
            "SET a = if_not_exists(b, c, d)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3",
        ),
        (
            "SET a = if_not_exists(:n, b)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = if_not_exists(if_not_exists(a, b), c)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = list_append(b, :s)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
        ),
        (
            "SET a = b + :ss",
            "Incorrect operand type for operator or function; operator or function: +, operand type: SS",
        ),
        (
            "SET a = :z - b",
            "Incorrect operand type for operator or function; operator or function: -, operand type: NULL",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), expected, "{text}");
    }
}

/// Each text has two faults; the one named in the second column is reported.
#[test]
fn the_first_of_several_faults() {
    let cases = [
        ("SET status = f(", "Syntax error"),
        ("SET a = f(b) SET c = :n", "Invalid function name"),
        ("SET status = :n SET c = :n", "reserved keyword"),
        ("SET a = #x SET c = :n", "can only be used once"),
        (
            "SET a = :x, b = #x",
            "name used in the document path is not defined",
        ),
        (
            "SET a = :x REMOVE a",
            "value used in expression is not defined",
        ),
        ("SET a = :n, a.b = :s ADD b :s", "overlap"),
        ("SET a[1] = :n, a.b = :n, c = :n REMOVE c", "overlap"),
        ("SET a = list_append(b, :s) ADD b :s", "operator: ADD"),
        (
            "SET a = if_not_exists(:x)",
            "value used in expression is not defined",
        ),
    ];
    for (text, expected) in cases {
        let reported = fault(text);
        assert!(reported.contains(expected), "{text}: {reported}");
    }
}

#[test]
fn paths_that_only_share_a_beginning_are_allowed() {
    for text in [
        "SET a.b = :n, a.c.d = :n REMOVE a.x, b.y",
        "SET a[1] = :n, a[2][0] = :n",
        "SET b = a REMOVE a",
        "SET c.d = #a.x ADD #a.y :n",
    ] {
        compile_update(text, GIVEN).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}
