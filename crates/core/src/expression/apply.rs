//! An update applied to an item. Every right-hand side reads the old item; indexes mean places in the old
//! lists. Attributes that no action names keep their bytes.

use super::path::Tree;
use super::update::{Act, Change, Expr, Style, Update};
use crate::{
    ApiError, Result, limits,
    value::{Attributes, Av, AvBuf, AvKind, Item, ItemBuf, Number, Value},
};
use std::collections::BTreeMap;

/// An action with its right-hand side computed.
enum Edit<'u> {
    Set(AvBuf),
    Remove,
    Add(&'u AvBuf),
    Delete(&'u AvBuf),
}

impl Update {
    /// The new item. `key`: the key attributes, the base of the item when `old` is None. The 400 KB limit is
    /// checked of what is set, not of the whole.
    ///
    /// Err: ValidationException ("The provided expression refers to an attribute that does not exist in the
    /// item", "An operand in the update expression has an incorrect data type", "The document path provided in
    /// the update expression is invalid for update", number overflow, nesting), or corrupt stored data.
    pub fn apply(&self, old: Option<Item<'_>>, key: &Attributes) -> Result<ItemBuf> {
        let created;
        let item = match old {
            Some(item) => item,
            None => {
                created = ItemBuf::from_attributes(key);
                created.as_item()
            }
        };
        if let [Change { path, action }] = self.changes.as_slice()
            && path.steps.is_empty()
        {
            return self.apply_one(item, &path.root, action);
        }
        let edits = self.edits(item, old.is_some())?;
        let mut changes = BTreeMap::new();
        for (name, tree) in &edits {
            let before = item.get(name)?;
            let after = match tree {
                Tree::Leaf(edit) => top_level(edit, before.map(|av| av.to_owned()), self.style)?,
                _ => nested(
                    tree,
                    before.map(|av| av.to_value()).transpose()?,
                    self.style,
                )?,
            };
            // A change that changes nothing is none.
            if after.as_ref().map(|a| a.as_av().bytes()) != before.map(|b| b.bytes()) {
                changes.insert(name.as_str(), after);
            }
        }
        ItemBuf::with_changes(Some(item), &changes)
    }

    /// The commonest update: one action on one attribute.
    fn apply_one(&self, item: Item<'_>, name: &str, action: &Act) -> Result<ItemBuf> {
        let before = item.get(name)?;
        let after = match action {
            Act::Set(expr) => {
                let value = expr.eval(item)?;
                if value.as_av().size()? > limits::MAX_ITEM_SIZE {
                    return Err(too_large());
                }
                Some(value)
            }
            Act::Remove => None,
            Act::Add(value) => top_level(&Edit::Add(value), before.map(Av::to_owned), self.style)?,
            Act::Delete(value) => {
                top_level(&Edit::Delete(value), before.map(Av::to_owned), self.style)?
            }
        };
        // A change that changes nothing is none.
        if after.as_ref().map(AvBuf::as_av) == before {
            return Ok(ItemBuf::from_bytes(item.bytes().to_vec()));
        }
        ItemBuf::with_change(item, name, after)
    }

    fn edits(&self, item: Item<'_>, exists: bool) -> Result<BTreeMap<String, Tree<Edit<'_>>>> {
        let mut edits = BTreeMap::new();
        let mut total = 0;
        for change in &self.changes {
            let edit = match &change.action {
                Act::Set(expr) => {
                    let value = expr.eval(item)?;
                    // All of them will stand in the new item: no need to build hundreds of copies of a large list.
                    total += value.as_av().size()?;
                    if total > limits::MAX_ITEM_SIZE {
                        return Err(too_large());
                    }
                    Edit::Set(value)
                }
                // The service ignores REMOVE a.b when there is no item, but not when the item has no `a`.
                Act::Remove if !exists && !change.path.steps.is_empty() => continue,
                Act::Remove => Edit::Remove,
                Act::Add(value) => Edit::Add(value),
                Act::Delete(value) => Edit::Delete(value),
            };
            Tree::insert(&mut edits, &change.path, edit);
        }
        Ok(edits)
    }
}

/// An item, or what is set in it, beyond 400 KB.
pub(crate) fn too_large() -> ApiError {
    ApiError::validation("Item size to update has exceeded the maximum allowed size")
}
fn missing() -> ApiError {
    ApiError::validation(
        "The provided expression refers to an attribute that does not exist in the item",
    )
}
fn wrong_operand() -> ApiError {
    ApiError::validation("An operand in the update expression has an incorrect data type")
}
fn wrong_path() -> ApiError {
    ApiError::validation(
        "The document path provided in the update expression is invalid for update",
    )
}
fn mismatch(style: Style) -> ApiError {
    match style {
        Style::Expression => wrong_operand(),
        Style::AttributeUpdates => ApiError::validation("Type mismatch for attribute to update"),
    }
}

impl Expr {
    fn eval(&self, item: Item<'_>) -> Result<AvBuf> {
        match self {
            Expr::Value(value) => Ok(value.clone()),
            Expr::Path(path) => path.find(item)?.map(|av| av.to_owned()).ok_or_else(missing),
            Expr::IfNotExists(path, default) => match path.find(item)? {
                Some(found) => Ok(found.to_owned()),
                None => default.eval(item),
            },
            Expr::ListAppend(head, tail) => {
                let (head, tail) = (head.eval(item)?, tail.eval(item)?);
                let mut all = list_of(&head)?;
                all.extend(list_of(&tail)?);
                Ok(Value::L(all).encode())
            }
            Expr::Plus(a, b) => sum(a.eval(item)?, b.eval(item)?, Number::add),
            Expr::Minus(a, b) => sum(a.eval(item)?, b.eval(item)?, Number::sub),
        }
    }
}

fn list_of(value: &AvBuf) -> Result<Vec<Value>> {
    match value.as_av().to_value()? {
        Value::L(list) => Ok(list),
        _ => Err(wrong_operand()),
    }
}

fn sum(a: AvBuf, b: AvBuf, operation: fn(Number, Number) -> Result<Number>) -> Result<AvBuf> {
    match (a.as_av().kind()?, b.as_av().kind()?) {
        (AvKind::N(a), AvKind::N(b)) => {
            let result = operation(Number::from_key(a)?, Number::from_key(b)?)?;
            Ok(Value::N(result).encode())
        }
        _ => Err(wrong_operand()),
    }
}

fn top_level(edit: &Edit<'_>, before: Option<AvBuf>, style: Style) -> Result<Option<AvBuf>> {
    match edit {
        Edit::Set(value) => Ok(Some(value.clone())),
        Edit::Remove => Ok(None),
        Edit::Add(value) => match before {
            None => Ok(Some((*value).clone())),
            Some(before) => Ok(Some(
                add(before.as_av().to_value()?, value, style)?.encode(),
            )),
        },
        Edit::Delete(value) => match before {
            None => Ok(None),
            Some(before) => {
                Ok(delete(before.as_av().to_value()?, value, style)?.map(|v| v.encode()))
            }
        },
    }
}

fn nested(tree: &Tree<Edit<'_>>, before: Option<Value>, style: Style) -> Result<Option<AvBuf>> {
    let after = change(tree, before, style)?;
    if let Some(value) = &after {
        value.check_depth()?;
    }
    Ok(after.map(|value| value.encode()))
}

/// Recursion is bounded by the length of a path (32).
fn change(tree: &Tree<Edit<'_>>, before: Option<Value>, style: Style) -> Result<Option<Value>> {
    match (tree, before) {
        (Tree::Leaf(Edit::Set(value)), _) => Ok(Some(value.as_av().to_value()?)),
        (Tree::Leaf(Edit::Remove), _) | (Tree::Leaf(Edit::Delete(_)), None) => Ok(None),
        (Tree::Leaf(Edit::Add(value)), None) => Ok(Some(value.as_av().to_value()?)),
        (Tree::Leaf(Edit::Add(value)), Some(before)) => Ok(Some(add(before, value, style)?)),
        (Tree::Leaf(Edit::Delete(value)), Some(before)) => delete(before, value, style),
        (Tree::Names(below), Some(Value::M(mut map))) => {
            for (name, tree) in below {
                let member = map.remove(name);
                if let Some(changed) = change(tree, member, style)? {
                    map.insert(name.clone(), changed);
                }
            }
            Ok(Some(Value::M(map)))
        }
        (Tree::Indexes(below), Some(Value::L(list))) => {
            Ok(Some(Value::L(change_list(below, list, style)?)))
        }
        _ => Err(wrong_path()),
    }
}

/// Indexes are those of the old list. What is set beyond its end is appended, in order of the indexes.
fn change_list(
    below: &BTreeMap<usize, Tree<Edit<'_>>>,
    list: Vec<Value>,
    style: Style,
) -> Result<Vec<Value>> {
    let mut places: Vec<Option<Value>> = list.into_iter().map(Some).collect();
    let mut appended = Vec::new();
    for (index, tree) in below {
        match places.get_mut(*index) {
            Some(place) => *place = change(tree, place.take(), style)?,
            None => appended.extend(change(tree, None, style)?),
        }
    }
    Ok(places.into_iter().flatten().chain(appended).collect())
}

fn add(before: Value, value: &AvBuf, style: Style) -> Result<Value> {
    Ok(match (before, value.as_av().to_value()?) {
        (Value::N(a), Value::N(b)) => Value::N(a.add(b)?),
        (Value::Ss(mut set), Value::Ss(more)) => {
            set.extend(more);
            Value::Ss(set)
        }
        (Value::Ns(mut set), Value::Ns(more)) => {
            set.extend(more);
            Value::Ns(set)
        }
        (Value::Bs(mut set), Value::Bs(more)) => {
            set.extend(more);
            Value::Bs(set)
        }
        (Value::L(mut list), Value::L(more)) if style == Style::AttributeUpdates => {
            list.extend(more);
            Value::L(list)
        }
        _ => return Err(mismatch(style)),
    })
}

/// A set that would become empty goes away.
fn delete(before: Value, value: &AvBuf, style: Style) -> Result<Option<Value>> {
    let left = match (before, value.as_av().to_value()?) {
        (Value::Ss(set), Value::Ss(gone)) => Value::Ss(&set - &gone),
        (Value::Ns(set), Value::Ns(gone)) => Value::Ns(&set - &gone),
        (Value::Bs(set), Value::Bs(gone)) => Value::Bs(&set - &gone),
        _ => return Err(mismatch(style)),
    };
    let empty = match &left {
        Value::Ss(set) => set.is_empty(),
        Value::Ns(set) => set.is_empty(),
        Value::Bs(set) => set.is_empty(),
        _ => false,
    };
    Ok(if empty { None } else { Some(left) })
}
