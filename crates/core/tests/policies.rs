//! Resource policies: the language, its canonical form, and what privileges can and cannot say of it.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::policy::Policy;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::TableDefinition;
use pg_dynamo_core::{ErrorKind, Result};

const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/Hash";
const INVALID: &str = "One or more parameter values were invalid: ";

fn parse(text: &str) -> Result<Policy> {
    Policy::parse(text, &account(), ARN)
}

fn statement(more: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{more}}}]}}"#)
}

fn allow(principal: &str, action: &str, resource: &str) -> String {
    statement(&format!(
        r#""Effect":"Allow","Principal":{principal},"Action":{action},"Resource":{resource}"#
    ))
}

const READER: &str = r#"{"AWS":"arn:aws:iam::123456789012:role/reader"}"#;

/// The privileges of the role.
fn privileges(policy: &str, role: &str) -> String {
    let allowed = parse(policy).unwrap().allowed(ARN);
    allowed
        .get(role)
        .map(|a| a.privileges().names())
        .unwrap_or_default()
}

#[test]
fn actions_on_items_become_the_privileges_they_need() {
    for (action, expected) in [
        (r#""dynamodb:GetItem""#, "SELECT"),
        (r#"["dynamodb:Query","dynamodb:Scan"]"#, "SELECT"),
        (r#""dynamodb:PutItem""#, "SELECT, INSERT, UPDATE"),
        (r#""dynamodb:UpdateItem""#, "SELECT, INSERT, UPDATE"),
        (r#""dynamodb:DeleteItem""#, "SELECT, DELETE"),
        (
            r#""dynamodb:BatchWriteItem""#,
            "SELECT, INSERT, UPDATE, DELETE",
        ),
        (r#""dynamodb:PartiQLUpdate""#, "SELECT, UPDATE"),
        (r#""dynamodb:*""#, "SELECT, INSERT, UPDATE, DELETE"),
        (r#""*""#, "SELECT, INSERT, UPDATE, DELETE"),
        (r#""dynamodb:batchget*""#, "SELECT"),
        (r#""dynamodb:DescribeTable""#, ""),
    ] {
        let policy = allow(READER, action, &format!("\"{ARN}\""));
        assert_eq!(privileges(&policy, "reader"), expected, "{action}");
    }
}

#[test]
fn an_allowed_action_permits_its_operation_and_no_other() {
    let policy = allow(
        READER,
        r#"["dynamodb:GetItem","dynamodb:PartiQLInsert","dynamodb:DeleteItem"]"#,
        r#""*""#,
    );
    let allowed = parse(&policy).unwrap().allowed(ARN);
    for (operation, expected) in [
        (Operation::GetItem, true),
        (Operation::Query, false),
        (Operation::Scan, false),
        (Operation::BatchGetItem, false),
        (Operation::PutItem, true),
        (Operation::UpdateItem, false),
        (Operation::DeleteItem, true),
        (Operation::TransactGetItems, true),
        // Of the checks in it; its puts and deletes are asked for as such.
        (Operation::TransactWriteItems, false),
    ] {
        assert_eq!(
            allowed["reader"].permits(operation),
            expected,
            "{operation:?}"
        );
    }
}

#[test]
fn a_statement_is_about_the_table_when_a_resource_matches_it() {
    for (resource, expected) in [
        (r#""*""#, "SELECT"),
        (r#""arn:aws:dynamodb:*:123456789012:table/H*""#, "SELECT"),
        (
            r#""arn:aws:dynamodb:eu-west-1:123456789012:table/Other""#,
            "",
        ),
    ] {
        let policy = allow(READER, r#""dynamodb:GetItem""#, resource);
        assert_eq!(privileges(&policy, "reader"), expected, "{resource}");
    }
    let both = format!(r#"["{ARN}","{ARN}/index/*"]"#);
    assert_eq!(
        privileges(&allow(READER, r#""dynamodb:Query""#, &both), "reader"),
        "SELECT"
    );
}

#[test]
fn principals_are_roles_users_and_the_account_itself() {
    let several = r#"{"AWS":["arn:aws:iam::123456789012:user/team/writer","123456789012",
        "arn:aws:iam::123456789012:root"]}"#;
    let policy = parse(&allow(several, r#""dynamodb:GetItem""#, r#""*""#)).unwrap();
    let allowed = policy.allowed(ARN);
    assert_eq!(allowed.keys().collect::<Vec<_>>(), ["writer"]);
    for principal in [
        r#"{"AWS":"arn:aws:iam::999999999999:role/reader"}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:group/x"}"#,
        r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/reader/s"}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:role/"}"#,
        r#"{"AWS":"reader"}"#,
        r#"{"Federated":"x"}"#,
    ] {
        let error = parse(&allow(principal, r#""dynamodb:GetItem""#, r#""*""#)).unwrap_err();
        assert_eq!(
            error.message,
            format!("{INVALID}Invalid principal in policy document."),
            "{principal}"
        );
    }
    for principal in [
        r#""*""#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":["123456789012","*"]}"#,
    ] {
        let error = parse(&allow(principal, r#""dynamodb:GetItem""#, r#""*""#)).unwrap_err();
        assert_eq!(
            error.message,
            "Resource-based policy grants unbounded access in one or more elements. Please revise the policy to \
             ensure least-privilege form of access"
        );
    }
}

#[test]
fn what_is_no_policy_is_refused_in_the_words_of_the_service() {
    let long = " ".repeat(20_481);
    for (text, message) in [
        (
            "",
            "Invalid policy document: This policy contains invalid Json",
        ),
        (
            "{not json",
            "Invalid policy document: This policy contains invalid Json",
        ),
        (
            "[]",
            "Invalid policy document: This policy contains invalid Json",
        ),
        (
            "null",
            "Invalid policy document: This text appears not to be a policy",
        ),
        (
            "{}",
            "Invalid policy document: Missing required field Statement",
        ),
        (
            r#"{"Statement":[]}"#,
            "Invalid policy document: Could not parse the policy: Statement is empty!",
        ),
        (
            r#"{"Statement":[{}]}"#,
            "Invalid policy document: Missing required field Effect",
        ),
        (
            r#"{"Version":"2020-01-01","Statement":[{}]}"#,
            "Invalid policy document: The policy version 2020-01-01 is unknown",
        ),
        (&long, "Maximum policy size of 20480 bytes exceeded"),
        (
            &allow(
                READER,
                r#"["dynamodb:GetRecords","s3:GetObject","dynamodb:GetItem"]"#,
                r#""*""#,
            ),
            "Invalid policy document: The following action names are invalid: \"dynamodb:GetRecords\", \
             \"s3:GetObject\"",
        ),
        (
            &allow(
                r#"{"Service":"x.amazonaws.com"}"#,
                r#""dynamodb:GetItem""#,
                r#""*""#,
            ),
            "Invalid policy document: Policy contains invalid service principal",
        ),
        (
            &allow(r#""123456789012""#, r#""dynamodb:GetItem""#, r#""*""#),
            "Invalid policy document: Syntax error at element Principal",
        ),
        (
            &statement(
                r#""Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"dynamodb:GetItem""#,
            ),
            "Invalid policy document: Missing required field Resource",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation);
        assert_eq!(error.message, format!("{INVALID}{message}"), "{text}");
    }
    let twice = allow(READER, r#""dynamodb:GetItem""#, r#""*""#).replace(
        r#"{"Effect""#,
        r#"{"Sid":"a","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"dynamodb:Scan","Resource":"*"},{"Sid":"a","Effect""#,
    );
    assert_eq!(
        parse(&twice).unwrap_err().message,
        format!("{INVALID}Invalid policy document: The Statement Ids in the policy are not unique")
    );
}

#[test]
fn what_privileges_cannot_say_is_refused() {
    let whole = r#""Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"dynamodb:GetItem","Resource":"*""#;
    for (text, why) in [
        (whole.replace("Allow", "Deny"), "Deny cannot be said"),
        (
            format!(r#"{whole},"Condition":{{}}"#),
            "they have no conditions",
        ),
        (
            whole.replace("\"Action\"", "\"NotAction\""),
            "NotAction is none of them",
        ),
        (
            whole.replace("\"Principal\"", "\"NotPrincipal\""),
            "NotPrincipal is none of them",
        ),
        (
            whole.replace("\"Resource\"", "\"NotResource\""),
            "NotResource is none of them",
        ),
        (
            whole.replace("GetItem", "UpdateTable"),
            "dynamodb:UpdateTable needs the ownership",
        ),
        (
            whole.replace("GetItem", "UpdateTable*"),
            "dynamodb:UpdateTable* needs the ownership",
        ),
        (
            whole.replace(
                r#""Resource":"*""#,
                &format!(r#""Resource":"{ARN}/index/Gsi""#),
            ),
            "none of them is on an index alone",
        ),
        (
            whole.replace(
                r#""Resource":"*""#,
                r#""Resource":"arn:aws:dynamodb:*:*:table/${x}""#,
            ),
            "they have no variables",
        ),
    ] {
        let message = parse(&statement(&text)).unwrap_err().message;
        assert!(
            message.contains("pg_dynamo enforces policies by privileges"),
            "{message}"
        );
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn a_document_is_kept_in_canonical_form() {
    let pretty = r#" {"Statement": {"Resource": ["*"], "Action": ["dynamodb:GetItem"], "Effect": "allow",
        "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:root"]}, "Sid": "Mine"},
        "Id": "All"} "#;
    let canonical = parse(pretty).unwrap().canonical(&account());
    assert_eq!(
        canonical,
        r#"{"Version":"2008-10-17","Id":"All","Statement":[{"Sid":"Mine","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"dynamodb:GetItem","Resource":"*"}]}"#
    );
    assert_eq!(parse(&canonical).unwrap().canonical(&account()), canonical);
}

fn put(policy: &str, expected: Option<&str>) -> PutResourcePolicyRequest {
    let mut text = String::new();
    pg_dynamo_core::json::write_string(&mut text, policy);
    let expected = expected
        .map(|e| format!(r#","ExpectedRevisionId":"{e}""#))
        .unwrap_or_default();
    let request = format!(r#"{{"ResourceArn":"{ARN}","Policy":{text}{expected}}}"#);
    PutResourcePolicyRequest::parse(&json(&request), &account()).unwrap()
}

fn with_policy(table: &TableDefinition, request: &PutResourcePolicyRequest) -> TableDefinition {
    let policy = request.apply(table, NOW).unwrap();
    TableDefinition {
        policy: Some(policy),
        ..table.clone()
    }
}

#[test]
fn revisions_rise_and_are_asked_for() {
    let (read, write) = (
        allow(READER, r#""dynamodb:GetItem""#, r#""*""#),
        allow(READER, r#""dynamodb:PutItem""#, r#""*""#),
    );
    let none = hash_table();
    let first = with_policy(&none, &put(&read, Some("NO_POLICY")));
    let revision = first.policy.as_ref().unwrap().revision;
    assert_eq!(revision, NOW);
    // The same policy again keeps its revision, whatever its white space.
    let again = put(&format!(" {read}"), None).apply(&first, NOW + 5);
    assert_eq!(Some(again.unwrap()), first.policy);
    // The clock stands still: the revision rises nevertheless.
    let second = with_policy(&first, &put(&write, Some(&revision.to_string())));
    assert_eq!(second.policy.as_ref().unwrap().revision, NOW + 1);

    let prefix = "Resource-based policy not found for the provided ResourceArn: ";
    for (table, expected, message) in [
        (
            &second,
            "7",
            "Requested update for policy with revision id 7, but the policy associated to target table Hash has revision id 1700000000124.",
        ),
        (
            &second,
            "NO_POLICY",
            "Requested policy update expecting none to be present for table Hash, but a policy exists with revision id 1700000000124.",
        ),
        (
            &none,
            "7",
            "Requested update for policy with revision id 7, but table Hash has no associated policy.",
        ),
    ] {
        let error = put(&read, Some(expected)).apply(table, NOW).unwrap_err();
        assert_eq!(error.kind, ErrorKind::PolicyNotFound);
        assert_eq!(error.message, format!("{prefix}{message}"));
    }
    let get = format!(r#"{{"ResourceArn":"{ARN}"}}"#);
    let get = GetResourcePolicyRequest::parse(&json(&get), &account()).unwrap();
    assert_eq!(
        get.reply(&none).unwrap_err().message,
        format!("{prefix}{ARN}")
    );
    let reply = get.reply(&second).unwrap();
    assert!(
        reply.ends_with(r#","RevisionId":"1700000000124"}"#),
        "{reply}"
    );
    let delete = format!(r#"{{"ResourceArn":"{ARN}","ExpectedRevisionId":"1700000000124"}}"#);
    let delete = DeleteResourcePolicyRequest::parse(&json(&delete), &account()).unwrap();
    assert!(delete.check(&second).unwrap());
    assert_eq!(
        delete.reply(second.policy.as_ref()),
        r#"{"RevisionId":"1700000000124"}"#
    );
    assert_eq!(
        delete.check(&first).unwrap_err().kind,
        ErrorKind::PolicyNotFound
    );
}

#[test]
fn resources_of_policies_are_tables_and_streams_of_this_account() {
    let get = |arn: &str| {
        let request = format!(r#"{{"ResourceArn":"{arn}"}}"#);
        GetResourcePolicyRequest::parse(&json(&request), &account())
    };
    for (arn, message) in [
        ("Hash", format!("{INVALID}ARNs must start with 'arn:': Hash")),
        (
            "arn:aws:dynamodb:eu-west-1:999999999999:table/Hash",
            "This action is only supported by accounts that match the resource owner\u{2019}s account.".to_owned(),
        ),
        (
            "arn:aws-cn:dynamodb:eu-west-1:123456789012:table/Hash",
            format!("{INVALID}Invalid resource Arn: arn:aws-cn:dynamodb:eu-west-1:123456789012:table/Hash"),
        ),
    ] {
        assert_eq!(get(arn).unwrap_err().message, message);
    }
    let stream = get(&format!("{ARN}/stream/2000-01-01T00:00:00.000")).unwrap();
    assert!(stream.governed.is_stream(|_| Ok(true)).unwrap());
    let error = stream.governed.is_stream(|_| Ok(false)).unwrap_err();
    assert_eq!(
        error.message,
        "Requested resource not found: Stream: 2000-01-01T00:00:00.000 not found for Table: Hash"
    );
}

#[test]
fn create_table_takes_a_policy() {
    let mut text = String::new();
    let policy = allow(READER, r#""dynamodb:GetItem""#, r#""*""#);
    pg_dynamo_core::json::write_string(&mut text, &policy);
    let more = format!(r#","ResourcePolicy":{text}"#);
    let request = creation(&["pk"], "pk:HASH", &more);
    let mut request = CreateTableRequest::parse(&json(&request), &account()).unwrap();
    let policy = request.take_policy().unwrap().after(None, NOW);
    assert_eq!(policy.allowed.keys().collect::<Vec<_>>(), ["reader"]);
    let refused = creation(&["pk"], "pk:HASH", r#","ResourcePolicy":"{}""#);
    let error = CreateTableRequest::parse(&json(&refused), &account()).unwrap_err();
    assert!(
        error.message.contains("Invalid policy document"),
        "{}",
        error.message
    );
}
