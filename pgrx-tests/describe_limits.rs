//! DescribeLimits through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    #[pg_test]
    fn describe_limits_answers_the_quotas_of_a_new_account() {
        let quotas = json!({
            "AccountMaxReadCapacityUnits": 80_000, "AccountMaxWriteCapacityUnits": 80_000,
            "TableMaxReadCapacityUnits": 40_000, "TableMaxWriteCapacityUnits": 40_000,
        });
        assert_eq!(call("describe_limits", &json!({})), quotas);
        let plain = Spi::get_one::<pgrx::Json>("SELECT dynamo.describe_limits()");
        assert_eq!(plain.unwrap().unwrap().0, quotas);
        let wire = Spi::get_one::<i32>("SELECT status FROM dynamo.handle('DescribeLimits', '{}')");
        assert_eq!(wire, Ok(Some(200)));
    }

    #[pg_test]
    fn describe_limits_wants_an_object() {
        let refused =
            Spi::get_one::<String>("SELECT error_type FROM dynamo.handle('DescribeLimits', '[]')");
        assert_eq!(refused, Ok(Some("SerializationException".to_owned())));
    }
}
