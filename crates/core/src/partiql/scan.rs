//! What must be known of a statement before the grammar runs: that its tokens are ones, and how deep its brackets
//! nest. Linear in the text.

use super::{malformed, too_deep};
use crate::Result;

/// Brackets of all kinds around one another. A value nests 32 levels at most, which leaves room for conditions.
const MAX_NESTING: usize = 100;

/// Err: DynamoDB's refusal of a text without tokens (an unclosed quote or comment, a character that means nothing, a
/// number whose exponent has no end), which says no more than that; or of brackets that nest too deep.
pub fn scan(text: &str) -> Result<()> {
    let mut rest = text;
    let mut depth = 0usize;
    while let Some(first) = rest.chars().next() {
        let length = token(rest, first).ok_or_else(|| malformed(""))?;
        let (found, left) = rest.split_at_checked(length).ok_or_else(|| malformed(""))?;
        match found {
            "(" | "[" | "{" | "<<" => depth += 1,
            ")" | "]" | "}" | ">>" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(too_deep());
        }
        rest = left;
    }
    Ok(())
}

/// Length of the token, comment or white space at the start. None: there is none.
fn token(rest: &str, first: char) -> Option<usize> {
    let bytes = rest.as_bytes();
    let second = bytes.get(1).copied();
    match first {
        '-' if second == Some(b'-') => Some(rest.find('\n').unwrap_or(rest.len())),
        '/' if second == Some(b'*') => rest.get(2..)?.find("*/").map(|end| end + 4),
        '\'' | '"' => quoted(rest, first),
        '0'..='9' => number(rest),
        '.' if second.is_some_and(|b| b.is_ascii_digit()) => number(rest),
        'a'..='z' | 'A'..='Z' | '_' | '$' => Some(
            bytes
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'))
                .count(),
        ),
        '<' if second == Some(b'<') => Some(2),
        '>' if second == Some(b'>') => Some(2),
        ' ' | '\t' | '\r' | '\n' => Some(1),
        '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '=' | '!' | '+' | '-' | '*' | '/' | '%'
        | '|' | ',' | '.' | ':' | ';' | '?' | '@' => Some(1),
        _ => None,
    }
}

/// A text in quotes; a doubled quote is one of its characters.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + rest.get(from..)?.find(quote)? + 1;
        if !rest.get(end..)?.starts_with(quote) {
            return Some(end);
        }
        from = end + 1;
    }
}

/// A number, whose exponent and scale fit 32 bits.
fn number(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let run = bytes.iter().skip(from);
        from + run.take_while(|b| b.is_ascii_digit()).count()
    };
    let mut end = digits(0);
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        let after = digits(end + 1);
        fraction = after - end - 1;
        end = after;
    }
    if !matches!(bytes.get(end), Some(b'e' | b'E')) {
        return Some(end);
    }
    let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
    let last = digits(signed);
    if last == signed {
        return Some(end);
    }
    let exponent: i32 = rest.get(end + 1..last)?.parse().ok()?;
    i32::try_from(fraction as i64 - i64::from(exponent)).ok()?;
    Some(last)
}

/// The text behind white space and comments.
pub fn skip_blank(mut rest: &str) -> &str {
    while let Some(first) = rest.chars().next() {
        let blank = matches!(first, ' ' | '\t' | '\r' | '\n')
            || rest.starts_with("--")
            || rest.starts_with("/*");
        match token(rest, first).and_then(|length| rest.get(length..)) {
            Some(left) if blank => rest = left,
            _ => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_tokens() {
        for text in [
            "SELECT * FROM \"T\" WHERE a = 'it''s' -- note\nAND b /* c */ <> .5e-3",
            "<<'a', 1>> -- the end",
            "1 e5 1e2147483647 1.e5",
            "",
        ] {
            assert_eq!(scan(text), Ok(()), "{text}");
        }
        for text in [
            "'open",
            "\"open",
            "/* open",
            "a # b",
            "1e2147483648",
            "1.5e-2147483647",
            "`x`",
            "é",
            "'''",
        ] {
            let fault = "Statement wasn't well formed, can't be processed: ";
            assert_eq!(
                scan(text).map_err(|e| e.message),
                Err(fault.into()),
                "{text}"
            );
        }
        assert_eq!(scan(&"(".repeat(100)), Ok(()));
        assert!(scan(&"([{<<".repeat(26)).is_err());
    }
}
