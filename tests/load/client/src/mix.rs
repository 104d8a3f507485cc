//! A mixed workload over many connections for some time, without and with a client that scans: errors, latencies, memory.

use crate::endpoint::{Connection, Endpoint, Failure};
use crate::resident::Resident;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(clap::Args)]
pub struct Plan {
    /// One of them scans.
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// A quarter is for warming up; of the rest the second half has the scanner.
    #[arg(long)]
    seconds: f64,
    #[arg(long, default_value_t = 20_000)]
    items: usize,
    /// Process of the gateway.
    #[arg(long)]
    gateway: u32,
    /// Process of the server.
    #[arg(long)]
    postmaster: u32,
}

const NAMES: [&str; 3] = ["warm-up", "without the scanner", "with the scanner"];
const WARM_UP: u8 = 0;
const SCANNING: u8 = 2;
/// Growth of private memory after the warm-up that is no leak: a share of it and `SLACK`.
const GROWTH: f64 = 0.15;
/// KiB, by phase. Beside the scanner pages of 1 MB come and go, and the allocator keeps ever fewer more of them: after two
/// minutes some 50 MiB in all, which a short run is still on its way to.
const SLACK: [f64; 3] = [8.0 * 1024.0, 8.0 * 1024.0, 32.0 * 1024.0];

struct Shared {
    phase: AtomicU8,
    over: AtomicBool,
    items: usize,
}

fn note() -> String {
    "0123456789abcdef".repeat(12)
}

fn key(n: usize) -> Value {
    json!({"Id": {"S": format!("user {}", n / 20)}, "Seq": {"N": (n % 20).to_string()}})
}

fn item(n: usize) -> Value {
    let mut item = key(n);
    item["n"] = json!({"N": "0"});
    item["note"] = json!({"S": note()});
    item
}

