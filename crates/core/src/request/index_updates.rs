//! GlobalSecondaryIndexUpdates of UpdateTable: what they say, and what they do to a definition.
use super::fields::{list, string};
use super::index_lists::{check_projected, projection};
use super::key_schema::{self, GlobalKey, invalid};
use super::shape::member;
use super::units::{self, Owner};
use crate::json::Json;
use crate::table::{
    BillingMode, GlobalIndex, IndexRef, IndexState, KeyAttribute, Projection, TableDefinition,
    Throughput, Units,
};
use crate::{ApiError, Result, limits};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct IndexUpdate {
    name: String,
    action: Action,
    throughput: Option<Throughput>,
    on_demand: Option<Units>,
    warm: Option<Units>,
}

#[derive(Debug)]
enum Action {
    /// What is wrong with keys and projection is told after what is wrong with the name.
    Create(Result<(GlobalKey, Projection)>),
    Update,
    Delete,
}

impl IndexUpdate {
    /// Creates or deletes an index.
    pub fn is_online(&self) -> bool {
        !matches!(self.action, Action::Update)
    }

    pub fn is_creation(&self) -> bool {
        matches!(self.action, Action::Create(_))
    }
}

/// The updates of a request; empty when there are none. `definitions`: AttributeDefinitions, where given.
pub fn parse(request: &Json<'_>, definitions: Option<&[KeyAttribute]>) -> Result<Vec<IndexUpdate>> {
    let given = list(request, "GlobalSecondaryIndexUpdates");
    if given.is_empty() && member(request, "GlobalSecondaryIndexUpdates").is_some() {
        return invalid("List of GlobalSecondaryIndexUpdates is empty");
    }
    let mut names = BTreeSet::new();
    let mut updates = Vec::new();
    for update in given {
        let update = index_update(update, definitions)?;
        if !names.insert(update.name.clone()) {
            return invalid(format_args!(
                "Only one global secondary index update per index is allowed simultaneously. \
                 Index: {}",
                update.name
            ));
        }
        updates.push(update);
    }
    Ok(updates)
}

fn index_update(update: &Json<'_>, definitions: Option<&[KeyAttribute]>) -> Result<IndexUpdate> {
    let actions = ["Update", "Create", "Delete"];
    let mut given = actions
        .iter()
        .filter_map(|name| Some((*name, member(update, name)?)));
    let Some((kind, index)) = given.next() else {
        return invalid(
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
             GlobalSecondaryIndexUpdate.Delete must not be null",
        );
    };
    if given.next().is_some() {
        return invalid(
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        );
    }
    let name = string(index, "IndexName").unwrap_or_default().to_owned();
    let warm = units::warm(index, Owner::Index(&name))?;
    Ok(IndexUpdate {
        action: match kind {
            "Create" => Action::Create(new_index(index, &name, definitions)),
            "Update" => Action::Update,
            _ => Action::Delete,
        },
        throughput: units::provisioned(index),
        on_demand: units::on_demand_units(index),
        warm,
        name,
    })
}

/// The request itself must define all key attributes, also those that the table knows.
fn new_index(
    index: &Json<'_>,
    name: &str,
    definitions: Option<&[KeyAttribute]>,
) -> Result<(GlobalKey, Projection)> {
    let Some(definitions) = definitions.filter(|d| !d.is_empty()) else {
        return invalid(format_args!(
            "AttributeDefinitions is not specified for index: {name}"
        ));
    };
    key_schema::check_count(index, definitions)?;
    let key = key_schema::global_key(index, definitions)?;
    Ok((key, projection(index)?))
}

/// Changes the indexes of `new`, which has its new billing mode already. `old`: the definition before the whole
/// update. `now`: epoch milliseconds.
///
/// Err: ValidationException, ResourceNotFoundException, ResourceInUseException for an index that is not ready for
/// it, LimitExceededException for one index, or one decrease, too many.
pub fn apply(
    updates: &[IndexUpdate],
    old: &TableDefinition,
    new: &mut TableDefinition,
    now: i64,
) -> Result<()> {
    check_specified(updates, old, new)?;
    for update in updates {
        let name = update.name.as_str();
        match &update.action {
            Action::Create(Ok((key, projection))) => {
                let index = update.created(key, projection, new)?;
                for attribute in key.attributes() {
                    if !new.attribute_definitions.contains(attribute) {
                        new.attribute_definitions.push(attribute.clone());
                    }
                }
                new.global_indexes.push(index);
                check_projected(&new.local_indexes, &new.global_indexes)?;
            }
            Action::Create(Err(error)) => return Err(error.clone()),
            Action::Update => {
                let switched = new.billing_mode != old.billing_mode;
                let index = update.updated(find(new, name)?, new, switched, now)?;
                *find_mut(new, name)? = index;
            }
            Action::Delete => find_mut(new, name)?.state = IndexState::Deleting,
        }
    }
    Ok(())
}

