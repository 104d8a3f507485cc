//! A predicate against the placeholders of a request: which fault is reported first, and the test that
//! remains when there is none. Every predicate is judged for itself, in order of the text:
//! undefined placeholders, operand counts, equal operands, operand types.

use super::ast::{Comparator, Function, Operand, Predicate};
use super::path::DocPath;
use super::resolve::{
    Resolved, Resolver, check_count, check_inner_counts, needs_path, type_of, wrong_type,
};
use super::test::{Source, Test};
use crate::value::{AvBuf, AvKind, ValueType, number::write_key_as_text};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::cmp::Ordering;

/// A predicate whose placeholders are known.
pub enum Operands {
    Compare(Resolved, Comparator, Resolved),
    Between(Resolved, Resolved, Resolved),
    In(Resolved, Vec<Resolved>),
    Call(Function, Vec<Resolved>),
}

/// The test a predicate makes once its placeholders are known, or its first fault.
pub fn predicate(predicate: &Predicate, resolver: &mut Resolver<'_>) -> Result<Test, String> {
    test(match predicate {
        Predicate::Compare(left, comparator, right) => Operands::Compare(
            resolver.operand(left)?,
            *comparator,
            resolver.operand(right)?,
        ),
        Predicate::Between(tested, low, high) => Operands::Between(
            resolver.operand(tested)?,
            resolver.operand(low)?,
            resolver.operand(high)?,
        ),
        Predicate::In(tested, list) => {
            let tested = resolver.operand(tested)?;
            Operands::In(tested, resolved(list, resolver)?)
        }
        Predicate::Call(call) => {
            Operands::Call(call.function, resolved(&call.arguments, resolver)?)
        }
    })
}

fn resolved(operands: &[Operand], resolver: &mut Resolver<'_>) -> Result<Vec<Resolved>, String> {
    operands.iter().map(|o| resolver.operand(o)).collect()
}

/// The test that known operands make, or their first fault.
pub fn test(operands: Operands) -> Result<Test, String> {
    match operands {
        Operands::Compare(left, comparator, right) => {
            let operands = [left, right];
            check_inner_counts(&operands)?;
            check_distinct(comparator.symbol(), &operands)?;
            check_types_inside(&operands)?;
            if !matches!(comparator, Comparator::Eq | Comparator::Ne) {
                check_ordered(comparator.symbol(), &operands)?;
            }
            let [left, right] = operands;
            Ok(Test::Compare(source(left), comparator, source(right)))
        }
        Operands::Between(tested, low, high) => {
            let operands = [tested, low, high];
            check_inner_counts(&operands)?;
            check_types_inside(&operands)?;
            check_ordered("BETWEEN", &operands)?;
            check_bounds(&operands[1], &operands[2])?;
            let [tested, low, high] = operands.map(source);
            Ok(Test::Between(tested, low, high))
        }
        Operands::In(tested, list) => {
            check_inner_counts(std::slice::from_ref(&tested))?;
            check_inner_counts(&list)?;
            check_not_among("IN", &tested, &list)?;
            check_types_inside(std::slice::from_ref(&tested))?;
            check_types_inside(&list)?;
            Ok(Test::In(
                source(tested),
                list.into_iter().map(source).collect(),
            ))
        }
        Operands::Call(function, arguments) => {
            check_count(function, &arguments)?;
            check_distinct(function.name(), &arguments)?;
            function_test(function, arguments)
        }
    }
}

fn check_distinct(operator: &str, operands: &[Resolved]) -> Result<(), String> {
    match operands {
        [first, rest @ ..] => check_not_among(operator, first, rest),
        [] => Ok(()),
    }
}

fn check_not_among(operator: &str, first: &Resolved, rest: &[Resolved]) -> Result<(), String> {
    let Resolved::Path(path) = first else {
        return Ok(());
    };
    if !rest
        .iter()
        .any(|other| matches!(other, Resolved::Path(p) if p == path))
    {
        return Ok(());
    }
    Err(format!(
        "The first operand must be distinct from the remaining operands for this operator or function; \
         operator: {operator}, first operand: {path}"
    ))
}

/// Types of what the calls among the operands take; only `size` can be there.
fn check_types_inside(operands: &[Resolved]) -> Result<(), String> {
    for operand in operands {
        let Resolved::Call(function, arguments) = operand else {
            continue;
        };
        check_types_inside(arguments)?;
        if let Some(kind) = arguments.first().and_then(known_type)
            && matches!(kind, ValueType::N | ValueType::Bool | ValueType::Null)
        {
            return Err(wrong_type(function.name(), kind.name()));
        }
    }
    Ok(())
}

