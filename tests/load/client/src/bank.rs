//! Money moved between accounts by TransactWriteItems, every request sent twice under one token, while others read all
//! accounts by TransactGetItems. What fails is sent again, under the same token, also when the server has died meanwhile.
//!
//! A transfer takes from one account, gives to another, asks for a third, and adds one to a line of its own in the ledger.
//! So a token that was applied twice shows as a line with 2, and the accounts can be reckoned from the lines.

use crate::endpoint::{Answer, Connection, Endpoint, Failure, number};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const ACCOUNTS: usize = 100;
const BALANCE: u64 = 1000;
const CLIENTS: usize = 16;
const READERS: usize = 4;
/// Whatever fails may fail for so long after the last transfer was begun.
const PATIENCE: Duration = Duration::from_secs(60);

fn account(n: usize) -> String {
    format!("account {n}")
}

struct Transfer {
    id: String,
    from: usize,
    to: usize,
    witness: usize,
    amount: u64,
}

impl Transfer {
    fn new(id: String, random: &mut fastrand::Rng) -> Transfer {
        let mut places: Vec<usize> = (0..ACCOUNTS).collect();
        random.shuffle(&mut places);
        Transfer {
            id,
            from: places[0],
            to: places[1],
            witness: places[2],
            amount: random.u64(1..=BALANCE / 4),
        }
    }

    fn request(&self) -> Value {
        let amount = |n: String| json!({":n": {"N": n}});
        let key = |n| json!({"Id": {"S": account(n)}});
        let number = |n: usize| json!({"N": n.to_string()});
        json!({"ClientRequestToken": self.id, "TransactItems": [
            {"Update": {"TableName": "Accounts", "Key": key(self.from), "UpdateExpression": "SET balance = balance - :n",
                        "ConditionExpression": "balance >= :n", "ExpressionAttributeValues": amount(self.amount.to_string())}},
            {"Update": {"TableName": "Accounts", "Key": key(self.to), "UpdateExpression": "SET balance = balance + :n",
                        "ExpressionAttributeValues": amount(self.amount.to_string())}},
            {"ConditionCheck": {"TableName": "Accounts", "Key": key(self.witness), "ConditionExpression": "attribute_exists(Id)"}},
            {"Update": {"TableName": "Ledger", "Key": {"Id": {"S": self.id}},
                        "UpdateExpression": "SET taken = :from, given = :to, amount = :amount ADD times :one",
                        "ExpressionAttributeValues": {":from": number(self.from), ":to": number(self.to),
                            ":amount": {"N": self.amount.to_string()}, ":one": {"N": "1"}}}},
        ]})
    }
}

/// What one sending came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    /// The account had too little.
    Refused,
    Again,
}

fn told(answer: Result<Answer, Failure>) -> Result<Told, Failure> {
    let Ok(answer) = answer else {
        return Ok(Told::Again);
    };
    let kind = answer.body.get("__type").and_then(Value::as_str);
    let kind = kind
        .and_then(|kind| kind.rsplit('#').next())
        .unwrap_or_default();
    let message = answer
        .body
        .get("Message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (answer.status, kind) {
        (200, _) => Ok(Told::Done),
        (400, "TransactionCanceledException")
            if message.ends_with("[ConditionalCheckFailed, None, None, None]") =>
        {
            Ok(Told::Refused)
        }
        (400, "TransactionCanceledException") if message.contains("TransactionConflict") => {
            Ok(Told::Again)
        }
        (400, "TransactionInProgressException") | (500.., _) => Ok(Told::Again),
        (status, _) => Err(format!("status {status}: {}", answer.body).into()),
    }
}

/// Sends a transfer until it is told what came of it.
async fn send(
    connection: &mut Connection,
    request: &Value,
    until: Instant,
) -> Result<Told, Failure> {
    loop {
        let answer = connection.send("TransactWriteItems", request).await;
        match told(answer)? {
            Told::Again if Instant::now() < until + PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Told::Again => return Err("a transfer is never done".into()),
            told => return Ok(told),
        }
    }
}

/// The ids of the transfers that were acknowledged.
async fn move_money(
    endpoint: Endpoint,
    run: u32,
    client: usize,
    until: Instant,
) -> Result<Vec<String>, Failure> {
    let mut random = fastrand::Rng::new();
    let mut connections = (endpoint.connection(), endpoint.connection());
    let mut done = Vec::new();
    for n in 0.. {
        if Instant::now() >= until {
            break;
        }
        let transfer = Transfer::new(format!("{run} {client} {n}"), &mut random);
        let request = transfer.request();
        let told = if n % 2 == 0 {
            // Both at once.
            let first = send(&mut connections.0, &request, until);
            let second = send(&mut connections.1, &request, until);
            tokio::join!(first, second)
        } else {
            let first = send(&mut connections.0, &request, until).await;
            (first, send(&mut connections.1, &request, until).await)
        };
        let told = [told.0?, told.1?];
        // Sent at once, the refusal may have come first.
        if n % 2 == 1 && told == [Told::Done, Told::Refused] {
            return Err(format!(
                "{} was done, and under its token it was refused",
                transfer.id
            )
            .into());
        }
        if told.contains(&Told::Done) {
            done.push(transfer.id);
        }
    }
    Ok(done)
}

