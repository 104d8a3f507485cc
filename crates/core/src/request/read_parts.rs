//! A Query or Scan as a SQL caller gives it.
use crate::Result;
use crate::json::Json;
use crate::value::{Item, json::write_item};
use std::borrow::Cow;

/// Parameters of Query and Scan, as a SQL caller names them. None: not given. They are checked exactly as those of
/// a JSON request.
#[derive(Clone, Debug, Default)]
pub struct ReadParts<'a> {
    pub table_name: &'a str,
    pub index_name: Option<&'a str>,
    /// Query's alone.
    pub key_condition_expression: Option<&'a str>,
    pub filter_expression: Option<&'a str>,
    pub projection_expression: Option<&'a str>,
    /// ExpressionAttributeNames as a JSON object.
    pub expression_attribute_names: Option<Json<'a>>,
    /// ExpressionAttributeValues: attributes named `:x`.
    pub expression_attribute_values: Option<Item<'a>>,
    pub exclusive_start_key: Option<Item<'a>>,
    /// Query's alone.
    pub scan_index_forward: Option<bool>,
    pub consistent_read: Option<bool>,
    pub limit: Option<i64>,
    /// Scan's alone.
    pub segment: Option<i64>,
    /// Scan's alone.
    pub total_segments: Option<i64>,
}

impl ReadParts<'_> {
    /// Hands over the request these parts stand for.
    pub(super) fn with_request<R>(self, read: impl FnOnce(&Json<'_>) -> Result<R>) -> Result<R> {
        let values = self
            .expression_attribute_values
            .map(item_text)
            .transpose()?;
        let start = self.exclusive_start_key.map(item_text).transpose()?;
        let text = |t: Option<&str>| t.map(|t| Json::String(Cow::Owned(t.to_owned())));
        let number = |n: Option<i64>| n.map(|n| Json::Number(Cow::Owned(n.to_string())));
        let members = [
            ("TableName", text(Some(self.table_name))),
            ("IndexName", text(self.index_name)),
            (
                "KeyConditionExpression",
                text(self.key_condition_expression),
            ),
            ("FilterExpression", text(self.filter_expression)),
            ("ProjectionExpression", text(self.projection_expression)),
            ("ExpressionAttributeNames", self.expression_attribute_names),
            ("ExpressionAttributeValues", parsed(values.as_deref())?),
            ("ExclusiveStartKey", parsed(start.as_deref())?),
            ("ScanIndexForward", self.scan_index_forward.map(Json::Bool)),
            ("ConsistentRead", self.consistent_read.map(Json::Bool)),
            ("Limit", number(self.limit)),
            ("Segment", number(self.segment)),
            ("TotalSegments", number(self.total_segments)),
        ];
        read(&Json::Object(
            members
                .into_iter()
                .filter_map(|(name, value)| Some((Cow::Borrowed(name), value?)))
                .collect(),
        ))
    }
}

fn item_text(item: Item<'_>) -> Result<String> {
    let mut text = String::new();
    write_item(&mut text, item)?;
    Ok(text)
}

fn parsed(text: Option<&str>) -> Result<Option<Json<'_>>> {
    text.map(Json::parse).transpose()
}
