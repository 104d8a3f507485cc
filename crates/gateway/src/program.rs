//! The program around the endpoint: its two servers, signals, and an orderly end.

use crate::admin::Admin;
use crate::auth::Authenticate;
use crate::backend::Backend;
use crate::config::{Auth, ConfigError, Options};
use crate::cors::Origins;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::server::gauges::Gauges;
use crate::server::tls::Tls;
use crate::server::watch::Limits;
use crate::server::{ListenError, Server};
use crate::service::Service;
use prometheus_client::registry::Registry;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Threads for what takes long: compressing, inflating, hashing large bodies. They exist only while they are needed.
const BLOCKING_THREADS: usize = 32;
/// Connections to /metrics, /health and /ready.
const ADMIN_CONNECTIONS: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("cannot watch for signals: {0}")]
    Signal(#[from] io::Error),
}

/// What the endpoint is put together from.
pub struct Parts<A, B> {
    pub authenticate: A,
    pub backend: Arc<B>,
    pub metrics: Arc<Metrics>,
}

/// The runtime everything runs on.
pub fn runtime(options: &Options) -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads())
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("gateway")
        .enable_all()
        .build()
}

/// Serves until it is told to end. Ok(false): requests were dropped because they did not finish in time.
pub async fn serve<A, B>(options: &Options, parts: Parts<A, B>) -> Result<bool, ProgramError>
where
    A: Authenticate,
    B: Backend,
{
    let mut signals = Signals::new(options.supervised)?;
    let tls = options.tls()?;
    let limits = options.limits(raise_descriptor_limit());
    let memory = Arc::new(Memory::new((options.memory as usize) << 20));
    let service = Service {
        authenticate: parts.authenticate,
        backend: parts.backend.clone(),
        origins: match options.auth {
            Auth::Sigv4 => Origins::Any,
            Auth::None => Origins::Loopback,
        },
        memory: memory.clone(),
        patience: Duration::from_secs(options.body_timeout),
        observe: parts.metrics.clone(),
    };
    let listen = options.listen()?;
    let server = Server::start(&listen, limits.clone(), tls.clone(), Arc::new(service)).await?;
    let gauges = Gauges {
        watch: server.watch().clone(),
        memory: memory.clone(),
    };
    let mut metrics = Registry::with_prefix("pg_dynamo_gateway");
    metrics.register_collector(Box::new(parts.metrics));
    metrics.register_collector(Box::new(gauges));
    let stopping = Arc::new(AtomicBool::new(false));
    let admin = Admin {
        backend: parts.backend,
        metrics,
        memory,
        stopping: stopping.clone(),
    };
    let admin_limits = Limits {
        connections: ADMIN_CONNECTIONS,
        ..limits
    };
    let metrics_listen = options.metrics_listen()?;
    let admin = Server::start(&metrics_listen, admin_limits, None, Arc::new(admin)).await?;
    announce(options, &server, &admin);
    signals.wait(tls.as_deref()).await;
    stopping.store(true, Relaxed);
    // Monitoring sees the end coming, unless a successor is about to take both ports over.
    let mut admin = Some(admin);
    if options.supervised
        && let Some(admin) = admin.take()
    {
        admin.stop(Duration::ZERO).await;
    }
    let patience = Duration::from_secs(options.shutdown_timeout);
    let finished = tokio::select! {
        finished = server.stop(patience) => finished,
        () = signals.wait(None) => false,
    };
    if let Some(admin) = admin {
        admin.stop(Duration::ZERO).await;
    }
    tracing::info!(finished, "stopped");
    Ok(finished)
}

fn announce(options: &Options, server: &Server, admin: &Server) {
    if options.auth == Auth::None {
        tracing::warn!(
            role = options.role,
            "requests are not authenticated: everyone on this machine acts as this role"
        );
    }
    for address in admin.addresses() {
        tracing::info!(%address, "metrics");
    }
    let scheme = if options.tls_cert.is_empty() {
        "http"
    } else {
        "https"
    };
    for address in server.addresses() {
        tracing::info!("listening on {scheme}://{address}");
    }
}

/// As many open files as the system lets this process have.
fn raise_descriptor_limit() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    let now = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(_) => before,
    };
    // None is "no limit".
    now.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// What the outside tells the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    orphaned: Arc<Notify>,
}

impl Signals {
    fn new(supervised: bool) -> io::Result<Self> {
        let orphaned = Arc::new(Notify::new());
        if supervised {
            watch_standard_input(orphaned.clone())?;
        }
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            orphaned,
        })
    }

    /// Until the process is to end; meanwhile reads the certificate again when asked to.
    async fn wait(&mut self, tls: Option<&Tls>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return tracing::info!("SIGTERM: stopping"),
                _ = self.interrupt.recv() => return tracing::info!("SIGINT: stopping"),
                () = self.orphaned.notified() => return tracing::info!("the supervisor is gone: stopping"),
                _ = self.hangup.recv() => reload(tls),
            }
        }
    }
}

fn reload(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        None => tracing::info!("SIGHUP: nothing to read again"),
        Some(Ok(())) => tracing::info!("SIGHUP: certificate and key read again"),
        Some(Err(error)) => tracing::error!(%error, "SIGHUP: the old certificate stays"),
    }
}

/// A thread of its own, because a blocking read cannot be given up; it ends with the process.
fn watch_standard_input(orphaned: Arc<Notify>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("supervisor".to_owned())
        .spawn(move || {
            let mut ignored = [0; 64];
            let mut input = io::stdin().lock();
            loop {
                match input.read(&mut ignored) {
                    Ok(0) => break,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                    _ => {}
                }
            }
            orphaned.notify_one();
        })?;
    Ok(())
}
