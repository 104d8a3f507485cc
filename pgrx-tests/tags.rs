//! TagResource, UntagResource, ListTagsOfResource, DescribeEndpoints through SQL and `dynamo.handle`.

#[pgrx::pg_schema]
mod tests {
    use super::super::statement::*;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn arn(table: &str) -> String {
        format!("arn:aws:dynamodb:local:000000000000:table/{table}")
    }

    fn tags(table: &str) -> Value {
        call("list_tags_of_resource", &json!({"ResourceArn": arn(table)}))["Tags"].clone()
    }

    #[pg_test]
    fn tag_resource_adds_what_list_tags_of_resource_shows() {
        simple_table("tag_resource_adds");
        assert_eq!(tags("tag_resource_adds"), json!([]));
        let request = json!({"ResourceArn": arn("tag_resource_adds"), "Tags": [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": ""}]});
        assert_eq!(call("tag_resource", &request), json!({}));
        let expected = json!([{"Key": "a", "Value": ""}, {"Key": "b", "Value": "1"}]);
        assert_eq!(tags("tag_resource_adds"), expected);
        let request = json!({"ResourceArn": arn("tag_resource_adds"), "TagKeys": ["a", "never"]});
        assert_eq!(call("untag_resource", &request), json!({}));
        assert_eq!(
            tags("tag_resource_adds"),
            json!([{"Key": "b", "Value": "1"}])
        );
        // They go with their table.
        call("delete_table", &json!({"TableName": "tag_resource_adds"}));
        let request = json!({"ResourceArn": arn("tag_resource_adds")});
        let gone = handle("ListTagsOfResource", request.to_string().as_bytes());
        assert_eq!(
            gone.error_type.as_deref(),
            Some("ResourceNotFoundException")
        );
    }

    #[pg_test]
    fn tag_resource_is_the_owners() {
        simple_table("tag_resource_owner");
        run("CREATE ROLE tag_resource_stranger; SET LOCAL ROLE tag_resource_stranger");
        let tag =
            json!({"ResourceArn": arn("tag_resource_owner"), "Tags": [{"Key": "a", "Value": "b"}]});
        let answer = handle("TagResource", tag.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        let untag = json!({"ResourceArn": arn("tag_resource_owner"), "TagKeys": ["a"]});
        let answer = handle("UntagResource", untag.to_string().as_bytes());
        assert_eq!(answer.error_type.as_deref(), Some("AccessDeniedException"));
        // Reading them asks for nothing.
        assert_eq!(tags("tag_resource_owner"), json!([]));
    }

    #[pg_test]
    fn describe_endpoints_answers_where_the_endpoint_listens() {
        run("SET LOCAL dynamo.region = 'eu-west-1'");
        let listen = text("SHOW dynamo.gateway_listen").expect("a setting");
        let endpoints = json!({"Endpoints": [{"Address": listen, "CachePeriodInMinutes": 1440}]});
        assert_eq!(call("describe_endpoints", &json!({})), endpoints);
    }

    #[pg_test]
    fn unsupported_operations_are_answered_and_have_no_function() {
        simple_table("unsupported_operations");
        let answer = handle("ListExports", b"{}");
        assert_eq!(
            (answer.status, answer.body),
            (200, json!({"ExportSummaries": []}))
        );
        let table = json!({"TableName": "unsupported_operations"});
        let answer = handle(
            "DescribeKinesisStreamingDestination",
            table.to_string().as_bytes(),
        );
        assert_eq!(
            answer.body,
            json!({"TableName": "unsupported_operations", "KinesisDataStreamDestinations": []})
        );
        let missing = json!({"TableName": "unsupported_missing"});
        let answer = handle(
            "DescribeKinesisStreamingDestination",
            missing.to_string().as_bytes(),
        );
        assert_eq!(
            answer.error_type.as_deref(),
            Some("ResourceNotFoundException")
        );
        let functions = count(
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'dynamo'::regnamespace AND proname ~ 'kinesis|global_table|bulk|vector'",
        );
        assert_eq!(functions, 0);
    }
}
