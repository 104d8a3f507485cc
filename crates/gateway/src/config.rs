//! What the program is told: flags, or environment variables of the same meaning.

use crate::server::tls::{Tls, TlsError};
use crate::server::watch::Limits;
use crate::server::{Listen, ListenError};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum, parser::ValueSource};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// AWS Signature Version 4
    Sigv4,
    /// Everybody is --role; loopback addresses only
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The DynamoDB endpoint of a PostgreSQL database with the extension pg_dynamo.
///
/// Passwords come from a passfile or the environment, never from a flag. SIGTERM, SIGINT: finish what is under way
/// and end. SIGHUP: read the TLS files again.
#[derive(Clone, Debug, Parser)]
#[command(name = "pg_dynamo_gateway", version)]
pub struct Options {
    /// Addresses of the endpoint: host:port, separated by commas
    #[arg(long, env = "PG_DYNAMO_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: String,
    /// Address of /metrics, /health and /ready; empty for none
    #[arg(
        long,
        env = "PG_DYNAMO_METRICS_LISTEN",
        default_value = "127.0.0.1:9187"
    )]
    pub metrics_listen: String,
    /// How to reach PostgreSQL, as libpq writes it
    #[arg(
        long,
        env = "PG_DYNAMO_CONNINFO",
        default_value = "host=/var/run/postgresql user=dynamo_gateway dbname=postgres",
        hide_env_values = true
    )]
    pub conninfo: String,
    /// How to reach the access keys; by default --conninfo with the user dynamo_gateway_keys
    #[arg(
        long,
        env = "PG_DYNAMO_KEYS_CONNINFO",
        default_value = "",
        hide_env_values = true
    )]
    pub keys_conninfo: String,
    /// Connections to PostgreSQL
    #[arg(long, env = "PG_DYNAMO_POOL_SIZE", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pool_size: u16,
    /// Certificate chain, PEM: HTTPS on every address
    #[arg(long, env = "PG_DYNAMO_TLS_CERT", default_value = "")]
    pub tls_cert: String,
    /// Its private key, PEM
    #[arg(long, env = "PG_DYNAMO_TLS_KEY", default_value = "")]
    pub tls_key: String,
    /// How requests show who sent them
    #[arg(long, env = "PG_DYNAMO_AUTH", value_enum, default_value_t = Auth::Sigv4)]
    pub auth: Auth,
    /// With --auth none: the role every request runs as
    #[arg(long, env = "PG_DYNAMO_ROLE", default_value = "")]
    pub role: String,
    /// What is logged: error, warn, info, debug, or a filter of tracing
    #[arg(long, env = "PG_DYNAMO_LOG", default_value = "info")]
    pub log: String,
    #[arg(long, env = "PG_DYNAMO_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// End when standard input does: whoever started this is gone then
    #[arg(long)]
    pub supervised: bool,
    /// Seconds that requests under way have after SIGTERM
    #[arg(long, env = "PG_DYNAMO_SHUTDOWN_TIMEOUT", default_value_t = 30)]
    pub shutdown_timeout: u64,
    /// Connections of clients at once; beyond it idle ones are closed for new ones
    #[arg(long, env = "PG_DYNAMO_MAX_CONNECTIONS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Seconds for a TLS handshake and for the head of a request
    #[arg(long, env = "PG_DYNAMO_HEAD_TIMEOUT", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub head_timeout: u64,
    /// Seconds for the body of a request
    #[arg(long, env = "PG_DYNAMO_BODY_TIMEOUT", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub body_timeout: u64,
    /// Seconds until a connection without requests is closed
    #[arg(long, env = "PG_DYNAMO_IDLE_TIMEOUT", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout: u64,
    /// Seconds a client may leave its answers unread
    #[arg(long, env = "PG_DYNAMO_SEND_TIMEOUT", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub send_timeout: u64,
    /// Megabytes of request bodies and large answers held at once
    #[arg(long, env = "PG_DYNAMO_MEMORY", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(32..))]
    pub memory: u32,
    /// Threads that serve requests; by default one for every two processors, which PostgreSQL needs too
    #[arg(long, env = "PG_DYNAMO_THREADS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Clap(#[from] clap::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("--tls-cert and --tls-key go together")]
    HalfTls,
    #[error("--auth none wants --role, whom all requests run as")]
    NoRole,
    #[error("--auth none listens on loopback addresses only, and {0} is none")]
    NotLoopback(String),
    #[error(
        "--{0} holds a password, which everyone on this machine could see: use a passfile or the environment"
    )]
    SecretInFlag(&'static str),
}

impl Options {
    /// From the program's arguments and environment. Err of the kind Clap prints itself (--help is one).
    pub fn get() -> Result<Self, ConfigError> {
        Self::of_matches(&Self::command().try_get_matches()?)
    }

