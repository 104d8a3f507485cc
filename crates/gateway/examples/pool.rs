//! What the pool costs: clients in one process call it without HTTP, and processor time is counted.
//!
//! `cargo run --release --example pool -- CONNINFO ROLE OPERATION CLIENTS SECONDS [SESSIONS [PARALLEL [PATIENCE_US]]]`
//!
//! Prints requests a second, requests in a call, and microseconds of processor time per request: of this process, and
//! of the server's when it runs on this machine as `PG_POSTMASTER_PID`'s children.

use bytes::Bytes;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_gateway::backend::{Backend, Options, Postgres, Request};
use pg_dynamo_gateway::connect::ConnInfo;
use pg_dynamo_gateway::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TABLE: &str = "PoolExample";
const KEYS: u64 = 10_000;

fn argument<T: std::str::FromStr>(place: usize, default: T) -> T {
    let given = std::env::args().nth(place);
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn body(operation: Operation, key: u64) -> String {
    let id = format!(r#""id":{{"S":"key-{key}"}}"#);
    match operation {
        Operation::GetItem => format!(r#"{{"TableName":"{TABLE}","Key":{{{id}}}}}"#),
        Operation::UpdateItem => format!(
            r#"{{"TableName":"{TABLE}","Key":{{{id}}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{{":one":{{"N":"1"}}}}}}"#
        ),
        Operation::Query => format!(
            r#"{{"TableName":"{TABLE}","Limit":10,"KeyConditionExpression":"id = :id","ExpressionAttributeValues":{{":id":{{"S":"key-{key}"}}}}}}"#
        ),
        _ => {
            let filler = "x".repeat(200);
            format!(
                r#"{{"TableName":"{TABLE}","Item":{{{id},"a":{{"S":"{filler}"}},"n":{{"N":"1"}}}}}}"#
            )
        }
    }
}

/// Processor seconds of a process so far.
fn processor_time(pid: &str) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return 0.0;
    };
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn server_time(postmaster: &str) -> f64 {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    let names = processes
        .flatten()
        .filter_map(|p| p.file_name().into_string().ok());
    let children = names.filter(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()
            .and_then(|stat| stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()))
            .and_then(|rest| rest.split_whitespace().nth(1).map(|p| p == postmaster))
            .unwrap_or(false)
    });
    children.map(|pid| processor_time(&pid)).sum()
}

async fn prepare(pool: &Postgres, role: &Arc<str>) {
    let create = format!(
        r#"{{"TableName":"{TABLE}","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],"KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}"#
    );
    let call = async |operation, body: String| {
        let request = Request {
            operation,
            role: role.clone(),
            body: Bytes::from(body),
        };
        pool.call(request).await
    };
    call(Operation::CreateTable, create).await;
    let mut puts = Vec::new();
    for key in 0..KEYS {
        puts.push(call(Operation::PutItem, body(Operation::PutItem, key)));
        if puts.len() == 64 {
            let last = all(std::mem::take(&mut puts)).await;
            if key < 64 {
                println!("first answer: {last:?}");
            }
        }
    }
    all(puts).await;
}

/// Runs all at once; the last one's status.
async fn all(
    calls: Vec<impl Future<Output = pg_dynamo_gateway::backend::Reply>>,
) -> Option<(u16, Bytes)> {
    let mut calls: Vec<_> = calls
        .into_iter()
        .map(|call| (Box::pin(call), None))
        .collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (call, reply) in &mut calls {
            if reply.is_none() {
                match call.as_mut().poll(cx) {
                    std::task::Poll::Ready(done) => *reply = Some(done),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    let last = calls.pop().and_then(|(_, reply)| reply)?;
    Some((last.status, last.body))
}

async fn client(
    pool: Arc<Postgres>,
    role: Arc<str>,
    operation: Operation,
    done: Arc<AtomicU64>,
    n: u64,
) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(n + 1);
    loop {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let reply = pool
            .call(Request {
                operation,
                role: role.clone(),
                body: body(operation, state % KEYS).into(),
            })
            .await;
        if reply.status == 200 {
            done.fetch_add(1, Relaxed);
        } else {
            eprintln!("{}", String::from_utf8_lossy(&reply.body));
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let info = ConnInfo::parse(&argument(1, String::new()))?;
    let role: Arc<str> = argument(2, "app".to_owned()).into();
    let name = argument(3, "GetItem".to_owned());
    let operation = Operation::from_name(&name).ok_or("no such operation")?;
    let clients: u64 = argument(4, 64);
    let seconds: u64 = argument(5, 3);
    let defaults = Options::default();
    let options = Options {
        size: argument(6, defaults.size),
        parallel: argument(7, defaults.parallel),
        patience: Duration::from_micros(argument(8, 1000)),
        ..defaults
    };
    let metrics = Metrics::new();
    let pool = Arc::new(Postgres::start(info, options, metrics.clone()));
    let wanted = Instant::now();
    while !pool.ready().await && wanted.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    prepare(&pool, &role).await;
    let done = Arc::new(AtomicU64::new(0));
    for n in 0..clients {
        tokio::spawn(client(
            pool.clone(),
            role.clone(),
            operation,
            done.clone(),
            n,
        ));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let postmaster = std::env::var("PG_POSTMASTER_PID").unwrap_or_default();
    let before = (
        done.load(Relaxed),
        processor_time("self"),
        server_time(&postmaster),
    );
    let calls_before = calls(&metrics.encode());
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let took = began.elapsed().as_secs_f64();
    let requests = (done.load(Relaxed) - before.0) as f64;
    let calls = calls(&metrics.encode()) - calls_before;
    println!(
        "{name} clients {clients} sessions {} parallel {} patience {:?}: {:.0}/s, {:.1} in a call, us each: {:.1} here, {:.1} server; mean latency {:.2} ms",
        options.size,
        options.parallel,
        options.patience,
        requests / took,
        requests / calls,
        (processor_time("self") - before.1) * 1e6 / requests,
        (server_time(&postmaster) - before.2) * 1e6 / requests,
        clients as f64 * took * 1e3 / requests,
    );
    std::process::exit(0);
}

fn calls(metrics: &str) -> f64 {
    let lines = metrics
        .lines()
        .filter(|l| l.starts_with("pg_dynamo_gateway_call_requests_count"));
    lines
        .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
