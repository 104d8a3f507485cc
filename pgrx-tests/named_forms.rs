//! The forms with named arguments, and which form a call with an untyped literal takes.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::json;

    /// The type that a call answers tells the forms of the item operations apart: json or dynamo.item.
    fn answers(call: &str) -> Option<String> {
        text(&format!("SELECT pg_typeof({call})::text"))
    }

    #[pg_test]
    fn named_forms_leave_requests_as_text_and_as_json_the_same() {
        simple_table("named_forms_text");
        let put = r#"{"TableName":"named_forms_text","Item":{"id":{"S":"a"},"n":{"N":"1.0"}}}"#;
        let get = r#"{"TableName":"named_forms_text","Key":{"id":{"S":"a"}}}"#;
        let query = r#"{"TableName":"named_forms_text","KeyConditionExpression":"id = :i",
            "ExpressionAttributeValues":{":i":{"S":"a"}}}"#;
        let batch_get = r#"{"RequestItems":{"named_forms_text":{"Keys":[{"id":{"S":"a"}}]}}}"#;
        let batch_write =
            r#"{"RequestItems":{"named_forms_text":[{"PutRequest":{"Item":{"id":{"S":"b"}}}}]}}"#;
        for (function, request) in [
            ("put_item", put),
            ("get_item", get),
            ("query", query),
            ("update_item", get),
            ("batch_get_item", batch_get),
            ("batch_write_item", batch_write),
            (
                "delete_item",
                r#"{"TableName":"named_forms_text","Key":{"id":{"S":"gone"}}}"#,
            ),
        ] {
            let call = |cast: &str| {
                text(&format!(
                    "SELECT dynamo.{function}('{request}'{cast})::text"
                ))
            };
            assert!(call("").is_some(), "{function}");
            assert_eq!(call("::text"), call("::json"), "{function}");
            assert_eq!(call(""), call("::json"), "{function}");
        }
        // What is no JSON is the service's to refuse.
        let refused = failure("SELECT dynamo.get_item('no JSON')");
        assert_eq!(
            refused.sqlstate,
            pg_dynamo_core::ErrorKind::Serialization.sqlstate()
        );
    }

    #[pg_test]
    fn named_forms_take_the_form_the_literal_means() {
        simple_table("named_forms_literals");
        let t = "named_forms_literals";
        let request = |more: &str| format!(r#"'{{"TableName":"{t}"{more}}}'"#);
        let (item, key) = (r#","Item":{"id":{"S":"a"}}"#, r#","Key":{"id":{"S":"a"}}"#);
        let cases = [
            (format!("dynamo.put_item({})", request(item)), "json"),
            (
                format!(r#"dynamo.put_item('{t}', '{{"id":{{"S":"a"}}}}')"#),
                "dynamo.item",
            ),
            (format!("dynamo.get_item({})", request(key)), "json"),
            (
                format!(r#"dynamo.get_item('{t}', '{{"id":{{"S":"a"}}}}')"#),
                "dynamo.item",
            ),
            (format!("dynamo.update_item({})", request(key)), "json"),
            (
                format!(r#"dynamo.update_item('{t}', '{{"id":{{"S":"a"}}}}')"#),
                "dynamo.item",
            ),
            (format!("dynamo.delete_item({})", request(key)), "json"),
            (
                format!(r#"dynamo.delete_item('{t}', '{{"id":{{"S":"a"}}}}')"#),
                "dynamo.item",
            ),
            (format!("dynamo.describe_table({})", request("")), "json"),
            (format!("dynamo.describe_table('{t}')"), "json"),
            ("dynamo.list_tables()".to_owned(), "json"),
            ("dynamo.list_tables('{}')".to_owned(), "json"),
            ("dynamo.list_tables(\"limit\" => 5)".to_owned(), "json"),
            ("dynamo.list_tables('abc')".to_owned(), "json"),
            ("dynamo.list_tables(null, 5)".to_owned(), "json"),
            ("dynamo.list_tables('abc', null)".to_owned(), "json"),
            (
                "dynamo.list_tables(exclusive_start_table_name => 'abc', \"limit\" => 5)"
                    .to_owned(),
                "json",
            ),
            (
                format!(
                    "dynamo.update_table({})",
                    request(r#","DeletionProtectionEnabled":true"#)
                ),
                "json",
            ),
            (
                format!("dynamo.update_table('{t}', deletion_protection_enabled => false)"),
                "json",
            ),
            (format!("dynamo.delete_table('{t}')"), "json"),
            (
                format!(
                    r#"dynamo.create_table('{{"TableName":"{t}","BillingMode":"PAY_PER_REQUEST",
                "AttributeDefinitions":[{{"AttributeName":"id","AttributeType":"S"}}],
                "KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}]}}')"#
                ),
                "json",
            ),
            (format!("dynamo.delete_table({})", request("")), "json"),
            (format!("dynamo.create_table('{t}', 'id')"), "json"),
        ];
        for (call, expected) in cases {
            // pg_typeof of a call whose answer is NULL still runs the call.
            assert_eq!(answers(&call).as_deref(), Some(expected), "{call}");
        }
    }

    #[pg_test]
    fn named_forms_take_typed_arguments_too() {
        simple_table("named_forms_typed");
        for request in ["$1::json", "$1::jsonb::json", "$1::text::json"] {
            let reply = text_with(
                &format!("SELECT dynamo.describe_table({request})::text"),
                r#"{"TableName":"named_forms_typed"}"#,
            );
            assert!(reply.is_some_and(|reply| reply.contains("ACTIVE")));
        }
        let reply = text_with(
            "SELECT dynamo.describe_table($1::text)::text",
            "named_forms_typed",
        );
        assert!(reply.is_some_and(|reply| reply.contains("ACTIVE")));
    }

    #[pg_test]
    fn named_forms_of_item_operations() {
        music_table("named_forms_items");
        let key = r#"{"Artist":{"S":"a"},"SongTitle":{"S":"b"}}"#;
        let cases = [
            // Nothing is returned unless asked for.
            (r"put_item('named_forms_items', $1::dynamo.item)", None),
            (
                r"put_item(table_name => 'named_forms_items', item => $1::dynamo.item, return_values => 'ALL_OLD')",
                Some(key),
            ),
            (
                r##"put_item('named_forms_items', $1::dynamo.item, condition_expression => '#a = :a',
                expression_attribute_names => '{"#a":"Artist"}', expression_attribute_values => '{":a":{"S":"a"}}')"##,
                None,
            ),
            (r"get_item('named_forms_items', $1::dynamo.item)", Some(key)),
            (
                r##"get_item(table_name => 'named_forms_items', key => $1::dynamo.item, projection_expression => '#a',
                expression_attribute_names => '{"#a":"Artist"}')"##,
                Some(r#"{"Artist":{"S":"a"}}"#),
            ),
            (
                r##"update_item('named_forms_items', $1::dynamo.item, 'SET #n = if_not_exists(#n, :zero) + :one',
                expression_attribute_names => '{"#n":"n"}', expression_attribute_values => '{":zero":{"N":"0"},":one":{"N":"1"}}',
                return_values => 'UPDATED_NEW')"##,
                Some(r#"{"n":{"N":"1"}}"#),
            ),
            (
                r"update_item(table_name => 'named_forms_items', key => $1::dynamo.item, update_expression => 'REMOVE n',
                condition_expression => 'attribute_exists(n)', return_values => 'UPDATED_OLD')",
                Some(r#"{"n":{"N":"1"}}"#),
            ),
            (
                r"delete_item('named_forms_items', $1::dynamo.item, condition_expression => 'attribute_not_exists(n)',
                return_values => 'ALL_OLD')",
                Some(key),
            ),
            (r"get_item('named_forms_items', $1::dynamo.item)", None),
            (
                r"delete_item(table_name => 'named_forms_items', key => $1::dynamo.item, return_values => 'ALL_OLD')",
                None,
            ),
        ];
        for (call, expected) in cases {
            let sql = format!("SELECT dynamo.{call}::text");
            assert_eq!(text_with(&sql, key).as_deref(), expected, "{call}");
        }
    }

    #[pg_test]
    fn named_forms_raise_as_the_request_forms_do() {
        simple_table("named_forms_raise");
        let item = r#"'{"id":{"S":"a"},"n":{"N":"1"}}'"#;
        run(&format!(
            "SELECT dynamo.put_item('named_forms_raise', {item})"
        ));
        let failed = failure(&format!(
            "SELECT dynamo.put_item('named_forms_raise', {item}, 'attribute_not_exists(id)',
             return_values_on_condition_check_failure => 'ALL_OLD')"
        ));
        assert_eq!(
            (failed.sqlstate.as_str(), failed.message.as_str()),
            ("DY005", "The conditional request failed")
        );
        assert_eq!(
            failed.detail,
            json!({"Item": {"id": {"S": "a"}, "n": {"N": "1"}}})
        );
        let key = r#"'{"id":{"S":"a"}}'"#;
        let cases = [
            (format!("put_item(null, {item})"), "DY001"),
            ("put_item('named_forms_raise', null)".to_owned(), "DY001"),
            (format!("get_item('nowhere', {key})"), "DY003"),
            (format!("get_item('named_forms_raise', {item})"), "DY001"),
            (
                format!("update_item('named_forms_raise', {key}, 'SET')"),
                "DY001",
            ),
            (
                format!("update_item('named_forms_raise', {key}, return_values => 'SOME')"),
                "DY001",
            ),
            (
                format!("delete_item('named_forms_raise', {key}, 'attribute_exists(nowhere)')"),
                "DY005",
            ),
            (
                "create_table('named_forms_raise', 'id')".to_owned(),
                "DY004",
            ),
            (
                "create_table('named_forms_other', null)".to_owned(),
                "DY001",
            ),
            (
                "create_table('named_forms_other', 'id', 'X')".to_owned(),
                "DY001",
            ),
            ("describe_table('named_forms_other')".to_owned(), "DY003"),
            ("delete_table('named_forms_other')".to_owned(), "DY003"),
            ("update_table('named_forms_raise')".to_owned(), "DY001"),
            ("list_tables(null, 0)".to_owned(), "DY001"),
        ];
        for (call, sqlstate) in cases {
            let failure = failure(&format!("SELECT dynamo.{call}"));
            assert_eq!(failure.sqlstate, sqlstate, "{call}: {}", failure.message);
        }
    }

    #[pg_test]
    fn named_forms_of_create_table() {
        run(
            r#"SELECT dynamo.create_table('named_forms_table', 'id', 'B', 'at', 'N', 1, 2,
               'STANDARD_INFREQUENT_ACCESS', true, '{"team":"blue"}')"#,
        );
        let table =
            call("describe_table", &json!({"TableName": "named_forms_table"}))["Table"].clone();
        assert_eq!(
            table["KeySchema"],
            json!([{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}])
        );
        assert_eq!(table["ProvisionedThroughput"]["WriteCapacityUnits"], 2);
        assert_eq!(
            table["TableClassSummary"]["TableClass"],
            "STANDARD_INFREQUENT_ACCESS"
        );
        assert_eq!(table["DeletionProtectionEnabled"], true);
    }
}
