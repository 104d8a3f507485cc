//! DynamoDB JSON and plain JSON.
mod strategies;

use pg_dynamo_core::json::{Json, write_string};
use pg_dynamo_core::value::json::{
    check_attributes_shape, check_field_shape, check_shape, parse_attributes, parse_value,
    write_av, write_item,
};
use pg_dynamo_core::value::plain::{
    attributes_from_plain, value_from_plain, write_plain, write_plain_item,
};
use pg_dynamo_core::value::{ItemBuf, MAX_VALUE_DEPTH, Value};
use pg_dynamo_core::{ApiError, ErrorKind};
use proptest::prelude::*;
use strategies::{attributes, text, value};

fn json(text: &str) -> Json<'_> {
    Json::parse(text).unwrap()
}

fn read(text: &str) -> Result<Value, ApiError> {
    parse_value(&json(text))
}

fn print(value: &Value) -> String {
    let mut out = String::new();
    write_av(&mut out, value.encode().as_av()).unwrap();
    out
}

fn plain(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value.encode().as_av()).unwrap();
    out
}

/// Kind and text of the refusal of an attribute value.
fn refusal(text: &str) -> (ErrorKind, String) {
    match read(text) {
        Ok(value) => panic!("{text} was read as {value:?}"),
        Err(e) => (e.kind, e.message),
    }
}

fn assert_shape_fault(text: &str, message: &str) {
    assert_eq!(
        refusal(text),
        (ErrorKind::Serialization, message.to_owned()),
        "{text}"
    );
    assert_eq!(
        check_shape(&json(text)).unwrap_err().message,
        message,
        "{text}"
    );
}

fn assert_content_fault(text: &str, message: &str) {
    assert_eq!(
        refusal(text),
        (ErrorKind::Validation, message.to_owned()),
        "{text}"
    );
    check_shape(&json(text)).unwrap();
}

fn assert_invalid(text: &str, message: &str) {
    assert_content_fault(
        text,
        &format!("One or more parameter values were invalid: {message}"),
    );
}

#[test]
fn items_with_faults_and_oddities_are_not_encoded_at_once() {
    let deep = |levels: usize| {
        let (open, close) = (r#"{"L":["#.repeat(levels), "]}".repeat(levels));
        format!(r#"{{"a":{open}{{"S":"x"}}{close}}}"#)
    };
    let (deepest, too_deep) = (deep(MAX_VALUE_DEPTH), deep(MAX_VALUE_DEPTH + 1));
    assert!(parse_attributes(&json(&deepest)).is_ok());
    assert!(ItemBuf::from_json(&json(&deepest)).is_some());
    for text in [
        r#"[]"#,
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"a":{"S":null}}"#,
        r#"{"a":{"S":"x","N":"1"}}"#,
        r#"{"a":{"S":"x"},"a":{"S":"y"}}"#,
        r#"{"a":{"M":{"b":{"S":"x"},"b":{"S":"y"}}}}"#,
        r#"{"a":{"X":"x"}}"#,
        r#"{"a":{"N":"x"}}"#,
        r#"{"a":{"N":"1E200"}}"#,
        r#"{"a":{"B":"x"}}"#,
        r#"{"a":{"BOOL":"yes"}}"#,
        r#"{"a":{"NULL":false}}"#,
        r#"{"a":{"SS":[]}}"#,
        r#"{"a":{"SS":["x","x"]}}"#,
        r#"{"a":{"SS":["x",null]}}"#,
        r#"{"a":{"NS":["1","1.0"]}}"#,
        r#"{"a":{"L":[{"SS":[]}]}}"#,
        &too_deep,
    ] {
        assert_eq!(ItemBuf::from_json(&json(text)), None, "{text}");
    }
}

proptest! {
    #[test]
    fn values_round_trip_through_dynamodb_json(value in value()) {
        let printed = print(&value);
        prop_assert_eq!(read(&printed).unwrap(), value);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&printed).is_ok());
    }

    #[test]
    fn items_round_trip_through_dynamodb_json(attributes in attributes()) {
        let mut printed = String::new();
        write_item(&mut printed, ItemBuf::from_attributes(&attributes).as_item()).unwrap();
        prop_assert_eq!(parse_attributes(&json(&printed)).unwrap(), attributes);
    }

    #[test]
    fn items_are_encoded_at_once_as_through_a_tree(attributes in attributes()) {
        let item = ItemBuf::from_attributes(&attributes);
        let mut printed = String::new();
        write_item(&mut printed, item.as_item()).unwrap();
        // It may give up on what is odd; the tree reads that.
        if let Some(read) = ItemBuf::from_json(&json(&printed)) {
            prop_assert_eq!(read, item);
        }
    }

    #[test]
    fn plain_json_reads_back_but_for_sets_and_binary(attributes in attributes()) {
        let mut printed = String::new();
        write_plain_item(&mut printed, ItemBuf::from_attributes(&attributes).as_item()).unwrap();
        let read = attributes_from_plain(&json(&printed)).unwrap();
        let mut again = String::new();
        write_plain_item(&mut again, ItemBuf::from_attributes(&read).as_item()).unwrap();
        prop_assert_eq!(again, printed);
    }

    #[test]
    fn strings_are_written_as_json_strings(s in text()) {
        let mut out = String::new();
        write_string(&mut out, &s);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), s);
    }

    #[test]
    fn any_json_is_read_as_serde_json_reads_it(text in "[\\[\\]{}:,\"a0-9eE+.\\\\ntrufls -]{0,16}") {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(Json::parse(&text).is_ok(), theirs.is_ok());
    }
}

