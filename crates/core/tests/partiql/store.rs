//! A table as a list of items, which statements read and write.
use crate::fixtures::{account, item, json, table};
use pg_dynamo_core::apply::{Effect, Outcome};
use pg_dynamo_core::json::Json;
use pg_dynamo_core::partiql::StatementPage;
use pg_dynamo_core::range::{Access, KeyPart, key_of_item};
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::request::{ExecuteStatementRequest, ReadOptions};
use pg_dynamo_core::table::{
    GlobalIndex, IndexState, KeyAttribute, LocalIndex, Projection, ScalarType, TableDefinition,
};
use pg_dynamo_core::value::{ItemBuf, json::write_item};
use pg_dynamo_core::{ApiError, Result};
use std::rc::Rc;

pub struct Store {
    pub table: Rc<TableDefinition>,
    pub items: Vec<ItemBuf>,
    /// Items that the last SELECT looked at.
    pub looked_at: usize,
}

/// `T`: pk S, sk S; local `Local` (l S, keys only); global `Global` (g S, n N; with `p`), `Keys` (g S; keys only),
/// `Many` (g S and h S).
pub fn table_t() -> TableDefinition {
    let mut table = table(
        r#"{"TableName":"Test","BillingMode":"PAY_PER_REQUEST",
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}"#,
    );
    table.name = "T".to_owned();
    let key = |name: &str, scalar| KeyAttribute {
        name: name.to_owned(),
        scalar,
    };
    let (s, n) = (ScalarType::S, ScalarType::N);
    table.local_indexes = vec![LocalIndex {
        name: "Local".into(),
        sort: key("l", s),
        projection: Projection::KeysOnly,
        columns: 1,
    }];
    let global = |columns, name: &str, partition: Vec<_>, sort, projection| GlobalIndex {
        name: name.into(),
        partition,
        sort,
        projection,
        throughput: Default::default(),
        on_demand: None,
        warm: None,
        columns,
        state: IndexState::Active,
    };
    table.global_indexes = vec![
        global(
            2,
            "Global",
            vec![key("g", s)],
            vec![key("n", n)],
            Projection::Include(vec!["p".into()]),
        ),
        global(3, "Keys", vec![key("g", s)], vec![], Projection::KeysOnly),
        global(
            4,
            "Many",
            vec![key("g", s), key("h", s)],
            vec![],
            Projection::All,
        ),
    ];
    table
}

impl Store {
    pub fn new(table: TableDefinition, items: &[&str]) -> Store {
        Store {
            table: Rc::new(table),
            items: items.iter().map(|text| item(text)).collect(),
            looked_at: 0,
        }
    }

    /// Of [`table_t`].
    pub fn of(items: &[&str]) -> Store {
        Store::new(table_t(), items)
    }

    fn key(&self, item: &ItemBuf, access: Access) -> Option<Vec<KeyPart>> {
        let columns = match access {
            Access::Primary => None,
            Access::Local { columns } | Access::Global { columns } => Some(columns),
        };
        let index = self
            .table
            .indexes()
            .find(|index| Some(index.columns()) == columns)
            .map(|index| index.schema());
        key_of_item(item.as_item(), &self.table.key_schema, index.as_ref()).unwrap()
    }

    /// Runs a request of ExecuteStatement: its members but the table's.
    pub fn request(&mut self, request: &str) -> Result<String> {
        let request = ExecuteStatementRequest::parse(&json(request), &account())?;
        if request.statement.table().name != self.table.name {
            return Err(ApiError::no_such_table_for_item());
        }
        if request.statement.is_read() {
            return self.select(request);
        }
        let write = request.statement.bind_write(&self.table)?;
        let place = self.items.iter().position(|item| {
            let key =
                pg_dynamo_core::key::StoredKey::of_item(item.as_item(), &self.table.key_schema);
            key.unwrap().as_ref() == Some(write.key())
        });
        let old = place.map(|at| self.items[at].clone());
        let new = match write.apply(old.as_ref().map(ItemBuf::as_item))? {
            Effect::Refused(error) => return Err(error),
            Effect::Unchanged => old.clone(),
            Effect::Delete => None,
            Effect::Store(new) => Some(new),
        };
        if let Some(at) = place {
            self.items.remove(at);
        }
        self.items.extend(new.clone());
        let mut reply = String::new();
        write.statement_reply(&Outcome { old, new }, &mut reply)?;
        Ok(reply)
    }

