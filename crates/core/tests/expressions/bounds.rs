//! Limits of size, and texts made to exhaust the stack or the time.

use crate::support::{compile, compile_projection, compile_update, item};
use std::time::{Duration, Instant};

/// What a backend may use: Postgres itself stops at 2 MB.
const STACK: usize = 1024 * 1024;

fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(body)
        .unwrap()
        .join()
        .unwrap();
}

fn fault(text: &str) -> String {
    compile(text, r#"{":n":{"N":"1"}}"#)
        .map(|_| ())
        .unwrap_err()
}

#[test]
fn nested_texts_are_errors_at_once_and_never_overflow_the_stack() {
    on_a_small_stack(|| {
        let start = Instant::now();
        for depth in [300, 1_000, 2_040, 50_000] {
            let (open, close) = ("(".repeat(depth), ")".repeat(depth));
            let texts = [
                open.clone(),
                format!("{open}a = :n{close}"),
                format!("a = {open}:n{close}"),
                format!("a = {open}:n"),
                format!("a = :n{close}"),
                format!("{open}a{close} = :n"),
                format!("{open}a{close}.b = :n"),
                format!("a IN {open}:n{close}"),
                format!("{}a = :n", "not ".repeat(depth)),
                format!("{}a = :n{close}", "not(".repeat(depth)),
                format!("a = {}b{close}", "f(".repeat(depth)),
                format!("a = {}b{close}", "size(".repeat(depth)),
                format!("a = {}b", "size(".repeat(depth)),
                format!("a = :n{}", " and a = :n".repeat(depth)),
                format!("a = :n {}{close}", "or (a = :n ".repeat(depth)),
                format!("a{} = :n", ".b".repeat(depth)),
                format!("a{} = :n", "[0]".repeat(depth)),
            ];
            for text in texts {
                let error = fault(&text);
                assert!(
                    error.starts_with("Invalid ConditionExpression: "),
                    "{error}"
                );
            }
            let updates = [
                format!("SET a = {open}:n{close}"),
                format!("SET a = {}:n{close}", "if_not_exists(a, ".repeat(depth)),
                format!("SET a = {}:n", "list_append(a, ".repeat(depth)),
                format!("SET {open}"),
            ];
            for text in updates {
                compile_update(&text, r#"{":n":{"N":"1"}}"#)
                    .map(|_| ())
                    .unwrap_err();
            }
            compile_projection(&format!("a{}", ".b".repeat(depth)), "{}")
                .map(|_| ())
                .unwrap_err();
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            start.elapsed()
        );
    });
}

#[test]
fn the_deepest_texts_that_are_allowed_work() {
    on_a_small_stack(|| {
        let stored = item(r#"{"a":{"N":"1"},"b":{"N":"2"}}"#);
        let depth = 149;
        let text = format!("a<b {}{}", "or (a<b ".repeat(depth), ")".repeat(depth));
        assert!(
            compile(&text, "{}")
                .unwrap()
                .eval(Some(stored.as_item()))
                .unwrap()
        );
        let text = format!("{}b<a{}", "not(".repeat(299), ")".repeat(299));
        assert!(
            compile(&text, "{}")
                .unwrap()
                .eval(Some(stored.as_item()))
                .unwrap()
        );
        let nested = 200;
        let text = format!(
            "SET c = {}:n{}",
            "if_not_exists(q, ".repeat(nested),
            ")".repeat(nested)
        );
        let update = compile_update(&text, r#"{":n":{"N":"1"}}"#).unwrap();
        let changed = update
            .apply(Some(stored.as_item()), &Default::default())
            .unwrap();
        assert!(changed.as_item().get("c").unwrap().is_some());
    });
}

#[test]
fn a_text_of_4096_bytes_is_allowed_and_one_more_is_not() {
    let text = |length: usize| format!("a{}=:n", " ".repeat(length - 4));
    compile(&text(4096), r#"{":n":{"N":"1"}}"#).unwrap();
    assert_eq!(
        fault(&text(4097)),
        "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"
    );
    assert_eq!(
        compile_projection(&"x".repeat(5_000), "{}")
            .map(|_| ())
            .unwrap_err(),
        "Invalid ProjectionExpression: Expression size has exceeded the maximum allowed size; expression size: 5000"
    );
    compile_projection(&"x".repeat(4096), "{}").unwrap();
}

#[test]
fn operators_are_counted_to_300() {
    let text = |comparisons: usize| vec!["a=:n"; comparisons].join(" or ");
    compile(&text(150), r#"{":n":{"N":"1"}}"#).unwrap();
    assert_eq!(
        fault(&text(151)),
        "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"
    );
    let sums: Vec<String> = (0..301).map(|i| format!("a{i}=b+c")).collect();
    compile_update(&format!("SET {}", sums[..300].join(",")), "{}").unwrap();
    let error = compile_update(&format!("SET {}", sums.join(",")), "{}")
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        error,
        "Invalid UpdateExpression: The expression contains too many operators; operator count: 301"
    );
}

#[test]
fn in_takes_100_operands_and_a_path_32_elements() {
    let text = |n: usize| format!("a IN ({})", vec![":n"; n].join(","));
    compile(&text(100), r#"{":n":{"N":"1"}}"#).unwrap();
    assert_eq!(
        fault(&text(101)),
        "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"
    );
    compile_projection(&format!("a{}", ".b".repeat(31)), "{}").unwrap();
    assert_eq!(
        compile_projection(&format!("a{}", ".b".repeat(32)), "{}")
            .map(|_| ())
            .unwrap_err(),
        "Invalid ProjectionExpression: The document path has too many nesting levels; nesting levels: 33"
    );
}