/// A small request, as applications mix them.
fn request(random: &mut fastrand::Rng, items: usize) -> (&'static str, Value) {
    let n = random.usize(..items);
    match random.u8(..100) {
        0..45 => ("GetItem", json!({"TableName": "Mix", "Key": key(n)})),
        45..60 => ("PutItem", json!({"TableName": "Mix", "Item": item(n)})),
        60..75 => (
            "UpdateItem",
            json!({"TableName": "Mix", "Key": key(n), "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one",
                   "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}}}),
        ),
        75..90 => (
            "Query",
            json!({"TableName": "Mix", "KeyConditionExpression": "Id = :id", "Limit": 10,
                   "ExpressionAttributeValues": {":id": {"S": format!("user {}", n / 20)}}}),
        ),
        90..94 => (
            "BatchGetItem",
            json!({"RequestItems": {"Mix": {"Keys": (0..10).map(|i| key((n + 21 * i) % items)).collect::<Vec<_>>()}}}),
        ),
        94..97 => (
            "BatchWriteItem",
            json!({"RequestItems": {"Mix": (0..5).map(|i| json!({"PutRequest": {"Item": item((n + 21 * i) % items)}})).collect::<Vec<_>>()}}),
        ),
        _ => ("DeleteItem", json!({"TableName": "Mix", "Key": key(n)})),
    }
}

/// Microseconds that each small request of each phase took.
type Latencies = [Vec<u32>; 3];

async fn work(mut connection: Connection, shared: Arc<Shared>) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::default();
    let mut random = fastrand::Rng::new();
    while !shared.over.load(Ordering::Relaxed) {
        let (operation, body) = request(&mut random, shared.items);
        let phase = usize::from(shared.phase.load(Ordering::Relaxed));
        let began = Instant::now();
        connection.call(operation, &body).await?;
        latencies[phase].push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// Scans the whole table, again and again, in its phase. Answers how often.
async fn scan(mut connection: Connection, shared: Arc<Shared>) -> Result<usize, Failure> {
    let mut scans = 0;
    while !shared.over.load(Ordering::Relaxed) {
        if shared.phase.load(Ordering::Relaxed) == SCANNING {
            let mut request = json!({"TableName": "Mix"});
            loop {
                let mut reply = connection.call("Scan", &request).await?;
                match reply.get_mut("LastEvaluatedKey") {
                    Some(key) => request["ExclusiveStartKey"] = key.take(),
                    None => break,
                }
            }
            scans += 1;
        } else {
            sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(scans)
}

async fn fill(endpoint: &Endpoint, items: usize) -> Result<(), Failure> {
    let mut connection = endpoint.connection();
    connection.create_table("Mix", true).await?;
    let all: Vec<usize> = (0..items).collect();
    for chunk in all.chunks(25) {
        let puts: Vec<_> = chunk
            .iter()
            .map(|n| json!({"PutRequest": {"Item": item(*n)}}))
            .collect();
        let request = json!({"RequestItems": {"Mix": puts}});
        let reply = connection.call("BatchWriteItem", &request).await?;
        if reply["UnprocessedItems"]
            .as_object()
            .is_some_and(|left| !left.is_empty())
        {
            return Err("the table was not filled".into());
        }
    }
    Ok(())
}

/// Lets the phases follow one another; memory of each, ten times a phase.
async fn watch(plan: &Plan, shared: &Shared) -> [Vec<Resident>; 3] {
    const SAMPLES: u32 = 10;
    let mut sizes: [Vec<Resident>; 3] = Default::default();
    let lengths = [0.25, 0.375, 0.375].map(|part| Duration::from_secs_f64(plan.seconds * part));
    for phase in WARM_UP..=SCANNING {
        shared.phase.store(phase, Ordering::Relaxed);
        for _ in 0..SAMPLES {
            sleep(lengths[usize::from(phase)] / SAMPLES).await;
            sizes[usize::from(phase)].push(Resident::of(plan.gateway, plan.postmaster));
        }
    }
    shared.over.store(true, Ordering::Relaxed);
    sizes
}

pub async fn run(endpoint: &Endpoint, plan: &Plan) -> Result<(), Failure> {
    fill(endpoint, plan.items).await?;
    let shared = Arc::new(Shared {
        phase: AtomicU8::new(WARM_UP),
        over: AtomicBool::new(false),
        items: plan.items,
    });
    let mut workers = JoinSet::new();
    for _ in 1..plan.connections {
        workers.spawn(work(endpoint.connection(), Arc::clone(&shared)));
    }
    let scanner = tokio::spawn(scan(endpoint.connection(), Arc::clone(&shared)));
    let sizes = watch(plan, &shared).await;
    let mut latencies = Latencies::default();
    let mut errors = Vec::new();
    while let Some(ended) = workers.join_next().await {
        match ended? {
            Ok(of_one) => latencies
                .iter_mut()
                .zip(of_one)
                .for_each(|(all, one)| all.extend(one)),
            Err(error) => errors.push(error.to_string()),
        }
    }
    let scans = scanner.await??;
    report(plan, &mut latencies, &sizes, scans);
    if let Some(first) = errors.first() {
        return Err(format!("{} clients had an error; {first}", errors.len()).into());
    }
    if scans == 0 {
        return Err("no scan came to its end".into());
    }
    steady("gateway", &sizes, |size| size.gateway)?;
    steady("backends", &sizes, |size| size.backends)
}

fn report(plan: &Plan, latencies: &mut Latencies, sizes: &[Vec<Resident>; 3], scans: usize) {
    for (phase, all) in latencies.iter_mut().enumerate() {
        all.sort_unstable();
        let percentile = |p: usize| {
            let at = (all.len() * p / 100).min(all.len().saturating_sub(1));
            f64::from(all.get(at).copied().unwrap_or(0)) / 1000.0
        };
        let part = if phase == 0 { 0.25 } else { 0.375 };
        println!(
            "{}: {:.0} small requests/s, p50 {:.1} ms, p99 {:.1} ms",
            NAMES[phase],
            all.len() as f64 / (plan.seconds * part),
            percentile(50),
            percentile(99)
        );
    }
    println!("{scans} full scans");
    for (phase, sizes) in sizes.iter().enumerate() {
        let shown = |of: fn(&Resident) -> u64| {
            let sizes: Vec<String> = sizes
                .iter()
                .map(|size| format!("{:.1}", of(size) as f64 / 1024.0))
                .collect();
            sizes.join(" ")
        };
        println!("private memory, MiB, {}:", NAMES[phase]);
        println!("  gateway   {}", shown(|size| size.gateway));
        println!(
            "  backends  {} ({} of them)",
            shown(|size| size.backends),
            sizes.last().map_or(0, |size| size.number_of_backends)
        );
    }
}

/// Memory at the end is that of the end of the warm-up, but for a little. The scanner's pages belong to the second half, so
/// each phase is compared with itself too.
fn steady(what: &str, sizes: &[Vec<Resident>; 3], of: fn(&Resident) -> u64) -> Result<(), Failure> {
    let mean = |part: &[Resident]| {
        part.iter().map(|size| of(size) as f64).sum::<f64>() / part.len().max(1) as f64
    };
    for phase in 1..=2 {
        let (early, late) = sizes[phase].split_at(sizes[phase].len() / 2);
        let (early, late) = (mean(early), mean(late));
        if early == 0.0 {
            return Err(format!("the memory of {what} is not known").into());
        }
        if late > early * (1.0 + GROWTH) + SLACK[phase] {
            return Err(format!(
                "{what}: memory grew from {:.1} to {:.1} MiB {}",
                early / 1024.0,
                late / 1024.0,
                NAMES[phase]
            )
            .into());
        }
    }
    Ok(())
}
