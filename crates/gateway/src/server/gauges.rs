//! Connections and memory, as Prometheus reads them.

use super::watch::Watch;
use crate::memory::Memory;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What is true of the endpoint's server at the moment.
#[derive(Clone, Debug)]
pub struct Gauges {
    pub watch: Arc<Watch>,
    pub memory: Arc<Memory>,
}

fn write(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    let line = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
    metric.encode(line)
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let open = ConstGauge::new(self.watch.count() as i64);
        write(
            &mut encoder,
            "connections",
            "Open connections of clients",
            &open,
        )?;
        let held = ConstGauge::new(self.memory.used() as i64);
        write(
            &mut encoder,
            "held_bytes",
            "Bytes of request bodies and large answers",
            &held,
        )?;
        let counters = &self.watch.counters;
        for (name, help, counter) in [
            (
                "connections_accepted",
                "Connections accepted",
                &counters.accepted,
            ),
            (
                "connections_refused",
                "Connections turned away because all others were at work",
                &counters.refused,
            ),
            (
                "connections_evicted",
                "Idle connections ended to make room",
                &counters.evicted,
            ),
            (
                "connections_timed_out",
                "Connections ended because they were slow or silent",
                &counters.timed_out,
            ),
        ] {
            let count = ConstCounter::new(counter.load(Relaxed));
            write(&mut encoder, name, help, &count)?;
        }
        Ok(())
    }
}
