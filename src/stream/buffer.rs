//! Changes on their way from the output plugin to the tables of records.
//!
//! A decoded transaction is replayed inside a transaction that Postgres then aborts, so nothing can be stored while it
//! lasts. What is decoded is kept here, in memory up to a bound and beyond it in a temporary file, in the order of
//! commits.

use super::marker::Streamed;
use crate::storage::memory;
use pg_dynamo_core::stream::{Change, Event};
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// Bytes that are kept in memory.
const MEMORY: usize = 16 << 20;
/// stream 4, ordinal 4, lsn 8, created 8, hash 8, event 1, lengths of three items 4 each.
const HEADER: usize = 45;
/// Length of an item that is not there.
const ABSENT: u32 = u32::MAX;

/// A change in its place, as it comes out of the buffer.
pub struct Entry<'a> {
    pub stream: &'a Rc<Streamed>,
    pub lsn: u64,
    pub ordinal: u32,
    /// Epoch milliseconds.
    pub created_at: i64,
    pub pk_hash: i64,
    pub event: Event,
    /// Keys, new image, old image: bytes of items.
    pub items: [Option<&'a [u8]>; 3],
}

/// A transaction that is being decoded.
#[derive(Clone, Copy)]
pub struct Commit {
    pub lsn: u64,
    /// Epoch milliseconds.
    pub at: i64,
}

#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// Chunks of `bytes` from before, each behind its length.
    spilled: Option<Spill>,
    streams: Vec<Rc<Streamed>>,
    count: usize,
    size: usize,
}

impl Buffer {
    /// Changes in it.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of them.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn push(
        &mut self,
        stream: &Rc<Streamed>,
        commit: Commit,
        ordinal: u32,
        change: &Change<'_>,
    ) {
        let known = self.streams.iter().rposition(|s| Rc::ptr_eq(s, stream));
        let index = known.unwrap_or_else(|| {
            self.streams.push(Rc::clone(stream));
            self.streams.len() - 1
        });
        let before = self.bytes.len();
        let keys = change.keys.as_ref().map(ItemBuf::as_item);
        let items = [keys, change.new_image, change.old_image].map(|item| item.map(Item::bytes));
        self.bytes.extend_from_slice(&(index as u32).to_ne_bytes());
        self.bytes.extend_from_slice(&ordinal.to_ne_bytes());
        self.bytes.extend_from_slice(&commit.lsn.to_ne_bytes());
        self.bytes.extend_from_slice(&commit.at.to_ne_bytes());
        self.bytes.extend_from_slice(&change.pk_hash.to_ne_bytes());
        self.bytes.push(change.event.code());
        for item in items {
            // An item is far smaller than 4 GB: it came out of a varlena.
            let length = item.map_or(ABSENT, |bytes| bytes.len() as u32);
            self.bytes.extend_from_slice(&length.to_ne_bytes());
        }
        for bytes in items.into_iter().flatten() {
            self.bytes.extend_from_slice(bytes);
        }
        self.count += 1;
        self.size += self.bytes.len() - before;
        if self.bytes.len() >= MEMORY {
            self.spill();
        }
    }

    fn spill(&mut self) {
        self.spilled
            .get_or_insert_with(Spill::new)
            .write(&self.bytes);
        self.bytes.clear();
    }

    /// Gives every change in its order, then forgets them all.
    pub fn drain(&mut self, mut take: impl FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
        if let Some(mut spilled) = self.spilled.take() {
            spilled.rewind();
            while let Some(chunk) = spilled.read()? {
                each(&chunk, &self.streams, &mut take)?;
            }
        }
        each(&self.bytes, &self.streams, &mut take)?;
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.streams.clear();
        self.count = 0;
        self.size = 0;
    }
}

fn each<'a>(
    mut bytes: &'a [u8],
    streams: &'a [Rc<Streamed>],
    take: &mut impl FnMut(Entry<'_>) -> Result<()>,
) -> Result<()> {
    while !bytes.is_empty() {
        let (entry, rest) =
            entry(bytes, streams).ok_or_else(|| ApiError::corrupt("buffer of captured changes"))?;
        take(entry)?;
        bytes = rest;
    }
    Ok(())
}

fn entry<'a>(bytes: &'a [u8], streams: &'a [Rc<Streamed>]) -> Option<(Entry<'a>, &'a [u8])> {
    let (mut header, mut rest) = bytes.split_at_checked(HEADER)?;
    fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
        let (field, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*field)
    }
    let header = &mut header;
    let stream = u32::from_ne_bytes(take(header)?);
    let ordinal = u32::from_ne_bytes(take(header)?);
    let lsn = u64::from_ne_bytes(take(header)?);
    let created_at = i64::from_ne_bytes(take(header)?);
    let pk_hash = i64::from_ne_bytes(take(header)?);
    let [event] = take(header)?;
    let mut items = [None; 3];
    for item in &mut items {
        let length = u32::from_ne_bytes(take(header)?);
        if length != ABSENT {
            let (bytes, more) = rest.split_at_checked(length as usize)?;
            *item = Some(bytes);
            rest = more;
        }
    }
    let entry = Entry {
        stream: streams.get(stream as usize)?,
        lsn,
        ordinal,
        created_at,
        pk_hash,
        event: Event::from_code(event)?,
        items,
    };
    Some((entry, rest))
}

/// A temporary file that outlives transactions; Postgres removes it with the process, or at its next start.
struct Spill(*mut pg_sys::BufFile);

impl Spill {
    fn new() -> Spill {
        // SAFETY: a file that belongs to no transaction, in a context that lives as long as the process.
        unsafe {
            Spill(memory::within(pg_sys::TopMemoryContext, || {
                pg_sys::BufFileCreateTemp(true)
            }))
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_ne_bytes();
        // SAFETY: the file is open and what it allocates lives as long as it; the bytes are read only.
        unsafe {
            memory::within(pg_sys::TopMemoryContext, || {
                pg_sys::BufFileWrite(
                    self.0,
                    length.as_ptr().cast_mut().cast::<c_void>(),
                    length.len(),
                );
                pg_sys::BufFileWrite(
                    self.0,
                    bytes.as_ptr().cast_mut().cast::<c_void>(),
                    bytes.len(),
                );
            });
        }
    }

    fn rewind(&mut self) {
        const FROM_START: c_int = libc::SEEK_SET;
        // SAFETY: as above.
        if unsafe { pg_sys::BufFileSeek(self.0, 0, 0, FROM_START) } != 0 {
            pgrx::error!("could not rewind the temporary file of captured changes");
        }
    }

    /// The next chunk; None at the end.
    fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let mut length = [0; 8];
        if !self.fill(&mut length)? {
            return Ok(None);
        }
        let length = usize::try_from(u64::from_ne_bytes(length));
        let mut chunk = vec![0; length.map_err(|_| ApiError::corrupt("length in a file"))?];
        match self.fill(&mut chunk)? {
            true => Ok(Some(chunk)),
            false => Err(ApiError::corrupt("end of a temporary file")),
        }
    }

    /// False at the end of the file.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool> {
        // SAFETY: as above; at most as many bytes are written as there is room for.
        let read = unsafe { pg_sys::BufFileRead(self.0, bytes.as_mut_ptr().cast(), bytes.len()) };
        match read {
            0 => Ok(false),
            read if read == bytes.len() => Ok(true),
            _ => Err(ApiError::corrupt("temporary file of captured changes")),
        }
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        // SAFETY: opened by `new`, closed once.
        unsafe { pg_sys::BufFileClose(self.0) };
    }
}
