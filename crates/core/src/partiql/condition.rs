//! A statement's conditions and right-hand sides with its parameters put in: the trees that the other operations
//! compile their expressions to.

use super::ast::{Change, Expr, Function};
use crate::expression::Update;
use crate::expression::ast::{Comparator, Logic};
use crate::expression::check::{self, Operands};
use crate::expression::path::{DocPath, check_paths};
use crate::expression::resolve::{Resolved, wrong_type};
use crate::expression::test::Test;
use crate::expression::update::{self, Act, Expr as Computed};
use crate::value::{AvBuf, AvKind, Value, ValueType};
use crate::{ApiError, Result, limits};
use std::cell::Cell;

/// Tests that the comparison of two conditions may multiply to.
const MAX_TESTS: usize = 1000;
/// Tests that all comparisons of conditions in one statement may repeat.
const MAX_REPEATED: usize = 2 * MAX_TESTS;

/// Puts the parameters of one request into a tree.
pub(crate) struct Bound<'p> {
    parameters: &'p [AvBuf],
    repeated: Cell<usize>,
}

fn fault(text: String) -> ApiError {
    ApiError::validation(text)
}

impl<'p> Bound<'p> {
    pub fn new(parameters: &'p [AvBuf]) -> Bound<'p> {
        Bound {
            parameters,
            repeated: Cell::new(0),
        }
    }

    /// Err: DynamoDB's text for the first fault that needs no table.
    pub fn condition(&self, expr: &Expr) -> Result<Logic<Test>> {
        Ok(match expr {
            Expr::And(parts) => Logic::And(self.conditions(parts)?),
            Expr::Or(parts) => Logic::Or(self.conditions(parts)?),
            Expr::Not(inner) => not(self.condition(inner)?),
            Expr::Compare(left, comparator, right) => self.compare(left, *comparator, right)?,
            Expr::Between(tested, low, high) => test(Operands::Between(
                self.operand(tested)?,
                self.operand(low)?,
                self.operand(high)?,
            ))?,
            Expr::In(tested, members) => self.among(tested, members)?,
            Expr::IsMissing(tested) => call(Function::AttributeNotExists, self.operand(tested)?)?,
            Expr::IsType(tested, types) => self.is_type(tested, types)?,
            Expr::Call(function, arguments) if expr.is_condition() => {
                let arguments = arguments.iter().map(|argument| self.operand(argument));
                let arguments = arguments.collect::<Result<_>>()?;
                test(Operands::Call(*function, arguments))?
            }
            _ => return Err(super::malformed("Unexpected term")),
        })
    }

    fn conditions(&self, parts: &[Expr]) -> Result<Vec<Logic<Test>>> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn compare(&self, left: &Expr, comparator: Comparator, right: &Expr) -> Result<Logic<Test>> {
        if !left.is_condition() && !right.is_condition() {
            let (left, right) = (self.operand(left)?, self.operand(right)?);
            return test(Operands::Compare(left, comparator, right));
        }
        let (condition, other) = match left.is_condition() {
            true => (left, right),
            false => (right, left),
        };
        let condition = self.condition(condition)?;
        match comparator {
            Comparator::Eq => self.same(condition, other),
            Comparator::Ne => Ok(not(self.same(condition, other)?)),
            _ => Err(fault(wrong_type(comparator.symbol(), "BOOL"))),
        }
    }

    /// Whether a condition is what `other` is: a condition, a boolean, or an attribute.
    fn same(&self, condition: Logic<Test>, other: &Expr) -> Result<Logic<Test>> {
        if other.is_condition() {
            let other = self.condition(other)?;
            self.repeat(count(&condition) + count(&other))?;
            let other = other.shared();
            let denied = not(other.clone());
            return Ok(either(condition, other, denied));
        }
        match self.operand(other)? {
            Resolved::Value(value) => Ok(match value.as_av().kind()? {
                AvKind::Bool(true) => condition,
                AvKind::Bool(false) => not(condition),
                // No condition is anything but true or false.
                _ => Logic::Or(Vec::new()),
            }),
            other => {
                self.repeat(count(&condition))?;
                let is = |truth: bool| {
                    let truth = Resolved::Value(Value::Bool(truth).encode());
                    test(Operands::Compare(other.clone(), Comparator::Eq, truth))
                };
                Ok(either(condition, is(true)?, is(false)?))
            }
        }
    }

    /// So many tests are to stand in a second place. The memory is shared, but each is asked of every item.
    fn repeat(&self, tests: usize) -> Result<()> {
        let repeated = self.repeated.get() + tests;
        self.repeated.set(repeated);
        if tests > MAX_TESTS / 2 || repeated > MAX_REPEATED {
            return Err(too_many_tests());
        }
        Ok(())
    }

    fn among(&self, tested: &Expr, members: &[Expr]) -> Result<Logic<Test>> {
        if members.len() > limits::MAX_IN_OPERANDS {
            return Err(fault(format!(
                "The IN operator is provided with too many operands; number of operands: {}",
                members.len()
            )));
        }
        if tested.is_condition() {
            let condition = self.condition(tested)?.shared();
            if count(&condition) * members.len() > MAX_TESTS {
                return Err(too_many_tests());
            }
            let same = members
                .iter()
                .map(|member| self.same(condition.clone(), member));
            return Ok(Logic::Or(same.collect::<Result<_>>()?));
        }
        let members = members.iter().map(|member| self.operand(member));
        let members = members.collect::<Result<_>>()?;
        test(Operands::In(self.operand(tested)?, members))
    }

    fn is_type(&self, tested: &Expr, types: &[ValueType]) -> Result<Logic<Test>> {
        let tested = self.operand(tested)?;
        let one = |kind: &ValueType| {
            let name = Resolved::Value(Value::S(kind.name().to_owned()).encode());
            test(Operands::Call(
                Function::AttributeType,
                vec![tested.clone(), name],
            ))
        };
        match types {
            [kind] => one(kind),
            _ => Ok(Logic::Or(types.iter().map(one).collect::<Result<_>>()?)),
        }
    }

    /// An operand of a condition.
    fn operand(&self, expr: &Expr) -> Result<Resolved> {
        Ok(match expr {
            Expr::Literal(value) => Resolved::Value(value.clone()),
            Expr::Parameter(place) => Resolved::Value(self.parameter(*place)?.clone()),
            Expr::Path(path) => Resolved::Path(path.clone()),
            Expr::Call(Function::Size, arguments) => {
                let arguments = arguments.iter().map(|argument| self.operand(argument));
                Resolved::Call(Function::Size, arguments.collect::<Result<_>>()?)
            }
            Expr::Call(function, _) => return Err(misplaced(*function)),
            Expr::Plus(..) => return Err(unsupported_operator("+")),
            Expr::Minus(..) => return Err(unsupported_operator("-")),
            _ => return Err(super::malformed("Unexpected term")),
        })
    }

    pub fn parameter(&self, place: usize) -> Result<&AvBuf> {
        self.parameters.get(place).ok_or_else(|| {
            ApiError::validation("Number of parameters in request and statement don't match.")
        })
    }

    /// A value that no item has a part in.
    pub fn value(&self, expr: &Expr) -> Result<AvBuf> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Parameter(place) => self.parameter(*place).cloned(),
            _ => Err(super::malformed("Unexpected term")),
        }
    }

    /// The changes of an UPDATE. Err: DynamoDB's text for the first fault.
    pub fn update(&self, changes: &[(DocPath, Change)]) -> Result<Update> {
        let paths: Vec<&DocPath> = changes.iter().map(|(path, _)| path).collect();
        check_paths(&paths).map_err(fault)?;
        let changes = changes.iter().map(|(path, change)| {
            let action = match change {
                Change::Set(expr) => Act::Set(self.computed(expr)?),
                Change::Remove => Act::Remove,
                Change::Add(value, wrong) => Act::Add(self.set(value, wrong)?),
                Change::Delete(value, wrong) => Act::Delete(self.set(value, wrong)?),
            };
            Ok(update::Change {
                path: path.clone(),
                action,
            })
        });
        Ok(Update::from_statement(changes.collect::<Result<_>>()?))
    }

    fn set(&self, value: &Expr, wrong: &str) -> Result<AvBuf> {
        let value = self.value(value)?;
        match value.as_av().value_type()? {
            ValueType::Ss | ValueType::Ns | ValueType::Bs => Ok(value),
            _ => Err(ApiError::validation(wrong)),
        }
    }

    /// A right-hand side. The depth is bounded by the brackets and terms of a statement.
    fn computed(&self, expr: &Expr) -> Result<Computed> {
        Ok(match expr {
            Expr::Path(path) => Computed::Path(path.clone()),
            Expr::Literal(_) | Expr::Parameter(_) => Computed::Value(self.value(expr)?),
            Expr::Plus(a, b) => {
                let (a, b) = self.numbers("+", a, b)?;
                Computed::Plus(a, b)
            }
            Expr::Minus(a, b) => {
                let (a, b) = self.numbers("-", a, b)?;
                Computed::Minus(a, b)
            }
            Expr::Call(Function::ListAppend, arguments) => match arguments.as_slice() {
                [a, b] => {
                    let (a, b) = self.both("list_append", ValueType::L, a, b)?;
                    Computed::ListAppend(a, b)
                }
                _ => {
                    return Err(fault(format!(
                        "Incorrect number of operands for operator or function; operator or function: list_append, \
                         number of operands: {}",
                        arguments.len()
                    )));
                }
            },
            Expr::Call(function, _) => return Err(misplaced(*function)),
            _ => return Err(super::malformed("Unexpected term")),
        })
    }

    fn numbers(
        &self,
        operator: &str,
        a: &Expr,
        b: &Expr,
    ) -> Result<(Box<Computed>, Box<Computed>)> {
        self.both(operator, ValueType::N, a, b)
    }

    /// Two operands, which are of this type where the statement alone tells.
    fn both(
        &self,
        operator: &str,
        wanted: ValueType,
        a: &Expr,
        b: &Expr,
    ) -> Result<(Box<Computed>, Box<Computed>)> {
        let (a, b) = (self.computed(a)?, self.computed(b)?);
        for side in [&a, &b] {
            if let Computed::Value(value) = side {
                let kind = value.as_av().value_type()?;
                if kind != wanted {
                    return Err(fault(wrong_type(operator, kind.name())));
                }
            }
        }
        Ok((Box::new(a), Box::new(b)))
    }
}

