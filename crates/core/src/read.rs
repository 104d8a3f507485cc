//! A Query or Scan bound to a table: which rows it reads ([`PageRead::range`]) and what becomes of each.
//!
//! Storage reads the rows of the range in its order and hands them, one by one, to a [`Page`] (a reply of the
//! API: limits, counts, capacity, the key to go on from) or to [`PageRead::select_item`] (a row of SQL).
use crate::expression::{Condition, KeyCondition, Projection};
use crate::json::write_string;
use crate::range::KeyRange;
use crate::request::options::ReturnCapacity;
use crate::table::TableRef;
use crate::value::json::{write_av, write_item};
use crate::value::{Attributes, Av, AvBuf, Item, ItemBuf};
use crate::{ApiError, Result};

mod charge;
mod page;
pub(crate) use charge::Charge;
pub use page::Page;

/// A stored item as storage holds it, perhaps out of line.
pub trait StoredItem {
    /// DynamoDB's size of the item.
    fn size(&self) -> Result<usize>;
    fn whole(&self) -> Result<Item<'_>>;
    /// One attribute; None when the item has none of that name.
    fn attribute(&self, name: &str) -> Result<Option<AvBuf>>;
    /// Whether reading single attributes is cheaper than reading the whole item.
    fn in_pieces(&self) -> bool {
        false
    }
}

impl StoredItem for Item<'_> {
    fn size(&self) -> Result<usize> {
        Ok(Item::size(*self))
    }
    fn whole(&self) -> Result<Item<'_>> {
        Ok(*self)
    }
    fn attribute(&self, name: &str) -> Result<Option<AvBuf>> {
        Ok(self.get(name)?.map(Av::to_owned))
    }
}

/// What a reply shows of each item.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// Select COUNT: nothing.
    Count,
    Whole,
    Parts(Projection),
}

/// The index a read goes through.
#[derive(Clone, Debug)]
pub(crate) struct IndexRead {
    pub name: String,
    pub local: bool,
    /// The attributes an entry of the index holds; None: the whole item.
    pub entry: Option<Vec<String>>,
    /// A local index that is asked for more than it holds: every item is also read from the table.
    pub fetches: bool,
}

/// Which of the two operations reads, and its own parameters.
#[derive(Clone, Debug)]
pub(crate) enum ReadKind {
    /// `keys`: the attributes that have conditions, HASH first.
    Query {
        keys: Vec<String>,
        condition: KeyCondition,
    },
    /// Segment and TotalSegments.
    Scan { segment: Option<(u64, u64)> },
}

/// A filter, and what it sees of an item.
#[derive(Clone, Debug)]
pub(crate) struct FilterRead {
    condition: Condition,
    /// Attributes it asks for and sees.
    names: Vec<String>,
    /// It asks for some that the index does not hold: they count as missing.
    partial: bool,
}

impl FilterRead {
    /// `entry`: the only attributes there are; None: the whole item.
    pub fn new(condition: Condition, entry: Option<&Vec<String>>) -> FilterRead {
        let asked = condition.attributes();
        let count = asked.len();
        let seen = |name: &&str| entry.is_none_or(|entry| entry.iter().any(|n| n == name));
        let names: Vec<String> = asked.into_iter().filter(seen).map(str::to_owned).collect();
        FilterRead {
            partial: names.len() < count,
            names,
            condition,
        }
    }

    fn accepts(&self, item: &dyn StoredItem) -> Result<bool> {
        if !self.partial && !item.in_pieces() {
            return self.condition.eval(Some(item.whole()?));
        }
        let mut found = Vec::with_capacity(self.names.len());
        for name in &self.names {
            if let Some(value) = item.attribute(name)? {
                found.push((name.as_str(), value));
            }
        }
        let mut parts: Vec<_> = found.iter().map(|(n, v)| (*n, v.as_av())).collect();
        let seen = ItemBuf::from_parts(&mut parts)?;
        self.condition.eval(Some(seen.as_item()))
    }
}

/// A Query or Scan bound to a table.
#[derive(Clone, Debug)]
pub struct PageRead {
    pub(crate) table: TableRef,
    pub(crate) kind: ReadKind,
    pub(crate) index: Option<IndexRead>,
    pub(crate) range: KeyRange,
    pub(crate) filter: Option<FilterRead>,
    pub(crate) shown: Shown,
    /// ExclusiveStartKey.
    pub(crate) start: Option<Attributes>,
    pub(crate) limit: Option<u64>,
    pub(crate) consistent: bool,
    pub(crate) capacity: ReturnCapacity,
    /// Key attributes of the table, then those of the index: the members of LastEvaluatedKey.
    pub(crate) keys: Vec<String>,
}

impl PageRead {
    /// The table's name (never an ARN).
    pub fn table(&self) -> &str {
        &self.table.name
    }

    pub fn index(&self) -> Option<&str> {
        self.index.as_ref().map(|index| index.name.as_str())
    }

