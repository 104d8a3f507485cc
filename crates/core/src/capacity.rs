//! Capacity units and the ConsumedCapacity / ItemCollectionMetrics members of replies.
//!
//! Rules: "DynamoDB read and write operations" and "provisioned capacity" of the developer guide. A unit is
//! 4 KB read or 1 KB written, rounded up for each item; an eventually consistent read costs half; a write
//! costs the larger of the old and the new item; a missing item costs one unit.
use crate::json::write_string;
use crate::limits::{READ_UNIT, WRITE_UNIT};
use crate::request::options::ReturnCapacity;
use crate::value::{Item, json::write_av};
use crate::{Result, table::KeySchema};

mod write;
pub use write::WriteUnits;

/// Capacity in halves of a unit: exact, whatever is added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(u64);

impl Units {
    /// Reading one item of `size` bytes (0: there is none).
    pub fn of_read(size: usize, consistent: bool) -> Units {
        let whole = size.div_ceil(READ_UNIT).max(1) as u64;
        Units(if consistent { 2 * whole } else { whole })
    }
    /// Writing one item; sizes in bytes, 0 where there is none.
    pub fn of_write(old: usize, new: usize) -> Units {
        Units(2 * old.max(new).div_ceil(WRITE_UNIT).max(1) as u64)
    }
    /// Of an item in a transaction: it is prepared, then committed.
    pub fn doubled(self) -> Units {
        Units(2 * self.0)
    }
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 2.0
    }
    /// In halves of a unit.
    pub fn halves(self) -> u64 {
        self.0
    }
}

impl std::ops::Add for Units {
    type Output = Units;
    fn add(self, other: Units) -> Units {
        Units(self.0 + other.0)
    }
}

impl std::ops::Sub for Units {
    type Output = Units;
    fn sub(self, other: Units) -> Units {
        Units(self.0.saturating_sub(other.0))
    }
}

/// What a request consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    pub read: Units,
    pub write: Units,
}

impl Consumed {
    pub fn of_read(units: Units) -> Consumed {
        Consumed {
            read: units,
            ..Consumed::default()
        }
    }
    pub fn of_write(units: Units) -> Consumed {
        Consumed {
            write: units,
            ..Consumed::default()
        }
    }
    pub fn total(self) -> Units {
        self.read + self.write
    }
}

impl std::iter::Sum for Units {
    fn sum<I: Iterator<Item = Units>>(units: I) -> Units {
        units.fold(Units::default(), |sum, units| sum + units)
    }
}

/// `{"TableName":"Music","CapacityUnits":1.0}`, with `"Table":{"CapacityUnits":1.0}` when indexes were asked for.
/// `table`: as the request named it. Nothing for NONE: the caller leaves the member out.
pub fn write_consumed(out: &mut String, table: &str, units: Units, show: ReturnCapacity) {
    let number = format!("{:.1}", units.as_f64());
    out.push_str("{\"TableName\":");
    write_string(out, table);
    out.push_str(",\"CapacityUnits\":");
    out.push_str(&number);
    if show == ReturnCapacity::Indexes {
        out.push_str(",\"Table\":{\"CapacityUnits\":");
        out.push_str(&number);
        out.push('}');
    }
    out.push('}');
}

/// `{"TableName":"Music","CapacityUnits":4.0,"ReadCapacityUnits":4.0}`, as transactions show it; with
/// `"Table":{"CapacityUnits":4.0,"ReadCapacityUnits":4.0}` when indexes were asked for.
pub fn write_read_in_transaction(
    out: &mut String,
    table: &str,
    units: Units,
    show: ReturnCapacity,
) {
    out.push_str("{\"TableName\":");
    write_string(out, table);
    out.push(',');
    write_units_of_kind(out, "Read", units);
    if show == ReturnCapacity::Indexes {
        out.push_str(",\"Table\":{");
        write_units_of_kind(out, "Read", units);
        out.push('}');
    }
    out.push('}');
}

