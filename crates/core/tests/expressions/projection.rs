//! Projections: shapes, gaps, overlaps.

use crate::support::{compile_projection, item, text};
use pg_dynamo_core::expression::Projection;

const SAMPLE: &str = r#"{
    "pk":{"S":"p"}, "b":{"S":"hi"}, "n":{"N":"1"},
    "a":{"M":{"b":{"L":[{"N":"2"},{"N":"4"},{"M":{"x":{"S":"hi"},"y":{"S":"yo"}}},{"L":[{"N":"7"},{"N":"8"}]}]},"c":{"N":"5"}}}
}"#;

#[test]
fn paths_are_shown_in_their_nested_shape() {
    let cases = [
        ("b", r#"{"b":{"S":"hi"}}"#),
        ("b, pk", r#"{"b":{"S":"hi"},"pk":{"S":"p"}}"#),
        ("x", "{}"),
        ("a.c", r#"{"a":{"M":{"c":{"N":"5"}}}}"#),
        ("a.b[0]", r#"{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}"#),
        (
            "a.b[2].y",
            r#"{"a":{"M":{"b":{"L":[{"M":{"y":{"S":"yo"}}}]}}}}"#,
        ),
        (
            "a.b[1], a.b[0]",
            r#"{"a":{"M":{"b":{"L":[{"N":"2"},{"N":"4"}]}}}}"#,
        ),
        (
            "a.b[3][1], a.b[1]",
            r#"{"a":{"M":{"b":{"L":[{"N":"4"},{"L":[{"N":"8"}]}]}}}}"#,
        ),
        (
            "a.b[0], a.c, b",
            r#"{"a":{"M":{"b":{"L":[{"N":"2"}]},"c":{"N":"5"}}},"b":{"S":"hi"}}"#,
        ),
        ("a.x, a.b[9], a.b[1].x, n.x, b[0], a.c.d", "{}"),
        (
            "a.x, a.b[0], x, a.b[9].x",
            r#"{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}"#,
        ),
        ("#a.#b[ 0 ]", r#"{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}"#),
    ];
    let stored = item(SAMPLE);
    for (expression, expected) in cases {
        let projection = compile_projection(expression, r##"{"#a":"a","#b":"b"}"##).unwrap();
        let found = projection.project(stored.as_item()).unwrap();
        assert_eq!(text(found.as_item()), expected, "{expression}");
        assert_eq!(found.as_item().validate(), Ok(()), "{expression}");
        let mut get = |name: &str| Ok(stored.as_item().get(name)?.map(|av| av.to_owned()));
        assert_eq!(
            projection.project_with(&mut get).unwrap(),
            found,
            "{expression}"
        );
    }
}

#[test]
fn only_the_attributes_asked_for_are_fetched() {
    let projection = compile_projection("a.b[0], b, zz", "{}").unwrap();
    let stored = item(SAMPLE);
    let mut asked = Vec::new();
    let mut get = |name: &str| {
        asked.push(name.to_string());
        Ok(stored.as_item().get(name)?.map(|av| av.to_owned()))
    };
    projection.project_with(&mut get).unwrap();
    assert_eq!(asked, ["a", "b", "zz"]);
    assert_eq!(
        projection
            .nested_attributes()
            .into_iter()
            .collect::<Vec<_>>(),
        ["a"]
    );
}

#[test]
fn a_placeholder_is_one_element_whatever_it_holds() {
    let stored = item(r#"{"a.b":{"S":"dotted"},"a":{"M":{"b":{"S":"nested"}}}}"#);
    let dotted = compile_projection("#x", r##"{"#x":"a.b"}"##).unwrap();
    assert_eq!(
        text(dotted.project(stored.as_item()).unwrap().as_item()),
        r#"{"a.b":{"S":"dotted"}}"#
    );
}

#[test]
fn names_to_get_are_top_level_attributes() {
    let projection = Projection::from_attribute_names(&["pk".into(), "a.b".into()]);
    let stored = item(SAMPLE);
    assert_eq!(
        text(projection.project(stored.as_item()).unwrap().as_item()),
        r#"{"pk":{"S":"p"}}"#
    );
}

#[test]
fn faults_have_their_texts() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("a,", "Syntax error; token: \"<EOF>\", near: \",\""),
        ("a,,b", "Syntax error; token: \",\", near: \",,b\""),
        ("a b", "Syntax error; token: \"b\", near: \"a b\""),
        ("!!! x", "Syntax error; token: \"!\", near: \"!!\""),
        (
            "a, status",
            "Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            "#q",
            "An expression attribute name used in the document path is not defined; attribute name: #q",
        ),
        (
            "a.b[0], x, a.b",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; \
             path one: [a, b, [0]], path two: [a, b]",
        ),
        (
            "a.b, a[1]",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; \
             path one: [a, b], path two: [a, [1]]",
        ),
        // which first
        (
            "#q, status",
            "Attribute name is a reserved keyword; reserved keyword: status",
        ),
        (
            "a, a, #q",
            "An expression attribute name used in the document path is not defined; attribute name: #q",
        ),
    ];
    for (expression, expected) in cases {
        let error = compile_projection(expression, "{}")
            .map(|_| ())
            .unwrap_err();
        assert_eq!(
            error,
            format!("Invalid ProjectionExpression: {expected}"),
            "{expression}"
        );
    }
}
