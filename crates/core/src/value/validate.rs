//! Deep checks of stored bytes that come from outside (binary receive): a value that passes is
//! exactly what `encode` would have written.
use super::bytes::{Directory, corrupt, inner_depth, utf8};
use super::{Av, AvKind, ListRef, MapRef, Number, SetRef};
use crate::{ApiError, Result};

/// `depth`: levels of lists and maps that may still be opened.
pub(super) fn value(av: Av<'_>, depth: usize) -> Result<()> {
    match av.kind()? {
        AvKind::S(_) | AvKind::B(_) => Ok(()),
        AvKind::N(key) => Number::from_key(key).map(drop),
        AvKind::Bool(_) | AvKind::Null if av.bytes().len() == 1 => Ok(()),
        AvKind::Bool(_) | AvKind::Null => corrupt("bytes behind a constant"),
        AvKind::M(m) => map(m, inner_depth(depth)?),
        AvKind::L(l) => list(l, inner_depth(depth)?),
        AvKind::Ss(s) => set(s, |member| utf8(member).map(drop)),
        AvKind::Ns(s) => set(s, |member| Number::from_key(member).map(drop)),
        AvKind::Bs(s) => set(s, |_| Ok(())),
    }
}

pub(super) fn map(map: MapRef<'_>, depth: usize) -> Result<()> {
    let directory = map.directory()?;
    let (names, values) = directory
        .map_areas()
        .ok_or_else(|| ApiError::corrupt("map directory"))?;
    check_extent(&directory, names.max(values), names.checked_add(values))?;
    let mut previous = None;
    for entry in map.iter()? {
        let (name, av) = entry?;
        if previous.is_some_and(|previous| previous >= name) {
            return corrupt("map order");
        }
        previous = Some(name);
        value(av, depth)?;
    }
    Ok(())
}

fn list(list: ListRef<'_>, depth: usize) -> Result<()> {
    check_list_extent(&list.directory()?)?;
    for element in list.iter()? {
        value(element?, depth)?;
    }
    Ok(())
}

fn set(set: SetRef<'_>, member_check: fn(&[u8]) -> Result<()>) -> Result<()> {
    check_list_extent(&set.directory()?)?;
    if set.is_empty()? {
        return corrupt("empty set");
    }
    let mut previous = None;
    for member in set.iter()? {
        let member = member?;
        if previous.is_some_and(|previous| previous >= member) {
            return corrupt("set order");
        }
        previous = Some(member);
        member_check(member)?;
    }
    Ok(())
}

fn check_list_extent(directory: &Directory<'_>) -> Result<()> {
    let len = directory
        .list_area()
        .ok_or_else(|| ApiError::corrupt("list directory"))?;
    check_extent(directory, len, Some(len))
}

/// The areas fill the body exactly, and the width is the one that `encode` chooses.
fn check_extent(directory: &Directory<'_>, largest: usize, total: Option<usize>) -> Result<()> {
    let narrow = directory.count.max(largest) <= usize::from(u16::MAX);
    if total != Some(directory.rest_len()) || narrow != (directory.width == 2) {
        return corrupt("body extent");
    }
    Ok(())
}
