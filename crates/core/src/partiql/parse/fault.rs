//! The words for a text that is no statement.

use super::Rule;
use crate::partiql::malformed;
use crate::partiql::scan::skip_blank;
use crate::{ApiError, Result, limits};
use pest::error::{Error, ErrorVariant, InputLocation};

const LEFT_OVER: &str = "Unexpected token after expression";

pub fn aliasing() -> ApiError {
    ApiError::validation("Aliasing is not supported")
}

/// A statement over 8,192 bytes; the service model says so of a request, SQL callers hear it here.
pub fn too_long(text: &str) -> ApiError {
    ApiError::validation(format!(
        "Statement size has exceeded the maximum allowed size of {} bytes; statement size: {}",
        limits::MAX_STATEMENT,
        text.len()
    ))
}

/// Behind the statement nothing may stand but a semicolon.
pub fn check_end(rest: &str) -> Result<()> {
    let rest = skip_blank(rest);
    let rest = skip_blank(rest.strip_prefix(';').unwrap_or(rest));
    if rest.is_empty() {
        return Ok(());
    }
    Err(malformed(LEFT_OVER))
}

pub fn of_grammar(text: &str, error: &Error<Rule>) -> ApiError {
    let start = skip_blank(text);
    let length = start
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    let first = start.get(..length).unwrap_or_default();
    let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "EXISTS"];
    if !verbs.iter().any(|verb| verb.eq_ignore_ascii_case(first)) {
        return malformed("Expected data manipulation");
    }
    let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
    let ended = skip_blank(text.get(at..).unwrap_or_default()).is_empty();
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => &[],
    };
    if first.eq_ignore_ascii_case("INSERT") && expected.contains(&Rule::value_kw) && !ended {
        return malformed(LEFT_OVER);
    }
    let term = [Rule::path, Rule::operand, Rule::string, Rule::parameter];
    if ended || expected.iter().any(|rule| term.contains(rule)) {
        return malformed("Unexpected term");
    }
    malformed("Unexpected token")
}
