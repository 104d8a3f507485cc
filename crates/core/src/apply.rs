//! (request, old item) -> effect. Pure, safe to repeat after a lost race.
use crate::capacity::{Units, WriteUnits, write_collection_metrics, write_consumed};
use crate::expression::{Condition, Projection, Update};
use crate::index::values;
use crate::key::StoredKey;
use crate::partiql::Columns;
use crate::request::options::{ReturnCapacity, ReturnValues, Show};
use crate::table::{TableDefinition, TableRef};
use crate::value::json::write_item;
use crate::value::{Attributes, Item, ItemBuf};
use crate::{ApiError, Result, limits};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a write does to the row that holds the old item.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    Store(ItemBuf),
    Delete,
    /// The item is as the write wants it: nothing is written, and no stream record made.
    Unchanged,
    /// ConditionalCheckFailedException; nothing is stored.
    Refused(ApiError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteKind {
    Put,
    Update,
    Delete,
    /// Asks for its condition and leaves the item alone: the ConditionCheck of a transaction.
    Check,
}

/// What a finished write did: images before and after. An unchanged item has both, equal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub old: Option<ItemBuf>,
    pub new: Option<ItemBuf>,
}

#[derive(Debug)]
pub(crate) enum Action {
    Put(ItemBuf),
    /// None: no UpdateExpression and no AttributeUpdates; a missing item is created with its key alone.
    Update(Option<Update>),
    Delete,
    Check,
}

/// Put, Update or Delete, bound to a table: key and everything `apply` needs.
#[derive(Debug)]
pub struct Write {
    table: TableRef,
    definition: Rc<TableDefinition>,
    key: StoredKey,
    key_attributes: Attributes,
    condition: Option<Condition>,
    action: Action,
    show: Show,
    /// An INSERT: where its condition fails there is such an item already.
    insert: bool,
}

impl Write {
    pub(crate) fn new(
        definition: Rc<TableDefinition>,
        table: TableRef,
        key: StoredKey,
        key_attributes: Attributes,
        condition: Option<Condition>,
        action: Action,
        show: Show,
    ) -> Write {
        Write {
            table,
            definition,
            key,
            key_attributes,
            condition,
            action,
            show,
            insert: false,
        }
    }

    /// A refusal is told as a DuplicateItemException.
    pub(crate) fn refused_as_duplicate(self) -> Write {
        Write {
            insert: true,
            ..self
        }
    }

    pub fn kind(&self) -> WriteKind {
        match self.action {
            Action::Put(_) => WriteKind::Put,
            Action::Update(_) => WriteKind::Update,
            Action::Delete => WriteKind::Delete,
            Action::Check => WriteKind::Check,
        }
    }

    /// The table's name (never an ARN).
    pub fn table(&self) -> &str {
        &self.table.name
    }

    pub fn key(&self) -> &StoredKey {
        &self.key
    }

    pub fn key_attributes(&self) -> &Attributes {
        &self.key_attributes
    }

