//! Passwords from a file in libpq's format: `host:port:database:user:password`, `*` for any, `\` escapes.

use super::ConnectError;
use std::path::{Path, PathBuf};

/// Whose password is wanted.
pub struct Wanted<'a> {
    /// A name, an address, or the directory of a unix socket (for which `localhost` serves as well).
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// The file that was named, else the one of the environment, else the one in the home directory.
pub fn location(named: Option<String>) -> Option<PathBuf> {
    named
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("PGPASSFILE").map(PathBuf::from))
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pgpass")))
}

/// The first line that fits. None when there is none, or no file. A file that others may read is refused: its
/// passwords are no secrets.
pub fn look_up(path: &Path, wanted: &Wanted) -> Result<Option<String>, ConnectError> {
    let refused = |why: String| ConnectError::File {
        path: path.to_owned(),
        why,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error.to_string())),
    };
    if exposed(path).map_err(|error| refused(error.to_string()))? {
        return Err(refused(
            "group or others can read this password file; its mode should be 0600".into(),
        ));
    }
    Ok(text.lines().find_map(|line| password(line, wanted)))
}

fn exposed(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path)?;
    Ok(meta.is_file() && meta.permissions().mode() & 0o077 != 0)
}

fn password(line: &str, wanted: &Wanted) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let (host, rest) = field(line)?;
    let (port, rest) = field(rest)?;
    let (database, rest) = field(rest)?;
    let (user, rest) = field(rest)?;
    let fits = |field: &str, value: &str| field == "*" || field == value;
    let local = wanted.host.starts_with('/') && host == "localhost";
    let all = (local || fits(&host, wanted.host))
        && fits(&port, &wanted.port.to_string())
        && fits(&database, wanted.database)
        && fits(&user, wanted.user);
    let (password, _) = field(rest).unwrap_or_else(|| (unescaped(rest), ""));
    all.then_some(password)
}

/// Up to the next colon that is not escaped, and what follows it.
fn field(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((unescaped(&text[..end]), &text[end + 1..]))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(lines: &str, host: &str) -> Option<String> {
        let wanted = Wanted {
            host,
            port: 5432,
            database: "app",
            user: "gw",
        };
        lines.lines().find_map(|line| password(line, &wanted))
    }

    #[test]
    fn the_first_line_that_fits_holds() {
        let file = "# db:5432:app:gw:comment\nother:*:*:*:no\ndb:5433:*:*:port\ndb:5432:app:gw:first\n*:*:*:*:last";
        assert_eq!(look(file, "db").as_deref(), Some("first"));
        assert_eq!(look(file, "elsewhere").as_deref(), Some("last"));
    }

    #[test]
    fn colons_and_backslashes_are_escaped() {
        assert_eq!(
            look(r"\:\:1:*:*:gw:a\:b\\c", "::1").as_deref(),
            Some(r"a:b\c")
        );
    }

    #[test]
    fn a_socket_is_named_by_its_directory_or_as_localhost() {
        assert_eq!(look("localhost:*:*:*:x", "/run/pg").as_deref(), Some("x"));
        assert_eq!(look("/run/pg:*:*:*:x", "/run/pg").as_deref(), Some("x"));
        assert_eq!(look("localhost:*:*:*:x", "db"), None);
    }

    #[test]
    fn lines_that_lack_fields_are_passed_over() {
        assert_eq!(look("db:5432:app\n\ndb", "db"), None);
    }
}
