//! Streams and their capture, as Prometheus reads them: `pg_dynamo_stream_…`, of the database that is served.

use crate::backend::{Capture, Streams};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;

/// What was read, for one page.
#[derive(Debug)]
struct Shown(Arc<Streams>);

pub fn registry(streams: Arc<Streams>) -> Registry {
    let mut registry = Registry::with_prefix("pg_dynamo_stream");
    registry.register_collector(Box::new(Shown(streams)));
    registry
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let streams = &self.0;
        let Some(capture) = &streams.capture else {
            return Ok(());
        };
        let one = ConstGauge::new(0_i64);
        let mut states = encoder.encode_descriptor(
            "streams",
            "Streams by state; a broken one was given up",
            None,
            one.metric_type(),
        )?;
        for (state, count) in &streams.states {
            let labels = [("state", state.as_str())];
            ConstGauge::new(*count).encode(states.encode_family(&labels)?)?;
        }
        let counts = [
            (
                "open_shards",
                "Shards that take records",
                streams.open_shards,
            ),
            (
                "worker_up",
                "Whether the capture worker lives",
                i64::from(capture.worker),
            ),
            (
                "capture_failed",
                "Whether the capture worker has failed since it last ran well",
                i64::from(capture.failed),
            ),
        ];
        for (name, help, value) in counts {
            write(&mut encoder, name, help, None, &ConstGauge::new(value))?;
        }
        for (name, help, unit, value) in measured(capture) {
            if let Some(value) = value {
                write(
                    &mut encoder,
                    name,
                    help,
                    Some(&unit),
                    &ConstGauge::new(value),
                )?;
            }
        }
        Ok(())
    }
}

type Measured = (&'static str, &'static str, Unit, Option<f64>);

/// What is known only while somebody can tell.
fn measured(capture: &Capture) -> [Measured; 5] {
    [
        (
            "capture_lag",
            "Write-ahead log that is not captured yet",
            Unit::Bytes,
            capture.lag_bytes,
        ),
        (
            "capture_delay",
            "Time since everything was captured",
            Unit::Seconds,
            capture.delay_seconds,
        ),
        (
            "retained_wal",
            "Write-ahead log that capture keeps from being removed",
            Unit::Bytes,
            capture.retained_bytes,
        ),
        (
            "records",
            "Size of all stream records",
            Unit::Bytes,
            capture.record_bytes,
        ),
        (
            "last_gap_timestamp",
            "When capture last began anew and may have missed changes",
            Unit::Seconds,
            capture.last_gap,
        ),
    ]
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    let line = encoder.encode_descriptor(name, help, unit, metric.metric_type())?;
    metric.encode(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    fn text(streams: Streams) -> String {
        let mut text = String::new();
        encode(&mut text, &registry(Arc::new(streams))).unwrap();
        text
    }

    #[test]
    fn states_are_counted_and_what_is_not_known_is_left_out() {
        let text = text(Streams {
            states: vec![("broken".to_owned(), 1), ("enabled".to_owned(), 2)],
            open_shards: 8,
            capture: Some(Capture {
                worker: true,
                delay_seconds: Some(0.25),
                ..Capture::default()
            }),
        });
        for line in [
            r#"pg_dynamo_stream_streams{state="broken"} 1"#,
            r#"pg_dynamo_stream_streams{state="enabled"} 2"#,
            "pg_dynamo_stream_open_shards 8",
            "pg_dynamo_stream_worker_up 1",
            "pg_dynamo_stream_capture_failed 0",
            "pg_dynamo_stream_capture_delay_seconds 0.25",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("retained_wal"), "{text}");
    }

    #[test]
    fn without_streams_nothing_is_written() {
        assert_eq!(text(Streams::default()), "# EOF\n");
    }
}
