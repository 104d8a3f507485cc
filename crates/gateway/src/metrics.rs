//! What the endpoint counts, as Prometheus reads it.
//!
//! Counting happens for every request and costs a few additions: every series has its place in an array, labels are
//! put together only when somebody reads. Series that are still zero are not written.

use crate::backend::{LANES, Lane};
use crate::service::Observe;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::operation::Operation;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Upper bounds of the latency buckets, in microseconds.
const LATENCY: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];
/// Upper bounds of the buckets of requests in a call.
const CALL_SIZE: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Counts by size; the last bucket takes what is above all bounds.
#[derive(Debug)]
struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    counts: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    fn new(bounds: &'static [u64; N]) -> Self {
        Histogram {
            bounds,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn add(&self, value: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound);
        let count = bucket
            .and_then(|i| self.counts.get(i))
            .unwrap_or(&self.above);
        count.fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// `unit`: so many of what was added are one in the text.
    fn read(&self, unit: f64) -> Buckets {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / unit);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let mut buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        buckets.push((f64::INFINITY, self.above.load(Relaxed)));
        Buckets {
            sum: self.sum.load(Relaxed) as f64 / unit,
            buckets,
        }
    }
}

struct Buckets {
    sum: f64,
    buckets: Vec<(f64, u64)>,
}