#[test]
fn numbers_keep_their_text_and_strings_without_escapes_are_borrowed() {
    use std::borrow::Cow;
    let document =
        json(r#"{"a":[1.50e+3,-0,12345678901234567890123456789012345678901],"b":"x","c":"\n"}"#);
    let Some(Json::Array(numbers)) = document.get("a") else {
        panic!("no array")
    };
    let texts = ["1.50e+3", "-0", "12345678901234567890123456789012345678901"];
    for (number, text) in numbers.iter().zip(texts) {
        assert_eq!(number, &Json::Number(text.into()));
    }
    assert!(matches!(
        document.get("b"),
        Some(Json::String(Cow::Borrowed("x")))
    ));
    assert_eq!(document.get("c").and_then(Json::as_str), Some("\n"));
    assert_eq!(document.get("d"), None);
}

#[test]
fn a_members_last_value_counts() {
    assert_eq!(
        json(r#"{"a":1,"a":2}"#).get("a"),
        Some(&Json::Number("2".into()))
    );
    assert_eq!(read(r#"{"S":"a","S":"b"}"#).unwrap(), Value::S("b".into()));
}

#[test]
fn a_members_name_cannot_make_an_object_a_number() {
    let name = "$serde_json::private::Number";
    for value in [
        "\"1\"",
        "\"\\u0031\"",
        "1",
        "null",
        "[]",
        "{}",
        "true",
        "\"x\"",
    ] {
        for text in [
            format!(r#"{{"{name}":{value}}}"#),
            format!(r#"{{"\u0024{}":{value}}}"#, &name[1..]),
            format!(r#"{{"{name}":{value},"a":1}}"#),
            format!(r#"{{"a":1,"{name}":{value}}}"#),
        ] {
            let document = json(&text);
            assert!(matches!(document, Json::Object(_)), "{text} {document:?}");
            assert_eq!(document.get(name), Some(&json(value)), "{text}");
        }
    }
    let item = format!(r#"{{"{name}":{{"N":"1"}}}}"#);
    assert_eq!(parse_attributes(&json(&item)).unwrap().len(), 1);
}

#[test]
fn a_document_that_is_not_json_is_a_serialization_error() {
    let deep = "[".repeat(10_000);
    for text in [
        "",
        "hi",
        "{",
        "{} x",
        "01",
        "\"\u{1}\"",
        r#""\ud800""#,
        "{'a':1}",
        "NaN",
        &deep,
    ] {
        assert_eq!(
            Json::parse(text).unwrap_err().kind,
            ErrorKind::Serialization
        );
    }
    let closed = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(
        Json::parse(&closed).unwrap_err().kind,
        ErrorKind::Serialization
    );
}

#[test]
fn every_type_is_printed_as_the_api_prints_it() {
    for (given, printed) in [
        (r#"{"S":"a\"\u0000é"}"#, "{\"S\":\"a\\\"\\u0000é\"}"),
        (r#"{"S":""}"#, r#"{"S":""}"#),
        (r#"{"N":"1.50E1"}"#, r#"{"N":"15"}"#),
        (r#"{"B":"AP8="}"#, r#"{"B":"AP8="}"#),
        (r#"{"B":""}"#, r#"{"B":""}"#),
        (r#"{"BOOL":false}"#, r#"{"BOOL":false}"#),
        (r#"{"BOOL":"Yes"}"#, r#"{"BOOL":true}"#),
        (r#"{"NULL":true}"#, r#"{"NULL":true}"#),
        (r#"{"NULL":"1"}"#, r#"{"NULL":true}"#),
        (
            r#"{"M":{"b":{"S":"x"},"a":{"L":[]}}}"#,
            r#"{"M":{"a":{"L":[]},"b":{"S":"x"}}}"#,
        ),
        (
            r#"{"L":[{"NULL":true},{"M":{}}]}"#,
            r#"{"L":[{"NULL":true},{"M":{}}]}"#,
        ),
        (r#"{"SS":["b","","a"]}"#, r#"{"SS":["","a","b"]}"#),
        (r#"{"NS":["10","9.0","-1"]}"#, r#"{"NS":["-1","9","10"]}"#),
        (r#"{"BS":["Yg==","YQ=="]}"#, r#"{"BS":["YQ==","Yg=="]}"#),
        (r#"{"S":"a","X":1,"N":null}"#, r#"{"S":"a"}"#),
    ] {
        assert_eq!(print(&read(given).unwrap()), printed);
    }
}

#[test]
fn content_faults_have_dynamodbs_texts() {
    let empty =
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
    for text in [
        "{}",
        "null",
        r#"{"X":{}}"#,
        r#"{"S":null}"#,
        r#"{"M":{"a":{}}}"#,
        r#"{"L":[{}]}"#,
        r#"{"L":[null]}"#,
    ] {
        assert_content_fault(text, empty);
    }
    assert_content_fault(
        r#"{"S":"a","N":"1"}"#,
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
    let numeric = "The parameter cannot be converted to a numeric value";
    assert_content_fault(r#"{"N":""}"#, numeric);
    assert_content_fault(r#"{"S":"","N":""}"#, numeric);
    assert_content_fault(r#"{"S":"a","N":"b"}"#, &format!("{numeric}: b"));
    assert_content_fault(r#"{"NS":["1",""]}"#, numeric);
    assert_content_fault(r#"{"NS":["1","b"]}"#, &format!("{numeric}: b"));
    assert_content_fault(
        r#"{"NS":["1","1.0"]}"#,
        "Input collection contains duplicates",
    );
    assert_invalid(
        r#"{"NULL":false}"#,
        "Null attribute value types must have the value of true",
    );
    assert_invalid(
        r#"{"NULL":"no"}"#,
        "Null attribute value types must have the value of true",
    );
    assert_invalid(r#"{"SS":[]}"#, "An string set  may not be empty");
    assert_invalid(r#"{"NS":[]}"#, "An number set  may not be empty");
    assert_invalid(r#"{"BS":[]}"#, "Binary sets should not be empty");
    assert_invalid(
        r#"{"SS":["a","a"]}"#,
        "Input collection [a, a] contains duplicates.",
    );
    assert_invalid(
        r#"{"BS":["Yg==","Yg=="]}"#,
        "Input collection [Yg==, Yg==]of type BS contains duplicates.",
    );
}

#[test]
fn shape_faults_have_dynamodbs_texts() {
    for (text, message) in [
        (r#""23""#, "Unexpected value type in payload"),
        (
            "[]",
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
        ),
        (r#"{"S":true}"#, "TRUE_VALUE cannot be converted to String"),
        (r#"{"N":23}"#, "NUMBER_VALUE cannot be converted to String"),
        (
            r#"{"N":34.56}"#,
            "DECIMAL_VALUE cannot be converted to String",
        ),
        (
            r#"{"S":[]}"#,
            "Unrecognized collection type class java.lang.String",
        ),
        (
            r#"{"S":{}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            r#"{"B":23}"#,
            "only base-64-encoded strings are convertible to bytes",
        ),
        (
            r#"{"B":[]}"#,
            "Unrecognized collection type class java.nio.ByteBuffer",
        ),
        (r#"{"BOOL":"23"}"#, "Unexpected token received from parser"),
        (
            r#"{"NULL":0}"#,
            "NUMBER_VALUE cannot be converted to Boolean",
        ),
        (
            r#"{"BOOL":[]}"#,
            "Unrecognized collection type class java.lang.Boolean",
        ),
        (r#"{"SS":"a"}"#, "Unexpected field type"),
        (
            r#"{"SS":{}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            r#"{"NS":[1]}"#,
            "NUMBER_VALUE cannot be converted to String",
        ),
        (r#"{"L":[1]}"#, "Unexpected value type in payload"),
        (
            r#"{"M":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        (r#"{"M":"a"}"#, "Unexpected field type"),
        (
            r#"{"M":{"a":{"BS":[{}]}}}"#,
            "Start of structure or map found where not expected",
        ),
        // A wrong shape anywhere comes before a wrong value anywhere.
        (
            r#"{"L":[{},{"S":1}]}"#,
            "NUMBER_VALUE cannot be converted to String",
        ),
    ] {
        assert_shape_fault(text, message);
    }
    assert_eq!(
        check_field_shape(&json("1")).unwrap_err().message,
        "Unexpected field type"
    );
    assert_eq!(
        check_attributes_shape(&json("1")).unwrap_err().message,
        "Unexpected field type"
    );
    assert!(check_attributes_shape(&json(r#"{"a":{"S":1}}"#)).is_err());
    check_attributes_shape(&json("null")).unwrap();
}

#[test]
fn base64_is_strict() {
    for (text, message) in [
        (
            "23456",
            "Base64 encoded length is expected a multiple of 4 bytes but found: 5",
        ),
        (
            "YQ",
            "Base64 encoded length is expected a multiple of 4 bytes but found: 2",
        ),
        ("=+/=", "Invalid last non-pad Base64 character dectected"),
        ("+/+=", "Invalid last non-pad Base64 character dectected"),
        ("YR==", "Invalid last non-pad Base64 character dectected"),
        ("====", "Invalid last non-pad Base64 character dectected"),
        ("Y===", "Invalid last non-pad Base64 character dectected"),
        (
            "YQ==YQ==",
            "Invalid last non-pad Base64 character dectected",
        ),
        ("Y-_a", "Invalid Base64 character: '-'"),
        ("YQ= ", "Invalid Base64 character: ' '"),
        ("aé==", "Invalid Base64 character: 'é'"),
    ] {
        assert_shape_fault(&format!(r#"{{"B":"{text}"}}"#), message);
        assert_shape_fault(&format!(r#"{{"BS":["{text}"]}}"#), message);
    }
    assert_eq!(
        read(r#"{"B":"AAEC/w=="}"#).unwrap(),
        Value::B(vec![0, 1, 2, 255])
    );
}

#[test]
fn nesting_ends_at_the_limit_in_every_parser() {
    let wrap = |depth: usize, open: &str, close: &str, leaf: &str| {
        format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth))
    };
    let fault = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";
    for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}")] {
        let leaf = r#"{"S":"x"}"#;
        read(&wrap(MAX_VALUE_DEPTH, open, close, leaf)).unwrap();
        assert_content_fault(&wrap(MAX_VALUE_DEPTH + 1, open, close, leaf), fault);
    }
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        value_from_plain(&json(&wrap(MAX_VALUE_DEPTH, open, close, "1"))).unwrap();
        let deeper = wrap(MAX_VALUE_DEPTH + 1, open, close, "1");
        assert_eq!(value_from_plain(&json(&deeper)).unwrap_err().message, fault);
    }
}

#[test]
fn plain_json_has_natural_types() {
    let value = read(
        r#"{"M":{"s":{"S":"x"},"n":{"N":"12345678901234567890123456789012345678"},"b":{"B":"AP8="},
            "t":{"BOOL":true},"z":{"NULL":true},"l":{"L":[{"N":"0.001"}]},"ns":{"NS":["2","1"]},
            "ss":{"SS":["b","a"]},"bs":{"BS":["YQ=="]}}}"#,
    )
    .unwrap();
    assert_eq!(
        plain(&value),
        r#"{"b":"AP8=","bs":["YQ=="],"l":[0.001],"n":12345678901234567890123456789012345678,"ns":[1,2],"s":"x","ss":["a","b"],"t":true,"z":null}"#
    );
    let read =
        value_from_plain(&json(r#"{"a":[1.0,"x",null,false,{"b":1e2}],"a":[100]}"#)).unwrap();
    assert_eq!(print(&read), r#"{"M":{"a":{"L":[{"N":"100"}]}}}"#);
    let long = value_from_plain(&json("123456789012345678901234567890123456789"));
    assert_eq!(
        long.unwrap_err().message,
        "Attempting to store more than 38 significant digits in a Number"
    );
    assert_eq!(
        attributes_from_plain(&json("[]")).unwrap_err().kind,
        ErrorKind::Validation
    );
}
