//! Conditions: the flat sequence of the grammar becomes a tree, by a stack of open parentheses.

use super::{Builder, Place, Rule, run};
use crate::expression::ast::{Comparator, Function, Logic, Operand, Predicate};
use crate::expression::token::syntax_error;
use pest::iterators::Pair;

/// Operands of IN beside the tested one (operators and functions page of the developer guide).
const MAX_IN: usize = 100;

pub type Tree = Logic<Predicate>;

/// What has been read since one parenthesis opened.
#[derive(Default)]
struct Frame {
    or: Vec<Tree>,
    and: Vec<Tree>,
    /// NOTs that wait for their condition.
    nots: usize,
    /// Nothing but one parenthesised condition so far.
    only_group: bool,
}
impl Frame {
    fn is_fresh(&self) -> bool {
        self.nots == 0 && self.and.is_empty() && self.or.is_empty()
    }

    fn complete(&mut self, mut tree: Tree, is_group: bool) {
        self.only_group = is_group && self.is_fresh();
        for _ in 0..std::mem::take(&mut self.nots) {
            tree = Logic::Not(Box::new(tree));
        }
        self.and.push(tree);
    }

    fn end_and(&mut self) {
        if self.and.is_empty() {
            return;
        }
        let mut parts = std::mem::take(&mut self.and);
        let joined = match (parts.len(), parts.pop()) {
            (1, Some(single)) => single,
            (_, Some(last)) => {
                parts.push(last);
                Logic::And(parts)
            }
            (_, None) => return,
        };
        self.or.push(joined);
    }

    fn finish(mut self) -> Option<Tree> {
        self.end_and();
        if self.or.len() == 1 {
            self.or.pop()
        } else {
            Some(Logic::Or(self.or))
        }
    }
}

pub fn parse_condition(text: &str) -> Result<Tree, String> {
    let top = run(Rule::condition, text)?;
    let mut builder = Builder::new(text, Place::Condition);
    let mut frames = vec![Frame::default()];
    for pair in top.into_inner() {
        builder.step(&mut frames, pair)?;
    }
    let root = frames.pop().and_then(Frame::finish);
    let (Some(root), true) = (root, frames.is_empty()) else {
        return Err(syntax_error(text, text.len()));
    };
    builder.check()?;
    Ok(root)
}

impl Builder<'_> {
    fn step(&mut self, frames: &mut Vec<Frame>, pair: Pair<'_, Rule>) -> Result<(), String> {
        let at = pair.as_span().start();
        let rule = pair.as_rule();
        if matches!(rule, Rule::not | Rule::and | Rule::or) {
            self.operators += 1;
            // A tree over the limit is refused in any case: it is not built any deeper.
            if self.operators > super::MAX_OPERATORS && rule == Rule::not {
                return Ok(());
            }
        }
        let tree = match rule {
            Rule::comparison => self.comparison(frames, pair)?,
            Rule::call => {
                let call = self.call(pair)?;
                if call.function == Function::Size {
                    self.misplaced.get_or_insert(Function::Size);
                }
                Predicate::Call(call)
            }
            _ => return self.punctuation(frames, rule, at),
        };
        if let Some(frame) = frames.last_mut() {
            frame.complete(Logic::Test(tree), false);
        }
        Ok(())
    }

    fn punctuation(
        &mut self,
        frames: &mut Vec<Frame>,
        rule: Rule,
        at: usize,
    ) -> Result<(), String> {
        match (rule, frames.last_mut()) {
            (Rule::not, Some(frame)) => frame.nots += 1,
            (Rule::and, Some(frame)) => frame.only_group = false,
            (Rule::or, Some(frame)) => {
                frame.only_group = false;
                frame.end_and();
            }
            (Rule::open, _) => frames.push(Frame::default()),
            (Rule::close, _) => {
                let closed = if frames.len() > 1 { frames.pop() } else { None };
                let (Some(closed), Some(outer)) = (closed, frames.last_mut()) else {
                    return Err(syntax_error(self.text, at));
                };
                self.redundant |= closed.only_group;
                if let Some(tree) = closed.finish() {
                    outer.complete(tree, true);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `left` with the parentheses that were closed behind it, then the comparison.
    fn comparison(
        &mut self,
        frames: &mut Vec<Frame>,
        pair: Pair<'_, Rule>,
    ) -> Result<Predicate, String> {
        self.operators += 1;
        let mut left = None;
        let mut rest = Vec::new();
        let mut closed_just_now = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::close => {
                    // The parenthesis must have been opened directly before the operand.
                    if frames.len() < 2 || !frames.last().is_some_and(Frame::is_fresh) {
                        return Err(syntax_error(self.text, part.as_span().start()));
                    }
                    frames.pop();
                    self.redundant |= closed_just_now;
                    closed_just_now = true;
                }
                Rule::member | Rule::index => {
                    closed_just_now = false;
                    if let Some(Operand::Path(path)) = &mut left {
                        self.extend(path, part);
                    }
                }
                Rule::and => {}
                _ if left.is_none() => left = Some(self.checked(part)?),
                _ => rest.push(part),
            }
        }
        if let Some(Operand::Path(path)) = &left {
            self.check_depth(path);
        }
        let end = self.text.len();
        let left = left.ok_or_else(|| syntax_error(self.text, end))?;
        self.right_side(left, rest)
    }

    fn right_side(
        &mut self,
        left: Operand,
        rest: Vec<Pair<'_, Rule>>,
    ) -> Result<Predicate, String> {
        let end = self.text.len();
        let missing = || syntax_error(self.text, end);
        let mut parts = rest.into_iter();
        let operator = parts.next().ok_or_else(missing)?;
        let first = parts.next().ok_or_else(missing)?;
        match operator.as_rule() {
            Rule::between => {
                let second = parts.next().ok_or_else(missing)?;
                let low = self.checked(first)?;
                Ok(Predicate::Between(left, low, self.checked(second)?))
            }
            Rule::comparator => {
                let comparator = Comparator::from_symbol(operator.as_str());
                Ok(Predicate::Compare(left, comparator, self.checked(first)?))
            }
            _ => {
                let list = first
                    .into_inner()
                    .filter(|p| !matches!(p.as_rule(), Rule::open | Rule::close | Rule::comma))
                    .map(|p| self.checked(p))
                    .collect::<Result<Vec<_>, _>>()?;
                if list.len() > MAX_IN {
                    self.in_operands.get_or_insert(list.len());
                }
                Ok(Predicate::In(left, list))
            }
        }
    }

    /// An operand of a comparison: of the functions only `size` may stand there.
    fn checked(&mut self, pair: Pair<'_, Rule>) -> Result<Operand, String> {
        let operand = self.operand(pair)?;
        if let Operand::Call(call) = &operand {
            self.check_nested(call.function);
        }
        Ok(operand)
    }
}
