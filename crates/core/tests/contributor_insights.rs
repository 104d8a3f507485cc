//! Contributor Insights without a database: states, rules, pages.
mod fixtures;
use fixtures::*;
use pg_dynamo_core::ErrorKind;
use pg_dynamo_core::request::*;
use pg_dynamo_core::table::TableDefinition;

fn books() -> TableDefinition {
    let indexes = format!(
        r#","GlobalSecondaryIndexes":[{}]"#,
        index("ByAuthor", "author:HASH", ALL)
    );
    let local = format!(
        r#","LocalSecondaryIndexes":[{}]"#,
        index("ByYear", "pk:HASH year:RANGE", ALL)
    );
    table(&creation(
        &["pk", "sk", "author", "year"],
        "pk:HASH sk:RANGE",
        &format!("{indexes}{local}"),
    ))
}

fn update(table: &TableDefinition, more: &str) -> (TableDefinition, String) {
    let request = format!(r#"{{"TableName":"abc",{more}}}"#);
    let request = UpdateContributorInsightsRequest::parse(&json(&request), &account()).unwrap();
    let (new, reply) = request.apply(table, NOW).unwrap();
    (new.unwrap_or_else(|| table.clone()), reply)
}

fn describe(table: &TableDefinition, more: &str) -> String {
    let request = format!(r#"{{"TableName":"abc"{more}}}"#);
    let request = DescribeContributorInsightsRequest::parse(&json(&request), &account()).unwrap();
    request.reply(table).unwrap()
}

const ENABLE: &str = r#""ContributorInsightsAction":"ENABLE""#;
const DISABLE: &str = r#""ContributorInsightsAction":"DISABLE""#;
const OF_INDEX: &str = r#""IndexName":"ByAuthor","#;

#[test]
fn insights_are_enabled_narrowed_and_disabled() {
    let fresh = books();
    assert_eq!(
        describe(&fresh, ""),
        r#"{"TableName":"abc","ContributorInsightsStatus":"DISABLED"}"#
    );
    let (enabled, reply) = update(&fresh, ENABLE);
    assert_eq!(
        reply,
        r#"{"TableName":"abc","ContributorInsightsStatus":"ENABLING","ContributorInsightsMode":"ACCESSED_AND_THROTTLED_KEYS"}"#
    );
    assert_eq!(
        describe(&enabled, ""),
        r#"{"TableName":"abc","ContributorInsightsStatus":"ENABLED","ContributorInsightsMode":"ACCESSED_AND_THROTTLED_KEYS","ContributorInsightsRuleList":["DynamoDBContributorInsights-PKC-abc-1700000000123","DynamoDBContributorInsights-PKT-abc-1700000000123","DynamoDBContributorInsights-SKC-abc-1700000000123","DynamoDBContributorInsights-SKT-abc-1700000000123"],"LastUpdateDateTime":1700000000.123}"#
    );
    // Again is no change.
    let (same, reply) = update(&enabled, ENABLE);
    assert_eq!(same, enabled);
    assert!(reply.contains(r#""ContributorInsightsStatus":"ENABLED""#));
    let narrow = format!(r#"{ENABLE},"ContributorInsightsMode":"THROTTLED_KEYS""#);
    let (narrowed, _) = update(&enabled, &narrow);
    let described = describe(&narrowed, "");
    assert!(
        described.contains("-PKT-abc-") && !described.contains("-PKC-abc-"),
        "{described}"
    );
    let (disabled, reply) = update(&narrowed, DISABLE);
    assert!(reply.contains(r#""ContributorInsightsStatus":"DISABLING""#));
    assert_eq!(
        describe(&disabled, ""),
        r#"{"TableName":"abc","ContributorInsightsStatus":"DISABLED","ContributorInsightsMode":"THROTTLED_KEYS","LastUpdateDateTime":1700000000.123}"#
    );
}

#[test]
fn a_global_index_has_insights_of_its_own() {
    let (enabled, reply) = update(&books(), &format!("{OF_INDEX}{ENABLE}"));
    assert!(reply.contains(r#""IndexName":"ByAuthor""#), "{reply}");
    let described = describe(&enabled, r#","IndexName":"ByAuthor""#);
    assert!(
        described.contains(r#"["DynamoDBContributorInsights-PKC-abc-ByAuthor-1700000000123","DynamoDBContributorInsights-PKT-abc-ByAuthor-1700000000123"]"#),
        "{described}"
    );
    assert!(describe(&enabled, "").contains("DISABLED"));
    // An index takes its insights with it.
    assert!(
        enabled
            .without_index("ByAuthor")
            .unwrap()
            .insights
            .is_empty()
    );
    for name in ["ByYear", "Nothing"] {
        let request = format!(r#"{{"TableName":"abc","IndexName":"{name}"}}"#);
        let request =
            DescribeContributorInsightsRequest::parse(&json(&request), &account()).unwrap();
        let error = request.reply(&enabled).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ResourceNotFound);
        assert_eq!(
            error.message,
            format!("Requested resource not found: Index: {name} not found for table: abc")
        );
    }
}

#[test]
fn what_is_enabled_is_listed_in_pages() {
    let (table, _) = update(&books(), ENABLE);
    let (table, _) = update(&table, &format!("{OF_INDEX}{ENABLE}"));
    let list = |members: &str| {
        let request = format!("{{{members}}}");
        let request = ListContributorInsightsRequest::parse(&json(&request), &account()).unwrap();
        request.reply([&books(), &table].into_iter())
    };
    let of_table = r#"{"TableName":"abc","ContributorInsightsStatus":"ENABLED","ContributorInsightsMode":"ACCESSED_AND_THROTTLED_KEYS"}"#;
    let of_index = r#"{"TableName":"abc","IndexName":"ByAuthor","ContributorInsightsStatus":"ENABLED","ContributorInsightsMode":"ACCESSED_AND_THROTTLED_KEYS"}"#;
    assert_eq!(
        list(""),
        format!(r#"{{"ContributorInsightsSummaries":[{of_table},{of_index}]}}"#)
    );
    let first = list(r#""MaxResults":1"#);
    assert_eq!(
        first,
        format!(r#"{{"ContributorInsightsSummaries":[{of_table}],"NextToken":"abc/"}}"#)
    );
    assert_eq!(
        list(r#""MaxResults":1,"NextToken":"abc/""#),
        format!(r#"{{"ContributorInsightsSummaries":[{of_index}]}}"#)
    );
    for request in [
        r#"{"NextToken":"x"}"#,
        r#"{"MaxResults":-1}"#,
        r#"{"MaxResults":101}"#,
    ] {
        let error = ListContributorInsightsRequest::parse(&json(request), &account()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation, "{request}");
    }
}
