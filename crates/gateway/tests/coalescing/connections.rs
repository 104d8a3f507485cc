//! Connections that end, on purpose and otherwise.

use super::server::*;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_gateway::backend::Backend;
use pg_dynamo_gateway::connect::{ConnInfo, ConnectError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'pg_dynamo_gateway'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server"]
async fn no_request_is_carried_out_twice_when_connections_are_cut() {
    let admin = administrator().await;
    let pool = Arc::new(Pool::new(6).await);
    table(&admin, &pool, "Cut").await;
    // Every update leaves the name of its request behind.
    admin
        .batch_execute(&format!(
            "DROP TABLE IF EXISTS ledger;
             CREATE TABLE ledger (request text);
             GRANT INSERT ON ledger TO {ROLE};
             CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
             BEGIN
                 INSERT INTO public.ledger VALUES (NEW.item ->> 'sent_as');
                 RETURN NULL;
             END $$;
             CREATE TRIGGER note AFTER INSERT OR UPDATE ON dynamo_tables.\"Cut\"
                 FOR EACH ROW EXECUTE FUNCTION note()"
        ))
        .await
        .expect("a ledger");
    let end = Instant::now() + Duration::from_secs(if soak() { 60 } else { 5 });
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..32_u64 {
        let (pool, acknowledged) = (pool.clone(), acknowledged.clone());
        clients.spawn(async move {
            let mut numbers = Numbers(n + 1);
            for i in 0.. {
                if Instant::now() > end {
                    break;
                }
                let name = format!("{n}/{i}");
                let body = format!(
                    r#"{{"TableName":"Cut","Key":{{"k":{{"S":"key {}"}}}},
                        "UpdateExpression":"ADD n :one SET sent_as = :name",
                        "ExpressionAttributeValues":{{":one":{{"N":"1"}},":name":{{"S":"{name}"}}}}}}"#,
                    numbers.below(20)
                );
                let reply = pool.call(Operation::UpdateItem, body).await;
                match reply.error {
                    None => acknowledged.lock().expect("names").push(name),
                    Some(ErrorKind::InternalServerError | ErrorKind::ServiceUnavailable) => {}
                    Some(_) => panic!("{reply:?}"),
                }
                // Reads are repeated, so they do not fail unless they are cut twice.
                let reply = pool.call(Operation::GetItem, key("Cut", "key 0")).await;
                let expected = [200, 500, 503];
                assert!(expected.contains(&reply.status), "{reply:?}");
            }
        });
    }
    let mut cuts = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let cut = format!("{CUT} AND random() < 0.3");
        cuts += ask(&admin, &cut).await.parse::<u32>().expect("a count");
    }
    while let Some(client) = clients.join_next().await {
        client.expect("no other error");
    }
    let acknowledged = acknowledged.lock().expect("names").clone();
    let twice =
        "SELECT count(*) FROM (SELECT FROM ledger GROUP BY request HAVING count(*) > 1) AS t";
    assert_eq!(ask(&admin, twice).await, "0");
    let noted: u64 = ask(&admin, "SELECT count(*) FROM ledger")
        .await
        .parse()
        .expect("a count");
    let stored: u64 = numbers(&admin, "Cut").await.values().sum();
    assert_eq!(
        stored, noted,
        "counters moved as often as requests were carried out"
    );
    let names: Vec<String> = acknowledged
        .iter()
        .map(|name| format!("('{name}')"))
        .collect();
    let missing = format!(
        "SELECT count(*) FROM (VALUES {}) AS v (name) WHERE NOT EXISTS (SELECT FROM ledger WHERE request = name)",
        names.join(",")
    );
    assert_eq!(
        ask(&admin, &missing).await,
        "0",
        "every acknowledged write is there"
    );
    assert!(
        cuts > 10 && acknowledged.len() > 100,
        "{cuts} cuts, {} writes",
        acknowledged.len()
    );
    println!(
        "{cuts} cuts, {} writes acknowledged, {noted} carried out",
        acknowledged.len()
    );
}

