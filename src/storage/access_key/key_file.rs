//! The file that holds the key of the access keys' secrets (`dynamo.secret_key_file`).
//!
//! 32 bytes, written as 64 hexadecimal digits or in base64, white space around them. It lies outside the database so
//! that neither a dump, nor a copy of the tables, nor SQL, holds both a secret and the key that opens it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Length of the key in bytes.
pub const LENGTH: usize = 32;
/// More than any form of the key takes: who names another file by mistake is not answered with all of it in memory.
const LIMIT: u64 = 1024;

/// Why there is no key. Nothing of the file's contents, nor its path, which is the superuser's to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    NotSet,
    NotAbsolute,
    Unreadable(String),
    NotAFile,
    /// Mode bits of group and others.
    Exposed(u32),
    /// Neither form of 32 bytes.
    Malformed,
}

impl Fault {
    pub fn message(&self) -> String {
        match self {
            Fault::NotSet => "dynamo.secret_key_file is not set".to_owned(),
            Fault::NotAbsolute => "dynamo.secret_key_file must be an absolute path".to_owned(),
            Fault::Unreadable(why) => {
                format!("the file of dynamo.secret_key_file cannot be read: {why}")
            }
            Fault::NotAFile => "dynamo.secret_key_file does not name a regular file".to_owned(),
            Fault::Exposed(mode) => format!(
                "the file of dynamo.secret_key_file is open to group or others (mode {mode:04o})"
            ),
            Fault::Malformed => {
                format!("the file of dynamo.secret_key_file does not hold a key of {LENGTH} bytes")
            }
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Fault::NotSet | Fault::NotAbsolute => {
                "Make a key as the operating system user that runs the server, for example: \
                 (umask 077 && head -c 32 /dev/urandom | base64 > /etc/postgresql/dynamo.key); then name it in \
                 postgresql.conf and reload."
            }
            Fault::Unreadable(_) | Fault::NotAFile => {
                "The operating system user that runs the server must be able to read it."
            }
            Fault::Exposed(_) => {
                "It must belong to the operating system user that runs the server, with mode 0600 or less (chmod 600)."
            }
            Fault::Malformed => {
                "It holds 32 random bytes as 44 characters of base64 or 64 hexadecimal digits, for example the \
                 output of: head -c 32 /dev/urandom | base64"
            }
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Unreadable(match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// The key in the file at `path`.
pub fn read(path: &str) -> Result<[u8; LENGTH], Fault> {
    if path.is_empty() {
        return Err(Fault::NotSet);
    }
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err(Fault::NotAbsolute);
    }
    // Asked before it is opened: opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(Fault::NotAFile);
    }
    let file = File::open(path)?;
    // Asked of what was opened, not of the name. Who can read a file of this mode owns it.
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Fault::Exposed(mode));
    }
    let mut text = Vec::new();
    file.take(LIMIT).read_to_end(&mut text)?;
    parse(&text).ok_or(Fault::Malformed)
}

fn parse(text: &[u8]) -> Option<[u8; LENGTH]> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = text.trim_ascii();
    if text.len() == 2 * LENGTH {
        return parse_hex(text);
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

fn parse_hex(digits: &[u8]) -> Option<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(key)
}
