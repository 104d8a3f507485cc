//! The range of a key condition is what a filter over all sorted keys leaves, from any position, in both directions.
use crate::store::{Store, books, item_text, query};
use pg_dynamo_core::value::{Attributes, ItemBuf, Number, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cmp::Ordering;

/// A test on one sort attribute, in the words of the API.
#[derive(Clone, Debug)]
enum Asked {
    Eq(Value),
    Lt(Value),
    Le(Value),
    Gt(Value),
    Ge(Value),
    Between(Value, Value),
    BeginsWith(Value),
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::S(a), Value::S(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::N(a), Value::N(b)) => a.cmp(b),
        (Value::B(a), Value::B(b)) => a.cmp(b),
        _ => panic!("keys of one type"),
    }
}

impl Asked {
    fn holds(&self, key: &Value) -> bool {
        match self {
            Asked::Eq(v) => compare(key, v).is_eq(),
            Asked::Lt(v) => compare(key, v).is_lt(),
            Asked::Le(v) => compare(key, v).is_le(),
            Asked::Gt(v) => compare(key, v).is_gt(),
            Asked::Ge(v) => compare(key, v).is_ge(),
            Asked::Between(a, b) => compare(key, a).is_ge() && compare(key, b).is_le(),
            Asked::BeginsWith(v) => match (key, v) {
                (Value::S(key), Value::S(v)) => key.starts_with(v.as_str()),
                (Value::B(key), Value::B(v)) => key.starts_with(v),
                _ => panic!("a prefix of a string or binary"),
            },
        }
    }

    /// The condition on `name`, and its values as placeholders beginning with `:name`.
    fn write(&self, name: &str, values: &mut Vec<String>) -> String {
        let mut value = |v: &Value| {
            let placeholder = format!(":{name}{}", values.len());
            let mut text = String::new();
            pg_dynamo_core::value::json::write_av(&mut text, v.encode().as_av()).unwrap();
            values.push(format!("\"{placeholder}\":{text}"));
            placeholder
        };
        let name = format!("#{name}");
        match self {
            Asked::Eq(v) => format!("{name} = {}", value(v)),
            Asked::Lt(v) => format!("{} > {name}", value(v)),
            Asked::Le(v) => format!("{name} <= {}", value(v)),
            Asked::Gt(v) => format!("{name} > {}", value(v)),
            Asked::Ge(v) => format!("{} <= {name}", value(v)),
            Asked::Between(a, b) => format!("{name} BETWEEN {} AND {}", value(a), value(b)),
            Asked::BeginsWith(v) => format!("begins_with({name}, {})", value(v)),
        }
    }
}

fn text() -> BoxedStrategy<Value> {
    "[\u{0}\u{1}ab\u{7f}\u{e9}\u{10ffff}]{1,3}"
        .prop_map(Value::S)
        .boxed()
}
fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        (-3i64..4).prop_map(|n| n.to_string()),
        (-25i64..25).prop_map(|n| format!("{n}E-1")),
    ]
    .prop_map(|n| Value::N(Number::parse(&n).unwrap()))
    .boxed()
}
fn binary() -> BoxedStrategy<Value> {
    vec(
        prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff)],
        1..4,
    )
    .prop_map(Value::B)
    .boxed()
}

fn asked(value: fn() -> BoxedStrategy<Value>) -> BoxedStrategy<Asked> {
    let between = (value(), value()).prop_map(|(a, b)| match compare(&a, &b) {
        Ordering::Greater => Asked::Between(b, a),
        _ => Asked::Between(a, b),
    });
    let prefix = value().prop_map(|v| match v {
        Value::N(_) => Asked::Ge(v),
        v => Asked::BeginsWith(v),
    });
    prop_oneof![
        value().prop_map(Asked::Eq),
        value().prop_map(Asked::Lt),
        value().prop_map(Asked::Le),
        value().prop_map(Asked::Gt),
        value().prop_map(Asked::Ge),
        between,
        prefix,
    ]
    .boxed()
}

