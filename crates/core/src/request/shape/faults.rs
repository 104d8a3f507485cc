//! Broken constraints of the service model, gathered in DynamoDB's order and words.
use super::{List, MAX_ARN, Shape, Structure, Tables, Text, integer, is_table, member};
use crate::json::Json;
use crate::table::is_name;
use crate::{ApiError, Result};
use std::borrow::Cow;

/// DynamoDB reports no more faults than this.
const MAX_FAULTS: usize = 10;

pub struct Faults {
    found: Vec<String>,
    /// Of the member being looked at: "keySchema.1.member.keyType".
    path: String,
}

impl Faults {
    /// `path`: of the member that is looked at first.
    pub fn at(path: &str) -> Faults {
        Faults {
            found: Vec::new(),
            path: path.to_owned(),
        }
    }

    pub fn into_result(self) -> Result<()> {
        match self.found.len() {
            0 => Ok(()),
            n => Err(ApiError::validation(format!(
                "{n} validation error{} detected: {}",
                if n == 1 { "" } else { "s" },
                self.found.join("; ")
            ))),
        }
    }

    fn add(&mut self, value: &str, constraint: &str) {
        if self.found.len() < MAX_FAULTS {
            self.found.push(format!(
                "Value {value} at '{}' failed to satisfy constraint: {constraint}",
                self.path
            ));
        }
    }

    pub fn members(&mut self, structure: &Structure, value: &Json<'_>) {
        let outer = self.path.len();
        for m in structure.members {
            let given = member(value, m.name);
            // Most members of most requests are absent, rightly so.
            if given.is_none() && !m.required {
                continue;
            }
            if outer > 0 {
                self.path.push('.');
            }
            let start = self.path.len();
            self.path.push_str(m.name);
            self.path[start..start + 1].make_ascii_lowercase();
            match given {
                Some(v) => self.value(m.shape, v),
                None if m.required => self.add("null", "Member must not be null"),
                None => {}
            }
            self.path.truncate(outer);
        }
    }

    fn value(&mut self, shape: &Shape, value: &Json<'_>) {
        if self.found.len() >= MAX_FAULTS {
            return;
        }
        match (shape, value) {
            (Shape::Text(text), Json::String(s)) => self.text(text, s),
            // That of the request itself was checked before.
            (Shape::TableName(_), Json::String(s)) if !is_table(s) => self.table(s),
            (Shape::Number(_, min, max), Json::Number(n)) => self.number(n, *min, *max),
            (Shape::QueryLimit, Json::Number(n)) if integer(n) < 1 => self.found.push(
                "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
                    .to_owned(),
            ),
            (Shape::List(list), Json::Array(elements)) => self.list(list, value, elements),
            (Shape::Map(element, _), Json::Object(entries)) => {
                for (key, v) in entries {
                    self.element(element, key, v);
                }
            }
            (Shape::Tables(tables), Json::Object(entries)) => self.tables(tables, entries),
            (Shape::Structure(structure), _) => self.members(structure, value),
            _ => {}
        }
    }

    fn element(&mut self, shape: &Shape, place: &str, value: &Json<'_>) {
        let outer = self.path.len();
        self.path.push('.');
        self.path.push_str(place);
        self.path.push_str(".member");
        if *value != Json::Null {
            self.value(shape, value);
        }
        self.path.truncate(outer);
    }

