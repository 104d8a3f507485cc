//! The server under test: an administrator's session, pools, requests.

use bytes::Bytes;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_gateway::backend::{Backend, Options, Postgres, Reply, Request};
use pg_dynamo_gateway::connect::ConnInfo;
use pg_dynamo_gateway::metrics::Metrics;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

pub const ROLE: &str = "coalescing_app";

/// The connection string for a role of the server that the environment names.
pub fn conninfo(user: &str) -> String {
    let of = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    format!(
        "host={} port={} dbname={} user={user}",
        of("PGHOST"),
        of("PGPORT"),
        of("PGDATABASE")
    )
}

/// A superuser's session.
pub async fn administrator() -> Client {
    let (client, connection) = tokio_postgres::connect(&conninfo("postgres"), NoTls)
        .await
        .expect("a server");
    tokio::spawn(connection);
    client
}

/// What the first column of the first row says.
pub async fn ask(client: &Client, query: &str) -> String {
    let rows = client
        .simple_query(query)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e:?}"));
    rows.iter()
        .find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

/// Repeats a query until it answers `t`.
pub async fn until(client: &Client, query: &str) {
    for _ in 0..3000 {
        if ask(client, query).await == "t" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never true: {query}");
}

/// A pool and what it counted.
pub struct Pool {
    pub postgres: Arc<Postgres>,
    pub metrics: Arc<Metrics>,
}

impl Pool {
    pub async fn new(sessions: usize) -> Pool {
        let options = Options {
            size: sessions,
            ..Options::default()
        };
        Self::with(options).await
    }

    pub async fn with(options: Options) -> Pool {
        let metrics = Metrics::new();
        let info = ConnInfo::parse(&conninfo("dynamo_gateway")).expect("a connection string");
        let postgres = Arc::new(Postgres::start(info, options, metrics.clone()));
        let pool = Pool { postgres, metrics };
        let all = format!("pg_dynamo_gateway_sessions {}", options.size);
        for _ in 0..1000 {
            if pool.metrics.encode().lines().any(|line| line == all) {
                return pool;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the pool does not connect:\n{}", pool.metrics.encode());
    }

    pub fn begin(&self, operation: Operation, body: String) -> Call {
        let postgres = self.postgres.clone();
        let request = Request {
            operation,
            role: ROLE.into(),
            body: Bytes::from(body),
        };
        Box::pin(async move { postgres.call(request).await })
    }

    pub async fn call(&self, operation: Operation, body: String) -> Reply {
        self.begin(operation, body).await
    }

    /// The value of a metric's line, 0 when it is not there.
    pub fn counted(&self, line: &str) -> f64 {
        let text = self.metrics.encode();
        let found = text
            .lines()
            .find_map(|l| l.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0.0)
    }
}

pub type Call = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Lets calls enter the queue, in this order, before any of them can be taken from it: nothing else runs meanwhile.
pub async fn enter(calls: &mut [Call]) {
    std::future::poll_fn(|cx| {
        for call in calls.iter_mut() {
            assert!(call.as_mut().poll(cx).is_pending());
        }
        Poll::Ready(())
    })
    .await;
}

/// Whether the call has its answer already.
pub async fn answered(call: &mut Call) -> Option<Reply> {
    let look = std::future::poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(reply) => Poll::Ready(Some(reply)),
        Poll::Pending => Poll::Ready(None),
    });
    // A task that looks often is told to pause, which would look like no answer.
    tokio::task::unconstrained(look).await
}

/// An empty table of this name with the key `k`, made anew, that the requests' role may use.
pub async fn table(admin: &Client, pool: &Pool, name: &str) {
    admin
        .batch_execute(&format!(
            "DO $$ BEGIN
                 IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN CREATE ROLE {ROLE}; END IF;
             END $$;
             GRANT {ROLE} TO dynamo_gateway;
             GRANT CREATE, USAGE ON SCHEMA dynamo_tables TO {ROLE};
             DROP TABLE IF EXISTS dynamo_tables.\"{name}\""
        ))
        .await
        .expect("a role");
    let reply = pool
        .call(
            Operation::CreateTable,
            format!(
                r#"{{"TableName":"{name}","BillingMode":"PAY_PER_REQUEST",
                    "AttributeDefinitions":[{{"AttributeName":"k","AttributeType":"S"}}],
                    "KeySchema":[{{"AttributeName":"k","KeyType":"HASH"}}]}}"#
            ),
        )
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// UpdateItem that adds 1 to `n` of an item.
pub fn add_one(table: &str, key: &str) -> String {
    format!(
        r#"{{"TableName":"{table}","Key":{{"k":{{"S":"{key}"}}}},"UpdateExpression":"ADD n :one",
            "ExpressionAttributeValues":{{":one":{{"N":"1"}}}},"ReturnValues":"UPDATED_NEW"}}"#
    )
}

pub fn key(table: &str, key: &str) -> String {
    format!(r#"{{"TableName":"{table}","Key":{{"k":{{"S":"{key}"}}}}}}"#)
}

pub fn put(table: &str, key: &str) -> String {
    format!(r#"{{"TableName":"{table}","Item":{{"k":{{"S":"{key}"}},"n":{{"N":"1"}}}}}}"#)
}

/// The `n` of all items by key, as stored.
pub async fn numbers(admin: &Client, table: &str) -> std::collections::BTreeMap<String, u64> {
    let query = format!("SELECT item ->> 'k', item ->> 'n' FROM dynamo_tables.\"{table}\"");
    let rows = admin.simple_query(&query).await.expect("a table");
    rows.iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((row.get(0)?.to_owned(), row.get(1)?.parse().ok()?))
            }
            _ => None,
        })
        .collect()
}

pub fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

/// Full scale instead of the short form.
pub fn soak() -> bool {
    std::env::var("PG_DYNAMO_SOAK").is_ok_and(|value| value == "1")
}

/// Numbers that look random, the same in each run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