    fn of_matches(matches: &ArgMatches) -> Result<Self, ConfigError> {
        let options = Self::from_arg_matches(matches)?;
        for (id, name, value) in [
            ("conninfo", "conninfo", &options.conninfo),
            ("keys_conninfo", "keys-conninfo", &options.keys_conninfo),
        ] {
            if matches.value_source(id) == Some(ValueSource::CommandLine) && has_password(value) {
                return Err(ConfigError::SecretInFlag(name));
            }
        }
        options.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        if self.tls_cert.is_empty() != self.tls_key.is_empty() {
            return Err(ConfigError::HalfTls);
        }
        if self.auth == Auth::None && self.role.is_empty() {
            return Err(ConfigError::NoRole);
        }
        Ok(self)
    }

    /// Where the endpoint listens. Err: a name does not resolve, or it is not loopback and nothing is signed.
    pub fn listen(&self) -> Result<Vec<Listen>, ConfigError> {
        let listen = Listen::resolve_all(&self.listen)?;
        if self.auth == Auth::None
            && let Some(beyond) = listen.iter().find(|l| !l.is_loopback())
        {
            return Err(ConfigError::NotLoopback(beyond.name.clone()));
        }
        Ok(listen)
    }

    pub fn metrics_listen(&self) -> Result<Vec<Listen>, ConfigError> {
        if self.metrics_listen.is_empty() {
            return Ok(Vec::new());
        }
        Ok(Listen::resolve_all(&self.metrics_listen)?)
    }

    /// None: plain HTTP.
    pub fn tls(&self) -> Result<Option<Arc<Tls>>, ConfigError> {
        if self.tls_cert.is_empty() {
            return Ok(None);
        }
        let tls = Tls::load(Path::new(&self.tls_cert), Path::new(&self.tls_key))?;
        Ok(Some(Arc::new(tls)))
    }

    /// `descriptors` is how many files the process may have open; some are needed for other things.
    pub fn limits(&self, descriptors: usize) -> Limits {
        let others = 64 + 2 * usize::from(self.pool_size);
        Limits {
            head: Duration::from_secs(self.head_timeout),
            idle: Duration::from_secs(self.idle_timeout),
            send: Duration::from_secs(self.send_timeout),
            connections: (self.max_connections as usize)
                .min(descriptors.saturating_sub(others))
                .max(1),
        }
    }

    /// Threads of the runtime. The work of a request is a few microseconds here and some twenty in PostgreSQL, on the
    /// same processors usually: more threads than half of them only wake each other up.
    pub fn threads(&self) -> usize {
        match self.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).clamp(1, 8)),
        }
    }
}

/// `password=…` in either of libpq's notations, or `user:password@` in a URL.
fn has_password(conninfo: &str) -> bool {
    if conninfo.contains("password") {
        let compact: String = conninfo.chars().filter(|c| !c.is_whitespace()).collect();
        return compact.contains("password=");
    }
    conninfo
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?']).next())
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, ConfigError> {
        let arguments = ["pg_dynamo_gateway"].iter().chain(arguments);
        Options::of_matches(&Options::command().try_get_matches_from(arguments)?)
    }

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_authentication_a_role_and_loopback_are_needed() {
        assert!(matches!(
            options(&["--auth", "none"]),
            Err(ConfigError::NoRole)
        ));
        let listen = |address| {
            options(&["--auth", "none", "--role", "app", "--listen", address])
                .unwrap()
                .listen()
        };
        assert!(listen("127.0.0.1:0,[::1]:0").is_ok());
        for beyond in ["0.0.0.0:0", "[::]:0", "127.0.0.1:0,192.0.2.1:80"] {
            assert!(matches!(listen(beyond), Err(ConfigError::NotLoopback(_))));
        }
        let signed = options(&["--listen", "0.0.0.0:0"]).unwrap();
        assert_eq!(signed.listen().unwrap().len(), 1);
    }

    #[test]
    fn tls_wants_both_files() {
        assert!(matches!(
            options(&["--tls-cert", "a"]),
            Err(ConfigError::HalfTls)
        ));
        let both = options(&["--tls-cert", "/nowhere/a", "--tls-key", "b"]).unwrap();
        assert!(matches!(both.tls(), Err(ConfigError::Tls(_))));
        assert!(
            options(&["--tls-cert", "", "--tls-key", ""])
                .unwrap()
                .tls()
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn passwords_are_no_flags() {
        for secret in [
            "host=a password=b",
            "password = 'b'",
            "postgresql://u:p@h/d",
            "postgres://h/d?password=p",
        ] {
            assert!(
                matches!(
                    options(&["--conninfo", secret]),
                    Err(ConfigError::SecretInFlag(_))
                ),
                "{secret}"
            );
        }
        for fine in ["host=a passfile=/p", "postgresql://u@h:5433/d", ""] {
            assert!(options(&["--conninfo", fine]).is_ok(), "{fine}");
        }
    }

    #[test]
    fn connections_leave_descriptors_for_the_pool() {
        let options = options(&[]).unwrap();
        assert_eq!(options.limits(1024).connections, 1024 - 64 - 32);
        assert_eq!(options.limits(1_000_000).connections, 10_000);
        assert_eq!(options.limits(0).connections, 1);
    }

    #[test]
    fn no_metrics_are_wanted_when_the_address_is_empty() {
        let options = options(&["--metrics-listen", ""]).unwrap();
        assert!(options.metrics_listen().unwrap().is_empty());
    }
}
