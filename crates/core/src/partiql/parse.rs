//! From text to syntax tree. Faults that depend neither on parameters nor on the table are found here: those of the
//! grammar first, then those of names, functions and literals, in order of the text.

use super::ast::{
    Change, Delete, Expr, Insert, OrderKey, Returning, Select, Source, Statement, Update,
};
use super::malformed;
use super::scan::scan;
use crate::expression::path::{DocPath, Step};
use crate::limits::MAX_STATEMENT;
use crate::{ApiError, Result};
use pest::{Parser, iterators::Pair};

mod expression;
mod fault;
mod literal;

#[derive(pest_derive::Parser)]
#[grammar = "partiql/grammar.pest"]
struct Grammar;

/// Elements of one document path (service quotas).
const MAX_PATH: usize = 32;
/// + and - of one statement: they nest to the left ("the maximum number of operators", service quotas).
const MAX_SUMS: usize = 300;

pub fn parse(text: &str) -> Result<Statement> {
    if text.len() > MAX_STATEMENT {
        return Err(fault::too_long(text));
    }
    scan(text)?;
    let mut pairs =
        Grammar::parse(Rule::statement, text).map_err(|e| fault::of_grammar(text, &e))?;
    let statement = pairs.next().ok_or_else(|| malformed(""))?;
    let inner = statement.into_inner().next().ok_or_else(|| malformed(""))?;
    let mut builder = Builder {
        text,
        parameters: 0,
        sums: 0,
    };
    match inner.as_rule() {
        Rule::select => builder.select(inner).map(Statement::Select),
        Rule::insert => builder.insert(inner).map(Statement::Insert),
        Rule::update | Rule::from_first => builder.update(inner).map(Statement::Update),
        Rule::delete => builder.delete(inner).map(Statement::Delete),
        _ => {
            let select = inner.into_inner().find(|p| p.as_rule() == Rule::select);
            builder
                .select(select.ok_or_else(|| malformed(""))?)
                .map(Statement::Exists)
        }
    }
}

/// Walks the parse tree in order of the text, which is how parameters are counted.
struct Builder<'t> {
    text: &'t str,
    parameters: usize,
    sums: usize,
}

