//! Records that have expired go, while something is captured and after.

use super::super::complaint::Complaint;
use super::super::{store, wake};
use super::wanted::Wanted;
use super::{COMPLAINTS, PAUSE, TICK, make_way};
use crate::storage::catalog as tables;
use crate::worker::process;
use crate::worker::session::{self, Failure};
use pgrx::prelude::*;
use std::time::Instant;

/// Empties the slices whose records have expired, the oldest first, so that what is left of a shard has no hole: one that
/// somebody reads keeps those behind it, until next time. Who does so for long fills the disk. False: somebody does.
pub(super) fn trim() -> Result<bool, Failure> {
    thread_local! {
        static COMPLAINT: Complaint = const { Complaint::every(COMPLAINTS) };
    }
    for slot in session::transaction(|| Ok(store::expired_slices()))? {
        let emptied = session::transaction(|| {
            store::empty_slice(slot);
            Ok(())
        });
        match emptied {
            Err(failure) if failure.is_transient() => {
                let overdue = session::transaction(|| Ok(store::overdue()))?;
                if overdue > store::slice_length() && COMPLAINT.with(Complaint::is_due) {
                    warning!(
                        "records of streams are kept {overdue} s longer than dynamo.stream_retention says, with all that came \
                         since ({}): a transaction that has read them is still open",
                        failure.message
                    );
                }
                return Ok(false);
            }
            other => other?,
        }
    }
    session::transaction(|| {
        store::forget_expired();
        Ok(())
    })?;
    Ok(true)
}

/// What is left to do when nothing is captured.
pub(super) fn tidy(seen: u64) -> Result<(), Failure> {
    session::transaction(|| {
        store::seal_expired();
        Ok(())
    })?;
    if !trim()? {
        pause_for_readers(seen)?;
    }
    Ok(())
}

/// While they may go away; a stream that is enabled does not wait for them. `seen`: the changes of relations that were
/// counted before it was seen that there is no stream.
fn pause_for_readers(mut seen: u64) -> Result<(), Failure> {
    let end = Instant::now() + PAUSE;
    while Instant::now() < end {
        let changes = session::transaction(|| Ok(tables::invalidations()))?;
        if changes != seen && session::transaction(Wanted::read)?.any {
            break;
        }
        seen = changes;
        session::sleep(TICK.as_millis() as u32);
        process::leave_database_to_others();
        if wake::is_unwelcome() {
            make_way();
        }
    }
    Ok(())
}
