//! Connections cut at random. Every request adds one to a counter of its own, so a request that was executed twice shows.

use crate::endpoint::{Answer, Connection, Endpoint, Failure, number};
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const CONNECTIONS: usize = 16;
/// Above what most requests take, so that some are cut before, some while and some after they are executed.
const LONGEST: Duration = Duration::from_millis(8);

#[derive(Default)]
struct Sent {
    acknowledged: Vec<String>,
    /// Cut, or answered by an error.
    unknown: usize,
}

async fn work(endpoint: Endpoint, worker: usize, until: Instant) -> Sent {
    let mut sent = Sent::default();
    let mut random = fastrand::Rng::new();
    let mut connection = endpoint.connection();
    for n in 0.. {
        if Instant::now() >= until {
            break;
        }
        let id = format!("{worker} {n}");
        let patience = LONGEST.mul_f64(random.f64());
        match timeout(patience, add_one(&mut connection, &id)).await {
            Ok(Ok(Answer { status: 200, .. })) => sent.acknowledged.push(id),
            Ok(Ok(_)) => sent.unknown += 1,
            Ok(Err(_)) => {
                // A gateway that cannot be reached is not to be asked in a hurry.
                sleep(LONGEST).await;
                sent.unknown += 1;
            }
            // The future is gone, and the connection with it.
            Err(_) => sent.unknown += 1,
        }
    }
    sent
}

async fn add_one(connection: &mut Connection, id: &str) -> Result<Answer, Failure> {
    let request = json!({"TableName": "Cut", "Key": {"Id": {"S": id}}, "UpdateExpression": "ADD n :one",
                         "ExpressionAttributeValues": {":one": {"N": "1"}}});
    connection.send("UpdateItem", &request).await
}

pub async fn add(endpoint: &Endpoint, seconds: f64) -> Result<(), Failure> {
    endpoint.connection().create_table("Cut", false).await?;
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        workers.spawn(work(endpoint.clone(), worker, until));
    }
    let mut sent = Sent::default();
    while let Some(ended) = workers.join_next().await {
        let ended = ended?;
        sent.acknowledged.extend(ended.acknowledged);
        sent.unknown += ended.unknown;
    }
    let scan = json!({"TableName": "Cut", "ConsistentRead": true});
    let items = endpoint.connection().items("Scan", scan).await?;
    let stored: HashMap<&str, u64> = items
        .iter()
        .filter_map(|item| Some((item["Id"]["S"].as_str()?, number(item, "n")?)))
        .collect();
    if let Some((id, n)) = stored.iter().find(|(_, n)| **n != 1) {
        return Err(format!("request {id} was executed {n} times").into());
    }
    if let Some(id) = sent
        .acknowledged
        .iter()
        .find(|id| !stored.contains_key(id.as_str()))
    {
        return Err(format!("request {id} was acknowledged and is not stored").into());
    }
    let acknowledged = sent.acknowledged.len();
    if acknowledged == 0 || sent.unknown == 0 {
        return Err(format!(
            "{acknowledged} acknowledged and {} unknown prove nothing",
            sent.unknown
        )
        .into());
    }
    println!(
        "{acknowledged} acknowledged once each; of {} without an answer {} were executed, once",
        sent.unknown,
        stored.len() - acknowledged
    );
    Ok(())
}
