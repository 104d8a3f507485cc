//! The derived columns of a row: what its table's trigger says they are, and a tuple that has them.
//!
//! The trigger calls this for every row that is written, the backfill of an index for every row there is.

use super::detoast::{ItemDatum, varlena_bytes};
use super::index::{self, TriggerArguments};
use super::table::columns;
use super::time_to_live;
use pg_dynamo_core::index::IndexSchema;
use pg_dynamo_core::key::StoredKey;
use pg_dynamo_core::request::key_of_item;
use pg_dynamo_core::table::{KeyAttribute, KeySchema, ScalarType};
use pg_dynamo_core::time_to_live::ExpirySchema;
use pg_dynamo_core::value::{Item, ItemBuf};
use pg_dynamo_core::{ApiError, Result};
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// Positions of the first columns of every data table; `dynamo_internal.protect_data_tables` keeps them so.
const PK_HASH: usize = 0;
const PK: usize = 1;
const SK: usize = 2;
const ITEM: usize = 3;

/// How many tables' arguments a backend keeps parsed.
const KEPT: usize = 256;

/// The arguments of one trigger, understood.
pub struct Derivation {
    arguments: Vec<CString>,
    keys: KeySchema,
    indexes: Vec<IndexColumns>,
    expiry: Option<(ExpirySchema, Column)>,
    /// All attributes that columns are derived from.
    attributes: BTreeSet<String>,
}

/// The columns of one index.
struct IndexColumns {
    schema: IndexSchema,
    /// None for a local index.
    pk: Option<Column>,
    sk: Column,
}

/// A column that is known by its name: an owner may have added others before it.
struct Column {
    name: CString,
    kind: pg_sys::Oid,
    /// Where it was found last.
    position: Cell<usize>,
}

thread_local! {
    static DERIVATIONS: RefCell<HashMap<pg_sys::Oid, Rc<Derivation>>> = RefCell::default();
}

impl Derivation {
    /// What `trigger`, of relation `relid`, says. Its arguments are compared with those seen last.
    ///
    /// # Safety
    /// `trigger` is a valid trigger whose arguments are C strings.
    pub unsafe fn of_trigger(
        relid: pg_sys::Oid,
        trigger: &pg_sys::Trigger,
    ) -> Result<Rc<Derivation>> {
        let count = usize::try_from(trigger.tgnargs).unwrap_or(0);
        // SAFETY: as many arguments as the trigger says, each a C string.
        let arguments = (0..count).map(|at| unsafe { CStr::from_ptr(*trigger.tgargs.add(at)) });
        let kept = DERIVATIONS.with_borrow(|all| all.get(&relid).map(Rc::clone));
        if let Some(kept) = kept
            && arguments
                .clone()
                .eq(kept.arguments.iter().map(CString::as_c_str))
        {
            return Ok(kept);
        }
        let parsed = Rc::new(Derivation::parse(arguments.map(CStr::to_owned).collect())?);
        DERIVATIONS.with_borrow_mut(|all| {
            if all.len() >= KEPT {
                all.clear();
            }
            all.insert(relid, Rc::clone(&parsed));
        });
        Ok(parsed)
    }

    fn parse(arguments: Vec<CString>) -> Result<Derivation> {
        let corrupt = || ApiError::corrupt("arguments of the trigger derive_keys");
        let texts: Vec<&str> = arguments
            .iter()
            .map(|text| text.to_str().map_err(|_| corrupt()))
            .collect::<Result<_>>()?;
        let told = TriggerArguments::of(&texts).ok_or_else(corrupt)?;
        let attribute = |(name, scalar): (&str, &str)| {
            let scalar = ScalarType::from_name(scalar).ok_or_else(corrupt)?;
            Ok(KeyAttribute {
                name: name.to_owned(),
                scalar,
            })
        };
        let keys = KeySchema {
            partition: attribute(told.partition)?,
            sort: told.sort.map(attribute).transpose()?,
        };
        let indexes = told.indexes.iter().map(|json| {
            let schema = serde_json::from_str(json).map_err(|_| corrupt())?;
            Ok(IndexColumns::of(schema))
        });
        let indexes: Vec<IndexColumns> = indexes.collect::<Result<_>>()?;
        let expiry = told.expiry.map(|json| {
            let schema: ExpirySchema = serde_json::from_str(json).map_err(|_| corrupt())?;
            let column = Column::named(time_to_live::COLUMN.to_owned(), pg_sys::INT8OID);
            Ok((schema, column))
        });
        let expiry = expiry.transpose()?;
        let of_indexes = indexes.iter().flat_map(|index| index.schema.attributes());
        let of_expiry = expiry.iter().map(|(schema, _)| &schema.time_to_live);
        let attributes = keys
            .attributes()
            .chain(of_indexes)
            .map(|a| &a.name)
            .chain(of_expiry)
            .cloned()
            .collect();
        Ok(Derivation {
            keys,
            indexes,
            expiry,
            attributes,
            arguments,
        })
    }

