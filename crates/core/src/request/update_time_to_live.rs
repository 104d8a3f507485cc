//! UpdateTimeToLive: which attribute of a table says when an item expires, or that none does.
use super::fields::{boolean, string};
use super::shape::{self, member};
use super::table_shapes;
use crate::json::{Json, write_string};
use crate::table::{Account, IndexState, TableDefinition, TableRef, TimeToLive};
use crate::{ApiError, Result};

#[derive(Debug)]
pub struct UpdateTimeToLiveRequest {
    table: TableRef,
    enabled: bool,
    attribute: String,
}

impl UpdateTimeToLiveRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&table_shapes::UPDATE_TIME_TO_LIVE, request)?;
        let table = TableRef::of_request(request, account)?;
        let specification = member(request, "TimeToLiveSpecification").unwrap_or(&Json::Null);
        Ok(UpdateTimeToLiveRequest {
            table,
            enabled: boolean(specification, "Enabled").unwrap_or_default(),
            attribute: string(specification, "AttributeName")
                .unwrap_or_default()
                .to_owned(),
        })
    }

    pub fn table(&self) -> &TableRef {
        &self.table
    }

    /// The definition after the update: Creating or Deleting, which storage finishes. `now_millis`: epoch milliseconds.
    ///
    /// The service accepts one change in half an hour; here the next one may come as soon as the last is finished.
    ///
    /// Err: ResourceInUseException while the table is being restored, ValidationException for what changes nothing, for another attribute than the table's, and, with the
    /// service's text for two changes in a short time, while the last change is not finished.
    pub fn apply(&self, table: &TableDefinition, now_millis: i64) -> Result<TableDefinition> {
        table.check_created()?;
        let refuse = |message: &str| Err(ApiError::validation(message));
        let state = match (&table.time_to_live, self.enabled) {
            (None, true) => IndexState::Creating,
            (None, false) => return refuse("TimeToLive is already disabled"),
            (Some(ttl), _)
                if ttl.attribute != self.attribute && ttl.state != IndexState::Deleting =>
            {
                return refuse(&format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                    ttl.attribute
                ));
            }
            (Some(ttl), enabled) => match (ttl.state, enabled) {
                (IndexState::Active, false) => IndexState::Deleting,
                (IndexState::Deleting, false) => return refuse("TimeToLive is already disabled"),
                (IndexState::Deleting, true) | (_, false) => {
                    return refuse(
                        "Time to live has been modified multiple times within a fixed interval",
                    );
                }
                (_, true) => return refuse("TimeToLive is already enabled"),
            },
        };
        Ok(TableDefinition {
            time_to_live: Some(TimeToLive {
                attribute: self.attribute.clone(),
                state,
                changed_at: now_millis,
            }),
            ..table.clone()
        })
    }

    /// `{"TimeToLiveSpecification":{…}}`: what was asked for.
    pub fn reply(&self) -> String {
        let enabled = self.enabled;
        let mut reply =
            format!("{{\"TimeToLiveSpecification\":{{\"Enabled\":{enabled},\"AttributeName\":");
        write_string(&mut reply, &self.attribute);
        reply.push_str("}}");
        reply
    }
}
