//! What must be known of a text before the grammar runs (its length and depth), and the place a syntax
//! error is reported at.
//!
//! DynamoDB names the first token that cannot continue the expression, and quotes the text from the token
//! before it to the token after it: `SET a = = :v` gives `token: "=", near: "= = :v"`.

use crate::limits::MAX_EXPRESSION;

/// Parentheses deeper than this are an error whatever is in them: an expression has at most 300 operators
/// and every pair of parentheses that is not redundant encloses one of its own.
pub const MAX_PARENTHESES: usize = 310;

/// Byte ranges of the tokens of `text`, white space left out.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let length = token_length(rest, first);
        if !matches!(first, ' ' | '\t' | '\r' | '\n') {
            found.push((start, start + length));
        }
        rest = &rest[length..];
    }
    found
}

fn token_length(rest: &str, first: char) -> usize {
    let bytes = rest.as_bytes();
    let run = |from: usize, accept: fn(u8) -> bool| {
        from + bytes[from..].iter().take_while(|b| accept(**b)).count()
    };
    let in_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match first {
        'a'..='z' | 'A'..='Z' | '#' | ':' => run(1, in_word),
        '0'..='9' => run(1, |b| b.is_ascii_digit()),
        '<' if matches!(bytes.get(1), Some(b'>' | b'=')) => 2,
        '>' if bytes.get(1) == Some(&b'=') => 2,
        other => other.len_utf8(),
    }
}

/// The message for a syntax error at byte `position`: at the token that contains it or comes next.
pub fn syntax_error(text: &str, position: usize) -> String {
    let tokens = tokens(text);
    let at = tokens
        .iter()
        .position(|(_, end)| *end > position)
        .unwrap_or(tokens.len());
    let token = tokens
        .get(at)
        .map_or("<EOF>", |(start, end)| &text[*start..*end]);
    let from = match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        Some((start, _)) => *start,
        None => tokens.first().map_or(0, |(start, _)| *start),
    };
    let to = match tokens.get(at + 1).or_else(|| tokens.last()) {
        Some((_, end)) => *end,
        None => 0,
    };
    format!(
        "Syntax error; token: \"{token}\", near: \"{}\"",
        &text[from..to.max(from)]
    )
}

/// Refuses what must not reach the recursive parts of the grammar. Linear in the text, and nothing is
/// looked at when the text is too long.
pub fn scan(text: &str) -> Result<(), String> {
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err("The expression can not be empty;".into());
    }
    if text.len() > MAX_EXPRESSION {
        return Err(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {}",
            text.len()
        ));
    }
    let (mut depth, mut deepest, mut first_too_deep) = (0usize, 0usize, 0usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            (deepest, first_too_deep) = (depth, at);
        }
    }
    if deepest <= MAX_PARENTHESES {
        return Ok(());
    }
    Err(too_deep(text, depth, first_too_deep))
}

/// Which error DynamoDB has for such a text: unclosed parentheses, a function that does not exist, or
/// parentheses that enclose nothing of their own.
fn too_deep(text: &str, unclosed: usize, deepest_at: usize) -> String {
    if unclosed > 0 {
        return syntax_error(text, text.len());
    }
    let before = text[..deepest_at].trim_end_matches(|c: char| c.is_ascii_whitespace());
    let name_length = before
        .bytes()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    let name = &before[before.len() - name_length..];
    if name.starts_with(|c: char| c.is_ascii_alphabetic())
        && super::ast::Function::from_name(name).is_none()
    {
        return format!("Invalid function name; function: {name}");
    }
    "The expression has redundant parentheses;".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_quotes_its_neighbours() {
        let cases = [
            (
                "INVALID SYNTAX HERE",
                0,
                r#"token: "INVALID", near: "INVALID SYNTAX""#,
            ),
            ("ADD hits : incr", 9, r#"token: ":", near: "hits : incr""#),
            ("!!! INVALID !!!", 0, r#"token: "!", near: "!!""#),
            ("SET _123 = :v", 4, r#"token: "_", near: "SET _123""#),
            ("a,", 2, r#"token: "<EOF>", near: ",""#),
            ("foo", 3, r#"token: "<EOF>", near: "foo""#),
            ("ü > a", 0, r#"token: "ü", near: "ü >""#),
        ];
        for (text, position, expected) in cases {
            assert_eq!(
                syntax_error(text, position),
                format!("Syntax error; {expected}"),
                "{text}"
            );
        }
    }
}
