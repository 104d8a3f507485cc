//! Update expressions bound to the placeholders of a request.

use super::ast::{Action, Function, Operand, SetValue};
use super::path::{DocPath, check_paths};
use super::projection::Projection;
use super::resolve::{Resolved, Resolver, check_inner_counts, needs_path, wrong_type};
use super::{ExpressionKind, Placeholders, Usage, cache};
use crate::{
    Result,
    value::{AvBuf, Item, ItemBuf, ValueType},
};
use std::collections::BTreeSet;

/// A compiled update.
#[derive(Clone, Debug)]
pub struct Update {
    pub(super) changes: Vec<Change>,
    pub(super) style: Style,
}
/// AttributeUpdates differ: ADD joins lists too, and a type mismatch has another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Expression,
    AttributeUpdates,
}
/// One action on one path; the paths of an update neither overlap nor conflict.
#[derive(Clone, Debug)]
pub struct Change {
    pub path: DocPath,
    pub action: Act,
}
#[derive(Clone, Debug)]
pub enum Act {
    Set(Expr),
    Remove,
    Add(AvBuf),
    Delete(AvBuf),
}
/// The right-hand side of SET.
#[derive(Clone, Debug)]
pub enum Expr {
    Path(DocPath),
    Value(AvBuf),
    IfNotExists(DocPath, Box<Expr>),
    ListAppend(Box<Expr>, Box<Expr>),
    Plus(Box<Expr>, Box<Expr>),
    Minus(Box<Expr>, Box<Expr>),
}

impl Update {
    /// Err: ValidationException with the service's text for the first fault.
    pub fn compile(text: &str, p: &Placeholders, u: &mut Usage) -> Result<Update> {
        let compiled = cache::update(text).and_then(|actions| {
            let mut resolver = Resolver {
                placeholders: p,
                usage: u,
            };
            resolve(&actions, &mut resolver)
        });
        match compiled {
            Ok(changes) => Ok(Update {
                changes,
                style: Style::Expression,
            }),
            Err(fault) => Err(ExpressionKind::Update.error(&fault)),
        }
    }

    /// From AttributeUpdates: top-level paths, each once.
    pub(crate) fn from_attribute_updates(changes: Vec<Change>) -> Update {
        Update {
            changes,
            style: Style::AttributeUpdates,
        }
    }

    /// From a statement, whose paths neither overlap nor conflict.
    pub(crate) fn from_statement(changes: Vec<Change>) -> Update {
        Update {
            changes,
            style: Style::Expression,
        }
    }

    /// Whether it writes a top-level attribute, or into it.
    pub fn writes(&self, name: &str) -> bool {
        self.changes.iter().any(|change| change.path.root == name)
    }

    /// Whether it makes an item where there is none. An update that only removes (REMOVE, DELETE) leaves
    /// nothing behind; one without any action (empty AttributeUpdates) makes an item of its key.
    pub fn creates_item(&self) -> bool {
        let makes = |change: &Change| matches!(change.action, Act::Set(_) | Act::Add(_));
        self.changes.is_empty() || self.changes.iter().any(makes)
    }

    /// Top-level attributes it looks into (`a.b`, `a[0]`), read or written.
    pub fn nested_attributes(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for change in &self.changes {
            change.each_path(&mut |path| {
                if !path.steps.is_empty() {
                    names.insert(path.root.as_str());
                }
            });
        }
        names
    }

    /// Types of the values that it gives to top-level attributes, or takes from them, where the text alone tells
    /// them (for index keys, whose type is checked before the item is read).
    pub fn assigned_types(&self) -> impl Iterator<Item = (&str, Result<ValueType>)> {
        let top_level = |change: &&Change| change.path.steps.is_empty();
        self.changes.iter().filter(top_level).filter_map(|change| {
            let kind = match &change.action {
                Act::Set(expr) => expr.static_type()?,
                Act::Add(value) | Act::Delete(value) => value.as_av().value_type(),
                Act::Remove => return None,
            };
            Some((change.path.root.as_str(), kind))
        })
    }

    /// Only the touched paths of an image, in their nested shape (UPDATED_OLD of the old image, UPDATED_NEW of
    /// the new). None when nothing is there. As in the service, an index means the same place in both images:
    /// after `REMOVE l[1]` the new image shows what moved there.
    pub fn touched(&self, image: Item<'_>) -> Result<Option<ItemBuf>> {
        let touched = Projection::of(self.changes.iter().map(|c| &c.path)).project(image)?;
        Ok(if touched.as_item().map().is_empty()? {
            None
        } else {
            Some(touched)
        })
    }
}

impl Change {
    fn each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a DocPath)) {
        visit(&self.path);
        if let Act::Set(expr) = &self.action {
            expr.each_path(visit);
        }
    }
}
impl Expr {
    /// None: it depends on the item.
    fn static_type(&self) -> Option<Result<ValueType>> {
        match self {
            Expr::Value(value) => Some(value.as_av().value_type()),
            Expr::Plus(..) | Expr::Minus(..) => Some(Ok(ValueType::N)),
            Expr::ListAppend(..) => Some(Ok(ValueType::L)),
            Expr::Path(_) | Expr::IfNotExists(..) => None,
        }
    }

    fn each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a DocPath)) {
        match self {
            Expr::Path(path) => visit(path),
            Expr::Value(_) => {}
            Expr::IfNotExists(path, default) => {
                visit(path);
                default.each_path(visit);
            }
            Expr::ListAppend(a, b) | Expr::Plus(a, b) | Expr::Minus(a, b) => {
                a.each_path(visit);
                b.each_path(visit);
            }
        }
    }
}

