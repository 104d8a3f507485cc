//! BatchGetItem: reads items of several tables by their keys.
use super::expressions::{self, Parameters};
use super::options::{self, ReturnCapacity};
use super::shape::member;
use super::{batch, fields, item_shapes, key, shape};
use crate::batch::{BatchRead, TableRead};
use crate::expression::Projection;
use crate::json::{Json, write_string};
use crate::table::{Account, TableDefinition, TableRef};
use crate::value::json::read_attributes;
use crate::value::{Attributes, ItemBuf};
use crate::{ApiError, Result, limits};
use std::borrow::Cow;
use std::collections::HashSet;

const OPERATION: &str = "BatchGetItem";

const PARAMETERS: Parameters = Parameters {
    expressions: &["ProjectionExpression"],
    legacy: &["AttributesToGet"],
};

#[derive(Debug)]
pub struct BatchGetItemRequest {
    tables: Vec<TableKeys>,
    capacity: ReturnCapacity,
}

/// What is asked of one table.
#[derive(Debug)]
struct TableKeys {
    table: TableRef,
    keys: Vec<Attributes>,
    projection: Option<Projection>,
    consistent: bool,
    /// The members beside Keys, as UnprocessedKeys repeats them.
    parameters: String,
}

impl BatchGetItemRequest {
    /// Everything that can be said without the tables.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&item_shapes::BATCH_GET_ITEM, request)?;
        let mut tables = Vec::new();
        let mut count = 0;
        let asked = batch::tables(request, account)?;
        for (table, asked) in &asked {
            check_keys_of_table(table, asked)?;
        }
        for (table, asked) in asked {
            let mut table = TableKeys::new(table, asked)?;
            let mut seen = HashSet::new();
            for key in fields::list(asked, "Keys") {
                let key = read_attributes(key)?;
                count += 1;
                table.add(key, &mut seen)?;
                batch::check_count(count, limits::MAX_BATCH_KEYS, OPERATION)?;
            }
            tables.push(table);
        }
        Ok(BatchGetItemRequest {
            tables,
            capacity: options::capacity(request),
        })
    }

    /// The same of one table, from keys that are typed already, as many as there are.
    pub fn from_parts(
        table: &str,
        keys: Vec<Attributes>,
        projection_expression: Option<&str>,
        expression_attribute_names: Option<Json<'_>>,
        account: &Account,
    ) -> Result<Self> {
        shape::check_table(table)?;
        let one = Json::Array(vec![Json::Object(Vec::new())]);
        let text = |text| Json::String(Cow::Borrowed(text));
        let members = [
            ("Keys", Some(one)),
            ("ProjectionExpression", projection_expression.map(text)),
            ("ExpressionAttributeNames", expression_attribute_names),
        ];
        let asked = object(members);
        let items = Json::Object(vec![(Cow::Borrowed(table), asked.clone())]);
        let request = object([("RequestItems", Some(items))]);
        shape::check(&item_shapes::BATCH_GET_ITEM, &request)?;
        let mut table = TableKeys::new(TableRef::parse(table, account)?, &asked)?;
        let mut seen = HashSet::new();
        keys.into_iter()
            .try_for_each(|key| table.add(key, &mut seen))?;
        Ok(BatchGetItemRequest {
            tables: vec![table],
            capacity: ReturnCapacity::None,
        })
    }

    /// In the order in which `bind` wants their definitions.
    pub fn tables(&self) -> impl Iterator<Item = &TableRef> {
        self.tables.iter().map(|table| &table.table)
    }

    /// What the tables' key schemas have to say. Err: ValidationException.
    pub fn bind(self, definitions: &[&TableDefinition]) -> Result<BatchRead> {
        if definitions.len() != self.tables.len() {
            return Err(ApiError::internal("not one definition for each table"));
        }
        let bound = self.tables.into_iter().zip(definitions);
        Ok(BatchRead::new(
            bound
                .map(|(asked, table)| asked.bind(table))
                .collect::<Result<_>>()?,
            self.capacity,
        ))
    }
}

