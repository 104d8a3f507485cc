//! Writers whose server dies: what each was told is kept, and compared with what is stored afterwards.
//!
//! A worker's n-th operation is a function of n, so its whole history is the number of operations that were
//! acknowledged. The one after them was sent, and may or may not have been executed.

use crate::endpoint::{Connection, Endpoint, Failure, number};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tokio::task::JoinSet;

const WORKERS: u32 = 16;

/// What a worker has stored: an item for each number, and a counter.
#[derive(Debug, Default, PartialEq, Eq)]
struct State {
    items: BTreeSet<u64>,
    counter: u64,
}

impl State {
    /// After the first `count` operations.
    fn after(count: u64) -> State {
        let mut state = State::default();
        for n in 0..count {
            match n % 4 {
                0 | 1 => {
                    state.items.insert(n);
                }
                2 => state.counter += 1,
                _ => {
                    state.items.remove(&(n - 3));
                }
            }
        }
        state
    }
}

fn name(round: u32, worker: u32) -> String {
    format!("round {round} worker {worker}")
}

/// The n-th operation of a worker.
fn operation(name: &str, n: u64) -> (&'static str, Value) {
    match n % 4 {
        0 | 1 => (
            "PutItem",
            json!({"TableName": "Written", "Item": {"Id": {"S": name}, "Seq": {"N": n.to_string()}, "note": {"S": "x".repeat(100)}}}),
        ),
        2 => (
            "UpdateItem",
            json!({"TableName": "Counted", "Key": {"Id": {"S": name}}, "UpdateExpression": "ADD n :one",
                   "ExpressionAttributeValues": {":one": {"N": "1"}}}),
        ),
        _ => (
            "DeleteItem",
            json!({"TableName": "Written", "Key": {"Id": {"S": name}, "Seq": {"N": (n - 3).to_string()}}}),
        ),
    }
}

pub async fn create_tables(endpoint: &Endpoint) -> Result<(), Failure> {
    let mut connection = endpoint.connection();
    connection.create_table("Written", true).await?;
    connection.create_table("Counted", false).await
}

/// Writes until something fails; the number of operations that were acknowledged, and why it ended.
async fn work(mut connection: Connection, round: u32, worker: u32) -> (u32, u64, String) {
    let name = name(round, worker);
    for n in 0.. {
        let (operation, body) = operation(&name, n);
        if let Err(error) = connection.call(operation, &body).await {
            return (worker, n, error.to_string());
        }
    }
    (worker, u64::MAX, "written all".to_owned())
}

/// The journal has a line of each worker: its number and how many operations were acknowledged.
pub async fn write(endpoint: &Endpoint, round: u32, journal: &Path) -> Result<(), Failure> {
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        workers.spawn(work(endpoint.connection(), round, worker));
    }
    let mut text = String::new();
    while let Some(ended) = workers.join_next().await {
        let (worker, acknowledged, error) = ended?;
        writeln!(text, "{worker} {acknowledged}")?;
        eprintln!("worker {worker} ended after {acknowledged}: {error}");
    }
    Ok(fs::write(journal, text)?)
}

async fn stored(connection: &mut Connection, name: &str) -> Result<State, Failure> {
    let query = json!({"TableName": "Written", "ConsistentRead": true, "KeyConditionExpression": "Id = :id",
                       "ExpressionAttributeValues": {":id": {"S": name}}, "ProjectionExpression": "Seq"});
    let items = connection.items("Query", query).await?;
    let get = json!({"TableName": "Counted", "ConsistentRead": true, "Key": {"Id": {"S": name}}});
    let counter = connection.call("GetItem", &get).await?;
    Ok(State {
        items: items
            .iter()
            .filter_map(|item| number(item, "Seq"))
            .collect(),
        counter: counter
            .get("Item")
            .and_then(|item| number(item, "n"))
            .unwrap_or(0),
    })
}

pub async fn verify(endpoint: &Endpoint, round: u32, journal: &Path) -> Result<(), Failure> {
    let mut connection = endpoint.connection();
    let (mut workers, mut total) = (0, 0);
    for line in fs::read_to_string(journal)?.lines() {
        let (worker, acknowledged) = line.split_once(' ').ok_or("a broken journal")?;
        let acknowledged: u64 = acknowledged.parse()?;
        let found = stored(&mut connection, &name(round, worker.parse()?)).await?;
        if found != State::after(acknowledged) && found != State::after(acknowledged + 1) {
            return Err(format!(
                "worker {worker}: {acknowledged} operations were acknowledged, stored is {found:?}"
            )
            .into());
        }
        workers += 1;
        total += acknowledged;
    }
    if workers != WORKERS || total < u64::from(WORKERS) {
        return Err(format!("{total} operations of {workers} workers are too few").into());
    }
    println!("{total} acknowledged writes are there");
    Ok(())
}