    pub fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// The item that a Put stores; None for the others.
    pub fn proposed(&self) -> Option<Item<'_>> {
        match &self.action {
            Action::Put(item) => Some(item.as_item()),
            _ => None,
        }
    }

    /// Whether this write may create an item where there is none: a put or an update whose condition
    /// holds on no item. Err: corrupt data only.
    pub fn may_create(&self) -> Result<bool> {
        match self.action {
            Action::Delete | Action::Check => Ok(false),
            // An update that only removes attributes makes no item.
            Action::Update(Some(ref update)) if !update.creates_item() => Ok(false),
            _ => self.holds(None),
        }
    }

    /// Whether `reply` needs the new image, as it was stored.
    pub fn wants_new(&self) -> bool {
        self.show.capacity != ReturnCapacity::None
            || matches!(
                self.show.values,
                ReturnValues::AllNew | ReturnValues::UpdatedNew
            )
    }

    fn holds(&self, old: Option<Item<'_>>) -> Result<bool> {
        match &self.condition {
            None => Ok(true),
            Some(condition) => condition.eval(old),
        }
    }

    /// What to do to the row that holds `old` (None: no row). The condition comes first, then the update,
    /// then the limit of the result; a result with the old bytes is [`Effect::Unchanged`].
    ///
    /// Err: ValidationException for an update that does not fit this item, or corrupt stored bytes.
    /// The same arguments always give the same answer, so a write that lost a race is simply repeated.
    pub fn apply(&self, old: Option<Item<'_>>) -> Result<Effect> {
        if !self.holds(old)? {
            return self.refusal(old).map(Effect::Refused);
        }
        let new = match (&self.action, old) {
            (Action::Delete, Some(_)) => return Ok(Effect::Delete),
            (Action::Delete, None) | (Action::Update(None), Some(_)) | (Action::Check, _) => {
                return Ok(Effect::Unchanged);
            }
            (Action::Update(Some(update)), None) if !update.creates_item() => {
                return Ok(Effect::Unchanged);
            }
            (Action::Put(item), _) if same(old, item) => return Ok(Effect::Unchanged),
            (Action::Put(item), _) => item.clone(),
            (Action::Update(Some(update)), _) => update.apply(old, &self.key_attributes)?,
            (Action::Update(None), None) => ItemBuf::from_attributes(&self.key_attributes),
        };
        // A put's index keys were checked when it was bound.
        if matches!(self.action, Action::Update(_)) {
            values::check_updated(&self.definition, new.as_item())?;
        }
        if same(old, &new) {
            return Ok(Effect::Unchanged);
        }
        // A put was measured when it was parsed.
        if new.as_item().size() > limits::MAX_ITEM_SIZE {
            return Err(crate::expression::too_large());
        }
        Ok(Effect::Store(new))
    }

    /// ConditionalCheckFailedException, with the item when the request asked for it.
    fn refusal(&self, old: Option<Item<'_>>) -> Result<ApiError> {
        let mut error = self.refused(old)?;
        let size = |item: Option<Item<'_>>| item.map_or(0, Item::size);
        error.consumed = Units::of_write(size(old), size(self.proposed()));
        Ok(error)
    }

    fn refused(&self, old: Option<Item<'_>>) -> Result<ApiError> {
        if self.insert {
            return Ok(ApiError::duplicate_item(
                "Duplicate primary key exists in table",
            ));
        }
        let item = match old {
            Some(old) if self.show.old_on_failure => {
                let mut json = String::new();
                write_item(&mut json, old)?;
                Some(json)
            }
            _ => None,
        };
        Ok(ApiError::conditional_check_failed(item))
    }

    /// The larger of the item before and after, in DynamoDB's bytes.
    pub(crate) fn size(&self, outcome: &Outcome) -> usize {
        let size = |item: Option<Item<'_>>| item.map_or(0, Item::size);
        let old = outcome.old.as_ref().map(ItemBuf::as_item);
        let new = outcome.new.as_ref().map(ItemBuf::as_item);
        size(old).max(size(new.or(self.proposed())))
    }

    /// What the write cost, of the table and its indexes together.
    pub fn consumed(&self, outcome: &Outcome) -> Result<Units> {
        let mut units = WriteUnits::default();
        self.add_consumed(outcome, &mut units)?;
        Ok(units.total())
    }

    /// Appends the whole response JSON. Err: corrupt stored bytes.
    pub fn reply(&self, outcome: &Outcome, out: &mut String) -> Result<()> {
        let mut reply = Reply::new(out);
        if let Some(item) = self.attributes(outcome)? {
            reply.item("Attributes", item.as_item())?;
        }
        if self.show.capacity != ReturnCapacity::None {
            let mut units = WriteUnits::default();
            self.add_consumed(outcome, &mut units)?;
            reply.name("ConsumedCapacity");
            units.write(reply.out, &self.table.as_given, self.show.capacity);
        }
        if self.shows_collection() {
            reply.name("ItemCollectionMetrics");
            self.write_collection(reply.out)?;
        }
        reply.end();
        Ok(())
    }

    /// Appends the response of ExecuteStatement: what RETURNING asks for is a list. Err: corrupt stored bytes.
    pub fn statement_reply(&self, outcome: &Outcome, out: &mut String) -> Result<()> {
        out.push_str("{\"Items\":[");
        if let Some(item) = self.attributes(outcome)? {
            write_item(out, item.as_item())?;
        }
        out.push(']');
        if self.show.capacity != ReturnCapacity::None {
            let mut units = WriteUnits::default();
            self.add_consumed(outcome, &mut units)?;
            out.push_str(",\"ConsumedCapacity\":");
            units.write(out, &self.table.as_given, self.show.capacity);
        }
        out.push('}');
        Ok(())
    }

    /// Adds what the write cost.
    pub fn add_consumed<'w>(&'w self, outcome: &Outcome, units: &mut WriteUnits<'w>) -> Result<()> {
        let old = outcome.old.as_ref().map(ItemBuf::as_item);
        let new = outcome.new.as_ref().map(ItemBuf::as_item);
        // A put that is done has left what it proposed; storage need not say so.
        units.add(&self.definition, old, new.or(self.proposed()))
    }

    /// Whether the reply has something to say about the item's collection.
    pub(crate) fn shows_collection(&self) -> bool {
        self.show.metrics && self.has_collection()
    }

    /// Item collections exist only in tables with local indexes.
    pub(crate) fn has_collection(&self) -> bool {
        !self.definition.local_indexes.is_empty()
    }

    /// The metrics of the item's collection.
    pub(crate) fn write_collection(&self, out: &mut String) -> Result<()> {
        let key = ItemBuf::from_attributes(&self.key_attributes);
        write_collection_metrics(out, key.as_item(), &self.definition.key_schema)
    }

    /// The Attributes member of the reply as an item, for SQL callers; None when it is absent.
    pub fn returned(&self, outcome: &Outcome) -> Result<Option<ItemBuf>> {
        Ok(self.attributes(outcome)?.map(Cow::into_owned))
    }

    fn attributes<'o>(&self, outcome: &'o Outcome) -> Result<Option<Cow<'o, ItemBuf>>> {
        let (image, touched) = match self.show.values {
            ReturnValues::None => return Ok(None),
            ReturnValues::AllOld => (&outcome.old, false),
            ReturnValues::UpdatedOld => (&outcome.old, true),
            ReturnValues::AllNew => (&outcome.new, false),
            ReturnValues::UpdatedNew => (&outcome.new, true),
        };
        match (image, &self.action) {
            (Some(image), _) if !touched => Ok(Some(Cow::Borrowed(image))),
            (Some(image), Action::Update(Some(update))) => {
                Ok(update.touched(image.as_item())?.map(Cow::Owned))
            }
            _ => Ok(None),
        }
    }
}

