//! Arguments that are passed through as they are.

use crate::storage::detoast::ItemDatum;
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