/// What a SET value is before its operands are checked.
enum Side {
    Operand(Resolved),
    Sum(&'static str, [Resolved; 2]),
}
enum Bound {
    Set(Side),
    Remove,
    Add(AvBuf),
    Delete(AvBuf),
}

/// Faults in the service's order: undefined names (of the whole expression), undefined values, paths,
/// operands of ADD and DELETE, operands of functions.
fn resolve(
    actions: &[Action],
    resolver: &mut Resolver<'_>,
) -> std::result::Result<Vec<Change>, String> {
    check_names(actions, resolver)?;
    let bound = actions
        .iter()
        .map(|a| bind(a, resolver))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    check_paths(&bound.iter().map(|(path, _)| path).collect::<Vec<_>>())?;
    for (_, action) in &bound {
        match action {
            Bound::Add(value) => check_operand("ADD", value)?,
            Bound::Delete(value) => check_operand("DELETE", value)?,
            _ => {}
        }
    }
    bound
        .into_iter()
        .map(|(path, action)| {
            let action = match action {
                Bound::Set(side) => Act::Set(set_value(side)?),
                Bound::Remove => Act::Remove,
                Bound::Add(value) => Act::Add(value),
                Bound::Delete(value) => Act::Delete(value),
            };
            Ok(Change { path, action })
        })
        .collect()
}

/// The first undefined name comes before any undefined value.
fn check_names(actions: &[Action], resolver: &Resolver<'_>) -> std::result::Result<(), String> {
    fn operand(o: &Operand, resolver: &Resolver<'_>) -> std::result::Result<(), String> {
        match o {
            Operand::Path(path) => resolver.check_path(path),
            Operand::Value(_) => Ok(()),
            Operand::Call(call) => call.arguments.iter().try_for_each(|a| operand(a, resolver)),
        }
    }
    for action in actions {
        match action {
            Action::Remove(path) | Action::Add(path, _) | Action::Delete(path, _) => {
                resolver.check_path(path)?;
            }
            Action::Set(path, value) => {
                resolver.check_path(path)?;
                match value {
                    SetValue::Operand(o) => operand(o, resolver)?,
                    SetValue::Plus(a, b) | SetValue::Minus(a, b) => {
                        operand(a, resolver)?;
                        operand(b, resolver)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn bind(
    action: &Action,
    resolver: &mut Resolver<'_>,
) -> std::result::Result<(DocPath, Bound), String> {
    Ok(match action {
        Action::Remove(path) => (resolver.path(path)?, Bound::Remove),
        Action::Add(path, value) => (resolver.path(path)?, Bound::Add(resolver.value(value)?)),
        Action::Delete(path, value) => {
            (resolver.path(path)?, Bound::Delete(resolver.value(value)?))
        }
        Action::Set(path, value) => {
            let path = resolver.path(path)?;
            let side = match value {
                SetValue::Operand(o) => Side::Operand(resolver.operand(o)?),
                SetValue::Plus(a, b) => {
                    Side::Sum("+", [resolver.operand(a)?, resolver.operand(b)?])
                }
                SetValue::Minus(a, b) => {
                    Side::Sum("-", [resolver.operand(a)?, resolver.operand(b)?])
                }
            };
            (path, Bound::Set(side))
        }
    })
}

/// ADD takes a number or a set, DELETE a set. The text has names of its own for the types.
fn check_operand(operator: &str, value: &AvBuf) -> std::result::Result<(), String> {
    let name = match super::resolve::type_of(value.as_av()) {
        Some(ValueType::S) => "STRING",
        Some(ValueType::N) if operator == "DELETE" => "NUMBER",
        Some(ValueType::B) => "BINARY",
        Some(ValueType::Bool) => "BOOLEAN",
        Some(ValueType::Null) => "NULL",
        Some(ValueType::L) => "LIST",
        Some(ValueType::M) => "MAP",
        _ => return Ok(()),
    };
    Err(format!(
        "Incorrect operand type for operator or function; operator: {operator}, operand type: {name}"
    ))
}

fn set_value(side: Side) -> std::result::Result<Expr, String> {
    match side {
        Side::Operand(operand) => expr(operand),
        Side::Sum(operator, operands) => {
            check_inner_counts(&operands)?;
            check_literals(operator, &operands, ValueType::N)?;
            let [a, b] = operands;
            let (a, b) = (Box::new(expr(a)?), Box::new(expr(b)?));
            Ok(if operator == "+" {
                Expr::Plus(a, b)
            } else {
                Expr::Minus(a, b)
            })
        }
    }
}

fn check_literals(
    operator: &str,
    operands: &[Resolved],
    wanted: ValueType,
) -> std::result::Result<(), String> {
    match operands
        .iter()
        .filter_map(Resolved::literal_type)
        .find(|kind| *kind != wanted)
    {
        Some(kind) => Err(wrong_type(operator, kind.name())),
        None => Ok(()),
    }
}

/// Inner calls are checked before the ones around them.
fn expr(operand: Resolved) -> std::result::Result<Expr, String> {
    let (function, arguments) = match operand {
        Resolved::Path(path) => return Ok(Expr::Path(path)),
        Resolved::Value(value) => return Ok(Expr::Value(value)),
        Resolved::Call(function, arguments) => (function, arguments),
    };
    super::resolve::check_count(function, &arguments)?;
    if function == Function::ListAppend {
        check_literals(function.name(), &arguments, ValueType::L)?;
    }
    let mut arguments = arguments.into_iter();
    match (function, arguments.next(), arguments.next()) {
        (Function::ListAppend, Some(a), Some(b)) => {
            Ok(Expr::ListAppend(Box::new(expr(a)?), Box::new(expr(b)?)))
        }
        (Function::IfNotExists, Some(Resolved::Path(path)), Some(default)) => {
            Ok(Expr::IfNotExists(path, Box::new(expr(default)?)))
        }
        _ => Err(needs_path(function)),
    }
}
