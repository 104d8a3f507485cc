//! Bodies of the fuzz targets, as plain functions: stable Rust drives them with a seeded mutation
//! (tests/fuzz_smoke.rs), cargo-fuzz by hand (fuzz/). A body panics when a promise is broken; bad
//! input is no such case.
use crate::apply::Effect;
use crate::expression::{
    Condition, ExpressionKind, KeyConditions, Placeholders, Projection, Update, Usage,
};
use crate::json::Json;
use crate::partiql::StatementPage;
use crate::request::{QueryRequest, ReadOptions, ScanRequest, StatementRequest};
use crate::stream::iterator::signed;
use crate::stream::position::MAX_EPOCH;
use crate::stream::shard::number_of;
use crate::stream::{Position, ShardIterator, Start, StreamName};
use crate::table::{Account, KeyAttribute, ScalarType, TableDefinition};
use crate::value::item::{directory_len, locate, names_len};
use crate::value::json::{parse_attributes, parse_value, write_av, write_item};
use crate::value::plain::{value_from_plain, write_plain, write_plain_item};
use crate::value::{Av, AvKind, Item, ItemBuf, ListRef, MapRef, Number, SetRef, Value};
use std::rc::Rc;

/// Text of a number, alone and in sums; also as stored bytes.
pub fn number(data: &[u8]) {
    if let Ok(number) = Number::from_key(data) {
        assert_eq!(number_key(number), data, "stored numbers are canonical");
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (first, second) = text.split_once(' ').unwrap_or((text, "1"));
    let (Ok(a), Ok(b)) = (Number::parse(first), Number::parse(second)) else {
        return;
    };
    assert_eq!(Number::parse(&a.to_string()), Ok(a));
    assert_eq!(Number::from_key(&number_key(a)), Ok(a));
    assert_eq!(a.cmp(&b), number_key(a).cmp(&number_key(b)));
    assert_eq!(a.add(b), b.add(a));
    if let Ok(sum) = a.add(b) {
        assert_eq!(sum.sub(b), Ok(a));
    }
}

fn number_key(number: Number) -> Vec<u8> {
    let mut key = Vec::new();
    number.write_key(&mut key);
    key
}

/// Bytes of an item or a value as an attacker's binary receive, or a damaged page, may hold them.
pub fn item_bytes(data: &[u8]) {
    let value = Av::new(data);
    visit_value(value, 6);
    if value.validate().is_ok() {
        let decoded = value.to_value().expect("a valid value can be decoded");
        assert_eq!(decoded.encode().as_av(), value, "valid bytes are canonical");
        assert_eq!(value.size(), Ok(decoded.size()));
    }
    let _ = Av::from_datum(data);
    if let Ok(len) = directory_len(data)
        && let Some(directory) = data.get(..len)
        && let Ok(names) = names_len(directory)
    {
        let _ = locate(data.get(..len.saturating_add(names)).unwrap_or(data), "a");
    }
    let _ = locate(data, "a");
    if let Ok(item) = Item::from_bytes(data) {
        visit_item(item);
    }
}

fn visit_item(item: Item<'_>) {
    visit_map(item.map(), 6);
    let mut out = String::new();
    let _ = (write_item(&mut out, item), write_plain_item(&mut out, item));
    let changes = [("a", Some(Value::Null.encode())), ("b", None)].into();
    let _ = ItemBuf::with_changes(Some(item), &changes);
    if item.validate().is_ok() {
        let attributes = item.to_attributes().expect("a valid item can be decoded");
        let encoded = ItemBuf::from_attributes(&attributes);
        assert_eq!(encoded.as_item(), item, "valid bytes are canonical");
    }
}

/// Calls every accessor; `depth` bounds the work on bytes that overlap one another.
fn visit_value(value: Av<'_>, depth: usize) {
    let mut out = String::new();
    let _ = (value.value_type(), value.size(), value.to_value());
    let _ = (value.validate(), value.partial_cmp(value));
    let _ = (write_av(&mut out, value), write_plain(&mut out, value));
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value.kind() {
        Ok(AvKind::M(map)) => visit_map(map, depth),
        Ok(AvKind::L(list)) => visit_list(list, depth),
        Ok(AvKind::Ss(set) | AvKind::Ns(set) | AvKind::Bs(set)) => visit_set(set),
        Ok(AvKind::N(key)) => drop(Number::from_key(key)),
        _ => {}
    }
}

fn visit_map(map: MapRef<'_>, depth: usize) {
    let _ = (map.get(""), map.get("a"), map.entry(usize::MAX));
    for i in 0..map.len().unwrap_or(0).min(64) {
        if let Ok((name, value)) = map.entry(i) {
            let _ = map.get(name);
            visit_value(value, depth);
        }
    }
}

fn visit_list(list: ListRef<'_>, depth: usize) {
    let _ = list.get(usize::MAX);
    for i in 0..list.len().unwrap_or(0).min(64) {
        if let Ok(Some(value)) = list.get(i) {
            visit_value(value, depth);
        }
    }
}

fn visit_set(set: SetRef<'_>) {
    let _ = (set.get(usize::MAX), set.contains(b"a"));
    for i in 0..set.len().unwrap_or(0).min(64) {
        let _ = set.get(i);
    }
}

/// JSON text read as one attribute value, as an item and as plain JSON.
pub fn item_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(json) = Json::parse(text) else {
        return;
    };
    if let Ok(value) = parse_value(&json) {
        check_value(&value);
    }
    if let Ok(value) = value_from_plain(&json) {
        check_value(&value);
    }
    if let Ok(attributes) = parse_attributes(&json) {
        let stored = ItemBuf::from_attributes(&attributes);
        assert_eq!(stored.as_item().validate(), Ok(()));
        let mut printed = String::new();
        assert_eq!(write_item(&mut printed, stored.as_item()), Ok(()));
        let again = Json::parse(&printed).and_then(|json| parse_attributes(&json));
        assert_eq!(again, Ok(attributes));
    }
}

