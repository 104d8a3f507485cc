//! TransactWriteItems and TransactGetItems without a database: which faults are found, in which order and words, why a
//! transaction is cancelled, and what the replies say.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::apply::{Effect, Outcome};
use pg_dynamo_core::limits::MAX_TRANSACTION_SIZE;
use pg_dynamo_core::request::{TransactGetItemsRequest, TransactWriteItemsRequest};
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::transaction::{TransactRead, TransactWrite};
use pg_dynamo_core::value::ItemBuf;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::rc::Rc;

fn transact(actions: &[&str], more: &str) -> String {
    format!(r#"{{"TransactItems":[{}]{more}}}"#, actions.join(","))
}

fn bind(tables: &[TableDefinition], request: &str) -> Result<TransactWrite> {
    let tables: Vec<_> = tables.iter().map(|t| Rc::new(t.clone())).collect();
    TransactWriteItemsRequest::parse(&json(request), &account())?.bind(&tables)
}

/// Of the table Hash.
fn hash(actions: &[&str]) -> Result<TransactWrite> {
    bind(&[hash_table()], &transact(actions, ""))
}

fn reads(request: &str) -> Result<TransactRead> {
    TransactGetItemsRequest::parse(&json(request), &account())?.bind(&[&hash_table()])
}

fn put_of(pk: &str, more: &str) -> String {
    format!(r#"{{"Put":{{"TableName":"Hash","Item":{{"pk":{{"S":"{pk}"}}}}{more}}}}}"#)
}

fn check_of(pk: &str, condition: &str) -> String {
    format!(
        r#"{{"ConditionCheck":{{"TableName":"Hash","Key":{{"pk":{{"S":"{pk}"}}}},"ConditionExpression":"{condition}"}}}}"#
    )
}

fn message(request: &str) -> String {
    refusal("TransactWriteItems", request).message
}

fn reasons(error: &ApiError) -> (&str, &str) {
    assert_eq!(error.kind, ErrorKind::TransactionCanceled);
    let reasons = error
        .extra
        .iter()
        .find(|(n, _)| *n == "CancellationReasons");
    (&error.message, &reasons.unwrap().1)
}

/// What the actions leave, on these items.
fn outcomes(transaction: &TransactWrite, items: &[Option<ItemBuf>]) -> Vec<Outcome> {
    let actions = transaction.actions().iter().zip(items);
    actions
        .map(|((_, write), old)| Outcome {
            old: old.clone(),
            new: match write.apply(old.as_ref().map(ItemBuf::as_item)).unwrap() {
                Effect::Store(new) => Some(new),
                Effect::Delete => None,
                Effect::Unchanged => old.clone(),
                Effect::Refused(error) => panic!("{error}"),
            },
        })
        .collect()
}

fn padded(pk: &str, bytes: usize) -> ItemBuf {
    item(&format!(
        r#"{{"pk":{{"S":"{pk}"}},"x":{{"S":"{}"}}}}"#,
        "x".repeat(bytes)
    ))
}

#[test]
fn a_transaction_has_one_to_a_hundred_actions() {
    let constraint = "at 'transactItems' failed to satisfy constraint: Member must have length";
    for operation in ["TransactWriteItems", "TransactGetItems"] {
        assert_eq!(
            refusal(operation, r#"{"TransactItems":[]}"#).message,
            format!(
                "1 validation error detected: Value '[]' {constraint} greater than or equal to 1"
            )
        );
        assert_eq!(
            refusal(operation, "{}").message,
            "1 validation error detected: Value null at 'transactItems' failed to satisfy constraint: Member must not be null"
        );
    }
    let many: Vec<String> = (0..101).map(|n| put_of(&n.to_string(), "")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    accepts("TransactWriteItems", &transact(&many[..100], ""));
    let text = message(&transact(&many, ""));
    assert!(text.starts_with(
        "1 validation error detected: Value '[TransactWriteItem(conditionCheck=null, put=Put("
    ));
    assert!(
        text.ends_with(&format!("{constraint} less than or equal to 100")),
        "{text}"
    );
}

#[test]
fn every_element_is_exactly_one_action() {
    let (put, check) = (put_of("a", ""), check_of("a", "attribute_exists(pk)"));
    let both = format!("{},{}", &put[..put.len() - 1], &check[1..]);
    for actions in [&["{}"][..], &["null"], &[&both], &[&put, &both]] {
        assert_eq!(
            message(&transact(actions, "")),
            "TransactItems can only contain one of Check, Put, Update or Delete"
        );
    }
}

#[test]
fn faults_of_members_are_told_with_their_paths() {
    let text = message(&transact(
        &[
            r#"{"Put":{"Item":{}}}"#,
            r#"{"Update":{"TableName":"a b","Key":{}}}"#,
            r#"{"ConditionCheck":{"TableName":"abc","Key":{},"ReturnValuesOnConditionCheckFailure":"x"}}"#,
        ],
        r#","ClientRequestToken":"""#,
    ));
    for part in [
        "6 validation errors detected: ",
        "Value null at 'transactItems.1.member.put.tableName' failed to satisfy constraint: Member must not be null",
        "Value null at 'transactItems.2.member.update.updateExpression' failed",
        "Value 'a b' at 'transactItems.2.member.update.tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        "Value null at 'transactItems.3.member.conditionCheck.conditionExpression' failed",
        "Value 'x' at 'transactItems.3.member.conditionCheck.returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]",
        "Value '' at 'clientRequestToken' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let long = "x".repeat(37);
    let token = transact(
        &[&put_of("a", "")],
        &format!(r#","ClientRequestToken":"{long}""#),
    );
    assert!(message(&token).ends_with("Member must have length less than or equal to 36"));
    let wrong = refusal("TransactWriteItems", &transact(&[r#"{"Put":[]}"#], ""));
    assert_eq!(wrong.kind, ErrorKind::Serialization);
}

#[test]
fn expressions_are_looked_at_before_any_table() {
    let request = transact(
        &[
            &put_of("a", ""),
            &put_of("b", r#","ConditionExpression":"pk = :v""#),
        ],
        "",
    );
    assert_eq!(
        message(&request),
        "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"
    );
    let legacy = put_of(
        "a",
        r#","Expected":{"pk":{"Exists":false}},"ReturnValues":"ALL_NEW""#,
    );
    accepts("TransactWriteItems", &transact(&[&legacy], ""));
}

#[test]
fn an_item_is_in_a_transaction_once() {
    let text = "Transaction request cannot include multiple operations on one item";
    let check = check_of("a", "attribute_exists(pk)");
    let error = hash(&[&put_of("a", ""), &put_of("b", ""), &check]).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Validation, text)
    );
    // By its name and by its ARN it is the same table.
    let by_arn = check.replace(
        "\"Hash\"",
        "\"arn:aws:dynamodb:eu-west-1:123456789012:table/Hash\"",
    );
    assert_eq!(
        hash(&[&put_of("a", ""), &by_arn]).unwrap_err().message,
        text
    );
    let get = r#"{"Get":{"TableName":"Hash","Key":{"pk":{"S":"a"}}}}"#;
    assert_eq!(reads(&transact(&[get, get], "")).unwrap_err().message, text);
}

#[test]
fn what_is_wrong_with_an_action_cancels_the_transaction() {
    let wrong_key = r#"{"Delete":{"TableName":"Hash","Key":{"nope":{"S":"a"}}}}"#;
    let key_updated = r##"{"Update":{"TableName":"Hash","Key":{"pk":{"S":"u"}},"UpdateExpression":"SET pk = :v","ExpressionAttributeValues":{":v":{"S":"x"}}}}"##;
    let no_key = r#"{"Put":{"TableName":"Hash","Item":{"x":{"S":"a"}}}}"#;
    let error = hash(&[&put_of("a", ""), wrong_key, key_updated, no_key]).unwrap_err();
    let (text, json) = reasons(&error);
    assert_eq!(
        text,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError, ValidationError, ValidationError]"
    );
    assert_eq!(
        json,
        r#"[{"Code":"None"},{"Code":"ValidationError","Message":"The provided key element does not match the schema"},{"Code":"ValidationError","Message":"One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},{"Code":"ValidationError","Message":"One or more parameter values were invalid: Missing the key pk in the item"}]"#
    );
    let error = reads(&transact(&[r#"{"Get":{"TableName":"Hash","Key":{}}}"#], "")).unwrap_err();
    assert!(reasons(&error).0.ends_with("[ValidationError]"));
}

#[test]
fn an_empty_key_is_a_fault_of_the_request() {
    let wrong_key = r#"{"Delete":{"TableName":"Hash","Key":{"nope":{"S":"a"}}}}"#;
    for action in [
        put_of("", ""),
        check_of("", "attribute_exists(pk)"),
        r#"{"Delete":{"TableName":"Hash","Key":{"pk":{"S":""}}}}"#.to_owned(),
    ] {
        let error = hash(&[wrong_key, &action]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation);
        assert_eq!(
            error.message,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
        );
    }
    // Reading, it is one of the reasons.
    let get = r#"{"Get":{"TableName":"Hash","Key":{"pk":{"S":""}}}}"#;
    assert!(
        reasons(&reads(&transact(&[get], "")).unwrap_err())
            .1
            .contains("empty string value")
    );
}

#[test]
fn a_transaction_has_four_megabytes_at_most() {
    let text = "The aggregate size of the items in the transaction cannot exceed 4 MB";
    let large = |n: usize| {
        let attribute = format!(
            r#""pk":{{"S":"{n}"}},"x":{{"S":"{}"}}"#,
            "x".repeat(350_000)
        );
        format!(r#"{{"Put":{{"TableName":"Hash","Item":{{{attribute}}}}}}}"#)
    };
    let twelve: Vec<String> = (0..12).map(large).collect();
    let twelve: Vec<&str> = twelve.iter().map(String::as_str).collect();
    hash(&twelve[..11]).unwrap();
    let error = hash(&twelve).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Validation, text)
    );
    // Items that are there count, too.
    let checks: Vec<String> = (0..11)
        .map(|n| check_of(&n.to_string(), "attribute_exists(pk)"))
        .collect();
    let checks: Vec<&str> = checks.iter().map(String::as_str).collect();
    let transaction = hash(&checks).unwrap();
    let each = MAX_TRANSACTION_SIZE / 11;
    let found = |bytes| {
        (0..11)
            .map(|n| Some(padded(&n.to_string(), bytes)))
            .collect::<Vec<_>>()
    };
    transaction.judge(&found(each - 10)).unwrap();
    assert_eq!(
        transaction.judge(&found(each + 10)).unwrap_err().message,
        text
    );
    // One item too large for itself is told as of a single put.
    let error = refusal(
        "TransactWriteItems",
        &transact(
            &[&large(1).replace(
                r#""x":{"S":""#,
                &format!(r#""x":{{"S":"{}"#, "y".repeat(60_000)),
            )],
            "",
        ),
    );
    assert_eq!(
        error.message,
        "Item size has exceeded the maximum allowed size"
    );
}

#[test]
fn reasons_stand_in_the_order_of_the_actions() {
    let absent = r#","ConditionExpression":"attribute_not_exists(pk)","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#;
    let update = r#"{"Update":{"TableName":"Hash","Key":{"pk":{"S":"u"}},"UpdateExpression":"SET n = m + :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}"#;
    let transaction = hash(&[
        &put_of("new", ""),
        &put_of("old", absent),
        update,
        &check_of("missing", "attribute_exists(pk)"),
    ])
    .unwrap();
    let error = transaction
        .judge(&[None, Some(padded("old", 2000)), None, None])
        .unwrap_err();
    let (text, json) = reasons(&error);
    assert_eq!(
        text,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError, ConditionalCheckFailed]"
    );
    assert!(json.starts_with(
        r#"[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":{"pk":{"S":"old"},"x":{"S":"xx"#
    ));
    assert!(json.ends_with(
        r#""Message":"The conditional request failed"},{"Code":"ValidationError","Message":"The provided expression refers to an attribute that does not exist in the item"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"}]"#
    ), "{json}");
    // Two units for each action, four for the item of 2 KB.
    assert_eq!(error.consumed.as_f64(), 2.0 + 4.0 + 2.0 + 2.0);
    let error = transaction.conflict(2);
    let (text, json) = reasons(&error);
    assert!(text.ends_with("[None, None, TransactionConflict, None]"));
    assert_eq!(
        json,
        r#"[{"Code":"None"},{"Code":"None"},{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"},{"Code":"None"}]"#
    );
}

#[test]
fn the_table_pays_twice_and_its_indexes_once() {
    let table = table(
        r#"{"TableName":"Music","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"}],
            "LocalSecondaryIndexes":[{"IndexName":"ByG","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"g","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],
            "GlobalSecondaryIndexes":[{"IndexName":"OfG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}"#,
    );
    let put = |sk: &str, note: usize| {
        format!(
            r#"{{"Put":{{"TableName":"Music","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"{sk}"}},"g":{{"S":"g"}},"note":{{"S":"{}"}}}}}}}}"#,
            "x".repeat(note)
        )
    };
    let check = r#"{"ConditionCheck":{"TableName":"Music","Key":{"pk":{"S":"q"},"sk":{"S":"c"}},"ConditionExpression":"attribute_not_exists(pk)"}}"#;
    let more = r#","ReturnConsumedCapacity":"INDEXES","ReturnItemCollectionMetrics":"SIZE""#;
    let request = transact(&[&put("a", 1500), &put("b", 1), check], more);
    let transaction = bind(&[table], &request).unwrap();
    let outcomes = outcomes(&transaction, &[None, None, None]);
    let mut reply = String::new();
    let consumed = transaction.reply(&outcomes, &mut reply).unwrap();
    assert_eq!(
        reply,
        r#"{"ConsumedCapacity":[{"TableName":"Music","CapacityUnits":13.0,"WriteCapacityUnits":13.0,"Table":{"CapacityUnits":8.0,"WriteCapacityUnits":8.0},"LocalSecondaryIndexes":{"ByG":{"CapacityUnits":3.0,"WriteCapacityUnits":3.0}},"GlobalSecondaryIndexes":{"OfG":{"CapacityUnits":2.0,"WriteCapacityUnits":2.0}}}],"ItemCollectionMetrics":{"Music":[{"ItemCollectionKey":{"pk":{"S":"p"}},"SizeEstimateRangeGB":[0.0,1.0]}]}}"#
    );
    assert_eq!(consumed.write.as_f64(), 13.0);
    // A repetition reads the same items, by 4 KB, twice.
    reply.clear();
    let consumed = transaction
        .reply_again(&transaction.sizes(&outcomes), &mut reply)
        .unwrap();
    assert_eq!(
        reply,
        r#"{"ConsumedCapacity":[{"TableName":"Music","CapacityUnits":6.0,"ReadCapacityUnits":6.0,"Table":{"CapacityUnits":6.0,"ReadCapacityUnits":6.0}}]}"#
    );
    assert_eq!(
        (consumed.read.as_f64(), consumed.write.as_f64()),
        (6.0, 0.0)
    );
}

#[test]
fn a_reply_says_nothing_unless_asked() {
    let transaction = hash(&[&put_of("a", "")]).unwrap();
    let mut reply = String::new();
    transaction
        .reply(&outcomes(&transaction, &[None]), &mut reply)
        .unwrap();
    assert_eq!(reply, "{}");
}

#[test]
fn a_fingerprint_is_of_what_is_asked_for() {
    let token = |request: &str| {
        let transaction = bind(&[hash_table()], request).unwrap();
        transaction.token().cloned().unwrap()
    };
    let base = r#"{"Update":{"TableName":"Hash","Key":{"pk":{"S":"u"}},"UpdateExpression":"SET n = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}}"#;
    let first = token(&transact(&[base], r#","ClientRequestToken":"t""#));
    assert_eq!(first.text(), "t");
    let reordered = r#"{"Update":{"UpdateExpression":"SET n = :v","ExpressionAttributeValues":{":v":{"N":"1"}},"ConditionExpression":null,"Key":{"pk":{"S":"u"}},"TableName":"Hash"}}"#;
    let same = transact(
        &[reordered],
        r#","ReturnConsumedCapacity":"TOTAL","ClientRequestToken":"t""#,
    );
    assert_eq!(token(&same), first);
    for other in [
        base.replace("\"1\"", "\"2\""),
        base.replace("\"u\"", "\"v\""),
        format!("{base},{}", put_of("b", "")),
    ] {
        let other = token(&transact(&[&other], r#","ClientRequestToken":"t""#));
        assert_ne!(other.fingerprint(), first.fingerprint());
    }
    assert!(hash(&[base]).unwrap().token().is_none());
}

#[test]
fn reads_are_answered_in_the_order_of_the_request() {
    let get = |pk: &str, more: &str| {
        format!(r#"{{"Get":{{"TableName":"Hash","Key":{{"pk":{{"S":"{pk}"}}}}{more}}}}}"#)
    };
    let request = transact(
        &[
            &get("a", ""),
            &get("missing", ""),
            &get("b", r#","ProjectionExpression":"x""#),
            &get("c", r#","ProjectionExpression":"nope""#),
        ],
        r#","ReturnConsumedCapacity":"TOTAL""#,
    );
    let read = reads(&request).unwrap();
    let [gets] = read.tables() else {
        panic!("one table")
    };
    let mut reply = read.reply();
    for (place, key) in gets.keys().iter().enumerate() {
        let pk = String::from_utf8_lossy(&key.pk[1..]).into_owned();
        let size = if pk == "b" { 5000 } else { 1 };
        let item = (pk != "missing").then(|| padded(&pk, size));
        let item = item.as_ref().map(ItemBuf::as_item);
        reply
            .take(0, place, item.as_ref().map(|item| item as _))
            .unwrap();
    }
    assert_eq!(reply.consumed().as_f64(), 10.0);
    let text = reply.finish();
    assert!(text.starts_with(
        r#"{"Responses":[{"Item":{"pk":{"S":"a"},"x":{"S":"x"}}},{},{"Item":{"x":{"S":"xxxx"#
    ));
    assert!(text.ends_with(
        r#""}}},{}],"ConsumedCapacity":[{"TableName":"Hash","CapacityUnits":10.0,"ReadCapacityUnits":10.0}]}"#
    ), "{}", &text[text.len() - 200..]);
}
