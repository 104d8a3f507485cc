//! Connection strings: both of libpq's forms as one list of options.

use super::ConnectError;
use std::fmt;

/// Options in the order given; of two with one name the later holds, as in libpq.
#[derive(Clone, Debug, Default)]
pub struct Options(Vec<(String, String)>);

fn wrong(why: impl Into<String>) -> ConnectError {
    ConnectError::Options(why.into())
}

impl Options {
    pub fn parse(text: &str) -> Result<Options, ConnectError> {
        let text = text.trim();
        for scheme in ["postgresql://", "postgres://"] {
            if let Some(rest) = text.strip_prefix(scheme) {
                return Self::of_url(rest);
            }
        }
        Self::of_pairs(text)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Removes an option and hands out its value.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        self.0.retain_mut(|(key, value)| {
            let hit = key == name;
            if hit {
                found = Some(std::mem::take(value));
            }
            !hit
        });
        found
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.take(name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// `key = value`, `key='va\'lue'`
    fn of_pairs(text: &str) -> Result<Options, ConnectError> {
        let mut options = Options::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=').ok_or_else(nameless)?;
            let key = key.trim_end();
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(nameless());
            }
            let (value, after) = value(after.trim_start())
                .ok_or_else(|| wrong(format!("the quoted value of {key} does not end")))?;
            options.set(key, &value);
            rest = after.trim_start();
        }
        Ok(options)
    }

    /// `user:password@host:port,host:port/database?key=value&…`, each part percent-encoded.
    fn of_url(text: &str) -> Result<Options, ConnectError> {
        let mut options = Options::default();
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (place, database) = place.split_once('/').unwrap_or((place, ""));
        let (login, hosts) = place.rsplit_once('@').unwrap_or(("", place));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        for (key, value) in [("user", user), ("password", password), ("dbname", database)] {
            if !value.is_empty() {
                options.set(key, &decoded(value)?);
            }
        }
        if !hosts.is_empty() {
            let (mut names, mut ports) = (Vec::new(), Vec::new());
            for host in hosts.split(',') {
                let (name, port) = host_and_port(host);
                names.push(decoded(name.trim_matches(['[', ']']))?);
                ports.push(port);
            }
            options.set("host", &names.join(","));
            options.set("port", &ports.join(","));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(nameless)?;
            options.set(&decoded(key)?, &decoded(value)?);
        }
        Ok(options)
    }
}

/// The word is not repeated: it may be the rest of a password with a blank in it.
fn nameless() -> ConnectError {
    wrong("something stands there without a name and =")
}

/// The value at the front, unescaped, and what follows it. None: a quote that does not end.
fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut out = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Some((out, &text[at + 1..])),
            c if !quoted && c.is_whitespace() => return Some((out, &text[at..])),
            c => out.push(c),
        }
    }
    (!quoted).then_some((out, ""))
}

/// A host of a URL: `name`, `name:port`, `[::1]:port`.
fn host_and_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, ""),
    }
}

fn decoded(text: &str) -> Result<String, ConnectError> {
    let bad = || wrong("a percent-encoded part of the URL is not valid");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        out.push(
            digits
                .and_then(|d| u8::from_str_radix(d, 16).ok())
                .ok_or_else(bad)?,
        );
        rest = &tail[2..];
    }
    String::from_utf8(out).map_err(|_| bad())
}

/// `key='value' …`
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.0 {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            write!(f, "{key}='{value}' ")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Options::parse(text).unwrap().to_string()
    }

    #[test]
    fn pairs_are_unquoted_and_the_later_one_holds() {
        assert_eq!(
            shown(r"host = /run  user='it\'s me' user=b password=a\ b options='' port=1"),
            r"host='/run' user='b' password='a b' options='' port='1' "
        );
    }

    #[test]
    fn urls_say_the_same() {
        assert_eq!(
            shown("postgresql://me:p%40ss@a:1,[::1]:2/app?sslmode=require&host=%2Frun"),
            r"user='me' password='p@ss' dbname='app' port='1,2' sslmode='require' host='/run' "
        );
        assert_eq!(shown("postgres://h"), "host='h' port='' ");
        assert_eq!(
            shown("postgresql://[::1]/d"),
            "dbname='d' host='::1' port='' "
        );
    }

    #[test]
    fn what_is_not_a_connection_string_is_refused() {
        for text in [
            "host",
            "host=a user",
            "a b=c",
            "=x",
            "host='a",
            "postgres://h?x",
            "postgres://%zz",
        ] {
            assert!(Options::parse(text).is_err(), "{text}");
        }
    }
}
