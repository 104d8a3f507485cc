//! What statements, triggers and constraints on data tables call.

use super::boundary::{CALL_CONVENTION, export, guarded};
use super::report::{OrRaise, raise};
use crate::storage::catalog;
use crate::storage::detoast::ItemDatum;
use crate::storage::pending;
use crate::storage::table::has_our_columns;
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::request::key_of_item;
use pg_dynamo_core::table::{KeyAttribute, KeySchema, ScalarType};
use pg_dynamo_core::{ApiError, Result};
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

fn decide(request: i64, item: ItemDatum) -> bool {
    item.whole()
        .and_then(|item| pending::decide(request, item))
        .or_raise()
}

fn image(request: i64) -> Vec<u8> {
    pending::image(request).or_raise()
}

fn relation_name(table_name: &str) -> String {
    catalog::relation_name(table_name)
}

fn scalar(name: &str) -> ScalarType {
    match name {
        "S" => ScalarType::S,
        "N" => ScalarType::N,
        "B" => ScalarType::B,
        _ => raise(ApiError::corrupt("key type of a data table")),
    }
}

/// The schema that a trigger names by its arguments. It comes with the same few texts for every row, so
/// the last one is kept.
fn schema(partition: (&str, &str), sort: Option<(&str, &str)>) -> Rc<KeySchema> {
    thread_local! {
        static LAST: RefCell<Option<Rc<KeySchema>>> = const { RefCell::new(None) };
    }
    let is = |key: &KeyAttribute, named: (&str, &str)| {
        key.name == named.0 && key.scalar == scalar(named.1)
    };
    let same = |schema: &KeySchema| {
        is(&schema.partition, partition)
            && match (&schema.sort, sort) {
                (Some(key), Some(named)) => is(key, named),
                (None, None) => true,
                _ => false,
            }
    };
    let last = LAST.with_borrow(|last| last.as_ref().filter(|schema| same(schema)).map(Rc::clone));
    if let Some(schema) = last {
        return schema;
    }
    let attribute = |named: (&str, &str)| KeyAttribute {
        name: named.0.to_owned(),
        scalar: scalar(named.1),
    };
    let schema = Rc::new(KeySchema {
        partition: attribute(partition),
        sort: sort.map(attribute),
    });
    LAST.set(Some(Rc::clone(&schema)));
    schema
}

/// A large item stored out of line gives up only its key attributes.
fn key_of(item: ItemDatum, schema: &KeySchema) -> Result<Option<StoredKey>> {
    if !item.sliceable() {
        return StoredKey::of_item(item.whole()?, schema);
    }
    let names = std::iter::once(&schema.partition).chain(&schema.sort);
    let (keys, _) = item.project(&mut |get| {
        let mut found = Vec::new();
        for key in names.clone() {
            if let Some(value) = get(&key.name)? {
                found.push((key.name.as_str(), value));
            }
        }
        let mut parts: Vec<_> = found
            .iter()
            .map(|(name, value)| (*name, value.as_av()))
            .collect();
        pg_dynamo_core::value::ItemBuf::from_parts(&mut parts)
    })?;
    StoredKey::of_item(keys.as_item(), schema)
}

fn matches(pk_hash: i64, pk: &[u8], sk: &[u8], item: ItemDatum, schema: &KeySchema) -> bool {
    if item.sliceable() {
        let key = key_of(item, schema).or_raise();
        return key.is_some_and(|key| key.pk_hash == pk_hash && key.pk == pk && key.sk == sk);
    }
    item.whole()
        .and_then(|item| StoredKey::matches_item(pk_hash, pk, sk, item, schema))
        .or_raise()
}

/// Column numbers of every data table; `dynamo_internal.protect_data_tables` keeps them so.
const PK_HASH: usize = 0;
const PK: usize = 1;
const SK: usize = 2;
const ITEM: usize = 3;

/// Whether the trigger fires as CreateTable's does and its table begins with columns of our layout. Anybody may
/// make triggers of this function, and the event trigger sees no partition whose columns stand in another
/// order: without this, numbers would be read as pointers.
///
/// # Safety
/// `data` is that of a running trigger.
unsafe fn is_ours(data: &pg_sys::TriggerData) -> bool {
    const BEFORE_ROW: u32 = pg_sys::TRIGGER_EVENT_BEFORE | pg_sys::TRIGGER_EVENT_ROW;
    const TIMING: u32 = pg_sys::TRIGGER_EVENT_TIMINGMASK | pg_sys::TRIGGER_EVENT_ROW;
    let operation = data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK;
    if data.tg_event & TIMING != BEFORE_ROW
        || !matches!(
            operation,
            pg_sys::TRIGGER_EVENT_INSERT | pg_sys::TRIGGER_EVENT_UPDATE
        )
    {
        return false;
    }
    // SAFETY: the trigger's relation is open.
    unsafe { has_our_columns(data.tg_relation) }
}

