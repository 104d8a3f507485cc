//! What the items of one range cost.
use super::{IndexRead, PageRead, StoredItem, size_of_attributes};
use crate::Result;
use crate::capacity::Units;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Charge {
    /// Bytes read of the table, or of the index when there is one: they are charged as one sum.
    charged: usize,
    /// Bytes that count against 1 MB: with a local index that fetches, those of the whole items.
    page_size: usize,
    /// What fetching from the table costs, when a local index does not hold what is asked for.
    fetched: Units,
}

impl Charge {
    /// An item that was looked at.
    pub fn count(&mut self, read: &PageRead, item: &dyn StoredItem) -> Result<()> {
        let Some(IndexRead { entry, fetches, .. }) = &read.index else {
            self.charged += item.size()?;
            self.page_size = self.charged;
            return Ok(());
        };
        let entry_size = match entry {
            Some(names) => size_of_attributes(names, item)?,
            None => item.size()?,
        };
        self.charged += entry_size;
        if *fetches {
            let whole = item.size()?;
            self.fetched = self.fetched + Units::of_read(whole, read.consistent);
            self.page_size += whole;
        } else {
            self.page_size += entry_size;
        }
        Ok(())
    }

    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Of the table and of the index.
    pub fn units(&self, read: &PageRead) -> (Units, Units) {
        let units = Units::of_read(self.charged, read.consistent);
        match read.index {
            None => (units, Units::default()),
            Some(_) => (self.fetched, units),
        }
    }
}
