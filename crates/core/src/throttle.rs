//! Provisioned throughput as token buckets, and what a request is told that finds one empty.
//!
//! A bucket is one number: the time at which it will be full again. A request may go on while the bucket is not empty,
//! and pays afterwards what it consumed, so a bucket may owe (a large item on a small table). Unused throughput of
//! 300 seconds is kept ("Burst and adaptive capacity"). Another bound has another bucket, which starts full: more
//! throughput cures a debt. Bounds of on-demand tables keep one second: they are meant to
//! be kept, not to be averaged.
use crate::ApiError;
use crate::capacity::Units;
use crate::json::write_string;
use crate::table::{Account, BillingMode, GlobalIndex, TableDefinition};

const SECOND: i64 = 1_000_000_000;
const BURST_SECONDS: i64 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Read,
    Write,
}

/// What a table or index may consume in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Units a second, at least one.
    pub rate: i64,
    /// It bounds an on-demand table.
    pub on_demand: bool,
}

impl Bound {
    /// Whether a bucket that is full at `full_at` has something left. Times: nanoseconds of any one clock.
    pub fn admits(&self, full_at: i64, now: i64) -> bool {
        full_at.saturating_sub(now) < self.burst()
    }

    /// The time at which a bucket is full again after `units` were taken out of it.
    pub fn after(&self, full_at: i64, now: i64, units: Units) -> i64 {
        let halves = i128::from(units.halves());
        let cost = halves * i128::from(SECOND / 2) / i128::from(self.rate.max(1));
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        full_at.max(now).saturating_add(cost)
    }

    /// How long an empty bucket takes to be full.
    fn burst(&self) -> i64 {
        let seconds = if self.on_demand { 1 } else { BURST_SECONDS };
        seconds * SECOND
    }

    /// What the request is told. `index`: the name of the index that ran out; None: it was the table.
    pub fn refusal(
        &self,
        table: &TableDefinition,
        index: Option<&str>,
        direction: Direction,
        account: &Account,
    ) -> ApiError {
        let error = match (self.on_demand, index) {
            (true, _) => ApiError::throttling(
                "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
            ),
            (false, None) => ApiError::provisioned_throughput_exceeded(
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API.",
            ),
            (false, Some(_)) => ApiError::provisioned_throughput_exceeded(
                "The level of configured provisioned throughput for one or more global secondary indexes of the table \
                 was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary \
                 indexes with the UpdateTable API",
            ),
        };
        let reason = format!(
            "{}{}{}",
            if index.is_some() { "Index" } else { "Table" },
            match direction {
                Direction::Read => "Read",
                Direction::Write => "Write",
            },
            if self.on_demand {
                "MaxOnDemandThroughputExceeded"
            } else {
                "ProvisionedThroughputExceeded"
            }
        );
        let mut resource = account.table_arn(&table.name);
        if let Some(index) = index {
            resource.push_str("/index/");
            resource.push_str(index);
        }
        let mut reasons = format!("[{{\"reason\":\"{reason}\",\"resource\":");
        write_string(&mut reasons, &resource);
        reasons.push_str("}]");
        // The service's model spells the member of each exception its own way.
        let member = if self.on_demand {
            "throttlingReasons"
        } else {
            "ThrottlingReasons"
        };
        error.with(member, reasons)
    }
}

impl TableDefinition {
    /// What bounds the table; None: nothing does.
    pub fn throughput_bound(&self, direction: Direction) -> Option<Bound> {
        self.bound(&self.throughput, self.on_demand, direction)
    }

    /// What bounds a global index. A local one consumes its table's.
    pub fn throughput_bound_of(&self, index: &GlobalIndex, direction: Direction) -> Option<Bound> {
        self.bound(&index.throughput, index.on_demand, direction)
    }

    fn bound(
        &self,
        provisioned: &crate::table::Throughput,
        on_demand: Option<crate::table::Units>,
        direction: Direction,
    ) -> Option<Bound> {
        let on_demand_rate = |units: crate::table::Units| match direction {
            Direction::Read => units.read,
            Direction::Write => units.write,
        };
        let (rate, is_on_demand) = match (self.billing_mode, direction) {
            (BillingMode::Provisioned, Direction::Read) => (provisioned.read, false),
            (BillingMode::Provisioned, Direction::Write) => (provisioned.write, false),
            (BillingMode::PayPerRequest, _) => (on_demand.and_then(on_demand_rate)?, true),
        };
        (rate > 0).then_some(Bound {
            rate,
            on_demand: is_on_demand,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Bound = Bound {
        rate: 10,
        on_demand: false,
    };

    fn units(count: usize) -> Units {
        Units::of_write(0, count * crate::limits::WRITE_UNIT)
    }

    #[test]
    fn five_minutes_of_throughput_are_kept() {
        let mut full_at = 0;
        let now = 1_000 * SECOND;
        for _ in 0..3000 {
            assert!(RATE.admits(full_at, now));
            full_at = RATE.after(full_at, now, units(1));
        }
        assert!(!RATE.admits(full_at, now));
        // A tenth of a second later there is a unit again.
        assert!(RATE.admits(full_at, now + SECOND / 10));
    }

    #[test]
    fn a_large_item_leaves_a_debt() {
        let now = 0;
        let full_at = RATE.after(0, now, units(4000));
        assert!(!RATE.admits(full_at, now + 100 * SECOND));
        assert!(RATE.admits(full_at, now + 100 * SECOND + 1));
    }

    #[test]
    fn a_bound_of_an_on_demand_table_keeps_one_second() {
        let bound = Bound {
            rate: 10,
            on_demand: true,
        };
        let full_at = bound.after(0, 0, units(10));
        assert!(!bound.admits(full_at, 0));
        assert!(bound.admits(full_at, 1));
    }

    #[test]
    fn half_units_cost_half_and_nothing_overflows() {
        let half = Units::of_read(1, false);
        assert_eq!(RATE.after(0, 0, half), SECOND / 20);
        assert_eq!(RATE.after(i64::MAX, 0, units(400)), i64::MAX);
        assert!(!RATE.admits(i64::MAX, i64::MIN + 1));
    }
}
