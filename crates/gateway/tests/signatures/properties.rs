//! Whatever AWS's signer signs is let in, whatever is changed in it is not, and nothing at all makes a panic.

use crate::signer::*;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use proptest::collection::vec;
use proptest::prelude::*;

fn header_name() -> impl Strategy<Value = String> {
    "x-[a-z][a-z0-9_]{0,12}".prop_filter("has a meaning", |n| !n.starts_with("x-amz"))
}

fn requests() -> impl Strategy<Value = Request<Bytes>> {
    let parameter = (
        "[A-Za-z0-9~._-]{1,6}",
        "([A-Za-z0-9~._-]|%2F|%20|%C3%A4){0,8}",
    );
    let headers = vec((header_name(), "[!-~]{0,8}( {1,3}[!-~]{1,8}){0,3}"), 0..5);
    let path = "(/([A-Za-z0-9._~-]|%20){0,6}){1,4}";
    (
        path,
        vec(parameter, 0..4),
        headers,
        vec(any::<u8>(), 0..200),
    )
        .prop_map(|(path, parameters, headers, body)| {
            let mut request = list_tables();
            let query: Vec<String> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let target = match query.is_empty() {
                true => path,
                false => format!("{path}?{}", query.join("&")),
            };
            *request.uri_mut() = target.parse().unwrap();
            for (name, value) in headers {
                let name = HeaderName::try_from(name).unwrap();
                let value = HeaderValue::try_from(value).unwrap();
                request.headers_mut().append(name, value);
            }
            *request.body_mut() = body.into();
            request
        })
}

/// One bit of the body, or one character of a signed value, is another.
fn tampered(mut request: Request<Bytes>, place: prop::sample::Index) -> Request<Bytes> {
    let body = request.body().to_vec();
    let values: Vec<HeaderName> = ["x-amz-target", "content-type", "host"]
        .map(HeaderName::from_static)
        .to_vec();
    let at = place.index(body.len() + values.len());
    if let Some(flipped) = at.checked_sub(values.len()) {
        let mut body = body;
        body[flipped] ^= 1;
        *request.body_mut() = body.into();
    } else {
        let value = request.headers_mut().get_mut(&values[at]).unwrap();
        let mut bytes = value.as_bytes().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'x' { b'y' } else { b'x' };
        *value = HeaderValue::from_bytes(&bytes).unwrap();
    }
    request
}

proptest! {
    #[test]
    fn what_the_signer_signs_is_let_in(request in requests(), presigned in any::<bool>()) {
        let signing = Signing { presigned: presigned.then_some(60), ..Signing::default() };
        let request = signing.sign(request);
        let shown = format!("{request:?}");
        let answer = verify(request);
        prop_assert!(answer.is_ok(), "{answer:?} {shown}");
    }

    #[test]
    fn what_was_changed_on_the_way_is_not(
        request in requests(),
        presigned in any::<bool>(),
        place in any::<prop::sample::Index>(),
    ) {
        let signing = Signing { presigned: presigned.then_some(60), ..Signing::default() };
        let error = verify(tampered(signing.sign(request), place)).unwrap_err();
        prop_assert_eq!(error.message, MISMATCH);
    }

    #[test]
    fn any_header_and_query_is_answered(
        header in "(AWS4-HMAC-SHA256 )?[ -~\\t]{0,60}",
        parts in "(Credential|SignedHeaders|Signature)?=?[!-~]{0,20}(, ?(Credential|SignedHeaders|Signature)=[!-~]{0,40}){0,3}",
        query in "(X-Amz-(Algorithm|Date|Credential|Expires|Signature|SignedHeaders)(=[A-Za-z0-9%/+-]{0,24})?&?){0,6}",
        date in "[0-9TZ]{0,16}",
    ) {
        for authorization in [Some(header), Some(format!("AWS4-HMAC-SHA256 {parts}")), None] {
            let mut request = list_tables();
            if let Some(value) = authorization {
                request.headers_mut().insert("authorization", HeaderValue::try_from(value).unwrap());
            }
            request.headers_mut().insert("x-amz-date", HeaderValue::try_from(date.clone()).unwrap());
            if let Ok(uri) = format!("/?{query}").parse() {
                *request.uri_mut() = uri;
            }
            prop_assert!(verify(request).is_err());
        }
    }
}
