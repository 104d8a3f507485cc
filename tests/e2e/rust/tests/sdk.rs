//! The AWS SDK for Rust: every item operation, paginators, error types and credentials.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, ReturnConsumedCapacity,
    ReturnValue, ReturnValuesOnConditionCheckFailure, Select, WriteRequest,
};
use pg_dynamo_e2e::{Item, Table, client, config, item, n, s};

fn numbers(items: &[Item]) -> Vec<u32> {
    let number = |i: &Item| i["sk"].as_n().expect("a number").parse().expect("small");
    items.iter().map(number).collect()
}

fn put_request(item: Item) -> WriteRequest {
    let put = PutRequest::builder().set_item(Some(item)).build();
    WriteRequest::builder()
        .put_request(put.expect("an item"))
        .build()
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let table = Table::create("types").await;
    let list = AttributeValue::L(vec![s("x"), AttributeValue::Null(true), n(-1)]);
    let sent = item([
        ("pk", s("all")),
        ("sk", n(1)),
        ("text", s("žluťoučký 🐎")),
        ("empty", s("")),
        ("number", n("12345678901234567890123456789012345678")),
        (
            "bytes",
            AttributeValue::B(Blob::new((0..=255).collect::<Vec<u8>>())),
        ),
        ("yes", AttributeValue::Bool(true)),
        ("map", AttributeValue::M(item([("list", list)]))),
        ("strings", AttributeValue::Ss(vec!["a".into(), "b".into()])),
        ("numbers", AttributeValue::Ns(vec!["1.5".into()])),
        ("blobs", AttributeValue::Bs(vec![Blob::new(*b"\0")])),
    ]);
    table.put(sent.clone()).await;
    assert_eq!(table.get("all", 1).await, Some(sent));
    assert_eq!(table.get("all", 2).await, None);
    table.drop_it().await;
}

#[tokio::test]
async fn an_update_returns_what_it_wrote() {
    let table = Table::create("update").await;
    for expected in 1..=3 {
        let update = table.client.update_item().table_name(&table.name);
        let reply = update
            .key("pk", s("counter"))
            .key("sk", n(0))
            .update_expression("SET hits = if_not_exists(hits, :zero) + :one, #l = :now")
            .expression_attribute_names("#l", "last")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", s("today"))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .expect("the update succeeds");
        let wanted = item([("hits", n(expected)), ("last", s("today"))]);
        assert_eq!(reply.attributes, Some(wanted));
    }
    table.drop_it().await;
}

#[tokio::test]
async fn a_failed_condition_is_its_type_and_brings_the_item() {
    let table = Table::create("condition").await;
    let kept = item([("pk", s("kept")), ("sk", n(0)), ("version", n(7))]);
    table.put(kept.clone()).await;
    let delete = table.client.delete_item().table_name(&table.name);
    let error = delete
        .set_key(Some(item([("pk", s("kept")), ("sk", n(0))])))
        .condition_expression("version = :v")
        .expression_attribute_values(":v", n(6))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .expect_err("the condition fails")
        .into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    assert_eq!(error.message(), Some("The conditional request failed"));
    assert!(error.request_id().is_some());
    let aws_sdk_dynamodb::operation::delete_item::DeleteItemError::ConditionalCheckFailedException(
        failure,
    ) = error
    else {
        panic!("another type: {error}");
    };
    assert_eq!(failure.item, Some(kept.clone()));
    assert_eq!(table.get("kept", 0).await, Some(kept));
    table.drop_it().await;
}

#[tokio::test]
async fn batches_and_pages() {
    let table = Table::create("batches").await;
    for from in [0, 25] {
        let puts = (from..from + 25).map(|i| put_request(item([("pk", s("many")), ("sk", n(i))])));
        let write = table.client.batch_write_item();
        let reply = write
            .request_items(&table.name, puts.collect())
            .send()
            .await
            .expect("the batch is written");
        assert!(reply.unprocessed_items.unwrap_or_default().is_empty());
    }
    let many = table.client.query().table_name(&table.name);
    let many = many
        .key_condition_expression("pk = :p AND sk >= :from")
        .expression_attribute_values(":p", s("many"))
        .expression_attribute_values(":from", n(10));
    let mut pages = many.into_paginator().page_size(7).items().send();
    let mut found = Vec::new();
    while let Some(next) = pages.next().await {
        found.push(next.expect("a page"));
    }
    assert_eq!(numbers(&found), (10..50).collect::<Vec<_>>());

    let keys = KeysAndAttributes::builder()
        .keys(item([("pk", s("many")), ("sk", n(3))]))
        .keys(item([("pk", s("none")), ("sk", n(3))]));
    let get = table.client.batch_get_item();
    let reply = get
        .request_items(&table.name, keys.build().expect("keys"))
        .send()
        .await
        .expect("the batch is read");
    assert_eq!(
        numbers(&reply.responses().expect("responses")[&table.name]),
        [3]
    );

    let delete = DeleteRequest::builder()
        .key("pk", s("many"))
        .key("sk", n(3));
    let delete = WriteRequest::builder()
        .delete_request(delete.build().expect("a key"))
        .build();
    let write = table.client.batch_write_item();
    write
        .request_items(&table.name, vec![delete])
        .send()
        .await
        .expect("the item is deleted");
    let scan = table
        .client
        .scan()
        .table_name(&table.name)
        .select(Select::Count);
    let reply = scan
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .expect("the table is scanned");
    assert_eq!((reply.count, reply.items.is_none()), (49, true));
    assert!(reply.consumed_capacity.and_then(|c| c.capacity_units) > Some(0.0));
    table.drop_it().await;
}

#[tokio::test]
async fn forty_clients_of_one_counter_lose_nothing() {
    let table = Table::create("counter").await;
    let mut tasks = Vec::new();
    for _ in 0..40 {
        let (client, name) = (table.client.clone(), table.name.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                let update = client.update_item().table_name(&name);
                update
                    .key("pk", s("counter"))
                    .key("sk", n(0))
                    .update_expression("ADD hits :one")
                    .expression_attribute_values(":one", n(1))
                    .send()
                    .await
                    .expect("the update succeeds");
            }
        }));
    }
    for task in tasks {
        task.await.expect("the task ends");
    }
    let found = table.get("counter", 0).await.expect("the item is there");
    assert_eq!(found["hits"], n(400));
    table.drop_it().await;
}

#[tokio::test]
async fn errors_without_a_type_of_their_own_have_a_code() {
    let error = client()
        .describe_table()
        .table_name("e2e-there-is-none")
        .send()
        .await
        .expect_err("no such table")
        .into_service_error();
    assert!(error.is_resource_not_found_exception());
    let error = client()
        .get_item()
        .table_name("x")
        .key("pk", s("x"))
        .send()
        .await
        .expect_err("a name of one letter")
        .into_service_error();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn bad_credentials_are_refused_by_name() {
    let stranger = Credentials::new("AKIAUNKNOWNUNKNOWN00", "secret", None, None, "made up");
    let known = std::env::var("AWS_ACCESS_KEY_ID").expect("AWS_ACCESS_KEY_ID is set");
    let liar = Credentials::new(known, "wrong", None, None, "made up");
    for (credentials, code) in [
        (stranger, "UnrecognizedClientException"),
        (liar, "InvalidSignatureException"),
    ] {
        let client = Client::from_conf(config().credentials_provider(credentials).build());
        let error = client.list_tables().send().await.expect_err("let in");
        assert_eq!(error.into_service_error().code(), Some(code));
    }
}