/// The type of a literal or of a function's result.
fn known_type(operand: &Resolved) -> Option<ValueType> {
    match operand {
        Resolved::Call(..) => Some(ValueType::N),
        other => other.literal_type(),
    }
}

/// Only strings, numbers and binaries have an order.
fn check_ordered(operator: &str, operands: &[Resolved]) -> Result<(), String> {
    for kind in operands.iter().filter_map(Resolved::literal_type) {
        if !matches!(kind, ValueType::S | ValueType::N | ValueType::B) {
            return Err(wrong_type(operator, kind.name()));
        }
    }
    Ok(())
}

fn check_bounds(low: &Resolved, high: &Resolved) -> Result<(), String> {
    let (Resolved::Value(low), Resolved::Value(high)) = (low, high) else {
        return Ok(());
    };
    let requirement = if type_of(low.as_av()) != type_of(high.as_av()) {
        "same data type for lower and upper bounds"
    } else if matches!(
        low.as_av().partial_cmp(high.as_av()),
        Ok(Some(Ordering::Greater))
    ) {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(format!(
        "The BETWEEN operator requires {requirement}; lower bound operand: AttributeValue: {{{}}}, \
         upper bound operand: AttributeValue: {{{}}}",
        literal(low),
        literal(high)
    ))
}

/// A scalar as error texts show it: `N:1`.
pub(crate) fn literal(value: &AvBuf) -> String {
    match value.as_av().kind() {
        Ok(AvKind::S(text)) => format!("S:{text}"),
        Ok(AvKind::N(key)) => {
            let mut out = String::from("N:");
            match write_key_as_text(key, &mut out) {
                Ok(()) => out,
                Err(_) => "N:?".into(),
            }
        }
        Ok(AvKind::B(bytes)) => format!("B:{}", STANDARD.encode(bytes)),
        _ => String::new(),
    }
}

/// Counts were checked: every function has as many arguments as it takes.
fn function_test(function: Function, arguments: Vec<Resolved>) -> Result<Test, String> {
    check_types_inside(&arguments)?;
    let mut arguments = arguments.into_iter();
    let (first, second) = (arguments.next(), arguments.next());
    match (function, first, second) {
        (Function::AttributeExists, Some(Resolved::Path(path)), None) => Ok(Test::Exists(path)),
        (Function::AttributeNotExists, Some(Resolved::Path(path)), None) => {
            Ok(Test::NotExists(path))
        }
        (Function::AttributeType, Some(tested), Some(kind)) => attribute_type(tested, &kind),
        (Function::BeginsWith, Some(whole), Some(prefix)) => {
            for kind in [&whole, &prefix].into_iter().filter_map(known_type) {
                if !matches!(kind, ValueType::S | ValueType::B) {
                    return Err(wrong_type(function.name(), kind.name()));
                }
            }
            Ok(Test::BeginsWith(source(whole), source(prefix)))
        }
        (Function::Contains, Some(whole), Some(part)) => {
            Ok(Test::Contains(source(whole), source(part)))
        }
        _ => Err(needs_path(function)),
    }
}

fn attribute_type(tested: Resolved, kind: &Resolved) -> Result<Test, String> {
    const ANY: &str = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}";
    const VALID: &str = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}";
    let name = Function::AttributeType.name();
    if known_type(kind) != Some(ValueType::S) {
        return Err(wrong_type(
            name,
            known_type(kind).map_or(ANY, ValueType::name),
        ));
    }
    let Resolved::Value(value) = kind else {
        return Err(wrong_type(name, ANY));
    };
    match value.as_av().kind() {
        Ok(AvKind::S(text)) => match ValueType::from_name(text) {
            Some(kind) => Ok(Test::Type(source(tested), kind)),
            None => Err(format!(
                "Invalid attribute type name found; type: {text}, valid types: {VALID}"
            )),
        },
        _ => Err(wrong_type(name, ANY)),
    }
}

fn source(operand: Resolved) -> Source {
    match operand {
        Resolved::Path(path) => Source::Path(path),
        Resolved::Value(value) => Source::Value(value),
        // Only size is left among operands; its one argument was checked.
        Resolved::Call(_, arguments) => match arguments.into_iter().next() {
            Some(argument) => Source::Size(Box::new(source(argument))),
            None => Source::Size(Box::new(Source::Path(DocPath::top("")))),
        },
    }
}