fn same(old: Option<Item<'_>>, new: &ItemBuf) -> bool {
    old.is_some_and(|old| old.bytes() == new.as_item().bytes())
}

/// A GetItem bound to a table.
#[derive(Debug)]
pub struct Read {
    table: TableRef,
    key: StoredKey,
    projection: Option<Projection>,
    columns: Option<Columns>,
    consistent: bool,
    capacity: ReturnCapacity,
}

impl Read {
    pub(crate) fn new(
        table: TableRef,
        key: StoredKey,
        projection: Option<Projection>,
        consistent: bool,
        capacity: ReturnCapacity,
    ) -> Read {
        Read {
            table,
            key,
            projection,
            columns: None,
            consistent,
            capacity,
        }
    }

    /// A SELECT: what it shows has names of its own.
    pub(crate) fn showing(self, columns: Option<Columns>) -> Read {
        Read { columns, ..self }
    }

    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// The table's name (never an ARN).
    pub fn table(&self) -> &str {
        &self.table.name
    }

    pub fn key(&self) -> &StoredKey {
        &self.key
    }

    pub fn consistent(&self) -> bool {
        self.consistent
    }

    pub fn projection(&self) -> Option<&Projection> {
        self.projection.as_ref()
    }

    /// The top-level attributes that are asked for; None: the whole item.
    pub fn attributes_wanted(&self) -> Option<BTreeSet<&str>> {
        self.projection.as_ref().map(Projection::attributes)
    }

    /// What the caller sees of a whole stored item.
    pub fn project(&self, item: Item<'_>) -> Result<Option<ItemBuf>> {
        self.projection
            .as_ref()
            .map(|projection| projection.project(item))
            .transpose()
    }

    /// Appends the whole response JSON for the whole stored item; what reading it cost. Err: corrupt stored bytes.
    pub fn reply(&self, item: Option<Item<'_>>, out: &mut String) -> Result<Units> {
        let size = item.map_or(0, Item::size);
        match item {
            None => self.write(None, size, out),
            Some(item) => match self.project(item)? {
                None => self.write(Some(item), size, out),
                Some(part) => self.write(Some(part.as_item()), size, out),
            },
        }
    }

    /// The same when storage projected already (`Projection::project_with`); `full_size`: [`Item::size`] of the
    /// whole, for the capacity. An item of which nothing was asked for is `Some` of an empty item.
    pub fn reply_projected(
        &self,
        projected: Option<ItemBuf>,
        full_size: usize,
        out: &mut String,
    ) -> Result<Units> {
        self.write(projected.as_ref().map(ItemBuf::as_item), full_size, out)
    }

    fn write(&self, item: Option<Item<'_>>, size: usize, out: &mut String) -> Result<Units> {
        let mut reply = Reply::new(out);
        if let Some(item) = item {
            reply.item("Item", item)?;
        }
        let units = Units::of_read(size, self.consistent);
        if self.capacity != ReturnCapacity::None {
            reply.capacity(&self.table.as_given, units, self.capacity);
        }
        reply.end();
        Ok(units)
    }
}

/// A JSON object being written, member by member.
struct Reply<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Reply<'o> {
    fn new(out: &'o mut String) -> Self {
        out.push('{');
        Reply { out, empty: true }
    }
    fn name(&mut self, name: &str) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }
    fn item(&mut self, name: &str, item: Item<'_>) -> Result<()> {
        self.name(name);
        write_item(self.out, item)
    }
    fn capacity(&mut self, table: &str, units: Units, show: ReturnCapacity) {
        self.name("ConsumedCapacity");
        write_consumed(self.out, table, units, show);
    }
    fn end(self) {
        self.out.push('}');
    }
}
