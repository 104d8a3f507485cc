//! Parameters that say what a reply shows, and the parts of a request as a SQL caller gives them.
use super::fields::string;
use crate::json::Json;
use crate::{ApiError, Result};
use std::borrow::Cow;

/// Parameters that the item operations share, as a SQL caller names them. None: not given.
/// They are checked exactly as those of a JSON request.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    pub condition_expression: Option<&'a str>,
    /// ExpressionAttributeNames as a JSON object.
    pub expression_attribute_names: Option<Json<'a>>,
    /// ExpressionAttributeValues as a JSON object of DynamoDB JSON values.
    pub expression_attribute_values: Option<Json<'a>>,
    pub return_values: Option<&'a str>,
    pub return_values_on_condition_check_failure: Option<&'a str>,
    pub return_consumed_capacity: Option<&'a str>,
    pub return_item_collection_metrics: Option<&'a str>,
}

impl<'a> Options<'a> {
    /// The request these options stand for. `typed` is the member (Item or Key) that was handed over
    /// already typed: it is there, and empty, so that the checker does not miss it.
    pub(super) fn into_request(
        self,
        table: &'a str,
        typed: &'static str,
        own: &[(&'static str, Option<Json<'a>>)],
    ) -> Json<'a> {
        let text = |t: Option<&'a str>| t.map(|t| Json::String(Cow::Borrowed(t)));
        let on_failure = text(self.return_values_on_condition_check_failure);
        let members = [
            ("TableName", text(Some(table))),
            (typed, Some(Json::Object(Vec::new()))),
            ("ConditionExpression", text(self.condition_expression)),
            ("ExpressionAttributeNames", self.expression_attribute_names),
            (
                "ExpressionAttributeValues",
                self.expression_attribute_values,
            ),
            ("ReturnValues", text(self.return_values)),
            ("ReturnValuesOnConditionCheckFailure", on_failure),
            (
                "ReturnConsumedCapacity",
                text(self.return_consumed_capacity),
            ),
            (
                "ReturnItemCollectionMetrics",
                text(self.return_item_collection_metrics),
            ),
        ];
        let given = members.into_iter().chain(own.iter().cloned());
        Json::Object(
            given
                .filter_map(|(name, value)| Some((Cow::Borrowed(name), value?)))
                .collect(),
        )
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnValues {
    #[default]
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnCapacity {
    #[default]
    None,
    Total,
    Indexes,
}

/// What a reply shows besides the item.
#[derive(Clone, Copy, Debug, Default)]
pub struct Show {
    pub values: ReturnValues,
    /// ReturnValuesOnConditionCheckFailure: ALL_OLD.
    pub old_on_failure: bool,
    pub capacity: ReturnCapacity,
    pub metrics: bool,
}

impl Show {
    /// From a request whose shape was checked.
    pub fn of(request: &Json<'_>) -> Show {
        let text = |name| string(request, name);
        Show {
            values: match text("ReturnValues") {
                Some("ALL_OLD") => ReturnValues::AllOld,
                Some("UPDATED_OLD") => ReturnValues::UpdatedOld,
                Some("ALL_NEW") => ReturnValues::AllNew,
                Some("UPDATED_NEW") => ReturnValues::UpdatedNew,
                _ => ReturnValues::None,
            },
            old_on_failure: text("ReturnValuesOnConditionCheckFailure") == Some("ALL_OLD"),
            capacity: capacity(request),
            metrics: text("ReturnItemCollectionMetrics") == Some("SIZE"),
        }
    }

    /// Of an action of a transaction, which may say only what a failed condition shows.
    pub fn of_action(action: &Json<'_>) -> Show {
        Show {
            old_on_failure: string(action, "ReturnValuesOnConditionCheckFailure")
                == Some("ALL_OLD"),
            ..Show::default()
        }
    }

    /// PutItem and DeleteItem know nothing but the old item.
    pub fn check_old_only(&self) -> Result<()> {
        match self.values {
            ReturnValues::None | ReturnValues::AllOld => Ok(()),
            _ => Err(ApiError::validation(
                "ReturnValues can only be ALL_OLD or NONE",
            )),
        }
    }
}

/// ReturnConsumedCapacity of a request whose shape was checked.
pub fn capacity(request: &Json<'_>) -> ReturnCapacity {
    match string(request, "ReturnConsumedCapacity") {
        Some("TOTAL") => ReturnCapacity::Total,
        Some("INDEXES") => ReturnCapacity::Indexes,
        _ => ReturnCapacity::None,
    }
}
