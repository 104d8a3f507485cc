//! What was counted of requests, as rows.

use super::boundary::{Answer, export};
use super::datum::{Columns, materialize};
use crate::storage::counters::{self, Counts};
use pg_dynamo_core::json::write_string;
use pgrx::prelude::*;

struct Statistics(Vec<Counts>);

impl Answer for Statistics {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { materialize(self.0, fcinfo) };
        None
    }
}

impl Columns<8> for Counts {
    /// Data table (NULL: none that there is, or several), operation, calls, errors as JSON, units read and written, milliseconds, latency histogram.
    fn into_columns(self) -> [Option<pg_sys::Datum>; 8] {
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let mut errors = String::from("{");
        for (kind, calls) in &self.errors {
            if errors.len() > 1 {
                errors.push(',');
            }
            write_string(&mut errors, kind.name());
            errors.push_str(&format!(":{calls}"));
        }
        errors.push('}');
        let latency: Vec<i64> = self.latency.into_iter().map(count).collect();
        [
            (self.relation != 0)
                .then(|| pg_sys::Oid::from(self.relation))
                .into_datum(),
            self.operation.name().into_datum(),
            count(self.calls).into_datum(),
            errors.into_datum(),
            (self.read as f64 / 2.0).into_datum(),
            (self.write as f64 / 2.0).into_datum(),
            (self.nanoseconds as f64 / 1e6).into_datum(),
            latency.into_datum(),
        ]
    }
}

fn stat_operations() -> Statistics {
    if !counters::counting() {
        pgrx::notice!(
            "nothing is counted: pg_dynamo is not in shared_preload_libraries of this server"
        );
    }
    Statistics(counters::all())
}

fn reset_stat_operations() {
    counters::reset();
}

export!(stat_operations, reset_stat_operations);
