//! What a write consumes, of the table and of each index ("Provisioned throughput considerations for global
//! secondary indexes" of the developer guide): an index is written when its entry comes, goes or changes. A changed
//! key costs two writes, one for the entry that goes and one for the one that comes; an entry that stays as it is
//! costs nothing. Entries are measured as they are projected.
use super::{Units, write_consumed, write_units_of_kind};
use crate::Result;
use crate::json::write_string;
use crate::request::options::ReturnCapacity;
use crate::table::{IndexRef, TableDefinition};
use crate::value::Item;
use std::collections::BTreeMap;

/// Units of one write, or of several to one table.
#[derive(Debug, Default)]
pub struct WriteUnits<'d> {
    table: Units,
    /// By name: those that were written.
    local: BTreeMap<&'d str, Units>,
    global: BTreeMap<&'d str, Units>,
}

impl<'d> WriteUnits<'d> {
    /// Counts a write that found `old` and left `new`. Err: corrupt stored bytes.
    pub fn add(
        &mut self,
        definition: &'d TableDefinition,
        old: Option<Item<'_>>,
        new: Option<Item<'_>>,
    ) -> Result<()> {
        let size = |item: Option<Item<'_>>| item.map_or(0, Item::size);
        self.table = self.table + Units::of_write(size(old), size(new));
        for index in definition.indexes().filter(|index| index.is_maintained()) {
            let Some(units) = of_index(definition, index, old, new)? else {
                continue;
            };
            let of_kind = match index {
                IndexRef::Local(_) => &mut self.local,
                IndexRef::Global(_) => &mut self.global,
            };
            let sum = of_kind.entry(index.name()).or_default();
            *sum = *sum + units;
        }
        Ok(())
    }

    /// Counts units of the table alone: of a write that was refused.
    pub fn charge(&mut self, units: Units) {
        self.table = self.table + units;
    }

    /// What the table's own throughput pays: local indexes are part of it.
    pub fn of_table(&self) -> Units {
        self.table + self.local.values().copied().sum()
    }

    /// What the throughput of each global index pays, by its name.
    pub fn of_global_indexes(&self) -> impl Iterator<Item = (&str, Units)> {
        self.global.iter().map(|(name, units)| (*name, *units))
    }

    /// Writes that were counted so far are those of a transaction: the table pays twice for each, for preparing and
    /// for committing it; an index is written once.
    pub fn in_transaction(mut self) -> WriteUnits<'d> {
        self.table = self.table.doubled();
        self
    }

    pub fn total(&self) -> Units {
        let indexes = self.local.values().chain(self.global.values());
        self.table + indexes.copied().sum()
    }

    /// `{"TableName":"Music","CapacityUnits":3.0}`; when indexes were asked for also
    /// `"Table":{"CapacityUnits":1.0},"GlobalSecondaryIndexes":{"ByYear":{"CapacityUnits":2.0}}`.
    /// `table`: as the request named it.
    pub fn write(&self, out: &mut String, table: &str, show: ReturnCapacity) {
        write_consumed(out, table, self.total(), ReturnCapacity::Total);
        if show != ReturnCapacity::Indexes {
            return;
        }
        out.pop();
        out.push_str(",\"Table\":{");
        write_units(out, self.table);
        out.push('}');
        write_indexes(out, self, write_units);
        out.push('}');
    }

    /// The same of a transaction: each number once more, as of a write.
    pub fn write_in_transaction(&self, out: &mut String, table: &str, show: ReturnCapacity) {
        let write_units = |out: &mut String, units| write_units_of_kind(out, "Write", units);
        out.push_str("{\"TableName\":");
        write_string(out, table);
        out.push(',');
        write_units(out, self.total());
        if show == ReturnCapacity::Indexes {
            out.push_str(",\"Table\":{");
            write_units(out, self.table);
            out.push('}');
            write_indexes(out, self, write_units);
        }
        out.push('}');
    }
}

/// Appends `"LocalSecondaryIndexes":{"ByYear":` …`}`, and the global ones, of those that were written.
fn write_indexes(
    out: &mut String,
    units: &WriteUnits<'_>,
    write_units: impl Fn(&mut String, Units),
) {
    for (member, indexes) in [
        (",\"LocalSecondaryIndexes\":", &units.local),
        (",\"GlobalSecondaryIndexes\":", &units.global),
    ] {
        if indexes.is_empty() {
            continue;
        }
        out.push_str(member);
        let mut before = '{';
        for (name, units) in indexes {
            out.push(before);
            before = ',';
            write_string(out, name);
            out.push_str(":{");
            write_units(out, *units);
            out.push('}');
        }
        out.push('}');
    }
}

fn write_units(out: &mut String, units: Units) {
    out.push_str(&format!("\"CapacityUnits\":{:.1}", units.as_f64()));
}

/// None: the index is not written.
fn of_index(
    definition: &TableDefinition,
    index: IndexRef<'_>,
    old: Option<Item<'_>>,
    new: Option<Item<'_>>,
) -> Result<Option<Units>> {
    let schema = index.schema();
    let key = |item: Option<Item<'_>>| match item {
        Some(item) => schema.key_of(item),
        None => Ok(None),
    };
    let (old_key, new_key) = (key(old)?, key(new)?);
    let old = old.filter(|_| old_key.is_some());
    let new = new.filter(|_| new_key.is_some());
    let units = |item| Ok(Units::of_write(projected_size(definition, index, item)?, 0));
    Ok(match (old, new) {
        (None, None) => None,
        (Some(entry), None) | (None, Some(entry)) => Some(units(entry)?),
        (Some(old), Some(new)) if old_key != new_key => Some(units(old)? + units(new)?),
        (Some(old), Some(new)) if same_entry(definition, index, old, new)? => None,
        (Some(old), Some(new)) => Some(units(old)?.max(units(new)?)),
    })
}

fn projected_size(
    definition: &TableDefinition,
    index: IndexRef<'_>,
    item: Item<'_>,
) -> Result<usize> {
    let Some(names) = index.projected(definition) else {
        return Ok(item.size());
    };
    let mut size = 0;
    for name in names {
        if let Some(value) = item.get(name)? {
            size += name.len() + value.size()?;
        }
    }
    Ok(size)
}

/// Whether both items have equal entries. Equal values have equal bytes.
fn same_entry(
    definition: &TableDefinition,
    index: IndexRef<'_>,
    old: Item<'_>,
    new: Item<'_>,
) -> Result<bool> {
    let Some(names) = index.projected(definition) else {
        return Ok(old.bytes() == new.bytes());
    };
    for name in names {
        let (old, new) = (old.get(name)?, new.get(name)?);
        if old.map(|value| value.bytes()) != new.map(|value| value.bytes()) {
            return Ok(false);
        }
    }
    Ok(true)
}
