//! What the Rust suites share: a client that finds its target in the environment, and a table that ends with its test.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, TableStatus,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::collections::HashMap;
use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub type Item = HashMap<String, AttributeValue>;

/// AWS_ENDPOINT_URL_DYNAMODB, or AWS itself without it; region and credentials as every program takes them.
pub fn config() -> Builder {
    let variable = |name: &str| env::var(name).ok().filter(|v| !v.is_empty());
    let region = variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .expect("AWS_REGION is set");
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID").expect("AWS_ACCESS_KEY_ID is set"),
        variable("AWS_SECRET_ACCESS_KEY").expect("AWS_SECRET_ACCESS_KEY is set"),
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version_latest()
        .http_client(http)
        .region(Region::new(region))
        .credentials_provider(credentials);
    match variable("AWS_ENDPOINT_URL_DYNAMODB") {
        Some(url) => builder.endpoint_url(url),
        None => builder,
    }
}

pub fn client() -> Client {
    Client::from_conf(config().build())
}

pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A table with partition key `pk` (S) and sort key `sk` (N) that `drop_it` removes.
pub struct Table {
    pub client: Client,
    pub name: String,
}

impl Table {
    pub async fn create(name: &str) -> Table {
        let client = client();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is past 1970");
        let name = format!("e2e-{:x}-{name}", now.as_nanos());
        let mut create = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest);
        for (attribute, role, kind) in [
            ("pk", KeyType::Hash, ScalarAttributeType::S),
            ("sk", KeyType::Range, ScalarAttributeType::N),
        ] {
            let key = KeySchemaElement::builder()
                .attribute_name(attribute)
                .key_type(role);
            let definition = AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(kind);
            create = create
                .key_schema(key.build().expect("a key has a name and a role"))
                .attribute_definitions(definition.build().expect("a definition is complete"));
        }
        create.send().await.expect("the table is made");
        let table = Table { client, name };
        table.wait_until_active().await;
        table
    }

    async fn wait_until_active(&self) {
        for _ in 0..240 {
            let description = self.client.describe_table().table_name(&self.name).send();
            let found = description.await.ok().and_then(|reply| reply.table);
            if found.and_then(|t| t.table_status) == Some(TableStatus::Active) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("table {} does not become active", self.name);
    }

    pub async fn put(&self, item: Item) {
        let put = self.client.put_item().table_name(&self.name);
        put.set_item(Some(item))
            .send()
            .await
            .expect("the item is put");
    }

    pub async fn get(&self, pk: &str, sk: u32) -> Option<Item> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.key("pk", s(pk)).key("sk", n(sk)).consistent_read(true);
        get.send().await.expect("the item is read").item
    }

    pub async fn drop_it(self) {
        let delete = self.client.delete_table().table_name(&self.name);
        delete.send().await.expect("the table is deleted");
    }
}