fn not(condition: Logic<Test>) -> Logic<Test> {
    Logic::Not(Box::new(condition))
}

/// `yes` where the condition holds, otherwise `no`.
fn either(condition: Logic<Test>, yes: Logic<Test>, no: Logic<Test>) -> Logic<Test> {
    let condition = condition.shared();
    let denied = not(condition.clone());
    Logic::Or(vec![
        Logic::And(vec![condition, yes]),
        Logic::And(vec![denied, no]),
    ])
}

fn too_many_tests() -> ApiError {
    fault("Expression has exceeded the maximum number of operators".into())
}

fn test(operands: Operands) -> Result<Logic<Test>> {
    check::test(operands).map(Logic::Test).map_err(fault)
}

fn call(function: Function, argument: Resolved) -> Result<Logic<Test>> {
    test(Operands::Call(function, vec![argument]))
}

fn unsupported_operator(operator: &str) -> ApiError {
    ApiError::validation(format!(
        "Unsupported operator in Condition Expression. Operator: {operator}"
    ))
}

fn misplaced(function: Function) -> ApiError {
    ApiError::validation(format!(
        "The function is not allowed to be used this way in an expression; function: {}",
        function.name()
    ))
}

fn count(logic: &Logic<Test>) -> usize {
    let mut tests = 0;
    logic.each(&mut |_| tests += 1);
    tests
}