fn check_value(value: &Value) {
    let stored = value.encode();
    assert_eq!(stored.as_av().validate(), Ok(()));
    let mut printed = String::new();
    assert_eq!(write_av(&mut printed, stored.as_av()), Ok(()));
    let again = Json::parse(&printed).and_then(|json| parse_value(&json));
    assert_eq!(again.as_ref(), Ok(value));
    assert_eq!(write_plain(&mut printed, stored.as_av()), Ok(()));
}

/// Placeholders and an item that expression texts of the corpus refer to.
fn sample() -> (Placeholders, ItemBuf) {
    const ITEM: &str = r#"{"a":{"M":{"b":{"L":[{"N":"1"},{"S":"x"},{"SS":["p","q"]}]},"c":{"N":"2"}}},
        "b":{"N":"5"},"c":{"S":"hello"},"l":{"L":[{"N":"1"},{"L":[{"N":"2"}]}]},"s":{"SS":["x","y"]},"pk":{"S":"k"}}"#;
    const VALUES: &str = r#"{":n":{"N":"3"},":s":{"S":"he"},":l":{"L":[{"N":"9"}]},":t":{"S":"SS"},
        ":x":{"SS":["x","z"]},":m":{"M":{"k":{"NULL":true}}},":b":{"B":"AAE="}}"#;
    let read = |text: &str| Json::parse(text).and_then(|json| parse_attributes(&json));
    let item = read(ITEM).expect("the sample item is valid");
    let values = read(VALUES).expect("the sample values are valid");
    let placeholders = Placeholders {
        names: [("#a", "a"), ("#b", "b"), ("#l", "l")]
            .map(|(key, name)| (key.into(), name.into()))
            .into(),
        values: values
            .iter()
            .map(|(k, v)| (k.clone(), v.encode()))
            .collect(),
    };
    (placeholders, ItemBuf::from_attributes(&item))
}

