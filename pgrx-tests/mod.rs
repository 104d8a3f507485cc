//! `#[pg_test]` suites: Rust against the backend. One file per subject; each runs in a transaction that rolls back.

mod types;
