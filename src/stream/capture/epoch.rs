//! Where positions go on, and where they begin anew.

use super::super::{catalog, slot};
use crate::storage::catalog as tables;
use crate::storage::spi::{self, Arg, Plan};
use pg_dynamo_core::Result as CoreResult;
use pg_dynamo_core::stream::Position;
use pg_dynamo_core::stream::position::next_epoch;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// What is noted of capture as it ran last.
#[derive(Clone, Copy)]
struct Known {
    epoch: u32,
    /// Whether it was of this cluster, and of the timeline that is being written.
    cluster: bool,
    timeline: bool,
    running: bool,
}

/// Notes that the log was not kept for a while, whatever happens before a new epoch begins.
pub(super) fn forget_log() {
    spi::connected(|| {
        spi::run("UPDATE dynamo_internal.stream_capture SET system_identifier = ''");
    });
}

/// The epoch that capture goes on in; a new one where positions may begin anew. All open shards are then closed and
/// followed by children. A transaction must be open, and the origin taken.
pub(super) fn begin_epoch(missing: bool) -> CoreResult<u32> {
    let (system, timeline) = identity();
    let known = spi::connected(|| {
        let plan = Plan::prepare(
            "SELECT epoch::int8, (system_identifier = $1)::int4::int8, (timeline = $2)::int4::int8, \
             (state = 'running')::int4::int8 FROM dynamo_internal.stream_capture FOR SHARE",
            &[pg_sys::TEXTOID, pg_sys::INT8OID],
        );
        plan.execute(&[Arg::Text(&system), Arg::Int8(timeline)], false);
        let int = |column| spi::int_value(0, column);
        Some(Known {
            epoch: u32::try_from(int(1)?).ok()?,
            cluster: int(2)? == 1,
            timeline: int(3)? == 1,
            running: int(4)? == 1,
        })
    });
    let last = known.map_or(0, |known| known.epoch);
    let same = |what: fn(Known) -> bool| !missing && known.is_some_and(what);
    let goes_on = same(|known| known.cluster && known.timeline);
    // On another timeline numbers begin anew; changes are missing unless the slot has come along, and no further than records.
    let kept = goes_on || same(|known| known.cluster) && slot::is_behind_origin();
    let running = known.is_some_and(|known| known.running);
    if goes_on && running {
        return Ok(last);
    }
    let now = tables::now_millis();
    let epoch = if goes_on { last } else { next_epoch(last, now) };
    if !goes_on {
        let (end, start) = (catalog::tip(), Position::before_commit(epoch, 0));
        for stream in catalog::alive()? {
            for shard in catalog::shards(stream.number, None)? {
                if shard.end.is_none() {
                    catalog::close_shard(shard.number, end.max(shard.start));
                    catalog::open_shard(stream.number, Some(&shard), shard.range, start, now)?;
                }
            }
        }
    }
    let gap = running && !kept;
    spi::connected(|| {
        let plan = Plan::prepare(
            "INSERT INTO dynamo_internal.stream_capture AS c \
                (state, slot_name, epoch, system_identifier, timeline, last_gap) \
             VALUES ('running', $1::name, $2, $3, $4, CASE WHEN $5 = 1 THEN clock_timestamp() END) \
             ON CONFLICT (one) DO UPDATE SET state = 'running', slot_name = excluded.slot_name, epoch = excluded.epoch, \
                system_identifier = excluded.system_identifier, timeline = excluded.timeline, \
                last_gap = coalesce(excluded.last_gap, c.last_gap), updated_at = clock_timestamp()",
            &[
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::TEXTOID,
                pg_sys::INT8OID,
                pg_sys::INT8OID,
            ],
        );
        plan.execute(
            &[
                Arg::Text(&slot::name()),
                Arg::Int8(epoch.into()),
                Arg::Text(&system),
                Arg::Int8(timeline),
                Arg::Int8(gap.into()),
            ],
            false,
        );
        if !goes_on {
            let plan = Plan::prepare(
                "WITH passed AS (DELETE FROM dynamo_internal.stream_place) \
                 INSERT INTO dynamo_internal.stream_place (epoch, lsn) VALUES ($1, 0)",
                &[pg_sys::INT8OID],
            );
            plan.execute(&[Arg::Int8(epoch.into())], false);
        }
    });
    if gap {
        warning!(
            "capture of streams begins anew (epoch {epoch}): changes since it last ran may be missing from them"
        );
    }
    Ok(epoch)
}

/// Which log this is: the cluster's identifier and the timeline that is being written.
fn identity() -> (String, i64) {
    // SAFETY: both read the state of this server, which is no standby.
    unsafe {
        (
            pg_sys::GetSystemIdentifier().to_string(),
            i64::from(pg_sys::GetWALInsertionTimeLine()),
        )
    }
}
