//! Arguments that are passed through as they are.

use crate::storage::detoast::ItemDatum;
use crate::storage::memory;
use pg_dynamo_core::value::ItemBuf;
use pgrx::prelude::*;

/// A value of a type that Rust does not look into: jsonb, numeric.
pub struct Raw(pub pg_sys::Datum);

impl FromDatum for Raw {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        (!is_null).then_some(Raw(datum))
    }
}

impl FromDatum for ItemDatum {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the caller vouches for the type; the datum lives as long as the call.
        (!is_null).then(|| unsafe { ItemDatum::new(datum) })
    }
}

/// The bytes of a varlena, given back when it goes out of scope if they had to be detoasted. Comparisons take
/// this: a sort makes millions of them in one memory context.
pub struct Detoasted {
    given: *mut pg_sys::varlena,
    bytes: *mut pg_sys::varlena,
}

impl FromDatum for Detoasted {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the caller vouches for a varlena that lives as long as the call.
        (!is_null).then(|| unsafe {
            let given = datum.cast_mut_ptr();
            Detoasted {
                given,
                bytes: pg_sys::pg_detoast_datum_packed(given),
            }
        })
    }
}

impl std::ops::Deref for Detoasted {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: detoasted when this was made, freed when it is dropped.
        unsafe { crate::storage::detoast::varlena_bytes(self.bytes) }
    }
}

impl Drop for Detoasted {
    fn drop(&mut self) {
        if self.bytes != self.given {
            // SAFETY: a copy that detoasting made for this value alone.
            unsafe { pg_sys::pfree(self.bytes.cast()) };
        }
    }
}

/// The elements of an array of items, bytea or text; None where one is NULL.
pub struct VarlenaArray(pub Vec<Option<&'static [u8]>>);

impl FromDatum for VarlenaArray {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        let (mut length, mut by_value, mut align) = (0, false, 0);
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: the caller vouches for an array of varlenas; elements and their detoasted copies live in the current
        // memory context, longer than the call.
        unsafe {
            let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
            let element = (*array).elemtype;
            pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
            pg_sys::deconstruct_array(
                array,
                element,
                length.into(),
                by_value,
                align,
                &mut values,
                &mut nulls,
                &mut count,
            );
            let element = |at: usize| {
                (!*nulls.add(at)).then(|| {
                    let value = (*values.add(at)).cast_mut_ptr();
                    crate::storage::detoast::varlena_bytes(pg_sys::pg_detoast_datum_packed(value))
                })
            };
            Some(VarlenaArray(
                (0..usize::try_from(count).unwrap_or(0))
                    .map(element)
                    .collect(),
            ))
        }
    }
}

/// The result of a function that returns a set of items.
pub struct ItemSet(pub Vec<ItemBuf>);

/// A row of as many columns as the function declares.
pub trait Columns<const N: usize> {
    fn into_columns(self) -> [Option<pg_sys::Datum>; N];
}

impl Columns<1> for ItemBuf {
    fn into_columns(self) -> [Option<pg_sys::Datum>; 1] {
        [self.into_bytes().into_datum()]
    }
}

/// # Safety
/// `fcinfo` is the running call of a function that returns a set of rows of these columns.
pub unsafe fn materialize<const N: usize, R: Columns<N>>(
    rows: Vec<R>,
    fcinfo: pg_sys::FunctionCallInfo,
) {
    // SAFETY: the call checks that the caller takes a set; it leaves a tuplestore and its description in the result
    // info. The store copies each row, so what was made for it goes with the context.
    unsafe {
        pg_sys::InitMaterializedSRF(fcinfo, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let result = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        if usize::try_from((*(*result).setDesc).natts) != Ok(N) {
            error!("the SQL declaration of this function has other columns");
        }
        let scratch = memory::child_of(pg_sys::CurrentMemoryContext, c"dynamo rows");
        for row in rows {
            memory::within(scratch, || {
                let columns = row.into_columns();
                let mut values = columns.map(|value| value.unwrap_or(pg_sys::Datum::null()));
                let mut nulls = columns.map(|value| value.is_none());
                pg_sys::tuplestore_putvalues(
                    (*result).setResult,
                    (*result).setDesc,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            });
            pg_sys::MemoryContextReset(scratch);
        }
        pg_sys::MemoryContextDelete(scratch);
    }
}

/// The OUT parameters of a function that returns a record, in their order.
pub struct Row(pub Vec<Option<pg_sys::Datum>>);

impl Row {
    /// # Safety
    /// `fcinfo` is the running call of a function whose OUT parameters these are.
    pub unsafe fn into_record(self, fcinfo: pg_sys::FunctionCallInfo) -> Option<pg_sys::Datum> {
        let mut values: Vec<_> = self
            .0
            .iter()
            .map(|value| value.unwrap_or(pg_sys::Datum::null()))
            .collect();
        let mut nulls: Vec<_> = self.0.iter().map(Option::is_none).collect();
        // SAFETY: the descriptor is that of the declared OUT parameters, as many as there are values.
        unsafe {
            let mut descriptor = std::ptr::null_mut();
            pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut descriptor);
            if descriptor.is_null() || usize::try_from((*descriptor).natts) != Ok(values.len()) {
                error!("the SQL declaration of this function has other OUT parameters");
            }
            let descriptor = pg_sys::BlessTupleDesc(descriptor);
            let tuple =
                pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            Some(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
        }
    }
}
