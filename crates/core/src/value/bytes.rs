//! The stored bytes. Canonical: equal values have equal bytes (maps sorted by name, sets sorted, numbers normalised).
//!
//! ```text
//! value     = tag (1 byte) payload; its extent is known from what encloses it
//!   0x01 NULL   0x02 BOOL false   0x03 BOOL true      no payload
//!   0x04 N      number bytes (Number::write_key)
//!   0x05 S      UTF-8
//!   0x06 B      raw bytes
//!   0x07 SS   0x08 NS   0x09 BS      list body of payloads without tags, sorted by bytes, distinct, at least one
//!   0x0A L      list body of values
//!   0x0B M      map body
//! map body  = width (1 byte: 2 or 4, bytes per number in the body) count { name_end value_end }*count names values
//! list body = width count { end }*count payloads
//! item      = version (1 byte = 1) size (4 bytes, DynamoDB's size of the item) map body
//! datum     = version (1 byte = 1) value           what the attribute_value type stores
//! ```
//! Numbers are little-endian. Ends are offsets relative to the start of the names, values or payloads
//! area; entries are sorted by name bytes. The width is 2 when the count and both areas are at most
//! 65,535, else 4.
//!
//! Nothing here panics on malformed bytes: accessors answer Err(ApiError::corrupt). They check what
//! they touch; [`Av::validate`] and [`Item::validate`](super::Item::validate) check everything.
pub use super::item::{ITEM_HEADER, directory_len, locate, names_len};
use super::{Attributes, MAX_VALUE_DEPTH, Number, Value, ValueType, size, validate};
use crate::{ApiError, Result};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

/// First byte of an item and of an attribute value as stored in a column.
pub const VERSION: u8 = 1;

pub(super) mod tag {
    pub const NULL: u8 = 0x01;
    pub const FALSE: u8 = 0x02;
    pub const TRUE: u8 = 0x03;
    pub const N: u8 = 0x04;
    pub const S: u8 = 0x05;
    pub const B: u8 = 0x06;
    pub const SS: u8 = 0x07;
    pub const NS: u8 = 0x08;
    pub const BS: u8 = 0x09;
    pub const L: u8 = 0x0A;
    pub const M: u8 = 0x0B;
}