/// A condition over a sample item: it holds or not, twice the same.
pub fn condition(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (given, item) = sample();
    let mut usage = Usage::default();
    let compiled = Condition::compile(ExpressionKind::Condition, text, &given, &mut usage);
    if let Ok(condition) = compiled {
        let holds = condition.eval(Some(item.as_item()));
        assert!(holds.is_ok(), "a valid item can be evaluated");
        assert_eq!(condition.eval(Some(item.as_item())), holds);
        assert!(condition.eval(None).is_ok());
        assert!(
            condition
                .nested_attributes()
                .is_subset(&condition.attributes())
        );
    }
}

/// A key condition: bound or refused.
pub fn key_condition(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (given, _) = sample();
    let mut usage = Usage::default();
    let Ok(conditions) = KeyConditions::compile(text, &given, &mut usage, 8) else {
        return;
    };
    let key = |name: &str, scalar| KeyAttribute {
        name: name.to_owned(),
        scalar,
    };
    for scalar in [ScalarType::S, ScalarType::N, ScalarType::B] {
        let (hash, range) = (
            [key("a", ScalarType::S)],
            [key("b", scalar), key("c", scalar)],
        );
        for range in [&range[..0], &range[..1], &range[..]] {
            let bound = conditions.clone().bind(&hash, range, &mut |_| Ok(()));
            if let Ok(bound) = bound {
                let _ = bound.sort_range(range.len());
            }
        }
    }
}

/// A Query or Scan as JSON: refused, or a page of it is a reply, whose key it can go on from.
pub fn read_request(data: &[u8]) {
    let Some(json) = std::str::from_utf8(data)
        .ok()
        .and_then(|text| Json::parse(text).ok())
    else {
        return;
    };
    let account = Account {
        account_id: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    let table: TableDefinition = serde_json::from_str(READ_TABLE).expect("a definition");
    let options = ReadOptions::default();
    let query = QueryRequest::parse(&json, &account).and_then(|r| r.bind(&table, options));
    let scan = ScanRequest::parse(&json, &account).and_then(|r| r.bind(&table, options));
    let (_, item) = sample();
    for read in [query, scan].into_iter().flatten() {
        assert!(
            read.descriptions()
                .iter()
                .all(|(label, _)| !label.is_empty())
        );
        let mut page = read.page(String::new());
        // The sample lacks the key; a page that is full cannot name it.
        if page.offer(&item.as_item()).is_ok() {
            let reply = page.finish().expect("a reply");
            assert!(Json::parse(&reply).is_ok(), "{reply}");
        }
    }
}

/// A PartiQL statement with four parameters: refused, or bound to a table; a SELECT offers a page whose token it takes
/// back, a write gives canonical items.
pub fn statement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let account = Account {
        account_id: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    let parameters = [
        Value::S("k".into()),
        Value::N(Number::from_u64(3)),
        Value::Ss(["x".to_owned()].into()),
        Value::Bool(true),
    ]
    .map(|value| value.encode());
    let read = || StatementRequest::of_text(text, &parameters, &account);
    let Ok(request) = read() else {
        return;
    };
    let table: TableDefinition = serde_json::from_str(READ_TABLE).expect("a definition");
    let item = parse_attributes(&Json::parse(STATEMENT_ITEM).expect("JSON")).expect("an item");
    let item = ItemBuf::from_attributes(&item);
    if !request.is_read() {
        if let Ok(write) = request.bind_write(&Rc::new(table)) {
            for old in [Some(item.as_item()), None] {
                if let Ok(Effect::Store(new)) = write.apply(old) {
                    assert_eq!(new.as_item().validate(), Ok(()));
                }
            }
        }
        return;
    }
    let options = ReadOptions::default();
    let Ok(plan) = request.bind_select(&table, options, Some(1), None) else {
        return;
    };
    let mut page = StatementPage::new(&plan, String::new());
    for _ in plan.ranges() {
        // The sample may lack the key of an index.
        let Ok(_) = page.offer(&item.as_item()) else {
            return;
        };
        if page.end_range().is_ok_and(|flow| flow.is_break()) {
            break;
        }
    }
    let reply = page.finish().expect("a reply");
    let reply = Json::parse(&reply).expect("JSON");
    if let Some(token) = reply.get("NextToken").and_then(Json::as_str) {
        let again = read().and_then(|r| r.bind_select(&table, options, None, Some(token.into())));
        // The sample may lie outside of the range it was offered for.
        assert!(again.is_ok() || again.is_err_and(|e| e.message == "Invalid NextToken"));
    }
}

const STATEMENT_ITEM: &str = r#"{"pk":{"S":"k"},"sk":{"N":"3"},"a":{"S":"x"},"b":{"N":"5"},"c":{"B":"AAE="},"d":{"S":"y"},
    "l":{"L":[{"N":"1"},{"L":[{"N":"2"}]}]},"m":{"M":{"k":{"S":"v"}}},"s":{"SS":["x","y"]},"n":{"N":"1"}}"#;

