//! Shard iterators: a place in a shard and a time, as opaque text.
//!
//! `<ARN of the stream>|1|<base64 of the fields below>`, which is how the service's own begin. The checksum finds damage
//! and mixed-up ARNs. It need not keep forgers out: who reads with an iterator is asked for the right to read that stream.
use super::position::MAX_EPOCH;
use super::{Position, StreamName};
use crate::key::stable_hash;
use crate::table::Account;
use crate::{ApiError, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Milliseconds for which an iterator may be used.
pub const LIFETIME: i64 = 15 * 60 * 1000;
const VERSION: u8 = 1;
/// version 1, kind 1, shard 4, epoch 4, lsn 8, ordinal 4, issued 8; all big-endian.
const FIELDS: usize = 30;
const CHECKSUM: usize = 8;
/// Of the checksum: no other hash of ours is of these bytes.
const SEED: u64 = 0x7368_6172_6431;

/// Which records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the oldest that is there.
    TrimHorizon,
    /// From this position on.
    At(Position),
    /// From behind this position.
    After(Position),
}

impl Start {
    fn kind(self) -> (u8, Position) {
        match self {
            Start::TrimHorizon => (0, Position::default()),
            Start::At(position) => (1, position),
            Start::After(position) => (2, position),
        }
    }

    fn of_kind(kind: u8, position: Position) -> Option<Start> {
        match kind {
            0 => Some(Start::TrimHorizon),
            1 => Some(Start::At(position)),
            2 => Some(Start::After(position)),
            _ => None,
        }
    }

    /// Whether a record that was trimmed at `trimmed` would have been read.
    pub fn misses(self, trimmed: Position) -> bool {
        match self {
            Start::TrimHorizon => false,
            Start::At(position) => position <= trimmed,
            Start::After(position) => position < trimmed,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIterator {
    pub stream: StreamName,
    /// Number of the shard.
    pub shard: u32,
    pub start: Start,
    /// Epoch milliseconds.
    pub issued_at: i64,
}

impl ShardIterator {
    pub fn encode(&self, account: &Account) -> String {
        let arn = self.stream.arn(account);
        let (kind, position) = self.start.kind();
        let mut bytes = vec![VERSION, kind];
        bytes.extend_from_slice(&self.shard.to_be_bytes());
        bytes.extend_from_slice(&position.epoch.to_be_bytes());
        bytes.extend_from_slice(&position.lsn.to_be_bytes());
        bytes.extend_from_slice(&position.ordinal.to_be_bytes());
        bytes.extend_from_slice(&self.issued_at.to_be_bytes());
        signed(&arn, &bytes)
    }

    /// Positions are within what their columns hold: whoever computes the checksum may write any.
    /// Err: ValidationException for what is no iterator of ours.
    pub fn decode(text: &str, account: &Account) -> Result<ShardIterator> {
        ShardIterator::decoded(text, account)
            .ok_or_else(|| ApiError::validation("Invalid ShardIterator"))
    }

    fn decoded(text: &str, account: &Account) -> Option<ShardIterator> {
        let (rest, encoded) = text.rsplit_once('|')?;
        let arn = rest.strip_suffix("|1")?;
        let stream = StreamName::parse(arn, account).ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (fields, given) = bytes.split_at_checked(FIELDS)?;
        if given.len() != CHECKSUM || given != checksum(arn, fields) {
            return None;
        }
        let mut fields = Fields(fields);
        let [version, kind] = fields.take()?;
        let shard = u32::from_be_bytes(fields.take()?);
        let position = Position {
            epoch: u32::from_be_bytes(fields.take()?),
            lsn: u64::from_be_bytes(fields.take()?),
            ordinal: u32::from_be_bytes(fields.take()?),
        };
        let issued_at = i64::from_be_bytes(fields.take()?);
        let start = Start::of_kind(kind, position).filter(|_| version == VERSION)?;
        let known = position.epoch <= MAX_EPOCH && position.lsn < i64::MAX as u64;
        known.then_some(())?;
        Some(ShardIterator {
            stream,
            shard,
            start,
            issued_at,
        })
    }

    /// Err: ExpiredIteratorException. `now`: epoch milliseconds.
    pub fn check_age(&self, now: i64) -> Result<()> {
        if now.saturating_sub(self.issued_at) > LIFETIME {
            return Err(ApiError::expired_iterator("Shard iterator has expired"));
        }
        Ok(())
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

/// The text of an iterator with these fields, whatever they are.
pub(crate) fn signed(arn: &str, fields: &[u8]) -> String {
    let bytes = [fields, &checksum(arn, fields)].concat();
    format!("{arn}|1|{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn checksum(arn: &str, fields: &[u8]) -> [u8; CHECKSUM] {
    let bytes = [arn.as_bytes(), fields].concat();
    stable_hash(&bytes, SEED).to_be_bytes()
}
