//! A whole item as stored (see [`super::bytes`] for the format): reading it, building it, changing some
//! of its attributes, and reading one attribute by byte ranges.
use super::bytes::{Directory, VERSION, body_header, corrupt};
use super::{Attributes, Av, AvBuf, MAX_VALUE_DEPTH, MapRef, encode, validate};
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
        let mut parts = Vec::new();
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

    pub fn as_item(&self) -> Item<'_> {
        Item(&self.0)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
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
