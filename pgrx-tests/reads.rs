//! What the suites of Query and Scan share: loading, paging, counting rows.

use super::statement::{call, count, run};
use pgrx::prelude::*;
use serde_json::Value;

/// Loads `count` items by plain SQL: `template` in the words of format(), with `arguments` of i = 1, 2, ….
pub fn load(table: &str, count: usize, template: &str, arguments: &str) {
    run(&format!(
        "INSERT INTO dynamo_tables.{table} (item)
         SELECT format($x${template}$x$, {arguments})::dynamo.item FROM generate_series(1, {count}) AS i"
    ));
}

/// Rows of the data table that index scans have fetched in this transaction.
fn fetched(table: &str) -> i64 {
    count(&format!(
        "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'dynamo_tables.{table}'::regclass"
    ))
}

/// Rows that sequential scans have read in this transaction.
pub fn sequential_rows(table: &str) -> i64 {
    count(&format!(
        "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relid = 'dynamo_tables.{table}'::regclass"
    ))
}

/// The answer of `work`, and how many rows of the table it fetched.
pub fn counted<R>(table: &str, work: impl FnOnce() -> R) -> (R, i64) {
    let before = fetched(table);
    let result = work();
    (result, fetched(table) - before)
}

/// From now on the table is read by statements, as it is wherever policies have a say.
pub fn by_statement(table: &str) {
    run(&format!(
        "ALTER TABLE dynamo_tables.{table} ENABLE ROW LEVEL SECURITY"
    ));
}

/// All pages of a request, each from the LastEvaluatedKey of the one before.
pub fn pages(function: &str, request: &Value) -> Vec<Value> {
    let mut request = request.clone();
    let mut pages = Vec::new();
    loop {
        let page = call(function, &request);
        let last = page.get("LastEvaluatedKey").cloned();
        pages.push(page);
        match last {
            Some(key) => request["ExclusiveStartKey"] = key,
            None => return pages,
        }
        assert!(pages.len() < 100_000, "paging never ends");
    }
}

/// What EXPLAIN says about a statement, with these options.
pub fn explained(options: &str, sql: &str) -> String {
    Spi::connect_mut(|client| {
        let rows = client.update(&format!("EXPLAIN ({options}) {sql}"), None, &[]);
        let lines = rows
            .expect("a plan")
            .map(|row| row.get::<String>(1).expect("a line").unwrap_or_default());
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// Its plan alone.
pub fn plan(sql: &str) -> String {
    explained("COSTS OFF", sql)
}

/// Numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
