//! A consumer that is there while servers die: what it was given once must be what is there in the end.
//!
//! It lists the shards, reads each from TRIM_HORIZON once its parent is read to the end, and after a fault goes on behind
//! the last record that it has seen.

use crate::endpoint::{Connection, Endpoint, Failure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_millis(20);
/// Who is refused so often in a row gives up.
const FAULTS: usize = 3000;

#[derive(Default)]
struct Shard {
    parent: Option<String>,
    iterator: Option<String>,
    last: Option<String>,
    over: bool,
}

struct Consumer<W> {
    connection: Connection,
    stream: String,
    shards: BTreeMap<String, Shard>,
    records: W,
}

impl<W: Write> Consumer<W> {
    async fn call(&mut self, operation: &str, body: Value) -> Result<Value, Failure> {
        let operation = format!("DynamoDBStreams_20120810.{operation}");
        self.connection.call(&operation, &body).await
    }

    async fn discover(&mut self) -> Result<(), Failure> {
        let mut request = json!({"StreamArn": self.stream});
        loop {
            let reply = self.call("DescribeStream", request.clone()).await?;
            let description = &reply["StreamDescription"];
            for shard in description["Shards"].as_array().into_iter().flatten() {
                let id = shard["ShardId"].as_str().ok_or("a shard without an id")?;
                let parent = shard["ParentShardId"].as_str().map(str::to_owned);
                let known = self.shards.entry(id.to_owned()).or_default();
                known.parent = parent;
            }
            match description["LastEvaluatedShardId"].as_str() {
                Some(last) => request["ExclusiveStartShardId"] = last.into(),
                None => return Ok(()),
            }
        }
    }

    async fn iterator(&mut self, id: &str) -> Result<String, Failure> {
        let shard = &self.shards[id];
        if let Some(iterator) = &shard.iterator {
            return Ok(iterator.clone());
        }
        let mut request =
            json!({"StreamArn": self.stream, "ShardId": id, "ShardIteratorType": "TRIM_HORIZON"});
        if let Some(last) = &shard.last {
            request["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER".into();
            request["SequenceNumber"] = last.as_str().into();
        }
        let reply = self.call("GetShardIterator", request).await?;
        let iterator = reply["ShardIterator"].as_str();
        Ok(iterator.ok_or("no iterator")?.to_owned())
    }

    /// One page of a shard. Answers whether it had records.
    async fn page(&mut self, id: &str) -> Result<bool, Failure> {
        let iterator = self.iterator(id).await?;
        let request = json!({"ShardIterator": iterator, "Limit": 500});
        let mut reply = self.call("GetRecords", request).await?;
        let next = reply["NextShardIterator"].as_str().map(str::to_owned);
        let records = match reply["Records"].take() {
            Value::Array(records) => records,
            _ => return Err("no records".into()),
        };
        let shard = self.shards.entry(id.to_owned()).or_default();
        for record in &records {
            let number = record["dynamodb"]["SequenceNumber"].as_str();
            shard.last = Some(number.ok_or("no sequence number")?.to_owned());
            writeln!(self.records, "{id}\t{record}")?;
        }
        shard.over = next.is_none();
        shard.iterator = next;
        Ok(!records.is_empty())
    }

    /// One page of every shard that may be read. Answers whether there was anything new.
    async fn round(&mut self) -> Result<bool, Failure> {
        self.discover().await?;
        let unread: BTreeSet<String> = self
            .shards
            .iter()
            .filter(|(_, shard)| !shard.over)
            .map(|(id, _)| id.clone())
            .collect();
        let mut news = false;
        for id in &unread {
            let parent = self.shards[id].parent.as_ref();
            if parent.is_some_and(|parent| unread.contains(parent)) {
                // It may have been read to its end meanwhile.
                news |= parent.is_some_and(|parent| self.shards[parent].over);
                continue;
            }
            news |= self.page(id).await?;
        }
        Ok(news)
    }
}

/// A line for each record: shard and record as JSON.
pub async fn read(
    endpoint: &Endpoint,
    stream: String,
    records: &Path,
    until: &Path,
) -> Result<(), Failure> {
    let mut consumer = Consumer {
        connection: endpoint.connection(),
        stream,
        shards: BTreeMap::new(),
        records: std::io::BufWriter::new(std::fs::File::create(records)?),
    };
    let (mut faults, mut in_all) = (0, 0);
    loop {
        let last = until.exists();
        match consumer.round().await {
            Ok(false) if last => break,
            Ok(_) => faults = 0,
            // Nobody is told that what he was given is not there.
            Err(error) if faults >= FAULTS || error.to_string().contains("ValidationException") => {
                return Err(error);
            }
            Err(_) => {
                for shard in consumer.shards.values_mut() {
                    shard.iterator = None;
                }
                faults += 1;
                in_all += 1;
            }
        }
        sleep(PAUSE).await;
    }
    consumer.records.flush()?;
    println!(
        "{} shards read through {in_all} faults",
        consumer.shards.len()
    );
    Ok(())
}
