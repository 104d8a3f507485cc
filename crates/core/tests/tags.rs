//! Tags: what they may be, whose they are, and the operations on them.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::request::*;
use pg_dynamo_core::{ApiError, ErrorKind, Result};

const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash";

fn tag(arn: &str, tags: &str) -> Result<TagResourceRequest> {
    let request = format!(r#"{{"ResourceArn":"{arn}","Tags":{tags}}}"#);
    TagResourceRequest::parse(&json(&request), &account())
}

fn untag(keys: &str) -> Result<UntagResourceRequest> {
    let request = format!(r#"{{"ResourceArn":"{ARN}","TagKeys":{keys}}}"#);
    UntagResourceRequest::parse(&json(&request), &account())
}

fn list(arn: &str) -> Result<ListTagsOfResourceRequest> {
    let request = format!(r#"{{"ResourceArn":"{arn}"}}"#);
    ListTagsOfResourceRequest::parse(&json(&request), &account())
}

fn one(key: &str, value: &str) -> String {
    format!(r#"[{{"Key":"{key}","Value":"{value}"}}]"#)
}

fn told(error: ApiError) -> (ErrorKind, String) {
    (error.kind, error.message)
}

#[test]
fn tags_are_added_replaced_listed_and_removed() {
    let table = hash_table();
    let tagged = tag(
        ARN,
        r#"[{"Key":"team","Value":"blue"},{"Key":"empty","Value":""}]"#,
    );
    let tagged = tagged.unwrap().apply(&table).unwrap();
    let changed = tag(ARN, &one("team", "red"))
        .unwrap()
        .apply(&tagged)
        .unwrap();
    assert_eq!(
        list(ARN).unwrap().reply(&changed),
        r#"{"Tags":[{"Key":"empty","Value":""},{"Key":"team","Value":"red"}]}"#
    );
    let rest = untag(r#"["empty","never there"]"#).unwrap().apply(&changed);
    assert_eq!(
        list(ARN).unwrap().reply(&rest),
        r#"{"Tags":[{"Key":"team","Value":"red"}]}"#
    );
    assert_eq!(list(ARN).unwrap().reply(&table), r#"{"Tags":[]}"#);
}

#[test]
fn a_table_has_fifty_tags_at_most() {
    let tags = |from: usize, to: usize| {
        let tags: Vec<_> = (from..to)
            .map(|i| format!(r#"{{"Key":"k{i}","Value":"v"}}"#))
            .collect();
        format!("[{}]", tags.join(","))
    };
    let too_many = "Number of Tags exceed the current limit for the provided ResourceArn";
    let full = tag(ARN, &tags(0, 50))
        .unwrap()
        .apply(&hash_table())
        .unwrap();
    // Those that are there may change.
    assert_eq!(tag(ARN, &tags(0, 50)).unwrap().apply(&full).unwrap(), full);
    assert_eq!(
        tag(ARN, &tags(50, 51))
            .unwrap()
            .apply(&full)
            .unwrap_err()
            .message,
        too_many
    );
    assert_eq!(tag(ARN, &tags(0, 51)).unwrap_err().message, too_many);
    let keys: Vec<_> = (0..51).map(|i| format!("\"k{i}\"")).collect();
    assert_eq!(
        untag(&format!("[{}]", keys.join(","))).unwrap_err().message,
        too_many
    );
}

#[test]
fn keys_and_values_have_the_characters_and_lengths_of_tags() {
    for (key, value) in [
        ("ключ", "café 表"),
        ("a+b-c=d.e_f:g/h@i", ""),
        (&"k".repeat(128), &"v".repeat(256)),
        (&"é".repeat(128), &"é".repeat(256)),
    ] {
        tag(ARN, &one(key, value)).unwrap();
    }
    let bad_key = |key: &str| format!("The Tag Key provided is invalid, Key: {key}");
    let bad_value = |value: &str| format!("The Tag Value provided is invalid, Value: {value}");
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (tags, message) in [
        (one("", "v"), bad_key("")),
        (one(&long_key, "v"), bad_key(&long_key)),
        (one("a#b", "v"), bad_key("a#b")),
        (one("🔑", "v"), bad_key("🔑")),
        (one("k", &long_value), bad_value(&long_value)),
        (one("k", "100%"), bad_value("100%")),
        (r#"[{"Key":"k"}]"#.into(), bad_value("null")),
        ("[{}]".into(), bad_key("null")),
        (
            one("aws:k", "v"),
            "Tag Key cannot be prefixed with aws:, Key: aws:k".into(),
        ),
        (
            one("AWS:k", "v"),
            "Tag Key cannot be prefixed with aws:, Key: AWS:k".into(),
        ),
        (
            r#"[{"Key":"k","Value":"1"},{"Key":"k","Value":"2"}]"#.into(),
            "Duplicate Tag Keys provided as input: Duplicate Tag Key found k".into(),
        ),
        (
            "[]".into(),
            "Atleast one Tag needs to be provided as Input.".into(),
        ),
    ] {
        let error = tag(ARN, &tags).unwrap_err();
        assert_eq!(told(error), (ErrorKind::Validation, message));
    }
    assert_eq!(
        untag("[]").unwrap_err().message,
        "Atleast one Tag Key needs to be provided as Input."
    );
    assert_eq!(untag(r#"[""]"#).unwrap_err().message, bad_key(""));
    // CreateTable holds to the same rules.
    let creation = creation(
        &["pk"],
        "pk:HASH",
        r#","Tags":[{"Key":"aws:k","Value":"v"}]"#,
    );
    assert_eq!(
        create(&creation).unwrap_err().message,
        "Tag Key cannot be prefixed with aws:, Key: aws:k"
    );
}

#[test]
fn wrong_json_types_are_told_first() {
    for request in [
        r#"{"ResourceArn":1}"#,
        r#"{"ResourceArn":"x","Tags":{}}"#,
        r#"{"ResourceArn":"x","Tags":[{"Key":1}]}"#,
    ] {
        let error = TagResourceRequest::parse(&json(request), &account()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Serialization, "{request}");
    }
    let none = TagResourceRequest::parse(&json("{}"), &account()).unwrap_err();
    assert_eq!(none.message, "Invalid TableArn");
    let request = format!(r#"{{"ResourceArn":"{ARN}"}}"#);
    let none = TagResourceRequest::parse(&json(&request), &account()).unwrap_err();
    assert_eq!(
        none.message,
        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn an_arn_is_refused_for_what_is_wrong_with_it() {
    let invalid = "One or more parameter values were invalid: ";
    for (arn, kind, message) in [
        (
            "Hash",
            ErrorKind::Validation,
            format!("{invalid}ARNs must start with 'arn:': Hash"),
        ),
        (
            "arn:aws:dynamodb",
            ErrorKind::Validation,
            format!("{invalid}Third colon vendor not found: arn:aws:dynamodb"),
        ),
        (
            "arn:aws:s3:eu-west-1:123456789012:table/Hash",
            ErrorKind::AccessDenied,
            "User is not authorized to perform: dynamodb:ListTagsOfResource on resource: \
             arn:aws:s3:eu-west-1:123456789012:table/Hash"
                .into(),
        ),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash/index/Gsi",
            ErrorKind::Validation,
            format!(
                "{invalid}Invalid resource arn provided, only table or stream is accepted. Provided resource arn: \
                 arn:aws:dynamodb:eu-west-1:123456789012:table/Hash/index/Gsi"
            ),
        ),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash/backup/1",
            ErrorKind::Validation,
            format!(
                "{invalid}Provided Arn is not a DynamoDB resource arn: \
                 arn:aws:dynamodb:eu-west-1:123456789012:table/Hash/backup/1"
            ),
        ),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/Hash",
            ErrorKind::AccessDenied,
            "User is not authorized to perform: dynamodb:ListTagsOfResource on resource: \
             arn:aws:dynamodb:us-east-1:000000000000:table/Hash"
                .into(),
        ),
        (
            "arn:aws:dynamodb:us-east-1:123456789012:table/Hash",
            ErrorKind::Validation,
            "Invalid TableArn: Invalid ResourceArn provided as input \
             arn:aws:dynamodb:us-east-1:123456789012:table/Hash"
                .into(),
        ),
    ] {
        assert_eq!(told(list(arn).unwrap_err()), (kind, message));
    }
    let request = list(ARN).unwrap();
    assert_eq!(
        told(request.tagged.missing()),
        (
            ErrorKind::ResourceNotFound,
            format!("Requested resource not found: ResourceArn: {ARN} not found")
        )
    );
    let stream = list(&format!("{ARN}/stream/2026-01-01T00:00:00.000")).unwrap();
    assert_eq!(
        stream.tagged.table().unwrap_err().kind,
        ErrorKind::ResourceNotFound
    );
}

#[test]
fn a_token_that_was_never_given_is_refused() {
    let request = format!(r#"{{"ResourceArn":"{ARN}","NextToken":"x"}}"#);
    let error = ListTagsOfResourceRequest::parse(&json(&request), &account()).unwrap_err();
    assert_eq!(
        told(error),
        (ErrorKind::Validation, "Invalid NextToken".into())
    );
}
