//! DescribeTable through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    #[pg_test]
    fn describe_table_tells_what_create_table_told() {
        let created = text(
            "SELECT dynamo.create_table('describe_table_told', 'id', sort_key => 'at', sort_key_type => 'N')::text",
        );
        let created: serde_json::Value =
            serde_json::from_str(&created.expect("a reply")).expect("JSON");
        let described = call(
            "describe_table",
            &json!({"TableName": "describe_table_told"}),
        );
        // Statistics aside: an empty table has its first pages already.
        let same =
            |description: &serde_json::Value| with(description, &json!({"TableSizeBytes": 0}));
        assert_eq!(
            same(&described["Table"]),
            same(&created["TableDescription"])
        );
        let by_arn = call(
            "describe_table",
            &json!({"TableName": created["TableDescription"]["TableArn"]}),
        );
        assert_eq!(by_arn, described);
    }

    #[pg_test]
    fn describe_table_counts_by_statistics() {
        simple_table("describe_table_counts");
        run("INSERT INTO dynamo_tables.describe_table_counts (item)
             SELECT format('{\"id\":{\"S\":\"%s\"}}', n)::dynamo.item FROM generate_series(1, 100) AS n");
        run("ANALYZE dynamo_tables.describe_table_counts");
        let table = call(
            "describe_table",
            &json!({"TableName": "describe_table_counts"}),
        )["Table"]
            .clone();
        assert_eq!(table["ItemCount"], 100);
        assert!(table["TableSizeBytes"].as_i64() >= Some(8192), "{table}");
    }

    #[pg_test]
    fn describe_table_refuses_what_dynamodb_refuses() {
        expect_refusal(
            "describe_table",
            &json!({"TableName": "describe_table_nowhere"}),
            NOT_FOUND,
            "Requested resource not found: Table: describe_table_nowhere not found",
        );
        expect_refusal(
            "describe_table",
            &json!({}),
            VALIDATION,
            "The parameter 'TableName' is required but was not present in the request",
        );
    }
}
