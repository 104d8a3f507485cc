//! The model of a table: its items, sorted as each of its btrees sorts them.
use crate::fixtures::{account, item, json, table};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::range::{Access, KeyPart, key_of_item};
use pg_dynamo_core::read::{PageRead, StoredItem};
use pg_dynamo_core::request::{QueryRequest, ReadOptions, ScanRequest};
use pg_dynamo_core::table::{
    GlobalIndex, IndexState, KeyAttribute, LocalIndex, Projection, ScalarType, TableDefinition,
};
use pg_dynamo_core::value::{AvBuf, Item, ItemBuf, json::write_item};
use pg_dynamo_core::{ApiError, Result};
use std::cell::Cell;
use std::ops::ControlFlow;

/// pk S, sk S; local `ByYear` (Year N, everything) and `ByPlace` (Place S, with Note); global `Genre` (Genre S,
/// keys), `GenreYear` (Genre S, Year N, with Note), `Shelf` (Genre S and Room N; Row S, Column N, Tag B, everything).
pub fn books() -> TableDefinition {
    let mut table = table(
        r#"{"TableName":"Books","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}"#,
    );
    let note = || Projection::Include(vec!["Note".to_owned()]);
    let (s, n, b) = (ScalarType::S, ScalarType::N, ScalarType::B);
    table.local_indexes = vec![
        local(1, "ByYear", ("Year", n), Projection::All),
        local(2, "ByPlace", ("Place", s), note()),
    ];
    let genre = ("Genre", s);
    let shelf = [("Row", s), ("Column", n), ("Tag", b)];
    table.global_indexes = vec![
        global(3, "Genre", &[genre], &[], Projection::KeysOnly),
        global(4, "GenreYear", &[genre], &[("Year", n)], note()),
        global(5, "Shelf", &[genre, ("Room", n)], &shelf, Projection::All),
    ];
    table
}

fn key((name, scalar): (&str, ScalarType)) -> KeyAttribute {
    KeyAttribute {
        name: name.to_owned(),
        scalar,
    }
}

fn local(columns: u32, name: &str, sort: (&str, ScalarType), projection: Projection) -> LocalIndex {
    LocalIndex {
        name: name.to_owned(),
        sort: key(sort),
        projection,
        columns,
    }
}

fn global(
    columns: u32,
    name: &str,
    partition: &[(&str, ScalarType)],
    sort: &[(&str, ScalarType)],
    projection: Projection,
) -> GlobalIndex {
    GlobalIndex {
        name: name.to_owned(),
        partition: partition.iter().copied().map(key).collect(),
        sort: sort.iter().copied().map(key).collect(),
        projection,
        throughput: Default::default(),
        on_demand: None,
        warm: None,
        columns,
        state: IndexState::Active,
    }
}

pub fn query(table: &TableDefinition, request: &str) -> Result<PageRead> {
    QueryRequest::parse(&json(request), &account())?.bind(table, ReadOptions::default())
}

pub fn scan(table: &TableDefinition, request: &str) -> Result<PageRead> {
    ScanRequest::parse(&json(request), &account())?.bind(table, ReadOptions::default())
}

pub fn refused(read: Result<PageRead>) -> ApiError {
    read.expect_err("the read is refused")
}

pub struct Store {
    pub table: TableDefinition,
    pub items: Vec<ItemBuf>,
}

impl Store {
    pub fn new(table: TableDefinition, items: &[&str]) -> Store {
        let items = items.iter().map(|text| item(text)).collect();
        Store { table, items }
    }

    /// The key columns of an item in the btree that is read.
    pub fn key(&self, access: Access, item: Item<'_>) -> Option<Vec<KeyPart>> {
        let columns = match access {
            Access::Primary => None,
            Access::Local { columns } | Access::Global { columns } => Some(columns),
        };
        let schema = columns.map(|n| {
            let mut indexes = self.table.indexes();
            indexes.find(|index| index.columns() == n).unwrap().schema()
        });
        key_of_item(item, &self.table.key_schema, schema.as_ref()).unwrap()
    }

