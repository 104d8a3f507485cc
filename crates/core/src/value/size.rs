//! Item sizes by AWS's published rules: developer guide, "DynamoDB item sizes and formats"
//! (CapacityUnitCalculations).
//!
//! - a name, a string: its UTF-8 bytes; binary: its raw bytes; BOOL, NULL: 1
//! - a number: "approximately" 1 byte per two significant digits, plus 1. Exactly: its base-100
//!   digit pairs (so 12 has one, 1.2 has two), plus 1, plus 1 when negative; zero is 1
//! - a list or map: 3, plus 1 for each element or entry, plus names and values
//! - a set: the sum of its members
use super::{Attributes, Number, Value};

/// Overhead of a list or map.
pub const CONTAINER_OVERHEAD: usize = 3;
/// Overhead of each element or entry of a list or map (not of an item's own attributes).
pub const ENTRY_OVERHEAD: usize = 1;

/// Size of a number from the length of its stored bytes: sign byte and exponent byte count as one.
pub fn number_size(key_len: usize) -> usize {
    key_len.saturating_sub(1).max(1)
}

impl Number {
    /// Bytes as DynamoDB counts them: 1 ..= 22.
    pub fn size(self) -> usize {
        let mut key = Vec::with_capacity(super::number_key::MAX_KEY_LEN);
        self.write_key(&mut key);
        number_size(key.len())
    }
}

/// Size of a whole item: names and values of its attributes.
pub fn item_size(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(name, value)| name.len() + value.size())
        .sum()
}

pub(super) fn value_size(value: &Value) -> usize {
    match value {
        Value::S(s) => s.len(),
        Value::N(n) => n.size(),
        Value::B(b) => b.len(),
        Value::Bool(_) | Value::Null => 1,
        Value::M(m) => CONTAINER_OVERHEAD + m.len() * ENTRY_OVERHEAD + item_size(m),
        Value::L(l) => {
            CONTAINER_OVERHEAD + l.len() * ENTRY_OVERHEAD + l.iter().map(Value::size).sum::<usize>()
        }
        Value::Ss(set) => set.iter().map(String::len).sum(),
        Value::Ns(set) => set.iter().map(|n| n.size()).sum(),
        Value::Bs(set) => set.iter().map(Vec::len).sum(),
    }
}
