//! The same 100 keys written through several gateways, in random order: no deadlock, no lost update.

use crate::endpoint::{Connection, Endpoint, Failure, number};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const KEYS: usize = 100;
const CONNECTIONS: usize = 24;

async fn work(mut connection: Connection, until: Instant) -> Result<Vec<u64>, Failure> {
    let mut added = vec![0; KEYS];
    let mut random = fastrand::Rng::new();
    while Instant::now() < until {
        let key = random.usize(..KEYS);
        let request = json!({"TableName": "Shared", "Key": {"Id": {"S": format!("key {key}")}}, "UpdateExpression": "ADD n :one",
                             "ExpressionAttributeValues": {":one": {"N": "1"}}});
        connection.call("UpdateItem", &request).await?;
        added[key] += 1;
    }
    Ok(added)
}

pub async fn add(endpoint: &Endpoint, also: &[String], seconds: f64) -> Result<(), Failure> {
    endpoint.connection().create_table("Shared", false).await?;
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        workers.spawn(work(endpoint.connection(), until));
        for other in also {
            workers.spawn(work(endpoint.at(other).connection(), until));
        }
    }
    let mut added = vec![0; KEYS];
    while let Some(ended) = workers.join_next().await {
        let counts = ended??;
        added.iter_mut().zip(counts).for_each(|(a, n)| *a += n);
    }
    let mut connection = endpoint.connection();
    for (key, added) in added.iter().enumerate() {
        let get = json!({"TableName": "Shared", "ConsistentRead": true, "Key": {"Id": {"S": format!("key {key}")}}});
        let reply = connection.call("GetItem", &get).await?;
        let stored = reply
            .get("Item")
            .and_then(|item| number(item, "n"))
            .unwrap_or(0);
        if stored != *added {
            return Err(format!(
                "key {key}: {added} additions were acknowledged, {stored} are stored"
            )
            .into());
        }
    }
    let total: u64 = added.iter().sum();
    println!(
        "{total} additions to {KEYS} keys through {} gateways are all there",
        also.len() + 1
    );
    Ok(())
}
