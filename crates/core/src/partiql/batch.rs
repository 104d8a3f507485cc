//! The answer of BatchExecuteStatement: of each statement an item or an error, in their order; and what they
//! consumed, table by table.

use super::select::SelectPlan;
use crate::apply::{Outcome, Write};
use crate::capacity::{Consumed, Units, WriteUnits, write_consumed};
use crate::json::write_string;
use crate::read::StoredItem;
use crate::request::options::ReturnCapacity;
use crate::value::ItemBuf;
use crate::value::json::write_item;
use crate::{ApiError, ErrorKind, Result};
use std::rc::Rc;

/// What happened to one statement. The table's name: of those that ran.
#[derive(Debug)]
enum Response {
    Item(String, Option<ItemBuf>),
    Error(Option<String>, ApiError),
}

/// What the statements on one table consumed.
struct TableUnits {
    name: String,
    read: Units,
    /// Of writes that were refused: of the table as a whole.
    refused: Units,
    writes: Vec<(Rc<Write>, Outcome)>,
}

pub struct StatementBatch {
    capacity: ReturnCapacity,
    responses: Vec<Option<Response>>,
    tables: Vec<TableUnits>,
}

impl StatementBatch {
    pub fn new(statements: usize, capacity: ReturnCapacity) -> StatementBatch {
        StatementBatch {
            capacity,
            responses: (0..statements).map(|_| None).collect(),
            tables: Vec::new(),
        }
    }

    fn answer(&mut self, place: usize, response: Response) {
        if let Some(slot) = self.responses.get_mut(place) {
            *slot = Some(response);
        }
    }

    fn table(&mut self, name: &str) -> &mut TableUnits {
        let at = self.tables.iter().position(|table| table.name == name);
        let at = at.unwrap_or_else(|| {
            self.tables.push(TableUnits {
                name: name.to_owned(),
                read: Units::default(),
                refused: Units::default(),
                writes: Vec::new(),
            });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    /// A statement that was refused before it ran. `table`: named where it is the table that fails it.
    pub fn refuse(&mut self, place: usize, table: Option<&str>, error: ApiError) {
        self.answer(place, Response::Error(table.map(str::to_owned), error));
    }

    /// A statement that was refused where it ran.
    pub fn fail(&mut self, place: usize, table: &str, error: ApiError) {
        let units = error.consumed;
        let of_table = self.table(table);
        of_table.refused = of_table.refused + units;
        self.answer(place, Response::Error(Some(table.to_owned()), error));
    }

    /// A SELECT of one item; what it cost.
    pub fn read(
        &mut self,
        place: usize,
        plan: &SelectPlan,
        item: Option<&dyn StoredItem>,
    ) -> Result<Units> {
        let consistent = plan.one_item().is_some_and(|(read, _)| read.consistent());
        let size = item.map_or(Ok(0), |item| item.size())?;
        let shown = match item {
            Some(item) => plan.row(0, item)?,
            None => None,
        };
        let name = plan.table.name.clone();
        let units = Units::of_read(size, consistent);
        let of_table = self.table(&name);
        of_table.read = of_table.read + units;
        self.answer(place, Response::Item(name, shown));
        Ok(units)
    }

    /// A write that is done.
    pub fn wrote(&mut self, place: usize, write: &Rc<Write>, outcome: Outcome) -> Result<()> {
        let item = write.returned(&outcome)?;
        let name = write.table().to_owned();
        self.table(&name).writes.push((Rc::clone(write), outcome));
        self.answer(place, Response::Item(name, item));
        Ok(())
    }

    /// What everything together consumed.
    pub fn consumed(&self) -> Result<Consumed> {
        let mut sum = Consumed::default();
        for table in &self.tables {
            sum.read = sum.read + table.read;
            sum.write = sum.write + table.write_units()?.total();
        }
        Ok(sum)
    }

    /// The whole reply.
    pub fn reply(&self) -> Result<String> {
        let mut out = String::from("{\"Responses\":[");
        for (at, response) in self.responses.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let missing =
                Response::Error(None, ApiError::internal("a statement without an answer"));
            response.as_ref().unwrap_or(&missing).write(&mut out)?;
        }
        out.push(']');
        if self.capacity != ReturnCapacity::None {
            out.push_str(",\"ConsumedCapacity\":[");
            for (at, table) in self.tables.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                table.write(&mut out, self.capacity)?;
            }
            out.push(']');
        }
        out.push('}');
        Ok(out)
    }
}

impl TableUnits {
    fn write_units(&self) -> Result<WriteUnits<'_>> {
        let mut units = WriteUnits::default();
        for (write, outcome) in &self.writes {
            write.add_consumed(outcome, &mut units)?;
        }
        units.charge(self.refused);
        Ok(units)
    }

    fn write(&self, out: &mut String, show: ReturnCapacity) -> Result<()> {
        if self.writes.is_empty() {
            write_consumed(out, &self.name, self.read + self.refused, show);
            return Ok(());
        }
        self.write_units()?.write(out, &self.name, show);
        Ok(())
    }
}

impl Response {
    fn write(&self, out: &mut String) -> Result<()> {
        out.push('{');
        let table = match self {
            Response::Item(table, item) => {
                if let Some(item) = item {
                    out.push_str("\"Item\":");
                    write_item(out, item.as_item())?;
                    out.push(',');
                }
                Some(table)
            }
            Response::Error(table, error) => {
                write_error(out, error);
                if table.is_some() {
                    out.push(',');
                }
                table.as_ref()
            }
        };
        if let Some(table) = table {
            out.push_str("\"TableName\":");
            write_string(out, table);
        }
        out.push('}');
        Ok(())
    }
}

/// `"Error":{"Code":…,"Message":…,"Item":…}`
fn write_error(out: &mut String, error: &ApiError) {
    out.push_str("\"Error\":{\"Code\":");
    write_string(out, code(error.kind));
    if !error.message.is_empty() {
        out.push_str(",\"Message\":");
        write_string(out, &error.message);
    }
    for (name, json) in error.extra.iter().filter(|(name, _)| *name == "Item") {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(json);
    }
    out.push('}');
}

/// BatchStatementErrorCodeEnum of the service model.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConditionalCheckFailed => "ConditionalCheckFailed",
        ErrorKind::ItemCollectionSizeLimitExceeded => "ItemCollectionSizeLimitExceeded",
        ErrorKind::RequestLimitExceeded => "RequestLimitExceeded",
        ErrorKind::Validation => "ValidationError",
        ErrorKind::ProvisionedThroughputExceeded => "ProvisionedThroughputExceeded",
        ErrorKind::TransactionConflict => "TransactionConflict",
        ErrorKind::Throttling => "ThrottlingError",
        ErrorKind::ResourceNotFound => "ResourceNotFound",
        ErrorKind::AccessDenied => "AccessDenied",
        ErrorKind::DuplicateItem => "DuplicateItem",
        _ => "InternalServerError",
    }
}
