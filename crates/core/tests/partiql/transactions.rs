//! ExecuteTransaction: statements as one transaction, on a list of items.
use crate::fixtures::{account, json};
use crate::store::Store;
use pg_dynamo_core::apply::{Effect, Outcome};
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::read::StoredItem;
use pg_dynamo_core::request::{
    ExecuteTransactionRequest, TransactGetItemsRequest, TransactWriteItemsRequest, Transaction,
};
use pg_dynamo_core::value::ItemBuf;
use pg_dynamo_core::{ApiError, ErrorKind, Result};
use std::rc::Rc;

const CANCELED: &str =
    "Transaction cancelled, please refer cancellation reasons for specific reasons";

fn members(statements: &[&str]) -> String {
    let member = |text: &&str| {
        let mut out = String::from("{\"Statement\":");
        pg_dynamo_core::json::write_string(&mut out, text);
        out.push('}');
        out
    };
    statements.iter().map(member).collect::<Vec<_>>().join(",")
}

fn request(statements: &[&str]) -> String {
    format!(r#"{{"TransactStatements":[{}]}}"#, members(statements))
}

/// Items of the keys, each by its place in the store.
fn places<'k>(store: &Store, keys: impl Iterator<Item = &'k StoredKey>) -> Vec<Option<usize>> {
    let schema = &store.table.key_schema;
    keys.map(|key| {
        store.items.iter().position(|item| {
            StoredKey::of_item(item.as_item(), schema).unwrap().as_ref() == Some(key)
        })
    })
    .collect()
}

fn execute(store: &mut Store, request: &str) -> Result<String> {
    let request = ExecuteTransactionRequest::parse(&json(request), &account())?;
    let table = Rc::clone(&store.table);
    let definitions: Vec<_> = request
        .statements
        .iter()
        .map(|statement| (statement.table().name == table.name).then_some(&*table))
        .collect();
    match request.bind(&definitions)? {
        Transaction::Read(reads) => read(store, reads),
        Transaction::Write(writes) => write(store, writes),
    }
}

fn read(store: &Store, request: TransactGetItemsRequest) -> Result<String> {
    let read = request.bind(&[&store.table])?;
    let mut reply = read.reply();
    let found = places(store, read.tables()[0].keys().iter());
    for (key, place) in found.into_iter().enumerate() {
        let item = place.map(|at| store.items[at].as_item());
        reply.take(0, key, item.as_ref().map(|item| item as &dyn StoredItem))?;
    }
    Ok(reply.finish())
}

fn write(store: &mut Store, request: TransactWriteItemsRequest) -> Result<String> {
    let transaction = request.bind(&[Rc::clone(&store.table)])?;
    let keys = transaction.actions().iter().map(|(_, write)| write.key());
    let found = places(store, keys);
    let old: Vec<Option<ItemBuf>> = found
        .into_iter()
        .map(|place| place.map(|at| store.items[at].clone()))
        .collect();
    transaction.judge(&old)?;
    let mut outcomes = Vec::new();
    for ((_, write), old) in transaction.actions().iter().zip(old) {
        let new = match write.apply(old.as_ref().map(ItemBuf::as_item))? {
            Effect::Refused(error) => return Err(error),
            Effect::Unchanged => old.clone(),
            Effect::Delete => None,
            Effect::Store(new) => Some(new),
        };
        store.items.retain(|item| Some(item) != old.as_ref());
        store.items.extend(new.clone());
        outcomes.push(Outcome { old, new });
    }
    let mut out = String::new();
    transaction.reply(&outcomes, &mut out)?;
    Ok(out)
}

fn store() -> Store {
    Store::of(&[
        r#"{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"1"},"m":{"M":{"deep":{"S":"x"}}}}"#,
        r#"{"pk":{"S":"a"},"sk":{"S":"2"},"n":{"N":"2"}}"#,
    ])
}

fn refusal(statements: &[&str]) -> ApiError {
    let mut store = store();
    let before = store.items.clone();
    match execute(&mut store, &request(statements)) {
        Ok(reply) => panic!("{statements:?} is accepted: {reply}"),
        Err(error) => {
            assert!(store.items == before, "{statements:?} changed something");
            error
        }
    }
}

#[test]
fn selects_are_read_together() {
    let statements = [
        "SELECT * FROM T WHERE pk = 'a' AND sk = '2'",
        "SELECT m.deep, n FROM T WHERE sk IN ['1'] AND pk = 'a'",
        "SELECT * FROM T WHERE pk = 'a' AND sk = '3'",
    ];
    assert_eq!(
        execute(&mut store(), &request(&statements)).unwrap(),
        r#"{"Responses":[{"Item":{"n":{"N":"2"},"pk":{"S":"a"},"sk":{"S":"2"}}},{"Item":{"deep":{"S":"x"},"n":{"N":"1"}}},{}]}"#
    );
}