const READ_TABLE: &str = r#"{"name":"Books","key_schema":{"partition":{"name":"pk","scalar":"S"},
    "sort":{"name":"sk","scalar":"N"}},
    "local_indexes":[{"name":"Local","sort":{"name":"a","scalar":"S"},"projection":"KeysOnly","columns":1}],
    "global_indexes":[{"name":"Global","partition":[{"name":"a","scalar":"S"},{"name":"b","scalar":"N"}],
        "sort":[{"name":"c","scalar":"B"},{"name":"d","scalar":"S"}],"projection":"All","columns":2}]}"#;

/// What clients hold of streams: iterators (also with the right checksum around any fields), sequence numbers, ARNs, ids.
pub fn stream_texts(data: &[u8]) {
    const ARN: &str =
        "arn:aws:dynamodb:eu-west-1:123456789012:table/Books/stream/2026-11-21T19:50:45.123";
    let account = Account {
        account_id: "123456789012".into(),
        region: "eu-west-1".into(),
    };
    let iterator = |text: &str| {
        let Ok(read) = ShardIterator::decode(text, &account) else {
            return;
        };
        if let Start::At(position) | Start::After(position) = read.start {
            assert!(position.epoch <= MAX_EPOCH && position.lsn < i64::MAX as u64);
        }
        let _ = read.check_age(0);
        let again = ShardIterator::decode(&read.encode(&account), &account);
        assert_eq!(again.as_ref(), Ok(&read));
    };
    iterator(&signed(ARN, data));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    iterator(text);
    if let Some(position) = Position::parse(text) {
        assert_eq!(position.to_string(), text);
    }
    if let Ok(name) = StreamName::parse(text, &account) {
        assert_eq!(name.arn(&account), text);
    }
    let _ = number_of(text);
}

/// An update applied to a sample item and to none: the result is canonical.
pub fn update(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (given, item) = sample();
    let Ok(update) = Update::compile(text, &given, &mut Usage::default()) else {
        return;
    };
    let key = [("pk".to_string(), Value::S("k".into()))].into();
    for old in [Some(item.as_item()), None] {
        if let Ok(new) = update.apply(old, &key) {
            assert_eq!(new.as_item().validate(), Ok(()));
            assert!(update.touched(new.as_item()).is_ok());
        }
    }
    assert!(update.touched(item.as_item()).is_ok());
}

/// A projection of a sample item, whole and attribute by attribute.
pub fn projection(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (given, item) = sample();
    let Ok(projection) = Projection::compile(text, &given, &mut Usage::default()) else {
        return;
    };
    let found = projection
        .project(item.as_item())
        .expect("a valid item can be projected");
    assert_eq!(found.as_item().validate(), Ok(()));
    let again = projection.project(found.as_item());
    assert!(again.is_ok());
    let mut get = |name: &str| Ok(item.as_item().get(name)?.map(|av| av.to_owned()));
    assert_eq!(projection.project_with(&mut get), Ok(found));
}
