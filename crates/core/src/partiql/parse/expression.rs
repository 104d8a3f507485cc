//! Conditions, operands and the right-hand sides of SET.

use super::literal::split_signs;
use super::{Builder, MAX_SUMS, Rule, malformed};
use crate::expression::ast::Comparator;
use crate::expression::path::DocPath;
use crate::partiql::ast::{Change, Expr, Function};
use crate::value::{ValueType, ValueType::*};
use crate::{ApiError, Result};
use pest::iterators::Pair;

impl Builder<'_> {
    pub(super) fn condition(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        self.joined(pair, Rule::conjunction, Expr::Or, |builder, part| {
            builder.conjunction(part)
        })
    }

    fn conjunction(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        self.joined(pair, Rule::negation, Expr::And, |builder, part| {
            builder.negation(part)
        })
    }

    /// The parts of an AND or OR; one alone is itself.
    fn joined(
        &mut self,
        pair: Pair<'_, Rule>,
        rule: Rule,
        join: fn(Vec<Expr>) -> Expr,
        mut build: impl FnMut(&mut Self, Pair<'_, Rule>) -> Result<Expr>,
    ) -> Result<Expr> {
        let mut parts = Vec::new();
        for part in pair.into_inner().filter(|p| p.as_rule() == rule) {
            parts.push(build(self, part)?);
        }
        match parts.len() {
            1 => parts.pop().ok_or_else(|| malformed("")),
            _ => Ok(join(parts)),
        }
    }

    fn negation(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut negative = false;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::not {
                negative = !negative;
                continue;
            }
            let inner = self.comparison(part)?;
            return Ok(negated(inner, negative));
        }
        Err(malformed(""))
    }

    fn comparison(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut parts = pair.into_inner();
        let first = parts.next().ok_or_else(|| malformed(""))?;
        let left = self.operand(first)?;
        match parts.next() {
            None => Ok(left),
            Some(tail) => self.tested(left, tail),
        }
    }

    /// What follows the left operand.
    fn tested(&mut self, left: Expr, tail: Pair<'_, Rule>) -> Result<Expr> {
        let rule = tail.as_rule();
        let left = Box::new(left);
        let negative = tail.clone().into_inner().any(|p| p.as_rule() == Rule::not);
        let test = match rule {
            Rule::compare => {
                let mut comparator = Comparator::Eq;
                let mut right = None;
                for part in tail.into_inner() {
                    match part.as_rule() {
                        Rule::comparator if part.as_str() == "!=" => comparator = Comparator::Ne,
                        Rule::comparator => comparator = Comparator::from_symbol(part.as_str()),
                        _ => right = Some(self.operand(part)?),
                    }
                }
                let right = right.ok_or_else(|| malformed(""))?;
                Expr::Compare(left, comparator, Box::new(right))
            }
            Rule::between => {
                let mut bounds = self.operands(tail)?.into_iter();
                match (bounds.next(), bounds.next()) {
                    (Some(low), Some(high)) => Expr::Between(left, Box::new(low), Box::new(high)),
                    _ => return Err(malformed("")),
                }
            }
            Rule::among => {
                let members = tail.into_inner().find(|p| p.as_rule() == Rule::members);
                Expr::In(left, self.operands(members.ok_or_else(|| malformed(""))?)?)
            }
            _ => is_test(left, tail)?,
        };
        Ok(negated(test, negative))
    }

    fn operands(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        let operands = pair.into_inner().filter(|p| p.as_rule() == Rule::operand);
        operands.map(|operand| self.operand(operand)).collect()
    }

    /// Terms joined by + and -, from left to right.
    pub(super) fn operand(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut sum = None;
        let mut minus = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::plus => minus = false,
                Rule::minus => minus = true,
                _ => {
                    let term = Box::new(self.signed(part)?);
                    if sum.is_some() {
                        self.sums += 1;
                    }
                    if self.sums > MAX_SUMS {
                        return Err(ApiError::validation(format!(
                            "The expression contains too many operators; operator count: {}",
                            self.sums
                        )));
                    }
                    sum = Some(match sum {
                        None => *term,
                        Some(left) if minus => Expr::Minus(Box::new(left), term),
                        Some(left) => Expr::Plus(Box::new(left), term),
                    });
                }
            }
        }
        sum.ok_or_else(|| malformed(""))
    }

    fn signed(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let (primary, signs, negative) = split_signs(pair)?;
        let is_number = primary.as_rule() == Rule::number;
        if signs > 0 && !is_number {
            let sign = if negative { "-" } else { "+" };
            return Err(ApiError::validation(format!(
                "Incorrect number of operands for operator or function; operator or function: {sign}, number of operands: 1"
            )));
        }
        match primary.as_rule() {
            Rule::parameter => Ok(self.parameter()),
            Rule::path => self.path(primary).map(Expr::Path),
            Rule::call => self.call(primary),
            Rule::group => {
                let inner = primary.into_inner().next().ok_or_else(|| malformed(""))?;
                self.condition(inner)
            }
            Rule::missing => Err(malformed("Unexpected term")),
            _ => {
                let value = self.plain_literal(primary)?;
                let value = match value {
                    crate::value::Value::N(number) if negative => {
                        crate::value::Value::N(number.negated())
                    }
                    other => other,
                };
                Ok(Expr::Literal(value.encode()))
            }
        }
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut parts = pair.into_inner();
        let name = parts.next().ok_or_else(|| malformed(""))?;
        let function = Function::from_name(&name.as_str().to_ascii_lowercase())
            .filter(|function| *function != Function::IfNotExists)
            .ok_or_else(|| self.unrecognized(&name))?;
        let mut arguments = Vec::new();
        for part in parts {
            arguments.push(self.condition(part)?);
        }
        Ok(Expr::Call(function, arguments))
    }

    fn unrecognized(&self, name: &Pair<'_, Rule>) -> ApiError {
        ApiError::validation(format!(
            "Unrecognized function: {} at {}",
            name.as_str().to_ascii_lowercase(),
            self.place(name)
        ))
    }

    /// `path = value`, where set_add and set_delete are actions of their own.
    pub(super) fn assignment(&mut self, pair: Pair<'_, Rule>) -> Result<(DocPath, Change)> {
        let mut parts = pair.into_inner();
        let (Some(path), Some(operand)) = (parts.next(), parts.next()) else {
            return Err(malformed(""));
        };
        let path = self.path(path)?;
        if let Some(call) = lone_call(&operand) {
            let name = call.clone().into_inner().next();
            let name = name.ok_or_else(|| malformed(""))?;
            let upper = name.as_str().to_ascii_uppercase();
            if upper == "SET_ADD" || upper == "SET_DELETE" {
                let (value, place) = self.set_function(&path, call, &name, &upper)?;
                let fault = format!(
                    "The second argument to {upper} must be a value with type SET at {place}"
                );
                if let Expr::Literal(literal) = &value
                    && !is_set(literal.as_av().value_type()?)
                {
                    return Err(ApiError::validation(fault));
                }
                return Ok((
                    path,
                    match upper.as_str() {
                        "SET_ADD" => Change::Add(value, fault),
                        _ => Change::Delete(value, fault),
                    },
                ));
            }
        }
        let value = self.operand(operand)?;
        Ok((path, Change::Set(value)))
    }

    /// What set_add or set_delete is called with, and where its first argument stands.
    fn set_function(
        &mut self,
        target: &DocPath,
        call: Pair<'_, Rule>,
        name: &Pair<'_, Rule>,
        upper: &str,
    ) -> Result<(Expr, String)> {
        let place = self.place(name);
        let fault = |text: String| Err(ApiError::validation(format!("{text} at {place}")));
        let arguments: Vec<_> = call.into_inner().skip(1).collect();
        let [first, second] = arguments.as_slice() else {
            return fault(format!("{upper} must have exactly two arguments"));
        };
        let own = self.condition(first.clone())?;
        if !matches!(&own, Expr::Path(path) if path == target) {
            return fault(format!(
                "The first argument to {upper} must equal the assignment value"
            ));
        }
        let root = first
            .clone()
            .into_inner()
            .flatten()
            .find(|p| matches!(p.as_rule(), Rule::name | Rule::quoted));
        let place = root.map_or(String::new(), |root| self.place(&root));
        let value = self.condition(second.clone())?;
        match value {
            Expr::Literal(_) | Expr::Parameter(_) => Ok((value, place)),
            _ => Err(ApiError::validation(format!(
                "The second argument to {upper} must be a value with type SET at {place}"
            ))),
        }
    }
}

