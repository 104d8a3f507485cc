//! Where a record stands: epoch, commit, place in the transaction; as text a sequence number.
use std::fmt;

/// Added to the epoch, so that a sequence number never begins with a zero.
const EPOCH_BASE: u64 = 100_000_000;
const EPOCH_DIGITS: usize = 9;
const LSN_DIGITS: usize = 19;
const ORDINAL_DIGITS: usize = 10;
/// A sequence number fits a DynamoDB Number, which has 38 digits; the API allows 21 to 40.
pub const DIGITS: usize = EPOCH_DIGITS + LSN_DIGITS + ORDINAL_DIGITS;
/// The largest epoch that fits its digits.
pub const MAX_EPOCH: u32 = 899_999_999;
/// 2025-01-01T00:00:00Z in epoch milliseconds: epochs count minutes from here.
const FIRST_EPOCH_MILLIS: i64 = 1_735_689_600_000;

/// The place of a record among all records of a database, in the order of commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Rises where positions in the log may begin anew: after a promotion, a restore, a lost slot.
    pub epoch: u32,
    /// Of the commit in the write-ahead log. At most 2^63 - 1: the log of a server never gets there.
    pub lsn: u64,
    /// Of the record in its transaction, from 1; 0 is before all of them.
    pub ordinal: u32,
}

impl Position {
    /// Behind every record of the transaction at `lsn`, and before the next one.
    pub fn after_commit(epoch: u32, lsn: u64) -> Position {
        Position {
            epoch,
            lsn,
            ordinal: u32::MAX,
        }
    }

    /// Before every record of the transaction at `lsn`.
    pub fn before_commit(epoch: u32, lsn: u64) -> Position {
        Position {
            epoch,
            lsn,
            ordinal: 0,
        }
    }

    /// The position that a sequence number stands for. None when it is none of ours.
    pub fn parse(text: &str) -> Option<Position> {
        if text.len() != DIGITS || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (epoch, rest) = text.split_at(EPOCH_DIGITS);
        let (lsn, ordinal) = rest.split_at(LSN_DIGITS);
        let lsn: u64 = lsn.parse().ok()?;
        let position = Position {
            epoch: u32::try_from(epoch.parse::<u64>().ok()?.checked_sub(EPOCH_BASE)?).ok()?,
            lsn,
            ordinal: ordinal.parse().ok()?,
        };
        // The next one, too, is within the column that holds it.
        (lsn < i64::MAX as u64).then_some(position)
    }
}

/// The sequence number: all of one length, so that they sort as text as they do as numbers.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = EPOCH_BASE + u64::from(self.epoch.min(MAX_EPOCH));
        write!(f, "{epoch:09}{:019}{:010}", self.lsn, self.ordinal)
    }
}

/// The epoch that begins at `now_millis` (epoch milliseconds) after `last` (0: none is known).
///
/// It is taken from the clock, because a database that was restored elsewhere knows nothing of the numbers that its
/// original has given out since.
pub fn next_epoch(last: u32, now_millis: i64) -> u32 {
    let minutes = now_millis.saturating_sub(FIRST_EPOCH_MILLIS) / 60_000;
    let by_clock = u32::try_from(minutes).unwrap_or(0);
    by_clock.max(last.saturating_add(1)).clamp(1, MAX_EPOCH)
}
