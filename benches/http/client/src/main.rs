//! The client of `benches/http/run`: fills the tables, or sends one operation over some connections for some seconds.
//!
//! Requests are signed and written out before the clock starts.

mod fill;
mod measure;
mod process;
mod requests;

use clap::Parser;
use pg_dynamo_bench_client::{Failure, Target};
use requests::Operation;

#[derive(Parser)]
struct Arguments {
    /// host:port
    #[arg(long)]
    endpoint: String,
    #[arg(long, default_value = "AKIDBENCH00000000000")]
    access_key: String,
    #[arg(
        long,
        env = "BENCH_SECRET",
        default_value = "secret",
        hide_env_values = true
    )]
    secret: String,
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Makes the tables and their items.
    Fill,
    /// Prints one line: throughput, median and p99 in microseconds, errors, microseconds of CPU per request of the
    /// client and of each `--process`.
    Measure {
        #[arg(long)]
        operation: Operation,
        #[arg(long)]
        connections: usize,
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        /// NAME=PID: this process and its descendants.
        #[arg(long)]
        process: Vec<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let target = Target {
        endpoint: arguments.endpoint,
        access_key: arguments.access_key,
        secret: arguments.secret,
    };
    match arguments.task {
        Task::Fill => fill::fill(&target).await,
        Task::Measure {
            operation,
            connections,
            seconds,
            process,
        } => {
            let run = measure::Run {
                operation,
                connections,
                seconds,
            };
            println!("{}", measure::measure(&target, &run, &process).await?);
            Ok(())
        }
    }
}
