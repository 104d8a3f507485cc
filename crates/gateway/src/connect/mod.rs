//! How the gateway reaches PostgreSQL: connection strings as libpq reads them, TLS, passwords from a file.
//!
//! Shared by the pool and by the connection that reads access keys. A superuser is refused: what a request may do
//! is decided by the role it runs as, and a superuser could be any.

mod options;
mod passfile;
mod tls;

use options::Options;
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why there is no connection. Texts hold no passwords.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("connection string: {0}")]
    Options(String),
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: String },
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("{}", chain(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("{0} is a superuser: the gateway refuses to connect as one")]
    Superuser(String),
}

/// "db error: FATAL: role "x" does not exist": an error with its causes, which tokio-postgres keeps apart.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// The socket's side of a connection: it moves bytes only while it is polled, see [`Connected::run`].
type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A connection string that was understood; its certificates are loaded.
#[derive(Clone)]
pub struct ConnInfo {
    options: Options,
    config: Config,
    tls: MakeRustlsConnect,
    passfile: Option<PathBuf>,
}

/// A server that vanished without a word is noticed within a minute or so: the system's own defaults take hours, and
/// the requests of such a session would hang as long. A commit that waits for its standby is not cut off by this: the
/// server's system still answers.
fn notice_silence(config: &mut Config, options: &Options) {
    const SILENCE: Duration = Duration::from_secs(30);
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if !options.has("keepalives_idle") {
        config.keepalives_idle(SILENCE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(SILENCE / 3);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(3);
    }
}

impl ConnInfo {
    /// `text`: `key=value …` or `postgresql://…`. Beside what tokio-postgres knows: `sslmode` up to `verify-full`,
    /// `sslrootcert` (default `~/.postgresql/root.crt`), `passfile` (default `PGPASSFILE`, then `~/.pgpass`).
    pub fn parse(text: &str) -> Result<ConnInfo, ConnectError> {
        Self::build(Options::parse(text)?)
    }

    fn build(mut options: Options) -> Result<ConnInfo, ConnectError> {
        let kept = options.clone();
        let tls = tls::Settings::take(&mut options)?;
        let passfile = passfile::location(options.take("passfile"));
        let mut config: Config = options.to_string().parse()?;
        let unix = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        // As in libpq, a unix socket has no TLS whatever the string says.
        config.ssl_mode(if unix { SslMode::Disable } else { tls.mode() });
        notice_silence(&mut config, &kept);
        Ok(ConnInfo {
            options: kept,
            config,
            tls: tls.connector(unix)?,
            passfile,
        })
    }

    /// The same server for another role, whose password comes from the passfile.
    pub fn for_user(&self, user: &str) -> Result<ConnInfo, ConnectError> {
        let mut options = self.options.clone();
        options.take("password");
        options.set("user", user);
        Self::build(options)
    }

    /// Where this leads, for logs: "dynamo_gateway@/run/postgresql:5432/postgres".
    pub fn target(&self) -> String {
        let hosts: Vec<String> = (0..self.config.get_hosts().len())
            .map(|i| format!("{}:{}", self.host(i), self.port(i)))
            .collect();
        let user = self.config.get_user().unwrap_or_default();
        format!("{user}@{}/{}", hosts.join(","), self.database())
    }

    fn host(&self, index: usize) -> String {
        match self.config.get_hosts().get(index) {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => String::new(),
        }
    }

    fn port(&self, index: usize) -> u16 {
        let ports = self.config.get_ports();
        ports.get(index).or(ports.first()).copied().unwrap_or(5432)
    }

    fn database(&self) -> &str {
        let config = &self.config;
        config
            .get_dbname()
            .or(config.get_user())
            .unwrap_or_default()
    }

    /// Whether the string asks for a server that takes writes.
    pub fn wants_primary(&self) -> bool {
        self.config.get_target_session_attrs()
            == tokio_postgres::config::TargetSessionAttrs::ReadWrite
    }

    /// Opens a session. `settings` hold for all of it, and RESET ALL comes back to them.
    pub async fn connect(
        &self,
        application_name: &str,
        settings: &[(&str, &str)],
    ) -> Result<Connected, ConnectError> {
        let mut config = self.config.clone();
        config.application_name(application_name);
        config.options(startup_options(config.get_options(), settings));
        if config.get_password().is_none() {
            self.password_from_file(&mut config)?;
        }
        let (client, driver) = config.connect(self.tls.clone()).await?;
        let mut connected = Connected {
            client,
            driver: Some(driver),
            ended: None,
        };
        connected.refuse_superuser().await?;
        Ok(connected)
    }

    /// Read anew for every connection, so that a changed password needs no restart.
    fn password_from_file(&self, config: &mut Config) -> Result<(), ConnectError> {
        let Some(path) = &self.passfile else {
            return Ok(());
        };
        let user = config.get_user().unwrap_or_default().to_owned();
        for i in 0..self.config.get_hosts().len() {
            let wanted = passfile::Wanted {
                host: &self.host(i),
                port: self.port(i),
                database: self.database(),
                user: &user,
            };
            if let Some(password) = passfile::look_up(path, &wanted)? {
                config.password(password);
                break;
            }
        }
        Ok(())
    }
}

/// `-c name=value …` after what the connection string asked for, so that ours win.
fn startup_options(given: Option<&str>, settings: &[(&str, &str)]) -> String {
    let mut out = given.unwrap_or_default().to_owned();
    for (name, value) in settings {
        out.push_str(" -c ");
        out.push_str(name);
        out.push('=');
        for c in value.chars() {
            if c == '\\' || c.is_ascii_whitespace() {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// An open session.
pub struct Connected {
    pub client: Client,
    /// None when the connection has ended. Only dropping it tells whoever waits for an answer.
    driver: Option<Driver>,
    ended: Option<String>,
}

impl Connected {
    /// Runs `work` while this task itself moves the socket's bytes: no second task, so no wakeups between threads for
    /// every message. The end of the connection ends `work` too, with its error.
    pub async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        let Connected {
            client,
            driver,
            ended,
        } = self;
        let mut work = std::pin::pin!(work(client));
        std::future::poll_fn(|cx| {
            // First the work, which hands its request over; then the socket; then what the socket brought.
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            drive(driver, ended, cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Waits until the server ends the session.
    pub async fn closed(&mut self) {
        std::future::poll_fn(|cx| {
            drive(&mut self.driver, &mut self.ended, cx);
            match self.driver {
                Some(_) => Poll::Pending,
                None => Poll::Ready(()),
            }
        })
        .await
    }

    pub fn is_closed(&self) -> bool {
        self.driver.is_none()
    }

    /// Why the connection ended.
    pub fn end(&self) -> &str {
        self.ended.as_deref().unwrap_or("still open")
    }

    /// Says goodbye and waits until the server heard it.
    pub async fn close(self) {
        drop(self.client);
        if let Some(driver) = self.driver {
            // An error here is the end as well.
            let _ = driver.await;
        }
    }

    async fn refuse_superuser(&mut self) -> Result<(), ConnectError> {
        const QUERY: &str = "SELECT rolname, rolsuper FROM pg_catalog.pg_roles \
             WHERE rolname OPERATOR(pg_catalog.=) session_user";
        let answer = self
            .run(async |client| client.simple_query(QUERY).await)
            .await?;
        let role = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0), row.get(1))),
            _ => None,
        });
        match role {
            Some((_, Some("f"))) => Ok(()),
            Some((name, _)) => Err(ConnectError::Superuser(name.unwrap_or_default().to_owned())),
            None => Err(ConnectError::Superuser("a role that was dropped".into())),
        }
    }
}

/// Moves what can be moved now; a connection that has ended is dropped.
fn drive(driver: &mut Option<Driver>, ended: &mut Option<String>, cx: &mut Context<'_>) {
    while let Some(open) = driver {
        let end = match open.poll_message(cx) {
            Poll::Pending => return,
            Poll::Ready(Some(Ok(_))) => continue,
            Poll::Ready(Some(Err(error))) => chain(&error),
            Poll::Ready(None) => "goodbye".to_owned(),
        };
        *ended = Some(end);
        *driver = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_needs_no_certificates() {
        let info = ConnInfo::parse(
            "host=/run/pg user=dynamo_gateway dbname=app sslmode=verify-full sslrootcert=/nowhere",
        );
        assert_eq!(info.unwrap().target(), "dynamo_gateway@/run/pg:5432/app");
    }

    #[test]
    fn missing_certificates_and_unknown_options_are_named() {
        for (text, part) in [
            (
                "host=h user=u sslmode=verify-full sslrootcert=/nowhere",
                "/nowhere",
            ),
            ("host=h user=u sslmode=allow", "sslmode"),
            ("host=h user=u colour=red", "colour"),
            ("host=h password=ab cd", "without a name"),
        ] {
            let error = ConnInfo::parse(text).err().map(|e| e.to_string());
            assert!(error.clone().unwrap().contains(part), "{text}: {error:?}");
        }
    }

    #[test]
    fn another_user_does_not_get_the_first_ones_password() {
        let info = ConnInfo::parse("host=/run/pg user=a password=secret dbname=app").unwrap();
        let other = info.for_user("b").unwrap();
        assert_eq!(other.target(), "b@/run/pg:5432/app");
        assert_eq!(other.config.get_password(), None);
        assert_eq!(info.config.get_password(), Some(&b"secret"[..]));
    }

    #[test]
    fn settings_are_escaped_for_the_startup_packet() {
        assert_eq!(
            startup_options(Some("-c a=b"), &[("c", r"d e\f")]),
            r"-c a=b -c c=d\ e\\f"
        );
    }
}
