//! Literals: every type but binary, which DynamoDB takes as parameters only.

use super::{Builder, Rule, malformed};
use crate::partiql::ast::Expr;
use crate::value::{Attributes, MAX_VALUE_DEPTH, Number, Value};
use crate::{ApiError, Result};
use pest::iterators::Pair;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Where a value stands in the value around it, as error texts show it: `root.a[1]`.
struct Root {
    path: String,
    depth: usize,
}

impl Builder<'_> {
    /// The item of an INSERT: attributes that are literals or parameters.
    pub(super) fn item(&mut self, map: Pair<'_, Rule>) -> Result<Vec<(String, Expr)>> {
        let mut item: Vec<(String, Expr)> = Vec::new();
        for entry in map.into_inner() {
            let (name, operand) = entry_of(entry)?;
            let value = match self.single_parameter(&operand) {
                Some(parameter) => parameter,
                None => Expr::Literal(self.literal(operand)?.encode()),
            };
            // The last of equal names counts, as in a map.
            item.retain(|(other, _)| *other != name);
            item.push((name, value));
        }
        Ok(item)
    }

    /// `?` and nothing else.
    fn single_parameter(&mut self, operand: &Pair<'_, Rule>) -> Option<Expr> {
        let signed = only(operand.clone())?;
        let primary = only(signed)?;
        (primary.as_rule() == Rule::parameter).then(|| self.parameter())
    }

    pub(super) fn parameter(&mut self) -> Expr {
        self.parameters += 1;
        Expr::Parameter(self.parameters - 1)
    }

    /// A value without parameters.
    pub(super) fn literal(&mut self, operand: Pair<'_, Rule>) -> Result<Value> {
        let mut root = Root {
            path: "root".to_owned(),
            depth: 0,
        };
        self.value_of_operand(operand, &mut root)
    }

    fn value_of_operand(&mut self, operand: Pair<'_, Rule>, root: &mut Root) -> Result<Value> {
        let mut terms = operand.clone().into_inner();
        match (terms.next(), terms.next()) {
            (Some(signed), None) => self.value_of_signed(signed, root),
            _ => Err(self.unsupported(&operand, operand.as_str(), root)),
        }
    }

    fn value_of_signed(&mut self, signed: Pair<'_, Rule>, root: &mut Root) -> Result<Value> {
        let (primary, signs, negative) = split_signs(signed)?;
        let value = self.value(primary.clone(), root)?;
        match value {
            Value::N(number) if negative => Ok(Value::N(number.negated())),
            Value::N(_) => Ok(value),
            _ if signs == 0 => Ok(value),
            _ => Err(self.unsupported(&primary, primary.as_str(), root)),
        }
    }

    /// A literal without signs.
    pub(super) fn plain_literal(&mut self, primary: Pair<'_, Rule>) -> Result<Value> {
        let mut root = Root {
            path: "root".to_owned(),
            depth: 0,
        };
        self.value(primary, &mut root)
    }

    fn value(&mut self, primary: Pair<'_, Rule>, root: &mut Root) -> Result<Value> {
        if root.depth > MAX_VALUE_DEPTH {
            return Err(too_deep(root));
        }
        Ok(match primary.as_rule() {
            Rule::string => Value::S(string_of(&primary)),
            Rule::number => Value::N(number_of(primary.as_str(), root)?),
            Rule::truth => Value::Bool(primary.as_str().eq_ignore_ascii_case("true")),
            Rule::null => Value::Null,
            Rule::list => {
                let mut list = Vec::new();
                for (at, operand) in primary.into_inner().enumerate() {
                    let step = format!("[{at}]");
                    list.push(self.within(root, &step, operand)?);
                }
                container(Value::L(list), root)?
            }
            Rule::map => {
                let mut map = Attributes::new();
                for entry in primary.into_inner() {
                    let (name, operand) = entry_of(entry)?;
                    let value = self.within(root, &format!(".{name}"), operand)?;
                    map.insert(name, value);
                }
                container(Value::M(map), root)?
            }
            Rule::bag => self.bag(primary, root)?,
            Rule::parameter => return Err(self.unsupported(&primary, "Parameter", root)),
            Rule::call => {
                let name = primary.into_inner().next().ok_or_else(|| malformed(""))?;
                return Err(self.unsupported(&name, name.as_str(), root));
            }
            _ => return Err(self.unsupported(&primary, primary.as_str(), root)),
        })
    }

    fn within(&mut self, root: &mut Root, step: &str, operand: Pair<'_, Rule>) -> Result<Value> {
        let length = root.path.len();
        root.path.push_str(step);
        root.depth += 1;
        let value = self.value_of_operand(operand, root)?;
        root.depth -= 1;
        root.path.truncate(length);
        Ok(value)
    }

    /// `<<…>>`: a set of strings or of numbers.
    fn bag(&mut self, bag: Pair<'_, Rule>, root: &mut Root) -> Result<Value> {
        let mut texts = Vec::new();
        let mut members = Vec::new();
        for operand in bag.into_inner() {
            texts.push(operand.as_str().trim_end().to_owned());
            members.push(self.value_of_operand(operand, root)?);
        }
        let mixed = || {
            ApiError::validation(
                "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
            )
        };
        match members.first() {
            None => Err(ApiError::validation("Empty bags are not supported")),
            Some(Value::S(_)) => {
                let mut set = BTreeSet::new();
                let strings: Vec<String> = members
                    .into_iter()
                    .map(|member| match member {
                        Value::S(text) => Ok(text),
                        _ => Err(mixed()),
                    })
                    .collect::<Result<_>>()?;
                set.extend(strings.iter().cloned());
                if set.len() < strings.len() {
                    return Err(duplicates(&strings, "."));
                }
                Ok(Value::Ss(set))
            }
            Some(Value::N(_)) => {
                let count = members.len();
                let set: BTreeSet<Number> = members
                    .into_iter()
                    .map(|member| match member {
                        Value::N(number) => Ok(number),
                        _ => Err(mixed()),
                    })
                    .collect::<Result<_>>()?;
                if set.len() < count {
                    return Err(duplicates(&texts, &format!("! under {}", root.path)));
                }
                Ok(Value::Ns(set))
            }
            Some(_) => Err(mixed()),
        }
    }

    fn unsupported(&self, pair: &Pair<'_, Rule>, what: &str, root: &Root) -> ApiError {
        ApiError::validation(format!(
            "Unsupported data type: {} under key {} at {}",
            what.trim_end(),
            root.path,
            self.place_of(pair.as_span().start(), pair.as_str().trim_end())
        ))
    }
}