    /// The global index that is read.
    pub fn global_index(&self) -> Option<&str> {
        let index = self.index.as_ref().filter(|index| !index.local);
        index.map(|index| index.name.as_str())
    }

    /// The partition that a Query asks for, as DynamoDB JSON; None for a Scan.
    pub fn partition_json(&self) -> Result<Option<String>> {
        let ReadKind::Query { keys, condition } = &self.kind else {
            return Ok(None);
        };
        let mut json = String::from("{");
        for (name, value) in keys.iter().zip(&condition.partition) {
            if json.len() > 1 {
                json.push(',');
            }
            write_string(&mut json, name);
            json.push(':');
            write_av(&mut json, value.as_av())?;
        }
        json.push('}');
        Ok(Some(json))
    }

    pub fn range(&self) -> &KeyRange {
        &self.range
    }

    /// Items to be looked at by one page, at most; None: as many as fit.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    pub fn consistent(&self) -> bool {
        self.consistent
    }

    /// What is read, for EXPLAIN: labels and texts, in the order in which they are to be shown.
    pub fn descriptions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if let Some(index) = &self.index {
            found.push(("Index Name", index.name.clone()));
        }
        match &self.kind {
            ReadKind::Query { keys, condition } => {
                found.push(("Key Condition", condition.describe(keys)));
            }
            ReadKind::Scan { segment } => {
                found.extend(segment.map(|(n, total)| ("Segment", format!("{n} of {total}"))));
            }
        }
        if !self.range.forward {
            found.push(("Order", "backward".to_owned()));
        }
        if let Some(start) = &self.start {
            let mut text = String::new();
            // What was encoded here can be read.
            if write_item(&mut text, ItemBuf::from_attributes(start).as_item()).is_ok() {
                found.push(("Start After", text));
            }
        }
        if let Some(filter) = &self.filter {
            found.push(("Filter", filter.condition.describe()));
        }
        if self.index.as_ref().is_some_and(|index| index.fetches) {
            found.push((
                "Fetched from Table",
                "attributes the index lacks".to_owned(),
            ));
        }
        found
    }

    pub fn is_query(&self) -> bool {
        matches!(self.kind, ReadKind::Query { .. })
    }

    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Starts a reply, appended to `out`.
    pub fn page(&self, out: String) -> Page<'_> {
        Page::new(self, out)
    }

    /// Whether [`PageRead::project`] gives every item unchanged.
    pub fn shows_whole_items(&self) -> bool {
        matches!(self.shown, Shown::Whole)
    }

    /// Whether the filter lets the item through. Of an item in pieces only the attributes it asks for are read.
    pub fn accepts(&self, item: &dyn StoredItem) -> Result<bool> {
        match &self.filter {
            Some(filter) => filter.accepts(item),
            None => Ok(true),
        }
    }

    /// What the read shows of an item. (Select COUNT shows nothing in a reply and whole items here: it is
    /// for [`PageRead::select_item`], which knows no Select.)
    pub fn project(&self, item: &dyn StoredItem) -> Result<ItemBuf> {
        match &self.shown {
            Shown::Parts(projection) if item.in_pieces() => {
                projection.project_with(&mut |name| item.attribute(name))
            }
            Shown::Parts(projection) => projection.project(item.whole()?),
            Shown::Whole | Shown::Count => Ok(ItemBuf::from_bytes(item.whole()?.bytes().to_vec())),
        }
    }

    /// The key to go on from behind an item: the members of LastEvaluatedKey, in their order.
    pub(crate) fn key_of(&self, item: &dyn StoredItem) -> Result<Vec<(&str, AvBuf)>> {
        let mut found = Vec::with_capacity(self.keys.len());
        for name in &self.keys {
            match item.attribute(name)? {
                Some(value) => found.push((name.as_str(), value)),
                None => return Err(ApiError::corrupt("a key attribute is missing")),
            }
        }
        Ok(found)
    }

    /// The item as a row of SQL; None when the filter refuses it. Neither Limit nor the size of a page counts.
    pub fn select_item(&self, item: &dyn StoredItem) -> Result<Option<ItemBuf>> {
        if self.accepts(item)? {
            self.project(item).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// LastEvaluatedKey.
pub(crate) fn write_key(out: &mut String, key: &[(&str, AvBuf)]) -> Result<()> {
    out.push('{');
    for (i, (name, value)) in key.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_av(out, value.as_av())?;
    }
    out.push('}');
    Ok(())
}

/// DynamoDB's size of an item that had these attributes only.
fn size_of_attributes(names: &[String], item: &dyn StoredItem) -> Result<usize> {
    let mut total = 0;
    for name in names {
        let size = if item.in_pieces() {
            item.attribute(name)?.map(|value| value.as_av().size())
        } else {
            item.whole()?.get(name)?.map(Av::size)
        };
        if let Some(size) = size {
            total += name.len() + size?;
        }
    }
    Ok(total)
}
