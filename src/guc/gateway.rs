//! Settings of the HTTP endpoint (`dynamo.gateway*`).
//!
//! All are read when the server starts and on reload (SIGHUP); the worker `worker::gateway` hands them to the program.
//! A value that can be no good is refused where it is set; what depends on several settings, or on files, is
//! checked by the worker.

use super::text;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, CString, c_char, c_void};

/// The smallest pool: writes and large requests may not hold every connection.
const MIN_POOL: i32 = 4;
const MAX_POOL: i32 = 1_000;

/// How requests say who sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Auth {
    #[name = c"sigv4"]
    SigV4,
    #[name = c"none"]
    None,
}

/// The least important of the lines that are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Level {
    #[name = c"error"]
    Error,
    #[name = c"warn"]
    Warn,
    #[name = c"info"]
    Info,
    #[name = c"debug"]
    Debug,
    #[name = c"trace"]
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Format {
    #[name = c"text"]
    Text,
    #[name = c"json"]
    Json,
}

type Text = GucSetting<Option<CString>>;

static ENABLED: GucSetting<bool> = GucSetting::<bool>::new(false);
static LISTEN: Text = Text::new(Some(c"127.0.0.1:8000"));
static METRICS_LISTEN: Text = Text::new(Some(c"127.0.0.1:9187"));
static DATABASE: Text = Text::new(Some(c"postgres"));
static CONNINFO: Text = Text::new(Some(c""));
static POOL_SIZE: GucSetting<i32> = GucSetting::<i32>::new(16);
static TLS_CERT: Text = Text::new(Some(c""));
static TLS_KEY: Text = Text::new(Some(c""));
static AUTH: GucSetting<Auth> = GucSetting::<Auth>::new(Auth::SigV4);
static ROLE: Text = Text::new(Some(c""));
static LOG: GucSetting<Level> = GucSetting::<Level>::new(Level::Info);
static LOG_FORMAT: GucSetting<Format> = GucSetting::<Format>::new(Format::Text);

/// What the settings say at this moment, as they stand in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub listen: String,
    pub metrics_listen: String,
    pub database: String,
    pub conninfo: String,
    pub pool_size: i32,
    pub tls_cert: String,
    pub tls_key: String,
    pub auth: Auth,
    pub role: String,
    pub log: Level,
    pub log_format: Format,
}

/// Where the endpoint listens, or would.
pub fn address() -> String {
    text(&LISTEN).into_owned()
}

/// The endpoint's settings; None while `dynamo.gateway` is off.
pub fn gateway() -> Option<Gateway> {
    ENABLED.get().then(|| Gateway {
        listen: text(&LISTEN).into_owned(),
        metrics_listen: text(&METRICS_LISTEN).into_owned(),
        database: text(&DATABASE).into_owned(),
        conninfo: text(&CONNINFO).into_owned(),
        pool_size: POOL_SIZE.get(),
        tls_cert: text(&TLS_CERT).into_owned(),
        tls_key: text(&TLS_KEY).into_owned(),
        auth: AUTH.get(),
        role: text(&ROLE).into_owned(),
        log: LOG.get(),
        log_format: LOG_FORMAT.get(),
    })
}

