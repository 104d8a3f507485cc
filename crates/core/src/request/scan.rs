//! Scan: reads a whole table or index, or one of the segments it is cut into.
use super::expressions::{self, Parameters};
use super::read_parts::ReadParts;
use super::reading::{ReadOptions, Reading, Select};
use super::start_key::StartKey;
use super::{fields, read_shapes, shape};
use crate::json::Json;
use crate::range::{Access, KeyRange};
use crate::read::{PageRead, ReadKind};
use crate::table::{Account, IndexRef, TableDefinition, TableRef};
use crate::{ApiError, Result};

#[derive(Clone, Debug)]
pub struct ScanRequest {
    reading: Reading,
    segment: Option<Segment>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    total: u64,
}

const PARAMETERS: Parameters = Parameters {
    expressions: &["ProjectionExpression", "FilterExpression"],
    legacy: &["AttributesToGet", "ScanFilter", "ConditionalOperator"],
};

impl ScanRequest {
    /// Everything that can be said without the table.
    /// Err: SerializationException or ValidationException, in DynamoDB's order.
    pub fn parse(request: &Json<'_>, account: &Account) -> Result<Self> {
        shape::check(&read_shapes::SCAN, request)?;
        let table = TableRef::of_request(request, account)?;
        expressions::check_mixture(request, &PARAMETERS)?;
        let select = Select::parse(request, "")?;
        let names = expressions::attributes_to_get(request)?;
        let legacy_filter = expressions::legacy_filter(request, "ScanFilter")?;
        let start = StartKey::parse(request)?;
        let segment = Segment::parse(request)?;
        let compiled = expressions::compile(request)?;
        Ok(ScanRequest {
            segment,
            reading: Reading::new(
                request,
                table,
                select,
                names,
                legacy_filter,
                start,
                compiled,
            ),
        })
    }

    /// The same from the parts a SQL caller gives.
    pub fn from_parts(parts: ReadParts<'_>, account: &Account) -> Result<Self> {
        parts.with_request(|request| Self::parse(request, account))
    }

    pub fn table(&self) -> &TableRef {
        &self.reading.table
    }

    /// What the keys and indexes of the table have to say. Err: ValidationException, in DynamoDB's order.
    pub fn bind(self, table: &TableDefinition, options: ReadOptions) -> Result<PageRead> {
        let ScanRequest { reading, segment } = self;
        let index = reading.index(table, options)?;
        if let (Some(start), Some(index)) = (&reading.start, index) {
            start.check_count(table, Some(index))?;
            let partition = index.partition(table);
            for attribute in partition.iter().chain(index.sort()) {
                start.check_attribute(attribute, partition.contains(attribute))?;
            }
        }
        reading.check_select(table, index)?;
        let range = range(&reading, segment, table, index)?;
        reading.check_projection(table)?;
        reading.check_filter(table)?;
        let kind = ReadKind::Scan {
            segment: segment.map(|segment| (segment.number, segment.total)),
        };
        reading.into_read(kind, table, index, range)
    }
}

fn range(
    reading: &Reading,
    segment: Option<Segment>,
    table: &TableDefinition,
    index: Option<IndexRef<'_>>,
) -> Result<KeyRange> {
    let access = Access::of_index(index);
    let range = match segment {
        None => KeyRange::all(access),
        Some(Segment { number, total }) => KeyRange::of_segment(access, number, total),
    };
    let Some(start) = &reading.start else {
        return Ok(range);
    };
    match index {
        Some(_) => start.check_table_key(table)?,
        None => start.check_table_key_alone(table)?,
    }
    let columns = start.columns(table, index)?;
    if let Some(Segment { number, total }) = segment
        && !range.contains(&columns)
    {
        return Err(ApiError::validation(format!(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
             with correct Segment. TotalSegments: {total} Segment: {number}"
        )));
    }
    Ok(range.after(&columns))
}

impl Segment {
    fn parse(request: &Json<'_>) -> Result<Option<Segment>> {
        let number = fields::number(request, "Segment");
        let total = fields::number(request, "TotalSegments");
        let fault = |text: String| Err(ApiError::validation(text));
        match (number, total) {
            (None, None) => Ok(None),
            (Some(_), None) => fault(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
                    .to_owned(),
            ),
            (None, Some(_)) => fault(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
                    .to_owned(),
            ),
            (Some(number), Some(total)) if number >= total => fault(format!(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: \
                 Segment: {number} is not less than TotalSegments: {total}"
            )),
            // Both were checked to lie in 0 ..= 1,000,000.
            (Some(number), Some(total)) => Ok(Some(Segment {
                number: number.unsigned_abs(),
                total: total.unsigned_abs(),
            })),
        }
    }
}