async fn balances(connection: &mut Connection) -> Result<Option<Vec<u64>>, Failure> {
    let gets: Vec<Value> = (0..ACCOUNTS)
        .map(|n| json!({"Get": {"TableName": "Accounts", "Key": {"Id": {"S": account(n)}}}}))
        .collect();
    let answer = connection
        .send("TransactGetItems", &json!({"TransactItems": gets}))
        .await;
    let Ok(answer) = answer else { return Ok(None) };
    if answer.status >= 500 {
        return Ok(None);
    }
    let reply = answer.success()?;
    let responses = reply["Responses"].as_array().ok_or("no Responses")?;
    let found = responses
        .iter()
        .map(|response| number(&response["Item"], "balance"));
    let found = found
        .collect::<Option<Vec<u64>>>()
        .ok_or("an account is missing")?;
    Ok(Some(found))
}

/// How many times the sum was right.
async fn watch(endpoint: Endpoint, until: Instant) -> Result<usize, Failure> {
    let mut connection = endpoint.connection();
    let mut reads = 0;
    while Instant::now() < until {
        match balances(&mut connection).await? {
            None => tokio::time::sleep(Duration::from_millis(20)).await,
            Some(found) if found.iter().sum::<u64>() == ACCOUNTS as u64 * BALANCE => reads += 1,
            Some(found) => return Err(format!("the sum is wrong: {found:?}").into()),
        }
    }
    Ok(reads)
}

async fn open(connection: &mut Connection) -> Result<(), Failure> {
    connection.create_table("Accounts", false).await?;
    connection.create_table("Ledger", false).await?;
    for n in 0..ACCOUNTS {
        let item = json!({"Id": {"S": account(n)}, "balance": {"N": BALANCE.to_string()}});
        let put = json!({"TableName": "Accounts", "Item": item});
        connection.call("PutItem", &put).await?;
    }
    Ok(())
}

/// Compares the accounts with the lines of the ledger, and those with what was acknowledged.
async fn audit(connection: &mut Connection, done: &BTreeSet<String>) -> Result<(), Failure> {
    // In the order of the lines a balance may fall below zero; in that of the transfers it never did.
    let mut reckoned = vec![i128::from(BALANCE); ACCOUNTS];
    let mut lines = BTreeSet::new();
    for line in connection
        .items("Scan", json!({"TableName": "Ledger"}))
        .await?
    {
        let part = |name| number(&line, name).ok_or("a broken line of the ledger");
        if part("times")? != 1 {
            return Err(format!("a token was applied more than once: {line}").into());
        }
        reckoned[usize::try_from(part("taken")?)?] -= i128::from(part("amount")?);
        reckoned[usize::try_from(part("given")?)?] += i128::from(part("amount")?);
        lines.insert(line["Id"]["S"].as_str().unwrap_or_default().to_owned());
    }
    let found = balances(connection)
        .await?
        .ok_or("the accounts cannot be read")?;
    if found.iter().map(|n| i128::from(*n)).ne(reckoned) {
        return Err(format!("the accounts are not what the ledger says: {found:?}").into());
    }
    match done.difference(&lines).next() {
        Some(lost) => Err(format!("an acknowledged transfer is lost: {lost}").into()),
        None => Ok(()),
    }
}

pub async fn run(endpoint: &Endpoint, seconds: f64) -> Result<(), Failure> {
    let mut connection = endpoint.connection();
    open(&mut connection).await?;
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    // A token of an earlier run is still known.
    let run = fastrand::u32(..);
    let (mut clients, mut readers) = (JoinSet::new(), JoinSet::new());
    for client in 0..CLIENTS {
        clients.spawn(move_money(endpoint.clone(), run, client, until));
    }
    for _ in 0..READERS {
        readers.spawn(watch(endpoint.clone(), until));
    }
    let (mut done, mut reads) = (BTreeSet::new(), 0);
    while let Some(ended) = clients.join_next().await {
        done.extend(ended??);
    }
    while let Some(ended) = readers.join_next().await {
        reads += ended??;
    }
    let mut connection = endpoint.connection();
    audit(&mut connection, &done).await?;
    if done.len() < CLIENTS || reads < READERS {
        return Err(format!("{} transfers and {reads} reads are too few", done.len()).into());
    }
    println!(
        "{} transfers, each sent twice and done once; {reads} reads, every sum right",
        done.len()
    );
    Ok(())
}
