//! A parser for the JSON that nearly every request is made of: no escapes, whole numbers, little depth.
//!
//! Where it meets anything else, an error included, it gives up and serde_json reads the text again from its start: so
//! what is accepted, and every fault's text, is serde_json's alone. It builds what serde_json's visitor builds, in
//! a third of the time.
use super::{Json, NUMBER_KEY, is_plain_word};
use std::borrow::Cow;

/// Levels of lists and objects; requests beyond are not simple.
const DEPTH: usize = 40;

/// The tree of a simple text; None: it is not simple.
pub fn parse(text: &str) -> Option<Json<'_>> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEPTH)?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        self.space();
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        match self.next()? {
            b'"' => self.string().map(|s| Json::String(Cow::Borrowed(s))),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b't' => self.word("rue", Json::Bool(true)),
            b'f' => self.word("alse", Json::Bool(false)),
            b'n' => self.word("ull", Json::Null),
            b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn word(&mut self, rest: &str, value: Json<'a>) -> Option<Json<'a>> {
        let found = self.text.get(self.at..)?.starts_with(rest);
        self.at += rest.len();
        found.then_some(value)
    }

    /// A whole number of up to 18 digits, the first of which was read.
    fn number(&mut self) -> Option<Json<'a>> {
        let start = self.at - 1;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at)?;
        let whole = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let plain = digits == "0" || (!digits.starts_with('0') && digits.len() <= 18);
        (whole && plain).then_some(Json::Number(Cow::Borrowed(digits)))
    }

    /// What stands up to the closing quote.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            while let Some(word) = bytes.get(self.at..)?.first_chunk()
                && is_plain_word(word)
            {
                self.at += word.len();
            }
            // One of the next eight is not plain.
            loop {
                let byte = *bytes.get(self.at)?;
                self.at += 1;
                match byte {
                    b'"' => return self.text.get(start..self.at - 1),
                    b'\\' | 0..0x20 => return None,
                    0x80.. => break,
                    _ => {}
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Json<'a>> {
        let mut elements = Vec::new();
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(Json::Array(elements)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json<'a>> {
        let mut members = Vec::new();
        loop {
            match self.next()? {
                b'"' => {}
                b'}' if members.is_empty() => return Some(Json::Object(members)),
                _ => return None,
            }
            let name = self.string()?;
            if name == NUMBER_KEY || self.next()? != b':' {
                return None;
            }
            members.push((Cow::Borrowed(name), self.value(depth)?));
            match self.next()? {
                b',' => {}
                b'}' => return Some(Json::Object(members)),
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As serde_json reads it, if it is JSON at all.
    fn reference(text: &str) -> Option<Json<'_>> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn usual_requests_are_simple() {
        for text in [
            r#"{"TableName": "Music", "Key": {"Artist": {"S": "Ärzte"}}, "ConsistentRead": true}"#,
            r#" [ ] "#,
            r#"{"a":[1,20,0,{"b":null},[],{}],"c":false}"#,
        ] {
            assert_eq!(parse(text), reference(text), "{text}");
            assert!(parse(text).is_some());
        }
    }

    #[test]
    fn what_is_not_simple_is_left_alone() {
        let deep = "[".repeat(5_000);
        let shallow = format!("{}{}", "[".repeat(60), "]".repeat(60));
        for text in [
            r#""\n""#,
            "1.5",
            "1e3",
            "-1",
            "01",
            "00",
            "1234567890123456789",
            "{\"a\":1,}",
            "[1,]",
            "[,1]",
            "{,}",
            "tru",
            "nul",
            "truex",
            "1 2",
            "",
            " ",
            "\"",
            "\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\" 1}",
            "\"\u{1}\"",
            r#"{"$serde_json::private::Number": "1"}"#,
            "[1",
            "[",
            "]",
            &deep,
            &shallow,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"longer than eight\"",
            "\"é\"",
            "\"ééééééé\"",
            "1",
            "0",
            "12",
            "-",
            ".",
            "e",
            "true",
            "false",
            "null",
            " ",
            "\n",
            "\\",
            "\\n",
            "\u{1}",
            "{\"a\":",
            "\"a\":1",
        ]);
        prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn whatever_is_read_is_what_serde_json_reads(text in pieces()) {
            if let Some(read) = parse(&text) {
                prop_assert_eq!(Some(read), reference(&text));
            }
        }
    }
}
