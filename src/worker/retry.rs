//! How often a worker tries what has failed, and what it says of it.

use super::session::{self, Failure};
use pgrx::prelude::*;

/// Milliseconds between attempts that another session was in the way of, at first and at most: doubled each time.
const RETRY: (i64, i64) = (100, 5_000);
/// The same for attempts that failed for another reason, and how many there are before the work is given up.
const RETRY_FAILED: (i64, i64) = (1_000, 60_000);
const MAX_FAILURES: i64 = 6;

/// What has failed.
pub struct Attempt<'a> {
    /// The worker, as its warnings begin.
    pub worker: &'a str,
    pub what: String,
    /// Attempts before this one that have failed.
    pub before: i64,
    /// The function that has the worker try again what it gave up.
    pub resume: &'a str,
}

/// Says a failure in the log, and has `note` note it in a transaction: milliseconds until the next attempt, and whether
/// there is none.
pub fn report(attempt: &Attempt<'_>, failure: &Failure, note: impl FnOnce(i64, bool)) {
    let attempts = attempt.before + 1;
    let (first, most) = if failure.is_transient() {
        RETRY
    } else {
        RETRY_FAILED
    };
    let retry_in = first
        .saturating_mul(1 << attempts.clamp(1, 16) >> 1)
        .min(most);
    let gave_up = !failure.is_transient() && attempts >= MAX_FAILURES;
    let what = format!("{}: {}", attempt.what, failure.message);
    if gave_up {
        let resume = attempt.resume;
        warning!("{what} (given up after {attempts} attempts: {resume}() tries again)");
    } else if !failure.is_transient() {
        warning!("{what} (attempt {attempts}, the next in {retry_in} ms)");
    } else if (attempts as u64).is_power_of_two() {
        log!("{what} (attempt {attempts}, the next in {retry_in} ms)");
    }
    let noted = session::transaction(|| {
        note(retry_in, gave_up);
        Ok(())
    });
    if let Err(failure) = noted {
        warning!("{}: {}", attempt.worker, failure.message);
        session::sleep(1_000);
    }
}
