//! Attribute values: owned trees ([`Value`]), stored bytes ([`Av`], [`Item`]) and their text forms.
use crate::{ApiError, Result};
use std::collections::{BTreeMap, BTreeSet};
pub mod bytes;
mod encode;
mod encode_json;
mod floor;
pub mod item;
pub mod json;
pub mod number;
pub mod number_key;
pub mod plain;
pub mod size;
mod validate;
pub use bytes::{Av, AvBuf, AvKind, ListRef, MapRef, SetRef};
pub use item::{Item, ItemBuf};
pub use number::Number;

/// Attribute name -> value. Names sort by UTF-8 bytes.
pub type Attributes = BTreeMap<String, Value>;

/// Lists and maps around one another in one attribute value. DynamoDB allows 32 levels and counts the
/// item itself as one: it accepts 31 maps around a scalar and refuses 32.
pub const MAX_VALUE_DEPTH: usize = crate::limits::MAX_DEPTH - 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(Attributes),
    L(Vec<Value>),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
}

/// The ten types, in a fixed order; the discriminant is NOT the stored tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    S,
    N,
    B,
    Bool,
    Null,
    M,
    L,
    Ss,
    Ns,
    Bs,
}

impl ValueType {
    /// In the order of the discriminants.
    pub const ALL: [ValueType; 10] = [
        ValueType::S,
        ValueType::N,
        ValueType::B,
        ValueType::Bool,
        ValueType::Null,
        ValueType::M,
        ValueType::L,
        ValueType::Ss,
        ValueType::Ns,
        ValueType::Bs,
    ];

    /// "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"
    pub fn name(self) -> &'static str {
        match self {
            ValueType::S => "S",
            ValueType::N => "N",
            ValueType::B => "B",
            ValueType::Bool => "BOOL",
            ValueType::Null => "NULL",
            ValueType::M => "M",
            ValueType::L => "L",
            ValueType::Ss => "SS",
            ValueType::Ns => "NS",
            ValueType::Bs => "BS",
        }
    }

    pub fn from_name(name: &str) -> Option<ValueType> {
        ValueType::ALL.into_iter().find(|t| t.name() == name)
    }
}

impl Value {
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::S(_) => ValueType::S,
            Value::N(_) => ValueType::N,
            Value::B(_) => ValueType::B,
            Value::Bool(_) => ValueType::Bool,
            Value::Null => ValueType::Null,
            Value::M(_) => ValueType::M,
            Value::L(_) => ValueType::L,
            Value::Ss(_) => ValueType::Ss,
            Value::Ns(_) => ValueType::Ns,
            Value::Bs(_) => ValueType::Bs,
        }
    }

    pub fn encode(&self) -> AvBuf {
        encode::value(self)
    }

    /// Bytes as DynamoDB counts them, without an attribute name.
    pub fn size(&self) -> usize {
        size::value_size(self)
    }

    /// Levels of nesting: a scalar or set is 0, {"L":[]} is 1, {"L":[{"L":[]}]} is 2.
    pub fn depth(&self) -> usize {
        let inner = |deepest: Option<usize>| 1 + deepest.unwrap_or(0);
        match self {
            Value::M(m) => inner(m.values().map(Value::depth).max()),
            Value::L(l) => inner(l.iter().map(Value::depth).max()),
            _ => 0,
        }
    }

    /// Err(ValidationException) when the value nests deeper than [`MAX_VALUE_DEPTH`]; for values that
    /// were put together (an update to a nested path), as parsed ones have been checked.
    pub fn check_depth(&self) -> Result<()> {
        if self.depth() > MAX_VALUE_DEPTH {
            return Err(nesting_error());
        }
        Ok(())
    }
}

/// DynamoDB's refusal of a value that nests too deep.
pub fn nesting_error() -> ApiError {
    ApiError::validation(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
    )
}
