//! What a request says about its signature, in either of the two forms: the Authorization header, or a presigned
//! query. Nothing is believed here and nothing is compared; only what is missing or malformed is refused.

use super::fault;
use super::query::{Pair, pairs};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use pg_dynamo_core::Result;
use std::borrow::Cow;

/// Says that a query is presigned, and how.
const ALGORITHM: &str = "X-Amz-Algorithm";
/// What both forms must carry beside the date.
const TOKEN: &str = "X-Amz-Security-Token";

/// The parts of a signature as the client wrote them.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub algorithm: Cow<'a, str>,
    /// `keyid/date/region/service/terminator`
    pub credential: Cow<'a, str>,
    /// Names between semicolons.
    pub signed_headers: Cow<'a, str>,
    /// Hexadecimal.
    pub signature: Cow<'a, str>,
    /// When it was signed.
    pub date: Cow<'a, str>,
    pub form: Form<'a>,
    /// Temporary credentials come with a token.
    pub has_token: bool,
}

#[derive(Debug)]
pub(super) enum Form<'a> {
    Header,
    Query {
        /// X-Amz-Expires: seconds after the date.
        expires: Option<Cow<'a, str>>,
    },
}

impl<'a> Claim<'a> {
    pub fn of(head: &'a Parts) -> Result<Claim<'a>> {
        let authorization = the_only(&head.headers, AUTHORIZATION.as_str(), "Authorization")?;
        let query = head.uri.query().unwrap_or_default();
        // Requests in the header form have no query at all, as a rule.
        let parameters = if query.contains("X-Amz-") || query.contains('%') {
            pairs(query)
        } else {
            Vec::new()
        };
        let presigned = parameters.iter().any(|p| p.name == ALGORITHM);
        let has_token =
            head.headers.contains_key(TOKEN) || parameters.iter().any(|p| p.name == TOKEN);
        match authorization {
            Some(_) if presigned => Err(fault::two_forms()),
            Some(header) if header.trim_start().starts_with("AWS4-") => {
                of_header(header, &head.headers, has_token)
            }
            None if presigned => of_query(parameters, has_token),
            _ => Err(fault::missing_token()),
        }
    }
}

/// `header`: begins with `AWS4-`. `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; clients differ in
/// the order and in what they put between the parts.
fn of_header<'a>(
    header: Cow<'a, str>,
    headers: &'a HeaderMap,
    has_token: bool,
) -> Result<Claim<'a>> {
    let separator = |c: char| c == ',' || c.is_ascii_whitespace();
    let mut parts = header.split(separator).filter(|p| !p.is_empty());
    let algorithm = parts.next().unwrap_or_default();
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            return Err(fault::no_equal_sign(part, &header));
        };
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(fault::said_twice(name));
        }
    }
    let date = joined(headers, "x-amz-date").or_else(|| joined(headers, "date"));
    let credential = credential.filter(|v| !v.is_empty());
    let signature = signature.filter(|v| !v.is_empty());
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (credential, signature, signed_headers, &date)
    else {
        let found = [
            ("Credential", credential.is_some()),
            ("Signature", signature.is_some()),
            ("SignedHeaders", signed_headers.is_some()),
        ];
        return Err(fault::header_lacks(
            &absent(&found),
            date.is_none(),
            &header,
        ));
    };
    let part = |text: &str| part_of(&header, text);
    Ok(Claim {
        algorithm: part(algorithm),
        credential: part(credential),
        signed_headers: part(signed_headers),
        signature: part(signature),
        date: date.clone(),
        form: Form::Header,
        has_token,
    })
}

/// `text` is a part of `header`: borrowed when the header is.
fn part_of<'a>(header: &Cow<'a, str>, text: &str) -> Cow<'a, str> {
    match header {
        Cow::Borrowed(whole) => {
            let start = text.as_ptr().addr() - whole.as_ptr().addr();
            Cow::Borrowed(&whole[start..start + text.len()])
        }
        Cow::Owned(_) => Cow::Owned(text.to_owned()),
    }
}

fn of_query<'a>(parameters: Vec<Pair<'a>>, has_token: bool) -> Result<Claim<'a>> {
    const REQUIRED: [&str; 5] = [
        ALGORITHM,
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ];
    let mut found: [Option<Cow<'a, str>>; 5] = Default::default();
    let mut expires = None;
    for Pair { name, value } in parameters {
        let slot = match REQUIRED.iter().position(|r| name == *r) {
            Some(i) => &mut found[i],
            None if name == "X-Amz-Expires" => &mut expires,
            None => continue,
        };
        if slot.replace(value).is_some() {
            return Err(fault::said_twice(&name));
        }
    }
    let present = found
        .each_ref()
        .map(|v| v.as_ref().is_some_and(|v| !v.is_empty()));
    match found {
        [
            Some(algorithm),
            Some(credential),
            Some(signature),
            Some(signed_headers),
            Some(date),
        ] if present.iter().all(|p| *p) => Ok(Claim {
            algorithm,
            credential,
            signed_headers,
            signature,
            date,
            form: Form::Query { expires },
            has_token,
        }),
        _ => {
            let found: Vec<(&str, bool)> = REQUIRED.into_iter().zip(present).collect();
            Err(fault::query_lacks(&absent(&found)))
        }
    }
}

fn absent<'a>(found: &[(&'a str, bool)]) -> Vec<&'a str> {
    found
        .iter()
        .filter(|(_, there)| !there)
        .map(|(name, _)| *name)
        .collect()
}

/// The header's value; Err when it was sent twice.
fn the_only<'a>(headers: &'a HeaderMap, name: &str, title: &str) -> Result<Option<Cow<'a, str>>> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(fault::said_twice(title));
    }
    Ok(first.map(|v| String::from_utf8_lossy(v.as_bytes())))
}

/// The header's values as HTTP joins those that were sent one by one; None when there is none.
fn joined<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).into_iter();
    let mut all = String::from_utf8_lossy(values.next()?.as_bytes());
    for value in values {
        all.to_mut().push(',');
        all.to_mut()
            .push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    Some(all)
}
