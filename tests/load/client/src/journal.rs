//! Writers of tables with streams, who go on through every fault. What each change came to is kept, to be compared with
//! the streams.
//!
//! The n-th operation of a writer is a function of n, and what it stores carries n; a key that is removed is never written
//! again. So every change can be told from every other.

use crate::endpoint::{Answer, Connection, Endpoint, Failure};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

const WRITERS: u64 = 8;
/// Kinds of operations, which follow one another.
const KINDS: u64 = 8;
/// Who has no answer waits as long before his next request.
const RESPITE: Duration = Duration::from_millis(50);

/// What is known of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Done,
    /// There was no answer.
    Unknown,
    Refused,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Told::Done => "done",
            Told::Unknown => "unknown",
            Told::Refused => "refused",
        })
    }
}

struct Change {
    table: usize,
    sort: i64,
    remove: bool,
}

const fn put(table: usize, sort: i64) -> Change {
    let remove = false;
    Change {
        table,
        sort,
        remove,
    }
}

const fn remove(table: usize, sort: i64) -> Change {
    let remove = true;
    Change {
        table,
        sort,
        remove,
    }
}

struct Operation {
    name: &'static str,
    body: Value,
    changes: Vec<Change>,
}

struct Writer<'a> {
    id: String,
    tables: &'a [String],
    /// The table that most of its writes go to.
    home: usize,
}

impl Writer<'_> {
    fn key(&self, sort: i64) -> Value {
        json!({"pk": {"S": self.id}, "sk": {"N": sort.to_string()}})
    }

    fn item(&self, sort: i64, n: i64) -> Value {
        let mut item = self.key(sort);
        item["v"] = json!({"N": n.to_string()});
        item
    }

    fn batch(&self, n: i64, changes: Vec<Change>) -> Operation {
        let mut tables = json!({});
        for change in &changes {
            let request = match change.remove {
                true => json!({"DeleteRequest": {"Key": self.key(change.sort)}}),
                false => json!({"PutRequest": {"Item": self.item(change.sort, n)}}),
            };
            let requests = &mut tables[&self.tables[change.table]];
            match requests.as_array_mut() {
                Some(requests) => requests.push(request),
                None => *requests = json!([request]),
            }
        }
        Operation {
            name: "BatchWriteItem",
            body: json!({"RequestItems": tables}),
            changes,
        }
    }

    fn operation(&self, n: u64) -> Operation {
        let (home, away) = (self.home, 1 - self.home);
        let table = &self.tables[home];
        let kind = n % KINDS;
        let n = n as i64;
        // Ten keys for each operation, below zero those that are written again and again.
        let own = 10 * n;
        let one = |name, body, change| Operation {
            name,
            body,
            changes: vec![change],
        };
        let update = |table: &str, sort| {
            json!({"TableName": table, "Key": self.key(sort), "UpdateExpression": "SET v = :n ADD times :one",
                   "ExpressionAttributeValues": {":n": {"N": n.to_string()}, ":one": {"N": "1"}}})
        };
        let delete = |sort, written: i64| {
            json!({"TableName": table, "Key": self.key(sort), "ConditionExpression": "v = :n",
                   "ExpressionAttributeValues": {":n": {"N": written.to_string()}}})
        };
        match kind {
            0 => one(
                "PutItem",
                json!({"TableName": table, "Item": self.item(own, n)}),
                put(home, own),
            ),
            1 => self.batch(
                n,
                vec![
                    put(home, own),
                    put(home, own + 1),
                    put(away, own),
                    put(home, own + 2),
                ],
            ),
            2 => {
                let put_at = |table: usize| json!({"Put": {"TableName": self.tables[table], "Item": self.item(own, n)}});
                Operation {
                    name: "TransactWriteItems",
                    body: json!({"TransactItems": [put_at(home), put_at(away), {"Update": update(table, -1)}]}),
                    changes: vec![put(home, own), put(away, own), put(home, -1)],
                }
            }
            3 => one("UpdateItem", update(table, -2), put(home, -2)),
            // What four operations before has put.
            4 => one(
                "DeleteItem",
                delete(own - 40, n - 4),
                remove(home, own - 40),
            ),
            5 => one(
                "PutItem",
                json!({"TableName": table, "Item": self.item(-3, n)}),
                put(home, -3),
            ),
            // Never fulfilled.
            6 => one("DeleteItem", delete(-3, -1), remove(home, -3)),
            _ => self.batch(n, vec![remove(home, own - 59), put(home, -4)]),
        }
    }
}

fn told(answer: Result<Answer, Failure>) -> Told {
    match answer {
        Ok(answer) if answer.status == 200 => {
            let left = answer.body["UnprocessedItems"].as_object();
            match left.is_some_and(|left| !left.is_empty()) {
                true => Told::Unknown,
                false => Told::Done,
            }
        }
        // Its own fault; others tell nothing.
        Ok(answer)
            if answer.status == 400 && answer.body["__type"].as_str().is_some_and(refuses) =>
        {
            Told::Refused
        }
        _ => Told::Unknown,
    }
}

fn refuses(kind: &str) -> bool {
    kind.ends_with("ConditionalCheckFailedException")
}

async fn work(
    endpoint: Endpoint,
    tables: Vec<String>,
    writer: u64,
    until: &Path,
) -> Result<Vec<String>, Failure> {
    let writer = Writer {
        id: format!("http {writer}"),
        tables: &tables,
        home: (writer % 2) as usize,
    };
    let mut connection: Connection = endpoint.connection();
    let mut lines = Vec::new();
    // Keys that are there for certain.
    let mut there = HashSet::new();
    for n in 0.. {
        if n % KINDS == 0 && until.exists() {
            break;
        }
        let operation = writer.operation(n);
        let outcome = told(connection.send(operation.name, &operation.body).await);
        for change in &operation.changes {
            let key = (change.table, change.sort);
            // Of a key that is not there for certain nothing may be removed.
            let outcome = match outcome {
                Told::Done if change.remove && !there.remove(&key) => Told::Unknown,
                other => other,
            };
            if outcome == Told::Done && !change.remove {
                there.insert(key);
            }
            let what = if change.remove { "remove" } else { "put" };
            lines.push(format!(
                "{}\t{}\t{}\t{n}\t{what}\t{outcome}",
                tables[change.table], writer.id, change.sort
            ));
        }
        if outcome == Told::Unknown {
            sleep(RESPITE).await;
        }
    }
    Ok(lines)
}

/// The journal has a line for each change: table, partition key, sort key, number of the operation, put or remove, and
/// what is known of it.
pub async fn write(
    endpoint: &Endpoint,
    tables: &[String],
    journal: &Path,
    until: &Path,
) -> Result<(), Failure> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (endpoint, tables, until) = (endpoint.clone(), tables.to_vec(), until.to_owned());
        writers.spawn(async move { work(endpoint, tables, writer, &until).await });
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(journal)?);
    while let Some(lines) = writers.join_next().await {
        for line in lines?? {
            writeln!(file, "{line}")?;
        }
    }
    Ok(file.flush()?)
}
