//! Resource policies: what they grant and take back, whom the endpoint lets do what, and what a refused one leaves.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    /// A policy that allows each role its actions.
    fn policy(statements: &[(&str, &[&str])]) -> String {
        let statements: Vec<Value> = statements
            .iter()
            .map(|(role, actions)| {
                let actions: Vec<String> =
                    actions.iter().map(|a| format!("dynamodb:{a}")).collect();
                json!({"Effect": "Allow", "Action": actions, "Resource": "*",
                    "Principal": {"AWS": format!("arn:aws:iam::000000000000:role/{role}")}})
            })
            .collect();
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    fn arn(table: &str) -> String {
        format!("arn:aws:dynamodb:local:000000000000:table/{table}")
    }

    fn attach(table: &str, statements: &[(&str, &[&str])]) -> Value {
        let request = json!({"ResourceArn": arn(table), "Policy": policy(statements)});
        call("put_resource_policy", &request)["RevisionId"].clone()
    }

    fn detach(table: &str) {
        call(
            "delete_resource_policy",
            &json!({"ResourceArn": arn(table)}),
        );
    }

    /// A table of a role that is nobody's superuser.
    fn owned_table(table: &str, owner: &str) {
        run(&format!(
            "CREATE ROLE {owner}; GRANT CREATE ON SCHEMA dynamo_tables TO {owner}; SET LOCAL ROLE {owner}"
        ));
        simple_table(table);
        put(table, &json!({"id": {"S": "a"}}));
        run("RESET ROLE");
    }

    /// The first words of what becomes of an operation when `role` asks for it over the endpoint.
    fn asks(role: &str, operation: &str, table: &str) -> String {
        let request = match operation {
            "PutItem" => json!({"TableName": table, "Item": {"id": {"S": "b"}}}),
            "Scan" => json!({"TableName": table}),
            "Query" => json!({"TableName": table, "KeyConditionExpression": "id = :i",
                "ExpressionAttributeValues": {":i": {"S": "a"}}}),
            _ => json!({"TableName": table, "Key": {"id": {"S": "a"}}}),
        };
        run(&format!("SET LOCAL ROLE {role}"));
        let answer = handle(operation, request.to_string().as_bytes());
        run("RESET ROLE");
        answer.error_type.unwrap_or_else(|| "done".to_owned())
    }

    const DENIED: &str = "AccessDeniedException";

    /// Privileges that the table's list of grants has for a role.
    fn granted(table: &str, role: &str) -> String {
        text_with(
            &format!(
                "SELECT coalesce(string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type), '') \
                 FROM pg_class AS c, aclexplode(c.relacl) AS a \
                 WHERE c.oid = 'dynamo_tables.{table}'::regclass AND a.grantee = $1::regrole"
            ),
            role,
        )
        .expect("a row")
    }

    #[pg_test]
    fn resource_policy_of_create_table_is_refused_before_anything_is_made() {
        let request = json!({
            "TableName": "policy_missing_role", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "ResourcePolicy": policy(&[("policy_nobody", &["GetItem"])]),
        });
        let answer = handle("CreateTable", request.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("ValidationException"));
        assert_eq!(
            truth("SELECT to_regclass('dynamo_tables.policy_missing_role') IS NULL"),
            Some(true)
        );
        let described = handle("DescribeTable", br#"{"TableName":"policy_missing_role"}"#);
        assert_eq!(
            described.error_type.as_deref(),
            Some("ResourceNotFoundException")
        );
        run("CREATE ROLE policy_nobody");
        assert_eq!(
            handle("CreateTable", request.to_string().as_bytes()).status,
            200
        );
        assert_eq!(granted("policy_missing_role", "policy_nobody"), "SELECT");
        assert_eq!(
            asks("policy_nobody", "GetItem", "policy_missing_role"),
            "done"
        );
        assert_eq!(asks("policy_nobody", "Scan", "policy_missing_role"), DENIED);
    }

    #[pg_test]
    fn resource_policy_that_names_the_owner_leaves_what_is_his() {
        owned_table("policy_owner", "policy_owner_role");
        let owner = "policy_owner_role";
        run("SET LOCAL ROLE policy_owner_role");
        attach("policy_owner", &[(owner, &["GetItem"])]);
        assert_eq!(asks(owner, "PutItem", "policy_owner"), "done");
        run("SET LOCAL ROLE policy_owner_role");
        detach("policy_owner");
        assert_eq!(asks(owner, "GetItem", "policy_owner"), "done");
        assert_eq!(asks(owner, "PutItem", "policy_owner"), "done");
        // Beside another role, whose grant gives the table a list of its own.
        run("CREATE ROLE policy_owner_friend; SET LOCAL ROLE policy_owner_role");
        attach(
            "policy_owner",
            &[(owner, &["GetItem"]), ("policy_owner_friend", &["GetItem"])],
        );
        assert_eq!(asks(owner, "PutItem", "policy_owner"), "done");
        run("SET LOCAL ROLE policy_owner_role");
        attach("policy_owner", &[("policy_owner_friend", &["GetItem"])]);
        assert_eq!(asks(owner, "PutItem", "policy_owner"), "done");
        // Who had a grant and then the table keeps what an owner has.
        run(
            "GRANT CREATE ON SCHEMA dynamo_tables TO policy_owner_friend; \
             ALTER TABLE dynamo_tables.policy_owner OWNER TO policy_owner_friend",
        );
        assert_eq!(
            asks("policy_owner_friend", "PutItem", "policy_owner"),
            "done"
        );
        run("SET LOCAL ROLE policy_owner_friend");
        detach("policy_owner");
        assert_eq!(
            asks("policy_owner_friend", "GetItem", "policy_owner"),
            "done"
        );
    }

    /// As after `pg_restore --no-privileges`.
    #[pg_test]
    fn resource_policy_without_its_grants_denies_the_owner_nothing_and_is_mended() {
        owned_table("policy_restored", "policy_restored_owner");
        run("CREATE ROLE policy_restored_reader; SET LOCAL ROLE policy_restored_owner");
        let statements: &[(&str, &[&str])] = &[("policy_restored_reader", &["GetItem"])];
        let revision = attach("policy_restored", statements);
        run(
            "RESET ROLE; UPDATE pg_class SET relacl = NULL WHERE oid = 'dynamo_tables.policy_restored'::regclass",
        );
        assert_eq!(
            asks("policy_restored_owner", "PutItem", "policy_restored"),
            "done"
        );
        assert_eq!(
            asks("policy_restored_reader", "GetItem", "policy_restored"),
            DENIED
        );
        // The same document keeps its revision and grants again.
        run("SET LOCAL ROLE policy_restored_owner");
        assert_eq!(attach("policy_restored", statements), revision);
        assert_eq!(
            asks("policy_restored_reader", "GetItem", "policy_restored"),
            "done"
        );
        run("SET LOCAL ROLE policy_restored_owner");
        detach("policy_restored");
        run("RESET ROLE");
        assert_eq!(granted("policy_restored", "policy_restored_reader"), "");
    }

    #[pg_test]
    fn resource_policy_opens_its_actions_to_role_and_members_only() {
        owned_table("policy_actions", "policy_actions_owner");
        run(
            "CREATE ROLE policy_actions_reader; CREATE ROLE policy_actions_member IN ROLE policy_actions_reader; \
             CREATE ROLE policy_actions_other; SET LOCAL ROLE policy_actions_owner",
        );
        attach("policy_actions", &[("policy_actions_reader", &["GetItem"])]);
        for role in ["policy_actions_reader", "policy_actions_member"] {
            assert_eq!(asks(role, "GetItem", "policy_actions"), "done", "{role}");
            for operation in ["Query", "Scan", "PutItem", "DeleteItem"] {
                assert_eq!(
                    asks(role, operation, "policy_actions"),
                    DENIED,
                    "{operation}"
                );
            }
        }
        assert_eq!(
            asks("policy_actions_other", "GetItem", "policy_actions"),
            DENIED
        );
        // Who was granted the privilege otherwise is not bound by the policy, and keeps it when the policy goes.
        run(
            "GRANT SELECT ON dynamo_tables.policy_actions TO policy_actions_other; SET LOCAL ROLE policy_actions_owner",
        );
        attach(
            "policy_actions",
            &[("policy_actions_other", &["GetItem", "PutItem"])],
        );
        assert_eq!(
            asks("policy_actions_other", "Scan", "policy_actions"),
            "done"
        );
        assert_eq!(
            asks("policy_actions_other", "PutItem", "policy_actions"),
            "done"
        );
        assert_eq!(
            asks("policy_actions_reader", "GetItem", "policy_actions"),
            DENIED
        );
        // Only the owner may.
        run("SET LOCAL ROLE policy_actions_other");
        let put = json!({"ResourceArn": arn("policy_actions"),
            "Policy": policy(&[("policy_actions_other", &["Scan"])])});
        let delete = json!({"ResourceArn": arn("policy_actions")});
        for (operation, request) in [("PutResourcePolicy", put), ("DeleteResourcePolicy", delete)] {
            let answer = handle(operation, request.to_string().as_bytes());
            assert_eq!(answer.error_type.as_deref(), Some(DENIED), "{operation}");
        }
        run("SET LOCAL ROLE policy_actions_owner");
        detach("policy_actions");
        run("RESET ROLE");
        assert_eq!(granted("policy_actions", "policy_actions_other"), "SELECT");
    }

    #[pg_test]
    fn resource_policy_follows_a_role_that_is_renamed_and_not_its_name() {
        owned_table("policy_renamed", "policy_renamed_owner");
        run("CREATE ROLE policy_first; SET LOCAL ROLE policy_renamed_owner");
        attach("policy_renamed", &[("policy_first", &["GetItem"])]);
        run(
            "RESET ROLE; ALTER ROLE policy_first RENAME TO policy_second; CREATE ROLE policy_first; \
             GRANT SELECT ON dynamo_tables.policy_renamed TO policy_first",
        );
        assert_eq!(asks("policy_second", "GetItem", "policy_renamed"), "done");
        assert_eq!(asks("policy_second", "Scan", "policy_renamed"), DENIED);
        assert_eq!(asks("policy_first", "Scan", "policy_renamed"), "done");
        // A policy with the new name takes the grant over.
        run("SET LOCAL ROLE policy_renamed_owner");
        attach("policy_renamed", &[("policy_second", &["Query"])]);
        assert_eq!(asks("policy_second", "Query", "policy_renamed"), "done");
        run("ALTER ROLE policy_second RENAME TO policy_third; SET LOCAL ROLE policy_renamed_owner");
        detach("policy_renamed");
        run("RESET ROLE");
        assert_eq!(granted("policy_renamed", "policy_third"), "");
        assert_eq!(granted("policy_renamed", "policy_first"), "SELECT");
    }

    /// A definition that was dumped in another cluster: its OIDs are others' here.
    #[pg_test]
    fn resource_policy_of_another_cluster_goes_by_names() {
        owned_table("policy_moved", "policy_moved_owner");
        run(
            "CREATE ROLE policy_moved_reader; CREATE ROLE policy_moved_stranger; SET LOCAL ROLE policy_moved_owner",
        );
        attach("policy_moved", &[("policy_moved_reader", &["GetItem"])]);
        run(
            "RESET ROLE; UPDATE dynamo.table_definition SET definition = jsonb_set(jsonb_set(definition::jsonb, \
             '{policy,roles,cluster}', '1'), '{policy,roles,oids,policy_moved_reader}', \
             to_jsonb('policy_moved_stranger'::regrole::oid::int8))::json WHERE table_name = 'policy_moved'; \
             GRANT SELECT ON dynamo_tables.policy_moved TO policy_moved_stranger",
        );
        assert_eq!(
            asks("policy_moved_reader", "GetItem", "policy_moved"),
            "done"
        );
        assert_eq!(asks("policy_moved_reader", "Scan", "policy_moved"), DENIED);
        assert_eq!(
            asks("policy_moved_stranger", "Scan", "policy_moved"),
            "done"
        );
        run("SET LOCAL ROLE policy_moved_owner");
        detach("policy_moved");
        run("RESET ROLE");
        assert_eq!(granted("policy_moved", "policy_moved_reader"), "");
        assert_eq!(granted("policy_moved", "policy_moved_stranger"), "SELECT");
    }

    #[pg_test]
    fn resource_policy_is_asked_for_each_action_of_a_transaction() {
        owned_table("policy_transact", "policy_transact_owner");
        run("CREATE ROLE policy_transact_writer; SET LOCAL ROLE policy_transact_owner");
        let name = "policy_transact";
        let key = json!({"TableName": name, "Key": {"id": {"S": "a"}}});
        let put = json!({"Put": {"TableName": name, "Item": {"id": {"S": "b"}}}});
        let delete = json!({"Delete": {"TableName": name, "Key": {"id": {"S": "c"}}}});
        let update = json!({"Update": {"TableName": name, "Key": {"id": {"S": "d"}},
            "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}});
        let check = json!({"ConditionCheck": with(&key, &json!({"ConditionExpression": "attribute_exists(id)"}))});
        let transact = |actions: &[&Value]| {
            run("SET LOCAL ROLE policy_transact_writer");
            let request = json!({"TransactItems": actions});
            let answer = handle("TransactWriteItems", request.to_string().as_bytes());
            run("SET LOCAL ROLE policy_transact_owner");
            answer.error_type.unwrap_or_else(|| "done".to_owned())
        };
        let of_action = [
            ("PutItem", &put),
            ("DeleteItem", &delete),
            ("UpdateItem", &update),
            ("ConditionCheckItem", &check),
        ];
        for (allowed, own) in of_action {
            // All privileges, so that the actions alone decide.
            attach(
                name,
                &[("policy_transact_writer", &[allowed, "BatchWriteItem"])],
            );
            assert_eq!(transact(&[own]), "done", "{allowed}");
            for (other, action) in of_action.iter().filter(|(other, _)| *other != allowed) {
                assert_eq!(transact(&[own, *action]), DENIED, "{allowed} {other}");
            }
        }
        // A check holds its row, for which Postgres asks for UPDATE.
        attach(name, &[("policy_transact_writer", &["ConditionCheckItem"])]);
        assert_eq!(transact(&[&check]), "done");
        let get = json!({"TransactItems": [{"Get": key}]});
        for (allowed, expected) in [("GetItem", None), ("Query", Some(DENIED))] {
            attach(name, &[("policy_transact_writer", &[allowed])]);
            run("SET LOCAL ROLE policy_transact_writer");
            let answer = handle("TransactGetItems", get.to_string().as_bytes());
            run("SET LOCAL ROLE policy_transact_owner");
            assert_eq!(answer.error_type.as_deref(), expected, "{allowed}");
        }
        run("RESET ROLE");
    }
}