/// Row trigger BEFORE INSERT OR UPDATE. Written against the C interface because it runs for every row:
/// when the keys already are those of the item (as in every write of ours) the tuple passes untouched.
#[unsafe(export_name = "pg_dynamo_derive_keys")]
unsafe extern "C-unwind" fn derive_keys(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo is valid; the context is checked to be trigger data before it is read as such.
    unsafe {
        guarded(|| {
            let context = (*fcinfo).context;
            if context.is_null() || !pgrx::nodes::is_a(context, pg_sys::NodeTag::T_TriggerData) {
                raise(ApiError::validation("derive_keys is a trigger function"));
            }
            let trigger = &*context.cast::<pg_sys::TriggerData>();
            if !is_ours(trigger) {
                raise(ApiError::validation(
                    "derive_keys is for BEFORE INSERT OR UPDATE row triggers on columns pk_hash, pk, sk and item",
                ));
            }
            let is_update =
                trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE;
            let tuple = if is_update {
                trigger.tg_newtuple
            } else {
                trigger.tg_trigtuple
            };
            let descriptor = (*trigger.tg_relation).rd_att;
            pg_sys::Datum::from(with_keys(
                tuple,
                descriptor,
                &trigger_schema(&*trigger.tg_trigger),
            ))
        })
    }
}

#[unsafe(export_name = "pg_finfo_pg_dynamo_derive_keys")]
extern "C" fn derive_keys_info() -> &'static pg_sys::Pg_finfo_record {
    &CALL_CONVENTION
}

/// # Safety
/// `trigger` is a valid trigger whose arguments are C strings.
unsafe fn trigger_schema(trigger: &pg_sys::Trigger) -> Rc<KeySchema> {
    let argument = |position: i16| {
        if position >= trigger.tgnargs {
            return None;
        }
        // SAFETY: `position` is below the number of arguments.
        unsafe { CStr::from_ptr(*trigger.tgargs.add(position as usize)) }
            .to_str()
            .ok()
    };
    match (argument(1), argument(2), argument(3), argument(4)) {
        (Some(name), Some(scalar), None, None) => schema((name, scalar), None),
        (Some(name), Some(scalar), Some(sort), Some(sort_scalar)) => {
            schema((name, scalar), Some((sort, sort_scalar)))
        }
        _ => raise(ApiError::corrupt("arguments of the trigger derive_keys")),
    }
}

/// The tuple itself when its keys are right, otherwise a copy with the keys of its item.
///
/// # Safety
/// `tuple` is described by `descriptor`, whose first columns are ours (`is_ours`).
unsafe fn with_keys(
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    schema: &KeySchema,
) -> pg_sys::HeapTuple {
    // SAFETY: arrays have one entry per column of the descriptor; non-null columns hold their declared types.
    unsafe {
        let columns = usize::try_from((*descriptor).natts).unwrap_or(0);
        let mut values = vec![pg_sys::Datum::null(); columns];
        let mut nulls = vec![true; columns];
        pg_sys::heap_deform_tuple(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        if nulls[ITEM] {
            return tuple;
        }
        let bytes = |datum: pg_sys::Datum| {
            crate::storage::detoast::varlena_bytes(pg_sys::pg_detoast_datum_packed(
                datum.cast_mut_ptr(),
            ))
        };
        let complete = !(nulls[PK_HASH] || nulls[PK] || nulls[SK]);
        if complete
            && matches(
                values[PK_HASH].value() as i64,
                bytes(values[PK]),
                bytes(values[SK]),
                ItemDatum::new(values[ITEM]),
                schema,
            )
        {
            return tuple;
        }
        let item = ItemDatum::new(values[ITEM]);
        let key = match key_of(item, schema).or_raise() {
            Some(key) => key,
            // For what exactly is wrong with it.
            None => {
                item.whole()
                    .and_then(|item| key_of_item(item, schema))
                    .or_raise()
                    .0
            }
        };
        let mut replace = vec![false; columns];
        for (column, value) in [
            (PK_HASH, pg_sys::Datum::from(key.pk_hash)),
            (
                PK,
                pg_sys::Datum::from(pgrx::varlena::rust_byte_slice_to_bytea(&key.pk).into_pg()),
            ),
            (
                SK,
                pg_sys::Datum::from(pgrx::varlena::rust_byte_slice_to_bytea(&key.sk).into_pg()),
            ),
        ] {
            values[column] = value;
            nulls[column] = false;
            replace[column] = true;
        }
        pg_sys::heap_modify_tuple(
            tuple,
            descriptor,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            replace.as_mut_ptr(),
        )
    }
}

export!(decide, image, relation_name,);