#[test]
fn writes_are_done_together() {
    let mut store = store();
    let statements = [
        "INSERT INTO T VALUE {'pk': 'b', 'sk': '1'}",
        "UPDATE T SET n = n + 1 WHERE pk = 'a' AND sk = '1' AND n = 1",
        "DELETE FROM T WHERE pk = 'a' AND sk = '2'",
        "EXISTS(SELECT * FROM T WHERE pk = 'a' AND sk = '3' AND n IS MISSING)",
    ];
    let reply = execute(&mut store, &request(&statements)).unwrap();
    assert_eq!(reply, r#"{"Responses":[]}"#);
    assert!(store.stored("b", "1").is_some() && store.stored("a", "2").is_none());
    assert_eq!(
        store.stored("a", "1").as_deref(),
        Some(r#"{"m":{"M":{"deep":{"S":"x"}}},"n":{"N":"2"},"pk":{"S":"a"},"sk":{"S":"1"}}"#)
    );
}

/// A write that could be done stands before the one that cannot.
#[test]
fn a_refused_statement_cancels_the_transaction() {
    let insert = "INSERT INTO T VALUE {'pk': 'new', 'sk': '1'}";
    for (statement, code) in [
        (
            "INSERT INTO T VALUE {'pk': 'a', 'sk': '1'}",
            "DuplicateItem",
        ),
        (
            "UPDATE T SET n = 1 WHERE pk = 'a' AND sk = '3'",
            "ConditionalCheckFailed",
        ),
        (
            "DELETE FROM T WHERE pk = 'a' AND sk = '1' AND n = 2",
            "ConditionalCheckFailed",
        ),
        (
            "EXISTS(SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND n > 1)",
            "ConditionalCheckFailed",
        ),
        (
            "UPDATE T SET m = m + 1 WHERE pk = 'a' AND sk = '1'",
            "ValidationError",
        ),
        ("UPDATE T SET n = 1 WHERE pk = 'a'", "ValidationError"),
        ("DELETE FROM T WHERE pk = 'a' AND sk = 1", "ValidationError"),
        (
            "DELETE FROM T WHERE pk = 'a' AND pk = 'b' AND sk = '1'",
            "ValidationError",
        ),
        (
            "DELETE FROM Nowhere WHERE pk = 'a' AND sk = '1'",
            "ResourceNotFound",
        ),
    ] {
        let error = refusal(&[insert, statement]);
        assert_eq!(error.kind, ErrorKind::TransactionCanceled, "{statement}");
        assert_eq!(
            error.message,
            format!("{CANCELED} [None, {code}]"),
            "{statement}"
        );
    }
}

#[test]
fn a_cancelled_statement_shows_its_item_when_asked() {
    let request = format!(
        r#"{{"TransactStatements":[{{"Statement":"EXISTS(SELECT * FROM T WHERE pk = 'a' AND sk = '2' AND n = 1)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},{}]}}"#,
        members(&["DELETE FROM T WHERE pk = 'a' AND sk = '1'"])
    );
    let error = execute(&mut store(), &request).unwrap_err();
    let reasons = &error
        .extra
        .iter()
        .find(|(name, _)| *name == "CancellationReasons");
    let reasons = &reasons.as_ref().unwrap().1;
    assert!(
        reasons.contains(r#""Item":{"n":{"N":"2"},"pk":{"S":"a"},"sk":{"S":"2"}}"#),
        "{reasons}"
    );
}

#[test]
fn statements_that_cannot_stand_in_a_transaction_are_named() {
    let select = "SELECT * FROM T WHERE pk = 'a' AND sk = '1'";
    let key = "Select statements within ExecuteTransaction must specify the primary key in the where clause.";
    let exists = "EXISTS() must contain a single item read with additional condition";
    for (statements, place, fault) in [
        (vec![select, "SELECT * FROM T WHERE pk = 'a'"], 1, key),
        (
            vec!["SELECT * FROM T WHERE pk = 'a' AND sk = '1' AND n = 1"],
            0,
            key,
        ),
        (vec!["SELECT * FROM T"], 0, key),
        (
            vec!["SELECT * FROM T.Global WHERE g = 'a' AND n = 1"],
            0,
            "Reads on indices are not supported within transactions.",
        ),
        (
            vec!["DELETE FROM T WHERE pk = 'a' AND sk = '1' RETURNING ALL OLD *"],
            0,
            "RETURNING clause is not supported in ExecuteTransaction.",
        ),
        (
            vec!["EXISTS(SELECT * FROM T WHERE pk = 'a' AND sk = '1')"],
            0,
            exists,
        ),
        (vec!["EXISTS(SELECT * FROM T WHERE n = 1)"], 0, exists),
        (
            vec![select, "SELECT * FROM T WHERE"],
            1,
            "Statement wasn't well formed, can't be processed: Unexpected term",
        ),
    ] {
        let error = refusal(&statements);
        assert_eq!(error.kind, ErrorKind::Validation);
        assert_eq!(
            error.message,
            format!("Validation failed in TransactStatements[{place}]: {fault}")
        );
    }
}

#[test]
fn a_transaction_reads_or_writes_and_has_bounds() {
    let select = "SELECT * FROM T WHERE pk = 'a' AND sk = '1'";
    let delete = "DELETE FROM T WHERE pk = 'a' AND sk = '2'";
    assert_eq!(
        refusal(&[select, delete]).message,
        "ExecuteTransaction API does not support both read and write operations in the same request."
    );
    assert!(refusal(&[]).message.contains("greater than or equal to 1"));
    assert!(
        refusal(&vec![delete; 101])
            .message
            .contains("less than or equal to 100")
    );
    // One item may stand in it once.
    for twice in [[select; 2], [delete; 2]] {
        assert_eq!(refusal(&twice).kind, ErrorKind::Validation);
    }
    let parameters = r#"{"TransactStatements":[{"Statement":"SELECT","Parameters":[]}]}"#;
    let error = execute(&mut store(), parameters).unwrap_err();
    assert!(
        !error.message.starts_with("Validation failed"),
        "{}",
        error.message
    );
}