/// A sort attribute and its values.
type Sorted = (&'static str, fn() -> BoxedStrategy<Value>);

/// Up to `names.len()` tests from the left, all but the last equalities.
fn left_to_right(names: &'static [Sorted]) -> BoxedStrategy<Vec<(&'static str, Asked)>> {
    (0..=names.len())
        .prop_flat_map(move |count| {
            let tests: Vec<BoxedStrategy<(&str, Asked)>> = names[..count]
                .iter()
                .enumerate()
                .map(|(i, (name, value))| {
                    let name: &'static str = name;
                    let test = match i + 1 == count {
                        true => asked(*value),
                        false => value().prop_map(Asked::Eq).boxed(),
                    };
                    test.prop_map(move |test| (name, test)).boxed()
                })
                .collect();
            tests
        })
        .boxed()
}

fn item() -> impl Strategy<Value = Attributes> {
    let of = |names: &'static [&'static str]| {
        prop::sample::select(names).prop_map(|s| Value::S(s.to_owned()))
    };
    let keys = (of(&["p", "q"]), text(), of(&["Novel", "Poem"]));
    let rest = (number(), text(), text(), number(), binary(), 0..4i64);
    (keys, rest).prop_map(|((pk, sk, genre), (year, place, row, column, tag, room))| {
        let room = Value::N(Number::parse(&(room / 3).to_string()).unwrap());
        [
            ("pk", pk),
            ("sk", sk),
            ("Genre", genre),
            ("Year", year),
            ("Place", place),
            ("Row", row),
            ("Column", column),
            ("Tag", tag),
            ("Room", room),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    })
}

struct Case {
    index: Option<&'static str>,
    /// HASH attributes with their values.
    partition: Vec<(&'static str, Value)>,
    tests: Vec<(&'static str, Asked)>,
    forward: bool,
    /// Which of the expected items reading starts behind; beyond the last: from the start.
    start: usize,
}

impl Case {
    fn matches(&self, item: &Attributes) -> bool {
        self.partition
            .iter()
            .all(|(name, value)| item[*name] == *value)
            && self
                .tests
                .iter()
                .all(|(name, test)| test.holds(&item[*name]))
    }

    fn request(&self, start: Option<&ItemBuf>, keys: &[&str]) -> String {
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        let mut names = Vec::new();
        for (name, value) in &self.partition {
            conditions.push(Asked::Eq(value.clone()).write(name, &mut values));
            names.push(format!("\"#{name}\":\"{name}\""));
        }
        for (name, test) in &self.tests {
            conditions.push(test.write(name, &mut values));
            names.push(format!("\"#{name}\":\"{name}\""));
        }
        let index = self
            .index
            .map_or(String::new(), |i| format!("\"IndexName\":\"{i}\","));
        let start = start.map_or(String::new(), |item| {
            let key: Attributes = item
                .as_item()
                .to_attributes()
                .unwrap()
                .into_iter()
                .filter(|(name, _)| keys.contains(&name.as_str()))
                .collect();
            let key = item_text(&ItemBuf::from_attributes(&key));
            format!("\"ExclusiveStartKey\":{key},")
        });
        format!(
            "{{\"TableName\":\"Books\",{index}{start}\"ScanIndexForward\":{},\
             \"KeyConditionExpression\":\"{}\",\"ExpressionAttributeNames\":{{{}}},\
             \"ExpressionAttributeValues\":{{{}}}}}",
            self.forward,
            conditions.join(" AND "),
            names.join(","),
            values.join(",")
        )
    }
}

/// `sort`: the sort attributes of what is read. Rows that are equal in them stand in the order of the table's key.
fn check(items: Vec<Attributes>, case: Case, sort: &[&str], keys: &[&str]) {
    let mut by_key = std::collections::BTreeMap::new();
    for item in items {
        by_key.insert(
            (
                item["pk"].encode().into_bytes(),
                item["sk"].encode().into_bytes(),
            ),
            item,
        );
    }
    let table = books();
    let schema = table.key_schema.clone();
    let store = Store {
        items: by_key.values().map(ItemBuf::from_attributes).collect(),
        table,
    };
    let table_key =
        |item: &Attributes| pg_dynamo_core::key::StoredKey::of_attributes(item, &schema).unwrap();
    let mut expected: Vec<&Attributes> = by_key.values().filter(|i| case.matches(i)).collect();
    expected.sort_by(|a, b| {
        let by_sort = sort.iter().map(|name| compare(&a[*name], &b[*name]));
        by_sort
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| table_key(a).cmp(&table_key(b)))
    });
    if !case.forward {
        expected.reverse();
    }
    let expected: Vec<ItemBuf> = expected.into_iter().map(ItemBuf::from_attributes).collect();
    let read = |start: Option<&ItemBuf>| {
        let read = query(&store.table, &case.request(start, keys)).unwrap();
        store
            .rows(&read)
            .into_iter()
            .map(item_text)
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = expected.iter().map(item_text).collect();
    assert_eq!(read(None), all, "{}", case.request(None, keys));
    let one_value = case.tests.last().is_some_and(|(_, test)| match test {
        Asked::Eq(_) => true,
        Asked::Between(low, high) => low == high,
        _ => false,
    });
    let one_row = case.index.is_none() && one_value;
    if let Some(start) = expected.get(case.start).filter(|_| !one_row) {
        assert_eq!(
            read(Some(start)),
            all[case.start + 1..],
            "{}",
            case.request(Some(start), keys)
        );
    }
}

const SK: &[Sorted] = &[("sk", text)];
const YEAR: &[Sorted] = &[("Year", number)];
const PLACE: &[Sorted] = &[("Place", text)];
const SHELF: &[Sorted] = &[("Row", text), ("Column", number), ("Tag", binary)];

fn s(text: &str) -> Value {
    Value::S(text.to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn of_a_table(items in vec(item(), 0..40), tests in left_to_right(SK), forward: bool, start in 0usize..12) {
        let partition = vec![("pk", s("p"))];
        check(items, Case { index: None, partition, tests, forward, start }, &["sk"], &["pk", "sk"]);
    }

    #[test]
    fn of_a_local_index_with_numbers(
        items in vec(item(), 0..40), tests in left_to_right(YEAR), forward: bool, start in 0usize..12
    ) {
        let partition = vec![("pk", s("p"))];
        let case = Case { index: Some("ByYear"), partition, tests, forward, start };
        check(items, case, &["Year"], &["pk", "sk", "Year"]);
    }

    #[test]
    fn of_a_local_index_with_strings(
        items in vec(item(), 0..40), tests in left_to_right(PLACE), forward: bool, start in 0usize..12
    ) {
        let partition = vec![("pk", s("q"))];
        let case = Case { index: Some("ByPlace"), partition, tests, forward, start };
        check(items, case, &["Place"], &["pk", "sk", "Place"]);
    }

    #[test]
    fn of_a_global_index(
        items in vec(item(), 0..40), tests in left_to_right(YEAR), forward: bool, start in 0usize..12
    ) {
        let partition = vec![("Genre", s("Novel"))];
        let case = Case { index: Some("GenreYear"), partition, tests, forward, start };
        check(items, case, &["Year"], &["pk", "sk", "Genre", "Year"]);
    }

    #[test]
    fn of_a_global_index_without_a_sort_key(items in vec(item(), 0..40), forward: bool, start in 0usize..12) {
        let partition = vec![("Genre", s("Novel"))];
        let case = Case { index: Some("Genre"), partition, tests: Vec::new(), forward, start };
        check(items, case, &[], &["pk", "sk", "Genre"]);
    }

    #[test]
    fn of_a_global_index_with_several_key_attributes(
        items in vec(item(), 0..40), tests in left_to_right(SHELF), forward: bool, start in 0usize..12
    ) {
        let partition = vec![("Genre", s("Poem")), ("Room", Value::N(Number::ZERO))];
        let case = Case { index: Some("Shelf"), partition, tests, forward, start };
        let keys = ["pk", "sk", "Genre", "Room", "Row", "Column", "Tag"];
        check(items, case, &["Row", "Column", "Tag"], &keys);
    }
}

#[test]
fn reading_goes_on_behind_an_item_that_is_gone() {
    let mut store = Store::new(
        books(),
        &[
            r#"{"pk":{"S":"p"},"sk":{"S":"a"}}"#,
            r#"{"pk":{"S":"p"},"sk":{"S":"b"}}"#,
            r#"{"pk":{"S":"p"},"sk":{"S":"c"}}"#,
        ],
    );
    store.items.remove(1);
    let read = |forward: bool| {
        let request = format!(
            r##"{{"TableName":"Books","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{{":p":{{"S":"p"}}}},
                "ExclusiveStartKey":{{"pk":{{"S":"p"}},"sk":{{"S":"b"}}}},"ScanIndexForward":{forward}}}"##
        );
        let read = query(&store.table, &request).unwrap();
        store
            .rows(&read)
            .into_iter()
            .map(item_text)
            .collect::<Vec<_>>()
    };
    assert_eq!(read(true), [r#"{"pk":{"S":"p"},"sk":{"S":"c"}}"#]);
    assert_eq!(read(false), [r#"{"pk":{"S":"p"},"sk":{"S":"a"}}"#]);
}
