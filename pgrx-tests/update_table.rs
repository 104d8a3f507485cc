//! UpdateTable through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn update(table: &str, more: &Value) -> Value {
        call("update_table", &with(&json!({"TableName": table}), more))["TableDescription"].clone()
    }

    #[pg_test]
    fn update_table_changes_stay() {
        simple_table("update_table_stay");
        let provisioned = json!({"BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}});
        let described = update("update_table_stay", &provisioned);
        assert_eq!(described["TableStatus"], "ACTIVE");
        assert_eq!(described["ProvisionedThroughput"]["ReadCapacityUnits"], 3);
        assert_eq!(described["ProvisionedThroughput"]["WriteCapacityUnits"], 4);
        update(
            "update_table_stay",
            &json!({"TableClass": "STANDARD_INFREQUENT_ACCESS"}),
        );
        update(
            "update_table_stay",
            &json!({"DeletionProtectionEnabled": true}),
        );
        let table =
            call("describe_table", &json!({"TableName": "update_table_stay"}))["Table"].clone();
        assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 4);
        assert_eq!(
            table["TableClassSummary"]["TableClass"],
            "STANDARD_INFREQUENT_ACCESS"
        );
        assert_eq!(table["DeletionProtectionEnabled"], true);
        let billed = update(
            "update_table_stay",
            &json!({"BillingMode": "PAY_PER_REQUEST"}),
        );
        assert_eq!(
            billed["BillingModeSummary"]["BillingMode"],
            "PAY_PER_REQUEST"
        );
        assert_eq!(billed["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
    }

    #[pg_test]
    fn update_table_rolled_back_is_forgotten() {
        simple_table("update_table_rolled_back");
        let undone = failure(
            "DO $do$ BEGIN
                 PERFORM dynamo.update_table('update_table_rolled_back', deletion_protection_enabled => true);
                 PERFORM dynamo.describe_table('update_table_rolled_back');
                 RAISE EXCEPTION 'undone';
             END $do$",
        );
        assert_eq!(undone.message, "undone");
        let table = call(
            "describe_table",
            &json!({"TableName": "update_table_rolled_back"}),
        )["Table"]
            .clone();
        assert_eq!(table["DeletionProtectionEnabled"], false);
        call(
            "delete_table",
            &json!({"TableName": "update_table_rolled_back"}),
        );
    }

    #[pg_test]
    fn update_table_keeps_the_items() {
        simple_table("update_table_items");
        put("update_table_items", &json!({"id": {"S": "a"}}));
        update(
            "update_table_items",
            &json!({"DeletionProtectionEnabled": true}),
        );
        assert_eq!(
            get("update_table_items", &json!({"id": {"S": "a"}})),
            json!({"id": {"S": "a"}})
        );
    }

    #[pg_test]
    fn update_table_refuses_what_dynamodb_refuses() {
        simple_table("update_table_refuses");
        let cases = [
            (
                json!({}),
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
            ),
            (
                json!({"TableClass": "GOLD"}),
                "1 validation error detected: Value 'GOLD' at 'tableClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, STANDARD_INFREQUENT_ACCESS]",
            ),
            (
                json!({"BillingMode": "PROVISIONED"}),
                "One or more parameter values were invalid: ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            ),
        ];
        for (more, message) in cases {
            let request = with(&json!({"TableName": "update_table_refuses"}), &more);
            expect_refusal("update_table", &request, VALIDATION, message);
        }
        expect_refusal(
            "update_table",
            &json!({"TableName": "update_table_nowhere", "DeletionProtectionEnabled": true}),
            NOT_FOUND,
            "Requested resource not found: Table: update_table_nowhere not found",
        );
    }
}
