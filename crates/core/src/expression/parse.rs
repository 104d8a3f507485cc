//! From text to syntax tree. Faults that do not depend on placeholders are found here, in DynamoDB's order,
//! so a tree that is kept needs no second look.
//!
//! The order (syntax, redundant parentheses, function names, misplaced functions, reserved words) was taken
//! from what the service answers to expressions with several faults.

use super::ast::{Action, Call, Element, Function, Operand, Path};
use super::reserved::is_reserved;
use super::token::{scan, syntax_error};
use pest::{Parser, error::InputLocation, iterators::Pair};

mod condition;
mod update;
pub use condition::parse_condition;
pub use update::parse_update;

#[derive(pest_derive::Parser)]
#[grammar = "expression/grammar/lexical.pest"]
#[grammar = "expression/grammar/condition.pest"]
#[grammar = "expression/grammar/update.pest"]
#[grammar = "expression/grammar/projection.pest"]
struct Grammar;

/// "The maximum number of operators or functions" of one expression (service quotas).
const MAX_OPERATORS: usize = 300;
/// Elements of one document path (service quotas).
const MAX_PATH: usize = 32;
const MAX_INDEX: usize = i32::MAX as usize;

/// Where an expression stands: which functions it may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Condition,
    Update,
}

/// Builds operands and remembers the first fault of each class.
struct Builder<'t> {
    text: &'t str,
    place: Place,
    operators: usize,
    redundant: bool,
    function: Option<String>,
    misplaced: Option<Function>,
    section: Option<&'static str>,
    reserved: Option<String>,
    index: Option<String>,
    depth: Option<usize>,
    in_operands: Option<usize>,
}

