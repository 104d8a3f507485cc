//! Verification of AWS Signature Version 4.
//!
//! Faults are reported in DynamoDB's order: what is missing, the date and its distance from now, Host, the algorithm,
//! the credential and its scope, the key, the signature, the token.

use super::canonical::{self, AUTHORITY, HexDigest, SignedHeaders};
use super::claim::{Claim, Form};
use super::date::{self, Timestamp};
use super::key::{AccessKey, KeySource};
use super::{Authenticate, Identity, fault};
use crate::aside::aside;
use aws_sigv4::sign::v4::calculate_signature;
use bytes::Bytes;
use http::request::Parts;
use pg_dynamo_core::Result;
use std::time::SystemTime;
use subtle::ConstantTimeEq;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "dynamodb";
const TERMINATOR: &str = "aws4_request";
/// Seconds that a client's clock may differ from ours, and that a signature without X-Amz-Expires lives.
const SKEW: i64 = 300;
/// Seconds that a presigned request may live at most: a week.
const LONGEST: i64 = 604_800;
/// Bytes of a key id; AWS's are 16 to 128 long.
const LONGEST_KEY_ID: usize = 128;
/// Bytes of a region's name.
const LONGEST_REGION: usize = 63;
const DAY: i64 = 86_400;

/// Lets in whoever signed with a key of `K`.
pub struct SigV4<K> {
    keys: K,
    now: fn() -> SystemTime,
}

impl<K: KeySource> SigV4<K> {
    pub fn new(keys: K) -> Self {
        Self::with_clock(keys, SystemTime::now)
    }

    /// `now`: the clock that signatures are held against.
    pub fn with_clock(keys: K, now: fn() -> SystemTime) -> Self {
        SigV4 { keys, now }
    }
}

impl<K: KeySource> Authenticate for SigV4<K> {
    async fn authenticate(&self, head: &Parts, body: &Bytes) -> Result<Identity> {
        let claim = Claim::of(head)?;
        let signed_at = check_date(&claim, date::seconds((self.now)()))?;
        let signed = SignedHeaders::new(&claim.signed_headers);
        if !signed.contains("host") && !signed.contains(AUTHORITY) {
            return Err(fault::host_not_signed());
        }
        if claim.algorithm != ALGORITHM {
            return Err(fault::unsupported_algorithm(&claim.algorithm));
        }
        let scope = Scope::of(&claim)?;
        if head.headers.contains_key("x-amz-target") && !signed.contains("x-amz-target") {
            return Err(fault::target_not_signed());
        }
        let key = match is_key_id(scope.key_id) {
            true => self.keys.find(scope.key_id).await?,
            false => None,
        };
        let key = key.ok_or_else(fault::unknown_key)?;
        let presigned = matches!(claim.form, Form::Query { .. });
        let digest = aside(body.len(), || {
            canonical::digest(head, body, &signed, presigned)
        })
        .ok_or_else(fault::mismatch)?;
        verify(&claim, &scope, &key, signed_at, &digest)?;
        // Keys are long-lived here: there is no such thing as a valid token.
        if claim.has_token {
            return Err(fault::unknown_key());
        }
        Ok(Identity {
            role: key.role().clone(),
        })
    }
}

/// When the request was signed, if that is near enough to `now`.
fn check_date(claim: &Claim<'_>, now: Timestamp) -> Result<Timestamp> {
    let signed = date::parse(&claim.date).ok_or_else(|| fault::bad_date(&claim.date))?;
    let lifetime = match &claim.form {
        Form::Query {
            expires: Some(text),
        } => lifetime(text)?,
        _ => SKEW,
    };
    if signed < now - lifetime {
        return Err(fault::expired(signed, now, lifetime));
    }
    if signed > now + SKEW {
        return Err(fault::not_yet_current(signed, now, SKEW));
    }
    Ok(signed)
}

/// X-Amz-Expires, in seconds.
fn lifetime(text: &str) -> Result<i64> {
    match text.parse::<i64>() {
        Ok(seconds) if seconds < 0 => Err(fault::bad_expires("must be non-negative")),
        Ok(seconds) if seconds <= LONGEST => Ok(seconds),
        Ok(_) => Err(fault::bad_expires(
            "must be less than a week (in seconds) that is 604800",
        )),
        Err(_) => Err(fault::bad_expires("should be a number")),
    }
}

/// A credential's parts.
struct Scope<'a> {
    key_id: &'a str,
    region: &'a str,
    /// All but the key id, as it is signed: `20260131/us-east-1/dynamodb/aws4_request`.
    text: &'a str,
}

impl<'a> Scope<'a> {
    /// Any region is taken: SDKs sign with the one they are set to, and a database is in none.
    fn of(claim: &'a Claim<'_>) -> Result<Scope<'a>> {
        let credential = claim.credential.trim_end_matches('/');
        let mut parts = credential.split('/');
        let mut next = || parts.next();
        let (Some(key_id), Some(day), Some(region), Some(service), Some(end), None) =
            (next(), next(), next(), next(), next(), next())
        else {
            return Err(fault::bad_credential(&claim.credential));
        };
        let mut faults = String::new();
        if !is_region(region) {
            faults += &format!(
                "Credential should be scoped to a valid region, not '{}'. ",
                fault::echo(region)
            );
        }
        if service != SERVICE {
            faults += "Credential should be scoped to correct service: 'dynamodb'. ";
        }
        if end != TERMINATOR {
            faults += &format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'. ",
                fault::echo(end)
            );
        }
        // The date has passed `date::parse`: its first eight characters are the day.
        let signed_day = &claim.date[..8];
        if day != signed_day {
            faults += &format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{}' != '{signed_day}', from '{}'.",
                fault::echo(day),
                claim.date
            );
        }
        if !faults.is_empty() {
            return Err(pg_dynamo_core::ApiError::invalid_signature(faults));
        }
        Ok(Scope {
            key_id,
            region,
            text: &credential[key_id.len() + 1..],
        })
    }
}

fn is_region(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=LONGEST_REGION).contains(&name.len()) && name.bytes().all(allowed)
}

/// Whether it is worth asking for: printable and not too long.
fn is_key_id(id: &str) -> bool {
    (1..=LONGEST_KEY_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

fn verify(
    claim: &Claim<'_>,
    scope: &Scope<'_>,
    key: &AccessKey,
    signed_at: Timestamp,
    digest: &HexDigest,
) -> Result<()> {
    let mut to_sign = Vec::with_capacity(192);
    for line in [ALGORITHM, &claim.date, scope.text] {
        to_sign.extend_from_slice(line.as_bytes());
        to_sign.push(b'\n');
    }
    to_sign.extend_from_slice(digest);
    let day = signed_at - signed_at.rem_euclid(DAY);
    let signing_key = key.signing_key(day, scope.region);
    let expected = calculate_signature(signing_key.as_slice(), &to_sign);
    // The lengths are no secret; where the first difference lies is.
    if !bool::from(expected.as_bytes().ct_eq(claim.signature.as_bytes())) {
        return Err(fault::mismatch());
    }
    key.keep(day, scope.region, &signing_key);
    Ok(())
}
