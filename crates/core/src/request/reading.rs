//! What Query and Scan share: what is read, and what is shown of it.
use super::expressions::Compiled;
use super::options::{self, ReturnCapacity};
use super::shape::member;
use super::start_key::{StartKey, key_names};
use super::{fields, key};
use crate::expression::{Condition, Projection};
use crate::json::Json;
use crate::range::KeyRange;
use crate::read::{FilterRead, IndexRead, PageRead, ReadKind, Shown};
use crate::table::{IndexRef, IndexState, Projection as Projected, TableDefinition, TableRef};
use crate::{ApiError, Result};
use std::collections::BTreeSet;

/// What the server allows beyond DynamoDB.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// ConsistentRead on a global index, which here always sees the last commit.
    pub allow_consistent_gsi: bool,
}

/// The value of Select. None: everything the table or the index has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    AllAttributes,
    AllProjected,
    Specific,
    Count,
}

/// A Query or Scan as far as the two are the same.
#[derive(Clone, Debug)]
pub struct Reading {
    pub table: TableRef,
    index: Option<String>,
    filter: Option<Condition>,
    /// The filter came as QueryFilter or ScanFilter.
    legacy_filter: bool,
    projection: Option<Projection>,
    select: Option<Select>,
    pub start: Option<StartKey>,
    limit: Option<u64>,
    consistent: bool,
    capacity: ReturnCapacity,
}

impl Select {
    /// `fault_prefix`: what stands before the texts of contradictions; Query and Scan differ.
    pub fn parse(request: &Json<'_>, fault_prefix: &str) -> Result<Option<Select>> {
        let fault = |text: String| Err(ApiError::validation(format!("{fault_prefix}{text}")));
        let Some(name) = fields::string(request, "Select") else {
            return Ok(None);
        };
        let given = ["ProjectionExpression", "AttributesToGet"]
            .into_iter()
            .find(|parameter| member(request, parameter).is_some());
        let select = match name {
            "SPECIFIC_ATTRIBUTES" => Select::Specific,
            "COUNT" => Select::Count,
            "ALL_ATTRIBUTES" => Select::AllAttributes,
            _ => Select::AllProjected,
        };
        match (select, given) {
            (Select::Specific, None) => fault(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                    .to_owned(),
            ),
            (Select::AllProjected, None) if member(request, "IndexName").is_none() => fault(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
                    .to_owned(),
            ),
            (Select::Specific, Some(_)) | (_, None) => Ok(Some(select)),
            (_, Some(parameter)) => {
                let what = match select {
                    Select::Count => "only the Count",
                    _ => name,
                };
                fault(format!("Cannot specify the {parameter} when choosing to get {what}"))
            }
        }
    }
}

impl Reading {
    /// From a request whose parameters were read in the operation's own order.
    pub fn new(
        request: &Json<'_>,
        table: TableRef,
        select: Option<Select>,
        names: Option<Projection>,
        legacy_filter: Option<Condition>,
        start: Option<StartKey>,
        compiled: Compiled,
    ) -> Reading {
        Reading {
            table,
            index: fields::string(request, "IndexName").map(str::to_owned),
            legacy_filter: legacy_filter.is_some(),
            filter: compiled.filter.or(legacy_filter),
            projection: compiled.projection.or(names),
            select,
            start,
            limit: fields::number(request, "Limit").and_then(|n| u64::try_from(n).ok()),
            consistent: fields::boolean(request, "ConsistentRead").unwrap_or(false),
            capacity: options::capacity(request),
        }
    }

    /// Of a SELECT, whose index and position are looked after elsewhere.
    pub(crate) fn of_statement(
        table: TableRef,
        filter: Option<Condition>,
        projection: Option<Projection>,
        consistent: bool,
        capacity: ReturnCapacity,
    ) -> Reading {
        Reading {
            table,
            index: None,
            filter,
            legacy_filter: false,
            projection,
            select: None,
            start: None,
            limit: None,
            consistent,
            capacity,
        }
    }