#[tokio::test]
#[ignore = "needs a server"]
async fn idle_connections_that_were_cut_are_replaced_before_anybody_notices() {
    let admin = administrator().await;
    let pool = Pool::new(3).await;
    table(&admin, &pool, "Replaced").await;
    for i in 0..5 {
        ask(&admin, CUT).await;
        let lost = format!("pg_dynamo_gateway_sessions_lost_total {}", 3 * (i + 1));
        while !pool.metrics.encode().lines().any(|line| line == lost) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let reply = pool.call(Operation::PutItem, put("Replaced", "k")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        while pool.counted("pg_dynamo_gateway_sessions ") < 3.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a server"]
async fn sessions_grow_old_and_are_replaced() {
    use pg_dynamo_gateway::backend::Options;
    let admin = administrator().await;
    let pool = Pool::with(Options {
        size: 1,
        max_age: Duration::from_millis(50),
        ..Options::default()
    })
    .await;
    table(&admin, &pool, "Aged").await;
    let session = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_dynamo_gateway'";
    let first = ask(&admin, session).await;
    until(
        &admin,
        &format!(
            "SELECT EXISTS ({session} AND pid <> {})",
            first.parse::<i32>().unwrap_or(0)
        ),
    )
    .await;
    let reply = pool.call(Operation::PutItem, put("Aged", "k")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(pool.counted("pg_dynamo_gateway_sessions_lost_total"), 0.0);
}

#[tokio::test]
#[ignore = "needs a server"]
async fn a_closing_pool_finishes_what_it_has() {
    let admin = administrator().await;
    let pool = Pool::new(4).await;
    table(&admin, &pool, "Closing").await;
    let mut calls: Vec<Call> = (0..200)
        .map(|i| pool.begin(Operation::PutItem, put("Closing", &format!("key {i}"))))
        .collect();
    enter(&mut calls).await;
    pool.postgres.close().await;
    let late = pool.call(Operation::PutItem, put("Closing", "late")).await;
    assert_eq!(late.error, Some(ErrorKind::ServiceUnavailable));
    for mut call in calls {
        let reply = answered(&mut call).await.expect("answered before the end");
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(!pool.postgres.ready().await);
    until(
        &admin,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pg_dynamo_gateway'",
    )
    .await;
    assert_eq!(numbers(&admin, "Closing").await.len(), 200);
}

#[tokio::test]
#[ignore = "needs a server"]
async fn a_superuser_is_refused_even_in_disguise() {
    let admin = administrator().await;
    admin
        .batch_execute(
            "DROP ROLE IF EXISTS disguised;
             CREATE ROLE disguised SUPERUSER LOGIN;
             ALTER ROLE disguised SET role = 'pg_monitor'",
        )
        .await
        .expect("a role");
    for user in ["postgres", "disguised"] {
        let info = ConnInfo::parse(&conninfo(user)).expect("a connection string");
        let refused = info.connect("test", &[]).await.err();
        assert!(matches!(refused, Some(ConnectError::Superuser(name)) if name == user));
    }
    admin
        .batch_execute("DROP ROLE disguised")
        .await
        .expect("no role");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn a_role_that_the_gateway_may_not_be_is_refused() {
    let admin = administrator().await;
    let pool = Pool::new(2).await;
    table(&admin, &pool, "Foreign").await;
    admin
        .batch_execute("DROP ROLE IF EXISTS foreigner; CREATE ROLE foreigner")
        .await
        .expect("a role");
    for role in ["foreigner", "nobody_of_this_name", "postgres"] {
        let reply = pool
            .postgres
            .call(pg_dynamo_gateway::backend::Request {
                operation: Operation::GetItem,
                role: role.into(),
                body: key("Foreign", "k").into(),
            })
            .await;
        assert_ne!(reply.status, 200, "{role}: {reply:?}");
    }
    let reply = pool.call(Operation::GetItem, key("Foreign", "k")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    admin
        .batch_execute("DROP ROLE foreigner")
        .await
        .expect("no role");
}