pub(super) fn register() {
    GucRegistry::define_bool_guc(
        c"dynamo.gateway",
        c"Starts the HTTP endpoint with the server and keeps it running.",
        c"Needs pg_dynamo in shared_preload_libraries.",
        &ENABLED,
        GucContext::Sighup,
        GucFlags::default(),
    );
    register_addresses();
    register_connection();
    register_security();
    GucRegistry::define_enum_guc(
        c"dynamo.gateway_log",
        c"Least important lines that the HTTP endpoint writes into the server's log.",
        c"",
        &LOG,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"dynamo.gateway_log_format",
        c"Form of the lines that the HTTP endpoint writes into the server's log.",
        c"",
        &LOG_FORMAT,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

fn register_addresses() {
    // SAFETY: the hooks are guarded.
    unsafe {
        define_text(
            c"dynamo.gateway_listen",
            c"Addresses the HTTP endpoint listens on.",
            c"HOST:PORT, several separated by commas; an IPv6 address stands in brackets.",
            &LISTEN,
            GucFlags::default(),
            Some(check_listen),
        );
        define_text(
            c"dynamo.gateway_metrics_listen",
            c"Address for /metrics, /health and /ready of the HTTP endpoint.",
            c"HOST:PORT; empty for none. Whoever reaches it may read them.",
            &METRICS_LISTEN,
            GucFlags::default(),
            Some(check_metrics_listen),
        );
    }
}

fn register_connection() {
    // SAFETY: the hooks are guarded.
    unsafe {
        define_text(
            c"dynamo.gateway_database",
            c"Database whose tables the HTTP endpoint serves.",
            c"It is used while dynamo.gateway_conninfo is empty.",
            &DATABASE,
            GucFlags::IS_NAME,
            Some(check_database),
        );
        define_text(
            c"dynamo.gateway_conninfo",
            c"How the HTTP endpoint connects to PostgreSQL.",
            c"A libpq connection string. Empty: this server's unix socket, as role dynamo_gateway.",
            &CONNINFO,
            GucFlags::SUPERUSER_ONLY,
            None,
        );
    }
    GucRegistry::define_int_guc(
        c"dynamo.gateway_pool_size",
        c"PostgreSQL connections that the HTTP endpoint keeps for requests.",
        c"",
        &POOL_SIZE,
        MIN_POOL,
        MAX_POOL,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

fn register_security() {
    // SAFETY: no hooks.
    unsafe {
        define_text(
            c"dynamo.gateway_tls_cert",
            c"File with the certificate chain (PEM) of the HTTP endpoint.",
            c"With dynamo.gateway_tls_key it makes every address HTTPS. Relative to the data directory; read again on reload.",
            &TLS_CERT,
            GucFlags::default(),
            None,
        );
        define_text(
            c"dynamo.gateway_tls_key",
            c"File with the private key (PEM) of the HTTP endpoint.",
            c"Relative to the data directory; read again on reload.",
            &TLS_KEY,
            GucFlags::default(),
            None,
        );
        define_text(
            c"dynamo.gateway_role",
            c"Role that requests run as while dynamo.gateway_auth is none.",
            c"",
            &ROLE,
            GucFlags::IS_NAME,
            None,
        );
    }
    GucRegistry::define_enum_guc(
        c"dynamo.gateway_auth",
        c"How the HTTP endpoint finds out who sent a request.",
        c"sigv4: AWS Signature Version 4 with access keys of dynamo.create_access_key. none: nobody is asked; for development, on loopback addresses only.",
        &AUTH,
        GucContext::Sighup,
        GucFlags::default(),
    );
}

/// # Safety
/// The hook raises no panic.
unsafe fn define_text(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static Text,
    flags: GucFlags,
    check: pg_sys::GucStringCheckHook,
) {
    // SAFETY: by the caller.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            name,
            short,
            long,
            setting,
            GucContext::Sighup,
            flags,
            check,
            None,
            None,
        );
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn check_listen(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the new value, as Postgres hands it to its hooks.
    unsafe { judge(value, |text| text.split(',').try_for_each(check_address)) }
}

#[pg_guard]
unsafe extern "C-unwind" fn check_metrics_listen(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: as above.
    unsafe {
        judge(value, |text| match text.trim() {
            "" => Ok(()),
            address => check_address(address),
        })
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn check_database(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: as above.
    unsafe {
        judge(value, |text| match text {
            "" => Err("It names no database.".to_owned()),
            _ => Ok(()),
        })
    }
}

/// Asks `check` about a new value; what it objects to becomes the DETAIL of Postgres's message.
///
/// # Safety
/// `value` is the argument of a check hook.
unsafe fn judge(value: *mut *mut c_char, check: impl FnOnce(&str) -> Result<(), String>) -> bool {
    // SAFETY: by the caller; null or a C string.
    let text = unsafe {
        if (*value).is_null() {
            return true;
        }
        CStr::from_ptr(*value).to_string_lossy()
    };
    let Err(detail) = check(&text) else {
        return true;
    };
    let detail = CString::new(detail).unwrap_or_default();
    // SAFETY: where Postgres's own GUC_check_errdetail puts it: the error context, which is emptied after the report.
    unsafe {
        pg_sys::GUC_check_errdetail_string =
            pg_sys::MemoryContextStrdup(pg_sys::ErrorContext, detail.as_ptr());
    }
    false
}

fn check_address(address: &str) -> Result<(), String> {
    split_address(address.trim()).map(|_| ())
}

/// `HOST:PORT` taken apart; brackets around an IPv6 address are left off. Err says what is wrong.
pub fn split_address(address: &str) -> Result<(&str, u16), String> {
    let fault = || format!("\"{address}\" is not HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000.");
    let (host, port) = address.rsplit_once(':').ok_or_else(fault)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or_else(fault)?,
        None if host.contains(':') => return Err(fault()),
        None => host,
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(fault());
    }
    match port.parse() {
        Ok(port) if port != 0 => Ok((host, port)),
        _ => Err(format!(
            "\"{port}\" in \"{address}\" is not a port from 1 to 65535."
        )),
    }
}

/// The words of the settings, as the program wants them.
impl Auth {
    pub fn name(self) -> &'static str {
        match self {
            Auth::SigV4 => "sigv4",
            Auth::None => "none",
        }
    }
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
        }
    }
}
