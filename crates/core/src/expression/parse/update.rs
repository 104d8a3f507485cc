//! Update expressions: sections into a list of actions.

use super::{Actions, Builder, Place, Rule, run};
use crate::expression::ast::{Action, Operand, SetValue};
use crate::expression::token::syntax_error;
use pest::iterators::Pair;

pub fn parse_update(text: &str) -> Result<Actions, String> {
    let top = run(Rule::update, text)?;
    let mut builder = Builder::new(text, Place::Update);
    let mut actions = Vec::new();
    let mut seen = Vec::new();
    for section in top.into_inner() {
        let name = match section.as_rule() {
            Rule::set_section => "SET",
            Rule::remove_section => "REMOVE",
            Rule::add_section => "ADD",
            Rule::delete_section => "DELETE",
            _ => continue,
        };
        if seen.contains(&name) {
            builder.section.get_or_insert(name);
        }
        seen.push(name);
        for part in section.into_inner() {
            builder.action(name, part, &mut actions)?;
        }
    }
    builder.check()?;
    Ok(actions)
}

impl Builder<'_> {
    fn action(
        &mut self,
        section: &str,
        part: Pair<'_, Rule>,
        out: &mut Actions,
    ) -> Result<(), String> {
        match part.as_rule() {
            Rule::path => {
                let path = self.path(part);
                out.push(Action::Remove(path));
            }
            Rule::pair => {
                let mut path = Vec::new();
                let mut value = String::new();
                for inner in part.into_inner() {
                    match inner.as_rule() {
                        Rule::path => path = self.path(inner),
                        _ => value = inner.as_str().into(),
                    }
                }
                out.push(if section == "ADD" {
                    Action::Add(path, value)
                } else {
                    Action::Delete(path, value)
                });
            }
            Rule::set_action => {
                let mut path = Vec::new();
                for inner in part.into_inner() {
                    match inner.as_rule() {
                        Rule::path => path = self.path(inner),
                        Rule::arithmetic => {
                            let value = self.arithmetic(inner)?;
                            out.push(Action::Set(std::mem::take(&mut path), value));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn arithmetic(&mut self, pair: Pair<'_, Rule>) -> Result<SetValue, String> {
        let mut operands: Vec<Operand> = Vec::new();
        let mut operator = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::open | Rule::close => {}
                rule @ (Rule::plus | Rule::minus) => {
                    self.operators += 1;
                    operator = Some(rule);
                }
                _ => operands.push(self.operand(part)?),
            }
        }
        let mut operands = operands.into_iter();
        match (operator, operands.next(), operands.next()) {
            (Some(Rule::plus), Some(a), Some(b)) => Ok(SetValue::Plus(a, b)),
            (Some(_), Some(a), Some(b)) => Ok(SetValue::Minus(a, b)),
            (None, Some(a), None) => Ok(SetValue::Operand(a)),
            _ => Err(syntax_error(self.text, self.text.len())),
        }
    }
}
