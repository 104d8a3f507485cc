//! When an item expires, and the delete of one that has.
//!
//! The attribute holds seconds since 1970 as a Number; an item without it, or with a value of another type, never
//! expires. An item has expired when its value is less than the present second, unless that is [`OLDEST`] ago: such a
//! value is taken for a mistake ("Time to Live (TTL) in DynamoDB").
use crate::Result;
use crate::apply::Write;
use crate::json::Json;
use crate::request::{DeleteItemRequest, Options};
use crate::table::{Account, TableDefinition};
use crate::value::{Attributes, Item, Number, ValueType};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

/// Five years, in seconds: items that expired longer ago are left alone.
pub const OLDEST: i64 = 5 * 365 * 24 * 60 * 60;

/// What the column of a row is derived by. Its JSON is an argument of the table's trigger: `{"time_to_live":"expires"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpirySchema {
    /// Name of the attribute.
    pub time_to_live: String,
}

impl ExpirySchema {
    /// The second in which `item` expires: fractions do not count. None: it does not expire, or the second is none that
    /// an i64 holds. Err: corrupt stored bytes.
    pub fn expiry_of(&self, item: Item<'_>) -> Result<Option<i64>> {
        let Some(value) = item.get(&self.time_to_live)? else {
            return Ok(None);
        };
        if value.value_type()? != ValueType::N {
            return Ok(None);
        }
        Ok(Number::from_key(value.payload())?.floor())
    }
}

/// The seconds whose items have expired at `now` and are to be deleted. (A value with a fraction lies between two
/// seconds, and before the second `now` exactly when its whole part does.)
pub fn expired_at(now: i64) -> Range<i64> {
    now.saturating_sub(OLDEST)..now
}

/// The delete of the item under `key`, refused when its time to live is not within `expired` any more, because it was
/// renewed. It shows nothing. `definition` is that of a table with time to live by `attribute`.
pub fn deletion(
    definition: &Rc<TableDefinition>,
    attribute: &str,
    key: Attributes,
    expired: &Range<i64>,
    account: &Account,
) -> Result<Write> {
    let text = |text: String| Json::String(Cow::Owned(text));
    let object = |members: Vec<(&'static str, Json<'static>)>| {
        let members = members.into_iter();
        Json::Object(
            members
                .map(|(name, value)| (Cow::Borrowed(name), value))
                .collect(),
        )
    };
    let number = |n: i64| object(vec![("N", text(n.to_string()))]);
    let options = Options {
        condition_expression: Some("#t >= :first AND #t < :end"),
        expression_attribute_names: Some(object(vec![("#t", text(attribute.to_owned()))])),
        expression_attribute_values: Some(object(vec![
            (":first", number(expired.start)),
            (":end", number(expired.end)),
        ])),
        ..Options::default()
    };
    DeleteItemRequest::from_parts(&definition.name, key, options, account)?.bind(definition)
}
