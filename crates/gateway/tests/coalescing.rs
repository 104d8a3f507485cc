//! Requests that share calls, against a real server: each gets its own answer, whatever happens to the others.
//!
//! Run by `tests/coalescing/run`, which starts the server that PGHOST and PGPORT name.

mod coalescing {
    mod connections;
    mod locks;
    mod neighbours;
    pub mod server;
    mod writes;
}
