//! UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights.
use super::fields::{number, string};
use super::shape::{
    self, Member, Shape, Structure, TEXT, TableNameRule, name, one_of, optional, required,
};
use crate::insights::{Insights, Mode};
use crate::json::{Json, write_string};
use crate::table::{Account, IndexState, TableDefinition, TableRef};
use crate::{ApiError, Result};

const TABLE_NAME: Member = required("TableName", &Shape::TableName(TableNameRule::Table));
const INDEX_NAME: Member = optional("IndexName", &name(3, 255));

const UPDATE: Structure = Structure {
    class: "UpdateContributorInsightsInput",
    members: &[
        TABLE_NAME,
        INDEX_NAME,
        required("ContributorInsightsAction", &one_of(&["ENABLE", "DISABLE"])),
        optional(
            "ContributorInsightsMode",
            &one_of(&["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"]),
        ),
    ],
};
const DESCRIBE: Structure = Structure {
    class: "DescribeContributorInsightsInput",
    members: &[TABLE_NAME, INDEX_NAME],
};
const LIST: Structure = Structure {
    class: "ListContributorInsightsInput",
    members: &[
        optional("TableName", &Shape::TableName(TableNameRule::Item)),
        optional("NextToken", &TEXT),
        optional("MaxResults", &Shape::Number("Integer", i64::MIN, 100)),
    ],
};

/// A table, or one of its global indexes.
#[derive(Debug)]
pub struct Watched {
    pub table: TableRef,
    index: Option<String>,
}

impl Watched {
    fn of_request(request: &Json<'_>, account: &Account) -> Result<Watched> {
        Ok(Watched {
            table: TableRef::of_request(request, account)?,
            index: string(request, "IndexName").map(str::to_owned),
        })
    }

    fn key(&self) -> &str {
        self.index.as_deref().unwrap_or_default()
    }

    /// Err: ResourceNotFoundException for an index that is none, is a local one or has no columns yet.
    fn check(&self, table: &TableDefinition) -> Result<()> {
        let Some(index) = &self.index else {
            return Ok(());
        };
        let mut indexes = table.global_indexes.iter();
        if indexes.any(|i| i.name == *index && i.state != IndexState::Creating) {
            return Ok(());
        }
        Err(ApiError::resource_not_found(format!(
            "Requested resource not found: Index: {index} not found for table: {}",
            table.name
        )))
    }
}

/// Members that the replies begin with: names and status.
fn summary(table: &str, index: &str, status: &str, mode: Option<Mode>) -> String {
    let mut out = String::from("{\"TableName\":");
    write_string(&mut out, table);
    if !index.is_empty() {
        out.push_str(",\"IndexName\":");
        write_string(&mut out, index);
    }
    out.push_str(&format!(",\"ContributorInsightsStatus\":\"{status}\""));
    if let Some(mode) = mode {
        out.push_str(&format!(",\"ContributorInsightsMode\":\"{}\"", mode.name()));
    }
    out
}

#[derive(Debug)]
pub struct UpdateContributorInsightsRequest {
    pub watched: Watched,
    enable: bool,
    mode: Option<Mode>,
}

impl UpdateContributorInsightsRequest {
    /// Err: SerializationException or ValidationException.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&UPDATE, request)?;
        Ok(UpdateContributorInsightsRequest {
            watched: Watched::of_request(request, account)?,
            enable: string(request, "ContributorInsightsAction") == Some("ENABLE"),
            mode: string(request, "ContributorInsightsMode").and_then(Mode::from_name),
        })
    }

    /// The definition after it, None when nothing changes, and the reply. A mode that is not given is the default
    /// one. Err: ResourceNotFoundException.
    pub fn apply(
        &self,
        table: &TableDefinition,
        now_millis: i64,
    ) -> Result<(Option<TableDefinition>, String)> {
        self.watched.check(table)?;
        let old = table.insights.get(self.watched.key());
        let mode = self.mode.unwrap_or_default();
        let enabled = old.filter(|old| old.enabled);
        let reply = |status, mode| {
            let mut out = summary(&table.name, self.watched.key(), status, mode);
            out.push('}');
            out
        };
        let changed = match (enabled, self.enable) {
            (None, false) => return Ok((None, reply("DISABLED", old.map(|old| old.mode)))),
            (Some(old), true) if old.mode == mode => {
                return Ok((None, reply("ENABLED", Some(mode))));
            }
            (Some(old), true) => Insights {
                mode,
                changed_at: now_millis,
                ..*old
            },
            (Some(old), false) => Insights {
                enabled: false,
                changed_at: now_millis,
                ..*old
            },
            (None, true) => Insights {
                enabled: true,
                mode,
                changed_at: now_millis,
                enabled_at: now_millis,
            },
        };
        let mut new = table.clone();
        new.insights.insert(self.watched.key().to_owned(), changed);
        let status = if self.enable { "ENABLING" } else { "DISABLING" };
        Ok((Some(new), reply(status, Some(changed.mode))))
    }
}

