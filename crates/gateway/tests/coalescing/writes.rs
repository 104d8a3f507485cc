//! A write is answered when it is committed, not before.

use super::server::*;
use pg_dynamo_core::operation::Operation;
use std::time::Duration;

#[tokio::test]
#[ignore = "needs a server"]
async fn writes_that_wait_for_a_standby_are_not_answered_and_do_not_stop_reads() {
    let admin = administrator().await;
    // As long as the standby is absent, so is the end of every commit: this session does not wait for it.
    admin
        .batch_execute("SET synchronous_commit = local")
        .await
        .expect("a setting");
    let pool = Pool::new(8).await;
    table(&admin, &pool, "Replicated").await;
    for i in 0..10 {
        pool.call(Operation::PutItem, put("Replicated", &format!("old {i}")))
            .await;
    }
    admin
        .batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'absent'")
        .await
        .expect("a setting");
    ask(&admin, "SELECT pg_reload_conf()").await;
    // The server's processes learn of it one by one. The first write that waits shows that they did.
    let mut stuck = Vec::new();
    loop {
        let mut call = pool.begin(Operation::PutItem, put("Replicated", "first"));
        let answer = tokio::time::timeout(Duration::from_millis(300), &mut call).await;
        let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        if answer.is_err() && ask(&admin, waits).await == "t" {
            stuck.push(call);
            break;
        }
    }
    let mut writes: Vec<Call> = (0..30)
        .map(|i| pool.begin(Operation::PutItem, put("Replicated", &format!("new {i}"))))
        .collect();
    writes.extend((0..10).map(|i| {
        let request = format!(
            r#"{{"RequestItems":{{"Replicated":[{{"PutRequest":{{"Item":{{"k":{{"S":"batch {i}"}}}}}}}}]}}}}"#
        );
        pool.begin(Operation::BatchWriteItem, request)
    }));
    enter(&mut writes).await;
    stuck.extend(writes);
    for i in 0..50 {
        let k = format!("old {}", i % 10);
        let reply = pool.call(Operation::GetItem, key("Replicated", &k)).await;
        assert!(text(&reply).contains(&k), "{reply:?}");
        let reply = pool
            .call(Operation::GetItem, key("Replicated", &format!("new {i}")))
            .await;
        assert_eq!(text(&reply), "{}", "nobody reads what is not committed");
    }
    assert!(backend_ready(&pool).await);
    let scan = pool
        .call(Operation::Scan, r#"{"TableName":"Replicated"}"#.to_owned())
        .await;
    assert_eq!(scan.status, 200, "{scan:?}");
    for call in &mut stuck {
        assert!(answered(call).await.is_none());
    }
    admin
        .batch_execute("ALTER SYSTEM RESET synchronous_standby_names")
        .await
        .expect("no setting");
    ask(&admin, "SELECT pg_reload_conf()").await;
    for call in stuck {
        let reply = call.await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

async fn backend_ready(pool: &Pool) -> bool {
    use pg_dynamo_gateway::backend::Backend;
    pool.postgres.ready().await
}
