//! The most frequent keys, as rows.

use super::boundary::{Answer, export};
use super::datum::{Columns, materialize};
use crate::storage::insights::{self, Frequent, Rule};
use pgrx::prelude::*;

struct Keys(Vec<Frequent>);

impl Answer for Keys {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { materialize(self.0, fcinfo) };
        None
    }
}

impl Columns<7> for Frequent {
    /// Data table, number of the index's columns (0: the table), rule, whether whole keys, key, count, error.
    fn into_columns(self) -> [Option<pg_sys::Datum>; 7] {
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let rule = match self.rule {
            Rule::Accessed => "accessed",
            Rule::Throttled => "throttled",
        };
        [
            pg_sys::Oid::from(self.subject.relation).into_datum(),
            i64::from(self.subject.columns).into_datum(),
            rule.into_datum(),
            self.whole.into_datum(),
            self.counter.key().into_datum(),
            count(self.counter.count()).into_datum(),
            count(self.counter.error()).into_datum(),
        ]
    }
}

fn contributor_insights() -> Keys {
    if !insights::counting() {
        pgrx::notice!(
            "no keys are counted: pg_dynamo is not in shared_preload_libraries of this server"
        );
    }
    Keys(insights::all())
}

export!(contributor_insights);