    /// The index that is read. Err: there is none of that name, it cannot be read yet, or not consistently.
    pub fn index<'t>(
        &self,
        table: &'t TableDefinition,
        options: ReadOptions,
    ) -> Result<Option<IndexRef<'t>>> {
        let Some(name) = &self.index else {
            return Ok(None);
        };
        let index = table
            .index(name)
            .filter(|index| index.state() != IndexState::Deleting);
        let Some(index) = index else {
            return Err(ApiError::validation(format!(
                "The table does not have the specified index: {name}"
            )));
        };
        if index.is_global() && self.consistent && !options.allow_consistent_gsi {
            return Err(ApiError::validation(
                "Consistent reads are not supported on global secondary indexes",
            ));
        }
        if index.state() != IndexState::Active {
            return Err(ApiError::validation(format!(
                "Cannot read from backfilling global secondary index: {name}"
            )));
        }
        Ok(Some(index))
    }

    /// A projection does not look into keys.
    pub fn check_projection(&self, table: &TableDefinition) -> Result<()> {
        match &self.projection {
            Some(projection) => key::check_paths(&projection.nested_attributes(), table),
            None => Ok(()),
        }
    }

    /// A filter does not look into keys.
    pub fn check_filter(&self, table: &TableDefinition) -> Result<()> {
        match &self.filter {
            Some(filter) => key::check_paths(&filter.nested_attributes(), table),
            None => Ok(()),
        }
    }

    /// A Query's filter has nothing to say about the keys that are queried.
    pub fn check_filter_leaves_keys<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k str>,
    ) -> Result<()> {
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        let read = filter.attributes();
        let parameter = match self.legacy_filter {
            true => "QueryFilter",
            false => "Filter Expression",
        };
        match keys.find(|key| read.contains(key)) {
            None => Ok(()),
            Some(key) => Err(ApiError::validation(format!(
                "{parameter} can only contain non-primary key attributes: Primary key attribute: {key}"
            ))),
        }
    }

    /// A global index has nothing but what it projects.
    pub fn check_select(&self, table: &TableDefinition, index: Option<IndexRef<'_>>) -> Result<()> {
        let Some(index) = index.filter(IndexRef::is_global) else {
            return Ok(());
        };
        let name = index.name();
        if self.select == Some(Select::AllAttributes) && *index.projection() != Projected::All {
            return Err(invalid(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} \
                 because its projection type is not ALL"
            )));
        }
        let missing = self.missing(table, index);
        if missing.is_empty() {
            return Ok(());
        }
        Err(invalid(format!(
            "Global secondary index {name} does not project [{}]",
            missing.join(", ")
        )))
    }

    /// A Query's filter reads what the query reads: attributes that the index lacks are refused.
    pub fn check_filter_is_projected(
        &self,
        table: &TableDefinition,
        index: Option<IndexRef<'_>>,
    ) -> Result<()> {
        let (Some(index), Some(filter)) = (index, &self.filter) else {
            return Ok(());
        };
        let missing = lacking(filter.attributes(), table, index);
        if missing.is_empty() || self.fetches(table, index) {
            return Ok(());
        }
        Err(invalid(format!(
            "Secondary index {} does not project one or more filter attributes: [{}]",
            index.name(),
            missing.join(", ")
        )))
    }

    /// Attributes of the projection that the index does not hold.
    fn missing(&self, table: &TableDefinition, index: IndexRef<'_>) -> Vec<String> {
        match &self.projection {
            Some(projection) => lacking(projection.attributes(), table, index),
            None => Vec::new(),
        }
    }

    /// Whether a local index is asked for more than it holds.
    fn fetches(&self, table: &TableDefinition, index: IndexRef<'_>) -> bool {
        !index.is_global()
            && *index.projection() != Projected::All
            && (self.select == Some(Select::AllAttributes)
                || !self.missing(table, index).is_empty())
    }

    /// Puts the read together; the rules above were checked.
    pub fn into_read(
        self,
        kind: ReadKind,
        table: &TableDefinition,
        index: Option<IndexRef<'_>>,
        range: KeyRange,
    ) -> Result<PageRead> {
        let fetches = index.is_some_and(|index| self.fetches(table, index));
        let entry: Option<Vec<String>> = index
            .and_then(|index| index.projected(table))
            .map(|names| names.into_iter().map(str::to_owned).collect());
        let shown = match (self.select, self.projection, &entry) {
            (Some(Select::Count), ..) => Shown::Count,
            (_, Some(projection), _) => Shown::Parts(projection),
            (_, None, Some(names)) if !fetches => {
                Shown::Parts(Projection::from_attribute_names(names))
            }
            _ => Shown::Whole,
        };
        let hidden = entry.as_ref().filter(|_| !fetches);
        let filter = self
            .filter
            .map(|condition| FilterRead::new(condition, hidden));
        Ok(PageRead {
            keys: key_names(table, index),
            index: index.map(|index| IndexRead {
                name: index.name().to_owned(),
                local: !index.is_global(),
                entry,
                fetches,
            }),
            table: self.table,
            kind,
            range,
            filter,
            shown,
            start: self.start.map(StartKey::into_attributes),
            limit: self.limit,
            consistent: self.consistent,
            capacity: self.capacity,
        })
    }
}

fn lacking(names: BTreeSet<&str>, table: &TableDefinition, index: IndexRef<'_>) -> Vec<String> {
    let lacks = |name: &&str| !index.projects(table, name);
    names.into_iter().filter(lacks).map(str::to_owned).collect()
}

fn invalid(what: String) -> ApiError {
    ApiError::validation(format!("One or more parameter values were invalid: {what}"))
}