/// The parse proper: a pair of the top rule, or the message of the syntax error.
fn run(rule: Rule, text: &str) -> Result<Pair<'_, Rule>, String> {
    scan(text)?;
    match Grammar::parse(rule, text) {
        Ok(mut pairs) => pairs.next().ok_or_else(|| syntax_error(text, 0)),
        Err(e) => {
            let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = e.location;
            Err(syntax_error(text, at))
        }
    }
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, place: Place) -> Self {
        Builder {
            text,
            place,
            operators: 0,
            redundant: false,
            function: None,
            misplaced: None,
            section: None,
            reserved: None,
            index: None,
            depth: None,
            in_operands: None,
        }
    }

    /// The first fault in DynamoDB's order.
    fn check(&self) -> Result<(), String> {
        if self.redundant {
            return Err("The expression has redundant parentheses;".into());
        }
        if let Some(fault) = &self.function {
            return Err(fault.clone());
        }
        if self.operators > MAX_OPERATORS {
            // The service stops counting at the first one too many.
            let count = MAX_OPERATORS + 1;
            return Err(format!(
                "The expression contains too many operators; operator count: {count}"
            ));
        }
        if let Some(function) = self.misplaced {
            let name = function.name();
            return Err(format!(
                "The function is not allowed to be used this way in an expression; function: {name}"
            ));
        }
        self.check_words()
    }

    fn check_words(&self) -> Result<(), String> {
        if let Some(word) = &self.reserved {
            return Err(format!(
                "Attribute name is a reserved keyword; reserved keyword: {word}"
            ));
        }
        if let Some(section) = self.section {
            return Err(format!(
                "The \"{section}\" section can only be used once in an update expression;"
            ));
        }
        if let Some(index) = &self.index {
            return Err(format!(
                "List index is not within the allowable range; index: [{index}]"
            ));
        }
        if let Some(levels) = self.depth {
            return Err(format!(
                "The document path has too many nesting levels; nesting levels: {levels}"
            ));
        }
        match self.in_operands {
            Some(n) => Err(format!(
                "The IN operator is provided with too many operands; number of operands: {n}"
            )),
            None => Ok(()),
        }
    }

    /// `path`: element, then members and indexes.
    fn path(&mut self, pair: Pair<'_, Rule>) -> Path {
        let mut path = Vec::new();
        for part in pair.into_inner() {
            self.extend(&mut path, part);
        }
        self.check_depth(&path);
        path
    }

    fn check_depth(&mut self, path: &[Element]) {
        if path.len() > MAX_PATH && self.depth.is_none() {
            self.depth = Some(path.len());
        }
    }

    fn extend(&mut self, path: &mut Path, part: Pair<'_, Rule>) {
        match part.as_rule() {
            Rule::name => {
                let name = part.as_str();
                if self.reserved.is_none() && is_reserved(name) {
                    self.reserved = Some(name.into());
                }
                path.push(Element::Name(name.into()));
            }
            Rule::name_ref => path.push(Element::Placeholder(part.as_str().into())),
            Rule::digits => match part.as_str().parse() {
                Ok(index) if index <= MAX_INDEX => path.push(Element::Index(index)),
                _ => {
                    self.index.get_or_insert_with(|| part.as_str().into());
                    path.push(Element::Index(MAX_INDEX));
                }
            },
            Rule::member | Rule::index => {
                for inner in part.into_inner() {
                    self.extend(path, inner);
                }
            }
            _ => {}
        }
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Result<Operand, String> {
        Ok(match pair.as_rule() {
            Rule::path => Operand::Path(self.path(pair)),
            Rule::call => Operand::Call(self.call(pair)?),
            Rule::group => self.group(pair)?,
            _ => Operand::Value(pair.as_str().into()),
        })
    }

    /// A parenthesised operand: redundant when it encloses nothing but another one.
    fn group(&mut self, pair: Pair<'_, Rule>) -> Result<Operand, String> {
        let mut operand = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::open | Rule::close => {}
                Rule::member | Rule::index => match &mut operand {
                    Some(Operand::Path(path)) => self.extend(path, part),
                    _ => return Err(syntax_error(self.text, part.as_span().start())),
                },
                rule => {
                    self.redundant |= rule == Rule::group && ends_with_close(&part);
                    operand = Some(self.operand(part)?);
                }
            }
        }
        if let Some(Operand::Path(path)) = &operand {
            self.check_depth(path);
        }
        operand.ok_or_else(|| syntax_error(self.text, self.text.len()))
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Result<Call, String> {
        self.operators += 1;
        let mut name = "";
        let mut arguments = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = part.as_str(),
                Rule::open | Rule::close | Rule::comma => {}
                _ => arguments.push(self.operand(part)?),
            }
        }
        let known = Function::from_name(name);
        if self.function.is_none() {
            self.function = self.function_fault(name, known);
        }
        // An unknown name is a fault already; which function stands in for it no longer matters.
        let function = known.unwrap_or(Function::Size);
        for argument in &arguments {
            if let Operand::Call(inner) = argument {
                self.check_nested(inner.function);
            }
        }
        Ok(Call {
            function,
            arguments,
        })
    }

    fn function_fault(&self, name: &str, known: Option<Function>) -> Option<String> {
        match (known, self.place) {
            (None, _) => Some(format!("Invalid function name; function: {name}")),
            (Some(f), Place::Condition) if f.is_for_updates() => Some(format!(
                "The function is not allowed in a condition expression; function: {name}"
            )),
            (Some(f), Place::Update) if !f.is_for_updates() => Some(format!(
                "The function is not allowed in an update expression; function: {name}"
            )),
            _ => None,
        }
    }

    /// As an operand only `size` (conditions) and `if_not_exists` (updates) may stand.
    fn check_nested(&mut self, function: Function) {
        if !matches!(function, Function::Size | Function::IfNotExists) {
            self.misplaced.get_or_insert(function);
        }
    }
}

/// A group without accessors behind its parentheses.
fn ends_with_close(group: &Pair<'_, Rule>) -> bool {
    group
        .clone()
        .into_inner()
        .last()
        .is_some_and(|last| last.as_rule() == Rule::close)
}

/// A projection expression: its paths, in order.
pub fn parse_projection(text: &str) -> Result<Vec<Path>, String> {
    let top = run(Rule::projection, text)?;
    let mut builder = Builder::new(text, Place::Update);
    let paths = top
        .into_inner()
        .filter(|pair| pair.as_rule() == Rule::path)
        .map(|pair| builder.path(pair))
        .collect();
    builder.check()?;
    Ok(paths)
}

/// An update expression's actions in order of the text.
pub type Actions = Vec<Action>;
