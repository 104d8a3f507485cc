//! Reading one attribute of a stored item without the rest.

use super::bare;
use super::pg_error::catching;
use pg_dynamo_core::Result;
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::value::bytes::{directory_len, locate, names_len};
use pg_dynamo_core::value::{AvBuf, Item, ItemBuf};
use pgrx::pg_sys;
use std::cell::OnceCell;

/// Items below this many bytes are read whole: every slice costs an index lookup in the TOAST table.
const SLICE_THRESHOLD: usize = 8 * 1024;
/// First bytes fetched of a large item; most directories with their names fit.
const FIRST_SLICE: usize = 2 * 1024;

/// Gives one attribute by its name.
pub type Fetch<'a> = dyn FnMut(&str) -> Result<Option<AvBuf>> + 'a;

/// A stored item as the executor hands it over: maybe a TOAST pointer.
#[derive(Clone, Copy)]
pub struct ItemDatum(pg_sys::Datum);

impl ItemDatum {
    /// # Safety
    /// `datum` must be a non-null varlena holding a `dynamo.item`, alive for as long as this value is used.
    pub unsafe fn new(datum: pg_sys::Datum) -> Self {
        ItemDatum(datum)
    }

    pub fn datum(self) -> pg_sys::Datum {
        self.0
    }

    /// The whole item, detoasted into the current memory context when need be.
    pub fn whole<'a>(self) -> Result<Item<'a>> {
        // SAFETY: by `new`; a detoasted copy lives in the current memory context, which outlives the call.
        unsafe {
            let stored: *mut pg_sys::varlena = self.0.cast_mut_ptr();
            let plain = match self.is_plain() {
                true => stored,
                false => catching(|| bare::pg_detoast_datum_packed(stored)),
            };
            Item::from_bytes(varlena_bytes(plain))
        }
    }

    /// Whether the bytes lie here as they are, neither compressed nor out of line.
    fn is_plain(self) -> bool {
        // SAFETY: by `new`; only the header is read.
        unsafe {
            let stored: *const pg_sys::varlena = self.0.cast_mut_ptr();
            pgrx::varlena::varatt_is_4b_u(stored)
                || (pgrx::varlena::varatt_is_1b(stored) && !pgrx::varlena::varatt_is_1b_e(stored))
        }
    }

    /// True when slices can be fetched (stored out of line, uncompressed) and the item is large enough to bother.
    pub fn sliceable(self) -> bool {
        // SAFETY: by `new`; only the varlena header and a TOAST pointer, copied out because it may be unaligned, are read.
        unsafe {
            let ptr: *const pg_sys::varlena = self.0.cast_mut_ptr();
            if !pgrx::varlena::varatt_is_1b_e(ptr)
                || u32::from(pgrx::varlena::vartag_external(ptr))
                    != pg_sys::vartag_external::VARTAG_ONDISK
            {
                return false;
            }
            let pointer = ptr
                .cast::<u8>()
                .add(2)
                .cast::<pg_sys::varatt_external>()
                .read_unaligned();
            let stored = (pointer.va_extinfo & 0x3fff_ffff) as usize;
            let raw = usize::try_from(pointer.va_rawsize)
                .unwrap_or(0)
                .saturating_sub(4);
            stored >= raw && raw >= SLICE_THRESHOLD
        }
    }

    fn slice(self, offset: usize, length: usize) -> Vec<u8> {
        let (Ok(offset), Ok(length)) = (i32::try_from(offset), i32::try_from(length)) else {
            return Vec::new();
        };
        // SAFETY: by `new`; the slice function checks the range and returns a fresh varlena, freed after the copy.
        unsafe {
            let slice = pg_sys::pg_detoast_datum_slice(self.0.cast_mut_ptr(), offset, length);
            let bytes = varlena_bytes(slice).to_vec();
            pg_sys::pfree(slice.cast());
            bytes
        }
    }

    /// One attribute. Large items give up only their directory and that attribute's bytes.
    pub fn attribute(self, name: &str) -> Result<Option<AvBuf>> {
        if !self.sliceable() {
            return Ok(self.whole()?.get(name)?.map(|value| value.to_owned()));
        }
        let directory = self.directory()?;
        self.located(&directory, name)
    }