    fn tables(&mut self, tables: &Tables, entries: &[(Cow<'_, str>, Json<'_>)]) {
        let shown = || format!("'{}'", display_tables(tables, entries));
        if !entries.iter().all(|(name, _)| is_table(name)) {
            self.add(
                &shown(),
                "Map keys must satisfy constraint: [Member must have length less than or equal to 255, \
                 Member must have length greater than or equal to 3, \
                 Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]",
            );
        }
        let fits = |requests: &Json<'_>| match (tables.lengths, requests) {
            (Some((min, max)), Json::Array(elements)) => (min..=max).contains(&elements.len()),
            _ => true,
        };
        if let Some((min, max)) = tables.lengths
            && !entries.iter().all(|(_, requests)| fits(requests))
        {
            self.add(
                &shown(),
                &format!(
                    "Map value must satisfy constraint: [Member must have length less than or equal to {max}, \
                     Member must have length greater than or equal to {min}]"
                ),
            );
        }
        for (name, requests) in entries {
            match requests {
                Json::Null => {
                    let outer = self.path.len();
                    self.path.push_str(&format!(".{name}.member"));
                    self.add("null", "Member must not be null");
                    self.path.truncate(outer);
                }
                _ => self.element(tables.request, name, requests),
            }
        }
    }

    fn list(&mut self, list: &List, value: &Json<'_>, elements: &[Json<'_>]) {
        if elements.len() < list.min || elements.len() > list.max {
            let shown = format!("'{}'", display(&Shape::List(List { ..*list }), value));
            self.length(&shown, elements.len(), list.min, list.max);
        }
        for (i, e) in elements.iter().enumerate() {
            if self.found.len() >= MAX_FAULTS {
                return;
            }
            self.element(list.member, &(i + 1).to_string(), e);
        }
    }

    fn length(&mut self, shown: &str, length: usize, min: usize, max: usize) {
        if length < min {
            self.add(
                shown,
                &format!("Member must have length greater than or equal to {min}"),
            );
        }
        if length > max {
            self.add(
                shown,
                &format!("Member must have length less than or equal to {max}"),
            );
        }
    }

    /// What is wrong with a table's name or ARN.
    pub fn table(&mut self, text: &str) {
        let arn = text.starts_with("arn:");
        let rule = Text {
            // The service model asks for one character and the service for three: of an empty name
            // only the first is reported.
            min: if text.is_empty() { 1 } else { 3 },
            max: if arn { MAX_ARN } else { 255 },
            name: !arn && !text.is_empty(),
            values: &[],
        };
        self.text(&rule, text);
    }

    fn text(&mut self, rule: &Text, value: &str) {
        let misnamed = rule.name && (value.is_empty() || !is_name(value));
        let unlisted = !rule.values.is_empty() && !rule.values.contains(&value);
        let bounded = rule.min > 0 || rule.max < usize::MAX;
        if !(misnamed || unlisted || bounded) {
            return;
        }
        let shown = format!("'{value}'");
        if misnamed {
            self.add(
                &shown,
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            );
        }
        self.length(&shown, value.chars().count(), rule.min, rule.max);
        if unlisted {
            let set = rule.values.join(", ");
            self.add(
                &shown,
                &format!("Member must satisfy enum value set: [{set}]"),
            );
        }
    }

    fn number(&mut self, literal: &str, min: i64, max: i64) {
        let value = integer(literal);
        let shown = format!("'{value}'");
        if value < min {
            self.add(
                &shown,
                &format!("Member must have value greater than or equal to {min}"),
            );
        }
        if value > max {
            self.add(
                &shown,
                &format!("Member must have value less than or equal to {max}"),
            );
        }
    }
}

/// A value as an error text shows it: "[KeySchemaElement(attributeName=pk, keyType=HASH)]".
fn display(shape: &Shape, value: &Json<'_>) -> String {
    match (shape, value) {
        (_, Json::Null) => "null".to_owned(),
        (_, Json::Bool(b)) => b.to_string(),
        (_, Json::Number(n)) => n.to_string(),
        (_, Json::String(s)) => s.to_string(),
        (Shape::List(list), Json::Array(elements)) => {
            let shown: Vec<String> = elements.iter().map(|e| display(list.member, e)).collect();
            format!("[{}]", shown.join(", "))
        }
        (Shape::Tables(tables), Json::Object(entries)) => display_tables(tables, entries),
        // Attribute values are not repeated: they may be long, and texts of errors end in logs.
        (Shape::Attributes, _) => "{...}".to_owned(),
        (Shape::Structure(structure), _) => {
            let shown: Vec<String> = structure
                .members
                .iter()
                .map(|m| {
                    let (first, rest) = m.name.split_at(1);
                    let v = value.get(m.name).unwrap_or(&Json::Null);
                    format!(
                        "{}{rest}={}",
                        first.to_ascii_lowercase(),
                        display(m.shape, v)
                    )
                })
                .collect();
            format!("{}({})", structure.class, shown.join(", "))
        }
        _ => String::new(),
    }
}

fn display_tables(tables: &Tables, entries: &[(Cow<'_, str>, Json<'_>)]) -> String {
    let shown: Vec<String> = entries
        .iter()
        .map(|(name, requests)| format!("{name}={}", display(tables.request, requests)))
        .collect();
    format!("{{{}}}", shown.join(", "))
}