/// One value: tag and payload (no version byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Av<'a>(&'a [u8]);
/// A copy of it shares the bytes: a value may be as large as a request, and stand in many places of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvBuf(Rc<Vec<u8>>);
#[derive(Clone, Copy, Debug)]
pub enum AvKind<'a> {
    S(&'a str),
    N(&'a [u8]),
    B(&'a [u8]),
    Bool(bool),
    Null,
    M(MapRef<'a>),
    L(ListRef<'a>),
    Ss(SetRef<'a>),
    Ns(SetRef<'a>),
    Bs(SetRef<'a>),
}
#[derive(Clone, Copy, Debug)]
pub struct MapRef<'a>(pub(super) &'a [u8]);
#[derive(Clone, Copy, Debug)]
pub struct ListRef<'a>(pub(super) &'a [u8]);
/// Members are payloads without tag: UTF-8, number bytes or raw bytes.
#[derive(Clone, Copy, Debug)]
pub struct SetRef<'a>(pub(super) &'a [u8]);

pub(super) fn corrupt<T>(what: &str) -> Result<T> {
    Err(ApiError::corrupt(what))
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| ApiError::corrupt("string"))
}

/// The ends at the front of a body: `per_entry` numbers for each of `count` entries.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    pub width: usize,
    pub count: usize,
    ends: &'a [u8],
    /// What follows the directory.
    rest: &'a [u8],
}

/// Width and count of a body, and how many bytes they took.
pub(super) fn body_header(body: &[u8]) -> Option<(usize, usize, usize)> {
    match *body {
        [2, a, b, ..] => Some((2, usize::from(u16::from_le_bytes([a, b])), 3)),
        [4, a, b, c, d, ..] => Some((4, u32::from_le_bytes([a, b, c, d]) as usize, 5)),
        _ => None,
    }
}

impl<'a> Directory<'a> {
    fn read(body: &'a [u8], per_entry: usize) -> Option<Directory<'a>> {
        let (width, count, header) = body_header(body)?;
        let len = count.checked_mul(per_entry * width)?;
        let after = body.get(header..)?;
        Some(Directory {
            width,
            count,
            ends: after.get(..len)?,
            rest: after.get(len..)?,
        })
    }

    /// The i-th number of the directory; 0 before the first (an area starts there).
    fn end(&self, i: usize) -> Option<usize> {
        let at = i.checked_mul(self.width)?;
        match *self.ends.get(at..at + self.width)? {
            [a, b] => Some(usize::from(u16::from_le_bytes([a, b]))),
            [a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d]) as usize),
            _ => None,
        }
    }

    /// Extent of entry `i` of a list body in `rest`.
    fn payload(&self, i: usize) -> Option<&'a [u8]> {
        let start = if i == 0 { 0 } else { self.end(i - 1)? };
        self.rest.get(start..self.end(i)?)
    }

    /// Extent of name `i` of a map body in the names area.
    fn name(&self, i: usize) -> Option<&'a [u8]> {
        let start = if i == 0 { 0 } else { self.end(2 * i - 2)? };
        self.rest.get(start..self.end(2 * i)?)
    }

    /// (start, end) of value `i` of a map body in the values area.
    pub(super) fn value_extent(&self, i: usize) -> Option<(usize, usize)> {
        let start = if i == 0 { 0 } else { self.end(2 * i - 1)? };
        let end = self.end(2 * i + 1)?;
        (start <= end).then_some((start, end))
    }

    /// Length of a map body's names area.
    pub(super) fn names_len(&self) -> Option<usize> {
        match self.count {
            0 => Some(0),
            count => self.end(2 * count - 2),
        }
    }

    fn value(&self, i: usize) -> Option<&'a [u8]> {
        let names = self.names_len()?;
        let (start, end) = self.value_extent(i)?;
        self.rest.get(names..)?.get(start..end)
    }

    /// Index of a name in a map body: None (inner) when absent, None (outer) when corrupt.
    pub(super) fn find(&self, name: &[u8]) -> Option<Option<usize>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle)?.cmp(name) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(Some(middle)),
                Ordering::Greater => high = middle,
            }
        }
        Some(None)
    }

    /// Length of the areas behind the directory according to it: (names, values) of a map body.
    pub(super) fn map_areas(&self) -> Option<(usize, usize)> {
        match self.count {
            0 => Some((0, 0)),
            count => Some((self.names_len()?, self.end(2 * count - 1)?)),
        }
    }

    /// Length of the payloads of a list body.
    pub(super) fn list_area(&self) -> Option<usize> {
        match self.count {
            0 => Some(0),
            count => self.end(count - 1),
        }
    }

    pub(super) fn rest_len(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Av<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Av(bytes)
    }

    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Everything behind the tag; empty for empty bytes.
    pub fn payload(self) -> &'a [u8] {
        self.0.get(1..).unwrap_or_default()
    }

    pub fn kind(self) -> Result<AvKind<'a>> {
        let Some((&tag, payload)) = self.0.split_first() else {
            return corrupt("empty value");
        };
        Ok(match tag {
            tag::S => AvKind::S(utf8(payload)?),
            tag::N => AvKind::N(payload),
            tag::B => AvKind::B(payload),
            tag::FALSE => AvKind::Bool(false),
            tag::TRUE => AvKind::Bool(true),
            tag::NULL => AvKind::Null,
            tag::M => AvKind::M(MapRef(payload)),
            tag::L => AvKind::L(ListRef(payload)),
            tag::SS => AvKind::Ss(SetRef(payload)),
            tag::NS => AvKind::Ns(SetRef(payload)),
            tag::BS => AvKind::Bs(SetRef(payload)),
            _ => return corrupt("unknown type tag"),
        })
    }

    pub fn value_type(self) -> Result<ValueType> {
        Ok(match self.0.first() {
            Some(&tag::S) => ValueType::S,
            Some(&tag::N) => ValueType::N,
            Some(&tag::B) => ValueType::B,
            Some(&tag::FALSE | &tag::TRUE) => ValueType::Bool,
            Some(&tag::NULL) => ValueType::Null,
            Some(&tag::M) => ValueType::M,
            Some(&tag::L) => ValueType::L,
            Some(&tag::SS) => ValueType::Ss,
            Some(&tag::NS) => ValueType::Ns,
            Some(&tag::BS) => ValueType::Bs,
            _ => return corrupt("unknown type tag"),
        })
    }

    /// Of a BOOL: which.
    pub(super) fn is_true(self) -> bool {
        self.0.first() == Some(&tag::TRUE)
    }

    pub fn to_value(self) -> Result<Value> {
        self.decode(MAX_VALUE_DEPTH)
    }

    fn decode(self, depth: usize) -> Result<Value> {
        Ok(match self.kind()? {
            AvKind::S(s) => Value::S(s.to_owned()),
            AvKind::N(key) => Value::N(Number::from_key(key)?),
            AvKind::B(b) => Value::B(b.to_vec()),
            AvKind::Bool(b) => Value::Bool(b),
            AvKind::Null => Value::Null,
            AvKind::M(map) => Value::M(map.decode(inner_depth(depth)?)?),
            AvKind::L(list) => {
                let depth = inner_depth(depth)?;
                let values = list.iter()?.map(|element| element?.decode(depth));
                Value::L(values.collect::<Result<_>>()?)
            }
            AvKind::Ss(set) => {
                let members = set.iter()?.map(|member| Ok(utf8(member?)?.to_owned()));
                Value::Ss(members.collect::<Result<BTreeSet<_>>>()?)
            }
            AvKind::Ns(set) => {
                let members = set.iter()?.map(|member| Number::from_key(member?));
                Value::Ns(members.collect::<Result<BTreeSet<_>>>()?)
            }
            AvKind::Bs(set) => {
                let members = set.iter()?.map(|member| Ok(member?.to_vec()));
                Value::Bs(members.collect::<Result<BTreeSet<_>>>()?)
            }
        })
    }

    pub fn to_owned(self) -> AvBuf {
        AvBuf::from_bytes(self.0.to_vec())
    }

    /// Bytes as DynamoDB counts them, without an attribute name; O(1) for scalars.
    pub fn size(self) -> Result<usize> {
        self.size_within(MAX_VALUE_DEPTH)
    }

    pub(super) fn size_within(self, depth: usize) -> Result<usize> {
        let payload = self.payload();
        Ok(match self.value_type()? {
            ValueType::S | ValueType::B => payload.len(),
            ValueType::N => size::number_size(payload.len()),
            ValueType::Bool | ValueType::Null => 1,
            ValueType::M => MapRef(payload).content_size(inner_depth(depth)?, true)?,
            ValueType::L => {
                let depth = inner_depth(depth)?;
                let mut total = size::CONTAINER_OVERHEAD;
                for element in ListRef(payload).iter()? {
                    total += size::ENTRY_OVERHEAD + element?.size_within(depth)?;
                }
                total
            }
            ValueType::Ss | ValueType::Bs => SetRef(payload).payload_len()?,
            ValueType::Ns => {
                let mut total = 0;
                for member in SetRef(payload).iter()? {
                    total += size::number_size(member?.len());
                }
                total
            }
        })
    }

    /// DynamoDB's order where there is one: S with S, N with N, B with B; otherwise None. memcmp of payloads.
    pub fn partial_cmp(self, other: Av<'_>) -> Result<Option<Ordering>> {
        let ordered = |t| matches!(t, ValueType::S | ValueType::N | ValueType::B);
        let (a, b) = (self.value_type()?, other.value_type()?);
        Ok((a == b && ordered(a)).then(|| self.payload().cmp(other.payload())))
    }

    /// Walks everything, for bytes from outside: structure, UTF-8, canonical order, number bytes,
    /// depth (at most [`MAX_VALUE_DEPTH`]). Ok means: re-encoding gives these very bytes.
    pub fn validate(self) -> Result<()> {
        validate::value(self, MAX_VALUE_DEPTH)
    }

    /// From the bytes of an attribute_value column. Checks the version only.
    pub fn from_datum(bytes: &'a [u8]) -> Result<Av<'a>> {
        match bytes {
            [VERSION, value @ ..] if !value.is_empty() => Ok(Av(value)),
            _ => corrupt("attribute value version"),
        }
    }
}

