//! `dynamo.partiql`: the rows of a statement.

use super::boundary::{CALL_CONVENTION, guarded};
use super::datum::VarlenaArray;
use super::item_set::materialized;
use super::named::required;
use crate::op::{self, Caller, Session};
use crate::storage::spi;
use pg_dynamo_core::operation::Operation;
use pg_dynamo_core::request::StatementRequest;
use pg_dynamo_core::value::{Av, AvBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::{FromDatum, pg_sys};

/// Symbol `pg_dynamo_partiql`, see sql/install/partiql.sql.
#[unsafe(export_name = "pg_dynamo_partiql")]
unsafe extern "C-unwind" fn partiql(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: called by the function manager, as a function that returns a set of items.
    unsafe { guarded(|| materialized(fcinfo, |values, emit| rows(values, emit))) }
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_partiql")]
extern "C" fn partiql_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}

/// # Safety
/// `values` are a text and an array of attribute values, alive during the call.
unsafe fn rows(
    values: &[pg_sys::NullableDatum],
    emit: &mut dyn FnMut(pg_sys::Datum),
) -> Result<()> {
    let [text, parameters] = values else {
        return Err(ApiError::internal("dynamo.partiql has two arguments"));
    };
    // SAFETY: by the caller.
    let (text, parameters) = unsafe {
        (
            <&str>::from_datum(text.value, text.isnull),
            VarlenaArray::from_datum(parameters.value, parameters.isnull),
        )
    };
    let session = Session::new(Caller::Sql);
    op::metered(&session, Operation::ExecuteStatement, || {
        let text = required(text, "Statement")?;
        let parameters = values_of(parameters)?;
        let statement = StatementRequest::of_text(text, &parameters, &session.account)?;
        let consumed = op::execute_statement::rows(&session, statement, &mut |item| {
            emit(spi::varlena(item.as_item().bytes()));
        })?;
        Ok(((), consumed))
    })
}

fn values_of(parameters: Option<VarlenaArray>) -> Result<Vec<AvBuf>> {
    let elements = parameters.map_or_else(Vec::new, |array| array.0);
    let elements = elements.into_iter().map(|element| {
        let bytes =
            element.ok_or_else(|| ApiError::validation("parameters must not contain NULL"))?;
        Ok(Av::from_datum(bytes)?.to_owned())
    });
    elements.collect()
}