    /// Whether the item has the attribute; of a large item only the directory is read.
    pub fn has(self, name: &str) -> Result<bool> {
        if !self.sliceable() {
            return Ok(self.whole()?.get(name)?.is_some());
        }
        Ok(locate(&self.directory()?, name)?.is_some())
    }

    /// DynamoDB's size of the item, from its header.
    pub fn size(self) -> Result<usize> {
        if !self.sliceable() {
            return Ok(self.whole()?.size());
        }
        Ok(Item::from_bytes(&self.directory()?)?.size())
    }

    /// Several attributes as an item of their own, and DynamoDB's size of the whole.
    pub fn project(
        self,
        project: &mut dyn FnMut(&mut Fetch<'_>) -> Result<ItemBuf>,
    ) -> Result<(ItemBuf, usize)> {
        if !self.sliceable() {
            let item = self.whole()?;
            let projected = project(&mut |name| Ok(item.get(name)?.map(|value| value.to_owned())))?;
            return Ok((projected, item.size()));
        }
        let directory = self.directory()?;
        let size = Item::from_bytes(&directory)?.size();
        let projected = project(&mut |name| self.located(&directory, name))?;
        Ok((projected, size))
    }

    /// The leading bytes of the item: header, directory and all names.
    fn directory(self) -> Result<Vec<u8>> {
        let mut bytes = self.slice(0, FIRST_SLICE);
        let directory = directory_len(&bytes)?;
        if directory > bytes.len() {
            bytes = self.slice(0, directory);
        }
        let total = directory + names_len(&bytes)?;
        if total > bytes.len() {
            bytes = self.slice(0, total);
        }
        Ok(bytes)
    }

    fn located(self, directory: &[u8], name: &str) -> Result<Option<AvBuf>> {
        Ok(locate(directory, name)?.map(|(offset, length)| {
            let bytes = match directory.get(offset..offset + length) {
                Some(bytes) => bytes.to_vec(),
                None => self.slice(offset, length),
            };
            AvBuf::from_bytes(bytes)
        }))
    }
}

/// A stored item while it is looked at, perhaps several times: what was fetched once is kept. Lives no longer
/// than the memory context it was made in.
pub struct Stored {
    datum: ItemDatum,
    sliceable: bool,
    whole: OnceCell<Item<'static>>,
    directory: OnceCell<Vec<u8>>,
}

impl Stored {
    pub fn new(datum: ItemDatum) -> Stored {
        Stored {
            datum,
            sliceable: datum.sliceable(),
            whole: OnceCell::new(),
            directory: OnceCell::new(),
        }
    }

    pub fn datum(&self) -> ItemDatum {
        self.datum
    }

    fn directory(&self) -> Result<&[u8]> {
        if let Some(directory) = self.directory.get() {
            return Ok(directory);
        }
        let directory = self.datum.directory()?;
        Ok(self.directory.get_or_init(|| directory))
    }
}

impl StoredItem for Stored {
    fn size(&self) -> Result<usize> {
        if self.in_pieces() {
            return Ok(Item::from_bytes(self.directory()?)?.size());
        }
        Ok(StoredItem::whole(self)?.size())
    }

    fn whole(&self) -> Result<Item<'_>> {
        if let Some(item) = self.whole.get() {
            return Ok(*item);
        }
        let item = self.datum.whole()?;
        Ok(*self.whole.get_or_init(|| item))
    }

    fn attribute(&self, name: &str) -> Result<Option<AvBuf>> {
        if self.in_pieces() {
            return self.datum.located(self.directory()?, name);
        }
        Ok(StoredItem::whole(self)?
            .get(name)?
            .map(|value| value.to_owned()))
    }

    fn in_pieces(&self) -> bool {
        self.sliceable && self.whole.get().is_none()
    }
}

/// # Safety
/// `ptr` must be a detoasted (packed) varlena that lives as long as the result is used.
pub unsafe fn varlena_bytes<'a>(ptr: *const pg_sys::varlena) -> &'a [u8] {
    unsafe { pgrx::varlena::varlena_to_byte_slice(ptr) }
}
