//! Which faults are found, in which order and words.
use super::*;

#[test]
fn batches_without_tables_are_refused() {
    for operation in ["BatchGetItem", "BatchWriteItem"] {
        assert_eq!(
            message(operation, r#"{"RequestItems":{}}"#),
            format!("The requestItems parameter is required for {operation}")
        );
        assert_eq!(
            message(operation, r#"{"ReturnConsumedCapacity":"hi"}"#),
            "2 validation errors detected: Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: \
             Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; \
             Value null at 'requestItems' failed to satisfy constraint: Member must not be null"
        );
    }
}

#[test]
fn names_of_tables_and_lengths_of_their_lists_are_gathered_before_what_they_hold() {
    let text = message("BatchGetItem", r#"{"RequestItems":{"aa;":{}}}"#);
    assert!(
        text.starts_with("2 validation errors detected: Value '{aa;=KeysAndAttributes(keys=null,")
    );
    assert!(
        text.ends_with(&format!(
            "at 'requestItems' {BAD_NAME}; Value null at 'requestItems.aa;.member.keys' failed to satisfy \
             constraint: Member must not be null"
        )),
        "{text}"
    );
    let text = message("BatchGetItem", r#"{"RequestItems":{"abc":{"Keys":[]}}}"#);
    assert_eq!(
        text,
        "1 validation error detected: Value '[]' at 'requestItems.abc.member.keys' failed to satisfy constraint: \
         Member must have length greater than or equal to 1"
    );
    let text = message(
        "BatchWriteItem",
        r#"{"RequestItems":{"a":[],"abc":[{"PutRequest":{},"DeleteRequest":{}}]}}"#,
    );
    let lengths = "failed to satisfy constraint: Map value must satisfy constraint: \
        [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]";
    for part in [
        BAD_NAME,
        lengths,
        "Value null at 'requestItems.abc.member.1.member.deleteRequest.key' failed",
        "Value null at 'requestItems.abc.member.1.member.putRequest.item' failed",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.starts_with("4 validation errors detected: Value '{a=[], abc=[WriteRequest("));
}

#[test]
fn tables_that_are_null_ask_for_nothing() {
    for operation in ["BatchGetItem", "BatchWriteItem"] {
        assert_eq!(
            message(operation, r#"{"RequestItems":{"abc":null}}"#),
            "1 validation error detected: Value null at 'requestItems.abc.member' failed to satisfy constraint: \
             Member must not be null"
        );
    }
}

#[test]
fn wrong_json_types_are_serialization_exceptions() {
    let parameterized =
        "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to";
    for (operation, request, text) in [
        (
            "BatchGetItem",
            r#"{"RequestItems":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.KeysAndAttributes>",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":[]}}"#,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeysAndAttributes",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":"a"}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":{}}}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":["a"]}}}"#,
            parameterized,
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"abc":{"Keys":[{"a":1}]}}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":[]}"#,
            "Unrecognized collection type java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":{}}}"#,
            "Start of structure or map found where not expected",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":7}}"#,
            parameterized,
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":["a"]}}"#,
            "Unexpected value type in payload",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":[{"PutRequest":[]}]}}"#,
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.PutRequest",
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"abc":[{"PutRequest":{"Item":7}}]}}"#,
            "Unexpected field type",
        ),
    ] {
        let refused = refusal(operation, request);
        assert_eq!(refused.kind.name(), "SerializationException", "{request}");
        assert!(
            refused.message.starts_with(text),
            "{request}: {}",
            refused.message
        );
    }
}

