//! ClientRequestToken of TransactWriteItems: whose it is, and for how long.

#[pgrx::pg_schema]
mod tests {
    use super::super::actions::*;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    #[pg_test]
    fn transaction_tokens_are_known_for_ten_minutes_and_of_one_role() {
        simple_table("transact_token");
        run(
            "CREATE ROLE transact_other; GRANT ALL ON dynamo_tables.transact_token TO transact_other",
        );
        let request = |n: i64| {
            with(
                &request(&[add_of("transact_token", "a", n)]),
                &json!({"ClientRequestToken": "t"}),
            )
        };
        let once = |n: i64| call("transact_write_items", &request(n));
        once(1);
        once(1);
        assert_eq!(n_of("transact_token", "a"), json!("1"));
        expect_refusal(
            "transact_write_items",
            &request(2),
            ("DY017", "IdempotentParameterMismatchException"),
            "The client request token was used before, with other parameters",
        );
        // Another role's token of the same text is another token.
        run("SET LOCAL ROLE transact_other");
        once(2);
        run("RESET ROLE");
        assert_eq!(n_of("transact_token", "a"), json!("3"));
        assert_eq!(
            truth(
                "SELECT bool_and(expires BETWEEN clock_timestamp() + '9 min' AND clock_timestamp() + '10 min') FROM dynamo_internal.transaction_token WHERE token = 't'"
            ),
            Some(true)
        );
        run(
            "UPDATE dynamo_internal.transaction_token SET expires = clock_timestamp() - '1 s'::interval",
        );
        once(4);
        assert_eq!(n_of("transact_token", "a"), json!("7"));
    }

    #[pg_test]
    fn transaction_tokens_that_have_expired_are_removed_in_passing() {
        simple_table("transact_passing");
        run("INSERT INTO dynamo_internal.transaction_token
             SELECT 10, 'TransactWriteItems', 'old ' || n, '', '{}', now() - '1 s'::interval FROM generate_series(1, 200) AS n");
        for n in 0..64 {
            let token = json!({"ClientRequestToken": format!("passing {n}")});
            call(
                "transact_write_items",
                &with(&request(&[put_of("transact_passing", &id("a"))]), &token),
            );
        }
        assert_eq!(
            count(
                "SELECT count(*) FROM dynamo_internal.transaction_token WHERE token LIKE 'old %'"
            ),
            0
        );
        assert_eq!(
            count(
                "SELECT count(*) FROM dynamo_internal.transaction_token WHERE token LIKE 'passing %'"
            ),
            64
        );
    }
}
