//! Whoever has to wait waits alone.

use super::server::*;
use pg_dynamo_core::operation::Operation;

#[tokio::test]
#[ignore = "needs a server"]
async fn a_request_that_waits_for_a_lock_lets_the_rest_of_its_call_finish() {
    let admin = administrator().await;
    let pool = Pool::new(4).await;
    table(&admin, &pool, "Held").await;
    pool.call(Operation::PutItem, put("Held", "held")).await;
    let holder = administrator().await;
    holder
        .batch_execute("BEGIN; SELECT FROM dynamo_tables.\"Held\" FOR UPDATE")
        .await
        .expect("a lock");
    let mut calls: Vec<Call> = (0..20)
        .map(|i| match i {
            5 => "held".to_owned(),
            i => format!("free {i}"),
        })
        .map(|k| pool.begin(Operation::UpdateItem, add_one("Held", &k)))
        .collect();
    enter(&mut calls).await;
    let mut held = calls.remove(5);
    for call in calls {
        let reply = call.await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(answered(&mut held).await.is_none(), "its lock is held");
    holder.batch_execute("COMMIT").await.expect("the lock goes");
    let reply = held.await;
    assert!(text(&reply).contains(r#""n":{"N":"2"}"#), "{reply:?}");
    let stored = numbers(&admin, "Held").await;
    assert_eq!(stored.values().sum::<u64>(), 21, "{stored:?}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn scans_that_take_for_ever_do_not_stop_small_requests() {
    let admin = administrator().await;
    let pool = Pool::new(8).await;
    table(&admin, &pool, "Slow").await;
    table(&admin, &pool, "Quick").await;
    let holder = administrator().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE dynamo_tables.\"Slow\" IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("a lock");
    let mut scans: Vec<Call> = (0..30)
        .map(|_| pool.begin(Operation::Scan, r#"{"TableName":"Slow"}"#.to_owned()))
        .collect();
    enter(&mut scans).await;
    // A request to the locked table itself, in a call with others.
    let mut small: Vec<Call> = (0..20)
        .map(|i| {
            pool.begin(
                Operation::PutItem,
                put(if i == 3 { "Slow" } else { "Quick" }, &format!("key {i}")),
            )
        })
        .collect();
    enter(&mut small).await;
    let mut waiting = small.remove(3);
    for call in small {
        let reply = call.await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    for i in 0..20 {
        let reply = pool
            .call(Operation::GetItem, key("Quick", &format!("key {i}")))
            .await;
        assert_eq!(text(&reply).contains("Item"), i != 3, "{reply:?}");
    }
    for scan in &mut scans {
        assert!(answered(scan).await.is_none());
    }
    assert!(answered(&mut waiting).await.is_none());
    holder.batch_execute("COMMIT").await.expect("the lock goes");
    for scan in scans {
        let reply = scan.await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert_eq!(waiting.await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server"]
async fn two_gateways_write_the_same_keys_without_a_deadlock_or_a_lost_update() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let admin = administrator().await;
    let first = Arc::new(Pool::new(8).await);
    let second = Arc::new(Pool::new(8).await);
    table(&admin, &first, "Shared").await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks_before = ask(&admin, deadlocks).await;
    let end =
        std::time::Instant::now() + std::time::Duration::from_secs(if soak() { 60 } else { 4 });
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..64 {
        let pool = if n % 2 == 0 {
            first.clone()
        } else {
            second.clone()
        };
        let acknowledged = acknowledged.clone();
        clients.spawn(async move {
            let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15 ^ (n + 1));
            while std::time::Instant::now() < end {
                let k = format!("key {}", numbers.below(100));
                let reply = pool
                    .call(Operation::UpdateItem, add_one("Shared", &k))
                    .await;
                assert_eq!(reply.status, 200, "{reply:?}");
                acknowledged.fetch_add(1, Relaxed);
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.expect("no error");
    }
    let stored = numbers(&admin, "Shared").await;
    assert_eq!(stored.values().sum::<u64>(), acknowledged.load(Relaxed));
    assert_eq!(stored.len(), 100);
    println!("{} updates", acknowledged.load(Relaxed));
    // Counted by sessions when they are idle or end.
    first.postgres.close().await;
    second.postgres.close().await;
    assert_eq!(ask(&admin, deadlocks).await, deadlocks_before);
}