#[test]
fn a_batch_reads_100_keys_and_writes_25_items_at_most() {
    let keys = |n: usize| (0..n).map(|i| key(&i.to_string()));
    accepts("BatchGetItem", &get_request(keys(100), ""));
    assert_eq!(
        message("BatchGetItem", &get_request(keys(101), "")),
        "1 validation error detected: Value at 'RequestItems.Hash.member.Keys' failed to satisfy constraint: \
         Member must have length less than or equal to 100"
    );
    let first: Vec<_> = keys(100).collect();
    assert_eq!(
        message(
            "BatchGetItem",
            &format!(
                r#"{{"RequestItems":{{"abc":{{"Keys":[{}]}},"abd":{{"Keys":[{}]}}}}}}"#,
                first.join(","),
                first[0]
            )
        ),
        "Too many items requested for the BatchGetItem call"
    );
    let puts = |n: usize| (0..n).map(|i| put_of(&key(&i.to_string())));
    accepts("BatchWriteItem", &write_request(puts(25)));
    let text = message("BatchWriteItem", &write_request(puts(26)));
    assert!(
        text.starts_with("1 validation error detected: Value '{Hash=[WriteRequest(deleteRequest=null, putRequest=PutRequest(item={...})), "),
        "{text}"
    );
    assert!(
        text.ends_with(
            "]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \
             [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
        ),
        "{text}"
    );
    let first: Vec<_> = puts(25).collect();
    assert_eq!(
        message(
            "BatchWriteItem",
            &format!(
                r#"{{"RequestItems":{{"abc":[{}],"abd":[{}]}}}}"#,
                first.join(","),
                first[0]
            )
        ),
        "Too many items requested for the BatchWriteItem call"
    );
}

#[test]
fn batch_get_item_reports_mixture_then_names_then_the_expression_then_values_then_duplicates() {
    let bad = r#"{"pk":{"N":"x"}}"#.to_owned();
    for (keys, more, text) in [
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"],"ProjectionExpression":"""#,
            "Can not use both",
        ),
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"],"ExpressionAttributeNames":{}"#,
            "ExpressionAttributeNames can only",
        ),
        (
            vec![bad.clone()],
            r#","AttributesToGet":["a","a"]"#,
            "Duplicate value in attribute name: a",
        ),
        (
            vec![bad.clone()],
            r#","ProjectionExpression":"","ExpressionAttributeNames":{}"#,
            "must not be empty",
        ),
        (
            vec![bad.clone()],
            r#","ProjectionExpression":"""#,
            "The expression can not be empty",
        ),
        (
            vec![key("a"), bad.clone(), key("a")],
            "",
            "cannot be converted to a numeric value",
        ),
        (
            vec![key("a"), key("b"), key("a"), bad.clone()],
            "",
            DUPLICATES,
        ),
    ] {
        let text_found = message("BatchGetItem", &get_request(keys, more));
        assert!(text_found.contains(text), "{text_found}");
    }
}