/// The term behind its signs, how many there are, and whether they make it negative.
pub fn split_signs(signed: Pair<'_, Rule>) -> Result<(Pair<'_, Rule>, usize, bool)> {
    let (mut signs, mut negative) = (0, false);
    for part in signed.into_inner() {
        match part.as_rule() {
            Rule::minus => (signs, negative) = (signs + 1, !negative),
            Rule::plus => signs += 1,
            _ => return Ok((part, signs, negative)),
        }
    }
    Err(malformed(""))
}

fn only(pair: Pair<'_, Rule>) -> Option<Pair<'_, Rule>> {
    let mut inner = pair.into_inner();
    let first = inner.next()?;
    inner.next().is_none().then_some(first)
}

fn entry_of(entry: Pair<'_, Rule>) -> Result<(String, Pair<'_, Rule>)> {
    let mut parts = entry.into_inner();
    match (parts.next(), parts.next()) {
        (Some(name), Some(operand)) => Ok((string_of(&name), operand)),
        _ => Err(malformed("")),
    }
}

fn string_of(pair: &Pair<'_, Rule>) -> String {
    let text = pair.as_str();
    let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    inner.unwrap_or(text).replace("''", "'")
}

fn number_of(text: &str, root: &Root) -> Result<Number> {
    Number::parse(text).map_err(|fault| {
        let mut message = fault.message;
        // Writing to a String cannot fail.
        let _ = write!(message, " under {}", root.path);
        ApiError::validation(message)
    })
}

fn container(value: Value, root: &Root) -> Result<Value> {
    if root.depth + 1 > MAX_VALUE_DEPTH {
        return Err(too_deep(root));
    }
    Ok(value)
}

fn too_deep(root: &Root) -> ApiError {
    ApiError::validation(format!(
        "Nesting Levels have exceeded supported limits under {}",
        root.path
    ))
}

fn duplicates(members: &[String], end: &str) -> ApiError {
    ApiError::validation(format!(
        "One or more parameter values were invalid: Input collection [{}] contains duplicates{end}",
        members.join(", ")
    ))
}
