//! What a failed call proves.
//!
//! The dangerous mistake is to repeat a write that was carried out. An ERROR that names its request was raised inside
//! the call, before any commit, so the whole call was rolled back. Others are trusted by SQLSTATE only. Whatever ends
//! the session, a FATAL included, proves nothing: it may have come right after the commit.

use crate::connect::chain;
use pg_dynamo_core::{ApiError, ErrorKind};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity};

/// The `internalquery` of an ERROR that names the request which raised it, by `internalpos`, counted from 1.
const BATCH: &str = "dynamo.handle_batch";

#[derive(Debug)]
pub enum Failure {
    /// PostgreSQL refused the call.
    Refused(Refusal),
    /// The session ended, or talks nonsense: what became of the call is not known.
    Lost(String),
}

#[derive(Debug)]
pub struct Refusal {
    pub sqlstate: String,
    pub message: String,
    /// Position of the request that raised it, when the ERROR says.
    pub culprit: Option<usize>,
    /// Everything the call did was undone.
    pub undone: bool,
}

impl Failure {
    pub fn of(error: &Error) -> Failure {
        match error.as_db_error() {
            Some(db) if is_error(db) => Failure::Refused(Refusal::of(db)),
            // A parameter that could not be encoded was never sent, but then this session has a fault of its own.
            _ => Failure::Lost(chain(error)),
        }
    }
}

fn is_error(db: &DbError) -> bool {
    db.parsed_severity() == Some(Severity::Error)
}

impl Refusal {
    fn of(db: &DbError) -> Refusal {
        let sqlstate = db.code().code();
        let culprit = match db.position() {
            Some(ErrorPosition::Internal { position, query }) if query == BATCH => {
                (*position as usize).checked_sub(1)
            }
            _ => None,
        };
        Refusal {
            sqlstate: sqlstate.to_owned(),
            message: db.message().to_owned(),
            culprit,
            undone: culprit.is_some() || proves_rollback(sqlstate),
        }
    }

    /// The standby's refusal of a write: it would refuse all others as well.
    pub fn read_only(&self) -> bool {
        self.sqlstate == "25006"
    }

    /// The statement itself is out of date: the extension was replaced.
    pub fn stale_statement(&self) -> bool {
        self.culprit.is_none()
            && matches!(
                self.sqlstate.as_str(),
                "0A000" | "26000" | "42883" | "3F000" | "XX000"
            )
    }

    /// The answer to a request that failed so when it was alone.
    pub fn answer(&self) -> ApiError {
        let kind = ErrorKind::of_sqlstate(&self.sqlstate);
        ApiError::new(kind, self.message.clone())
    }
}

/// Classes whose errors come before the commit or instead of it. Not among them: 08 and 57 (the session or an operator
/// intervened, perhaps while a finished commit waited for its standby), 58 and XX (something is broken).
fn proves_rollback(sqlstate: &str) -> bool {
    const BEFORE_COMMIT: [&str; 16] = [
        "0A", "21", "22", "23", "25", "26", "27", "2B", "2F", "3F", "40", "42", "44", "53", "54",
        "55",
    ];
    // Memory can run out after the commit as well, while its end is being told.
    sqlstate != "53200"
        && sqlstate
            .get(..2)
            .is_some_and(|class| BEFORE_COMMIT.contains(&class) || class == "P0" || class == "DY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_from_before_the_commit_allow_a_repetition() {
        for sqlstate in [
            "40001", "40P01", "55P03", "23505", "23514", "P0001", "42501", "53300",
        ] {
            assert!(proves_rollback(sqlstate), "{sqlstate}");
        }
        for sqlstate in [
            "57014", "57P01", "08006", "58030", "XX000", "XX001", "53200", "", "é", "40",
        ] {
            assert_eq!(proves_rollback(sqlstate), sqlstate == "40", "{sqlstate}");
        }
    }
}