pub(super) fn inner_depth(depth: usize) -> Result<usize> {
    depth
        .checked_sub(1)
        .ok_or_else(|| ApiError::corrupt("nesting"))
}

impl AvBuf {
    /// Bytes taken from a stored value (tag and payload, no version byte); readers check them as they go.
    pub fn from_bytes(bytes: Vec<u8>) -> AvBuf {
        AvBuf(Rc::new(bytes))
    }
    pub fn as_av(&self) -> Av<'_> {
        Av(&self.0)
    }

    pub fn to_datum(&self) -> Vec<u8> {
        let mut datum = Vec::with_capacity(self.0.len() + 1);
        datum.push(VERSION);
        datum.extend_from_slice(&self.0);
        datum
    }

    pub fn into_bytes(self) -> Vec<u8> {
        Rc::unwrap_or_clone(self.0)
    }
}

impl<'a> MapRef<'a> {
    pub(super) fn directory(self) -> Result<Directory<'a>> {
        Directory::read(self.0, 2).ok_or_else(|| ApiError::corrupt("map directory"))
    }

    pub fn len(self) -> Result<usize> {
        Ok(self.directory()?.count)
    }

    pub fn is_empty(self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Binary search in the directory.
    pub fn get(self, name: &str) -> Result<Option<Av<'a>>> {
        let directory = self.directory()?;
        let found = directory.find(name.as_bytes());
        match found.ok_or_else(|| ApiError::corrupt("map names"))? {
            Some(i) => Ok(Some(map_value(&directory, i)?)),
            None => Ok(None),
        }
    }

    /// Entry `i` in name order; Err when there is none.
    pub fn entry(self, i: usize) -> Result<(&'a str, Av<'a>)> {
        map_entry(&self.directory()?, i)
    }

    /// Entries in name order.
    pub fn iter(self) -> Result<impl Iterator<Item = Result<(&'a str, Av<'a>)>>> {
        Ok(self.entries()?.map(|entry| {
            let (name, value) = entry?;
            Ok((utf8(name)?, value))
        }))
    }

    /// Entries in name order, names unchecked.
    pub(super) fn entries(self) -> Result<Entries<'a>> {
        let found = self.directory().ok().and_then(|directory| {
            let (names, values) = directory.rest.split_at_checked(directory.names_len()?)?;
            Some(Entries {
                ends: directory.ends.chunks_exact(2 * directory.width),
                names: (names, 0),
                values: (values, 0),
            })
        });
        found.ok_or_else(|| ApiError::corrupt("map directory"))
    }

    pub(super) fn decode(self, depth: usize) -> Result<Attributes> {
        let mut attributes = Attributes::new();
        for entry in self.iter()? {
            let (name, value) = entry?;
            attributes.insert(name.to_owned(), value.decode(depth)?);
        }
        Ok(attributes)
    }

    /// Size of names and values, with DynamoDB's overhead when this is a map attribute and not an item.
    pub(super) fn content_size(self, depth: usize, attribute: bool) -> Result<usize> {
        let (base, each) = if attribute {
            (size::CONTAINER_OVERHEAD, size::ENTRY_OVERHEAD)
        } else {
            (0, 0)
        };
        let mut total = base;
        for entry in self.iter()? {
            let (name, value) = entry?;
            total += each + name.len() + value.size_within(depth)?;
        }
        Ok(total)
    }
}

