//! Streams for people writing SQL.

use super::boundary::{Answer, export};
use super::datum::{Columns, materialize};
use super::report::OrRaise;
use crate::op::stream_records::{self, Shown};
use crate::op::{Caller, Session};
use pg_dynamo_core::stream::Event;
use pg_dynamo_core::value::ItemBuf;
use pgrx::prelude::*;
use std::time::Duration;

/// 2000-01-01 in epoch milliseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000;

impl Columns<8> for Shown {
    /// sequence_number, event_name, keys, new_image, old_image, created_at, shard_id, expired
    fn into_columns(self) -> [Option<pg_sys::Datum>; 8] {
        let item = |item: Option<ItemBuf>| item.and_then(|item| item.into_bytes().into_datum());
        let created_at = (self.created_at - POSTGRES_EPOCH).saturating_mul(1000);
        [
            self.position.to_string().into_datum(),
            self.event.name().into_datum(),
            item(Some(self.keys)),
            item(self.new_image),
            item(self.old_image),
            // timestamptz is an int8 of microseconds.
            Some(pg_sys::Datum::from(created_at)),
            self.shard_id.into_datum(),
            (self.event == Event::Expire).into_datum(),
        ]
    }
}

struct Rows(Vec<Shown>);

impl Answer for Rows {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { materialize(self.0, fcinfo) };
        None
    }
}

fn stream_records(table_name: &str, after: Option<&str>, max_records: i32) -> Rows {
    let session = Session::new(Caller::Sql);
    let limit = usize::try_from(max_records).unwrap_or(0);
    Rows(stream_records::run(&session, table_name, after, limit).or_raise())
}

fn wait_for_stream(table_name: &str, after: Option<&str>, milliseconds: i64) -> bool {
    let session = Session::new(Caller::Sql);
    let most = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    stream_records::wait(&session, table_name, after, most).or_raise()
}

export!(stream_records, wait_for_stream);