fn find<'t>(table: &'t TableDefinition, name: &str) -> Result<&'t GlobalIndex> {
    let index = table.global_indexes.iter().find(|i| i.name == name);
    index.ok_or_else(|| not_found(name, &table.name))
}

fn find_mut<'t>(table: &'t mut TableDefinition, name: &str) -> Result<&'t mut GlobalIndex> {
    let missing = not_found(name, &table.name);
    let index = table.global_indexes.iter_mut().find(|i| i.name == name);
    index.ok_or(missing)
}

fn not_found(index: &str, table: &str) -> ApiError {
    ApiError::resource_not_found(format!(
        "Requested resource not found: Index {index} for table {table}"
    ))
}

pub(super) fn in_use(what: impl std::fmt::Display) -> ApiError {
    ApiError::resource_in_use(format!(
        "Attempt to change a resource which is still in use: {what}"
    ))
}

/// What can be said before anything else of an update is looked at: the states of the indexes it names.
pub fn check_states(updates: &[IndexUpdate], table: &TableDefinition) -> Result<()> {
    let too_much = |t: &Throughput| t.read.max(t.write) > limits::MAX_THROUGHPUT;
    for update in updates {
        if !update.is_creation() && update.throughput.as_ref().is_some_and(too_much) {
            return Err(ApiError::validation(
                "This operation cannot be performed with given input values. Please contact \
                 DynamoDB service team for more info: Action Blocked: IndexUpdate",
            ));
        }
    }
    if updates.iter().filter(|u| u.is_online()).count() > 1 {
        return Err(one_at_a_time());
    }
    for update in updates {
        update.check_state(table)?;
    }
    check_online(updates, table)
}

fn one_at_a_time() -> ApiError {
    ApiError::limit_exceeded(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted \
         simultaneously per table",
    )
}

/// Keys of a new index, other indexes being built, the number of indexes.
fn check_online(updates: &[IndexUpdate], table: &TableDefinition) -> Result<()> {
    let Some(update) = updates.iter().find(|u| u.is_online()) else {
        return Ok(());
    };
    match &update.action {
        Action::Create(Err(error)) => return Err(error.clone()),
        Action::Create(Ok((key, _))) => check_redefinition(key, table)?,
        _ => {}
    }
    let busy = |i: &GlobalIndex| i.state != IndexState::Active && i.name != update.name;
    if table.global_indexes.iter().any(busy) {
        return Err(one_at_a_time());
    }
    if update.is_creation() && table.global_indexes.len() >= limits::MAX_GLOBAL_INDEXES {
        return Err(ApiError::limit_exceeded(format!(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table \
             limit of {}",
            limits::MAX_GLOBAL_INDEXES
        )));
    }
    Ok(())
}

/// A key attribute of the new index has the type that it has in other keys.
fn check_redefinition(key: &GlobalKey, table: &TableDefinition) -> Result<()> {
    let hash = key.partition.iter().map(|a| (a, "HASH"));
    for (attribute, kind) in hash.chain(key.sort.iter().map(|a| (a, "RANGE"))) {
        let known = table.attribute_definitions.iter();
        let other = |d: &&KeyAttribute| d.name == attribute.name && d.scalar != attribute.scalar;
        if let Some(existing) = known.clone().find(other) {
            return invalid(format_args!(
                "Attributes cannot be redefined. Please check that your attribute has the same \
                 type as previously defined. Existing schema: Schema:[SchemaElement: \
                 key{{{0}:{1}:{2}}}] New schema: Schema:[SchemaElement: key{{{0}:{3}:{kind}}}]",
                attribute.name,
                existing.scalar.name(),
                table.key_type(&attribute.name),
                attribute.scalar.name()
            ));
        }
    }
    Ok(())
}

