//! Syntax trees as parsed: names and values are still placeholders, so one tree serves every request that
//! carries the same text.
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    Name(String),
    /// "#name", with the sign.
    Placeholder(String),
    Index(usize),
}
/// Never empty; the first element is a name.
pub type Path = Vec<Element>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Path(Path),
    /// ":value", with the sign.
    Value(String),
    Call(Call),
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub function: Function,
    pub arguments: Vec<Operand>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    AttributeExists,
    AttributeNotExists,
    AttributeType,
    BeginsWith,
    Contains,
    Size,
    IfNotExists,
    ListAppend,
}
impl Function {
    const ALL: [Function; 8] = [
        Function::AttributeExists,
        Function::AttributeNotExists,
        Function::AttributeType,
        Function::BeginsWith,
        Function::Contains,
        Function::Size,
        Function::IfNotExists,
        Function::ListAppend,
    ];
    pub fn name(self) -> &'static str {
        match self {
            Function::AttributeExists => "attribute_exists",
            Function::AttributeNotExists => "attribute_not_exists",
            Function::AttributeType => "attribute_type",
            Function::BeginsWith => "begins_with",
            Function::Contains => "contains",
            Function::Size => "size",
            Function::IfNotExists => "if_not_exists",
            Function::ListAppend => "list_append",
        }
    }
    /// Function names are case sensitive.
    pub fn from_name(name: &str) -> Option<Function> {
        Function::ALL.into_iter().find(|f| f.name() == name)
    }
    pub fn operands(self) -> usize {
        match self {
            Function::AttributeExists | Function::AttributeNotExists | Function::Size => 1,
            _ => 2,
        }
    }
    /// Only update expressions may call it (the others belong to conditions only).
    pub fn is_for_updates(self) -> bool {
        matches!(self, Function::IfNotExists | Function::ListAppend)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}
impl Comparator {
    pub fn symbol(self) -> &'static str {
        match self {
            Comparator::Eq => "=",
            Comparator::Ne => "<>",
            Comparator::Lt => "<",
            Comparator::Le => "<=",
            Comparator::Gt => ">",
            Comparator::Ge => ">=",
        }
    }
    pub fn from_symbol(symbol: &str) -> Comparator {
        match symbol {
            "<>" => Comparator::Ne,
            "<" => Comparator::Lt,
            "<=" => Comparator::Le,
            ">" => Comparator::Gt,
            ">=" => Comparator::Ge,
            _ => Comparator::Eq,
        }
    }
    /// `a < b` is `b > a`.
    pub fn reversed(self) -> Comparator {
        match self {
            Comparator::Lt => Comparator::Gt,
            Comparator::Le => Comparator::Ge,
            Comparator::Gt => Comparator::Lt,
            Comparator::Ge => Comparator::Le,
            same => same,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Call(Call),
}

/// Conditions joined by AND, OR and NOT. `T` is a predicate, parsed or resolved. At most 300 operators
/// make one, which bounds every recursion over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logic<T> {
    And(Vec<Logic<T>>),
    Or(Vec<Logic<T>>),
    Not(Box<Logic<T>>),
    /// A part that several trees, or several places of one, have in common.
    Shared(Rc<Logic<T>>),
    Test(T),
}
impl<T> Logic<T> {
    /// Keeps the shape and turns every predicate into another, in order of the text.
    pub fn map<U, E>(&self, turn: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Logic<U>, E> {
        Ok(match self {
            Logic::And(all) => {
                Logic::And(all.iter().map(|l| l.map(turn)).collect::<Result<_, E>>()?)
            }
            Logic::Or(any) => Logic::Or(any.iter().map(|l| l.map(turn)).collect::<Result<_, E>>()?),
            Logic::Not(inner) => Logic::Not(Box::new(inner.map(turn)?)),
            Logic::Shared(inner) => inner.map(turn)?,
            Logic::Test(test) => Logic::Test(turn(test)?),
        })
    }
    /// The same, but that a copy costs nothing.
    pub fn shared(self) -> Logic<T> {
        match self {
            Logic::Shared(_) => self,
            own => Logic::Shared(Rc::new(own)),
        }
    }
    /// Itself, or what it shares.
    pub fn plain(&self) -> &Logic<T> {
        match self {
            Logic::Shared(inner) => inner.plain(),
            own => own,
        }
    }
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a T)) {
        match self {
            Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|l| l.each(visit)),
            Logic::Not(inner) => inner.each(visit),
            Logic::Shared(inner) => inner.each(visit),
            Logic::Test(test) => visit(test),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    Operand(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Set(Path, SetValue),
    Remove(Path),
    Add(Path, String),
    Delete(Path, String),
}
