//! TransactGetItems through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::actions::id;
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn get_of(table: &str, key: &Value) -> Value {
        json!({"Get": {"TableName": table, "Key": key}})
    }

    fn items(gets: &[Value]) -> Value {
        call("transact_get_items", &json!({"TransactItems": gets}))["Responses"].clone()
    }

    #[pg_test]
    fn transact_get_items_answers_in_the_order_of_the_request() {
        simple_table("transact_get_one");
        music_table("transact_get_two");
        let song = json!({"Artist": {"S": "x"}, "SongTitle": {"S": "y"}, "n": {"N": "1"}});
        put("transact_get_two", &song);
        for n in 0..20 {
            let large = if n == 7 {
                "x".repeat(100_000)
            } else {
                String::new()
            };
            put(
                "transact_get_one",
                &with(
                    &id(&n.to_string()),
                    &json!({"n": {"N": n.to_string()}, "large": {"S": large}}),
                ),
            );
        }
        let mut gets: Vec<_> = (0..25)
            .map(|n| get_of("transact_get_one", &id(&(n * 7 % 25).to_string())))
            .collect();
        gets.insert(
            3,
            get_of(
                "transact_get_two",
                &json!({"Artist": {"S": "x"}, "SongTitle": {"S": "y"}}),
            ),
        );
        for get in &mut gets[..3] {
            get["Get"]["ProjectionExpression"] = json!("n");
        }
        let found = items(&gets);
        let of = |n: usize| &found[n]["Item"]["n"]["N"];
        assert_eq!(
            (of(0), of(1), of(2)),
            (&json!("0"), &json!("7"), &json!("14"))
        );
        assert_eq!(found[1]["Item"], json!({"n": {"N": "7"}}));
        assert_eq!(found[3]["Item"], song);
        assert_eq!(found[4], json!({}), "there is no item 21");
        assert_eq!(found.as_array().map(Vec::len), Some(26));
        // The same by a statement.
        run(
            "ALTER TABLE dynamo_tables.transact_get_one ENABLE ROW LEVEL SECURITY; ALTER TABLE dynamo_tables.transact_get_one FORCE ROW LEVEL SECURITY",
        );
        assert_eq!(items(&gets), found);
    }

    #[pg_test]
    fn transact_get_items_charges_twice() {
        simple_table("transact_get_units");
        put(
            "transact_get_units",
            &with(&id("a"), &json!({"x": {"S": "x".repeat(5000)}})),
        );
        let request = json!({"ReturnConsumedCapacity": "INDEXES",
            "TransactItems": [get_of("transact_get_units", &id("a")), get_of("transact_get_units", &id("b"))]});
        let units = json!({"CapacityUnits": 6.0, "ReadCapacityUnits": 6.0});
        assert_eq!(
            call("transact_get_items", &request)["ConsumedCapacity"],
            json!([with(
                &json!({"TableName": "transact_get_units", "Table": units}),
                &units
            )])
        );
    }

    #[pg_test]
    fn transact_get_items_refuses_what_dynamodb_refuses() {
        simple_table("transact_get_faults");
        let twice = json!({"TransactItems": [get_of("transact_get_faults", &id("a")), get_of("transact_get_faults", &id("a"))]});
        let text = "Transaction request cannot include multiple operations on one item";
        expect_refusal("transact_get_items", &twice, VALIDATION, text);
        let nowhere = json!({"TransactItems": [get_of("transact_get_nowhere", &id("a"))]});
        expect_refusal(
            "transact_get_items",
            &nowhere,
            NOT_FOUND,
            "Requested resource not found",
        );
        let wrong = json!({"TransactItems": [get_of("transact_get_faults", &id("a")), get_of("transact_get_faults", &json!({}))]});
        expect_refusal(
            "transact_get_items",
            &wrong,
            ("DY014", "TransactionCanceledException"),
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]",
        );
        for n in 0..11 {
            put(
                "transact_get_faults",
                &with(
                    &id(&format!("l{n}")),
                    &json!({"x": {"S": "x".repeat(400_000)}}),
                ),
            );
        }
        let gets: Vec<_> = (0..11)
            .map(|n| get_of("transact_get_faults", &id(&format!("l{n}"))))
            .collect();
        items(&gets[..10]);
        let large = json!({"TransactItems": gets});
        expect_refusal(
            "transact_get_items",
            &large,
            VALIDATION,
            "The aggregate size of the items in the transaction cannot exceed 4 MB",
        );
    }

    #[pg_test]
    fn transact_get_items_needs_the_right_to_read_every_table() {
        simple_table("transact_get_mine");
        simple_table("transact_get_theirs");
        run(
            "CREATE ROLE transact_get_role; GRANT SELECT ON dynamo_tables.transact_get_mine TO transact_get_role; SET LOCAL ROLE transact_get_role",
        );
        assert_eq!(items(&[get_of("transact_get_mine", &id("a"))]), json!([{}]));
        let both = json!({"TransactItems": [get_of("transact_get_mine", &id("a")), get_of("transact_get_theirs", &id("a"))]});
        assert_eq!(refusal("transact_get_items", &both).sqlstate, "42501");
        let answer = handle("TransactGetItems", both.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        run("RESET ROLE");
    }
}
