//! `pg_dynamo_gateway`: the endpoint as a program.

use pg_dynamo_gateway::auth::{Authenticate, KeyDirectory, KeyStore, NoAuthentication, SigV4};
use pg_dynamo_gateway::backend::{Options as PoolOptions, Postgres};
use pg_dynamo_gateway::config::{Auth, ConfigError, Options};
use pg_dynamo_gateway::connect::{ConnInfo, ConnectError};
use pg_dynamo_gateway::log;
use pg_dynamo_gateway::metrics::Metrics;
use pg_dynamo_gateway::program::{self, Parts};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const KEYS_ROLE: &str = "dynamo_gateway_keys";
/// For sessions to say goodbye, when their requests are over.
const GOODBYE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let options = match Options::get() {
        Ok(options) => options,
        Err(ConfigError::Clap(usage)) => usage.exit(),
        Err(error) => return failed(&error),
    };
    if let Err(error) = log::start(&options.log, options.log_format) {
        return failed(&error);
    }
    let runtime = match program::runtime(&options) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(run(&options));
    // Threads that compress, or wait for standard input, are not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            ExitCode::FAILURE
        }
    }
}

/// Before there is a log.
fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("pg_dynamo_gateway: {error}");
    ExitCode::from(2)
}

async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let server = ConnInfo::parse(&options.conninfo)?;
    match options.auth {
        Auth::Sigv4 => {
            let keys = KeyStore::start(KeyDirectory::new(keys_server(options, &server)?));
            serve(options, server, SigV4::new(keys)).await
        }
        Auth::None => {
            let role = options.role.as_str().into();
            serve(options, server, NoAuthentication { role }).await
        }
    }
}

/// The same server for the role that may read secrets, or what was asked for.
fn keys_server(options: &Options, server: &ConnInfo) -> Result<ConnInfo, ConnectError> {
    if options.keys_conninfo.is_empty() {
        return server.for_user(KEYS_ROLE);
    }
    ConnInfo::parse(&options.keys_conninfo)
}

async fn serve<A: Authenticate>(
    options: &Options,
    server: ConnInfo,
    authenticate: A,
) -> Result<(), Box<dyn Error>> {
    tracing::info!(server = server.target(), "PostgreSQL");
    let metrics = Metrics::new();
    let pool_options = PoolOptions {
        size: usize::from(options.pool_size),
        ..PoolOptions::default()
    };
    let pool = Arc::new(Postgres::start(server, pool_options, metrics.clone()));
    let parts = Parts {
        authenticate,
        backend: pool.clone(),
        metrics,
    };
    program::serve(options, parts).await?;
    // What the pool still does has nobody left who waits for it.
    let _ = tokio::time::timeout(GOODBYE, pool.close()).await;
    Ok(())
}
