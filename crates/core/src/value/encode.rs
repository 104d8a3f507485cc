//! Writes the stored bytes that `bytes` describes, in one pass, counting DynamoDB's size on the way.
use super::bytes::VERSION;
pub(super) use super::bytes::tag;
use super::item::ITEM_HEADER;
use super::{Attributes, Av, AvBuf, ItemBuf, Number, Value, size};

pub(super) fn value(value: &Value) -> AvBuf {
    let mut encoder = Encoder::with_capacity(64);
    encoder.value(value);
    AvBuf::from_bytes(encoder.out)
}

pub(super) fn item(attributes: &Attributes) -> ItemBuf {
    let mut encoder = Encoder::item();
    let names = attributes.keys().map(String::as_str);
    let total = encoder.map(names, attributes.values(), Encoder::value);
    encoder.finish_item(total)
}

/// From encoded values, sorted by name, whose size in all is known.
pub(super) fn item_from_sorted(parts: &[(&str, Av<'_>)], total: usize) -> ItemBuf {
    let bytes: usize = parts.iter().map(|(n, v)| n.len() + v.bytes().len()).sum();
    let mut encoder = Encoder::with_capacity(ITEM_HEADER + 5 + parts.len() * 8 + bytes);
    encoder.out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    let names = parts.iter().map(|part| part.0);
    let values = parts.iter().map(|part| &part.1);
    encoder.map(names, values, |encoder, value| {
        encoder.out.extend_from_slice(value.bytes());
        0
    });
    encoder.finish_item(total)
}

pub(super) struct Encoder {
    out: Vec<u8>,
    /// Ends of the open bodies, innermost last: one allocation for all of them.
    ends: Vec<u32>,
}

/// Where an open body starts.
struct Body {
    /// Offset of the width byte in `out`.
    start: usize,
    /// Its first end in `ends`.
    first_end: usize,
    /// Bytes per number.
    width: usize,
}

impl Encoder {
    fn with_capacity(bytes: usize) -> Encoder {
        Encoder {
            out: Vec::with_capacity(bytes),
            ends: Vec::new(),
        }
    }

    /// For an item, whose size is filled in at the end.
    pub(super) fn item() -> Encoder {
        let mut encoder = Encoder::with_capacity(512);
        encoder.out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        encoder
    }

    pub(super) fn finish_item(mut self, total: usize) -> ItemBuf {
        self.out[1..ITEM_HEADER].copy_from_slice(&(total as u32).to_le_bytes());
        ItemBuf(self.out)
    }

    /// Appends tag and payload; returns the size as DynamoDB counts it.
    fn value(&mut self, value: &Value) -> usize {
        match value {
            Value::S(s) => self.scalar(tag::S, s.as_bytes()),
            Value::B(b) => self.scalar(tag::B, b),
            Value::N(n) => self.number(*n),
            Value::Bool(false) => self.constant(tag::FALSE),
            Value::Bool(true) => self.constant(tag::TRUE),
            Value::Null => self.constant(tag::NULL),
            Value::M(map) => {
                self.out.push(tag::M);
                let names = map.keys().map(String::as_str);
                size::CONTAINER_OVERHEAD
                    + size::ENTRY_OVERHEAD * map.len()
                    + self.map(names, map.values(), Encoder::value)
            }
            Value::L(list) => {
                self.out.push(tag::L);
                size::CONTAINER_OVERHEAD
                    + size::ENTRY_OVERHEAD * list.len()
                    + self.list(list.iter(), Encoder::value)
            }
            Value::Ss(set) => {
                self.out.push(tag::SS);
                self.list(set.iter(), |encoder, s| encoder.raw(s.as_bytes()))
            }
            Value::Bs(set) => {
                self.out.push(tag::BS);
                self.list(set.iter(), |encoder, b| encoder.raw(b))
            }
            Value::Ns(set) => {
                self.out.push(tag::NS);
                self.list(set.iter(), |encoder, n| encoder.number_bytes(*n))
            }
        }
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.out.push(tag);
    }

    pub(super) fn number(&mut self, number: Number) -> usize {
        self.out.push(tag::N);
        self.number_bytes(number)
    }

    pub(super) fn number_bytes(&mut self, number: Number) -> usize {
        let start = self.out.len();
        number.write_key(&mut self.out);
        size::number_size(self.out.len() - start)
    }

    pub(super) fn constant(&mut self, tag: u8) -> usize {
        self.out.push(tag);
        1
    }

    pub(super) fn scalar(&mut self, tag: u8, payload: &[u8]) -> usize {
        self.out.push(tag);
        self.raw(payload)
    }

    pub(super) fn raw(&mut self, payload: &[u8]) -> usize {
        self.out.extend_from_slice(payload);
        payload.len()
    }

    /// Appends a map body; returns the sum of name lengths and of what `write` returned.
    fn map<'v, V: 'v>(
        &mut self,
        names: impl ExactSizeIterator<Item = &'v str>,
        values: impl Iterator<Item = &'v V>,
        write: fn(&mut Encoder, &V) -> usize,
    ) -> usize {
        let written = self.map_of(names, values, |encoder, value| Some(write(encoder, value)));
        written.unwrap_or_default()
    }

    /// The same with values that may be refused: then None, and what was written is of no use.
    pub(super) fn map_of<'v, V>(
        &mut self,
        names: impl ExactSizeIterator<Item = &'v str>,
        values: impl Iterator<Item = V>,
        write: impl Fn(&mut Encoder, V) -> Option<usize>,
    ) -> Option<usize> {
        let count = names.len();
        let body = self.open(count, 2);
        let names_start = self.out.len();
        for name in names {
            self.out.extend_from_slice(name.as_bytes());
            self.ends.push((self.out.len() - names_start) as u32);
            self.ends.push(0);
        }
        let values_start = self.out.len();
        let mut total = values_start - names_start;
        for (i, value) in values.enumerate() {
            total += write(self, value)?;
            let end = (self.out.len() - values_start) as u32;
            self.ends[body.first_end + 2 * i + 1] = end;
        }
        let largest = (values_start - names_start).max(self.out.len() - values_start);
        self.close(body, count, largest);
        Some(total)
    }

    /// Appends a list body; returns the sum of what `write` returned.
    fn list<'v, V: 'v>(
        &mut self,
        elements: impl ExactSizeIterator<Item = &'v V>,
        write: fn(&mut Encoder, &V) -> usize,
    ) -> usize {
        let written = self.list_of(elements, |encoder, element| Some(write(encoder, element)));
        written.unwrap_or_default()
    }

    /// The same with elements that may be refused: then None, and what was written is of no use.
    pub(super) fn list_of<V>(
        &mut self,
        elements: impl ExactSizeIterator<Item = V>,
        write: impl Fn(&mut Encoder, V) -> Option<usize>,
    ) -> Option<usize> {
        let count = elements.len();
        let body = self.open(count, 1);
        let start = self.out.len();
        let mut total = 0;
        for element in elements {
            total += write(self, element)?;
            self.ends.push((self.out.len() - start) as u32);
        }
        let largest = self.out.len() - start;
        self.close(body, count, largest);
        Some(total)
    }

    /// Leaves room for width, count and ends, as if the narrow width would do.
    fn open(&mut self, count: usize, per_entry: usize) -> Body {
        let width = if count > usize::from(u16::MAX) { 4 } else { 2 };
        let start = self.out.len();
        let room = 1 + width + count * per_entry * width;
        self.out.resize(start + room, 0);
        Body {
            start,
            first_end: self.ends.len(),
            width,
        }
    }

    /// Fills in width, count and ends, moving the contents when they turned out to be long.
    fn close(&mut self, body: Body, count: usize, largest: usize) {
        let Body {
            start,
            first_end,
            mut width,
        } = body;
        let ends = self.ends.len() - first_end;
        if width == 2 && largest > usize::from(u16::MAX) {
            let contents = start + 1 + 2 + ends * 2;
            let len = self.out.len();
            let wider = 2 + ends * 2;
            self.out.resize(len + wider, 0);
            self.out.copy_within(contents..len, contents + wider);
            width = 4;
        }
        self.out[start] = width as u8;
        let room = &mut self.out[start + 1..start + 1 + width + ends * width];
        let numbers = std::iter::once(count as u32).chain(self.ends.drain(first_end..));
        for (slot, number) in room.chunks_exact_mut(width).zip(numbers) {
            slot.copy_from_slice(&number.to_le_bytes()[..width]);
        }
    }
}