    /// What an index scan of the range finds.
    pub fn rows(&self, read: &PageRead) -> Vec<&ItemBuf> {
        let range = read.range();
        let keyed = self.items.iter().filter_map(|item| {
            let key = self.key(range.access, item.as_item())?;
            assert_eq!(key.len(), range.access.width());
            Some((key, item))
        });
        let mut found: Vec<_> = keyed.filter(|(key, _)| range.contains(key)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        if !range.forward {
            found.reverse();
        }
        found.into_iter().map(|(_, item)| item).collect()
    }

    /// The reply, and how many rows were read for it.
    pub fn page(&self, read: &PageRead) -> (String, usize) {
        let mut page = read.page(String::new());
        let mut rows = 0;
        for item in self.rows(read) {
            rows += 1;
            if page.offer(&item.as_item()).unwrap() == ControlFlow::Break(()) {
                break;
            }
        }
        assert_eq!(page.scanned(), rows as u64);
        (page.finish().unwrap(), rows)
    }

    pub fn query(&self, request: &str) -> String {
        self.page(&query(&self.table, request).unwrap()).0
    }

    pub fn scan(&self, request: &str) -> String {
        self.page(&scan(&self.table, request).unwrap()).0
    }

    /// Every page of a request (an object without ExclusiveStartKey, `…}` at its end), first to last.
    pub fn pages(
        &self,
        request: &str,
        read: fn(&TableDefinition, &str) -> Result<PageRead>,
    ) -> Vec<String> {
        let mut pages = Vec::new();
        let mut next = request.to_owned();
        loop {
            let reply = self.page(&read(&self.table, &next).unwrap()).0;
            let start = member_text(&reply, "LastEvaluatedKey");
            pages.push(reply);
            let Some(start) = start else { return pages };
            assert!(pages.len() <= self.items.len() + 2, "paging does not end");
            let (open, _) = request.rsplit_once('}').unwrap();
            next = format!("{open},\"ExclusiveStartKey\":{start}}}");
        }
    }
}

/// A member of a reply as text.
pub fn member_text(reply: &str, name: &str) -> Option<String> {
    json(reply).get(name).map(text)
}

pub fn text(json: &Json<'_>) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.to_string(),
        Json::String(s) => format!("{s:?}"),
        Json::Array(elements) => {
            let shown: Vec<String> = elements.iter().map(text).collect();
            format!("[{}]", shown.join(","))
        }
        Json::Object(members) => {
            let shown: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", text(value)))
                .collect();
            format!("{{{}}}", shown.join(","))
        }
    }
}

pub fn items_of(reply: &str) -> Vec<String> {
    match json(reply).get("Items") {
        Some(Json::Array(items)) => items.iter().map(text).collect(),
        _ => Vec::new(),
    }
}

pub fn item_text(item: &ItemBuf) -> String {
    let mut out = String::new();
    write_item(&mut out, item.as_item()).unwrap();
    out
}

/// An item that lies out of line: counts what is fetched of it.
pub struct Pieces<'a> {
    item: Item<'a>,
    pub attributes: Cell<u32>,
    pub wholes: Cell<u32>,
}

impl<'a> Pieces<'a> {
    pub fn new(item: &'a ItemBuf) -> Pieces<'a> {
        Pieces {
            item: item.as_item(),
            attributes: Cell::new(0),
            wholes: Cell::new(0),
        }
    }
}

impl StoredItem for Pieces<'_> {
    fn size(&self) -> Result<usize> {
        Ok(self.item.size())
    }
    fn whole(&self) -> Result<Item<'_>> {
        self.wholes.set(self.wholes.get() + 1);
        Ok(self.item)
    }
    fn attribute(&self, name: &str) -> Result<Option<AvBuf>> {
        self.attributes.set(self.attributes.get() + 1);
        Ok(self.item.get(name)?.map(|value| value.to_owned()))
    }
    fn in_pieces(&self) -> bool {
        true
    }
}