/// Walks a map body from its first entry to its last.
pub(super) struct Entries<'a> {
    ends: std::slice::ChunksExact<'a, u8>,
    /// The areas, and where in them the next entry begins.
    names: (&'a [u8], usize),
    values: (&'a [u8], usize),
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(&'a [u8], Av<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = match *self.ends.next()? {
            [a, b, c, d] => (
                usize::from(u16::from_le_bytes([a, b])),
                usize::from(u16::from_le_bytes([c, d])),
            ),
            [a, b, c, d, e, f, g, h] => (
                u32::from_le_bytes([a, b, c, d]) as usize,
                u32::from_le_bytes([e, f, g, h]) as usize,
            ),
            _ => return None,
        };
        let cut = |area: &mut (&'a [u8], usize), end: usize| {
            let start = std::mem::replace(&mut area.1, end);
            area.0.get(start..end)
        };
        Some(
            match (cut(&mut self.names, name), cut(&mut self.values, value)) {
                (Some(name), Some(value)) => Ok((name, Av(value))),
                _ => corrupt("map entry"),
            },
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

fn map_value<'a>(directory: &Directory<'a>, i: usize) -> Result<Av<'a>> {
    match directory.value(i) {
        Some(bytes) => Ok(Av(bytes)),
        None => corrupt("map value"),
    }
}

fn map_entry<'a>(directory: &Directory<'a>, i: usize) -> Result<(&'a str, Av<'a>)> {
    if i >= directory.count {
        return corrupt("map entry");
    }
    match directory.name(i) {
        Some(name) => Ok((utf8(name)?, map_value(directory, i)?)),
        None => corrupt("map name"),
    }
}

