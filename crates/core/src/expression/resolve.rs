//! Placeholders of one request put into a syntax tree.

use super::ast::{Element, Function, Operand, Path};
use super::path::{DocPath, Step};
use super::{Placeholders, Usage};
use crate::value::{Av, AvBuf, ValueType};

pub struct Resolver<'a> {
    pub placeholders: &'a Placeholders,
    pub usage: &'a mut Usage,
}

/// An operand whose names and values are known.
#[derive(Clone, Debug)]
pub enum Resolved {
    Path(DocPath),
    Value(AvBuf),
    Call(Function, Vec<Resolved>),
}
impl Resolved {
    /// The type of a value given in the request; attributes have none before the item is there.
    pub fn literal_type(&self) -> Option<ValueType> {
        match self {
            Resolved::Value(value) => type_of(value.as_av()),
            _ => None,
        }
    }
}

/// A type that cannot be read (corrupt bytes) counts as unknown here; evaluation reports it.
pub fn type_of(value: Av<'_>) -> Option<ValueType> {
    value.value_type().ok()
}

impl Resolver<'_> {
    /// Whether all names of a path are defined; the fault of the first that is not.
    pub fn check_path(&self, path: &Path) -> Result<(), String> {
        path.iter().try_for_each(|element| match element {
            Element::Placeholder(name) if !self.placeholders.names.contains_key(name) => {
                Err(undefined_name(name))
            }
            _ => Ok(()),
        })
    }

    pub fn name(&mut self, placeholder: &str) -> Result<String, String> {
        let Some(name) = self.placeholders.names.get(placeholder) else {
            return Err(undefined_name(placeholder));
        };
        if !self.usage.names.contains(placeholder) {
            self.usage.names.insert(placeholder.into());
        }
        Ok(name.clone())
    }

    pub fn value(&mut self, placeholder: &str) -> Result<AvBuf, String> {
        let Some(value) = self.placeholders.values.get(placeholder) else {
            return Err(format!(
                "An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            ));
        };
        if !self.usage.values.contains(placeholder) {
            self.usage.values.insert(placeholder.into());
        }
        Ok(value.clone())
    }

    pub fn path(&mut self, path: &Path) -> Result<DocPath, String> {
        let mut root = None;
        let mut steps = Vec::with_capacity(path.len().saturating_sub(1));
        for element in path {
            let name = match element {
                Element::Index(index) => {
                    steps.push(Step::Index(*index));
                    continue;
                }
                Element::Name(name) => name.clone(),
                Element::Placeholder(placeholder) => self.name(placeholder)?,
            };
            match &root {
                None => root = Some(name),
                Some(_) => steps.push(Step::Name(name)),
            }
        }
        // The grammar lets every path begin with a name.
        Ok(DocPath {
            root: root.unwrap_or_default(),
            steps,
        })
    }

    /// In order of the text, so that the first undefined placeholder is the one reported.
    pub fn operand(&mut self, operand: &Operand) -> Result<Resolved, String> {
        Ok(match operand {
            Operand::Path(path) => Resolved::Path(self.path(path)?),
            Operand::Value(placeholder) => Resolved::Value(self.value(placeholder)?),
            Operand::Call(call) => Resolved::Call(
                call.function,
                call.arguments
                    .iter()
                    .map(|a| self.operand(a))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

fn undefined_name(placeholder: &str) -> String {
    format!(
        "An expression attribute name used in the document path is not defined; attribute name: {placeholder}"
    )
}

/// Incorrect number of operands of a call or of one inside it.
pub fn check_count(function: Function, arguments: &[Resolved]) -> Result<(), String> {
    check_inner_counts(arguments)?;
    if arguments.len() == function.operands() {
        return Ok(());
    }
    Err(format!(
        "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
        function.name(),
        arguments.len()
    ))
}

pub fn check_inner_counts(operands: &[Resolved]) -> Result<(), String> {
    operands.iter().try_for_each(|operand| match operand {
        Resolved::Call(function, arguments) => check_count(*function, arguments),
        _ => Ok(()),
    })
}

/// "Incorrect operand type …" for a function or a comparator.
pub fn wrong_type(operator: &str, type_name: &str) -> String {
    format!(
        "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {type_name}"
    )
}

pub fn needs_path(function: Function) -> String {
    format!(
        "Operator or function requires a document path; operator or function: {}",
        function.name()
    )
}
