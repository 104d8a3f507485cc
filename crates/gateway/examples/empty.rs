//! The endpoint with an empty handler in PostgreSQL's place, for `benches/http`: what HTTP and signatures alone cost.
//!
//! It takes the gateway's flags. Its one access key is AKIDBENCH00000000000 with the secret `secret`.

use pg_dynamo_core::operation::Operation;
use pg_dynamo_gateway::auth::{Directory, KeyStore, Record, SigV4, Unreachable, Zeroizing};
use pg_dynamo_gateway::backend::{Backend, Reply, Request};
use pg_dynamo_gateway::config::Options;
use pg_dynamo_gateway::metrics::Metrics;
use pg_dynamo_gateway::program::{self, Parts};
use std::error::Error;
use std::sync::Arc;

/// Knows one key, at once.
struct OneKey;

impl Directory for OneKey {
    async fn look_up(
        &mut self,
        access_key_id: &str,
    ) -> std::result::Result<Option<Record>, Unreachable> {
        let known = access_key_id == "AKIDBENCH00000000000";
        Ok(known.then(|| Record {
            role: "bench".to_owned(),
            secret: Zeroizing::new("secret".to_owned()),
        }))
    }
}

/// Answers what a table of the benchmark would, without looking.
struct Empty {
    item: bytes::Bytes,
    items: bytes::Bytes,
}

impl Empty {
    fn new() -> Empty {
        let note = "0123456789abcdef".repeat(12);
        let item = format!(
            r#"{{"Id":{{"S":"user 1"}},"n":{{"N":"1"}},"name":{{"S":"name of user 1"}},"note":{{"S":"{note}"}},"tags":{{"SS":["a","b","c"]}}}}"#
        );
        let items = [item.as_str(); 10].join(",");
        Empty {
            item: format!(r#"{{"Item":{item}}}"#).into(),
            items: format!(r#"{{"Count":10,"Items":[{items}],"ScannedCount":10}}"#).into(),
        }
    }
}

impl Backend for Empty {
    async fn call(&self, request: Request) -> Reply {
        let body = match request.operation {
            Operation::GetItem => self.item.clone(),
            Operation::Query => self.items.clone(),
            _ => bytes::Bytes::from_static(b"{}"),
        };
        Reply {
            status: 200,
            error: None,
            body,
            capacity: 1.0,
        }
    }

    async fn ready(&self) -> bool {
        true
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let options = Options::get()?;
    program::runtime(&options)?.block_on(async {
        let parts = Parts {
            authenticate: SigV4::new(KeyStore::start(OneKey)),
            backend: Arc::new(Empty::new()),
            metrics: Metrics::new(),
        };
        program::serve(&options, parts).await?;
        Ok(())
    })
}
