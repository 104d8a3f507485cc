//! One request of a call fails; the others do not notice.

use super::server::*;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::operation::Operation;

/// A table on which a CHECK refuses one item, and a trigger another.
async fn strict_table(admin: &tokio_postgres::Client, pool: &Pool, name: &str) {
    table(admin, pool, name).await;
    admin
        .batch_execute(&format!(
            "ALTER TABLE dynamo_tables.\"{name}\" ADD CHECK (item ->> 'k' <> 'checked');
             CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
             BEGIN
                 IF NEW.item ->> 'k' = 'triggered' THEN RAISE EXCEPTION 'a trigger refuses'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON dynamo_tables.\"{name}\"
                 FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
        .await
        .expect("constraints");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn of_fifty_writes_the_bad_ones_alone_fail() {
    let admin = administrator().await;
    let pool = Pool::new(1).await;
    strict_table(&admin, &pool, "Fifty").await;
    let bodies = (0..50).map(|i| match i {
        10 => add_one("Fifty", "conditional").replacen(
            '{',
            r#"{"ConditionExpression":"attribute_exists(absent)","#,
            1,
        ),
        20 => add_one("Fifty", "checked"),
        40 => add_one("Fifty", "triggered"),
        i => add_one("Fifty", &format!("key {i}")),
    });
    let mut calls: Vec<Call> = bodies
        .map(|body| pool.begin(Operation::UpdateItem, body))
        .collect();
    enter(&mut calls).await;
    // This client goes away before its request is taken.
    drop(calls.remove(30));
    let calls_before = pool.counted(r#"pg_dynamo_gateway_call_requests_count{lane="write"}"#);
    for (place, call) in calls.into_iter().enumerate() {
        let i = place + usize::from(place >= 30);
        let reply = call.await;
        match i {
            10 => assert_eq!(reply.error, Some(ErrorKind::ConditionalCheckFailed)),
            20 => {
                assert_eq!(reply.error, Some(ErrorKind::InternalServerError));
                assert!(text(&reply).contains("check constraint"), "{reply:?}");
            }
            40 => assert!(text(&reply).contains("a trigger refuses"), "{reply:?}"),
            i => {
                assert_eq!(reply.status, 200, "{i}: {reply:?}");
                assert!(text(&reply).contains(r#""n":{"N":"1"}"#), "{i}: {reply:?}");
                assert!(reply.capacity >= 1.0);
            }
        }
    }
    assert_eq!(
        pool.counted("pg_dynamo_gateway_vanished_requests_total"),
        1.0
    );
    let calls = pool.counted(r#"pg_dynamo_gateway_call_requests_count{lane="write"}"#);
    assert_eq!(
        (calls_before, calls),
        (0.0, 2.0),
        "all in one call, then all but one again"
    );
    let stored = numbers(&admin, "Fifty").await;
    assert_eq!(stored.len(), 46, "{stored:?}");
    assert!(stored.values().all(|n| *n == 1), "{stored:?}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn of_fifty_reads_the_bad_ones_alone_fail() {
    let admin = administrator().await;
    let pool = Pool::new(2).await;
    table(&admin, &pool, "Guarded").await;
    for i in 0..50 {
        let reply = pool
            .call(Operation::PutItem, put("Guarded", &format!("key {i}")))
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    admin
        .batch_execute(&format!(
            "CREATE OR REPLACE FUNCTION look(k text) RETURNS boolean LANGUAGE plpgsql SET search_path = public AS $$
             BEGIN
                 IF k = 'key 7' THEN RAISE EXCEPTION 'a policy refuses'; END IF;
                 RETURN k <> 'key 8';
             END $$;
             CREATE POLICY look ON dynamo_tables.\"Guarded\" TO {ROLE} USING (look(item ->> 'k'));
             ALTER TABLE dynamo_tables.\"Guarded\" ENABLE ROW LEVEL SECURITY;
             ALTER TABLE dynamo_tables.\"Guarded\" FORCE ROW LEVEL SECURITY;
             GRANT EXECUTE ON FUNCTION look(text) TO PUBLIC"
        ))
        .await
        .expect("a policy");
    let mut calls: Vec<Call> = (0..50)
        .map(|i| match i {
            9 => pool.begin(Operation::GetItem, key("No such table", "x")),
            i => pool.begin(Operation::GetItem, key("Guarded", &format!("key {i}"))),
        })
        .collect();
    enter(&mut calls).await;
    for (i, call) in calls.into_iter().enumerate() {
        let reply = call.await;
        match i {
            7 => assert!(text(&reply).contains("a policy refuses"), "{reply:?}"),
            8 => assert_eq!(text(&reply), "{}"),
            9 => assert!(reply.error.is_some(), "{reply:?}"),
            i => assert!(text(&reply).contains(&format!("key {i}")), "{i}: {reply:?}"),
        }
    }
}

#[tokio::test]
#[ignore = "needs a server"]
async fn a_client_that_goes_away_during_its_call_does_not_stop_it() {
    let admin = administrator().await;
    let pool = Pool::new(4).await;
    table(&admin, &pool, "Gone").await;
    pool.call(Operation::PutItem, put("Gone", "held")).await;
    let holder = administrator().await;
    holder
        .batch_execute("BEGIN; SELECT FROM dynamo_tables.\"Gone\" FOR UPDATE")
        .await
        .expect("a lock");
    let mut calls = vec![pool.begin(Operation::UpdateItem, add_one("Gone", "held"))];
    enter(&mut calls).await;
    until(
        &admin,
        "SELECT count(*) > 0 FROM pg_stat_activity
         WHERE application_name = 'pg_dynamo_gateway' AND wait_event_type = 'Lock'",
    )
    .await;
    calls.clear();
    holder.batch_execute("COMMIT").await.expect("the lock goes");
    until(
        &admin,
        "SELECT (item ->> 'n')::int = 2 FROM dynamo_tables.\"Gone\"",
    )
    .await;
}

#[tokio::test]
#[ignore = "needs a server"]
async fn a_read_only_server_answers_reads_and_refuses_writes_for_now() {
    let admin = administrator().await;
    let pool = Pool::new(2).await;
    table(&admin, &pool, "Standby").await;
    pool.call(Operation::PutItem, put("Standby", "k")).await;
    admin
        .batch_execute("ALTER ROLE dynamo_gateway SET default_transaction_read_only = on")
        .await
        .expect("a setting");
    let pool = Pool::new(2).await;
    let read = pool.call(Operation::GetItem, key("Standby", "k")).await;
    let mut calls: Vec<Call> = (0..5)
        .map(|_| pool.begin(Operation::UpdateItem, add_one("Standby", "k")))
        .collect();
    enter(&mut calls).await;
    let mut writes = Vec::new();
    for call in calls {
        writes.push(call.await);
    }
    admin
        .batch_execute("ALTER ROLE dynamo_gateway RESET default_transaction_read_only")
        .await
        .expect("no setting");
    assert_eq!(read.status, 200, "{read:?}");
    for write in writes {
        assert_eq!(
            (write.status, write.error),
            (503, Some(ErrorKind::ServiceUnavailable)),
            "{write:?}"
        );
    }
    assert_eq!(numbers(&admin, "Standby").await["k"], 1);
}
