//! Streams for people writing SQL.

use super::boundary::{Answer, export};
use super::datum::{Columns, materialize};
use super::report::OrRaise;
use crate::op::stream_records::{self, Shown};
use crate::op::{Caller, Session};
use crate::stream::wake::{self, Place};
use pg_dynamo_core::ApiError;
use pg_dynamo_core::stream::{Event, StreamName};
use pg_dynamo_core::value::ItemBuf;
use pgrx::prelude::*;
use std::time::Duration;

/// 2000-01-01 in epoch milliseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000;

impl Columns<8> for Shown {
    /// sequence_number, event_name, keys, new_image, old_image, created_at, shard_id, expired
    fn into_columns(self) -> [Option<pg_sys::Datum>; 8] {
        let item = |item: Option<ItemBuf>| item.and_then(|item| item.into_bytes().into_datum());
        [
            self.position.to_string().into_datum(),
            self.event.name().into_datum(),
            item(Some(self.keys)),
            item(self.new_image),
            item(self.old_image),
            Some(timestamp(self.created_at)),
            self.shard_id.into_datum(),
            (self.event == Event::Expire).into_datum(),
        ]
    }
}

impl Columns<3> for Place {
    /// captured_lsn, caught_up_at, worker_pid
    fn into_columns(self) -> [Option<pg_sys::Datum>; 3] {
        let caught_up_at = self.caught_up_at.map(timestamp);
        [
            (self.captured as i64).into_datum(),
            caught_up_at,
            self.pid.into_datum(),
        ]
    }
}

/// timestamptz is an int8 of microseconds.
fn timestamp(milliseconds: i64) -> pg_sys::Datum {
    pg_sys::Datum::from((milliseconds - POSTGRES_EPOCH).saturating_mul(1000))
}

/// A set of rows.
struct Rows<R, const N: usize>(Vec<R>);

impl<const N: usize, R: Columns<N>> Answer for Rows<R, N> {
    unsafe fn give(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        // SAFETY: forwarded from the caller.
        unsafe { materialize::<N, R>(self.0, fcinfo) };
        None
    }
}

fn stream_records(table_name: &str, after: Option<&str>, max_records: i32) -> Rows<Shown, 8> {
    let session = Session::new(Caller::Sql);
    let limit = usize::try_from(max_records)
        .map_err(|_| ApiError::validation("max_records must not be negative"));
    let rows = limit.and_then(|limit| stream_records::run(&session, table_name, after, limit));
    Rows(rows.or_raise())
}

fn wait_for_stream(table_name: &str, after: Option<&str>, milliseconds: i64) -> bool {
    let session = Session::new(Caller::Sql);
    let most = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    stream_records::wait(&session, table_name, after, most).or_raise()
}

/// Where the capture worker of this database is; no row when nobody can tell.
fn capture_place() -> Rows<Place, 3> {
    Rows(wake::worker().into_iter().collect())
}

fn stream_arn(table: &str, label: &str) -> String {
    let name = StreamName {
        table: table.to_owned(),
        label: label.to_owned(),
    };
    name.arn(&crate::guc::account())
}

/// Being called is enough: the library is loaded (`stream::farewell`).
fn load_library() {}

export!(
    stream_records,
    wait_for_stream,
    capture_place,
    stream_arn,
    load_library
);