    /// A copy of `tuple` with the columns of its item; None when it has them.
    ///
    /// # Safety
    /// `tuple` is described by `descriptor`, whose first columns are ours (`table::has_our_columns`).
    pub unsafe fn apply(
        &self,
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
    ) -> Result<Option<pg_sys::HeapTuple>> {
        // SAFETY: by the caller.
        let mut row = unsafe { Row::of(tuple, descriptor) };
        if row.nulls[ITEM] {
            return Ok(None);
        }
        // SAFETY: column 4 is an item, alive as long as the tuple.
        let item = unsafe { ItemDatum::new(row.values[ITEM]) };
        let part = self.relevant(item)?;
        let known = match &part {
            Some(part) => part.as_item(),
            None => item.whole()?,
        };
        self.derive_keys(&mut row, known, item)?;
        for index in &self.indexes {
            // SAFETY: by the caller.
            unsafe { index.derive(&mut row, known, descriptor)? };
        }
        if let Some((schema, column)) = &self.expiry {
            // SAFETY: by the caller.
            let column = unsafe { column.find(descriptor)? };
            let expiry = schema.expiry_of(known)?;
            if row.value(column).map(|datum| datum.value() as i64) != expiry {
                row.set(column, expiry.map(pg_sys::Datum::from));
            }
        }
        // SAFETY: the row was made from this tuple and descriptor.
        Ok(row
            .changed
            .then(|| unsafe { row.into_tuple(tuple, descriptor) }))
    }

    /// A large item stored out of line gives up only the attributes that matter.
    fn relevant(&self, item: ItemDatum) -> Result<Option<ItemBuf>> {
        if !item.sliceable() {
            return Ok(None);
        }
        let (part, _) = item.project(&mut |get| {
            let mut found = Vec::new();
            for name in &self.attributes {
                if let Some(value) = get(name)? {
                    found.push((name.as_str(), value));
                }
            }
            let mut parts: Vec<_> = found
                .iter()
                .map(|(name, value)| (*name, value.as_av()))
                .collect();
            ItemBuf::from_parts(&mut parts)
        })?;
        Ok(Some(part))
    }

    fn derive_keys(&self, row: &mut Row, known: Item<'_>, item: ItemDatum) -> Result<()> {
        if let (Some(hash), Some(pk), Some(sk)) = (row.value(PK_HASH), row.bytes(PK), row.bytes(SK))
            && StoredKey::matches_item(hash.value() as i64, pk, sk, known, &self.keys)?
        {
            return Ok(());
        }
        let key = match StoredKey::of_item(known, &self.keys)? {
            Some(key) => key,
            // For what exactly is wrong with it.
            None => key_of_item(item.whole()?, &self.keys)?.0,
        };
        row.set(PK_HASH, Some(pg_sys::Datum::from(key.pk_hash)));
        row.set_bytes(PK, Some(&key.pk));
        row.set_bytes(SK, Some(&key.sk));
        Ok(())
    }
}

impl IndexColumns {
    fn of(schema: IndexSchema) -> IndexColumns {
        IndexColumns {
            pk: index::partition_column(&schema).map(|name| Column::named(name, pg_sys::BYTEAOID)),
            sk: Column::named(index::sort_column(&schema), pg_sys::BYTEAOID),
            schema,
        }
    }

