//! The words for a text that is no statement.

use super::Rule;
use crate::partiql::malformed;
use crate::partiql::scan::skip_blank;
use crate::{ApiError, limits};
use pest::error::{Error, ErrorVariant, InputLocation};

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

/// Where the grammar could not go on: behind a whole statement, where a term is missing, or elsewhere.
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
    let whole = expected.contains(&Rule::EOI)
        || (first.eq_ignore_ascii_case("INSERT") && expected.contains(&Rule::value_kw));
    if whole && !ended {
        return malformed("Unexpected token after expression");
    }
    let term = [
        Rule::condition,
        Rule::conjunction,
        Rule::negation,
        Rule::comparison,
        Rule::operand,
        Rule::signed,
        Rule::string,
        Rule::parameter,
        Rule::path,
        Rule::name,
    ];
    if ended || expected.iter().any(|rule| term.contains(rule)) {
        return malformed("Unexpected term");
    }
    malformed("Unexpected token")
}
