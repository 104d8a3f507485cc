//! What writes may put into the key attributes of secondary indexes. An item without such an attribute is just not
//! in the index; one with a value that cannot be its key is refused.
use super::{Parts, sort_length};
use crate::limits::{MAX_COMPOSITE_SORT_KEY, MAX_PARTITION_KEY, MAX_SORT_KEY};
use crate::table::{IndexRef, KeyAttribute, ScalarType, TableDefinition};
use crate::value::{Item, ValueType};
use crate::{ApiError, Result};

/// Why a value cannot be an index key. Sizes in bytes.
#[derive(Clone, Copy)]
enum Fault {
    Type(ValueType),
    Empty(ScalarType),
    Size(usize, usize),
}

/// A fault, with the attributes and the index that have it.
struct Found<'d> {
    index: IndexRef<'d>,
    attributes: String,
    expected: ScalarType,
    fault: Fault,
}

/// Refuses an item to be put whose index keys are of other types than their attributes', empty or too long.
pub(crate) fn check_put(definition: &TableDefinition, item: Item<'_>) -> Result<()> {
    first(definition, item)?.map_or(Ok(()), |found| Err(in_put(&found)))
}

/// As `check_put`, of an empty value only.
pub(crate) fn check_not_empty(definition: &TableDefinition, item: Item<'_>) -> Result<()> {
    match first(definition, item)? {
        Some(found) if matches!(found.fault, Fault::Empty(_)) => Err(in_put(&found)),
        _ => Ok(()),
    }
}

/// A fault of an item to be put.
fn in_put(found: &Found<'_>) -> ApiError {
    let (names, index) = (&found.attributes, found.index.name());
    ApiError::validation(match found.fault {
        Fault::Type(actual) => mismatch(names, found.expected, actual, index),
        Fault::Empty(scalar) => format!(
            "One or more parameter values are not valid. A value specified for a secondary index key is not \
             supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: \
             {index}, IndexKey: {names}",
            in_words(scalar)
        ),
        Fault::Size(actual, most) => format!(
            "One or more parameter values were invalid: Size limit exceeded for Index Key {names} Actual \
             Size: {actual} bytes Max Size: {most} bytes IndexName: {index}"
        ),
    })
}

/// The same of the item that an update makes, in the words of an update. As in the service that also refuses an
/// update that leaves alone what was wrong before (the index may be younger than the item).
pub(crate) fn check_updated(definition: &TableDefinition, item: Item<'_>) -> Result<()> {
    let Some(found) = first(definition, item)? else {
        return Ok(());
    };
    Err(ApiError::validation(match found.fault {
        Fault::Type(_) => {
            "The update expression attempted to update the secondary index key to unsupported type".to_owned()
        }
        Fault::Empty(scalar) => format!(
            "One or more parameter values are not valid. The update expression attempted to update a secondary \
             index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an \
             empty {} value.",
            in_words(scalar)
        ),
        Fault::Size(..) => {
            "The update expression attempted to update the secondary index key beyond allowed size limits"
                .to_owned()
        }
    }))
}

/// Refuses an update that would make `attribute` a value of type `actual`, whatever item it meets.
pub(crate) fn check_type(
    definition: &TableDefinition,
    attribute: &str,
    actual: ValueType,
) -> Result<()> {
    let wrong = |index: &IndexRef<'_>| {
        let mut keys = own_keys(definition, *index);
        keys.find(|(key, _)| key.name == attribute && key.scalar.value_type() != actual)
            .map(|(key, _)| key.scalar)
    };
    let found = checked(definition).filter_map(|index| Some((index.name(), wrong(&index)?)));
    match found.min_by_key(|(index, _)| *index) {
        None => Ok(()),
        Some((index, expected)) => Err(ApiError::validation(mismatch(
            attribute, expected, actual, index,
        ))),
    }
}

fn mismatch(attribute: &str, expected: ScalarType, actual: ValueType, index: &str) -> String {
    format!(
        "One or more parameter values were invalid: Type mismatch for Index Key {attribute} Expected: {} \
         Actual: {} IndexName: {index}",
        expected.name(),
        actual.name()
    )
}

fn in_words(scalar: ScalarType) -> &'static str {
    match scalar {
        ScalarType::B => "binary",
        _ => "string",
    }
}

/// Those whose columns are maintained: what comes later, or is about to go, refuses nothing.
fn checked(definition: &TableDefinition) -> impl Iterator<Item = IndexRef<'_>> {
    definition.indexes().filter(|index| index.is_maintained())
}

/// The key attributes of an index beside its table's, each with its longest value.
fn own_keys<'d>(
    definition: &'d TableDefinition,
    index: IndexRef<'d>,
) -> impl Iterator<Item = (&'d KeyAttribute, usize)> {
    let partition = match index {
        IndexRef::Local(_) => &[][..],
        IndexRef::Global(_) => index.partition(definition),
    };
    let partition = partition.iter().map(|key| (key, MAX_PARTITION_KEY));
    partition.chain(index.sort().iter().map(|key| (key, MAX_SORT_KEY)))
}

/// The fault of the index whose name comes first, as the service tells it.
fn first<'d>(definition: &'d TableDefinition, item: Item<'_>) -> Result<Option<Found<'d>>> {
    let mut first: Option<Found<'d>> = None;
    for index in checked(definition) {
        if first.as_ref().is_none_or(|f| index.name() < f.index.name())
            && let Some(found) = fault_of(definition, index, item)?
        {
            first = Some(found);
        }
    }
    Ok(first)
}

fn fault_of<'d>(
    definition: &'d TableDefinition,
    index: IndexRef<'d>,
    item: Item<'_>,
) -> Result<Option<Found<'d>>> {
    for (key, longest) in own_keys(definition, index) {
        let Some(value) = item.get(&key.name)? else {
            continue;
        };
        let (actual, length) = (value.value_type()?, value.payload().len());
        let fault = if actual != key.scalar.value_type() {
            Fault::Type(actual)
        } else if length == 0 {
            Fault::Empty(key.scalar)
        } else if length > longest {
            Fault::Size(length, longest)
        } else {
            continue;
        };
        return Ok(Some(Found {
            index,
            attributes: key.name.clone(),
            expected: key.scalar,
            fault,
        }));
    }
    composite_fault(index, item)
}

/// Several RANGE attributes together may be too long for a row of the index.
fn composite_fault<'d>(index: IndexRef<'d>, item: Item<'_>) -> Result<Option<Found<'d>>> {
    let [first, _, ..] = index.sort() else {
        return Ok(None);
    };
    let Some(parts) = Parts::of(item, index.sort(), MAX_SORT_KEY)? else {
        return Ok(None);
    };
    let length = sort_length(parts.as_slice());
    if length <= MAX_COMPOSITE_SORT_KEY {
        return Ok(None);
    }
    let names: Vec<&str> = index.sort().iter().map(|key| key.name.as_str()).collect();
    Ok(Some(Found {
        index,
        attributes: format!("[{}]", names.join(", ")),
        expected: first.scalar,
        fault: Fault::Size(length, MAX_COMPOSITE_SORT_KEY),
    }))
}