    /// # Safety
    /// `descriptor` describes the row.
    unsafe fn derive(
        &self,
        row: &mut Row,
        item: Item<'_>,
        descriptor: pg_sys::TupleDesc,
    ) -> Result<()> {
        // SAFETY: by the caller.
        let (pk, sk) = unsafe {
            let pk = self.pk.as_ref().map(|column| column.find(descriptor));
            (pk.transpose()?, self.sk.find(descriptor)?)
        };
        let stored = pk.and_then(|column| row.bytes(column));
        if self.schema.matches(item, stored, row.bytes(sk))? {
            return Ok(());
        }
        let key = self.schema.key_of(item)?;
        if let Some(pk) = pk {
            row.set_bytes(pk, key.as_ref().and_then(|key| key.pk.as_deref()));
        }
        row.set_bytes(sk, key.as_ref().map(|key| key.sk.as_slice()));
        Ok(())
    }
}

impl Column {
    fn named(name: String, kind: pg_sys::Oid) -> Column {
        Column {
            // Made of letters, digits and `_`.
            name: CString::new(name).unwrap_or_default(),
            kind,
            position: Cell::new(0),
        }
    }

    /// Its position, from 0. Err: the table has no such column of its type.
    ///
    /// # Safety
    /// `descriptor` is valid.
    unsafe fn find(&self, descriptor: pg_sys::TupleDesc) -> Result<usize> {
        // SAFETY: by the caller; names are C strings within their arrays.
        let all = unsafe { columns(descriptor) };
        let is_it = |column: &pg_sys::FormData_pg_attribute| {
            // SAFETY: as above.
            let name = unsafe { CStr::from_ptr(column.attname.data.as_ptr()) };
            !column.attisdropped && column.atttypid == self.kind && name == self.name.as_c_str()
        };
        if all.get(self.position.get()).is_some_and(is_it) {
            return Ok(self.position.get());
        }
        let found = all.iter().position(is_it).ok_or_else(|| {
            let name = self.name.to_string_lossy();
            let kind = match self.kind {
                pg_sys::INT8OID => "int8",
                _ => "bytea",
            };
            ApiError::validation(format!(
                "a data table lacks its column {name} of type {kind}"
            ))
        })?;
        self.position.set(found);
        Ok(found)
    }
}

/// The columns of a tuple, some of them replaced.
struct Row {
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    replace: Vec<bool>,
    changed: bool,
}

impl Row {
    /// # Safety
    /// `tuple` is described by `descriptor`.
    unsafe fn of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Row {
        // SAFETY: the arrays have one entry per column.
        unsafe {
            let columns = usize::try_from((*descriptor).natts).unwrap_or(0);
            let mut values = vec![pg_sys::Datum::null(); columns];
            let mut nulls = vec![true; columns];
            pg_sys::heap_deform_tuple(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            Row {
                values,
                nulls,
                replace: vec![false; columns],
                changed: false,
            }
        }
    }

    fn value(&self, column: usize) -> Option<pg_sys::Datum> {
        (!self.nulls[column]).then(|| self.values[column])
    }

    /// A column of type bytea.
    fn bytes<'a>(&self, column: usize) -> Option<&'a [u8]> {
        // SAFETY: the type was checked (`has_our_columns`, `Column::find`). A detoasted copy lives in the current
        // memory context, like the tuple itself: longer than this row.
        self.value(column).map(|datum| unsafe {
            varlena_bytes(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()))
        })
    }

    fn set(&mut self, column: usize, value: Option<pg_sys::Datum>) {
        self.nulls[column] = value.is_none();
        self.values[column] = value.unwrap_or(pg_sys::Datum::null());
        self.replace[column] = true;
        self.changed = true;
    }

    fn set_bytes(&mut self, column: usize, bytes: Option<&[u8]>) {
        self.set(column, bytes.map(super::spi::varlena));
    }

    /// # Safety
    /// As in `of`.
    unsafe fn into_tuple(
        mut self,
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
    ) -> pg_sys::HeapTuple {
        // SAFETY: by the caller.
        unsafe {
            pg_sys::heap_modify_tuple(
                tuple,
                descriptor,
                self.values.as_mut_ptr(),
                self.nulls.as_mut_ptr(),
                self.replace.as_mut_ptr(),
            )
        }
    }
}