    fn select(&mut self, request: ExecuteStatementRequest) -> Result<String> {
        let plan = request.statement.bind_select(
            &self.table,
            ReadOptions::default(),
            request.limit,
            request.token,
        )?;
        let mut page = StatementPage::new(&plan, String::new());
        self.looked_at = 0;
        for (_, branch) in plan.ranges() {
            let range = branch.read.range();
            let mut rows: Vec<_> = self
                .items
                .iter()
                .filter_map(|item| Some((self.key(item, range.access)?, item)))
                .filter(|(key, _)| range.contains(key))
                .collect();
            rows.sort_by(|(one, _), (other, _)| one.cmp(other));
            if !range.forward {
                rows.reverse();
            }
            if let Some(key) = &branch.key {
                assert!(range.is_one_row());
                for (_, item) in &rows {
                    let own = pg_dynamo_core::key::StoredKey::of_item(
                        item.as_item(),
                        &self.table.key_schema,
                    );
                    assert_eq!(own.unwrap().as_ref(), Some(key));
                }
            }
            for (_, item) in rows {
                self.looked_at += 1;
                let stored: &dyn StoredItem = &item.as_item();
                if page.offer(stored)?.is_break() {
                    break;
                }
            }
            if page.end_range()?.is_break() {
                break;
            }
        }
        page.finish()
    }

    /// Runs a statement; what it answers.
    pub fn run(&mut self, statement: &str) -> Result<String> {
        self.with(statement, "")
    }

    /// The same with further members of the request: `"Parameters":[…]`.
    pub fn with(&mut self, statement: &str, members: &str) -> Result<String> {
        let mut request = String::from("{\"Statement\":");
        pg_dynamo_core::json::write_string(&mut request, statement);
        if !members.is_empty() {
            request.push(',');
            request.push_str(members);
        }
        request.push('}');
        self.request(&request)
    }

    /// The items of a SELECT, in their order.
    pub fn items_of(&mut self, statement: &str) -> Vec<String> {
        let reply = self
            .run(statement)
            .unwrap_or_else(|e| panic!("{statement}: {e}"));
        items(&reply)
    }

    /// `pk/sk` of the items that a SELECT of both answers.
    pub fn keys_of(&mut self, condition: &str) -> Vec<String> {
        let statement = format!("SELECT pk, sk FROM T WHERE {condition}");
        let short = |item: &String| {
            let item = Json::parse(item).unwrap();
            let part = |name| {
                item.get(name)
                    .unwrap()
                    .get("S")
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            format!("{}/{}", part("pk"), part("sk"))
        };
        self.items_of(&statement).iter().map(short).collect()
    }

    pub fn refusal(&mut self, statement: &str) -> String {
        match self.run(statement) {
            Ok(reply) => panic!("{statement} is accepted: {reply}"),
            Err(error) => error.message,
        }
    }

    /// The whole item of a key, as JSON.
    pub fn stored(&self, pk: &str, sk: &str) -> Option<String> {
        let found = self.items.iter().find(|item| {
            let text = |name: &str| {
                item.as_item()
                    .get(name)
                    .unwrap()
                    .map(|v| v.payload().to_vec())
            };
            text("pk").as_deref() == Some(pk.as_bytes())
                && text("sk").as_deref() == Some(sk.as_bytes())
        })?;
        let mut out = String::new();
        write_item(&mut out, found.as_item()).unwrap();
        Some(out)
    }
}

/// Each element of Items, as JSON.
pub fn items(reply: &str) -> Vec<String> {
    let reply = Json::parse(reply).unwrap();
    let Some(Json::Array(items)) = reply.get("Items") else {
        panic!("no Items");
    };
    items.iter().map(text).collect()
}

fn text(json: &Json<'_>) -> String {
    let attributes = pg_dynamo_core::value::json::parse_attributes(json).unwrap();
    let mut out = String::new();
    write_item(&mut out, ItemBuf::from_attributes(&attributes).as_item()).unwrap();
    out
}
