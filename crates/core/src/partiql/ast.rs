//! Statements as parsed: literals are values, parameters are still places in the request's list. One tree serves
//! every request that carries the same text.

use crate::expression::ast::Comparator;
use crate::expression::path::DocPath;
use crate::value::{AvBuf, ValueType};

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Select(Select),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    /// `EXISTS(SELECT …)`: a condition check of a transaction.
    Exists(Select),
}

/// `"table"` or `"table"."index"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub table: String,
    pub index: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub source: Source,
    /// Empty: `*`.
    pub columns: Vec<DocPath>,
    pub condition: Option<Expr>,
    pub order: Vec<OrderKey>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderKey {
    pub attribute: String,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub source: Source,
    /// Each attribute is a literal or a parameter.
    pub item: Vec<(String, Expr)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub source: Source,
    pub changes: Vec<(DocPath, Change)>,
    pub condition: Option<Expr>,
    pub returning: Option<Returning>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Set(Expr),
    Remove,
    /// `set_add`, `set_delete`: what is added or taken away, and where a fault of it is reported.
    Add(Expr, String),
    Delete(Expr, String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub source: Source,
    pub condition: Option<Expr>,
    pub returning: Option<Returning>,
}

/// `RETURNING ALL OLD *` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    AllOld,
    AllNew,
    ModifiedOld,
    ModifiedNew,
}
impl Returning {
    pub fn text(self) -> &'static str {
        match self {
            Returning::AllOld => "ALL OLD",
            Returning::AllNew => "ALL NEW",
            Returning::ModifiedOld => "MODIFIED OLD",
            Returning::ModifiedNew => "MODIFIED NEW",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Literal(AvBuf),
    /// Counted from 0.
    Parameter(usize),
    Path(DocPath),
    Call(Function, Vec<Expr>),
    Plus(Box<Expr>, Box<Expr>),
    Minus(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Comparator, Box<Expr>),
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    IsMissing(Box<Expr>),
    /// One of these types; NULL is one.
    IsType(Box<Expr>, &'static [ValueType]),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// Functions of conditions and of SET.
pub use crate::expression::ast::Function;

impl Expr {
    /// Whether it is true or false rather than an attribute value.
    pub fn is_condition(&self) -> bool {
        match self {
            Expr::Call(function, _) => !matches!(function, Function::Size | Function::ListAppend),
            Expr::Literal(_)
            | Expr::Parameter(_)
            | Expr::Path(_)
            | Expr::Plus(..)
            | Expr::Minus(..) => false,
            _ => true,
        }
    }
}

impl Statement {
    pub fn source(&self) -> &Source {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.source,
            Statement::Insert(insert) => &insert.source,
            Statement::Update(update) => &update.source,
            Statement::Delete(delete) => &delete.source,
        }
    }

    pub fn returning(&self) -> Option<Returning> {
        match self {
            Statement::Update(update) => update.returning,
            Statement::Delete(delete) => delete.returning,
            _ => None,
        }
    }
}
