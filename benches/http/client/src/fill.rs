//! The tables that are measured.

use crate::requests::{CUSTOMERS, ITEMS, ORDERS, item, order};
use pg_dynamo_bench_client::{Connection, Failure, Target};

const BENCH: &str = r#"{"TableName":"Bench","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"Id","KeyType":"HASH"}]}"#;
const BENCH_ORDERS: &str = r#"{"TableName":"Orders","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"Customer","AttributeType":"S"},{"AttributeName":"Order","AttributeType":"N"}],"KeySchema":[{"AttributeName":"Customer","KeyType":"HASH"},{"AttributeName":"Order","KeyType":"RANGE"}]}"#;

pub async fn fill(target: &Target) -> Result<(), Failure> {
    let mut connection = Connection::new(&target.endpoint);
    for (name, table) in [("Bench", BENCH), ("Orders", BENCH_ORDERS)] {
        send(&mut connection, target, "CreateTable", table).await?;
        let described = format!(r#"{{"TableName":"{name}"}}"#);
        while !send(&mut connection, target, "DescribeTable", &described)
            .await?
            .contains("\"ACTIVE\"")
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let items: Vec<String> = (0..ITEMS).map(|id| item(id, id)).collect();
    let orders: Vec<String> = (0..CUSTOMERS * ORDERS)
        .map(|n| order(n / ORDERS, n % ORDERS))
        .collect();
    for (table, items) in [("Bench", items), ("Orders", orders)] {
        for batch in items.chunks(25) {
            let puts: Vec<String> = batch
                .iter()
                .map(|item| format!(r#"{{"PutRequest":{{"Item":{item}}}}}"#))
                .collect();
            let body = format!(r#"{{"RequestItems":{{"{table}":[{}]}}}}"#, puts.join(","));
            send(&mut connection, target, "BatchWriteItem", &body).await?;
        }
    }
    Ok(())
}

async fn send(
    connection: &mut Connection,
    target: &Target,
    operation: &str,
    body: &str,
) -> Result<String, Failure> {
    let answer = connection.send(&target.signed(operation, body)?).await?;
    let text = String::from_utf8_lossy(answer.body).into_owned();
    match answer.status {
        200 => Ok(text),
        status => Err(format!("{operation}: {status} {text}").into()),
    }
}