#[derive(Debug)]
pub struct DescribeContributorInsightsRequest {
    pub watched: Watched,
}

impl DescribeContributorInsightsRequest {
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&DESCRIBE, request)?;
        let watched = Watched::of_request(request, account)?;
        Ok(DescribeContributorInsightsRequest { watched })
    }

    /// Err: ResourceNotFoundException.
    pub fn reply(&self, table: &TableDefinition) -> Result<String> {
        self.watched.check(table)?;
        let index = self.watched.key();
        let Some(insights) = table.insights.get(index) else {
            let mut out = summary(&table.name, index, "DISABLED", None);
            out.push('}');
            return Ok(out);
        };
        let mut out = summary(&table.name, index, status(insights), Some(insights.mode));
        if insights.enabled {
            out.push_str(",\"ContributorInsightsRuleList\":[");
            for (i, rule) in rules(table, index, insights).iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(&mut out, rule);
            }
            out.push(']');
        }
        let (seconds, millis) = (
            insights.changed_at.div_euclid(1000),
            insights.changed_at.rem_euclid(1000),
        );
        out.push_str(&format!(",\"LastUpdateDateTime\":{seconds}.{millis:03}}}"));
        Ok(out)
    }
}

fn status(insights: &Insights) -> &'static str {
    if insights.enabled {
        "ENABLED"
    } else {
        "DISABLED"
    }
}

/// The names of the rules that the service makes: most accessed and most throttled partition keys, and, where there
/// is a sort key, items.
fn rules(table: &TableDefinition, index: &str, insights: &Insights) -> Vec<String> {
    let sorted = match table.index(index) {
        Some(index) => !index.sort().is_empty(),
        None => table.key_schema.sort.is_some(),
    };
    let mut kinds = vec![];
    for (key, there) in [("PK", true), ("SK", sorted)] {
        if there && insights.mode == Mode::AccessedAndThrottledKeys {
            kinds.push(format!("{key}C"));
        }
        if there {
            kinds.push(format!("{key}T"));
        }
    }
    let mut resource = table.name.clone();
    if !index.is_empty() {
        resource.push('-');
        resource.push_str(index);
    }
    let name = |kind| {
        format!(
            "DynamoDBContributorInsights-{kind}-{resource}-{}",
            insights.enabled_at
        )
    };
    kinds.iter().map(name).collect()
}

#[derive(Debug)]
pub struct ListContributorInsightsRequest {
    /// None: all tables.
    pub table: Option<TableRef>,
    /// Where the page begins: after this table and index.
    after: Option<(String, String)>,
    limit: usize,
}

const MOST: usize = 100;

impl ListContributorInsightsRequest {
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&LIST, request)?;
        let table = string(request, "TableName")
            .map(|name| TableRef::parse(name, account))
            .transpose()?;
        let limit = match number(request, "MaxResults") {
            None | Some(0) => MOST,
            Some(given) => usize::try_from(given).map_err(|_| {
                ApiError::validation(format!(
                    "1 validation error detected: Value '{given}' at 'maxResults' failed to satisfy constraint: \
                     Member must have value greater than or equal to 0"
                ))
            })?,
        };
        let after = string(request, "NextToken").map(|token| {
            let place = token.split_once('/');
            place.map(|(table, index)| (table.to_owned(), index.to_owned()))
        });
        let after = match after {
            Some(None) => return Err(ApiError::validation("Invalid NextToken")),
            place => place.flatten(),
        };
        Ok(ListContributorInsightsRequest {
            table,
            after,
            limit,
        })
    }

    /// The name of the table that the page begins with, at the earliest.
    pub fn first_table(&self) -> Option<&str> {
        self.after.as_ref().map(|(table, _)| table.as_str())
    }

    /// `tables`: in the order of their names. Those and their indexes that have insights enabled, the table first.
    pub fn reply<'t>(&self, tables: impl Iterator<Item = &'t TableDefinition>) -> String {
        let enabled = tables.flat_map(|table| {
            let there = |index: &str| index.is_empty() || table.index(index).is_some();
            let known = table.insights.iter();
            let known = known.filter(move |(index, insights)| insights.enabled && there(index));
            known.map(|(index, insights)| (table.name.as_str(), index.as_str(), insights.mode))
        });
        let is_after = |(table, index, _): &(&str, &str, Mode)| match &self.after {
            Some((t, i)) => (*table, *index) > (t.as_str(), i.as_str()),
            None => true,
        };
        let found: Vec<_> = enabled.filter(is_after).take(self.limit + 1).collect();
        let page = found.get(..self.limit).unwrap_or(&found);
        let mut out = String::from("{\"ContributorInsightsSummaries\":[");
        for (i, (table, index, mode)) in page.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(&summary(table, index, "ENABLED", Some(*mode)));
            out.push('}');
        }
        out.push(']');
        if let (Some((table, index, _)), true) = (page.last(), found.len() > page.len()) {
            out.push_str(",\"NextToken\":");
            write_string(&mut out, &format!("{table}/{index}"));
        }
        out.push('}');
        out
    }
}
