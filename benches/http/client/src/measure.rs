//! One operation over some connections for some seconds.

use crate::process::Times;
use crate::requests::Operation;
use pg_dynamo_bench_client::{Connection, Failure, Target};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// Requests signed ahead; they are sent again and again.
const SIGNED: usize = 4000;
/// Of the time that is measured, so much goes before.
const WARM_UP: f64 = 0.3;

pub struct Run {
    pub operation: Operation,
    pub connections: usize,
    pub seconds: f64,
}

/// What all connections saw.
#[derive(Default)]
struct Seen {
    /// Nanoseconds of each answer that was a success.
    latencies: Vec<u64>,
    errors: u64,
    first_error: Option<String>,
}

pub async fn measure(target: &Target, run: &Run, processes: &[String]) -> Result<Value, Failure> {
    let requests = Rc::new(run.operation.requests(target, SIGNED)?);
    check_answer(target, run.operation, &requests[0]).await?;
    send_all(target, run, &requests, run.seconds * WARM_UP).await;
    let before = Times::now();
    let started = Instant::now();
    let mut seen = send_all(target, run, &requests, run.seconds).await;
    let elapsed = started.elapsed().as_secs_f64();
    let after = Times::now();
    seen.latencies.sort_unstable();
    let count = seen.latencies.len();
    if count == 0 {
        return Err(seen.first_error.unwrap_or_default().into());
    }
    let microseconds = |share: f64| {
        let place = (count as f64 * share) as usize;
        round(seen.latencies[place.min(count - 1)] as f64 / 1000.0)
    };
    let per_request = |pid: u32| round(after.since(&before, pid) * 1e6 / count as f64);
    let mut cpu = Map::new();
    cpu.insert("client".into(), per_request(std::process::id()).into());
    for process in processes {
        let (name, pid) = process.split_once('=').ok_or("--process NAME=PID")?;
        cpu.insert(name.into(), per_request(pid.parse()?).into());
    }
    Ok(json!({
        "operation": format!("{:?}", run.operation),
        "connections": run.connections,
        "throughput": round(count as f64 / elapsed),
        "median_us": microseconds(0.5),
        "p99_us": microseconds(0.99),
        "errors": seen.errors,
        "first_error": seen.first_error,
        "cpu_us": cpu,
    }))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// What is measured must be the right answer.
async fn check_answer(
    target: &Target,
    operation: Operation,
    request: &[u8],
) -> Result<(), Failure> {
    let mut connection = Connection::new(&target.endpoint);
    let answer = connection.send(request).await?;
    let text = String::from_utf8_lossy(answer.body).replace(": ", ":");
    if answer.status == 200 && text.contains(operation.sign_of_success()) {
        return Ok(());
    }
    Err(format!("{operation:?}: {} {text}", answer.status).into())
}

async fn send_all(target: &Target, run: &Run, requests: &Rc<Vec<Vec<u8>>>, seconds: f64) -> Seen {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let tasks = LocalSet::new();
    for n in 0..run.connections {
        let first = n * requests.len() / run.connections;
        let connection = Connection::new(&target.endpoint);
        let (requests, seen) = (requests.clone(), seen.clone());
        tasks.spawn_local(send_until(connection, requests, first, until, seen));
    }
    tasks.await;
    seen.take()
}

async fn send_until(
    mut connection: Connection,
    requests: Rc<Vec<Vec<u8>>>,
    first: usize,
    until: Instant,
    seen: Rc<RefCell<Seen>>,
) {
    for request in requests.iter().cycle().skip(first) {
        let sent = Instant::now();
        if sent >= until {
            return;
        }
        let failure = match connection.send(request).await {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(String::from_utf8_lossy(answer.body).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        let took = sent.elapsed().as_nanos();
        let mut seen = seen.borrow_mut();
        match failure {
            None => seen.latencies.push(took as u64),
            Some(text) => {
                seen.errors += 1;
                seen.first_error.get_or_insert(text);
            }
        }
    }
}