/// `"CapacityUnits":4.0,"ReadCapacityUnits":4.0`
fn write_units_of_kind(out: &mut String, kind: &str, units: Units) {
    let number = units.as_f64();
    out.push_str(&format!(
        "\"CapacityUnits\":{number:.1},\"{kind}CapacityUnits\":{number:.1}"
    ));
}

/// What one page of a Query or Scan consumed.
#[derive(Clone, Copy, Debug)]
pub struct ReadUnits<'a> {
    /// Zero when everything came from the index.
    pub table: Units,
    /// Name of the index, whether it is a local one, and its units.
    pub index: Option<(&'a str, bool, Units)>,
}

impl ReadUnits<'_> {
    /// `{"TableName":"Music","CapacityUnits":4.0}`; when indexes were asked for also
    /// `"Table":{"CapacityUnits":3.0},"LocalSecondaryIndexes":{"ByYear":{"CapacityUnits":1.0}}`.
    /// `table`: as the request named it.
    pub fn write(self, out: &mut String, table: &str, show: ReturnCapacity) {
        let Some((index, local, units)) = self.index else {
            return write_consumed(out, table, self.table, show);
        };
        write_consumed(out, table, self.table + units, ReturnCapacity::Total);
        if show != ReturnCapacity::Indexes {
            return;
        }
        out.pop();
        let member = if local {
            "LocalSecondaryIndexes"
        } else {
            "GlobalSecondaryIndexes"
        };
        out.push_str(&format!(
            ",\"Table\":{{\"CapacityUnits\":{:.1}}},\"{member}\":{{",
            self.table.as_f64()
        ));
        write_string(out, index);
        out.push_str(&format!(":{{\"CapacityUnits\":{:.1}}}}}}}", units.as_f64()));
    }
}

/// `{"ItemCollectionKey":{"pk":…},"SizeEstimateRangeGB":[0.0,1.0]}`. The estimate is always the first
/// gigabyte: a collection here has no limit of 10 GB that it would warn about.
pub fn write_collection_metrics(
    out: &mut String,
    item: Item<'_>,
    schema: &KeySchema,
) -> Result<()> {
    out.push_str("{\"ItemCollectionKey\":{");
    if let Some(value) = item.get(&schema.partition.name)? {
        write_string(out, &schema.partition.name);
        out.push(':');
        write_av(out, value)?;
    }
    out.push_str("},\"SizeEstimateRangeGB\":[0.0,1.0]}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cost_a_unit_for_each_4_kb_and_half_when_eventually_consistent() {
        for (size, strong) in [
            (0, 1.0),
            (1, 1.0),
            (4096, 1.0),
            (4097, 2.0),
            (409_600, 100.0),
        ] {
            assert_eq!(Units::of_read(size, true).as_f64(), strong, "{size}");
            assert_eq!(Units::of_read(size, false).as_f64(), strong / 2.0, "{size}");
        }
    }

    #[test]
    fn writes_cost_a_unit_for_each_kb_of_the_larger_item() {
        for (old, new, units) in [
            (0, 0, 1.0),
            (0, 1024, 1.0),
            (0, 1025, 2.0),
            (5000, 10, 5.0),
            (10, 5000, 5.0),
            (0, 409_600, 400.0),
        ] {
            assert_eq!(Units::of_write(old, new).as_f64(), units, "{old} {new}");
        }
    }

    #[test]
    fn consumed_capacity_shows_the_table_apart_only_for_indexes() {
        let mut out = String::new();
        write_consumed(&mut out, "Music", Units(1), ReturnCapacity::Total);
        assert_eq!(out, r#"{"TableName":"Music","CapacityUnits":0.5}"#);
        out.clear();
        write_consumed(&mut out, "Music", Units(4), ReturnCapacity::Indexes);
        assert_eq!(
            out,
            r#"{"TableName":"Music","CapacityUnits":2.0,"Table":{"CapacityUnits":2.0}}"#
        );
    }
}