impl Builder<'_> {
    /// Where a fault is: `line:column:length`, in characters, from 1.
    fn place(&self, pair: &Pair<'_, Rule>) -> String {
        self.place_of(pair.as_span().start(), pair.as_str())
    }

    fn place_of(&self, start: usize, what: &str) -> String {
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default();
        let column = column.chars().count() + 1;
        format!("{line}:{column}:{}", what.chars().count())
    }

    fn select(&mut self, pair: Pair<'_, Rule>) -> Result<Select> {
        let mut select = Select {
            source: Source {
                table: String::new(),
                index: None,
            },
            columns: Vec::new(),
            condition: None,
            order: Vec::new(),
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::column => select.columns.push(self.column(part)?),
                Rule::source => select.source = self.source(part)?.0,
                Rule::alias => return Err(fault::aliasing()),
                Rule::where_ => select.condition = Some(self.where_clause(part)?),
                Rule::order_by => select.order = self.order_by(part)?,
                _ => {}
            }
        }
        Ok(select)
    }

    fn column(&mut self, pair: Pair<'_, Rule>) -> Result<DocPath> {
        let mut found = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::column_call => {
                    let name = part.into_inner().next().ok_or_else(|| malformed(""))?;
                    return Err(ApiError::validation(format!(
                        "Unexpected path component at {}",
                        self.place(&name)
                    )));
                }
                Rule::path => found = Some(self.path(part)?),
                _ => return Err(fault::aliasing()),
            }
        }
        found.ok_or_else(|| malformed(""))
    }

    fn order_by(&mut self, pair: Pair<'_, Rule>) -> Result<Vec<OrderKey>> {
        let keys = pair.into_inner().filter(|p| p.as_rule() == Rule::order_key);
        keys.map(|key| {
            let descending = key.clone().into_inner().any(|p| p.as_rule() == Rule::desc);
            let path = key.into_inner().next().ok_or_else(|| malformed(""))?;
            let path = self.path(path)?;
            let attribute = if path.steps.is_empty() {
                path.root
            } else {
                // A nested attribute is no key; it is refused by its name.
                path.to_string()
            };
            Ok(OrderKey {
                attribute,
                descending,
            })
        })
        .collect()
    }

    /// A table and perhaps an index, and where they stand.
    fn source(&self, pair: Pair<'_, Rule>) -> Result<(Source, String)> {
        let place = self.place_of(pair.as_span().start(), pair.as_str().trim_end());
        let mut names = Vec::new();
        for part in pair.into_inner() {
            let name = name_of(&part);
            if name.is_empty() {
                return Err(ApiError::validation(
                    "Path component cannot be an empty string",
                ));
            }
            names.push(name);
        }
        let mut names = names.into_iter();
        let source = Source {
            table: names.next().unwrap_or_default(),
            index: names.next(),
        };
        if names.next().is_some() {
            return Err(ApiError::validation(
                "A path may contain at most 2 components in the FROM clause",
            ));
        }
        Ok((source, place))
    }

    /// Of UPDATE and DELETE.
    fn written(&self, pair: Pair<'_, Rule>) -> Result<Source> {
        let (source, _) = self.source(pair)?;
        if source.index.is_some() {
            return Err(ApiError::validation(
                "This operation is not supported on an index",
            ));
        }
        Ok(source)
    }

    fn insert(&mut self, pair: Pair<'_, Rule>) -> Result<Insert> {
        let (mut source, mut item) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::source => {
                    let (found, place) = self.source(part)?;
                    if found.index.is_some() {
                        return Err(ApiError::validation(format!(
                            "FROM clause may only contain a single table name in data manipulation statements at {place}"
                        )));
                    }
                    source = Some(found);
                }
                Rule::map => item = self.item(part)?,
                _ => {}
            }
        }
        Ok(Insert {
            source: source.ok_or_else(|| malformed(""))?,
            item,
        })
    }

    fn update(&mut self, pair: Pair<'_, Rule>) -> Result<Update> {
        let (mut source, mut condition, mut returning) = (None, None, None);
        let mut changes = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::source => source = Some(self.written(part)?),
                Rule::alias => return Err(fault::aliasing()),
                Rule::set => {
                    for assignment in part.into_inner().skip(1) {
                        changes.push(self.assignment(assignment)?);
                    }
                }
                Rule::remove => {
                    for path in part.into_inner().skip(1) {
                        changes.push((self.path(path)?, Change::Remove));
                    }
                }
                Rule::where_ => condition = Some(self.where_clause(part)?),
                Rule::returning => returning = Some(returning_of(part)),
                _ => {}
            }
        }
        Ok(Update {
            source: source.ok_or_else(|| malformed(""))?,
            changes,
            condition,
            returning,
        })
    }

    fn delete(&mut self, pair: Pair<'_, Rule>) -> Result<Delete> {
        let (mut source, mut condition, mut returning) = (None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::source => source = Some(self.written(part)?),
                Rule::alias => return Err(fault::aliasing()),
                Rule::where_ => condition = Some(self.where_clause(part)?),
                Rule::returning => returning = Some(returning_of(part)),
                _ => {}
            }
        }
        if let Some(other) = returning.filter(|returning| *returning != Returning::AllOld) {
            return Err(ApiError::validation(format!(
                "Invalid returning clause: RETURNING {} *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
                other.text()
            )));
        }
        Ok(Delete {
            source: source.ok_or_else(|| malformed(""))?,
            condition,
            returning,
        })
    }

    fn where_clause(&mut self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let condition = pair
            .into_inner()
            .find(|p| p.as_rule() == Rule::condition)
            .ok_or_else(|| malformed(""))?;
        self.condition(condition)
    }

    fn path(&self, pair: Pair<'_, Rule>) -> Result<DocPath> {
        let mut found = DocPath::top("");
        for (at, part) in pair.into_inner().enumerate() {
            if at >= MAX_PATH {
                return Err(ApiError::validation(
                    "Invalid path: the document path has too many nesting elements",
                ));
            }
            match part.as_rule() {
                Rule::member => {
                    let name = part.into_inner().next().ok_or_else(|| malformed(""))?;
                    let is_name = Grammar::parse(Rule::name, name.as_str()).is_ok();
                    if name.as_rule() == Rule::word && !is_name {
                        return Err(malformed("Invalid path dot component"));
                    }
                    found.steps.push(Step::Name(named(&name)?));
                }
                Rule::index => found.steps.push(Step::Index(self.index(part)?)),
                _ => found.root = named(&part)?,
            }
        }
        Ok(found)
    }

    fn index(&self, pair: Pair<'_, Rule>) -> Result<usize> {
        let mut negative = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::minus => negative = !negative,
                Rule::digits => {
                    let index = part.as_str().parse::<i32>();
                    match index.map(|n| (usize::try_from(n), n)) {
                        Ok((Ok(n), 0)) => return Ok(n),
                        Ok((Ok(n), _)) if !negative => return Ok(n),
                        _ => {
                            let sign = if negative { "-" } else { "" };
                            return Err(ApiError::validation(format!(
                                "List index is not within the allowable range; index: [{sign}{}] at {}",
                                part.as_str(),
                                self.place(&part)
                            )));
                        }
                    }
                }
                _ => {}
            }
        }
        Err(malformed(""))
    }
}

fn returning_of(pair: Pair<'_, Rule>) -> Returning {
    let has = |rule| pair.clone().into_inner().any(|p| p.as_rule() == rule);
    match (has(Rule::all), has(Rule::old)) {
        (true, true) => Returning::AllOld,
        (true, false) => Returning::AllNew,
        (false, true) => Returning::ModifiedOld,
        (false, false) => Returning::ModifiedNew,
    }
}

/// The name of an attribute, of a table or of an index, without its quotes.
fn name_of(pair: &Pair<'_, Rule>) -> String {
    let text = pair.as_str();
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) if pair.as_rule() == Rule::quoted => inner.replace("\"\"", "\""),
        _ => text.to_owned(),
    }
}

/// As [`name_of`], of an attribute.
fn named(pair: &Pair<'_, Rule>) -> Result<String> {
    let name = name_of(pair);
    if name.is_empty() {
        return Err(ApiError::validation(
            "Path component cannot be an empty string",
        ));
    }
    Ok(name)
}
