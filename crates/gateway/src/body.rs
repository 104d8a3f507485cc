//! The body of a request: its bytes as they came, and the JSON they stand for.

use crate::memory::Charge;
use bytes::{Bytes, BytesMut};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, EXPECT};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io::Read;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest body, as it comes and as it stands for.
pub const LARGEST: usize = 16 * 1024 * 1024;
/// What a body grows from when its length is not known, or not believed yet.
const FIRST: usize = 64 * 1024;
/// A body over the limit is read to its end and thrown away up to this size: a client that is still sending would
/// not see an answer.
const LARGEST_TO_SKIP: u64 = 4 * LARGEST as u64;
/// Deflate shrinks a thousandfold at most: what is smaller is inflated in microseconds, and not worth a thread.
const INFLATE_AT_ONCE: usize = 1024;
/// Memory is counted when its size is known, so few bodies become large at once.
static INFLATING: Semaphore = Semaphore::const_new(4);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Over 16 MB, compressed or not.
    TooLarge,
    /// It did not come in time.
    Late,
    /// The connection ended, or its framing is broken.
    Broken,
    /// The process holds as much as it may.
    NoMemory,
    /// It is not what Content-Encoding says.
    NotInflated,
    /// Content-Encoding names something else than gzip, deflate or identity.
    UnknownEncoding,
}

/// The body as it came. `charge` pays for it.
pub async fn read(
    headers: &HeaderMap,
    body: Incoming,
    charge: &mut Charge<'_>,
    patience: Duration,
) -> Result<Bytes, Unreadable> {
    // The inner future is polled before any timer starts, and most bodies are there already.
    tokio::time::timeout(patience, read_all(headers, body, charge))
        .await
        .unwrap_or(Err(Unreadable::Late))
}

async fn read_all(
    headers: &HeaderMap,
    mut body: Incoming,
    charge: &mut Charge<'_>,
) -> Result<Bytes, Unreadable> {
    let size = body.size_hint();
    if size.lower() > LARGEST as u64 {
        if !waits(headers) {
            skip(body).await;
        }
        return Err(Unreadable::TooLarge);
    }
    let Some(first) = next(&mut body, charge).await? else {
        return Ok(Bytes::new());
    };
    if size.exact() == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity((size.lower() as usize).min(FIRST).max(first.len()));
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(more) = next(&mut body, charge).await? {
        if whole.len() + more.len() > LARGEST {
            drop(whole);
            charge.release();
            skip(body).await;
            return Err(Unreadable::TooLarge);
        }
        whole.extend_from_slice(&more);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Incoming, charge: &mut Charge<'_>) -> Result<Option<Bytes>, Unreadable> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unreadable::Broken)?;
        let Ok(bytes) = frame.into_data() else {
            continue; // trailers
        };
        if !charge.grow(bytes.len()) {
            return Err(Unreadable::NoMemory);
        }
        return Ok(Some(bytes));
    }
    Ok(None)
}

/// Whether the client sends the body only when it is told to, which reading it would do.
fn waits(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

/// Reads a body that nobody needs, unless it is too long for that.
async fn skip(mut body: Incoming) {
    let mut skipped = body.size_hint().lower();
    if skipped > LARGEST_TO_SKIP {
        return;
    }
    skipped = 0;
    while skipped <= LARGEST_TO_SKIP {
        match body.frame().await {
            Some(Ok(frame)) => skipped += frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => return,
        }
    }
}

/// Reads a body that has no meaning, so that the next request can follow.
pub async fn ignore(headers: &HeaderMap, body: Incoming, patience: Duration) {
    if !body.is_end_stream() && !waits(headers) {
        let _ = tokio::time::timeout(patience, skip(body)).await;
    }
}

/// How a body was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
}