impl<'a> ListRef<'a> {
    pub(super) fn directory(self) -> Result<Directory<'a>> {
        Directory::read(self.0, 1).ok_or_else(|| ApiError::corrupt("list directory"))
    }

    pub fn len(self) -> Result<usize> {
        Ok(self.directory()?.count)
    }

    pub fn is_empty(self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Element `i`; None beyond the end.
    pub fn get(self, i: usize) -> Result<Option<Av<'a>>> {
        let directory = self.directory()?;
        if i >= directory.count {
            return Ok(None);
        }
        list_payload(&directory, i).map(|bytes| Some(Av(bytes)))
    }

    pub fn iter(self) -> Result<impl Iterator<Item = Result<Av<'a>>>> {
        let directory = self.directory()?;
        Ok((0..directory.count).map(move |i| list_payload(&directory, i).map(Av)))
    }
}

fn list_payload<'a>(directory: &Directory<'a>, i: usize) -> Result<&'a [u8]> {
    directory
        .payload(i)
        .ok_or_else(|| ApiError::corrupt("list element"))
}

impl<'a> SetRef<'a> {
    pub(super) fn directory(self) -> Result<Directory<'a>> {
        ListRef(self.0).directory()
    }

    pub fn len(self) -> Result<usize> {
        Ok(self.directory()?.count)
    }

    pub fn is_empty(self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Member `i` in byte order; None beyond the end.
    pub fn get(self, i: usize) -> Result<Option<&'a [u8]>> {
        Ok(ListRef(self.0).get(i)?.map(Av::bytes))
    }

    /// Members in byte order.
    pub fn iter(self) -> Result<impl Iterator<Item = Result<&'a [u8]>>> {
        Ok(ListRef(self.0).iter()?.map(|member| member.map(Av::bytes)))
    }

    /// Binary search.
    pub fn contains(self, payload: &[u8]) -> Result<bool> {
        let directory = self.directory()?;
        let (mut low, mut high) = (0, directory.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match list_payload(&directory, middle)?.cmp(payload) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(true),
                Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    /// Bytes of all members.
    fn payload_len(self) -> Result<usize> {
        let length = self.directory()?.list_area();
        length.ok_or_else(|| ApiError::corrupt("set"))
    }
}
