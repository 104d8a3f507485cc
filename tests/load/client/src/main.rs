//! The client of the suites durability, load and transactions. Every task prints what it found and fails when that is not as it must be.

mod bank;
mod crash;
mod cut;
mod endpoint;
mod follow;
mod journal;
mod mix;
mod resident;
mod shared;

use clap::Parser;
use endpoint::{Endpoint, Failure};
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Sends one request and prints the body of its answer.
    Send { operation: String, body: String },
    /// Makes the tables of `write`.
    WriteTables,
    /// Writes until the first failure of each worker and leaves in the journal what was acknowledged.
    Write {
        #[arg(long)]
        journal: PathBuf,
        /// Tells the items of one round from those of another.
        #[arg(long)]
        round: u32,
    },
    /// Compares what is stored with the journal.
    Verify {
        #[arg(long)]
        journal: PathBuf,
        #[arg(long)]
        round: u32,
    },
    /// Writes to tables with streams through every fault until the file appears, and keeps what became of each change.
    Journal {
        #[arg(long)]
        journal: PathBuf,
        #[arg(long)]
        until: PathBuf,
        /// Those that are written to
        #[arg(required = true, num_args = 2)]
        tables: Vec<String>,
    },
    /// Reads a stream as consumers do, through every fault, until the file appears and nothing more comes.
    Follow {
        #[arg(long)]
        stream: String,
        #[arg(long)]
        records: PathBuf,
        #[arg(long)]
        until: PathBuf,
    },
    /// Adds to the same 100 counters through several gateways, in random order.
    Shared {
        /// host:port of the others
        #[arg(long)]
        also: Vec<String>,
        #[arg(long)]
        seconds: f64,
    },
    /// Adds to counters of their own over connections that are cut at random, and counts.
    Cut {
        #[arg(long)]
        seconds: f64,
    },
    /// Moves money between accounts, every request sent twice, while others read them; then audits the books.
    Bank {
        #[arg(long)]
        seconds: f64,
    },
    /// A mixed workload, first without and then with a client that scans the table.
    Mix(mix::Plan),
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let Arguments { endpoint, task } = Arguments::parse();
    match task {
        Task::Send { operation, body } => {
            let body = serde_json::from_str(&body)?;
            let reply = endpoint.connection().call(&operation, &body).await?;
            println!("{reply}");
            Ok(())
        }
        Task::WriteTables => crash::create_tables(&endpoint).await,
        Task::Write { journal, round } => crash::write(&endpoint, round, &journal).await,
        Task::Verify { journal, round } => crash::verify(&endpoint, round, &journal).await,
        Task::Journal {
            journal,
            until,
            tables,
        } => journal::write(&endpoint, &tables, &journal, &until).await,
        Task::Follow {
            stream,
            records,
            until,
        } => follow::read(&endpoint, stream, &records, &until).await,
        Task::Shared { also, seconds } => shared::add(&endpoint, &also, seconds).await,
        Task::Cut { seconds } => cut::add(&endpoint, seconds).await,
        Task::Bank { seconds } => bank::run(&endpoint, seconds).await,
        Task::Mix(plan) => mix::run(&endpoint, &plan).await,
    }
}