impl IndexUpdate {
    fn check_state(&self, table: &TableDefinition) -> Result<()> {
        let (name, table_name) = (&self.name, &table.name);
        // Two spaces where the service has them.
        let place = format!("Table: {table_name} Index: {name}");
        let state = match (table.index(name), &self.action) {
            (None, Action::Create(_)) => return Ok(()),
            (None, _) => return Err(not_found(name, table_name)),
            (Some(IndexRef::Local(_)), Action::Update | Action::Delete) => {
                let verb = if self.is_online() { "delete" } else { "update" };
                return Err(ApiError::validation(format!(
                    "Cannot {verb} an index that is not a GlobalSecondaryIndex: {name}"
                )));
            }
            (Some(index), _) => index.state(),
        };
        match (&self.action, state) {
            (_, IndexState::Deleting) => {
                Err(in_use(format_args!("Index is being deleted.  {place}")))
            }
            (Action::Create(_), IndexState::Active) => Err(ApiError::validation(
                "Attempting to create an index which already exists",
            )),
            (Action::Create(_), _) => Err(in_use(format_args!("Index is being created.  {place}"))),
            (Action::Update, IndexState::Creating) => Err(in_use(format_args!(
                "Index is being created but is not backfilling yet.  {place}"
            ))),
            (Action::Delete, IndexState::Creating) => Err(in_use(format_args!(
                "Index creation is in resource allocation phase. Retry deletion during \
                 backfilling phase or when the index is active. {place}"
            ))),
            _ => Ok(()),
        }
    }

    fn created(
        &self,
        key: &GlobalKey,
        projection: &Projection,
        table: &TableDefinition,
    ) -> Result<GlobalIndex> {
        let (name, owner) = (&self.name, Owner::Index(&self.name));
        match (table.billing_mode, &self.throughput) {
            (BillingMode::PayPerRequest, Some(_)) => {
                return invalid(format_args!(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: \
                     {name} when BillingMode is PAY_PER_REQUEST"
                ));
            }
            (BillingMode::Provisioned, None) => return units_missing(name),
            _ => {}
        }
        if let Some(units) = &self.throughput {
            units::check_provisioned(units)?;
        }
        if let Some(bounds) = &self.on_demand {
            units::check_on_demand_change(bounds, owner, table.billing_mode)?;
        }
        let throughput = self.throughput.unwrap_or_default();
        let warm = match self.warm {
            Some(wanted) => units::initial_warm(wanted, owner, table.billing_mode, &throughput)?,
            None => None,
        };
        Ok(GlobalIndex {
            name: name.clone(),
            partition: key.partition.clone(),
            sort: key.sort.clone(),
            projection: projection.clone(),
            throughput,
            on_demand: self.on_demand,
            warm,
            columns: table.free_columns(),
            state: IndexState::Creating,
        })
    }

    /// `table` has its new billing mode already, and `index` says what it is warm for; `switched`: it had another one.
    fn updated(
        &self,
        index: &GlobalIndex,
        table: &TableDefinition,
        switched: bool,
        now: i64,
    ) -> Result<GlobalIndex> {
        let (name, owner) = (&self.name, Owner::Index(&self.name));
        let warm = table.warm_units_of(index);
        let mut new = index.clone();
        let nothing = self.on_demand.is_none() && self.warm.is_none();
        match (table.billing_mode, &self.throughput) {
            (BillingMode::PayPerRequest, given) if given.is_some() || nothing => {
                return invalid(format_args!(
                    "The only Updates for index: {name} when TableThroughputMode is \
                     PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"
                ));
            }
            (BillingMode::Provisioned, None) if nothing => return units_missing(name),
            (_, None) => {}
            (_, Some(wanted)) if switched => {
                new.throughput = Throughput {
                    read: wanted.read,
                    write: wanted.write,
                    last_increase: Some(now),
                    ..index.throughput
                };
            }
            (_, Some(wanted)) => {
                new.throughput = units::changed_throughput(&index.throughput, wanted, owner, now)?;
            }
        }
        new.warm = units::kept_warm(warm, table.billing_mode, &new.throughput);
        if let Some(bounds) = self.on_demand {
            units::check_on_demand_change(&bounds, owner, table.billing_mode)?;
            new.on_demand = Some(units::merged(index.on_demand, bounds));
        }
        if let Some(warm) = self.warm {
            new.warm = Some(units::warmer(table.warm_units_of(&new), warm, owner)?);
        }
        Ok(new)
    }
}

fn units_missing<T>(index: &str) -> Result<T> {
    invalid(format_args!(
        "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {index}"
    ))
}

/// A table that becomes provisioned needs units for each of its indexes.
fn check_specified(
    updates: &[IndexUpdate],
    old: &TableDefinition,
    new: &TableDefinition,
) -> Result<()> {
    if old.billing_mode == new.billing_mode || new.billing_mode == BillingMode::PayPerRequest {
        return Ok(());
    }
    let left_out = |i: &&GlobalIndex| {
        let mut updates = updates.iter().filter(|u| u.name == i.name);
        !updates.any(|u| u.throughput.is_some() || matches!(u.action, Action::Delete))
    };
    let missing: Vec<&str> = old
        .global_indexes
        .iter()
        .filter(left_out)
        .map(|i| i.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    invalid(format_args!(
        "ProvisionedThroughput must be specified for index: {}",
        missing.join(",")
    ))
}