fn negated(inner: Expr, negative: bool) -> Expr {
    match negative {
        true => Expr::Not(Box::new(inner)),
        false => inner,
    }
}

pub fn is_set(kind: ValueType) -> bool {
    matches!(kind, Ss | Ns | Bs)
}

/// The call that is the whole operand.
fn lone_call<'t>(operand: &Pair<'t, Rule>) -> Option<Pair<'t, Rule>> {
    let only = |pair: Pair<'t, Rule>| {
        let mut inner = pair.into_inner();
        let first = inner.next()?;
        inner.next().is_none().then_some(first)
    };
    only(only(operand.clone())?).filter(|primary| primary.as_rule() == Rule::call)
}

/// `IS MISSING`, `IS NULL` and `IS` with the name of a type.
fn is_test(left: Box<Expr>, tail: Pair<'_, Rule>) -> Result<Expr> {
    let word = tail
        .into_inner()
        .find(|p| matches!(p.as_rule(), Rule::missing | Rule::null | Rule::word))
        .ok_or_else(|| malformed(""))?;
    let types: &'static [ValueType] = match word.as_str().to_ascii_uppercase().as_str() {
        "MISSING" => return Ok(Expr::IsMissing(left)),
        "NULL" => &[Null],
        "BOOL" | "BOOLEAN" => &[Bool],
        "STRING" | "VARCHAR" | "CHAR" => &[S],
        "NUMBER" | "NUMERIC" | "DECIMAL" | "INT" | "INTEGER" | "FLOAT" | "REAL" => &[N],
        "BINARY" | "BLOB" => &[B],
        "LIST" => &[L],
        "MAP" | "STRUCT" | "TUPLE" => &[M],
        "BAG" | "SET" => &[Ss, Ns, Bs],
        "S" => &[S],
        "N" => &[N],
        "B" => &[B],
        "L" => &[L],
        "M" => &[M],
        "SS" => &[Ss],
        "NS" => &[Ns],
        "BS" => &[Bs],
        _ => return Err(malformed("Unexpected term")),
    };
    Ok(Expr::IsType(left, types))
}
