//! A whole item as stored (see [`super::bytes`] for the format): reading it, building it, changing some
//! of its attributes, and reading one attribute by byte ranges.
use super::bytes::{Directory, VERSION, body_header, corrupt};
use super::{Attributes, Av, AvBuf, MAX_VALUE_DEPTH, MapRef, encode, encode_json, validate};
use crate::json::Json;
use crate::{ApiError, Result};
use std::collections::BTreeMap;

/// Version and size in front of an item's map body.
pub const ITEM_HEADER: usize = 5;

/// A whole item: version, size, map body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a>(&'a [u8]);
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemBuf(pub(super) Vec<u8>);

impl<'a> Item<'a> {
    /// Checks version and header only.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Item<'a>> {
        match bytes.get(ITEM_HEADER..) {
            Some(body) if bytes[0] == VERSION && body_header(body).is_some() => Ok(Item(bytes)),
            _ => corrupt("item header"),
        }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// DynamoDB's size of the item in bytes, from the header.
    pub fn size(self) -> usize {
        match *self.0 {
            [_, a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]) as usize,
            _ => 0,
        }
    }

    pub fn map(self) -> MapRef<'a> {
        MapRef(self.0.get(ITEM_HEADER..).unwrap_or_default())
    }

    pub fn get(self, name: &str) -> Result<Option<Av<'a>>> {
        self.map().get(name)
    }

    pub fn to_attributes(self) -> Result<Attributes> {
        self.map().decode(MAX_VALUE_DEPTH)
    }

    /// As [`Av::validate`], and that the size in the header is the item's size.
    pub fn validate(self) -> Result<()> {
        validate::map(self.map(), MAX_VALUE_DEPTH)?;
        if self.map().content_size(MAX_VALUE_DEPTH, false)? != self.size() {
            return corrupt("item size");
        }
        Ok(())
    }
}

impl ItemBuf {
    /// Bytes taken from a stored item; readers check them as they go.
    pub fn from_bytes(bytes: Vec<u8>) -> ItemBuf {
        ItemBuf(bytes)
    }
    pub fn from_attributes(attributes: &Attributes) -> ItemBuf {
        encode::item(attributes)
    }

    /// From DynamoDB JSON whose shape was checked, when nothing is wrong with it. None: `read_attributes` tells.
    pub fn from_json(json: &Json<'_>) -> Option<ItemBuf> {
        encode_json::item(json)
    }

    /// Build from already encoded parts (sorted by name by this function); used by projection and
    /// update. Err when a name occurs twice.
    pub fn from_parts(parts: &mut Vec<(&str, Av<'_>)>) -> Result<ItemBuf> {
        parts.sort_unstable_by_key(|part| part.0);
        if parts.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return corrupt("attribute name twice");
        }
        let mut total = 0;
        for (name, value) in parts.iter() {
            total += name.len() + value.size()?;
        }
        Ok(encode::item_from_sorted(parts, total))
    }

    /// `old` (None: no item) with attributes set (Some) or removed (None); the bytes of the others
    /// are copied as they are and only the changed ones are measured.
    pub fn with_changes(
        old: Option<Item<'_>>,
        changes: &BTreeMap<&str, Option<AvBuf>>,
    ) -> Result<ItemBuf> {
        let mut total = old.map_or(0, Item::size);
        let mut parts = Vec::with_capacity(changes.len() + old.map_or(Ok(0), |o| o.map().len())?);
        let mut pending = changes.iter().peekable();
        if let Some(old) = old {
            for entry in old.map().iter()? {
                let (name, value) = entry?;
                while let Some((new_name, change)) = pending.next_if(|(new, _)| **new < name) {
                    add_part(&mut parts, &mut total, new_name, change.as_ref())?;
                }
                match pending.next_if(|(new, _)| **new == name) {
                    None => parts.push((name, value)),
                    Some((_, change)) => {
                        total = total.saturating_sub(name.len() + value.size()?);
                        add_part(&mut parts, &mut total, name, change.as_ref())?;
                    }
                }
            }
        }
        for (new_name, change) in pending {
            add_part(&mut parts, &mut total, new_name, change.as_ref())?;
        }
        Ok(encode::item_from_sorted(&parts, total))
    }

    /// `old` with one attribute set (Some) or removed (None).
    pub fn with_change(old: Item<'_>, name: &str, value: Option<AvBuf>) -> Result<ItemBuf> {
        if let Some(value) = &value
            && let Some(item) = replaced(old, name, value.as_av())?
        {
            return Ok(item);
        }
        ItemBuf::with_changes(Some(old), &BTreeMap::from([(name, value)]))
    }

