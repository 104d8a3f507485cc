//! From the settings to what the program is started with, and the checks that need several settings or files.
//!
//! Everything goes by the environment: a connection string may hold a password, and arguments are for all to see.

use crate::guc::gateway::{Auth, Gateway, split_address};
use pgrx::pg_sys;
use std::ffi::CStr;
use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Name of the program, beside the server's own programs.
const PROGRAM: &str = "pg_dynamo_gateway";
/// What it gets of the server's environment: where a passfile may be, and the time zone of its log.
const INHERITED: [&str; 3] = ["HOME", "PATH", "TZ"];

/// How one process of the endpoint is started. Equal settings make equal launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub program: PathBuf,
    pub environment: Vec<(&'static str, String)>,
    /// For the log.
    pub listen: String,
}

impl Launch {
    /// Err says, for the log, what of the settings cannot be.
    pub fn of(settings: &Gateway) -> Result<Launch, String> {
        check_tls(settings)?;
        check_auth(settings)?;
        let mut environment = vec![
            ("PG_DYNAMO_LISTEN", compact(&settings.listen)),
            (
                "PG_DYNAMO_METRICS_LISTEN",
                compact(&settings.metrics_listen),
            ),
            ("PG_DYNAMO_CONNINFO", conninfo(settings)?),
            ("PG_DYNAMO_POOL_SIZE", settings.pool_size.to_string()),
            ("PG_DYNAMO_AUTH", settings.auth.name().to_owned()),
            ("PG_DYNAMO_LOG", settings.log.name().to_owned()),
            (
                "PG_DYNAMO_LOG_FORMAT",
                settings.log_format.name().to_owned(),
            ),
        ];
        for (name, value) in [
            ("PG_DYNAMO_TLS_CERT", &settings.tls_cert),
            ("PG_DYNAMO_TLS_KEY", &settings.tls_key),
            ("PG_DYNAMO_ROLE", &settings.role),
        ] {
            if !value.is_empty() {
                environment.push((name, value.clone()));
            }
        }
        for name in INHERITED {
            if let Ok(value) = std::env::var(name) {
                environment.push((name, value));
            }
        }
        Ok(Launch {
            program: program()?,
            environment,
            listen: compact(&settings.listen),
        })
    }
}

/// The program of this installation: wherever the running server was started from, as Postgres finds its own.
fn program() -> Result<PathBuf, String> {
    // SAFETY: a C string that is set once, before any worker starts. The binding's type does not know its length.
    let server = unsafe { CStr::from_ptr((&raw const pg_sys::my_exec_path).cast()) };
    let server = Path::new(
        server
            .to_str()
            .map_err(|_| "the server's path is not UTF-8")?,
    );
    let directory = server
        .parent()
        .ok_or("the server's path has no directory")?;
    Ok(directory.join(PROGRAM))
}

/// An address list without blanks.
fn compact(addresses: &str) -> String {
    let parts: Vec<&str> = addresses.split(',').map(str::trim).collect();
    parts.join(",")
}

fn check_tls(settings: &Gateway) -> Result<(), String> {
    if settings.tls_cert.is_empty() != settings.tls_key.is_empty() {
        return Err(
            "dynamo.gateway_tls_cert and dynamo.gateway_tls_key go together: set both or none"
                .to_owned(),
        );
    }
    for (name, path) in [
        ("dynamo.gateway_tls_cert", &settings.tls_cert),
        ("dynamo.gateway_tls_key", &settings.tls_key),
    ] {
        if !path.is_empty() {
            // Relative paths start at the data directory, which is this process's and the program's directory.
            File::open(path).map_err(|error| format!("{name}: cannot read \"{path}\": {error}"))?;
        }
    }
    Ok(())
}

/// Without signatures everybody who reaches the port is the role.
fn check_auth(settings: &Gateway) -> Result<(), String> {
    if settings.auth != Auth::None {
        return Ok(());
    }
    if settings.role.is_empty() {
        return Err("dynamo.gateway_auth = none needs dynamo.gateway_role".to_owned());
    }
    for address in settings.listen.split(',') {
        let (host, _) = split_address(address.trim())?;
        let loopback = host
            .parse::<IpAddr>()
            .map_or(host == "localhost", |address| address.is_loopback());
        if !loopback {
            return Err(format!(
                "dynamo.gateway_auth = none listens on loopback addresses only, and \"{host}\" in dynamo.gateway_listen is none"
            ));
        }
    }
    Ok(())
}

fn conninfo(settings: &Gateway) -> Result<String, String> {
    if !settings.conninfo.is_empty() {
        return Ok(settings.conninfo.clone());
    }
    let directory = socket_directory()?;
    // SAFETY: this server's port.
    let port = unsafe { pg_sys::PostPortNumber };
    Ok(format!(
        "host={} port={port} user=dynamo_gateway dbname={}",
        quoted(&directory),
        quoted(&settings.database)
    ))
}

/// A value of a connection string.
fn quoted(value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('\'', r"\'");
    format!("'{value}'")
}

/// The first directory in which this server has a socket.
fn socket_directory() -> Result<String, String> {
    const NONE: &str =
        "unix_socket_directories names no directory: say in dynamo.gateway_conninfo how to connect";
    // SAFETY: C strings of the configuration, which changes only when this process reads it again.
    let (directories, data) = unsafe {
        if pg_sys::Unix_socket_directories.is_null() || pg_sys::DataDir.is_null() {
            return Err(NONE.to_owned());
        }
        (
            CStr::from_ptr(pg_sys::Unix_socket_directories).to_string_lossy(),
            CStr::from_ptr(pg_sys::DataDir).to_string_lossy(),
        )
    };
    let first = directories
        .split(',')
        .map(|directory| directory.trim().trim_matches('"'))
        .find(|directory| !directory.is_empty() && !directory.starts_with('@'))
        .ok_or(NONE)?;
    let path = Path::new(data.as_ref()).join(first);
    Ok(path.to_string_lossy().into_owned())
}