impl Buckets {
    fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

impl EncodeMetric for Buckets {
    fn encode(
        &self,
        mut encoder: prometheus_client::encoding::MetricEncoder,
    ) -> Result<(), fmt::Error> {
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.count(), &self.buckets, None)
    }
    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[derive(Debug)]
struct PerOperation {
    name: &'static str,
    /// In microseconds. Its count is the number of requests.
    latency: Histogram<16>,
    half_units: AtomicU64,
    /// By `ErrorKind as usize`.
    errors: Vec<AtomicU64>,
}

impl PerOperation {
    fn new(name: &'static str) -> Self {
        PerOperation {
            name,
            latency: Histogram::new(&LATENCY),
            half_units: AtomicU64::new(0),
            errors: ErrorKind::all().map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// What is true of the pool's queue at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depths {
    /// By lane: requests that wait, and calls under way.
    pub waiting: [usize; LANES],
    pub under_way: [usize; LANES],
    /// Requests dropped so far because nobody waited for them any more.
    pub vanished: u64,
}

type Watch = Box<dyn Fn() -> Depths + Send + Sync>;

/// What the pool counts.
pub struct Pool {
    /// Sessions that are open.
    pub sessions: AtomicU64,
    /// Calls that were split because PostgreSQL refused them for one of their requests.
    pub split: AtomicU64,
    /// Sessions that ended under a call or while they were idle.
    pub lost: AtomicU64,
    pub connect_failures: AtomicU64,
    /// Requests that found no place in the queue, or no server.
    pub refused: AtomicU64,
    calls: [Histogram<7>; LANES],
    watch: OnceLock<Watch>,
}

impl Pool {
    fn new() -> Self {
        Pool {
            sessions: AtomicU64::new(0),
            split: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            connect_failures: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            calls: std::array::from_fn(|_| Histogram::new(&CALL_SIZE)),
            watch: OnceLock::new(),
        }
    }

    /// A call with so many requests goes out.
    pub fn call(&self, lane: Lane, requests: usize) {
        self.calls[lane as usize].add(requests as u64);
    }

    /// How to look at the queue. Only the first pool that shares these metrics is watched.
    pub fn watch(&self, look: impl Fn() -> Depths + Send + Sync + 'static) {
        let _ = self.watch.set(Box::new(look));
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Counted {
    /// By `Operation as usize`; the last one is for requests that name none.
    operations: Vec<PerOperation>,
}

/// All that is counted. Cheap to share, cheap to count, without locks.
#[derive(Debug)]
pub struct Metrics {
    pub pool: Pool,
    counted: Counted,
}

impl Metrics {
    pub fn new() -> Arc<Metrics> {
        let names = Operation::ALL.iter().map(|operation| operation.name());
        let operations = names.chain(["none"]).map(PerOperation::new).collect();
        Arc::new(Metrics {
            pool: Pool::new(),
            counted: Counted { operations },
        })
    }

    /// Everything in the OpenMetrics text format.
    pub fn encode(self: &Arc<Self>) -> String {
        let mut registry = Registry::with_prefix("pg_dynamo_gateway");
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

impl Observe for Metrics {
    fn answered(
        &self,
        operation: Option<Operation>,
        error: Option<ErrorKind>,
        took: Duration,
        capacity: f64,
    ) {
        let place = operation.map_or(Operation::ALL.len(), |operation| operation as usize);
        let Some(counted) = self.counted.operations.get(place) else {
            return;
        };
        counted.latency.add(took.as_micros() as u64);
        if let Some(count) = error.and_then(|kind| counted.errors.get(kind as usize)) {
            count.fetch_add(1, Relaxed);
        }
        if capacity > 0.0 {
            counted
                .half_units
                .fetch_add((capacity * 2.0) as u64, Relaxed);
        }
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut page = Page(encoder);
        self.operations(&mut page)?;
        self.pool(&mut page)
    }
}

impl Metrics {
    fn operations(&self, page: &mut Page) -> Result<(), fmt::Error> {
        let used: Vec<(&PerOperation, Buckets)> = self
            .counted
            .operations
            .iter()
            .map(|counted| (counted, counted.latency.read(1e6)))
            .filter(|(_, latency)| latency.count() > 0)
            .collect();
        let label = |counted: &PerOperation| [("operation", counted.name)];
        page.family(
            "requests",
            "Requests that were answered",
            None,
            used.iter()
                .map(|(counted, latency)| (label(counted), ConstCounter::new(latency.count()))),
        )?;
        let errors = used.iter().flat_map(|(counted, _)| {
            let kinds = ErrorKind::all().zip(&counted.errors);
            let counts = kinds.map(|(kind, count)| (kind, count.load(Relaxed)));
            counts.filter(|(_, count)| *count > 0).map(|(kind, count)| {
                let labels = [("operation", counted.name), ("type", kind.name())];
                (labels, ConstCounter::new(count))
            })
        });
        page.family("errors", "Error answers", None, errors)?;
        page.family(
            "consumed_capacity_units",
            "Read and write capacity units that requests consumed",
            None,
            used.iter().map(|(counted, _)| {
                let units = counted.half_units.load(Relaxed) as f64 / 2.0;
                (label(counted), ConstCounter::new(units))
            }),
        )?;
        let latencies = used
            .iter()
            .map(|(counted, latency)| (label(counted), latency));
        page.family(
            "request_duration",
            "From the end of a request's head to its answer",
            Some(&Unit::Seconds),
            latencies,
        )
    }

    fn pool(&self, page: &mut Page) -> Result<(), fmt::Error> {
        let pool = &self.pool;
        let depths = pool.watch.get().map(|look| look()).unwrap_or_default();
        let lanes = |values: [usize; LANES]| {
            let lanes = Lane::ALL.into_iter().zip(values);
            lanes.map(|(lane, n)| ([("lane", lane.name())], ConstGauge::new(n as i64)))
        };
        page.family(
            "queued_requests",
            "Requests that wait",
            None,
            lanes(depths.waiting),
        )?;
        page.family(
            "calls_under_way",
            "Calls under way",
            None,
            lanes(depths.under_way),
        )?;
        let sizes = Lane::ALL.map(|lane| {
            let sizes = pool.calls[lane as usize].read(1.0);
            ([("lane", lane.name())], sizes)
        });
        let sizes = sizes.iter().map(|(labels, sizes)| (*labels, sizes));
        page.family(
            "call_requests",
            "Requests in a call of PostgreSQL",
            None,
            sizes,
        )?;
        let open = ConstGauge::new(pool.sessions.load(Relaxed) as i64);
        page.single("sessions", "Open sessions of the pool", &open)?;
        for (name, help, count) in [
            (
                "calls_split",
                "Calls repeated without the request that failed",
                pool.split.load(Relaxed),
            ),
            (
                "sessions_lost",
                "Sessions that ended without being asked to",
                pool.lost.load(Relaxed),
            ),
            (
                "connect_failures",
                "Sessions that could not be opened",
                pool.connect_failures.load(Relaxed),
            ),
            (
                "refused_requests",
                "Requests for which the queue had no room",
                pool.refused.load(Relaxed),
            ),
            (
                "vanished_requests",
                "Requests dropped because their client had gone",
                depths.vanished,
            ),
        ] {
            page.single(name, help, &ConstCounter::new(count))?;
        }
        Ok(())
    }
}

/// The text under way.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn single(
        &mut self,
        name: &str,
        help: &str,
        metric: &impl EncodeMetric,
    ) -> Result<(), fmt::Error> {
        let encoder = self
            .0
            .encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }

    /// One metric with a line for each set of labels; nothing when there is none.
    fn family<L: EncodeLabelSet, M: Measure>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        series: impl Iterator<Item = (L, M)>,
    ) -> Result<(), fmt::Error> {
        let mut series = series.peekable();
        let Some((_, first)) = series.peek() else {
            return Ok(());
        };
        let mut encoder = self.0.encode_descriptor(name, help, unit, first.kind())?;
        for (labels, metric) in series {
            metric.write(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A metric or a reference to one.
trait Measure {
    fn kind(&self) -> MetricType;
    fn write(&self, encoder: prometheus_client::encoding::MetricEncoder) -> Result<(), fmt::Error>;
}

macro_rules! measures {
    ($($metric:ty),+) => {$(
        impl Measure for $metric {
            fn kind(&self) -> MetricType {
                self.metric_type()
            }
            fn write(&self, encoder: prometheus_client::encoding::MetricEncoder) -> Result<(), fmt::Error> {
                self.encode(encoder)
            }
        }
    )+};
}
measures!(
    ConstCounter<u64>,
    ConstCounter<f64>,
    ConstGauge<i64>,
    &Buckets
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_errors_latency_and_capacity_are_written_by_operation() {
        let metrics = Metrics::new();
        let took = Duration::from_micros(300);
        metrics.answered(Some(Operation::GetItem), None, took, 0.5);
        metrics.answered(Some(Operation::GetItem), None, took, 1.0);
        let failed = Some(ErrorKind::Validation);
        metrics.answered(
            Some(Operation::PutItem),
            failed,
            Duration::from_secs(60),
            0.0,
        );
        metrics.answered(None, Some(ErrorKind::UnknownOperation), took, 0.0);
        metrics.pool.call(Lane::Read, 3);
        let text = metrics.encode();
        for line in [
            r#"pg_dynamo_gateway_requests_total{operation="GetItem"} 2"#,
            r#"pg_dynamo_gateway_errors_total{operation="PutItem",type="ValidationException"} 1"#,
            r#"pg_dynamo_gateway_errors_total{operation="none",type="UnknownOperationException"} 1"#,
            r#"pg_dynamo_gateway_consumed_capacity_units_total{operation="GetItem"} 1.5"#,
            r#"pg_dynamo_gateway_request_duration_seconds_bucket{le="0.00025",operation="GetItem"} 0"#,
            r#"pg_dynamo_gateway_request_duration_seconds_bucket{le="0.0005",operation="GetItem"} 2"#,
            r#"pg_dynamo_gateway_request_duration_seconds_bucket{le="+Inf",operation="PutItem"} 1"#,
            r#"pg_dynamo_gateway_call_requests_sum{lane="read"} 3.0"#,
            "pg_dynamo_gateway_sessions 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("DeleteItem"));
    }
}