fn object<'a, const N: usize>(members: [(&'static str, Option<Json<'a>>); N]) -> Json<'a> {
    let given = members.into_iter();
    Json::Object(
        given
            .filter_map(|(name, value)| Some((Cow::Borrowed(name), value?)))
            .collect(),
    )
}

/// The limit of one table's keys, in words and with a path that no other constraint has.
fn check_keys_of_table(table: &TableRef, asked: &Json<'_>) -> Result<()> {
    if fields::list(asked, "Keys").len() <= limits::MAX_BATCH_KEYS {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value at 'RequestItems.{}.member.Keys' failed to satisfy constraint: \
         Member must have length less than or equal to {}",
        table.as_given,
        limits::MAX_BATCH_KEYS
    )))
}

impl TableKeys {
    /// Without its keys.
    fn new(table: TableRef, asked: &Json<'_>) -> Result<TableKeys> {
        expressions::check_mixture(asked, &PARAMETERS)?;
        let names = expressions::attributes_to_get(asked)?;
        let compiled = expressions::compile(asked)?;
        Ok(TableKeys {
            table,
            keys: Vec::new(),
            projection: compiled.projection.or(names),
            consistent: fields::boolean(asked, "ConsistentRead").unwrap_or(false),
            parameters: parameters(asked),
        })
    }

    /// `seen`: the keys of this table so far.
    fn add(&mut self, key: Attributes, seen: &mut HashSet<Vec<u8>>) -> Result<()> {
        if !seen.insert(ItemBuf::from_attributes(&key).into_bytes()) {
            return Err(batch::duplicates());
        }
        self.keys.push(key);
        Ok(())
    }

    fn bind(self, definition: &TableDefinition) -> Result<TableRead> {
        let schema = &definition.key_schema;
        let keys = self.keys.into_iter();
        let keys = keys
            .map(|key| Ok((key::of_key(&key, schema)?, key)))
            .collect::<Result<_>>()?;
        if let Some(projection) = &self.projection {
            key::check_paths(&projection.nested_attributes(), definition)?;
        }
        Ok(TableRead::new(
            self.table,
            keys,
            self.projection,
            self.consistent,
            self.parameters,
        ))
    }
}

/// `,"ConsistentRead":true,…`: what a request for the rest has to say again.
fn parameters(asked: &Json<'_>) -> String {
    let mut out = String::new();
    if fields::boolean(asked, "ConsistentRead") == Some(true) {
        out.push_str(",\"ConsistentRead\":true");
    }
    if let Some(expression) = fields::string(asked, "ProjectionExpression") {
        out.push_str(",\"ProjectionExpression\":");
        write_string(&mut out, expression);
    }
    if let Some(Json::Object(names)) = member(asked, "ExpressionAttributeNames") {
        let names = names.iter();
        let names = names.filter_map(|(name, value)| Some((Some(&**name), value.as_str()?)));
        write_members(&mut out, "ExpressionAttributeNames", ['{', '}'], names);
    }
    if member(asked, "AttributesToGet").is_some() {
        let names = fields::list(asked, "AttributesToGet").iter();
        let names = names.filter_map(|name| Some((None, name.as_str()?)));
        write_members(&mut out, "AttributesToGet", ['[', ']'], names);
    }
    out
}

/// `,"name":{"#a":"a"}` or `,"name":["a"]`.
fn write_members<'t>(
    out: &mut String,
    name: &str,
    [open, close]: [char; 2],
    members: impl Iterator<Item = (Option<&'t str>, &'t str)>,
) {
    out.push(',');
    write_string(out, name);
    out.push(':');
    out.push(open);
    for (i, (key, value)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        if let Some(key) = key {
            write_string(out, key);
            out.push(':');
        }
        write_string(out, value);
    }
    out.push(close);
}