#[test]
fn batch_get_item_finds_duplicates_of_equal_numbers_and_in_any_order_of_attributes() {
    for keys in [
        [r#"{"pk":{"N":"1"}}"#, r#"{"pk":{"N":"1.0"}}"#],
        [
            r#"{"a":{"S":"x"},"b":{"S":"y"}}"#,
            r#"{"b":{"S":"y"},"a":{"S":"x"}}"#,
        ],
    ] {
        let request = get_request(keys.map(str::to_owned), "");
        assert_eq!(message("BatchGetItem", &request), DUPLICATES);
    }
}

#[test]
fn batch_write_item_wants_a_put_or_a_delete() {
    let both = r#"{"PutRequest":{"Item":{"pk":{}}},"DeleteRequest":{"Key":{}}}"#;
    for request in ["{}", "null", r#"{"PutRequest":null}"#, both] {
        let requests = [put_of(r#"{"pk":{"N":"x"}}"#), request.to_owned()];
        assert_eq!(message("BatchWriteItem", &write_request(requests)), NEITHER);
    }
}

#[test]
fn batch_write_item_looks_at_values_and_sizes_before_tables() {
    let long = "a".repeat(400 * 1024);
    for (item, text) in [
        (r#"{"pk":{}}"#, "Supplied AttributeValue is empty"),
        (r#"{"pk":{"SS":[]}}"#, "may not be empty"),
        (r#"{"":{"S":"a"}}"#, "Empty attribute name"),
        (
            &format!(r#"{{"pk":{{"S":"{long}"}}}}"#),
            "Item size has exceeded the maximum allowed size",
        ),
    ] {
        let found = message("BatchWriteItem", &write_request([put_of(item)]));
        assert!(found.contains(text), "{found}");
    }
    let found = message(
        "BatchWriteItem",
        &write_request([delete_of(r#"{"pk":{"N":"x"}}"#)]),
    );
    assert!(found.contains("cannot be converted"), "{found}");
    // Duplicates are the table's to find.
    accepts(
        "BatchWriteItem",
        &write_request([put_of(&key("a")), put_of(&key("a"))]),
    );
}

#[test]
fn keys_that_do_not_fit_the_schema_are_refused() {
    let (hash, composite) = (hash_table(), composite_table("N"));
    let keys = [
        "{}",
        r#"{"b":{"S":"a"}}"#,
        r#"{"pk":{"N":"1"}}"#,
        r#"{"pk":{"L":[]}}"#,
    ];
    for key in keys {
        let request = get_request([key.to_owned()], "");
        assert_eq!(read(&[&hash], &request).unwrap_err().message, MISMATCH);
        for write_of in [put_of(key), delete_of(key)] {
            let request = write_request([write_of]);
            assert_eq!(write(&[&hash], &request).unwrap_err().message, MISMATCH);
        }
    }
    let half = [key("a")];
    assert_eq!(
        read(&[&composite], &get_request(half.clone(), ""))
            .unwrap_err()
            .message,
        MISMATCH
    );
    let put = write_request(half.map(|key| put_of(&key)));
    assert_eq!(write(&[&composite], &put).unwrap_err().message, MISMATCH);
    let more = r#"{"pk":{"S":"a"},"b":{"S":"b"}}"#;
    assert_eq!(
        write(&[&hash], &write_request([delete_of(more)]))
            .unwrap_err()
            .message,
        MISMATCH
    );
    assert!(write(&[&hash], &write_request([put_of(more)])).is_ok());
}

#[test]
fn keys_too_long_or_empty_are_refused_in_the_words_of_single_items() {
    let hash = hash_table();
    for (value, text) in [
        (
            "a".repeat(2049),
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            String::new(),
            "cannot contain an empty string value. Key: pk",
        ),
    ] {
        let refused = [
            read(&[&hash], &get_request([key(&value)], "")).unwrap_err(),
            write(&[&hash], &write_request([put_of(&key(&value))])).unwrap_err(),
            write(&[&hash], &write_request([delete_of(&key(&value))])).unwrap_err(),
        ];
        for ApiError { message, .. } in refused {
            assert!(message.contains(text), "{message}");
        }
    }
}

#[test]
fn no_two_writes_of_a_batch_are_of_one_item() {
    let hash = hash_table();
    let a = key("a");
    for (one, other) in [
        (put_of(&a), put_of(r#"{"pk":{"S":"a"},"more":{"S":"b"}}"#)),
        (put_of(&a), delete_of(&a)),
        (delete_of(&a), put_of(&a)),
        (delete_of(&a), delete_of(&a)),
    ] {
        // A fault of an earlier request comes first, one of a later request does not.
        let fault = put_of("{}");
        let request = write_request([put_of(&key("b")), one.clone(), other.clone(), fault.clone()]);
        assert_eq!(write(&[&hash], &request).unwrap_err().message, DUPLICATES);
        let request = write_request([fault, one, other]);
        assert_eq!(write(&[&hash], &request).unwrap_err().message, MISMATCH);
    }
}

#[test]
fn a_table_may_be_named_by_its_arn_but_only_once() {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash";
    let request = get_request([key("a")], "").replace("Hash", arn);
    let request = BatchGetItemRequest::parse(&json(&request), &account()).unwrap();
    let names: Vec<_> = request.tables().map(|t| (&*t.name, &*t.as_given)).collect();
    assert_eq!(names, [("Hash", arn)]);
    let put = put_of(&key("a"));
    let twice = format!(r#"{{"RequestItems":{{"Hash":[{put}],"{arn}":[{put}]}}}}"#);
    assert!(message("BatchWriteItem", &twice).contains("by its name and by its ARN"));
    let twice = format!(r#"{{"RequestItems":{{"Hash":[{put},{put}],"Hash":[{put}]}}}}"#);
    let kept = BatchWriteItemRequest::parse(&json(&twice), &account()).unwrap();
    let bound = kept.bind(&[&Rc::new(hash_table())]).unwrap();
    assert_eq!(
        bound.tables()[0].puts().len(),
        1,
        "of equal names the last counts"
    );
}

#[test]
fn keys_that_an_expression_looks_into_are_refused() {
    let request = get_request([key("a")], r#","ProjectionExpression":"pk.b""#);
    let refused = read(&[&hash_table()], &request).unwrap_err();
    assert!(refused.message.contains("Key attributes must be scalars"));
}
