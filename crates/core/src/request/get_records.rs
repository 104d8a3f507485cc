//! GetRecords.
use super::fields::{number, string};
use super::{shape, stream_shapes};
use crate::json::{Json, write_string};
use crate::stream::record::Origin;
use crate::stream::{Record, ShardIterator};
use crate::table::Account;
use crate::{Result, limits};

#[derive(Debug)]
pub struct GetRecordsRequest {
    pub iterator: ShardIterator,
    /// 1 to 1,000.
    pub limit: usize,
}

impl GetRecordsRequest {
    /// `now`: epoch milliseconds.
    /// Err: SerializationException, ValidationException or ExpiredIteratorException.
    pub fn parse(request: &Json<'_>, account: &Account, now: i64) -> Result<Self> {
        shape::check(&stream_shapes::GET_RECORDS, request)?;
        let limit = number(request, "Limit").and_then(|n| usize::try_from(n).ok());
        let text = string(request, "ShardIterator").unwrap_or_default();
        let iterator = ShardIterator::decode(text, account)?;
        iterator.check_age(now)?;
        Ok(GetRecordsRequest {
            iterator,
            limit: limit.unwrap_or(limits::MAX_RECORDS),
        })
    }
}

/// The reply, written record by record.
pub struct RecordsPage {
    out: String,
    count: usize,
    size: usize,
    limit: usize,
}

impl RecordsPage {
    pub fn new(limit: usize) -> RecordsPage {
        RecordsPage {
            out: String::from("{\"Records\":["),
            count: 0,
            size: 0,
            limit,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many more records fit.
    pub fn room(&self) -> usize {
        if self.size >= limits::MAX_RECORDS_SIZE {
            return 0;
        }
        self.limit.saturating_sub(self.count)
    }

    /// Adds a record. False, and the page is as it was, when it would become too large: then it is for the next page.
    pub fn push(&mut self, record: &Record<'_>, origin: &Origin) -> Result<bool> {
        if self.room() == 0 {
            return Ok(false);
        }
        let before = self.out.len();
        if self.count > 0 {
            self.out.push(',');
        }
        let size = record.write(&mut self.out, origin)?;
        // One record always fits, whatever its size.
        if self.count > 0 && self.size + size > limits::MAX_RECORDS_SIZE {
            self.out.truncate(before);
            return Ok(false);
        }
        self.count += 1;
        self.size += size;
        Ok(true)
    }

    /// Without `next` the shard has been read to its end.
    pub fn finish(mut self, next: Option<&ShardIterator>, account: &Account) -> String {
        self.out.push(']');
        if let Some(next) = next {
            self.out.push_str(",\"NextShardIterator\":");
            write_string(&mut self.out, &next.encode(account));
        }
        self.out.push('}');
        self.out
    }
}
