//! Predicates evaluated over stored bytes. Equality is equality of bytes, order is memcmp of payloads;
//! nothing is decoded.

use super::ast::Comparator;
use super::path::DocPath;
use crate::{
    Result,
    value::{Av, AvBuf, AvKind, Item, Number, Value, ValueType},
};
use std::cmp::Ordering;

/// Where an operand's value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Path(DocPath),
    Value(AvBuf),
    Size(Box<Source>),
}
#[derive(Clone, Debug)]
pub enum Test {
    Compare(Source, Comparator, Source),
    Between(Source, Source, Source),
    In(Source, Vec<Source>),
    Exists(DocPath),
    NotExists(DocPath),
    Type(Source, ValueType),
    BeginsWith(Source, Source),
    Contains(Source, Source),
}

enum Found<'a> {
    Stored(Av<'a>),
    Computed(AvBuf),
}
impl Found<'_> {
    fn av(&self) -> Av<'_> {
        match self {
            Found::Stored(av) => *av,
            Found::Computed(buf) => buf.as_av(),
        }
    }
}

impl Source {
    fn find<'a>(&'a self, item: Option<Item<'a>>) -> Result<Option<Found<'a>>> {
        match self {
            Source::Value(value) => Ok(Some(Found::Stored(value.as_av()))),
            Source::Path(path) => Ok(match item {
                Some(item) => path.find(item)?.map(Found::Stored),
                None => None,
            }),
            Source::Size(of) => {
                let Some(of) = of.find(item)? else {
                    return Ok(None);
                };
                let size = size(of.av())?;
                Ok(size.map(|n| Found::Computed(Value::N(Number::from_u64(n as u64)).encode())))
            }
        }
    }

    fn path(&self) -> Option<&DocPath> {
        match self {
            Source::Path(path) => Some(path),
            Source::Size(of) => of.path(),
            Source::Value(_) => None,
        }
    }
}

/// `size()`: UTF-16 code units of a string (that is what the service counts), bytes of a binary, members of
/// everything else that has members; other types have no size.
fn size(value: Av<'_>) -> Result<Option<usize>> {
    Ok(match value.kind()? {
        AvKind::S(text) => Some(text.encode_utf16().count()),
        AvKind::B(bytes) => Some(bytes.len()),
        AvKind::M(map) => Some(map.len()?),
        AvKind::L(list) => Some(list.len()?),
        AvKind::Ss(set) | AvKind::Ns(set) | AvKind::Bs(set) => Some(set.len()?),
        AvKind::N(_) | AvKind::Bool(_) | AvKind::Null => None,
    })
}

impl Test {
    /// A missing attribute makes every comparison false but `<>`.
    pub fn holds(&self, item: Option<Item<'_>>) -> Result<bool> {
        match self {
            Test::Exists(path) => exists(path, item),
            Test::NotExists(path) => Ok(!exists(path, item)?),
            Test::Compare(left, comparator, right) => {
                let (left, right) = (left.find(item)?, right.find(item)?);
                compare(left.as_ref(), *comparator, right.as_ref())
            }
            Test::Between(tested, low, high) => {
                let (tested, low, high) = (tested.find(item)?, low.find(item)?, high.find(item)?);
                Ok(compare(tested.as_ref(), Comparator::Ge, low.as_ref())?
                    && compare(tested.as_ref(), Comparator::Le, high.as_ref())?)
            }
            Test::In(tested, list) => {
                let tested = tested.find(item)?;
                for member in list {
                    if compare(tested.as_ref(), Comparator::Eq, member.find(item)?.as_ref())? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Type(tested, kind) => match tested.find(item)? {
                Some(found) => Ok(found.av().value_type()? == *kind),
                None => Ok(false),
            },
            Test::BeginsWith(whole, prefix) => match (whole.find(item)?, prefix.find(item)?) {
                (Some(whole), Some(prefix)) => begins_with(whole.av(), prefix.av()),
                _ => Ok(false),
            },
            Test::Contains(whole, part) => match (whole.find(item)?, part.find(item)?) {
                (Some(whole), Some(part)) => contains(whole.av(), part.av()),
                _ => Ok(false),
            },
        }
    }

    pub fn each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a DocPath)) {
        let mut sources =
            |all: &[&'a Source]| all.iter().filter_map(|s| s.path()).for_each(&mut *visit);
        match self {
            Test::Compare(a, _, b) | Test::BeginsWith(a, b) | Test::Contains(a, b) => {
                sources(&[a, b])
            }
            Test::Between(a, b, c) => sources(&[a, b, c]),
            Test::In(a, list) => {
                sources(&[a]);
                list.iter().for_each(|s| sources(&[s]));
            }
            Test::Type(a, _) => sources(&[a]),
            Test::Exists(path) | Test::NotExists(path) => visit(path),
        }
    }
}

fn exists(path: &DocPath, item: Option<Item<'_>>) -> Result<bool> {
    match item {
        Some(item) => Ok(path.find(item)?.is_some()),
        None => Ok(false),
    }
}

fn compare(
    left: Option<&Found<'_>>,
    comparator: Comparator,
    right: Option<&Found<'_>>,
) -> Result<bool> {
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(comparator == Comparator::Ne);
    };
    let (left, right) = (left.av(), right.av());
    match comparator {
        Comparator::Eq => return Ok(left.bytes() == right.bytes()),
        Comparator::Ne => return Ok(left.bytes() != right.bytes()),
        _ => {}
    }
    let Some(order) = left.partial_cmp(right)? else {
        return Ok(false);
    };
    Ok(match comparator {
        Comparator::Lt => order == Ordering::Less,
        Comparator::Le => order != Ordering::Greater,
        Comparator::Gt => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

fn begins_with(whole: Av<'_>, prefix: Av<'_>) -> Result<bool> {
    Ok(match (whole.kind()?, prefix.kind()?) {
        (AvKind::S(whole), AvKind::S(prefix)) => whole.starts_with(prefix),
        (AvKind::B(whole), AvKind::B(prefix)) => whole.starts_with(prefix),
        _ => false,
    })
}

/// Substring of a string or binary, member of a set, element of a list.
fn contains(whole: Av<'_>, part: Av<'_>) -> Result<bool> {
    match (whole.kind()?, part.kind()?) {
        (AvKind::S(whole), AvKind::S(part)) => {
            Ok(memchr::memmem::find(whole.as_bytes(), part.as_bytes()).is_some())
        }
        (AvKind::B(whole), AvKind::B(part)) => Ok(memchr::memmem::find(whole, part).is_some()),
        (AvKind::Ss(set), AvKind::S(part)) => set.contains(part.as_bytes()),
        (AvKind::Ns(set), AvKind::N(part)) | (AvKind::Bs(set), AvKind::B(part)) => {
            set.contains(part)
        }
        (AvKind::L(list), _) => {
            for i in 0..list.len()? {
                if list
                    .get(i)?
                    .is_some_and(|element| element.bytes() == part.bytes())
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}
