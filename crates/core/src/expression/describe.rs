//! Conditions as people read them in EXPLAIN: placeholders replaced, values as plain JSON, long ones cut.
use super::ast::Logic;
use super::condition::Condition;
use super::path::{DocPath, Step};
use super::test::{Source, Test};
use super::{KeyCondition, SortCondition};
use crate::value::AvBuf;
use crate::value::plain::write_plain;

/// Characters shown of one value.
const LONGEST_VALUE: usize = 80;

impl Condition {
    pub fn describe(&self) -> String {
        logic(self.root())
    }
}

impl KeyCondition {
    /// `keys`: the HASH attributes, then the RANGE attributes that have conditions.
    pub fn describe(&self, keys: &[String]) -> String {
        let equal = |(name, v): (&String, &AvBuf)| format!("{name} = {}", value(v));
        let (partition, sort) = keys.split_at(self.partition.len().min(keys.len()));
        let partition = partition.iter().zip(&self.partition).map(equal);
        let sort = sort.iter().zip(&self.sort);
        let sort = sort.map(|(name, condition)| condition.describe(name));
        partition.chain(sort).collect::<Vec<_>>().join(" AND ")
    }
}

impl SortCondition {
    /// As a condition on the key attribute `name`.
    fn describe(&self, name: &str) -> String {
        let compared = |symbol: &str, v: &AvBuf| format!("{name} {symbol} {}", value(v));
        match self {
            SortCondition::Eq(v) => compared("=", v),
            SortCondition::Lt(v) => compared("<", v),
            SortCondition::Le(v) => compared("<=", v),
            SortCondition::Gt(v) => compared(">", v),
            SortCondition::Ge(v) => compared(">=", v),
            SortCondition::Between(low, high) => {
                format!("{name} BETWEEN {} AND {}", value(low), value(high))
            }
            SortCondition::BeginsWith(prefix) => format!("begins_with({name}, {})", value(prefix)),
        }
    }
}

/// The depth is bounded by the number of operators.
fn logic(node: &Logic<Test>) -> String {
    let joined = |parts: &[Logic<Test>], word: &str| -> String {
        let shown = parts.iter().map(|part| match part.plain() {
            Logic::And(_) | Logic::Or(_) => format!("({})", logic(part)),
            _ => logic(part),
        });
        shown.collect::<Vec<_>>().join(word)
    };
    match node {
        Logic::And(parts) => joined(parts, " AND "),
        Logic::Or(parts) => joined(parts, " OR "),
        Logic::Not(inner) => format!("NOT ({})", logic(inner)),
        Logic::Shared(inner) => logic(inner),
        Logic::Test(test) => predicate(test),
    }
}

fn predicate(test: &Test) -> String {
    match test {
        Test::Compare(left, comparator, right) => {
            format!("{} {} {}", source(left), comparator.symbol(), source(right))
        }
        Test::Between(tested, low, high) => format!(
            "{} BETWEEN {} AND {}",
            source(tested),
            source(low),
            source(high)
        ),
        Test::In(tested, list) => {
            let list: Vec<String> = list.iter().map(source).collect();
            format!("{} IN ({})", source(tested), list.join(", "))
        }
        Test::Exists(found) => format!("attribute_exists({})", path(found)),
        Test::NotExists(missing) => format!("attribute_not_exists({})", path(missing)),
        Test::Type(tested, kind) => {
            format!("attribute_type({}, \"{}\")", source(tested), kind.name())
        }
        Test::BeginsWith(whole, prefix) => {
            format!("begins_with({}, {})", source(whole), source(prefix))
        }
        Test::Contains(whole, part) => format!("contains({}, {})", source(whole), source(part)),
    }
}

fn source(operand: &Source) -> String {
    match operand {
        Source::Path(found) => path(found),
        Source::Value(v) => value(v),
        // Nested calls of size are refused when the text is checked, so this goes one level down.
        Source::Size(of) => format!("size({})", source(of)),
    }
}

fn path(path: &DocPath) -> String {
    let mut out = path.root.clone();
    for step in &path.steps {
        match step {
            Step::Name(name) => {
                out.push('.');
                out.push_str(name);
            }
            Step::Index(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

fn value(value: &AvBuf) -> String {
    let mut out = String::new();
    if write_plain(&mut out, value.as_av()).is_err() {
        return "?".to_owned();
    }
    if let Some((cut, _)) = out.char_indices().nth(LONGEST_VALUE) {
        out.truncate(cut);
        out.push('…');
    }
    out
}
