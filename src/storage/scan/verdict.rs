//! Which index answers a range without a statement.
//!
//! A query is answered from the index alone, so an index of that name that an owner made, with another order or
//! predicate, must not be taken for ours. That is found out once and kept with the table's definition: whatever
//! would change it (making, dropping, renaming, rebuilding an index of the table) invalidates the relation cache's entry
//! of the table, which drops the definition.

use crate::storage::catalog::{DATA_SCHEMA, Table};
use crate::storage::index;
use crate::storage::read;
use crate::storage::table::columns;
use pg_dynamo_core::range::Access;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::ffi::{CStr, CString};

const HELD: i32 = pg_sys::NoLock as i32;
const SHARE: i32 = pg_sys::AccessShareLock as i32;

/// An index that is as we would make it.
#[derive(Clone, Copy)]
pub struct Verdict {
    pub table: pg_sys::Oid,
    pub index: pg_sys::Oid,
}

impl Verdict {
    /// Whether the index may be read now: it is valid, and not one that was built over rows whose keys had changed
    /// without an index, which is not for old snapshots (`indcheckxmin`); the planner knows.
    ///
    /// # Safety
    /// `index` is open.
    pub unsafe fn still_holds(&self, index: pg_sys::Relation) -> bool {
        // SAFETY: an open index has its catalog row.
        let row = unsafe { &*(*index).rd_index };
        row.indrelid == self.table && row.indisvalid && !row.indcheckxmin
    }
}

/// What was found out about the indexes of one table; None: it is not to be read so.
#[derive(Default)]
pub struct Verdicts(RefCell<Vec<(Access, Option<Verdict>)>>);

impl Verdicts {
    /// The index behind `access`; the caller holds a lock on the table.
    pub fn get(&self, table: &Table, access: Access) -> Option<Verdict> {
        let known = self.0.borrow().iter().find(|(a, _)| *a == access).copied();
        if let Some((_, verdict)) = known {
            return verdict;
        }
        let verdict = examine(table, access);
        self.0.borrow_mut().push((access, verdict));
        verdict
    }
}

fn examine(table: &Table, access: Access) -> Option<Verdict> {
    // SAFETY: the table is locked by the caller, so it and an index that is listed can be opened; they are closed again,
    // or by the resource owner after an ERROR.
    unsafe {
        let relation = pg_sys::table_open(table.relid, HELD);
        let found = match access {
            Access::Primary => read::primary_key_index(relation),
            Access::Local { columns } | Access::Global { columns } => {
                named_index(&table.definition.name, columns)
            }
        };
        let verdict = found.and_then(|oid| {
            let index = pg_sys::index_open(oid, SHARE);
            let ours = is_ours(relation, index, access);
            pg_sys::index_close(index, SHARE);
            ours.then_some(Verdict {
                table: table.relid,
                index: oid,
            })
        });
        pg_sys::table_close(relation, HELD);
        verdict
    }
}

fn named_index(table_name: &str, columns: u32) -> Option<pg_sys::Oid> {
    let schema = CString::new(DATA_SCHEMA).ok()?;
    let name = CString::new(index::name(table_name, columns)).ok()?;
    // SAFETY: syscache look-ups by C strings that live through the calls.
    unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        let oid = pg_sys::get_relname_relid(name.as_ptr(), namespace);
        let kind = pg_sys::get_rel_relkind(oid) as u8;
        (oid != pg_sys::InvalidOid && kind == pg_sys::RELKIND_INDEX).then_some(oid)
    }
}

/// Whether `index` is a btree of exactly our key columns in ascending order and, but for the primary key, of the
/// rows whose index key is not null.
///
/// # Safety
/// Both relations are open.
unsafe fn is_ours(table: pg_sys::Relation, index: pg_sys::Relation, access: Access) -> bool {
    // SAFETY: an open index has its catalog row and arrays with an entry for each key column.
    unsafe {
        let row = &*(*index).rd_index;
        let expected = access.columns();
        let width = expected.len();
        if row.indrelid != (*table).rd_id
            || (*(*index).rd_rel).relam != pg_sys::BTREE_AM_OID
            || usize::try_from(row.indnkeyatts) != Ok(width)
        {
            return false;
        }
        let attributes = columns((*table).rd_att);
        let numbers = row.indkey.values.as_slice(width);
        let families = std::slice::from_raw_parts((*index).rd_opfamily, width);
        let options = std::slice::from_raw_parts((*index).rd_indoption, width);
        let keys = expected.iter().zip(numbers).zip(families).zip(options);
        let ordered = keys.into_iter().all(|(((name, number), family), option)| {
            let attribute = usize::try_from(*number)
                .ok()
                .and_then(|number| attributes.get(number.checked_sub(1)?));
            attribute.is_some_and(|attribute| {
                CStr::from_ptr(attribute.attname.data.as_ptr()).to_bytes() == name.as_bytes()
                    && (attribute.atttypid, *family) == type_of(name)
                    && *option == 0
            })
        });
        ordered && predicate_is_ours(index, access, numbers)
    }
}

/// Type and operator family of a key column.
fn type_of(column: &str) -> (pg_sys::Oid, pg_sys::Oid) {
    if column == "pk_hash" {
        (pg_sys::INT8OID, pg_sys::INTEGER_BTREE_FAM_OID)
    } else {
        (pg_sys::BYTEAOID, pg_sys::BYTEA_BTREE_FAM_OID)
    }
}

/// The first nullable key column is not null, and nothing else.
///
/// # Safety
/// `index` is open; `numbers` are the table's columns that it has.
unsafe fn predicate_is_ours(index: pg_sys::Relation, access: Access, numbers: &[i16]) -> bool {
    let nullable = match access {
        Access::Primary => None,
        Access::Local { .. } => numbers.get(2),
        Access::Global { .. } => numbers.first(),
    };
    // SAFETY: a list of expression nodes, each read as what its tag says.
    unsafe {
        let predicate = pg_sys::RelationGetIndexPredicate(index);
        let length = if predicate.is_null() {
            0
        } else {
            (*predicate).length
        };
        let Some(nullable) = nullable else {
            return length == 0;
        };
        if length != 1 {
            return false;
        }
        let test = (*(*predicate).elements)
            .ptr_value
            .cast::<pg_sys::NullTest>();
        if !pgrx::nodes::is_a(test.cast(), pg_sys::NodeTag::T_NullTest) {
            return false;
        }
        let column = (*test).arg.cast::<pg_sys::Var>();
        (*test).nulltesttype == pg_sys::NullTestType::IS_NOT_NULL
            && pgrx::nodes::is_a(column.cast(), pg_sys::NodeTag::T_Var)
            && (*column).varattno == *nullable
    }
}