    pub fn as_item(&self) -> Item<'_> {
        Item(&self.0)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The item with another value of an attribute that it has: what stands around it is copied, and the ends behind it
/// move. None: it has none, or the directory's numbers would need, or need no longer, four bytes.
fn replaced(old: Item<'_>, name: &str, value: Av<'_>) -> Result<Option<ItemBuf>> {
    const WIDTH: usize = 2;
    let directory = old.map().directory()?;
    let found = directory.find(name.as_bytes()).flatten();
    let Some((i, (start, end))) = found.and_then(|i| Some((i, directory.value_extent(i)?))) else {
        return Ok(None);
    };
    let Some((names, values)) = directory.map_areas() else {
        return Ok(None);
    };
    let bytes = old.bytes();
    let fits = (values + value.bytes().len()).saturating_sub(end - start) <= usize::from(u16::MAX);
    if directory.width != WIDTH || !fits || directory.rest_len() != names + values || end > values {
        return Ok(None);
    }
    let area = bytes.len() - values;
    let (before, rest) = bytes.split_at(area + start);
    let (replaced, after) = rest.split_at(end - start);
    let size = old.size().saturating_sub(Av::new(replaced).size()?) + value.size()?;
    let mut out = Vec::with_capacity(before.len() + value.bytes().len() + after.len());
    out.extend_from_slice(before);
    out.extend_from_slice(value.bytes());
    out.extend_from_slice(after);
    out[1..ITEM_HEADER].copy_from_slice(&(size as u32).to_le_bytes());
    // Behind width and count: an end of a name and one of a value for each attribute.
    let (ends, _) = out[ITEM_HEADER + 1 + WIDTH..area - names].as_chunks_mut::<{ 2 * WIDTH }>();
    for [_, _, low, high] in ends.iter_mut().skip(i) {
        let old_end = usize::from(u16::from_le_bytes([*low, *high]));
        let new_end = (old_end + value.bytes().len()).saturating_sub(end - start);
        [*low, *high] = (new_end as u16).to_le_bytes();
    }
    Ok(Some(ItemBuf(out)))
}

fn add_part<'a>(
    parts: &mut Vec<(&'a str, Av<'a>)>,
    total: &mut usize,
    name: &'a str,
    value: Option<&'a AvBuf>,
) -> Result<()> {
    if let Some(value) = value {
        *total += name.len() + value.as_av().size()?;
        parts.push((name, value.as_av()));
    }
    Ok(())
}

/// How many leading bytes of a stored item hold its header and directory, from its first bytes
/// (10 suffice). With this, [`names_len`] and [`locate`] a caller reads one attribute of a large item
/// by byte ranges (TOAST slices): `prefix`, then `0..directory_len`, then
/// `0..directory_len + names_len`, then the value.
pub fn directory_len(prefix: &[u8]) -> Result<usize> {
    let (width, count, header) = match prefix.get(ITEM_HEADER..).and_then(body_header) {
        Some(header) if prefix[0] == VERSION => header,
        _ => return corrupt("item header"),
    };
    count
        .checked_mul(2 * width)
        .and_then(|len| len.checked_add(ITEM_HEADER + header))
        .ok_or_else(|| ApiError::corrupt("item directory"))
}

/// Length of the names area that follows the directory, from an item's first `directory_len` bytes.
pub fn names_len(directory: &[u8]) -> Result<usize> {
    item_directory(directory)?
        .names_len()
        .ok_or_else(|| ApiError::corrupt("item names"))
}

/// (offset, length) of one attribute's value in the item, from its first `directory_len + names_len`
/// bytes. None when the item has no such attribute.
pub fn locate(directory_and_names: &[u8], name: &str) -> Result<Option<(usize, usize)>> {
    let located = |directory: &Directory<'_>| {
        let Some(i) = directory.find(name.as_bytes())? else {
            return Some(None);
        };
        let (start, end) = directory.value_extent(i)?;
        let values = directory_and_names.len() - directory.rest_len() + directory.names_len()?;
        Some(Some((values + start, end - start)))
    };
    located(&item_directory(directory_and_names)?).ok_or_else(|| ApiError::corrupt("item names"))
}

fn item_directory(bytes: &[u8]) -> Result<Directory<'_>> {
    match bytes.get(ITEM_HEADER..) {
        Some(body) if bytes[0] == VERSION => MapRef(body).directory(),
        _ => corrupt("item header"),
    }
}