/// Err: more than one, or one that is not known here.
fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Unreadable> {
    let mut names = headers.get_all(CONTENT_ENCODING).iter();
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        return Err(Unreadable::UnknownEncoding);
    }
    let name = name.as_bytes().trim_ascii();
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if is("gzip") || is("x-gzip") {
        Ok(Some(Encoding::Gzip))
    } else if is("deflate") {
        Ok(Some(Encoding::Deflate))
    } else if is("identity") || name.is_empty() {
        Ok(None)
    } else {
        Err(Unreadable::UnknownEncoding)
    }
}

/// Whether the body is as it came.
pub fn is_plain(headers: &HeaderMap) -> bool {
    matches!(encoding(headers), Ok(None))
}

/// What the body stands for.
pub async fn inflate(
    headers: &HeaderMap,
    body: Bytes,
    charge: &mut Charge<'_>,
) -> Result<Bytes, Unreadable> {
    let Some(encoding) = encoding(headers)? else {
        return Ok(body);
    };
    let whole = if body.len() <= INFLATE_AT_ONCE {
        inflate_all(encoding, &body)?
    } else {
        let _turn = INFLATING.acquire().await;
        tokio::task::spawn_blocking(move || inflate_all(encoding, &body))
            .await
            .unwrap_or(Err(Unreadable::NotInflated))?
    };
    if !charge.grow(whole.len()) {
        return Err(Unreadable::NoMemory);
    }
    Ok(whole.into())
}

fn inflate_all(encoding: Encoding, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    match encoding {
        Encoding::Gzip => drain(MultiGzDecoder::new(body)),
        // RFC 9110 means the zlib format; some clients send bare deflate.
        Encoding::Deflate if is_zlib(body) => drain(ZlibDecoder::new(body)),
        Encoding::Deflate => drain(DeflateDecoder::new(body)),
    }
}

/// RFC 1950: method 8, and the first two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [a, b, ..] if a & 15 == 8 && u16::from_be_bytes([*a, *b]).is_multiple_of(31))
}

fn drain(decoder: impl Read) -> Result<Vec<u8>, Unreadable> {
    let mut whole = Vec::new();
    decoder
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut whole)
        .map_err(|_| Unreadable::NotInflated)?;
    if whole.len() > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, value.parse().unwrap());
        headers
    }

    async fn inflated(name: &str, body: Vec<u8>) -> Result<Bytes, Unreadable> {
        let memory = Memory::new(1 << 30);
        let mut charge = memory.request().unwrap();
        inflate(&headers(name), body.into(), &mut charge).await
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn every_kind_of_compression_is_understood() {
        let text = b"{\"TableName\":\"Music\"}".repeat(200);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(&text).unwrap();
        let two_members = [gzip(&text[..100]), gzip(&text[100..])].concat();
        for (name, body) in [
            ("gzip", gzip(&text)),
            ("GZIP", two_members),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("identity", text.clone()),
        ] {
            assert_eq!(inflated(name, body).await.unwrap(), text, "{name}");
        }
    }

    #[tokio::test]
    async fn a_bomb_ends_at_the_limit() {
        let bomb = gzip(&vec![b' '; LARGEST + 1]);
        assert!(bomb.len() < LARGEST / 20);
        assert_eq!(inflated("gzip", bomb).await, Err(Unreadable::TooLarge));
    }

    #[tokio::test]
    async fn broken_and_unknown_compression_is_refused() {
        let mut cut = gzip(&[7; 5000]);
        cut.truncate(20);
        assert_eq!(inflated("gzip", cut).await, Err(Unreadable::NotInflated));
        assert_eq!(
            inflated("gzip", b"{}".to_vec()).await,
            Err(Unreadable::NotInflated)
        );
        assert_eq!(
            inflated("br", b"{}".to_vec()).await,
            Err(Unreadable::UnknownEncoding)
        );
        assert_eq!(
            inflated("gzip, gzip", b"{}".to_vec()).await,
            Err(Unreadable::UnknownEncoding)
        );
    }
}
